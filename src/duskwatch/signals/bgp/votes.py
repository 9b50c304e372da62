"""Visibility: the share of live full-feed voters that hold a prefix, from the routing logs of all collectors.

A voter is a peer AS at one collector, however many sessions it has there, so that collectors merge by adding votes.
A prefix is visible while more than half of the voters whose word on it is known hold it. Where a voter's table was
learned from updates, its word is known from its first statement on. Until more than half have spoken, or there are
LEAST_WHOLE whose whole table is known, a prefix that anybody held is presumed to be visible: a loss takes their word.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.codes import WHOLE4, WHOLE6
from duskwatch.kernels.votes import LEAST_WHOLE
from duskwatch.records.signals import Gap, Late, PrefixState
from duskwatch.signals.bgp.collector_part import CollectorPart, whole_tables
from duskwatch.signals.bgp.paths import PathPool
from duskwatch.signals.bgp.vote_rows import Routes, Vote, VoteRows, vote_rows, with_start, without_rows
from duskwatch.signals.bgp.vote_units import NO_EARLIER, EarlierPrefixes, Units, cut_in_spans, number_units, pick_rows
from duskwatch.signals.bgp.vote_walk import CHANGES, STEPS, walk
from duskwatch.signals.bgp.voters import switches

__all__ = [
    "NO_EARLIER",
    "CollectorPart",
    "Counts",
    "EarlierPrefixes",
    "Vote",
    "VoteRows",
    "Votes",
    "known_after",
    "merge_votes",
    "voters_alone",
]

NO_PATHS = PathPool().paths
# Columns with a row for each unit.
UNITS = ("afi", "hi", "lo", "length", "any_origin", "origin_of")
# A walk takes so many bytes; a whole table is walked in several goes.
WALK_BYTES = 96 << 20


@dataclass(frozen=True, slots=True)
class Votes:
    """Every change of state of every watched prefix, and of the number of voters. P units, C changes, T steps.

    A unit is a prefix, or a prefix by one of its origins (see vote_units.Units).
    """

    from_us: int
    until_us: int
    afi: npt.NDArray[np.uint8]  # [P]
    hi: npt.NDArray[np.uint64]
    lo: npt.NDArray[np.uint64]
    length: npt.NDArray[np.uint8]
    time_us: npt.NDArray[np.int64]  # [C]
    prefix: npt.NDArray[np.int32]
    state: npt.NDArray[np.uint8]
    votes: npt.NDArray[np.int32]
    voters: npt.NDArray[np.int32]
    origin: npt.NDArray[np.uint32]
    upstream: npt.NDArray[np.uint32]
    beyond: npt.NDArray[np.uint32]
    by_voters: npt.NDArray[np.uint8]
    step_us: npt.NDArray[np.int64]  # [T]
    voters4: npt.NDArray[np.int32]
    voters6: npt.NDArray[np.int32]
    rows: VoteRows  # none of them where ``counts`` was asked for in their place
    gaps: tuple[Gap, ...]
    learned: bool  # what is known of IPv4 came from updates alone
    any_origin: npt.NDArray[np.bool_]  # [P] the unit is the whole prefix
    origin_of: npt.NDArray[np.int64]  # [P] AS for which the unit counts; -1: none, several, or not asked for
    counts: "Counts | None" = None
    learned6: bool = False  # the same of IPv6
    late: tuple[Late, ...] = ()  # of all collectors, those that touch the window


@dataclass(frozen=True, slots=True)
class Counts:
    """Announcements and withdrawals of each unit in each bin of the window where there were any. K rows."""

    bin_us: int
    unit: npt.NDArray[np.int32]  # [K]
    bin: npt.NDArray[np.int32]
    announced: npt.NDArray[np.int32]
    withdrawn: npt.NDArray[np.int32]


Refine = Callable[[Votes], tuple[Votes, npt.NDArray[np.bool_]]]
"""Given the votes on some units: the same with changes set right, and which of their rows are no news, bool[R]."""


def merge_votes(
    parts: Sequence[CollectorPart],
    from_us: int,
    until_us: int,
    *,
    all_origins_bin_us: int = 0,
    refine: Refine | None = None,
    earlier: EarlierPrefixes = NO_EARLIER,
    threads: int = 2,
) -> Votes:
    """Walk the logs of all collectors together and count votes. The order of ``parts`` does not matter.

    With ``all_origins_bin_us`` the votes on prefixes of several origins are counted by origin too, and in place of the
    rows, which would fill the memory for a whole table, there are their counts in bins of that length. ``refine`` then
    sees the votes on some units at a time with their rows; what stood at the start becomes rows only of units that
    were lost. Prefixes of ``earlier`` windows are counted too, though no route to them may be left.
    """
    parts = sorted(parts, key=lambda part: part.collector)
    routes = Routes.of(parts, ends := [part.paths.ends() for part in parts])
    units = number_units(parts, [of_part.origin for of_part in ends] if all_origins_bin_us > 0 else None, earlier)
    del ends
    offsets = np.cumsum([0] + [len(part.peers) for part in parts])
    voters: dict[tuple[str, int], int] = {}
    voter_of = np.array(
        [voters.setdefault((part.collector, asn), len(voters)) for part in parts for asn in part.peers.asn], np.int32
    )
    turns, gaps = switches(parts, offsets, from_us, until_us)

    learned, learned6 = _learned(parts, voter_of, turns)
    late = tuple(one for part in parts for one in part.late if one.until_us >= from_us and one.from_us < until_us)

    def count(span: tuple[int, int], picked: Sequence[npt.NDArray[np.int32] | slice]) -> Votes:
        rows = vote_rows(parts, picked, units, span, offsets, turns, voter_of, from_us, routes)
        whole, origin_of = _kinds_of(units, span)
        columns = _unit_columns(units, span)
        changes, steps = walk(rows, (columns["afi"] != 1).astype(np.uint8), len(voters))
        columns |= dict(zip((*CHANGES, *STEPS), (*changes, *steps), strict=True))
        votes = Votes(
            from_us,
            until_us,
            **columns,
            rows=rows,
            gaps=gaps,
            learned=learned,
            learned6=learned6,
            any_origin=whole,
            origin_of=origin_of,
            late=late,
        )
        if not all_origins_bin_us:
            return replace(votes, rows=with_start(rows, columns["afi"]))
        news = np.ones(len(rows.code), np.bool_)
        if refine is not None:
            lost = np.isin(votes.state, (PrefixState.DARK, PrefixState.MINORITY)) & (votes.by_voters == 0)
            votes, dull = refine(replace(votes, rows=with_start(rows, columns["afi"], np.unique(votes.prefix[lost]))))
            news = ~dull[len(dull) - len(news) :]
        counts = _counted(rows, news, from_us, until_us, all_origins_bin_us)
        return replace(votes, rows=without_rows(rows), counts=counts)

    if not all_origins_bin_us:
        return count((0, len(units.afi)), [slice(None)] * len(parts))
    spans = cut_in_spans(units, parts, 6 * len(voter_of) + 4 * len(voters), WALK_BYTES)
    picked = pick_rows(units, parts, spans)
    with ThreadPoolExecutor(max(1, threads)) as pool:
        return _joined(
            list(pool.map(lambda k: count(spans[k], [of_part.of(k) for of_part in picked]), range(len(spans))))
        )


def _learned(
    parts: Sequence[CollectorPart], voter_of: npt.NDArray[np.int32], turns: Sequence[tuple[int, int, int]]
) -> tuple[bool, bool]:
    """Of IPv4 and of IPv6, whether what is known came from updates alone: fewer than LEAST_WHOLE of the voters, and not
    most, sent a table.

    ``turns``: (time, session, Vote). A table comes with a dump, or by a session that begins anew.
    """
    whole = np.concatenate([whole_tables(part) for part in parts] or [np.empty(0, np.uint8)])
    out: list[bool | None] = []
    for on, family in ((Vote.ON4, WHOLE4), (Vote.ON6, WHOLE6)):
        sessions = {session for _, session, vote in turns if vote == on}
        voters = {int(voter_of[session]) for session in sessions}
        of_whole = {int(voter_of[session]) for session in sessions if whole[session] & family}
        out.append(len(of_whole) < LEAST_WHOLE and 2 * len(of_whole) <= len(voters) if voters else None)
    four, six = out
    # Of a family on which nobody votes nothing is known that the other one would not say.
    neither = any(part.dumps == 0 for part in parts)
    other4, other6 = (neither if six is None else six), (neither if four is None else four)
    return other4 if four is None else four, other6 if six is None else six


def known_after(votes: Votes, earlier: EarlierPrefixes, keep_us: int) -> EarlierPrefixes:
    """What is known after a window: what was visible in it, and what was known and seen in the last ``keep_us``."""
    seen = np.zeros(len(votes.afi), np.bool_)
    seen[votes.prefix[(votes.state == PrefixState.VISIBLE) & (votes.voters > 0)]] = True
    seen_now = np.flatnonzero(seen & (votes.any_origin | (votes.origin_of > 0)))
    late = earlier.seen_us >= votes.until_us - keep_us
    columns = {
        name: np.concatenate([getattr(votes, name)[seen_now], getattr(earlier, name)[late]])
        for name in ("afi", "hi", "lo", "length")
    }
    origin = np.concatenate([votes.origin_of[seen_now], earlier.origin[late]])
    seen_us = np.concatenate([np.full(len(seen_now), votes.until_us, np.int64), earlier.seen_us[late]])
    # Of the rows on one prefix and origin the latest counts; a row without an origin is needed where there is no other.
    order = np.lexsort((-seen_us, origin, columns["length"], columns["lo"], columns["hi"], columns["afi"]))
    rows = [columns[name][order] for name in ("afi", "hi", "lo", "length")] + [origin[order]]
    fresh = np.ones(len(order), np.bool_)
    if len(order):
        fresh[1:] = np.any([column[1:] != column[:-1] for column in rows], axis=0)
    kept = order[fresh]
    return EarlierPrefixes(
        **{name: column[kept] for name, column in columns.items()}, origin=origin[kept], seen_us=seen_us[kept]
    )


def voters_alone(parts: Sequence[CollectorPart], from_us: int, until_us: int) -> Votes:
    """Who votes when, without any prefix: what faults of the recording are found from before votes are counted."""
    return merge_votes(
        [replace(part, start=part.start.cut(0), afi=part.afi[:0], paths=NO_PATHS) for part in parts], from_us, until_us
    )


def _joined(spans: list[Votes]) -> Votes:
    """Votes on stretches of units that follow each other, as one."""
    if len(spans) == 1:
        return spans[0]
    bases = np.cumsum([0] + [len(votes.afi) for votes in spans])
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(votes, name) for votes in spans]) for name in (*UNITS, *CHANGES)
    }
    columns["prefix"] = np.concatenate(
        [votes.prefix + np.int32(base) for votes, base in zip(spans, bases, strict=False)]
    )
    order = np.argsort(columns["time_us"], kind="stable")
    counts = [votes.counts for votes in spans if votes.counts is not None]
    summed = {
        name: np.concatenate([getattr(each, name) for each in counts]) for name in ("bin", "announced", "withdrawn")
    }
    summed["unit"] = np.concatenate([each.unit + np.int32(base) for each, base in zip(counts, bases, strict=False)])
    columns = {name: column if name in UNITS else column[order] for name, column in columns.items()}
    return replace(spans[0], **columns, counts=Counts(counts[0].bin_us, **summed))


def _counted(rows: VoteRows, news: npt.NDArray[np.bool_], from_us: int, until_us: int, bin_us: int) -> Counts:
    bins = -(-(until_us - from_us) // bin_us)
    rows_counted = np.flatnonzero(
        news
        & ((rows.code == Vote.HOLD) | (rows.code == Vote.LOSE))
        & (rows.prefix >= 0)
        & (rows.time_us >= from_us)
        & (rows.time_us < until_us)
    )
    key = rows.prefix[rows_counted].astype(np.int64) * bins + (rows.time_us[rows_counted] - from_us) // bin_us
    keys, inverse = np.unique(key, return_inverse=True)
    announced = np.bincount(inverse[rows.code[rows_counted] == Vote.HOLD], minlength=len(keys)).astype(np.int32)
    withdrawn = np.bincount(inverse[rows.code[rows_counted] == Vote.LOSE], minlength=len(keys)).astype(np.int32)
    return Counts(bin_us, (keys // bins).astype(np.int32), (keys % bins).astype(np.int32), announced, withdrawn)


def _unit_columns(units: Units, span: tuple[int, int]) -> dict[str, Any]:
    copies = np.diff(units.first[span[0] : span[1] + 1])
    return {name: np.repeat(getattr(units, name)[slice(*span)], copies) for name in ("afi", "hi", "lo", "length")}


def _kinds_of(units: Units, span: tuple[int, int]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Which units are whole prefixes, and the AS for which each counts, -1 where there is none."""
    first = units.first[span[0] : span[1] + 1]
    whole = np.zeros(int(first[-1] - first[0]), np.bool_)
    whole[first[:-1] - first[0]] = True
    sole = units.sole_origin[slice(*span)]
    origin = np.empty(len(whole), np.int64)
    origin[whole] = np.where(sole > 0, sole, -1)
    origin[~whole] = units.pair_origin[slice(*np.searchsorted(units.pair_prefix, span))]
    return whole, origin
