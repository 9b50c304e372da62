"""OpenBMP's raw messages, as they travel through Kafka: a header that names the router, and one BMP message.

Three headers are read: the binary one of version 1.7, and of any later version that keeps its fields; the ten octets
that goBMP calls version 2, which name no router; and the lines of text of version 1.0 to 1.6. A BMP message without a
header counts as one of a router without a name.
"""

import ipaddress
from functools import lru_cache
from typing import NamedTuple

from duskwatch.records.times import SECOND
from duskwatch.sources.bgp.formats.bmp import VERSIONS, BmpOptions, BmpReader
from duskwatch.sources.bgp.formats.bmp_parts import COMMON_HEADER, text_of
from duskwatch.sources.bgp.formats.feed_counts import FeedCounts, Lag
from duskwatch.sources.bgp.formats.feed_events import FeedEvent
from duskwatch.sources.bgp.formats.feed_table import FeedBatch, FeedBlock

MAGIC = b"OBMP"
MAJOR_VERSIONS = (1, 2)
BMP_RAW = 12  # type of object
FROM_ROUTER, ROUTER_IPV6 = 0x80, 0x40  # flags
SHORT_HEADER, SHORT_VERSION = 10, 2
TEXT_BEGIN = (b"V:", b"v:")
HEADER_LIMIT = 4096  # octets
NAME_LIMIT = 64  # letters of a name
ROUTERS_LIMIT = 4096
MESSAGE_LIMIT = 1 << 20
UNNAMED = "router"


class RawMessage(NamedTuple):
    """One message of a raw topic. Names are empty and the time is None where the header does not say them."""

    collector: str  # admin id
    router: str  # address
    group: str
    time_us: int | None  # when the collector received it
    bmp: bytes  # one BMP message, or several


def read_raw(data: bytes) -> RawMessage:
    """Take a message apart. ValueError, with the reason, where it is none."""
    if len(data) > MESSAGE_LIMIT:
        raise ValueError(f"an OpenBMP message of {len(data)} octets; at most {MESSAGE_LIMIT} are read")
    if data[:4] == MAGIC:
        return _binary(data)
    if data[:2] in TEXT_BEGIN:
        return _text(data)
    if len(data) >= SHORT_HEADER and int.from_bytes(data[:2], "big") == SHORT_VERSION:
        length = int.from_bytes(data[6:SHORT_HEADER], "big")
        if length != len(data) - SHORT_HEADER:
            raise ValueError("an OpenBMP header of version 2 that says another length than there is")
        return RawMessage("", "", "", None, data[SHORT_HEADER:])
    if len(data) >= COMMON_HEADER and data[0] in VERSIONS:
        return RawMessage("", "", "", None, data)
    raise ValueError(f"no OpenBMP header: it begins with {data[:8].hex(' ') or 'nothing'}")


def _binary(data: bytes) -> RawMessage:
    if len(data) < 40:
        raise ValueError("an OpenBMP header that is shorter than its fixed fields")
    if data[4] not in MAJOR_VERSIONS:
        raise ValueError(f"an OpenBMP header of version {data[4]}.{data[5]}")
    header, length = int.from_bytes(data[6:8], "big"), int.from_bytes(data[8:12], "big")
    if data[13] != BMP_RAW:
        raise ValueError(f"an OpenBMP object of type {data[13]}, which is no BMP message")
    if header > HEADER_LIMIT:
        raise ValueError(f"an OpenBMP header of {header} octets; at most {HEADER_LIMIT} are read")
    if header + length != len(data):
        raise ValueError("an OpenBMP header that says another length than there is")
    collector, router, group = _names(data[12] & (FROM_ROUTER | ROUTER_IPV6), data[38:header])
    seconds, rest = int.from_bytes(data[14:18], "big"), int.from_bytes(data[18:22], "big")
    time_us = seconds * SECOND + min(rest, SECOND - 1) if seconds else None
    return RawMessage(collector, router, group, time_us, data[header:])


@lru_cache(1 << 12)  # of as many routers as there may be
def _names(flags: int, raw: bytes) -> tuple[str, str, str]:
    """Collector, router and group, from the length of the collector's name on."""
    at = 2 + int.from_bytes(raw[:2], "big")
    group_at = at + 34
    if group_at > len(raw):
        raise ValueError("an OpenBMP header that is shorter than its fixed fields")
    group_end = group_at + int.from_bytes(raw[at + 32 : group_at], "big")
    if group_end > len(raw):
        raise ValueError("an OpenBMP header whose router group runs past it")
    router = _router(raw[at + 16 : at + 32], bool(flags & ROUTER_IPV6)) if flags & FROM_ROUTER else ""
    return _name(raw[2:at]), router, _name(raw[group_at:group_end])


