"""Quiet series: what signals look like while nothing happens, with the noise that they really have.

The noise was set beside real series (Iraq in August 2023, Iran in December 2025, as IODA served them): counts of
routes stay the same for hours and lose a few prefixes now and then; counts of blocks that answer move by two percent;
telescopes see a day and a week, bursts, and the randomness of small counts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from duskwatch.evaluation.scenarios.dice import Dice, dice_of
from duskwatch.evaluation.scenarios.specs import ROUTES, SOURCES, UP
from duskwatch.records.signals import F64, SignalSpec
from duskwatch.records.times import DAY, MINUTE, parse_time

START_US = parse_time("2024-01-01T00:00Z")  # a Monday
LONGEST_DAYS = 56  # of any synthetic series; shorter ones are its beginning


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of signal of a kind of entity."""

    name: str
    spec: SignalSpec
    bin_us: int
    draw: Callable[[Dice, int, int], F64]  # (dice, bins, bins a day) to values, [bins]


def _routes(size: int, lost: Callable[[Dice], tuple[int, int]], per_day: float, drift: int) -> Callable[..., F64]:
    """Visible /24s: ``size`` of them, a slow drift, and ``per_day`` times a few that are gone for a while."""

    def draw(dice: Dice, bins: int, day: int) -> F64:
        level = np.full(bins, float(size))
        for at in np.flatnonzero(dice.random_sample(bins) < 0.4 / day):
            level[at:] += dice.randint(-drift, drift + 1) if drift else 0
        for at in np.flatnonzero(dice.random_sample(bins) < per_day / day):
            count, length = lost(dice)
            level[at : at + length] -= count
        return np.asarray(np.maximum(level, 0.0))

    return draw


def _share(size: int, most: float, longest: int) -> Callable[[Dice], tuple[int, int]]:
    """Losses of a network here and there: most of them small and short, none above ``most`` of all prefixes."""

    def lost(dice: Dice) -> tuple[int, int]:
        count = min(most * size, max(1.0, 0.0005 * size * np.exp(1.2 * dice.standard_normal())))
        return int(count), int(min(longest, 1 + dice.standard_exponential() * 4))

    return lost


def _one(longest: int) -> Callable[[Dice], tuple[int, int]]:
    return lambda dice: (1, int(dice.randint(1, longest + 1)))


def _blocks_up(size: int) -> Callable[..., F64]:
    """/24s that answer: a day of 3 %, noise of 2 % that lasts from round to round, a bad round now and then."""

    def draw(dice: Dice, bins: int, day: int) -> F64:
        season = 1 - 0.015 * (1 - np.cos(2 * np.pi * (np.arange(bins) % day) / day))
        noise = 0.02 * _lasting(dice, bins, 0.6)
        bad = np.where(dice.random_sample(bins) < 0.3 / day, 0.05, 0.0)
        return np.rint(np.maximum(0.0, size * season * (1 + np.clip(noise, -0.07, 0.07) - bad)))

    return draw


def _sources(mean: float) -> Callable[..., F64]:
    """Sources that a telescope hears: a day, a week, a slow drift, bursts, and counting noise."""

    def draw(dice: Dice, bins: int, day: int) -> F64:
        at = np.arange(bins)
        season = 1 + 0.35 * np.sin(2 * np.pi * ((at % day) / day - 0.3))
        week = np.where((at // day) % 7 < 5, 1.0, 0.88)
        slow = np.exp(0.1 * _lasting(dice, bins, 0.985))
        burst = np.ones(bins)
        for begin in np.flatnonzero(dice.random_sample(bins) < 0.3 / day):
            burst[begin : begin + dice.randint(2, 25)] *= dice.uniform(1.3, 2.5)
        return dice.poisson(mean * season * week * slow * burst).astype(np.float64)

    return draw


def _lasting(dice: Dice, bins: int, memory: float) -> F64:
    """Noise of mean 0 and variance 1 in which each bin keeps ``memory`` of the one before."""
    steps = dice.standard_normal(bins).tolist()
    fresh = (1 - memory * memory) ** 0.5
    out, last = np.empty(bins), steps[0]
    for k, step in enumerate(steps):
        last = memory * last + fresh * step
        out[k] = last
    return out


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("tiny", ROUTES, 5 * MINUTE, _routes(4, _one(1), 0.15, 0)),
        Kind("small", ROUTES, 5 * MINUTE, _routes(15, _one(3), 0.3, 0)),
        Kind("medium", ROUTES, 5 * MINUTE, _routes(300, _share(300, 0.04, 24), 2.0, 2)),
        Kind("large", ROUTES, 5 * MINUTE, _routes(3000, _share(3000, 0.04, 36), 6.0, 4)),
        Kind("huge", ROUTES, 5 * MINUTE, _routes(40_000, _share(40_000, 0.03, 48), 12.0, 30)),
        Kind("probing", UP, 10 * MINUTE, _blocks_up(600)),
        Kind("telescope", SOURCES, 5 * MINUTE, _sources(220.0)),
        Kind("faint", SOURCES, 5 * MINUTE, _sources(6.0)),
    )
}


@lru_cache(maxsize=512)
def _whole(kind: str, number: int) -> F64:
    of = KINDS[kind]
    day = DAY // of.bin_us
    values = of.draw(dice_of(f"quiet {kind} {number}"), LONGEST_DAYS * day, day)
    values.setflags(write=False)
    return values


def quiet_values(kind: str, number: int, days: int) -> F64:
    """The first ``days`` days of a quiet series, a copy. The same kind and number give the same values."""
    if not 0 < days <= LONGEST_DAYS:
        raise ValueError(f"a synthetic series has 1 to {LONGEST_DAYS} days, not {days}")
    return _whole(kind, number)[: days * (DAY // KINDS[kind].bin_us)].copy()
