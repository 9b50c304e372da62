"""The table that stood when a window began, the origins of its routes, and the routes held at a moment."""

import numpy as np
from numba import njit

from duskwatch.kernels.codes import (
    CLEAR,
    DOWN,
    DUMPED,
    DUMPED4,
    DUMPED6,
    DUMPED_HOLD,
    ENDED,
    HELD,
    HOLD,
    LIVE,
    LOSE,
    OTHER,
    QUIET,
    SILENT,
    UNMET,
    VOTE_DUMPED_HOLD,
    VOTE_HOLD,
    WHOLE,
    WHOLE4,
    WHOLE6,
)


@njit(nogil=True, cache=True)
def absorb(
    time_us, peer, prefix, op, route, before_us,
    cells, routes, last_us, last_route, mentioned, complete, fresh, sessions, keep,
):  # fmt: skip
    """Take what a log says of the time before a window into the table that stands when it begins.

    time_us int64[L], peer/prefix int32[L], op uint8[L], route int32[L]   rows of the log; prefix -1 for sessions
    before_us   rows before it are absorbed
    cells   uint8[Q, N]   in/out: HELD (1) and KNOWN (2), what each session said last
    routes  int32[Q, N]   in/out: the route it held last, whether it holds it still or not
    last_us int64[Q], last_route int32[Q]   in/out: the latest of all sessions' routes, -1 before the first
    mentioned  uint8[Q]   in/out: 1 where a row that is absorbed names the prefix
    complete, fresh  uint8[N]   in/out: families, bits: its whole table is known; it ended and that is not known yet
    sessions  uint8[N]    in/out: UNMET, LIVE, ENDED or QUIET; of an end and a silence the one that came first
    keep    uint8[L]      out: 1 where the row stays in the log
    """
    for row in range(time_us.shape[0]):
        keep[row] = 1
        if time_us[row] >= before_us:
            continue
        what = op[row]
        where = prefix[row]
        who = peer[row]
        if who < 0 or who >= complete.shape[0]:
            continue
        if where < 0:
            keep[row] = 0
            if what == DOWN:
                complete[who], fresh[who] = 0, WHOLE
                for q in range(cells.shape[0]):
                    cells[q, who] = 0
            elif what == DUMPED or what == DUMPED4 or what == DUMPED6:
                told = WHOLE if what == DUMPED else WHOLE4 if what == DUMPED4 else WHOLE6
                complete[who] |= told
                fresh[who] &= WHOLE - told
            if what != DOWN and what != SILENT:
                sessions[who] = LIVE
            elif sessions[who] == UNMET or sessions[who] == LIVE:
                sessions[who] = ENDED if what == DOWN else QUIET
            continue
        if where >= cells.shape[0]:
            continue
        mentioned[where] = 1
        keep[row] = 0
        if what == LOSE or what == OTHER:
            cells[where, who] = 2
        else:
            cells[where, who] = 3
            routes[where, who] = route[row]
            if time_us[row] >= last_us[where]:
                last_us[where] = time_us[row]
                last_route[where] = route[row]


@njit(nogil=True, cache=True)
def one_origin(routes, origin_of, origin, several):
    """Note which prefixes had routes to more than one origin, from the table that stands at the start.

    routes int32[Q, N]   as above; route 0 is none     origin_of uint32[R]  the origin of each path
    origin  int64[Q]  in/out: the origin met, -1 before any     several  uint8[Q]  in/out: 1 where there was another
    """
    for q in range(routes.shape[0]):
        for n in range(routes.shape[1]):
            if routes[q, n] != 0:
                found = np.int64(origin_of[routes[q, n]])
                if origin[q] < 0:
                    origin[q] = found
                elif origin[q] != found:
                    several[q] = 1


@njit(nogil=True, cache=True)
def more_origins(prefix, op, route, origin_of, origin, several):
    """The same from the rows of a log; prefix int32[L] (-1 for sessions), op uint8[L], route int32[L].

    A withdrawal before any origin was met counts as another origin: it is not that AS's.
    """
    for row in range(prefix.shape[0]):
        where = prefix[row]
        if where >= 0 and op[row] == LOSE and origin[where] < 0:
            several[where] = 1
        if where < 0 or not (op[row] == HOLD or op[row] == DUMPED_HOLD):
            continue
        found = np.int64(origin_of[route[row]])
        if origin[where] < 0:
            origin[where] = found
        elif origin[where] != found:
            several[where] = 1


@njit(nogil=True, cache=True)
def held_routes(time_us, session, prefix, code, route, until_us, held):
    """Which route each session holds to each prefix after some rows of votes.

    time_us int64[R], session/prefix int32[R], code uint8[R], route int32[R]   rows in time order; prefix -1: a session
    until_us  rows from then on are not read
    held int32[U, N]  in/out: the route, -1 where there is none
    """
    for row in range(time_us.shape[0]):
        if time_us[row] >= until_us:
            break
        where, what = prefix[row], code[row]
        if where >= 0:
            held[where, session[row]] = route[row] if what == VOTE_HOLD or what == VOTE_DUMPED_HOLD else -1
        elif what == CLEAR:
            for unit in range(held.shape[0]):
                held[unit, session[row]] = -1


@njit(nogil=True, cache=True)
def mark_held(cells, routes, number, sessions, wanted):
    """Mark the routes that are held: wanted uint8[R] in/out.

    cells uint8[Q, N], routes int32[Q, N]   a StartTable     number int32[Q]  -1 where a prefix does not count
    sessions  columns that count
    """
    for q in range(number.shape[0]):
        if number[q] >= 0:
            for n in range(sessions):
                if cells[q, n] & HELD:
                    wanted[routes[q, n]] = 1


@njit(nogil=True, cache=True)
def place_held(cells, routes, number, sessions, ids, first, path):
    """Write the routes that are held, by their number in another pool: path int32[P, *] out, from column ``first`` on.

    cells, routes, number, sessions   as of mark_held(); number is the row of ``path``     ids int32[R]
    """
    for q in range(number.shape[0]):
        if number[q] >= 0:
            for n in range(sessions):
                if cells[q, n] & HELD:
                    path[number[q], first + n] = ids[routes[q, n]]
