"""Rates over time: bytes where they were sent, not where the record came."""

import numpy as np
import pytest

from duskwatch.records.errors import InputError
from duskwatch.records.prefix import Prefix
from duskwatch.signals.traffic import rates
from duskwatch.signals.traffic.rates import EVERYTHING, RateBins
from tests.signals.traffic.blocks import SECOND, TIME, flows

MINUTE = 60 * SECOND


def test_a_flow_is_spread_over_the_time_it_lasted():
    bins = RateBins(MINUTE)
    bins.add(
        flows(1, start_us=TIME - TIME % MINUTE, end_us=TIME - TIME % MINUTE + 5 * MINUTE, bytes=60_000, packets=600)
    )
    table = bins.table()
    assert table.bits[0, :5].tolist() == [1600.0] * 5
    assert table.packets[0, :5].tolist() == [2.0] * 5
    assert table.packets[0, 5:].sum() == 0


def test_a_long_flow_is_no_peak_in_the_second_it_was_exported():
    # A 300 s flow of 1 Mbit/s, as softflowd's default timeout cuts it, in bins of 5 s: booked when it comes it would
    # be a peak of 60 Mbit/s.
    bins = RateBins(5 * SECOND)
    bins.add(flows(1, start_us=TIME, end_us=TIME + 300 * SECOND, bytes=37_500_000, packets=30_000))
    assert bins.table().bits.max() == pytest.approx(1e6, rel=0.01)


def test_what_is_added_up_is_all_there_is():
    chance = np.random.default_rng(4)
    start = TIME + chance.integers(0, 3600 * SECOND, 500)
    block = flows(500, start_us=start, end_us=start + chance.integers(0, 300 * SECOND, 500), bytes=1000, packets=10)
    bins = RateBins(7 * SECOND)
    bins.add(block)
    table = bins.table()
    assert (table.packets * 7).sum() == pytest.approx(5000)
    assert (table.bits * 7 / 8).sum() == pytest.approx(500_000)
    assert bins.outside == 0


def test_a_window_counts_what_lies_in_it_and_tells_the_rest():
    bins = RateBins(MINUTE, from_us=TIME, until_us=TIME + 2 * MINUTE)
    bins.add(flows(1, start_us=TIME - MINUTE, end_us=TIME + 3 * MINUTE, packets=400))
    bins.add(flows(1, start_us=TIME - MINUTE, end_us=TIME - 1, packets=7))
    table = bins.table()
    assert (table.packets * 60).tolist() == [[100.0, 100.0]]
    assert bins.outside == pytest.approx(207)


def test_targets_have_rates_of_their_own():
    groups = (Prefix.parse("198.51.100.7/32"), Prefix.parse("198.51.100.0/24"), Prefix.parse("2001:db8::/32"))
    bins = RateBins(MINUTE, groups)
    bins.add(flows(3, dst_hi=np.array([0xC6336407, 0xC6336408, 0x01010101], np.uint64) << np.uint64(32)))
    bins.add(flows(1, afi=2, dst_hi=0x20010DB8 << 32, packets=5))
    table = bins.table()
    assert (table.packets.sum(axis=1) * 60).tolist() == [1.0, 1.0, 5.0]


def test_bins_grow_backwards_and_forwards():
    bins = RateBins(MINUTE)
    for offset in (0, 10, -10, 3):
        bins.add(flows(1, start_us=TIME + offset * MINUTE, end_us=TIME + offset * MINUTE))
    table = bins.table()
    assert table.packets.shape[1] == 21
    assert (table.packets * 60)[0, [0, 10, 13, 20]].tolist() == [1.0] * 4
    assert table.start_us == TIME - TIME % MINUTE - 10 * MINUTE


def test_flows_of_another_century_do_not_use_up_memory():
    bins = RateBins(SECOND)
    bins.add(flows(1))
    bins.add(flows(1, start_us=SECOND, end_us=SECOND))
    bins.add(flows(1, start_us=1 << 60, end_us=1 << 60))
    table = bins.table()
    assert table.packets.size <= rates.MOST_BINS
    assert table.packets.sum() + bins.outside == 3


def test_a_clock_that_is_off_books_flows_when_they_were_received():
    bins = RateBins(MINUTE)
    bins.add(flows(1, start_us=1000 * SECOND, end_us=1030 * SECOND, received_us=TIME, packets=30))
    bins.add(flows(1, start_us=TIME - 40 * MINUTE, end_us=TIME - 40 * MINUTE, received_us=TIME))
    table = bins.table()
    assert bins.clock_off == 1
    assert table.start_us >= TIME - 41 * MINUTE
    assert table.packets.sum() * 60 == pytest.approx(31)


def test_bins_that_flows_may_still_add_to_are_provisional():
    bins = RateBins(MINUTE)
    start = TIME - TIME % MINUTE
    bins.add(flows(1, start_us=start, end_us=start + 5 * MINUTE, received_us=start + 5 * MINUTE))
    bins.add(flows(1, start_us=start + 9 * MINUTE, end_us=start + 9 * MINUTE, received_us=start + 10 * MINUTE))
    assert bins.table().provisional.tolist() == [False] * 5 + [True] * 5


def test_an_empty_bin_of_sampled_traffic_says_what_it_may_have_missed():
    bins = RateBins(SECOND, from_us=TIME, until_us=TIME + 2 * SECOND)
    bins.add(flows(5, sampling_rate=1000))
    table = bins.table()
    assert table.packets[0].tolist() == [5000.0, 0.0]
    assert table.packets_high[0, 1] == pytest.approx(3687, rel=0.01)
    assert table.packets_low[0, 1] == 0


def test_too_many_bins_are_refused_with_advice():
    with pytest.raises(InputError, match="shorter window, longer bins"):
        RateBins(1000, from_us=0, until_us=3600 * SECOND)


def test_nothing_gives_an_empty_table():
    table = RateBins(MINUTE).table()
    assert table.groups == (EVERYTHING,)
    assert table.packets.shape == (1, 0)
