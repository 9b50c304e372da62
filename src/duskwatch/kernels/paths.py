"""AS paths as numbers: each distinct path stands once in flat arrays, found again by its hash.

A path is stored as its hops in order, from the peer to the origin, without prepending: a number is written once
however often it follows itself. A hop 0 stands for an AS_SET of several members (or of AS 0, or for AS 0 itself), whose
members stand beside. Hops of a confederation (RFC 5065) are left out. Path 0 is the empty one; what cannot be read is
empty.

The pool, as all functions here take it:
    asns   uint32[H]       hops of all paths one after the other
    start  int64[R + 1]    the hops of path r are asns[start[r]:start[r + 1]]
    slots  uint64[2**k]    hash << 32 | path + 1, or 0 where it is free; at least twice as many as there are paths
    shift  32 - k          count  paths so far; start[count] hops are used
    set_path int32[S], set_start int64[S + 1], set_asns uint32[M]   a row for each hop 0, in order of path and hop: its
           path, and its members in order, set_asns[set_start[i]:set_start[i + 1]]; ``sets`` rows are used
Callers make room: for each path, hop, set and member that may be new.
"""

import numpy as np
from numba import njit

from duskwatch.kernels.aspath import (
    AGGREGATOR,
    AS4_AGGREGATOR,
    AS4_PATH,
    AS_PATH,
    AS_SEQUENCE,
    AS_SET,
    AS_TRANS,
    PATH_LIMIT,
)

MEMBERS_LIMIT = 1 << 16  # members of the sets of one path; a path attribute has no room for more
ODD = -1
BATCH = 64  # paths that are looked up together

_MIX = np.uint64(0x9E3779B97F4A7C15)
_LOW = np.uint64(0xFFFFFFFF)


@njit(nogil=True, cache=True, inline="always")
def _wide(data, at):
    i = np.uint64(at)
    return (
        (np.uint32(data[i]) << np.uint32(24))
        | (np.uint32(data[i + np.uint64(1)]) << np.uint32(16))
        | (np.uint32(data[i + np.uint64(2)]) << np.uint32(8))
        | np.uint32(data[i + np.uint64(3)])
    )


@njit(nogil=True, cache=True, inline="always")
def find_path(data, at, end):
    """Where the value of the AS_PATH among some attributes begins, and its octets; -1 where there is none."""
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
            return at, length
        at += length
    return np.int64(-1), np.int64(0)


@njit(nogil=True, cache=True, inline="always")
def same_octets(data, one, other, length):
    """Whether the octets at two places are the same; most paths differ early, or not at all."""
    i = np.int64(0)
    while i + 4 <= length:
        if _wide(data, one + i) != _wide(data, other + i):
            return False
        i += 4
    while i < length:
        if data[one + i] != data[other + i]:
            return False
        i += 1
    return True


@njit(nogil=True, cache=True, inline="always")
def _tag(asns, begin, end):
    """32 bits of a hash over some hops."""
    mixed = np.uint64(end - begin)
    for i in range(begin, end):
        mixed = (mixed ^ np.uint64(asns[i])) * _MIX
        mixed ^= mixed >> np.uint64(29)
    return (mixed * _MIX) >> np.uint64(32)


@njit(nogil=True, cache=True, inline="always")
def _same_hops(asns, begin, other, hops):
    for i in range(hops):  # noqa: SIM110 (no generators in kernels)
        if asns[begin + i] != asns[other + i]:
            return False
    return True


@njit(nogil=True, cache=True, inline="always")
def _plain_hops(data, at, end, asns, used):
    """Write the hops of an AS_PATH of four-octet numbers behind those used; how many, or ODD where one may be a set."""
    hops, total, last = np.int64(0), np.int64(0), np.int64(-1)
    while at < end:
        if at + 2 > end:
            return np.int64(0)
        kind, members = data[at], np.int64(data[at + 1])
        at += 2
        if at + 4 * members > end or kind < AS_SET or kind > 4:
            return np.int64(0)
        if kind == AS_SEQUENCE:
            total += members
            if total > PATH_LIMIT:
                return np.int64(0)
            for _ in range(members):
                asn = np.int64(_wide(data, at))
                at += 4
                if asn == 0:
                    return np.int64(ODD)
                if asn != last:
                    asns[used + hops] = asn
                    hops += 1
                    last = asn
        else:
            if kind == AS_SET and members > 0:
                return np.int64(ODD)
            at += 4 * members
    return hops


