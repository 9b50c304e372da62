"""Datagrams of exporters, and captures of them, written for tests."""

import struct
from pathlib import Path

import numpy as np

from duskwatch.kernels.flow_datagrams import Datagrams
from duskwatch.records.flows import FlowBlock
from duskwatch.records.prefix import address_text
from duskwatch.sources.flows.collector import Collector

RAW_IP = 101
Flow = dict[str, int | str]

# What a test says of a flow: (name, element of IPFIX, octets); "src" and "dst" are addresses of four octets.
PLAIN = (
    ("src", 8, 4), ("dst", 12, 4), ("src_port", 7, 2), ("dst_port", 11, 2), ("protocol", 4, 1), ("tcp_flags", 6, 1),
    ("bytes", 1, 4), ("packets", 2, 4), ("start_ms", 22, 4), ("end_ms", 21, 4),
)  # fmt: skip


def batch(
    datagrams: list[bytes], *, sender: int = 0xC0000201, port: int = 40000, received_us: int = 1_700_000_000_000_000
) -> Datagrams:
    """Datagrams of one sender, a millisecond apart."""
    lengths = np.array([len(one) for one in datagrams], np.int64)
    count = len(datagrams)
    data = np.frombuffer(b"".join(datagrams) or b"\0", np.uint8)
    return Datagrams(
        data, np.cumsum(lengths) - lengths, lengths, lengths,
        received_us + 1000 * np.arange(count) if received_us else np.zeros(count, np.int64),
        np.full(count, 1, np.uint8), np.full(count, sender << 32, np.uint64), np.zeros(count, np.uint64),
        np.full(count, port, np.uint16),
    )  # fmt: skip


def decode(collector: Collector, datagrams: list[bytes], **about: int) -> list[Flow]:
    """The flows of datagrams, as dictionaries."""
    return [flow for block in collector.decode(batch(datagrams, **about), "test") for flow in rows(block)]


def rows(block: FlowBlock) -> list[Flow]:
    """A block's rows as dictionaries; addresses as text."""
    found = []
    for k in range(block.rows):
        flow: Flow = {name: int(getattr(block, name)[k]) for name in block._fields}
        for side in ("src", "dst"):
            hi, lo = int(flow.pop(f"{side}_hi")), int(flow.pop(f"{side}_lo"))
            flow[side] = address_text(int(flow["afi"]), hi, lo)
        found.append(flow)
    return found


def set_of(number: int, body: bytes) -> bytes:
    """A set, or flowset, padded to four octets."""
    padded = body + bytes(-len(body) % 4)
    return struct.pack("!HH", number, 4 + len(padded)) + padded


def template(number: int, fields: list[tuple[int, ...]]) -> bytes:
    """A template record; a field is (element, octets) or (element, octets, enterprise)."""
    return struct.pack("!HH", number, len(fields)) + b"".join(_field(field) for field in fields)


def options_template(number: int, scopes: list[tuple[int, ...]], fields: list[tuple[int, ...]], version: int) -> bytes:
    """An options template record of NetFlow 9 or IPFIX."""
    head = (
        struct.pack("!HHH", number, 4 * len(scopes), 4 * len(fields))
        if version == 9
        else struct.pack("!HHH", number, len(scopes) + len(fields), len(scopes))
    )
    return head + b"".join(_field(field) for field in [*scopes, *fields])


def _field(field: tuple[int, ...]) -> bytes:
    if len(field) == 3:
        return struct.pack("!HHI", field[0] | 0x8000, field[1], field[2])
    return struct.pack("!HH", *field)


def netflow9(
    sets: list[bytes], count: int, *, sequence: int = 0, domain: int = 7, uptime: int = 10_000_000,
    seconds: int = 1_700_000_000,
) -> bytes:  # fmt: skip
    """A NetFlow 9 datagram."""
    return struct.pack("!HHIIII", 9, count, uptime, seconds, sequence, domain) + b"".join(sets)


