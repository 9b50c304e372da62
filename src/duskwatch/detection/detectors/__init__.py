"""The detectors that run by default: a new one is a file, a line here and nothing else."""

from duskwatch.detection.detectors.detector import Detector
from duskwatch.detection.detectors.flapping import Flapping
from duskwatch.detection.detectors.lasting_loss import LastingLoss
from duskwatch.detection.detectors.loss_area import LossArea
from duskwatch.detection.detectors.slow_decline import SlowDecline
from duskwatch.detection.detectors.update_storm import UpdateStorm
from duskwatch.records.times import SECOND

__all__ = ["DETECTORS", "Detector"]

DETECTORS: tuple[Detector, ...] = (
    # More than half is gone: a total loss is called after 2 min, or after one bin; one of 75 % after 4 min.
    LossArea("deep-loss", slack=0.5, cap=1.0, threshold_us=60 * SECOND, deep=True),
    # A part is gone: a quarter or more after 12 min, or three bins of 5 minutes, a fifth after 18 min or four.
    LossArea("partial-loss", slack=0.1, cap=0.25, threshold_us=108 * SECOND),
    # Signals too noisy for that, by their means over a quarter of an hour to half a day.
    LastingLoss("lasting-loss"),
    # A fifth less than in the weeks before, so slowly that the baseline follows.
    SlowDecline("slow-decline"),
    # Instability makes no outage; it is reported with those that it comes with.
    UpdateStorm("update-storm"),
    Flapping("flapping"),
)
