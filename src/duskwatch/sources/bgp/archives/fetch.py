"""A window's files of any number of collectors: planned from what there is, then fetched into the cache."""

import asyncio
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from duskwatch.sources.bgp.archives import layout
from duskwatch.sources.bgp.archives.catalogue import Catalogue, RemoteFile, local_files
from duskwatch.sources.bgp.archives.collectors import Collector
from duskwatch.sources.bgp.archives.find import probe
from duskwatch.sources.bgp.archives.mirrors import Mirror, Mirrors
from duskwatch.sources.bgp.archives.names import is_update_name
from duskwatch.sources.bgp.archives.plan import FURTHEST_DUMP_US, LONGEST_UPDATE_US, FetchPlan, make_plan
from duskwatch.sources.downloads.cache import Cache, place_name
from duskwatch.sources.downloads.errors import DownloadError, RefusedError
from duskwatch.sources.downloads.session import Limits, Web
from duskwatch.sources.downloads.transfer import Outcome, Progress, Wanted, fetch, fetch_all


@dataclass(frozen=True, slots=True)
class Refusal:
    """A collector whose archive could not be asked, and why."""

    collector: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of one collector's plan."""

    plan: FetchPlan
    dump: RemoteFile | None  # the table dump that could be had
    outcomes: tuple[Outcome, ...]  # of every file tried, in order of time
    files: tuple[Path, ...]  # that hold records, in order of time
    empty: tuple[str, ...]  # whole files without a single record: as good as missing
    missing: tuple[str, ...]  # names of update files that the archive lacks

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """Files that are there and could not be fetched, or are damaged as published."""
        return tuple(one for one in self.outcomes if one.state == "failed" or (one.reason and one.state == "fetched"))


def plan_archives(
    collectors: Iterable[Collector],
    from_us: int,
    until_us: int,
    mirrors: Mirrors,
    cache: Cache | None,
    now_us: int,
    *,
    limits: Limits | None = None,
    offline: bool = False,
    restart_us: Sequence[int] = (),
) -> tuple[list[FetchPlan], list[Refusal]]:
    """Ask what there is and choose what the window [from, until) needs, microseconds since the epoch.

    ``offline`` asks the cache alone. ``now_us`` is the present: what is still being written then is left out.
    ``restart_us`` are moments inside the window that need a table dump of their own (see ``make_plan``).
    """

    async def run() -> list[FetchPlan | Refusal]:
        async with Web(limits) as web:
            catalogues: dict[str, Catalogue] = {}

            async def one(collector: Collector) -> FetchPlan | Refusal:
                mirror = mirrors.of(collector)
                folder = mirror.folder or (_kept(cache, mirror, collector) if offline and cache else None)
                catalogue = None
                if folder is None and not offline:
                    catalogue = catalogues.setdefault(mirror.url, Catalogue(web, mirror.url))
                try:
                    return await _plan(collector, from_us, until_us, now_us, catalogue, folder, restart_us)
                except RefusedError as error:
                    return Refusal(collector.name, str(error))
                except OSError as error:
                    return Refusal(collector.name, f"{error.filename or mirror.name}: {error.strerror or error}")

            return list(await asyncio.gather(*(one(collector) for collector in collectors)))

    answers = asyncio.run(run())
    return [each for each in answers if isinstance(each, FetchPlan)], [
        each for each in answers if isinstance(each, Refusal)
    ]


def fetch_archives(
    plans: Sequence[FetchPlan],
    mirrors: Mirrors,
    cache: Cache,
    *,
    limits: Limits | None = None,
    progress: Progress | None = None,
    keep: Iterable[Path] = (),
) -> list[Fetched]:
    """Fetch what is planned and not in the cache yet; one Fetched a plan. Files of local folders stay where they are.

    Where a table dump cannot be had the one before it is taken, with the updates between. Older files leave the cache
    to make room, never those of these plans or of ``keep``. Raises DownloadError where the disk has no room.
    """
    kept = set(keep)
    kept |= {path for plan in plans for file in plan.files() for path in _paths(cache, mirrors, plan.collector, file)}
    coming = sum(
        file.size_bytes or 0
        for plan in plans
        for file in plan.files()
        if not is_here(cache, mirrors.of(plan.collector), plan.collector, file)
    )
    cache.make_room(coming, kept)
    free = shutil.disk_usage(cache.root).free
    if coming > free:
        raise DownloadError(
            f"{coming} bytes are to be fetched and {free} are free for {cache.root}; "
            "shorten the window, or name another folder with --cache"
        )

    async def run() -> list[Fetched]:
        async with Web(limits) as web:
            return list(await asyncio.gather(*(_fetch(plan, mirrors, cache, web, progress) for plan in plans)))

    done = asyncio.run(run())
    cache.make_room(0, kept | {one.wanted.path for each in done for one in each.outcomes})
    return done


