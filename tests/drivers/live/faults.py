"""Faults done to a live run, one after the other: none may end it, invent an outage, or hide the one that comes last.

``python -m tests.drivers.live.faults`` does all of them and prints the table of docs/reference/live.md.
"""

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from duskwatch.drivers.live import run as driver
from duskwatch.drivers.live.configured import configured_run
from duskwatch.drivers.live.run import LiveRun
from duskwatch.drivers.live.settings import settings_of
from duskwatch.publication.alerts.channels import UndeliveredError
from duskwatch.records.entity import parse_entity
from duskwatch.store import Store, outbox
from tests.drivers.live.fast import PEERS, FastClock, Router, holds, running
from tests.drivers.live.ris_server import Server
from tests.small_archive import OTHERS, OWN, delegations
from tests.sources.bgp.formats.bmp_make import bmp, initiation, peer_down, peer_header, peer_up, routes

KP = parse_entity("KP")
WARM_MINUTES = 75


@dataclass
class Receiver:
    """A receiver of alerts that may be away."""

    name: str = "noc"
    away: bool = False
    took: list[str] = field(default_factory=list)

    async def send(self, alert: dict[str, Any]) -> None:
        if self.away:
            raise UndeliveredError("away")
        self.took.append(alert["id"])


@dataclass
class Stage:
    """A live run with a router and RIS Live, and what there is to break."""

    folder: Path
    clock: FastClock
    run: LiveRun
    router: Router
    server: Server
    receiver: Receiver
    port: int

    def outages(self) -> list[Any]:
        return self.run.recorder.store.outages(entities=[KP])

    async def connect(self, source: str = "127.0.0.1") -> asyncio.StreamWriter:
        """One more connection to the station; it takes the place of the router's, as both have one address."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0))
        return writer

    async def rest(self, seconds: float = 1.5) -> None:
        await asyncio.sleep(seconds)

    def restarts(self) -> int:
        return sum(one.restarts for one in self.run.watch.sources)


Fault = Callable[[Stage], Awaitable[None]]
FAULTS: dict[str, Fault] = {}
SHORT = (
    "TCP reset by the router", "garbage in place of BMP", "a stranger connects", "RIS Live cuts every connection",
    "garbage frames of RIS Live", "database away", "no room for a checkpoint", "receiver of alerts away",
    "a source raises an exception", "router sends ten times its table",
)  # fmt: skip


def fault(name: str) -> Callable[[Fault], Fault]:
    def put(one: Fault) -> Fault:
        FAULTS[name] = one
        return one

    return put


@fault("TCP reset by the router")
async def _(stage: Stage) -> None:
    stage.router.abort()


@fault("half-open connection: the router comes back, and its old one says nothing")
async def _(stage: Stage) -> None:
    writer = await stage.connect()
    await stage.rest()
    writer.transport.pause_reading()
    await stage.rest()
    writer.close()


@fault("the router stalls for ten minutes")
async def _(stage: Stage) -> None:
    stage.router.silent = True
    await stage.rest(600 / stage.clock.speed)
    stage.router.silent = False


@fault("garbage in place of BMP")
async def _(stage: Stage) -> None:
    writer = await stage.connect()
    writer.write(os.urandom(100_000))
    await writer.drain()


@fault("garbage within BMP messages")
async def _(stage: Stage) -> None:
    stage.router.send(b"".join(bmp(kind, os.urandom(200)) for kind in (0, 1, 2, 3, 4, 6, 9)))


@fault("a message cut off, and the connection closed")
async def _(stage: Stage) -> None:
    writer = await stage.connect()
    writer.write(initiation() + peer_up()[:40])
    await writer.drain()
    writer.close()


@fault("a length of 4 GB")
async def _(stage: Stage) -> None:
    writer = await stage.connect()
    writer.write(b"\x03\xff\xff\xff\xff\x00" + bytes(1000))
    await writer.drain()


@fault("a stranger connects")
async def _(stage: Stage) -> None:
    source: Any = stage.run.watch.sources[0].source
    before = sum(source.station.refused.values())
    for _ in range(20):
        (await stage.connect("127.0.0.9")).close()
    await holds(lambda: sum(source.station.refused.values()) >= before + 20)


@fault("router sends ten times its table")
async def _(stage: Stage) -> None:
    for _ in range(10):
        stage.router.send(b"".join(stage.router.said(peer, OTHERS, 1) for peer in range(PEERS)))
        if not stage.router.lost:
            stage.router.send(b"".join(stage.router.said(peer, OWN) for peer in range(PEERS)))
        await asyncio.sleep(0.02)


@fault("router announces a thousand peers that nobody knew")
async def _(stage: Stage) -> None:
    stage.router.send(
        b"".join(
            peer_up(peer_header(f"10.9.{n // 250}.{n % 250 + 1}", 65000, seconds=stage.clock() // 10**6))
            for n in range(1000)
        )
    )


@fault("router's clock a day ahead, then a day behind")
async def _(stage: Stage) -> None:
    for off_s in (86400, -86400):
        stage.router.off_s = off_s
        await stage.rest(0.5)
    stage.router.off_s = 0


@fault("a peer of the router goes down and comes back")
async def _(stage: Stage) -> None:
    stage.router.send(peer_down(1, stage.router.header(0), b"\0\0"))
    await stage.rest()
    stage.router.send(peer_up(stage.router.header(0)) + stage.router.table_of(0))


@fault("updates with broken attributes")
async def _(stage: Stage) -> None:
    body = bytes([0xFF] * 16) + (60).to_bytes(2, "big") + b"\x02" + os.urandom(41)
    stage.router.send(b"".join(routes(body, header=stage.router.header(peer)) for peer in range(2)))


@fault("RIS Live cuts every connection")
async def _(stage: Stage) -> None:
    for _ in range(5):
        for each in list(stage.server.sockets):
            each.transport.abort()
        await asyncio.sleep(0.2)


@fault("RIS Live stalls for ten minutes")
async def _(stage: Stage) -> None:
    stage.server.silent = True
    await stage.rest(600 / stage.clock.speed)
    stage.server.silent = False


@fault("garbage frames of RIS Live")
async def _(stage: Stage) -> None:
    for each in list(stage.server.sockets):
        for text in ("{", "[]", '{"type":"ris_message","data":{}}', '{"type":7}', "\x00" * 50, "{}" * 1000):
            await each.send(text)
        await each.send(os.urandom(1000))


@fault("a frame of RIS Live of 8 MB")
async def _(stage: Stage) -> None:
    for each in list(stage.server.sockets):
        await each.send('{"type":"ris_message","data":{"raw":"' + "f" * (8 << 20) + '"}}')


@fault("RIS Live repeats everything it said")
async def _(stage: Stage) -> None:
    for each in list(stage.server.sockets):
        await stage.server.table(each)


@fault("a source raises an exception")
async def _(stage: Stage) -> None:
    source: Any = stage.run.watch.sources[0].source
    before = stage.restarts()
    source.lag_us = lambda: 1 // 0
    await holds(lambda: stage.restarts() > before)
    del source.lag_us


@fault("the station's port is taken when it begins again")
async def _(stage: Stage) -> None:
    source: Any = stage.run.watch.sources[0].source
    before = stage.restarts()
    await source.station.close()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", stage.port))
        taken.listen()
        source.lag_us = lambda: 1 // 0
        await holds(lambda: stage.restarts() > before + 1)
        del source.lag_us
    await holds(lambda: stage.run.watch.sources[0].running)


@fault("database away")
async def _(stage: Stage) -> None:
    events = Path(stage.run.recorder.store.events())
    away = events.rename(events.with_suffix(".away"))
    await holds(lambda: stage.run.recorder.failures > 0)
    assert stage.run.health()[0] == 503
    away.rename(events)
    await holds(lambda: stage.run.recorder.failures == 0)


@fault("database locked by somebody else")
async def _(stage: Stage) -> None:
    import sqlite3

    other = sqlite3.connect(stage.run.recorder.store.events())
    other.execute("BEGIN IMMEDIATE")
    await stage.rest(2)
    other.rollback()
    other.close()


@fault("tables of the store not writable")
async def _(stage: Stage) -> None:
    recorder: Any = stage.run.recorder
    failed = recorder.failed

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    recorder._day, recorder.written_us = full, None
    await holds(lambda: recorder.failed > failed)
    del recorder._day


@fault("no room for a checkpoint")
async def _(stage: Stage) -> None:
    failed = stage.run.checkpoint_failures

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    kept, driver.write_file = driver.write_file, full
    try:
        await holds(lambda: stage.run.checkpoint_failures > failed)
    finally:
        driver.write_file = kept


@fault("receiver of alerts away")
async def _(stage: Stage) -> None:
    stage.receiver.away = True


@fault("the HTTP port is given garbage, and connections that say nothing")
async def _(stage: Stage) -> None:
    assert stage.run.http is not None
    writers = []
    for n in range(40):
        _, writer = await asyncio.open_connection("127.0.0.1", stage.run.http[1])
        writer.write(os.urandom(20_000) if n % 2 else b"")
        writers.append(writer)
    await stage.rest(0.5)
    for writer in writers:
        writer.close()


@fault("event time stands still at one source")
async def _(stage: Stage) -> None:
    source: Any = stage.run.watch.sources[1].source
    source.lag_us = lambda: 10**12
    await stage.rest()
    del source.lag_us


async def done(names: tuple[str, ...], folder: Path) -> list[tuple[str, str]]:
    """Do some faults; what was seen after each. AssertionError where one ended the run or invented an outage."""
    delegations(folder)
    clock = FastClock()
    server = Server(clock)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    seen: list[tuple[str, str]] = []
    async with serve(server.handle, "127.0.0.1", 0, max_size=None) as listening:
        url = f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1/ws/"
        settings = settings_of(
            {
                "watch": {"entities": ["KP"], "geo": ["delegated-small"], "lateness_seconds": 300},
                "checkpoint": {"path": "state", "every_seconds": 1},
                "http": {"address": "127.0.0.1:0"},
                "source": [
                    {"kind": "bmp", "listen": f"127.0.0.1:{port}", "allow": ["127.0.0.1/32"]},
                    {"kind": "ris-live", "client": "a test", "url": url},
                ],
                "channel": [{"kind": "lines", "name": "noc", "path": "alerts.txt"}],
                "rule": [{"channels": ["noc"]}],
            }
        )
        run = configured_run(settings, folder, clock=clock)
        assert run.alerts is not None
        receiver = Receiver()
        run.alerts.channels = {"noc": receiver}
        router = Router(port, clock)
        stage = Stage(folder, clock, run, router, server, receiver, port)
        task = asyncio.create_task(run.run())
        async with running(asyncio.create_task(router.run()), task):
            await clock.sleep_until(WARM_MINUTES)
            for name in names:
                await FAULTS[name](stage)
                await stage.rest()
                assert not task.done(), f"{name}: the run ended: {task.exception() if task.done() else ''}"
                assert not stage.outages(), f"{name}: an outage was invented"
                seen.append((name, "goes on, no outage told"))
            await holds(lambda: all(one.running for one in run.watch.sources))
            judged = run.watch.judged_us
            await holds(lambda: run.watch.judged_us > judged + 10**6)
            router.lose()
            await server.lose()
            lost_us = clock()
            await holds(lambda: bool(stage.outages()))
            (one,) = stage.outages()
            assert abs(one.newest.outage.onset.best_us - lost_us) < 5 * 60 * 10**6
            receiver.away = False
            await holds(lambda: any(each.endswith("/opened") for each in receiver.took), 120)
            assert len(receiver.took) == len(set(receiver.took))
            seen.append(("then KP is lost", "told, its onset right, to the receiver once"))
            run.stop.set()
            await asyncio.wait_for(asyncio.shield(task), 60)
    assert outbox.counts(Store.open(folder / "store").events())
    return seen


def main() -> None:
    """All faults, as a table."""
    with tempfile.TemporaryDirectory() as folder:
        for name, what in asyncio.run(done(tuple(FAULTS), Path(folder))):
            print(f"| {name} | {what} |")


__all__ = ["FAULTS", "SHORT", "ServerConnection", "done"]

if __name__ == "__main__":
    sys.exit(main())
