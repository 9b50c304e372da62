"""The baseline kernel against slow versions of its parts, and against itself bin by bin."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.detection.baselines.seasonal import Seasonal, begin, step, walk
from duskwatch.detection.view import LossRule
from duskwatch.kernels import baseline as kernel
from duskwatch.records.times import DAY, HOUR, MINUTE
from tests.detection.series import FIVE, START, daily, flat

RULES = (LossRule(0.5, 1.0, 60_000_000), LossRule(0.1, 0.25, 108_000_000))


def judged(rows, bin_us=FIVE, coverage=None, config=Seasonal()):
    values = np.atleast_2d(np.asarray(rows, np.float64))
    watched = (~np.isnan(values)).astype(np.float64) if coverage is None else np.atleast_2d(coverage)
    return walk(begin(len(values), bin_us, START, RULES, config), values, watched)


@given(seed=st.integers(0, 10**6), cut=st.integers(1, 400), bin_minutes=st.sampled_from([5, 10, 30, 60, 90]))
@settings(max_examples=15, deadline=None)
def test_one_bin_at_a_time_all_at_once_and_in_parts_are_the_same(seed, cut, bin_minutes):
    random = np.random.default_rng(seed)
    bins = 500
    values = (
        np.stack([random.poisson(40, bins), daily(20, seed=seed)[:bins], flat(2, noise=0.01, seed=seed)[:bins]]) * 1.0
    )
    for row in range(3):
        first = random.integers(0, bins)
        values[row, first : first + random.integers(1, 60)] *= random.choice([0, 0.3, 0.7, 3])
    values[random.random(values.shape) < 0.05] = np.nan
    coverage = np.where(np.isnan(values), 0.0, random.choice([1.0, 0.95, 0.6, 0.2], values.shape))
    bin_us = bin_minutes * MINUTE
    whole, at_once = walk(begin(3, bin_us, START, RULES), values, coverage)
    state = begin(3, bin_us, START, RULES)
    for b in range(bins):
        state, one = step(state, values[:, b], coverage[:, b])
        np.testing.assert_array_equal(one.expected, at_once.expected[:, b])
        np.testing.assert_array_equal(one.low, at_once.low[:, b])
        np.testing.assert_array_equal(one.bits, at_once.bits[:, b])
    np.testing.assert_array_equal(state.table, whole.table)
    np.testing.assert_array_equal(state.ring, whole.ring)
    parts, first = walk(begin(3, bin_us, START, RULES), values[:, :cut], coverage[:, :cut])
    parts, second = walk(parts, values[:, cut:], coverage[:, cut:])
    np.testing.assert_array_equal(np.hstack([first.bits, second.bits]), at_once.bits)
    assert parts.next_us == whole.next_us == START + bins * bin_us


def test_series_do_not_touch_each_other():
    rows = np.stack([daily(10, seed=k) for k in range(3)])
    _, together = judged(rows)
    for k in range(3):
        _, alone = judged(rows[k])
        np.testing.assert_array_equal(alone.expected[0], together.expected[k])


def test_without_a_season_the_median_of_the_last_24_hours_is_expected():
    values = flat(3, noise=0.02, seed=5)
    _, seen = judged(values)
    hours = np.median(values.reshape(-1, 12), axis=1).astype(np.float32).astype(np.float64)
    for hour in (1, 7, 24, 50, 70):
        wanted = np.median(hours[max(0, hour - 24) : hour])
        assert seen.expected[0, hour * 12] == pytest.approx(wanted, rel=1e-6)


def test_with_a_season_the_median_of_the_hour_on_earlier_days_is_expected_between_the_middles_of_hours():
    values = daily(12, noise=0.01)
    state, seen = judged(values)
    assert state.table[0, kernel.MODEL] == 1
    hours = np.median(values.reshape(-1, 12), axis=1).astype(np.float32).astype(np.float64)
    day = 10 * 24

    def usual(hour):
        return np.median([hours[hour - 24 * k] for k in range(1, 15) if hour - 24 * k >= 0])

    for hour, bin_ in ((3, 0), (3, 11), (15, 4), (15, 9)):
        now = day + hour
        at = (bin_ + 0.5) / 12 - 0.5
        other = usual(now - 1 if at < 0 else now + 1)
        wanted = usual(now) + abs(at) * (other - usual(now))
        assert seen.expected[0, now * 12 + bin_] == pytest.approx(wanted, rel=1e-6)


def test_the_rhythm_of_the_week_is_found_where_it_foretells_better():
    state, _ = judged([daily(28, weekend=0.5, noise=0.02), daily(28, noise=0.02), flat(28, noise=0.02)])
    assert state.table[:, kernel.MODEL].tolist() == [2, 1, 0]


@given(st.lists(st.floats(-2, 4, allow_nan=False), min_size=50, max_size=400), st.sampled_from([0.5, 0.1, 0.02]))
@settings(max_examples=60, deadline=None)
def test_tails_of_the_cells_are_quantiles_to_a_cell(residuals, share):
    cells = np.zeros(2 * kernel.CELLS, np.float32)
    for one in residuals:
        cells[kernel.cell_of(one)] += 1
    got = kernel._tail(cells, 0, share, float(len(residuals)))
    losses = np.sort([-one for one in residuals if one < 0])[::-1]
    count = int(np.ceil(share * len(residuals)))
    if count > len(losses):
        assert got == 0
    else:
        exact = min(losses[count - 1], kernel.LEAST * kernel.RATIO ** (kernel.CELLS - 1))
        assert exact / kernel.RATIO**1.01 <= max(got, kernel.LEAST) or exact <= kernel.LEAST
        assert got <= max(exact, kernel.LEAST) * kernel.RATIO**1.01


def test_the_width_is_that_of_the_noise():
    for noise in (0.03, 0.06, 0.12):
        state, _ = judged(flat(20, noise=noise, seed=3))
        assert 3.2 * noise < state.table[0, kernel.WIDTH] < 6 * noise


def test_the_width_is_wide_before_a_day_was_seen():
    state, seen = judged(daily(1, noise=0.01)[: 12 * 20])
    assert 1 - seen.low[0, -1] / seen.expected[0, -1] > 0.7
    _, calm = judged(flat(1, noise=0.001)[: 12 * 20])
    assert 1 - calm.low[0, -1] / calm.expected[0, -1] < 0.15
    assert state.table[0, kernel.KNOWN] == pytest.approx(19, abs=1)


def test_nothing_is_expected_before_the_first_hour_is_over():
    _, seen = judged(flat(1))
    assert np.isnan(seen.expected[0, :12]).all()
    assert (seen.bits[0, :12] == 0).all()
    assert seen.expected[0, 12] == 100


def test_an_outage_does_not_become_normal():
    values = flat(30, noise=0.01)
    values[5 * 288 : 28 * 288] *= 0.4
    _, seen = judged(values)
    assert seen.expected[0, 27 * 288] == pytest.approx(100, rel=0.02)
    assert seen.inside[0, 5 * 288 : 28 * 288].all()
    assert not seen.inside[0, 28 * 288 + 2 :].any()


def test_a_part_that_stays_is_normal_after_30_days_but_nearly_nothing_never_is():
    for left, accepted in ((0.4, True), (0.02, False), (0.0, False)):
        values = flat(60, noise=0.01, bin_us=30 * MINUTE)
        values[10 * 48 :] *= left
        _, seen = judged(values, bin_us=30 * MINUTE)
        ends = np.flatnonzero(seen.bits[0] & kernel.ACCEPTED)
        assert (len(ends) > 0) == accepted
        if accepted:
            assert ends[0] * 30 * MINUTE // DAY in (40, 41)
            assert seen.expected[0, -1] == pytest.approx(40, rel=0.03)
            assert not seen.inside[0, ends[0] + 48 :].any()


def test_what_surges_is_normal_after_three_days():
    values = flat(12)
    values[4 * 288 :] *= 3
    _, seen = judged(values)
    assert seen.expected[0, 5 * 288] == 100
    assert seen.expected[0, 8 * 288] == pytest.approx(300)
    values = flat(12)
    values[4 * 288 : 6 * 288] *= 3
    _, seen = judged(values)
    assert not seen.inside[0].any()


def test_a_gap_leaves_what_was_expected():
    values = flat(60, noise=0.01)
    values[10 * 288 : 50 * 288] = np.nan
    _, seen = judged(values)
    assert seen.expected[0, 50 * 288] == pytest.approx(100, rel=0.02)
    assert not seen.inside[0].any()
    season = daily(12, noise=0.01)
    season[9 * 288 : 9 * 288 + 100] = np.nan
    _, seen = judged(season)
    assert not seen.inside[0].any()


def test_coverage_asks_for_less_and_teaches_nothing():
    values, coverage = flat(4), np.ones(4 * 288)
    values[600:700], coverage[600:700] = 55, 0.55  # half of the watchers, and what they would see
    values[800:900], coverage[800:900] = 5, 0.3
    _, seen = judged(values, coverage=coverage)
    assert not seen.inside[0].any()
    assert (seen.bits[0, 800:900] == 0).all()
    assert seen.expected[0, -1] == 100


def test_zero_is_never_expected():
    values = np.concatenate([np.zeros(300), flat(3)])
    _, seen = judged(values)
    assert not seen.inside[0].any()
    assert seen.expected[0, -1] == pytest.approx(100)


def test_repeated_losses_too_small_for_an_alarm_widen_the_band():
    values = flat(10)
    values[np.arange(300, 10 * 288, 24)] *= 0.86  # a bin every two hours
    state, seen = judged(values)
    assert not seen.raised(0).any()
    assert not seen.raised(1).any()
    assert state.table[0, kernel.WIDTH] > 0.15


@pytest.mark.parametrize("bin_us", [10_000_000, MINUTE, 11 * MINUTE, 90 * MINUTE, 7 * HOUR, DAY])
def test_any_width_of_bins(bin_us):
    values = flat(40, noise=0.01, bin_us=max(bin_us, MINUTE))[:4000]
    values[len(values) * 3 // 4 : len(values) * 3 // 4 + 30] = 0
    _, seen = judged(values, bin_us=bin_us)
    first = np.flatnonzero(seen.inside[0])
    assert first[0] == len(values) * 3 // 4
    assert seen.raised(0)[0].any()


def test_wrong_shapes_are_refused():
    state = begin(2, FIVE, START, RULES)
    with pytest.raises(ValueError, match="needs 2 values"):
        step(state, np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match=r"shape \[2, bins\]"):
        walk(state, np.zeros((3, 4)), np.zeros((3, 4)))
    for bin_us in (1, 2 * DAY):
        with pytest.raises(ValueError, match="bins must last"):
            begin(1, bin_us, START, RULES)
    with pytest.raises(ValueError, match="loss rules"):
        begin(1, FIVE, START, RULES * 3)
    for wrong in ({"history_days": 0}, {"band": 0}, {"prior": 2}, {"settle_us": 0}, {"scale_factors": (1.0,)}):
        with pytest.raises(ValueError, match="must be"):
            Seasonal(**wrong)


def test_what_a_series_costs():
    assert begin(3, FIVE, START, RULES).bytes_per_series < 4100
