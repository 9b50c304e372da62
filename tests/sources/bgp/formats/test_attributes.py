"""Path attributes from bytes, and the filters and texts made of them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duskwatch.sources.bgp.formats.attributes import (
    CONFED_SEQUENCE,
    SEQUENCE,
    SET,
    decode_attributes,
    merge_paths,
    path_text,
)
from duskwatch.sources.bgp.formats.bgpdump import address_text


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
    assert found.mp_next_hops == (((2, 1), "::1"),)
    assert found.extended_communities == (bytes(range(8)),)
    assert found.large_communities == ((4837, 1, 2),)
    assert found.malformed == ""


def test_the_abbreviated_next_hop_of_table_dumps_is_read():
    found = decode_attributes(attribute(14, b"\x10" + bytes(15) + b"\x01"), 4)
    assert found.mp_next_hops == (((0, 0), "::1"),)


@pytest.mark.parametrize(
    ("narrow", "wide", "merged"),
    [
        # The example of RFC 6793 section 4.2.3: the tail comes from AS4_PATH.
        ([(SEQUENCE, (1, 23456, 23456))], [(SEQUENCE, (70000, 70001))], "1 70000 70001"),
        ([(SEQUENCE, (1, 2))], [(SEQUENCE, (70000, 70001, 70002))], "1 2"),
        ([(SEQUENCE, (1, 23456)), (SET, (3, 4))], [(SEQUENCE, (70000,)), (SET, (3, 4))], "1 70000 {3,4}"),
        ([(SEQUENCE, (1, 2, 3))], [], "1 2 3"),
    ],
)
def test_as4_path_replaces_the_tail_where_it_is_no_longer(narrow, wide, merged):
    assert path_text(merge_paths(tuple(narrow), tuple(wide))) == merged
    raw = attribute(2, path(*narrow, size=2)) + (attribute(17, path(*wide)) if wide else b"")
    assert path_text(decode_attributes(raw, 2).as_path) == merged


def test_confederations_are_in_parentheses():
    assert path_text(((CONFED_SEQUENCE, (65001, 65002)), (SEQUENCE, (1,)))) == "(65001 65002) 1"


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


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (0x20010668000000030FFF0000ADCD39EA, "2001:668::3:fff:0:adcd:39ea"),
        (1, "::1"),
        (0x20010DB8000000000001000000000001, "2001:db8::1:0:0:1"),
        (0xFFFFC0000201, "::ffff:192.0.2.1"),
    ],
)
def test_addresses_are_written_as_bgpdump_writes_them(address, text):
    assert address_text(2, address >> 64, address & (1 << 64) - 1) == text
