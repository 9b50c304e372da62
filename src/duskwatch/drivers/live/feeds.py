"""Feeds of routes as live sources: what comes is passed on, and time goes on while nothing does."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Protocol

from duskwatch.drivers.live.source import LiveMessage, Noted, Reached, Said
from duskwatch.records.times import MINUTE, SECOND
from duskwatch.sources.bgp.formats.feed_counts import FeedCounts
from duskwatch.sources.bgp.formats.feed_events import (
    EndOfRib,
    FeedError,
    FeedEvent,
    RouterClosed,
    RouterInfo,
    SessionDown,
    SessionUp,
    StatisticsReport,
)
from duskwatch.sources.bgp.formats.feed_table import FeedBlock
from duskwatch.sources.bgp.live.bmp_station import BmpStation, StationSettings
from duskwatch.sources.bgp.live.clock import Clock, now_us
from duskwatch.sources.bgp.live.kafka import KafkaFeed, KafkaSettings
from duskwatch.sources.bgp.live.messages import FeedMessage, FeedSilence
from duskwatch.sources.bgp.live.ris_live import RisLive, RisLiveSettings

LATENESS_US = 5 * SECOND
LAG_CAP_US = 2 * MINUTE  # a feed that is later than that is waited for no longer: what comes is late, and counted
QUEUE = 64  # messages of a feed that wait; past these the feed is not read
PULSE_S = 0.5


class Feed(Protocol):
    """What the feeds of ``sources.bgp.live`` have in common."""

    def messages(self) -> AsyncGenerator[FeedMessage]:
        """What comes, until it is closed."""
        ...


class FeedSource:
    """A feed. A subclass opens it, and says what there is to know of it."""

    endless = True
    tells_tables = False
    changes_only = False

    def __init__(self, name: str, *, lateness_us: int = LATENESS_US, clock: Clock = now_us) -> None:
        self.name = name
        self.lateness_us = lateness_us
        self.clock = clock
        self.events = 0
        self.silences = 0

    async def open(self) -> Feed:
        """Begin anew."""
        raise NotImplementedError

    async def close(self) -> None:
        """End it; called also where ``open`` failed."""

    def lag_us(self) -> int:
        """How late what comes is at the moment, where that is known."""
        return 0

    def counts(self) -> list[FeedCounts]:
        """What readers counted."""
        return []

    def position(self) -> dict[str, int]:
        """Nothing: what was missed cannot be had again."""
        return {}

    def resume(self, position: dict[str, int]) -> None:
        """Nothing to go on from."""

    def status(self) -> dict[str, object]:
        """For people."""
        return {}

    async def messages(self) -> AsyncGenerator[LiveMessage]:
        """What comes, and twice a second up to which time all came."""
        queue: asyncio.Queue[FeedMessage] = asyncio.Queue(QUEUE)
        pump: asyncio.Task[None] | None = None
        try:
            feed = await self.open()
            pump = asyncio.create_task(_pump(feed, queue))
            while True:
                asked_us = self.clock()
                message = await _next(queue, pump)
                if message is not None:
                    for each in self._told(message):
                        yield each
                if queue.empty():
                    # All that had come by then was passed on.
                    yield Reached(asked_us - self.lateness_us - min(max(self.lag_us(), 0), LAG_CAP_US))
                if pump.done() and queue.empty():
                    pump.result()
                    return
        finally:
            if pump is not None:
                pump.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await pump
            await self.close()

    def _told(self, message: FeedMessage) -> list[LiveMessage]:
        if isinstance(message, FeedBlock):
            return [Said(message.collector, message.message)]
        if isinstance(message, FeedSilence):
            self.silences += 1
            return [Said(message.collector, message.message)] if message.collector else []
        self.events += 1
        noted = _noted(message)
        return [] if noted is None else [noted]


async def _pump(feed: Feed, queue: "asyncio.Queue[FeedMessage]") -> None:
    async with aclosing(feed.messages()) as messages:
        async for message in messages:
            await queue.put(message)


async def _next(queue: "asyncio.Queue[FeedMessage]", pump: "asyncio.Task[None]") -> FeedMessage | None:
    """The next message; None where none came for PULSE_S, or the feed has ended."""
    if queue.empty() and not pump.done():
        getter = asyncio.ensure_future(queue.get())
        try:
            await asyncio.wait({getter, pump}, timeout=PULSE_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not getter.done():
                getter.cancel()
        if getter.done() and not getter.cancelled():
            return getter.result()
        return None
    return queue.get_nowait() if not queue.empty() else None


def _noted(event: FeedEvent) -> Noted | None:
    if isinstance(event, (SessionUp, SessionDown)):
        what = "session up" if isinstance(event, SessionUp) else "session down"
        fields: dict[str, object] = {"collector": event.collector, "peer": event.peer, "asn": event.asn}
        return Noted(what, fields | ({} if isinstance(event, SessionUp) else {"reason": event.reason}))
    if isinstance(event, EndOfRib):
        return Noted("table complete", {"collector": event.collector, "peer": event.peer, "family": str(event.family)})
    if isinstance(event, RouterInfo):
        return Noted("router", {"router": event.router, "sys_name": event.name[:100]})
    if isinstance(event, RouterClosed):
        return Noted("router closed", {"router": event.router, "reason": event.reason})
    if isinstance(event, FeedError):
        return Noted("error of the other side", {"error": event.text[:200]})
    assert isinstance(event, StatisticsReport)
    return None


class RisLiveSource(FeedSource):
    """RIPE RIS Live."""

    changes_only = True

    def __init__(
        self, name: str, settings: RisLiveSettings, *, lateness_us: int = LATENESS_US, clock: Clock = now_us
    ) -> None:
        super().__init__(name, lateness_us=lateness_us, clock=clock)
        self.settings = settings
        self.feed: RisLive | None = None

    async def open(self) -> Feed:
        """A new client; it makes its connections by itself."""
        self.feed = RisLive(self.settings, self.clock)
        return self.feed

    def lag_us(self) -> int:
        """Of the last message."""
        return self.feed.reader.counts.lag.last_us if self.feed is not None else 0

    def counts(self) -> list[FeedCounts]:
        """Of the reader."""
        return [self.feed.reader.counts] if self.feed is not None else []

    def status(self) -> dict[str, object]:
        """Connection, collectors, lag."""
        if self.feed is None:
            return {"connected": False}
        return {
            "connected": self.feed.connected, "connections": self.feed.connections,
            "collectors": len(self.feed.reader.last_us), "lag_ms": self.feed.reader.counts.lag.last_us // 1000,
            "messages": self.feed.reader.counts.messages, "error": self.feed.last_error,
        }  # fmt: skip


class BmpSource(FeedSource):
    """Routers that connect and speak BMP."""

    tells_tables = True

    def __init__(
        self, name: str, settings: StationSettings, *, lateness_us: int = LATENESS_US, clock: Clock = now_us
    ) -> None:
        super().__init__(name, lateness_us=lateness_us, clock=clock)
        self.settings = settings
        self.station: BmpStation | None = None

    async def open(self) -> Feed:
        """Listen. OSError where that cannot be."""
        self.station = BmpStation(self.settings, self.clock)
        await self.station.start()
        return self.station

    async def close(self) -> None:
        """Stop listening."""
        if self.station is not None:
            await self.station.close()

    def counts(self) -> list[FeedCounts]:
        """Of each router."""
        return [router.reader.counts for router in self.station.routers.values()] if self.station is not None else []

    def status(self) -> dict[str, object]:
        """Who is connected, and who was refused."""
        if self.station is None:
            return {"listening": "nowhere"}
        return {
            "listening": self.station.address, "routers": len(self.station.routers),
            "connected": self.station.connected, "refused": sum(self.station.refused.values()),
            "messages": sum(counts.messages for counts in self.counts()),
        }  # fmt: skip


class KafkaSource(FeedSource):
    """OpenBMP's raw messages from Kafka."""

    changes_only = True

    def __init__(
        self, name: str, settings: KafkaSettings, *, lateness_us: int = LATENESS_US, clock: Clock = now_us
    ) -> None:
        super().__init__(name, lateness_us=lateness_us, clock=clock)
        self.settings = settings
        self.feed: KafkaFeed | None = None

    async def open(self) -> Feed:
        """Join the group."""
        self.feed = KafkaFeed(self.settings, self.clock)
        return self.feed

    async def close(self) -> None:
        """Leave it."""
        if self.feed is not None:
            feed, self.feed = self.feed, None
            await asyncio.to_thread(feed.close)

    def counts(self) -> list[FeedCounts]:
        """Of the reader."""
        return [self.feed.reader.counts] if self.feed is not None else []

    def status(self) -> dict[str, object]:
        """Partitions, and how far behind."""
        if self.feed is None:
            return {"partitions": 0}
        return {
            "partitions": len(self.feed.partitions), "behind": sum(self.feed.behind().values()),
            "messages": self.feed.reader.counts.messages, "errors": sum(self.feed.errors.values()),
        }  # fmt: skip
