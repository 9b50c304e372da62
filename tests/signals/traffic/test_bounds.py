"""Error bars: they hold what they promise, and say what could not be seen."""

import numpy as np
import pytest

from duskwatch.records.errors import InputError
from duskwatch.signals.traffic.bounds import interval, unseen_below
from duskwatch.signals.traffic.targets import TargetSums
from tests.signals.traffic.blocks import flows

TRIALS = 10_000  # so that the share that holds is known to half a per cent


@pytest.mark.parametrize("rate", [10, 100, 1000])
@pytest.mark.parametrize("packets", [3, 300, 30_000])
def test_intervals_of_sampled_packets_hold_at_least_95_percent(rate, packets):
    chance = np.random.default_rng(rate + packets)
    true = packets * rate
    seen = chance.binomial(true, 1 / rate, TRIALS).astype(np.float64)
    low, high = interval(seen * rate, seen * rate * (rate - 1), np.full(TRIALS, np.sqrt(rate * (rate - 1.0))))
    held = ((low <= true) & (true <= high)).mean()
    assert held >= 0.945
    if packets >= 300:
        assert held <= 0.965  # and they are not wider than they need to be


@pytest.mark.parametrize("sizes", ["equal", "mixed"])
@pytest.mark.parametrize("single", [True, False])
def test_intervals_of_octets_hold_for_sizes_that_differ(sizes, single):
    chance = np.random.default_rng(5)
    rate, packets, held = 100, 8_000, 0
    octets = np.full(packets, 468) if sizes == "equal" else chance.choice([40, 576, 1500], packets)
    for _ in range(1000):
        seen = octets[chance.random(packets) < 1 / rate]
        sums = TargetSums()
        if single:
            sums.add(flows(len(seen), bytes=seen, sampling_rate=rate))
        else:  # all in one record, whose sizes nobody knows
            sums.add(flows(1, bytes=seen.sum(), packets=len(seen), sampling_rate=rate))
        table = sums.table()
        held += bool(table.octets_low[0] <= octets.sum() <= table.octets_high[0])
    assert held >= 935


def test_exporters_of_different_rates_add_up():
    chance = np.random.default_rng(9)
    held = 0
    for _ in range(300):
        sums = TargetSums()
        for rate, packets in ((1000, 8_000), (100, 9_000), (1, 500)):
            sums.add(flows(int(chance.binomial(packets, 1 / rate)), sampling_rate=rate))
        table = sums.table()
        held += bool(table.packets_low[0] <= 17_500 <= table.packets_high[0])
    assert held >= 282


def test_what_was_not_sampled_has_no_error():
    sums = TargetSums()
    sums.add(flows(7, packets=3))
    table = sums.table()
    assert table.packets_low[0] == table.packets[0] == table.packets_high[0] == 21


def test_the_published_rule_for_large_counts_is_met():
    # 196 * sqrt(1 / c) per cent (sFlow.org, packet sampling basics).
    seen = np.array([1000.0, 10_000.0])
    rate = 1000.0
    low, high = interval(seen * rate, seen * rate * (rate - 1), np.full(2, np.sqrt(rate * (rate - 1))))
    half = (high - low) / 2 / (seen * rate)
    np.testing.assert_allclose(half, 1.96 / np.sqrt(seen), rtol=0.01)


@pytest.mark.parametrize(("rate", "seconds", "needed"), [(1000, 1, 1), (1000, 60, 1), (100, 10, 20), (2, 5, 3)])
def test_a_flood_of_the_limit_is_seen_nineteen_times_in_twenty(rate, seconds, needed):
    limit = unseen_below(rate, seconds, needed)
    chance = np.random.default_rng(3)
    seen = chance.poisson(limit * seconds / rate, 40_000) >= needed
    assert seen.mean() == pytest.approx(0.95, abs=0.005)


def test_limits_are_those_of_the_arithmetic():
    assert unseen_below(1000, 1) == pytest.approx(1000 * np.log(20))
    assert unseen_below(1, 60) == 0
    assert unseen_below(1, 60, 121) == 2
    for wrong in ((0, 1, 1), (1, 0, 1), (1, 1, 0)):
        with pytest.raises(InputError):
            unseen_below(*wrong)
