"""Ends of AS paths against those that the reader of all attributes gives, on paths that nobody would send as well."""

import struct
from itertools import groupby

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from duskwatch.kernels.aspath import PATH_LIMIT, path_tails
from duskwatch.sources.bgp.formats.attributes import CONFEDERATION, SEQUENCE, SET, decode_attributes

AS_PATH, AS4_PATH = 2, 17


def attribute(code, value):
    return struct.pack("!BBH", 0x50, code, len(value)) + value


def packed(path, size):
    return b"".join(
        struct.pack(f"!BB{len(members)}{'HI'[size == 4]}", kind, len(members), *members) for kind, members in path
    )


def tails(raw, as_size):
    """What the kernel says of one elem; octets around the attributes must not matter."""
    data = np.frombuffer(b"\x40" + raw + b"\x40\x02\x04", np.uint8)
    out = [np.full(1, 7, np.uint32) for _ in range(3)]
    path_tails(
        data,
        np.array([1], np.int64),
        np.array([len(raw)], np.int32),
        np.array([as_size], np.uint8),
        np.array([0], np.int64),
        *out,
    )
    return [int(column[0]) for column in out]


def expected(raw, as_size):
    """The same from the path as people see it: a set of several is nobody, prepending is left out."""
    flat = []
    for kind, members in decode_attributes(raw, as_size).as_path:
        if kind == SEQUENCE:
            flat += members
        elif kind == SET:
            flat += sorted(set(members)) if len(set(members)) < 2 else [0]
    last = [number for number, _ in groupby(reversed(flat))][:3]
    return last + [0] * (3 - len(last))


def segments(largest, kinds=(1, 2, 3, 4), least=0):
    numbers = st.one_of(st.integers(1, 4), st.just(23456), st.integers(1, largest))
    return st.lists(st.tuples(st.sampled_from(kinds), st.lists(numbers, min_size=least, max_size=6)), max_size=5)


@settings(deadline=None)  # the first call compiles
@given(segments(2**32 - 1))
def test_wide_paths(path):
    raw = attribute(1, b"\0") + attribute(AS_PATH, packed(path, 4))
    assert tails(raw, 4) == expected(raw, 4)


@settings(deadline=None, max_examples=500)
@given(segments(2**16 - 1, least=1), segments(2**32 - 1, kinds=(1, 2), least=1), st.booleans())
@example([(2, [1, 23456, 23456])], [(2, [70000, 80000])], False)
@example([(2, [1, 2])], [(2, [1, 2, 3])], False)
@example([(2, [1, 2]), (1, [3, 4])], [(2, [70000]), (1, [3, 90000])], True)
def test_narrow_paths_are_merged_with_as4_path(narrow, wide, wide_first):
    parts = [attribute(AS_PATH, packed(narrow, 2)), attribute(AS4_PATH, packed(wide, 4))]
    raw = b"".join(reversed(parts) if wide_first else parts)
    assert tails(raw, 2) == expected(raw, 2)


@settings(deadline=None)
@given(segments(2**32 - 1), st.data())
def test_of_a_path_that_is_cut_nothing_is_believed(path, data):
    whole = packed(path, 4)
    raw = attribute(AS_PATH, whole[: data.draw(st.integers(0, len(whole)))])
    assert tails(raw, 4) == expected(raw, 4)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=40), st.sampled_from([2, 4]))
def test_any_octets_give_an_answer(raw, as_size):
    found = tails(raw, as_size)
    assert len(found) == 3
    assert all(0 <= number < 2**32 for number in found)


@pytest.mark.parametrize(("count", "origin"), [(PATH_LIMIT, 9), (PATH_LIMIT + 1, 0)])
def test_a_path_past_the_limit_is_not_believed(count, origin):
    numbers = [5] * (count - 1) + [9]
    path = [(SEQUENCE, numbers[start : start + 255]) for start in range(0, count, 255)]
    assert tails(attribute(AS_PATH, packed(path, 4)), 4) == [origin, 5 if origin else 0, 0]


def test_a_router_that_made_an_aggregate_voids_as4_path():
    """RFC 6793 section 4.2.3: AGGREGATOR without AS_TRANS beside AS4_AGGREGATOR."""
    narrow, wide = packed([(SEQUENCE, [1, 23456])], 2), packed([(SEQUENCE, [1, 70000])], 4)
    for number, origin in ((23456, 70000), (1, 23456)):
        raw = (
            attribute(AS_PATH, narrow)
            + attribute(7, struct.pack("!HI", number, 1))
            + attribute(AS4_PATH, wide)
            + attribute(18, struct.pack("!II", 70000, 1))
        )
        assert expected(raw, 2)[0] == origin
        assert tails(raw, 2)[0] == origin


def test_confederations_are_passed_over():
    path = [(CONFEDERATION[0], [64512, 64513]), (SEQUENCE, [1, 2]), (CONFEDERATION[1], [64514])]
    assert tails(attribute(AS_PATH, packed(path, 4)), 4) == [2, 1, 0]


def test_of_two_paths_the_first_counts():
    raw = attribute(AS_PATH, packed([(SEQUENCE, [1, 2])], 2)) + attribute(AS_PATH, packed([(SEQUENCE, [3, 4])], 2))
    assert tails(raw, 2) == expected(raw, 2) == [2, 1, 0]


@pytest.mark.parametrize("kind", [0, 5, 255])
def test_a_segment_of_no_known_kind_makes_the_path_malformed(kind):
    raw = attribute(AS_PATH, packed([(SEQUENCE, [1, 2]), (kind, [3])], 4))
    assert tails(raw, 4) == expected(raw, 4) == [0, 0, 0]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ([(SEQUENCE, [1, 2]), (SET, [3])], [3, 2, 1]),
        ([(SEQUENCE, [1, 2]), (SET, [3, 3])], [3, 2, 1]),
        ([(SEQUENCE, [1, 2]), (SET, [3, 4])], [0, 2, 1]),
        ([(SEQUENCE, [1, 2]), (SET, [3, 3, 4])], [0, 2, 1]),
        ([(SEQUENCE, [1, 2]), (SET, [2, 3])], [0, 2, 1]),
        ([(SET, [3, 4])], [0, 0, 0]),
        ([(SEQUENCE, [1]), (SET, [])], [1, 0, 0]),
        ([(SEQUENCE, [1]), (SET, [3, 4]), (SEQUENCE, [5])], [5, 0, 1]),
        ([(SEQUENCE, [1]), (SET, [3, 4]), (CONFEDERATION[0], [64512])], [0, 1, 0]),
    ],
)
@pytest.mark.parametrize("size", [2, 4])
def test_a_set_of_several_members_is_no_origin(path, found, size):
    """RFC 6811 section 2; of a set with a single member that member is meant."""
    assert tails(attribute(AS_PATH, packed(path, size)), size) == found


def test_an_aggregate_whose_set_came_in_as4_path_is_no_origin():
    raw = attribute(AS_PATH, packed([(SEQUENCE, [1, 23456]), (SET, [23456])], 2))
    raw += attribute(AS4_PATH, packed([(SEQUENCE, [70000]), (SET, [80000, 90000])], 4))
    assert tails(raw, 2) == expected(raw, 2) == [0, 70000, 1]
