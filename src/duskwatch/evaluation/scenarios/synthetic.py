"""Scenarios made from their id alone: losses of every shape, size and length, quiet ones, and artefacts."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from duskwatch.evaluation.scenarios.dice import Dice, dice_of
from duskwatch.evaluation.scenarios.inject import Series, as_block, inject
from duskwatch.evaluation.scenarios.quiet import KINDS, START_US, quiet_values
from duskwatch.evaluation.scenarios.scenario import Entry, Group, Scenario
from duskwatch.evaluation.scenarios.shapes import LENGTHS, SHAPES, Shape, step
from duskwatch.records.signals import F64
from duskwatch.records.times import DAY, HOUR, SECOND

HISTORY_DAYS = 28  # quiet before anything happens
EACH = 3  # total losses of each length and kind
PARTIAL_EACH = 2
SHAPE_EACH = 2
QUIET_EACH = 12
BACKGROUNDS = 40  # quiet series of each kind that losses are laid over
SIZES = (10, 20, 35, 50, 75)  # percent
TOTAL_LENGTHS = ("1bin", *LENGTHS)
PARTIAL_LENGTHS = ("30min", "2h", "12h")
NOT_TINY = tuple(kind for kind in KINDS if kind != "tiny")  # four prefixes cannot go evenly
ONLY_FOR = {"quantised": ("tiny", "small"), "ramp-1h": NOT_TINY, "ramp-6h": NOT_TINY, "slow-return": NOT_TINY}
DAYS = {"3weeks": 54, "daily": 40}
NOT_TIMED = frozenset({"gap-at-onset", "gap-at-end"})


def entries(first: int = 1) -> Iterator[Entry]:
    """All of them, in order of kind within shape. ``first`` is the number of the first of each set.

    Sets that begin with 11 or more are drawn over other quiet series: what was tuned on those of the library can be
    measured on them.
    """
    for length in TOTAL_LENGTHS:
        draw = partial(_step, 100, length)
        yield from _each(f"total-{length}", "total", first, EACH, draw, DAYS.get(length, 35))
    for size in SIZES:
        for length in PARTIAL_LENGTHS:
            yield from _each(
                f"partial-{size}-{length}", "partial", first, PARTIAL_EACH, partial(_step, size, length), 35
            )
    for shape in SHAPES:
        yield from _each(shape, shape, first, SHAPE_EACH, partial(_shape, shape), DAYS.get(shape, 35))
    for kind in KINDS:
        for number in range(first, first + QUIET_EACH):
            name = f"quiet/{kind}-{number:02d}"
            yield Entry(name, "quiet", partial(_quiet, name, kind, number))
    for artefact in ARTEFACTS:
        for kind in KINDS:
            name = f"artefact/{artefact}-{kind}-{first:02d}"
            yield Entry(name, artefact, partial(_artefact, name, artefact, kind, 200 + first))


def _each(name: str, shape_name: str, first: int, count: int, draw: partial[Shape], days: int) -> Iterator[Entry]:
    for kind in ONLY_FOR.get(name, tuple(KINDS)):
        for number in range(first, first + count):
            full = f"synthetic/{name}-{kind}-{number:02d}"
            yield Entry(full, shape_name, partial(_injected, full, shape_name, kind, number, draw, days))


def _step(size: int, length: str, dice: Dice, bin_us: int) -> Shape:
    return step(size / 100, bin_us if length == "1bin" else LENGTHS[length])


def _shape(shape: str, dice: Dice, bin_us: int) -> Shape:
    return SHAPES[shape](dice, bin_us)


def _injected(
    name: str, shape_name: str, kind: str, number: int, draw: partial[Shape], days: int, _: Path | None
) -> Scenario:
    of, dice = KINDS[kind], dice_of(name)
    shape = draw(dice, of.bin_us)
    onset_us = START_US + HISTORY_DAYS * DAY + int(dice.randint(0, 36 * HOUR // SECOND)) * SECOND
    shortest = min(part.until_us - part.from_us for part in shape.parts)
    if of.spec.sampled != "level" and shortest < 3 * of.bin_us:
        onset_us -= (onset_us - START_US) % of.bin_us  # else no bin would show the whole loss
    background = 1 + int(dice.randint(0, BACKGROUNDS)) + 1000 * (number // 10)
    values = quiet_values(kind, background, days)
    series = Series(of.spec, START_US, of.bin_us, values, of.spec.sampled, counts=True)
    injected = inject(series, whole_prefixes(shape, kind), onset_us, dice)
    return Scenario(
        name, shape_name, injected.block, injected.events, _groups(shape_name, shape, injected.stands_out), kind
    )


def whole_prefixes(shape: Shape, kind: str) -> Shape:
    """The same for an entity of four or fifteen: parts of a prefix cannot be lost, at least one is."""
    size = {"tiny": 4, "small": 15}.get(kind)
    if size is None or any(part.first != part.last for part in shape.parts):
        return shape
    parts = tuple(
        part._replace(first=share, last=share)
        for part in shape.parts
        for share in (max(1, round(part.first * size)) / size,)
    )
    return shape._replace(parts=parts)


def _groups(shape_name: str, shape: Shape, stands_out: bool) -> frozenset[Group]:
    if not stands_out:
        return frozenset({"faint"})
    groups: set[Group] = set() if shape_name in NOT_TIMED else {"timing"}
    if shape_name == "total":
        groups.add("total")
    if shape_name == "partial" and shape.parts[0].first >= 0.2:
        groups.add("partial")
    return frozenset(groups)


def _quiet(name: str, kind: str, number: int, _: Path | None) -> Scenario:
    of = KINDS[kind]
    block = as_block(of.spec, START_US, of.bin_us, quiet_values(kind, 100 + number, 35))
    return Scenario(name, "quiet", block, (), frozenset({"quiet"}), kind)


def _missing_day(values: F64, coverage: F64, at: int, day: int, dice: Dice) -> None:
    values[at : at + day] = np.nan
    coverage[at : at + day] = 0


def _clock_step(values: F64, coverage: F64, at: int, day: int, dice: Dice) -> None:
    """The clock of the recorder jumps ahead by an hour and is set back: an hour without data, one recorded twice."""
    hour = day // 24
    values[at : at + hour], coverage[at : at + hour] = np.nan, 0
    values[at + hour : at + 2 * hour] *= 2


def _doubled(values: F64, coverage: F64, at: int, day: int, dice: Dice) -> None:
    """Six hours of files were given twice, and counted twice."""
    values[at : at + day // 4] *= 2


def _leak(values: F64, coverage: F64, at: int, day: int, dice: Dice) -> None:
    """Two hours of more than is usual, by two fifths; the return to normal is no loss."""
    values[at : at + day // 12] = np.rint(values[at : at + day // 12] * 1.4)


def _half_coverage(values: F64, coverage: F64, at: int, day: int, dice: Dice) -> None:
    """Half of what watches is away for six hours; what is left says the same."""
    coverage[at : at + day // 4] = 0.5


def _half_view(values: F64, coverage: F64, at: int, day: int, dice: Dice) -> None:
    """Half of what watches is away for six hours, and half of the values with it."""
    values[at : at + day // 4] = np.rint(values[at : at + day // 4] / 2)
    coverage[at : at + day // 4] = 0.5


def _unfinished(values: F64, coverage: F64, at: int, day: int, dice: Dice) -> None:
    """The last bin is not over: a third of it was watched, with a third of the values."""
    values[-1] = np.rint(values[-1] / 3)
    coverage[-1] = 1 / 3


def _silent_zeros(values: F64, coverage: F64, at: int, day: int, dice: Dice) -> None:
    """The source is away for three hours and its exporter writes zeros, with a coverage of zero."""
    values[at : at + day // 8] = 0
    coverage[at : at + day // 8] = 0


ARTEFACTS = {
    "missing-day": _missing_day,
    "clock-step": _clock_step,
    "doubled": _doubled,
    "leak": _leak,
    "half-coverage": _half_coverage,
    "half-view": _half_view,
    "unfinished-bin": _unfinished,
    "silent-zeros": _silent_zeros,
}


def _artefact(name: str, artefact: str, kind: str, background: int, _: Path | None) -> Scenario:
    of, dice = KINDS[kind], dice_of(name)
    day = DAY // of.bin_us
    values = quiet_values(kind, background, 35)
    coverage = np.ones(values.size)
    ARTEFACTS[artefact](values, coverage, HISTORY_DAYS * day + int(dice.randint(0, day)), day, dice)
    block = replace(as_block(of.spec, START_US, of.bin_us, values), coverage=coverage[None, :])
    return Scenario(name, artefact, block, (), frozenset({"artefact"}), kind)
