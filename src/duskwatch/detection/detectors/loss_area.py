"""The loss-area detector: how much was lost, for how long, against a threshold (Page's cumulative sum)."""

from dataclasses import dataclass

import numpy as np

from duskwatch.detection.detectors.detector import Detector, LatestBin, Step
from duskwatch.detection.view import F64, I32, I64, BinnedView, LevelView, LossRule, View
from duskwatch.records.outages import Alarm
from duskwatch.records.times import SECOND

ROUNDING = 1e-6  # a sum over the whole window may be this far from that over one excursion


@dataclass(frozen=True, slots=True)
class LossArea(Detector):
    """Raises an alarm when the area of an excursion passes a threshold (E. S. Page, 1954).

    The area grows by min(loss, cap) - slack, where that is above zero, times the time that it lasts. It stands still
    while nobody is watching and, on a level, while the loss is one of voters only. It starts at zero with every
    excursion. With fewer voters than ``trusted_voters`` the threshold is multiplied by (trusted_voters / voters)
    squared. In bins the baseline follows the same area as they come in (``rule``).
    """

    name: str
    slack: float
    cap: float
    threshold_us: int  # microseconds of total loss, after slack
    trusted_voters: int = 3
    deep: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.slack < self.cap <= 1:
            raise ValueError(f"{self.name}: must be 0 <= slack < cap <= 1")
        if self.threshold_us <= 0 or self.trusted_voters < 1:
            raise ValueError(f"{self.name}: threshold_us and trusted_voters must be above zero")

    @property
    def rule(self) -> LossRule:
        """The same area, for the baseline of bins."""
        return LossRule(self.slack, self.cap, self.threshold_us)

    @property
    def recent(self) -> bool:
        """One excursion decides."""
        return True

    def least_loss(self, band: float) -> float:
        """An excursion begins at the band, its area grows above the slack."""
        return max(band, self.slack)

    def detect(self, view: View) -> list[Alarm]:
        """One alarm for each excursion whose area passed; none of signals of which less is no loss."""
        if not view.spec.less_is_loss:
            return []
        return self._of_level(view) if isinstance(view, LevelView) else self._of_bins(view)

    def step(self, latest: LatestBin) -> Step:
        """Excursions that go on; alarms stand from the bin that passed on."""
        inside = latest.falls & latest.judged.inside
        return Step(inside, inside & latest.judged.raised(latest.rules.index(self.rule)))

    def _of_bins(self, view: BinnedView) -> list[Alarm]:
        raised = view.raised(self.rule)
        out = []
        for dip in view.dips():
            passed = np.flatnonzero(raised[dip.first : dip.after])
            if not len(passed):
                continue
            inside = slice(dip.first, max(dip.first + 1, dip.stop))
            worst = int(np.argmax(np.nan_to_num(view.loss[inside]))) + dip.first
            out.append(
                Alarm(
                    view.spec.name,
                    self.name,
                    from_us=view.time_us(dip.first),
                    raised_us=view.time_us(dip.first + int(passed[0]) + 1),
                    until_us=None if dip.lasts and dip.stop >= view.bins else view.time_us(dip.stop),
                    expected=float(view.judged.expected[worst]),
                    observed=float(view.values[worst]),
                    threshold=self.threshold_us / SECOND,
                    coverage=float(np.clip(view.coverage[inside], 0.0, 1.0).mean()),
                )
            )
        return out

    def _of_level(self, view: LevelView) -> list[Alarm]:
        if not len(view.confirmed):
            return []
        edge = view.edge_us
        length = np.diff(edge)
        alarms = []
        few_voters = np.maximum(1.0, self.trusted_voters / np.maximum(view.voters, 1.0)) ** 2
        # Growth is measured in thresholds, as the threshold may change with the number of voters.
        above = np.maximum(np.clip(np.nan_to_num(view.loss), 0.0, self.cap) - self.slack, 0.0)
        growth = above / few_voters * length / self.threshold_us
        begin, stop = view.confirmed, view.stops
        for k in np.flatnonzero(_sums(growth, begin, stop) >= 1.0 - ROUNDING):
            steps = np.arange(begin[k], stop[k])
            steps = steps[view.watched[steps]]
            rate = np.clip(view.loss[steps], 0.0, self.cap) - self.slack
            few = few_voters[steps]
            grown = np.cumsum(growth[steps])
            over = np.flatnonzero(grown >= 1.0)
            if not len(over):
                continue
            at = int(over[0])
            missing = 1.0 - (grown[at - 1] if at else 0.0)
            raised = int(edge[steps[at]]) + int(missing * self.threshold_us * few[at] / rate[at])
            end = int(view.end_us[k])
            watched = length[steps].sum() / max(1, (end if end >= 0 else int(edge[-1])) - int(edge[steps[0]]))
            level = view.expected[steps] * (1.0 - view.loss[steps])
            alarms.append(
                Alarm(
                    view.spec.name,
                    self.name,
                    from_us=int(edge[steps[0]]),
                    raised_us=min(raised, int(edge[steps[at] + 1])),
                    until_us=end if end >= 0 else None,
                    expected=float(view.expected[steps[0]]),
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
