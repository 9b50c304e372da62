"""The votes of many entities at once: one pass sorts them, each entity then gets its own."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from duskwatch.signals.bgp.votes import Counts, Votes

ENTITY_CHANGES = ("time_us", "state", "votes", "voters", "origin", "upstream", "beyond", "by_voters")


def split(votes: Votes, owner: npt.NDArray[np.int64]) -> Iterator[tuple[int, Votes]]:
    """The votes on each owner's units, in order of owner.

    owner int64[P]: whom a unit belongs to, -1 where nobody. The Votes of one owner hold its units alone, in the order
    of ``votes``, and no rows.
    """
    units = np.flatnonzero(owner >= 0)
    units = units[np.argsort(owner[units], kind="stable")]
    owners, firsts = np.unique(owner[units], return_index=True)
    bounds = np.append(firsts, len(units))
    number = np.zeros(len(owner), np.int32)
    number[units] = np.arange(len(units)) - np.repeat(firsts, np.diff(bounds))
    rows, row_bounds = by_owner(owner, votes.prefix, owners)
    counts = votes.counts
    kept, kept_bounds = (
        by_owner(owner, counts.unit, owners) if counts is not None else (rows[:0], np.zeros(0, np.int64))
    )
    for k, one in enumerate(owners):
        ids = units[bounds[k] : bounds[k + 1]]
        its_rows = rows[row_bounds[k] : row_bounds[k + 1]]
        its_counts = None
        if counts is not None:
            these = kept[kept_bounds[k] : kept_bounds[k + 1]]
            its_counts = Counts(
                counts.bin_us,
                number[counts.unit[these]],
                counts.bin[these],
                counts.announced[these],
                counts.withdrawn[these],
            )
        yield (
            int(one),
            replace(
                votes,
                afi=votes.afi[ids],
                hi=votes.hi[ids],
                lo=votes.lo[ids],
                length=votes.length[ids],
                **{name: getattr(votes, name)[its_rows] for name in ENTITY_CHANGES},
                prefix=number[votes.prefix[its_rows]],
                any_origin=votes.any_origin[ids],
                origin_of=votes.origin_of[ids],
                counts=its_counts,
            ),
        )


def by_owner(
    owner: npt.NDArray[np.int64], unit: npt.NDArray[np.int32], owners: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows in order of their unit's owner, else as they came, and where each owner's begin, [owners + 1]."""
    whose = owner[unit]
    rows = np.flatnonzero(whose >= 0)
    rows = rows[np.argsort(whose[rows], kind="stable")]
    return rows, np.append(np.searchsorted(whose[rows], owners), len(rows))
