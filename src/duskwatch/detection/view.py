"""One signal judged against its baseline: what detectors read. A level known to the second, or bins."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from duskwatch.kernels import baseline as kernel
from duskwatch.kernels import codes
from duskwatch.records.signals import SignalSpec

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
U16 = npt.NDArray[np.uint16]
U8 = npt.NDArray[np.uint8]
Bool = npt.NDArray[np.bool_]


class Stretch(NamedTuple):
    """A stretch of time; ``until_us`` None: it lasts."""

    from_us: int
    until_us: int | None


class Ending(IntEnum):
    """How an excursion of a level ended."""

    OPEN = codes.OPEN  # it had not when the window ended
    BACK = codes.BACK  # the level came back
    SETTLED = codes.SETTLED  # the level stayed inside the normal band, if not quite where it was
    ACCEPTED = codes.ACCEPTED  # a lower level had lasted so long that it is the new normal


@dataclass(frozen=True, slots=True, eq=False)
class LevelView:
    """A signal known to the second against the median of the day before. N steps, E excursions out of its band."""

    spec: SignalSpec
    edge_us: I64  # [N + 1] start of each step and the end of the window
    values: F64  # [N]
    voters: F64  # [N] 0 where there was none
    expected: F64  # [N] what it should be, of the voters that are left; NaN before anything is known
    loss: F64  # [N] share lost, 0..1; NaN where nobody, or too few, were watching
    confirmed: I32  # [E] step that left the band
    first: I32  # [E] the same, or an earlier one: with it went, as voters left, what routes confirmed to be lost
    end_us: I64  # [E] -1 while it lasts
    ending: U8  # [E] Ending
    reported_from_us: int = 0  # the time from which on any loss would be reported
    watched: Bool = field(init=False, repr=False)  # [N]

    def __post_init__(self) -> None:
        object.__setattr__(self, "watched", ~np.isnan(self.loss))

    @property
    def until_us(self) -> int:
        """End of the window."""
        return int(self.edge_us[-1])

    @property
    def has_data(self) -> bool:
        """Whether anything was ever watched."""
        return bool((self.voters > 0).any()) and not bool(np.isnan(self.values).all())

    @property
    def counted(self) -> bool:
        """Whether there was ever anything above zero."""
        return bool((self.values > 0).any())

    @property
    def stops(self) -> I64:
        """The first step after each excursion, [E]; N while it lasts."""
        at = np.searchsorted(self.edge_us[:-1], self.end_us, side="left")
        stops: I64 = np.where(self.end_us < 0, len(self.loss), at).astype(np.int64)
        return stops

    def step_at(self, time_us: int) -> int:
        """The first step that begins at a time or after it; N at the end of the window."""
        return min(len(self.loss), int(self.edge_us[:-1].searchsorted(time_us)))

    def excursions(self) -> I64:
        """Start and end of each stretch out of the normal band, in order, [E, 2]."""
        stop = np.where(self.end_us < 0, self.until_us, self.end_us)
        return np.stack([self.edge_us[self.confirmed], stop], axis=1).astype(np.int64)

    def begun_at(self, step: int) -> int | None:
        """The excursion that began with a step."""
        k = int(np.searchsorted(self.confirmed, step))
        return k if k < len(self.confirmed) and self.confirmed[k] == step else None

    def ended_at(self, time_us: int) -> int | None:
        """The excursion that ended at a time."""
        ends = self.end_us[:-1] if len(self.end_us) and self.end_us[-1] < 0 else self.end_us
        k = int(np.searchsorted(ends, time_us))
        return k if k < len(ends) and ends[k] == time_us else None

    def watched_in(self, from_us: int, until_us: int) -> bool:
        """Whether anybody watched at any moment of [from, until)."""
        first = max(0, int(self.edge_us.searchsorted(from_us, side="right")) - 1)
        return bool(self.watched[first : self.step_at(until_us)].any())

    def unseen_since(self, from_us: int, until_us: int | None) -> int | None:
        """Start of the gap that a stretch ends with, None without one; the end of the data where it lasts."""
        first, stop = self.step_at(from_us), len(self.loss) if until_us is None else self.step_at(until_us)
        seen = np.flatnonzero(self.watched[first:stop])
        last = first + int(seen[-1]) + 1 if len(seen) else first
        return int(self.edge_us[last]) if last < stop or until_us is None else None

    def onto(self, edge_us: I64) -> tuple[I64, Bool]:
        """The step that holds each step of a grid, and whether there is one."""
        at = np.searchsorted(self.edge_us, edge_us[:-1], side="right").astype(np.int64) - 1
        there = (at >= 0) & (at < len(self.loss))
        return np.where(there, at, 0), there


@dataclass(frozen=True, slots=True)
class LossRule:
    """A loss-area rule (E. S. Page, 1954): raised when the area of min(loss, cap) - slack over time passes a threshold.

    Where a signal varies by more than ``slack`` by chance, its own width takes the place of the slack, and the cap
    is at least 0.15 above it.
    """

    slack: float
    cap: float
    threshold_us: int  # microseconds of total loss, after slack

    def __post_init__(self) -> None:
        if not 0 <= self.slack < self.cap <= 1 or self.threshold_us <= 0:
            raise ValueError("a loss rule must have 0 <= slack < cap <= 1 and threshold_us above zero")


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Bins against their baseline; shape [N] of one bin of N series, [B] of one series, or [N, B]."""

    expected: F64  # NaN before anything is known
    low: F64  # less than this is out of the normal band
    bits: U16  # kernel.JUDGED, BELOW, SURGED, BACK, SETTLED, ACCEPTED, LASTS, and the rules passed from RAISED_SHIFT on

    @property
    def watched(self) -> Bool:
        """Bins that were compared with something."""
        watched: Bool = (self.bits & kernel.JUDGED) > 0
        return watched

    @property
    def inside(self) -> Bool:
        """Bins of an excursion, those that nobody watched in it too."""
        inside: Bool = (self.bits & kernel.BELOW) > 0
        return inside

    @property
    def lasting(self) -> Bool:
        """Bins in which a running mean of the loss was below what it ever was by chance."""
        lasting: Bool = (self.bits & kernel.LASTS) > 0
        return lasting

    @property
    def width(self) -> F64:
        """Share that may be missing by chance."""
        with np.errstate(divide="ignore", invalid="ignore"):
            width: F64 = 1.0 - self.low / self.expected
        return width

    def residual(self, values: F64) -> F64:
        """1 - value / expected; NaN where a bin could not be judged."""
        with np.errstate(divide="ignore", invalid="ignore"):
            residual: F64 = np.where(self.watched, 1.0 - values / self.expected, np.nan)
        return residual

    def raised(self, rule: int) -> Bool:
        """Whether a rule's threshold was passed, in this excursion, up to each bin."""
        raised: Bool = (self.bits >> (kernel.RAISED_SHIFT + rule)) & 1 > 0
        return raised

    @property
    def raised_any(self) -> Bool:
        """Whether any rule's threshold was."""
        raised: Bool = (self.bits >> kernel.RAISED_SHIFT) & ((1 << kernel.RULES) - 1) > 0
        return raised


