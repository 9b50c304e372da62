"""Loss of a binned signal: the area of an excursion below what was expected, against a threshold."""

from dataclasses import dataclass

import numpy as np

from duskwatch.detection.baseline import LossRule
from duskwatch.detection.series import SeriesView
from duskwatch.records.outages import Alarm
from duskwatch.records.times import SECOND


@dataclass(frozen=True, slots=True)
class SeriesLoss:
    """Raises an alarm where the baseline's loss rule was passed; the rule is followed as the bins come in."""

    name: str
    rule: LossRule
    calls: bool = True
    recent: bool = True

    def detect(self, view: SeriesView, rule: int) -> list[Alarm]:
        """One alarm for each excursion that passed the rule."""
        raised = view.judged.raised(rule)
        loss = view.loss
        out = []
        for dip in view.excursions():
            passed = np.flatnonzero(raised[dip.first : dip.after])
            if not len(passed):
                continue
            inside = slice(dip.first, max(dip.first + 1, dip.stop))
            seen = np.nan_to_num(loss[inside])
            worst = int(np.argmax(seen)) + dip.first
            out.append(
                Alarm(
                    view.name,
                    self.name,
                    from_us=view.time_us(dip.first),
                    raised_us=view.time_us(dip.first + int(passed[0]) + 1),
                    until_us=None if dip.lasts and dip.stop >= view.bins else view.time_us(dip.stop),
                    expected=float(view.judged.expected[worst]),
                    observed=float(view.values[worst]),
                    threshold=self.rule.threshold_us / SECOND,
                    coverage=float(np.clip(view.coverage[inside], 0.0, 1.0).mean()),
                )
            )
        return out
