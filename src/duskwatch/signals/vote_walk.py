"""Rows of votes in time order, and the walk through them that counts who holds what."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.routes import more_origins, one_origin
from duskwatch.kernels.votes import count_votes
from duskwatch.signals.collector_part import CollectorPart
from duskwatch.signals.routing import Op
from duskwatch.signals.start_table import HELD, KNOWN

Column = npt.NDArray[Any]

# What a row takes while it is sorted, spread over units and walked.
ROW_BYTES = 150

# Columns that the walk fills.
CHANGES = ("time_us", "prefix", "state", "votes", "voters", "origin", "upstream", "beyond", "by_voters")
STEPS = ("step_us", "voters4", "voters6")


class Vote(IntEnum):
    """What a row of the vote walk does."""

    HOLD = 0
    LOSE = 1
    DUMPED_HOLD = 2
    OTHER = 3
    CLEAR = 4
    COMPLETE = 5
    ON4 = 6
    OFF4 = 7
    ON6 = 8
    OFF6 = 9


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
class VoteRows:
    """The rows that the walk went through, in time order; R rows over N sessions and U units."""

    from_us: int
    time_us: npt.NDArray[np.int64]
    session: npt.NDArray[np.int32]
    prefix: npt.NDArray[np.int32]
    code: npt.NDArray[np.uint8]
    origin: npt.NDArray[np.uint32]
    upstream: npt.NDArray[np.uint32]
    beyond: npt.NDArray[np.uint32]
    sessions: tuple[str, ...]  # [N] collector, AS and address, for people
    voter_of: npt.NDArray[np.int32]  # [N]
    cells: npt.NDArray[np.uint8]  # [U, N] HELD and KNOWN at the start of the window
    routes: npt.NDArray[np.int32]  # [U, N] route held last until then, a row of start_routes; 0 none
    start_routes: npt.NDArray[np.uint32]  # [R, 3] origin, the AS before it, the AS before that
    last: npt.NDArray[np.uint32]  # [U, 3] the latest route that anybody held before the window
    ever: npt.NDArray[np.uint8]  # [U] anybody did
    complete: npt.NDArray[np.uint8]  # [N] its whole table was known at the start
    fresh: npt.NDArray[np.uint8]  # [N] its session had ended, and its table was not known yet


@dataclass(frozen=True, slots=True)
class Known:
    """Prefixes known from before a window, which may be gone by now: K rows, one for each origin."""

    afi: npt.NDArray[np.uint8]
    hi: npt.NDArray[np.uint64]
    lo: npt.NDArray[np.uint64]
    length: npt.NDArray[np.uint8]
    origin: npt.NDArray[np.int64]  # 0 and below: none
    seen_us: npt.NDArray[np.int64]  # the last window in which it was visible ended then


NOTHING_KNOWN = Known(
    np.empty(0, np.uint8),
    np.empty(0, np.uint64),
    np.empty(0, np.uint64),
    np.empty(0, np.uint8),
    np.empty(0, np.int64),
    np.empty(0, np.int64),
)


def number_units(parts: Sequence[CollectorPart], by_origin: bool, known: Known = NOTHING_KNOWN) -> Units:
    """Watched prefixes of all parts in address order; with ``by_origin``, units for single origins too.

    What is ``known`` from before is among them, so that what is gone is seen to be gone.
    """
    told = [np.flatnonzero(part.start.mentioned[: len(part.afi)]) for part in parts]
    columns = [
        np.concatenate(
            [getattr(part, name)[ids] for part, ids in zip(parts, told, strict=True)] + [getattr(known, name)]
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
    for part, ids in zip(parts, told, strict=True):
        own = np.full(len(part.afi), -1, np.int32)
        own[ids] = number[at : at + len(ids)]
        at += len(ids)
        numbers.append(own)
    afi, hi, lo, length = (column[fresh] for column in columns)
    count = len(afi)
    sole = np.full(count, -1, np.int64)
    pairs = np.empty(0, np.uint64)
    if by_origin:
        of_known = number[len(number) - len(known.afi) :]
        sole, several = _origins(parts, numbers, count, of_known, known.origin)
        pairs = _pairs(parts, numbers, several, of_known, known.origin)
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
    numbers: list[npt.NDArray[np.int32]],
    count: int,
    of_known: npt.NDArray[np.int32],
    known_origin: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """The only origin of each prefix, -1 where there are several or none; and 1 where there are several."""
    origin, several = np.full(count, -1, np.int64), np.zeros(count, np.uint8)
    for part, number in zip(parts, numbers, strict=True):
        own, more = np.full(len(number), -1, np.int64), np.zeros(len(number), np.uint8)
        one_origin(part.start.routes, part.routes, own, more)
        more_origins(part.log.prefix, part.log.op, part.log.route, part.routes, own, more)
        told = np.flatnonzero(number >= 0)
        where = number[told]
        several[where] |= more[told]
        known, new = origin[where], own[told]
        several[where[(known >= 0) & (new >= 0) & (known != new)]] = 1
        origin[where] = np.where(known < 0, new, known)
    for row in _first_of_each(of_known, known_origin):
        where, own = of_known[row], known_origin[row]
        several[where[(origin[where] >= 0) & (origin[where] != own)]] = 1
        origin[where] = np.where(origin[where] < 0, own, origin[where])
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
    numbers: list[npt.NDArray[np.int32]],
    several: npt.NDArray[np.uint8],
    of_known: npt.NDArray[np.int32],
    known_origin: npt.NDArray[np.int64],
) -> npt.NDArray[np.uint64]:
    """Prefix and origin, prefix << 32 | origin, of the prefixes that have several, in order; AS 0 is none."""
    told = np.flatnonzero((known_origin > 0) & (several[of_known] == 1))
    found = [_key(of_known[told], known_origin[told].astype(np.uint32))]
    for part, number in zip(parts, numbers, strict=True):
        wanted = (number >= 0) & (several[np.maximum(number, 0)] == 1) if len(several) else number >= 0
        rows = np.flatnonzero(wanted)
        q, n = np.nonzero(part.start.routes[rows])
        found.append(_key(number[rows[q]], part.routes[part.start.routes[rows[q], n], 0]))
        log = part.log
        rows = np.flatnonzero((log.prefix >= 0) & ((log.op == Op.HOLD) | (log.op == Op.DUMPED_HOLD)))
        rows = rows[wanted[log.prefix[rows]]]
        found.append(_key(number[log.prefix[rows]], part.routes[log.route[rows], 0]))
    pairs: npt.NDArray[np.uint64] = np.unique(np.concatenate(found))
    real: npt.NDArray[np.uint64] = pairs[(pairs & np.uint64(0xFFFFFFFF)) != 0]
    return real


def _key(prefix: npt.NDArray[np.int32], origin: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint64]:
    return (prefix.astype(np.uint64) << np.uint64(32)) | origin.astype(np.uint64)


CODES = np.full(len(Op), 255, np.uint8)
CODES[[Op.HOLD, Op.LOSE, Op.DUMPED_HOLD, Op.OTHER, Op.DOWN, Op.DUMPED]] = [
    Vote.HOLD,
    Vote.LOSE,
    Vote.DUMPED_HOLD,
    Vote.OTHER,
    Vote.CLEAR,
    Vote.COMPLETE,
]


@dataclass(frozen=True, slots=True)
class Picked:
    """Rows of one part's log in order of the span of prefixes that they are about, those of sessions last."""

    rows: npt.NDArray[np.int32]
    bounds: npt.NDArray[np.int64]  # [spans + 2] the rows of span k are rows[bounds[k] : bounds[k + 1]]

    def of(self, span: int) -> npt.NDArray[np.int32]:
        """Rows about a span of prefixes, and those of sessions, in the order of the log."""
        own = self.rows[self.bounds[span] : self.bounds[span + 1]]
        return np.sort(np.concatenate([own, self.rows[self.bounds[-2] : self.bounds[-1]]]))


