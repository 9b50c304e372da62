"""The prefix table gives every prefix one number, whatever the order and size of the batches."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.kernels.prefix_table import intern_prefixes, rebuild_slots

prefixes = st.lists(
    st.tuples(st.integers(1, 2), st.sampled_from([0, 1, 0x0A000000 << 32, 0x0A010000 << 32, 2**63]),
              st.sampled_from([0, 1 << 60]), st.sampled_from([8, 16, 24])),
    max_size=60,
)  # fmt: skip


def columns(rows):
    afi = np.array([r[0] for r in rows], np.uint8)
    hi = np.array([r[1] for r in rows], np.uint64)
    lo = np.array([r[2] for r in rows], np.uint64)
    length = np.array([r[3] for r in rows], np.uint8)
    return hi, lo, length, afi


def intern(rows, bits=8, cut=None):
    size = 1 << bits
    slots = np.full(size, -1, np.int32)
    table = np.zeros(256, np.uint64), np.zeros(256, np.uint64), np.zeros(256, np.uint16)
    ids, count = [], 0
    for part in [rows] if cut is None else [rows[:cut], rows[cut:]]:
        out = np.empty(len(part), np.int32)
        count = intern_prefixes(*columns(part), slots, np.uint64(64 - bits), *table, count, out)
        ids += out.tolist()
        slots = np.full(size, -1, np.int32)
        rebuild_slots(slots, np.uint64(64 - bits), *table, count)
    return ids, count


@settings(deadline=None)
@given(prefixes, st.integers(0, 60))
def test_numbers_are_those_of_first_mention_however_the_rows_are_cut(rows, cut):
    seen = {}
    expected = [seen.setdefault(row, len(seen)) for row in rows]
    assert intern(rows) == (expected, len(seen))
    assert intern(rows, cut=cut) == (expected, len(seen))


def test_a_row_without_a_prefix_has_no_number():
    assert intern([(0, 0, 0, 0), (1, 0, 0, 8)])[0] == [-1, 0]


def test_the_table_fills_to_half_of_its_slots():
    rows = [(1, i << 40, 0, 24) for i in range(128)]
    assert intern(rows)[0] == list(range(128))
