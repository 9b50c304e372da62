"""Sums per target and bins against their slow twins."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.kernels import flow_sums as kernel
from duskwatch.records.flows import FlowBlock
from duskwatch.signals.traffic.targets import TargetSums
from duskwatch.sources.flows.blocks import DTYPES

FLOW = st.fixed_dictionaries(
    {
        "dst_hi": st.integers(0, 3).map(lambda k: (10 << 24 | k << 8 | k) << 32),
        "afi": st.sampled_from((1, 2)),
        "packets": st.integers(0, 50),
        "bytes": st.integers(0, 60_000),
        "sampling_rate": st.sampled_from((1, 1, 100, 1000)),
        "rate_source": st.integers(0, 3),
        "start_us": st.integers(1, 3_000_000),
        "end_us": st.integers(0, 2_000_000),
    }
)


def block(flows: list[dict[str, int]]) -> FlowBlock:
    columns = {name: np.zeros(len(flows), dtype) for name, dtype in DTYPES.items()}
    for k, flow in enumerate(flows):
        for name, value in flow.items():
            columns[name][k] = value
    columns["end_us"] = columns["start_us"] + columns["end_us"]
    return FlowBlock(**columns)


def spread_of(packets: int, octets: int, rate: int) -> tuple[float, float, float, float]:
    over = rate * (rate - 1)
    squares = octets**2
    if packets > 1:
        squares = max(octets * 1520 - packets * 30_000, octets**2 / packets)
    return over * packets, over * squares, math.sqrt(over), math.sqrt(over) * octets / max(packets, 1)


@given(st.lists(FLOW, max_size=60))
@settings(max_examples=80, deadline=None)
def test_sums_per_target_are_those_of_a_dictionary(flows):
    made = block(flows)
    sums = TargetSums(bits4=24, bits6=24)
    sums.add(made)
    expected: dict[tuple[int, int], list[float]] = {}
    for k, flow in enumerate(flows):
        key = flow["afi"], flow["dst_hi"] >> 40 << 40
        of = expected.setdefault(key, [0.0] * 8 + [math.inf, 0.0])
        each, octets = spread_of(flow["packets"], flow["bytes"], flow["sampling_rate"]), flow["bytes"]
        for at, value in enumerate((1, flow["packets"] * flow["sampling_rate"], octets * flow["sampling_rate"])):
            of[at] += value
        of[3] += each[0]
        of[4] += each[1]
        of[5], of[6] = max(of[5], each[2]), max(of[6], each[3])
        of[7] += flow["packets"]
        of[8], of[9] = min(of[8], made.start_us[k]), max(of[9], made.end_us[k])
    table = sums.table()
    assert len(table.afi) == len(expected) == sums.targets
    for row in range(len(table.afi)):
        of = expected[int(table.afi[row]), int(table.hi[row])]
        assert table.flows[row] == of[0]
        assert table.packets[row] == of[1]
        assert table.octets[row] == of[2]
        assert table.seen_packets[row] == of[7]
        assert (table.first_us[row], table.last_us[row]) == (of[8], of[9])
        assert table.packets_low[row] <= of[1] <= table.packets_high[row]
    assert list(table.octets) == sorted(table.octets, reverse=True)


@given(st.lists(FLOW, max_size=30), st.integers(1, 700_000), st.integers(1, 12))
@settings(max_examples=80, deadline=None)
def test_bins_hold_what_single_microseconds_would(flows, bin_us, count):
    made = block(flows)
    begin_us = 500_000
    bins = np.zeros((1, count, kernel.RATES))
    group = np.zeros(len(flows), np.int32)
    outside = kernel.add_to_bins(
        group, made.packets, made.bytes, made.sampling_rate, made.start_us, made.end_us, begin_us, bin_us, bins
    )
    expected, missed = np.zeros((count, 2)), 0.0
    for k, flow in enumerate(flows):
        start, end = int(made.start_us[k]), int(made.end_us[k])
        weight = np.array([flow["packets"], flow["bytes"]]) * flow["sampling_rate"]
        inside = 0.0
        for b in range(count):
            low, high = begin_us + b * bin_us, begin_us + (b + 1) * bin_us
            if start == end:
                share = float(low <= start < high)
            else:
                share = max(min(end, high) - max(start, low), 0) / (end - start)
            expected[b] += weight * share
            inside += share
        missed += weight[0] * (1 - inside)
    np.testing.assert_allclose(bins[0, :, :2], expected, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(outside, missed, rtol=1e-9, atol=1e-3)


def test_a_mask_keeps_the_first_bits():
    ones = (1 << 64) - 1
    for bits in (0, 1, 8, 31, 32, 63, 64, 65, 100, 127, 128):
        hi, lo = kernel.mask(np.uint64(ones), np.uint64(ones), bits)
        assert int(hi) << 64 | int(lo) == (1 << 128) - (1 << 128 - bits)
