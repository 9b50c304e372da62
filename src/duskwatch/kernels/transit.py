"""Time that routes were held through each neighbour."""

import numpy as np
from numba import njit

from duskwatch.kernels.codes import CLEAR
from duskwatch.kernels.codes import VOTE_DUMPED_HOLD as DUMPED_HOLD
from duskwatch.kernels.codes import VOTE_HOLD as HOLD


@njit(nogil=True, cache=True)
def held_time(time_us, session, prefix, through, spans, until_us, current, since, spent):
    """Add up, for every neighbour and span, how long (prefix, session) pairs held a route through it.

    time_us int64[R], session int32[R], prefix int32[R]   rows in time order; prefix -1: the session ends
    through  int32[R]      neighbour of the route held from then on, as an index; -1: no route
    spans    int64[S, 2]   [from, until) in microseconds
    until_us int           routes still held are counted up to here
    current  int32[P, N]   scratch, -1 everywhere    since int64[P, N]  scratch
    spent    int64[S, K]   out: microseconds
    """
    prefixes, sessions = current.shape
    for row in range(time_us.shape[0] + 1):
        last = row == time_us.shape[0]
        now = until_us if last else time_us[row]
        one = -1 if last else prefix[row]
        first_prefix, end_prefix = (one, one + 1) if one >= 0 else (0, prefixes)
        first_session, end_session = (0, sessions) if last else (session[row], session[row] + 1)
        to = -1 if last or one < 0 else through[row]
        for p in range(first_prefix, end_prefix):
            for s in range(first_session, end_session):
                held = current[p, s]
                if held == to:
                    continue
                if held >= 0:
                    for k in range(spans.shape[0]):
                        overlap = min(now, spans[k, 1]) - max(since[p, s], spans[k, 0])
                        if overlap > 0:
                            spent[k, held] += overlap
                current[p, s] = to
                since[p, s] = now


NOBODY = np.uint32(0xFFFFFFFF)  # a reserved AS number (RFC 7300): nothing is reached through it


@njit(nogil=True, cache=True)
def neighbours(cells, held, routes, upstream, skip, current, out_prefix, out_upstream, out_count):
    """How many sessions reach each prefix through each neighbour; how many such pairs there are.

    cells    uint8[P, N]    bit ``held``: the session holds a route    routes int32[P, N]  which, a row of upstream
    upstream uint32[R]      neighbour of each route                    skip   uint8[P]     1: of which nothing is asked
    current  uint32[P, N]   out: the neighbour, NOBODY: none
    out_*    [K]            int32 prefix, uint32 neighbour, int32 sessions; written as far as there is room, so that a
                            call without room tells how much it takes
    """
    room = out_prefix.shape[0]
    prefixes, sessions = cells.shape
    seen = np.empty(sessions, np.uint32)
    count = np.empty(sessions, np.int32)
    written = 0
    for where in range(prefixes):
        if skip[where] == 1:
            continue
        distinct = 0
        for who in range(sessions):
            if cells[where, who] & held == 0:
                current[where, who] = NOBODY
                continue
            hop = upstream[routes[where, who]]
            current[where, who] = hop
            k = 0
            while k < distinct and seen[k] != hop:
                k += 1
            if k == distinct:
                seen[k] = hop
                count[k] = 0
                distinct += 1
            count[k] += 1
        for k in range(distinct):
            if written < room:
                out_prefix[written] = where
                out_upstream[written] = seen[k]
                out_count[written] = count[k]
            written += 1
    return written


@njit(nogil=True, cache=True)
def neighbour_steps(
    time_us, session, prefix, code, route, upstream, from_us, current, skip, row,
    out_us, out_prefix, out_upstream, out_step,
):  # fmt: skip
    """Changes in how many sessions reach each prefix through each neighbour.

    time_us int64[R], session int32[R], prefix int32[R], code uint8[R], route int32[R]   rows in time order
    upstream uint32[Q]      neighbour of each route        from_us   rows from then on count
    current  uint32[P, N]   neighbour of the route held, NOBODY: none; goes on from call to call
    skip     uint8[P]       1: of which nothing is asked
    row      int            where to go on
    out_*    [K]            int64 time, int32 prefix, uint32 neighbour, int32 +1 or -1; K at least 2 P + 2
    Returns the row to go on with, R at the end, and how many were written.
    """
    room = out_us.shape[0] - 2 * current.shape[0]
    written = 0
    while row < time_us.shape[0] and written <= room:
        one, what, who = prefix[row], code[row], session[row]
        if time_us[row] < from_us or (one < 0 and what != CLEAR) or (one >= 0 and skip[one] == 1):
            row += 1
            continue
        to = NOBODY
        if one >= 0 and (what == HOLD or what == DUMPED_HOLD):
            to = upstream[route[row]]
        first, end = (one, one + 1) if one >= 0 else (0, current.shape[0])
        for where in range(first, end):
            if skip[where] == 1:
                continue
            was = current[where, who]
            if was == to:
                continue
            current[where, who] = to
            for side in range(2):
                hop = was if side == 0 else to
                if hop != NOBODY:
                    out_us[written] = time_us[row]
                    out_prefix[written] = where
                    out_upstream[written] = hop
                    out_step[written] = 2 * side - 1
                    written += 1
        row += 1
    return row, written
