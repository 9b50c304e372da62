"""Kleinberg's automaton of bursts: how much faster than usual events come, at each moment.

J. Kleinberg, "Bursty and hierarchical structure in streams" (KDD 2002), section 2.2: a state i for gaps of rate
s**i * n / T, a cost of gamma * ln(n) for each level that the automaton climbs, none for falling; the sequence of states
of least cost explains the gaps best.
"""

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

SCALING = 2.0  # s of the paper, and of Disco
CLIMBING = 0.5  # gamma of Disco
MOST_STATES = 40


def spread_times(times_s: F64) -> F64:
    """Times of whole seconds, in order, with those of one second spread evenly over it; seconds, [N].

    A gap of zero has no rate. Nobody knows the order within a second.
    """
    ordered = np.sort(times_s)
    seconds, counts = np.unique(ordered, return_counts=True)
    place = np.arange(len(ordered)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(seconds, counts) + (place + 0.5) / np.repeat(counts, counts)


def burst_states(times_s: F64, scaling: float = SCALING, climbing: float = CLIMBING) -> I64:
    """State of the automaton over each gap between events, [N - 1]; 0 is the ordinary rate of the stream.

    times_s   strictly growing, [N], seconds; fewer than three events have no states but 0
    Of several sequences that cost the same, the one with the lower state at each step is taken.
    """
    gaps = np.diff(times_s)
    n = len(gaps)
    if n < 2:
        return np.zeros(n, np.int64)
    if not (gaps > 0).all():
        raise ValueError("times must grow")
    total = float(gaps.sum())
    wanted = np.ceil(1 + np.log(total / gaps.min()) / np.log(scaling))
    states = int(min(max(wanted, 1), MOST_STATES))
    rates = scaling ** np.arange(states) * n / total
    step = climbing * np.log(n)
    ladder = step * np.arange(states)
    cost = np.where(np.arange(states) == 0, 0.0, np.inf)
    came_from = np.empty((n, states), np.int16)
    numbers = np.arange(states)
    for at, gap in enumerate(gaps):
        # From below: the best of cost[i] + (j - i) * step over i <= j. From above, falling is free.
        below = cost - ladder
        low = np.minimum.accumulate(below)
        low_from = np.maximum.accumulate(np.where(below < np.r_[np.inf, low[:-1]], numbers, 0))
        high = np.minimum.accumulate(cost[::-1])[::-1]
        climbed = low + ladder
        falls = high < climbed
        high_from = states - 1 - np.maximum.accumulate(np.where(_new_least(cost[::-1]), numbers, 0))[::-1]
        came_from[at] = np.where(falls, high_from, low_from)
        cost = np.where(falls, high, climbed) - np.log(rates) + rates * gap
    path = np.empty(n, np.int64)
    path[-1] = int(cost.argmin())
    for at in range(n - 1, 0, -1):
        path[at - 1] = came_from[at][path[at]]
    return path


def _new_least(values: F64) -> npt.NDArray[np.bool_]:
    """Where a value is not above all before it: of equal ones the last, which is the lowest state seen from above."""
    before = np.r_[np.inf, np.minimum.accumulate(values)[:-1]]
    least: npt.NDArray[np.bool_] = values <= before
    return least


def runs_at(states: I64, level: int) -> list[tuple[int, int]]:
    """First and last event of each stretch in which the automaton is at ``level`` or above, as indices of events."""
    high = np.r_[False, states >= level, False].astype(np.int8)
    edges = np.flatnonzero(np.diff(high)).reshape(-1, 2)
    return [(int(begin), int(end)) for begin, end in edges]
