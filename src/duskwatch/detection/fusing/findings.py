"""What detectors say of each signal of an entity, and which of it may call an outage."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from math import inf

import numpy as np

from duskwatch.detection.detectors import Detector
from duskwatch.detection.view import F64, BinnedView, Stretch, View
from duskwatch.records.outages import Alarm
from duskwatch.records.signals import SignalSpec


def judged(spec: SignalSpec) -> bool:
    """Whether anything that a signal does makes an alarm: less of it is a loss, or much of it is instability."""
    return spec.less_is_loss or spec.role == "updates"


class Overlaps:
    """Which of many alarms overlap a stretch of time."""

    def __init__(self, alarms: Sequence[Alarm], until_us: Mapping[Alarm, int] | None = None) -> None:
        """Alarms in order of their start. ``until_us``: ends of some that were over sooner than they say."""
        self.alarms = alarms
        self._from = [alarm.from_us for alarm in self.alarms]
        ends = [inf if alarm.until_us is None else alarm.until_us for alarm in self.alarms]
        if until_us:
            ends = [until_us.get(alarm, end) for alarm, end in zip(self.alarms, ends, strict=True)]
        self._until = ends
        self._latest = list(accumulate(ends, max))  # up to each alarm: the latest end so far

    def places(self, stretch: Stretch) -> list[int]:
        """Which of ``alarms`` overlap a stretch, in order of their start."""
        from_us, until_us = stretch
        low = bisect_right(self._latest, from_us)
        high = len(self._from) if until_us is None else bisect_left(self._from, until_us)
        return [k for k in range(low, high) if self._until[k] > from_us]

    def any_of(self, stretch: Stretch) -> bool:
        """Whether any overlaps it."""
        return bool(self.places(stretch))


class Finding:
    """A signal and what detectors say of it."""

    def __init__(self, view: View, detectors: Sequence[Detector], counted: bool | None = None) -> None:
        """Run the detectors. ``counted``: whether it ever had a value above zero; None: as the view has it."""
        self.view = view
        self.counted = view.counted if counted is None else counted
        self._take([(detector, detector.detect(view)) for detector in detectors])

    def _take(self, by_detector: Sequence[tuple[Detector, Sequence[Alarm]]]) -> None:
        self.by_detector = tuple((detector, tuple(alarms)) for detector, alarms in by_detector if alarms)
        ordered = [(alarm, not detector.instability) for detector, alarms in self.by_detector for alarm in alarms]
        ordered.sort(key=lambda item: (item[0].from_us, item[0].detector))
        self.alarms = tuple(alarm for alarm, _ in ordered)
        self.loses = tuple(loses for _, loses in ordered)  # of each alarm: it tells of a loss, not of instability alone

    def cut(self, parts: Mapping[Alarm, Sequence[Alarm]]) -> "Finding":
        """The same with some alarms in parts."""
        out = Finding(self.view, (), self.counted)
        out._take(
            [
                (detector, [part for alarm in alarms for part in parts.get(alarm, (alarm,))])
                for detector, alarms in self.by_detector
            ]
        )
        return out

    @property
    def spec(self) -> SignalSpec:
        """What the signal means."""
        return self.view.spec

    @cached_property
    def losing(self) -> Overlaps:
        """Its alarms of losses, by time."""
        return Overlaps([alarm for alarm, loses in zip(self.alarms, self.loses, strict=True) if loses])

    @cached_property
    def days(self) -> frozenset[Alarm]:
        """Its alarms that date themselves."""
        return frozenset(alarm for detector, alarms in self.by_detector if detector.dates_itself for alarm in alarms)

    @cached_property
    def lost(self) -> F64:
        """Share lost in each step or bin; NaN where nobody watched.

        Of a level all that is missing counts; of bins what is missing in the time of alarms, as the rest is noise.
        """
        return self.view.loss if not isinstance(self.view, BinnedView) else self._lost_in_bins(self.view)

    def _lost_in_bins(self, view: BinnedView) -> F64:
        inside = np.zeros(view.bins, bool)
        slow = np.zeros(view.bins)
        for alarm in self.losing.alarms:
            first = max(0, (alarm.from_us - view.start_us) // view.bin_us)
            stop = view.bins
            if alarm.until_us is not None:
                stop = min(view.bins, (alarm.until_us - view.start_us) // view.bin_us)
            inside[first:stop] = True
            if alarm in self.days and alarm.expected > 0:
                with np.errstate(invalid="ignore"):
                    share = np.clip(1.0 - view.values[first:stop] / alarm.expected, 0.0, 1.0)
                slow[first:stop] = np.fmax(slow[first:stop], np.nan_to_num(share))
        return np.where(np.isnan(view.loss), np.nan, np.where(inside, np.fmax(view.loss, slow), 0.0))
