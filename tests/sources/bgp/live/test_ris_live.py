"""The client of RIS Live against a server of our own: subscriptions, silences, stalls, floods."""

import asyncio
import itertools
import json
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from duskwatch.sources.bgp.formats.feed_events import FeedError
from duskwatch.sources.bgp.formats.feed_table import FeedBlock
from duskwatch.sources.bgp.live.clock import now_us
from duskwatch.sources.bgp.live.messages import FeedMessage, FeedSilence
from duskwatch.sources.bgp.live.ris_live import (
    NOT_CONNECTED,
    QUIET,
    RisLive,
    RisLiveError,
    RisLiveSettings,
    Subscription,
)
from tests.sources.bgp.formats.bmp_make import KP, withdraw
from tests.sources.bgp.formats.said import said
from tests.sources.bgp.live.listening import gather, run, until

Handler = Callable[[ServerConnection], Awaitable[None]]
WITHDRAWAL = withdraw([KP]).hex()


def frame(host: str = "rrc00", at_us: int | None = None) -> str:
    stamp = (now_us() if at_us is None else at_us) / 1e6
    data = {
        "timestamp": stamp,
        "peer": "192.0.2.1",
        "peer_asn": "64500",
        "host": host,
        "type": "UPDATE",
        "raw": WITHDRAWAL,
    }
    return json.dumps({"type": "ris_message", "data": data})