def place_of(cache: Cache, mirror: Mirror, collector: Collector, file: RemoteFile) -> Path:
    """Where a file lies, or will lie once fetched."""
    if file.path is not None:
        return file.path
    return _kept(cache, mirror, collector) / layout.month_of(file.start_us, collector.name) / file.name


def is_here(cache: Cache, mirror: Mirror, collector: Collector, file: RemoteFile) -> bool:
    """Whether a file need not be fetched."""
    return file.path is not None or place_of(cache, mirror, collector, file).is_file()


def _kept(cache: Cache, mirror: Mirror, collector: Collector) -> Path:
    return cache.root / "archives" / place_name(mirror.url) / collector.name


def _paths(cache: Cache, mirrors: Mirrors, collector: Collector, file: RemoteFile) -> Iterable[Path]:
    yield place_of(cache, mirrors.of(collector), collector, file)
    if file.url:
        yield cache.part_of(file.url)


async def _plan(
    collector: Collector,
    from_us: int,
    until_us: int,
    now_us: int,
    catalogue: Catalogue | None,
    folder: Path | None,
    restart_us: Sequence[int],
) -> FetchPlan:
    furthest = from_us - FURTHEST_DUMP_US
    if catalogue is None:
        found = local_files(folder, collector, furthest - LONGEST_UPDATE_US, until_us).files if folder else ()
        dumps = [file for file in found if not file.is_update]
        updates = [file for file in found if file.is_update]
        return make_plan(collector, dumps, updates, from_us, until_us, now_us, restart_us=restart_us)
    held = await catalogue.ask(collector, furthest, min(until_us, now_us), updates=False)
    usable = make_plan(collector, held.files, (), from_us, until_us, now_us).dumps
    # The updates of the newest dump; those between older ones are asked for when it turns out that they are needed,
    # unless index pages name them anyway.
    since = (usable[-1] if held.listed else usable[0]).start_us if usable else from_us
    more = await catalogue.ask(collector, since, min(until_us, now_us), updates=True)
    return make_plan(
        collector,
        held.files if held.listed else [*usable[:1], *(file for file in held.files if file.start_us > from_us)],
        more.files,
        from_us,
        until_us,
        now_us,
        listed=held.listed and more.listed,
        restart_us=restart_us,
    )


async def _fetch(plan: FetchPlan, mirrors: Mirrors, cache: Cache, web: Web, progress: Progress | None) -> Fetched:
    mirror = mirrors.of(plan.collector)

    def wanted(file: RemoteFile) -> Wanted:
        return Wanted(
            file.url,
            place_of(cache, mirror, plan.collector, file),
            layout.MOST_UPDATE_BYTES if file.is_update else layout.MOST_DUMP_BYTES,
            file.size_bytes,
            file.checksum_url,
        )

    tried: list[Outcome] = []
    dump = None
    for candidate in plan.dumps:
        tried.append(await fetch(wanted(candidate), web, cache, progress))
        if tried[-1].state in ("cached", "fetched"):
            dump = candidate
            break
    files = plan.updates_from(dump)
    outcomes = await fetch_all([wanted(file) for file in files], web, cache, progress)
    whole = [file for file, one in zip(files, outcomes, strict=True) if one.state in ("cached", "fetched")]
    extra = plan.extra_dumps(whole)
    outcomes += [*tried, *await fetch_all([wanted(file) for file in extra], web, cache, progress)]
    outcomes.sort(key=lambda one: (one.wanted.path.name.partition(".")[2], one.wanted.path.name))
    usable: list[Path] = []
    empty: list[Path] = []
    for one in outcomes:
        if one.state in ("cached", "fetched"):
            (usable if await asyncio.to_thread(probe, one.wanted.path) else empty).append(one.wanted.path)
    gone = [one.wanted.path.name for one in outcomes if one.state == "missing" and is_update_name(one.wanted.path.name)]
    return Fetched(
        plan,
        dump,
        tuple(outcomes),
        tuple(usable),
        tuple(path.name for path in empty),
        tuple(sorted({*plan.missing(dump), *gone}, key=lambda name: name.partition(".")[2])),
    )
