"""Instability: storms of updates without a loss, and losses too short for an alarm that come again and again."""

from dataclasses import dataclass

import numpy as np

from duskwatch.detection.series import SeriesView
from duskwatch.records.outages import Alarm
from duskwatch.records.times import DAY, HOUR, MINUTE

WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class UpdateStorm:
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
    calls: bool = False
    rule: None = None
    recent: bool = False

    def detect(self, view: SeriesView, rule: int) -> list[Alarm]:
        """Storms, in order; none of signals that count no updates."""
        if view.spec.role != "updates" or view.bin_us > DAY:
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
                view.name,
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


@dataclass(frozen=True, slots=True)
class Flapping:
    """Raises an alarm when a signal of reachability left what is normal ``times`` times within ``within_us``.

    Normal is what it was a day before, as losses that come again and again widen the band. It lasts from the first of
    these losses to the end of the last. It speaks of outages and makes none: a loss that is long and deep enough has
    an alarm of its own.
    """

    name: str
    times: int = 4
    within_us: int = 6 * HOUR
    calls: bool = False
    rule: None = None
    recent: bool = True

    def detect(self, view: SeriesView, rule: int) -> list[Alarm]:
        """Restless stretches, in order."""
        if view.spec.role != "reach":
            return []
        day = DAY // view.bin_us
        if day < 1 or view.bins <= day:
            return []
        width = np.concatenate([np.full(day, np.inf), view.width[:-day]])
        with np.errstate(invalid="ignore"):
            below = view.watched & (view.loss > width)
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
                    view.name,
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
