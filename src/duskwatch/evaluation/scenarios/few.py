"""A few units that are probed, with noise nearly as large as what is lost: losses of a part, and quiet months.

20 to 60 units answer, each bin is off by 8 to 20 % by chance, the level drifts by a third over days; 35 to 60 % are
lost for 2 to 48 hours, with a day of history before it or more.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from duskwatch.evaluation.scenarios.dice import Dice, dice_of
from duskwatch.evaluation.scenarios.inject import as_block
from duskwatch.evaluation.scenarios.quiet import START_US
from duskwatch.evaluation.scenarios.scenario import Entry, Group, Scenario
from duskwatch.evaluation.scenarios.shapes import lost_in_bins, step
from duskwatch.evaluation.scenarios.specs import UP
from duskwatch.evaluation.scoring import Bounds, TrueEvent
from duskwatch.records.signals import F64
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND

BIN_US = 10 * MINUTE
HISTORY_DAYS = (1, 2, 4, 10, 28)
HOURS = (2, 5, 8, 15, 34, 48)
TAIL_DAYS = 3
QUIET_DAYS = 60
EACH = 6  # losses of each length and history
QUIET_EACH = 4
UNITS, NOISE, LOSS = (20, 60), (0.08, 0.2), (0.35, 0.6)
DRIFT = 1 / 3
KIND = "few"


def entries(first: int = 1) -> Iterator[Entry]:
    """All of them; ``first`` is the number of the first of each set."""
    for days in HISTORY_DAYS:
        for hours in HOURS:
            for number in range(first, first + EACH):
                name = f"synthetic/few-{days}d-{hours}h-{number:02d}"
                yield Entry(name, "few", partial(_lost, name, days, hours))
    for number in range(first, first + QUIET_EACH * len(SHAPES)):
        name = f"quiet/few-{number:02d}"
        yield Entry(name, "few-quiet", partial(_quiet, name, number))


def _sine(dice: Dice, bins: int, day: int) -> F64:
    """Up and down by half of a third, in two to six days."""
    at = np.arange(bins) / (day * dice.uniform(2, 6)) + dice.uniform()
    return np.asarray(1 + DRIFT / 2 * np.sin(2 * np.pi * at))


def _line(dice: Dice, bins: int, day: int) -> F64:
    """A third less, or half as much again, within two to six days; then level."""
    length = day * dice.uniform(2, 6)
    begin = dice.uniform(-0.5, 0.5) * bins
    gone = DRIFT * np.clip((np.arange(bins) - begin) / length, 0, 1)
    return np.asarray(1 - gone if dice.uniform() < 0.5 else 1 - DRIFT + gone)


def _walk(dice: Dice, bins: int, day: int) -> F64:
    """From one level to another every day or two, drawn straight, never by more than a third in all."""
    knots = np.arange(0, bins + 2 * day, round(day * dice.uniform(1, 2)))
    levels = 1 + DRIFT * (dice.random_sample(len(knots)) - 0.5)
    return np.asarray(np.interp(np.arange(bins), knots, levels))


SHAPES = (_sine, _line, _walk)


def values_of(dice: Dice, days: int, shape: int, lost: F64 | None = None) -> F64:
    """Units that answer in each bin of some days; ``lost`` [bins] is the share that is gone."""
    day = DAY // BIN_US
    bins = days * day
    level = dice.uniform(*UNITS) * SHAPES[shape % len(SHAPES)](dice, bins, day)
    noise = dice.uniform(*NOISE) * dice.standard_normal(bins)
    left = level if lost is None else level * (1 - lost)
    return np.asarray(np.rint(np.maximum(0.0, left * (1 + noise))))


def _lost(name: str, days: int, hours: int, _: Path | None) -> Scenario:
    dice = dice_of(name)
    total = days + TAIL_DAYS + -(-hours // 24)
    onset_us = START_US + days * DAY + int(dice.randint(0, 12 * HOUR // SECOND)) * SECOND
    share = dice.uniform(*LOSS)
    lost = lost_in_bins(step(share, hours * HOUR), onset_us, START_US, BIN_US, total * (DAY // BIN_US), UP.sampled)
    values = values_of(dice, total, int(dice.randint(len(SHAPES))), lost)
    event = TrueEvent(Bounds(onset_us, onset_us), Bounds(onset_us + hours * HOUR, onset_us + hours * HOUR))
    groups: frozenset[Group] = frozenset({"few"})
    return Scenario(name, "few", as_block(UP, START_US, BIN_US, values), (event,), groups, KIND)


def _quiet(name: str, shape: int, _: Path | None) -> Scenario:
    values = values_of(dice_of(name), QUIET_DAYS, shape)
    return Scenario(name, "few-quiet", as_block(UP, START_US, BIN_US, values), (), frozenset({"few-quiet"}), KIND)
