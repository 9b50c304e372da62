"""Alarms and the outages they fuse into."""

from dataclasses import dataclass, field
from typing import Literal

from duskwatch.records.reason import Reason

PhaseName = Literal["degrading", "dark", "partial", "recovering", "unstable", "restored"]


@dataclass(frozen=True, slots=True)
class When:
    """A moment known as an interval: it lies in [earliest_us, latest_us], best guess inside, and why."""

    earliest_us: int
    latest_us: int
    best_us: int
    reason: Reason

    def __post_init__(self) -> None:
        if not self.earliest_us <= self.best_us <= self.latest_us:
            raise ValueError(f"best {self.best_us} outside [{self.earliest_us}, {self.latest_us}]")


@dataclass(frozen=True, slots=True)
class Alarm:
    """What one detector says on one signal: a stretch below what was expected."""

    signal: str
    detector: str
    from_us: int
    raised_us: int  # when the evidence crossed the threshold
    until_us: int | None  # None while it lasts
    expected: float
    observed: float  # lowest value in the stretch
    threshold: float  # in the detector's own unit, which its page in the docs names
    coverage: float  # mean coverage in the stretch, 0..1


@dataclass(frozen=True, slots=True)
class Phase:
    """One stretch in the life of an outage."""

    phase: PhaseName
    from_us: int
    until_us: int


@dataclass(frozen=True, slots=True)
class Outage:
    """Alarms fused over signals and time for one entity."""

    onset: When
    end: When | None  # None while it lasts
    dark_from: When | None  # None where something was left all the time
    dark_until: When | None
    duration_us: int  # onset.best to end.best, or to the end of the window while it lasts
    depth: float  # largest share lost, 0..1
    phases: tuple[Phase, ...]
    relapses: int  # times it was lost again before it was stable
    relapse_of: int | None  # index of the earlier outage that this one relapses from
    stable: bool  # stayed up long enough after the end, and the window shows it
    signals: tuple[str, ...]
    score: float  # hours of total loss: the integral of the lost share over time
    confidence: float  # 0..1; how much the vantage points support it
    alarms: tuple[Alarm, ...] = field(default=())
