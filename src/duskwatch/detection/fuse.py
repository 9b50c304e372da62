"""Alarms into outages: which losses are one outage, which are relapses, what its phases are."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from itertools import accumulate
from math import inf
from typing import Protocol

import numpy as np

from duskwatch.detection import bounds
from duskwatch.detection.config import DetectionConfig
from duskwatch.detection.course import Course, course_of, dark_runs, families, held_over_gaps
from duskwatch.detection.excursions import I64, PREFIXES, Bool, Ending, Excursions, Find, edges, finder
from duskwatch.detection.phases import Stretch, disturbances, phases_of
from duskwatch.detection.votes import VoteLog, agreement_on, vote_log
from duskwatch.records.outages import Alarm, Outage, When
from duskwatch.records.signals import EntityHistory
from duskwatch.records.times import DAY, HOUR


class Span(Protocol):
    """A stretch of time; ``until_us`` None: it lasts."""

    @property
    def from_us(self) -> int:
        """Its start."""
        ...

    @property
    def until_us(self) -> int | None:
        """Its end."""
        ...


@dataclass(frozen=True, slots=True)
class Group:
    """Alarms that belong to one outage."""

    alarms: tuple[Alarm, ...]
    losses: tuple[Stretch, ...]  # stretches out of the normal band, apart from each other

    @property
    def from_us(self) -> int:
        """Start of the first loss."""
        return self.losses[0].from_us

    @property
    def until_us(self) -> int | None:
        """End of the last one; None while it lasts."""
        return self.losses[-1].until_us


def fuse(
    history: EntityHistory, alarms: list[Alarm], config: DetectionConfig, find: Find | None = None
) -> tuple[Outage, ...]:
    """Outages of one entity, in order of onset.

    Address space calls an outage; the count of prefixes only adds its voice to one, as a withdrawn prefix inside a
    larger one that stays makes nothing unreachable. It decides alone where an entity has no space that counts.
    """
    calling = families(history.level) or (PREFIXES,)
    groups = group_alarms([alarm for alarm in alarms if alarm.signal in calling], config.fuse.join_us)
    if not groups:
        return ()
    find = find or finder(history)
    found = {name: find(name, config.baseline) for name in calling}
    quiet = disturbances(history, list(found.values()), groups)
    log = vote_log(history.changes)
    others = Overlaps([alarm for alarm in alarms if alarm.signal not in calling])
    courses: dict[tuple[str, ...], Course] = {}
    outages: list[Outage] = []
    for k, group in enumerate(groups):
        earlier_end = outages[-1].end.best_us if outages and outages[-1].end else None
        later_start = groups[k + 1].from_us if k + 1 < len(groups) else None
        names = tuple(name for name in calling if any(alarm.signal == name for alarm in group.alarms))
        chosen = [found[name] for name in names]
        course = courses.get(names) or course_of(history.level, chosen)
        courses[names] = course
        outage = _outage(history, course, log, chosen, group, earlier_end, later_start, config)
        heard = others.of(group)
        told = sorted((*group.alarms, *heard), key=lambda alarm: (alarm.from_us, alarm.signal, alarm.detector))
        signals = (*names, *dict.fromkeys(alarm.signal for alarm in heard))
        phases = phases_of(history.level.until_us, course, group, outage, quiet, earlier_end, later_start, config)
        outages.append(replace(outage, phases=phases, signals=signals, alarms=tuple(told)))
    edge = edges(history.level)
    return with_relapses(outages, groups, edge, ~np.isnan(history.level.prefixes), config)


def group_alarms(alarms: list[Alarm], join_us: int) -> list[Group]:
    """Alarms by outage: those that overlap, or less than ``join_us`` apart, are one."""
    groups: list[Group] = []
    mine: list[Alarm] = []
    losses: list[Stretch] = []
    for alarm in sorted(alarms, key=lambda a: (a.from_us, a.signal, a.detector)):
        last = losses[-1].until_us if losses else None
        if losses and last is not None and alarm.from_us - last >= join_us:
            groups.append(Group(tuple(mine), tuple(losses)))
            mine, losses = [], []
        mine.append(alarm)
        if not losses or (last is not None and alarm.from_us > last):
            losses.append(Stretch(alarm.from_us, alarm.until_us))
        elif last is not None and (alarm.until_us is None or alarm.until_us > last):
            losses[-1] = Stretch(losses[-1].from_us, alarm.until_us)
    if losses:
        groups.append(Group(tuple(mine), tuple(losses)))
    return groups


class Overlaps:
    """Which of many alarms overlap an outage."""

    def __init__(self, alarms: list[Alarm]) -> None:
        self._alarms = sorted(alarms, key=lambda alarm: alarm.from_us)
        self._from = [alarm.from_us for alarm in self._alarms]
        ends = (inf if alarm.until_us is None else alarm.until_us for alarm in self._alarms)
        self._latest = list(accumulate(ends, max))  # up to each alarm: the latest end so far

    def of(self, group: Span) -> list[Alarm]:
        """Alarms that overlap a group, in order of their start."""
        low = bisect_right(self._latest, group.from_us)
        high = len(self._from) if group.until_us is None else bisect_left(self._from, group.until_us)
        return [a for a in self._alarms[low:high] if a.until_us is None or a.until_us > group.from_us]


def _outage(
    history: EntityHistory,
    course: Course,
    log: VoteLog,
    found: list[Excursions],
    group: Group,
    earlier_end: int | None,
    later_start: int | None,
    config: DetectionConfig,
) -> Outage:
    """An outage without its phases and what its neighbours say about it."""
    fuse_config = config.fuse
    seen = course.step_at(group.from_us)
    first = _left_band(found, seen)
    stop = course.step_at(group.until_us) if group.until_us is not None else len(course.loss)
    ceiling = later_start if later_start is not None else course.until_us
    floor = earlier_end if earlier_end is not None else int(course.edge_us[0])
    onset = bounds.onset(course, log, first, seen, stop, floor, fuse_config)
    end: When | None = None
    if group.until_us is not None:
        ends = [(f, f.ended_at(group.until_us)) for f in found]
        how = [f.ending[k] for f, k in ends if k is not None]
        accepted = bool(how) and all(ending == Ending.ACCEPTED for ending in how)
        end = bounds.ended(course, log, group.until_us, onset.best_us, ceiling, accepted, fuse_config)
    dark_from, dark_until = _dark(course, log, seen, stop, onset, ceiling, config)
    if end is not None and dark_until is not None and end.earliest_us < dark_until.earliest_us:
        end = replace(end, earliest_us=min(dark_until.earliest_us, end.best_us))
    loss = held_over_gaps(course, course.loss, seen, stop)
    length = np.diff(course.edge_us[seen : stop + 1])
    last_us = end.best_us if end is not None else course.until_us
    return Outage(
        onset,
        end,
        dark_from,
        dark_until,
        duration_us=last_us - onset.best_us,
        depth=float(loss.max()),
        phases=(),
        relapses=len(group.losses) - 1,
        relapse_of=None,
        stable=False,
        signals=(),
        score=float((loss * length).sum() / HOUR),
        confidence=_confidence(history, course, log, seen, stop),
    )


def _left_band(found: list[Excursions], seen: int) -> int:
    """The step with which an excursion that begins with ``seen`` lost what it lost, as voters left; else ``seen``."""
    begun = [(f, f.begun_at(seen)) for f in found]
    return min((int(f.first[k]) for f, k in begun if k is not None), default=seen)


def _dark(
    course: Course, log: VoteLog, seen: int, stop: int, onset: When, ceiling: int, config: DetectionConfig
) -> tuple[When | None, When | None]:
    """Bounds of the longest dark stretch; (None, None) where something was visible all the time."""
    runs = dark_runs(course, seen, stop, config.baseline.bridge_us)
    if not runs:
        return None, None
    begin, end = max(runs, key=lambda run: (course.edge_us[run[1]] - course.edge_us[run[0]], -run[0]))
    start = bounds.dark_from(course, log, begin, end, onset.earliest_us, config.fuse)
    if end >= len(course.loss):
        return start, None
    return start, bounds.dark_until(course, log, begin, end, ceiling, config.fuse)


def _confidence(history: EntityHistory, course: Course, log: VoteLog, seen: int, stop: int) -> float:
    """How much the vantage points support an outage, 0..1: the product of four shares.

    voters / (voters + 2) at the onset; the share of voters that had lost each affected prefix at its lowest (mean);
    the share of the outage that was watched; and, where the state was learned, of the entity's space that was known.
    """
    voters = float(course.voters[seen])
    loss = course.loss[seen:stop]
    watched = ~np.isnan(loss)
    length = np.diff(course.edge_us[seen : stop + 1])
    coverage = float(length[watched].sum() / max(1, length.sum()))
    agreement = agreement_on(log, int(course.edge_us[seen]), int(course.edge_us[stop]))
    known = history.known_share if history.learned else 1.0
    return voters / (voters + 2.0) * agreement * coverage * min(1.0, max(0.0, known))


def with_relapses(
    outages: list[Outage],
    groups: list[Group],
    edge_us: I64,
    watched: Bool,
    config: DetectionConfig,
    repeats: bool = False,
) -> tuple[Outage, ...]:
    """Say which outages came before an earlier one was over for good, and which ends held.

    edge_us, watched  [N + 1] edges of the window's steps, and [N] whether anybody was watching
    repeats           a loss at the time of day of the one before is a repeat of it, not a relapse
    """
    within = config.fuse.stability_us
    out: list[Outage] = []
    root: int | None = None
    for k, outage in enumerate(outages):
        earlier = groups[k - 1].until_us if k else None
        near = k > 0 and earlier is not None and groups[k].from_us - earlier < within
        if near and not (repeats and _repeats(outages[k - 1], outage, config)):
            root = k - 1 if root is None else root
        else:
            root = None
        out.append(replace(outage, relapse_of=root))
    watched_us = np.append(0, np.cumsum(np.where(watched, np.diff(edge_us), 0)))
    following = 0
    for k in range(len(out) - 1, -1, -1):
        end = out[k].end
        held = following == 0 and end is not None and _held(edge_us, watched_us, end.best_us, config)
        out[k] = replace(out[k], relapses=out[k].relapses + following, stable=held)
        following = following + 1 if out[k].relapse_of is not None else 0
    return tuple(out)


def follows(earlier: Outage, later: Outage, config: DetectionConfig) -> bool:
    """Whether an outage relapses from the one before: it came within the stability period, and is no daily repeat."""
    if earlier.end is None or later.onset.best_us - earlier.end.best_us >= config.fuse.stability_us:
        return False
    return not _repeats(earlier, later, config)


def _repeats(earlier: Outage, later: Outage, config: DetectionConfig) -> bool:
    """Whether a loss came at the time of day of the one before, when all had been well for long."""
    apart = later.onset.best_us - earlier.onset.best_us
    up = later.onset.best_us - earlier.end.best_us if earlier.end else 0
    return abs(apart - DAY) <= config.fuse.repeat_us and up >= config.fuse.repeat_up_us


def _held(edge_us: I64, watched_us: I64, end_us: int, config: DetectionConfig) -> bool:
    """Whether the window shows the whole stability period after an end, with enough of it watched."""
    stop = end_us + config.fuse.stability_us
    if stop > edge_us[-1]:
        return False
    watched = np.diff(np.interp([end_us, stop], edge_us, watched_us))[0]
    return bool(watched >= config.fuse.stability_coverage * config.fuse.stability_us)
