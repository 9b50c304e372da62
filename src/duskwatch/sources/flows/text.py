"""Lines of text into blocks of flows: JSON of goflow2 and pmacct, CSV of nfdump."""

from collections.abc import Generator, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from duskwatch.kernels import flow_layout as to
from duskwatch.kernels import text_lines, text_rows
from duskwatch.records.elems import Damage
from duskwatch.records.flows import Export, Exporter, FlowBlock, RateSource
from duskwatch.sources.files.pieces import TransportDamage
from duskwatch.sources.flows.blocks import BLOCK_ROWS, new_rows, to_block

LONGEST_LINE = 1 << 20
EXPORTERS = 16_384
BAD_KEPT = 100
U8, U16, U32, U64 = ((1 << bits) - 1 for bits in (8, 16, 32, 64))
# Columns of rows that are free here: who sent it (upper half, lower half, afi).
SENDER = to.REV_BYTES
PROTOCOLS = {
    "HOPOPT": 0, "ICMP": 1, "IGMP": 2, "GGP": 3, "IPV4": 4, "IPIP": 4, "IPENCAP": 4, "TCP": 6, "EGP": 8, "IGP": 9,
    "UDP": 17, "DCCP": 33, "IPV6": 41, "IPV6-ROUTE": 43, "IPV6-FRAG": 44, "RSVP": 46, "GRE": 47, "ESP": 50, "AH": 51,
    "IPV6-ICMP": 58, "ICMP6": 58, "ICMPV6": 58, "IPV6-NONXT": 59, "IPV6-OPTS": 60, "EIGRP": 88, "OSPF": 89,
    "OSPFIGP": 89, "ETHERIP": 97, "PIM": 103, "IPCOMP": 108, "VRRP": 112, "L2TP": 115, "SCTP": 132, "UDPLITE": 136,
    "IP": 0,
}  # fmt: skip
FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "NS")


class Key(NamedTuple):
    """A name that a value has, how it is read, the column it goes to and the largest that fits."""

    name: str
    how: int
    column: int
    most: int = U64


def _keys(names: str, how: int, column: int, most: int = U64) -> tuple[Key, ...]:
    return tuple(Key(name, how, column, most) for name in names.split())


VALUES = text_rows
# goflow2, the goflow before it, and pmacct, in this order.
JSON_KEYS = (
    *_keys("src_addr SrcAddr ip_src", VALUES.ADDRESS, to.SRC_HI),
    *_keys("dst_addr DstAddr ip_dst", VALUES.ADDRESS, to.DST_HI),
    *_keys("src_port SrcPort port_src", VALUES.NUMBER, to.SRC_PORT, U16),
    *_keys("dst_port DstPort port_dst", VALUES.NUMBER, to.DST_PORT, U16),
    *_keys("proto Proto ip_proto", VALUES.NAMED, to.PROTOCOL),
    *_keys("tcp_flags TCPFlags TcpFlags", VALUES.TCP, to.TCP_FLAGS),
    *_keys("ip_tos IPTos IpTos tos", VALUES.NUMBER, to.TOS, U8),
    *_keys("icmp_type IcmpType", VALUES.TYPE, to.ICMP),
    *_keys("icmp_code IcmpCode", VALUES.CODE, to.ICMP),
    *_keys("fragment_offset FragmentOffset", VALUES.OFFSET, to.FRAGMENT),
    *_keys("bytes Bytes", VALUES.NUMBER, to.BYTES),
    *_keys("packets Packets", VALUES.NUMBER, to.PACKETS),
    *_keys("in_if InIf iface_in", VALUES.NUMBER, to.INPUT, U32),
    *_keys("out_if OutIf iface_out", VALUES.NUMBER, to.OUTPUT, U32),
    *_keys("src_as SrcAS SrcAs as_src", VALUES.NUMBER, to.SRC_AS, U32),
    *_keys("dst_as DstAS DstAs as_dst", VALUES.NUMBER, to.DST_AS, U32),
    *_keys("sampling_rate SamplingRate", VALUES.NUMBER, to.INTERVAL),
    *_keys("sampler_address SamplerAddress peer_ip_src", VALUES.SENDER, SENDER),
    *_keys("time_received_ns", VALUES.NANOSECONDS, to.RECEIVED),
    *_keys("time_received TimeReceived timestamp_arrival", VALUES.TIME, to.RECEIVED),
    *_keys("time_flow_start_ns", VALUES.NANOSECONDS, to.START),
    *_keys("time_flow_start_ms TimeFlowStartMs", VALUES.MILLISECONDS, to.START),
    *_keys("time_flow_start TimeFlowStart timestamp_start stamp_inserted", VALUES.TIME, to.START),
    *_keys("time_flow_end_ns", VALUES.NANOSECONDS, to.END),
    *_keys("time_flow_end_ms TimeFlowEndMs", VALUES.MILLISECONDS, to.END),
    *_keys("time_flow_end TimeFlowEnd timestamp_end stamp_updated", VALUES.TIME, to.END),
)
# nfdump before 1.7.4, and since.
CSV_KEYS = (
    *_keys("ts firstSeen", VALUES.TIME, to.START),
    *_keys("te lastSeen", VALUES.TIME, to.END),
    *_keys("td duration", VALUES.SECONDS, to.DURATION),
    *_keys("tr received", VALUES.TIME, to.RECEIVED),
    *_keys("sa srcAddr", VALUES.ADDRESS, to.SRC_HI),
    *_keys("da dstAddr", VALUES.ADDRESS, to.DST_HI),
    *_keys("sp srcPort", VALUES.PORT, to.SRC_PORT, U16),
    *_keys("dp dstPort", VALUES.PORT, to.DST_PORT, U16),
    *_keys("pr proto", VALUES.NAMED, to.PROTOCOL),
    *_keys("flg flags", VALUES.TCP, to.TCP_FLAGS),
    *_keys("stos tos srcTos", VALUES.NUMBER, to.TOS, U8),
    *_keys("ipkt packets inPackets", VALUES.NUMBER, to.PACKETS),
    *_keys("ibyt bytes inBytes", VALUES.NUMBER, to.BYTES),
    *_keys("in input inIf", VALUES.NUMBER, to.INPUT, U32),
    *_keys("out output outIf", VALUES.NUMBER, to.OUTPUT, U32),
    *_keys("sas srcAS", VALUES.NUMBER, to.SRC_AS, U32),
    *_keys("das dstAS", VALUES.NUMBER, to.DST_AS, U32),
    *_keys("dir direction", VALUES.NUMBER, to.DIRECTION, U8),
    *_keys("ra routerIP", VALUES.SENDER, SENDER),
)
REASONS = {
    0: "not a JSON object",
    3: "a value that cannot be",
    4: "no address: not a flow",
}


