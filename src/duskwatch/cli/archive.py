"""`duskwatch archive`: what public archives have of a window, and fetching it."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from duskwatch.cli.download_options import CacheOption, JobsOption, MirrorOption
from duskwatch.cli.downloading import (
    cache_from,
    collectors_named,
    fetch_with_progress,
    is_cached,
    limits_from,
    names_text,
    now_us,
)
from duskwatch.cli.options import fail, unusable_input
from duskwatch.publication.documents.archives import fetched_document, listing_document
from duskwatch.records.text import size_text
from duskwatch.records.times import iso, parse_time

if TYPE_CHECKING:
    from duskwatch.sources.bgp.archives.catalogue import RemoteFile
    from duskwatch.sources.bgp.archives.fetch import Fetched, Refusal
    from duskwatch.sources.bgp.archives.mirrors import Mirrors
    from duskwatch.sources.bgp.archives.plan import FetchPlan
    from duskwatch.sources.downloads.cache import Cache

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Find and fetch files of the public routing archives, RIPE RIS and Route Views, or of a mirror of them.",
)

CollectorOption = Annotated[
    list[str] | None, typer.Option("--collector", help="rrc00, route-views2, route-views.sg, ... Repeatable.")
]
FromOption = Annotated[str | None, typer.Option("--from", help="Start of the window: 2014-12-22T00:00Z, 2014-12-22.")]
UntilOption = Annotated[str | None, typer.Option("--until", help="End of the window (not part of it).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]


@app.command("list")
def list_files(
    collector: CollectorOption = None,
    from_: FromOption = None,
    until: UntilOption = None,
    mirror: MirrorOption = None,
    cache: CacheOption = None,
    jobs: JobsOption = 4,
    json_: JsonOption = False,
) -> None:
    """Show which files a window needs and what they weigh; without --collector, the collectors there are.

    Example: duskwatch archive list --collector rrc00 --from 2014-12-22 --until 2014-12-24
    """
    if not collector:
        if from_ or until:
            fail("archive list", "which collector? give --collector; `duskwatch archive list` alone names them all")
        _print_collectors(json_)
        return
    with unusable_input("archive list"):
        store, mirrors, plans, refused = _plan("archive list", collector, from_, until, mirror, cache, None, jobs)
    if json_:
        print(json.dumps(_listing(store, mirrors, plans, refused), indent=2))
    else:
        for plan in plans:
            _print_plan(store, mirrors, plan, each_file=True)
        _print_total(store, mirrors, plans)
    _end("archive list", plans, refused)


@app.command("fetch")
def fetch_files(
    collector: CollectorOption = None,
    from_: FromOption = None,
    until: UntilOption = None,
    mirror: MirrorOption = None,
    cache: CacheOption = None,
    max_cache: Annotated[
        str | None,
        typer.Option(
            "--max-cache", help="Limit of the cache: 500M, 20G (if not given), 1T. Else $DUSKWATCH_MAX_CACHE."
        ),
    ] = None,
    jobs: JobsOption = 4,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be fetched, and its size.")] = False,
    json_: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bars.")] = False,
) -> None:
    """Fetch a window's files: the table dump at or before its start, and every update file from there on.

    What is in the cache already is not fetched again; what was cut off is gone on with. Files that the archive lacks
    are named and do no harm: an analysis shows them as gaps. Exit code 1 where files that are there could not be had.

    Example: duskwatch archive fetch --collector rrc00 --collector route-views.sg --from 2014-12-22 --until 2014-12-24
    """
    if not collector:
        fail("archive fetch", "which collector? give --collector; `duskwatch archive list` names them all")
    with unusable_input("archive fetch"):
        store, mirrors, plans, refused = _plan("archive fetch", collector, from_, until, mirror, cache, max_cache, jobs)
        if dry_run:
            if json_:
                print(json.dumps(_listing(store, mirrors, plans, refused), indent=2))
            else:
                for plan in plans:
                    _print_plan(store, mirrors, plan, each_file=False)
                _print_total(store, mirrors, plans)
            _end("archive fetch", plans, refused)
            return
        fetched = fetch_with_progress(plans, mirrors, store, limits_from("archive fetch", jobs), quiet or json_)
    if json_:
        print(json.dumps(fetched_document(store.root, fetched, refused, mirrors.of), indent=2))
    else:
        for each in fetched:
            _print_fetched(each)
        _print_kept(store)
    failed = report_failures("archive fetch", fetched)
    _end("archive fetch", plans, refused, failed=failed)


def report_failures(command: str, fetched: Sequence["Fetched"]) -> bool:
    """A line on stderr for each file that could not be had as published; whether there was one."""
    found = False
    for each in fetched:
        for one in each.failures:
            found = True
            what = "is damaged as published, and was kept" if one.state == "fetched" else "was not fetched"
            print(f"duskwatch {command}: {one.wanted.url} {what}: {one.reason}", file=sys.stderr)
    return found


def window(command: str, from_: str | None, until: str | None) -> tuple[int, int]:
    """Both ends of a window from options. ValueError where one is no time."""
    if not from_ or not until:
        fail(command, "which window? give --from and --until")
    from_us, until_us = parse_time(from_), parse_time(until)
    if not from_us < until_us:
        fail(command, f"--until {until} is not after --from {from_}")
    return from_us, until_us


def _plan(
    command: str,
    names: Sequence[str],
    from_: str | None,
    until: str | None,
    mirror: Sequence[str] | None,
    cache: Path | None,
    max_cache: str | None,
    jobs: int,
) -> "tuple[Cache, Mirrors, list[FetchPlan], list[Refusal]]":
    from duskwatch.sources.bgp.archives.fetch import plan_archives
    from duskwatch.sources.bgp.archives.mirrors import choose_mirrors

    from_us, until_us = window(command, from_, until)
    limits = limits_from(command, jobs)
    mirrors = choose_mirrors(mirror or ())
    collectors = collectors_named(names, mirrors)
    store = cache_from(cache, max_cache)
    plans, refused = plan_archives(collectors, from_us, until_us, mirrors, store, now_us(), limits=limits)
    return store, mirrors, plans, refused


def _end(command: str, plans: Sequence["FetchPlan"], refused: Sequence["Refusal"], *, failed: bool = False) -> None:
    for each in refused:
        print(f"duskwatch {command}: {each.collector}: {each.reason}", file=sys.stderr)
    nothing = [plan.collector.name for plan in plans if not plan.files()]
    for name in nothing:
        print(f"duskwatch {command}: {name} has no file in this window", file=sys.stderr)
    if refused or nothing or failed:
        raise SystemExit(1)


def _print_collectors(as_json: bool) -> None:
    from duskwatch.sources.bgp.archives.collectors import COLLECTORS

    if as_json:
        print(
            json.dumps(
                [
                    {
                        "name": each.name,
                        "project": each.project,
                        "place": each.place or None,
                        "withdrawn": each.withdrawn,
                        "since": each.since or None,
                    }
                    for each in COLLECTORS.values()
                ],
                indent=2,
            )
        )
        return
    for each in COLLECTORS.values():
        since = f"since {each.since}" if each.since else ""
        print(
            f"{each.name:22} {each.project:12} {each.place}{' (withdrawn)' if each.withdrawn else ''} {since}".rstrip()
        )


def _size(file: "RemoteFile") -> str:
    if file.size_bytes is None:
        return "?"
    return f"{'' if file.size_exact else '~'}{size_text(file.size_bytes)}"


def _print_plan(store: "Cache", mirrors: "Mirrors", plan: "FetchPlan", *, each_file: bool) -> None:
    name, files = plan.collector.name, plan.files()
    how_found = "" if plan.listed else " (no index pages: asked for by name)"
    print(f"{name}: {len(files)} files of {mirrors.of(plan.collector).name}{how_found}")
    if not plan.dumps:
        print("  no table dump in the two days before the window: the state would be learned from updates")
    for file in files if each_file else (file for file in files if not file.is_update):
        note = "in the cache" if file.url and is_cached(store, mirrors, plan, file) else ""
        print(f"  {iso(file.start_us)}  {_size(file):>10}  {file.url or file.path}  {note}".rstrip())
    if missing := plan.missing():
        print(f"  missing there: {names_text(missing)}")


def _print_total(store: "Cache", mirrors: "Mirrors", plans: Sequence["FetchPlan"]) -> None:
    files = [(plan, file) for plan in plans for file in plan.files()]
    coming = [file for plan, file in files if not is_cached(store, mirrors, plan, file)]
    unknown = sum(file.size_bytes is None for file in coming)
    rounded = any(not file.size_exact for file in coming)
    total = f"{'about ' if rounded else ''}{size_text(sum(file.size_bytes or 0 for file in coming))}"
    more = f", and {unknown} of unknown size" if unknown else ""
    print(f"{len(files)} files; to fetch: {len(coming)} files, {total}{more}")


def _print_fetched(each: "Fetched") -> None:
    counts = {state: sum(one.state == state for one in each.outcomes) for state in ("fetched", "cached", "failed")}
    received = sum(one.received_bytes for one in each.outcomes)
    failed = f", {counts['failed']} failed" if counts["failed"] else ""
    print(
        f"{each.plan.collector.name}: {counts['fetched']} files fetched ({size_text(received)}), "
        f"{counts['cached']} were here{failed}"
    )
    if each.dump is None:
        print("  no table dump: the state is learned from updates")
    if each.missing:
        print(f"  missing there, so gaps: {names_text(each.missing)}")
    if each.empty:
        print(f"  without a single record, so gaps: {names_text(each.empty)}")
    if folders := sorted({str(path.parent) for path in each.files}):
        print(f"  in {', '.join(folders)}")


def _print_kept(store: "Cache") -> None:
    used = store.used_bytes()
    over = "; what this run needs is more than the limit" if used > store.max_bytes else ""
    print(f"cache: {size_text(used)} of {size_text(store.max_bytes)} in {store.root}{over}")


def _listing(
    store: "Cache", mirrors: "Mirrors", plans: Sequence["FetchPlan"], refused: Sequence["Refusal"]
) -> dict[str, Any]:
    return listing_document(plans, refused, mirrors.of, lambda plan, file: is_cached(store, mirrors, plan, file))
