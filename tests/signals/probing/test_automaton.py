"""The fast automaton beside its slow twin, and what the paper promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.signals.probing.automaton import burst_states, runs_at, spread_times
from tests.signals.probing import slow


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(3, 40), st.sampled_from([1.5, 2.0, 3.0]), st.sampled_from([0.1, 0.5, 1.0]))
def test_the_states_are_those_of_the_slow_twin(seed, events, scaling, climbing):
    random = np.random.default_rng(seed)
    gaps = random.exponential(1, events) * 10.0 ** random.integers(-2, 4, events)
    times = np.cumsum(gaps + 1e-6)
    assert burst_states(times, scaling, climbing).tolist() == slow.states(times.tolist(), scaling, climbing)


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(3, 6))
def test_no_sequence_of_states_costs_less(seed, events):
    times = np.cumsum(np.random.default_rng(seed).exponential(100, events) + 0.5)
    gaps = np.diff(times).tolist()
    found = tuple(burst_states(times).tolist())
    levels = max(4, max(found) + 1)
    if levels ** len(gaps) > 20_000:
        return
    assert slow.costs(gaps, found, 2.0, 0.5) == pytest.approx(slow.cheapest(gaps, levels, 2.0, 0.5))


def test_even_gaps_have_no_burst():
    assert burst_states(np.arange(50) * 60.0).max() == 0


def test_a_burst_is_where_it_was_put():
    quiet = np.arange(60) * 600.0
    burst = 12_000.5 + np.arange(15) * 2.0
    times = np.sort(np.r_[quiet, burst])
    states = burst_states(times)
    ((first, last),) = runs_at(states, 7)
    assert burst[0] - 1 <= times[first] <= burst[1]
    assert burst[-2] <= times[last] <= burst[-1] + 1


@pytest.mark.parametrize("events", [0, 1, 2])
def test_too_few_events_have_no_state_above_zero(events):
    assert burst_states(np.arange(events) * 5.0).tolist() == [0] * max(0, events - 1)


def test_events_of_one_second_are_spread_over_it_and_stay_in_order():
    spread = spread_times(np.array([7.0, 5.0, 7.0, 7.0, 9.0]))
    assert spread.tolist() == pytest.approx([5.5, 7 + 1 / 6, 7.5, 7 + 5 / 6, 9.5])
    assert (np.diff(spread) > 0).all()


def test_times_that_do_not_grow_are_refused():
    with pytest.raises(ValueError, match="grow"):
        burst_states(np.array([1.0, 1.0, 2.0, 3.0]))
