"""When an outage began, went dark, came back and ended: each moment an interval, each bound with its reason."""

import numpy as np

from duskwatch.detection.config import FuseConfig
from duskwatch.detection.course import Course
from duskwatch.detection.votes import I64, NEVER, VoteLog, back_between, lost_between
from duskwatch.records.outages import When
from duskwatch.records.times import to_datetime


def onset(course: Course, log: VoteLog, first: int, seen: int, stop: int, floor_us: int, config: FuseConfig) -> When:
    """When the loss of an excursion began.

    first, seen   the step that left the normal band, and the one from which the loss counts
    stop          first step after the outage        floor_us   nothing of it can lie before this time
    """
    start = int(course.edge_us[seen])
    gap = course.gap_before(seen)
    if gap is not None:
        began = max(floor_us, int(course.edge_us[gap]))
        return When(began, start, start, f"it came while nobody was watching, {_span(began, start)}")
    if first < seen:
        gap = course.gap_before(first)
        began = max(floor_us, int(course.edge_us[first if gap is None else gap]))
        reason = f"less was visible from {_clock(began)} on as the voters changed; "
        reason += f"at {_clock(start)} routes confirmed the loss"
        return When(began, start, start, reason)
    bottom, best = _plunge(course, seen, stop, config)
    latest = int(course.edge_us[bottom])
    rows = lost_between(log, start, latest)
    earliest = _first_vote_lost(log, rows, start, max(floor_us, start - config.reach_us))
    before = course.prefixes[seen - 1] if seen else np.nan
    reason = _counted(len(rows), before, "lost", start, latest)
    if earliest < start:
        reason += f"; the first votes were gone at {_clock(earliest)}"
    return When(earliest, latest, best, reason)


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


def dark_from(course: Course, log: VoteLog, begin: int, end: int, floor_us: int, config: FuseConfig) -> When:
    """When the last visible route was gone; [begin, end) is a dark stretch in steps."""
    start = int(course.edge_us[begin])
    gap = course.gap_before(begin)
    if gap is not None:
        began = max(floor_us, int(course.edge_us[gap]))
        return When(began, start, start, f"the last was lost while nobody was watching, {_span(began, start)}")
    rows = lost_between(log, start, start)
    earliest = _first_vote_lost(log, rows, start, max(floor_us, start - config.reach_us))
    gone = np.flatnonzero(course.traceless[begin:end])
    latest = int(course.edge_us[begin + int(gone[0])]) if len(gone) else start
    what = "the last visible prefix" if len(rows) < 2 else f"the last {len(rows)} visible prefixes"
    reason = f"{what} lost {'its' if len(rows) < 2 else 'their'} majority at {_clock(start)}"
    reason += f"; the last voter let go at {_clock(latest)}" if len(gone) else "; some voter held a route throughout"
    return When(earliest, latest, start, reason)


def dark_until(course: Course, log: VoteLog, begin: int, end: int, ceiling_us: int, config: FuseConfig) -> When:
    """When the first route was visible again; [begin, end) is a dark stretch in steps that ended in the window."""
    back = int(course.edge_us[end])
    gap = course.gap_before(end)
    if gap is not None:
        began = int(course.edge_us[max(gap, begin)])
        return When(began, back, back, f"the first came back while nobody was watching, {_span(began, back)}")
    empty = np.flatnonzero(course.traceless[begin:end])
    earliest = int(course.edge_us[begin + int(empty[-1]) + 1]) if len(empty) else back
    rows = back_between(log, back, back)
    whole = _all_votes(log, rows, back, min(ceiling_us, back + config.reach_us))
    latest = int(whole.min()) if len(whole) else back
    reason = f"a first voter held a route at {_clock(earliest)}" if earliest < back else ""
    reason += f"{', and ' if reason else ''}a prefix had its majority back at {_clock(back)}"
    earliest, unseen = _unseen_return(course, begin, end, earliest)
    return When(earliest, latest, back, reason + unseen)


def _unseen_return(course: Course, begin: int, end: int, earliest: int) -> tuple[int, str]:
    """What is lost over a gap may have come back in it: nobody says again what did not change since."""
    gap = course.gap_inside(begin, end)
    if gap is None or course.edge_us[gap[0]] >= earliest:
        return earliest, ""
    start, stop = (int(course.edge_us[step]) for step in gap)
    return start, f"; nobody was watching {_span(start, stop)}, and it may have come back then"


def ended(
    course: Course, log: VoteLog, end_us: int, floor_us: int, ceiling_us: int, accepted: bool, config: FuseConfig
) -> When:
    """When the level was back; ``floor_us`` and ``ceiling_us`` are times that it must lie between.

    ``accepted``: it never came back, but what was left lasted so long that it is the new normal.
    """
    step = course.step_at(end_us)
    if accepted:
        reason = "what was left by then had lasted so long that it is taken as the new normal level"
        return When(max(floor_us, int(course.edge_us[max(step - 1, 0)])), end_us, end_us, reason)
    gap = course.gap_before(step)
    if gap is not None:
        began = max(floor_us, int(course.edge_us[gap]))
        return When(
            min(began, end_us), end_us, end_us, f"it came back while nobody was watching, {_span(began, end_us)}"
        )
    start = _climb(course, step, config)
    began = int(course.edge_us[start])
    rows = back_between(log, began, end_us)
    since = log.held_since_us[rows]
    since = since[(since >= max(floor_us, began - config.reach_us)) & (since <= end_us)]
    earliest = min(max(floor_us, min(began, int(since.min()) if len(since) else began)), end_us)
    whole = _all_votes(log, rows, end_us, min(ceiling_us, end_us + config.reach_us))
    latest = int(whole.max()) if len(whole) else end_us
    reason = _counted(len(rows), course.prefixes[step], "got back", began, end_us)
    if latest > end_us:
        reason += f"; all votes were back at {_clock(latest)}"
    earliest, unseen = _unseen_return(course, _rising_since(course, start, course.step_at(floor_us)), start, earliest)
    return When(earliest, latest, end_us, reason + unseen)


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


def _counted(count: int, of: float, what: str, start: int, stop: int) -> str:
    if not count:
        return f"the level crossed the border of the normal band at {_clock(start)}"
    total = f" of {int(of)}" if np.isfinite(of) and of >= count else ""
    noun = f"{'prefixes' if total else 'prefix'} {what} its" if count == 1 else f"prefixes {what} their"
    when = f"at {_clock(start)}" if start == stop else f"between {_clock(start)} and {_clock(stop)}"
    return f"{count}{total} {noun} majority {when}"


def _span(start: int, stop: int) -> str:
    if to_datetime(start).date() == to_datetime(stop).date():
        return f"{_clock(start)} to {_clock(stop)}"
    return " to ".join(to_datetime(time_us).strftime("%Y-%m-%d %H:%M:%S") for time_us in (start, stop))


def _clock(time_us: int) -> str:
    return to_datetime(time_us).strftime("%H:%M:%S")
