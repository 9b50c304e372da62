"""Shapes in bins against values worked out by hand and a sum second by second."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.evaluation.scenarios.dice import dice_of
from duskwatch.evaluation.scenarios.shapes import (
    SHAPES,
    Part,
    Shape,
    lost_in_bins,
    ramp,
    repeated,
    slow_return,
    staircase,
    step,
    unstable_first,
)
from duskwatch.evaluation.scoring import Bounds
from duskwatch.records.times import HOUR, MINUTE, SECOND

BIN = 5 * MINUTE


def test_a_level_is_read_at_the_end_of_a_bin() -> None:
    lost = lost_in_bins(step(0.5, 10 * MINUTE), 12 * MINUTE, 0, BIN, 6, "level")
    np.testing.assert_array_equal(lost, [0, 0, 0.5, 0.5, 0, 0])  # 12 to 22: ends of bins at 15 and 20
    exact = lost_in_bins(step(1.0, BIN), 2 * BIN, 0, BIN, 4, "level")
    np.testing.assert_array_equal(exact, [0, 0, 1, 0])


def test_a_mean_counts_the_part_of_a_bin() -> None:
    lost = lost_in_bins(step(0.5, 10 * MINUTE), 12 * MINUTE, 0, BIN, 6, "mean")
    np.testing.assert_allclose(lost, [0, 0, 0.3, 0.5, 0.2, 0])


def test_a_ramp_by_hand() -> None:
    shape = ramp(20 * MINUTE, 10 * MINUTE)
    np.testing.assert_allclose(lost_in_bins(shape, 0, 0, BIN, 7, "mean"), [0.125, 0.375, 0.625, 0.875, 1, 1, 0])
    np.testing.assert_allclose(lost_in_bins(shape, 0, 0, BIN, 7, "level"), [0.25, 0.5, 0.75, 1, 1, 1, 0], atol=1e-8)
    assert shape.events[0].onset == Bounds(0, 2 * MINUTE)
    assert shape.events[0].end == Bounds(30 * MINUTE, 30 * MINUTE)


def test_a_slow_return_ends_between_a_tenth_missing_and_nothing() -> None:
    (event,) = slow_return(HOUR, 2 * HOUR).events
    assert event.end == Bounds(HOUR + 108 * MINUTE, 3 * HOUR)


def test_a_staircase_goes_down_and_the_same_way_back() -> None:
    shape = staircase(dice_of("x"), (0.25, 0.5, 1.0), 30 * MINUTE, HOUR)
    assert [part.first for part in shape.parts] == [0.25, 0.5, 1.0, 0.5, 0.25]
    assert all(a.until_us == b.from_us for a, b in zip(shape.parts, shape.parts[1:], strict=False))
    assert shape.parts[2].until_us - shape.parts[2].from_us == HOUR


def test_repeated_losses_are_events_of_their_own() -> None:
    shape = repeated(3, 4 * HOUR, HOUR, 0.7)
    assert [(event.onset.latest_us, event.end and event.end.latest_us) for event in shape.events] == [
        (0, HOUR),
        (4 * HOUR, 5 * HOUR),
        (8 * HOUR, 9 * HOUR),
    ]


def test_disturbances_do_not_touch() -> None:
    for k in range(20):
        shape = unstable_first(dice_of(f"{k}"), 5, 10 * MINUTE, 5 * HOUR, HOUR)
        assert len(shape.parts) == 6
        assert all(a.until_us < b.from_us for a, b in zip(shape.parts, shape.parts[1:], strict=False))


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("bin_us", [5 * MINUTE, 10 * MINUTE])
def test_every_shape_is_in_order_and_its_events_begin_and_end_with_its_losses(name: str, bin_us: int) -> None:
    shape = SHAPES[name](dice_of(name), bin_us)
    ends = [0, *(edge for part in shape.parts for edge in (part.from_us, part.until_us))]
    assert ends == sorted(ends)
    assert shape.events[0].onset.earliest_us == shape.parts[0].from_us
    last = shape.events[-1].end
    assert (last is None) == (name == "open")
    assert last is None or last.latest_us == shape.parts[-1].until_us
    assert all(0 <= share <= 1 for part in shape.parts for share in (part.first, part.last))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(1, 300), st.floats(0, 1), st.floats(0, 1)), max_size=4),
    st.integers(0, 900),
    st.sampled_from([60, 300, 420]),
)
def test_means_equal_a_sum_over_seconds(raw: list[tuple[int, int, float, float]], onset: int, bin_s: int) -> None:
    parts, now = [], 0
    for gap, length, first, last in raw:
        parts.append(Part((now + gap) * SECOND, (now + gap + length) * SECOND, first, last))
        now += gap + length
    bins = (onset + now) // bin_s + 1
    got = lost_in_bins(Shape(tuple(parts), ()), onset * SECOND, 0, bin_s * SECOND, bins, "mean")
    second = np.zeros(bins * bin_s)
    for part in parts:
        begin, length = onset + part.from_us // SECOND, (part.until_us - part.from_us) // SECOND
        middle = (np.arange(length) + 0.5) / length
        second[begin : begin + length] = part.first + (part.last - part.first) * middle
    np.testing.assert_allclose(got, second.reshape(bins, bin_s).mean(axis=1), atol=1e-6)


@given(st.integers(0, 3000), st.integers(1, 2000), st.floats(0, 1), st.floats(0, 1))
def test_a_level_at_the_end_of_a_bin_is_that_of_the_last_moment(
    onset: int, length: int, first: float, last: float
) -> None:
    shape = Shape((Part(100 * SECOND, (100 + length) * SECOND, first, last),), ())
    got = lost_in_bins(shape, onset * SECOND, 0, BIN, 20, "level")
    for k, value in enumerate(got.tolist()):
        since = (k + 1) * 300 - onset - 100  # seconds from the beginning of the loss to the end of the bin
        inside = 0 < since <= length
        assert value == pytest.approx(first + (last - first) * since / length if inside else 0, abs=1e-5)
