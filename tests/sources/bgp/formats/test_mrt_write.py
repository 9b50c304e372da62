"""The MRT encoder, byte by byte against the RFCs and as a whole against bgpdump."""

import shutil
import struct
import subprocess

import pytest

from duskwatch.records.elems import Kind, PeerTable
from duskwatch.records.prefix import Prefix
from duskwatch.sources.bgp.formats import mrt_write as mrt
from duskwatch.sources.bgp.formats.mrt import MrtReader

T = 1419264900  # 2014-12-22T16:15:00Z
PEER4 = mrt.Peer(65550, "192.0.2.7", "192.0.2.7")
PEER6 = mrt.Peer(64500, "2001:db8::7", "192.0.2.8")
HERE4 = mrt.Peer(64499, "192.0.2.1", "192.0.2.1")
HERE6 = mrt.Peer(64499, "2001:db8::1", "192.0.2.1")
FOUR = Prefix.parse("175.45.176.0/24")
SIX = Prefix.parse("3fff:12:3400::/40")
ROUTE4 = mrt.Route((65550, 64513, 4837, 131279), "192.0.2.7", communities=((64513, 100), (65000, 7)))
ROUTE6 = mrt.Route((64500, 4200000101), "2001:db8::7")


def bgpdump_lines(tmp_path, data):
    if not (program := shutil.which("bgpdump")):
        pytest.skip("bgpdump is not installed")
    file = tmp_path / "updates.20141222.1615"
    file.write_bytes(data)
    done = subprocess.run([program, "-m", str(file)], capture_output=True, text=True, check=True)
    complaints = [line for line in done.stderr.splitlines() if "[info]" not in line]
    assert not complaints
    return done.stdout.splitlines()


def test_the_common_header_is_as_rfc_6396_section_2_says():
    assert mrt.record(T, 16, 4, b"abc") == struct.pack("!IHHI", T, 16, 4, 3) + b"abc"


def test_microseconds_stand_after_the_length_and_count_in_it():
    assert mrt.record(T, 17, 4, b"abc", 250_000) == struct.pack("!IHHII", T, 17, 4, 7, 250_000) + b"abc"


def test_a_prefix_takes_as_many_bytes_as_its_length_needs():
    texts = ["0.0.0.0/0", "10.0.0.0/8", "10.128.0.0/9", "192.0.2.4/31"]
    assert mrt.nlri(map(Prefix.parse, texts)) == bytes.fromhex("00 080a 090a80 1fc0000204")
    assert mrt.nlri([SIX]) == bytes.fromhex("283fff001234")


def test_a_path_longer_than_255_is_written_in_several_segments():
    out = mrt.as_path(tuple(range(1, 301)))
    assert out[:2] == bytes([2, 255])
    assert out[2 + 4 * 255 : 4 + 4 * 255] == bytes([2, 45])
    assert len(out) == 4 + 4 * 300


def test_an_as_set_is_a_segment_of_its_own():
    assert mrt.as_path((1, (2, 3), 4)) == struct.pack("!BBIBBIIBBI", 2, 1, 1, 1, 2, 2, 3, 2, 1, 4)


def test_an_attribute_over_255_bytes_gets_the_extended_length_bit():
    long = mrt.attribute(mrt.TRANSITIVE, mrt.AS_PATH, b"x" * 256)
    assert long[:4] == bytes([0x50, 2, 1, 0])
    assert mrt.attribute(mrt.TRANSITIVE, mrt.AS_PATH, b"x" * 255)[:3] == bytes([0x40, 2, 255])


def test_a_rib_entry_holds_the_short_form_of_mp_reach():
    attrs = mrt.rib_attributes(ROUTE6)
    hop = bytes.fromhex("20010db8000000000000000000000007")
    assert attrs.endswith(bytes([0x80, 14, 17, 16]) + hop)
    assert bytes([0x40, 3]) not in attrs[:10]


def test_an_end_of_rib_marker_is_an_empty_update():
    assert mrt.end_of_rib(1) == b"\xff" * 16 + bytes([0, 23, 2, 0, 0, 0, 0])
    assert mrt.end_of_rib(2) == b"\xff" * 16 + bytes([0, 29, 2, 0, 0, 0, 6, 0x80, 15, 3, 0, 2, 1])


