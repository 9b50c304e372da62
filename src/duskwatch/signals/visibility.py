"""Visibility: the share of live full-feed voters that hold a prefix, from the routing logs of all collectors.

A voter is a peer AS at one collector, however many sessions it has there, so that collectors merge by adding votes.
A prefix is visible while more than half of the voters whose word on it is known hold it. Where the state was
learned from updates, a voter's word is known from its first statement on. Until more than half have spoken, a
prefix that anybody held is presumed to be visible: a loss takes the word of more than half.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duskwatch.records.signals import Gap
from duskwatch.signals.collector_part import CollectorPart, close_part
from duskwatch.signals.vote_walk import (
    CHANGES,
    STEPS,
    Units,
    Vote,
    VoteRows,
    number_units,
    vote_rows,
    walk,
    with_start,
    without_rows,
)
from duskwatch.signals.voters import full_feed, switches

__all__ = ["CollectorPart", "Vote", "VoteRows", "Votes", "close_part", "full_feed", "merge_votes"]

# A walk takes so many bytes for its cells; more prefixes are walked in several goes.
WALK_BYTES = 128 << 20


@dataclass(frozen=True, slots=True)
class Votes:
    """Every change of state of every watched prefix, and of the number of voters. P units, C changes, T steps.

    A unit is a prefix, or a prefix by one of its origins (see vote_walk.Units).
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
    learned: bool
    any_origin: npt.NDArray[np.bool_]  # [P] the unit is the whole prefix
    origin_of: npt.NDArray[np.int64]  # [P] AS for which the unit counts; -1: none, several, or not asked for
    counts: "Counts | None" = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Announcements and withdrawals of each unit in each bin of the window where there were any. K rows."""

    bin_us: int
    unit: npt.NDArray[np.int32]  # [K]
    bin: npt.NDArray[np.int32]
    announced: npt.NDArray[np.int32]
    withdrawn: npt.NDArray[np.int32]


def merge_votes(
    parts: list[CollectorPart], from_us: int, until_us: int, *, all_origins_bin_us: int = 0, threads: int = 2
) -> Votes:
    """Walk the logs of all collectors together and count votes. The order of ``parts`` does not matter.

    With ``all_origins_bin_us`` the votes on prefixes of several origins are counted by origin too, and in place of the
    rows, which would fill the memory for a whole table, there are their counts in bins of that length.
    """
    parts = sorted(parts, key=lambda part: part.collector)
    units = number_units(parts, by_origin=all_origins_bin_us > 0)
    offsets = np.cumsum([0] + [len(part.peers) for part in parts])
    voters: dict[tuple[str, int], int] = {}
    voter_of = np.array(
        [voters.setdefault((part.collector, asn), len(voters)) for part in parts for asn in part.peers.asn], np.int32
    )
    turns, gaps = switches(parts, offsets, from_us, until_us)

    def count(span: tuple[int, int]):  # type: ignore[no-untyped-def]
        rows = vote_rows(parts, units, span, offsets, turns, voter_of, from_us)
        own = units.first[span[0] : span[1] + 1]
        family = np.repeat((units.afi[span[0] : span[1]] != 1).astype(np.uint8), np.diff(own))
        changes, steps = walk(rows, family, len(voters))
        base = int(own[0])
        changes = (changes[0], changes[1] + np.int32(base), *changes[2:])
        if not all_origins_bin_us:
            return changes, steps, with_start(rows), ()
        counted = _counted(rows, base, from_us, until_us, all_origins_bin_us)
        return changes, steps, without_rows(rows), counted

    spans = _spans(units, len(voter_of) + 4 * len(voters))
    with ThreadPoolExecutor(max(1, threads)) as pool:
        found = list(pool.map(count, spans)) if len(spans) > 1 else [count(span) for span in spans]
    changes = [np.concatenate(column) for column in zip(*(each[0] for each in found), strict=True)]
    counts = None
    if all_origins_bin_us:
        columns = zip(*(each[3] for each in found), strict=True)
        counts = Counts(all_origins_bin_us, *(np.concatenate(column) for column in columns))
    elif len(found) > 1:
        raise MemoryError("too many prefixes are watched for their rows to be kept; count all origins instead")
    if len(found) > 1:
        order = np.argsort(changes[0], kind="stable")
        changes = [column[order] for column in changes]
    return Votes(
        from_us,
        until_us,
        **{name: np.repeat(getattr(units, name), np.diff(units.first)) for name in ("afi", "hi", "lo", "length")},
        **dict(zip(CHANGES, changes, strict=True)),
        **dict(zip(STEPS, found[0][1], strict=True)),
        rows=found[0][2],
        gaps=gaps,
        learned=any(part.dumps == 0 for part in parts),
        any_origin=_any_origin(units),
        origin_of=_origin_of(units),
        counts=counts,
    )


def _spans(units: Units, bytes_per_unit: int) -> list[tuple[int, int]]:
    """Stretches of prefixes whose units fit in WALK_BYTES; at least one, even if there is no prefix."""
    room = max(1, WALK_BYTES // max(1, bytes_per_unit))
    count = len(units.afi)
    spans: list[tuple[int, int]] = []
    low = 0
    while low < count or not spans:
        high = int(np.searchsorted(units.first, units.first[low] + room, side="right")) - 1
        high = min(count, max(high, low + 1))
        spans.append((low, high))
        low = high
    return spans


def _counted(
    rows: VoteRows, base: int, from_us: int, until_us: int, bin_us: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    bins = -(-(until_us - from_us) // bin_us)
    told = np.flatnonzero(
        ((rows.code == Vote.HOLD) | (rows.code == Vote.LOSE))
        & (rows.prefix >= 0)
        & (rows.time_us >= from_us)
        & (rows.time_us < until_us)
    )
    key = rows.prefix[told].astype(np.int64) * bins + (rows.time_us[told] - from_us) // bin_us
    keys, inverse = np.unique(key, return_inverse=True)
    announced = np.bincount(inverse[rows.code[told] == Vote.HOLD], minlength=len(keys)).astype(np.int32)
    withdrawn = np.bincount(inverse[rows.code[told] == Vote.LOSE], minlength=len(keys)).astype(np.int32)
    return (keys // bins + base).astype(np.int32), (keys % bins).astype(np.int32), announced, withdrawn


def _any_origin(units: Units) -> npt.NDArray[np.bool_]:
    whole = np.zeros(int(units.first[-1]), np.bool_)
    whole[units.first[:-1]] = True
    return whole


def _origin_of(units: Units) -> npt.NDArray[np.int64]:
    whole = _any_origin(units)
    origin = np.empty(len(whole), np.int64)
    origin[whole] = np.where(units.sole_origin > 0, units.sole_origin, -1)
    origin[~whole] = units.pair_origin
    return origin
