"""One outage seen by routes to the second, by probing and by a telescope, with gaps in each: who is believed when?"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from duskwatch.evaluation.scenarios.dice import Dice, dice_of
from duskwatch.evaluation.scenarios.quiet import KINDS, START_US, quiet_values
from duskwatch.evaluation.scenarios.scenario import Entry, Scenario
from duskwatch.evaluation.scenarios.shapes import Part, Shape, lost_in_bins
from duskwatch.evaluation.scenarios.specs import ROUTES, SOURCES, UP
from duskwatch.evaluation.scenarios.votes import Span, history_of
from duskwatch.evaluation.scoring import Bounds, TrueEvent
from duskwatch.records.signals import F64, SignalBlock
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND

BIN_US = 5 * MINUTE
HISTORY_DAYS, DAYS = 28, 32
BACKGROUNDS = 40
SIZES = {"small": 15, "medium": 120}  # prefixes
SPREAD = 8  # seconds: prefixes go, and come back, within so many
EACH = 3


class Mix(NamedTuple):
    """What each family saw, in microseconds from the onset; losses as parts, stretches that it did not watch."""

    routes: tuple[Part, ...]
    probing: tuple[Part, ...]
    telescope: tuple[Part, ...]
    true: tuple[tuple[Bounds, Bounds], ...]  # onset and end of each event
    blind_routes: tuple[Span, ...] = ()
    blind_probing: tuple[Span, ...] = ()


def _both(length: int, share: float = 1.0) -> tuple[Part, ...]:
    return (Part(0, length, share, share),)


def _event(onset: int, end: int, latest: int | None = None) -> tuple[Bounds, Bounds]:
    return Bounds(onset, onset + SPREAD * SECOND), Bounds(end, (end if latest is None else latest) + SPREAD * SECOND)


def _alike(dice: Dice) -> Mix:
    loss = _both(int(dice.randint(2 * HOUR // SECOND, 12 * HOUR // SECOND)) * SECOND)
    return Mix(loss, loss, loss, (_event(0, loss[0].until_us),))


def _in_part(dice: Dice) -> Mix:
    length = int(dice.randint(2 * HOUR // SECOND, 5 * HOUR // SECOND)) * SECOND
    return Mix(_both(length, 0.6), _both(length, 0.7), _both(length, 0.6), (_event(0, length),))


def _routes_alone(dice: Dice) -> Mix:
    return _alike(dice)._replace(probing=(), telescope=())


def _probing_alone(dice: Dice) -> Mix:
    return _alike(dice)._replace(routes=(), telescope=())


def _slow_return(dice: Dice) -> Mix:
    """What was lost is announced at once, and answers again by and by, over two hours."""
    mix = _alike(dice)
    end = mix.routes[0].until_us
    slow = (*mix.probing, Part(end, end + 2 * HOUR, 1.0, 0.0))
    return mix._replace(probing=slow, telescope=slow, true=(_event(0, end, end + 2 * HOUR),))


def _routes_later(dice: Dice) -> Mix:
    """Nothing answers from the beginning; routers last for twenty minutes more."""
    mix = _alike(dice)
    return mix._replace(routes=(Part(20 * MINUTE, mix.routes[0].until_us, 1.0, 1.0),))


def _routes_blind_at_end(dice: Dice) -> Mix:
    mix = _alike(dice)
    end = mix.routes[0].until_us
    return mix._replace(blind_routes=((end - HOUR, end + 3 * HOUR),))


def _probing_blind_at_end(dice: Dice) -> Mix:
    mix = _alike(dice)
    end = mix.routes[0].until_us
    return mix._replace(blind_probing=((end - HOUR, end + 3 * HOUR),))


def _probing_blind_at_onset(dice: Dice) -> Mix:
    return _alike(dice)._replace(blind_probing=((-HOUR, HOUR),))


def _routes_stop(dice: Dice) -> Mix:
    return _alike(dice)._replace(blind_routes=((30 * MINUTE, DAYS * DAY),))


def _probing_stops(dice: Dice) -> Mix:
    return _alike(dice)._replace(blind_probing=((30 * MINUTE, DAYS * DAY),))


def _routes_blind_over_two(dice: Dice) -> Mix:
    """Two outages six hours apart; routes see the beginning of the first and no more of either."""
    twice = (Part(0, 2 * HOUR, 1.0, 1.0), Part(8 * HOUR, 11 * HOUR, 1.0, 1.0))
    events = (_event(0, 2 * HOUR), _event(8 * HOUR, 11 * HOUR))
    return Mix(twice, twice, twice, events, blind_routes=((30 * MINUTE, 14 * HOUR),))


def _quiet(dice: Dice) -> Mix:
    def gap() -> Span:
        start = -int(dice.randint(1, 20 * DAY // SECOND)) * SECOND
        return start, start + int(dice.randint(600, DAY // SECOND)) * SECOND

    return Mix((), (), (), (), (gap(), gap()), (gap(), gap()))


MIXES: dict[str, Callable[[Dice], Mix]] = {
    "alike": _alike,
    "in-part": _in_part,
    "routes-alone": _routes_alone,
    "probing-alone": _probing_alone,
    "slow-return": _slow_return,
    "routes-later": _routes_later,
    "routes-blind-at-end": _routes_blind_at_end,
    "probing-blind-at-end": _probing_blind_at_end,
    "probing-blind-at-onset": _probing_blind_at_onset,
    "routes-stop": _routes_stop,
    "probing-stops": _probing_stops,
    "routes-blind-over-two": _routes_blind_over_two,
    "quiet": _quiet,
}


def entries(first: int = 1) -> Iterator[Entry]:
    """All of them. ``first`` is the number of the first of each set, as in the synthetic ones."""
    for name in MIXES:
        for kind in SIZES:
            for number in range(first, first + EACH):
                full = f"mixed/{name}-{kind}-{number:02d}"
                yield Entry(full, "mixed", partial(_built, full, name, kind, number))


def _built(name: str, what: str, kind: str, number: int, _: Path | None) -> Scenario:
    dice = dice_of(name)
    onset = START_US + HISTORY_DAYS * DAY + int(dice.randint(0, 20 * HOUR // SECOND)) * SECOND
    mix = MIXES[what](dice)
    until = START_US + DAYS * DAY
    series = _series(mix, onset, number, dice)
    block = SignalBlock((UP, SOURCES), START_US, BIN_US, series, np.where(np.isnan(series), 0.0, 1.0))
    losses = [*_background(SIZES[kind], dice), *_lost(SIZES[kind], mix.routes, onset, dice)]
    blind = [(max(START_US, onset + a), min(until, onset + b)) for a, b in mix.blind_routes]
    history = history_of(SIZES[kind], losses, (START_US, until), blind, (block,))
    routes = _binned(history.level.time_us, history.level.slash24)
    values = np.concatenate([routes[None, :], series])
    shown = SignalBlock((ROUTES, *block.specs), START_US, BIN_US, values, np.where(np.isnan(values), 0.0, 1.0))
    events = tuple(TrueEvent(_moved(begin, onset), _moved(end, onset)) for begin, end in mix.true)
    return Scenario(name, "mixed", shown, events, frozenset({"mixed"}), kind, history)


def _series(mix: Mix, onset: int, number: int, dice: Dice) -> F64:
    """Blocks that answer, and sources that a telescope hears, with what was lost of each, [2, bins]."""
    bins = DAYS * DAY // BIN_US
    background = 1 + int(dice.randint(0, BACKGROUNDS)) + 1000 * (number // 10)
    up = np.repeat(quiet_values("probing", background, DAYS), KINDS["probing"].bin_us // BIN_US)
    heard = quiet_values("telescope", background, DAYS)
    up = np.rint(up * (1 - _shares(mix.probing, onset, bins, "mean")))
    heard = dice.binomial(heard.astype(np.int64), 1 - _shares(mix.telescope, onset, bins, "count")).astype(np.float64)
    for begin, end in mix.blind_probing:
        up[max(0, (onset + begin - START_US) // BIN_US) : -(-(onset + end - START_US) // BIN_US)] = np.nan
    return np.stack([up, heard])


def _shares(parts: tuple[Part, ...], onset: int, bins: int, sampled: str) -> F64:
    if not parts:
        return np.zeros(bins)
    return lost_in_bins(Shape(parts, ()), onset, START_US, BIN_US, bins, "count" if sampled == "count" else "mean")


def _lost(size: int, parts: tuple[Part, ...], onset: int, dice: Dice) -> list[tuple[int, int, int]]:
    """Prefixes lost with the main losses: (prefix, from, until)."""
    out = []
    for part in parts:
        for prefix in range(round(part.first * size)):
            sooner, later = (int(dice.randint(0, SPREAD + 1)) * SECOND for _ in range(2))
            out.append((prefix, onset + part.from_us + sooner, onset + part.until_us + later))
    return out


def _background(size: int, dice: Dice) -> list[tuple[int, int, int]]:
    """Single prefixes that are gone for at most ten minutes, every other day."""
    out = []
    for _ in range(DAYS // 2):
        begin = START_US + int(dice.randint(0, DAYS * DAY // SECOND)) * SECOND
        out.append((int(dice.randint(0, size)), begin, begin + int(dice.randint(60, 600)) * SECOND))
    return out


def _binned(time_us: np.ndarray, values: F64) -> F64:
    """A level at the end of each bin, [bins]."""
    ends = START_US + BIN_US * np.arange(1, DAYS * DAY // BIN_US + 1)
    return np.asarray(values[np.searchsorted(time_us, ends, side="left") - 1])


def _moved(bounds: Bounds, by_us: int) -> Bounds:
    return Bounds(bounds.earliest_us + by_us, bounds.latest_us + by_us)