def test_an_open_message_names_as_trans_for_a_large_as_number():
    out = mrt.open_message(65550, "192.0.2.7")
    assert out[18:22] == bytes([1, 4]) + struct.pack("!H", 23456)
    assert struct.pack("!BBI", 65, 4, 65550) in out
    assert len(out) == int.from_bytes(out[16:18], "big")
    assert len(out) == 29 + out[28]


def test_a_message_over_4096_bytes_is_refused():
    many = [Prefix.parse(f"10.{i >> 8}.{i & 255}.0/24") for i in range(1100)]
    with pytest.raises(ValueError, match="fewer prefixes"):
        mrt.announce(ROUTE4, many)


def test_one_update_takes_one_family_only():
    with pytest.raises(ValueError, match="one address family"):
        mrt.withdraw([FOUR, SIX])


def test_a_session_has_one_family():
    with pytest.raises(ValueError, match="different address families"):
        mrt.bgp4mp(T, PEER4, HERE6, mrt.keepalive())


def test_bgpdump_reads_the_announcements_and_withdrawals(tmp_path):
    full = mrt.Route(
        (65550, 64513, (4837, 4808), 131279),
        "192.0.2.7",
        origin=2,
        med=50,
        local_pref=120,
        atomic_aggregate=True,
        aggregator=(131279, "175.45.176.1"),
        communities=((64513, 100),),
    )
    data = b"".join(
        [
            mrt.bgp4mp(T, PEER4, HERE4, mrt.announce(ROUTE4, [FOUR, Prefix.parse("175.45.177.0/24")])),
            mrt.bgp4mp(T + 1, PEER4, HERE4, mrt.announce(full, [FOUR])),
            mrt.bgp4mp(T + 2, PEER4, HERE4, mrt.withdraw([FOUR])),
            mrt.bgp4mp(T + 3, PEER6, HERE6, mrt.announce(ROUTE6, [SIX])),
            mrt.bgp4mp(T + 4, PEER6, HERE6, mrt.withdraw([SIX])),
        ]
    )
    assert bgpdump_lines(tmp_path, data) == [
        (
            f"BGP4MP|{T}|A|192.0.2.7|65550|175.45.176.0/24|65550 64513 4837 131279|IGP|192.0.2.7|0|0|64513:100 65000:7"
            "|NAG||"
        ),
        (
            f"BGP4MP|{T}|A|192.0.2.7|65550|175.45.177.0/24|65550 64513 4837 131279|IGP|192.0.2.7|0|0|64513:100 65000:7"
            "|NAG||"
        ),
        (
            f"BGP4MP|{T + 1}|A|192.0.2.7|65550|175.45.176.0/24|65550 64513 {{4837,4808}} 131279|INCOMPLETE|192.0.2.7"
            "|120|50|64513:100|AG|131279 175.45.176.1|"
        ),
        f"BGP4MP|{T + 2}|W|192.0.2.7|65550|175.45.176.0/24",
        f"BGP4MP|{T + 3}|A|2001:db8::7|64500|3fff:12:3400::/40|64500 4200000101|IGP|2001:db8::7|0|0||NAG||",
        f"BGP4MP|{T + 4}|W|2001:db8::7|64500|3fff:12:3400::/40",
    ]


def test_bgpdump_reads_the_table_dump(tmp_path):
    data = b"".join(
        [
            mrt.peer_index_table(T, "192.0.2.1", [PEER4, PEER6], view="stage"),
            mrt.rib(T, 0, FOUR, [(0, T - 60, mrt.rib_attributes(ROUTE4))]),
            mrt.rib(T, 1, SIX, [(1, T - 90, mrt.rib_attributes(ROUTE6))]),
        ]
    )
    assert bgpdump_lines(tmp_path, data) == [
        (
            f"TABLE_DUMP2|{T}|B|192.0.2.7|65550|175.45.176.0/24|65550 64513 4837 131279|IGP|192.0.2.7|0|0"
            "|64513:100 65000:7|NAG||"
        ),
        f"TABLE_DUMP2|{T}|B|2001:db8::7|64500|3fff:12:3400::/40|64500 4200000101|IGP|2001:db8::7|0|0||NAG||",
    ]


