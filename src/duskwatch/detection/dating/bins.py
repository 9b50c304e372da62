"""When a binned signal left what was expected, and when it was back: at most a bin wide where the bins were watched."""

from collections.abc import Sequence

import numpy as np

from duskwatch.detection.course import SAME
from duskwatch.detection.dating.moments import Moments
from duskwatch.detection.view import F64, BinExcursion, BinnedView
from duskwatch.kernels import baseline as kernel
from duskwatch.records.outages import Alarm, When
from duskwatch.records.reason import reason
from duskwatch.records.times import DAY, MINUTE, SECOND

TYPICAL = 0.26  # of the width: one standard deviation of normal noise
LEAST_DOUBT = 0.1  # of a bin: no part of one is known better
BESIDE = 3  # bins that tell what one is that is lost in whole
RAMP = 5  # a fall that takes so many bins is slow, if it follows a line
STRAIGHT = 0.2  # that no bin is further from than this share of what was lost
FALLING = 4  # a fall over so many bins, of which each loses more than the one before, is dated by the half of it:
STEADY, MOST_AT_ONCE = 0.05, 0.4  # by no less than this share of what was lost, and by no more
COARSE_US = 30 * MINUTE  # values of bins as long as this are often means of more than the bin
DOUBTED = 0.15  # of a slow fall: by so much of its length may its begin lie earlier
ALARMED = kernel.LASTS | ((1 << kernel.RULES) - 1) << kernel.RAISED_SHIFT  # bits of bins in which an alarm stood
LEAST_LEFT, ALL_LEFT = 0.05, 0.95  # shares that are left by a loss, for what is likelier
LEAST_STEPS = 12  # steps from bin to bin that tell the noise
STEP_OF_NOISE = 0.954  # the median step of normal noise of one standard deviation
MOST_APART = 12  # bins
PLUNGE = 0.25  # a fall begins with the bin that lost this share of what was lost when the alarm was raised


