"""Points in time into bins: the step of each signal, and one block for all signals of one step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from duskwatch.records.errors import InputError
from duskwatch.records.signals import SignalBlock
from duskwatch.records.times import DAY, SECOND, span_text
from duskwatch.sources.tables.naming import Naming

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

MOST_BINS = 20_000_000  # of all signals together
COARSE_SHARE = 0.1  # of the time must be in steps of a width, for the bins to be as wide
FEW = 8  # values of fewer times than this do not tell a step: those of all rows do
REGULAR = 0.5  # of the steps must be the same, else the width is guessed
USUAL = tuple(n * SECOND for n in (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400))


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """A signal at its times, sorted and distinct. P points."""

    name: str
    time_us: I64  # [P]
    values: F64  # [P]
    rows_us: I64 | None = None  # times of all rows there are, also of those without a value
    repeated: int = 0  # rows beyond the first of a time
    contradictory: int = 0  # times with values that differ: their median is taken


@dataclass(frozen=True, slots=True)
class Step:
    """How a signal's points lie in time."""

    width_us: int
    phase_us: int  # bins begin at phase + k * width
    regular: bool
    mixed: bool  # a part has finer steps


def blocks_of(signals: Sequence[Points], naming: Naming = Naming()) -> tuple[list[SignalBlock], list[str]]:
    """Signals into blocks, one for each width of bins, finest first; and what was noticed.

    A bin holds the mean of the points in it, NaN and no coverage where there is none. Signals of one point are left
    out. Raises ValueError where there would be more than MOST_BINS bins.
    """
    notes: list[str] = []
    by_step: dict[tuple[int, int], list[Points]] = {}
    for one in signals:
        if one.repeated:
            differ = f", {one.contradictory} times with values that differ (their median was taken)"
            notes.append(f"{one.name}: {one.repeated} repeated rows{differ if one.contradictory else ''}")
        if len(one.time_us) < 2:
            notes.append(f"{one.name}: a single value; left out")
            continue
        even = len(one.time_us) > 2 and bool((np.diff(one.time_us, n=2) == 0).all())
        few = len(one.time_us) < FEW and not even
        step = step_of(one.rows_us if few and one.rows_us is not None else one.time_us)
        if not step.regular:
            notes.append(f"{one.name}: its times are irregular; the means of {span_text(step.width_us)} are used")
        elif step.mixed:
            notes.append(f"{one.name}: bins of several widths; the means of {span_text(step.width_us)} are used")
        by_step.setdefault((step.width_us, step.phase_us), []).append(one)
    total = sum(len(signals_of_step) * _bins(signals_of_step, *step) for step, signals_of_step in by_step.items())
    if total > MOST_BINS:
        raise InputError(f"the series span {total:,} bins; give a part of them, at most {MOST_BINS:,}")
    return [_block(signals_of_step, *step, naming) for step, signals_of_step in sorted(by_step.items())], notes


def step_of(time_us: I64) -> Step:
    """The width of a signal's bins, by the steps between its points (at least two, sorted, distinct)."""
    steps = np.diff(time_us)
    width, count = np.unique(steps, return_counts=True)
    common = int(width[np.argmax(count)])
    # A step that follows its like is a width, one by itself is a gap.
    like = steps[1:][steps[1:] == steps[:-1]] if len(steps) > 1 else steps
    regular = count.max() >= REGULAR * len(steps) and common >= 10 * SECOND
    mixed = False
    if regular and len(like):
        wide, times = np.unique(like, return_counts=True)
        share = wide * times / steps.sum()
        candidates = wide[(share >= COARSE_SHARE) & (wide >= common) & (wide % common == 0) & (wide <= DAY)]
        mixed = bool(len(candidates)) and int(candidates.max()) > common
        chosen = int(candidates.max()) if len(candidates) else common
    else:
        # Twice the usual step, so that most bins hold a point, at a width that people use.
        wanted = 2 * float(np.median(steps))
        chosen = min((usual for usual in USUAL if usual >= wanted), default=DAY) if not regular else common
    chosen = min(max(chosen, 10 * SECOND), DAY)
    phases, often = np.unique(time_us % chosen, return_counts=True)
    phase = int(phases[np.argmax(often)]) if regular and not mixed else 0
    return Step(chosen, phase, bool(regular), mixed)


def _bins(signals: Sequence[Points], width_us: int, phase_us: int) -> int:
    first = min(int(one.time_us[0]) for one in signals)
    last = max(int(one.time_us[-1]) for one in signals)
    return (last - phase_us) // width_us - (first - phase_us) // width_us + 1


def _block(signals: Sequence[Points], width_us: int, phase_us: int, naming: Naming) -> SignalBlock:
    first = min(int(one.time_us[0]) for one in signals)
    start = (first - phase_us) // width_us * width_us + phase_us
    bins = _bins(signals, width_us, phase_us)
    values = np.full((len(signals), bins), np.nan)
    for row, one in enumerate(signals):
        at = (one.time_us - start) // width_us
        total = np.bincount(at, weights=one.values, minlength=bins)
        count = np.bincount(at, minlength=bins)
        there = count > 0
        values[row, there] = total[there] / count[there]
    specs = tuple(replace(naming.spec(one.name), bin_us=width_us) for one in signals)
    return SignalBlock(specs, start, width_us, values, (~np.isnan(values)).astype(np.float64))
