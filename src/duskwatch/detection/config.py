"""Every threshold of detection in one value that checks itself."""

from dataclasses import dataclass, field

from duskwatch.detection.baselines.seasonal import Seasonal
from duskwatch.detection.baselines.trailing import TrailingMedian
from duskwatch.detection.detectors import DETECTORS, Detector
from duskwatch.detection.view import LossRule
from duskwatch.kernels import baseline as kernel
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
    passive_share: float = 0.4  # so large a part; or where a detector says that its alarms are deep
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
    """Which detectors run, against which baselines, and how their alarms are fused."""

    detectors: tuple[Detector, ...] = DETECTORS
    trailing: TrailingMedian = field(default_factory=TrailingMedian)  # of levels known to the second
    seasonal: Seasonal = field(default_factory=Seasonal)  # of bins
    fuse: FuseConfig = field(default_factory=FuseConfig)
    known_share: float = 0.5  # of a country's space that must have been heard of where its state was learned

    def __post_init__(self) -> None:
        names = [detector.name for detector in self.detectors]
        if not names or len(set(names)) != len(names):
            raise ValueError("detection needs detectors, each with a name of its own")
        if len(self.rules) > kernel.RULES:
            raise ValueError(f"the baseline of bins can follow {kernel.RULES} loss rules, not {len(self.rules)}")
        if not 0 <= self.known_share <= 1:
            raise ValueError("known_share must be a share, 0 to 1")

    @property
    def rules(self) -> tuple[LossRule, ...]:
        """The loss rules that the baseline of bins follows."""
        return tuple(dict.fromkeys(one.rule for one in self.detectors if one.rule is not None))

    @property
    def least_loss(self) -> float:
        """The smallest share of a level that any detector can call lost; infinite where none reads levels."""
        return min(detector.least_loss(self.trailing.band) for detector in self.detectors)
