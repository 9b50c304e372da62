"""A loss laid over a quiet series, and whether it stands out of what the series does by itself."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from duskwatch.evaluation.scenarios.dice import Dice
from duskwatch.evaluation.scenarios.shapes import Shape, lost_in_bins
from duskwatch.evaluation.scoring import Bounds, TrueEvent
from duskwatch.records.signals import F64, Sampled, SignalBlock, SignalSpec
from duskwatch.records.times import DAY

MARGIN = 1.5


class Series(NamedTuple):
    """One quiet series, and how its bins are filled: by some publishers with the mean of a level."""

    spec: SignalSpec
    start_us: int
    bin_us: int
    values: F64  # [bins], NaN where not watched
    filled: Sampled
    counts: bool  # whole numbers


class Injected(NamedTuple):
    """A series with a loss in it."""

    block: SignalBlock
    events: tuple[TrueEvent, ...]
    stands_out: bool  # out of the dips that the history before it has by itself


def inject(series: Series, shape: Shape, onset_us: int, dice: Dice) -> Injected:
    """Lay a loss over a series. Counted arrivals are thinned one by one, other values reduced by the lost share."""
    lost = lost_in_bins(shape, onset_us, series.start_us, series.bin_us, series.values.size, series.filled)
    blind = np.zeros(lost.size, dtype=bool)
    for begin, until in shape.gaps:
        first = (onset_us + begin - series.start_us) // series.bin_us
        last = -(-(onset_us + until - series.start_us) // series.bin_us)
        blind[first:last] = True
    values = reduce(series, lost, dice)
    values[blind] = np.nan
    events = tuple(
        TrueEvent(_moved(event.onset, onset_us), None if event.end is None else _moved(event.end, onset_us), event.name)
        for event in shape.events
    )
    block = as_block(series.spec, series.start_us, series.bin_us, values)
    return Injected(block, events, stands_out(series, np.where(blind, 0.0, lost), onset_us))


def reduce(series: Series, lost: F64, dice: Dice) -> F64:
    """Values with a share lost in each bin, [bins]."""
    if series.filled == "count" and series.counts:
        whole = np.nan_to_num(series.values).astype(np.int64)
        left = np.where(lost > 0, dice.binomial(whole, 1 - lost), whole).astype(np.float64)
        return np.where(np.isnan(series.values), np.nan, left)
    gone = series.values * lost
    return np.asarray(np.maximum(0.0, series.values - (np.rint(gone) if series.counts else gone)))


def as_block(spec: SignalSpec, start_us: int, bin_us: int, values: F64, coverage: F64 | None = None) -> SignalBlock:
    """One series as a block; watched in full wherever there is a value, unless the coverage is given."""
    seen = np.where(np.isnan(values), 0.0, 1.0) if coverage is None else coverage
    return SignalBlock((spec,), start_us, bin_us, values[None, :], seen[None, :])


def _moved(bounds: Bounds, by_us: int) -> Bounds:
    return Bounds(bounds.earliest_us + by_us, bounds.latest_us + by_us)


def stands_out(series: Series, lost: F64, onset_us: int) -> bool:
    """Whether every stretch of the loss is deeper than the deepest dip of its length before it, by half as much again.

    A dip is measured from the median of the same time of day, over 28 days. A rule that is silent for twenty times as
    long must ask for somewhat more than that dip, and the loss has noise of its own: what does not stand out by
    ``MARGIN`` is scored apart. Stretches are compared by up to a day.
    """
    history = (onset_us - series.start_us) // series.bin_us
    day = DAY // series.bin_us
    dips = dips_of(series.values[:history], day)
    return all(
        float(lost[begin : begin + length].mean()) > MARGIN * deepest(dips, length)
        for begin, length in ((begin, min(day, end - begin)) for begin, end in _runs(lost > 0))
    )


def dips_of(values: F64, day: int) -> F64:
    """How far below the median of its time of day each bin is, as a share, [bins]; 0 where nothing is known."""
    rows = -(-values.size // day)
    table = np.full(rows * day, np.nan)
    table[: values.size] = values
    measured = ~np.isnan(table.reshape(rows, day)).all(axis=0)
    usual = np.zeros(day)
    usual[measured] = np.nanmedian(table.reshape(rows, day)[:, measured], axis=0)
    usual = np.tile(usual, rows)[: values.size]
    with np.errstate(divide="ignore", invalid="ignore"):
        dips: F64 = np.where(usual > 0, 1 - values / usual, 0.0)
    return np.nan_to_num(dips)


def deepest(dips: F64, length: int) -> float:
    """The largest mean of so many bins in a row; 0 where there are fewer."""
    if dips.size < length:
        return 0.0
    sums = np.concatenate([[0.0], np.cumsum(dips)])
    return float((sums[length:] - sums[:-length]).max() / length)


def _runs(on: np.ndarray) -> Sequence[tuple[int, int]]:
    edge = np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]).astype(np.int8)))
    return list(zip(edge[::2].tolist(), edge[1::2].tolist(), strict=True))
