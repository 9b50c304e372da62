"""One outage from the losses of a group: its moments, its course, what it is measured by."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from duskwatch.detection.config import DetectionConfig
from duskwatch.detection.course import Course, held_over_gaps, longest_dark, merged_edges
from duskwatch.detection.dating import bins, votes
from duskwatch.detection.dating.moments import Moments
from duskwatch.detection.dating.trace import Trace, trace_of
from duskwatch.detection.dating.vote_log import VoteLog, vote_log
from duskwatch.detection.fusing.confidence import confidence_of
from duskwatch.detection.fusing.ending import DatedLoss, end_of, onset_of
from duskwatch.detection.fusing.grouping import Group
from duskwatch.detection.fusing.voices import Said, Voice
from duskwatch.detection.view import I64, BinnedView, LevelView, Stretch
from duskwatch.records.outages import Alarm, Outage, When
from duskwatch.records.reason import reason
from duskwatch.records.signals import LOSS_ROLES, EntityHistory
from duskwatch.records.times import HOUR

GONE = 0.99  # nothing is left in bins where this share is lost


class Teller:
    """Tells outages of one entity; what several of them need is worked out once."""

    def __init__(
        self, voices: Sequence[Voice], config: DetectionConfig, history: EntityHistory | None, until_us: int
    ) -> None:
        """``history``: what the levels among the voices were made from; None where there are none."""
        self.voices = voices
        self.config = config
        self.history = history
        self.until_us = until_us
        self._traces: dict[tuple[str, ...], Trace] = {}
        self._courses: dict[tuple[int, ...], Course] = {}

    def outage(self, group: Group, floor_us: int | None, ceiling_us: int | None) -> tuple[Outage, Course]:
        """An outage without its phases and relapses, and its course.

        floor_us, ceiling_us   end of the outage before and start of the one after
        """
        span = group.span
        said = [one for voice in self.voices if (one := voice.said(span)).alarms]
        deciding = _deciding(said)
        levels = [one for one in deciding if isinstance(one.voice.finding.view, LevelView)]
        dated = [dated for one in deciding for dated in _of_bins(one, True)]
        beside = [one for one in said if one.voice.spec.less_is_loss and one.voice.spec.role != "reach"]
        dated += [dated for one in beside if one not in deciding for dated in _of_bins(one, False)]
        trace = self._trace(levels) if levels else None
        course = self._course([one.voice for one in deciding], trace)
        sure: dict[str, float] = {}
        dark = None
        if trace is not None:
            whole = _whole(levels)
            lost = votes.lost_in(trace.course, *whole)
            floor = min(whole.from_us, floor_us) if floor_us is not None else int(trace.course.edge_us[0])
            ceiling = ceiling_us if ceiling_us is not None else self.until_us
            moments = votes.moments_of(trace, lost, floor, ceiling, self.config.fuse, alone=not dated)
            dated.append(_dated_loss(levels[0].voice, moments, True))
            dark = votes.dark_of(trace, lost, moments.onset.earliest_us, ceiling, self.config)
            sure[levels[0].voice.spec.family] = votes.sure_of(trace, lost)
        onset = onset_of(dated, floor_us, self.config.fuse)
        end = _before_next(end_of(dated, onset, self.config.fuse), dated, ceiling_us)
        seen = course.step_at(group.from_us)
        stop = course.step_at(group.until_us) if group.until_us is not None else len(course.loss)
        loss = held_over_gaps(course, course.loss, seen, stop)
        length = np.diff(course.edge_us[seen : stop + 1])
        dark_from, dark_until = before_end(*(dark or self._dark(course, seen, stop, onset)), end)
        if end is not None and trace is not None and dark_until is not None:
            # Nobody was back before anything was.
            earliest = min(dark_until.earliest_us, end.best_us)
            end = end if end.earliest_us >= earliest else replace(end, earliest_us=earliest)
        alarms = sorted((alarm for one in said for alarm in one.alarms), key=_in_order)
        outage = Outage(
            onset,
            end,
            dark_from,
            dark_until,
            duration_us=(end.best_us if end is not None else self.until_us) - onset.best_us,
            depth=float(loss.max(initial=0.0)),
            phases=(),
            relapses=len(group.losses) - 1,
            relapse_of=None,
            stable=False,
            signals=tuple(dict.fromkeys([one.voice.spec.name for one in deciding] + [one.signal for one in alarms])),
            score=float((loss * length)[: _last_watched(course, seen, stop)].sum() / HOUR),
            confidence=confidence_of(self.voices, [one.voice for one in said], sure, span, self.until_us),
            alarms=tuple(alarms),
        )
        return outage, course

    def _trace(self, levels: Sequence[Said]) -> Trace:
        names = tuple(one.voice.spec.name for one in levels)
        if names not in self._traces:
            history = self._history
            views = [view for one in levels if isinstance(view := one.voice.finding.view, LevelView)]
            known_share = history.known_share if history.learned else 1.0
            self._traces[names] = trace_of(history.level, views, self._log, known_share, history.late)
        return self._traces[names]

    @property
    def _history(self) -> EntityHistory:
        if self.history is None:
            raise ValueError("a level has no history")
        return self.history

    @cached_property
    def _moments_us(self) -> I64:
        """The end of the window, and all times at which a loss in bins began or ended: each has steps of its own."""
        losses = [loss for voice in self.voices if not _exact(voice) for loss in voice.stretches]
        times = {time_us for loss in losses for time_us in loss if time_us is not None}
        return np.array(sorted({*times, self.until_us}), np.int64)

    @cached_property
    def _log(self) -> VoteLog:
        return vote_log(self._history.changes)

    def _course(self, deciding: Sequence[Voice], trace: Trace | None) -> Course:
        """The deciding signals taken together, on all their edges.

        Nothing is left where a level has nothing left, or, without one, where none of the bins has.
        """
        key = tuple(id(voice) for voice in deciding)
        if key in self._courses:
            return self._courses[key]
        edge = merged_edges([voice.finding.view for voice in deciding], self._moments_us)
        if trace is not None and edge is trace.course.edge_us:
            course = trace.course
        else:
            loss = np.full(len(edge) - 1, np.nan)
            dark = np.ones(len(edge) - 1, bool)
            for voice in deciding:
                at, there = voice.finding.view.onto(edge)
                share = np.where(there, voice.finding.lost[at], np.nan)
                loss = np.fmax(loss, share)
                if trace is None:
                    dark &= np.isnan(share) | (share >= GONE)
                elif voice.finding.view is trace.views[0]:
                    dark = there & trace.course.dark[at]
            course = Course(edge, loss, dark & ~np.isnan(loss))
        self._courses[key] = course
        return course

    def _dark(self, course: Course, seen: int, stop: int, onset: When) -> tuple[When | None, When | None]:
        """Bounds of the longest stretch in which nothing was left in any of the bins."""
        run = longest_dark(course, seen, stop, self.config.trailing.bridge_us)
        if run is None:
            return None, None
        first, after = run
        start = int(course.edge_us[first])
        began = When(
            max(start, onset.earliest_us) if first == seen else start,
            max(start, int(course.edge_us[min(first + 1, len(course.loss))])),
            max(start, onset.best_us) if first == seen else start,
            reason("nothing-left"),
        )
        if after >= len(course.loss):
            return began, None
        back = int(course.edge_us[after])
        latest = int(course.edge_us[min(after + 1, len(course.loss))])
        best = max(back, began.best_us)
        return began, When(min(back, best), max(latest, best), best, reason("something-back"))


def _last_watched(course: Course, first: int, stop: int) -> int:
    """How many steps of [first, stop) there are up to the last that was watched: nobody saw what was lost after it."""
    watched = np.flatnonzero(~np.isnan(course.loss[first:stop]))
    return int(watched[-1]) + 1 if len(watched) else 0


def _before_next(end: When | None, dated: Sequence[DatedLoss], ceiling_us: int | None) -> When | None:
    """An outage is over before the next begins, also where those that saw it watched no more.

    Where all of them had left before the next began, nothing is known to have lasted longer than they watched.
    """
    if ceiling_us is None or (end is not None and end.best_us <= ceiling_us):
        return end
    earliest = ceiling_us if end is None else min(end.earliest_us, ceiling_us)
    why = reason("next-began", at_us=ceiling_us)
    left = [one.moments.unseen_us for one in dated if one.moments.end is None or one.moments.end.best_us > ceiling_us]
    unseen = [at_us for at_us in left if at_us is not None]
    if unseen and len(unseen) == len(left) and max(unseen) < ceiling_us:
        return When(min(earliest, max(unseen)), ceiling_us, max(unseen), why)
    return When(earliest, ceiling_us, ceiling_us, why)


def before_end(dark_from: When | None, dark_until: When | None, end: When | None) -> tuple[When | None, When | None]:
    """A dark stretch is over with the outage, also where nobody watched it on."""
    if dark_from is None or end is None or (dark_until is not None and dark_until.best_us <= end.best_us):
        return dark_from, dark_until
    best = max(dark_from.best_us, end.best_us)
    if dark_until is None:
        return dark_from, When(min(end.earliest_us, best), max(end.latest_us, best), best, end.reason)
    return dark_from, When(min(dark_until.earliest_us, best), max(dark_until.latest_us, best), best, dark_until.reason)


def _deciding(said: Sequence[Said]) -> list[Said]:
    """The signals that an outage is measured by: those of reachability, where any lost something; else of less.

    Those known to the second come first, then the worst hit.
    """
    lost = [one for one in said if one.voice.spec.less_is_loss and not one.voice.muted]
    lost = [one for one in lost if any(alarm.expected > 0 for alarm in one.losses)]
    for role in LOSS_ROLES:
        mine = [one for one in lost if one.voice.spec.role == role]
        if mine:
            return mine if len(mine) == 1 else sorted(mine, key=_worst)
    return []


def _worst(one: Said) -> tuple[bool, float, str]:
    exact = _exact(one.voice)
    shares = [1.0 - alarm.observed / alarm.expected for alarm in one.losses if alarm.expected > 0]
    return not exact, 0.0 if exact else -max(0.0, *shares), one.voice.spec.name


def _in_order(alarm: Alarm) -> tuple[int, str, str]:
    return alarm.from_us, alarm.signal, alarm.detector


def _exact(voice: Voice) -> bool:
    """Whether a signal is known to the second."""
    return isinstance(voice.finding.view, LevelView)


def _dated_loss(voice: Voice, moments: Moments, deciding: bool) -> DatedLoss:
    # A single service may fail by itself; what comes from all of an entity holds an outage as what can be reached does.
    return DatedLoss(voice.spec.family, voice.spec.name, deciding, deciding or voice.spec.role == "arriving", moments)


def _whole(levels: Sequence[Said]) -> Stretch:
    """From the start of the first loss of any signal of a level to the end of the last."""
    alarms = [alarm for one in levels for alarm in one.losses]
    ends = [alarm.until_us for alarm in alarms]
    ended = [end for end in ends if end is not None]
    return Stretch(min(alarm.from_us for alarm in alarms), max(ended) if len(ended) == len(ends) else None)


def _of_bins(one: Said, deciding: bool) -> list[DatedLoss]:
    """The first and the last loss of a binned signal that an outage is made of."""
    view, losses = one.voice.finding.view, one.losses
    if not losses or not isinstance(view, BinnedView):
        return []
    # An alarm that lasts ends last; of those that began together, the excursion is the longest.
    first = min(alarm.from_us for alarm in losses)
    last = max(losses, key=lambda alarm: (alarm.until_us is None, alarm.until_us or 0, alarm.from_us)).from_us
    out = []
    for begin in dict.fromkeys((first, last)):
        same = [alarm for alarm in losses if alarm.from_us == begin]
        days = same[0] in one.voice.finding.days
        moments = bins.moments_of_days(same[0]) if days else bins.moments_of(view, same)
        out.append(_dated_loss(one.voice, moments, deciding))
    return out
