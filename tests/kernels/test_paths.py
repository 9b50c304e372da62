"""Paths as numbers against tuples: the slow twin reads attributes byte by byte, with lists."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.kernels.aspath import path_tails
from duskwatch.records.elems import ElemBlock
from duskwatch.signals.bgp.paths import PathPool, merged
from duskwatch.sources.bgp.formats.mrt_write import attribute

AS_SET, AS_SEQUENCE, CONFED_SEQUENCE, CONFED_SET = 1, 2, 3, 4
ASN = st.sampled_from([0, 1, 2, 3, 23456, 65000, 4200000000])
SEGMENT = st.tuples(
    st.sampled_from([AS_SEQUENCE] * 4 + [AS_SET, CONFED_SEQUENCE, CONFED_SET]), st.lists(ASN, max_size=5)
)
SEGMENTS = st.lists(SEGMENT, max_size=4)
# Octets that are no path: a segment that runs past the end, one of no known kind, half a header.
BROKEN = st.sampled_from([b"", b"\x02\x05\x00\x00", b"\x07\x00", b"\x02"])


def value(segments, size: int) -> bytes:
    letter = "I" if size == 4 else "H"
    most = 256**size - 1
    return b"".join(
        struct.pack(f"!BB{len(asns)}{letter}", kind, len(asns), *(asn & most for asn in asns))
        for kind, asns in segments
    )


def unfolded(octets: bytes, size: int) -> list | None:
    """Hops with their prepending: numbers, and sets as sorted tuples; None where it is malformed."""
    at, hops = 0, []
    while at < len(octets):
        if at + 2 > len(octets):
            return None
        kind, many = octets[at], octets[at + 1]
        body = octets[at + 2 : at + 2 + many * size]
        if len(body) < many * size or kind not in (1, 2, 3, 4):
            return None
        asns = [int.from_bytes(body[i * size : (i + 1) * size], "big") for i in range(many)]
        if kind == AS_SEQUENCE:
            hops += [asn or (0,) for asn in asns]
        elif kind == AS_SET and asns:
            members = tuple(sorted(set(asns)))
            hops.append(members[0] if len(members) == 1 and members != (0,) else members)
        at += 2 + many * size
    return hops if len(hops) <= 1024 else None


def slow(attributes: list[tuple[int, bytes]], size: int) -> tuple:
    """The canonical path among some attributes, as Paths[...] writes it."""
    of = {}
    for code, octets in attributes:
        of.setdefault(code, octets)
    hops = (unfolded(of[2], size) or []) if 2 in of else []
    if size == 2 and 17 in of:
        wide = unfolded(of[17], 4) or []
        aggregators = [octets for code, octets in attributes if code == 7]
        named = bool(aggregators) and len(aggregators[0]) >= 6 and aggregators[0][:2] != struct.pack("!H", 23456)
        if 0 < len(wide) <= len(hops) and not (18 in of and named):
            hops = hops[: len(hops) - len(wide)] + wide
    return tuple(hop for k, hop in enumerate(hops) if k == 0 or hop != hops[k - 1])


def block(rows: list[tuple[int, bytes]]) -> ElemBlock:
    """Elems with (width of AS numbers, attributes)."""
    data = b"".join(raw for _, raw in rows)
    length = np.array([len(raw) for _, raw in rows], np.int32)
    fields = dict.fromkeys(ElemBlock._fields)
    return ElemBlock(**fields)._replace(
        data=np.frombuffer(data or b"\x00", np.uint8),
        attr_start=np.cumsum(length, dtype=np.int64) - length,
        attr_length=length,
        as_size=np.array([size for size, _ in rows], np.uint8),
    )


def written(attributes: list[tuple[int, bytes]]) -> bytes:
    return b"".join(attribute(0x40, code, octets) for code, octets in attributes)


@st.composite
def routes(draw):
    """(width of AS numbers, attributes)."""
    size = draw(st.sampled_from([4, 4, 4, 2]))
    path = (2, value(draw(SEGMENTS), size) + (draw(BROKEN) if draw(st.integers(0, 9)) == 0 else b""))
    attributes = [(1, b"\x00"), path]
    if draw(st.booleans()):
        attributes.append((17, value(draw(SEGMENTS), 4)))
    if draw(st.integers(0, 3)) == 0:
        attributes.append((7, struct.pack("!HI", draw(st.sampled_from([23456, 9])), 0)))
        attributes.append((18, b"\x00" * 8))
    if draw(st.integers(0, 5)) == 0:
        attributes.append((2, value([(AS_SEQUENCE, [7])], size)))
    return size, attributes


@settings(deadline=None, max_examples=300)
@given(st.lists(routes(), max_size=30), st.integers(0, 30))
def test_each_path_has_one_number_and_is_whole(rows, cut):
    elems = block([(size, written(attributes)) for size, attributes in rows])
    pool = PathPool()
    which = np.arange(len(rows), dtype=np.int64)
    ids = np.concatenate([pool.number(elems, which[:cut]), pool.number(elems, which[cut:])]).tolist()
    wanted = [slow(attributes, size) for size, attributes in rows]
    assert [pool.paths[path] for path in ids] == wanted
    assert len(set(ids)) == len(set(wanted))
    assert sorted({0, *ids}) == list(range(len(pool.paths)))
    tails = np.zeros((3, len(rows)), np.uint32)
    path_tails(elems.data, elems.attr_start, elems.attr_length, elems.as_size, which, *tails)
    ends = pool.paths.ends()
    assert [column[ids].tolist() for column in ends] == tails.tolist()


@settings(deadline=None, max_examples=100)
@given(st.lists(st.lists(routes(), max_size=12), min_size=1, max_size=3))
def test_pools_merged_hold_each_path_once(groups):
    pools = []
    for rows in groups:
        pools.append(PathPool())
        pools[-1].number(block([(s, written(a)) for s, a in rows]), np.arange(len(rows), dtype=np.int64))
    whole, numbers = merged([pool.paths for pool in pools])
    for pool, number in zip(pools, numbers, strict=True):
        assert [whole[path] for path in number.tolist()] == [pool.paths[path] for path in range(len(pool.paths))]
    assert len(whole) == len({pool.paths[path] for pool in pools for path in range(len(pool.paths))})


def plain(*asns: int) -> tuple[int, bytes]:
    return 4, written([(2, value([(AS_SEQUENCE, asns)], 4))])


def test_only_wanted_paths_of_another_pool_are_added():
    one = PathPool()
    one.number(block([plain(1), plain(2), plain(3)]), np.arange(3))
    other = PathPool()
    assert other.add(one.paths, np.array([1, 0, 1, 0], np.uint8)).tolist() == [0, 0, 1, 0]
    assert other.paths[1] == (2,)


def test_a_pool_grows_and_keeps_its_numbers():
    pool = PathPool()
    rows = [plain(5, n // 7 + 1, n) for n in range(1, 20_000)]
    ids = pool.number(block(rows), np.arange(len(rows)))
    assert ids.tolist() == list(range(1, 20_000))
    assert pool.number(block(rows[::-1]), np.arange(len(rows))).tolist() == ids[::-1].tolist()
    early = pool.paths
    pool.number(block([plain(9, 9, 8, n) for n in range(1, 30_000)]), np.arange(29_999))
    assert early[19_999] == (5, 19_999 // 7 + 1, 19_999)
    assert len(early) == 20_000


def test_paths_of_equal_hash_are_told_apart():
    """The slot of (7,) is made to say that a path of its hash is there, which is (1,)."""
    pool, other = PathPool(), PathPool()
    pool.number(block([plain(1)]), np.arange(1))
    other.number(block([plain(7)]), np.arange(1))
    (slot,) = np.flatnonzero(other.slots)
    assert pool.slots[slot] == 0
    pool.slots[slot] = other.slots[slot]
    assert pool.number(block([plain(1), plain(7)]), np.arange(2)).tolist() == [1, 2]


def test_a_path_that_is_not_there_is_an_error():
    with pytest.raises(IndexError):
        PathPool().paths[1]
    assert PathPool().paths[0] == ()


@pytest.mark.parametrize("hops", [1024, 1025])
def test_a_path_longer_than_any_is_not_believed(hops):
    segments = [(AS_SEQUENCE, list(range(1 + k, 1 + k + min(255, hops - k)))) for k in range(0, hops, 255)]
    pool = PathPool()
    (path,) = pool.number(block([(4, written([(2, value(segments, 4))]))]), np.arange(1)).tolist()
    assert pool.paths[path] == (tuple(range(1, hops + 1)) if hops <= 1024 else ())


def test_elems_without_attributes_have_the_empty_path():
    elems = block([plain(1)])._replace(attr_start=np.array([-1]), attr_length=np.array([0], np.int32))
    assert PathPool().number(elems, np.arange(1)).tolist() == [0]
    past = block([plain(1)])._replace(attr_length=np.array([99], np.int32))
    assert PathPool().number(past, np.arange(1)).tolist() == [0]
