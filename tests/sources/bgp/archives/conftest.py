"""Small archives with the layouts of both projects, and the loopback server that serves them."""

import bz2
import gzip
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND, parse_time
from duskwatch.sources.bgp.archives import layout
from duskwatch.sources.bgp.archives.collectors import find_collector
from duskwatch.sources.downloads.cache import Cache, open_cache
from duskwatch.sources.downloads.session import Limits
from tests.sources.downloads.server import Place, serve

BEGIN = parse_time("2014-12-21T00:00Z")
QUICK = Limits(attempts=3, backoff_s=0.01, backoff_cap_s=0.02, stall_s=8, connect_s=8)


def record(time_us: int, kind: int) -> bytes:
    """One MRT record (RFC 6396 section 2) of a type, with a body that nobody reads here."""
    return struct.pack("!IHHI", time_us // SECOND, kind, 4, 8) + bytes(8)


def write_file(root: Path, name: str, time_us: int, *, updates: bool) -> Path:
    """One archive file of a collector, where its layout wants it."""
    collector = find_collector(name, public=False)
    folder = layout.folders(collector, layout.month_of(time_us, name), updates=updates)[0]
    path = root / folder / layout.file_name(collector, time_us, updates=updates)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = record(time_us, 16 if updates else 13)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else bz2.compress(data))
    return path


def write_archive(root: Path, name: str, from_us: int, until_us: int) -> None:
    """Everything that a collector's cadence promises in a stretch of time."""
    collector = find_collector(name, public=False)
    for updates in (False, True):
        for start, _ in layout.expected(collector, from_us, until_us, updates=updates):
            write_file(root, name, start, updates=updates)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of rrc00, route-views2 (at the root) and route-views.sg."""
    root = tmp_path_factory.mktemp("archive")
    for name in ("rrc00", "route-views2", "route-views.sg"):
        write_archive(root, name, BEGIN, BEGIN + DAY + 12 * HOUR)
    return root


@pytest.fixture
def place(archive: Path) -> Iterator[Place]:
    with serve(archive) as serving:
        yield serving


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return open_cache(tmp_path / "cache")


def at(text: str) -> int:
    """A moment of 22 December 2014: ``at("16:15")``."""
    hour, minute = text.split(":")
    return BEGIN + DAY + int(hour) * HOUR + int(minute) * MINUTE
