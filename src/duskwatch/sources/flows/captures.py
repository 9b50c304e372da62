"""Captures of packets, pcap and pcapng, as frames."""

import struct
from collections import Counter
from collections.abc import Generator, Iterable, Iterator

import numpy as np
import numpy.typing as npt

from duskwatch.kernels import flow_frames as kernel
from duskwatch.kernels import flow_layout as to
from duskwatch.kernels.flow_datagrams import Datagrams
from duskwatch.kernels.flow_frames import Frames
from duskwatch.records.elems import Damage
from duskwatch.records.flows import Export, Exporter, FlowBlock
from duskwatch.sources.files.pieces import TransportDamage
from duskwatch.sources.flows.blocks import new_rows, to_block
from duskwatch.sources.flows.datagrams import first_of, room_for

FRAMES_AT_ONCE = 1 << 14
INTERFACES = 4096  # of one section
# First octets: byte order, and units of a second's fraction.
PCAP = {
    b"\xa1\xb2\xc3\xd4": (False, 1_000_000),
    b"\xd4\xc3\xb2\xa1": (True, 1_000_000),
    b"\xa1\xb2\x3c\x4d": (False, 1_000_000_000),
    b"\x4d\x3c\xb2\xa1": (True, 1_000_000_000),
}
PCAPNG = b"\x0a\x0d\x0d\x0a"
BYTE_ORDER = 0x1A2B3C4D
PASSED = (
    "frames without an IP packet",
    "IP fragments, which are not put together",
    "TCP segments (IPFIX over TCP is not read)",
    "IP packets that are not UDP",
    "UDP datagrams that do not begin as an export does",
    "UDP datagrams to another port",
)
TIME_RESOLUTION, TIME_OFFSET = 9, 14  # options of an interface