def cut_in_spans(units: Units, parts: Sequence[CollectorPart], unit_bytes: int, most: int) -> list[tuple[int, int]]:
    """Stretches of prefixes that take no more than ``most`` bytes each to walk; at least one, even of no prefix."""
    weight = unit_bytes * np.diff(units.first)
    for part, number in zip(parts, units.numbers, strict=True):
        told = part.log.prefix[part.log.prefix >= 0]
        per_prefix = np.bincount(told, minlength=len(number))[: len(number)]
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


def vote_rows(
    parts: Sequence[CollectorPart],
    picked: Sequence[npt.NDArray[np.int32] | slice],
    units: Units,
    span: tuple[int, int],
    offsets: npt.NDArray[np.int64],
    switches: list[tuple[int, int, int]],
    voter_of: npt.NDArray[np.int32],
    from_us: int,
) -> VoteRows:
    """The rows on prefixes [span) of all parts, with those of sessions, in time order; units count from the span's.

    picked  of each part, the rows of its log that are about these prefixes or about sessions
    """
    low, high = span
    base = int(units.first[low])
    times, sessions, where, codes, routes = [], [], [], [], []
    tables, taken = [np.zeros((1, 3), np.uint32)], 1  # the route of those that hold none
    for part, mine, number, offset in zip(parts, picked, units.numbers, offsets, strict=False):
        time_us, peer, own, op, route = (
            getattr(part.log, name)[mine] for name in ("time_us", "peer", "prefix", "op", "route")
        )
        code = CODES[op]
        at = np.where(own >= 0, number[own], np.int32(-1)) if len(number) else np.full(len(own), -1, np.int32)
        about = (at >= low) & (at < high)
        keep = (code != 255) & (about | ((own < 0) & (time_us >= from_us)))
        times.append(time_us[keep])
        sessions.append((peer[keep] + offset).astype(np.int32))
        where.append(at[keep])
        codes.append(code[keep])
        routes.append(np.where(at[keep] >= 0, route[keep] + np.int32(taken), np.int32(0)))
        tables.append(part.routes)
        taken += len(part.routes)
    count = len(switches)
    times.append(np.array([s[0] for s in switches], np.int64))
    sessions.append(np.array([s[1] for s in switches], np.int32))
    where.append(np.full(count, -1, np.int32))
    codes.append(np.array([s[2] for s in switches], np.uint8))
    routes.append(np.zeros(count, np.int32))
    table = np.concatenate(tables)
    columns: list[Column] = [np.concatenate(column) for column in (times, sessions, where, codes, routes)]
    time, session, prefix, code, route = columns
    # At one moment voters leave first and join last, so that a session's end takes no vote off a prefix.
    rank = np.ones(len(code), np.int64)
    rank[np.isin(code, (Vote.OFF4, Vote.OFF6))] = 0
    rank[np.isin(code, (Vote.ON4, Vote.ON6))] = 2
    order = np.argsort(time * 3 + rank, kind="stable")
    time, session, prefix, code, route = (column[order] for column in columns)
    cells, held, last, ever = _start(parts, units, span, offsets, table)
    pairs = slice(*np.searchsorted(units.pair_prefix, [low, high]))
    if pairs.stop > pairs.start:
        part_of = np.repeat(np.arange(len(parts)), np.diff(offsets))
        time, session, prefix, code, route = _spread(
            units, low, base, time, session, prefix, code, route, table[:, 0], units.pair_origin[pairs], held, part_of
        )
    else:
        prefix = np.where(prefix >= 0, prefix - low, -1)
    told = table[np.where((code == Vote.HOLD) | (code == Vote.DUMPED_HOLD), route, 0)]
    return VoteRows(
        from_us,
        time,
        session,
        prefix.astype(np.int32),
        code,
        told[:, 0],
        told[:, 1],
        told[:, 2],
        tuple(part.session(peer) for part in parts for peer in range(len(part.peers))),
        voter_of,
        cells,
        held,
        table,
        last,
        ever,
        np.concatenate([part.start.complete[: len(part.peers)] for part in parts] or [np.empty(0, np.uint8)]),
        np.concatenate([part.start.fresh[: len(part.peers)] for part in parts] or [np.empty(0, np.uint8)]),
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
    code[np.flatnonzero(single)[other]] = Vote.OTHER
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
    table: npt.NDArray[np.uint32],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32], npt.NDArray[np.uint32], npt.NDArray[np.uint8]]:
    """What stood when the window began: cells and routes [U, N]; the latest route of each unit [U, 3], if any [U]."""
    low, high = span
    base = units.first[low]
    count = int(units.first[high] - base)
    cells, routes = np.zeros((count, int(offsets[-1])), np.uint8), np.zeros((count, int(offsets[-1])), np.int32)
    last_us, last = np.full(count, -1, np.int64), np.zeros(count, np.int64)
    taken = 1
    for part, number, offset in zip(parts, units.numbers, offsets, strict=False):
        own = np.flatnonzero((number >= low) & (number < high))
        unit = units.first[number[own]] - base
        columns = slice(int(offset), int(offset) + len(part.peers))
        start = part.start
        cells[unit, columns] = start.cells[own, : len(part.peers)]
        before = start.routes[own, : len(part.peers)]
        routes[unit, columns] = np.where(before != 0, before + taken, 0)
        later = start.last_us[own] >= np.maximum(last_us[unit], 0)
        last_us[unit[later]] = start.last_us[own][later]
        last[unit[later]] = start.last_route[own][later] + taken
        taken += len(part.routes)
        cells[:, columns] |= np.where(start.complete[: len(part.peers)] == 1, KNOWN, 0).astype(np.uint8)
    ever = (last_us >= 0).astype(np.uint8)
    found = table[np.where(ever == 1, last, 0)]
    pairs = slice(*np.searchsorted(units.pair_prefix, [low, high]))
    prefixes, origins = units.pair_prefix[pairs], units.pair_origin[pairs]
    if len(prefixes):
        whole = units.first[prefixes] - base
        nth = np.arange(len(prefixes)) - np.searchsorted(prefixes, prefixes)
        single = whole + 1 + nth
        mine = (routes[whole] != 0) & (table[routes[whole], 0] == origins[:, None])
        cells[single] = np.where(mine, cells[whole], cells[whole] & KNOWN)
        routes[single] = np.where(mine, routes[whole], 0)
        latest = np.where(mine, routes[whole], 0).max(axis=1, initial=0)
        found[single] = np.where((found[whole, 0] == origins)[:, None], found[whole], table[latest])
        ever[single] = (ever[whole] == 1) & ((found[whole, 0] == origins) | (latest > 0))
    return cells, routes, found, ever


