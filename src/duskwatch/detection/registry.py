"""The detectors that run by default: a new one is a file, a line here and nothing else."""

from typing import Protocol

from duskwatch.detection.area import LossArea
from duskwatch.detection.excursions import Find
from duskwatch.records.outages import Alarm
from duskwatch.records.signals import EntityHistory
from duskwatch.records.times import SECOND


class Detector(Protocol):
    """What a detector is: a frozen value that turns a history into alarms and leaves the history as it was."""

    @property
    def name(self) -> str:
        """How alarms name it."""
        ...

    def detect(self, history: EntityHistory, find: Find | None = None) -> list[Alarm]:
        """Alarms in order of signal and time. ``find``: finds excursions of this history, and knows those found."""
        ...


DETECTORS: tuple[Detector, ...] = (
    # More than half is gone: a total loss is called after 2 min, one of 75 % after 4 min.
    LossArea("deep-loss", slack=0.5, cap=1.0, threshold_us=60 * SECOND),
    # A part is gone: a quarter or more after 12 min, a fifth after 18 min.
    LossArea("partial-loss", slack=0.1, cap=0.25, threshold_us=108 * SECOND),
)