@dataclass(frozen=True, slots=True)
class BinExcursion:
    """An excursion of a binned signal: bins [first, after), of which those from ``stop`` on are within the band."""

    first: int
    after: int
    stop: int
    lasts: bool  # the data end in it


@dataclass(frozen=True, slots=True, eq=False)
class BinnedView:
    """A signal in bins against its seasonal baseline. B bins."""

    spec: SignalSpec
    start_us: int
    bin_us: int
    values: F64  # [B]
    coverage: F64  # [B]
    judged: Judged  # of [B]
    rules: tuple[LossRule, ...] = ()  # that the baseline followed
    scale_bins: tuple[int, ...] = ()  # bins of each running mean, 0 where there is none
    watched: Bool = field(init=False, repr=False)  # [B] bins that were compared with something
    residual: F64 = field(init=False, repr=False)  # [B] 1 - value / expected; NaN where it could not be judged
    loss: F64 = field(init=False, repr=False)  # [B] share lost, 0..1; NaN where it could not be judged
    width: F64 = field(init=False, repr=False)  # [B] share that may be missing by chance

    def __post_init__(self) -> None:
        residual = self.judged.residual(self.values)
        object.__setattr__(self, "watched", self.judged.watched)
        object.__setattr__(self, "residual", residual)
        object.__setattr__(self, "loss", np.clip(residual, 0.0, 1.0))
        object.__setattr__(self, "width", self.judged.width)

    @property
    def bins(self) -> int:
        """How many bins there are."""
        return len(self.values)

    @property
    def until_us(self) -> int:
        """End of the last bin."""
        return self.start_us + self.bins * self.bin_us

    @property
    def edge_us(self) -> I64:
        """Start of each bin and the end of the last, [B + 1]."""
        return self.start_us + self.bin_us * np.arange(self.bins + 1, dtype=np.int64)

    @property
    def has_data(self) -> bool:
        """Whether there is any value that was watched."""
        return bool(((self.coverage > 0) & ~np.isnan(self.values)).any())

    @property
    def counted(self) -> bool:
        """Whether there was ever anything above zero."""
        return bool(np.nansum(self.values) > 0)

    def time_us(self, at: int) -> int:
        """Start of a bin."""
        return self.start_us + at * self.bin_us

    def raised(self, rule: LossRule) -> Bool:
        """Whether a rule's threshold was passed, in this excursion, up to each bin. ValueError for one not followed."""
        return self.judged.raised(self.rules.index(rule))

    def bins_of(self, from_us: int, until_us: int) -> slice:
        """Bins that touch [from, until)."""
        first = max(0, (from_us - self.start_us) // self.bin_us)
        return slice(first, max(first, min(self.bins, -(-(until_us - self.start_us) // self.bin_us))))

    def dips(self) -> list[BinExcursion]:
        """Stretches below the low, in order."""
        edge = np.flatnonzero(np.diff(np.concatenate([[False], self.judged.inside, [False]]).astype(np.int8)))
        return [
            BinExcursion(int(a), int(b), self._stop(int(a), int(b)), int(b) >= self.bins)
            for a, b in edge.reshape(-1, 2)
        ]

    def excursions(self) -> I64:
        """Start and end of each, [E, 2]."""
        bins = [(dip.first, max(dip.stop, dip.first + 1)) for dip in self.dips()]
        return self.start_us + self.bin_us * np.array(bins, np.int64).reshape(-1, 2)

    def _stop(self, begin: int, end: int) -> int:
        """The first bin that was back; where it only settled, the first from which all are within the width."""
        if end >= self.bins or not self.judged.bits[end] & kernel.SETTLED:
            return end
        # What settled is reported when it has lasted: it began earlier.
        low = self.judged.low[begin:end]
        soft = self.watched[begin:end] & (self.values[begin:end] >= low)
        blind = ~self.watched[begin:end]
        hard = np.flatnonzero(~soft & ~blind)
        return begin + (int(hard[-1]) + 1 if len(hard) else 0)

    def watched_in(self, from_us: int, until_us: int) -> bool:
        """Whether any bin of [from, until) was watched."""
        return bool(self.watched[self.bins_of(from_us, until_us)].any())

    def unseen_since(self, from_us: int, until_us: int | None) -> int | None:
        """Start of the gap that a stretch ends with, None without one; the end of the data where it lasts."""
        first = max(0, (from_us - self.start_us) // self.bin_us)
        stop = self.bins if until_us is None else min(self.bins, (until_us - self.start_us) // self.bin_us)
        seen = np.flatnonzero(self.watched[first:stop])
        last = first + int(seen[-1]) + 1 if len(seen) else first
        return self.time_us(last) if last < stop or until_us is None else None

    def onto(self, edge_us: I64) -> tuple[I64, Bool]:
        """The bin that holds each step of a grid, and whether there is one."""
        at = (edge_us[:-1] - self.start_us) // self.bin_us
        there = (at >= 0) & (at < self.bins)
        return np.where(there, at, 0), there


View = LevelView | BinnedView
"""A signal judged: what a detector reads."""
