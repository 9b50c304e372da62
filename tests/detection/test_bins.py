"""What must hold of detection on any binned signal, whatever it holds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.detection import detect_series, find_alarms
from duskwatch.publication.reasons import reason_text
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND
from tests.detection.series import FIVE, at, block, daily, flat, time_of


@st.composite
def blocks(draw):
    bins = draw(st.integers(1, 900))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    rows = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["flat", "daily", "counts", "wild", "zero"]))
        values = {
            "flat": np.full(bins, 40.0),
            "daily": daily(4, seed=int(random.integers(1000)))[:bins],
            "counts": random.poisson(5, bins) * 1.0,
            "wild": random.lognormal(0, 4, bins),
            "zero": np.zeros(bins),
        }[kind]
        for _ in range(draw(st.integers(0, 3))):
            first = int(random.integers(0, bins))
            values[first : first + int(random.integers(1, 200))] *= random.choice([0.0, 0.5, 0.8, 4.0])
        values[random.random(bins) < draw(st.sampled_from([0.0, 0.02, 0.5]))] = np.nan
        rows.append(values)
    coverage = np.where(np.isnan(rows), 0.0, random.choice([1.0, 0.95, 0.6, 0.2], (len(rows), bins)))
    names = draw(st.permutations(["bgp", "probing", "telescope"]))[: len(rows)]
    bin_us = draw(st.sampled_from([SECOND, 7 * SECOND, MINUTE, FIVE, 30 * MINUTE, HOUR, DAY]))
    return block(*rows, names=names, bin_us=bin_us, coverage=coverage)


@given(blocks())
@settings(max_examples=60, deadline=None)
def test_outages_are_in_order_and_keep_their_bounds(given_block):
    values = given_block.values.copy()
    outages = detect_series(given_block)
    np.testing.assert_array_equal(given_block.values, values)
    until = given_block.start_us + given_block.bin_us * values.shape[1]
    last = -(10**18)
    for k, outage in enumerate(outages):
        assert outage.onset.earliest_us >= given_block.start_us - given_block.bin_us
        assert outage.onset.best_us >= last
        end = outage.end.best_us if outage.end else until
        assert outage.onset.best_us <= end <= until + given_block.bin_us
        assert outage.duration_us == end - outage.onset.best_us
        last = outage.onset.best_us
        assert 0 < outage.depth <= 1
        assert 0 <= outage.confidence <= 1
        assert outage.score >= 0
        assert outage.relapse_of is None or outage.relapse_of < k
        assert outage.signals
        assert outage.alarms
        for alarm in outage.alarms:
            assert alarm.from_us < alarm.raised_us
            assert alarm.until_us is None or alarm.until_us > alarm.from_us
            assert 0 <= alarm.coverage <= 1
        for one, after in zip(outage.phases, outage.phases[1:], strict=False):
            assert one.until_us <= after.from_us
        assert all(phase.from_us < phase.until_us for phase in outage.phases)
    assert detect_series(given_block) == outages


@given(blocks(), st.integers(0, 10**4))
@settings(max_examples=25, deadline=None)
def test_what_comes_later_moves_no_alarm_that_was_raised(given_block, cut):
    bins = 1 + cut % given_block.values.shape[1]
    part = block(
        *given_block.values[:, :bins], names=given_block.names, bin_us=given_block.bin_us,
        coverage=given_block.coverage[:, :bins],
    )  # fmt: skip
    known = part.start_us + part.bin_us * bins
    rules = ("deep-loss", "partial-loss")
    early = {(a.signal, a.detector, a.from_us, a.raised_us) for a in find_alarms(part) if a.detector in rules}
    later = {
        (a.signal, a.detector, a.from_us, a.raised_us)
        for a in find_alarms(given_block)
        if a.detector in rules and a.raised_us <= known
    }
    assert early == later


@given(st.integers(0, 10**6), st.integers(1, 400), st.sampled_from(["flat", "daily", "counts"]))
@settings(max_examples=25, deadline=None)
def test_a_gap_alone_is_never_an_outage(seed, length, kind):
    random = np.random.default_rng(seed)
    values = {"flat": flat(12, 40), "daily": daily(12, seed=seed), "counts": random.poisson(60, 12 * 288) * 1.0}[kind]
    first = int(random.integers(0, len(values)))
    values[first : first + length] = np.nan
    quiet = values.copy()
    assert detect_series(block(quiet, names=("probing",))) == ()
    # The same, with zeros that say that nobody watched.
    coverage = np.where(np.isnan(values), 0.0, 1.0)
    assert detect_series(block(np.nan_to_num(values), names=("probing",), coverage=[coverage])) == ()


def test_a_first_day_that_is_cut_by_a_gap_is_not_a_whole_day():
    values = daily(12, seed=112)
    values[66 : 66 + 222] = np.nan
    assert detect_series(block(values, names=("probing",))) == ()


def test_a_gap_splits_no_outage_and_widens_its_bounds():
    values = flat(8, 100, 0.01)
    values[at(6, 2) : at(6, 8)] = 0
    values[at(6, 4) : at(6, 5)] = np.nan
    (outage,) = detect_series(block(values))
    assert outage.relapses == 0
    assert outage.duration_us == 6 * HOUR
    values[at(6, 1) : at(6, 3)] = np.nan
    (outage,) = detect_series(block(values))
    assert (outage.onset.earliest_us, outage.onset.best_us) == (time_of(at(6, 1)), time_of(at(6, 3)))
    assert "while it was not measured" in reason_text(outage.onset.reason)


@pytest.mark.parametrize("hours", [-1, 1, 2, -2])
def test_a_step_of_the_clock_is_no_outage(hours):
    """From day 20 on all times are off by hours: a gap where the clock jumps ahead, values told twice where back."""
    for values in (daily(30, 600, 0.5, 0.02), daily(30, 600, 0.2, 0.02), flat(30, 600, 0.02)):
        step = at(20) + hours * 12
        moved = np.full(len(values), np.nan)
        moved[: at(20)] = values[: at(20)]
        later = values[at(20) :][: len(values) - step]
        moved[step : step + len(later)] = later
        assert detect_series(block(moved, names=("probing",))) == ()


@pytest.mark.parametrize("days", [0.25, 1, 2])
def test_doubled_values_and_their_end_are_no_outage(days):
    for values in (daily(20, 600), flat(20, 600, 0.02), flat(20, 4)):
        values[at(12) : at(12, 24 * days)] *= 2
        assert detect_series(block(values, names=("probing",))) == ()


def test_quiet_signals_stay_quiet_for_a_year_of_entities():
    random = np.random.default_rng(5)
    for seed in range(12):
        rows = (
            2900 + random.integers(-4, 5, 30 * 288) * 1.0,
            flat(30, 600, 0.02, seed=seed),
            daily(30, 40, 0.4, 0.15, seed=seed),
            random.poisson(5, 30 * 288) * 1.0,
        )
        assert detect_series(block(*rows, names=("bgp", "probing", "telescope", "darknet"))) == ()


def test_losses_are_found_at_the_rate_that_the_docs_state():
    """Total losses of one bin, and losses of a fifth for half an hour, on routes and probing: all of 60 found."""
    random = np.random.default_rng(3)
    found = errors = 0
    for k in range(60):
        values = flat(12, 2900, 0.002, seed=k) if k % 2 else flat(12, 600, 0.012, seed=k)
        first = at(8) + int(random.integers(0, 800))
        length, share = (1, 1.0) if k % 4 < 2 else (6, 0.2)
        values[first : first + length] *= 1 - share
        outages = detect_series(block(values, names=("bgp" if k % 2 else "probing",)))
        found += len(outages) == 1
        errors += any(abs(outage.onset.best_us - time_of(first)) > FIVE for outage in outages)
    assert found >= 59
    assert errors == 0
