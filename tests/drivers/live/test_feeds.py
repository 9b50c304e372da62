"""RIS Live through the live driver: what is told, how soon, and what a lost connection leaves."""

import asyncio
import json
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from duskwatch.drivers.live.configured import configured_run
from duskwatch.drivers.live.settings import settings_of
from duskwatch.records.entity import parse_entity
from duskwatch.records.times import MINUTE, SECOND
from duskwatch.store import Store, StoreError
from tests.drivers.live.fast import NOON_US, FastClock, holds, running
from tests.small_archive import OTHERS, OWN, delegations
from tests.sources.bgp.formats.bmp_make import Route, announce, withdraw

KP = parse_entity("KP")
PEERS = 8


class Server:
    """RIS Live of one collector with PEERS peers, by a fast clock."""

    def __init__(self, clock: FastClock) -> None:
        self.clock = clock
        self.sockets: set[ServerConnection] = set()
        self.lost = False

    def frame(self, peer: int, message: bytes) -> str:
        data = {
            "timestamp": self.clock() / SECOND, "peer": f"192.0.2.{peer + 1}", "peer_asn": str(64500 + peer),
            "host": "rrc00.ripe.net", "type": "UPDATE", "raw": message.hex(),
        }  # fmt: skip
        return json.dumps({"type": "ris_message", "data": data})

    def route(self, peer: int, own: bool, variant: int = 0) -> Route:
        return Route((64500 + peer, 64600 + variant, 4837, 131279 if own else 64800), f"192.0.2.{peer + 1}")

    async def handle(self, socket: ServerConnection) -> None:
        await socket.recv()
        self.sockets.add(socket)
        try:
            for peer in range(PEERS):
                for k in range(0, 60, 20):
                    await socket.send(self.frame(peer, announce(self.route(peer, False), list(OTHERS[k : k + 20]))))
                if not self.lost:
                    await socket.send(self.frame(peer, announce(self.route(peer, True), list(OWN))))
            number = 0
            while True:
                number += 1
                for peer in range(PEERS):
                    said = announce(self.route(peer, False, number % 2), [OTHERS[number % 60]])
                    await socket.send(self.frame(peer, said))
                await asyncio.sleep(60 / self.clock.speed)
        finally:
            self.sockets.discard(socket)

    async def lose(self) -> None:
        self.lost = True
        for socket in list(self.sockets):
            for peer in range(PEERS):
                await socket.send(self.frame(peer, withdraw(list(OWN))))


def outages(folder: Path):
    try:
        return Store.open(folder / "store").outages(entities=[KP])
    except StoreError:
        return []


@pytest.mark.slow
def test_an_outage_by_ris_live_and_a_connection_that_is_cut(tmp_path):
    delegations(tmp_path)
    clock = FastClock()
    server = Server(clock)

    async def test() -> None:
        async with serve(server.handle, "127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            settings = settings_of(
                {
                    "watch": {"entities": ["KP"], "geo": ["delegated-small"], "lateness_seconds": 300},
                    "source": [{"kind": "ris-live", "client": "a test", "url": f"ws://127.0.0.1:{port}/v1/ws/"}],
                }
            )
            run = configured_run(settings, tmp_path, clock=clock)
            async with running(asyncio.create_task(run.run())):
                await clock.sleep_until(30)
                for socket in list(server.sockets):
                    socket.transport.abort()  # the client connects again by itself
                await clock.sleep_until(100)
                assert not outages(tmp_path)
                assert run.watch.sources[0].restarts == 0
                await server.lose()
                lost_us = clock()
                await holds(lambda: bool(outages(tmp_path)))
                (one,) = outages(tmp_path)
                assert abs(one.newest.outage.onset.best_us - lost_us) < 2 * MINUTE
                gaps = run.latest["KP"].history.gaps
                assert any("no connection to RIS Live" in gap.reason for gap in gaps)
                assert all(gap.from_us > NOON_US + 25 * MINUTE for gap in gaps if "no connection" in gap.reason)

    asyncio.run(test())
