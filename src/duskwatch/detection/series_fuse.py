"""Alarms on binned signals into outages: what several signals say, told once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from duskwatch.detection.config import DetectionConfig
from duskwatch.detection.course import Course, dark_runs, held_over_gaps
from duskwatch.detection.fuse import Group, Overlaps, group_alarms, with_relapses
from duskwatch.detection.phases import Stretch, phases_of
from duskwatch.detection.series import F64, I64, Bool, Dip, SeriesView
from duskwatch.detection.series_bounds import Course as SignalCourse
from duskwatch.detection.series_bounds import course_of_dip
from duskwatch.records.outages import Alarm, Outage, When
from duskwatch.records.reason import reason
from duskwatch.records.signals import LOSS_ROLES, SPACE_UNITS, SignalSpec
from duskwatch.records.times import DAY, HOUR

SLOW = "slow-decline"  # its losses are told from its own level, as the baseline follows them
QUIET = ("flapping", "update-storm")  # speak of instability: no bin of theirs is lost
GONE = 0.99  # nothing is left where this share is lost
ONE_SIGNAL = 0.8  # the most that one family of signals is trusted
DISSENT = 0.5  # what a family counts that watched and saw no loss


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A signal and what its detectors say."""

    view: SeriesView
    alarms: tuple[Alarm, ...]
    counted: bool | None = None  # it ever had a value above zero; None: as the view has it
    lost: F64 = field(init=False, repr=False)  # [B] share lost in the bins of its alarms, as lost_share has it
    over: Overlaps = field(init=False, repr=False)  # its alarms of losses, by time

    @property
    def spec(self) -> SignalSpec:
        """What the signal means."""
        return self.view.spec

    def __post_init__(self) -> None:
        if self.counted is None:
            object.__setattr__(self, "counted", bool(np.nansum(self.view.values) > 0))
        object.__setattr__(self, "lost", lost_share(self.view, self.alarms))
        object.__setattr__(self, "over", Overlaps([alarm for alarm in self.alarms if alarm.detector not in QUIET]))


def judged(spec: SignalSpec) -> bool:
    """Whether anything that a signal does can be told: less of it is a loss, or much of it is instability."""
    return spec.less_is_loss or spec.role == "updates"


def fuse_series(heard: Sequence[Heard], config: DetectionConfig, after_us: int | None = None) -> tuple[Outage, ...]:
    """Outages of one entity, in order of onset. ``after_us``: the end of one before these, told earlier."""
    calling, speaking = _callers(heard, config)
    groups = group_alarms(calling, config.fuse.join_us)
    if not groups:
        return ()
    by_name = {one.view.name: one for one in heard}
    edge, watched = _grid([one.view for one in heard])
    others = Overlaps(speaking)
    small = _small(heard, groups)
    courses: dict[tuple[str, ...], Course] = {}
    outages: list[Outage] = []
    for k, group in enumerate(groups):
        voices = others.of(group)
        told = sorted((*group.alarms, *voices), key=lambda alarm: (alarm.from_us, alarm.signal, alarm.detector))
        names = _deciding(told, by_name)
        if names not in courses:
            courses[names] = _course(edge, [by_name[name] for name in names])
        course = courses[names]
        ceiling = groups[k + 1].from_us if k + 1 < len(groups) else None
        floor = outages[-1].end.best_us if outages and outages[-1].end else (None if outages else after_us)
        deciding = [by_name[name] for name in names]
        outage = _outage(course, group, deciding, _told(told, by_name), heard, floor, config)
        again = ceiling is not None and _daily(group, ceiling, config)
        phases = phases_of(int(edge[-1]), course, group, outage, small, floor, None if again else ceiling, config)
        if ceiling is not None:
            phases = tuple(replace(p, until_us=min(p.until_us, ceiling)) for p in phases if p.from_us < ceiling)
        signals = tuple(dict.fromkeys((*names, *(alarm.signal for alarm in told))))
        outages.append(replace(outage, phases=phases, signals=signals, alarms=tuple(told)))
    return with_relapses(outages, groups, edge, watched, config, repeats=True)


def _deciding(told: Sequence[Alarm], by_name: dict[str, Heard]) -> tuple[str, ...]:
    """The signals that an outage is measured by: those of reachability, where any alarmed; the worst hit first."""
    lost: dict[str, float] = {}
    for alarm in told:
        if alarm.expected > 0 and alarm.detector not in QUIET:
            lost[alarm.signal] = max(lost.get(alarm.signal, 0.0), 1.0 - alarm.observed / alarm.expected)
    for role in LOSS_ROLES:  # the first that alarmed decides how an outage is measured
        mine = [name for name in lost if by_name[name].spec.role == role]
        if mine:
            return tuple(sorted(mine, key=lambda name: (-lost[name], name)))
    return ()


