"""What an entity has: its prefixes among those watched, and the address space of it that counts."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from duskwatch.records.countries import CountryRanges
from duskwatch.records.entity import Entity
from duskwatch.records.prefix import Prefix
from duskwatch.signals.bgp.measures import Extent, units
from duskwatch.signals.bgp.votes import Votes

Touching = Callable[[npt.NDArray[np.uint8], npt.NDArray[np.uint64], npt.NDArray[np.uint8]], npt.NDArray[np.bool_]]

# A covering prefix may make a smaller one reachable, but not one so wide that it is a default route in disguise.
WIDEST_COVER = {1: 8, 2: 16}


def related(
    prefix: Prefix,
    afi: npt.NDArray[np.uint8],
    hi: npt.NDArray[np.uint64],
    lo: npt.NDArray[np.uint64],
    length: npt.NDArray[np.uint8],
) -> npt.NDArray[np.bool_]:
    """Prefixes inside the given one, and those that cover it (but for the widest)."""
    inside = (afi == prefix.afi) & (length >= prefix.length)
    covers = (afi == prefix.afi) & (length < prefix.length) & (length >= WIDEST_COVER[prefix.afi])
    out = np.zeros(len(afi), np.bool_)
    for row in np.flatnonzero(inside | covers):
        other = Prefix(int(afi[row]), int(hi[row]), int(lo[row]), int(length[row]))
        out[row] = prefix.contains(other) or other.contains(prefix)
    return out


@dataclass
class WatchSpace:
    """A Watch that tells of the prefixes of some countries, and of those related to some prefixes."""

    prefixes: tuple[Prefix, ...] = ()
    countries: tuple[str, ...] = ()
    ranges: CountryRanges | None = None  # whose addresses are whose; needed for countries
    _touching: dict[str, Touching] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __call__(
        self,
        afi: npt.NDArray[np.uint8],
        hi: npt.NDArray[np.uint64],
        lo: npt.NDArray[np.uint64],
        length: npt.NDArray[np.uint8],
    ) -> npt.NDArray[np.uint8]:
        """1 where a prefix is to be watched, [n]."""
        wanted = np.zeros(len(afi), np.bool_)
        for prefix in self.prefixes:
            wanted |= related(prefix, afi, hi, lo, length)
        for code in self.countries:
            assert self.ranges is not None
            if code not in self._touching:
                self._touching[code] = self.ranges.touching(code)
            some = np.flatnonzero(self._touching[code](afi, hi, length))
            if len(some):
                of = self.ranges.countries_of(afi[some], hi[some], lo[some], length[some])
                wanted[some] |= of == self.ranges.countries.index(code)
        return wanted.astype(np.uint8)

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_touching": {}}  # worked out anew where it is needed


def extent_of(entity: Entity, votes: Votes, ranges: CountryRanges | None) -> Extent:
    """What one entity has of the votes on watched prefixes, and what of it counts."""
    if entity.type == "country":
        assert ranges is not None
        index = ranges.countries.index(entity.code)
        selected = ranges.countries_of(votes.afi, votes.hi, votes.lo, votes.length) == index
    elif entity.type == "prefix":
        selected = related(Prefix.parse(entity.code), votes.afi, votes.hi, votes.lo, votes.length)
    else:
        selected = np.ones(len(votes.afi), np.bool_)
    return Extent(selected, *space_of(entity, ranges))


Stretches = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


def space_of(entity: Entity, ranges: CountryRanges | None) -> tuple[Stretches | None, Stretches | None]:
    """The /24s and the /48s that count for an entity; None: whatever its prefixes cover."""
    if entity.type == "country":
        assert ranges is not None
        return unit_ranges(ranges, entity.code, 1), unit_ranges(ranges, entity.code, 2)
    if entity.type == "prefix":
        prefix = Prefix.parse(entity.code)
        spans = units(
            np.array([prefix.afi], np.uint8), np.array([prefix.hi], np.uint64), np.array([prefix.length], np.uint8)
        )
        none = (np.empty(0, np.int64), np.empty(0, np.int64))
        return (spans, none) if prefix.afi == 1 else (none, spans)
    return None, None


def unit_ranges(ranges: CountryRanges, code: str, afi: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """A country's space as sorted stretches of /24s or /48s; a unit counts where any part of it is the country's."""
    delegated = ranges.ranges_of(code, afi)
    shift = np.uint64(40) if afi == 1 else np.uint64(16)
    first, last = (delegated.first_hi >> shift).astype(np.int64), (delegated.last_hi >> shift).astype(np.int64) + 1
    if not len(first):
        return first, last
    # Neighbours that meet in one unit are joined, so that no unit counts twice.
    fresh = np.concatenate([[True], first[1:] > np.maximum.accumulate(last)[:-1]])
    return first[fresh], np.maximum.reduceat(last, np.flatnonzero(fresh))


def known_share(votes: Votes, extent: Extent) -> float:
    """Share of a country's delegated /24s that any route heard covers."""
    counted = extent.slash24
    assert counted is not None
    heard = extent.selected & (votes.afi == 1)
    start, end = units(votes.afi[heard], votes.hi[heard], votes.length[heard])
    delegated = int((counted[1] - counted[0]).sum())
    return covered(start, end, counted) / delegated if delegated else 0.0


def covered(start: npt.NDArray[np.int64], end: npt.NDArray[np.int64], counted: Stretches) -> int:
    """How many of the units that count lie in any of the stretches [start, end), each counted once."""
    found, reached = 0, -1
    for first, last in sorted(zip(start.tolist(), end.tolist(), strict=True)):
        first = max(first, reached)
        if last > first:
            found += int(np.sum(np.maximum(0, np.minimum(last, counted[1]) - np.maximum(first, counted[0]))))
            reached = last
    return found
