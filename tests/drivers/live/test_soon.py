"""How soon the loss of a country of four prefixes is told, by the clock on the wall."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator

import pytest

from duskwatch.analysis.replay import BIN_US
from duskwatch.analysis.rolling import watched_lots
from duskwatch.drivers.live.concluding import Recorder
from duskwatch.drivers.live.feeds import Feed, FeedSource
from duskwatch.drivers.live.run import LiveRun
from duskwatch.drivers.live.supervise import Supervised
from duskwatch.drivers.live.watch import AHEAD_US, begin_watch
from duskwatch.records.entity import parse_entity
from duskwatch.records.times import HOUR, MINUTE, SECOND, to_datetime
from duskwatch.sources.bgp.formats.feed_counts import FeedCounts
from duskwatch.sources.bgp.formats.feed_table import FeedBlock, FeedTable, PeerHead
from duskwatch.sources.bgp.live.clock import now_us
from duskwatch.sources.reference.geo import load_geo
from duskwatch.store import Store
from tests.small_archive import OTHERS, OWN, delegations
from tests.sources.bgp.formats.bmp_make import Route, announce, withdraw

PEERS = 8
CALLED_S = 120  # a total loss is called an outage when it has lasted so long (detector deep-loss)
WITHIN_S = 15


class Lost:
    """Five hours of a collector at once, then a loss now."""

    def __init__(self) -> None:
        self.table = FeedTable("rrc00")
        self.lost_at = 0.0
        self.go = asyncio.Event()

    def blocks(self, at_us: int, body: bytes) -> list[FeedBlock]:
        for peer in range(PEERS):
            head = PeerHead(64500 + peer, bytes([192, 0, 2, peer + 1]))
            self.table.add(at_us + peer * SECOND // 4, 4, head.wide, body, 0)
        return list(self.table.blocks(FeedCounts()))

    def said(self, at_us: int, prefixes, variant: int = 0) -> list[FeedBlock]:
        origin = 131279 if prefixes[0] in OWN else 64800
        return self.blocks(at_us, announce(Route((64500, 64600 + variant, 4837, origin), "192.0.2.1"), list(prefixes)))

    async def messages(self) -> AsyncGenerator[FeedBlock]:
        start = now_us() - 5 * HOUR
        for block in [*self.said(start, OTHERS), *self.said(start + MINUTE, OWN)]:
            yield block
        for minute in range(2, 300):
            for block in self.said(start + minute * MINUTE, [OTHERS[minute % 60]], minute % 2):
                yield block
        await self.go.wait()
        for block in self.blocks(now_us(), withdraw(list(OWN))):
            yield block
        self.lost_at = time.monotonic() + (PEERS - 1) / 4  # the last withdrawal
        while True:
            await asyncio.sleep(1)
            for block in self.said(now_us() - PEERS * SECOND // 4, [OTHERS[0]]):
                yield block


class LostSource(FeedSource):
    def __init__(self) -> None:
        super().__init__("lost")
        self.feed = Lost()

    async def open(self) -> Feed:
        return self.feed


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("DUSKWATCH_ALL_FILES"), reason="two minutes on the wall: make test-all has it")
def test_a_loss_is_told_within_seconds(tmp_path):
    ranges = load_geo([delegations(tmp_path)], to_datetime(now_us()).date())
    begin_us = (now_us() - 5 * HOUR) // BIN_US * BIN_US
    watch = begin_watch(
        watched_lots([parse_entity("KP")], ranges), begin_us, lambda *_: None, lambda: now_us() + AHEAD_US
    )

    async def test() -> float:
        source = LostSource()
        watch.sources.append(Supervised(source))
        run = LiveRun(watch, Recorder(Store.open(tmp_path / "store", create=True), "bgp-live"), now_us, 5 * SECOND)
        watch.conclude = run.conclude
        task = asyncio.create_task(run.run())
        async with asyncio.timeout(200):
            while not watch.evaluations or watch.judged_us < now_us() - 30 * SECOND:
                await asyncio.sleep(0.1)
            assert watch.found["KP"] == ()
            source.feed.go.set()
            while not run.recorder.store.outages(entities=[parse_entity("KP")]):
                await asyncio.sleep(0.1)
            took = time.monotonic() - source.feed.lost_at
            run.stop.set()
            await task
        return took

    took = asyncio.run(test())
    assert took < CALLED_S + WITHIN_S, f"told {took:.1f} s after the last withdrawal"
    print(f"told {took:.1f} s after the last withdrawal")
