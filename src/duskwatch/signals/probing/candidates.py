"""Stretches of one entity's departures that may be a burst, by three rules."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np

from duskwatch.records.probes import I64
from duskwatch.records.times import MINUTE, SECOND
from duskwatch.signals.probing.automaton import burst_states, runs_at, spread_times

LEAST_PROBES = 8  # Disco: probes in an entity
LEAST_EVENTS = 10  # Disco: departures in its stream
BURST_LEVEL = 7  # Disco: state of the automaton that is a burst by itself
BROAD = {4: 0.5, 3: 0.9}  # lower states that are enough where that part of the connected probes left
REACH_LEVEL = 3  # a burst reaches as far as the automaton stays here
REACH_US = 10 * MINUTE  # but no further than this; Disco's events are counted in ten minutes too
LEAST_LEFT = 3  # probes; two that leave together are no burst
LASTING_US = 30 * MINUTE  # an absence longer than the platform's own reconnecting takes
TOGETHER_US = 5 * MINUTE  # departures into long absences that are no further apart belong together
LASTING_SHARE = 0.1  # of the connected probes
CHANCE = 1e-3  # of so many long absences at once somewhere in the log, below which they are no accident


Run = tuple[int, int]  # first and last departure of a stretch, by index
Runs = dict[int, list[Run]]  # stretches at a state or above, in order


@dataclass(frozen=True, slots=True)
class Departures:
    """Departures of one entity in order of time, [N], as the rules read them."""

    time_us: I64
    probe: I64
    back_us: I64  # return of each; the largest integer where the log sees none
    log_until_us: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stretch, and the rules that found it: level, breadth, absence."""

    from_us: int
    until_us: int
    level: float
    found_by: tuple[str, ...]


def candidates(stream: Departures, connected_at: I64, log_from_us: int) -> list[Candidate]:
    """Stretches found by any rule, those that overlap made one, in order of time.

    connected_at   probes of the entity that were connected just before each departure, [N]
    """
    times = spread_times(stream.time_us / SECOND)
    states = burst_states(times)
    runs = {level: runs_at(states, level) for level in range(REACH_LEVEL, int(states.max(initial=0)) + 1)}
    strong = [run for run in runs.get(BURST_LEVEL, []) if _left(stream, run) >= LEAST_LEFT]
    found = [_candidate(stream, states, runs, run, "level") for run in strong]
    found += [_candidate(stream, states, runs, run, "breadth") for run in _broad(stream, runs, connected_at)]
    found += _lasting(stream, connected_at, log_from_us)
    return _merged(found)


def _candidate(stream: Departures, states: I64, runs: Runs, run: Run, rule: str) -> Candidate:
    first, last = _reach(stream, runs, run, int(states[run[0] : run[1]].min()))
    level = float(states[run[0] : run[1]].mean())
    return Candidate(int(stream.time_us[first]), int(stream.time_us[last]), level, (rule,))


def _reach(stream: Departures, runs: Runs, run: Run, lowest: int) -> Run:
    """The widest stretch around a run, by level, that lasts no longer than REACH_US; the run itself at least."""
    for level in range(REACH_LEVEL, lowest):
        first, last = runs[level][bisect_right(runs[level], (run[0], len(stream.time_us))) - 1]
        if stream.time_us[last] - stream.time_us[first] <= REACH_US:
            return first, last
    return run


def _left(stream: Departures, run: Run) -> int:
    return len(np.unique(stream.probe[run[0] : run[1] + 1]))


def _broad(stream: Departures, runs: Runs, connected_at: I64) -> list[Run]:
    """The narrowest stretches, by level, in which as many of the connected probes left as BROAD asks for."""
    kept: list[Run] = []
    for level in range(max(runs, default=0), min(BROAD) - 1, -1):
        share = BROAD[max(known for known in BROAD if known <= level)]
        inner = sorted(kept)
        for run in runs[level]:
            left = _left(stream, run)
            if left < max(LEAST_LEFT, share * connected_at[run[0]]):
                continue
            at = bisect_left(inner, (run[0], 0))
            if at == len(inner) or inner[at][1] > run[1]:
                kept.append(run)
    return kept


def _lasting(stream: Departures, connected_at: I64, log_from_us: int) -> list[Candidate]:
    """Departures together into long absences, more than the entity's own rate of such absences explains.

    The chance is that of a Poisson count with the rate of all other long absences, times how many clusters there were.
    """
    away = np.minimum(stream.back_us, stream.log_until_us) - stream.time_us
    long = np.flatnonzero(away >= LASTING_US)
    if len(long) < LEAST_LEFT:
        return []
    ends = np.flatnonzero(np.diff(stream.time_us[long]) > TOGETHER_US) + 1
    clusters = np.split(long, ends)
    found = []
    for cluster in clusters:
        first, last = int(cluster[0]), int(cluster[-1])
        left = len(np.unique(stream.probe[cluster]))
        if left < max(LEAST_LEFT, LASTING_SHARE * connected_at[first]):
            continue
        begin, end = int(stream.time_us[first]), int(stream.time_us[last])
        others = len(long) - len(cluster) + 1
        expected = others * max(end - begin, TOGETHER_US) / max(stream.log_until_us - log_from_us, TOGETHER_US)
        if poisson_tail(left - 1, expected) * len(clusters) < CHANCE:
            found.append(Candidate(begin, end, 0.0, ("absence",)))
    return found


def poisson_tail(least: int, expected: float) -> float:
    """Chance of a Poisson count of ``least`` or more, 0 to 1."""
    term, below = float(np.exp(-expected)), 0.0
    for number in range(least):
        below += term
        term *= expected / (number + 1)
    return max(0.0, 1.0 - below)


def _merged(found: list[Candidate]) -> list[Candidate]:
    out: list[Candidate] = []
    for one in sorted(found, key=lambda each: (each.from_us, each.until_us)):
        if out and one.from_us <= out[-1].until_us:
            last = out[-1]
            rules = tuple(rule for rule in ("level", "breadth", "absence") if rule in last.found_by + one.found_by)
            until = max(last.until_us, one.until_us)
            out[-1] = Candidate(last.from_us, until, max(last.level, one.level), rules)
        else:
            out.append(one)
    return out
