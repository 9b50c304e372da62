"""What is voted on: prefixes of all collectors in address order, and single origins of those that have several."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.routes import more_origins, one_origin
from duskwatch.signals.bgp.collector_part import CollectorPart
from duskwatch.signals.bgp.log import Op

# What a row takes while it is sorted, spread over units and walked.
ROW_BYTES = 150


@dataclass(frozen=True, slots=True)
class Units:
    """What is voted on. P prefixes in address order, U units, O units of one origin.

    A prefix is one unit, whatever the origin. Where routes to it had several origins in the window, there follows
    one unit for each origin, on which a route to another origin counts as none: votes per prefix and origin, as in
    BGPView's per-AS visibility.
    """

    afi: npt.NDArray[np.uint8]  # [P]
    hi: npt.NDArray[np.uint64]
    lo: npt.NDArray[np.uint64]
    length: npt.NDArray[np.uint8]
    numbers: tuple[npt.NDArray[np.int32], ...]  # for each part: the prefix of each of its own, -1 where it says nothing
    first: npt.NDArray[np.int64]  # [P + 1] the unit of each prefix
    pair_prefix: npt.NDArray[np.int64]  # [O] in order
    pair_origin: npt.NDArray[np.uint32]  # [O]
    sole_origin: npt.NDArray[np.int64]  # [P] -1 where there are several, or none


@dataclass(frozen=True, slots=True)
class EarlierPrefixes:
    """Prefixes known from before a window, which may be gone by now: K rows, one for each origin."""

    afi: npt.NDArray[np.uint8]
    hi: npt.NDArray[np.uint64]
    lo: npt.NDArray[np.uint64]
    length: npt.NDArray[np.uint8]
    origin: npt.NDArray[np.int64]  # 0 and below: none
    seen_us: npt.NDArray[np.int64]  # the last window in which it was visible ended then


NO_EARLIER = EarlierPrefixes(
    np.empty(0, np.uint8),
    np.empty(0, np.uint64),
    np.empty(0, np.uint64),
    np.empty(0, np.uint8),
    np.empty(0, np.int64),
    np.empty(0, np.int64),
)


Known = EarlierPrefixes  # its name in the work files of a backfill that an earlier version began

Origins = Sequence[npt.NDArray[np.uint32]]
"""For each part, the origin of each of its paths, [R]."""


def number_units(
    parts: Sequence[CollectorPart], origins: Origins | None = None, earlier: EarlierPrefixes = NO_EARLIER
) -> Units:
    """Watched prefixes of all parts in address order; with ``origins``, units for single origins too.

    Prefixes of ``earlier`` windows are among them, so that what is gone is seen to be gone.
    """
    mentioned = [np.flatnonzero(part.start.mentioned[: len(part.afi)]) for part in parts]
    columns = [
        np.concatenate(
            [getattr(part, name)[ids] for part, ids in zip(parts, mentioned, strict=True)] + [getattr(earlier, name)]
        )
        for name in ("afi", "hi", "lo", "length")
    ]
    order = np.lexsort((columns[3], columns[2], columns[1], columns[0]))
    columns = [column[order] for column in columns]
    fresh = np.ones(len(order), bool)
    if len(order):
        fresh[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    number = np.empty(len(order), np.int32)
    number[order] = np.cumsum(fresh) - 1
    numbers, at = [], 0
    for part, ids in zip(parts, mentioned, strict=True):
        unit_of = np.full(len(part.afi), -1, np.int32)
        unit_of[ids] = number[at : at + len(ids)]
        at += len(ids)
        numbers.append(unit_of)
    afi, hi, lo, length = (column[fresh] for column in columns)
    count = len(afi)
    sole = np.full(count, -1, np.int64)
    pairs = np.empty(0, np.uint64)
    if origins is not None:
        of_earlier = number[len(number) - len(earlier.afi) :]
        sole, several = _origins(parts, origins, numbers, count, of_earlier, earlier.origin)
        pairs = _pairs(parts, origins, numbers, several, of_earlier, earlier.origin)
    pair_prefix = (pairs >> np.uint64(32)).astype(np.int64)
    extra = np.bincount(pair_prefix, minlength=count)
    first = np.arange(count + 1, dtype=np.int64)
    first[1:] += np.cumsum(extra)
    return Units(
        afi.astype(np.uint8),
        hi.astype(np.uint64),
        lo.astype(np.uint64),
        length.astype(np.uint8),
        tuple(numbers),
        first,
        pair_prefix,
        (pairs & np.uint64(0xFFFFFFFF)).astype(np.uint32),
        sole,
    )


def _origins(
    parts: Sequence[CollectorPart],
    origins: Origins,
    numbers: list[npt.NDArray[np.int32]],
    count: int,
    of_earlier: npt.NDArray[np.int32],
    earlier_origin: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """The only origin of each prefix, -1 where there are several or none; and 1 where there are several."""
    origin, several = np.full(count, -1, np.int64), np.zeros(count, np.uint8)
    for part, origin_of, number in zip(parts, origins, numbers, strict=True):
        sole, more = np.full(len(number), -1, np.int64), np.zeros(len(number), np.uint8)
        one_origin(part.start.routes, origin_of, sole, more)
        more_origins(part.log.prefix, part.log.op, part.log.route, origin_of, sole, more)
        counted = np.flatnonzero(number >= 0)
        where = number[counted]
        several[where] |= more[counted]
        before, new = origin[where], sole[counted]
        several[where[(before >= 0) & (new >= 0) & (before != new)]] = 1
        origin[where] = np.where(before < 0, new, before)
    for row in _first_of_each(of_earlier, earlier_origin):
        where, sole = of_earlier[row], earlier_origin[row]
        several[where[(origin[where] >= 0) & (origin[where] != sole)]] = 1
        origin[where] = np.where(origin[where] < 0, sole, origin[where])
    return np.where(several == 1, -1, origin), several


def _first_of_each(prefix: npt.NDArray[np.int32], origin: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    """Rows with an origin, in goes in which each prefix comes once."""
    rows = np.flatnonzero(origin > 0)
    while len(rows):
        _, first = np.unique(prefix[rows], return_index=True)
        yield rows[first]
        rows = np.delete(rows, first)


def _pairs(
    parts: Sequence[CollectorPart],
    origins: Origins,
    numbers: list[npt.NDArray[np.int32]],
    several: npt.NDArray[np.uint8],
    of_earlier: npt.NDArray[np.int32],
    earlier_origin: npt.NDArray[np.int64],
) -> npt.NDArray[np.uint64]:
    """Prefix and origin, prefix << 32 | origin, of the prefixes that have several, in order; AS 0 is none."""
    shared = np.flatnonzero((earlier_origin > 0) & (several[of_earlier] == 1))
    found = [_key(of_earlier[shared], earlier_origin[shared].astype(np.uint32))]
    for part, origin_of, number in zip(parts, origins, numbers, strict=True):
        wanted = (number >= 0) & (several[np.maximum(number, 0)] == 1) if len(several) else number >= 0
        rows = np.flatnonzero(wanted)
        q, n = np.nonzero(part.start.routes[rows])
        found.append(_key(number[rows[q]], origin_of[part.start.routes[rows[q], n]]))
        log = part.log
        rows = np.flatnonzero((log.prefix >= 0) & ((log.op == Op.HOLD) | (log.op == Op.DUMPED_HOLD)))
        rows = rows[wanted[log.prefix[rows]]]
        found.append(_key(number[log.prefix[rows]], origin_of[log.route[rows]]))
    pairs: npt.NDArray[np.uint64] = np.unique(np.concatenate(found))
    real: npt.NDArray[np.uint64] = pairs[(pairs & np.uint64(0xFFFFFFFF)) != 0]
    return real


def _key(prefix: npt.NDArray[np.int32], origin: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint64]:
    return (prefix.astype(np.uint64) << np.uint64(32)) | origin.astype(np.uint64)


@dataclass(frozen=True, slots=True)
class Picked:
    """Rows of one part's log in order of the span of prefixes that they are about, those of sessions last."""

    rows: npt.NDArray[np.int32]
    bounds: npt.NDArray[np.int64]  # [spans + 2] the rows of span k are rows[bounds[k] : bounds[k + 1]]

    def of(self, span: int) -> npt.NDArray[np.int32]:
        """Rows about a span of prefixes, and those of sessions, in the order of the log."""
        of_span = self.rows[self.bounds[span] : self.bounds[span + 1]]
        return np.sort(np.concatenate([of_span, self.rows[self.bounds[-2] : self.bounds[-1]]]))


