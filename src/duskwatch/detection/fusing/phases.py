"""Phases in the life of an outage, from what led to it to what was restored."""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from duskwatch.detection.config import DetectionConfig
from duskwatch.detection.course import SAME, Course, dark_runs
from duskwatch.detection.fusing.grouping import Group
from duskwatch.detection.view import Stretch, View
from duskwatch.records.outages import Outage, Phase, PhaseName


def disturbances(views: Sequence[View], groups: Sequence[Group]) -> list[Stretch]:
    """Excursions that made no outage, in order; those inside one are left out. ``groups`` are in order."""
    lasts = np.iinfo(np.int64).max
    taken_from = np.array([group.from_us for group in groups], np.int64)
    taken_until = np.array([lasts if group.until_us is None else group.until_us for group in groups], np.int64)
    out: list[Stretch] = []
    for view in views:
        found = view.excursions()
        # Groups are apart: the only one that can overlap is the last that begins before an excursion stops.
        near = np.searchsorted(taken_from, found[:, 1], side="left") - 1
        free = (near < 0) | (found[:, 0] >= taken_until[near])
        out += [Stretch(start, stop) for start, stop in found[free].tolist()]
    return sorted(out, key=lambda stretch: (stretch.from_us, stretch.until_us or lasts))


def phases_of(
    window_end_us: int,
    course: Course,
    group: Group,
    outage: Outage,
    small: list[Stretch],
    earlier_end: int | None,
    later_start: int | None,
    config: DetectionConfig,
) -> tuple[Phase, ...]:
    """The phases of one outage, in order, apart; phases after the end are given for the stability period."""
    marks = _before(outage.onset.best_us, small, earlier_end, config)
    marks += _during(course, group, outage, config)
    last = window_end_us
    if outage.end is not None:
        end = outage.end.best_us
        whole = group.losses[-1].until_us
        if whole is None or whole > end:
            # Some signals were on their way back when it ended.
            marks = [mark for mark in marks if mark[0] < end]
            marks.append((end, "recovering"))
            end = min(last, whole) if whole is not None else last
        last = min(last, end + config.fuse.stability_us)
        if later_start is not None and later_start < end + config.fuse.stability_us:
            marks.append((end, "unstable"))
            last = later_start
        else:
            inside = small[bisect_left(small, end, key=_start) : bisect_left(small, last, key=_start)]
            shaken = [stretch.until_us for stretch in inside if stretch.until_us is not None]
            if shaken:
                marks.append((end, "unstable"))
            marks.append((min(max(shaken), last) if shaken else end, "restored"))
    return _joined(marks, last)


def _start(stretch: Stretch) -> int:
    return stretch.from_us


def _before(
    onset_us: int, small: list[Stretch], earlier_end: int | None, config: DetectionConfig
) -> list[tuple[int, PhaseName]]:
    """The degrading phase: disturbances in a row, none more than ``precursor_us`` from the next."""
    floor = earlier_end + config.fuse.stability_us if earlier_end is not None else None
    start, count = onset_us, 0
    for at in range(bisect_left(small, onset_us, key=_start) - 1, -1, -1):
        stretch = small[at]
        if floor is not None and stretch.from_us < floor:
            break
        if start - (stretch.until_us or start) > config.fuse.precursor_us:
            break
        start, count = min(start, stretch.from_us), count + 1
    return [(start, "degrading")] if count >= config.fuse.precursors else []


def _during(course: Course, group: Group, outage: Outage, config: DetectionConfig) -> list[tuple[int, PhaseName]]:
    marks: list[tuple[int, PhaseName]] = []
    for k, loss in enumerate(group.losses):
        start = loss.from_us if k else outage.onset.best_us
        first = course.step_at(loss.from_us)
        stop = course.step_at(loss.until_us) if loss.until_us is not None else len(course.loss)
        marks.append((start, "partial"))
        runs = dark_runs(course, first, stop, config.trailing.bridge_us)
        for begin, end in runs:
            marks.append((max(start, int(course.edge_us[begin])), "dark"))
            if end < len(course.loss):
                marks.append((int(course.edge_us[end]), "recovering"))
        if not runs and loss.until_us is not None:
            part = np.nan_to_num(course.loss[first:stop])
            rises = first + int(np.flatnonzero(part >= SAME * part.max())[-1]) + 1
            marks.append((max(start, int(course.edge_us[rises])), "recovering"))
        if k + 1 < len(group.losses):
            marks.append((loss.until_us or course.until_us, "unstable"))
    return marks


def _joined(marks: list[tuple[int, PhaseName]], last_us: int) -> tuple[Phase, ...]:
    """Marks into phases: each lasts to the next mark; empty ones fall away, equal neighbours become one."""
    out: list[Phase] = []
    for (start, name), (stop, _) in zip(marks, [*marks[1:], (last_us, "restored")], strict=True):
        if stop <= start:
            continue
        if out and out[-1].phase == name and out[-1].until_us == start:
            out[-1] = Phase(name, out[-1].from_us, stop)
        else:
            out.append(Phase(name, start, stop))
    return tuple(out)
