"""A client of RIPE RIS Live: subscribes, keeps the connection alive, and says what it missed."""

import asyncio
import json
import random
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidURI, WebSocketException

from duskwatch.records.errors import InputError
from duskwatch.records.times import MINUTE, SECOND
from duskwatch.sources.bgp.formats.feed_counts import ClockRules
from duskwatch.sources.bgp.formats.feed_events import FeedError
from duskwatch.sources.bgp.formats.ris_live import FRAME_LIMIT, RisLiveReader
from duskwatch.sources.bgp.live.clock import Clock, happens, now_us
from duskwatch.sources.bgp.live.messages import FeedMessage
from duskwatch.sources.bgp.live.silences import Silences
from duskwatch.sources.downloads.retry import backoff_s

URL = "wss://ris-live.ripe.net/v1/ws/"
NOT_CONNECTED = "no connection to RIS Live"
QUIET = "RIS Live sends nothing of this collector"
QUEUE_FRAMES = 64  # that the library reads ahead, of at most FRAME_LIMIT octets each
FRAMES_AT_ONCE = 64
LATE_US = MINUTE  # what a collector recorded before was sent to us by then


class RisLiveError(InputError):
    """RIS Live cannot be used with what was given; one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Which messages the server is to send; None: any. All that is given must hold."""

    host: str | None = None  # collector: "rrc21"
    type: str | None = None  # UPDATE, OPEN, NOTIFICATION, KEEPALIVE, RIS_PEER_STATE
    prefix: str | None = None
    more_specific: bool = True
    less_specific: bool = False
    path: str | None = None  # "3356,15169$"
    peer: str | None = None  # address
    require: str | None = None  # announcements, withdrawals

    @property
    def of_all(self) -> bool:
        """Whether each peer of a collector is heard at least by its keepalives."""
        return all(each is None for each in (self.type, self.prefix, self.path, self.peer, self.require))

    def frame(self) -> str:
        """The frame that asks for it, with the messages themselves."""
        data: dict[str, Any] = {"socketOptions": {"includeRaw": True, "acknowledge": True}}
        for name in ("host", "type", "prefix", "path", "peer", "require"):
            value = getattr(self, name)
            if value is not None:
                data[name] = value
        if self.prefix is not None:
            data["moreSpecific"], data["lessSpecific"] = self.more_specific, self.less_specific
        return json.dumps({"type": "ris_subscribe", "data": data})


@dataclass(frozen=True, slots=True)
class RisLiveSettings:
    """How to connect, and how long to wait for what."""

    client: str  # who we are, as RIS asks every client to say
    subscriptions: tuple[Subscription, ...] = (Subscription(),)
    url: str = URL
    clock: ClockRules = field(default_factory=lambda: ClockRules(old_is_now=False))
    connect_s: float = 15
    ping_s: float = 20  # a ping of RIS's own, beside that of the protocol; no frame for three of them: no connection
    quiet_s: float = 300  # a collector that sends nothing for as long is silent, where all its messages are asked for
    batch_s: float = 0.5
    batch_octets: int = 1 << 20  # that are given at once, before batch_s
    waiting_octets: int = 1 << 25  # that wait; past these no more is read from the connection
    backoff_s: float = 1
    backoff_cap_s: float = 60