def cut_in_spans(units: Units, parts: Sequence[CollectorPart], unit_bytes: int, most: int) -> list[tuple[int, int]]:
    """Stretches of prefixes that take no more than ``most`` bytes each to walk; at least one, even of no prefix."""
    weight = unit_bytes * np.diff(units.first)
    for part, number in zip(parts, units.numbers, strict=True):
        prefixes = part.log.prefix[part.log.prefix >= 0]
        per_prefix = np.bincount(prefixes, minlength=len(number))[: len(number)]
        there = number >= 0
        weight[number[there]] += ROW_BYTES * per_prefix[there]
    edges = [0]
    total = np.concatenate([[0], np.cumsum(weight)])
    while edges[-1] < len(units.afi):
        high = int(np.searchsorted(total, total[edges[-1]] + most, side="right")) - 1
        edges.append(min(len(units.afi), max(high, edges[-1] + 1)))
    return list(pairwise(edges)) or [(0, 0)]


def pick_rows(units: Units, parts: Sequence[CollectorPart], spans: Sequence[tuple[int, int]]) -> list[Picked]:
    """For each part the rows of its log by span, found once for all spans."""
    of_prefix = np.repeat(np.arange(len(spans), dtype=np.uint16), [high - low for low, high in spans])
    out = []
    for part, number in zip(parts, units.numbers, strict=True):
        log = part.log
        which = np.full(len(log), len(spans), np.uint16)
        about = log.prefix >= 0
        if len(of_prefix):
            which[about] = of_prefix[number[log.prefix[about]]]
        # Sixteen bits are sorted by radix, in the order of the log within a span.
        rows = np.argsort(which, kind="stable").astype(np.int32)
        counts = np.bincount(which, minlength=len(spans) + 1)
        out.append(Picked(rows, np.concatenate([[0], np.cumsum(counts)])))
    return out