def _text(data: bytes) -> RawMessage:
    end = data.find(b"\n\n", 0, HEADER_LIMIT)
    if end < 0:
        raise ValueError("an OpenBMP header in text that does not end")
    values = {}
    for line in data[:end].split(b"\n"):
        name, _, value = line.partition(b":")
        values[name.strip().upper()] = value.strip()
    if values.get(b"L", b"").isdigit() and int(values[b"L"][:9]) != len(data) - end - 2:
        raise ValueError("an OpenBMP header that says another length than there is")
    return RawMessage("", _name(values.get(b"R_IP", b"")), "", None, data[end + 2 :])


def _name(raw: bytes) -> str:
    """A name as a part of a collector's name: without what separates such parts."""
    text = text_of(raw.rstrip(b"\0"))[:NAME_LIMIT]
    return "".join("_" if letter in "/\\ " else letter for letter in text)


def _router(raw: bytes, six: bool) -> str:
    if six:
        address = ipaddress.IPv6Address(raw)
        return str(address.ipv4_mapped or address)
    # Four octets and zeros; goBMP and others have the zeros first.
    return str(ipaddress.IPv4Address(raw[:4] if any(raw[:4]) else raw[12:]))


class OpenBmpReader:
    """Blocks and events out of the messages of raw topics; each router has a BMP reader of its own.

    A router is named by its group, as Route Views names its collectors, and by its address where there is no group or
    several routers share one. ``counts`` are of all routers together; ``delay`` is how long after a collector had
    received a message we did. No message raises an exception.
    """

    def __init__(self, options: BmpOptions = BmpOptions(), counts: FeedCounts | None = None) -> None:
        self.counts = FeedCounts("message") if counts is None else counts
        self.delay = Lag()
        self.routers: dict[tuple[str, str, str], BmpReader] = {}
        self._options = options
        self._names: dict[str, tuple[str, str, str]] = {}

    @property
    def waiting(self) -> int:
        """Octets that wait to be taken."""
        return sum(router.waiting for router in self.routers.values())

    def message(self, data: bytes, received_us: int | None = None, source: str = "") -> tuple[str, str, str] | None:
        """Take one message of a topic; ``source`` names its routers where its header does not.

        The clock of the collector, where it says its time, judges the router's. Returns which router the message was
        of, None where it cannot be read.
        """
        place = self.counts.messages + 1
        try:
            found = read_raw(data)
        except ValueError as error:
            self.counts.messages += 1
            self.counts.octets += len(data)
            self.counts.note_bad(place, str(error))
            return None
        key = found.collector, found.router or source, found.group
        router = self.routers.get(key)
        if router is None:
            if len(self.routers) >= ROUTERS_LIMIT:
                self.counts.messages += 1
                self.counts.note_bad(place, "more routers than the limit")
                return None
            router = self.routers[key] = BmpReader(self._name_of(key), self._options, self.counts)
        judged_us = received_us
        if found.time_us is not None:
            judged_us = found.time_us
            if received_us is not None:
                self.delay.note(received_us - found.time_us)
        # Each Kafka message is whole: one that is not must not take part of the next one with it.
        at, size = 0, len(found.bmp)
        while True:
            length = int.from_bytes(found.bmp[at + 1 : at + 5], "big")
            end = at + length if COMMON_HEADER <= length < size - at else size
            router.message(found.bmp[at:end], judged_us, place)
            if end >= size:
                return key
            at = end

    def _name_of(self, key: tuple[str, str, str]) -> str:
        collector, router, group = key
        plain = group or router or collector or UNNAMED
        if self._names.setdefault(plain, key) != key:
            plain = "/".join(part for part in (collector, group, router) if part) or UNNAMED
        return plain

    def last_us(self, key: tuple[str, str, str]) -> int:
        """Event time of what a router said last; 0 where it said nothing with a time."""
        router = self.routers.get(key)
        return router.last_us if router is not None else 0

    def forget(self, key: tuple[str, str, str], time_us: int, reason: str) -> None:
        """A router is no longer ours to follow: all its peers go down, to be reported by the next ``take``."""
        router = self.routers.get(key)
        if router is not None:
            router.lost(time_us, reason)

    def take(self) -> FeedBatch:
        """Blocks and events since the last call."""
        blocks: list[FeedBlock] = []
        events: list[FeedEvent] = []
        for router in self.routers.values():
            if router.waiting:
                batch = router.take()
                blocks += batch.blocks
                events += batch.events
        return FeedBatch(blocks, events)
