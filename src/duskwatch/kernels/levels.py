"""What many entities had visible, one after the other: levels to the second, and their values in bins."""

import numpy as np
from numba import njit

from duskwatch.kernels.codes import UNKNOWN
from duskwatch.kernels.votes import cover_steps

# Columns of what is written of a level.
PREFIXES, SLASH24, SLASH48, HELD24, HELD48, VOTERS = range(6)
COLUMNS = 6


@njit(nogil=True, cache=True)
def _counted_below(at, first, end, total):
    """How many units of the sorted stretches [first, end) lie below ``at``; total int64[N + 1]: units before each."""
    k = np.searchsorted(first, at, side="right") - 1
    if k < 0:
        return np.int64(0)
    return total[k] + min(at, end[k]) - first[k]


@njit(nogil=True, cache=True)
def _segments(start, end, address_family, kind, counted_first, counted_end, counted_total, limited, first, last):
    """Cut the space of one address family's units at their borders; how many that count lie in each piece, float64[S].

    first, last int64[P] (out): pieces [first, last) of each unit of the address family.
    """
    borders = np.empty(2 * start.shape[0], np.int64)
    n = 0
    for p in range(start.shape[0]):
        if address_family[p] == kind:
            borders[n] = start[p]
            borders[n + 1] = end[p]
            n += 2
    if n == 0:
        return np.empty(0)
    borders = borders[:n]
    borders.sort()
    cuts = 1
    for i in range(1, n):
        if borders[i] != borders[cuts - 1]:
            borders[cuts] = borders[i]
            cuts += 1
    borders = borders[:cuts]
    weight = np.empty(cuts - 1)
    for k in range(cuts - 1):
        if limited:
            weight[k] = _counted_below(borders[k + 1], counted_first, counted_end, counted_total) - _counted_below(
                borders[k], counted_first, counted_end, counted_total
            )
        else:
            weight[k] = borders[k + 1] - borders[k]
    for p in range(start.shape[0]):
        if address_family[p] == kind:
            first[p] = np.searchsorted(borders, start[p])
            last[p] = np.searchsorted(borders, end[p])
    return weight


@njit(nogil=True, cache=True)
def levels(
    unit_bounds, address_family, start, end,
    row_bounds, time_us, unit, state, by_voters,
    step_us, voters4, voters6, from_us, until_us, bin_us,
    limited, first4, end4, total4, first6, end6, total6,
    bounds, level_us, level, level_by, binned, watched,
):  # fmt: skip
    """Walk the changes of each entity's units and say what was visible: K entities, U units, C changes, T steps.

    unit_bounds int64[K + 1]   units of entity k are [unit_bounds[k], unit_bounds[k + 1]): address_family uint8[U] (0 v4
                               1 v6), start/end int64[U], the /24s or /48s that each touches
    row_bounds int64[K + 1]    likewise its changes, in time order: time_us int64[C], unit int32[C] (from 0 on in each
                               entity), state/by_voters uint8[C]
    step_us int64[T], voters4/voters6 int32[T]   number of voters from each step on, in time order; none before
    from_us, until_us, bin_us  the window, and the length of its B bins; the last one may be shorter
    limited                    count only units of address space in the sorted stretches [first4, end4), [first6, end6)
                               int64[N]; total4/total6 int64[N + 1]: units in those before each
    bounds int64[K + 1]        out: rows of each level; level_us int64[R], level float64[COLUMNS, R], level_by uint8[R]:
                               R at least C + K * (T + 1). NaN where nobody watched
    binned float64[K, 4, B]    out: prefixes, /24s, /48s and voters at the end of each bin
    watched float64[K, B]      out: share of each bin in which at least one voter was there and something was known
    """
    at = 0
    bins = watched.shape[1]
    for k in range(unit_bounds.shape[0] - 1):
        bounds[k] = at
        u0, u1 = unit_bounds[k], unit_bounds[k + 1]
        r0, r1 = row_bounds[k], row_bounds[k + 1]
        its_families = address_family[u0:u1]
        has4, has6 = False, False
        for p in range(u1 - u0):
            if its_families[p] == 0:
                has4 = True
            else:
                has6 = True
        first, last = np.zeros(u1 - u0, np.int64), np.zeros(u1 - u0, np.int64)
        weight4 = _segments(start[u0:u1], end[u0:u1], its_families, 0, first4, end4, total4, limited, first, last)
        weight6 = _segments(start[u0:u1], end[u0:u1], its_families, 1, first6, end6, total6, limited, first, last)
        out_us, values = np.empty(r1 - r0, np.int64), np.empty((r1 - r0, 5))
        out_by = np.empty(r1 - r0, np.uint8)
        rows = cover_steps(
            time_us[r0:r1], unit[r0:r1], state[r0:r1], by_voters[r0:r1], its_families, first, last, weight4, weight6,
            np.zeros(u1 - u0, np.uint8), np.zeros(u1 - u0, np.uint8),
            np.zeros(len(weight4), np.int32), np.zeros(len(weight6), np.int32),
            np.zeros(len(weight4), np.int32), np.zeros(len(weight6), np.int32),
            out_us, values, out_by,
        )  # fmt: skip
        state_known = np.zeros(u1 - u0, np.uint8)
        known4 = known6 = 0
        now4 = now6 = 0.0
        row, change, step = 0, r0, 0
        now = from_us
        begin = at
        while now < until_us:
            by = np.uint8(1)
            while row < rows and out_us[row] <= now:
                if out_us[row] == now:
                    by = out_by[row]
                row += 1
            while change < r1 and time_us[change] <= now:
                p = unit[change]
                is_known = np.uint8(1) if state[change] != UNKNOWN else np.uint8(0)
                if is_known != state_known[p]:
                    state_known[p] = is_known
                    if its_families[p] == 0:
                        known4 += 1 if is_known else -1
                    else:
                        known6 += 1 if is_known else -1
                change += 1
            while step < step_us.shape[0] and step_us[step] <= now:
                now4, now6 = float(voters4[step]), float(voters6[step])
                step += 1
            blind4 = now4 == 0 or known4 == 0
            blind6 = now6 == 0 or known6 == 0
            level_us[at] = now
            level_by[at] = by
            for c in range(5):
                level[c, at] = values[row - 1, c] if row > 0 else 0.0
            if ((blind4 or not has4) and (blind6 or not has6)) or (has4 and now4 == 0):
                level[PREFIXES, at] = np.nan
            if blind4:
                level[SLASH24, at] = level[HELD24, at] = np.nan
            if blind6:
                level[SLASH48, at] = level[HELD48, at] = np.nan
            level[VOTERS, at] = max(now4 if has4 or not has6 else 0.0, now6 if has6 or not has4 else 0.0)
            at += 1
            following = until_us
            if row < rows:
                following = min(following, out_us[row])
            if step < step_us.shape[0]:
                following = min(following, step_us[step])
            now = following
        j = begin
        for b in range(bins):
            low = from_us + b * bin_us
            high = min(low + bin_us, until_us)
            spent = np.int64(0)
            q = j
            while q < at and level_us[q] < high:
                stop = level_us[q + 1] if q + 1 < at else until_us
                if not np.isnan(level[PREFIXES, q]):
                    spent += max(0, min(stop, high) - max(level_us[q], low))
                q += 1
            j = q - 1
            binned[k, 0, b] = level[PREFIXES, j]
            binned[k, 1, b] = level[SLASH24, j]
            binned[k, 2, b] = level[SLASH48, j]
            binned[k, 3, b] = level[VOTERS, j]
            watched[k, b] = spent / max(high - low, 1)
    bounds[unit_bounds.shape[0] - 1] = at
