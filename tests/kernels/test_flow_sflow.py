"""The sFlow kernel and the packet heads against their slow twins, and against tshark."""

import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.kernels.flow_frames import Frames, find_packets
from duskwatch.kernels.flow_layout import COLUMNS
from duskwatch.sources.files.pieces import open_pieces
from duskwatch.sources.flows.blocks import to_block
from duskwatch.sources.flows.captures import CaptureReader
from duskwatch.sources.flows.collector import Collector
from tests.kernels import reference_sflow as slow
from tests.kernels.reference_packets import packet
from tests.sources.flows.exports import Flow, decode, flow_sample, raw_header, rows, sflow, tcp_packet

RECEIVED = 1_700_000_000_000_000
ETHERNET = bytes(12) + b"\x08\x00"
SIX = b"\x60\x0f\xf0\x00\x00\x40" + bytes([0, 64]) + bytes(range(32)) + bytes([6, 1]) + bytes(14)
PACKETS = (
    tcp_packet(0x01020304, 0x05060708),
    tcp_packet(0xC0000201, 0xC6336401, total=0),
    SIX + tcp_packet(1, 2)[20:],
    SIX[:6] + bytes([44, 64]) + SIX[8:40] + b"\x11\x00\x00\x01\x00\x00\x00\x01" + b"\x00\x35\x10\x00" + bytes(20),
    b"\x45\x00\x05\xdc\x00\x01\x20\x00\x40\x11\x00\x00" + bytes(range(8)) + b"\x00\x7b\x1f\x40" + bytes(30),
    b"\x45\x00\x05\xdc\x00\x01\x00\xb9\x40\x11\x00\x00" + bytes(range(8)) + bytes(30),
    b"\x45\x00\x00\x54\x00\x01\x00\x00\x40\x01\x00\x00" + bytes(range(8)) + b"\x03\x01" + bytes(30),
)
PREFIXES = (
    ETHERNET,
    bytes(12) + b"\x81\x00\x00\x05\x08\x00",
    bytes(12) + b"\x88\xa8\x00\x05\x81\x00\x00\x06\x86\xdd",
    bytes(12) + b"\x88\x47\x00\x01\x00\x40\x00\x02\x01\x40",
    bytes(12) + b"\x88\x47\x00\x02\x01\x40\x00\x00\x00\x00" + ETHERNET,
    bytes(12) + b"\x88\x64\x11\x00\x00\x01\x00\x40\x00\x21",
)


def fields4(source: int, target: int, protocol: int = 6) -> bytes:
    body = struct.pack("!IIIIIIII", 1500, protocol, source, target, 1, 80, 0x18, 4)
    return struct.pack("!II", 3, len(body)) + body


def gateway(path: list[int]) -> bytes:
    body = struct.pack("!IIIIII", 1, 1, 64500, 64501, 64502, 1) + struct.pack(f"!II{len(path)}I", 2, len(path), *path)
    body += struct.pack("!II", 0, 100)
    return struct.pack("!II", 1003, len(body)) + body


def expanded(records: list[bytes]) -> bytes:
    body = struct.pack("!IIIIIIIIIII", 7, 0, 9, 256, 0, 0, 0, 3, 1, 4, len(records)) + b"".join(records)
    return struct.pack("!II", 3, len(body)) + body


def both(data: bytes) -> tuple[list[Flow], list[Flow], Collector, tuple[int, int]]:
    fast = Collector()
    ours = [{k: v for k, v in flow.items() if k != "exporter"} for flow in decode(fast, [data])]
    theirs, others, refused = slow.decode(data, RECEIVED)
    return ours, theirs, fast, (others, refused)


