"""Rows of votes in time order: what the logs of all collectors say of some prefixes, and who votes when."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from duskwatch.kernels import codes
from duskwatch.signals.bgp.collector_part import CollectorPart
from duskwatch.signals.bgp.log import Op
from duskwatch.signals.bgp.paths import Ends, Paths
from duskwatch.signals.bgp.start_table import HELD, KNOWN
from duskwatch.signals.bgp.vote_units import Units

Column = npt.NDArray[Any]


class Vote(IntEnum):
    """What a row of the vote walk does."""

    HOLD = codes.VOTE_HOLD
    LOSE = codes.VOTE_LOSE
    DUMPED_HOLD = codes.VOTE_DUMPED_HOLD
    OTHER = codes.VOTE_OTHER
    CLEAR = codes.CLEAR
    COMPLETE = codes.COMPLETE
    COMPLETE4 = codes.COMPLETE4
    COMPLETE6 = codes.COMPLETE6
    ON4 = codes.ON4
    OFF4 = codes.OFF4
    ON6 = codes.ON6
    OFF6 = codes.OFF6


@dataclass(frozen=True, slots=True)
class Routes:
    """Paths of several parts under one number each: those of part k from ``first[k]`` on. Number 0 is no route.

    A path of two collectors has two numbers here; ``paths.merged`` makes them one.
    """

    paths: tuple[Paths, ...]  # of each part, as merge_votes() has them in order of collector
    first: npt.NDArray[np.int64]  # [parts]
    ends: Ends

    @classmethod
    def of(cls, parts: Sequence[CollectorPart], ends: Sequence[Ends]) -> "Routes":
        """The paths of some parts, of which the ends were read."""
        nothing = Ends(*(np.zeros(1, np.uint32) for _ in Ends._fields))
        first = np.cumsum([1] + [len(part.paths) for part in parts])[:-1]
        return cls(
            tuple(part.paths for part in parts),
            first.astype(np.int64),
            Ends(*(np.concatenate(columns) for columns in zip(nothing, *ends, strict=True))),
        )


@dataclass(frozen=True, slots=True)
class VoteRows:
    """The rows that the walk went through, in time order; R rows over N sessions and U units."""

    from_us: int
    time_us: npt.NDArray[np.int64]
    session: npt.NDArray[np.int32]
    prefix: npt.NDArray[np.int32]
    code: npt.NDArray[np.uint8]
    route: npt.NDArray[np.int32]  # of a HOLD or DUMPED_HOLD, a number of ``routes``; else 0
    sessions: tuple[str, ...]  # [N] collector, AS and address, for people
    voter_of: npt.NDArray[np.int32]  # [N]
    cells: npt.NDArray[np.uint8]  # [U, N] HELD and KNOWN at the start of the window
    held_by: npt.NDArray[np.int32]  # [U, N] route held last until then; 0 none
    last: npt.NDArray[np.int32]  # [U] the latest route that anybody held before the window; 0 none
    ever: npt.NDArray[np.uint8]  # [U] anybody did
    complete: npt.NDArray[np.uint8]  # [N] families (bits) of which its whole table was known at the start
    fresh: npt.NDArray[np.uint8]  # [N] families of which it was not known yet since the session had ended
    routes: Routes


CODES = np.full(len(Op), 255, np.uint8)
CODES[[Op.HOLD, Op.LOSE, Op.DUMPED_HOLD, Op.OTHER, Op.DOWN, Op.DUMPED, Op.DUMPED4, Op.DUMPED6]] = [
    Vote.HOLD,
    Vote.LOSE,
    Vote.DUMPED_HOLD,
    Vote.OTHER,
    Vote.CLEAR,
    Vote.COMPLETE,
    Vote.COMPLETE4,
    Vote.COMPLETE6,
]
COMPLETE_OF = {codes.WHOLE4: Vote.COMPLETE4, codes.WHOLE6: Vote.COMPLETE6, codes.WHOLE: Vote.COMPLETE}


def vote_rows(
    parts: Sequence[CollectorPart],
    picked: Sequence[npt.NDArray[np.int32] | slice],
    units: Units,
    span: tuple[int, int],
    offsets: npt.NDArray[np.int64],
    switches: list[tuple[int, int, int]],
    voter_of: npt.NDArray[np.int32],
    from_us: int,
    known_routes: Routes,
) -> VoteRows:
    """The rows on prefixes [span) of all parts, with those of sessions, in time order; units count from the span's.

    picked  of each part, the rows of its log that are about these prefixes or about sessions
    """
    low, high = span
    base = int(units.first[low])
    times, sessions, where, codes, routes = [], [], [], [], []
    for part, mine, number, offset, first in zip(
        parts, picked, units.numbers, offsets[:-1], known_routes.first, strict=True
    ):
        time_us, peer, unit, op, route = (
            getattr(part.log, name)[mine] for name in ("time_us", "peer", "prefix", "op", "route")
        )
        code = CODES[op]
        at = np.where(unit >= 0, number[unit], np.int32(-1)) if len(number) else np.full(len(unit), -1, np.int32)
        about = (at >= low) & (at < high)
        keep = (code != 255) & (about | ((unit < 0) & (time_us >= from_us)))
        times.append(time_us[keep])
        sessions.append((peer[keep] + offset).astype(np.int32))
        where.append(at[keep])
        codes.append(code[keep])
        holds = (code[keep] == Vote.HOLD) | (code[keep] == Vote.DUMPED_HOLD)
        routes.append(np.where(holds, route[keep] + np.int32(first), np.int32(0)))
    count = len(switches)
    times.append(np.array([s[0] for s in switches], np.int64))
    sessions.append(np.array([s[1] for s in switches], np.int32))
    where.append(np.full(count, -1, np.int32))
    codes.append(np.array([s[2] for s in switches], np.uint8))
    routes.append(np.zeros(count, np.int32))
    columns: list[Column] = [np.concatenate(column) for column in (times, sessions, where, codes, routes)]
    time, session, prefix, code, route = columns
    # At one moment voters leave first and join last, so that a session's end takes no vote off a prefix.
    rank = np.ones(len(code), np.int64)
    rank[np.isin(code, (Vote.OFF4, Vote.OFF6))] = 0
    rank[np.isin(code, (Vote.ON4, Vote.ON6))] = 2
    order = np.argsort(time * 3 + rank, kind="stable")
    time, session, prefix, code, route = (column[order] for column in columns)
    origin_of = known_routes.ends.origin
    cells, held, last, ever = _start(parts, units, span, offsets, known_routes)
    pairs = slice(*np.searchsorted(units.pair_prefix, [low, high]))
    if pairs.stop > pairs.start:
        part_of = np.repeat(np.arange(len(parts)), np.diff(offsets))
        time, session, prefix, code, route = _spread(
            units, low, base, time, session, prefix, code, route, origin_of, units.pair_origin[pairs], held, part_of
        )
    else:
        prefix = np.where(prefix >= 0, prefix - low, -1)
    return VoteRows(
        from_us,
        time,
        session,
        prefix.astype(np.int32),
        code,
        route,
        tuple(part.session(peer) for part in parts for peer in range(len(part.peers))),
        voter_of,
        cells,
        held,
        last,
        ever,
        np.concatenate([part.start.complete[: len(part.peers)] for part in parts] or [np.empty(0, np.uint8)]),
        np.concatenate([part.start.fresh[: len(part.peers)] for part in parts] or [np.empty(0, np.uint8)]),
        known_routes,
    )


def _spread(
    units: Units,
    low: int,
    base: int,
    time: Column,
    session: Column,
    prefix: Column,
    code: Column,
    route: Column,
    origin_of: Column,
    pair_origin: Column,
    held: npt.NDArray[np.int32],
    part_of: npt.NDArray[np.int64],
) -> tuple[Column, Column, Column, Column, Column]:
    """Repeat the rows on a prefix for its units of one origin; a route to another origin is none there.

    Of each collector such a unit's rows begin with the first route to its origin, as in a run on that AS alone.
    """
    at = np.maximum(prefix, 0)
    copies = np.where(prefix >= 0, units.first[at + 1] - units.first[at], 1)
    row = np.repeat(np.arange(len(prefix)), copies)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(copies) - copies, copies)
    unit = np.where(prefix[row] >= 0, units.first[at[row]] + nth - base, -1)
    code, route = code[row].copy(), route[row]
    single = nth > 0
    # Pairs stand in order of prefix, so that a unit less its prefix's rank is its pair.
    pair = unit[single] + base - (prefix[row][single] + 1) - (base - low)
    holds = (code[single] == Vote.HOLD) | (code[single] == Vote.DUMPED_HOLD)
    other = holds & (origin_of[route[single]] != pair_origin[pair])
    elsewhere = np.flatnonzero(single)[other]
    code[elsewhere], route[elsewhere] = Vote.OTHER, 0
    of_pair = np.flatnonzero(single)
    parts = int(part_of[-1]) + 1
    begun = np.full((len(held), parts), len(row), np.int64)
    holds_now = of_pair[(code[of_pair] == Vote.HOLD) | (code[of_pair] == Vote.DUMPED_HOLD)]
    np.minimum.at(begun, (unit[holds_now], part_of[session[row[holds_now]]]), holds_now)
    for part in range(parts):
        begun[(held[:, part_of == part] != 0).any(axis=1), part] = 0
    keep = np.ones(len(row), np.bool_)
    keep[of_pair] = of_pair >= begun[unit[of_pair], part_of[session[row[of_pair]]]]
    row = row[keep]
    return time[row], session[row], unit[keep], code[keep], route[keep]


def _start(
    parts: Sequence[CollectorPart],
    units: Units,
    span: tuple[int, int],
    offsets: npt.NDArray[np.int64],
    known_routes: Routes,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """What stood when the window began: cells and routes [U, N]; the latest route of each unit [U], if any [U]."""
    low, high = span
    base = units.first[low]
    count = int(units.first[high] - base)
    cells, routes = np.zeros((count, int(offsets[-1])), np.uint8), np.zeros((count, int(offsets[-1])), np.int32)
    last_us, last = np.full(count, -1, np.int64), np.zeros(count, np.int32)
    origin_of = known_routes.ends.origin
    bits = np.repeat(family_bits(units.afi[low:high]), np.diff(units.first[low : high + 1]))
    for part, number, offset, first in zip(parts, units.numbers, offsets[:-1], known_routes.first, strict=True):
        in_span = np.flatnonzero((number >= low) & (number < high))
        unit = units.first[number[in_span]] - base
        columns = slice(int(offset), int(offset) + len(part.peers))
        start = part.start
        cells[unit, columns] = start.cells[in_span, : len(part.peers)]
        before = start.routes[in_span, : len(part.peers)]
        routes[unit, columns] = np.where(before != 0, before + np.int32(first), 0)
        later = start.last_us[in_span] >= np.maximum(last_us[unit], 0)
        last_us[unit[later]] = start.last_us[in_span][later]
        last[unit[later]] = start.last_route[in_span][later] + first
        cells[:, columns] |= np.where(start.complete[: len(part.peers)] & bits[:, np.newaxis], KNOWN, 0).astype(
            np.uint8
        )
    ever = (last_us >= 0).astype(np.uint8)
    pairs = slice(*np.searchsorted(units.pair_prefix, [low, high]))
    prefixes, origins = units.pair_prefix[pairs], units.pair_origin[pairs]
    if len(prefixes):
        whole = units.first[prefixes] - base
        nth = np.arange(len(prefixes)) - np.searchsorted(prefixes, prefixes)
        single = whole + 1 + nth
        mine = (routes[whole] != 0) & (origin_of[routes[whole]] == origins[:, None])
        cells[single] = np.where(mine, cells[whole], cells[whole] & KNOWN)
        routes[single] = np.where(mine, routes[whole], 0)
        latest = np.where(mine, routes[whole], 0).max(axis=1, initial=0)
        same = origin_of[last[whole]] == origins
        last[single] = np.where(same, last[whole], latest)
        ever[single] = (ever[whole] == 1) & (same | (latest > 0))
    return cells, routes, last, ever


def family_bits(afi: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The bit that stands for each unit's family, uint8[U]."""
    return np.where(afi == 1, codes.WHOLE4, codes.WHOLE6).astype(np.uint8)


