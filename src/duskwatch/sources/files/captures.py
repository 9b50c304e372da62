"""Packets out of captures: pcap of both byte orders and resolutions, and pcapng (draft-ietf-opsawg-pcap, -pcapng)."""

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from duskwatch.records.elems import Damage
from duskwatch.sources.files.pieces import TransportDamage

PCAP = {b"\xd4\xc3\xb2\xa1": ("<", 1), b"\xa1\xb2\xc3\xd4": (">", 1), b"\x4d\x3c\xb2\xa1": ("<", 1000)}
PCAP[b"\xa1\xb2\x3c\x4d"] = (">", 1000)  # byte order, and ticks in a microsecond
PCAPNG = b"\x0a\x0d\x0d\x0a"
PACKET_LIMIT = 1 << 18  # octets; libpcap's own limit
BLOCK_LIMIT = 1 << 24
INTERFACES_LIMIT = 4096
SECTION, INTERFACE, SIMPLE, ENHANCED = 0x0A0D0D0A, 1, 3, 6  # types of blocks


class Packet(NamedTuple):
    """One captured packet. ``link`` is a link type of libpcap; ``time_us`` is 0 where the capture says no time."""

    time_us: int
    link: int
    data: bytes
    offset: int  # of the packet's record in the file


def is_capture(begin: bytes) -> bool:
    """Whether a file that begins with these octets is a capture."""
    return begin[:4] in PCAP or begin[:4] == PCAPNG


class Capture:
    """Packets of one capture, in the order of the file. ``damage`` is where it stopped making sense, else None.

    No octets, however broken, raise an exception.
    """

    def __init__(self, pieces: Iterable[bytes | memoryview]) -> None:
        self.damage: Damage | None = None
        self._pieces = iter(pieces)
        self._held = b""
        self._at = 0  # offset of what is held

    def __iter__(self) -> Iterator[Packet]:
        begin = self._peek(4)
        if begin in PCAP:
            yield from self._pcap(*PCAP[begin])
        elif begin == PCAPNG:
            yield from self._pcapng()
        else:
            self._broken("a capture's magic number", begin.hex(" ") or "nothing")

    def _pcap(self, order: str, ticks: int) -> Iterator[Packet]:
        head = self._peek(24)
        if len(head) < 24:
            self._broken("a pcap header of 24 octets", f"the end after {len(head)}")
            return
        link = struct.unpack_from(order + "I", head, 20)[0] & 0xFFFF
        self._drop(24)
        record = struct.Struct(order + "IIII")
        while head := self._peek(16):
            if len(head) < 16:
                self._broken("a packet header of 16 octets", f"the end after {len(head)}")
                return
            seconds, rest, kept, _ = record.unpack(head)
            if kept > PACKET_LIMIT:
                self._broken("a packet header", head.hex(" "))
                return
            whole = self._peek(16 + kept)
            if len(whole) < 16 + kept:
                self._broken(f"a packet of {kept} octets", f"the end after {len(whole) - 16}")
                return
            yield Packet(seconds * 1_000_000 + rest // ticks, link, whole[16:], self._at)
            self._drop(16 + kept)

    def _pcapng(self) -> Iterator[Packet]:
        order, interfaces = "<", list[tuple[int, int]]()
        while head := self._peek(12):
            if len(head) < 12:
                self._broken("a pcapng block", f"the end after {len(head)} octets of it")
                return
            if head[:4] == PCAPNG:
                order = ">" if head[8:12] == b"\x1a\x2b\x3c\x4d" else "<"
                interfaces = []
            kind, length = struct.unpack_from(order + "II", head)
            if length < 12 or length % 4 or length > BLOCK_LIMIT:
                self._broken("a pcapng block", head[:8].hex(" "))
                return
            block = self._peek(length)
            if len(block) < length:
                self._broken(f"a pcapng block of {length} octets", f"the end after {len(block)}")
                return
            if kind == INTERFACE and length >= 20 and len(interfaces) < INTERFACES_LIMIT:
                link = struct.unpack_from(order + "H", block, 8)[0]
                interfaces.append((link, _ticks(block[16:-4], order)))
            elif kind in (ENHANCED, SIMPLE):
                packet = _packet(block, kind, order, interfaces, self._at)
                if packet is None:
                    self._broken("a pcapng packet block", block[:32].hex(" "))
                    return
                yield packet
            self._drop(length)

    def _peek(self, size: int) -> bytes:
        """The next octets, fewer only at the end."""
        if len(self._held) < size:
            parts, have = [self._held], len(self._held)
            try:
                while have < size:
                    piece = bytes(next(self._pieces))
                    parts.append(piece)
                    have += len(piece)
            except StopIteration:
                pass
            except TransportDamage as damage:
                self.damage = self.damage or Damage(damage.offset, damage.expected, damage.found)
            self._held = b"".join(parts)
        return self._held[:size]

    def _drop(self, size: int) -> None:
        self._held = self._held[size:]
        self._at += size

    def _broken(self, expected: str, found: str) -> None:
        self.damage = self.damage or Damage(self._at, expected, found)


def _ticks(options: bytes, order: str) -> int:
    """Ticks of an interface's clock in a second (option if_tsresol; a million where it is not there)."""
    at = 0
    while at + 4 <= len(options):
        code, length = struct.unpack_from(order + "HH", options, at)
        if code == 9 and length == 1 and at + 5 <= len(options):
            power = options[at + 4]
            ticks = 1 << (power & 127) if power & 128 else 10 ** (power & 127)
            return int(ticks) if 1 <= ticks <= 1 << 63 else 1_000_000
        if code == 0:
            break
        at += 4 + (length + 3) // 4 * 4
    return 1_000_000


def _packet(block: bytes, kind: int, order: str, interfaces: list[tuple[int, int]], offset: int) -> Packet | None:
    if not interfaces:
        return None
    if kind == SIMPLE:
        (size,) = struct.unpack_from(order + "I", block, 8)
        return Packet(0, interfaces[0][0], block[12 : min(12 + size, len(block) - 4)], offset)
    if len(block) < 32:
        return None
    interface, high, low, kept = struct.unpack_from(order + "IIII", block, 8)
    if interface >= len(interfaces) or kept > len(block) - 32:
        return None
    link, ticks = interfaces[interface]
    return Packet(((high << 32) | low) * 1_000_000 // ticks, link, block[28 : 28 + kept], offset)
