"""Votes into what was visible of entities: to the second, in bins, and prefix by prefix."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.levels import COLUMNS, HELD24, HELD48, PREFIXES, SLASH24, SLASH48, VOTERS, levels
from duskwatch.kernels.transit import held_time
from duskwatch.records.prefix import prefix_texts
from duskwatch.records.signals import (
    ROUTING,
    VISIBLE_PREFIXES,
    VISIBLE_SLASH24,
    VISIBLE_SLASH48,
    ChangeLog,
    EntityHistory,
    Level,
    SignalBlock,
    SignalSpec,
    TransitShare,
)
from duskwatch.signals.bgp.entities import ENTITY_CHANGES, by_owner
from duskwatch.signals.bgp.votes import Vote, Votes

PEERS_LIVE = SignalSpec("bgp.peers_live", ROUTING, "none", "voters", "level", less_is_loss=False)
ANNOUNCEMENTS = SignalSpec("bgp.announcements", ROUTING, "updates", "messages", "count", less_is_loss=False)
WITHDRAWALS = SignalSpec("bgp.withdrawals", ROUTING, "updates", "messages", "count", less_is_loss=False)
SPECS = (VISIBLE_PREFIXES, VISIBLE_SLASH24, VISIBLE_SLASH48, PEERS_LIVE, ANNOUNCEMENTS, WITHDRAWALS)
# Values of a Level, by the columns of the kernel.
LEVEL = (
    ("prefixes", PREFIXES),
    ("slash24", SLASH24),
    ("slash48", SLASH48),
    ("held_slash24", HELD24),
    ("held_slash48", HELD48),
    ("voters", VOTERS),
)
# Entities measured in one go, fewer where their levels have many rows.
ENTITIES_AT_ONCE = 1024
ROWS_AT_ONCE = 1 << 21

Stretches = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Address space as sorted stretches [start, end) of /24s or /48s."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Which of the watched prefixes an entity has, and which address space of them counts."""

    selected: npt.NDArray[np.bool_]  # [P] of Votes
    # /24s and /48s that count; None: whatever the prefixes cover.
    slash24: Stretches | None = None
    slash48: Stretches | None = None


def measure(votes: Votes, extent: Extent, bin_us: int) -> EntityHistory:
    """Everything measured about one entity.

    Values of a bin are those at its end, as views taken every five minutes would show them (BGPView); counts of
    announcements and withdrawals are sums over all sessions, full feed or not. NaN where no voter was there.
    """
    owner = np.where(extent.selected, np.int64(0), np.int64(-1))
    ((_, history),) = _measured(votes, owner, np.zeros(1, np.int64), bin_us, (extent.slash24, extent.slash48))
    return history


def measure_each(
    votes: Votes,
    owner: npt.NDArray[np.int64],
    bin_us: int,
    space: tuple[Stretches | None, Stretches | None] = (None, None),
) -> Iterator[tuple[int, EntityHistory]]:
    """What measure() gives for each owner's units, in order of owner.

    owner  int64[P]: whom a unit belongs to, -1 where nobody     space  what counts of all of them, as in Extent
    """
    yield from _measured(votes, owner, np.unique(owner[owner >= 0]), bin_us, space)