@asynccontextmanager
async def served(handler: Handler):
    async with serve(handler, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/ws/"


def client(url: str, **settings: Any) -> RisLive:
    quick = {"batch_s": 0.02, "backoff_s": 0.02, "backoff_cap_s": 0.1, "ping_s": 5.0}
    return RisLive(RisLiveSettings("a test", url=url, **(quick | settings)), rng=random.Random(1))


def blocks(found: list[FeedMessage]) -> list[FeedBlock]:
    return [each for each in found if isinstance(each, FeedBlock)]


def silences(found: list[FeedMessage]) -> list[FeedSilence]:
    return [each for each in found if isinstance(each, FeedSilence)]


def test_it_says_who_it_is_and_what_it_wants():
    asked: list[Any] = []

    async def handler(socket: ServerConnection) -> None:
        assert socket.request is not None
        asked.append(socket.request.path)
        asked.extend([json.loads(await socket.recv()), json.loads(await socket.recv())])
        await socket.send('{"type":"ris_subscribe_ok","data":{}}')
        await socket.send(frame())
        await socket.wait_closed()

    async def test() -> None:
        async with served(handler) as url:
            wanted = (Subscription(host="rrc00"), Subscription(prefix="175.45.176.0/22", type="UPDATE", path="131279$"))
            feed = client(url, subscriptions=wanted)
            found = await gather(feed.messages(), lambda found: bool(blocks(found)))
            assert [each.collector for each in said(blocks(found))] == ["rrc00"]
            assert (feed.connections, feed.reader.counts.bad) == (1, 0)
            assert feed.reader.counts.lag.count == 1

    run(test())
    options = {"includeRaw": True, "acknowledge": True}
    assert asked == [
        "/v1/ws/?client=a%20test",
        {"type": "ris_subscribe", "data": {"host": "rrc00", "socketOptions": options}},
        {"type": "ris_subscribe", "data": {"type": "UPDATE", "prefix": "175.45.176.0/22", "moreSpecific": True,
                                           "lessSpecific": False, "path": "131279$", "socketOptions": options}},
    ]  # fmt: skip


def test_what_was_missed_while_it_was_cut_off_is_told_before_what_came_after():
    served_so_far = 0

    async def handler(socket: ServerConnection) -> None:
        nonlocal served_so_far
        served_so_far += 1
        await socket.recv()
        await socket.send(frame("rrc00"))
        await socket.send(frame("rrc01.ripe.net"))
        if served_so_far == 1:
            await asyncio.sleep(0.1)
            return
        await socket.wait_closed()

    async def test() -> None:
        async with served(handler) as url:
            feed = client(url)
            found = await gather(feed.messages(), lambda found: len(blocks(found)) == 4)
        of = {name: [each for each in silences(found) if each.collector == name] for name in ("rrc00", "rrc01")}
        for name, pieces in of.items():
            heard = [each.time_us for each in said(blocks(found)) if each.collector == name]
            assert pieces[0].message.from_us == heard[0]
            assert all(a.message.until_us == b.message.from_us for a, b in itertools.pairwise(pieces))
            # The second connection's first frame ends the silence; it was made a moment before it was received.
            assert abs(pieces[-1].message.until_us - heard[1]) < 100_000
            assert all(each.message.reason.startswith(NOT_CONNECTED) for each in pieces)
        order = [type(each) for each in found]
        assert order[-2:] == [FeedBlock, FeedBlock]
        assert FeedSilence in order[order.index(FeedBlock) : -2]
        assert feed.connections == 2

    run(test())


def test_a_server_that_is_not_there_is_a_silence_and_is_tried_again():
    async def test() -> None:
        feed = client("ws://127.0.0.1:9/")
        begin = now_us()
        found = await gather(feed.messages(), lambda found: feed.failures >= 3)
        assert all(isinstance(each, FeedSilence) and each.collector == "" for each in found)
        assert abs(silences(found)[0].message.from_us - begin) < 1_000_000
        assert not feed.connected
        assert feed.last_error

    run(test())


def test_a_url_that_is_none_is_an_error_at_once():
    async def test() -> None:
        with pytest.raises(RisLiveError, match="nonsense"):
            await gather(client("nonsense").messages(), lambda found: False)

    run(test())


def test_a_server_that_falls_silent_is_left_and_called_again():
    calls = 0

    async def handler(socket: ServerConnection) -> None:
        nonlocal calls
        calls += 1
        await socket.recv()
        await socket.send(frame())
        async for _ in socket:  # pings of RIS's own come; no answer goes
            pass

    async def test() -> None:
        async with served(handler) as url:
            feed = client(url, ping_s=0.1)
            found = await gather(feed.messages(), lambda found: len(blocks(found)) == 2)
            assert "no answer" in feed.last_error or feed.connections == 2
            assert silences(found)
            assert any("no answer for" in each.message.reason for each in silences(found))

    run(test())
    assert calls == 2


def test_pings_that_are_answered_keep_a_quiet_connection():
    pings = 0

    async def handler(socket: ServerConnection) -> None:
        nonlocal pings
        await socket.recv()
        await socket.send(frame())
        async for message in socket:
            assert json.loads(message) == {"type": "ping"}
            pings += 1
            await socket.send('{"type":"pong","data":null}')
            if pings == 6:
                await socket.send(frame())

    async def test() -> None:
        async with served(handler) as url:
            feed = client(url, ping_s=0.1, quiet_s=100)
            await gather(feed.messages(), lambda found: len(blocks(found)) == 2)
            assert (feed.connections, feed.reader.pongs) == (1, 6)

    run(test())


@pytest.mark.parametrize("filtered", [False, True])
def test_a_collector_that_sends_nothing_is_silent_where_all_of_it_was_asked_for(filtered):
    async def handler(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(frame("rrc00"))
        for _ in range(60):
            await socket.send(frame("rrc01"))
            await asyncio.sleep(0.02)
        await socket.send(frame("rrc00"))
        await socket.wait_closed()

    async def test() -> None:
        async with served(handler) as url:
            wanted = (Subscription(prefix="10.0.0.0/8" if filtered else None),)
            feed = client(url, quiet_s=0.4, subscriptions=wanted)
            found = await gather(
                feed.messages(), lambda found: sum(each.collector == "rrc00" for each in blocks(found)) == 2
            )
        told = silences(found)
        # Quiet only begins to be told after PIECE_US; heard again, it is told whole.
        assert {each.collector for each in told if each.message.reason == QUIET} == (set() if filtered else {"rrc00"})
        if not filtered:
            heard = [each.time_us for each in said(blocks(found)) if each.collector == "rrc00"]
            assert told[-1].message.from_us == heard[0]
            assert abs(told[-1].message.until_us - heard[1]) < 200_000

    run(test())


def test_complaints_of_the_server_and_garbage_are_told_and_counted():
    async def handler(socket: ServerConnection) -> None:
        await socket.recv()
        for text in ('{"type":"ris_error","data":{"message":"too slow"}}', "garbage", b"\xff\xfe", "[" * 5000, frame()):
            await socket.send(text)
        await socket.wait_closed()

    async def test() -> None:
        async with served(handler) as url:
            feed = client(url)
            errors = [FeedError("ris-live", "too slow")]
            found = await gather(
                feed.messages(), lambda found: errors[0] in [each for each in found if isinstance(each, FeedError)]
            )
            assert [each for each in found if isinstance(each, FeedError)] == errors
            assert len(blocks(found)) == 1
            assert (feed.last_error, feed.reader.counts.bad, feed.connections) == ("too slow", 3, 1)

    run(test())


def test_a_frame_longer_than_any_ends_the_connection_and_no_more():
    calls = 0

    async def handler(socket: ServerConnection) -> None:
        nonlocal calls
        calls += 1
        await socket.recv()
        await socket.send(frame() if calls > 1 else "x" * (2 << 20))
        await socket.wait_closed()

    async def test() -> None:
        async with served(handler) as url:
            await gather(client(url).messages(), lambda found: bool(blocks(found)))

    run(test())
    assert calls == 2


def test_a_flood_waits_at_the_server_while_nobody_takes_it_and_none_of_it_is_lost():
    frames, texts = 30_000, [frame(at_us=1_600_000_000_000_000 + 1000 * k) for k in range(1000)]

    async def handler(socket: ServerConnection) -> None:
        await socket.recv()
        for k in range(frames):
            await socket.send(texts[k % 1000])
        await socket.wait_closed()

    async def test() -> None:
        async with served(handler) as url:
            feed = client(url, waiting_octets=200_000, batch_octets=100_000)
            messages, elems, most = feed.messages(), 0, 0
            while elems < frames:
                message = await anext(messages)
                if isinstance(message, FeedBlock):
                    elems += len(message.message.time_us)
                    time.sleep(0.002)  # a consumer that is slow
                most = max(most, feed.reader.waiting)
            await messages.aclose()
            assert (elems, feed.reader.counts.messages) == (frames, frames)
            assert most < 400_000

    run(test())


def test_it_ends_when_its_task_is_cancelled():
    async def handler(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async def test() -> None:
        async with served(handler) as url:
            feed = client(url)
            task = asyncio.create_task(gather(feed.messages(), lambda found: False))
            await until(lambda: feed.connected)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not feed.connected

    run(test())
