"""Byte streams out of captured TCP segments (RFC 9293), in order, each octet once."""

import socket
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from duskwatch.sources.files.captures import Packet

ETHERNET, RAW, NULL, LOOP, LINUX_SLL, LINUX_SLL2, IPV4_ONLY, IPV6_ONLY = 1, 101, 0, 108, 113, 276, 228, 229
VLANS = (0x8100, 0x88A8, 0x9100)
IPV4, IPV6, TCP = 0x0800, 0x86DD, 6
EXTENSIONS = (0, 43, 60)  # IPv6 headers that may stand before TCP
FIN, SYN, RST = 1, 2, 4
STREAMS_LIMIT = 4096
WAITING_LIMIT = 1 << 20  # octets of a stream that wait for one that is missing
WINDOW = 1 << 31


class Stream(NamedTuple):
    """One direction of a connection, and which of those between the same ports it is."""

    source: str
    source_port: int
    target: str
    target_port: int
    number: int


class StreamPiece(NamedTuple):
    """Bytes that follow those given before. ``missing`` octets before them were not captured.

    ``end``: none follow, because the connection was ``closed`` or another took its place, or as the capture ends.
    """

    stream: Stream
    time_us: int
    data: bytes
    missing: int
    end: bool
    offset: int  # of the packet in the file
    closed: bool = False


class _State:
    __slots__ = ("expected", "slack", "stream", "waiting", "waiting_octets")

    def __init__(self, stream: Stream, expected: int) -> None:
        self.stream, self.expected = stream, expected
        self.waiting: dict[int, tuple[bytes, bool]] = {}
        self.waiting_octets = 0
        self.slack = False  # whether the next octet may have the number behind the expected one


class TcpStreams:
    """Puts segments in order. ``others`` counts packets that are no TCP or were cut off in their headers.

    A capture may begin in the middle of a connection: its first segment then is the first of the stream. An octet that
    comes again is dropped. Where one is missing, what follows waits until WAITING_LIMIT octets do; then the stream goes
    on and says how many are missing.
    """

    def __init__(self) -> None:
        self.others = 0
        self.streams = 0
        self._states: dict[tuple[bytes, bytes], _State] = {}

    def pieces(self, packets: Iterable[Packet]) -> Iterator[StreamPiece]:
        """The bytes of all streams, as they come."""
        last = None
        for packet in packets:
            last = packet
            segment = _segment(packet)
            if segment is None:
                self.others += 1
                continue
            yield from self._take(packet, *segment)
        for state in self._states.values():
            while state.waiting and last is not None:
                yield from self._skip(state, last)
            if last is not None:
                yield StreamPiece(state.stream, last.time_us, b"", 0, True, last.offset)
        self._states.clear()

    def _take(
        self, packet: Packet, addresses: bytes, ports: bytes, number: int, flags: int, data: bytes
    ) -> Iterator[StreamPiece]:
        key = addresses, ports
        state = self._states.get(key)
        fresh = state is None or bool(flags & SYN and number + 1 & 0xFFFFFFFF != state.expected)
        if state is not None and fresh:
            while state.waiting:
                yield from self._skip(state, packet)
            yield StreamPiece(state.stream, packet.time_us, b"", 0, True, packet.offset, True)
        if fresh:
            if state is None and len(self._states) >= STREAMS_LIMIT:
                oldest = self._states.pop(next(iter(self._states)))
                yield StreamPiece(oldest.stream, packet.time_us, b"", 0, True, packet.offset)
            self.streams += 1
            state = self._states[key] = _State(_stream(addresses, ports, self.streams), number)
        assert state is not None
        if flags & SYN:
            if fresh and data:  # programs that make up captures forget that a SYN counts as an octet
                state.expected, state.slack = number, True
                yield self._given(state, packet, data, 0)
            elif fresh:
                state.expected = number + 1 & 0xFFFFFFFF
            return
        ahead = number - state.expected & 0xFFFFFFFF
        if state.slack:
            state.slack = False
            if ahead == 1:
                state.expected, ahead = number, 0
        if ahead >= WINDOW:  # seen before, at least in part
            behind = (1 << 32) - ahead
            if behind >= len(data):
                data = b""
            else:
                data, ahead = data[behind:], 0
        if ahead and ahead < WINDOW:
            waiting = state.waiting.get(number)
            # Sent again, a segment may hold more than the first time.
            if (data or flags & FIN) and (waiting is None or len(data) > len(waiting[0])):
                state.waiting[number] = data, bool(flags & FIN) or (waiting is not None and waiting[1])
                state.waiting_octets += len(data) + 64 if waiting is None else len(data) - len(waiting[0])
            if state.waiting_octets > WAITING_LIMIT:
                yield from self._skip(state, packet)
            return
        if data:
            yield self._given(state, packet, data, 0)
        yield from self._ready(state, packet)
        if flags & (FIN | RST) and (data or ahead == 0):
            self._states.pop(key, None)
            yield StreamPiece(state.stream, packet.time_us, b"", 0, True, packet.offset, True)

    def _given(self, state: _State, packet: Packet, data: bytes, missing: int) -> StreamPiece:
        state.expected = state.expected + len(data) & 0xFFFFFFFF
        return StreamPiece(state.stream, packet.time_us, data, missing, False, packet.offset)

    def _ready(self, state: _State, packet: Packet) -> Iterator[StreamPiece]:
        """What waited for the octets that have come."""
        while state.waiting:
            number = min(state.waiting, key=lambda each: each - state.expected + WINDOW & 0xFFFFFFFF)
            ahead = number - state.expected & 0xFFFFFFFF
            if 0 < ahead < WINDOW:
                return
            data, _ = state.waiting.pop(number)
            state.waiting_octets -= len(data) + 64
            behind = -ahead & 0xFFFFFFFF
            if behind < len(data):
                yield self._given(state, packet, data[behind:], 0)

    def _skip(self, state: _State, packet: Packet) -> Iterator[StreamPiece]:
        """Go on behind octets that were not captured."""
        number = min(state.waiting, key=lambda each: each - state.expected & 0xFFFFFFFF)
        missing = number - state.expected & 0xFFFFFFFF
        data, _ = state.waiting.pop(number)
        state.waiting_octets -= len(data) + 64
        state.expected = number
        yield self._given(state, packet, data, missing)
        yield from self._ready(state, packet)


