"""What an entity has, and what a part has of its whole, before an outage."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial

import numpy as np
import numpy.typing as npt

from duskwatch.records.countries import CountryRanges
from duskwatch.records.entity import Entity
from duskwatch.records.networks import Holding
from duskwatch.records.outages import Outage
from duskwatch.records.prefix import Prefix
from duskwatch.records.signals import ChangeLog, Level, PrefixState
from duskwatch.signals.bgp.extents import Stretches, covered, unit_ranges
from duskwatch.signals.bgp.measures import units

SPACE = {"bgp.visible_slash24": "slash24", "bgp.visible_slash48": "slash48", "bgp.visible_prefixes": "prefixes"}
"""Signals that count what an entity has, those of address space first, and the columns of a Level."""


def holding(own: Level, whole: Level, outage: Outage, around: Sequence[Outage]) -> Holding | None:
    """What a part and its whole had before an outage of the part, and before those of the whole that it lies in.

    Counted in /24s; in /48s or prefixes where the outage is told by these alone. The last moment before it at which
    both had anything; where there is none, the first moment after. None where there never was one.
    """
    signal = next((name for name in SPACE if name in outage.signals), "bgp.visible_slash24")
    mine, all_ = getattr(own, SPACE[signal]), getattr(whole, SPACE[signal])
    at = before(outage, around)
    times = np.unique(np.concatenate([own.time_us, whole.time_us]))
    have, had = _read(own.time_us, mine, times), _read(whole.time_us, all_, times)
    told = np.flatnonzero((have > 0) & (had > 0))
    if not len(told):
        return None
    row = told[max(0, int(np.searchsorted(times[told], at, side="right")) - 1)]
    return Holding(signal, float(have[row]), float(max(have[row], had[row])))


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


def _read(
    time_us: npt.NDArray[np.int64], values: npt.NDArray[np.float64], at: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """A step function read at some times; NaN ahead of its first row."""
    if not len(time_us):
        return np.full(len(at), np.nan)
    row = np.searchsorted(time_us, at, side="right") - 1
    return np.where(row >= 0, values[np.maximum(row, 0)], np.nan)


EVERYTHING: Stretches = (np.zeros(1, np.int64), np.full(1, 1 << 62, np.int64))


@dataclass(frozen=True, slots=True)
class Held:
    """What an entity had at one time: units in all by whose they are, counted as ``signal`` says."""

    signal: str
    of: dict[Entity, int]


Holdings = dict[tuple[str, int], Held]
"""What an entity had, by how it is counted and when (us)."""

Space = Callable[[str, int], Stretches]
"""The space of a country, by its code and address family."""


def space_in(ranges: CountryRanges | None) -> Space | None:
    """The space of each country, worked out once; None where it is not known whose addresses are whose."""
    return cache(partial(unit_ranges, ranges)) if ranges is not None else None


def holdings(
    entity: Entity, log: ChangeLog, outages: Sequence[Outage], ranges: CountryRanges | None, space: Space | None
) -> Holdings:
    """What an AS or a prefix had just before each of its outages; nothing for others."""
    if not outages or not (entity.type == "prefix" or (entity.type == "asn" and ranges is not None)):
        return {}
    counted = counted_of(entity.unnamed(), log, ranges, space)
    for outage in outages:
        counted.at(outage, outage.onset.earliest_us - 1)
    return counted.held


def counted_of(entity: Entity, log: ChangeLog, ranges: CountryRanges | None, space: Space | None) -> "CountedLog":
    """An entity's change log, ready to tell what the entity had at any time."""
    prefixes = [Prefix.parse(name) for name in log.prefixes]
    columns = (
        np.array([p.afi for p in prefixes], np.uint8),
        np.array([p.hi for p in prefixes], np.uint64),
        np.array([p.lo for p in prefixes], np.uint64),
        np.array([p.length for p in prefixes], np.uint8),
    )
    country = ranges.countries_of(*columns) if ranges is not None else np.full(len(prefixes), -1, np.int32)
    return CountedLog(entity, log, columns, country, space, ranges)


def known_at(known: Holdings, outage: Outage, at_us: int) -> Held:
    """What an entity had at a time, counted as an outage counts; KeyError where that is not among what is known."""
    return known[counted_as(outage), at_us]


def counted_as(outage: Outage) -> str:
    """The signal by which it is counted what an outage took."""
    return next((name for name in SPACE if name in outage.signals), "bgp.visible_slash24")


@dataclass(frozen=True, slots=True)
class CountedLog:
    """What an entity had at any time, by its change log; each answer is remembered."""

    entity: Entity
    log: ChangeLog
    columns: tuple[
        npt.NDArray[np.uint8], npt.NDArray[np.uint64], npt.NDArray[np.uint64], npt.NDArray[np.uint8]
    ]  # of its prefixes
    country: npt.NDArray[np.int32]
    space: Space | None
    ranges: CountryRanges | None
    held: Holdings = field(default_factory=dict)

    def at(self, outage: Outage, at_us: int) -> Held:
        """What was visible at a time; where nothing was, all that ever was."""
        signal = counted_as(outage)
        if (signal, at_us) not in self.held:
            self.held[signal, at_us] = self._at(signal, at_us)
        return self.held[signal, at_us]

    def _at(self, signal: str, at_us: int) -> Held:
        rows = np.flatnonzero(self.log.time_us <= at_us)
        last = np.full(len(self.log.prefixes), -1, np.int64)
        last[self.log.prefix[rows]] = rows
        up = (last >= 0) & (self.log.state[np.maximum(last, 0)] == PrefixState.VISIBLE) if len(rows) else last >= 0
        if not up.any():
            seen = np.flatnonzero(self.log.state == PrefixState.VISIBLE)
            last[self.log.prefix[seen[::-1]]] = seen[::-1]
            up = last >= 0
        whose = self._country_of if self.entity.type == "asn" else self._origin_of
        groups: dict[Entity, list[int]] = {}
        for prefix in np.flatnonzero(up).tolist():
            owner = whose(prefix, int(last[prefix]))
            if owner is not None:
                groups.setdefault(owner, []).append(prefix)
        return Held(signal, {owner: self._count(signal, own, owner) for owner, own in groups.items()})

    def _country_of(self, prefix: int, _row: int) -> Entity | None:
        index = int(self.country[prefix])
        return Entity("country", self.ranges.countries[index]) if self.ranges is not None and index >= 0 else None

    def _origin_of(self, _prefix: int, row: int) -> Entity | None:
        origin = int(self.log.origin[row])
        return Entity("asn", f"AS{origin}") if origin else None

    def _count(self, signal: str, prefixes: Sequence[int], owner: Entity) -> int:
        if signal == "bgp.visible_prefixes":
            return len(prefixes)
        afi = 1 if signal == "bgp.visible_slash24" else 2
        own = np.array([p for p in prefixes if self.columns[0][p] == afi], np.int64)
        start, end = units(self.columns[0][own], self.columns[1][own], self.columns[3][own])
        inside = EVERYTHING
        if self.entity.type == "prefix":
            prefix = Prefix.parse(self.entity.code)
            inside = units(
                np.array([prefix.afi], np.uint8), np.array([prefix.hi], np.uint64), np.array([prefix.length], np.uint8)
            )
        elif self.space is not None:
            inside = self.space(owner.code, afi)
        return covered(start, end, inside)
