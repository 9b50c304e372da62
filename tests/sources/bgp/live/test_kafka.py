"""OpenBMP's raw messages from Kafka, on the mock cluster that librdkafka carries."""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from duskwatch.sources.bgp.formats.feed_events import FeedError, SessionDown
from duskwatch.sources.bgp.formats.feed_table import FeedBlock
from duskwatch.sources.bgp.live.kafka import HANDED_ON, SKIPPED, KafkaFeed, KafkaFeedError, KafkaSettings
from duskwatch.sources.bgp.live.messages import FeedMessage, FeedSilence
from tests.sources.bgp.formats.bmp_make import KP, ROUTE, SECONDS, announce, peer_up, routes, withdraw
from tests.sources.bgp.formats.said import said
from tests.sources.bgp.formats.test_openbmp import binary
from tests.sources.bgp.live.listening import gather, run

kafka = pytest.importorskip("confluent_kafka")
# To join a group takes the mock cluster three seconds, each time.
LONG = pytest.mark.skipif(not os.environ.get("DUSKWATCH_ALL_FILES"), reason="takes long: make test-all has it")
TOPIC = "routeviews.amsix.64500.bmp_raw"
NOW = SECONDS * 1_000_000


class Cluster:
    """A cluster of one broker, which lives as long as its producer."""

    def __init__(self) -> None:
        self.producer: Any = kafka.Producer({"test.mock.num.brokers": 1, "log_level": 0})
        (broker,) = self.producer.list_topics(timeout=10).brokers.values()
        self.brokers = f"{broker.host}:{broker.port}"

    def send(self, message: bytes | None, partition: int = 0, topic: str = TOPIC) -> None:
        self.producer.produce(topic, message, partition=partition)
        self.producer.flush(10)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    yield made
    made.producer = None


def feed(cluster: Cluster, group: str = "g", **settings: Any) -> KafkaFeed:
    more = {
        "log_level": 0,
        "heartbeat.interval.ms": 100,
        "session.timeout.ms": 6000,
        "topic.metadata.refresh.interval.ms": 200,
    }
    quick = {"newest": False, "batch_s": 0.1, "topics": (TOPIC,), "more": more}
    return KafkaFeed(KafkaSettings(cluster.brokers, group=group, **(quick | settings)))


def elems(found: list[FeedMessage]) -> int:
    return sum(len(each.message.time_us) for each in found if isinstance(each, FeedBlock))


def blocks(found: list[FeedMessage]) -> list[FeedBlock]:
    return [each for each in found if isinstance(each, FeedBlock)]


def test_messages_of_all_routers_are_read(cluster: Cluster):
    cluster.send(binary(peer_up(), group="amsix"), 0)
    cluster.send(binary(routes(announce(ROUTE, [KP])), group="amsix"), 0)
    cluster.send(binary(routes(withdraw([KP])), group="linx", router="192.0.2.8"), 1)
    cluster.send(b"no message", 1)
    cluster.send(None, 1)
    cluster.send(routes(withdraw([KP])), 2)

    async def test() -> None:
        reading = feed(cluster)
        found = await gather(reading.messages(), lambda found: elems(found) == 4)
        assert {(each.collector, each.kind) for each in said(blocks(found))} == {
            ("amsix", "S"), ("amsix", "A"), ("linx", "W"), (TOPIC, "W"),
        }  # fmt: skip
        assert reading.reader.counts.bad == 1
        assert reading.skipped == {}

    run(test())


@LONG
def test_topics_may_be_a_pattern(cluster: Cluster):
    for name in ("one", "two"):
        cluster.send(routes(withdraw([KP])), topic=f"routeviews.{name}.1.bmp_raw")
    cluster.send(routes(withdraw([KP])), topic="other")

    async def test() -> None:
        found = await gather(
            feed(cluster, topics=(r"^routeviews\..*\.bmp_raw$",)).messages(), lambda found: elems(found) == 2
        )
        assert {each.collector for each in said(blocks(found))} == {
            "routeviews.one.1.bmp_raw",
            "routeviews.two.1.bmp_raw",
        }

    run(test())


@LONG
def test_who_comes_after_goes_on_where_the_last_one_stopped(cluster: Cluster):
    cluster.send(binary(routes(withdraw([KP]))))

    async def test() -> None:
        messages = feed(cluster).messages()
        assert elems([await anext(messages)]) == 1
        # What came before is done with only when the next message is asked for.
        following = asyncio.create_task(anext(messages))
        await asyncio.sleep(0.5)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await messages.aclose()
        cluster.send(binary(routes(announce(ROUTE, [KP]))))
        found = await gather(feed(cluster).messages(), lambda found: elems(found) >= 1)
        assert [each.kind for each in said(blocks(found))] == ["A"]

    run(test())