@st.composite
def datagrams(draw: st.DrawFn) -> bytes:
    samples = []
    for _ in range(draw(st.integers(0, 4))):
        records = []
        for _ in range(draw(st.integers(0, 3))):
            frame = draw(st.sampled_from(PREFIXES)) + draw(st.sampled_from(PACKETS))
            records.append(
                draw(
                    st.sampled_from(
                        (
                            raw_header(frame, 1518),
                            raw_header(frame[: draw(st.integers(0, len(frame)))], 64),
                            fields4(1, 2),
                            gateway([1, 2, 3]),
                            gateway([]),
                            struct.pack("!II", 2001, 4) + bytes(4),
                        )
                    )
                )
            )
        make = draw(st.sampled_from((flow_sample, expanded)))
        samples.append(make(records))
        if draw(st.booleans()):
            samples.append(struct.pack("!II", 2, 8) + bytes(8))
    data = bytearray(sflow(samples))
    for _ in range(draw(st.integers(0, 3)) if draw(st.booleans()) else 0):
        data[draw(st.integers(4, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(4, len(data)))] if draw(st.booleans()) else data)


@given(datagrams())
@settings(max_examples=200, deadline=None)
def test_samples_give_what_the_twin_reads(data):
    ours, theirs, fast, (others, refused) = both(data)
    assert ours == theirs
    assert sum(fast.refused.values()) == refused
    assert sum(counts.other_records for counts in fast.counts()) == others


@given(st.sampled_from(PREFIXES), st.sampled_from(PACKETS), st.data())
@settings(max_examples=300, deadline=None)
def test_packet_heads_are_what_the_twin_reads(prefix, body, data):
    octets = bytearray(prefix + body)
    for _ in range(data.draw(st.integers(0, 3))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    frame = bytes(octets[: data.draw(st.integers(0, len(octets)))] if data.draw(st.booleans()) else octets)
    link = data.draw(st.sampled_from((1, 101, 0, 9, 113, 276)))
    one = np.array([0], np.int64)
    frames = Frames(
        np.frombuffer(frame + b"\xff" * 64, np.uint8), one, one + len(frame), one + 1500, one + 7, one + link
    )
    out, passed = np.zeros((COLUMNS, 1), np.uint64), np.zeros(6, np.int64)
    count, _ = find_packets(frames, 0, 1, False, out, passed)
    expected = packet(frame, link, 1500)
    if expected is None:
        assert count == 0
        assert passed[0] == 1
    else:
        found = rows(to_block(out, 1))[0]
        assert {name: found[name] for name in expected} == expected


SEEN = ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport")


@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
def test_sampled_headers_are_what_tshark_reads(shared_data: Path):
    folder = shared_data / "flows" / "akvorado-testdata" / "flow" / "decoder" / "sflow" / "testdata"
    compared = 0
    for path in sorted(folder.glob("*.pcap")):
        command = ["tshark", "-r", str(path), "-d", "udp.port==6343,sflow", "-T", "fields", "-E", "occurrence=a"]
        ran = subprocess.run(
            [*command, *(word for name in (*SEEN, "sflow.flow_sample.sampling_rate") for word in ("-e", name))],
            capture_output=True, check=True, timeout=60, text=True,
        )  # fmt: skip
        *lists, rates = ([one for one in words.split(",") if one] for words in ran.stdout.rstrip("\n").split("\t"))
        said = dict(zip(SEEN, lists, strict=True))
        for flow in _flows(path):
            if path.name == "data-sflow-ipv4-data.pcap":  # addresses in a structure of their own, not in a header
                continue
            family = "ip" if flow["afi"] == 1 else "ipv6"
            transport = {6: "tcp", 17: "udp"}.get(int(flow["protocol"]), "")
            for side in ("src", "dst"):
                assert flow[side] in said[f"{family}.{side}"], path.name
                if transport:
                    assert str(flow[f"{side}_port"]) in said[f"{transport}.{side}port"], path.name
            assert str(flow["sampling_rate"]) in rates, path.name
            compared += 1
    assert compared == 15


def _flows(path: Path) -> list[Flow]:
    collector = Collector()
    return [
        flow
        for batch in CaptureReader(open_pieces(path)).datagrams()
        for block in collector.decode(batch)
        for flow in rows(block)
    ]
