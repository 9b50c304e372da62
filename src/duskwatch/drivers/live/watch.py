"""The core of a live run: messages into lots of collectors, and what is concluded of their entities."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from duskwatch.analysis.rolling import (
    Rolling,
    Snapshot,
    TooManyCollectorsError,
    Watched,
    begin_rolling,
    ready_us,
    reports,
    roll_to,
    snapshot,
    take,
    trim,
)
from duskwatch.drivers.live.breaks import LEARNED_ANEW, Breaks
from duskwatch.drivers.live.checkpoint import Checkpoint
from duskwatch.drivers.live.clock import Pace, is_due, watermark
from duskwatch.drivers.live.sessions import sessions_down
from duskwatch.drivers.live.source import LiveMessage, Noted, Reached, Said
from duskwatch.drivers.live.supervise import Supervised
from duskwatch.records.messages import Message, Silence
from duskwatch.records.outages import Outage
from duskwatch.records.report import Report
from duskwatch.records.times import MINUTE

log = logging.getLogger("duskwatch.live")

RESTARTED = "duskwatch was not running, or had not heard of it again"
AHEAD_US = 5 * MINUTE  # what claims to be of a later time than the clock and this is not believed

Conclude = Callable[[Sequence[Report], tuple[int, int]], None]
"""Given the reports on all entities and the window that was judged; runs beside the event loop, one at a time."""


@dataclass
class Watch:
    """All lots, up to which time they were judged, and what was found. One at a time judges.

    inline   judge as soon as it is due, before more is taken: for replays, whose answer must not hang on the machine
    horizon  gives the time from which on elems are not believed
    """

    lots: list[Rolling]
    conclude: Conclude
    horizon: Callable[[], int]
    pace: Pace = field(default_factory=Pace)
    inline: bool = False
    sources: list[Supervised] = field(default_factory=list)
    judged_us: int = 0
    judged_changes: int = 0
    lasting_us: int | None = None  # onset of the earliest outage that lasts
    found: dict[str, tuple[Outage, ...]] = field(default_factory=dict)  # by code of the entity
    evaluations: int = 0
    evaluation_s: float = 0.0  # the last one
    refused: int = 0  # messages of collectors too many, or that another source tells of
    awaited: dict[str, int] = field(default_factory=dict)  # collectors not heard since a restart, since when
    heard_us: dict[str, int] = field(default_factory=dict)  # by collector, up to when its source has told
    source_of: dict[str, str] = field(default_factory=dict)
    breaks: Breaks = field(default_factory=Breaks)
    strangers: set[tuple[str, str]] = field(default_factory=set)  # sources that told of another one's collector
    due: asyncio.Event = field(default_factory=asyncio.Event)
    _busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    _beside: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "judging"))

    @property
    def changes(self) -> int:
        """Rows of the log of all lots."""
        return sum(lot.changes for lot in self.lots)

    @property
    def changed_us(self) -> int:
        """Event time of the latest of them."""
        return max(lot.changed_us for lot in self.lots)

    @property
    def rolled_us(self) -> int:
        """What is told of times before does not change any more."""
        return min(lot.rolled_us for lot in self.lots)

    def mark_us(self) -> int:
        """Up to which time all sources have told, and no table dump is half read."""
        mark = watermark(self.sources, self.rolled_us)
        return min(ready_us(lot, mark) for lot in self.lots)

    async def take(self, source: Supervised, message: LiveMessage) -> None:
        """One message of a source."""
        if isinstance(message, Said):
            self._said(source, message)
        elif isinstance(message, Noted):
            log.info(message.text, extra={"source": source.source.name, **message.fields})
        elif isinstance(message, Reached):
            self._reached(source, message.until_us)
            if self.is_due():
                if self.inline:
                    await self.judge()
                else:
                    self.due.set()

    def _said(self, source: Supervised, message: Said) -> None:
        name, horizon_us = message.collector, self.horizon()
        said = message.message
        owner = self.source_of.get(name)
        if owner not in (None, source.source.name) and not self._orphan(name):
            # Told twice, and by two clocks, routes would be taken back that stand.
            if (source.source.name, name) not in self.strangers:
                self.strangers.add((source.source.name, name))
                log.error("collector refused", extra={"source": source.source.name, "collector": name, "of": owner})
            self.refused += 1
            return
        if name in self.awaited:
            self._still_awaited(name, horizon_us - AHEAD_US)
            del self.awaited[name]
            log.info("collector heard again", extra={"collector": name})
        self.source_of[name] = source.source.name
        if source.source.changes_only:
            if isinstance(said, Silence):
                self.breaks.silence(name, said)
            elif self.breaks.heard(name):
                log.warning("learned anew", extra={"collector": name, "as": self.breaks.name_of(name)})
        self._fold(source, self.breaks.name_of(name), said, horizon_us)

    def _fold(self, source: Supervised, name: str, message: Message, horizon_us: int) -> None:
        try:
            for lot in self.lots:
                take(lot, name, message, horizon_us)
        except TooManyCollectorsError as error:
            if not self.refused:
                log.error("collector refused", extra={"source": source.source.name, "error": str(error)})
            self.refused += 1

    def _reached(self, source: Supervised, until_us: int) -> None:
        for old, since in list(self.breaks.silent.items()):
            if until_us > since and self.source_of.get(old.partition("~")[0]) == source.source.name:
                self._fold(source, old, Silence(since, until_us, LEARNED_ANEW), self.horizon())
                self.breaks.silent[old] = until_us
        for name in source.collectors:
            self.heard_us[name] = max(until_us, self.heard_us.get(name, 0))
        for name in list(self.awaited):
            # Whose source is not configured any more is silent by the time of any other.
            if self.source_of.get(name) in (source.source.name, None) or self._orphan(name):
                self._still_awaited(name, until_us)

    def _orphan(self, name: str) -> bool:
        return self.source_of.get(name) not in {one.source.name for one in self.sources}

    def _still_awaited(self, name: str, until_us: int) -> None:
        """Tell the silence of a collector that was not heard since a restart, up to a time."""
        since = self.awaited[name]
        if until_us > since:
            silence = Silence(since, until_us, RESTARTED)
            self.breaks.silence(name, silence)  # whoever says what stands asks for none of it
            for lot in self.lots:
                take(lot, self.breaks.name_of(name), silence, self.horizon())
            self.awaited[name] = until_us

    def resume(self, found: Checkpoint) -> None:
        """Go on from a checkpoint: no collector has been heard since.

        Sources that tell whole tables when they begin anew do so: what they told before is not taken to hold.
        """
        for lot, before in zip(self.lots, found.lots, strict=True):
            before.watched = lot.watched
        self.lots = list(found.lots)
        self.judged_us, self.judged_changes, self.lasting_us = found.judged_us, -1, found.lasting_us
        self.breaks = found.breaks
        # Each under the name by which its source calls it; old names stay silent by themselves.
        called = {self.breaks.name_of(name): name for name in found.source_of}
        names = {
            called.get(name, name) for lot in self.lots for name in lot.collectors if name not in self.breaks.silent
        }
        self.awaited = {name: found.heard_us.get(name, self.rolled_us) for name in sorted(names)}
        self.heard_us, self.source_of = dict(found.heard_us), dict(found.source_of)
        for one in self.sources:
            if one.source.name in found.positions:
                one.source.resume(found.positions[one.source.name])
                self.awaited = {n: at for n, at in self.awaited.items() if self.source_of.get(n) != one.source.name}
        anew = {one.source.name for one in self.sources if one.source.tells_tables}
        for lot in self.lots:
            for name, collector in lot.collectors.items():
                if self.source_of.get(name) in anew:
                    for block in sessions_down(name, collector.state.peers, self.awaited[name]):
                        take(lot, name, block, self.horizon())

    def checkpoint(self, made_us: int) -> Checkpoint:
        """The run as it is now; to be packed before anything more is taken."""
        lots = tuple(self.lots)
        positions = {one.source.name: position for one in self.sources if (position := one.source.position())}
        return Checkpoint(
            lots,
            made_us,
            self.judged_us,
            self.lasting_us,
            dict(self.heard_us),
            dict(self.source_of),
            positions,
            self.breaks,
        )

    def is_due(self) -> bool:
        """Whether entities should be judged now."""
        judged = self.judged_changes == self.changes
        lasting = self.lasting_us is not None
        return is_due(self.mark_us(), self.judged_us, self.changed_us, judged, lasting, self.pace)

    async def judging(self) -> None:
        """Judge whenever it is due, until cancelled: the task of a run that is not ``inline``."""
        while True:
            await self.due.wait()
            self.due.clear()
            if self.is_due():
                await self.judge()

    async def judge(self) -> None:
        """Roll all lots to the mark and conclude what follows."""
        async with self._busy:
            mark = self.mark_us()
            for lot in self.lots:
                roll_to(lot, mark)
            self.judged_changes, self.judged_us = self.changes, max(self.judged_us, mark)
            taken = [found for lot in self.lots if (found := snapshot(lot)) is not None]
            if not taken:
                return
            began = time.perf_counter()
            self.found = await asyncio.get_running_loop().run_in_executor(self._beside, self._judged, taken)
            self.evaluations += 1
            self.evaluation_s = time.perf_counter() - began
            lasting = [one.onset.earliest_us for outages in self.found.values() for one in outages if one.end is None]
            self.lasting_us = min(lasting, default=None)
            for lot in self.lots:
                trim(lot, self.lasting_us)
            self._forget()

    def _forget(self) -> None:
        """Old names of which nothing is kept any more."""
        for old, ended_us in list(self.breaks.ended.items()):
            if all(lot.from_us > ended_us for lot in self.lots):
                for lot in self.lots:
                    lot.collectors.pop(old, None)
                del self.breaks.ended[old], self.breaks.silent[old]

    def _judged(self, taken: Sequence[Snapshot]) -> dict[str, tuple[Outage, ...]]:
        told = [report for one in taken for report in reports(one)]
        window = max(one.window.from_us for one in taken), min(one.window.until_us for one in taken)
        self.conclude(told, window)
        return {report.entity.code: report.outages for report in told}

    async def finish(self) -> None:
        """Judge what was told last, and end."""
        await self.judge()
        self._beside.shutdown()


def begin_watch(watched: Sequence[Watched], from_us: int, conclude: Conclude, horizon: Callable[[], int]) -> Watch:
    """Nothing was told yet; windows begin at ``from_us``."""
    return Watch([begin_rolling(lot, from_us) for lot in watched], conclude, horizon, judged_us=from_us)
