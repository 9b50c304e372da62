"""Where attributes stand, against the reader of all attributes."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.kernels.attributes import NO_HEADER, RUNS_PAST, clip_next_hops, find_attributes
from duskwatch.sources.bgp.formats.attributes import mp_next_hop, split_attributes

CODES = (1, 2, 17, 255)
COLUMN_OF = np.full(256, -1, np.int16)
COLUMN_OF[list(CODES)] = np.arange(len(CODES))


def found(raw: bytes) -> tuple[dict[int, bytes], int]:
    """What the kernel finds; octets around the attributes must not matter."""
    data = np.frombuffer(b"\x40" + raw + b"\x40\x02\x04", np.uint8)
    start, length = np.full((1, 4), 7, np.int64), np.full((1, 4), 7, np.int32)
    fault = np.full(1, 7, np.uint16)
    find_attributes(
        data, np.array([9, 1], np.int64), np.array([9, len(raw)], np.int32), np.array([1], np.int64), COLUMN_OF, start,
        length, fault,
    )  # fmt: skip
    octets = data.tobytes()
    values = {code: octets[a : a + n] for code, a, n in zip(CODES, start[0], length[0], strict=True) if n >= 0}
    return values, int(fault[0])


def assert_as_the_slow_reader(raw: bytes) -> None:
    values, text = split_attributes(raw)
    mine, fault = found(raw)
    assert mine == {code: value for code, value in values.items() if code in CODES}
    if not text:
        assert fault == 0
    elif "header" in text:
        assert fault == NO_HEADER
    else:
        assert text == f"attribute {fault - RUNS_PAST} runs past the end"


@settings(deadline=None, max_examples=300)  # the first call compiles
@given(st.binary(max_size=40))
def test_any_octets(raw):
    assert_as_the_slow_reader(raw)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.sampled_from([*CODES, 5]), st.binary(max_size=5), st.booleans()), max_size=6), st.data())
def test_whole_and_cut_attributes(parts, data):
    raw = b"".join(
        struct.pack("!BBH" if long else "!BBB", 0x50 if long else 0x40, code, len(value)) + value
        for code, value, long in parts
    )
    assert_as_the_slow_reader(raw)
    assert_as_the_slow_reader(raw[: data.draw(st.integers(0, len(raw)))])


@pytest.mark.parametrize(("start", "length"), [(-1, 4), (2, 3), (4, 1)])
def test_a_place_outside_of_the_data_is_not_read(start, length):
    out = np.zeros((1, 4), np.int64), np.zeros((1, 4), np.int32), np.zeros(1, np.uint16)
    data = np.frombuffer(b"\x40\x01\x01\x00", np.uint8)
    place = np.array([start], np.int64), np.array([length], np.int32)
    find_attributes(data, *place, np.array([0], np.int64), COLUMN_OF, *out)
    assert out[1].tolist() == [[-1] * 4]


HEADS = (b"", b"\0\2\1\x10", b"\0\2\1\x20", b"\0\1\1\x04", b"\x10", b"\x20", b"\x04", b"\0\2\1\xff")


@settings(deadline=None, max_examples=400)
@given(st.builds(lambda head, rest: head + rest, st.sampled_from(HEADS), st.binary(max_size=60)))
def test_what_is_cut_behind_a_next_hop_has_the_same_one_and_no_more(raw):
    data = np.frombuffer(b"\x07" + raw, np.uint8)
    length = np.array([len(raw)], np.int32)
    clip_next_hops(data, np.array([1], np.int64), length)
    assert 0 <= length[0] <= len(raw)
    kept = raw[: length[0]]
    assert mp_next_hop(kept) == mp_next_hop(raw)
    if mp_next_hop(raw) is not None:
        assert len(kept) <= 36


def test_no_value_stays_no_value():
    length = np.array([-1, 0], np.int32)
    clip_next_hops(np.zeros(4, np.uint8), np.zeros(2, np.int64), length)
    assert length.tolist() == [-1, 0]