def _stream(addresses: bytes, ports: bytes, number: int) -> Stream:
    half = len(addresses) // 2
    address_family = socket.AF_INET if half == 4 else socket.AF_INET6
    source, target = (socket.inet_ntop(address_family, part) for part in (addresses[:half], addresses[half:]))
    return Stream(source, int.from_bytes(ports[:2], "big"), target, int.from_bytes(ports[2:], "big"), number)


def _segment(packet: Packet) -> tuple[bytes, bytes, int, int, bytes] | None:
    """Addresses, ports, sequence number, flags and data of a TCP segment that was captured whole."""
    found = _ip(packet.link, packet.data)
    if found is None:
        return None
    addresses, data = found
    if len(data) < 20:
        return None
    header = (data[12] >> 4) * 4
    if not 20 <= header <= len(data):
        return None
    return addresses, data[:4], int.from_bytes(data[4:8], "big"), data[13], data[header:]


def _ip(link: int, data: bytes) -> tuple[bytes, bytes] | None:
    """Addresses (source, then target) and the TCP segment of a packet; None for fragments and other protocols."""
    at = _network_at(link, data)
    if at is None or at >= len(data):
        return None
    version = data[at] >> 4
    if version == 4 and len(data) >= at + 20:
        header, total = (data[at] & 15) * 4, int.from_bytes(data[at + 2 : at + 4], "big")
        # A packet that the network card is to cut into segments says no length.
        end = at + total if total else len(data)
        fragment = int.from_bytes(data[at + 6 : at + 8], "big") & 0x3FFF
        if header < 20 or data[at + 9] != TCP or fragment or end > len(data):
            return None
        return data[at + 12 : at + 20], data[at + header : end]
    if version == 6 and len(data) >= at + 40:
        kind, size = data[at + 6], int.from_bytes(data[at + 4 : at + 6], "big")
        end = at + 40 + size if size else len(data)
        addresses = data[at + 8 : at + 40]
        at += 40
        while kind in EXTENSIONS and at + 8 <= len(data):
            kind, at = data[at], at + 8 * (data[at + 1] + 1)
        if kind != TCP or end > len(data) or at > end:
            return None
        return addresses, data[at:end]
    return None


def _network_at(link: int, data: bytes) -> int | None:
    """Where the IP header begins."""
    if link in (RAW, IPV4_ONLY, IPV6_ONLY, 12, 14):
        return 0
    if link in (NULL, LOOP):
        return 4
    if link == LINUX_SLL:
        at = 14
    elif link == LINUX_SLL2:
        return 20 if data[:2] in (b"\x08\x00", b"\x86\xdd") else None
    elif link == ETHERNET:
        at = 12
    else:
        return None
    kind = int.from_bytes(data[at : at + 2], "big")
    at += 2
    while kind in VLANS and at + 4 <= len(data):
        kind, at = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
    return at if kind in (IPV4, IPV6) else None
