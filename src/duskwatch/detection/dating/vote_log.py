"""What the change log says about single prefixes: when each lost votes, when it had them all."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duskwatch.records.signals import ChangeLog, PrefixState

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
Bool = npt.NDArray[np.bool_]
NEVER = -1


@dataclass(frozen=True, slots=True, eq=False)
class VoteLog:
    """A change log in order of prefix and time, without the rows in which nobody voted. R rows."""

    time_us: I64  # [R]
    prefix: I32  # [R]
    visible: Bool  # [R] more than half hold it from here on
    was_visible: Bool  # [R] and before; a prefix not heard of before counts as not visible
    by_voters: Bool  # [R]
    votes: I32  # [R]
    voters: I32  # [R]
    short_since_us: I64  # [R] since when some voter lacks it; NEVER where it never had all votes, or has them now
    held_since_us: I64  # [R] since when some voter holds it; NEVER where none does or nobody was seen not to
    full_at_us: I64  # [R] the first time from this row on at which it has all votes; NEVER where there is none
    in_time: I64  # [R] rows in order of time
    sorted_us: I64  # [R] and their times

    def between(self, from_us: int, until_us: int) -> I64:
        """Rows in [from, until], in order of prefix and time."""
        low = np.searchsorted(self.sorted_us, from_us, side="left")
        high = np.searchsorted(self.sorted_us, until_us, side="right")
        rows: I64 = np.sort(self.in_time[low:high])
        return rows


def vote_log(changes: ChangeLog) -> VoteLog:
    """Sort a change log by prefix and work out since when each state has lasted."""
    kept = np.flatnonzero(changes.voters > 0)
    kept = kept[np.lexsort((kept, changes.prefix[kept]))]
    time_us, prefix = changes.time_us[kept], changes.prefix[kept]
    votes, voters = changes.votes[kept], changes.voters[kept]
    visible = changes.state[kept] == PrefixState.VISIBLE
    fresh = np.ones(len(kept), bool)
    fresh[1:] = prefix[1:] != prefix[:-1]
    was_visible = np.zeros(len(kept), bool)
    was_visible[1:] = visible[:-1]
    was_visible[fresh] = False
    full = votes == voters
    full_at = np.full(len(kept), NEVER, np.int64)
    if len(kept):
        # The next row with all votes, by walking back to front: the smallest index at or after each row.
        where = np.where(full, np.arange(len(kept)), len(kept))
        following = np.minimum.accumulate(where[::-1])[::-1]
        reached = np.minimum(following, len(kept) - 1)
        same = (following < len(kept)) & (prefix[reached] == prefix)
        full_at[same] = time_us[reached[same]]
    in_time = np.argsort(time_us, kind="stable")
    return VoteLog(
        time_us,
        prefix,
        visible,
        was_visible,
        changes.by_voters[kept] == 1,
        votes,
        voters,
        _since(~full, fresh, time_us),
        _since(votes > 0, fresh, time_us),
        full_at,
        in_time,
        time_us[in_time],
    )


def _since(holds: Bool, fresh: Bool, time_us: I64) -> I64:
    """Start of the run of rows in which a condition holds, per row; NEVER outside, and where its start was not seen."""
    out = np.full(len(holds), NEVER, np.int64)
    if not len(holds):
        return out
    starts = holds.copy()
    starts[1:] &= fresh[1:] | ~holds[:-1]
    begin = np.maximum.accumulate(np.where(starts, np.arange(len(holds)), 0))
    seen = holds & ~fresh[begin]
    out[seen] = time_us[begin[seen]]
    return out


def lost_between(log: VoteLog, from_us: int, until_us: int) -> I64:
    """Rows in [from, until] with which a prefix lost its majority through a route, the last one of each prefix."""
    rows = log.between(from_us, until_us)
    return _last_of_each(log, rows[log.was_visible[rows] & ~log.visible[rows] & ~log.by_voters[rows]])


def back_between(log: VoteLog, from_us: int, until_us: int) -> I64:
    """Rows in [from, until] with which a prefix got its majority back, the last one of each prefix."""
    rows = log.between(from_us, until_us)
    return _last_of_each(log, rows[~log.was_visible[rows] & log.visible[rows]])


def agreement_on(log: VoteLog, from_us: int, until_us: int) -> float:
    """Share of voters that had lost a prefix at its lowest, averaged over those that were lost; 0.5 where none was."""
    inside = log.between(from_us, until_us - 1)
    inside = inside[~log.visible[inside]]
    if not len(inside):
        return 0.5
    _, prefix = np.unique(log.prefix[inside], return_inverse=True)
    lowest = np.zeros(int(prefix.max()) + 1)
    np.maximum.at(lowest, prefix, 1.0 - log.votes[inside] / log.voters[inside])
    return float(lowest.mean())


def _last_of_each(log: VoteLog, rows: I64) -> I64:
    if not len(rows):
        return rows
    prefix = log.prefix[rows]
    last: I64 = rows[np.append(prefix[1:] != prefix[:-1], True)]
    return last
