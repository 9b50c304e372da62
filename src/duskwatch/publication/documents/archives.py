"""What public archives have of a window, and what was fetched of it, as documents."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from duskwatch.records.times import iso

Json = dict[str, Any]


class Named(Protocol):
    """What has a name: a collector, a mirror."""

    @property
    def name(self) -> str:
        """The name."""
        ...


class FileLike(Protocol):
    """A file of an archive."""

    @property
    def name(self) -> str:
        """As the archive has it."""
        ...

    @property
    def is_update(self) -> bool:
        """Not a table dump."""
        ...

    @property
    def start_us(self) -> int:
        """Its first moment."""
        ...

    @property
    def size_bytes(self) -> int | None:
        """None: not known."""
        ...

    @property
    def size_exact(self) -> bool:
        """The size is not rounded."""
        ...

    @property
    def url(self) -> str:
        """Empty: in a folder."""
        ...

    @property
    def path(self) -> Path | None:
        """Where it is in a folder."""
        ...


class WantedLike(Protocol):
    """The files of one collector that a window needs."""

    @property
    def collector(self) -> Named:
        """Whose."""
        ...

    @property
    def from_us(self) -> int:
        """Start of the window."""
        ...

    @property
    def until_us(self) -> int:
        """And its end."""
        ...

    @property
    def listed(self) -> bool:
        """The archive has index pages."""
        ...

    def files(self) -> Iterable[Any]:
        """FileLike, in order of time."""
        ...

    def missing(self) -> Iterable[str]:
        """Names of files that are not there."""
        ...


class OutcomeLike(Protocol):
    """What became of one file that was to be fetched."""

    @property
    def wanted(self) -> Any:
        """Its path in the cache and its url."""
        ...

    @property
    def state(self) -> str:
        """Cached, fetched or failed."""
        ...

    @property
    def reason(self) -> str:
        """Why it failed."""
        ...

    @property
    def received_bytes(self) -> int:
        """How much came."""
        ...


class FetchedLike(Protocol):
    """What became of the files of one collector."""

    @property
    def plan(self) -> Any:
        """WantedLike."""
        ...

    @property
    def dump(self) -> Named | None:
        """The table dump to begin from."""
        ...

    @property
    def outcomes(self) -> Iterable[OutcomeLike]:
        """File by file."""
        ...

    @property
    def empty(self) -> Iterable[str]:
        """Files without a record."""
        ...

    @property
    def missing(self) -> Iterable[str]:
        """Files that the archive lacks."""
        ...


class RefusalLike(Protocol):
    """A collector of which nothing can be had."""

    @property
    def collector(self) -> str:
        """Its name."""
        ...

    @property
    def reason(self) -> str:
        """Why."""
        ...


def listing_document(
    plans: Iterable[WantedLike],
    refused: Iterable[RefusalLike],
    mirror_of: Callable[[Any], Named],
    here: Callable[[Any, Any], bool],
) -> Json:
    """Which files a window needs.

    mirror_of  of a collector, where its files come from     here  of a plan and a file, whether it is in the cache
    """
    plans = list(plans)
    return {
        "schema": "duskwatch.archive-list/1",
        "collectors": [
            {
                "collector": plan.collector.name,
                "source": mirror_of(plan.collector).name,
                "from": iso(plan.from_us),
                "until": iso(plan.until_us),
                "listed": plan.listed,
                "files": [_file(file, here(plan, file)) for file in plan.files()],
                "missing": list(plan.missing()),
            }
            for plan in plans
        ],
        "to_fetch_bytes": sum(file.size_bytes or 0 for plan in plans for file in plan.files() if not here(plan, file)),
        "failures": _failures(refused),
    }


def fetched_document(
    cache: Path, fetched: Iterable[FetchedLike], refused: Iterable[RefusalLike], mirror_of: Callable[[Any], Named]
) -> Json:
    """What was fetched of a window, and where it lies."""
    return {
        "schema": "duskwatch.archive-fetch/1",
        "cache": str(cache),
        "collectors": [
            {
                "collector": each.plan.collector.name,
                "source": mirror_of(each.plan.collector).name,
                "dump": each.dump.name if each.dump else None,
                "files": [_outcome(one) for one in each.outcomes],
                "empty": list(each.empty),
                "missing": list(each.missing),
            }
            for each in fetched
        ],
        "failures": _failures(refused),
    }


def _file(file: FileLike, here: bool) -> Json:
    return {
        "name": file.name,
        "kind": "updates" if file.is_update else "dump",
        "start": iso(file.start_us),
        "size_bytes": file.size_bytes,
        "size_exact": file.size_exact,
        "here": here,
        "url": file.url or None,
        "path": str(file.path) if file.path else None,
    }


def _outcome(one: OutcomeLike) -> Json:
    return {
        "name": one.wanted.path.name,
        "url": one.wanted.url or None,
        "path": str(one.wanted.path) if one.state in ("cached", "fetched") else None,
        "state": one.state,
        "reason": one.reason or None,
        "received_bytes": one.received_bytes,
    }


def _failures(refused: Iterable[RefusalLike]) -> list[Json]:
    return [{"collector": each.collector, "reason": each.reason} for each in refused]
