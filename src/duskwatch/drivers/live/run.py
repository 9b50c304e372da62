"""One live run: sources under supervision, what they tell judged, conclusions written, until it ends or is stopped."""

import asyncio
import logging
import math
import random
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from duskwatch.analysis.entity import reference_of
from duskwatch.analysis.rolling import watched_lots
from duskwatch.drivers.live.alerting import Alerts
from duskwatch.drivers.live.checkpoint import packed as pack
from duskwatch.drivers.live.checkpoint import write as write_file
from duskwatch.drivers.live.clock import Pace
from duskwatch.drivers.live.concluding import Recorder
from duskwatch.drivers.live.http import served
from duskwatch.drivers.live.metrics import metrics
from duskwatch.drivers.live.replaying import Replay, find_recording
from duskwatch.drivers.live.supervise import Supervised, supervise
from duskwatch.drivers.live.watch import Watch, begin_watch
from duskwatch.records.countries import CountryRanges
from duskwatch.records.entity import Entity
from duskwatch.records.errors import DuskwatchError, InputError
from duskwatch.records.report import Report
from duskwatch.records.times import HOUR, MINUTE, SECOND
from duskwatch.sources.bgp.live.clock import now_us
from duskwatch.store import Store

log = logging.getLogger("duskwatch.live")

MOST_NETWORKS = 32  # each is folded by itself
LAST_WORDS_S = 5.0  # so long a channel may take at the end


@dataclass
class LiveRun:
    """A run that was made and not begun. ``stop`` may be set at any time: what was told is judged, then it ends."""

    watch: Watch
    recorder: Recorder
    clock: Callable[[], int]
    lateness_us: int = 0
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    alerts: Alerts | None = None
    checkpoints: Path | None = None  # folder
    checkpoint_s: float = 60.0
    checkpoint_failures: int = 0
    checkpointed_us: int = 0
    http: tuple[str, int] | None = None
    began_us: int = field(default_factory=now_us)
    latest: dict[str, Report] = field(default_factory=dict)  # by code of the entity

    async def run(self) -> None:
        """Until all sources have ended, or ``stop`` is set."""
        async with AsyncExitStack() as around:
            if self.http is not None:
                pages = {"/healthz": self.health, "/readyz": self.ready, "/metrics": lambda: (200, metrics(self))}
                port = await around.enter_async_context(served(*self.http, pages))
                log.info("listening", extra={"http": f"{self.http[0]}:{port}"})
                self.http = self.http[0], port
            await self._run()

    async def _run(self) -> None:
        tasks = [
            asyncio.create_task(
                supervise(one, self.watch.take, self.clock, lateness_us=self.lateness_us), name=one.source.name
            )
            for one in self.watch.sources
        ]
        stopped = asyncio.create_task(_wait(self.stop))
        beside = [] if self.watch.inline else [asyncio.create_task(self.watch.judging())]
        if self.checkpoints is not None:
            beside.append(asyncio.create_task(self._checkpointing()))
        telling = (
            [asyncio.create_task(self.alerts.deliver(name)) for name in self.alerts.channels] if self.alerts else []
        )
        try:
            waiting = {*tasks, stopped, *beside, *telling}
            while not stopped.done() and not all(task.done() for task in tasks):
                done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    waiting.discard(task)
                    task.result()  # what fails here is a fault of ours, and ends the run
        finally:
            await _ended(*tasks, stopped, *beside)
            try:
                await self.watch.finish()
                self.write_all()
                if self.checkpoints is not None:
                    await self.write_checkpoint()
                if self.alerts is not None:
                    await self._last_words(self.alerts)
            finally:
                await _ended(*telling)

    async def _last_words(self, alerts: Alerts) -> None:
        """What waits for channels that take it now is delivered; what they do not take waits for the next run."""
        rng = random.Random()
        for name in alerts.channels:
            with suppress(TimeoutError, DuskwatchError, OSError):
                async with asyncio.timeout(LAST_WORDS_S):
                    await alerts.deliver_waiting(name, rng)

    async def _checkpointing(self) -> None:
        while True:
            await asyncio.sleep(self.checkpoint_s)
            await self.write_checkpoint()

    async def write_checkpoint(self) -> None:
        """Write the state as it is now. Where that fails it is counted, and the one before is still there."""
        assert self.checkpoints is not None
        ranges = self.watch.lots[0].watched.ranges
        content = pack(self.watch.checkpoint(self.clock()), ranges)
        try:
            await asyncio.to_thread(write_file, self.checkpoints, content)
        except OSError as error:
            self.checkpoint_failures += 1
            log.error("checkpoint not written", extra={"error": str(error)})
        else:
            self.checkpointed_us = self.clock()

    def health(self) -> tuple[int, str]:
        """Whether the process does its work: judgements come, and the store takes them."""
        faults = []
        if self.recorder.failures:
            faults.append(f"store: {self.recorder.last_error}")
        if self.checkpoint_failures and not self.checkpointed_us:
            faults.append("no checkpoint could be written")
        return (503, "".join(f"{fault}\n" for fault in faults)) if faults else (200, "ok\n")

    def ready(self) -> tuple[int, str]:
        """Whether anything was judged, and a source runs."""
        if not any(one.running for one in self.watch.sources):
            return 503, "no source runs\n"
        return (200, "ok\n") if self.watch.evaluations else (503, "nothing was judged yet\n")

    def conclude(self, reports: Sequence[Report], window: tuple[int, int]) -> None:
        """What follows from one judgement; runs beside the event loop."""
        self.latest |= {report.entity.code: report for report in reports}
        if not self.recorder.record(reports, window):
            return
        if self.alerts is not None:
            self.alerts.plan(reports, window)
        self.recorder.measures(reports, window)

    def write_all(self) -> None:
        """Write down the measures that wait."""
        told = list(self.latest.values())
        if told:
            self.recorder.measures(told, (told[0].from_us, told[0].until_us), all_of_it=True)


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


