"""Messages of a feed about one routing table, kept as MRT records until they are read as blocks of elems.

Every feed wraps the same BGP messages in an envelope of its own. Rewrapped as BGP4MP_ET records (RFC 6396 section 4.4,
RFC 8050), they are read by the kernel that reads archives: the same octets give the same elems, bad ones are judged by
the same rules, and what was received can be written to a file and analysed like any archive.
"""

import socket
import struct
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from duskwatch.records.elems import ElemBlock, PeerTable
from duskwatch.records.times import SECOND
from duskwatch.sources.bgp.formats.feed_counts import FeedCounts
from duskwatch.sources.bgp.formats.feed_events import FeedEvent
from duskwatch.sources.bgp.formats.mrt import MrtReader

BGP4MP_ET = 17
STATE_CHANGE, MESSAGE = 5, 4  # subtypes with AS numbers of four octets
# Subtype of a message by (AS numbers of four octets, path identifiers).
SUBTYPES = {(True, False): 4, (False, False): 1, (True, True): 9, (False, True): 8}
UNKNOWN, IDLE, CONNECT, ESTABLISHED = 0, 1, 2, 6  # states of a session (RFC 4271 section 8.2.2)
LONGEST_MESSAGE = 65535  # octets (RFC 8654)

_head = struct.Struct("!IHHII").pack
_states = struct.Struct("!HH").pack


class FeedBlock(NamedTuple):
    """A message of one collector: elems. For BMP a collector is one routing table of one router."""

    collector: str
    message: ElemBlock


class FeedBatch(NamedTuple):
    """What a feed said since it was last asked. Elems of one peer are in the order in which it said them."""

    blocks: list[FeedBlock]
    events: list[FeedEvent]


class PeerHead:
    """The part of a BGP4MP record that names a peer, in both widths; ``wide`` is None where the peer cannot be named.

    address: 4 or 16 octets. The collector's side is not known to feeds and is written as zeros.
    """

    __slots__ = ("address", "asn", "narrow", "text", "wide")

    def __init__(self, asn: int, address: bytes) -> None:
        self.asn, self.address = asn, address
        afi = 1 if len(address) == 4 else 2
        both = struct.pack("!HH", 0, afi) + address + bytes(len(address))
        self.wide = struct.pack("!II", asn, 0) + both
        self.narrow = struct.pack("!HH", asn if asn < 1 << 16 else 23456, 0) + both
        self.text = socket.inet_ntop(socket.AF_INET if afi == 1 else socket.AF_INET6, address)


class FeedTable:
    """One routing table: its peers, and the records that wait to be read."""

    __slots__ = ("_parts", "_places", "_starts", "collector", "octets", "peers")

    def __init__(self, collector: str, peers: PeerTable | None = None) -> None:
        self.collector = collector
        self.peers = PeerTable() if peers is None else peers
        self.octets = 0  # that wait
        self._parts: list[bytes | memoryview] = []
        self._starts: list[int] = []
        self._places: list[int] = []

    def add(self, time_us: int, subtype: int, peer: bytes, body: bytes | memoryview, place: int) -> None:
        """Take a BGP message or a pair of session states. ``peer`` is of the subtype's width."""
        seconds, rest = divmod(time_us, SECOND)
        length = len(peer) + len(body)
        self._parts += (_head(seconds & 0xFFFFFFFF, BGP4MP_ET, subtype, length + 4, rest), peer, body)
        self._starts.append(self.octets)
        self._places.append(place)
        self.octets += length + 16

    def add_state(self, time_us: int, peer: PeerHead, old: int, new: int, place: int) -> None:
        """Take a change of a session's state."""
        self.add(time_us, STATE_CHANGE, peer.wide, _states(old, new), place)

    def blocks(self, counts: FeedCounts) -> Iterator[FeedBlock]:
        """Read what waits; what is bad or not supported is counted."""
        if not self._parts:
            return
        records = b"".join(self._parts)
        starts, places = self._starts, self._places
        self._parts, self._starts, self._places, self.octets = [], [], [], 0
        reader = MrtReader([records], self.peers)
        for block in reader:
            counts.elems += len(block.time_us)
            yield FeedBlock(self.collector, block)
        for offset, reason in reader.bad:
            counts.note_bad(places[bisect_right(starts, offset) - 1], reason)
        counts.bad += reader.bad_records - len(reader.bad)
        _note_unsupported(counts, reader.unsupported)


def _note_unsupported(counts: FeedCounts, found: Counter[str]) -> None:
    for name, count in found.items():
        counts.note_unsupported(name.partition(" ")[2] or name, count)


def path_width(message: bytes) -> int:
    """Octets of an AS number in the AS_PATH of an UPDATE: 2 or 4; 0 where nothing tells, or where both fit.

    Feeds do not say, or say wrongly, what was negotiated (RFC 6793).
    """
    path = _as_path(message)
    wide, narrow = _fits(path, 4), _fits(path, 2)
    if wide == narrow:
        return 0
    return 4 if wide else 2


def _as_path(message: bytes) -> bytes:
    """The value of AS_PATH; nothing where there is none or the message is broken."""
    end = len(message)
    if end < 23 or message[18] != 2:
        return b""
    at = 21 + int.from_bytes(message[19:21], "big")
    if at + 2 > end:
        return b""
    stop = at + 2 + int.from_bytes(message[at : at + 2], "big")
    at += 2
    if stop > end:
        return b""
    while at + 3 <= stop:
        extended = message[at] & 0x10
        size = int.from_bytes(message[at + 2 : at + 4], "big") if extended else message[at + 2]
        code = message[at + 1]
        at += 4 if extended else 3
        if at + size > stop:
            return b""
        if code == 2:
            return message[at : at + size]
        at += size
    return b""


def _fits(path: bytes, size: int) -> bool:
    at = 0
    while at < len(path):
        if at + 2 > len(path) or not 1 <= path[at] <= 4:
            return False
        at += 2 + path[at + 1] * size
    return at == len(path)
