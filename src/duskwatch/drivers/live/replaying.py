"""A folder of archive files as a live source: without waiting, or so many times as fast as it happened."""

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from duskwatch.analysis.replay import Window, known_before
from duskwatch.drivers.live.source import LiveMessage, Reached, Said
from duskwatch.records.elems import ElemBlock
from duskwatch.records.errors import InputError
from duskwatch.records.messages import DumpBegin, DumpEnd, FileSpan, InputDone, Message, Silence
from duskwatch.records.times import MINUTE, SECOND, iso
from duskwatch.sources.bgp.archives.find import ArchiveError, ArchiveFile, find_files, period_of, select, touches
from duskwatch.sources.bgp.archives.order import taken
from duskwatch.sources.bgp.archives.read import messages, open_ahead

# Records of one file come after those of others of the same time by this much; archives name files to the minute.
LATENESS_US = 2 * MINUTE
LAST_ELEMS = 5  # the middle one of so many tells when a block ends: one alone may be of a wrong time
SLICE_S = 0.25  # of the clock on the wall, between two slices of a block that is given out in its own time


@dataclass(frozen=True, slots=True)
class Recording:
    """The files of each collector that a replay of [from_us, until_us) needs. ``begin_us``: the state is known then."""

    files: dict[str, tuple[ArchiveFile, ...]]
    from_us: int
    until_us: int
    begin_us: int


def find_recording(
    paths: Sequence[Path], bin_us: int, from_us: int | None = None, until_us: int | None = None
) -> Recording:
    """The files among the paths and below the folders; without times all that they cover.

    ArchiveError where there is none for the window; InputError where the window is none.
    """
    found, _ = find_files(list(paths))
    by_collector: dict[str, list[ArchiveFile]] = {}
    for file in found:
        by_collector.setdefault(file.collector, []).append(file)
    if from_us is None:
        from_us = min(file.start_us for file in found) // bin_us * bin_us
    if until_us is None:
        until_us = max(_end_of(collector, of_collector) for collector, of_collector in by_collector.items())
        until_us = -(-until_us // bin_us) * bin_us
    window = Window(from_us, until_us, bin_us)
    chosen = {name: select(of_collector, from_us, until_us) for name, of_collector in sorted(by_collector.items())}
    chosen = {name: of_collector for name, of_collector in chosen.items() if touches(of_collector, from_us, until_us)}
    if not chosen:
        raise ArchiveError(f"no MRT file covers {iso(from_us)} to {iso(until_us)}")
    begin_us = from_us - known_before(chosen.values(), window)
    return Recording({name: tuple(of_collector) for name, of_collector in chosen.items()}, from_us, until_us, begin_us)


def _end_of(collector: str, files: Sequence[ArchiveFile]) -> int:
    updates = [file for file in files if file.is_update]
    return max(file.start_us + (period_of(collector, updates) if file.is_update else SECOND) for file in files)


class Replay:
    """A recording as a source. ``speed``: so many seconds of the recording in one on the wall; inf: no waiting."""

    endless = False
    tells_tables = False
    changes_only = False

    def __init__(
        self,
        recording: Recording,
        *,
        name: str = "replay",
        speed: float = math.inf,
        resume_us: int | None = None,
        sleep: Callable[[float], "asyncio.Future[None]"] | None = None,
    ) -> None:
        if not speed > 0:
            raise InputError(f"a speed of {speed:g}: more than nothing is needed, or max")
        self.name = name
        self.recording, self.speed = recording, speed
        self.reached_us = recording.begin_us
        self.reading = ""
        self.done = 0
        self._resume_us = resume_us
        self._sleep = sleep or asyncio.sleep
        self._origin: tuple[float, int] | None = None  # when on the wall the replay showed which moment

    def position(self) -> dict[str, int]:
        """Nothing: what was missed cannot be had again."""
        return {}

    def resume(self, position: dict[str, int]) -> None:
        """Nothing to go on from."""

    def status(self) -> dict[str, object]:
        """How far it is."""
        total = sum(map(len, self.recording.files.values()))
        return {
            "at": iso(self.reached_us), "from": iso(self.recording.from_us), "until": iso(self.recording.until_us),
            "files": total, "files_done": self.done, "speed": "max" if math.isinf(self.speed) else self.speed,
        }  # fmt: skip

    async def messages(self) -> AsyncGenerator[LiveMessage]:
        """All collectors side by side: the one that is furthest behind tells next."""
        recording = self.recording
        span = recording.begin_us, recording.until_us
        self.done, self._origin = 0, None
        streams: dict[str, Iterator[Message]] = {}
        opened = []
        try:
            for name, files in recording.files.items():
                ahead = open_ahead(files, 2)
                opened.append(ahead)
                streams[name] = messages(files, ahead, *span)
            # Of each collector: up to which time all was told, and whether a table dump is being read.
            at = dict.fromkeys(streams, 0)
            dumping = dict.fromkeys(streams, False)
            while streams:
                name = min(streams, key=lambda each: (not dumping[each], at[each], each))
                message = next(streams[name], None)
                if message is None:
                    del streams[name], at[name]
                    continue
                if isinstance(message, InputDone):
                    self.done += 1
                if isinstance(message, (DumpBegin, DumpEnd)):
                    dumping[name] = isinstance(message, DumpBegin)
                inside = dumping[name]
                for piece in [message] if inside else self._pieces(message):
                    ends_us = _moment(piece)
                    if ends_us is not None and not inside:
                        await self._wait(ends_us)
                    yield Said(name, piece)
                    if ends_us is not None and not inside:
                        at[name] = max(at[name], ends_us - LATENESS_US)
                        yield self._reached(min(at.values()))
                await asyncio.sleep(0)
            yield self._reached(recording.until_us)
        finally:
            for ahead in opened:
                ahead.close()

    def _reached(self, at_us: int) -> Reached:
        self.reached_us = max(self.reached_us, min(at_us, self.recording.until_us))
        return Reached(self.reached_us)

    def _pieces(self, message: Message) -> Iterator[Message]:
        """A block in slices of time, where it is given out in its own time."""
        if math.isinf(self.speed) or not isinstance(message, ElemBlock) or len(message.time_us) < 2:
            yield message
            return
        width = max(SECOND, int(self.speed * SLICE_S * SECOND))
        latest = np.maximum.accumulate(message.time_us)
        number = (latest - latest[0]) // width
        edges = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(number)]
        for start, end in pairwise(edges):
            yield message if end - start == len(number) else taken(message, slice(start, end))

    async def _wait(self, at_us: int) -> None:
        """Until it is time; what was before the window is not waited for."""
        if math.isinf(self.speed) or at_us <= max(self.recording.from_us, self._resume_us or 0):
            return
        now = asyncio.get_running_loop().time()
        if self._origin is None:
            self._origin = now, at_us
        began, from_us = self._origin
        left = began + (at_us - from_us) / SECOND / self.speed - now
        if left > 0:
            await self._sleep(left)


def _moment(message: Message) -> int | None:
    """Up to which time a message tells; None where it tells nothing of time."""
    if isinstance(message, ElemBlock):
        return int(np.median(message.time_us[-LAST_ELEMS:])) if len(message.time_us) else None
    if isinstance(message, Silence):
        return message.until_us
    if isinstance(message, FileSpan):
        return message.from_us
    return None