def ipfix(sets: list[bytes], *, sequence: int = 0, domain: int = 7, seconds: int = 1_700_000_000) -> bytes:
    """An IPFIX message."""
    body = b"".join(sets)
    return struct.pack("!HHIII", 10, 16 + len(body), seconds, sequence, domain) + body


def netflow5(records: list[bytes], *, sequence: int = 0, sampling: int = 0, count: int | None = None) -> bytes:
    """A NetFlow 5 datagram."""
    said = len(records) if count is None else count
    head = struct.pack("!HHIIIIBBH", 5, said, 10_000_000, 1_700_000_000, 0, sequence, 1, 2, sampling)
    return head + b"".join(records)


def record5(**flow: int) -> bytes:
    """A record of NetFlow 5."""
    known = dict.fromkeys(("src", "dst", "packets", "bytes", "src_port", "dst_port", "protocol", "tcp_flags"), 1) | {
        "start_ms": 9_000_000, "end_ms": 9_500_000, "input_if": 3, "output_if": 4, "tos": 0, "src_as": 64500,
        "dst_as": 64501,
    } | flow  # fmt: skip
    return struct.pack(
        "!IIIHHIIIIHHBBBBHHBBH", known["src"], known["dst"], 0, known["input_if"], known["output_if"],
        known["packets"], known["bytes"], known["start_ms"], known["end_ms"], known["src_port"], known["dst_port"], 0,
        known["tcp_flags"], known["protocol"], known["tos"], known["src_as"], known["dst_as"], 24, 16, 0,
    )  # fmt: skip


def plain_record(**flow: int) -> bytes:
    """A record of the PLAIN template."""
    known = {"start_ms": 9_000_000, "end_ms": 9_500_000} | flow
    return b"".join(known.get(name, 1).to_bytes(octets, "big") for name, _, octets in PLAIN)


def plain_template(number: int = 256) -> bytes:
    """The PLAIN template."""
    return template(number, [(element, octets) for _, element, octets in PLAIN])


def sflow(samples: list[bytes], *, sequence: int = 1, agent: int = 0x0A000001, uptime: int = 1000) -> bytes:
    """An sFlow version 5 datagram of an IPv4 agent."""
    return struct.pack("!IIIIIII", 5, 1, agent, 0, sequence, uptime, len(samples)) + b"".join(samples)


def flow_sample(records: list[bytes], *, sequence: int = 1, source: int = 9, rate: int = 512) -> bytes:
    """A flow sample."""
    body = struct.pack("!IIIIIIII", sequence, source, rate, 0, 0, 3, 4, len(records)) + b"".join(records)
    return struct.pack("!II", 1, len(body)) + body


def raw_header(frame: bytes, wire: int) -> bytes:
    """A sampled Ethernet header."""
    body = struct.pack("!IIII", 1, wire, 4, len(frame)) + frame + bytes(-len(frame) % 4)
    return struct.pack("!II", 1, len(body)) + body


def tcp_packet(src: int, dst: int, *, ports: tuple[int, int] = (1234, 80), flags: int = 2, total: int = 40) -> bytes:
    """An IPv4 packet that begins a TCP segment."""
    head = struct.pack("!BBHHHBBHII", 0x45, 0, total, 1, 0, 64, 6, 0, src, dst)
    return head + struct.pack("!HHIIHHHH", *ports, 1, 0, 0x5000 | flags, 100, 0, 0)


def udp_packet(src: int, dst: int, ports: tuple[int, int], payload: bytes) -> bytes:
    """An IPv4 packet of one UDP datagram."""
    body = struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload
    return struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(body), 1, 0, 64, 17, 0, src, dst) + body


def write_pcap(path: Path, packets: list[tuple[int, bytes]], link: int = RAW_IP, snaplen: int = 1 << 18) -> Path:
    """A pcap file of (microseconds, frame)."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snaplen, link)]
    for time_us, frame in packets:
        kept = frame[:snaplen]
        out += [struct.pack("<IIII", time_us // 1_000_000, time_us % 1_000_000, len(kept), len(frame)), kept]
    path.write_bytes(b"".join(out))
    return path
