"""Captures: pcap and pcapng of either byte order, cut off, damaged; what they carry."""

import shutil
import struct
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.kernels import flow_layout as to
from duskwatch.sources.files.pieces import open_pieces
from duskwatch.sources.flows.captures import PASSED, CaptureReader
from duskwatch.sources.flows.collector import Collector
from tests.sources.flows.exports import (
    RAW_IP,
    Flow,
    netflow5,
    record5,
    rows,
    tcp_packet,
    udp_packet,
    write_pcap,
)

TIME = 1_700_000_000_123_456
EXPORT = udp_packet(0xC0000201, 0xC6336401, (40000, 2055), netflow5([record5(src=5, dst=6)]))


def flows_of(reader: CaptureReader, ports: tuple[int, ...] = ()) -> list[Flow]:
    collector = Collector()
    blocks = [block for batch in reader.datagrams(ports) for block in collector.decode(batch)]
    return [flow for block in blocks for flow in rows(block)]


def pcap(frames: list[bytes], *, order: str = "<", nano: bool = False, link: int = RAW_IP) -> bytes:
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    fraction = TIME % 1_000_000 * (1000 if nano else 1)
    for frame in frames:
        out += struct.pack(order + "IIII", TIME // 1_000_000, fraction, len(frame), len(frame)) + frame
    return out


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, 12 + len(body)) + body + struct.pack(order + "I", 12 + len(body))


def pcapng(frames: list[bytes], *, order: str = "<", resolution: int | None = None, simple: bool = False) -> bytes:
    out = block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    options = b"" if resolution is None else struct.pack(order + "HHB3x", 9, 1, resolution) + bytes(4)
    out += block(order, 1, struct.pack(order + "HHI", RAW_IP, 0, 0) + options)
    out += block(order, 5, bytes(12))  # interface statistics: passed over
    unit = {None: 10**6, 9: 10**9, 3: 10**3, 0x94: 1 << 20}[resolution]
    stamp = TIME * unit // 10**6
    for frame in frames:
        head = struct.pack(order + "IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), len(frame))
        out += (
            block(order, 3, struct.pack(order + "I", len(frame)) + frame) if simple else block(order, 6, head + frame)
        )
    return out


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_pcap_of_either_order_and_unit_gives_its_datagrams(order, nano):
    (flow,) = flows_of(CaptureReader([pcap([EXPORT], order=order, nano=nano)]))
    assert (flow["src"], flow["dst"], flow["received_us"]) == ("0.0.0.5", "0.0.0.6", TIME)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("resolution", [None, 9, 3, 0x94])
def test_pcapng_of_either_order_and_unit_gives_its_datagrams(order, resolution):
    (flow,) = flows_of(CaptureReader([pcapng([EXPORT], order=order, resolution=resolution)]))
    assert abs(int(flow["received_us"]) - TIME) <= (0 if resolution in (None, 9) else 1000)


def test_pcapng_sections_may_differ_in_their_order():
    data = pcapng([EXPORT], order="<") + pcapng([EXPORT], order=">") + pcapng([EXPORT], simple=True)
    assert len(flows_of(CaptureReader([data]))) == 3


@given(st.integers(1, 400), st.booleans())
@settings(max_examples=60, deadline=None)
def test_pieces_may_end_anywhere(size, newer):
    data = (pcapng if newer else pcap)([EXPORT] * 5)
    reader = CaptureReader([data[at : at + size] for at in range(0, len(data), size)])
    assert len(flows_of(reader)) == 5
    assert reader.damage is None


@pytest.mark.parametrize("newer", [False, True])
def test_of_a_capture_cut_off_everything_before_the_cut_comes_out(newer):
    whole = (pcapng if newer else pcap)([EXPORT] * 3)
    reader = CaptureReader([whole[:-20]])
    assert len(flows_of(reader)) == 2
    assert reader.damage is not None
    assert "the end of the file" in str(reader.damage)


def test_a_frame_longer_than_any_is_damage_with_its_place():
    data = pcap([EXPORT]) + struct.pack("<IIII", 1, 1, 1 << 30, 1 << 30) + bytes(40)
    reader = CaptureReader([data])
    assert len(flows_of(reader)) == 1
    assert reader.damage is not None
    assert reader.damage.offset == len(pcap([EXPORT]))


def test_datagrams_that_the_capture_cut_off_are_refused(tmp_path):
    path = write_pcap(tmp_path / "short.pcap", [(TIME, EXPORT)], snaplen=60)
    collector = Collector()
    for batch in CaptureReader(open_pieces(path)).datagrams():
        assert list(collector.decode(batch)) == []
    assert collector.refused == {to.REASONS[to.CUT]: 1}


def test_what_carries_no_flows_is_counted_by_its_reason():
    fragment = EXPORT[:6] + b"\x20\x00" + EXPORT[8:]
    others = [b"\0" * 30, fragment, tcp_packet(1, 2), udp_packet(1, 2, (1, 2), b"hello"), EXPORT]
    reader = CaptureReader([pcap([*others, b"\x45" + bytes(8) + b"\x32" + bytes(30)])])
    assert len(flows_of(reader)) == 1
    assert reader.passed == dict.fromkeys(PASSED[:5], 1)
    reader = CaptureReader([pcap(others)])
    assert len(flows_of(reader, ports=(9995,))) == 0
    assert reader.passed[PASSED[5]] == 2


def test_ports_choose_datagrams():
    other = udp_packet(1, 2, (1, 9995), netflow5([record5(src=9)]))
    reader = CaptureReader([pcap([EXPORT, other])])
    assert [flow["src"] for flow in flows_of(reader, ports=(9995, 1))] == ["0.0.0.9"]


def test_what_is_no_capture_is_told():
    reader = CaptureReader([b"hello, this is text"])
    assert flows_of(reader) == []
    assert reader.damage is not None
    assert "pcapng" in str(reader.damage)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_any_damage_is_survived(data):
    octets = bytearray(
        data.draw(st.sampled_from((pcap([EXPORT] * 3), pcapng([EXPORT] * 3), pcapng([EXPORT], order=">"))))
    )
    for _ in range(data.draw(st.integers(1, 6))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    assert len(flows_of(CaptureReader([bytes(octets)]))) <= 4


@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
@pytest.mark.parametrize(
    "name",
    ["amp.TCP.reflection.SYNACK.pcap", "amp.TCP.syn.optionallyACK.optionallysamePort.pcapng", "amp.UDP.isakmp.pcap",
     "amp.UDP.snmp.src161.pcapng", "pkt.TCP.synflood.spoofed.pcap"],
)  # fmt: skip
def test_packets_of_attacks_are_those_that_tshark_counts(name: str, shared_data: Path):
    path = shared_data / "flows" / "attacks" / name
    ours: Counter[tuple[str, ...]] = Counter()
    for found in CaptureReader(open_pieces(path)).packets():
        for flow in rows(found):
            if flow["afi"] == 1:
                ours[str(flow["src"]), str(flow["dst"]), str(flow["protocol"]), str(flow["bytes"])] += 1
    fields = [word for name in ("ip.src", "ip.dst", "ip.proto", "ip.len") for word in ("-e", name)]
    ran = subprocess.run(
        ["tshark", "-r", str(path), "-Y", "ip", "-T", "fields", "-E", "occurrence=f", *fields],
        capture_output=True, check=True, timeout=120, text=True,
    )  # fmt: skip
    theirs = Counter(tuple(line.split("\t")) for line in ran.stdout.splitlines())
    assert ours == theirs
