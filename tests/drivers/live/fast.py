"""A live run whose clock goes faster than that on the wall, and a router that lives by the same clock."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from duskwatch.drivers.live.settings import Settings, settings_of
from duskwatch.records.prefix import Prefix
from duskwatch.records.times import MINUTE, SECOND
from tests.small_archive import OTHERS, OWN
from tests.sources.bgp.formats.bmp_make import Route, announce, initiation, peer_header, peer_up, routes, withdraw

PEERS = 6
NOON_US = 1_700_000_000 * SECOND


@dataclass(frozen=True)
class FastClock:
    """``speed`` seconds in one; ``began`` is a time of the wall, so that several processes agree."""

    began: float = field(default_factory=time.time)
    speed: float = 200.0

    def __call__(self) -> int:
        return NOON_US + int((time.time() - self.began) * self.speed * SECOND)

    async def sleep_until(self, minute: float) -> None:
        left = (NOON_US + minute * MINUTE - self()) / SECOND / self.speed
        if left > 0:
            await asyncio.sleep(left)


def settings(port: int, geo: str, **more: object) -> Settings:
    document: dict[str, object] = {
        "watch": {"entities": ["KP"], "geo": [geo], "lateness_seconds": 300},
        "source": [{"kind": "bmp", "name": "routers", "listen": f"127.0.0.1:{port}", "names": {"127.0.0.1": "r1"}}],
        "checkpoint": {"path": "state", "every_seconds": 1},
    }
    return settings_of(document | more)


class Router:
    """A router of PEERS peers that hold the background and KP; it connects again whenever it is cut off."""

    def __init__(self, port: int, clock: FastClock) -> None:
        self.port, self.clock = port, clock
        self.lost = self.silent = False
        self.off_s = 0  # by how much its clock is wrong
        self.connections = 0
        self._writer: asyncio.StreamWriter | None = None

    def header(self, peer: int) -> bytes:
        now = self.clock() + self.off_s * SECOND
        return peer_header(f"192.0.2.{peer + 1}", 64500 + peer, seconds=now // SECOND, microseconds=now % SECOND)

    def said(self, peer: int, prefixes: tuple[Prefix, ...], variant: int = 0) -> bytes:
        origin = 131279 if prefixes[0] in OWN else 64800
        route = Route((64500 + peer, 64600 + variant, 4837, origin), f"192.0.2.{peer + 1}")
        return routes(announce(route, list(prefixes)), header=self.header(peer))

    def table(self) -> bytes:
        out = initiation()
        for peer in range(PEERS):
            out += peer_up(self.header(peer)) + self.table_of(peer)
        return out

    def table_of(self, peer: int) -> bytes:
        out = b"".join(self.said(peer, OTHERS[k : k + 20]) for k in range(0, 60, 20))
        return out if self.lost else out + self.said(peer, OWN)

    def abort(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()

    def lose(self) -> None:
        self.lost = True
        self.send(b"".join(routes(withdraw(list(OWN)), header=self.header(peer)) for peer in range(PEERS)))

    def back(self) -> None:
        self.lost = False
        self.send(b"".join(self.said(peer, OWN) for peer in range(PEERS)))

    def send(self, data: bytes) -> None:
        if self._writer is not None:
            self._writer.write(data)

    async def run(self) -> None:
        """Connect, tell the table, talk about the background; again and again."""
        number = 0
        while True:
            try:
                reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
                self.connections += 1
                self.send(self.table())
                while not self._writer.is_closing() and not reader.at_eof():
                    number += 1
                    for peer in range(0 if self.silent else PEERS):
                        self.send(self.said(peer, (OTHERS[number % 60],), number % 2))
                    await self._writer.drain()
                    await asyncio.sleep(60 / self.clock.speed)
            except OSError:
                await asyncio.sleep(0.05)
            finally:
                if self._writer is not None:
                    self._writer.close()
                    self._writer = None


@contextlib.asynccontextmanager
async def running(*tasks: asyncio.Task[None]):
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def holds(what: Callable[[], bool], longest_s: float = 120.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(longest_s):
        while not what():
            await asyncio.sleep(0.05)