def walk(rows: VoteRows, family: npt.NDArray[np.uint8], voters: int) -> tuple[tuple[Column, ...], tuple[Column, ...]]:
    """Columns of CHANGES and of STEPS. family uint8[U]: 0 IPv4, 1 IPv6. Memory: U * (N + 4 * voters) bytes."""
    voter_of = rows.voter_of
    prefixes, sessions = rows.cells.shape
    origin, upstream, beyond = (rows.last[:, k].copy() for k in range(3))
    state = (
        rows.cells.copy(),
        np.zeros((prefixes, voters), np.uint16),
        np.zeros((prefixes, voters), np.uint16),
        np.zeros(prefixes, np.int32),
        np.zeros(prefixes, np.int32),
        np.zeros(prefixes, np.uint8),
        np.ones(prefixes, np.uint8),
        origin,
        upstream,
        beyond,
        rows.ever.copy(),
        np.zeros((sessions, 2), np.uint8),
        rows.complete.copy(),
        rows.fresh.copy(),
        np.zeros((voters, 2), np.int32),
        np.zeros(2, np.int32),
    )
    touched = np.zeros(prefixes, np.uint8)
    touched_list = np.zeros(prefixes, np.int32)
    room = max(2 * prefixes, 1 << 16)
    kinds = (np.int64, np.int32, np.uint8, np.int32, np.int32, np.uint32, np.uint32, np.uint32, np.uint8)
    changes: list[tuple[Column, ...]] = [tuple(np.empty(0, kind) for kind in kinds)]
    steps: list[tuple[Column, ...]] = [(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int32))]
    row, more = 0, True
    while more:
        out = tuple(np.empty(room, kind) for kind in kinds)
        step_out = (np.empty(1 << 14, np.int64), np.empty(1 << 14, np.int32), np.empty(1 << 14, np.int32))
        row, n, m, more = count_votes(
            rows.time_us,
            rows.session,
            rows.prefix,
            rows.code,
            rows.origin,
            rows.upstream,
            rows.beyond,
            voter_of,
            family,
            *state,
            row,
            touched,
            touched_list,
            *out,
            *step_out,
        )
        changes.append(tuple(column[:n] for column in out))
        steps.append(tuple(column[:m] for column in step_out))
    return (
        tuple(np.concatenate(column) for column in zip(*changes, strict=True)),
        tuple(np.concatenate(column) for column in zip(*steps, strict=True)),
    )