@LONG
def test_two_processes_of_a_group_share_the_partitions(cluster: Cluster):
    """The second one takes over some of the first's, whose routers then are no longer the first's to follow."""

    async def test() -> None:
        first, second = feed(cluster), feed(cluster)  # which join the group when they are read
        seen: Counter[str] = Counter()
        found: dict[str, list[FeedMessage]] = {"first": [], "second": []}

        async def read(name: str, reading: KafkaFeed) -> None:
            async for message in reading.messages():
                found[name].append(message)
                if isinstance(message, FeedBlock):
                    for each in said([message]):
                        if each.kind == "A":
                            seen[each.collector] += 1

        tasks = [asyncio.create_task(read("first", first))]
        for partition in range(4):
            cluster.send(
                binary(peer_up() + routes(announce(ROUTE, [KP])), router=f"192.0.2.{partition}", group=""), partition
            )
        await _until(lambda: len(seen) == 4)
        tasks.append(asyncio.create_task(read("second", second)))
        await _until(lambda: len(first.partitions) == 2 and len(second.partitions) == 2)
        for partition in range(4):
            cluster.send(binary(routes(announce(ROUTE, [KP])), router=f"192.0.2.{partition}", group=""), partition)
        await _until(lambda: min(seen.values()) >= 2)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        downs = [each for each in found["first"] if isinstance(each, SessionDown)]
        assert {each.reason for each in downs} == {HANDED_ON}
        assert len(downs) == 2

    run(test())


async def _until(holds: Any) -> None:
    end = time.monotonic() + 25
    while not holds():
        assert time.monotonic() < end, "not in time"
        await asyncio.sleep(0.02)


@LONG
def test_brokers_that_are_gone_are_an_error_that_is_told_and_waited_out(cluster: Cluster):
    cluster.send(binary(routes(withdraw([KP]))))

    async def test() -> None:
        reading = feed(cluster, more={"log_level": 0, "reconnect.backoff.max.ms": 200, "socket.timeout.ms": 2000})

        def enough(found: list[FeedMessage]) -> bool:
            if elems(found) == 1:
                cluster.producer = None
            return any(isinstance(each, FeedError) for each in found)

        found = await gather(reading.messages(), enough)
        assert elems(found) == 1
        assert reading.errors

    run(test())


class Message:
    """What the consumer gives."""

    def __init__(self, offset: int, value: bytes, partition: int = 0) -> None:
        self._given = offset, value, partition

    def error(self) -> None:
        return None

    def topic(self) -> str:
        return TOPIC

    def partition(self) -> int:
        return self._given[2]

    def offset(self) -> int:
        return self._given[0]

    def value(self) -> bytes:
        return self._given[1]


def test_offsets_that_are_passed_over_are_a_silence_of_the_routers_there(cluster: Cluster):
    """Retention may have taken what was not read in time."""
    reading = feed(cluster)
    reading.partitions = {(TOPIC, 0): -1, (TOPIC, 1): -1}
    message = binary(routes(withdraw([KP])), group="amsix")
    silences, _ = reading._read(
        [Message(7, message), Message(8, message), Message(0, binary(routes(withdraw([KP])), group="linx"), 1)]
    )
    assert silences == []
    silences, last = reading._read([Message(20, message), Message(1, message, 1), Message(3, message, 2)])
    assert [(each.collector, each.message.from_us, each.message.reason) for each in silences] == [
        ("amsix", NOW + 250_000, SKIPPED)
    ]
    assert all(isinstance(each, FeedSilence) for each in silences)
    assert reading.skipped == {TOPIC: 11}
    assert set(last) == {(TOPIC, 0), (TOPIC, 1)}  # the third was taken from us
    reading.close()


def test_settings_that_cannot_be_are_an_error_that_says_so():
    with pytest.raises(KafkaFeedError, match=r"127\.0\.0\.1:9: Kafka cannot be used: .*nonsense"):
        KafkaFeed(KafkaSettings("127.0.0.1:9", (TOPIC,), "g", more={"nonsense": 1}))


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(KafkaFeedError, match=r"duskwatch\[kafka\]"):
        KafkaFeed(KafkaSettings("127.0.0.1:9", (TOPIC,), "g"))
