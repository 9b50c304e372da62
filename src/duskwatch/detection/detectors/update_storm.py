"""Storms of updates without a loss: a network that flaps, or whose neighbours do."""

from dataclasses import dataclass

import numpy as np

from duskwatch.detection.detectors.detector import Detector
from duskwatch.detection.view import BinnedView, View
from duskwatch.records.outages import Alarm
from duskwatch.records.times import DAY, MINUTE

WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class UpdateStorm(Detector):
    """Raises an alarm when announcements or withdrawals are many times what was much in the week before.

    A bin is part of a storm from ``factor`` times the 99th percentile of the bins of the seven days before on (a day
    of them at least), and no less than ``least`` messages. Storms less than ``join_us`` apart are one; one that is
    shorter than ``shortest_us`` is none. It speaks of outages and makes none.
    """

    name: str
    factor: float = 5.0
    least: float = 50.0
    join_us: int = 15 * MINUTE
    shortest_us: int = 10 * MINUTE

    @property
    def calls(self) -> bool:
        """Messages are not reachability."""
        return False

    @property
    def instability(self) -> bool:
        """Much is said; nothing need be lost."""
        return True

    def detect(self, view: View) -> list[Alarm]:
        """Storms, in order; none of signals that count no updates."""
        if not isinstance(view, BinnedView) or view.spec.role != "updates" or view.bin_us > DAY:
            return []
        per_day = max(1, DAY // view.bin_us)
        much = np.full(view.bins, np.inf)
        for first in range(per_day, view.bins, per_day):
            before = view.values[max(0, first - WEEK_DAYS * per_day) : first]
            before = before[~np.isnan(before)]
            if len(before) * 2 >= per_day:
                much[first : first + per_day] = np.quantile(before, 0.99)
        limit = np.maximum(self.least, self.factor * much)
        storm = np.nan_to_num(view.values, nan=0.0) >= limit
        edge = np.flatnonzero(np.diff(np.concatenate([[False], storm, [False]]).astype(np.int8))).reshape(-1, 2)
        runs: list[tuple[int, int]] = []
        for begin, after in edge.tolist():
            if runs and (begin - runs[-1][1]) * view.bin_us < self.join_us:
                runs[-1] = (runs[-1][0], after)
            else:
                runs.append((begin, after))
        needed = -(-self.shortest_us // view.bin_us)
        return [
            Alarm(
                view.spec.name,
                self.name,
                from_us=view.time_us(begin),
                raised_us=view.time_us(min(begin + needed, after)),
                until_us=view.time_us(after) if after < view.bins else None,
                expected=float(much[begin]),
                observed=float(np.nanmax(view.values[begin:after])),
                threshold=float(limit[begin]),
                coverage=float(np.clip(view.coverage[begin:after], 0.0, 1.0).mean()),
            )
            for begin, after in runs
            if after - begin >= needed
        ]
