"""`duskwatch analyze`: archives of a window into a report on one entity."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from duskwatch.cli.beside import Beside, explained_beside
from duskwatch.cli.download_options import (
    CacheOption,
    JobsOption,
    MaxCacheOption,
    MirrorOption,
    OfflineOption,
    ReferenceMirrorOption,
)
from duskwatch.cli.downloading import bytes_of
from duskwatch.cli.entities import entity_named
from duskwatch.cli.exit_codes import NONE, OUTAGE, UNSURE, ExitCodeOption, code_of
from duskwatch.cli.fetching import Fetching
from duskwatch.cli.options import CollectorOption, GeoOption, MrtOption, fail, reading_progress, unusable_input
from duskwatch.records.entity import Entity
from duskwatch.records.times import HOUR, MINUTE, SECOND, parse_time

if TYPE_CHECKING:
    from duskwatch.records.report import Report
    from duskwatch.sources.tables import SeriesOptions

SIGNAL_HELP = (
    "What a fall of a signal of --series says, where its name does not: reach (less can be reached), arriving (less "
    "comes from all of the entity), passive (one service sees less), updates (much is instability), none (less is no "
    "loss). Repeatable."
)


def command(
    entity: Annotated[
        str, typer.Argument(help='KP or "North Korea" (country), AS131279 (network) or 175.45.176.0/22 (prefix).')
    ],
    from_: Annotated[
        str | None,
        typer.Option("--from", help="Start of the window: 2014-12-22T00:00Z, 2014-12-22. Without: that of the series."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="End of the window (not part of it). Without: that of the series.")
    ] = None,
    mrt: MrtOption = None,
    collector: CollectorOption = None,
    series: Annotated[
        list[Path] | None,
        typer.Option(
            "--series",
            help="Signals measured by others: CSV, Parquet or JSON, exports and answers of IODA. Repeatable.",
        ),
    ] = None,
    geo: GeoOption = None,
    as_names: Annotated[
        list[Path] | None,
        typer.Option("--as-names", help="Names of AS numbers: JSON, CSV or RIPE's asn.txt. Repeatable."),
    ] = None,
    neighbours: Annotated[
        bool,
        typer.Option(
            "--neighbours",
            help="Also the same window of others: behind the same upstream, nearby, controls. Reads whole tables.",
        ),
    ] = False,
    out: Annotated[Path, typer.Option("--out", help="Folder for report.html and report.json.")] = Path("out"),
    bin_seconds: Annotated[int, typer.Option("--bin", help="Length of a bin in seconds, 60 to 3600.")] = 300,
    threads: Annotated[
        int, typer.Option("--threads", help="1, or more to unpack the next files beside the reading.")
    ] = 2,
    memory: Annotated[
        str | None, typer.Option("--memory", help="What unpacking ahead may take: 200M. Else a file for each thread.")
    ] = None,
    png: Annotated[bool, typer.Option("--png", help="Also write the timeline as timeline.png.")] = False,
    news: Annotated[
        list[Path] | None, typer.Option("--news", help="Article or statement to compare with the result. Repeatable.")
    ] = None,
    rpki: Annotated[
        list[Path] | None,
        typer.Option("--rpki", help="Validated payloads of the day (rpki-client, Routinator, RIPE): JSON, CSV."),
    ] = None,
    users: Annotated[
        list[Path] | None, typer.Option("--users", help="Internet users by AS, as APNIC publishes them: CSV, JSON.")
    ] = None,
    online: Annotated[
        list[Path] | None, typer.Option("--online", help="Share of people online by country: CSV.")
    ] = None,
    facts: Annotated[
        list[Path] | None, typer.Option("--facts", help="What else is known of the outage, with sources: TOML.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Your weights of causes over those that come along: TOML.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print report.json instead of the summary.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing; the files and the exit code tell.")] = False,
    mirror: MirrorOption = None,
    reference_mirror: ReferenceMirrorOption = None,
    cache: CacheOption = None,
    max_cache: MaxCacheOption = None,
    jobs: JobsOption = 4,
    offline: OfflineOption = False,
    time_column: Annotated[str | None, typer.Option("--time-column", help="Of --series: the column of times.")] = None,
    value_column: Annotated[str | None, typer.Option("--value-column", help="Of --series: that of values.")] = None,
    signal_column: Annotated[str | None, typer.Option("--signal-column", help="Of --series: names of signals.")] = None,
    entity_column: Annotated[str | None, typer.Option("--entity-column", help="Of --series: that of entities.")] = None,
    signal: Annotated[list[str] | None, typer.Option("--signal", metavar="NAME=ROLE", help=SIGNAL_HELP)] = None,
    exit_code: ExitCodeOption = False,
) -> None:
    """Tell when a country, a network or a prefix could not be reached.

    Reads MRT archives of any number of collectors (RIPE RIS, Route Views, your own routers), replays them and
    reports each outage: onset, phases, end and duration, each with the interval it is known to lie in.

    Examples:

    duskwatch analyze KP --from 2014-12-22 --until 2014-12-24 --collector rrc00 --collector route-views.sg

    duskwatch analyze DJ --from 2008-02-19 --until 2008-02-19T18:00 --mrt route-views2/ \\
    --geo delegated-afrinic-extended-20160130 --out dj

    duskwatch analyze IQ --series iraq-2023.csv

    The first fetches what it needs; the second uses no network. The third reads what others measured, by itself; with
    --mrt or --collector both are told as one. Which addresses are a country's is fetched from the
    registries, as it was on the day, where no --geo is given.
    """
    with unusable_input("analyze"):
        what = entity_named(entity)
        from_us = parse_time(from_) if from_ is not None else None
        until_us = parse_time(until) if until is not None else None
        if from_us is not None and until_us is not None and not from_us < until_us:
            fail("analyze", f"--until {until} is not after --from {from_}")
        if not mrt and not collector and not series:
            fail(
                "analyze",
                "no input: give --mrt with a file or folder of MRT archives, --collector to fetch them, "
                "or --series with signals of others",
            )
        if not MINUTE <= bin_seconds * SECOND <= HOUR:
            fail("analyze", f"--bin {bin_seconds}: bins last 60 to 3600 seconds")
        if threads < 1:
            fail("analyze", f"--threads {threads}: at least 1")
        budget = bytes_of(memory) if memory else 0
        beside = Beside(rpki or (), users or (), online or (), facts or (), (weights,) if weights else ())
        for path in [*(mrt or []), *(series or []), *(geo or []), *(as_names or []), *(news or []), *beside.files()]:
            if not path.exists():
                fail("analyze", f"{path}: no such file or folder")
        for path in series or []:
            if path.is_dir():
                fail("analyze", f"--series {path} is a folder; name files")
        if out.exists() and not out.is_dir():
            fail("analyze", f"--out {out} is a file; name a folder")
        columns = (time_column, entity_column, signal_column, value_column)
        if any(columns) and not series:
            fail("analyze", "--time-column and its like are for --series")
        if signal and not series:
            fail("analyze", "--signal is for --series")
        options = _series_options(columns, signal or ()) if series else None
        if neighbours and not mrt and not collector:
            fail("analyze", "--neighbours reads routes: give --mrt or --collector")
        if series and options is not None and not mrt and not collector:
            report = _series_alone(what, series, from_us, until_us, options, out, json_, png, news, quiet, beside)
            _end(_code(report, exit_code))
            return
        if from_us is None or until_us is None:
            fail("analyze", "archives need a window: give --from and --until")
        fetching = Fetching(mirror or (), reference_mirror or (), cache, max_cache, jobs, offline, quiet or json_)
        # What can be wrong with the command line is said before anything is fetched.
        fetching.check(what, () if mrt else collector or (), geo=bool(geo))
        if what.type == "country" and not geo:
            geo = fetching.delegations(from_us)
            as_names = as_names or fetching.as_names()
        if not mrt:
            mrt = fetching.archives(collector or (), from_us, until_us)
            collector = None
        from duskwatch.analysis.entity import analyze

        with reading_progress(quiet or json_) as progress:
            report = analyze(
                what,
                from_us,
                until_us,
                mrt,
                geo=geo or (),
                as_names=as_names or (),
                collectors=collector or (),
                bin_us=bin_seconds * SECOND,
                threads=threads,
                memory=budget,
                neighbours=neighbours,
                progress=progress,
            )
        if series and options is not None:
            from duskwatch.analysis.foreign import with_series

            report = with_series(report, series, options)
        from duskwatch.cli.output import deliver

        if fetching.warnings:
            report = replace(report, warnings=(*fetching.warnings, *report.warnings))
        deliver(explained_beside(report, beside), out, as_json=json_, png=png, news=news, quiet=quiet)
    lacking = fetching.failed or any(file.damage for file in report.inputs)
    _end(_code(report, exit_code, bool(lacking)))


def _end(code: int) -> None:
    if code:
        sys.exit(code)


def _code(report: "Report", asked: bool, lacking: bool = False) -> int:
    """The exit code: 1 where a report without an outage is no all-clear, as nothing of the window could be judged, or
    where input was ``lacking``; what --exit-code says where that was ``asked`` for."""
    from duskwatch.publication.not_judged import nothing_judged, part_judged

    if not asked:
        return int(lacking or (not report.outages and nothing_judged(report)))
    if not report.outages and (lacking or part_judged(report) or nothing_judged(report)):
        return UNSURE
    return code_of(bool(report.outages), report.judged) if report.judged else OUTAGE if report.outages else NONE


def _series_alone(
    entity: Entity,
    series: list[Path],
    from_us: int | None,
    until_us: int | None,
    options: "SeriesOptions",
    out: Path,
    as_json: bool,
    png: bool,
    news: list[Path] | None,
    quiet: bool,
    beside: Beside,
) -> "Report":
    from duskwatch.analysis.foreign import analyze_series
    from duskwatch.cli.output import deliver

    report = analyze_series(entity, series, from_us, until_us, options)
    deliver(explained_beside(report, beside), out, as_json=as_json, png=png, news=news, quiet=quiet)
    return report


def _series_options(
    columns: tuple[str | None, str | None, str | None, str | None], signal: Sequence[str]
) -> "SeriesOptions":
    from duskwatch.sources.tables import SeriesOptions, said_roles

    return SeriesOptions(*columns, roles=said_roles(signal))
