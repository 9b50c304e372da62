"""What a part is of its whole: a network of a country, a prefix of a network; counted before an outage, from levels.

Whoever has levels asks here: an analysis of one country from the votes it counted, a backfill from what a store holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from duskwatch.records.countries import CountryRanges
from duskwatch.records.entity import Entity
from duskwatch.records.networks import Holding
from duskwatch.records.outages import Outage
from duskwatch.records.prefix import Prefix
from duskwatch.records.signals import ChangeLog, Level, PrefixState
from duskwatch.signals.bgp.extents import Stretches, covered, space_of, unit_ranges
from duskwatch.signals.bgp.measures import units

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

COLUMNS = {"bgp.visible_slash24": "slash24", "bgp.visible_slash48": "slash48", "bgp.visible_prefixes": "prefixes"}
"""Signals that count what an entity has, those of address space first, and the columns of a Level."""


@dataclass(frozen=True, slots=True)
class Steps:
    """One count of what an entity had, as a step function: row i holds from time_us[i] to time_us[i + 1]. N rows."""

    time_us: I64  # [N] in order
    count: F64  # [N] NaN where nobody was watching

    def at(self, time_us: I64) -> F64:
        """The count at some times, [K]; NaN ahead of the first row."""
        if not len(self.time_us):
            return np.full(len(time_us), np.nan)
        row = np.searchsorted(self.time_us, time_us, side="right") - 1
        return np.where(row >= 0, self.count[np.maximum(row, 0)], np.nan)


def counted_as(outage: Outage) -> str:
    """The signal by which it is counted what an outage took: /24s; /48s or prefixes where only these tell of it."""
    return next((name for name in COLUMNS if name in outage.signals), "bgp.visible_slash24")


def steps_of(level: Level, signal: str) -> Steps:
    """What one of the signals counted; rows that repeat the one before are left out."""
    count = getattr(level, COLUMNS[signal])
    kept = np.ones(len(count), np.bool_)
    kept[1:] = (count[1:] != count[:-1]) & ~(np.isnan(count[1:]) & np.isnan(count[:-1]))
    return Steps(level.time_us[kept], count[kept])


def holding(part: Steps, whole: Steps, outage: Outage, around: Sequence[Outage]) -> Holding | None:
    """What a part and its whole had before an outage of the part, and before those of the whole that it lies in.

    own, whole  counted as counted_as() says of the outage      around  outages of the whole
    The last moment before it at which both had anything; where there is none, the first moment after. None where there
    never was one.
    """
    at = before(outage, around)
    have, had = (float(steps.at(np.array([at]))[0]) for steps in (part, whole))
    if not (have > 0 and had > 0):
        times = np.unique(np.concatenate([part.time_us, whole.time_us]))
        mine, all_ = part.at(times), whole.at(times)
        both = np.flatnonzero((mine > 0) & (all_ > 0))
        if not len(both):
            return None
        row = both[max(0, int(np.searchsorted(times[both], at, side="right")) - 1)]
        have, had = float(mine[row]), float(all_[row])
    return Holding(counted_as(outage), have, max(have, had))


def before(outage: Outage, around: Sequence[Outage]) -> int:
    """The last microsecond before an outage of a part, and before those of the whole that it touches."""
    end = outage.end.latest_us if outage.end is not None else None
    touched = [
        other.onset.earliest_us
        for other in around
        if (end is None or other.onset.earliest_us <= end)
        and (other.end is None or other.end.latest_us >= outage.onset.earliest_us)
    ]
    return min([outage.onset.earliest_us, *touched]) - 1


# Whose an entity is.


def homes(
    afi: U8, hi: U64, length: U8, network: I64, country: I32, asked: npt.NDArray[np.bool_], ranges: CountryRanges
) -> dict[int, str]:
    """The country in which each of some networks lies whole; without those that lie in several, or in none.

    afi, hi, length  [P] prefixes     network  [P] AS of each, below 1 where there is none
    country          [P] index into ranges.countries, -1: of none     asked  [P] of whose networks it is asked
    """
    rows = np.flatnonzero(np.isin(network, network[asked & (network > 0)]) & (network > 0))
    where = np.unique(np.column_stack([network[rows], country[rows].astype(np.int64)]), axis=0)
    asns, first, many = np.unique(where[:, 0], return_index=True, return_counts=True)
    of = {
        asn: index
        for asn, index, count in zip(asns.tolist(), where[first, 1].tolist(), many.tolist(), strict=True)
        if count == 1 and index >= 0
    }
    rows = rows[np.isin(network[rows], np.fromiter(of, np.int64, len(of)))]
    rows = rows[np.lexsort((afi[rows], country[rows]))]
    start, end = units(afi[rows], hi[rows], length[rows])
    edges = np.flatnonzero(np.diff(country[rows], prepend=-2) | np.diff(afi[rows].astype(np.int16), prepend=0))
    for low, high in pairwise([*edges.tolist(), len(rows)]):
        counted = unit_ranges(ranges, ranges.countries[int(country[rows[low]])], int(afi[rows[low]]))
        outside = _counted(start[low:high], end[low:high], counted) < end[low:high] - start[low:high]
        for asn in network[rows[low:high]][outside].tolist():
            of.pop(asn, None)
    return {asn: ranges.countries[index] for asn, index in of.items()}


def home_of(log: ChangeLog, ranges: CountryRanges) -> str:
    """The country in which all prefixes of a network lie whole; empty where there is none."""
    afi, hi, lo, length = _columns([Prefix.parse(name) for name in log.prefixes])
    country = ranges.countries_of(afi, hi, lo, length)
    everything = np.ones(len(afi), np.bool_)
    return homes(afi, hi, length, np.ones(len(afi), np.int64), country, everything, ranges).get(1, "")


def parts_of_networks(
    network: I64, country: I32, fallen: npt.NDArray[np.bool_], home: Mapping[int, str], codes: Sequence[str]
) -> list[tuple[int, str]]:
    """Networks that do not lie in one country whole, and the countries in which they lost anything: (AS, code).

    network  [P] AS of each prefix, below 1 where there is none     country  [P] index into codes, -1: of none
    fallen   [P] it was lost     home  of all networks that lie in one, homes()
    """
    lost = np.flatnonzero(fallen & (network > 0) & (country >= 0))
    pairs = np.unique(np.column_stack([network[lost], country[lost].astype(np.int64)]), axis=0)
    return [(asn, codes[index]) for asn, index in pairs.tolist() if asn not in home]


def _counted(start: I64, end: I64, counted: Stretches) -> I64:
    """How many of the units of each stretch [start, end) count."""
    first, last = counted
    if not len(first):
        return np.zeros(len(start), np.int64)
    total = np.concatenate([[0], np.cumsum(last - first)])

    def below(at: I64) -> I64:
        row = np.searchsorted(first, at, side="right") - 1
        held = np.maximum(row, 0)
        return np.where(row >= 0, total[held] + np.minimum(at, last[held]) - first[held], 0)

    return below(end) - below(start)


def network_of(prefix: Entity, log: ChangeLog, outage: Outage) -> Entity | None:
    """The AS that originated the most of a prefix just before an outage; None where nothing says it.

    Where nothing was visible then, all that ever was counts.
    """
    at = int(np.searchsorted(log.time_us, outage.onset.earliest_us - 1, side="right"))
    last = np.full(len(log.prefixes), -1, np.int64)
    last[log.prefix[:at]] = np.arange(at)
    up = (last >= 0) & (log.state[np.maximum(last, 0)] == PrefixState.VISIBLE) if len(log.state) else last >= 0
    if not up.any():
        seen = np.flatnonzero(log.state == PrefixState.VISIBLE)
        last[log.prefix[seen[::-1]]] = seen[::-1]
        up = last >= 0
    visible, rows = np.flatnonzero(up), last[up]
    origin = log.origin[rows]
    prefixes = [Prefix.parse(log.prefixes[k]) for k in visible.tolist()]
    inside = space_of(prefix, None)[0 if Prefix.parse(prefix.code).afi == 1 else 1]
    assert inside is not None
    most: dict[int, int] = {}
    for asn in np.unique(origin[origin > 0]).tolist():
        of_asn = [one for one, its in zip(prefixes, origin.tolist(), strict=True) if its == asn]
        most[asn] = covered(*units(*_units_of(of_asn)), inside)
    found = min(most, key=lambda asn: (-most[asn], f"AS{asn}"), default=None)
    return None if found is None else Entity("asn", f"AS{found}")


def _columns(
    prefixes: Sequence[Prefix],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint64], npt.NDArray[np.uint64], npt.NDArray[np.uint8]]:
    return (
        np.array([prefix.afi for prefix in prefixes], np.uint8),
        np.array([prefix.hi for prefix in prefixes], np.uint64),
        np.array([prefix.lo for prefix in prefixes], np.uint64),
        np.array([prefix.length for prefix in prefixes], np.uint8),
    )


def _units_of(
    prefixes: Sequence[Prefix],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint64], npt.NDArray[np.uint8]]:
    afi, hi, _, length = _columns(prefixes)
    return afi, hi, length
