"""Loss against what is normal: a trailing median of a step function, and the excursions of the level below it."""

import numpy as np
from numba import njit

from duskwatch.kernels.codes import ACCEPTED, BACK, OPEN, SETTLED


@njit(nogil=True, cache=True, inline="always")
def _add(tree, rank, weight):
    i = rank + 1
    while i < tree.shape[0]:
        tree[i] += weight
        i += i & -i


@njit(nogil=True, cache=True, inline="always")
def _below(tree, rank):
    """Sum of the weights of all ranks below one."""
    total = np.int64(0)
    i = rank
    while i > 0:
        total += tree[i]
        i -= i & -i
    return total


@njit(nogil=True, cache=True, inline="always")
def _select(tree, target):
    """Smallest rank up to which the weights add up to at least ``target`` (above zero)."""
    step = 1
    while step * 2 < tree.shape[0]:
        step *= 2
    at = 0
    while step > 0:
        after = at + step
        if after < tree.shape[0] and tree[after] < target:
            at = after
            target -= tree[after]
        step >>= 1
    return at


@njit(nogil=True, cache=True)
def trailing_median(edge_us, rank, counted, window_us, tree, out):
    """Time-weighted median of a step function over the time before each of its steps.

    edge_us  int64[N + 1]  start of each step and the end of the last
    rank     int32[N]      rank of the step's value among the K distinct ones
    counted  uint8[N]      1 where the step takes part
    tree     int64[K + 1]  scratch, zero at entry
    out      int32[N]      rank of the (lower) median at the start of each step; -1 where nothing came before
    """
    tail = 0
    total = np.int64(0)
    taken = np.zeros(rank.shape[0], np.int64)
    for i in range(rank.shape[0]):
        cut = edge_us[i] - window_us
        while tail < i and edge_us[tail] < cut:
            left = max(np.int64(0), edge_us[tail + 1] - cut)
            if taken[tail] > left:
                _add(tree, rank[tail], left - taken[tail])
                total -= taken[tail] - left
                taken[tail] = left
            if left > 0:
                break
            tail += 1
        out[i] = _select(tree, (total + 1) // 2) if total > 0 else -1
        if counted[i] == 1:
            taken[i] = edge_us[i + 1] - edge_us[i]
            total += taken[i]
            _add(tree, rank[i], taken[i])


@njit(nogil=True, cache=True)
def excursions(
    edge_us, level, held, rank, values, voters, blind, by_voters, lift,
    window_us, least_us, deep_us, deep, band, exit_band, bridge_us, settle_us, accept_us,
    tree, expected, loss, first, confirmed, end_us, ending,
):  # fmt: skip
    """Walk a level and tell what it should be, the share lost, and each excursion out of the normal band.

    edge_us    int64[N + 1]   start of each step and the end of the last
    level      float64[N]     held float64[N]: what any voter holds; both are read only where not blind
    rank       int32[N]       rank of the level among values float64[K], sorted and distinct
    voters     float64[N]     how many there are
    blind, by_voters  uint8[N]
    lift       1: an excursion is measured from the level just before it where that is above the median
    window_us, least_us, band, exit_band, bridge_us, settle_us, accept_us   see detection.baselines.trailing; no
               excursion begins before the level was at or above its normal band for least_us; but one that loses the
               share ``deep`` or more does after deep_us
    tree       int64[K + 1]   scratch, zero at entry
    expected   float64[N] out; NaN before anything is known
    loss       float64[N] out, 0..1; NaN where blind
    first, confirmed int32[N], end_us int64[N], ending uint8[N] out: one row per excursion; ``confirmed`` is the step
    with which it begins, ``first`` an earlier one where what was lost had gone with voters before routes confirmed
    it, else the same; ``end_us`` is -1 while it lasts

    Returns the number of excursions, and the time from which a loss would be reported; the end where there is none.
    """
    n = level.shape[0]
    found = 0
    settled_us = edge_us[0] if least_us == 0 else edge_us[n]
    inside = False
    tail = 0
    total = np.int64(0)
    taken = np.zeros(n, np.int64)  # weight of each step in the median
    taken_from = np.zeros(n, np.int64)
    normal = np.nan
    reference = np.nan
    should = np.nan
    settled = nearly = False
    last_level, last_voters = np.nan, 0.0
    after_gap = False
    most, since_voters = np.inf, -1  # the most that the voters left can be asked for, and from which step on
    good_since, good_for = -1, 0
    soft_since, soft_for = -1, 0
    anchor, anchor_us = np.nan, 0
    for i in range(n):
        start, stop = edge_us[i], edge_us[i + 1]
        # Taken at the start of a gap too: what was normal then stays so, however long nobody watches.
        if not inside and (blind[i] == 0 or not after_gap):
            cut = start - window_us
            while tail < i and edge_us[tail] < cut:
                left = max(np.int64(0), edge_us[tail + 1] - max(cut, taken_from[tail]))
                if taken[tail] > left:
                    _add(tree, rank[tail], left - taken[tail])
                    total -= taken[tail] - left
                    taken[tail] = left
                if edge_us[tail + 1] > cut:
                    break
                tail += 1
            if total > 0:
                normal = values[_select(tree, (total + 1) // 2)]
        if blind[i] == 1:
            expected[i] = should
            loss[i] = np.nan
            after_gap = True
            continue
        base = reference if inside else normal
        change = level[i] - last_level
        # A gap that ends with as many voters as it began with says nothing of them: what changed in it, routes did.
        if by_voters[i] == 1 and not (after_gap and voters[i] == last_voters):
            if change < 0:
                if most >= base:
                    most, since_voters = base, i
                most = min(most, most - (min(most, last_level) - level[i]))
            elif change > 0:
                most += change
        elif change > 0:
            most = max(most, level[i])
        before = most
        # What no voter at all holds any more did not go with voters.
        most = max(most, base - max(0.0, held[i] - level[i]))
        if not most < base:
            most = np.inf
        should = min(base, most) if base == base else np.nan
        if not inside:
            if not settled:
                low = np.searchsorted(values, (1.0 - band) * normal)
                stood = total - _below(tree, low) if least_us > 0 else np.int64(0)
                settled = stood >= least_us
                nearly = stood >= deep_us
            asked = band if settled else deep
            if (settled or nearly) and should > 0 and 1.0 - level[i] / should >= asked:
                inside = True
                reference = normal
                if lift == 1 and last_level > normal and last_level <= 2.0 * normal:
                    reference = last_level
                should = min(reference, most)
                confirmed[found] = i
                first[found] = i
                if since_voters >= 0 and before < most and (before <= 0 or 1.0 - level[i] / before < band):
                    first[found] = since_voters
                good_since, good_for = -1, 0
                soft_since, soft_for = -1, 0
                anchor, anchor_us = level[i], start
        if most == np.inf:
            since_voters = -1
        expected[i] = should
        share = min(1.0, max(0.0, 1.0 - level[i] / should)) if should > 0 else 0.0
        loss[i] = share
        counted_from = start
        if inside:
            if share > exit_band:
                good_since, good_for = -1, 0
            else:
                if good_since < 0:
                    good_since = start
                good_for += stop - start
            if share >= band:
                soft_since, soft_for = -1, 0
            else:
                if soft_since < 0:
                    soft_since = start
                soft_for += stop - start
            if abs(level[i] - anchor) > band * reference:
                anchor, anchor_us = level[i], start
            how = OPEN
            if good_for >= bridge_us and good_since >= 0:
                how, closes, since = BACK, stop - (good_for - bridge_us), good_since
            elif soft_for >= settle_us and soft_since >= 0:
                how, closes, since = SETTLED, stop - (soft_for - settle_us), soft_since
            elif level[i] > 0 and stop - anchor_us >= accept_us:
                closes = max(start, anchor_us + accept_us)
                how, since = ACCEPTED, closes
            if how != OPEN:
                end_us[found] = since
                ending[found] = how
                inside = False
                found += 1
                counted_from = closes
                if how == ACCEPTED:
                    normal, most = level[i], np.inf
        # Zero is never what an entity should be: one that is dark when the window opens is not measured by that.
        if not inside and level[i] > 0 and stop > counted_from:
            taken_from[i] = counted_from
            taken[i] = stop - counted_from
            total += taken[i]
            _add(tree, rank[i], taken[i])
            if settled_us == edge_us[n]:
                low = np.searchsorted(values, (1.0 - band) * (normal if normal == normal else level[i]))
                stood = total - _below(tree, low)
                if stood >= least_us:
                    settled_us = max(start, stop - (stood - least_us))
        last_level, last_voters = level[i], voters[i]
        after_gap = False
    if inside:
        end_us[found] = good_since
        ending[found] = BACK if good_since >= 0 else OPEN
        found += 1
    return found, settled_us
