"""The automaton and the presence of probes by their definitions: plain loops, one event at a time."""

import math
from itertools import pairwise, product

Event = tuple[int, int, bool]  # time, probe, whether it came


def costs(gaps: list[float], states: tuple[int, ...], scaling: float, climbing: float) -> float:
    """Cost of one sequence of states: minus the log-likelihood of exponential gaps, plus what climbing costs."""
    n, total = len(gaps), sum(gaps)
    cost, before = 0.0, 0
    for gap, state in zip(gaps, states, strict=True):
        rate = scaling**state * n / total
        cost += max(0, state - before) * climbing * math.log(n)
        cost -= math.log(rate * math.exp(-rate * gap)) if rate * gap < 700 else math.log(rate) - rate * gap
        before = state
    return cost


def cheapest(gaps: list[float], levels: int, scaling: float, climbing: float) -> float:
    """Least cost over every sequence there is."""
    return min(costs(gaps, states, scaling, climbing) for states in product(range(levels), repeat=len(gaps)))


def states(times: list[float], scaling: float = 2.0, climbing: float = 0.5, most: int = 40) -> list[int]:
    """Viterbi over a table of costs and of ways, state by state."""
    gaps = [b - a for a, b in pairwise(times)]
    n, total = len(gaps), sum(gaps)
    levels = min(most, max(1, math.ceil(1 + math.log(total, scaling) - math.log(min(gaps), scaling))))
    best = {0: (0.0, [])}
    for gap in gaps:
        rates = {state: scaling**state * n / total for state in range(levels)}
        best = {
            state: min(
                (
                    (
                        cost + max(0, state - before) * climbing * math.log(n) - math.log(rate) + rate * gap,
                        [*way, state],
                    )
                    for before, (cost, way) in best.items()
                ),
                key=lambda each: each[0],
            )
            for state, rate in rates.items()
        }
    return min(best.values(), key=lambda each: each[0])[1]


def connected(events: list[Event], time: int) -> set[int]:
    """Probes that are connected just before a time: what each did last, or the opposite of what it does next."""
    found = set()
    for probe in {probe for _, probe, _ in events}:
        mine = sorted((when, came) for when, one, came in events if one == probe)
        past = [came for when, came in mine if when < time]
        ahead = [came for when, came in mine if when >= time]
        if past[-1] if past else not ahead[0]:
            found.add(probe)
    return found
