"""`duskwatch backfill`: archives of days or months into a store."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

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
from duskwatch.cli.fetching import Fetching
from duskwatch.cli.options import CollectorOption, GeoOption, MrtOption, byte_progress, fail, unusable_input
from duskwatch.cli.store_options import StorageOption, storage_options
from duskwatch.records.entity import Entity
from duskwatch.records.errors import InputError
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND, parse_time, to_datetime

COMMAND = "backfill"
MOST_CODES = 8  # countries that are named in one line


def command(
    from_: Annotated[str, typer.Option("--from", help="Start of the window: 2014-12-18, 2014-12-18T12:00Z.")],
    until: Annotated[str, typer.Option("--until", help="End of the window (not part of it).")],
    mrt: MrtOption = None,
    collector: CollectorOption = None,
    store: Annotated[str, typer.Option("--store", envvar="DUSKWATCH_STORE", help="Folder or URL.")] = "store",
    database: Annotated[
        str, typer.Option("--database", envvar="DUSKWATCH_DATABASE", help="Outages: SQLite file or PostgreSQL URL.")
    ] = "",
    storage_option: StorageOption = None,
    geo: GeoOption = None,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="What to store: country, asn. Repeatable; both if not given.")
    ] = None,
    prefix: Annotated[
        list[str] | None, typer.Option("--prefix", help="A prefix to store as an entity of its own. Repeatable.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", help="Local processes.")] = 1,
    memory: Annotated[
        str | None, typer.Option("--memory", help="What all workers may use: 4G. Fewer work at once where it is less.")
    ] = None,
    scheduler: Annotated[str, typer.Option("--scheduler", help="Dask scheduler: tcp://host:8786.")] = "",
    work: Annotated[
        Path | None, typer.Option("--work", help="Folder for unfinished work; else `work` in the store's folder.")
    ] = None,
    bin_seconds: Annotated[int, typer.Option("--bin", help="Length of a bin in seconds, 60 to 3600.")] = 300,
    source: Annotated[
        str,
        typer.Option(
            "--source", help="Under which name the store keeps it: bgp; bgp-NAME for one recorder of several."
        ),
    ] = "bgp",
    redo: Annotated[bool, typer.Option("--redo", help="Do again what is finished.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
    mirror: MirrorOption = None,
    reference_mirror: ReferenceMirrorOption = None,
    cache: CacheOption = None,
    max_cache: MaxCacheOption = None,
    jobs: JobsOption = 4,
    offline: OfflineOption = False,
) -> None:
    """Fill a store with days or months of whole tables: every country and network, and the outages found.

    The window is split by day and collector; each part starts from its table dump. What is finished is kept, so that a
    run that was broken off goes on where it was when the same command is given again. A day that is done again replaces
    what was stored.

    Examples:

    duskwatch backfill --from 2014-12-18 --until 2014-12-29 --collector rrc00 --collector route-views.sg --workers 4

    duskwatch backfill --from 2014-12-18 --until 2014-12-29 --mrt archive/ --geo delegated-apnic-extended-20141218

    duskwatch query bgp.visible_slash24 --entity KP --from 2014-12-22 --until 2014-12-24
    """
    with unusable_input(COMMAND):
        from_us, until_us = parse_time(from_), parse_time(until)
        if not from_us < until_us:
            fail(COMMAND, f"--until {until} is not after --from {from_}")
        if not mrt and not collector:
            fail(COMMAND, "no input: give --mrt with a file or folder of MRT archives, or --collector to fetch them")
        if not MINUTE <= bin_seconds * SECOND <= HOUR:
            fail(COMMAND, f"--bin {bin_seconds}: bins last 60 to 3600 seconds")
        if DAY % (bin_seconds * SECOND):
            fail(COMMAND, f"--bin {bin_seconds}: a day must be a whole number of bins; 60, 300, 900 and 3600 fit")
        if workers < 1:
            fail(COMMAND, f"--workers {workers}: at least 1")
        kinds = tuple(dict.fromkeys(kind or ("country", "asn")))
        for word in kinds:
            if word not in ("country", "asn"):
                fail(COMMAND, f"--kind {word}: country or asn; single prefixes are named with --prefix")
        wanted = list(dict.fromkeys(_prefix(text) for text in prefix or ()))
        for path in [*(mrt or []), *(geo or [])]:
            if not path.exists():
                fail(COMMAND, f"{path}: no such file or folder")
        options = storage_options(storage_option)
        if work is None:
            if "://" in store:
                fail(COMMAND, f"--store {store} is no folder: name one for unfinished work with --work")
            work = Path(store) / "work"
        budget = bytes_of(memory) if memory else 0
        fetching = Fetching(
            mirror or (), reference_mirror or (), cache, max_cache, jobs, offline, quiet or json_, command=COMMAND
        )
        fetching.check(Entity("asn", "AS1"), () if mrt else collector or ())
        weekly: tuple[tuple[date, tuple[Path, ...]], ...] = ()
        if "country" in kinds and not geo:
            weekly = tuple(fetching.delegations_by_week(from_us, until_us))
        if not mrt:
            mrt = fetching.archives(collector or (), from_us, until_us, daily=True)
            collector = None
        from duskwatch.drivers.backfill.plan import Plan, plan_parts
        from duskwatch.drivers.backfill.run import run
        from duskwatch.drivers.backfill.workers import BackfillError
        from duskwatch.sources.bgp.archives.find import find_files, passed_over, unusable_updates
        from duskwatch.sources.reference.geo import load_geo
        from duskwatch.store import StoreError
        from duskwatch.store.days import checked_source

        # Workers may stand in another folder.
        files, passed = find_files([path.absolute() for path in mrt])
        if collector:
            absent = sorted(set(collector) - {file.collector for file in files})
            if absent:
                fail(COMMAND, f"no file of collector {', '.join(absent)} among those given")
            files = [file for file in files if file.collector in collector]
        plan = Plan(
            store if "://" in store else str(Path(store).absolute()),
            work.absolute(),
            database if not database or "://" in database else str(Path(database).absolute()),
            tuple(options.items()),
            tuple(path.absolute() for path in geo or ()),
            tuple((day, tuple(path.absolute() for path in paths)) for day, paths in weekly),
            kinds,
            tuple(wanted),
            bin_seconds * SECOND,
            source=checked_source(source),
            threads=2 if workers == 1 and not scheduler else 1,  # one unpacks, one folds
        )
        parts = plan_parts(files, from_us, until_us, unusable_updates(passed))
        first = to_datetime(from_us).date()
        if plan.geo_of(first):  # what is wrong with them is said now, not after hours
            load_geo(list(plan.geo_of(first)), first)
        try:
            with _progress(quiet or json_) as progress:
                summary = run(
                    parts, plan, workers=workers, memory=budget, scheduler=scheduler, redo=redo, progress=progress
                )
        except (StoreError, BackfillError) as error:
            fail(COMMAND, str(error))
        except KeyboardInterrupt:
            print(f"duskwatch {COMMAND}: stopped; the same command goes on where it was", file=sys.stderr)
            sys.exit(130)
        summary.warnings[:0] = fetching.warnings
        summary.warnings += passed_over(passed)
        _print(summary, parts, plan, as_json=json_)
    if fetching.failed or summary.failures or summary.damaged:
        sys.exit(1)


def _progress(quiet: bool) -> AbstractContextManager[Callable[[str, int, int], None] | None]:
    """What was there at the start counts neither as done nor for the rate, which is that of the whole run: parts take
    minutes, and an hour of the night is no hour of the day."""
    return byte_progress(quiet, "starting", speed_estimate_period=30 * 86_400)


def _prefix(text: str) -> str:
    entity = entity_named(text)
    if entity.type != "prefix":
        raise InputError(f"--prefix {text} is a {entity.type}, not a prefix such as 175.45.176.0/22")
    return entity.code


def _print(summary: "object", parts: "object", plan: "object", *, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    from duskwatch.drivers.backfill.course import Summary
    from duskwatch.publication.documents.judged import judged_document, not_judged_line
    from duskwatch.publication.not_judged import WHY

    assert isinstance(summary, Summary)
    if as_json:
        told = {**asdict(summary), "judged": [judged_document(span) for span in summary.judged]}
        print(json.dumps(told, indent=1))
        return
    print(
        f"{summary.days} days stored ({summary.days_reused} were there), {summary.parts} parts folded "
        f"({summary.reused} were there); up to {summary.entities} entities a day, {summary.outages} outages, "
        f"{summary.incidents} incidents"
    )
    if summary.reenactment:
        print(summary.reenactment)
    if line := not_judged_line(summary.judged):
        print(f"not judged, whatever the entity: {line}")
    for why, codes in summary.not_judged.items():
        few = ", ".join(codes[:MOST_CODES]) + (" and more; --json has all" if len(codes) > MOST_CODES else "")
        noun = "country" if len(codes) == 1 else "countries"
        print(f"not judged: {len(codes)} {noun}, because {WHY[why]}: {few}")
    for failure in summary.failures:
        print(f"failed: {failure.name}: {failure.reason}")
    for text in summary.damaged:
        print(f"damaged, read up to there: {text}")
    for text in summary.warnings:
        print(f"note: {text}")
