"""Lasting losses: one alarm for each, raised with the bin that says so; what they leave in the baseline."""

from types import SimpleNamespace

import numpy as np
import pytest

from duskwatch.detection import find_alarms
from duskwatch.detection.detectors.lasting_loss import _bounds
from duskwatch.kernels import baseline as kernel
from duskwatch.records.times import DAY, HOUR
from tests.detection.series import FIVE, at, block, flat, time_of


def lossy(share=0.4, days=12, noise=0.15, day=10, hours=9):
    values = flat(days, 40, noise, seed=8)
    values[at(day) : at(day, hours)] *= 1 - share
    return np.rint(np.maximum(values, 0))


def cut(values, bins):
    return find_alarms(block(values[:bins], names=("probing",)))


def test_a_lasting_loss_is_raised_with_the_bin_that_says_so_and_not_before():
    values = lossy()
    (alarm,) = [one for one in find_alarms(block(values, names=("probing",))) if one.from_us >= time_of(at(9.9))]
    assert alarm.detector == "lasting-loss"
    bins = (alarm.raised_us - time_of(0)) // FIVE
    assert alarm.from_us < alarm.raised_us < alarm.until_us
    assert not [one for one in cut(values, bins - 1) if one.from_us >= time_of(at(9.9))]
    (early,) = [one for one in cut(values, bins) if one.from_us >= time_of(at(9.9))]
    assert (early.raised_us, early.until_us) == (alarm.raised_us, None)


def test_a_loss_that_a_rule_called_has_no_second_alarm():
    values = flat(40, 100, 0.004)
    values[at(38) : at(38, 6)] = 0
    found = [one.detector for one in find_alarms(block(values, names=("probing",)))]
    assert sorted(found) == ["deep-loss", "partial-loss"]


def row():
    s = np.zeros(kernel.FIELDS)
    s[kernel.LAST] = np.nan
    for k in range(kernel.SCALES):
        s[kernel.MEANS + k * kernel.PER_SCALE + 3 :][: kernel.WEEKS] = -1.0
    s[kernel.SUM_LIMIT] = np.inf
    return s


def params(scale=2, bins=12, factor=1.4, least=0.1):
    p = np.zeros(kernel.PARAMS)
    p[kernel.P_BIN_US], p[kernel.P_SLOT_US] = FIVE, HOUR
    p[kernel.P_LEARN_HOURS] = 24
    p[kernel.P_BAND], p[kernel.P_EXIT], p[kernel.P_ACCEPT_DAYS], p[kernel.P_LEFT] = 0.1, 0.5, 30, 0.1
    p[kernel.P_SCALES + scale] = bins
    p[kernel.P_SCALES + kernel.SCALES + scale] = factor
    p[kernel.P_SCALES + 2 * kernel.SCALES + scale] = least
    return p


def test_peaks_are_kept_by_weeks_and_the_oldest_is_forgotten():
    s, p = row(), params()
    base = kernel.MEANS + 2 * kernel.PER_SCALE
    week = 7 * 24
    s[kernel.WEEK], s[kernel.MEAN_HOURS] = 0, 400
    for number in range(1, 8):
        s[base + 3] = number / 100
        kernel._close_week(s, p, number * week)
        assert s[base + 3] == -1  # the week that begins has none yet
        assert s[base + 4] == number / 100
    assert s[base + 3 : base + 3 + kernel.WEEKS].tolist() == [-1, 0.07, 0.06, 0.05, 0.04]
    s[base + 3] = 0.2
    kernel._close_week(s, p, 7 * week + 5)  # the same week: nothing moves
    assert s[base + 3] == 0.2
    assert s[base + 2] == pytest.approx(1.4 * 0.2)
    s[base + 4 :][:4] = -1
    kernel._close_week(s, p, 7 * week + 6)
    assert s[base + 2] == pytest.approx(1.7 * 0.2)  # of fewer than three weeks more is asked
    s[base + 3] = 0.01
    kernel._close_week(s, p, 7 * week + 7)
    assert s[base + 2] == 0.1  # and never less than the least


def test_before_a_week_is_known_there_is_no_limit_without_noise():
    s, p = row(), params()
    s[kernel.MEAN_HOURS], s[kernel.WEEK] = 167, 0
    s[kernel.MEANS + 2 * kernel.PER_SCALE + 3] = 0.1
    kernel._close_week(s, p, 5)
    assert s[kernel.MEANS + 2 * kernel.PER_SCALE + 2] == np.inf


def test_a_peak_is_noted_when_the_mean_has_fallen_to_a_third_of_it():
    s, p = row(), params(bins=4)
    base, ring = kernel.MEANS + 2 * kernel.PER_SCALE, np.ones(24, np.float32)
    s[base + 2] = np.inf
    for residual in (0.3, 0.3, 0.3, 0.0, 0.0):
        kernel._follow_means(s, p, residual, 0, ring)
    peak = s[base + 1]
    assert peak == pytest.approx(0.3 * (1 - 0.75**3))
    assert s[base + 3] == -1
    for _ in range(3):
        kernel._follow_means(s, p, 0.0, 0, ring)
    assert s[base + 3] == pytest.approx(peak)
    assert s[base + 1] < peak / 3


def test_a_lasting_loss_is_over_when_its_mean_is_well_below_the_limit_and_leaves_nothing():
    s, p = row(), params(bins=4)
    base, ring = kernel.MEANS + 2 * kernel.PER_SCALE, np.ones(24, np.float32)
    s[base + 2] = 0.2
    for _ in range(8):
        kernel._follow_means(s, p, 0.5, 0, ring)
    assert s[kernel.LASTING] == 3
    mean = s[base]
    steps = 0
    while s[kernel.LASTING] > 0:
        kernel._follow_means(s, p, 0.0, 0, ring)
        steps += 1
    assert 0.75**steps * mean < 0.4 * 0.2 <= 0.75 ** (steps - 1) * mean
    assert s[base] == s[base + 1] == 0
    assert s[base + 3] == -1  # an outage is no chance


def test_what_lasts_for_thirty_days_is_what_is_normal():
    s, p = row(), params(bins=4)
    base, ring = kernel.MEANS + 2 * kernel.PER_SCALE, np.full(24, 10, np.float32)
    s[base + 2] = 0.2
    for k in range(40):
        kernel._follow_means(s, p, 0.5, k * DAY, ring)
        if s[kernel.LASTING] == 0 and k > 5:
            break
    assert k == 31
    assert ring[0] == pytest.approx(5, rel=0.01)


def bounds(begin: int, after: int, bins: int, floor: int = 0) -> tuple[int, int]:
    """Of a loss of a half in [100, 110), of a tenth up to 300, by a mean over so many bins."""
    residual = np.zeros(400)
    residual[100:110], residual[110:300] = 0.5, 0.1
    view = SimpleNamespace(scale_bins=(bins,), spec=SimpleNamespace(sampled="level"))
    return _bounds(view, residual, begin, after, 0, floor, 50)


def test_how_much_a_lasting_loss_is_is_read_where_the_mean_was_low_and_not_in_its_long_fall():
    # What follows the loss, while the mean still falls, is no part of it: 150 - 2 * 48 lies ahead of the begin.
    assert bounds(begin=105, after=150, bins=48, floor=100) == (100, 110)
    # The loss began before its mean was low enough to say so, by up to half of what the mean goes over.
    assert bounds(begin=109, after=113, bins=12) == (100, 110)
    # Where most of it is the tenth that goes on, so is the loss.
    assert bounds(begin=140, after=300, bins=12) == (100, 300)
