"""How a loss goes: the share that is lost over time, and the true events that this is.

Times are microseconds from the beginning of the loss. Moments at which nobody could say that *now* it began or ended
(a slow decline, a slow return) are ranges: from nothing missing to a tenth missing. Losses less than an hour apart
are one event, others are events of their own, as in docs/reference/detection.md.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from duskwatch.evaluation.scenarios.dice import Dice
from duskwatch.evaluation.scoring import Bounds, TrueEvent
from duskwatch.records.signals import F64, Sampled
from duskwatch.records.times import DAY, HOUR, MINUTE

NOTICEABLE = 0.1  # a loss of so much has begun, of less has ended


class Part(NamedTuple):
    """A stretch in which the lost share goes evenly from one value to another."""

    from_us: int
    until_us: int
    first: float
    last: float


class Shape(NamedTuple):
    """A loss and its true events."""

    parts: tuple[Part, ...]  # in time order, apart from each other
    events: tuple[TrueEvent, ...]
    gaps: tuple[tuple[int, int], ...] = ()  # stretches in which nobody watched


def _at(moment: int) -> Bounds:
    return Bounds(moment, moment)


def _event(onset: int, end: int, name: str = "") -> TrueEvent:
    return TrueEvent(_at(onset), _at(end), name)


def step(size: float, length_us: int) -> Shape:
    """Down at once, back at once."""
    return Shape((Part(0, length_us, size, size),), (_event(0, length_us),))


def ramp(down_us: int, hold_us: int) -> Shape:
    """An even decline to nothing, back at once."""
    parts = (Part(0, down_us, 0.0, 1.0), Part(down_us, down_us + hold_us, 1.0, 1.0))
    return Shape(parts, (TrueEvent(Bounds(0, round(NOTICEABLE * down_us)), _at(down_us + hold_us)),))


def staircase(dice: Dice, levels: tuple[float, ...], tread_us: int, hold_us: int) -> Shape:
    """Down in steps of about ``tread_us`` each, held at the lowest, back by the same steps."""
    way = [*levels, *levels[-2::-1]]
    lowest = len(levels) - 1
    parts, now = [], 0
    for k, level in enumerate(way):
        then = now + (hold_us if k == lowest else round(tread_us * dice.uniform(0.8, 1.3)))
        parts.append(Part(now, then, level, level))
        now = then
    return Shape(tuple(parts), (_event(0, now),))


def slow_return(hold_us: int, back_us: int) -> Shape:
    """Down at once, an even return."""
    parts = (Part(0, hold_us, 1.0, 1.0), Part(hold_us, hold_us + back_us, 1.0, 0.0))
    end = Bounds(hold_us + round((1 - NOTICEABLE) * back_us), hold_us + back_us)
    return Shape(parts, (TrueEvent(_at(0), end),))


def part_return(size: float, hold_us: int, rest: float, rest_us: int) -> Shape:
    """Down at once, back in part, the rest later."""
    parts = (Part(0, hold_us, size, size), Part(hold_us, hold_us + rest_us, rest, rest))
    return Shape(parts, (_event(0, hold_us + rest_us),))


def flapping(dice: Dice, times: int, down_us: int, up_us: int) -> Shape:
    """Down and up again and again, never up for an hour: one event."""
    parts, now = [], 0
    for _ in range(times):
        then = now + round(down_us * dice.uniform(1.0, 1.5))
        parts.append(Part(now, then, 1.0, 1.0))
        now = then + round(up_us * dice.uniform(1.0, 1.5))
    return Shape(tuple(parts), (_event(0, parts[-1].until_us),))


def repeated(times: int, every_us: int, length_us: int, size: float) -> Shape:
    """The same loss at even distances of more than an hour: events of their own."""
    parts = tuple(Part(k * every_us, k * every_us + length_us, size, size) for k in range(times))
    return Shape(parts, tuple(_event(part.from_us, part.until_us, f"{k + 1}") for k, part in enumerate(parts)))


def unstable_first(dice: Dice, times: int, short_us: int, within_us: int, hold_us: int) -> Shape:
    """Short losses of a part, then all is gone: one event, whose onset is any moment from the first of them on."""
    places = np.sort(dice.permutation(within_us // (2 * short_us) - 1)[:times])
    parts = [
        Part(2 * short_us * int(at), 2 * short_us * int(at) + short_us, size, size)
        for at, size in zip(places, dice.uniform(0.3, 0.6, times).tolist(), strict=True)
    ]
    first, total = parts[0].from_us, Part(within_us, within_us + hold_us, 1.0, 1.0)
    event = TrueEvent(Bounds(first, total.from_us), _at(total.until_us))
    return Shape((*parts, total), (event,))


def open_ended(length_us: int) -> Shape:
    """Down at once, and still down when the window ends."""
    return Shape((Part(0, length_us, 1.0, 1.0),), (TrueEvent(_at(0), None),))


def behind_gap(shape: Shape, gap_from_us: int, gap_until_us: int) -> Shape:
    """The same with a stretch in which nobody watched."""
    return shape._replace(gaps=(*shape.gaps, (gap_from_us, gap_until_us)))


def lost_in_bins(shape: Shape, onset_us: int, start_us: int, bin_us: int, bins: int, filled: Sampled) -> F64:
    """The lost share in each bin, [bins], as the signal reads it: at the end of a bin, or its mean over it."""
    if filled == "level":
        at = start_us + bin_us * np.arange(1, bins + 1, dtype=np.int64) - 1
        out = np.zeros(bins)
        for part in shape.parts:
            begin, until = onset_us + part.from_us, onset_us + part.until_us
            inside = (at >= begin) & (at < until)
            out[inside] = part.first + (part.last - part.first) * ((at[inside] - begin) / (until - begin))
        return out
    edge = start_us + bin_us * np.arange(bins + 1, dtype=np.int64)
    sums = np.zeros(bins + 1)
    for part in shape.parts:
        begin, until = onset_us + part.from_us, onset_us + part.until_us
        gone = np.clip(edge - begin, 0, until - begin).astype(np.float64)
        sums += part.first * gone + (part.last - part.first) * gone**2 / (2 * (until - begin))
    share: F64 = np.diff(sums) / bin_us
    return np.clip(np.where(share > 1 - 1e-9, 1.0, share), 0.0, 1.0)


LENGTHS: dict[str, int] = {
    "30min": 30 * MINUTE,
    "2h": 2 * HOUR,
    "12h": 12 * HOUR,
    "3d": 3 * DAY,
    "3weeks": 21 * DAY,
}

Draw = Callable[[Dice, int], Shape]
"""(dice, length of a bin) to a shape."""

SHAPES: dict[str, Draw] = {
    "ramp-1h": lambda dice, bin_us: ramp(HOUR, round(dice.uniform(2, 6) * HOUR)),
    "ramp-6h": lambda dice, bin_us: ramp(6 * HOUR, round(dice.uniform(2, 6) * HOUR)),
    "staircase": lambda dice, bin_us: staircase(dice, (0.25, 0.5, 0.75, 1.0), 30 * MINUTE, 3 * HOUR),
    "quantised": lambda dice, bin_us: staircase(dice, (0.25, 0.5), HOUR, 2 * HOUR),
    "slow-return": lambda dice, bin_us: slow_return(round(dice.uniform(1, 5) * HOUR), 6 * HOUR),
    "part-return": lambda dice, bin_us: part_return(1.0, 2 * HOUR, 0.5, round(dice.uniform(4, 9) * HOUR)),
    "flapping": lambda dice, bin_us: flapping(dice, 8, max(15 * MINUTE, 2 * bin_us), 12 * MINUTE),
    "relapsing": lambda dice, bin_us: repeated(3, 3 * HOUR + 40 * MINUTE, 40 * MINUTE, 1.0),
    "daily": lambda dice, bin_us: repeated(5, DAY, 4 * HOUR, dice.uniform(0.65, 1.0)),
    "unstable-first": lambda dice, bin_us: unstable_first(dice, 5, max(10 * MINUTE, bin_us), 5 * HOUR, 6 * HOUR),
    "open": lambda dice, bin_us: open_ended(60 * DAY),
    "gap-at-onset": lambda dice, bin_us: behind_gap(step(1.0, 6 * HOUR), -HOUR, HOUR),
    "gap-inside": lambda dice, bin_us: behind_gap(step(1.0, 6 * HOUR), 2 * HOUR, 4 * HOUR),
    "gap-at-end": lambda dice, bin_us: behind_gap(step(1.0, 6 * HOUR), 5 * HOUR, 7 * HOUR),
}