@njit(nogil=True, cache=True)
def locate(data, attr_start, attr_length, as_size, rows, at, length, size, ref):
    """Find the AS paths of some elems: prefixes of one message have one path.

    data uint8[N]; attr_start int64[E], attr_length int32[E], as_size uint8[E]: columns of an ElemBlock
    rows int64[K]: elems to look at
    at int64[K], length int64[K], size uint8[K]: out, of each path where it stands: the value of the AS_PATH where AS
    numbers have four octets; all attributes where they have two, since AS4_PATH is among them; nothing where there is
    none      ref int32[K]: out, the path of each elem
    Returns how many paths there are.
    """
    paths, before = 0, np.int64(-1)
    for k in range(rows.shape[0]):
        row = rows[k]
        begin = attr_start[row]
        end = begin + attr_length[row]
        if paths == 0 or begin != before or begin < 0:
            at[paths] = length[paths] = 0
            size[paths] = as_size[row]
            if begin >= 0 and end <= data.shape[0]:
                if as_size[row] == 4:
                    value, octets = find_path(data, begin, end)
                    if value >= 0:
                        at[paths], length[paths] = value, octets
                else:
                    at[paths], length[paths] = begin, end - begin
            paths += 1
            before = begin
        ref[k] = paths - 1
    return paths


@njit(nogil=True, cache=True)
def intern_wide(data, at, length, size, asns, start, slots, shift, count, ids):
    """Number paths of four-octet numbers; those that take intern_odd get ODD.

    data uint8[N]; at, length int64[K], size uint8[K]: as of ``locate``     ids int32[K]: out
    Returns (count, a number without meaning).
    """
    begin = np.empty(BATCH + 1, np.int64)
    tags = np.empty(BATCH, np.uint64)
    mask = slots.shape[0] - 1
    touched = np.uint64(0)
    for base in range(0, at.shape[0], BATCH):
        many = min(BATCH, at.shape[0] - base)
        begin[0] = start[count]
        for j in range(many):
            k = base + j
            hops = np.int64(ODD) if size[k] != 4 else _plain_hops(data, at[k], at[k] + length[k], asns, begin[j])
            ids[k] = min(hops, 0)
            begin[j + 1] = begin[j] + max(hops, 0)
            tags[j] = _tag(asns, begin[j], begin[j + 1])
        # What is asked for next lies anywhere in memory. Asked for together it comes together.
        for j in range(many):
            touched ^= slots[np.int64(tags[j] >> shift)]
        for j in range(many):
            found = slots[np.int64(tags[j] >> shift)]
            if found >> np.uint64(32) == tags[j] and found != 0:
                touched ^= np.uint64(start[np.int64(found & _LOW) - 1])
        for j in range(many):
            found = slots[np.int64(tags[j] >> shift)]
            if found >> np.uint64(32) == tags[j] and found != 0:
                touched ^= np.uint64(asns[start[np.int64(found & _LOW) - 1]])
        for j in range(many):
            hops = begin[j + 1] - begin[j]
            if hops == 0:
                continue
            tag = tags[j]
            slot = np.int64(tag >> shift)
            while True:
                found = slots[slot]
                if found == 0:
                    slots[slot] = (tag << np.uint64(32)) | np.uint64(count + 1)
                    used = start[count]
                    for i in range(hops):  # there may be paths in between that were known
                        asns[used + i] = asns[begin[j] + i]
                    start[count + 1] = used + hops
                    ids[base + j] = count
                    count += 1
                    break
                if found >> np.uint64(32) == tag:
                    path = np.int64(found & _LOW) - 1
                    if start[path + 1] - start[path] == hops and _same_hops(asns, start[path], begin[j], hops):
                        ids[base + j] = path
                        break
                slot = (slot + 1) & mask
    return count, touched


