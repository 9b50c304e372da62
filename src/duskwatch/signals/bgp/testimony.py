"""What single sessions said of prefixes that were lost, kept with a day: so that an outage which is found later, over
many days, has its witnesses and its neighbours, though the routes of those days are gone by then.

Of prefixes that lost their majority every statement is kept, for witnesses. Of the others it is kept how many sessions
reached them through which AS, for the neighbours of who lost a part.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.transit import neighbour_steps, neighbours
from duskwatch.records.signals import PrefixState
from duskwatch.signals.bgp.artefacts.lone import LoneLoss
from duskwatch.signals.bgp.paths import PathPool, Paths, merged
from duskwatch.signals.bgp.start_table import HELD
from duskwatch.signals.bgp.vote_rows import Routes, Vote, VoteRows
from duskwatch.signals.bgp.votes import Votes

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class UnitColumns:
    """Units of votes: prefixes, and prefixes by one of several origins. L rows."""

    afi: npt.NDArray[np.uint8]
    hi: npt.NDArray[np.uint64]
    lo: npt.NDArray[np.uint64]
    length: npt.NDArray[np.uint8]
    network: I64  # the AS for which it counts; -1: none, or several
    whole: Bool  # it is the whole prefix

    def take(self, which: Bool | I64) -> "UnitColumns":
        """Some of the rows."""
        return UnitColumns(
            self.afi[which], self.hi[which], self.lo[which], self.length[which], self.network[which], self.whole[which]
        )

    def __len__(self) -> int:
        return len(self.afi)


@dataclass(frozen=True, slots=True)
class Reached:
    """Through whom units were reached, as steps: from a time on, so many sessions more through an AS. K rows."""

    units: UnitColumns
    unit: I32  # [K]
    time_us: I64  # [K] in no order
    upstream: npt.NDArray[np.uint32]  # [K] 0: none between session and origin
    step: I32  # [K]


@dataclass(frozen=True, slots=True)
class Testimony:
    """Of some units of one window that were lost, what every session said; of others, through whom they were reached.

    L units, R rows, N sessions. Picklable.
    """

    from_us: int
    until_us: int
    units: UnitColumns  # [L]
    time_us: I64  # [R] in the order of votes
    session: npt.NDArray[np.int16]  # [R]
    unit: I32  # [R] -1: about the session
    code: npt.NDArray[np.uint8]  # [R] Vote
    path: I32  # [R] of what is held, a row of ``paths``; else -1
    cells: npt.NDArray[np.uint8]  # [L, N] HELD and KNOWN at the start
    path_before: I32  # [L, N] that of the route held last until then; -1: there was none
    sessions: tuple[str, ...]  # [N] collector, AS and address
    voter_of: I32  # [N]
    complete: npt.NDArray[np.uint8]  # [N]
    fresh: npt.NDArray[np.uint8]  # [N]
    lone: tuple[LoneLoss, ...]
    others: Reached
    paths: Paths  # each once


Keep = Callable[[Testimony], None]
"""Takes the testimony on some stretch of units; called by several threads."""


def testimony_of(votes: Votes, lone: Sequence[LoneLoss]) -> Testimony:
    """What is to be kept of the votes on some units, with their rows and what stood at the start."""
    rows = votes.rows
    lost = np.isin(votes.state, (PrefixState.DARK, PrefixState.MINORITY)) & (votes.by_voters == 0)
    gone = np.zeros(len(votes.afi), np.bool_)
    gone[votes.prefix[lost]] = True
    number = np.cumsum(gone, dtype=np.int32) - np.int32(1)
    inside = rows.time_us >= votes.from_us
    about = np.flatnonzero(
        inside & (gone[rows.prefix] | (rows.prefix < 0)) if len(gone) else inside & (rows.prefix < 0)
    )
    unit = rows.prefix[about]
    units = UnitColumns(votes.afi, votes.hi, votes.lo, votes.length, votes.origin_of, votes.any_origin)
    holds = (rows.code[about] == Vote.HOLD) | (rows.code[about] == Vote.DUMPED_HOLD)
    held_by = rows.held_by[gone]
    paths, ids = _paths_of(rows.routes, np.where(holds, rows.route[about], 0), held_by)
    return Testimony(
        votes.from_us,
        votes.until_us,
        units.take(gone),
        rows.time_us[about],
        rows.session[about].astype(np.int16),
        np.where(unit >= 0, number[unit] if len(number) else -1, -1).astype(np.int32),
        rows.code[about],
        np.where(holds, ids[rows.route[about]], np.int32(-1)),
        rows.cells[gone],
        ids[held_by],
        rows.sessions,
        rows.voter_of,
        rows.complete,
        rows.fresh,
        tuple(lone),
        _reached(rows, units, gone, votes.from_us),
        paths,
    )


def _paths_of(routes: Routes, *named: I32) -> tuple[Paths, I32]:
    """One pool of the paths that some numbers of routes name, and the row in it of each route; of none, 0, it is -1."""
    wanted = np.zeros(len(routes.ends.origin), np.uint8)
    for numbers in named:
        wanted[numbers] = 1
    pool = PathPool()
    ids = np.full(len(wanted), -1, np.int32)
    for paths, first in zip(routes.paths, routes.first.tolist(), strict=True):
        some = slice(first, first + len(paths))
        if wanted[some].any():
            ids[some] = pool.add(paths, wanted[some])
    return _kept(pool.paths), ids


def _kept(paths: Paths) -> Paths:
    """The same without the room of the pool that it was made in."""
    return replace(paths, **{name: getattr(paths, name).copy() for name in Paths.__slots__ if name != "generation"})


def _pooled(paths: Paths, *named: I32) -> tuple[Paths, list[I32]]:
    """A pool of the paths named alone, and the numbers as rows of that; -1 stays."""
    wanted = np.zeros(len(paths) + 1, np.uint8)
    for numbers in named:
        wanted[numbers] = 1  # -1 is the last one
    pool = PathPool()
    ids = np.append(pool.add(paths, wanted[:-1]), np.int32(-1)).astype(np.int32)
    return _kept(pool.paths), [ids[numbers] for numbers in named]


def _reached(rows: VoteRows, units: UnitColumns, skip: Bool, from_us: int) -> Reached:
    """How the units that are not to be skipped were reached."""
    upstream, skipped = rows.routes.ends.upstream, skip.astype(np.uint8)
    current = np.empty(rows.cells.shape, np.uint32)
    i32, u32 = np.empty(0, np.int32), np.empty(0, np.uint32)
    start = rows.cells, HELD, rows.held_by, upstream, skipped, current
    room = neighbours(*start, i32, u32, i32)
    unit, hop, step = np.empty(room, np.int32), np.empty(room, np.uint32), np.empty(room, np.int32)
    neighbours(*start, unit, hop, step)
    steps: list[tuple[npt.NDArray[Any], ...]] = [(np.full(room, from_us, np.int64), unit, hop, step)]
    said = rows.time_us, rows.session, rows.prefix, rows.code, rows.route, upstream, from_us, current, skipped
    row = 0
    while row < len(rows.time_us):
        room = 2 * len(skip) + (1 << 16)
        out = tuple(np.empty(room, kind) for kind in (np.int64, np.int32, np.uint32, np.int32))
        row, written = neighbour_steps(*said, row, *out)
        steps.append(tuple(column[:written].copy() for column in out))
    time_us, unit, hop, step = (np.concatenate(column) for column in zip(*steps, strict=True))
    kept = np.flatnonzero(~skip)
    place = np.cumsum(~skip, dtype=np.int32) - np.int32(1)
    return Reached(units.take(kept), place[unit], time_us, hop, step)


def pick(testimony: Testimony, wanted: Callable[[UnitColumns], Bool]) -> Testimony:
    """The testimony on some of the units alone."""
    lost, other = wanted(testimony.units), wanted(testimony.others.units)
    unit = _renumbered(testimony.unit, lost)
    rows = np.flatnonzero((unit >= 0) | (testimony.unit < 0))
    others = testimony.others
    place = _renumbered(others.unit, other)
    steps = np.flatnonzero(place >= 0)
    columns: dict[str, Any] = {name: getattr(testimony, name)[rows] for name in ROWS}
    columns |= {name: getattr(testimony, name)[lost] for name in STARTS}
    paths, (columns["path"], columns["path_before"]) = _pooled(testimony.paths, columns["path"], columns["path_before"])
    return replace(
        testimony,
        paths=paths,
        units=testimony.units.take(lost),
        unit=unit[rows],
        **columns,
        others=Reached(
            others.units.take(other),
            place[steps],
            others.time_us[steps],
            others.upstream[steps],
            others.step[steps],
        ),
    )


def join(spans: Sequence[Testimony]) -> Testimony:
    """The testimony on stretches of units of one window, as one."""
    if len(spans) == 1:
        return spans[0]
    paths, numbers = merged([span.paths for span in spans])
    spans = [
        replace(span, path=_through(ids, span.path), path_before=_through(ids, span.path_before))
        for span, ids in zip(spans, numbers, strict=True)
    ]
    bases = np.cumsum([0] + [len(span.units) for span in spans])
    sessions = np.flatnonzero(spans[0].unit < 0)
    # What is said of sessions is in every stretch, and orders the rest: each row comes after so many of these.
    keys, columns = [2 * np.arange(len(sessions)) + 1], {name: [getattr(spans[0], name)[sessions]] for name in ROWS}
    units = [spans[0].unit[sessions]]
    for span, base in zip(spans, bases, strict=False):
        rows = np.flatnonzero(span.unit >= 0)
        keys.append(2 * np.cumsum(span.unit < 0)[rows])
        units.append(span.unit[rows] + np.int32(base))
        for name in ROWS:
            columns[name].append(getattr(span, name)[rows])
    joined: dict[str, Any] = {name: np.concatenate(parts) for name, parts in columns.items()}
    order = np.lexsort((joined["time_us"], np.concatenate(keys)))
    joined = {name: column[order] for name, column in joined.items()}
    joined |= {name: np.concatenate([getattr(span, name) for span in spans]) for name in STARTS}
    others = [span.others for span in spans]
    places = np.cumsum([0] + [len(one.units) for one in others])
    return replace(
        spans[0],
        units=_concatenated([span.units for span in spans]),
        unit=np.concatenate(units)[order],
        **joined,
        paths=_kept(paths),
        lone=tuple(one for span in spans for one in span.lone),
        others=Reached(
            _concatenated([one.units for one in others]),
            np.concatenate([one.unit + np.int32(base) for one, base in zip(others, places, strict=False)]),
            *(np.concatenate([getattr(one, name) for one in others]) for name in ("time_us", "upstream", "step")),
        ),
    )


ROWS = ("time_us", "session", "code", "path")
STARTS = ("cells", "path_before")


def _through(ids: I32, numbers: I32) -> I32:
    """Numbers as another pool has them; -1 stays."""
    found: I32 = np.append(ids, np.int32(-1)).astype(np.int32)[numbers]
    return found


def _renumbered(unit: I32, kept: Bool) -> I32:
    """The places of units among those kept; -1 for the others, and for -1."""
    number = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1).astype(np.int32)
    found: I32 = number[unit]
    return found


def _concatenated(parts: Sequence[UnitColumns]) -> UnitColumns:
    return UnitColumns(*(np.concatenate([getattr(part, name) for part in parts]) for name in UnitColumns.__slots__))
