"""RIS Live through the live driver: what is told, how soon, and what a lost connection leaves."""

import asyncio
from pathlib import Path

import pytest
from websockets.asyncio.server import serve

from duskwatch.drivers.live.configured import configured_run
from duskwatch.drivers.live.settings import settings_of
from duskwatch.records.entity import parse_entity
from duskwatch.records.times import MINUTE
from duskwatch.store import Store, StoreError
from tests.drivers.live.fast import NOON_US, FastClock, holds, running
from tests.drivers.live.ris_server import Server
from tests.small_archive import delegations

KP = parse_entity("KP")


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
                await clock.sleep_until(130)  # by this clock the client is away for minutes: it is learned anew
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
