"""A decline so slow that the baseline follows it: the last week against the weeks before."""

from dataclasses import dataclass

import numpy as np

from duskwatch.detection.detectors.detector import Detector
from duskwatch.detection.view import F64, BinnedView, View
from duskwatch.records.outages import Alarm
from duskwatch.records.times import DAY

RECENT, BEFORE = 7, 28  # days
LEAST_RECENT, LEAST_BEFORE = 5, 14  # of them known
RESTLESS = 1 / 3  # width from which on a signal drifts by itself
NOISE = 4.0  # standard deviations of single days (1.4826 times their median deviation)


@dataclass(frozen=True, slots=True)
class SlowDecline(Detector):
    """Raises an alarm when the median day of a week is below that of the four weeks before by a share.

    The share is ``least``, or four standard deviations of days where these vary more; ``restless`` where single bins
    are missing by more than a third by chance: few units drift by as much in some days. It ends when half of that is
    missing. Days that are mostly part of an excursion do not count: they have alarms of their own. For signals of
    reachability only; what a telescope hears or a service sees drifts by itself.
    """

    name: str
    least: float = 0.2
    restless: float = 0.4

    def __post_init__(self) -> None:
        if not 0 < self.least <= self.restless < 1:
            raise ValueError(f"{self.name}: must be 0 < least <= restless < 1")

    @property
    def dates_itself(self) -> bool:
        """The baseline follows the decline: a loss is measured from its own level, and its moments are days."""
        return True

    def detect(self, view: View) -> list[Alarm]:
        """Alarms that begin and end with days, in order; of bins, not of levels."""
        if not isinstance(view, BinnedView) or not view.spec.less_is_loss:
            return []
        if view.spec.role != "reach" or view.bin_us > DAY:
            return []
        day_us, level = days_of(view)
        per_day, missing = DAY // view.bin_us, view.start_us % DAY // view.bin_us
        out: list[Alarm] = []
        begun: int | None = None
        raised = usual = limit = 0.0
        for d in range(len(level)):
            if begun is None:
                before = level[max(0, d + 1 - RECENT - BEFORE) : max(0, d + 1 - RECENT)]
                before = before[~np.isnan(before)]
                if len(before) < LEAST_BEFORE:
                    continue
                usual = float(np.median(before))
                if usual <= 0:
                    continue
                spread = 1.4826 * float(np.median(np.abs(before / usual - 1.0)))
                width = float(view.width[max(0, min(view.bins, (d + 1) * per_day - missing) - 1)])
                limit = max(self.restless if width > RESTLESS else self.least, NOISE * spread)
            lost = _lost(level[max(0, d + 1 - RECENT) : d + 1], usual)
            if np.isnan(lost):
                continue
            if begun is None and lost >= limit:
                # It began with the first day of a row that lacked half as much.
                begun, raised = d, float(day_us + (d + 1) * DAY)
                while begun > 0 and 1.0 - level[begun - 1] / usual >= limit / 2:
                    begun -= 1
            elif begun is not None and lost < limit / 2:
                out.append(self._alarm(view, day_us, level, begun, d, int(raised), usual, limit))
                begun = None
        if begun is not None:
            out.append(self._alarm(view, day_us, level, begun, None, int(raised), usual, limit))
        return out

    def _alarm(
        self,
        view: BinnedView,
        day_us: int,
        level: F64,
        begun: int,
        ended: int | None,
        raised_us: int,
        usual: float,
        limit: float,
    ) -> Alarm:
        first = max(day_us + begun * DAY, view.start_us)
        stop = None
        if ended is not None:
            # The median of a week follows by half of it: the return is the first day of the row that is back.
            while ended - 1 > begun and 1.0 - level[ended - 1] / usual < limit / 2:
                ended -= 1
            stop = min(max(day_us + ended * DAY, first + view.bin_us), view.until_us)
        days = level[begun:ended]
        inside = slice(
            (first - view.start_us) // view.bin_us, None if stop is None else (stop - view.start_us) // view.bin_us
        )
        return Alarm(
            view.spec.name,
            self.name,
            from_us=first,
            raised_us=min(raised_us, view.until_us),
            until_us=stop,
            expected=usual,
            observed=float(np.nanmin(days)) if not np.isnan(days).all() else float("nan"),
            threshold=limit,
            coverage=float(np.clip(view.coverage[inside], 0.0, 1.0).mean()),
        )


def days_of(view: BinnedView) -> tuple[int, F64]:
    """Start of the first day (UTC) and the median of each, NaN where less than half of it is known and quiet, [D]."""
    first = view.start_us // DAY * DAY
    at = (view.start_us - first + np.arange(view.bins) * view.bin_us) // DAY
    out = view.judged.lasting | view.judged.inside
    quiet = (view.coverage >= 0.5) & ~np.isnan(view.values) & ~out
    level = np.full(int(at[-1]) + 1 if view.bins else 0, np.nan)
    edge = np.searchsorted(at, np.arange(len(level) + 1))
    for d in range(len(level)):
        part = slice(edge[d], edge[d + 1])
        mine = view.values[part][quiet[part]]
        if len(mine) * view.bin_us * 2 >= DAY:
            level[d] = np.median(mine)
    return first, level


def _lost(days: F64, usual: float) -> float:
    watched = days[~np.isnan(days)]
    return 1.0 - float(np.median(watched)) / usual if len(watched) >= LEAST_RECENT else float("nan")
