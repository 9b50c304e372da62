"""The loss-area detector: how much was lost, for how long, against a threshold (Page's cumulative sum)."""

from dataclasses import dataclass, field

import numpy as np

from duskwatch.detection.excursions import (
    COLUMN_OF,
    F64,
    I32,
    I64,
    SIGNALS,
    Baseline,
    Excursions,
    Find,
    edges,
    finder,
    zero_for_nan,
)
from duskwatch.records.outages import Alarm
from duskwatch.records.signals import EntityHistory
from duskwatch.records.times import SECOND

ROUNDING = 1e-6  # a sum over the whole window may be this far from that over one excursion


@dataclass(frozen=True, slots=True)
class LossArea:
    """Raises an alarm when the area of an excursion passes a threshold (E. S. Page, 1954, on a step function).

    The area grows by min(loss, cap) - slack, where that is above zero, times the time that it lasts. It stands still
    while nobody is watching and while the loss is one of voters only. It starts at zero with every excursion. With
    fewer voters than ``trusted_voters`` the threshold is multiplied by (trusted_voters / voters) squared.
    """

    name: str
    slack: float
    cap: float
    threshold_us: int  # microseconds of total loss, after slack
    trusted_voters: int = 3
    baseline: Baseline = field(default_factory=Baseline)

    def __post_init__(self) -> None:
        if not 0 <= self.slack < self.cap <= 1:
            raise ValueError(f"{self.name}: must be 0 <= slack < cap <= 1")
        if self.threshold_us <= 0 or self.trusted_voters < 1:
            raise ValueError(f"{self.name}: threshold_us and trusted_voters must be above zero")

    def detect(self, history: EntityHistory, find: Find | None = None) -> list[Alarm]:
        """Alarms on every signal that has steps, in order of signal and time; the history is not changed."""
        find = find or finder(history)
        alarms: list[Alarm] = []
        for signal in SIGNALS:
            if not (getattr(history.level, COLUMN_OF[signal]) > 0).any():
                continue  # what never had anything lost nothing
            alarms += self._alarms(history, signal, find(signal, self.baseline))
        return alarms

    def _alarms(self, history: EntityHistory, signal: str, found: Excursions) -> list[Alarm]:
        if not len(found.confirmed):
            return []
        edge = edges(history.level)
        length = np.diff(edge)
        alarms = []
        few_voters = np.maximum(1.0, self.trusted_voters / np.maximum(zero_for_nan(history.level.voters), 1.0)) ** 2
        # Growth is measured in thresholds, as the threshold may change with the number of voters.
        above = np.maximum(np.clip(zero_for_nan(found.loss), 0.0, self.cap) - self.slack, 0.0)
        growth = above / few_voters * length / self.threshold_us
        begin, stop = found.confirmed, found.stops(edge)
        for k in np.flatnonzero(_sums(growth, begin, stop) >= 1.0 - ROUNDING):
            steps = np.arange(begin[k], stop[k])
            steps = steps[~found.blind[steps]]
            rate = np.clip(found.loss[steps], 0.0, self.cap) - self.slack
            few = few_voters[steps]
            grown = np.cumsum(growth[steps])
            over = np.flatnonzero(grown >= 1.0)
            if not len(over):
                continue
            at = int(over[0])
            missing = 1.0 - (grown[at - 1] if at else 0.0)
            raised = int(edge[steps[at]]) + int(missing * self.threshold_us * few[at] / rate[at])
            end = int(found.end_us[k])
            watched = length[steps].sum() / max(1, (end if end >= 0 else int(edge[-1])) - int(edge[steps[0]]))
            level = found.expected[steps] * (1.0 - found.loss[steps])
            alarms.append(
                Alarm(
                    signal,
                    self.name,
                    from_us=int(edge[steps[0]]),
                    raised_us=min(raised, int(edge[steps[at] + 1])),
                    until_us=end if end >= 0 else None,
                    expected=float(found.expected[steps[0]]),
                    observed=float(level.min()),
                    threshold=float(self.threshold_us / SECOND * few[at]),
                    coverage=float(min(1.0, watched)),
                )
            )
        return alarms


def _sums(values: F64, begin: I32, stop: I64) -> F64:
    """Sum of the values of each stretch [begin, stop) of steps."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    sums: F64 = total[stop] - total[begin]
    return sums