def units(
    afi: npt.NDArray[np.uint8], hi: npt.NDArray[np.uint64], length: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The /24s (IPv4) or /48s (IPv6) that each prefix touches, as stretches [start, end) of unit numbers, [P]."""
    four = afi == 1
    start = np.where(four, hi >> np.uint64(40), hi >> np.uint64(16)).astype(np.int64)
    bits = np.where(four, 24, 48) - length.astype(np.int64)
    return start, start + np.where(bits > 0, np.int64(1) << np.maximum(bits, 0), 1)


def _measured(
    votes: Votes,
    owner: npt.NDArray[np.int64],
    owners: npt.NDArray[np.int64],
    bin_us: int,
    space: tuple[Stretches | None, Stretches | None],
) -> Iterator[tuple[int, EntityHistory]]:
    """Each of some owners, in their order, which is ascending; one without a unit has nothing."""
    units_of = np.arange(len(owner), dtype=np.int32)
    unit, unit_bounds = by_owner(owner, units_of, owners)
    number = np.zeros(len(owner), np.int32)
    number[unit] = np.arange(len(unit)) - np.repeat(unit_bounds[:-1], np.diff(unit_bounds))
    row, row_bounds = by_owner(owner, votes.prefix, owners)
    spoken, bins_of, announced, withdrawn = _spoken(votes, bin_us)
    spoken_rows, spoken_bounds = by_owner(owner, spoken, owners)
    at_once = max(1, min(ENTITIES_AT_ONCE, ROWS_AT_ONCE // (len(votes.step_us) + 1)))
    for begin in range(0, len(owners), at_once):
        some = slice(begin, min(begin + at_once, len(owners)))
        whose = np.arange(some.stop - some.start)
        of_some = spoken_rows[spoken_bounds[some.start] : spoken_bounds[some.stop]]
        place = np.repeat(whose, np.diff(spoken_bounds[some.start : some.stop + 1]))
        said = place * _bins(votes, bin_us) + bins_of[of_some], announced[of_some], withdrawn[of_some]
        histories = _some(
            votes,
            unit[unit_bounds[some.start] : unit_bounds[some.stop]],
            unit_bounds[some.start : some.stop + 1] - unit_bounds[some.start],
            number,
            row[row_bounds[some.start] : row_bounds[some.stop]],
            row_bounds[some.start : some.stop + 1] - row_bounds[some.start],
            said,
            bin_us,
            space,
        )
        yield from zip(owners[some].tolist(), histories, strict=True)


def _some(
    votes: Votes,
    unit: npt.NDArray[np.int64],
    unit_bounds: npt.NDArray[np.int64],
    number: npt.NDArray[np.int32],
    row: npt.NDArray[np.int64],
    row_bounds: npt.NDArray[np.int64],
    said: tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int32]],
    bin_us: int,
    space: tuple[Stretches | None, Stretches | None],
) -> Iterator[EntityHistory]:
    count, bins = len(unit_bounds) - 1, _bins(votes, bin_us)
    changes = {name: getattr(votes, name)[row] for name in ENTITY_CHANGES}
    prefix = number[votes.prefix[row]]
    start, end = units(votes.afi[unit], votes.hi[unit], votes.length[unit])
    room = len(row) + count * (len(votes.step_us) + 1)
    bounds = np.zeros(count + 1, np.int64)
    level_us, level, level_by = np.empty(room, np.int64), np.empty((COLUMNS, room)), np.empty(room, np.uint8)
    binned, watched = np.empty((count, 4, bins)), np.empty((count, bins))
    levels(
        unit_bounds,
        (votes.afi[unit] != 1).astype(np.uint8),
        start,
        end,
        row_bounds,
        changes["time_us"],
        prefix,
        changes["state"],
        changes["by_voters"],
        votes.step_us,
        votes.voters4,
        votes.voters6,
        votes.from_us,
        votes.until_us,
        bin_us,
        space[0] is not None,
        *_stretches(space[0]),
        *_stretches(space[1]),
        bounds,
        level_us,
        level,
        level_by,
        binned,
        watched,
    )
    values = np.concatenate([binned, _sums(said, count, bins, watched)], axis=1)
    coverage = np.repeat(watched[:, np.newaxis], len(SPECS), axis=1)
    coverage[:, SPECS.index(PEERS_LIVE)] = 1.0
    texts = prefix_texts(votes.afi[unit], votes.hi[unit], votes.lo[unit], votes.length[unit])
    four = np.concatenate([[0], np.cumsum(votes.afi[unit] == 1)])[unit_bounds]
    six_alone = (np.diff(four) == 0) & (np.diff(unit_bounds) > 0)
    for k in range(count):
        rows, its_rows = slice(bounds[k], bounds[k + 1]), slice(row_bounds[k], row_bounds[k + 1])
        yield EntityHistory(
            Level(
                votes.until_us,
                level_us[rows],
                **{name: level[column, rows] for name, column in LEVEL},
                by_voters=level_by[rows],
            ),
            ChangeLog(
                tuple(texts[unit_bounds[k] : unit_bounds[k + 1]]),
                prefix=prefix[its_rows],
                **{name: column[its_rows] for name, column in changes.items()},
            ),
            SignalBlock(SPECS, votes.from_us, bin_us, values[k], coverage[k]),
            gaps=votes.gaps,
            learned=votes.learned6 if six_alone[k] else votes.learned,
            late=votes.late,
        )


def _bins(votes: Votes, bin_us: int) -> int:
    return max(1, -(-(votes.until_us - votes.from_us) // bin_us))


def _stretches(space: Stretches | None) -> tuple[npt.NDArray[np.int64], ...]:
    """Starts, ends, and how many units lie in the stretches before each."""
    if space is None:
        nothing = np.zeros(0, np.int64)
        return nothing, nothing, np.zeros(1, np.int64)
    return space[0], space[1], np.concatenate([np.zeros(1, np.int64), np.cumsum(space[1] - space[0])])


def _spoken(votes: Votes, bin_us: int) -> tuple[npt.NDArray[np.int32], ...]:
    """Units of which anything was announced or withdrawn, when, and how often, [K] each."""
    counts = votes.counts
    if counts is not None:
        if counts.bin_us != bin_us:
            raise ValueError(f"counted in bins of {counts.bin_us} us, asked for {bin_us}")
        return counts.unit, counts.bin, counts.announced, counts.withdrawn
    rows = votes.rows
    spoken = np.flatnonzero(
        ((rows.code == Vote.HOLD) | (rows.code == Vote.LOSE))
        & (rows.prefix >= 0)
        & (rows.time_us >= votes.from_us)
        & (rows.time_us < votes.until_us)
    )
    is_hold = (rows.code[spoken] == Vote.HOLD).astype(np.int32)
    return (
        rows.prefix[spoken],
        ((rows.time_us[spoken] - votes.from_us) // bin_us).astype(np.int32),
        is_hold,
        1 - is_hold,
    )


def _sums(
    said: tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int32]],
    count: int,
    bins: int,
    watched: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Announcements and withdrawals of each entity in each bin, [K, 2, B]; NaN where nobody watched and heard any."""
    key, announced, withdrawn = said
    out = np.empty((count, 2, bins))
    for k, column in enumerate((announced, withdrawn)):
        sums = np.bincount(key, weights=column, minlength=count * bins).reshape(count, bins)
        out[:, k] = np.where((sums == 0) & (watched == 0), np.nan, sums)
    return out


def transit_shares(votes: Votes, extent: Extent, spans: list[tuple[int, int]]) -> tuple[TransitShare, ...]:
    """Which AS stood before the origin on the routes held, weighted by time, in each span [from, until).

    Every session that held a route counts, full feed or not. Shares of a span add up to 1 where any route was held.
    """
    ases, spent = transit_times(votes, extent, spans)
    return shares_of_time([dict(zip(ases.tolist(), times.tolist(), strict=True)) for times in spent], spans)


def shares_of_time(spent: Sequence[Mapping[int, int]], spans: Sequence[tuple[int, int]]) -> tuple[TransitShare, ...]:
    """Time spent on routes through each AS, by span, as shares; the largest of a span first."""
    return tuple(
        TransitShare(asn, start, end, time / total)
        for times, (start, end) in zip(spent, spans, strict=True)
        if (total := sum(times.values())) > 0
        for asn, time in sorted(times.items(), key=lambda pair: (-pair[1], pair[0]))
        if time > 0
    )


def transit_times(
    votes: Votes, extent: Extent, spans: list[tuple[int, int]]
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """The ASes before the origin on the routes held, [K], and for how long (prefix, session) pairs held one through
    each in each span, microseconds [S, K]."""
    rows = votes.rows
    ids = np.flatnonzero(extent.selected)
    number = np.full(len(votes.afi), -1, np.int32)
    number[ids] = np.arange(len(ids), dtype=np.int32)
    keep = rows.code == Vote.CLEAR
    keep[rows.prefix >= 0] = extent.selected[rows.prefix[rows.prefix >= 0]]
    which = np.flatnonzero(keep)
    code = rows.code[which]
    prefix = np.where(code == Vote.CLEAR, np.int32(-1), number[rows.prefix[which]])
    neighbours, through = np.unique(rows.routes.ends.upstream[rows.route[which]], return_inverse=True)
    through = np.where((code == Vote.HOLD) | (code == Vote.DUMPED_HOLD), through, -1).astype(np.int32)
    shape = (len(ids), len(rows.voter_of))
    spent = np.zeros((len(spans), len(neighbours)), np.int64)
    held_time(
        rows.time_us[which],
        rows.session[which],
        prefix.astype(np.int32),
        through,
        np.array(spans, np.int64).reshape(-1, 2),
        votes.until_us,
        np.full(shape, -1, np.int32),
        np.zeros(shape, np.int64),
        spent,
    )
    return neighbours, spent
