"""`duskwatch reference`: the registries' files of a day, which say whose addresses were whose."""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from duskwatch.cli.downloading import cache_from, fetching_progress, limits_from, now_us
from duskwatch.cli.options import fail, unusable_input
from duskwatch.records.errors import InputError
from duskwatch.records.text import size_text
from duskwatch.records.times import parse_time, to_datetime

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Fetch what maps addresses to countries: the delegated files of the regional Internet registries.",
)


@app.callback()
def _reference() -> None:
    """One command so far, and a name that has room for more."""


@app.command("fetch")
def fetch(
    day: Annotated[str | None, typer.Option("--date", help="The day analysed: 2014-12-22.")] = None,
    registry: Annotated[
        list[str] | None,
        typer.Option("--registry", help="afrinic, apnic, arin, lacnic or ripencc; all, if not given. Repeatable."),
    ] = None,
    mirror: Annotated[
        list[str] | None,
        typer.Option(
            "--mirror",
            help="Address or folder with a folder for each registry, or apnic=ADDRESS for one. Repeatable. "
            "Else $DUSKWATCH_REFERENCE_MIRROR, else the registries themselves.",
        ),
    ] = None,
    cache: Annotated[
        Path | None, typer.Option("--cache", help="Folder to keep files in. Else $DUSKWATCH_CACHE, else the system's.")
    ] = None,
    max_cache: Annotated[str | None, typer.Option("--max-cache", help="Limit of the cache: 500M, 20G.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", help="Connections to one host at once, 1 to 16.")] = 4,
    offline: Annotated[bool, typer.Option("--offline", help="Use only what is in the cache.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bars.")] = False,
) -> None:
    """Fetch the delegated-extended files of a day, for `--geo`.

    Where a registry has none of that day, the nearest one up to a month before is taken, and told. Exit code 1 where
    a registry's file could not be had; those of the others are kept.

    Example: duskwatch reference fetch --date 2014-12-22 --registry apnic
    """
    with unusable_input("reference fetch"):
        if day is None:
            fail("reference fetch", "which day? give --date, the day that is analysed")
        on = parse_day(day)
        from duskwatch.sources.reference.fetch import fetch_delegated, reference_mirrors
        from duskwatch.sources.reference.fetch_layout import PUBLIC

        store = cache_from(cache, max_cache)
        with fetching_progress(quiet or json_, len(registry or PUBLIC), None) as progress:
            files, failures = fetch_delegated(
                registry or list(PUBLIC),
                on,
                reference_mirrors(mirror or ()),
                store,
                limits=limits_from("reference fetch", jobs),
                offline=offline,
                progress=progress,
            )
    notes = [note for each in files if (note := each.note(on))]
    if json_:
        print(
            json.dumps(
                {
                    "schema": "duskwatch.reference-fetch/1",
                    "date": on.isoformat(),
                    "files": [
                        {
                            "registry": each.registry,
                            "date": each.day.isoformat(),
                            "path": str(each.path),
                            "state": each.state,
                            "url": each.url or None,
                            "size_bytes": each.size_bytes,
                        }
                        for each in files
                    ],
                    "notes": notes,
                    "failures": [{"registry": each.registry, "reason": each.reason} for each in failures],
                },
                indent=2,
            )
        )
    else:
        for each in files:
            print(f"{each.registry:8} {each.day}  {size_text(each.size_bytes):>8}  {each.state:8} {each.path}")
        for note in notes:
            print(note)
    for failure in failures:
        print(f"duskwatch reference fetch: {failure.registry}: {failure.reason}", file=sys.stderr)
    if failures:
        raise SystemExit(1)


def parse_day(text: str) -> date:
    """A calendar day that has begun. ValueError where it is none."""
    on = to_datetime(parse_time(text)).date()
    if on > to_datetime(now_us()).date():
        raise InputError(f"--date {text} has not come yet")
    return on
