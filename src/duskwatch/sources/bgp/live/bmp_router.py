"""One router that speaks BMP to us: what it said, how fast it may say it, and when it was silent."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from duskwatch.records.times import SECOND
from duskwatch.sources.bgp.formats.bmp import BmpOptions, BmpReader
from duskwatch.sources.bgp.live.messages import FeedMessage
from duskwatch.sources.bgp.live.silences import Silences

GONE = "no connection to the router"
# A router that says nothing is there while TCP's keepalive is answered; an answer is missed after so long at most.
UNSURE_US = 90 * SECOND


@dataclass(frozen=True, slots=True)
class RouterLimits:
    """What one router may do. Beyond a rate it is read more slowly, so that TCP slows it down; nothing is dropped.

    Sizes of messages, peers and tables are limits of the reader.
    """

    messages_per_s: float = 100_000
    octets_per_s: float = 64 << 20
    burst_s: float = 5  # so many seconds' worth may come at once
    waiting_octets: int = 1 << 25  # that wait to be taken; past these no more is read
    batch_octets: int = 1 << 20


class Bucket:
    """A token bucket: ``take`` says how long to wait until the rate is kept again."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst, self._left, self._at = rate, burst, burst, now

    def take(self, count: float, now: float) -> float:
        """Seconds to wait; ``now`` is of a clock that never steps."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate) - count
        self._at = now
        return max(0.0, -self._left / self._rate)


class Router:
    """A router, over all its connections.

    connections  how many it made;  connected  whether there is one;  ended  why the last one ended
    slowed_s     how long it was made to wait because it was too fast;  full  whether too much of it waits
    """

    def __init__(self, name: str, options: BmpOptions, limits: RouterLimits) -> None:
        self.name = name
        self.reader = BmpReader(name, options)
        self.connections = 0
        self.connected = False
        self.ended = ""
        self.slowed_s = 0.0
        self.heard_us = 0  # when anything was received last
        self.drained = asyncio.Event()
        self._limits = limits
        self._messages: Bucket | None = None
        self._octets: Bucket | None = None
        self._silences = Silences()
        self._waiting: list[FeedMessage] = []

    @property
    def broken(self) -> str:
        """Where what it sends stopped making sense; empty where it does."""
        return str(self.reader.damage) if self.reader.damage is not None else ""

    @property
    def full(self) -> bool:
        """Whether as much waits as may."""
        return self.reader.waiting >= self._limits.waiting_octets

    def connect(self, now_us: int) -> None:
        """A connection began; what was missed since the last one ends here."""
        self.connections += 1
        self.connected, self.ended, self.heard_us = True, "", now_us
        self.reader.begin()
        self._messages = self._octets = None
        self._waiting += self._silences.end_all(now_us)

    def disconnect(self, now_us: int, reason: str) -> None:
        """The connection ended: its peers are unknown from now on, and all its tables silent."""
        if self.reader.closed is None:
            self.reader.lost(now_us, reason)
        self.connected, self.ended = False, reason
        since_us = max(self.heard_us, now_us - UNSURE_US)
        for collector in self.reader.tables or (self.name,):
            self._silences.begin(collector, since_us, f"{GONE}: {reason}")

    def take(self, data: bytes, now_us: int, now: float) -> float:
        """Read what came; seconds to wait before more is read. ``now`` is of a clock that never steps."""
        limits, before = self._limits, self.reader.counts.messages
        if self._messages is None or self._octets is None:
            self._messages = Bucket(limits.messages_per_s, limits.messages_per_s * limits.burst_s, now)
            self._octets = Bucket(limits.octets_per_s, limits.octets_per_s * limits.burst_s, now)
        self.heard_us = now_us
        self.reader.feed(data, now_us)
        wait_s = max(self._messages.take(self.reader.counts.messages - before, now), self._octets.take(len(data), now))
        self.slowed_s += wait_s
        return wait_s

    def messages(self, now_us: int) -> Iterator[FeedMessage]:
        """What waits, and the silence that goes on."""
        if self.connected or self._waiting or self.reader.waiting:
            batch = self.reader.take()
            silences, self._waiting = self._waiting, []
            yield from silences
            yield from batch.blocks
            yield from batch.events
            self.drained.set()
        yield from self._silences.tell(now_us)