class RisLive:
    """The feed. ``messages`` never ends by itself; it is closed, or its task cancelled.

    connections  how often a connection was made;  failures  how many attempts failed in a row
    connected    whether there is one;  last_error  why the last one ended, or what the server complained of
    """

    def __init__(self, settings: RisLiveSettings, clock: Clock = now_us, rng: random.Random | None = None) -> None:
        self.reader = RisLiveReader(settings.clock)
        self.connections = self.failures = 0
        self.connected = False
        self.last_error = ""
        self._settings, self._clock = settings, clock
        self._rng = random.Random() if rng is None else rng
        self._silences = Silences()
        self._silences.begin("", clock(), NOT_CONNECTED)
        self._heard = False  # whether the connection has brought anything
        self._first_us = self._answered_us = 0  # when it did first, and last
        # Where a part of the messages is asked for, none may come for hours: answers to pings show that it lasts.
        self._of_all = all(each.of_all for each in settings.subscriptions)
        self._ready, self._drained = asyncio.Event(), asyncio.Event()

    async def messages(self) -> AsyncGenerator[FeedMessage]:
        """Blocks, events and silences, as they come. RisLiveError where the URL is none."""
        settings = self._settings
        joined = "&" if "?" in settings.url else "?"
        url = f"{settings.url}{joined}client={quote(settings.client, safe='')}"
        while True:
            try:
                async with connect(
                    url,
                    open_timeout=settings.connect_s,
                    max_size=FRAME_LIMIT,
                    max_queue=QUEUE_FRAMES,
                    ping_interval=settings.ping_s,
                    ping_timeout=2 * settings.ping_s,
                    close_timeout=2,
                    user_agent_header=f"duskwatch ({settings.client})",
                ) as socket:
                    async for message in self._connection(socket):
                        yield message
            except InvalidURI as error:
                raise RisLiveError(f"{settings.url}: {error}; a URL like {URL} is needed") from None
            except (OSError, WebSocketException, TimeoutError) as error:
                self.last_error = str(error) or type(error).__name__
            finally:
                self.connected = False
            for message in self._taken():
                yield message
            self.failures += 1
            reason = f"{NOT_CONNECTED}: {self.last_error}"
            sure_us = 0 if self._of_all else self._answered_us - LATE_US
            for collector, last_us in self.reader.last_us.items():
                self._silences.begin(collector, max(last_us, sure_us), reason)
            for message in self._silences.tell(self._clock(), all_of_it=True):
                yield message
            await asyncio.sleep(backoff_s(self.failures, settings.backoff_s, settings.backoff_cap_s, self._rng))
            for message in self._silences.tell(self._clock(), all_of_it=True):
                yield message

    async def _connection(self, socket: ClientConnection) -> AsyncGenerator[FeedMessage]:
        """What one connection brings, until it ends with an exception."""
        settings, loop = self._settings, asyncio.get_running_loop()
        for subscription in settings.subscriptions:
            await socket.send(subscription.frame())
        self.connections += 1
        self.connected, self._heard = True, False
        pump = asyncio.create_task(self._pump(socket))
        seen, seen_at, pinged_at, waited = self.reader.counts.messages, loop.time(), loop.time(), False
        try:
            while not pump.done():
                self._ready.clear()
                await happens(self._ready, settings.batch_s)
                if self.reader.counts.messages != seen:
                    seen, seen_at = self.reader.counts.messages, loop.time()
                if self._heard and not waited:  # what was missed ends where the first answer came
                    waited, self.failures = True, 0
                    for silence in self._silences.end_all(self._first_us):
                        yield silence
                for message in self._quiet():
                    yield message
                for message in self._taken():
                    yield message
                if loop.time() - seen_at > 3 * settings.ping_s:
                    raise TimeoutError(f"no answer for {3 * settings.ping_s:.0f} s")
                if loop.time() - pinged_at > settings.ping_s:
                    pinged_at = loop.time()
                    await socket.send('{"type":"ping"}')
            await pump
        finally:
            pump.cancel()

    async def _pump(self, socket: ClientConnection) -> None:
        """Read frames, but no more than may wait."""
        reader, settings = self.reader, self._settings
        while True:
            for _ in range(FRAMES_AT_ONCE):
                text = await socket.recv(decode=False)
                now = self._clock()
                reader.frame(text, now)
                self._answered_us = now
                if not self._heard:
                    self._heard, self._first_us = True, now
            waiting = reader.waiting
            if waiting >= settings.batch_octets:
                self._ready.set()
            if waiting >= settings.waiting_octets:
                self._drained.clear()
                await self._drained.wait()
            await asyncio.sleep(0)  # frames that wait already are read without a pause; others must have their turn

    def _taken(self) -> list[FeedMessage]:
        batch = self.reader.take()
        self._drained.set()
        for event in batch.events:
            if isinstance(event, FeedError):
                self.last_error = event.text
        return [*batch.blocks, *batch.events]

    def _quiet(self) -> list[FeedMessage]:
        """Silences of collectors that send nothing while others do, where that tells something."""
        settings, found = self._settings, list[FeedMessage]()
        if not self._of_all:
            return found
        now = self._clock()
        for collector, heard_us in self.reader.heard_us.items():
            if now - heard_us > settings.quiet_s * SECOND:
                self._silences.begin(collector, self.reader.last_us[collector], QUIET)
            elif collector in self._silences:
                found += self._silences.end(collector, heard_us)
        found += self._silences.tell(now)
        return found