def with_start(rows: VoteRows, afi: npt.NDArray[np.uint8], some: npt.NDArray[np.int32] | None = None) -> VoteRows:
    """The rows with what stood at the start as rows too, just before the first: for those who walk them anew.

    Of ``some`` units alone, where they are given; a whole table would make as many rows as it has routes.

    afi  uint8[U]: of the units
    """
    which = np.arange(len(rows.cells)) if some is None else some
    at, session = np.nonzero(rows.cells[which] & KNOWN)
    unit = which[at]
    held = (rows.cells[unit, session] & HELD) != 0
    route = rows.held_by[unit, session]
    once = np.flatnonzero(~held & (route != 0))
    # What a whole table lacks was never said to be lost.
    gone = ~held & ((route != 0) | (rows.complete[session] & family_bits(afi)[unit] == 0))
    sessions = np.arange(len(rows.complete))
    ended = sessions[rows.fresh != 0]
    told = [(sessions[rows.complete == families], code) for families, code in COMPLETE_OF.items()]
    parts: list[tuple[Column, Column, Column, int]] = [
        # session, prefix, route, code; a session that ended said what it said after that, and its dump came last
        (ended, np.full(len(ended), -1), np.zeros(len(ended), np.int64), Vote.CLEAR),
        (session[once], unit[once], route[once], Vote.DUMPED_HOLD),
        (session[held], unit[held], route[held], Vote.DUMPED_HOLD),
        (session[gone], unit[gone], np.zeros(int(gone.sum()), np.int64), Vote.LOSE),
        *((whole, np.full(len(whole), -1), np.zeros(len(whole), np.int64), code) for whole, code in told),
    ]
    count = sum(len(part[0]) for part in parts)
    first = int(rows.time_us[0]) if len(rows.time_us) else 0
    early: dict[str, Any] = {
        "time_us": np.full(count, min(rows.from_us, first) - 1, np.int64),
        "session": np.concatenate([part[0] for part in parts]).astype(np.int32),
        "prefix": np.concatenate([part[1] for part in parts]).astype(np.int32),
        "code": np.concatenate([np.full(len(part[0]), part[3], np.uint8) for part in parts]),
        "route": np.concatenate([part[2] for part in parts]).astype(np.int32),
    }
    early = {name: np.concatenate([column, getattr(rows, name)]) for name, column in early.items()}
    return replace(rows, **early)


def nothing_said(from_us: int) -> VoteRows:
    """No row of no session, for votes that were read back and not counted."""
    i64, i32, u8 = np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.uint8)
    cells, held, routes = np.empty((0, 0), np.uint8), np.empty((0, 0), np.int32), Routes.of((), ())
    return VoteRows(from_us, i64, i32, i32, u8, i32, (), i32, cells, held, i32, u8, u8, u8, routes)


def without_rows(rows: VoteRows) -> VoteRows:
    """Sessions and voters alone."""
    # Not slices: those would keep alive what they are slices of.
    none: dict[str, Any] = {
        each.name: np.empty((0, *column.shape[1:]), column.dtype)
        for each in fields(rows)
        if isinstance(column := getattr(rows, each.name), np.ndarray)
        and each.name not in ("voter_of", "complete", "fresh")
    }
    return replace(rows, **none, routes=Routes.of((), ()))
