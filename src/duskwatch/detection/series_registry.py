"""The detectors of binned signals that run by default: a new one is a file, a line here and nothing else."""

from duskwatch.detection.baseline import LossRule
from duskwatch.detection.series import SeriesDetector
from duskwatch.detection.series_decline import SlowDecline
from duskwatch.detection.series_lasting import LastingLoss
from duskwatch.detection.series_loss import SeriesLoss
from duskwatch.detection.series_unrest import Flapping, UpdateStorm
from duskwatch.records.times import SECOND

SERIES_DETECTORS: tuple[SeriesDetector, ...] = (
    # More than half is gone: a total loss of one bin of 5 minutes is enough.
    SeriesLoss("deep-loss", LossRule(slack=0.5, cap=1.0, threshold_us=60 * SECOND)),
    # A part is gone: a quarter or more after three bins of 5 minutes, a fifth after four.
    SeriesLoss("partial-loss", LossRule(slack=0.1, cap=0.25, threshold_us=108 * SECOND)),
    # Signals too noisy for that, by their means over a quarter of an hour to half a day.
    LastingLoss("lasting-loss"),
    # A fifth less than in the weeks before, so slowly that the baseline follows.
    SlowDecline("slow-decline"),
    # Instability makes no outage; it is told with those that it comes with.
    UpdateStorm("update-storm"),
    Flapping("flapping"),
)
