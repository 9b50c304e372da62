"""Packets out of captures, and streams out of packets."""

import itertools
import random
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duskwatch.sources.files.captures import PACKET_LIMIT, Capture, is_capture
from duskwatch.sources.files.pieces import open_pieces
from duskwatch.sources.files.tcp import WAITING_LIMIT, TcpStreams

SYN, ACK, FIN = 2, 16, 1


def pcap(packets: list[tuple[int, int, bytes]], order: str = "<", nanoseconds: bool = False, link: int = 1) -> bytes:
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for seconds, micros, data in packets:
        ticks = micros * 1000 if nanoseconds else micros
        out += struct.pack(order + "IIII", seconds, ticks, len(data), len(data)) + data
    return out


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length


def pcapng(packets: list[tuple[int, int, bytes]], order: str = "<", power: int | None = None) -> bytes:
    option = b"" if power is None else struct.pack(order + "HHB3x", 9, 1, power)
    ticks = 10**6 if power is None else 1 << (power & 127) if power & 128 else 10**power
    out = block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    out += block(order, 1, struct.pack(order + "HHI", 1, 0, 65535) + option)
    out += block(order, 5, bytes(12))  # interface statistics, which are passed over
    for seconds, micros, data in packets:
        stamp = seconds * ticks + micros * ticks // 10**6
        head = struct.pack(order + "IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, len(data), len(data))
        out += block(order, 6, head + data)
    return out


PACKETS = [(1000, 5, b"a" * 30), (1001, 250000, b"bc"), (4_000_000_000, 0, b"")]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [False, True])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_packets_of_pcap(order, nanoseconds, size):
    data = pcap(PACKETS, order, nanoseconds)
    assert is_capture(data)
    capture = Capture(data[at : at + size] for at in range(0, len(data), size))
    assert [(each.time_us, each.data) for each in capture] == [(s * 10**6 + u, d) for s, u, d in PACKETS]
    assert capture.damage is None


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("power", [None, 6, 9, 0x80 | 20])
def test_packets_of_pcapng(order, power):
    data = pcapng([(1000, 500000, b"a" * 30), (1001, 250000, b"bc")], order, power)
    assert is_capture(data)
    capture = Capture([data])
    assert [(each.time_us, each.link, each.data) for each in capture] == [
        (1_000_500_000, 1, b"a" * 30), (1_001_250_000, 1, b"bc"),
    ]  # fmt: skip
    assert capture.damage is None


def test_simple_packets_of_pcapng_have_no_time():
    data = pcapng([]) + block("<", 3, struct.pack("<I", 3) + b"abc")
    assert [(each.time_us, each.data) for each in Capture([data])] == [(0, b"abc")]


@pytest.mark.parametrize("make", [pcap, pcapng])
def test_where_a_capture_is_cut_off_is_named_and_what_stands_before_is_given(make):
    data = make(PACKETS[:2])
    for end in range(len(data)):
        capture = Capture([data[:end]])
        given = [each.data for each in capture]
        assert given == [b"a" * 30, b"bc"][: len(given)]
        whole = end in (24, 24 + 16 + 30) if make is pcap else end in (28, 48, 72, 72 + 64)
        assert (capture.damage is None) == whole, end


def test_a_packet_longer_than_any_ends_the_reading():
    data = pcap(PACKETS[:1]) + struct.pack("<IIII", 1, 1, PACKET_LIMIT + 1, 5)
    capture = Capture([data])
    assert len(list(capture)) == 1
    assert "a packet header" in str(capture.damage)


@given(st.binary(max_size=400), st.sampled_from([b"", pcap([]), pcapng([]), pcap([], ">"), pcapng([], ">")]))
def test_any_bytes_are_read_without_an_exception(tail, head):
    capture = Capture([head + tail])
    for _ in TcpStreams().pieces(capture):
        pass
    assert capture.damage is not None or not tail or head


def segment(number: int, data: bytes, flags: int = ACK, port: int = 33000, link: int = 1, vlan: bool = False) -> bytes:
    tcp = struct.pack("!HHIIBBHHH", port, 1790, number & 0xFFFFFFFF, 0, 5 << 4, flags, 1000, 0, 0) + data
    if link == 101:
        head = struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64) + bytes(15) + b"\1" + bytes(15) + b"\2"
        return head + tcp
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + bytes([192, 0, 2, 1, 192, 0, 2, 2])
    tag = b"\x81\x00\x00\x05" if vlan else b""
    return bytes(12) + tag + b"\x08\x00" + head + tcp


