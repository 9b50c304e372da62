"""The rule of Cloudflare Radar: the six most similar of the last 28 days make the forecast.

From the published description: compare a reference day with the last 28 days by Euclidean distance, take the six
closest, forecast with their median, call a point anomaly or a sustained one by the relative drop, close by a rule of
its own; drops only. The numbers of those three rules are not published; the ones here are ours, marked *open*, and
docs/reference/evaluation.md lists them.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duskwatch.evaluation.published.overlap import overlapping_as_one
from duskwatch.evaluation.scoring import FoundEvent
from duskwatch.records.signals import F64, SignalBlock
from duskwatch.records.times import DAY, HOUR


@dataclass(frozen=True, slots=True)
class NearestDaysConfig:
    """Numbers of the rule; those of the first three lines are published."""

    days: int = 28
    nearest: int = 6
    day_us: int = DAY
    step_us: int = HOUR  # open: how often the days are chosen anew
    least_known: float = 0.5  # open: share of a day that must have values for it to be compared
    point_drop: float = 0.75  # open: a single bin so far below the forecast is an anomaly
    sustained_drop: float = 0.25  # open: so far below it ...
    sustained_us: int = HOUR  # open: ... in every bin for so long is one
    closing_drop: float = 0.15  # open: it is over when less than this is missing ...
    closing_us: int = HOUR // 2  # open: ... in every bin for so long


def nearest_days(block: SignalBlock, config: NearestDaysConfig = NearestDaysConfig()) -> tuple[FoundEvent, ...]:
    """Events by the nearest-days rule, those of several signals merged where they overlap.

    Times are the starts of bins; the alarm is due when the bin that completes a rule is. Nothing is said before six
    comparable days lie behind.
    """
    events: list[FoundEvent] = []
    for values in block.values:
        forecast = forecasts(values, block.bin_us, config)
        with np.errstate(divide="ignore", invalid="ignore"):
            drop = np.where(forecast > 0, 1 - values / forecast, np.nan)
        events += _events(drop, block, config)
    return overlapping_as_one(events)


def forecasts(values: F64, bin_us: int, config: NearestDaysConfig) -> F64:
    """What is expected in each bin, [B]; NaN where there are fewer than six days to compare with.

    At each step the reference day is the 24 hours before it, the candidates are the periods that end 1..28 days
    earlier. Their distance is the root of the mean square difference over bins that both know. The forecast of the
    hour to come is the median, over the chosen days, of what followed them.
    """
    day, step = max(1, config.day_us // bin_us), max(1, config.step_us // bin_us)
    out = np.full(values.shape, np.nan)
    total = len(values)
    for at in range(2 * day, total, step):
        starts = np.arange(at - 2 * day, max(-1, at - (config.days + 1) * day - 1), -day)
        starts = starts[starts >= 0]
        if len(starts) < config.nearest:
            continue
        periods = values[starts[:, None] + np.arange(day)]
        chosen = _closest(values[at - day : at], periods, config)
        if len(chosen) < config.nearest:
            continue
        ahead = min(step, total - at)
        out[at : at + ahead] = _median(values[(starts[chosen] + day)[:, None] + np.arange(ahead)])
    return out


def _closest(reference: F64, periods: F64, config: NearestDaysConfig) -> npt.NDArray[np.int64]:
    """Indices of the nearest periods, nearest first; of equal ones the most recent first."""
    square = (periods - reference) ** 2
    measured = ~np.isnan(square)
    count = measured.sum(axis=1)
    mean = np.where(measured, square, 0.0).sum(axis=1) / np.maximum(count, 1)
    usable = count >= config.least_known * reference.size
    order = np.argsort(np.where(usable, mean, np.inf), kind="stable").astype(np.int64)
    chosen: npt.NDArray[np.int64] = order[usable[order]][: config.nearest]
    return chosen


def _median(rows: F64) -> F64:
    """Median down the columns, of what is known; NaN where nothing is."""
    ordered = np.sort(rows, axis=0)  # NaN last
    count = (~np.isnan(rows)).sum(axis=0)
    column = np.arange(rows.shape[1])
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, rows.shape[0] - 1)
    middle: F64 = (ordered[low, column] + ordered[high, column]) / 2
    return middle


def _events(drop: F64, block: SignalBlock, config: NearestDaysConfig) -> list[FoundEvent]:
    sustained = max(1, -(-config.sustained_us // block.bin_us))
    closing = max(1, -(-config.closing_us // block.bin_us))
    out: list[FoundEvent] = []
    opened: int | None = None  # bin in which the event begins
    raised = 0
    low: list[int] = []  # bins in a row far below the forecast
    calm: list[int] = []  # bins in a row back at it
    for at, missing in enumerate(drop.tolist()):
        if missing != missing:
            continue
        low = [*low[-sustained:], at] if missing >= config.sustained_drop else []
        if opened is None:
            if missing >= config.point_drop or len(low) >= sustained:
                opened, raised, calm = low[0] if low else at, at, []
            continue
        calm = [*calm, at] if missing < config.closing_drop else []
        if len(calm) >= closing:
            out.append(_event(block, opened, calm[0], raised))
            opened, low = None, []
    if opened is not None:
        out.append(_event(block, opened, None, raised))
    return out


def _event(block: SignalBlock, opened: int, closed: int | None, raised: int) -> FoundEvent:
    end_us = None if closed is None else block.start_us + closed * block.bin_us
    return FoundEvent(block.start_us + opened * block.bin_us, end_us, block.start_us + (raised + 1) * block.bin_us)
