"""Losses laid over series: what is reduced, what is blinded, what stands out."""

import numpy as np
import pytest

from duskwatch.evaluation.scenarios.dice import dice_of
from duskwatch.evaluation.scenarios.inject import Series, deepest, dips_of, inject
from duskwatch.evaluation.scenarios.shapes import behind_gap, step
from duskwatch.evaluation.scenarios.specs import ROUTES
from duskwatch.evaluation.scoring import Bounds
from duskwatch.records.times import DAY, HOUR, MINUTE

BIN = 10 * MINUTE
START = 1_700_006_400 * 1_000_000
PER_DAY = 144


def series(values: np.ndarray, filled: str = "level", counts: bool = True) -> Series:
    return Series(ROUTES, START, BIN, values, filled, counts)  # type: ignore[arg-type]


def test_a_total_loss_leaves_nothing_and_the_rest_as_it_was() -> None:
    values = np.full(8 * PER_DAY, 15.0)
    onset = START + 7 * DAY + 3 * MINUTE
    got = inject(series(values), step(1.0, HOUR), onset, dice_of("x"))
    row = got.block.values[0]
    assert set(row[7 * PER_DAY : 7 * PER_DAY + 6]) == {0.0}
    assert row[7 * PER_DAY + 6] == 15
    assert (np.delete(row, range(7 * PER_DAY, 7 * PER_DAY + 6)) == 15).all()
    assert got.events[0].onset == Bounds(onset, onset)
    assert got.events[0].end == Bounds(onset + HOUR, onset + HOUR)
    assert got.stands_out
    assert (values == 15).all()


def test_whole_prefixes_are_lost_but_percents_are_not_rounded() -> None:
    values = np.full(8 * PER_DAY, 15.0)
    onset = START + 7 * DAY
    assert inject(series(values), step(0.2, HOUR), onset, dice_of("x")).block.values[0, 7 * PER_DAY] == 12
    assert inject(series(values), step(0.25, HOUR), onset, dice_of("x")).block.values[0, 7 * PER_DAY] == 11
    smooth = series(values, "mean", counts=False)
    assert inject(smooth, step(0.25, HOUR), onset, dice_of("x")).block.values[0, 7 * PER_DAY] == 11.25


def test_counted_arrivals_are_thinned_at_random_around_what_is_left() -> None:
    values = np.full(30 * PER_DAY, 200.0)
    got = inject(series(values, "count"), step(0.4, 20 * DAY), START + 9 * DAY, dice_of("x")).block.values[0]
    lossy = got[9 * PER_DAY : 29 * PER_DAY]
    assert lossy.mean() == pytest.approx(120, abs=0.6)
    assert lossy.std() == pytest.approx((200 * 0.4 * 0.6) ** 0.5, rel=0.05)
    assert (got[: 9 * PER_DAY] == 200).all()


def test_a_gap_covers_every_bin_it_touches() -> None:
    values = np.full(8 * PER_DAY, 15.0)
    shape = behind_gap(step(1.0, HOUR), -15 * MINUTE, 25 * MINUTE)
    got = inject(series(values), shape, START + 7 * DAY, dice_of("x")).block
    blind = np.flatnonzero(np.isnan(got.values[0]))
    assert blind.tolist() == list(range(7 * PER_DAY - 2, 7 * PER_DAY + 3))
    assert (got.coverage[0] == np.where(np.isnan(got.values[0]), 0, 1)).all()


def test_what_is_no_deeper_than_half_as_much_again_as_the_noise_does_not_stand_out() -> None:
    values = np.full(8 * PER_DAY, 100.0)
    values[300:306] = 80  # an hour of 20 %
    onset = START + 7 * DAY
    assert not inject(series(values), step(0.29, HOUR), onset, dice_of("x")).stands_out
    assert inject(series(values), step(0.31, HOUR), onset, dice_of("x")).stands_out
    assert inject(series(values), step(0.2, 2 * HOUR), onset, dice_of("x")).stands_out  # its two hours are 10 %
    assert not inject(series(values), step(0.2, HOUR // 2), onset, dice_of("x")).stands_out


def test_dips_are_measured_from_the_time_of_day() -> None:
    day = np.array([10.0, 20, 40, 20])
    values = np.concatenate([np.tile(day, 4), [10, np.nan, 20, 20]])
    np.testing.assert_array_equal(dips_of(values, 4)[:16], np.zeros(16))
    np.testing.assert_array_equal(dips_of(values, 4)[16:], [0, 0, 0.5, 0])
    assert deepest(np.array([0.0, 0.5, 0.1, 0.9, 0]), 2) == pytest.approx(0.5)
    assert deepest(np.array([0.5]), 2) == 0
    assert (dips_of(np.full(8, np.nan), 4) == 0).all()
