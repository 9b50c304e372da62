"""When a level was lost, dark and back, by the votes on its prefixes: each bound with its reason."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from duskwatch.detection.config import DetectionConfig, FuseConfig
from duskwatch.detection.course import SAME, Course, longest_dark
from duskwatch.detection.dating.moments import Moments
from duskwatch.detection.dating.trace import Trace
from duskwatch.detection.dating.vote_log import NEVER, VoteLog, agreement_on, back_between, lost_between
from duskwatch.detection.view import I64, Ending
from duskwatch.records.outages import When
from duskwatch.records.reason import Reason, reason
from duskwatch.records.signals import Late

TO_THE_SECOND = frozenset({"majorities-lost", "majorities-back", "border-crossed"})
"""Codes of the reasons of moments that votes tell to the second, however long the first and the last vote took."""


class Lost(NamedTuple):
    """A loss of a level in steps."""

    seen: int  # the step with which its first excursion began
    stop: int  # the first step after its last
    until_us: int | None  # its end; None while it lasts


def lost_in(course: Course, from_us: int, until_us: int | None) -> Lost:
    """The steps of a loss from the start of its first excursion to the end of its last."""
    stop = course.step_at(until_us) if until_us is not None else len(course.loss)
    return Lost(course.step_at(from_us), stop, until_us)


def moments_of(
    trace: Trace, lost: Lost, floor_us: int, ceiling_us: int, config: FuseConfig, alone: bool = False
) -> Moments:
    """The moments of a loss of a level; nothing of it lies before the loss before, or after the one after.

    ``alone``: nobody else tells of it, so that how it came back is not asked for.
    """
    course = trace.course
    seen, stop, until_us = lost
    begun = [(view, view.begun_at(seen)) for view in trace.views]
    first = min((int(view.first[k]) for view, k in begun if k is not None), default=seen)
    onset = _sooner(_onset(trace, first, seen, stop, floor_us, config), trace.late, floor_us)
    sharp = first == seen and course.gap_before(seen) is None
    unseen = _unseen(course, seen, stop, until_us is None)
    if until_us is None:
        return Moments(onset, None, None, unseen, sharp)
    ended = [(view, view.ended_at(until_us)) for view in trace.views]
    how = [view.ending[k] for view, k in ended if k is not None]
    accepted = bool(how) and all(ending == Ending.ACCEPTED for ending in how)
    end = _ended(trace, until_us, onset.best_us, ceiling_us, accepted, config)
    end = _sooner(end, trace.late, onset.best_us)
    turned = None if alone else _turned(course, seen, stop)
    return Moments(onset, end, turned, unseen, sharp, unseen is None and not accepted)


def dark_of(
    trace: Trace, lost: Lost, floor_us: int, ceiling_us: int, config: DetectionConfig
) -> tuple[When | None, When | None]:
    """Bounds of the longest stretch without a visible route; (None, None) where something was visible all the time."""
    course = trace.course
    run = longest_dark(course, lost.seen, lost.stop, config.trailing.bridge_us)
    if run is None:
        return None, None
    begin, end = run
    start = _dark_from(trace, begin, end, floor_us, config.fuse)
    return start, None if end >= len(course.loss) else _dark_until(trace, begin, end, ceiling_us, config.fuse)


def sure_of(trace: Trace, lost: Lost) -> float:
    """How much the vantage points support a loss, 0..1: the product of four shares.

    voters / (voters + 2) at the onset; the share of voters that had lost each affected prefix at its lowest (mean);
    the share of the loss that was watched; and, where the state was learned, of the entity's space that was known.
    """
    course = trace.course
    seen, stop, _ = lost
    voters = float(trace.voters[seen])
    watched = ~np.isnan(course.loss[seen:stop])
    length = np.diff(course.edge_us[seen : stop + 1])
    coverage = float(length[watched].sum() / max(1, length.sum()))
    agreement = agreement_on(trace.log, int(course.edge_us[seen]), int(course.edge_us[stop]))
    return voters / (voters + 2.0) * agreement * coverage * min(1.0, max(0.0, trace.known_share))


def _unseen(course: Course, seen: int, stop: int, lasts: bool) -> int | None:
    """Start of the gap in which steps end, None where they end in none; where they last the end of what was watched."""
    if not lasts and not course.blind(stop - 1):
        return None
    watched = np.flatnonzero(~np.isnan(course.loss[seen:stop]))
    after = seen + int(watched[-1]) + 1 if len(watched) else seen
    return int(course.edge_us[after]) if after < stop or lasts else None


def _turned(course: Course, seen: int, stop: int) -> int:
    """From when on less was missing than nearly all that was missing at the worst."""
    lost = np.nan_to_num(course.loss[seen:stop])
    return int(course.edge_us[seen + int(np.flatnonzero(lost >= SAME * lost.max())[-1]) + 1])


def _onset(trace: Trace, first: int, seen: int, stop: int, floor_us: int, config: FuseConfig) -> When:
    """When the loss of an excursion began.

    first, seen   the step that left the normal band, and the one from which the loss counts
    stop          first step after the outage        floor_us   nothing of it can lie before this time
    """
    course, log = trace.course, trace.log
    start = int(course.edge_us[seen])
    gap = course.gap_before(seen)
    if gap is not None:
        began = max(floor_us, int(course.edge_us[gap]))
        return When(began, start, start, reason("came-unwatched", from_us=began, until_us=start))
    if first < seen:
        gap = course.gap_before(first)
        began = max(floor_us, int(course.edge_us[first if gap is None else gap]))
        return When(began, start, start, reason("voters-changed", from_us=began, at_us=start))
    bottom, best = _plunge(course, seen, stop, config)
    latest = int(course.edge_us[bottom])
    rows = lost_between(log, start, latest)
    earliest = _first_vote_lost(log, rows, start, max(floor_us, start - config.reach_us))
    before = trace.prefixes[seen - 1] if seen else np.nan
    sooner = reason("first-votes-gone", at_us=earliest) if earliest < start else None
    return When(earliest, latest, best, _counted("majorities-lost", len(rows), before, start, latest, sooner))


def _sooner(when: When, late: Sequence[Late], floor_us: int) -> When:
    """The bounds of a moment, where what tells of it came late: it lies earlier by as much, not before ``floor_us``."""
    late_us = [one.by_us for one in late if one.from_us <= when.latest_us and when.earliest_us <= one.until_us]
    earliest = max(floor_us, when.earliest_us - max(late_us, default=0))
    if earliest >= when.earliest_us:
        return when
    why = replace(when.reason, parts=(*when.reason.parts, reason("records-late", by_us=max(late_us))))
    return replace(when, earliest_us=earliest, reason=why)


def _plunge(course: Course, seen: int, stop: int, config: FuseConfig) -> tuple[int, int]:
    """The step at which the first fall came to rest, and the best guess at when it happened."""
    times, loss = course.edge_us, course.loss
    bottom = seen
    for step in range(seen + 1, stop):
        if times[step] - times[bottom] > config.plunge_us or times[step] - times[seen] > config.reach_us:
            break
        if loss[step] > loss[bottom]:
            bottom = step
    if times[bottom] - times[seen] > config.sharp_us:
        return bottom, int(times[seen])
    before = float(loss[seen - 1]) if seen else 0.0
    half = (before + float(loss[bottom])) / 2
    steps = np.arange(seen, bottom + 1)
    gone = steps[np.nan_to_num(loss[steps]) > half]
    return bottom, int(times[gone[0] if len(gone) else seen])


def _dark_from(trace: Trace, begin: int, end: int, floor_us: int, config: FuseConfig) -> When:
    """When the last visible route was gone; [begin, end) is a dark stretch in steps."""
    course, log = trace.course, trace.log
    start = int(course.edge_us[begin])
    gap = course.gap_before(begin)
    if gap is not None:
        began = max(floor_us, int(course.edge_us[gap]))
        return When(began, start, start, reason("last-lost-unwatched", from_us=began, until_us=start))
    rows = lost_between(log, start, start)
    earliest = _first_vote_lost(log, rows, start, max(floor_us, start - config.reach_us))
    gone = np.flatnonzero(trace.traceless[begin:end])
    latest = int(course.edge_us[begin + int(gone[0])]) if len(gone) else start
    voters = reason("last-voter-let-go", at_us=latest) if len(gone) else reason("some-voter-held")
    return When(earliest, latest, start, reason("last-lost", voters, count=len(rows), at_us=start))


def _dark_until(trace: Trace, begin: int, end: int, ceiling_us: int, config: FuseConfig) -> When:
    """When the first route was visible again; [begin, end) is a dark stretch in steps that ended in the window."""
    course, log = trace.course, trace.log
    back = int(course.edge_us[end])
    gap = course.gap_before(end)
    if gap is not None:
        began = int(course.edge_us[max(gap, begin)])
        return When(began, back, back, reason("first-back-unwatched", from_us=began, until_us=back))
    empty = np.flatnonzero(trace.traceless[begin:end])
    earliest = int(course.edge_us[begin + int(empty[-1]) + 1]) if len(empty) else back
    rows = back_between(log, back, back)
    whole = _all_votes(log, rows, back, min(ceiling_us, back + config.reach_us))
    latest = int(whole.min()) if len(whole) else back
    voter = earliest if earliest < back else None
    earliest, unseen = _unseen_return(course, begin, end, earliest)
    return When(earliest, latest, back, reason("first-back", unseen, voter_us=voter, at_us=back))


def _unseen_return(course: Course, begin: int, end: int, earliest: int) -> tuple[int, Reason | None]:
    """What is lost over a gap may have come back in it: nobody says again what did not change since."""
    gap = course.gap_inside(begin, end)
    if gap is None or course.edge_us[gap[0]] >= earliest:
        return earliest, None
    start, stop = (int(course.edge_us[step]) for step in gap)
    return start, reason("back-in-gap", from_us=start, until_us=stop)


def _ended(trace: Trace, end_us: int, floor_us: int, ceiling_us: int, accepted: bool, config: FuseConfig) -> When:
    """When the level was back; ``floor_us`` and ``ceiling_us`` are times that it must lie between.

    ``accepted``: it never came back, but what was left lasted so long that it is the new normal.
    """
    course, log = trace.course, trace.log
    step = course.step_at(end_us)
    if accepted:
        return When(max(floor_us, int(course.edge_us[max(step - 1, 0)])), end_us, end_us, reason("new-normal"))
    gap = course.gap_before(step)
    if gap is not None:
        began = max(floor_us, int(course.edge_us[gap]))
        why = reason("back-unwatched", from_us=began, until_us=end_us)
        return When(min(began, end_us), end_us, end_us, why)
    start = _climb(course, step, config)
    began = int(course.edge_us[start])
    rows = back_between(log, began, end_us)
    since = log.held_since_us[rows]
    since = since[(since >= max(floor_us, began - config.reach_us)) & (since <= end_us)]
    earliest = min(max(floor_us, min(began, int(since.min()) if len(since) else began)), end_us)
    whole = _all_votes(log, rows, end_us, min(ceiling_us, end_us + config.reach_us))
    latest = int(whole.max()) if len(whole) else end_us
    later = reason("all-votes-back", at_us=latest) if latest > end_us else None
    earliest, unseen = _unseen_return(course, _rising_since(course, start, course.step_at(floor_us)), start, earliest)
    why = _counted("majorities-back", len(rows), trace.prefixes[step], began, end_us, later, unseen)
    return When(earliest, latest, end_us, why)


def _rising_since(course: Course, step: int, floor: int) -> int:
    """The first step from which on nothing was lost until a step, as far as was seen; not before ``floor``."""
    least = np.inf if np.isnan(course.loss[step - 1]) else float(course.loss[step - 1])
    while step - 1 > floor:
        before = float(course.loss[step - 2])
        if not np.isnan(before):
            if np.isfinite(least) and before < least:
                break
            least = before
        step -= 1
    return max(step - 1, 0)


def _climb(course: Course, step: int, config: FuseConfig) -> int:
    """The step with which the rise began that ended at a step."""
    times, loss = course.edge_us, course.loss
    start = step
    for earlier in range(step - 1, 0, -1):
        if times[start] - times[earlier] > config.plunge_us or times[step] - times[earlier] > config.reach_us:
            break
        if loss[earlier] < loss[earlier - 1]:
            start = earlier
    return start


def _first_vote_lost(log: VoteLog, rows: I64, start: int, floor_us: int) -> int:
    """Since when any of the prefixes lost with these rows was short of a vote, as far back as ``floor_us``."""
    since = log.short_since_us[rows]
    since = since[(since != NEVER) & (since >= floor_us) & (since <= start)]
    return int(since.min()) if len(since) else start


def _all_votes(log: VoteLog, rows: I64, from_us: int, until_us: int) -> I64:
    whole = log.full_at_us[rows]
    return whole[(whole >= from_us) & (whole <= until_us)]


def _counted(code: str, count: int, of: float, start: int, stop: int, *parts: Reason | None) -> Reason:
    """So many of so many prefixes between two times; where there are none, the level alone crossed its border."""
    if not count:
        return reason("border-crossed", *parts, at_us=start)
    total = int(of) if np.isfinite(of) and of >= count else None
    return reason(code, *parts, count=count, of=total, from_us=start, until_us=stop)
