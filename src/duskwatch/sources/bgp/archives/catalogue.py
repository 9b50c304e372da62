"""What an archive has of a collector: from its index pages, by asking for each file, or from a local folder."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from duskwatch.sources.bgp.archives import layout
from duskwatch.sources.bgp.archives.collectors import Collector
from duskwatch.sources.bgp.archives.find import collector_of
from duskwatch.sources.bgp.archives.names import NAME, is_update_name, stamp_time
from duskwatch.sources.downloads.checksum import sidecars
from duskwatch.sources.downloads.errors import NotThereError, RefusedError
from duskwatch.sources.downloads.listing import Listed, parse_listing
from duskwatch.sources.downloads.session import Web

# How many files are asked for, where there is no index page, before it is believed that there are none.
SAMPLE = 32
MOST_LOCAL = 2_000_000


@dataclass(frozen=True, slots=True, order=True)
class RemoteFile:
    """One file of an archive. Files sort by time, table dumps ahead of updates of the same time."""

    start_us: int  # from its name
    is_update: bool
    name: str
    url: str  # empty for a file of a local folder
    path: Path | None = None  # of a file of a local folder
    size_bytes: int | None = None
    size_exact: bool = False
    checksum_url: str | None = None


@dataclass(frozen=True, slots=True)
class Available:
    """What there is of one collector in a stretch of time."""

    files: tuple[RemoteFile, ...]  # sorted
    listed: (
        bool  # whether index pages listed them; otherwise each file was asked for by the name that the cadence gives
    )


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A server's archive. Each index page is read once."""

    web: Web
    base: str  # address without a slash at its end
    pages: dict[str, tuple[Listed, ...] | None] = field(default_factory=dict)

    async def ask(self, collector: Collector, from_us: int, until_us: int, *, updates: bool) -> Available:
        """Table dumps, or update files, that begin from one moment until another.

        Of update files also the one that is being written at ``from_us``, and more before it where a page names them.
        Raises RefusedError where the server cannot be asked.
        """
        found: dict[str, RemoteFile] = {}
        listed = False
        unlisted: list[str] = []
        since = from_us - layout.update_period(collector, from_us) if updates else from_us
        for month in layout.months(since, until_us, collector.name):
            files = await self._month(collector, month, updates=updates)
            if files is None:
                unlisted.append(month)
            else:
                listed = True
                found |= {file.name: file for file in files}
        if unlisted:
            wanted = [
                (start, name)
                for start, name in layout.expected(collector, from_us, until_us, updates=updates)
                if layout.month_of(start, collector.name) in unlisted
            ]
            found |= {file.name: file for file in await self._probe(collector, wanted, updates=updates)}
        return Available(tuple(sorted(found.values())), listed)

    async def _month(self, collector: Collector, month: str, *, updates: bool) -> list[RemoteFile] | None:
        """Files that a month's index page names; None where no page is served."""
        for folder in layout.folders(collector, month, updates=updates):
            url = f"{self.base}/{folder}"
            if url not in self.pages:
                self.pages[url] = await self._page(url)
            entries = self.pages[url]
            if entries is not None:
                return list(_named(entries, url, collector, updates=updates))
        return None

    async def _page(self, url: str) -> tuple[Listed, ...] | None:
        try:
            return parse_listing(await self.web.text(url), url)
        except NotThereError:
            return None
        except RefusedError as error:
            if error.status is None:
                raise RefusedError(f"{url}: {error}") from None
            return None  # the server is there, and shows no pages

    async def _probe(self, collector: Collector, wanted: list[tuple[int, str]], *, updates: bool) -> list[RemoteFile]:
        """Those of the wanted files that the server has, each asked for.

        A sample from the whole stretch goes first: where none of it is there, nothing is, and in which of the folders
        it is found, the others are.
        """
        sample = wanted[:: -(-len(wanted) // SAMPLE) or 1]
        first = await asyncio.gather(*(self._find(collector, *each, kinds=None, updates=updates) for each in sample))
        kinds = {kind for kind, _ in filter(None, first)}
        if not kinds:
            return []
        rest = sorted(set(wanted) - set(sample))
        more = await asyncio.gather(*(self._find(collector, *each, kinds=kinds, updates=updates) for each in rest))
        return [file for _, file in filter(None, (*first, *more))]

    async def _find(
        self, collector: Collector, start_us: int, name: str, *, kinds: set[int] | None, updates: bool
    ) -> tuple[int, RemoteFile] | None:
        month = layout.month_of(start_us, collector.name)
        for kind, folder in enumerate(layout.folders(collector, month, updates=updates)):
            if kinds is not None and kind not in kinds:
                continue
            url = f"{self.base}/{folder}{name}"
            try:
                size = (await self.web.head(url)).size_bytes
            except NotThereError:
                continue
            except RefusedError as error:
                if error.status is None:
                    raise RefusedError(f"{url}: {error}") from None
                size = None  # HEAD is not allowed; whether the file is there shows when it is fetched
            return kind, RemoteFile(start_us, updates, name, url, None, size, size is not None)
        return None


def _named(entries: tuple[Listed, ...], url: str, collector: Collector, *, updates: bool) -> Iterator[RemoteFile]:
    extra = {entry.name for entry in entries if not NAME.fullmatch(entry.name)}
    for entry in entries:
        match = NAME.fullmatch(entry.name)
        if match is None or entry.is_folder or is_update_name(entry.name) != updates:
            continue
        start = stamp_time(match["stamp"], collector.name)
        if start is None:
            continue
        sums = sidecars(entry.name, extra) if extra else []
        yield RemoteFile(
            start,
            updates,
            entry.name,
            url + entry.name,
            size_bytes=entry.size_bytes,
            size_exact=entry.exact,
            checksum_url=url + sums[0] if sums else None,
        )


def local_files(root: Path, collector: Collector, from_us: int, until_us: int) -> Available:
    """Files of a collector below a local folder, whatever its layout, that begin from one moment until another.

    The folders above a file say whose it is. Folders of other months are not entered.
    """
    wanted = set(layout.months(from_us, until_us, collector.name))
    found: list[RemoteFile] = []
    seen = 0
    start_at = root / collector.name if (root / collector.name).is_dir() else root
    for folder, below, names in os.walk(start_at):
        below[:] = sorted(name for name in below if not _other_month(name, wanted))
        for name in sorted(names):
            seen += 1
            match = NAME.fullmatch(name)
            start = stamp_time(match["stamp"], collector.name) if match else None
            if start is None or not from_us <= start < until_us:
                continue
            path = Path(folder) / name
            if collector_of(path) == collector.name:
                size = path.stat().st_size
                found.append(RemoteFile(start, is_update_name(name), name, "", path, size, True))
        if seen > MOST_LOCAL:
            break
    return Available(tuple(sorted(found)), True)


def _other_month(name: str, wanted: set[str]) -> bool:
    return len(name) == 7 and name[4] == "." and (name[:4] + name[5:]).isdigit() and name not in wanted
