"""The nearest-days rule against values worked out by hand and a slow version of its forecast."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.evaluation.published import nearest_days
from duskwatch.evaluation.published.nearest_days import NearestDaysConfig, forecasts
from duskwatch.evaluation.scenarios.specs import ROUTES, SEARCHES
from duskwatch.evaluation.scoring import FoundEvent
from duskwatch.records.signals import SignalBlock
from duskwatch.records.times import HOUR, MINUTE

BIN = 10 * MINUTE
START = 1_700_000_000 * 1_000_000
DAY = 144
SEASON = 100 + 60 * np.sin(2 * np.pi * np.arange(DAY) / DAY)


def block(values: np.ndarray) -> SignalBlock:
    return SignalBlock((SEARCHES,), START, BIN, values[None, :], np.where(np.isnan(values), 0.0, 1.0)[None, :])


def spans(events: tuple[FoundEvent, ...]) -> list[tuple[int, int | None]]:
    return [((e.onset_us - START) // BIN, None if e.end_us is None else (e.end_us - START) // BIN) for e in events]


def days(n: int) -> np.ndarray:
    return np.tile(SEASON, n)


def test_a_season_is_forecast_exactly_and_no_drop() -> None:
    values = days(20)
    got = forecasts(values, BIN, NearestDaysConfig())
    assert np.isnan(got[: 7 * DAY]).all()  # six comparable days and the reference are needed
    np.testing.assert_allclose(got[7 * DAY :], values[7 * DAY :])
    assert nearest_days(block(values)) == ()


def test_a_point_drop_is_an_event_at_once() -> None:
    values = days(12)
    at = 10 * DAY + 31
    values[at] *= 0.2
    (event,) = nearest_days(block(values))
    assert spans((event,)) == [(at, at + 1)]
    assert event.raised_us == START + (at + 1) * BIN


def test_a_sustained_drop_needs_an_hour_and_begins_where_it_began() -> None:
    at = 10 * DAY + 31
    values = days(12)
    values[at : at + 5] *= 0.7
    assert nearest_days(block(values)) == ()  # 50 min
    values[at : at + 6] = days(12)[at : at + 6] * 0.7
    (event,) = nearest_days(block(values))
    assert spans((event,)) == [(at, at + 6)]
    assert event.raised_us == START + (at + 6) * BIN  # known when the hour is full


def test_closing_needs_half_an_hour_of_less_than_15_percent() -> None:
    at = 10 * DAY + 31
    values = days(12)
    values[at : at + 20] *= 0.2
    values[at + 20 : at + 30] *= 0.8  # a fifth is missing: not over
    values[at + 30 : at + 32] *= 1.0  # two bins: not over
    values[at + 32] *= 0.2
    assert spans(nearest_days(block(values))) == [(at, at + 33)]


def test_a_lower_kind_of_day_is_told_by_the_day_before() -> None:
    """Saturdays at half the traffic, Sundays at 0.3: on Sunday the reference is a Saturday; its like are chosen."""
    factor = np.array([1, 1, 1, 1, 1, 0.5, 0.3])[np.arange(35) % 7]
    values = (factor[:, None] * SEASON).ravel()
    got = forecasts(values, BIN, NearestDaysConfig(nearest=2))
    sunday = slice(34 * DAY, 35 * DAY)
    np.testing.assert_allclose(got[sunday][:6], values[sunday][:6])


def test_days_that_are_half_unknown_are_not_compared() -> None:
    values = days(8)
    values[2 * DAY : 2 * DAY + 80] = np.nan
    got = forecasts(values, BIN, NearestDaysConfig())
    assert np.isnan(got[7 * DAY])
    values[2 * DAY : 2 * DAY + 80] = days(1)[:80]
    values[2 * DAY : 2 * DAY + 60] = np.nan
    np.testing.assert_allclose(forecasts(values, BIN, NearestDaysConfig())[7 * DAY], SEASON[0])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 0.5))
def test_forecasts_equal_a_slow_version(seed: int, unknown: float) -> None:
    config = NearestDaysConfig(days=4, nearest=3, day_us=6 * HOUR, step_us=2 * HOUR)
    dice = np.random.default_rng(seed)
    values = dice.integers(0, 9, 60).astype(float)
    values[dice.random(60) < unknown] = np.nan
    got = forecasts(values, HOUR, config)
    want = np.full(60, np.nan)
    for at in range(12, 60, 2):
        reference = values[at - 6 : at]
        distances = []
        for k in range(1, 5):
            start = at - 6 - 6 * k
            if start < 0:
                continue
            difference = values[start : start + 6] - reference
            if (~np.isnan(difference)).sum() >= 3:
                distances.append((np.nanmean(difference**2), k, start))
        if len(distances) < 3:
            continue
        for ahead in range(min(2, 60 - at)):
            followed = [values[start + 6 + ahead] for _, _, start in sorted(distances)[:3]]
            known = [v for v in followed if v == v]
            want[at + ahead] = np.median(known) if known else np.nan
    np.testing.assert_allclose(got, want)


FLAT = np.full(10 * DAY, 100.0)


def lowered(*tail: float) -> np.ndarray:
    return np.concatenate([FLAT, tail])


def test_numbers_that_are_published_are_those() -> None:
    assert (NearestDaysConfig().days, NearestDaysConfig().nearest) == (28, 6)


def test_thresholds_are_reached_at_their_value() -> None:
    at = len(FLAT)
    assert spans(nearest_days(block(lowered(25)))) == [(at, None)]
    assert nearest_days(block(lowered(25.1))) == ()
    assert spans(nearest_days(block(lowered(*[75] * 6)))) == [(at, None)]
    assert nearest_days(block(lowered(*[75.1] * 6))) == ()


def test_it_closes_with_the_third_bin_that_is_back_and_not_before() -> None:
    at = len(FLAT)
    assert spans(nearest_days(block(lowered(20, 20, 86, 86, 86)))) == [(at, at + 2)]
    assert spans(nearest_days(block(lowered(20, 20, 86, 86)))) == [(at, None)]
    assert spans(nearest_days(block(lowered(20, 20, 86, 84, 86, 86)))) == [(at, None)]


def test_a_gap_neither_opens_nor_closes() -> None:
    nan = float("nan")
    at = len(FLAT)
    assert spans(nearest_days(block(lowered(70, 70, 70, nan, nan, 70, 70, 70, 100, 100, 100)))) == [(at, at + 8)]
    assert spans(nearest_days(block(lowered(20, nan, nan, nan, nan)))) == [(at, None)]


def test_events_of_two_signals_that_meet_are_one() -> None:
    first, second = lowered(20, 20, 100, 100, 100, 100), lowered(100, 100, 20, 100, 100, 100)
    both = SignalBlock((SEARCHES, ROUTES), START, BIN, np.stack([first, second]), np.ones((2, len(first))))
    at = len(FLAT)
    (event,) = nearest_days(both)
    assert spans((event,)) == [(at, at + 3)]
    assert event.raised_us == START + (at + 1) * BIN
