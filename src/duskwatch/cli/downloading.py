"""What commands that download share: the cache and limits from options, progress, sizes in words."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duskwatch.cli.options import byte_bars, fail
from duskwatch.records.times import SECOND

if TYPE_CHECKING:
    from duskwatch.sources.bgp.archives.catalogue import RemoteFile
    from duskwatch.sources.bgp.archives.collectors import Collector
    from duskwatch.sources.bgp.archives.fetch import Fetched
    from duskwatch.sources.bgp.archives.mirrors import Mirrors
    from duskwatch.sources.bgp.archives.plan import FetchPlan
    from duskwatch.sources.downloads.cache import Cache
    from duskwatch.sources.downloads.session import Limits
    from duskwatch.sources.downloads.transfer import Progress, Wanted

MOST_JOBS = 16  # connections to one host; archives are run by few people for many
NAMED = 5  # names in a line of the summary before "and n more"


def now_us() -> int:
    """The present, microseconds since the epoch."""
    return int(time.time() * SECOND)


def cache_from(folder: Path | None, max_cache: str | None) -> "Cache":
    """The cache that options name. DownloadError or OSError where it cannot be used."""
    import os

    from duskwatch.sources.downloads.cache import DEFAULT_BYTES, default_root, open_cache, parse_size

    text = max_cache or os.environ.get("DUSKWATCH_MAX_CACHE")
    return open_cache(folder or default_root(), parse_size(text) if text else DEFAULT_BYTES)


def limits_from(command: str, jobs: int) -> "Limits":
    """Limits with so many connections to a host."""
    from duskwatch.sources.downloads.session import Limits

    if not 1 <= jobs <= MOST_JOBS:
        fail(command, f"--jobs {jobs}: 1 to {MOST_JOBS} connections to a host")
    return Limits(per_host=jobs)


def bytes_of(text: str) -> int:
    """Bytes of 500M, 20G. DownloadError where it is no size."""
    from duskwatch.sources.downloads.cache import parse_size

    return parse_size(text)


def names_text(names: list[str] | tuple[str, ...]) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(names[:NAMED])
    return f"{shown} and {len(names) - NAMED} more" if len(names) > NAMED else shown


@contextmanager
def fetching_progress(quiet: bool, files: int, total_bytes: int | None) -> Iterator["Progress | None"]:
    """Bars on stderr, one in all and one for each file on its way; none where stderr is no terminal."""
    with byte_bars(quiet or files == 0) as bars:
        if bars is None:
            yield None
            return
        whole = bars.add_task(f"{files} files", total=total_bytes)
        yield _report_to(bars, whole)


def _report_to(bars: Any, whole: Any) -> Callable[["Wanted", int, int | None], None]:
    tasks: dict[str, Any] = {}
    done: dict[str, int] = {}

    def step(wanted: "Wanted", have: int, total: int | None) -> None:
        url = wanted.url
        if url not in tasks:
            tasks[url] = bars.add_task(wanted.path.name, total=total)
        bars.update(tasks[url], completed=have, total=total)
        if total is not None and have >= total:
            bars.update(tasks[url], visible=False)
        done[url] = have
        bars.update(whole, completed=sum(done.values()))

    return step


def collectors_named(names: Sequence[str], mirrors: "Mirrors") -> "list[Collector]":
    """Collectors by name, each once. DownloadError where the place that would be asked cannot have one."""
    from duskwatch.sources.bgp.archives.collectors import find_collector

    found = [find_collector(name, public=False) for name in names]
    found = [find_collector(each.name, public=mirrors.is_public(each)) for each in found]
    return list(dict.fromkeys(found))


def is_cached(store: "Cache", mirrors: "Mirrors", plan: "FetchPlan", file: "RemoteFile") -> bool:
    """Whether a file of a plan is in the cache, or in a folder that is the mirror."""
    from duskwatch.sources.bgp.archives.fetch import is_here

    return is_here(store, mirrors.of(plan.collector), plan.collector, file)


def fetch_with_progress(
    plans: Sequence["FetchPlan"],
    mirrors: "Mirrors",
    store: "Cache",
    limits: Any,
    quiet: bool,
    keep: Sequence[Path] = (),
) -> "list[Fetched]":
    """Fetch plans, with bars where a person looks on."""
    from duskwatch.sources.bgp.archives.fetch import fetch_archives

    coming = [file for plan in plans for file in plan.files() if not is_cached(store, mirrors, plan, file)]
    total = sum(file.size_bytes or 0 for file in coming)
    with fetching_progress(quiet, len(coming), total or None) as progress:
        return fetch_archives(plans, mirrors, store, limits=limits, progress=progress, keep=keep)