def test_bgpdump_reads_session_changes_and_messages_without_prefixes(tmp_path):
    down = mrt.state_change(T, PEER4, HERE4, mrt.BgpState.ESTABLISHED, mrt.BgpState.IDLE)
    rest = [mrt.open_message(65550, "192.0.2.7"), mrt.keepalive(), mrt.end_of_rib(1)]
    lines = bgpdump_lines(tmp_path, down + b"".join(mrt.bgp4mp(T, PEER4, HERE4, message) for message in rest))
    assert lines[0] == f"BGP4MP|{T}|STATE|192.0.2.7|65550|6|1"
    assert all("|A|" not in line and "|W|" not in line for line in lines)


def test_bgpdump_reads_microseconds(tmp_path):
    data = mrt.bgp4mp(T, PEER4, HERE4, mrt.withdraw([FOUR]), microseconds=123456)
    assert bgpdump_lines(tmp_path, data) == [f"BGP4MP_ET|{T}.123456|W|192.0.2.7|65550|175.45.176.0/24"]


def read_back(data):
    peers = PeerTable()
    reader = MrtReader([data], peers)
    rows = []
    for block in reader:
        assert not block.record_status.any()
        for row in range(len(block.time_us)):
            prefix = None
            if block.afi[row]:
                hi, lo = int(block.prefix_hi[row]), int(block.prefix_lo[row])
                prefix = Prefix(int(block.afi[row]), hi, lo, int(block.prefix_length[row]))
            who = peers.asn[block.peer[row]]
            rows.append((int(block.time_us[row]), Kind(block.kind[row]), who, prefix, int(block.state[row])))
    assert reader.damage is None
    return rows


def test_our_reader_gives_back_what_was_written():
    data = b"".join(
        [
            mrt.bgp4mp(T, PEER4, HERE4, mrt.announce(ROUTE4, [FOUR])),
            mrt.bgp4mp(T, PEER6, HERE6, mrt.announce(ROUTE6, [SIX]), microseconds=5),
            mrt.bgp4mp(T + 1, PEER4, HERE4, mrt.withdraw([FOUR])),
            mrt.bgp4mp(T + 1, PEER6, HERE6, mrt.withdraw([SIX])),
            mrt.bgp4mp(T + 2, PEER4, HERE4, mrt.keepalive()),
            mrt.bgp4mp(T + 2, PEER6, HERE6, mrt.end_of_rib(2)),
            mrt.state_change(T + 3, PEER4, HERE4, mrt.BgpState.ESTABLISHED, mrt.BgpState.IDLE),
        ]
    )
    second = T * 1_000_000
    assert read_back(data) == [
        (second, Kind.ANNOUNCE, 65550, FOUR, 0),
        (second + 5, Kind.ANNOUNCE, 64500, SIX, 0),
        (second + 1_000_000, Kind.WITHDRAW, 65550, FOUR, 0),
        (second + 1_000_000, Kind.WITHDRAW, 64500, SIX, 0),
        (second + 2_000_000, Kind.ALIVE, 65550, None, 0),
        (second + 2_000_000, Kind.ALIVE, 64500, None, 0),
        (second + 3_000_000, Kind.STATE, 65550, None, 6 * 256 + 1),
    ]


def test_our_reader_gives_back_the_table_dump():
    data = mrt.peer_index_table(T, "192.0.2.1", [PEER4, PEER6])
    data += mrt.rib(T, 0, FOUR, [(0, T - 60, mrt.rib_attributes(ROUTE4))])
    data += mrt.rib(T, 1, SIX, [(1, T - 90, mrt.rib_attributes(ROUTE6))])
    rows = [row for row in read_back(data) if row[1] == Kind.RIB]
    assert [row[2:4] for row in rows] == [(65550, FOUR), (64500, SIX)]
