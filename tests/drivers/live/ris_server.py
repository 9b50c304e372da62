"""A server that speaks as RIS Live does, by a fast clock."""

import asyncio
import json

from websockets.asyncio.server import ServerConnection

from duskwatch.records.times import SECOND
from tests.drivers.live.fast import FastClock
from tests.small_archive import OTHERS, OWN
from tests.sources.bgp.formats.bmp_make import Route, announce, withdraw

PEERS = 8


class Server:
    """RIS Live of one collector with PEERS peers, by a fast clock."""

    def __init__(self, clock: FastClock) -> None:
        self.clock = clock
        self.sockets: set[ServerConnection] = set()
        self.lost = self.silent = False

    def frame(self, peer: int, message: bytes) -> str:
        data = {
            "timestamp": self.clock() / SECOND, "peer": f"192.0.2.{peer + 1}", "peer_asn": str(64500 + peer),
            "host": "rrc00.ripe.net", "type": "UPDATE", "raw": message.hex(),
        }  # fmt: skip
        return json.dumps({"type": "ris_message", "data": data})

    def route(self, peer: int, own: bool, variant: int = 0) -> Route:
        return Route((64500 + peer, 64600 + variant, 4837, 131279 if own else 64800), f"192.0.2.{peer + 1}")

    async def table(self, socket: ServerConnection) -> None:
        for peer in range(PEERS):
            for k in range(0, 60, 20):
                await socket.send(self.frame(peer, announce(self.route(peer, False), list(OTHERS[k : k + 20]))))
            if not self.lost:
                await socket.send(self.frame(peer, announce(self.route(peer, True), list(OWN))))

    async def handle(self, socket: ServerConnection) -> None:
        await socket.recv()
        self.sockets.add(socket)
        try:
            await self.table(socket)
            number = 0
            while True:
                number += 1
                for peer in range(0 if self.silent else PEERS):
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
