"""Sources under supervision: one that fails is begun again, and is a gap meanwhile; it takes no other down."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from duskwatch.drivers.live.source import LiveMessage, LiveSource, Reached, Said
from duskwatch.records.messages import Silence
from duskwatch.records.times import SECOND

log = logging.getLogger("duskwatch.live")

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
CALM_S = 60.0  # a source that ran for so long has not failed in a row
PULSE_S = 1.0  # how often the absence of a source is told, so that the others' time goes on

Take = Callable[["Supervised", LiveMessage], Awaitable[None]]


@dataclass
class Supervised:
    """A source and how it fares.

    reached_us   nothing more comes of times before it
    heard_us     event time up to which it is known to have watched
    failures     in a row;  restarts  in all;  last_error  why it failed last, empty where it never did
    """

    source: LiveSource
    reached_us: int = 0
    heard_us: int = 0
    running: bool = False
    ended: bool = False
    failures: int = 0
    restarts: int = 0
    messages: int = 0
    last_error: str = ""
    collectors: set[str] = field(default_factory=set)


async def supervise(
    one: Supervised,
    take: Take,
    clock: Callable[[], int],
    *,
    lateness_us: int,
    rng: random.Random | None = None,
    wait_s: float = FIRST_WAIT_S,
) -> None:
    """Run a source until it is cancelled, or has ended and may.

    take         gets each message; what it raises is the driver's failure, not the source's, and ends this too
    clock        microseconds since the epoch, for the times of the gap that a failure leaves
    lateness_us  what is told of an absent source is told up to so long ago
    """
    rng = rng or random.Random()
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        failed = await _run(one, take)
        if failed is None:
            one.ended = True
            return
        one.failures = 1 if loop.time() - began > CALM_S else one.failures + 1
        one.restarts += 1
        one.last_error = failed
        pause = min(LONGEST_WAIT_S, wait_s * 2 ** (one.failures - 1)) * (0.5 + rng.random() / 2)
        log.warning("source failed", extra={"source": one.source.name, "error": failed, "again_in_s": round(pause, 1)})
        await _absent(one, take, clock, lateness_us, loop.time() + pause, failed)


async def _run(one: Supervised, take: Take) -> str | None:
    """One life of a source; None where it ended as it may, else why it failed."""
    one.running = True
    try:
        async with aclosing(one.source.messages()) as messages:
            while True:
                try:
                    message = await anext(messages)
                except StopAsyncIteration:
                    return "it ended by itself" if one.source.endless else None
                except Exception as error:  # whatever a source does wrong is no reason to stop watching elsewhere
                    log.debug("source failed", exc_info=error)
                    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
                note(one, message)
                await take(one, message)
    finally:
        one.running = False


def note(one: Supervised, message: LiveMessage) -> None:
    """Keep what a message says of its source."""
    if isinstance(message, Reached):
        one.reached_us = one.heard_us = max(one.reached_us, message.until_us)
    else:
        one.messages += 1
        if isinstance(message, Said):
            one.collectors.add(message.collector)


async def _absent(
    one: Supervised, take: Take, clock: Callable[[], int], lateness_us: int, until: float, why: str
) -> None:
    """Tell the silence of all that the source ever spoke of, piece by piece, until it is begun again."""
    loop = asyncio.get_running_loop()
    while True:
        now_us = clock() - lateness_us
        if one.heard_us and now_us - one.heard_us >= SECOND:
            for collector in sorted(one.collectors):
                silence = Silence(one.heard_us, now_us, f"source {one.source.name} failed: {why[:200]}")
                await take(one, Said(collector, silence))
        if now_us > one.reached_us:
            reached = Reached(now_us)
            note(one, reached)
            await take(one, reached)
        left = until - loop.time()
        if left <= 0:
            return
        await asyncio.sleep(min(PULSE_S, left))
