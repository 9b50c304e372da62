"""Prefix to row number: an open-addressing hash table over columns."""

import numpy as np
from numba import njit

# Odd constants of Fibonacci hashing; the product's high bits are the mixed ones, since prefixes end in zeros.
_MIX_HI = np.uint64(0x9E3779B97F4A7C15)
_MIX_LO = np.uint64(0xC2B2AE3D27D4EB4F)
_MIX_META = np.uint64(0x165667B19E3779F9)


@njit(nogil=True, cache=True, inline="always")
def _home(hi, lo, meta, shift):
    mixed = (hi * _MIX_HI) ^ (lo * _MIX_LO) ^ (np.uint64(meta) * _MIX_META)
    mixed ^= mixed >> np.uint64(29)
    return np.int64((mixed * _MIX_HI) >> shift)


@njit(nogil=True, cache=True)
def intern_prefixes(hi, lo, length, afi, slots, shift, table_hi, table_lo, table_meta, count, ids):
    """Give every row the number of its prefix, adding prefixes not met before.

    hi, lo       uint64[E]  left-aligned prefixes
    length, afi  uint8[E]   rows with afi 0 have no prefix and get -1
    slots        int32[2**k]  row of the table, or -1; at least twice as long as the table will be
    shift        uint64     64 - k
    table_hi, table_lo  uint64[P]   table_meta uint16[P] (afi * 256 + length); P >= count + E
    count        int        prefixes in the table
    ids          int32[E]   out

    Returns the new count. A row that repeats its predecessor's prefix, as in a table dump, costs one comparison.
    """
    mask = slots.shape[0] - 1
    last = np.int32(-1)
    for row in range(hi.shape[0]):
        if afi[row] == 0:
            ids[row] = -1
            continue
        meta = np.uint16(np.uint16(afi[row]) << np.uint16(8)) | np.uint16(length[row])
        if last >= 0 and table_hi[last] == hi[row] and table_lo[last] == lo[row] and table_meta[last] == meta:
            ids[row] = last
            continue
        slot = _home(hi[row], lo[row], meta, shift)
        while True:
            found = slots[slot]
            if found < 0:
                table_hi[count] = hi[row]
                table_lo[count] = lo[row]
                table_meta[count] = meta
                slots[slot] = count
                found = np.int32(count)
                count += 1
                break
            if table_hi[found] == hi[row] and table_lo[found] == lo[row] and table_meta[found] == meta:
                break
            slot = (slot + 1) & mask
        ids[row] = found
        last = np.int32(found)
    return count


@njit(nogil=True, cache=True)
def rebuild_slots(slots, shift, table_hi, table_lo, table_meta, count):
    """Fill empty slots (all -1) from the first ``count`` rows of the table, after it has grown."""
    mask = slots.shape[0] - 1
    for row in range(count):
        slot = _home(table_hi[row], table_lo[row], table_meta[row], shift)
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = row
