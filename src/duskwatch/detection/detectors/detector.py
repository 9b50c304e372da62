"""What a detector is."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import inf

import numpy as np

from duskwatch.detection.view import F64, Bool, Judged, LossRule, View
from duskwatch.records.outages import Alarm


@dataclass(frozen=True, slots=True, eq=False)
class LatestBin:
    """The newest bin of N series of any entities, judged."""

    judged: Judged  # of [N]
    values: F64  # [N]
    rules: tuple[LossRule, ...]  # that the baseline followed
    falls: Bool  # [N] less is a loss
    reach: Bool  # [N] and shows what can be reached
    day_before: Judged | None  # the bin a day before this one; None where there is none

    def none(self) -> Bool:
        """No series, [N]."""
        return np.zeros(len(self.falls), bool)


@dataclass(frozen=True, slots=True)
class Step:
    """What one detector makes of the newest bin of N series."""

    out: Bool  # [N] part of what the detector would look at: bins about it must be kept
    stands: Bool  # [N] an alarm of it stands


class Detector(ABC):
    """A frozen value that turns one judged signal into alarms and leaves the signal as it was.

    It sees one signal at a time and knows no other detector. What fusing must know of it, it declares.
    """

    __slots__ = ()

    name: str  # how alarms name it, and where docs/reference/detection.md tells of it

    @property
    def calls(self) -> bool:
        """Whether its alarms can make an outage; else they only speak of one."""
        return True

    @property
    def instability(self) -> bool:
        """Whether its alarms speak of instability: nothing need be lost in the time that they span."""
        return False

    @property
    def deep(self) -> bool:
        """Whether an alarm of it calls by itself, even on what a single service sees."""
        return False

    @property
    def dates_itself(self) -> bool:
        """Whether its alarms begin and end with days, and a loss is measured against what they expected."""
        return False

    @property
    def rule(self) -> LossRule | None:
        """The loss rule that the baseline of bins must follow for it, so that outages stay out of what is normal."""
        return None

    @property
    def recent(self) -> bool:
        """Whether no more than two days before its alarm decide on it: it can run as bins come in (``step``)."""
        return False

    def least_loss(self, band: float) -> float:
        """The smallest share of a level that it can call lost; infinite where it reads no levels.

        band   the share lost from which on the level is out of what is normal
        """
        return inf

    @abstractmethod
    def detect(self, view: View) -> list[Alarm]:
        """Alarms on one signal, in order of time; none where it has nothing to say of such signals."""

    def step(self, latest: LatestBin) -> Step:
        """What it makes of the newest bin of many series; of those that are ``recent``."""
        return Step(latest.none(), latest.none())
