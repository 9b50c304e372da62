"""The course of one outage: its share lost over time, where it was dark, and where nobody was watching."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from duskwatch.detection.view import F64, I64, Bool, View

SAME = 0.9  # two losses within this share of each other are the same


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """The signals that an outage is measured by, taken together. N steps of the whole window."""

    edge_us: I64  # [N + 1] start of each step and the end of the window
    loss: F64  # [N] the largest share lost in any of the signals; NaN where none was watched
    dark: Bool  # [N] nothing was left; False where nobody was watching

    @property
    def until_us(self) -> int:
        """End of the window."""
        return int(self.edge_us[-1])

    def blind(self, step: int) -> bool:
        """Whether nobody was watching at a step."""
        return bool(np.isnan(self.loss[step]))

    def step_at(self, time_us: int) -> int:
        """The first step that begins at a time or after it; N at the end of the window."""
        return min(len(self.loss), int(np.searchsorted(self.edge_us[:-1], time_us, side="left")))

    def gap_before(self, step: int) -> int | None:
        """The first step of the gap that ends where a step begins; None where there is no gap."""
        if step == 0 or step > len(self.loss) or not self.blind(step - 1):
            return None
        while step > 0 and self.blind(step - 1):
            step -= 1
        return step

    def gap_inside(self, begin: int, end: int) -> tuple[int, int] | None:
        """The first gap that lies wholly in the steps [begin, end): its steps, [from, to). None where there is none."""
        blind = np.flatnonzero(np.isnan(self.loss[begin:end]))
        if not len(blind):
            return None
        first = begin + int(blind[0])
        last = first
        while last < end and self.blind(last):
            last += 1
        return (first, last) if first > begin and last < end else None


def held_over_gaps(course: Course, values: F64 | Bool, first: int, stop: int) -> F64:
    """Values of the steps [first, stop), each gap filled with what was known before it."""
    part = values[first:stop].astype(np.float64)
    gone = np.isnan(course.loss[first:stop])
    last = np.maximum.accumulate(np.where(gone, -1, np.arange(len(part))))
    filled: F64 = np.where(last >= 0, part[np.maximum(last, 0)], 0.0)
    return filled


def dark_runs(course: Course, first: int, stop: int, bridge_us: int) -> list[tuple[int, int]]:
    """Stretches [from step, to step) of an outage in which nothing was visible.

    They go on through gaps, and through returns that last less than ``bridge_us``.
    """
    dark = held_over_gaps(course, course.dark, first, stop) > 0
    change = np.flatnonzero(np.diff(np.concatenate([[False], dark, [False]]).astype(np.int8)))
    runs: list[tuple[int, int]] = []
    for begin, end in zip(change[::2] + first, change[1::2] + first, strict=True):
        if runs and course.edge_us[begin] - course.edge_us[runs[-1][1]] < bridge_us:
            runs[-1] = (runs[-1][0], int(end))
        else:
            runs.append((int(begin), int(end)))
    return runs


def longest_dark(course: Course, first: int, stop: int, bridge_us: int) -> tuple[int, int] | None:
    """The longest of these, the earliest of equals; None where there is none."""
    runs = dark_runs(course, first, stop, bridge_us)
    return max(runs, key=lambda run: (course.edge_us[run[1]] - course.edge_us[run[0]], -run[0]), default=None)


def merged_edges(views: Sequence[View], beside_us: I64) -> I64:
    """Edges of all steps and bins of some views, and times beside them, sorted and distinct.

    The edges of a view themselves, where nothing is added to them.
    """
    parts = [view.edge_us for view in views]
    distinct = [part for k, part in enumerate(parts) if not any(part is other for other in parts[:k])]
    if len(distinct) == 1:
        at = np.searchsorted(distinct[0], beside_us)
        if (at < len(distinct[0])).all() and (distinct[0][at] == beside_us).all():
            return distinct[0]
    return np.unique(np.concatenate([*distinct, beside_us]))
