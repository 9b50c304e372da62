"""Binned series against their baselines: what the detectors of binned signals read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from duskwatch.detection.baseline import Judged, LossRule, SeriesBaseline, begin, walk
from duskwatch.kernels import baseline as kernel
from duskwatch.records.outages import Alarm
from duskwatch.records.signals import SignalBlock, SignalSpec

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SeriesView:
    """One signal of an entity, judged. B bins."""

    spec: SignalSpec
    start_us: int
    bin_us: int
    values: F64  # [B]
    coverage: F64  # [B]
    judged: Judged  # of [B]
    scale_bins: tuple[int, ...] = ()  # bins of each running mean, 0 where there is none
    watched: Bool = field(init=False, repr=False)  # [B] bins that were compared with something
    residual: F64 = field(init=False, repr=False)  # [B] 1 - value / expected; NaN where it could not be judged
    loss: F64 = field(init=False, repr=False)  # [B] share lost, 0..1; NaN where it could not be judged
    width: F64 = field(init=False, repr=False)  # [B] share that may be missing by chance

    def __post_init__(self) -> None:
        with np.errstate(divide="ignore", invalid="ignore"):
            residual = 1.0 - self.values / self.judged.expected
            width = 1.0 - self.judged.low / self.judged.expected
        watched = (self.judged.bits & kernel.JUDGED) > 0
        residual = np.where(watched, residual, np.nan)
        object.__setattr__(self, "watched", watched)
        object.__setattr__(self, "residual", residual)
        object.__setattr__(self, "loss", np.clip(residual, 0.0, 1.0))
        object.__setattr__(self, "width", width)

    @property
    def name(self) -> str:
        """Name of the signal."""
        return self.spec.name

    @property
    def bins(self) -> int:
        """How many bins there are."""
        return len(self.values)

    @property
    def until_us(self) -> int:
        """End of the last bin."""
        return self.start_us + self.bins * self.bin_us

    def time_us(self, at: int) -> int:
        """Start of a bin."""
        return self.start_us + at * self.bin_us

    def excursions(self) -> list["Dip"]:
        """Stretches below the low, in order."""
        inside = self.judged.inside
        edge = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(np.int8)))
        return [Dip(int(a), int(b), self._stop(int(a), int(b)), int(b) >= self.bins) for a, b in edge.reshape(-1, 2)]

    def _stop(self, begin: int, end: int) -> int:
        """The first bin that was back; where it only settled, the first from which all are within the width."""
        if end >= self.bins or not self.judged.bits[end] & kernel.SETTLED:
            return end
        # What settled is told when it has lasted: it began earlier.
        low = self.judged.low[begin:end]
        soft = self.watched[begin:end] & (self.values[begin:end] >= low)
        blind = ~self.watched[begin:end]
        hard = np.flatnonzero(~soft & ~blind)
        return begin + (int(hard[-1]) + 1 if len(hard) else 0)


@dataclass(frozen=True, slots=True)
class Dip:
    """An excursion of a binned signal: bins [first, after), of which those from ``stop`` on are within the band."""

    first: int
    after: int
    stop: int
    lasts: bool  # the data end in it


class SeriesDetector(Protocol):
    """A frozen value that turns one judged signal into alarms and leaves it as it was."""

    @property
    def name(self) -> str:
        """How alarms name it."""
        ...

    @property
    def calls(self) -> bool:
        """Whether its alarms can make an outage; else they only speak of one."""
        ...

    @property
    def rule(self) -> LossRule | None:
        """The loss rule that the baseline must follow for it, so that outages stay out of what is normal."""
        ...

    @property
    def recent(self) -> bool:
        """Whether no more than two days before its alarm decide on it, so that it can run as bins come in."""
        ...

    def detect(self, view: SeriesView, rule: int) -> list[Alarm]:
        """Alarms in order of time; ``rule`` is the number of its loss rule, -1 where it has none."""
        ...


def views_of(
    block: SignalBlock, detectors: Sequence[SeriesDetector], config: SeriesBaseline = SeriesBaseline()
) -> list[SeriesView]:
    """Every signal of a block against its baseline."""
    if not len(block.specs) or not block.values.shape[1]:
        return []
    rules = tuple(detector.rule for detector in detectors if detector.rule is not None)
    state = begin(len(block.specs), block.bin_us, block.start_us, rules, config)
    scales = tuple(int(bins) for bins in state.params[kernel.P_SCALES : kernel.P_SCALES + kernel.SCALES])
    _, judged = walk(state, block.values, block.coverage)
    return [
        SeriesView(
            spec,
            block.start_us,
            block.bin_us,
            block.values[k],
            block.coverage[k],
            Judged(judged.expected[k], judged.low[k], judged.bits[k]),
            scales,
        )
        for k, spec in enumerate(block.specs)
    ]


def alarms_of(view: SeriesView, detectors: Sequence[SeriesDetector]) -> list[Alarm]:
    """What all detectors say of one signal, in order of time."""
    out: list[Alarm] = []
    rule = 0
    for detector in detectors:
        out += detector.detect(view, rule if detector.rule is not None else -1)
        rule += detector.rule is not None
    return sorted(out, key=lambda alarm: (alarm.from_us, alarm.detector))