def streams(segments: list[bytes], link: int = 1):
    data = pcap([(k, 0, each) for k, each in enumerate(segments)], link=link)
    reader, out, missing = TcpStreams(), {}, 0
    for piece in reader.pieces(Capture([data])):
        out.setdefault(piece.stream, b"")
        out[piece.stream] += piece.data
        missing += piece.missing
    return list(out.values()), missing, reader


TEXT = bytes(range(256)) * 4


@given(st.integers(0, 2**32 - 1), st.randoms(use_true_random=False))
def test_segments_in_any_order_and_twice_give_the_stream(first, chance: random.Random):
    cuts = sorted({0, len(TEXT), *(chance.randrange(len(TEXT)) for _ in range(10))})
    segments = [segment(first + 1 + a, TEXT[a:b]) for a, b in itertools.pairwise(cuts)]
    segments += [segment(first + 1 + a, TEXT[a : a + 50]) for a in (chance.randrange(900) for _ in range(5))]
    chance.shuffle(segments)
    found, missing, _ = streams([segment(first, b"", SYN), *segments])
    assert (found, missing) == ([TEXT], 0)


def test_a_segment_that_is_sent_again_with_more_in_it_counts_with_all_of_it():
    early = [segment(0, b"", SYN), segment(4, b"def"), segment(4, b"defghi"), segment(1, b"abc"), segment(10, b"j")]
    assert streams(early)[:2] == ([b"abcdefghij"], 0)


def test_a_capture_may_begin_in_the_middle_of_a_connection():
    assert streams([segment(5, b"abc"), segment(8, b"def")])[:2] == ([b"abcdef"], 0)


def test_a_syn_may_carry_data_and_be_counted_or_not():
    for following in (8, 9):
        assert streams([segment(5, b"abc", SYN), segment(following, b"def")])[:2] == ([b"abcdef"], 0)


def test_octets_that_were_not_captured_are_counted():
    found, missing, _ = streams([segment(0, b"", SYN), segment(1, b"abc"), segment(14, b"def")])
    assert (found, missing) == ([b"abcdef"], 10)
    far = [segment(1 + 2000 + k * 1000, bytes(1000)) for k in range(WAITING_LIMIT // 1000 + 10)]
    found, missing, _ = streams([segment(0, b"", SYN), *far])
    assert (len(found[0]), missing) == (len(far) * 1000, 2000)


def test_another_connection_between_the_same_ports_is_another_stream():
    found, _, reader = streams(
        [
            segment(0, b"", SYN),
            segment(1, b"one"),
            segment(4, b"", FIN | ACK),
            segment(900, b"", SYN),
            segment(901, b"two"),
            segment(7, b"", SYN),
            segment(8, b"three"),
        ]
    )
    assert found == [b"one", b"two", b"three"]
    assert reader.streams == 3


def test_both_directions_and_ports_are_streams_of_their_own():
    found, *_ = streams([segment(0, b"a"), segment(0, b"b", port=34000), segment(1, b"c")])
    assert found == [b"ac", b"b"]


def test_vlan_tags_and_bare_ip_are_read_and_what_is_no_tcp_is_counted():
    assert streams([segment(0, b"abc", vlan=True)])[0] == [b"abc"]
    assert streams([segment(0, b"abc", link=101)], link=101)[0] == [b"abc"]
    udp = bytearray(segment(0, b"abc"))
    udp[23] = 17
    fragment = bytearray(segment(0, b"abc"))
    fragment[20] = 0x20
    found, _, reader = streams([bytes(udp), bytes(fragment), segment(0, b"abc")[:40], b"\0\1"])
    assert (found, reader.others) == ([], 4)


def test_real_captures_are_read_to_their_end(shared_data: Path):
    for path in sorted((shared_data / "bmp").rglob("*.pcap")):
        capture = Capture(open_pieces(path))
        reader = TcpStreams()
        octets = sum(len(piece.data) for piece in reader.pieces(capture))
        assert (capture.damage, reader.others) == (None, 0), path
        assert octets > 500