def _told(told: Sequence[Alarm], by_name: dict[str, Heard]) -> list[Heard]:
    """Every signal of amounts that alarmed."""
    names = dict.fromkeys(alarm.signal for alarm in told)
    return [by_name[name] for name in names if by_name[name].spec.role != "updates"]


def _daily(group: Group, later_us: int, config: DetectionConfig) -> bool:
    """Whether the next loss comes a day after this one, when all has been well for long."""
    up = later_us - group.until_us if group.until_us is not None else 0
    return abs(later_us - group.from_us - DAY) <= config.fuse.repeat_us and up >= config.fuse.repeat_up_us


def _callers(heard: Sequence[Heard], config: DetectionConfig) -> tuple[list[Alarm], list[Alarm]]:
    """Alarms that make outages, and those that only speak of them."""
    can_call = {detector.name for detector in config.series_detectors if detector.calls}
    space = {one.spec.family for one in heard if one.spec.unit in SPACE_UNITS and one.counted}
    calling: list[Alarm] = []
    speaking: list[Alarm] = []
    for one in heard:
        for alarm in one.alarms:
            calls = alarm.detector in can_call and one.spec.role in LOSS_ROLES
            if calls and one.spec.role == "passive":
                calls = _passive_calls(one, alarm, heard, config)
            if alarm.detector == SLOW and one.spec.role != "reach":
                calls = False
            # More-specifics withdrawn under a route that stays make nothing unreachable.
            if one.spec.unit == "prefixes" and one.spec.family in space:
                calls = False
            (calling if calls else speaking).append(alarm)
    return calling, sorted(speaking, key=lambda alarm: alarm.from_us)


def _passive_calls(one: Heard, alarm: Alarm, heard: Sequence[Heard], config: DetectionConfig) -> bool:
    """Whether a passive signal may call: deep, lasting, or not alone."""
    if alarm.detector in config.fuse.passive_detectors:
        return True
    until = alarm.until_us if alarm.until_us is not None else one.view.until_us
    lost = 1.0 - alarm.observed / alarm.expected if alarm.expected > 0 else 0.0
    if until - alarm.from_us >= config.fuse.passive_us and lost >= config.fuse.passive_share:
        return True
    span = Stretch(alarm.from_us, until)
    return any(
        other.over.of(span) for other in heard if other.spec.family != one.spec.family and other.spec.role in LOSS_ROLES
    )


def _grid(views: Iterable[SeriesView]) -> tuple[I64, Bool]:
    """Edges of all bins of all signals, [N + 1], and whether any signal was watched between two, [N]."""
    views = list(views)
    edge = np.unique(
        np.concatenate([view.start_us + view.bin_us * np.arange(view.bins + 1, dtype=np.int64) for view in views])
    )
    watched = np.zeros(len(edge) - 1, bool)
    for view in views:
        at, there = _bins_at(view, edge)
        watched[there] |= view.watched[at[there]]
    return edge, watched


def _bins_at(view: SeriesView, edge: I64) -> tuple[I64, Bool]:
    """The bin of a signal at each step of a grid, and whether it has one there."""
    at = (edge[:-1] - view.start_us) // view.bin_us
    there = (at >= 0) & (at < view.bins)
    return np.where(there, at, 0), there


