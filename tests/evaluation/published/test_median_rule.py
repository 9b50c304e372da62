"""The median rule against values worked out by hand and a slow version of its history."""

from statistics import median_low

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.evaluation.published import median_rule
from duskwatch.evaluation.published.median_rule import SOURCES, MedianConfig, SourceRule, predictions
from duskwatch.evaluation.scoring import FoundEvent
from duskwatch.records.signals import SignalBlock
from duskwatch.records.times import DAY, HOUR, MINUTE
from duskwatch.sources.tables.naming import spec_of

BIN = 5 * MINUTE
START = 1_700_000_000 * 1_000_000
SMALL = MedianConfig({"routing": SourceRule(4 * BIN, 0.99)}, max_duration_us=3 * BIN, warm_up_us=4 * BIN)


def block(*rows: list[float], names: tuple[str, ...] = ("bgp.visible_slash24",), bin_us: int = BIN) -> SignalBlock:
    values = np.array(rows, dtype=float)
    return SignalBlock(tuple(map(spec_of, names)), START, bin_us, values, np.where(np.isnan(values), 0.0, 1.0))


def spans(events: tuple[FoundEvent, ...], bin_us: int = BIN) -> list[tuple[int, int | None]]:
    return [
        ((e.onset_us - START) // bin_us, None if e.end_us is None else (e.end_us - START) // bin_us) for e in events
    ]


def test_below_99_percent_of_the_median_of_a_day_is_an_event() -> None:
    day = [1000.0] * 288
    events = median_rule(block([*day, 990, 989, 989, 990, 1000, 980]))
    assert spans(events) == [(289, 291), (293, None)]
    assert events[0].raised_us == START + 290 * BIN
    assert events[0].onset is None
    assert spans(median_rule(block([*day, 990, 991]))) == []


def test_probing_and_telescope_have_thresholds_of_their_own() -> None:
    week = [100.0] * 2016
    tail = [81.0, 79, 26, 24, 100]
    assert spans(median_rule(block([*week, *tail], names=("probing.slash24_up",)))) == [(2017, 2020)]
    assert spans(median_rule(block([*week, *tail], names=("telescope.sources",)))) == [(2019, 2020)]
    assert median_rule(block([*week, *tail], names=("google.traffic",))) == ()


def test_two_drops_with_a_bin_between_them_are_two_events() -> None:
    assert spans(median_rule(block([1000.0] * 288 + [0, 0, 1000, 0, 1000]))) == [(288, 290), (291, 292)]


def test_nothing_is_said_of_fewer_than_twenty() -> None:
    assert median_rule(block([4.0] * 288 + [0.0] * 50)) == ()
    assert len(median_rule(block([20.0] * 288 + [0.0] * 50))) == 1


def test_nothing_is_said_before_a_day_has_passed() -> None:
    assert median_rule(block([1000.0] * 287 + [0.0] + [1000.0])) == ()


def test_a_gap_neither_opens_nor_closes() -> None:
    nan = float("nan")
    assert spans(median_rule(block([1000.0] * 288 + [nan, nan, 1000, 0, nan, 0, 1000]))) == [(291, 294)]
    assert spans(median_rule(block([1000.0] * 200 + [nan] * 50 + [1000.0] * 50 + [0.0] * 3 + [1000.0]))) == [(300, 303)]


def test_lost_for_more_than_seven_days_becomes_normal() -> None:
    """The values are let in after seven days, and half a window later they are the median."""
    values = [1000.0] * 288 + [500.0] * (9 * 288)
    expected = predictions(np.array(values), BIN, SourceRule(DAY, 0.99), MedianConfig())
    let_in = 288 + 7 * 288
    assert set(expected[288 : let_in + 144]) == {1000}
    assert set(expected[let_in + 144 :]) == {500}  # 144 of 288: nearest rank takes the lower
    assert spans(median_rule(block(values))) == [(288, let_in + 144)]


def test_inpainting_by_hand() -> None:
    """Window of four bins, nearest rank: the second of four."""
    got = predictions(np.array([10, 20, 30, 40, 5, 50, 70, 90, 20, 20.0]), BIN, SMALL.sources["routing"], SMALL)
    #  at 4: 10 20 30 40 -> 20; 5 is below 16 and becomes 20
    #  at 5: 20 30 40 20 -> 20; 50 is above 40: 20
    #  at 6: 30 40 20 20 -> 20; 70 is above: 20 (the third replaced)
    #  at 7: 40 20 20 20 -> 20; three bins have passed since: 90 is let in
    #  at 8: 20 20 20 90 -> 20; 20 is in bounds, the clock stops
    np.testing.assert_array_equal(got, [np.nan] * 4 + [20, 20, 20, 20, 20, 20])


def test_events_of_two_sources_that_overlap_are_one() -> None:
    bgp = [1000.0] * 2016 + [0, 0, 1000, 1000, 1000, 1000]
    probing = [1000.0] * 2016 + [1000, 0, 0, 1000, 0, 1000]
    events = median_rule(block(bgp, probing, names=("bgp.visible_slash24", "probing.slash24_up")))
    assert spans(events) == [(2016, 2019), (2020, 2021)]
    assert events[0].raised_us == START + 2017 * BIN


@settings(max_examples=60)
@given(st.lists(st.one_of(st.integers(0, 60), st.none()), max_size=60), st.integers(1, 9), st.integers(0, 9))
def test_predictions_equal_a_slow_version(raw: list[int | None], window: int, longest: int) -> None:
    values = [float("nan") if v is None else float(v) for v in raw]
    rule = SourceRule(window * HOUR, 0.5)
    config = MedianConfig({"x": rule}, max_duration_us=longest * HOUR, warm_up_us=3 * HOUR)
    history: list[float | None] = []
    since: int | None = None
    want = []
    first = next((k for k, v in enumerate(values) if v == v), None)
    for k, value in enumerate(values):
        known = [v for v in history[-window:] if v is not None]
        said = median_low(known) if known and first is not None and k - first >= min(window, 3) else None
        want.append(float("nan") if said is None else said)
        if value != value:
            history.append(None)
        elif said is None or 0.8 * said <= value <= 2 * said:
            since = None
            history.append(value)
        else:
            since = k if since is None else since
            history.append(said if k - since < max(1, longest) else value)
    np.testing.assert_array_equal(predictions(np.array(values, float), HOUR, rule, config), want)


@pytest.mark.parametrize("step", [0, 1])
def test_the_block_stays_as_it_was(step: int) -> None:
    given_block = block([1000.0] * 288 + [0.0] * step)
    before = given_block.values.copy()
    median_rule(given_block)
    np.testing.assert_array_equal(given_block.values, before)


def test_windows_and_thresholds_are_those_published() -> None:
    assert dict(SOURCES) == {
        "routing": SourceRule(DAY, 0.99),
        "probing": SourceRule(7 * DAY, 0.80),
        "telescope": SourceRule(7 * DAY, 0.25),
    }
    assert (MedianConfig().inpaint_min, MedianConfig().inpaint_max) == (0.8, 2.0)
    assert (MedianConfig().max_duration_us, MedianConfig().min_prediction) == (7 * DAY, 20)


def test_what_lies_on_the_edge_of_inpainting_is_let_in() -> None:
    got = predictions(np.array([10, 10, 10, 10, 8, 8, 8, 8, 16, 16, 16, 16, 1.0]), BIN, SMALL.sources["routing"], SMALL)
    np.testing.assert_array_equal(got[4:], [10, 10, 8, 8, 8, 8, 8, 16, 16])


def test_an_event_that_lasts_is_raised_when_its_first_bin_is_over() -> None:
    (event,) = median_rule(block([1000.0] * 288 + [0.0] * 3))
    assert (event.onset_us, event.end_us, event.raised_us) == (START + 288 * BIN, None, START + 289 * BIN)
