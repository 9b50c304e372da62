"""The end of an AS path: who originates a prefix, and behind whom."""

import numpy as np
from numba import njit

AS_PATH, AGGREGATOR, AS4_PATH, AS4_AGGREGATOR = 2, 7, 17, 18
AS_SET, AS_SEQUENCE = 1, 2  # RFC 4271 section 4.3; confederation segments (RFC 5065) are 3 and 4
AS_TRANS = 23456
PATH_LIMIT = 1024  # AS numbers in a path; a longer one is not believed


@njit(nogil=True, cache=True, inline="always")
def _number(data, at, size):
    value = np.int64(0)
    for i in range(size):
        value = (value << 8) | np.int64(data[at + i])
    return value


@njit(nogil=True, cache=True)
def _unfold(data, at, end, size, path):
    """AS numbers of a path in order; returns how many, -1 where it is malformed.

    An AS_SET counts as one (RFC 4271 section 9.1.2.2): its only member, or 0 where it names several different ones.
    """
    count = 0
    while at < end:
        if at + 2 > end:
            return -1
        kind = data[at]
        members = np.int64(data[at + 1])
        at += 2
        if at + members * size > end or kind < AS_SET or kind > 4:
            return -1
        if kind == AS_SEQUENCE:
            if count + members > PATH_LIMIT:
                return -1
            for i in range(members):
                path[count] = _number(data, at + i * size, size)
                count += 1
        elif kind == AS_SET and members > 0:
            if count >= PATH_LIMIT:
                return -1
            only = _number(data, at, size)
            for i in range(1, members):
                if _number(data, at + i * size, size) != only:
                    only = np.int64(0)
                    break
            path[count] = only
            count += 1
        at += members * size
    return count


@njit(nogil=True, cache=True, inline="always")
def _last_three(path, count):
    """The last three ASes of a path that differ each from the one before; 0 where there is none."""
    origin, upstream, beyond = np.int64(0), np.int64(0), np.int64(0)
    found = 0
    for i in range(count):
        asn = path[count - 1 - i]
        if found == 0:
            origin = asn
            found = 1
        elif found == 1 and asn != origin:
            upstream = asn
            found = 2
        elif found == 2 and asn != upstream:
            beyond = asn
            break
    return origin, upstream, beyond


@njit(nogil=True, cache=True)
def wide_tail(data, at, end, path):
    """The end of the AS_PATH of four-octet AS numbers among some attributes: (origin, upstream, beyond) as path_tails.

    data uint8[N], attributes at data[at:end], end <= N; path int64[PATH_LIMIT]: room to work in.
    """
    while at + 3 <= end:
        code = data[at + 1]
        if data[at] & 0x10:
            if at + 4 > end:
                break
            length = (np.int64(data[at + 2]) << 8) | np.int64(data[at + 3])
            at += 4
        else:
            length = np.int64(data[at + 2])
            at += 3
        if at + length > end:
            break
        if code == AS_PATH:  # of two, the first counts (RFC 7606 section 3 g)
            if length > 2 and data[at] == AS_SEQUENCE and 2 + 4 * np.int64(data[at + 1]) == length:
                # One segment, as nearly all: read from its end, and no further than needed.
                first = at + 2
                at += length - 4
                origin = _number(data, at, 4)
                asn = origin
                while asn == origin and at > first:
                    at -= 4
                    asn = _number(data, at, 4)
                if asn == origin:
                    return origin, np.int64(0), np.int64(0)
                upstream = asn
                while asn == upstream and at > first:
                    at -= 4
                    asn = _number(data, at, 4)
                return origin, upstream, np.int64(0) if asn == upstream else asn
            return _last_three(path, max(_unfold(data, at, at + length, 4, path), 0))
        at += length
    return np.int64(0), np.int64(0), np.int64(0)


@njit(nogil=True, cache=True)
def path_tails(data, attr_start, attr_length, as_size, rows, origin, upstream, beyond):
    """Write the last three different ASes of the paths of some elems: origin, the one before it, and before that.

    data uint8[N]; attr_start int64[E], attr_length int32[E], as_size uint8[E]: columns of an ElemBlock
    rows int64[K]: elems to look at; origin, upstream, beyond uint32[E] (out): 0 where there is none, where an AS_SET of
    several members stands in its place, or where the path is malformed. An aggregate that ends in such a set is not
    known to be originated by any of them (RFC 4271 section 9.2.2.2; RFC 6811 section 2 calls its origin NONE); the one
    before it, which made the aggregate, is the upstream. Prepending is removed. Where AS numbers are of two octets the
    path is merged with AS4_PATH as in RFC 6793 section 4.2.3: as many leading numbers of AS_PATH as it is longer, then
    AS4_PATH; but not where AGGREGATOR names another AS than AS_TRANS beside AS4_AGGREGATOR.
    """
    path = np.empty(PATH_LIMIT, np.int64)
    wide = np.empty(PATH_LIMIT, np.int64)
    for k in range(rows.shape[0]):
        row = rows[k]
        origin[row] = upstream[row] = beyond[row] = 0
        at = attr_start[row]
        if at < 0:
            continue
        end = at + attr_length[row]
        if end > data.shape[0]:
            continue
        if as_size[row] == 4:
            origin[row], upstream[row], beyond[row] = wide_tail(data, at, end, path)
            continue
        count, count4 = -1, -1  # not met yet
        narrow_aggregator = 0  # 1: names an AS; -1: AS_TRANS, which AS4_AGGREGATOR stands for
        wide_aggregator = False
        while at + 3 <= end:
            code = data[at + 1]
            if data[at] & 0x10:
                if at + 4 > end:
                    break
                length = (np.int64(data[at + 2]) << 8) | np.int64(data[at + 3])
                at += 4
            else:
                length = np.int64(data[at + 2])
                at += 3
            if at + length > end:
                break
            if code == AS_PATH and count < 0:  # of two, the first counts (RFC 7606 section 3 g)
                count = max(_unfold(data, at, at + length, np.int64(as_size[row]), path), 0)
            elif code == AS4_PATH and count4 < 0:
                count4 = max(_unfold(data, at, at + length, 4, wide), 0)
            elif code == AGGREGATOR and narrow_aggregator == 0:
                narrow_aggregator = 1 if length >= 6 and _number(data, at, 2) != AS_TRANS else -1
            elif code == AS4_AGGREGATOR:
                wide_aggregator = True
            at += length
        if 0 < count4 <= count and not (wide_aggregator and narrow_aggregator == 1):
            for i in range(count4):
                path[count - count4 + i] = wide[i]
        origin[row], upstream[row], beyond[row] = _last_three(path, count)
