"""Every threshold of detection in one value that checks itself."""

from dataclasses import dataclass, field

from duskwatch.detection.baseline import SeriesBaseline
from duskwatch.detection.excursions import Baseline
from duskwatch.detection.registry import DETECTORS, Detector
from duskwatch.detection.series import SeriesDetector
from duskwatch.detection.series_registry import SERIES_DETECTORS
from duskwatch.records.times import DAY, HOUR, MINUTE


@dataclass(frozen=True, slots=True)
class FuseConfig:
    """How alarms become outages. Times in microseconds."""

    join_us: int = HOUR  # losses less than this apart are one outage
    stability_us: int = DAY  # up for this long after the end: stable; a loss within it is a relapse
    stability_coverage: float = 0.9  # share of that time that must have been watched
    precursor_us: int = 12 * HOUR  # disturbances never more than this apart belong to what they lead to
    precursors: int = 2  # at least so many make a degrading phase
    plunge_us: int = MINUTE  # falls no further apart than this are one plunge, rises one climb
    sharp_us: int = 2 * MINUTE  # a plunge no longer than this is dated by its middle, a longer one by its start
    reach_us: int = HOUR  # how far a bound may reach for complete votes
    # Of binned signals:
    passive_us: int = 3 * HOUR  # a passive signal calls alone where a part is lost for so long,
    passive_share: float = 0.4  # so large a part,
    passive_detectors: tuple[str, ...] = ("deep-loss",)  # or where one of these says so
    lag_us: int = 3 * HOUR  # a signal whose climb takes no longer is back, for the end, from its start
    repeat_us: int = 30 * MINUTE  # a loss so near the time of day of the one before is a repeat
    repeat_up_us: int = 4 * HOUR  # where all was well for so long between the two

    def __post_init__(self) -> None:
        times = (self.join_us, self.precursor_us, self.plunge_us, self.sharp_us, self.reach_us, self.passive_us)
        if min(*times, self.lag_us, self.repeat_us, self.repeat_up_us) <= 0 or self.stability_us < self.join_us:
            raise ValueError("the times of fusing must be above zero, and stability_us at least join_us")
        if self.precursors < 1 or not 0 < self.stability_coverage <= 1:
            raise ValueError("precursors must be at least 1 and stability_coverage above 0 and at most 1")


@dataclass(frozen=True, slots=True)
class DetectionConfig:
    """Which detectors run, against which baseline, and how their alarms are fused."""

    detectors: tuple[Detector, ...] = DETECTORS
    baseline: Baseline = field(default_factory=Baseline)  # of phases, depth and score
    fuse: FuseConfig = field(default_factory=FuseConfig)
    series_detectors: tuple[SeriesDetector, ...] = SERIES_DETECTORS  # of binned signals
    series_baseline: SeriesBaseline = field(default_factory=SeriesBaseline)
    known_share: float = 0.5  # of a country's space that must have been heard of where its state was learned

    def __post_init__(self) -> None:
        for names in (
            [detector.name for detector in self.detectors],
            [detector.name for detector in self.series_detectors],
        ):
            if not names or len(set(names)) != len(names):
                raise ValueError("detection needs detectors, each with a name of its own")
        if not 0 <= self.known_share <= 1:
            raise ValueError("known_share must be a share, 0 to 1")
