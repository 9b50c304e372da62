import numpy as np
import pytest

from duskwatch.detection import detect_series
from duskwatch.records.times import SECOND
from tests.detection.series import FIVE, at, block, daily, flat, time_of


@pytest.mark.parametrize("share", [0.2, 0.25, 0.5, 0.75, 1.0])
def test_a_loss_is_found_with_its_bins(share):
    values = flat(6, noise=0.005)
    first, after = at(4, 7), at(4, 7.5) if share < 1 else at(4, 7) + 1
    values[first:after] *= 1 - share
    (outage,) = detect_series(block(values))
    assert outage.onset.best_us == time_of(first)
    assert outage.end.best_us == time_of(after)
    assert outage.onset.latest_us - outage.onset.earliest_us <= FIVE
    assert outage.end.latest_us - outage.end.earliest_us <= FIVE
    assert outage.depth == pytest.approx(share, abs=0.03)
    assert outage.score == pytest.approx(share * (after - first) * FIVE / 3.6e9, rel=0.1)
    assert (outage.dark_from is not None) == (share == 1)


@pytest.mark.parametrize("bin_us", [SECOND, 7 * SECOND])
def test_bins_of_seconds_are_judged_as_those_of_minutes(bin_us):
    values = flat(1, noise=0.005, bin_us=bin_us)
    first, after = at(0, 20, bin_us), at(0, 21, bin_us)
    values[first:after] = 0
    (outage,) = detect_series(block(values, bin_us=bin_us))
    assert outage.onset.best_us == time_of(first, bin_us)
    assert outage.end.best_us == time_of(after, bin_us)


def test_quiet_signals_have_no_outage():
    rows = [flat(28, noise=0.01), daily(28), daily(28, weekend=0.6, seed=4), flat(28, level=4.0)]
    assert detect_series(block(*rows, names=("bgp", "probing", "http", "visible"))) == ()


def test_a_daily_shutdown_is_an_outage_every_day():
    values = flat(10, noise=0.003)
    for day in range(2, 9):
        values[at(day, 1) : at(day, 5)] *= 0.35
    outages = detect_series(block(values))
    assert [outage.onset.best_us for outage in outages] == [time_of(at(day, 1)) for day in range(2, 9)]
    assert [outage.end.best_us for outage in outages] == [time_of(at(day, 5)) for day in range(2, 9)]
    assert all(outage.relapse_of is None for outage in outages)


def test_a_missing_day_is_no_outage():
    values = daily(12)
    values[at(8) : at(9)] = np.nan
    assert detect_series(block(values, names=("probing",))) == ()
