"""Archives as a feed of their own: update files and table dumps as they appear, in a folder or at their publisher."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from duskwatch.drivers.live.replaying import LATENESS_US
from duskwatch.drivers.live.source import LiveMessage, Noted, Reached, Said
from duskwatch.records.elems import PeerTable
from duskwatch.records.messages import FileSpan, InputDone, Message, Silence
from duskwatch.records.report import InputFile
from duskwatch.records.times import HOUR, MINUTE, SECOND
from duskwatch.sources.bgp.archives.collectors import find_collector
from duskwatch.sources.bgp.archives.contents import Contents
from duskwatch.sources.bgp.archives.fetch import fetch_archives, plan_archives
from duskwatch.sources.bgp.archives.find import ArchiveFile, period_of, probe, select
from duskwatch.sources.bgp.archives.gaps import MISSING, SLACK_US
from duskwatch.sources.bgp.archives.mirrors import choose_mirrors
from duskwatch.sources.bgp.archives.read import open_file
from duskwatch.sources.bgp.formats.mrt import MrtReader
from duskwatch.sources.bgp.live.clock import Clock, now_us
from duskwatch.sources.downloads.cache import open_cache

log = logging.getLogger("duskwatch.live")

POLL_S = 30.0
PATIENCE_US = 20 * MINUTE  # a file that is not there so long after its end is missing; if it comes, it comes late
SETTLED_S = 2.0  # who writes a file into a folder has done so when it is as old
NOT_YET = "no update file appeared"
KNOWN_FILES = 50  # by which the usual length of a collector's files is known
LARGEST_FOLDER = 200_000
FETCHED_US = HOUR  # of what publishers have, the last so much is asked for each time

FindPaths = Callable[[], list[Path]]
"""All files there are at the moment, old ones too. Called in a thread; OSError or DuskwatchError: the source failed."""


@dataclass
class _Collector:
    """How far one collector was told. ``reached_us`` None: nothing of it was told yet."""

    reached_us: int | None = None
    updates: list[ArchiveFile] = field(default_factory=list)
    peers: PeerTable = field(default_factory=PeerTable)


class Polling:
    """The source. ``from_us``: what is told of times before only builds up the state."""

    endless = True
    tells_tables = False
    changes_only = False

    def __init__(
        self,
        name: str,
        paths: FindPaths,
        from_us: int,
        *,
        clock: Clock = now_us,
        poll_s: float = POLL_S,
        patience_us: int = PATIENCE_US,
    ) -> None:
        self.name = name
        self.files = self.damaged = 0
        self._paths, self._from_us, self._clock = paths, from_us, clock
        self._poll_s, self._patience_us = poll_s, patience_us
        self._seen: dict[Path, bool] = {}
        self._collectors: dict[str, _Collector] = {}
        self._resumed: dict[str, int] = {}

    def position(self) -> dict[str, int]:
        """The end of the last file of each collector."""
        return {name: one.reached_us for name, one in self._collectors.items() if one.reached_us is not None}

    def resume(self, position: dict[str, int]) -> None:
        """Go on with what files tell of times after the position; what lacks there is missing."""
        self._collectors |= {name: _Collector(reached_us) for name, reached_us in position.items()}
        self._resumed = dict(position)

    def status(self) -> dict[str, object]:
        """Collectors, and files read."""
        return {"collectors": len(self._collectors), "files": self.files, "damaged": self.damaged}

    async def messages(self) -> AsyncGenerator[LiveMessage]:
        """What files tell that appear, and what of them is missing; looks again every ``poll_s``."""
        while True:
            for collector, files in (await asyncio.to_thread(self._fresh)).items():
                state = self._collectors.setdefault(collector, _Collector())
                begun = state.reached_us is not None
                # At the beginning no more than what the window needs: the last table dump and what follows it.
                wanted = files if begun else select(files, self._from_us, self._clock())
                since_us = self._resumed.pop(collector, None)
                if since_us is not None:  # told before the restart
                    wanted = [file for file in files if file.start_us >= since_us]
                for file in wanted:
                    for message in self._told(file, state):
                        yield Said(collector, message)
                        await asyncio.sleep(0)
                    if (at_us := self._reached_us()) is not None:
                        yield Reached(at_us)
                yield Noted("files read", {"collector": collector, "files": len(wanted)})
            for said in self._missing():
                yield said
            at_us = self._reached_us()
            # Without any file nothing is known and nothing is waited for.
            yield Reached(self._clock() - self._patience_us if at_us is None else at_us)
            await asyncio.sleep(self._poll_s)

    def _fresh(self) -> dict[str, list[ArchiveFile]]:
        """MRT files that were not seen before and are not being written, by collector, in order."""
        found: dict[str, list[ArchiveFile]] = {}
        now_s = self._clock() / SECOND
        for path in self._paths()[:LARGEST_FOLDER]:
            if path in self._seen:
                continue
            try:
                if 0 <= now_s - path.stat().st_mtime < SETTLED_S:
                    continue
                file = probe(path)
            except OSError:
                continue  # it may be readable later
            self._seen[path] = file is not None
            if file is None:
                log.warning("no MRT file", extra={"source": self.name, "file": path.name})
                continue
            found.setdefault(file.collector, []).append(file)
        return {name: sorted(files) for name, files in sorted(found.items())}

    def _told(self, file: ArchiveFile, state: _Collector) -> Iterator[Message]:
        """One file, behind what is missing ahead of it."""
        if file.is_update:
            state.updates = [*state.updates, file][-KNOWN_FILES:]
            reached = state.reached_us
            if reached is not None and file.start_us > reached + SLACK_US:
                yield Silence(reached, file.start_us, MISSING)
        period_us = period_of(file.collector, state.updates)
        if file.is_update and file.named_us is not None:
            yield FileSpan(file.path.name, file.named_us, file.named_us + period_us)
        pieces, digest = open_file(file)
        reader = MrtReader(pieces, state.peers)
        yield from Contents(file, reader)
        self.files += 1
        end_us = file.start_us + (period_us if file.is_update else 0)
        if reader.damage is not None:
            self.damaged += 1
            start_us = reader.last_us if reader.last_us is not None else file.start_us
            if file.is_update and start_us < end_us:
                yield Silence(start_us, end_us, "damaged file")
        yield InputDone(
            InputFile(
                file.path.name,
                digest.hexdigest(),
                "mrt",
                reader.first_us,
                reader.last_us,
                reader.records,
                reader.bad_records,
                str(reader.damage) if reader.damage else "",
                file.collector,
                file.size_bytes,
                file.note,
            )
        )
        state.reached_us = max(state.reached_us or 0, end_us)

    def _missing(self) -> Iterator[Said]:
        """Collectors of which no file appeared for too long are silent up to then."""
        late_us = self._clock() - self._patience_us
        for name, state in self._collectors.items():
            if state.reached_us is not None and late_us - state.reached_us >= SECOND:
                yield Said(name, Silence(state.reached_us, late_us, NOT_YET))
                state.reached_us = late_us

    def _reached_us(self) -> int | None:
        known = [one.reached_us for one in self._collectors.values() if one.reached_us is not None]
        return min(known) - LATENESS_US if known else None


def in_folder(folder: Path) -> FindPaths:
    """All files below a folder; OSError where it is not there."""

    def find() -> list[Path]:
        if not folder.is_dir():
            raise FileNotFoundError(2, "no such folder", str(folder))
        return sorted(path for path in folder.rglob("*") if not path.name.startswith(".") and path.is_file())

    return find


def at_publishers(collectors: Sequence[str], cache: Path, mirror: str, clock: Clock) -> FindPaths:
    """What the archives of some collectors have of the last hours, fetched into a folder; the last table dump too.

    mirror  address or folder in place of the publishers; empty: these
    Raises DownloadError where a collector is not known, or the folder cannot hold what is fetched.
    """
    mirrors = choose_mirrors([mirror] if mirror else ())
    chosen = [find_collector(name, public=not mirror) for name in collectors]

    def find() -> list[Path]:
        kept, now = open_cache(cache), clock()
        plans, refused = plan_archives(chosen, now - FETCHED_US, now, mirrors, kept, now)
        for each in refused:
            log.warning("archive not asked", extra={"collector": each.collector, "why": each.reason})
        got = fetch_archives(plans, mirrors, kept)
        for one in (failure for each in got for failure in each.failures):
            log.warning("not fetched", extra={"file": one.wanted.path.name, "why": one.reason})
        return [path for each in got for path in each.files]

    return find