def lost_share(view: SeriesView, alarms: Sequence[Alarm]) -> F64:
    """Share lost in the bins of a signal's alarms, zero in the others, NaN where nobody watched, [B]."""
    inside = np.zeros(view.bins, bool)
    slow = np.zeros(view.bins)
    for alarm in alarms:
        if alarm.detector in QUIET:
            continue
        first = max(0, (alarm.from_us - view.start_us) // view.bin_us)
        stop = view.bins if alarm.until_us is None else min(view.bins, (alarm.until_us - view.start_us) // view.bin_us)
        inside[first:stop] = True
        if alarm.detector == SLOW and alarm.expected > 0:
            with np.errstate(invalid="ignore"):
                share = np.clip(1.0 - view.values[first:stop] / alarm.expected, 0.0, 1.0)
            slow[first:stop] = np.fmax(slow[first:stop], np.nan_to_num(share))
    return np.where(np.isnan(view.loss), np.nan, np.where(inside, np.fmax(view.loss, slow), 0.0))


def _course(edge: I64, members: Sequence[Heard]) -> Course:
    """The signals of an outage taken together, on all their edges."""
    loss = np.full(len(edge) - 1, np.nan)
    dark = np.ones(len(edge) - 1, bool)
    for one in members:
        at, there = _bins_at(one.view, edge)
        share = np.where(there, one.lost[at], np.nan)
        loss = np.fmax(loss, share)
        dark &= np.isnan(share) | (share >= GONE)
    dark &= ~np.isnan(loss)
    none = np.full(len(loss), np.nan)
    return Course(edge, loss, dark, dark, none, np.zeros(len(loss)))


def _outage(
    course: Course,
    group: Group,
    deciding: Sequence[Heard],
    members: Sequence[Heard],
    heard: Sequence[Heard],
    floor: int | None,
    config: DetectionConfig,
) -> Outage:
    """An outage without its phases and what its neighbours say about it."""
    dips = [(one, dip) for one in deciding for dip in _dips(one, group)]
    passive = [(one, dip) for one in members if one.spec.role != "reach" for dip in _dips(one, group)]
    onset = _not_before(_onset(dips, passive, config), floor)
    end = _end(dips, group, onset, config)
    seen = course.step_at(group.from_us)
    stop = course.step_at(group.until_us) if group.until_us is not None else len(course.loss)
    loss = held_over_gaps(course, course.loss, seen, stop)
    length = np.diff(course.edge_us[seen : stop + 1])
    last = end.best_us if end is not None else course.until_us
    dark_from, dark_until = _dark(course, seen, stop, onset, end, config)
    return Outage(
        onset,
        end,
        dark_from,
        dark_until,
        duration_us=last - onset.best_us,
        depth=float(loss.max(initial=0.0)),
        phases=(),
        relapses=len(group.losses) - 1,
        relapse_of=None,
        stable=False,
        signals=(),
        score=float((loss * length).sum() / HOUR),
        confidence=_confidence(members, heard, group, course),
    )


def _dips(one: Heard, group: Group) -> list[SignalCourse]:
    """The first and the last excursion of a signal that an outage is made of."""
    told = one.over.of(group)
    if not told:
        return []
    # An alarm that lasts ends last; of those that began together, the excursion is the longest.
    first = min(alarm.from_us for alarm in told)
    last = max(told, key=lambda alarm: (alarm.until_us is None, alarm.until_us or 0, alarm.from_us)).from_us
    return [
        _dip(one.view, [alarm for alarm in told if alarm.from_us == begin]) for begin in dict.fromkeys((first, last))
    ]


def _dip(view: SeriesView, same: Sequence[Alarm]) -> SignalCourse:
    """The excursion that alarms which began together are about."""
    if same[0].detector == SLOW:
        return _slow_course(same[0])
    ends = [alarm.until_us for alarm in same]
    first = (same[0].from_us - view.start_us) // view.bin_us
    lasts = None in ends
    stop = view.bins if lasts else max((end - view.start_us) // view.bin_us for end in ends if end is not None)
    raised = max(first, (min(alarm.raised_us for alarm in same) - view.start_us) // view.bin_us - 1)
    return course_of_dip(view, Dip(int(first), int(stop), int(stop), lasts), int(raised))


def _slow_course(alarm: Alarm) -> SignalCourse:
    """The moments of a slow decline: known to a day."""
    onset = When(alarm.from_us, alarm.from_us + DAY, alarm.from_us, reason("declined", signal=alarm.signal))
    if alarm.until_us is None:
        return SignalCourse(onset, None, None)
    end = When(alarm.until_us, alarm.until_us + DAY, alarm.until_us, reason("declined-back", signal=alarm.signal))
    return SignalCourse(onset, end, alarm.until_us)


def _onset(
    dips: Sequence[tuple[Heard, SignalCourse]], passive: Sequence[tuple[Heard, SignalCourse]], config: DetectionConfig
) -> When:
    """The first onset; signals that show reachability date it where they fell soon after one that does not."""
    near = min((dip.onset for _, dip in dips), key=_best)
    first = min((dip.onset for _, dip in (*dips, *passive)), key=_best)
    return near if near.best_us - first.best_us < config.fuse.join_us else first


def _not_before(when: When, floor_us: int | None) -> When:
    """A moment, and its interval, after the end of the outage before."""
    if floor_us is None or when.earliest_us >= floor_us:
        return when
    best = max(when.best_us, floor_us)
    return When(max(when.earliest_us, floor_us), max(when.latest_us, best), best, when.reason)


def _best(when: When) -> int:
    return when.best_us


def _end(dips: Sequence[tuple[Heard, SignalCourse]], group: Group, onset: When, config: DetectionConfig) -> When | None:
    """When at least half of the families were back and the others were on their way, or back too.

    A family is on its way from the start of a climb that ends in its normal band within ``lag_us``.
    """
    last: dict[str, tuple[float, float, When | None]] = {}
    for one, dip in dips:
        end = float(dip.end.best_us) if dip.end is not None else np.inf
        climbed = float(dip.climbed_us) if dip.climbed_us is not None else np.inf
        way = climbed if end - climbed <= config.fuse.lag_us else end
        if one.spec.family not in last or end > last[one.spec.family][0]:
            last[one.spec.family] = (end, min(way, end), dip.end)
    ends = sorted(last.values(), key=lambda item: item[0])
    half = ends[(len(ends) - 1) // 2]
    late = max((item for item in ends if item[0] > half[0]), key=lambda item: item[1], default=half)
    if late[1] <= half[0]:
        return _after(half[2], onset)
    if not np.isfinite(late[1]):
        return None
    if late[1] == late[0] or late[2] is None:
        return _after(late[2], onset)
    began = int(late[1])
    return _after(When(began, late[2].latest_us, began, reason("return-began", late[2].reason)), onset)


def _after(end: When | None, onset: When) -> When | None:
    """An end is never before its onset."""
    if end is None:
        return None
    best, earliest = max(end.best_us, onset.best_us), max(end.earliest_us, onset.earliest_us)
    return When(min(earliest, best), max(end.latest_us, best), best, end.reason)


def _dark(
    course: Course, seen: int, stop: int, onset: When, end: When | None, config: DetectionConfig
) -> tuple[When | None, When | None]:
    """Bounds of the longest stretch in which nothing was left in any of the signals."""
    runs = dark_runs(course, seen, stop, config.baseline.bridge_us)
    if not runs:
        return None, None
    first, after = max(runs, key=lambda run: (course.edge_us[run[1]] - course.edge_us[run[0]], -run[0]))
    start = int(course.edge_us[first])
    told = When(
        max(start, onset.earliest_us) if first == seen else start,
        max(start, int(course.edge_us[min(first + 1, len(course.loss))])),
        max(start, onset.best_us) if first == seen else start,
        reason("nothing-left"),
    )
    if after >= len(course.loss):
        return told, None
    back = int(course.edge_us[after])
    latest = int(course.edge_us[min(after + 1, len(course.loss))])
    best = max(back, told.best_us)
    if end is not None:
        best = max(told.best_us, min(best, end.best_us))
    return told, When(min(back, best), max(latest, best), best, reason("something-back"))


def _confidence(members: Sequence[Heard], heard: Sequence[Heard], group: Group, course: Course) -> float:
    """How far independent signals support an outage, 0..1; the formula is in docs/reference/detection.md."""
    until = group.until_us if group.until_us is not None else course.until_us
    doubt: dict[str, float] = {}
    dissent: set[str] = set()
    mine = {one.view.name for one in members}
    for one in heard:
        view = one.view
        first = max(0, (group.from_us - view.start_us) // view.bin_us)
        last = min(view.bins, max(first + 1, -(-(until - view.start_us) // view.bin_us)))
        if first >= last or one.spec.role in ("none", "updates"):
            continue
        watched = view.watched[first:last]
        if not watched.any():
            continue
        if view.name in mine:
            lost = one.lost[first:last]
            peak = float(np.nanmax(lost))
            width = float(view.width[first:last][watched].min())
            margin = max(0.0, peak / max(width, 1e-9) - 1.0)
            sure = ONE_SIGNAL * float(watched.mean()) * margin / (margin + 1.0)
            doubt[one.spec.family] = min(doubt.get(one.spec.family, 1.0), 1.0 - sure)
        elif float(np.median(view.width[first:last][watched])) < 0.5:
            dissent.add(one.spec.family)
    dissent -= set(doubt)
    agree = len(doubt)
    return (1.0 - float(np.prod(list(doubt.values())))) * (agree / (agree + DISSENT * len(dissent)))


def _small(heard: Sequence[Heard], groups: Sequence[Group]) -> list[Stretch]:
    """Excursions of signals of reachability that made no outage, in order."""
    taken_from = np.array([group.from_us for group in groups], np.int64)
    taken_until = np.array(
        [np.iinfo(np.int64).max if group.until_us is None else group.until_us for group in groups], np.int64
    )
    out = []
    for one in heard:
        if one.spec.role != "reach":
            continue
        view = one.view
        for dip in view.excursions():
            start, stop = view.time_us(dip.first), view.time_us(max(dip.stop, dip.first + 1))
            # Groups are apart: the only one that can overlap is the last that begins before an excursion stops.
            near = int(np.searchsorted(taken_from, stop, side="left")) - 1
            if near < 0 or start >= taken_until[near]:
                out.append(Stretch(start, stop))
    return sorted(out)
