"""`duskwatch probe`: what other people's probes tell of networks and countries."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from duskwatch.cli.listing import FORMAT_HELP, listing_format, print_rows
from duskwatch.cli.options import fail, unusable_input
from duskwatch.records.text import printable
from duskwatch.records.times import SECOND, iso, span_text

if TYPE_CHECKING:
    from duskwatch.records.entries import EntryCount
    from duskwatch.records.probes import Burst, ProbeBursts

COMMAND = "probe bursts"
SCHEMA = "duskwatch.bursts/1"
COLUMNS = {
    "entity": ("entity", False),
    "kind": ("kind", False),
    "from": ("from", False),
    "until": ("until", False),
    "left": ("left", True),
    "connected": ("of", True),
    "lasting": ("away 30 min", True),
    "away": ("away, median", True),
    "why": ("why", False),
}

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Read other people's probes. No probe is sent.",
)


@app.callback()
def probe() -> None:
    """Keep `bursts` a command of its own, however many there are."""


@app.command()
def bursts(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Connection logs of RIPE Atlas (measurement 7000): a JSON array or an event a line; gz too.",
            show_default=False,
        ),
    ],
    country: Annotated[
        str, typer.Option("--country", help="All probes of the files are in this country: KE.", show_default=False)
    ] = "",
    probe_list: Annotated[
        Path | None,
        typer.Option("--probe-list", help="RIPE Atlas's list of probes: which is in which country."),
    ] = None,
    kind: Annotated[
        str, typer.Option("--kind", help="Only outages (with partial ones), artefacts or unclear ones.")
    ] = "",
    format_: Annotated[str, typer.Option("--format", help=FORMAT_HELP)] = "table",
    json_: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
) -> None:
    """List where probes of a network or a country left together, and whether that was an outage or the platform itself.

    Exit code 1: an entry could not be read, or nothing could be judged.

    Example: duskwatch probe bursts ke.dat --country KE
    """
    with unusable_input(COMMAND):
        format_ = listing_format(COMMAND, format_, json_)
        if kind not in ("", "outages", "artefacts", "unclear"):
            fail(COMMAND, f"--kind {kind[:20]}: one of outages, artefacts, unclear")
        if country and probe_list:
            fail(COMMAND, "give --country or --probe-list, not both")
        code = country.strip().upper()
        if country and not (len(code) == 2 and code.isascii() and code.isalpha()):
            fail(COMMAND, f"--country {country[:20]}: write two letters, like KE")
        from duskwatch.signals.probing.bursts import find_bursts
        from duskwatch.sources.probing.connections import read_connections
        from duskwatch.sources.probing.probe_list import read_probe_countries

        log = read_connections(files)
        countries = dict.fromkeys(map(int, log.probe), code) if code else {}
        if probe_list is not None:
            countries = read_probe_countries(probe_list)
        found = find_bursts(log, countries)
    wanted = {"": "", "outages": "outage", "artefacts": "artefact", "unclear": "unclear"}[kind]
    rows = [_row(burst, format_) for burst in found.bursts if wanted in burst.kind]
    if rows or format_ != "table":
        print_rows(rows, format_, _about(found, log.count), COLUMNS)
    _tell(found, log.count, len(rows))
    if log.count.bad or not found.judged:
        raise SystemExit(1)


def _row(burst: "Burst", format_: str) -> dict[str, Any]:
    """One burst, with the names that programs read; spans in words in a table, in seconds elsewhere."""
    middle = burst.away_us[1] if burst.away_us else None
    row: dict[str, Any] = {
        "entity": burst.entity.code,
        "type": burst.entity.type,
        "kind": burst.kind,
        "from": iso(burst.from_us),
        "until": iso(burst.until_us),
        "left": len(burst.left),
        "connected": burst.connected,
        "watched": burst.watched,
        "departures": burst.departures,
        "level": round(burst.level, 2),
        "found_by": list(burst.found_by),
        "back": burst.back,
        "lasting": burst.lasting,
        "away": "" if middle is None else span_text(middle),
        "away_seconds": None if burst.away_us is None else [value // SECOND for value in burst.away_us],
        "half_back": None if burst.back_us is None else iso(burst.back_us),
        "elsewhere": burst.elsewhere,
        "why": burst.why,
        "probes": list(burst.left),
    }
    if format_ != "table":
        del row["away"]
    return row


def _about(found: "ProbeBursts", count: "EntryCount") -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "from": iso(found.from_us),
        "until": iso(found.until_us),
        "events": count.read,
        "doubled": count.doubled,
        "bad": count.bad,
        "bad_examples": [{"place": one.place, "reason": one.reason} for one in count.examples],
        "judged": [entity.code for entity in found.judged],
        "unjudged": [
            {"entity": one.entity.code, "probes": one.probes, "departures": one.departures, "why": one.why}
            for one in found.unjudged
        ],
        "notes": list(found.notes),
    }


def _tell(found: "ProbeBursts", count: "EntryCount", shown: int) -> None:
    """What was judged and what not, on stderr."""
    span = f"{iso(found.from_us)} to {iso(found.until_us)}"
    judged = f"{len(found.judged)} networks and countries judged, {len(found.unjudged)} have too few probes"
    lines = [f"{count.read:,} events, {span}; {judged}"]
    if not found.judged:
        lines.append("nothing could be judged: no network or country has enough probes and departures in these files")
    elif not shown:
        lines.append("no such burst in what was judged; of the others nothing is said")
    if count.bad:
        first = count.examples[0]
        lines.append(f"{count.bad:,} entries could not be read; the first: {first.place}: {first.reason}")
    for line in (*lines, *found.notes):
        print(f"duskwatch {COMMAND}: {printable(line)}", file=sys.stderr)