def with_start(rows: VoteRows, some: npt.NDArray[np.int32] | None = None) -> VoteRows:
    """The rows with what stood at the start told as rows too, just before the first: for those who walk them anew.

    Of ``some`` units alone, where they are given; a whole table would make as many rows as it has routes.
    """
    which = np.arange(len(rows.cells)) if some is None else some
    at, session = np.nonzero(rows.cells[which] & KNOWN)
    unit = which[at]
    held = (rows.cells[unit, session] & HELD) != 0
    route = rows.routes[unit, session]
    once = np.flatnonzero(~held & (route != 0))
    # What a whole table lacks was never said to be lost.
    gone = ~held & ((route != 0) | (rows.complete[session] == 0))
    sessions = np.arange(len(rows.complete))
    ended, whole = sessions[rows.fresh == 1], sessions[rows.complete == 1]
    parts: list[tuple[Column, Column, Column, int]] = [
        # session, prefix, route, code; a session that ended said what it said after that, and its dump came last
        (ended, np.full(len(ended), -1), np.zeros(len(ended), np.int64), Vote.CLEAR),
        (session[once], unit[once], route[once], Vote.DUMPED_HOLD),
        (session[held], unit[held], route[held], Vote.DUMPED_HOLD),
        (session[gone], unit[gone], np.zeros(int(gone.sum()), np.int64), Vote.LOSE),
        (whole, np.full(len(whole), -1), np.zeros(len(whole), np.int64), Vote.COMPLETE),
    ]
    count = sum(len(part[0]) for part in parts)
    routes = rows.start_routes[np.concatenate([part[2] for part in parts])]
    first = int(rows.time_us[0]) if len(rows.time_us) else 0
    early: dict[str, Any] = {
        "time_us": np.full(count, min(rows.from_us, first) - 1, np.int64),
        "session": np.concatenate([part[0] for part in parts]).astype(np.int32),
        "prefix": np.concatenate([part[1] for part in parts]).astype(np.int32),
        "code": np.concatenate([np.full(len(part[0]), part[3], np.uint8) for part in parts]),
        "origin": routes[:, 0],
        "upstream": routes[:, 1],
        "beyond": routes[:, 2],
    }
    early = {name: np.concatenate([column, getattr(rows, name)]) for name, column in early.items()}
    return replace(rows, **early)


def without_rows(rows: VoteRows) -> VoteRows:
    """Sessions and voters alone."""
    # Not slices: those would keep alive what they are slices of.
    none: dict[str, Any] = {
        each.name: np.empty((0, *column.shape[1:]), column.dtype)
        for each in fields(rows)
        if isinstance(column := getattr(rows, each.name), np.ndarray)
        and each.name not in ("voter_of", "complete", "fresh")
    }
    return replace(rows, **none)
