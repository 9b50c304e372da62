"""Unpacking LZO1X: every kind of instruction, written by an encoder of the test, and bytes that are none."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.kernels.lzo import BROKEN, unpack

END = b"\x11\x00\x00"


def long_count(count: int) -> bytes:
    """A count that does not fit its field, as zeros of 255 each and a last octet."""
    zeros, last = divmod(count - 1, 255)
    return bytes(zeros) + bytes([last + 1])


def literals(data: bytes, first: bool) -> bytes:
    if first and 4 <= len(data) <= 238:
        return bytes([17 + len(data)]) + data
    if len(data) <= 18:
        return bytes([len(data) - 3]) + data
    return b"\0" + long_count(len(data) - 18) + data


def match(length: int, distance: int, trailing: bytes) -> bytes:
    """A copy of what stands before, with up to three literals behind it."""
    state = len(trailing)
    if 3 <= length <= 8 and distance <= 2048:
        low, high = (distance - 1) & 7, (distance - 1) >> 3
        if length <= 4:
            return bytes([64 | (length - 3) << 5 | low << 2 | state, high]) + trailing
        return bytes([128 | (length - 5) << 5 | low << 2 | state, high]) + trailing
    if distance <= 16384:
        head = bytes([32 | length - 2]) if length <= 33 else b"\x20" + long_count(length - 33)
        return head + ((distance - 1) << 2 | state).to_bytes(2, "little") + trailing
    over = distance - 16384
    mark = 16 | (8 if over & 0x4000 else 0)
    head = bytes([mark | length - 2]) if length <= 9 else bytes([mark]) + long_count(length - 9)
    return head + ((over & 0x3FFF) << 2 | state).to_bytes(2, "little") + trailing


def unpacked(packed: bytes, room: int = 1 << 18) -> bytes | None:
    out = np.zeros(room, np.uint8)
    size = unpack(np.frombuffer(packed or b"\0", np.uint8)[: len(packed)], out)
    return None if size == BROKEN else out[:size].tobytes()


@given(
    st.lists(st.tuples(st.integers(3, 600), st.floats(0, 1), st.binary(max_size=3)), max_size=8),
    st.binary(min_size=4, max_size=700),
)
@settings(max_examples=150, deadline=None)
def test_literals_and_matches_give_what_they_stand_for(matches, start):
    packed, plain = literals(start, first=True), bytearray(start)
    for length, where, trailing in matches:
        distance = 1 + round(where * (min(len(plain), 49151) - 1))
        if distance == 16384 or (distance > 16384 and length < 2):
            continue
        for _ in range(length):
            plain.append(plain[-distance])
        packed += match(length, distance, trailing)
        plain += trailing
    assert unpacked(packed + END) == bytes(plain)


def test_far_matches_of_both_halves_are_found():
    start = bytes(range(256)) * 190
    for distance in (16385, 20000, 32768, 32769, 40000, 48000):
        packed = literals(start, first=True) + match(20, distance, b"") + END
        assert unpacked(packed) == start + start[-distance : len(start) - distance + 20]


def test_short_matches_after_literals_are_found():
    start = b"abcdefgh" * 400
    near = literals(start, first=True)
    three = near + bytes([0 << 2 | 0, 0]) + END  # three octets from 2,049 back, after a run of literals
    assert unpacked(three) == start + start[-2049:-2046]
    after = near + match(5, 8, b"x") + bytes([1 << 2, 0]) + END  # two octets, after a single literal
    plain = start + start[-8:-3] + b"x"
    assert unpacked(after) == plain + plain[-2:]


def test_what_is_cut_off_or_too_large_is_broken():
    packed = literals(b"hello world, hello", first=True) + match(6, 7, b"") + END
    assert unpacked(packed) == b"hello world, hello, hell"
    for cut in range(len(packed)):
        assert unpacked(packed[:cut]) is None
    assert unpacked(packed, room=20) is None
    assert unpacked(literals(b"abcd", first=True) + match(5, 9, b"") + END) is None


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_unpacked_or_broken(data):
    result = unpacked(data, room=5000)
    assert result is None or len(result) <= 5000
