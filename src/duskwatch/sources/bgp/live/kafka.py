"""OpenBMP's raw messages from Kafka, as Route Views publishes them; several processes share the topics as a group.

Needs the extra ``kafka`` (confluent-kafka, on librdkafka). Messages are taken at least once: an offset is stored after
what came before it was handed on, so that a process that takes over may read a few seconds again.
"""

import asyncio
import threading
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from duskwatch.records.errors import InputError
from duskwatch.records.messages import Silence
from duskwatch.sources.bgp.formats.bmp import BmpOptions
from duskwatch.sources.bgp.formats.feed_counts import ClockRules, bump
from duskwatch.sources.bgp.formats.feed_events import FeedError
from duskwatch.sources.bgp.formats.openbmp import OpenBmpReader
from duskwatch.sources.bgp.live.clock import Clock, now_us
from duskwatch.sources.bgp.live.messages import FeedMessage, FeedSilence

HANDED_ON = "another process of the group follows the router now"
SKIPPED = "messages of the topic were gone before they could be read"
ERRORS_KEPT = 100
CLOSE_S = 5.0

Partition = tuple[str, int]  # topic and number
RouterKey = tuple[str, str, str]


class KafkaFeedError(InputError):
    """Kafka cannot be used with what was given; one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Which brokers, topics and group. A topic that begins with ^ is a regular expression.

    ``more``: any other setting of librdkafka (security, and so on); it overrides ours.
    """

    brokers: str
    topics: tuple[str, ...]
    group: str
    newest: bool = True  # where the group has no offset yet: begin with what is new, else with the oldest there is
    reader: BmpOptions = field(default_factory=lambda: BmpOptions(clock=ClockRules()))
    batch_messages: int = 10_000
    batch_s: float = 0.5
    queue_kbytes: int = 1 << 16  # that librdkafka reads ahead
    more: Mapping[str, Any] = field(default_factory=dict)


class KafkaFeed:
    """The feed. ``messages`` never ends by itself; it is closed, or its task cancelled.

    partitions  those that this process reads now, with the offset that is next
    behind      messages that wait in each of them at the broker, as far as that is known
    skipped     offsets that were passed over, by topic
    errors      what the client complained of, by text
    """

    def __init__(self, settings: KafkaSettings, clock: Clock = now_us) -> None:
        try:
            from confluent_kafka import Consumer, KafkaException
        except ImportError:
            raise KafkaFeedError("Kafka needs the extra: pip install 'duskwatch[kafka]'") from None
        self.reader = OpenBmpReader(settings.reader)
        self.partitions: dict[Partition, int] = {}
        self.skipped: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self._settings, self._clock = settings, clock
        self._routers: defaultdict[Partition, dict[RouterKey, int]] = defaultdict(dict)  # and when they were heard
        self._new_errors: list[str] = []
        self._closed = False
        self._busy = threading.Lock()
        try:
            self._consumer = Consumer(
                {
                    "bootstrap.servers": settings.brokers,
                    "group.id": settings.group,
                    "auto.offset.reset": "latest" if settings.newest else "earliest",
                    "enable.auto.offset.store": False,
                    "enable.partition.eof": False,
                    "queued.max.messages.kbytes": settings.queue_kbytes,
                    "error_cb": self._error,
                    **settings.more,
                }
            )
        except (KafkaException, ValueError, TypeError) as error:
            raise KafkaFeedError(f"{settings.brokers}: Kafka cannot be used: {error}") from None

    # The callbacks run inside consume(), in the thread that calls it; nothing else runs meanwhile.

    def _error(self, error: Any) -> None:
        text = str(error)[:200]
        bump(self.errors, text)
        if len(self._new_errors) < ERRORS_KEPT:
            self._new_errors.append(text)

    def _assigned(self, _: Any, partitions: list[Any]) -> None:
        for each in partitions:
            self.partitions[each.topic, each.partition] = -1
        # Most ways to share take all partitions away first, and then give some of them back.
        self._forget(self._routers.keys() - self.partitions.keys())

    def _revoked(self, _: Any, partitions: list[Any]) -> None:
        for each in partitions:
            self.partitions.pop((each.topic, each.partition), None)

    def _lost(self, _: Any, partitions: list[Any]) -> None:
        self._revoked(_, partitions)
        self._forget({(each.topic, each.partition) for each in partitions})

    def _forget(self, partitions: Set[Partition]) -> None:
        now = self._clock()
        for partition in partitions:
            for key in self._routers.pop(partition, {}):
                if not any(key in routers for routers in self._routers.values()):
                    self.reader.forget(key, now, HANDED_ON)

    async def messages(self) -> AsyncGenerator[FeedMessage]:
        """Blocks, events and silences, as they come."""
        from confluent_kafka import KafkaException

        settings = self._settings
        try:
            self._consumer.subscribe(
                list(settings.topics), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
            )
            while not self._closed:
                taken = await asyncio.to_thread(self._consume)
                silences, last = self._read(taken)
                batch = self.reader.take()
                errors, self._new_errors = self._new_errors, []
                for message in [*silences, *batch.blocks, *batch.events, *(FeedError("kafka", e) for e in errors)]:
                    yield message
                for message in last.values():
                    with suppress(KafkaException):  # the partition was taken from us meanwhile
                        self._consumer.store_offsets(message)
        finally:
            # Without its brokers the library tries to leave the group for most of a minute: nobody waits for that.
            closing = threading.Thread(target=self.close, daemon=True)
            closing.start()
            await asyncio.to_thread(closing.join, CLOSE_S)

    def _consume(self) -> list[Any]:
        with self._busy:
            if self._closed:
                return []
            return list(self._consumer.consume(self._settings.batch_messages, self._settings.batch_s))

    def _read(self, taken: list[Any]) -> tuple[list[FeedSilence], dict[Partition, Any]]:
        now, silences, last = self._clock(), list[FeedSilence](), dict[Partition, Any]()
        for message in taken:
            error = message.error()
            if error is not None:
                self._error(error)
                continue
            partition, offset = (message.topic(), message.partition()), message.offset()
            if partition not in self.partitions:
                continue  # taken from us in the same call
            expected = self.partitions[partition]
            if 0 <= expected < offset:
                bump(self.skipped, partition[0], offset - expected)
                silences += self._silent(partition, now)
            self.partitions[partition] = offset + 1
            last[partition] = message
            value = message.value()
            if value is None:
                continue
            key = self.reader.message(value, now, partition[0])
            if key is not None:
                self._routers[partition][key] = self.reader.last_us(key)
        return silences, last

    def _silent(self, partition: Partition, now: int) -> list[FeedSilence]:
        """What was said between the last message that was read and now is not known, of all routers of a partition."""
        return [
            FeedSilence(collector, Silence(heard_us, now, SKIPPED))
            for key, heard_us in self._routers[partition].items()
            for collector in self.reader.routers[key].tables
            if 0 < heard_us < now
        ]

    def behind(self) -> dict[Partition, int]:
        """Messages of each partition that the broker has and we have not read, by the last that it said."""
        from confluent_kafka import KafkaException, TopicPartition

        found = {}
        for (topic, number), following in self.partitions.items():
            with suppress(KafkaException):
                _, high = self._consumer.get_watermark_offsets(TopicPartition(topic, number), cached=True)
                if high >= 0 and following >= 0:
                    found[topic, number] = max(0, high - following)
        return found

    def close(self) -> None:
        """Leave the group; offsets that were stored are committed."""
        self._closed = True
        with self._busy:  # after a call that is under way has returned
            self._consumer.close()
