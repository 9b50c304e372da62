"""`duskwatch sites`: web sites as others checked them, and lists of sites to watch."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from duskwatch.cli.listing import FORMAT_HELP, listing_format, print_rows
from duskwatch.cli.options import fail, unusable_input
from duskwatch.records.text import printable
from duskwatch.records.times import iso

if TYPE_CHECKING:
    from duskwatch.records.entries import EntryCount
    from duskwatch.records.sites import ListedSite, SiteCheck, SitePlaces, SiteView

SCHEMA = "duskwatch.sites/1"
BY = ("country", "network", "check")
PLACES = {
    "site": ("site", False),
    "country": ("country", False),
    "state": ("state", False),
    "step": ("step", False),
    "fault": ("fault", False),
    "since": ("since", False),
    "last": ("last check", False),
    "networks": ("networks", True),
    "reachable": ("reach it", True),
    "blocked": ("blocked", True),
    "down": ("down", True),
}
VIEWS = {
    "site": ("site", False),
    "country": ("country", False),
    "network": ("network", False),
    "state": ("state", False),
    "step": ("step", False),
    "fault": ("fault", False),
    "after": ("after", False),
    "since": ("since", False),
    "checks": ("checks", True),
    "failed": ("failed", True),
}
CHECKS = {
    "site": ("site", False),
    "time": ("time", False),
    "country": ("country", False),
    "network": ("network", False),
    "state": ("state", False),
    "step": ("step", False),
    "plain": ("fault", False),
    "why": ("why", False),
}
LISTED = {
    "host": ("host", False),
    "category": ("category", False),
    "description": ("description", False),
    "country": ("country", False),
    "url": ("url", False),
}

FormatOption = Annotated[str, typer.Option("--format", help=FORMAT_HELP)]
JsonOption = Annotated[bool, typer.Option("--json", help="Short for --format json.")]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Read other people's checks of web sites, and lists of sites. Nothing is sent to a site.",
)


@app.command("read")
def read(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="OONI: web_connectivity measurements (JSON, a measurement a line; gz too), or answers of its API.",
            show_default=False,
        ),
    ],
    by: Annotated[str, typer.Option("--by", help="A line for each site and country, network, or check.")] = "country",
    site: Annotated[
        str, typer.Option("--site", help="Only this site or service: example.org, telegram.", show_default=False)
    ] = "",
    format_: FormatOption = "table",
    json_: JsonOption = False,
) -> None:
    """List which sites are reachable, blocked or down, failing at which step, since when and from how many networks.

    Blocked: the check failed where it was made, while a control reached the site at the same time. That is never an
    outage of the country. Exit code 1: an entry could not be read.

    Example: duskwatch sites read measurements.jsonl --by network
    """
    command = "sites read"
    with unusable_input(command):
        format_ = listing_format(command, format_, json_)
        if by not in BY:
            fail(command, f"--by {by[:20]}: one of {', '.join(BY)}")
        from duskwatch.signals.sites.states import site_places, site_views
        from duskwatch.sources.sites.ooni import read_ooni

        read_ = read_ooni(files)
        checks = [check for check in read_.checks if not site or check.site == site.strip().lower()]
        if not checks:
            fail(command, f"--site {printable(site[:80])}: no check of it in the files")
        dated = [check for check in checks if check.time_us]
        if by == "check":
            rows, columns = [_check(check) for check in checks], CHECKS
        elif by == "network":
            rows, columns = [_view(view) for view in site_views(checks)], VIEWS
        else:
            rows, columns = [_places(place) for place in site_places(site_views(checks))], PLACES
    about = {"schema": SCHEMA, "by": by, "checks": len(checks), **_counted(read_.count), "notes": list(read_.notes)}
    print_rows(rows, format_, about, columns)
    span = f", {iso(dated[0].time_us)} to {iso(dated[-1].time_us)}" if dated else ""
    _tell(command, [f"{len(checks):,} checks{span}", *read_.notes], read_.count)


@app.command("list")
def list_(
    files: Annotated[
        list[Path], typer.Argument(help="Test lists of Citizen Lab: kp.csv, global.csv.", show_default=False)
    ],
    category: Annotated[
        list[str] | None, typer.Option("--category", help="Only this code: NEWS, GOVT. Repeatable.")
    ] = None,
    format_: FormatOption = "table",
    json_: JsonOption = False,
) -> None:
    """List the sites of test lists. Exit code 1: a line could not be read.

    Example: duskwatch sites list kp.csv --category HUMR
    """
    command = "sites list"
    with unusable_input(command):
        format_ = listing_format(command, format_, json_)
        from duskwatch.records.entries import EntryCount
        from duskwatch.sources.sites.test_lists import read_test_list

        count = EntryCount()
        found: list[ListedSite] = []
        for path in files:
            sites, read_ = read_test_list(path)
            found += sites
            count = EntryCount(
                count.read + read_.read, count.bad + read_.bad, count.doubled + read_.doubled,
                count.examples + read_.examples,
            )  # fmt: skip
        wanted = {code.upper() for code in category or []}
        rows = [
            {"host": one.host, "category": one.category, "description": one.description, "country": one.country,
             "url": one.url}
            for one in found if not wanted or one.category.upper() in wanted
        ]  # fmt: skip
    print_rows(rows, format_, {"schema": SCHEMA, **_counted(count)}, LISTED)
    _tell(command, [f"{len(rows):,} of {count.read:,} sites"], count)


def _places(place: "SitePlaces") -> dict[str, Any]:
    from duskwatch.records.sites import FAULTS

    return {
        "site": place.site,
        "country": place.country or None,
        "state": place.state,
        "step": place.step or None,
        "fault": place.fault or None,
        "plain": FAULTS[place.fault] if place.fault else None,
        "since": iso(place.since_us) if place.since_us else None,
        "last": iso(place.last_us) if place.last_us else None,
        "networks": place.networks,
        "reachable": place.reachable,
        "blocked": place.blocked,
        "down": place.down,
        "unstable": place.unstable,
    }


def _view(view: "SiteView") -> dict[str, Any]:
    from duskwatch.records.sites import FAULTS

    return {
        "site": view.site,
        "country": view.country or None,
        "network": f"AS{view.asn}" if view.asn else None,
        "state": view.state,
        "step": view.step or None,
        "fault": view.fault or None,
        "plain": FAULTS[view.fault] if view.fault else None,
        "after": iso(view.after_us) if view.after_us else None,
        "since": iso(view.since_us) if view.since_us else None,
        "last": iso(view.last_us) if view.last_us else None,
        "checks": view.checks,
        "failed": view.failed,
        "unclear": view.unclear,
        "changes": view.changes,
    }


def _check(check: "SiteCheck") -> dict[str, Any]:
    return {
        "site": check.site,
        "url": check.url or None,
        "time": iso(check.time_us) if check.time_us else None,
        "country": check.country or None,
        "network": f"AS{check.asn}" if check.asn else None,
        "state": check.state,
        "step": check.step or None,
        "fault": check.fault or None,
        "plain": check.plain if check.fault else None,
        "why": check.why,
        "id": check.id or None,
    }


def _counted(count: "EntryCount") -> dict[str, Any]:
    return {
        "read": count.read,
        "doubled": count.doubled,
        "bad": count.bad,
        "bad_examples": [{"place": one.place, "reason": one.reason} for one in count.examples],
    }


def _tell(command: str, lines: list[str], count: "EntryCount") -> None:
    """What was read and what not, on stderr; exit code 1 where an entry could not be read."""
    if count.doubled:
        lines.append(f"{count.doubled:,} entries said what another one said; each counts once")
    if count.bad:
        first = count.examples[0]
        lines.append(f"{count.bad:,} entries could not be read; the first: {first.place}: {first.reason}")
    for line in lines:
        print(f"duskwatch {command}: {printable(line)}", file=sys.stderr)
    if count.bad:
        raise SystemExit(1)
