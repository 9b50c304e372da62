"""`duskwatch transit`: whom a country, a network or a prefix depends on, and what changed when it was lost."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from duskwatch.cli.download_options import (
    CacheOption,
    JobsOption,
    MaxCacheOption,
    MirrorOption,
    OfflineOption,
    ReferenceMirrorOption,
)
from duskwatch.cli.entities import entity_named
from duskwatch.cli.fetching import Fetching
from duskwatch.cli.frames import check_format, plain_rows, table_text, write_frames
from duskwatch.cli.options import CollectorOption, GeoOption, MrtOption, fail, reading_progress, unusable_input
from duskwatch.records.entity import Entity
from duskwatch.records.times import HOUR, MINUTE, SECOND, iso, parse_time

if TYPE_CHECKING:
    from duskwatch.analysis.transit import Transit, Weighing
    from duskwatch.cli.transit_frames import Rows

SCHEMA = "duskwatch.transit/1"
SHOWN = ("hegemony", "series", "networks", "links", "failures", "changes", "withdrawals", "others")
OF_WINDOWS = ("series", "changes", "withdrawals", "others")
WEIGHTS = ("addresses", "users", "equal")
TABLES = ("table", "origins")
AHEAD = SECOND  # a moment's archives are those of the second after it


def command(
    entity: Annotated[
        str,
        typer.Argument(
            help='KP or "North Korea", AS131279, 175.45.176.0/22; `table` for the whole table, '
            "`origins` for each network in it."
        ),
    ],
    at: Annotated[str | None, typer.Option("--at", help="A moment: 2014-12-22T12:00Z.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Or the start of a window.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="End of the window (not part of it).")] = None,
    mrt: MrtOption = None,
    collector: CollectorOption = None,
    geo: GeoOption = None,
    as_names: Annotated[
        list[Path] | None,
        typer.Option("--as-names", help="Names of AS numbers: JSON, CSV or RIPE's asn.txt. Repeatable."),
    ] = None,
    weights: Annotated[
        str, typer.Option("--weights", help="Networks of a country weigh by addresses, by users, or equal.")
    ] = "addresses",
    users: Annotated[
        list[Path] | None,
        typer.Option("--users", help="Users by network, as APNIC publishes them: CSV or JSON. Repeatable."),
    ] = None,
    transit_only: Annotated[
        bool, typer.Option("--transit-only", help="Leave out what networks depend on themselves for.")
    ] = False,
    address_family: Annotated[
        int, typer.Option("--family", help="4 (IPv4, by addresses) or 6 (IPv6, by prefixes).")
    ] = 4,
    others: Annotated[
        bool,
        typer.Option("--others", help="Of a window: who else was behind the AS that was lost. Reads whole tables."),
    ] = False,
    show: Annotated[
        list[str] | None,
        typer.Option("--show", help=f"Only this: {', '.join(SHOWN)}. Repeatable; csv, jsonl and parquet hold one."),
    ] = None,
    top: Annotated[int, typer.Option("--top", help="Rows of each table on the terminal; 0: all.")] = 10,
    bin_seconds: Annotated[int, typer.Option("--bin", help="Length of a bin in seconds, 60 to 3600.")] = 300,
    threads: Annotated[int, typer.Option("--threads", help="1, or more to unpack beside the reading.")] = 2,
    format_: Annotated[str, typer.Option("--format", help="table, csv, json, jsonl or parquet.")] = "table",
    json_: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Write here; parquet needs it.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar, no notes.")] = False,
    mirror: MirrorOption = None,
    reference_mirror: ReferenceMirrorOption = None,
    cache: CacheOption = None,
    max_cache: MaxCacheOption = None,
    jobs: JobsOption = 4,
    offline: OfflineOption = False,
) -> None:
    """Tell whom a country, a network or a prefix depends on: at a moment, or through a window.

    AS hegemony as IIJ publishes it; the links by which a country is entered; single points of failure. Of a window
    also which ways were lost and came back, to the second, and who withdrew first.

    Examples:

    duskwatch transit KP --at 2014-12-22T12:00Z --mrt out/demo/mrt --geo out/demo/delegated-nro-extended-20141218

    duskwatch transit KP --from 2014-12-22T15:00Z --until 2014-12-23T03:00Z --mrt out/demo/mrt \\
    --geo out/demo/delegated-nro-extended-20141218 --show changes

    duskwatch transit AS131279 --at 2014-12-22T12:00Z --mrt out/demo/mrt --format csv

    Exit code 1: nothing of it was reached by anybody who votes, or files are damaged.
    """
    with unusable_input("transit"):
        format_ = check_format("transit", format_, json_, out)
        wanted = _wanted(show, format_)
        window = _window(at, from_, until)
        if weights not in WEIGHTS:
            fail("transit", f"--weights {weights}: one of {', '.join(WEIGHTS)}")
        if (weights == "users") != bool(users):
            fail("transit", "--weights users and --users FILE go together")
        if address_family not in (4, 6):
            fail("transit", f"--family {address_family}: 4 or 6")
        if not MINUTE <= bin_seconds * SECOND <= HOUR:
            fail("transit", f"--bin {bin_seconds}: bins last 60 to 3600 seconds")
        if threads < 1 or top < 0:
            fail("transit", f"--threads {threads} --top {top}: at least 1, and at least 0")
        if not mrt and not collector:
            fail("transit", "no input: give --mrt with a file or folder of MRT archives, or --collector to fetch them")
        if others and at is not None:
            fail("transit", "--others is for a window: give --from and --until")
        for path in [*(mrt or []), *(geo or []), *(as_names or []), *(users or [])]:
            if not path.exists():
                fail("transit", f"{path}: no such file or folder")
        whole = entity.strip().lower() in TABLES
        what = None if whole else entity_named(entity)
        if whole and at is None:
            fail("transit", f"{entity} is told of a moment: give --at")
        for one in wanted:
            if at is not None and one in OF_WINDOWS:
                fail("transit", f"--show {one} is of a window: give --from and --until")
            if (one == "networks" and (what is None or what.type != "country")) or (whole and one != "hegemony"):
                fail("transit", f"--show {one}: there is none of {entity}")
            if one == "others" and not others:
                fail("transit", "--show others needs --others")
        fetching = Fetching(
            mirror or (), reference_mirror or (), cache, max_cache, jobs, offline, quiet, command="transit"
        )
        if what is not None:
            fetching.check(what, () if mrt else collector or (), geo=bool(geo))
            if what.type == "country" and not geo:
                geo = fetching.delegations(window[0])
        if not mrt:
            mrt = fetching.archives(collector or (), *window)
            collector = None
        from duskwatch.analysis.replay import Reading
        from duskwatch.analysis.transit import Weighing, transit_at, transit_of_table, transit_over

        names = _names(as_names)
        said: dict[str, Any] = {"collectors": collector or (), "mrt": mrt}
        with reading_progress(quiet or format_ != "table") as progress:
            reading = Reading(threads, progress=progress)
            if what is None:
                scores, replay = transit_of_table(
                    window[0],
                    each=entity.strip().lower() == "origins",
                    address_family=address_family,
                    reading=reading,
                    **said,
                )
                _print_scores(scores, names, format_, out, top, window[0])
                damaged = any(file.damage for file in replay.inputs)
                anything = bool(len(scores.scope))
                warnings = replay.warnings
            else:
                of_users, notes = _users(users, what)
                how = Weighing(address_family, of_users, weights == "equal", transit_only)
                said |= {"geo": geo or (), "how": how, "reading": reading}
                if at is not None:
                    found = transit_at(what, window[0], **said)
                else:
                    found = transit_over(what, *window, bin_us=bin_seconds * SECOND, others=others, **said)
                damaged = any(file.damage for file in found.replay.inputs)
                anything = bool(found.before.hegemony or found.changes or (found.after and found.after.hegemony))
                warnings = (*found.warnings, *notes)
        if not quiet:
            for text in (*fetching.warnings, *warnings):
                print(f"duskwatch transit: {text}", file=sys.stderr)
        if what is not None:
            from duskwatch.cli.transit_frames import Rows

            found = replace(found, warnings=warnings)
            _print(found, Rows(found, names), how, weights, format_, out, wanted, top)
    if not anything:
        print("duskwatch transit: nobody who votes reached any of it, so nothing can be said", file=sys.stderr)
    if not anything or damaged or fetching.failed:
        sys.exit(1)


def _wanted(show: list[str] | None, format_: str) -> list[str]:
    for one in show or []:
        if one not in SHOWN:
            fail("transit", f"--show {one}: one of {', '.join(SHOWN)}")
    if format_ in ("csv", "jsonl", "parquet") and len(show or []) > 1:
        fail("transit", f"--format {format_} holds one table; name one with --show")
    return show or []


def _window(at: str | None, from_: str | None, until: str | None) -> tuple[int, int]:
    if at is not None:
        if from_ is not None or until is not None:
            fail("transit", "--at is a moment, --from and --until a window; take one")
        moment = parse_time(at)
        return moment, moment + AHEAD
    if from_ is None or until is None:
        fail("transit", "when? give --at, or --from and --until")
    window = parse_time(from_), parse_time(until)
    if not window[0] < window[1]:
        fail("transit", f"--until {until} is not after --from {from_}")
    return window


def _names(paths: list[Path] | None) -> Mapping[int, str]:
    from duskwatch.sources.reference.asnames import load_as_names

    return load_as_names(paths).names if paths else {}


def _users(paths: list[Path] | None, entity: Entity) -> tuple[dict[int, float] | None, tuple[str, ...]]:
    """Users by AS of the country, and what of the tables a reader should know."""
    if not paths:
        return None, ()
    from duskwatch.sources.reference.users import load_users

    table = load_users(paths)
    of_entity = {asn: count for (country, asn), count in table.by_network.items() if country == entity.code}
    if not of_entity:
        fail("transit", f"{', '.join(str(path) for path in paths)}: no users of networks of {entity.code}")
    return of_entity, table.notes


def _print_scores(
    scores: Any, names: Mapping[int, str], format_: str, out: Path | None, top: int, time_us: int
) -> None:
    from duskwatch.cli.transit_frames import score_frame

    frame = score_frame(scores, names)
    if format_ == "table" and top and out is None:
        frame = frame.head(top) if len(scores.scopes) < 2 else frame.group_by("origin", maintain_order=True).head(3)
    write_frames([frame], format_, out, lambda: {"at": iso(time_us), "peers": scores.voices}, SCHEMA)


def _print(
    found: "Transit",
    rows: "Rows",
    how: "Weighing",
    weights: str,
    format_: str,
    out: Path | None,
    wanted: list[str],
    top: int,
) -> None:
    there = rows.there if found.series is None else (*rows.there, "series")

    def frame(what: str, rows_at_most: int = 0) -> Any:
        return rows.series() if what == "series" else rows.frame(what, rows_at_most)

    if format_ in ("csv", "jsonl", "parquet"):
        default = "hegemony" if found.series is None else "series"
        write_frames([frame((wanted or [default])[0])], format_, out, dict, SCHEMA)
        return
    if format_ == "json":
        document = _about(found, how, weights) | {what: plain_rows(frame(what)) for what in wanted or there}
        text: Iterator[str] = iter([json.dumps(document, indent=1) + "\n"])
    else:
        unit = "/24s" if how.address_family == 4 else "prefixes"
        text = _sections(found, rows, frame, wanted or [what for what in there if what != "series"], top, unit)
    if out is None:
        sys.stdout.writelines(text)
        return
    from duskwatch.sources.bgp.formats.whole_file import whole_file

    with whole_file(out) as path:
        path.write_text("".join(text), encoding="utf-8")


def _sections(found: "Transit", rows: "Rows", frame: Any, wanted: list[str], top: int, unit: str) -> Iterator[str]:
    from duskwatch.cli.transit_frames import TITLES

    for one in [found.before] if found.after is None else [found.before, found.after]:
        yield (
            f"{found.entity.code} at {iso(one.time_us)}: {one.visible:g} {unit} visible; "
            f"{one.reaching} of {one.peers} peer ASes reach it\n"
        )
    for what in wanted:
        shown = frame(what, top if found.series is None else 0)
        if found.series is not None and top and "time" in shown.columns and what in ("hegemony", "networks", "links"):
            shown = shown.group_by("time", maintain_order=True).head(top)
        if what == "withdrawals" and top:
            shown = rows.worst_withdrawals().head(top)
        title = TITLES.get(what, "AS hegemony in bins").format(behind=found.others_behind)
        yield f"\n{title}\n"
        yield table_text(shown) if shown.height else "none\n"


def _about(found: "Transit", how: "Weighing", weights: str) -> dict[str, Any]:
    """What a JSON document says beside its rows."""
    out: dict[str, Any] = {"schema": SCHEMA, "entity": {"type": found.entity.type, "code": found.entity.code}}
    if found.after is None:
        out["at"] = iso(found.before.time_us)
    else:
        out |= {"from": iso(found.replay.from_us), "until": iso(found.replay.until_us)}
    out |= {
        "family": how.address_family,
        "unit": "/24s" if how.address_family == 4 else "prefixes",
        "weights": weights if found.entity.type == "country" else None,
        "transit_only": how.transit_only,
        "learned": found.learned,
        "collectors": [part.collector for part in found.replay.parts],
        "moments": [
            {"time": iso(one.time_us), "visible": one.visible, "peers": one.peers, "reaching": one.reaching}
            for one in ([found.before] if found.after is None else [found.before, found.after])
        ],
        "warnings": list(found.warnings),
    }
    if found.after is not None:
        out["outages"] = [
            {"onset": iso(one.onset.best_us), "end": iso(one.end.best_us) if one.end else None} for one in found.outages
        ]
        out["others_behind"] = found.others_behind or None
    return out
