"""Path attributes from bytes, and the texts made of them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duskwatch.sources.bgp.formats.attributes import (
    ABBREVIATED,
    CONFED_SEQUENCE,
    CONFED_SET,
    SEQUENCE,
    SET,
    decode_attributes,
    merge_paths,
    path_length,
    path_text,
)


def attribute(code: int, value: bytes, flags: int = 0x40) -> bytes:
    if len(value) > 255:
        return struct.pack("!BBH", flags | 0x10, code, len(value)) + value
    return struct.pack("!BBB", flags, code, len(value)) + value


def path(*segments: tuple[int, tuple[int, ...]], size: int = 4) -> bytes:
    return b"".join(
        bytes([kind, len(members)]) + b"".join(asn.to_bytes(size, "big") for asn in members)
        for kind, members in segments
    )


def test_every_attribute_is_read():
    raw = b"".join(
        [
            attribute(1, b"\x00"),
            attribute(2, path((SEQUENCE, (65536, 4837)), (SET, (1, 2)))),
            attribute(3, bytes([192, 0, 2, 1])),
            attribute(4, struct.pack("!I", 4294967295)),
            attribute(5, struct.pack("!I", 100)),
            attribute(6, b""),
            attribute(7, struct.pack("!I", 65536) + bytes([192, 0, 2, 9])),
            attribute(8, struct.pack("!II", 0xFFFFFF01, 65536 * 3356 + 123)),
            attribute(9, bytes([192, 0, 2, 3])),
            attribute(10, bytes([192, 0, 2, 4, 192, 0, 2, 5])),
            attribute(14, struct.pack("!HBB", 2, 1, 32) + bytes(15) + b"\x01" + bytes(16) + b"\0"),
            attribute(16, bytes(range(8))),
            attribute(32, struct.pack("!III", 4837, 1, 2)),
        ]
    )
    found = decode_attributes(raw, 4)
    assert found.origin == 0
    assert path_text(found.as_path) == "65536 4837 {1,2}"
    assert found.origins == (1, 2)
    assert (found.next_hop, found.med, found.local_pref) == ("192.0.2.1", 4294967295, 100)
    assert found.atomic_aggregate
    assert found.aggregator == (65536, "192.0.2.9")
    assert found.communities == (0xFFFFFF01, 65536 * 3356 + 123)
    assert found.originator_id == "192.0.2.3"
    assert found.cluster_list == ("192.0.2.4", "192.0.2.5")
    assert found.mp_next_hop == ((2, 1), "::1")
    assert found.extended_communities == (bytes(range(8)),)
    assert found.large_communities == ((4837, 1, 2),)
    assert found.malformed == ""


def test_the_abbreviated_next_hop_of_table_dumps_is_read():
    found = decode_attributes(attribute(14, b"\x10" + bytes(15) + b"\x01"), 4)
    assert found.mp_next_hop == (ABBREVIATED, "::1")


@pytest.mark.parametrize(
    ("narrow", "wide", "merged"),
    [
        # The example of RFC 6793 section 4.2.3: the tail comes from AS4_PATH.
        ([(SEQUENCE, (1, 23456, 23456))], [(SEQUENCE, (70000, 70001))], "1 70000 70001"),
        ([(SEQUENCE, (1, 2))], [(SEQUENCE, (70000, 70001, 70002))], "1 2"),
        ([(SEQUENCE, (1, 23456)), (SET, (3, 4))], [(SEQUENCE, (70000,)), (SET, (3, 4))], "1 70000 {3,4}"),
        ([(SEQUENCE, (1, 2, 3))], [], "1 2 3"),
        ([(SEQUENCE, (1, 2)), (SET, (3, 4))], [(SEQUENCE, (70000,))], "1 2 70000"),
        # Confederations count for nothing (RFC 5065 section 5.3), and stay where they lead or stand beside what stays.
        (
            [(CONFED_SEQUENCE, (65001, 65002)), (SEQUENCE, (1, 23456))],
            [(SEQUENCE, (1, 70000))],
            "(65001 65002) 1 70000",
        ),
        ([(SEQUENCE, (1,)), (CONFED_SET, (65001,)), (SEQUENCE, (2,))], [(SEQUENCE, (70000,))], "1 [65001] 70000"),
        ([(SEQUENCE, (1, 2)), (CONFED_SET, (65001,)), (SEQUENCE, (3,))], [(SEQUENCE, (70000, 3))], "1 70000 3"),
    ],
)
def test_as4_path_replaces_the_tail_where_it_is_no_longer(narrow, wide, merged):
    assert path_text(merge_paths(tuple(narrow), tuple(wide))) == merged
    raw = attribute(2, path(*narrow, size=2)) + (attribute(17, path(*wide)) if wide else b"")
    assert path_text(decode_attributes(raw, 2).as_path) == merged


def test_each_kind_of_segment_has_its_brackets():
    path = ((CONFED_SEQUENCE, (65001, 65002)), (CONFED_SET, (65003, 65004)), (SEQUENCE, (1, 2)), (SET, (3, 4)))
    assert path_text(path) == "(65001 65002) [65003,65004] 1 2 {3,4}"
    assert path_length(path) == 3


def test_an_as4_path_that_cannot_be_read_or_holds_confederations_changes_nothing_by_that():
    """RFC 6793 section 6."""
    narrow = attribute(2, path((SEQUENCE, (1, 23456)), size=2))
    assert path_text(decode_attributes(narrow + attribute(17, b"\x02\x09\0"), 2).as_path) == "1 23456"
    wide = path((CONFED_SEQUENCE, (65001,)), (SEQUENCE, (70000,)))
    assert path_text(decode_attributes(narrow + attribute(17, wide), 2).as_path) == "1 70000"


def test_as4_path_is_for_two_octet_speakers_only():
    """RFC 6793 section 4.1: a speaker of four octets ignores it."""
    raw = attribute(2, path((SEQUENCE, (1, 2)))) + attribute(17, path((SEQUENCE, (70000,))))
    assert path_text(decode_attributes(raw, 4).as_path) == "1 2"


def test_an_aggregator_that_knew_no_four_octets_voids_as4_path():
    """RFC 6793 section 4.2.3."""
    narrow = attribute(2, path((SEQUENCE, (1, 23456)), size=2)) + attribute(17, path((SEQUENCE, (70000,))))
    wide = attribute(18, struct.pack("!I", 70001) + bytes(4))
    assert path_text(decode_attributes(narrow + attribute(7, b"\0\x07" + bytes(4)) + wide, 2).as_path) == "1 23456"
    trans = attribute(7, struct.pack("!H", 23456) + bytes(4))
    assert path_text(decode_attributes(narrow + trans + wide, 2).as_path) == "1 70000"


def test_of_an_attribute_said_twice_the_first_counts():
    """RFC 7606 section 3 g."""
    assert decode_attributes(attribute(4, struct.pack("!I", 1)) + attribute(4, struct.pack("!I", 2)), 4).med == 1


@pytest.mark.parametrize("size", [4, 16, 32])
def test_the_first_next_hop_of_mp_reach_counts(size):
    octets = bytes(range(1, size + 1))
    hop = {4: "1.2.3.4"}.get(size, "102:304:506:708:90a:b0c:d0e:f10")
    whole = struct.pack("!HBB", 1, 1, size) + octets + b"\0"
    assert decode_attributes(attribute(14, whole), 4).mp_next_hop == ((1, 1), hop)
    assert decode_attributes(attribute(14, bytes([size]) + octets), 4).mp_next_hop == (ABBREVIATED, hop)
    assert decode_attributes(attribute(14, bytes([size]) + octets[:-1]), 4).mp_next_hop is None
    assert decode_attributes(attribute(14, struct.pack("!HBB", 1, 128, 12) + bytes(13)), 4).mp_next_hop is None


def test_as4_aggregator_counts_only_where_the_old_one_is_as_trans():
    old, new = struct.pack("!H", 23456) + bytes(4), struct.pack("!I", 70000) + bytes(4)
    assert decode_attributes(attribute(7, old) + attribute(18, new), 2).aggregator == (70000, "0.0.0.0")
    other = struct.pack("!H", 7) + bytes(4)
    assert decode_attributes(attribute(7, other) + attribute(18, new), 2).aggregator == (7, "0.0.0.0")


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"\x40\x01", "the last attribute has no whole header"),
        (b"\x50\x01\x00", "the last attribute has no whole header"),
        (b"\x40\x01\x05\x00", "attribute 1 runs past the end"),
        (attribute(2, b"\x02\x09\x00"), "the AS path does not fit its attribute"),
        (attribute(2, b"\x07\x00"), "the AS path does not fit its attribute"),
    ],
)
def test_a_malformed_attribute_is_named(raw, fault):
    assert decode_attributes(attribute(5, bytes([0, 0, 0, 9])) + raw, 4).malformed == fault
    assert decode_attributes(attribute(5, bytes([0, 0, 0, 9])) + raw, 4).local_pref == 9


@given(st.binary(max_size=200), st.sampled_from([2, 4]))
def test_no_bytes_raise(raw, size):
    found = decode_attributes(raw, size)
    path_text(found.as_path)
    assert isinstance(found.origins, tuple)