@njit(nogil=True, cache=True)
def _unfold(data, at, end, size, path, first, members, used):
    """Hops of a path with its prepending: (how many, members used); -1 hops where it is malformed.

    path int64[PATH_LIMIT], first int64[PATH_LIMIT, 2]: out, the hop and where its members begin and end in ``members``;
    a set of one AS is that AS (RFC 4271 section 9.1.2.2 counts it as one).
    """
    count = 0
    while at < end:
        if at + 2 > end:
            return -1, used
        kind = data[at]
        many = np.int64(data[at + 1])
        at += 2
        if at + many * size > end or kind < AS_SET or kind > 4:
            return -1, used
        if kind == AS_SEQUENCE:
            if count + many > PATH_LIMIT:
                return -1, used
        elif kind == AS_SET and many > 0:
            if count >= PATH_LIMIT or used + many > MEMBERS_LIMIT:
                return -1, used
            begin = used
        for i in range(many if kind == AS_SEQUENCE or kind == AS_SET else 0):
            asn = np.int64(0)
            for octet in range(size):
                asn = (asn << 8) | np.int64(data[at + i * size + octet])
            if kind == AS_SEQUENCE:
                path[count] = asn
                first[count, 0] = used
                if asn == 0:  # as a set of it alone
                    members[used] = 0
                    used += 1
                first[count, 1] = used
                count += 1
            else:
                members[used] = asn
                used += 1
        if kind == AS_SET and many > 0:
            members[begin:used].sort()
            last = begin
            for i in range(begin + 1, used):
                if members[i] != members[last]:
                    last += 1
                    members[last] = members[i]
            used = last + 1
            path[count] = members[begin] if used == begin + 1 else 0
            first[count, 0], first[count, 1] = begin, used
            count += 1
        at += many * size
    return count, used


@njit(nogil=True, cache=True)
def _narrow_path(data, at, end, path, first, wide, wide_first, members):
    """Hops of the path of two-octet numbers among some attributes, as _unfold; merged with AS4_PATH where it counts."""
    count, count4, used = -1, -1, 0  # -1: not met yet
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
            count, used = _unfold(data, at, at + length, 2, path, first, members, used)
            count = max(count, 0)
        elif code == AS4_PATH and count4 < 0:
            count4, used = _unfold(data, at, at + length, 4, wide, wide_first, members, used)
            count4 = max(count4, 0)
        elif code == AGGREGATOR and narrow_aggregator == 0:
            asn = (np.int64(data[at]) << 8) | np.int64(data[at + 1]) if length >= 6 else np.int64(AS_TRANS)
            narrow_aggregator = 1 if asn != AS_TRANS else -1
        elif code == AS4_AGGREGATOR:
            wide_aggregator = True
        at += length
    if 0 < count4 <= count and not (wide_aggregator and narrow_aggregator == 1):
        for i in range(count4):
            path[count - count4 + i] = wide[i]
            first[count - count4 + i] = wide_first[i]
    return max(count, 0)


@njit(nogil=True, cache=True)
def _same_sets(path, set_path, set_start, set_asns, sets, new):
    """Whether the ``new`` sets behind those used are those of a path."""
    low, high = 0, sets
    while low < high:
        middle = (low + high) >> 1
        if set_path[middle] < path:
            low = middle + 1
        else:
            high = middle
    for i in range(new):
        if low + i >= sets or set_path[low + i] != path:
            return False
        one, other = set_start[low + i], set_start[sets + i]
        size = set_start[sets + i + 1] - other
        if set_start[low + i + 1] - one != size or not _same_hops(set_asns, one, other, size):
            return False
    return True


@njit(nogil=True, cache=True)
def _intern(hops, new, asns, start, slots, shift, count, set_path, set_start, set_asns, sets):
    """Number the path whose hops, and ``new`` sets, were written behind those used: (its number, count, sets)."""
    used = start[count]
    if hops == 0:
        return np.int64(0), count, sets
    tag = _tag(asns, used, used + hops)
    mask = slots.shape[0] - 1
    slot = np.int64(tag >> shift)
    while True:
        found = slots[slot]
        if found == 0:
            slots[slot] = (tag << np.uint64(32)) | np.uint64(count + 1)
            start[count + 1] = used + hops
            for i in range(new):
                set_path[sets + i] = count
            return np.int64(count), count + 1, sets + new
        if found >> np.uint64(32) == tag:
            path = np.int64(found & _LOW) - 1
            if (
                start[path + 1] - start[path] == hops
                and _same_hops(asns, start[path], used, hops)
                and _same_sets(path, set_path, set_start, set_asns, sets, new)
            ):
                return path, count, sets
        slot = (slot + 1) & mask


