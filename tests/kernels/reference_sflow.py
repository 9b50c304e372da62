"""Samples of sFlow 5, slowly."""

import ipaddress
import struct
from typing import Any

from tests.kernels.reference_packets import packet

Row = dict[str, Any]
LINKS = {1: 1, 7: 9, 11: 101, 12: 101, 13: -1}
INTERFACE = 0x3FFFFFFF


class Reject(Exception):
    """The rest of a datagram makes no sense."""


class Reader:
    """Numbers one after the other; Reject past the end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def number(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def take(self, octets: int) -> bytes:
        if self.at + octets > len(self.data):
            raise Reject
        self.at += octets
        return self.data[self.at - octets : self.at]


def decode(data: bytes, received_us: int) -> tuple[list[Row], int, int]:
    """Rows, samples that gave none, and how often something was refused."""
    rows: list[Row] = []
    reader, others, refused = Reader(data), 0, 0
    try:
        reader.number()
        family = reader.number()
        if family not in (1, 2):
            raise Reject
        reader.take(4 if family == 1 else 16)
        _, _, _, samples = (reader.number() for _ in range(4))
        if samples > len(data) // 8:
            raise Reject
        for _ in range(samples):
            kind = reader.number()
            body = reader.take(reader.number())
            if kind not in (1, 3):
                others += 1
                continue
            if len(body) < (32 if kind == 1 else 44):
                raise Reject
            try:
                row = _sample(Reader(body), kind)
            except Reject:
                row, refused = None, refused + 1
            if row is None:
                others += 1
            else:
                rows.append(_finished(row, received_us))
    except Reject:
        return rows, others, refused + 1
    return rows, others, refused


def _finished(row: Row, received_us: int) -> Row:
    rate = row["sampling_rate"]
    times = dict.fromkeys(("received_us", "start_us", "end_us"), received_us)
    return row | times | {
        "packets": 1, "direction": 255, "time_source": 0, "sampling_rate": max(rate, 1), "rate_source": int(rate > 0),
    }  # fmt: skip


def _sample(reader: Reader, kind: int) -> Row | None:
    row: Row = {"src_as": 0, "dst_as": 0}
    reader.number()
    if kind == 1:
        row["sampler"] = reader.number()
        row["sampling_rate"] = reader.number()
        reader.take(8)
        for name in ("input_if", "output_if"):
            value = reader.number()
            row[name] = value if value < INTERFACE else 0
    else:
        row["sampler"] = reader.number() << 32 | reader.number()
        row["sampling_rate"] = reader.number()
        reader.take(8)
        for name in ("input_if", "output_if"):
            form, value = reader.number(), reader.number()
            row[name] = value if form == 0 else 0
    for _ in range(min(reader.number(), 256)):
        what = reader.number()
        body = reader.take(reader.number())
        if what == 1 and len(body) >= 16:
            protocol, wire, _, size = struct.unpack("!IIII", body[:16])
            frame = body[16 : 16 + size]
            seen = packet(frame, LINKS[protocol], wire) if protocol in LINKS else None
            if seen:
                row |= seen
        elif what in (3, 4) and "src" not in row:
            width = 4 if what == 3 else 16
            if len(body) >= 8 + 2 * width + 16:
                length, protocol = struct.unpack("!II", body[:8])
                source, target = body[8 : 8 + width], body[8 + width : 8 + 2 * width]
                ports = struct.unpack("!IIII", body[8 + 2 * width : 24 + 2 * width])
                row |= {
                    "afi": 1 if what == 3 else 2, "src": str(ipaddress.ip_address(source)), "icmp": 0, "fragment": 0,
                    "dst": str(ipaddress.ip_address(target)), "bytes": length, "protocol": protocol & 255,
                    "src_port": ports[0] & 0xFFFF, "dst_port": ports[1] & 0xFFFF, "tos": ports[3] & 255,
                    "tcp_flags": ports[2] & 0x1FF if protocol & 255 == 6 else 0,
                }  # fmt: skip
        elif what == 1003:
            _gateway(Reader(body), row)
    return row if "src" in row else None


def _gateway(reader: Reader, row: Row) -> None:
    try:
        family = reader.number()
        reader.take({1: 4, 2: 16}.get(family, 0))
        if reader.at + 16 > len(reader.data):
            return
        reader.number()
        row["src_as"] = reader.number()
        reader.number()
        for _ in range(min(reader.number(), 256)):
            reader.number()
            path = reader.take(4 * reader.number())
            if path:
                row["dst_as"] = int.from_bytes(path[-4:], "big")
    except Reject:
        return