class TextReader:
    """Blocks of flows from lines. Iterate once.

    exporters      who exported, as the lines tell; a block's ``exporter`` is a row here, 0 where they do not tell
    flows          rows given
    bad_lines      lines that are left out: no JSON object, fewer fields than names, a value that cannot be
    bad            (line, reason) of the first BAD_KEPT of them
    other_records  lines without an address: what such programs write about themselves
    damage         where the file could not be unpacked, or a line was too long; None where it is whole
    """

    def __init__(self, pieces: Iterable[bytes | memoryview], export: Export) -> None:
        self.exporters = [Exporter(export, 0, 0, 0, 0)]
        self.flows = self.bad_lines = self.other_records = 0
        self.bad: list[tuple[int, str]] = []
        self.damage: Damage | None = None
        self._export = export
        self._pieces = pieces
        self._rows: dict[tuple[int, int, int], int] = {}
        self._line = 0
        self._fields = 0
        self._ended = False
        self._set_keys(JSON_KEYS if export == Export.JSON else CSV_KEYS)

    def __iter__(self) -> Iterator[FlowBlock]:
        out, held = new_rows(), b""
        places = np.zeros((len(self._keys), BLOCK_ROWS, 3), np.int64)
        good = np.zeros(BLOCK_ROWS, np.uint8)
        for piece in self._undamaged():
            data = held + bytes(piece)
            at = 0
            if self._export == Export.CSV and not self._fields:
                at = self._header(data)
                if at < 0:
                    held = data
                    continue
            array = np.frombuffer(data, np.uint8)
            ended = text_lines.NO_ROOM
            while ended == text_lines.NO_ROOM and not self._ended:
                ended, at, lines = self._find(array, at, places, good)
                yield from self._flows(array, places, good, lines, out)
            if self._ended:
                return
            held = data[at:]
            if len(held) > LONGEST_LINE:
                self.damage = Damage(0, f"lines of up to {LONGEST_LINE} bytes", f"a longer one, line {self._line + 1}")
                return

    def _find(
        self, data: npt.NDArray[np.uint8], at: int, places: npt.NDArray[np.int64], good: npt.NDArray[np.uint8]
    ) -> tuple[int, int, int]:
        found: tuple[int, int, int]
        if self._export == Export.JSON:
            found = text_lines.json_lines(
                data, at, self._names, self._sizes, self._heads, self._following, places, good
            )
        else:
            found = text_lines.separated_lines(data, at, ord(","), self._fields, self._where, places, good)
        return found

    def _flows(
        self,
        data: npt.NDArray[np.uint8],
        places: npt.NDArray[np.int64],
        good: npt.NDArray[np.uint8],
        lines: int,
        out: npt.NDArray[np.uint64],
    ) -> Iterator[FlowBlock]:
        if self._export == Export.CSV:  # behind the flows nfdump writes a summary
            for k in np.flatnonzero(good[:lines] == 0).tolist():
                begin = int(places[0, k, 0])
                if places[0, k, 2] and data[begin : begin + 7].tobytes() == b"Summary":
                    lines, self._ended = k, True
                    break
        rows = text_rows.read_values(
            data, places, good, lines, self._reads, self._columns, self._most, FLAG_NAMES, *PROTOCOL_NAMES, out, 0
        )
        self._note(good[:lines])
        self._line += lines
        if not rows:
            return
        self._whose(out, rows)
        rate = out[to.INTERVAL, :rows]
        out[to.RATE, :rows] = np.maximum(rate, 1)
        out[to.RATE_SOURCE, :rows] = np.where(rate > 0, RateSource.DECLARED, RateSource.ASSUMED)
        received, end = out[to.RECEIVED, :rows], out[to.END, :rows]
        out[to.TIME_SOURCE, :rows] = end > 0
        out[to.START, :rows] = np.where(end > 0, out[to.START, :rows], received)
        out[to.END, :rows] = np.where(end > 0, end, received)
        if self._export == Export.JSON or not self._has_direction:
            out[to.DIRECTION, :rows] = to.UNKNOWN_DIRECTION
        self.flows += rows
        yield to_block(out, rows)

    def _whose(self, out: npt.NDArray[np.uint64], rows: int) -> None:
        """Exporters of rows, by the address that the line names."""
        senders, inverse = np.unique(out[SENDER : SENDER + 3, :rows], axis=1, return_inverse=True)
        numbers = np.zeros(senders.shape[1], np.uint64)
        for k, (hi, lo, afi) in enumerate(senders.T.tolist()):
            if not afi:
                continue
            row = self._rows.get((afi, hi, lo))
            if row is None and len(self.exporters) < EXPORTERS:
                row = self._rows[afi, hi, lo] = len(self.exporters)
                self.exporters.append(Exporter(self._export, afi, hi, lo, 0))
            numbers[k] = row or 0
        out[to.EXPORTER, :rows] = numbers[inverse.reshape(-1)]

    def _note(self, good: npt.NDArray[np.uint8]) -> None:
        self.other_records += int((good == 4).sum())
        bad = np.flatnonzero((good == 0) | (good == 3)).tolist()
        self.bad_lines += len(bad)
        for k in bad[: max(BAD_KEPT - len(self.bad), 0)]:
            reason = REASONS[int(good[k])]
            if self._export == Export.CSV and not good[k]:
                reason = f"fewer fields than the {self._fields} of the first line"
            self.bad.append((self._line + k + 1, reason))

    def _header(self, data: bytes) -> int:
        """Read the names of the fields; where the first row begins, -1 where that is not there yet."""
        end = data.find(b"\n")
        if end < 0:
            return -1
        names = [name.strip() for name in data[:end].decode("utf-8", "replace").split(",")]
        number_of = {key.name: k for k, key in enumerate(self._keys)}
        self._fields = len(names)
        self._where = np.array([number_of.get(name, -1) for name in names], np.int64)
        self._has_direction = bool({"dir", "direction"} & set(names))
        self._line = 1
        return end + 1

    def _set_keys(self, keys: tuple[Key, ...]) -> None:
        self._keys = keys
        self._names = np.zeros((len(keys), text_lines.KEY_OCTETS), np.uint8)
        self._sizes = np.array([len(key.name) for key in keys], np.int64)
        self._reads = np.array([key.how for key in keys], np.int64)
        self._columns = np.array([key.column for key in keys], np.int64)
        self._most = np.array([key.most for key in keys], np.uint64)
        self._heads = np.full(text_lines.HASHES, -1, np.int64)
        self._following = np.full(len(keys), -1, np.int64)
        self._where = np.zeros(0, np.int64)
        self._has_direction = False
        for k, key in enumerate(keys):
            name = np.frombuffer(key.name.encode(), np.uint8)
            self._names[k, : len(name)] = name
            slot = int(text_lines.hash_key(name, 0, len(name)))
            self._following[k], self._heads[slot] = self._heads[slot], k

    def _undamaged(self) -> Generator[bytes | memoryview]:
        """The pieces; a last line that does not end in a newline gets one."""
        pieces, last = iter(self._pieces), b""
        try:
            for piece in pieces:
                if len(piece):
                    last = bytes(piece[-1:])
                    yield piece
        except TransportDamage as damage:
            self.damage = Damage(damage.offset, damage.expected, damage.found)
        finally:
            if hasattr(pieces, "close"):
                pieces.close()
        if last and last != b"\n" and self.damage is None:
            yield b"\n"


def _named(names: Iterable[str], octets: int) -> npt.NDArray[np.uint8]:
    table = [np.frombuffer(name.encode().ljust(octets, b"\0"), np.uint8) for name in names]
    return np.stack(table)


FLAG_NAMES = _named(FLAGS, 3)
PROTOCOL_NAMES = _named(PROTOCOLS, 16), np.array(list(PROTOCOLS.values()), np.int64)
