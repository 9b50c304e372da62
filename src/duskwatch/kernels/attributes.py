"""Where path attributes stand, for columns of many elems at once."""

import numpy as np
from numba import njit

NO_HEADER = 1  # a fault: the last attribute has no whole header
RUNS_PAST = 256  # a fault: RUNS_PAST + code, where the value of an attribute runs past the end


@njit(nogil=True, cache=True)
def find_attributes(data, attr_start, attr_length, rows, column_of, start, length, fault):
    """Find the values of some path attributes of some elems (RFC 4271 section 4.3).

    data uint8[N]; attr_start int64[E], attr_length int32[E]: columns of an ElemBlock
    rows int64[K]: elems to look at, each with attributes
    column_of int16[256]: code of an attribute to its column below, -1 where it is not wanted
    start int64[K, C], length int32[K, C] (out): where the value begins in data, and its octets; 0 and -1 where the
    attribute is not there. Of two of a code the first counts (RFC 7606 section 3 g).
    fault uint16[K] (out): 0, NO_HEADER, or RUNS_PAST + code; what stands before it is found.
    """
    for k in range(rows.shape[0]):
        for column in range(start.shape[1]):
            start[k, column] = 0
            length[k, column] = -1
        fault[k] = 0
        at = attr_start[rows[k]]
        end = at + np.int64(attr_length[rows[k]])
        if at < 0 or end > data.shape[0]:
            continue
        while at < end:
            if at + 3 > end:
                fault[k] = NO_HEADER
                break
            code = np.int64(data[at + 1])
            if data[at] & 0x10:
                if at + 4 > end:
                    fault[k] = NO_HEADER
                    break
                size = (np.int64(data[at + 2]) << 8) | np.int64(data[at + 3])
                at += 4
            else:
                size = np.int64(data[at + 2])
                at += 3
            if at + size > end:
                fault[k] = RUNS_PAST + code
                break
            column = column_of[code]
            if column >= 0 and length[k, column] < 0:
                start[k, column] = at
                length[k, column] = size
            at += size


@njit(nogil=True, cache=True)
def clip_next_hops(data, start, length):
    """Cut MP_REACH_NLRI values behind their next hop, in place, so that those of one next hop are the same octets.

    start int64[K], length int32[K]: values in data, whole (RFC 4760 section 3) or of the short form of table dumps
    (RFC 6396 section 4.3.4), which begins with the length of the next hop; a whole one begins with a zero octet.
    """
    for k in range(start.shape[0]):
        if length[k] < 1:
            continue
        at = start[k]
        keep = 1 + np.int64(data[at])
        if data[at] == 0:
            if length[k] < 4:
                continue
            keep = 4 + np.int64(data[at + 3])
        if keep < length[k]:
            length[k] = keep
