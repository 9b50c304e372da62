"""What one entity had visible, step by step with NumPy: the slow twin of signals.measures."""

import numpy as np

from duskwatch.kernels.votes import cover_steps
from duskwatch.records.prefix import Prefix
from duskwatch.records.signals import ChangeLog, EntityHistory, Level, PrefixState, SignalBlock
from duskwatch.signals.bgp.measures import SPECS, Extent, units
from duskwatch.signals.bgp.votes import Vote, Votes


def measure(votes: Votes, extent: Extent, bin_us: int) -> EntityHistory:
    """As signals.measures.measure."""
    level = _level(votes, extent)
    changes = _changes(votes, extent)
    signals = _signals(votes, extent, level, bin_us)
    return EntityHistory(level, changes, signals, gaps=votes.gaps, learned=votes.learned)


def _segments(
    start: np.ndarray,
    end: np.ndarray,
    counted: tuple[np.ndarray, np.ndarray] | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Cut address space at every border of a prefix or of what counts: borders [K + 1] and units in between [K]."""
    borders = [start, end]
    if counted is not None:
        borders += [counted[0], counted[1]]
    cuts = np.unique(np.concatenate(borders)) if len(start) else np.zeros(1, np.int64)
    weight = np.diff(cuts).astype(np.float64)
    if counted is not None and len(weight):
        inside = np.searchsorted(counted[0], cuts[:-1], side="right") - 1
        weight[(inside < 0) | (cuts[:-1] >= counted[1][np.maximum(inside, 0)])] = 0.0
    return cuts, weight


def _level(votes: Votes, extent: Extent) -> Level:
    ids = np.flatnonzero(extent.selected)
    number = np.full(len(votes.afi), -1, np.int32)
    number[ids] = np.arange(len(ids), dtype=np.int32)
    mine = np.flatnonzero(extent.selected[votes.prefix]) if len(votes.prefix) else np.empty(0, np.int64)
    prefix = number[votes.prefix[mine]]
    time_us, state, by_voters = votes.time_us[mine], votes.state[mine], votes.by_voters[mine]
    family = (votes.afi[ids] != 1).astype(np.uint8)
    start, end = units(votes.afi[ids], votes.hi[ids], votes.length[ids])
    first, last = np.zeros(len(ids), np.int64), np.zeros(len(ids), np.int64)
    weights = []
    for kind, counted in ((0, extent.slash24), (1, extent.slash48)):
        own = family == kind
        cuts, weight = _segments(start[own], end[own], counted)
        first[own] = np.searchsorted(cuts, start[own])
        last[own] = np.searchsorted(cuts, end[own])
        weights.append(weight)
    out_time = np.empty(len(mine), np.int64)
    out_values = np.zeros((len(mine), 5))
    out_by = np.zeros(len(mine), np.uint8)
    covers = [np.zeros(len(weight), np.int32) for weight in weights for _ in (0, 1)]
    rows = cover_steps(
        time_us,
        prefix,
        state,
        by_voters,
        family,
        first,
        last,
        weights[0],
        weights[1],
        np.zeros(len(ids), np.uint8),
        np.zeros(len(ids), np.uint8),
        covers[0],
        covers[2],
        covers[1],
        covers[3],
        out_time,
        out_values,
        out_by,
    )
    known_us, known4, known6 = _known(time_us, prefix, state, family)
    times = np.unique(np.concatenate([[votes.from_us], out_time[:rows], votes.step_us]))
    times = times[(times >= votes.from_us) & (times < votes.until_us)]
    values = _held(times, out_time[:rows], out_values[:rows], np.zeros(5))
    voters4 = _held(times, votes.step_us, votes.voters4.astype(float), 0.0)
    voters6 = _held(times, votes.step_us, votes.voters6.astype(float), 0.0)
    blind4 = (voters4 == 0) | (_held(times, known_us, known4, 0.0) == 0)
    blind6 = (voters6 == 0) | (_held(times, known_us, known6, 0.0) == 0)
    has4, has6 = bool((family == 0).any()), bool((family == 1).any())
    blind = (blind4 | ~np.bool_(has4)) & (blind6 | ~np.bool_(has6)) | (has4 & blind4 & (voters4 == 0))
    values[blind, 0] = np.nan
    values[np.ix_(blind4, [1, 3])] = np.nan
    values[np.ix_(blind6, [2, 4])] = np.nan
    by = np.ones(len(times), np.uint8)
    at = np.searchsorted(times, out_time[:rows])
    inside = (at < len(times)) & (out_time[:rows] >= votes.from_us) & (out_time[:rows] < votes.until_us)
    by[at[inside]] = out_by[:rows][inside]
    return Level(
        votes.until_us,
        times,
        values[:, 0].copy(),
        values[:, 1].copy(),
        values[:, 2].copy(),
        values[:, 3].copy(),
        values[:, 4].copy(),
        np.maximum(voters4 if has4 or not has6 else 0.0, voters6 if has6 or not has4 else 0.0),
        by,
    )


def _known(
    time_us: np.ndarray,
    prefix: np.ndarray,
    state: np.ndarray,
    family: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many prefixes of each family were in a known state from each change on."""
    known = (state != PrefixState.UNKNOWN).astype(np.int8)
    order = np.lexsort((np.arange(len(prefix)), prefix))
    before = np.zeros(len(prefix), np.int8)
    follows = np.flatnonzero(np.diff(prefix[order]) == 0)
    before[order[follows + 1]] = known[order[follows]]
    step = (known - before).astype(np.float64)
    four = family[prefix] == 0 if len(prefix) else np.empty(0, bool)
    return time_us, np.cumsum(np.where(four, step, 0.0)), np.cumsum(np.where(four, 0.0, step))


def _held(
    times: np.ndarray,
    at: np.ndarray,
    values: np.ndarray,
    before: np.ndarray,
) -> np.ndarray:
    """A step function that changes ``at`` to ``values``, read at ``times``; ``before`` holds ahead of the first."""
    index = np.searchsorted(at, times, side="right") - 1
    if not len(at):
        return np.broadcast_to(np.asarray(before, float), (len(times), *np.shape(before))).copy()
    out = values[np.maximum(index, 0)].copy()
    out[index < 0] = before
    return out


def _changes(votes: Votes, extent: Extent) -> ChangeLog:
    ids = np.flatnonzero(extent.selected)
    number = np.full(len(votes.afi), -1, np.int32)
    number[ids] = np.arange(len(ids), dtype=np.int32)
    mine = np.flatnonzero(extent.selected[votes.prefix]) if len(votes.prefix) else np.empty(0, np.int64)
    return ChangeLog(
        tuple(str(Prefix(int(votes.afi[i]), int(votes.hi[i]), int(votes.lo[i]), int(votes.length[i]))) for i in ids),
        votes.time_us[mine],
        number[votes.prefix[mine]],
        votes.state[mine],
        votes.votes[mine],
        votes.voters[mine],
        votes.origin[mine],
        votes.upstream[mine],
        votes.by_voters[mine],
        votes.beyond[mine],
    )


def _signals(votes: Votes, extent: Extent, level: Level, bin_us: int) -> SignalBlock:
    bins = max(1, -(-(votes.until_us - votes.from_us) // bin_us))
    ends = np.minimum(votes.from_us + bin_us * np.arange(1, bins + 1, dtype=np.int64), votes.until_us)
    starts = votes.from_us + bin_us * np.arange(bins, dtype=np.int64)
    at = np.searchsorted(level.time_us, ends, side="left") - 1
    watching = _share_watched(level, starts, ends)
    counts = [np.where((count == 0) & (watching == 0), np.nan, count) for count in _counts(votes, extent, bin_us, bins)]
    values = np.vstack(
        [level.prefixes[at], level.slash24[at], level.slash48[at], level.voters[at], counts[0], counts[1]]
    )
    coverage = np.tile(watching, (len(SPECS), 1))
    coverage[3] = 1.0
    return SignalBlock(SPECS, votes.from_us, bin_us, values, coverage)


def _counts(votes: Votes, extent: Extent, bin_us: int, bins: int) -> list[np.ndarray]:
    """Announcements and withdrawals in each bin, [B] each."""
    if votes.counts is not None:
        counts = votes.counts
        if counts.bin_us != bin_us:
            raise ValueError(f"counted in bins of {counts.bin_us} us, asked for {bin_us}")
        own = extent.selected[counts.unit]
        return [
            np.bincount(counts.bin[own], weights=column[own], minlength=bins).astype(float)
            for column in (counts.announced, counts.withdrawn)
        ]
    rows = votes.rows
    mine = (rows.prefix >= 0) & (rows.time_us >= votes.from_us) & (rows.time_us < votes.until_us)
    mine[mine] = extent.selected[rows.prefix[mine]]
    return [
        np.bincount((rows.time_us[mine & (rows.code == code)] - votes.from_us) // bin_us, minlength=bins).astype(float)
        for code in (Vote.HOLD, Vote.LOSE)
    ]


def _share_watched(level: Level, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Share of each bin in which at least one voter was there and something was known, [B]."""
    edges = np.append(level.time_us, level.until_us)
    watched = np.where(np.isnan(level.prefixes), 0, np.diff(edges))
    total = np.concatenate([[0], np.cumsum(watched)]).astype(float)
    spent = np.interp(ends, edges, total) - np.interp(starts, edges, total)
    share: np.ndarray = spent / np.maximum(ends - starts, 1)
    return share
