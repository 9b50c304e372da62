"""Losses too short for an alarm that come again and again."""

from dataclasses import dataclass

import numpy as np

from duskwatch.detection.detectors.detector import Detector, LatestBin, Step
from duskwatch.detection.view import F64, BinnedView, Bool, View
from duskwatch.records.outages import Alarm
from duskwatch.records.times import DAY, HOUR


@dataclass(frozen=True, slots=True)
class Flapping(Detector):
    """Raises an alarm when a signal of reachability left what is normal ``times`` times within ``within_us``.

    Normal is what it was a day before, as losses that come again and again widen the band. It lasts from the first of
    these losses to the end of the last. It speaks of outages and makes none: a loss that is long and deep enough has
    an alarm of its own.
    """

    name: str
    times: int = 4
    within_us: int = 6 * HOUR

    @property
    def calls(self) -> bool:
        """A loss that is long and deep enough has an alarm of its own."""
        return False

    @property
    def instability(self) -> bool:
        """Between the losses all is well."""
        return True

    @property
    def recent(self) -> bool:
        """Six hours decide, and the width of a day before them."""
        return True

    def step(self, latest: LatestBin) -> Step:
        """Losses that it may count one day; it makes no outage, so nothing stands."""
        if latest.day_before is None:
            return Step(latest.none(), latest.none())
        loss = np.clip(latest.judged.residual(latest.values), 0.0, 1.0)
        return Step(latest.reach & _left_normal(loss, latest.day_before.width), latest.none())

    def detect(self, view: View) -> list[Alarm]:
        """Restless stretches, in order."""
        if not isinstance(view, BinnedView) or not view.spec.less_is_loss or view.spec.role != "reach":
            return []
        day = DAY // view.bin_us
        if day < 1 or view.bins <= day:
            return []
        below = _left_normal(view.loss, np.concatenate([np.full(day, np.inf), view.width[:-day]]))
        dips = np.flatnonzero(np.diff(np.concatenate([[False], below, [False]]).astype(np.int8))).reshape(-1, 2)
        start = view.start_us + dips[:, 0] * view.bin_us
        out: list[Alarm] = []
        k = 0
        while k + self.times <= len(dips):
            last = k + self.times - 1
            if start[last] - start[k] > self.within_us:
                k += 1
                continue
            raised = last
            while last + 1 < len(dips) and start[last + 1] - start[last + 2 - self.times] <= self.within_us:
                last += 1
            inside = slice(int(dips[k, 0]), int(dips[last, 1]))
            seen = view.values[inside][view.watched[inside]]
            out.append(
                Alarm(
                    view.spec.name,
                    self.name,
                    from_us=int(start[k]),
                    raised_us=view.time_us(int(dips[raised, 0]) + 1),
                    until_us=view.time_us(inside.stop) if inside.stop < view.bins else None,
                    expected=float(view.judged.expected[dips[k, 0]]),
                    observed=float(seen.min()),
                    threshold=float(self.times),
                    coverage=float(np.clip(view.coverage[inside], 0.0, 1.0).mean()),
                )
            )
            k = last + 1
        return out


def _left_normal(loss: F64, width: F64) -> Bool:
    """Whether more was lost than a width says is usual; never where a bin could not be judged."""
    with np.errstate(invalid="ignore"):
        left: Bool = loss > width
    return left