@njit(nogil=True, cache=True)
def intern_odd(data, at, length, size, asns, start, slots, shift, count, set_path, set_start, set_asns, sets, ids):
    """Number paths of any kind: with sets, or of two-octet numbers, which are merged with AS4_PATH (RFC 6793 4.2.3).

    data uint8[N]; at, length int64[K], size uint8[K]: as of ``locate``     ids int32[K]: out
    Returns (count, sets).
    """
    path, wide = np.empty(PATH_LIMIT, np.int64), np.empty(PATH_LIMIT, np.int64)
    first, wide_first = np.empty((PATH_LIMIT, 2), np.int64), np.empty((PATH_LIMIT, 2), np.int64)
    members = np.empty(MEMBERS_LIMIT, np.int64)
    for k in range(at.shape[0]):
        end = at[k] + length[k]
        if size[k] == 4:
            total = max(_unfold(data, at[k], end, 4, path, first, members, 0)[0], 0)
        else:
            total = _narrow_path(data, at[k], end, path, first, wide, wide_first, members)
        used, hops, new = start[count], np.int64(0), 0
        for i in range(total):
            if i > 0 and path[i] == path[i - 1]:
                # The same again, as prepending writes it; of sets only where their members are the same.
                a, b = first[i - 1], first[i]
                same = path[i] != 0 or b[1] - b[0] == a[1] - a[0]
                if path[i] == 0:
                    for j in range(b[1] - b[0]):
                        same = same and members[a[0] + j] == members[b[0] + j]
                if same:
                    continue
            asns[used + hops] = path[i]
            hops += 1
            if path[i] == 0:
                to = set_start[sets + new]
                for j in range(first[i, 0], first[i, 1]):
                    set_asns[to] = members[j]
                    to += 1
                new += 1
                set_start[sets + new] = to
        route, count, sets = _intern(hops, new, asns, start, slots, shift, count, set_path, set_start, set_asns, sets)
        ids[k] = route
    return count, sets


@njit(nogil=True, cache=True)
def intern_stored(
    other_asns, other_start, wanted, other_set_path, other_set_start, other_set_asns,
    asns, start, slots, shift, count, set_path, set_start, set_asns, sets, ids,
):  # fmt: skip
    """Number the paths of another pool in this one: (count, sets).

    other_* as the pool, R paths     wanted uint8[R]: 1 for those to be numbered     ids int32[R]: out, 0 for the others
    """
    row = 0
    for path in range(other_start.shape[0] - 1):
        begin, end = other_start[path], other_start[path + 1]
        used, new = start[count], 0
        while row < other_set_path.shape[0] and other_set_path[row] < path:
            row += 1
        ids[path] = 0
        if wanted[path] == 0:
            continue
        for i in range(begin, end):
            asns[used + i - begin] = other_asns[i]
            if other_asns[i] == 0:
                at = set_start[sets + new]
                for j in range(other_set_start[row + new], other_set_start[row + new + 1]):
                    set_asns[at] = other_set_asns[j]
                    at += 1
                new += 1
                set_start[sets + new] = at
        route, count, sets = _intern(
            end - begin, new, asns, start, slots, shift, count, set_path, set_start, set_asns, sets
        )
        ids[path] = route
    return count, sets


@njit(nogil=True, cache=True)
def move_slots(slots, grown, shift):
    """Copy slots into a larger, empty table; ``shift`` is that of the larger."""
    mask = grown.shape[0] - 1
    for k in range(slots.shape[0]):
        if slots[k] != 0:
            slot = np.int64((slots[k] >> np.uint64(32)) >> shift)
            while grown[slot] != 0:
                slot = (slot + 1) & mask
            grown[slot] = slots[k]


@njit(nogil=True, cache=True)
def path_ends(asns, start, origin, upstream, beyond):
    """The last three hops of each path that differ each from the one before; 0 where there is none, or a set.

    asns uint32[H], start int64[R + 1]: a pool     origin, upstream, beyond uint32[R]: out
    """
    for path in range(start.shape[0] - 1):
        at = start[path + 1] - 1
        low = start[path]
        origin[path] = upstream[path] = beyond[path] = 0
        if at < low:
            continue
        one = asns[at]
        origin[path] = one
        while at >= low and asns[at] == one:
            at -= 1
        if at < low:
            continue
        one = asns[at]
        upstream[path] = one
        while at >= low and asns[at] == one:
            at -= 1
        if at >= low:
            beyond[path] = asns[at]
