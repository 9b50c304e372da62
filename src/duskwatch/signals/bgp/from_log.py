"""A stored change log as votes again, so that a part of an entity is measured as if its votes had been counted."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duskwatch.records.countries import CountryRanges
from duskwatch.records.entity import Entity
from duskwatch.records.prefix import Prefix
from duskwatch.records.signals import ChangeLog, EntityHistory, Gap
from duskwatch.records.times import DAY
from duskwatch.signals.bgp.extents import space_of
from duskwatch.signals.bgp.measures import Extent, measure
from duskwatch.signals.bgp.vote_rows import nothing_said
from duskwatch.signals.bgp.votes import Counts, Votes

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class VoterSteps:
    """How many voters there were, as a step function. T rows."""

    step_us: I64  # [T] in order
    voters4: I32  # [T] of IPv4 prefixes, from then on
    voters6: I32  # [T] of IPv6 prefixes

    @staticmethod
    def join(days: "list[tuple[VoterSteps, int]]") -> "VoterSteps":
        """Those of some days, each with its end (us), in order; nobody votes between days that do not meet."""
        parts: list[VoterSteps] = []
        reached: int | None = None
        for steps, until_us in days:
            if reached is not None and len(steps.step_us) and steps.step_us[0] > reached:
                parts.append(VoterSteps(np.array([reached]), np.zeros(1, np.int32), np.zeros(1, np.int32)))
            parts.append(steps)
            reached = until_us
        return VoterSteps(
            np.concatenate([part.step_us for part in parts]),
            np.concatenate([part.voters4 for part in parts]),
            np.concatenate([part.voters6 for part in parts]),
        )


def measure_part(
    log: ChangeLog,
    country: str,
    ranges: CountryRanges,
    voters: VoterSteps,
    window: tuple[int, int],
    *,
    gaps: tuple[Gap, ...] = (),
    learned: bool = False,
) -> EntityHistory:
    """What an entity had in a country: its prefixes there, and of their space what is the country's.

    log  of the entity over the window, every prefix with its state at the start
    The history has one bin: what was announced in which is not in the log.
    """
    prefixes = [Prefix.parse(name) for name in log.prefixes]
    columns = (
        np.array([prefix.afi for prefix in prefixes], np.uint8),
        np.array([prefix.hi for prefix in prefixes], np.uint64),
        np.array([prefix.lo for prefix in prefixes], np.uint64),
        np.array([prefix.length for prefix in prefixes], np.uint8),
    )
    here = ranges.countries_of(*columns) == ranges.countries.index(country)
    number = np.cumsum(here, dtype=np.int32) - np.int32(1)
    rows = np.flatnonzero(here[log.prefix] & ~_said_again(log))
    beyond = log.beyond if len(log.beyond) else np.zeros(len(log.time_us), np.uint32)
    none32, count = np.empty(0, np.int32), int(here.sum())
    votes = Votes(
        window[0],
        window[1],
        columns[0][here],
        columns[1][here],
        columns[2][here],
        columns[3][here],
        time_us=log.time_us[rows],
        prefix=number[log.prefix[rows]],
        state=log.state[rows],
        votes=log.votes[rows],
        voters=log.voters[rows],
        origin=log.origin[rows],
        upstream=log.upstream[rows],
        beyond=beyond[rows],
        by_voters=log.by_voters[rows],
        step_us=voters.step_us,
        voters4=voters.voters4,
        voters6=voters.voters6,
        rows=nothing_said(window[0]),
        gaps=gaps,
        learned=learned,
        any_origin=np.ones(count, np.bool_),
        origin_of=np.full(count, -1, np.int64),
        counts=Counts(window[1] - window[0], none32, none32, none32, none32),
    )
    return measure(
        votes, Extent(np.ones(count, np.bool_), *space_of(Entity("country", country), ranges)), window[1] - window[0]
    )


def _said_again(log: ChangeLog) -> npt.NDArray[np.bool_]:
    """Rows that a day begins with and that say what the day before had said, bool[C]."""
    order = np.argsort(log.prefix, kind="stable")
    prefix, state = log.prefix[order], log.state[order]
    again = np.zeros(len(order), np.bool_)
    again[1:] = (prefix[1:] == prefix[:-1]) & (state[1:] == state[:-1]) & (log.time_us[order][1:] % DAY == 0)
    out = np.empty(len(order), np.bool_)
    out[order] = again
    return out
