"""The course of one outage: its share lost over time, where it was dark, and where nobody was watching."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duskwatch.detection.excursions import SLASH24, SLASH48, Excursions, edges, zero_for_nan
from duskwatch.records.signals import Level

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """The signals of one outage taken together. N steps of the whole window."""

    edge_us: I64  # [N + 1] start of each step and the end of the window
    loss: F64  # [N] the largest share lost in any of the signals; NaN where none was watched
    dark: Bool  # [N] nothing was visible in any family; False where nobody was watching
    traceless: Bool  # [N] and no voter held a route; False where nobody was watching
    prefixes: F64  # [N] visible prefixes
    voters: F64  # [N]

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


def course_of(level: Level, found: list[Excursions]) -> Course:
    """The course as told by the excursions of the signals that alarmed (at least one)."""
    loss = found[0].loss.copy()
    for other in found[1:]:
        loss = np.fmax(loss, other.loss)
    watched = ~np.isnan(loss)
    visible = zero_for_nan(level.slash24) + zero_for_nan(level.slash48) + zero_for_nan(level.prefixes)
    held = zero_for_nan(level.held_slash24) + zero_for_nan(level.held_slash48) + zero_for_nan(level.prefixes)
    return Course(
        edges(level), loss, watched & (visible == 0), watched & (held == 0), level.prefixes, zero_for_nan(level.voters)
    )


def families(level: Level) -> tuple[str, ...]:
    """The signals that tell whether an entity can be reached: address space, per family that it ever had."""
    return tuple(
        name
        for name, values in ((SLASH24, level.slash24), (SLASH48, level.slash48))
        if (zero_for_nan(values) > 0).any()
    )


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
