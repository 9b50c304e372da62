"""Runs detectors over scenarios."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from duskwatch.detection import detect, detect_series
from duskwatch.evaluation.published import PUBLISHED
from duskwatch.evaluation.published.median_rule import SOURCES
from duskwatch.evaluation.scenarios.library import present
from duskwatch.evaluation.scenarios.scenario import Entry, Scenario
from duskwatch.evaluation.scoring import FoundEvent, Score, found_events, score
from duskwatch.records.signals import SignalSpec

OURS = "duskwatch"

Progress = Callable[[str, int, int], None]
"""Told the scenario at hand, how many are done, and how many there are in all."""


class Detector(NamedTuple):
    """What is scored: from a scenario to events; ``judges`` says which signals it has a rule for."""

    name: str
    find: Callable[[Scenario], tuple[FoundEvent, ...]]
    judges: Callable[[SignalSpec], bool]


@dataclass(frozen=True, slots=True)
class Result:
    """How one detector did on one scenario."""

    id: str
    shape_name: str
    groups: frozenset[str]
    kind: str
    detector: str
    scored: Score
    seconds: float  # that finding took


def _ours(scenario: Scenario) -> tuple[FoundEvent, ...]:
    return found_events(detect_series(scenario.block) if scenario.history is None else detect(scenario.history))


def _published(name: str) -> Callable[[Scenario], tuple[FoundEvent, ...]]:
    return lambda scenario: PUBLISHED[name](scenario.block)


@cache
def detectors() -> Mapping[str, Detector]:
    """Ours and the published rules, by name."""
    out = {OURS: Detector(OURS, _ours, lambda spec: True)}
    for name in PUBLISHED:
        out[name] = Detector(name, _published(name), lambda spec: True)
    out["ioda-median"] = out["ioda-median"]._replace(judges=lambda spec: spec.family in SOURCES)
    return out


def run(
    entries: Sequence[Entry], chosen: Sequence[Detector], data: Path | None, progress: Progress | None = None
) -> tuple[list[Result], list[str]]:
    """Score each detector on each scenario. Returns results, and the ids of those left out for want of their data.

    A detector is not scored on series that it has no rule for. Raises ValueError or OSError where data cannot be read.
    """
    results: list[Result] = []
    absent: list[str] = []
    for done, entry in enumerate(entries):
        if progress:
            progress(entry.id, done, len(entries))
        if not present(entry, data):
            absent.append(entry.id)
            continue
        scenario = entry.build(data)
        for detector in chosen:
            if any(map(detector.judges, scenario.block.specs)):
                results.append(score_one(scenario, detector))
    if progress:
        progress("", len(entries), len(entries))
    return results, absent


def score_one(scenario: Scenario, detector: Detector) -> Result:
    """One detector on one scenario."""
    began = time.perf_counter()
    found = detector.find(scenario)
    seconds = time.perf_counter() - began
    scored = score(
        scenario.events,
        found,
        until_us=scenario.until_us,
        watched_us=scenario.watched_us,
        bin_us=scenario.block.bin_us,
    )
    return Result(scenario.id, scenario.shape_name, scenario.groups, scenario.kind, detector.name, scored, seconds)