async def _ended(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def reference_of_all(entities: Sequence[Entity], at_us: int, geo: Sequence[Path]) -> CountryRanges | None:
    """Whose addresses are whose, for all entities; ReferenceDataError where a country's cannot be told."""
    found = None
    for entity in entities:
        if entity.type == "country" or found is None:
            found = reference_of(entity, at_us, geo)
    return found


def checked_entities(entities: Sequence[Entity]) -> tuple[Entity, ...]:
    """The entities, each once; InputError where there is none, or too many networks."""
    unique = tuple(dict.fromkeys(entities))
    if not unique:
        raise InputError("nothing to watch: name a country, a network or a prefix")
    networks = sum(entity.type == "asn" for entity in unique)
    if networks > MOST_NETWORKS:
        raise InputError(f"{networks} networks; at most {MOST_NETWORKS} are watched by one process")
    return unique


def replay_pace(speed: float, length_us: int) -> Pace:
    """How often a replay judges: no more often than every five seconds on the wall; where it does not wait, some
    hundred times in all."""
    if math.isinf(speed):
        step_us = min(2 * HOUR, max(15 * MINUTE, length_us // 100))
        return Pace(prompt_us=step_us, step_us=step_us, idle_us=4 * step_us)
    step_us = min(15 * MINUTE, max(MINUTE, int(5 * speed * SECOND)))
    return Pace(prompt_us=min(step_us // 3, 5 * MINUTE), step_us=step_us, idle_us=8 * step_us)


def replay_run(
    folders: Sequence[Path],
    entities: Sequence[Entity],
    store: Store,
    *,
    geo: Sequence[Path] = (),
    speed: float = math.inf,
    from_us: int | None = None,
    until_us: int | None = None,
    bin_us: int,
    source: str = "bgp-live",
) -> tuple[LiveRun, Replay]:
    """A run over archive files instead of feeds, and its source.

    Raises InputError, ArchiveError or ReferenceDataError, each with what to do.
    """
    entities = checked_entities(entities)
    recording = find_recording(folders, bin_us, from_us, until_us)
    ranges = reference_of_all(entities, recording.from_us, geo)
    # A window that is replayed is kept whole, so that its end tells what `analyze` tells of it.
    keep_us = recording.until_us - recording.begin_us
    lots = watched_lots(entities, ranges, bin_us, keep_us)
    replay = Replay(recording, speed=speed)
    recorder = Recorder(store, source)
    watch = begin_watch(lots, recording.begin_us, lambda reports, window: None, lambda: recording.until_us)
    watch.inline, watch.pace = True, replay_pace(speed, keep_us)
    watch.sources.append(Supervised(replay))
    run = LiveRun(watch, recorder, lambda: replay.reached_us)
    watch.conclude = run.conclude
    return run, replay