def moments_of(view: BinnedView, same: Sequence[Alarm]) -> Moments:
    """The moments of the excursion that alarms of one signal, which began together, are about."""
    ends = [alarm.until_us for alarm in same]
    first = (same[0].from_us - view.start_us) // view.bin_us
    lasts = None in ends
    stop = view.bins if lasts else max((end - view.start_us) // view.bin_us for end in ends if end is not None)
    raised = max(first, (min(alarm.raised_us for alarm in same) - view.start_us) // view.bin_us - 1)
    return _moments(view, BinExcursion(int(first), int(stop), int(stop), lasts), int(raised))


def moments_of_days(alarm: Alarm) -> Moments:
    """The moments of an alarm that dates itself: known to a day."""
    onset = When(alarm.from_us, alarm.from_us + DAY, alarm.from_us, reason("declined", signal=alarm.signal))
    if alarm.until_us is None:
        return Moments(onset, None, None)
    back = reason("declined-back", signal=alarm.signal)
    return Moments(onset, When(alarm.until_us, alarm.until_us + DAY, alarm.until_us, back), alarm.until_us)


def _moments(view: BinnedView, dip: BinExcursion, raised: int) -> Moments:
    """The moments of an excursion; ``raised`` is the bin with which the alarm was raised."""
    loss = view.loss
    onset = _onset(view, dip, raised)
    stop = min(dip.stop, view.bins)
    inside = np.nan_to_num(loss[dip.first : stop])
    climbed = None
    if len(inside):
        deep = np.flatnonzero(inside >= SAME * inside.max())
        turned = dip.first + int(deep[-1]) + 1
        climbed = view.time_us(turned) if turned < view.bins else None
    lasts = stop >= view.bins and dip.lasts
    unseen = view.unseen_since(view.time_us(dip.first), None if lasts else view.time_us(stop))
    return Moments(onset, None if lasts else _end(view, dip), climbed, unseen)


def _onset(view: BinnedView, dip: BinExcursion, raised: int) -> When:
    loss = view.loss
    reach = np.nan_to_num(loss[dip.first : max(dip.first, raised) + 1])
    deep = np.flatnonzero(reach >= PLUNGE * reach.max())
    at = dip.first + (int(deep[0]) if len(deep) else 0)
    at = _change(view, dip.first, at, max(dip.first, raised) + 1)
    when = _begun(view, dip, at)
    if when.reason.code == "fell-slowly" and view.bin_us < COARSE_US:
        return when  # a fall along a line, in bins of a measurement's own rounds
    half = _half_lost(view, dip, at)
    if half is None or view.time_us(half + 1) <= when.latest_us:
        return when
    why = reason("fell-over-bins", when.reason, signal=view.spec.name, count=half + 1 - at, at_us=view.time_us(half))
    return When(when.earliest_us, view.time_us(half + 1), when.best_us, why)


def _half_lost(view: BinnedView, dip: BinExcursion, at: int) -> int | None:
    """The bin by which half of what was lost is gone, where a fall goes on over FALLING bins and none takes most of it.

    Such bins may each hold more than their own time (a sliding mean), and then a sudden loss shows before it was; or
    parts went one after the other. Either way the fall is not dated by its first bin alone.
    """
    fall = np.nan_to_num(view.loss[at : min(dip.stop, at + max(RAMP, DAY // view.bin_us))])
    most = float(fall.max(initial=0.0))
    if most <= 0:
        return None
    length = int(np.argmax(fall >= SAME * most)) + 1
    steps = np.diff(fall[:length], prepend=0.0)
    if length < FALLING or steps.min() < STEADY * most or steps.max() > MOST_AT_ONCE * most:
        return None
    return at + int(np.argmax(fall >= most / 2))


def _begun(view: BinnedView, dip: BinExcursion, at: int) -> When:
    """When the bin with which a fall began lost what it lost."""
    loss, bin_us = view.loss, view.bin_us
    start, stop = view.time_us(at), view.time_us(at + 1)
    if at == 0 or not view.watched[at - 1]:
        since = _last_watched(view, at)
        began = view.time_us(since + 1) if since is not None else view.start_us
        if began < start:
            why = reason("fell-unmeasured", signal=view.spec.name, from_us=began, until_us=start)
            return When(began, stop, start, why)
    before = float(view.values[at - 1]) if at and view.watched[at - 1] else None
    why = reason("fell", signal=view.spec.name, before=before, after=_amount(view, at), bin_us=bin_us, at_us=start)
    ramp = _ramp(view, dip, at)
    if ramp is not None:
        earliest, best = ramp
        slow = reason("fell-slowly", signal=view.spec.name, at_us=start, line_us=best)
        return When(earliest, max(best, start), best, slow)
    if view.spec.sampled == "level":
        return When(start, stop, start, why)
    full = _usual(loss[at + 1 : min(dip.stop, at + 1 + BESIDE)], loss[at])
    lost = min(1.0, loss[at] / full) + _part(view, at - 1, full)
    earliest, best, latest = _spread(stop, -bin_us, lost, _noise(view, at, full))
    short = dip.stop - at < 2
    apart = _apart(view, at, full)
    if apart > 0.5:
        doubt = _seconds(apart * bin_us)
        return When(min(earliest, max(view.start_us, best - doubt)), max(latest, best + doubt), best, why)
    return When(max(earliest, start - bin_us), max(latest, stop) if short else latest, best, why)


def _change(view: BinnedView, first: int, at: int, stop: int) -> int:
    """The bin of a fall that began before its excursion did: a loss as large as the width is noticed late.

    The change point of a shift in normal noise is where the sum of (loss - half of the shift) from there on is largest
    (E. S. Page, 1957). It is looked for from ``at`` back to what was not watched or was part of an earlier alarm.
    """
    lost = view.residual[at:stop]
    shift = float(np.median(lost[~np.isnan(lost)])) if view.watched[at:stop].any() else 0.0
    back = max(0, first - DAY // view.bin_us)
    taken = ~view.watched[back:first] | ((view.judged.bits[back:first] & ALARMED) > 0)
    if taken.any():
        back += int(np.flatnonzero(taken)[-1]) + 1
    if back >= at or shift <= 0:
        return at
    total = np.cumsum((np.nan_to_num(view.residual[back:at]) - divide(view, shift))[::-1])
    return at - 1 - int(np.argmax(total)) if total.max() > 0 else at


def divide(view: BinnedView, shift: float) -> float:
    """The loss of a bin from which on a shift of so much is likelier than none.

    Half of it in normal noise; of counts what makes them as likely with what is left as without a loss (Poisson).
    """
    left = min(1.0, max(LEAST_LEFT, 1.0 - shift))
    if view.spec.sampled == "level" or left >= ALL_LEFT:
        return shift / 2
    return 1.0 - (1.0 - left) / float(np.log(1.0 / left))


def _apart(view: BinnedView, at: int, shift: float) -> float:
    """How many bins a change point may be off: by noise as large as the shift, two."""
    before = view.residual[max(0, at - DAY // view.bin_us) : at]
    steps = np.diff(before)
    steps = steps[~np.isnan(steps)]
    if view.spec.sampled == "level" or len(steps) < LEAST_STEPS or shift <= 0:
        return 0.0
    noise = float(np.median(np.abs(steps))) / STEP_OF_NOISE
    return min(float(MOST_APART), 2.0 * (noise / shift) ** 2)


def _ramp(view: BinnedView, dip: BinExcursion, at: int) -> tuple[int, int] | None:
    """Earliest and best onset of a slow fall, where a line through it meets no loss; None where it is sharp."""
    stop = min(dip.stop, at + max(RAMP, DAY // view.bin_us))
    fall = np.clip(np.nan_to_num(view.loss[at:stop]), 0.0, 1.0)
    if len(fall) < RAMP:
        return None
    length = int(np.argmax(fall >= SAME * fall.max())) + 1
    fall = fall[:length]
    if length < RAMP:
        return None
    bins = np.arange(length)
    slope, start = np.polyfit(bins, fall, 1)
    apart = float(np.abs(fall - (start + slope * bins)).max())
    if slope <= 0 or apart > STRAIGHT * fall[-1]:
        return None
    # A slow fall has begun before it leaves what is normal; a step has not.
    before = view.residual[max(0, at - 2) : at]
    line = start - slope * np.arange(len(before), 0, -1)
    if not len(before) or np.isnan(before).any() or before.mean() < max(0.0, line.mean()) / 2:
        return None
    ahead = min(2.0 * length, max(0.0, start / slope))
    # What a bin says is true at its end where it is a level, in its middle where it is a mean or a count.
    read_us = view.time_us(at + 1) if view.spec.sampled == "level" else view.time_us(at) + view.bin_us // 2
    best = max(view.start_us, read_us - _seconds(ahead * view.bin_us))
    doubt = _seconds((1 + DOUBTED * (ahead + length)) * view.bin_us)
    return max(view.start_us, best - doubt), best


def _end(view: BinnedView, dip: BinExcursion) -> When:
    loss, bin_us, back = view.loss, view.bin_us, dip.stop
    start = view.time_us(back)
    if not view.watched[back - 1]:
        since = _last_watched(view, back)
        began = view.time_us(since + 1) if since is not None else view.start_us
        why = reason("back-unmeasured", signal=view.spec.name, from_us=began, until_us=start)
        return When(began, start + bin_us, start, why)
    value = float(view.values[back]) if back < view.bins and view.watched[back] else None
    why = reason("back", signal=view.spec.name, value=value, bin_us=bin_us, at_us=start)
    if view.spec.sampled == "level":
        return When(start, start + bin_us, start, why)
    last = back - 1
    full = _usual(loss[max(dip.first, last - BESIDE) : last], loss[last])
    lost = min(1.0, loss[last] / full) + _part(view, back, full)
    earliest, best, latest = _spread(view.time_us(last), bin_us, lost, _noise(view, last, full))
    short = back - dip.first < 2
    return When(min(earliest, view.time_us(last)) if short else earliest, min(latest, start + bin_us), best, why)


def _usual(losses: F64, of_itself: float) -> float:
    """What a bin loses that is lost in whole, by its neighbours inside the loss; what itself lost where it has none."""
    watched = losses[~np.isnan(losses)]
    return max(float(np.median(watched)) if len(watched) else float(of_itself), 1e-9)


def _part(view: BinnedView, at: int, full: float) -> float:
    """The part of a bin beside the loss that was lost too, where it is more than chance makes likely."""
    if not 0 <= at < view.bins or not view.watched[at]:
        return 0.0
    lost = float(view.residual[at])
    return min(1.0, lost / full) if lost > TYPICAL * float(view.width[at]) else 0.0


def _noise(view: BinnedView, at: int, full: float) -> float:
    """How far off that may be, in bins: two bins with the noise that the signal usually has."""
    return min(0.5, max(LEAST_DOUBT, 2 * TYPICAL * float(view.width[at]) / full))


def _spread(from_us: int, bin_us: int, parts: float, doubt: float) -> tuple[int, int, int]:
    """Earliest, best and latest of a moment that lies ``parts`` of a bin from another, give or take ``doubt``."""
    times = sorted(from_us + _seconds(bin_us * part) for part in (parts - doubt, parts, parts + doubt))
    return times[0], times[1], times[2]


def _seconds(time_us: float) -> int:
    return round(time_us / SECOND) * SECOND


def _last_watched(view: BinnedView, before: int) -> int | None:
    seen = np.flatnonzero(view.watched[:before])
    return int(seen[-1]) if len(seen) else None


def _amount(view: BinnedView, at: int) -> float | None:
    """The value of a bin; None where it was not measured."""
    return float(view.values[at]) if np.isfinite(view.values[at]) else None