class CaptureReader:
    """Frames from the pieces of one capture. Iterate once.

    frames   how many there were
    damage   where the file stopped making sense; None where it is whole
    passed   frames that carried nothing that was asked for, by reason; filled by datagrams() and packets()
    """

    def __init__(self, pieces: Iterable[bytes | memoryview]) -> None:
        self.frames = 0
        self.damage: Damage | None = None
        self.passed: Counter[str] = Counter()
        self._pieces = pieces
        self._little = True
        self._per_second = 0  # of pcap; 0: it is pcapng
        self._link = 0
        self._links: list[tuple[int, int, int]] = []
        self._at = 0

    def __iter__(self) -> Iterator[Frames]:
        held, offset, begun = b"", 0, False
        room = _room(FRAMES_AT_ONCE)
        for piece in self._undamaged():
            data = held + bytes(piece) if held else bytes(piece)
            begin = 0
            if not begun:
                used = self._begin(data)
                if used < 0:
                    held = data
                    continue
                begun, begin = True, used
                if self.damage is not None:
                    return
            self._at = begin
            for frames in self._frames(np.frombuffer(data, np.uint8), offset, room):
                self.frames += len(frames.start)
                yield frames
            if self.damage is not None:
                return
            held = data[self._at :]
            offset += self._at
        if held and self.damage is None:
            what = "a whole frame" if begun else "the header of a capture"
            self.damage = Damage(offset, what, f"the end of the file after {len(held)} bytes of it")

    def datagrams(self, ports: tuple[int, ...] = ()) -> Iterator[Datagrams]:
        """Datagrams of exporters: those sent to the ports, or, where none is given, all that begin as an export."""
        passed, scratch = np.zeros(len(PASSED), np.int64), np.zeros((to.COLUMNS, 1), np.uint64)
        wanted = np.array(ports, np.uint16)
        for frames in self:
            count = len(frames.start)
            batch = room_for(frames.data, count)
            found = kernel.find_datagrams(frames, count, wanted, batch, passed, scratch)
            self._note(passed)
            if found:
                yield first_of(batch, found)

    def packets(self, *, inner: bool = False) -> Iterator[FlowBlock]:
        """The traffic itself: each IP packet as a flow of one packet, of which nothing was sampled away."""
        passed, out = np.zeros(len(PASSED), np.int64), new_rows()
        for frames in self:
            at, count = 0, len(frames.start)
            while at < count:
                rows, at = kernel.find_packets(frames, at, count, inner, out, passed)
                if rows:
                    yield to_block(out, rows)
            self._note(passed)

    def _note(self, passed: npt.NDArray[np.int64]) -> None:
        for k in np.flatnonzero(passed):
            self.passed[PASSED[k]] += int(passed[k])
        passed[:] = 0

    def _begin(self, data: bytes) -> int:
        """Read what a file begins with; octets of it, -1 where more are needed."""
        magic = data[:4]
        if len(magic) < 4:
            return -1
        if magic == PCAPNG:
            return 0
        if magic not in PCAP:
            self.damage = Damage(0, "a capture, pcap or pcapng", magic.hex(" "))
            return 0
        if len(data) < 24:
            return -1
        self._little, self._per_second = PCAP[magic]
        (link,) = struct.unpack_from("<I" if self._little else ">I", data, 20)
        self._link = link & 0xFFFF
        return 24

    def _frames(self, data: npt.NDArray[np.uint8], offset: int, room: Frames) -> Iterator[Frames]:
        """All whole frames from ``self._at`` on, which then is behind the last."""
        given = room._replace(data=data)
        while True:
            if self._per_second:
                ended, self._at, count = kernel.pcap_frames(
                    data, self._at, self._little, self._per_second, self._link, given
                )
            else:
                columns = np.array(self._links, np.int64).reshape(-1, 3).T.copy()
                ended, self._at, count = kernel.pcapng_frames(data, self._at, self._little, *columns, given)
            if count:
                yield Frames._make([data, *(column[:count] for column in given[1:])])
            if ended == kernel.BLOCK:
                used = self._block(data[self._at :].tobytes(), offset + self._at)
                if used == 0:
                    return
                self._at += used
            elif ended == kernel.BROKEN:
                found = data[self._at : self._at + 16].tobytes().hex(" ")
                self.damage = Damage(offset + self._at, "a frame of a capture", found)
                return
            elif ended == kernel.ALL:
                return

    def _block(self, data: bytes, offset: int) -> int:
        """Read a block about the file; octets of it, 0 where it is not whole or wrong."""
        if data[:4] == PCAPNG:
            if len(data) < 12:
                return 0
            little = struct.unpack_from("<I", data, 8)[0] == BYTE_ORDER
            if not little and struct.unpack_from(">I", data, 8)[0] != BYTE_ORDER:
                self.damage = Damage(offset, "the section header of a pcapng file", data[:12].hex(" "))
                return 0
            self._little, self._links = little, []
        order = "<" if self._little else ">"
        (size,) = struct.unpack_from(order + "I", data, 4)
        if size < 20 or size > kernel.MOST_BLOCK or size & 3 or len(self._links) >= INTERFACES:
            self.damage = Damage(offset, "a block of a pcapng file", data[:12].hex(" "))
            return 0
        if len(data) < size:
            return 0
        if data[:4] != PCAPNG:
            self._links.append(_interface(data[8 : size - 4], order))
        return int(size)

    def _undamaged(self) -> Generator[bytes | memoryview]:
        pieces = iter(self._pieces)
        try:
            yield from pieces
        except TransportDamage as damage:
            self.damage = Damage(damage.offset, damage.expected, damage.found)
        finally:
            if hasattr(pieces, "close"):
                pieces.close()


def _interface(body: bytes, order: str) -> tuple[int, int, int]:
    """Link type, units of a second and seconds to add, of an interface description."""
    (link,) = struct.unpack_from(order + "H", body, 0)
    resolution, offset, at = 1_000_000, 0, 8
    while at + 4 <= len(body):
        code, size = struct.unpack_from(order + "HH", body, at)
        value = body[at + 4 : at + 4 + size]
        if code == TIME_RESOLUTION and size == 1 and value:
            power = value[0] & 0x7F
            resolution = 1 << min(power, 62) if value[0] & 0x80 else 10 ** min(power, 18)
        elif code == TIME_OFFSET and len(value) == 8:
            offset = max(-(1 << 40), min(1 << 40, struct.unpack(order + "q", value)[0]))
        elif code == 0:
            break
        at += 4 + size + (-size & 3)
    return link, resolution, offset


def _room(count: int) -> Frames:
    return Frames._make([np.empty(0, np.uint8), *(np.empty(count, np.int64) for _ in range(5))])


def packet_exporter() -> Exporter:
    """Who exports the packets of a capture of traffic."""
    return Exporter(Export.PACKETS, 0, 0, 0, 0)
