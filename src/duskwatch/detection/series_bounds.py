"""When a binned signal left what was expected, and when it was back: at most a bin wide where the bins were watched."""

from dataclasses import dataclass

import numpy as np

from duskwatch.detection.series import Dip, SeriesView
from duskwatch.records.outages import When
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND, to_datetime

SAME = 0.9  # two losses within this share of each other are the same: the bin between was lost in whole
PLUNGE = 0.25  # a fall begins with the bin that lost this share of what was lost when the alarm was raised


@dataclass(frozen=True, slots=True)
class Course:
    """An excursion of one signal in time."""

    onset: When
    end: When | None  # None while it lasts
    climbed_us: int | None  # from when on it came back without a break; None where it did not begin to


def course_of_dip(view: SeriesView, dip: Dip, raised: int) -> Course:
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
    if stop >= view.bins and dip.lasts:
        return Course(onset, None, climbed)
    return Course(onset, _end(view, dip), climbed)


def _onset(view: SeriesView, dip: Dip, raised: int) -> When:
    loss, bin_us = view.loss, view.bin_us
    reach = np.nan_to_num(loss[dip.first : max(dip.first, raised) + 1])
    deep = np.flatnonzero(reach >= PLUNGE * reach.max())
    at = dip.first + (int(deep[0]) if len(deep) else 0)
    start, stop = view.time_us(at), view.time_us(at + 1)
    if at == 0 or not view.watched[at - 1]:
        since = _last_watched(view, at)
        began = view.time_us(since + 1) if since is not None else view.start_us
        if began < start:
            return When(began, stop, start, f"{view.name} fell while it was not measured, {_span(began, start)}")
    before = f" from {_number(view.values[at - 1])}" if at and view.watched[at - 1] else ""
    reason = f"{view.name} fell{before} to {_number(view.values[at])} in the {_bin_text(bin_us)} from {_clock(start)}"
    part = _part(loss, at, at + 1, view.bins)
    best = stop - _seconds(part * bin_us) if part is not None else start
    return When(start, stop, best, reason)


def _end(view: SeriesView, dip: Dip) -> When:
    loss, bin_us, back = view.loss, view.bin_us, dip.stop
    start = view.time_us(back)
    if not view.watched[back - 1]:
        since = _last_watched(view, back)
        began = view.time_us(since + 1) if since is not None else view.start_us
        reason = f"{view.name} came back while it was not measured, {_span(began, start)}"
        return When(began, start + bin_us, start, reason)
    reason = f"{view.name} was back at {_number(view.values[back])}" if back < view.bins else f"{view.name} was back"
    part = _part(loss, back - 1, back - 2, view.bins) if back - 2 >= dip.first else None
    if part is not None:
        began = view.time_us(back - 1)
        return When(
            began,
            start,
            began + _seconds(part * bin_us),
            f"{reason} after the {_bin_text(bin_us)} from {_clock(began)}",
        )
    return When(start, start + bin_us, start, f"{reason} in the {_bin_text(bin_us)} from {_clock(start)}")


def _part(loss: np.ndarray, at: int, full: int, bins: int) -> float | None:
    """Which part of a bin was lost, by the bin beside it that was lost in whole; None where this one was too."""
    if not 0 <= full < bins or np.isnan(loss[full]) or np.isnan(loss[at]) or loss[full] <= 0:
        return None
    part = float(loss[at] / loss[full])
    return part if part < SAME else None


def _seconds(time_us: float) -> int:
    return round(time_us / SECOND) * SECOND


def _last_watched(view: SeriesView, before: int) -> int | None:
    seen = np.flatnonzero(view.watched[:before])
    return int(seen[-1]) if len(seen) else None


def _bin_text(bin_us: int) -> str:
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if bin_us % unit == 0:
            many = bin_us // unit
            return f"{name}" if many == 1 else f"{many} {name}s"
    return f"{bin_us / SECOND:g} seconds"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _clock(time_us: int) -> str:
    return to_datetime(time_us).strftime("%H:%M:%S")


def _span(start: int, stop: int) -> str:
    return " to ".join(to_datetime(time_us).strftime("%Y-%m-%d %H:%M") for time_us in (start, stop))
