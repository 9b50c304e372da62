"""Durations, shares and counts in words, as intervals."""

import pytest

from duskwatch.explanation.claims.grammar import grammar
from duskwatch.explanation.claims.numbers import Numbers

NUMBERS = Numbers(grammar("en"))
HOUR = 3600


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("for nine hours and 31 minutes", 34260, 34260),
        ("more than nine hours", 9 * HOUR, None),
        ("a more than nine-hour outage", 9 * HOUR, None),
        ("two and a half hours", 2.5 * HOUR, 2.5 * HOUR),
        ("two hours and a half", 2.5 * HOUR, 2.5 * HOUR),
        ("an hour and 20 minutes", 4800, 4800),
        ("9h31m", 34260, 34260),
        ("twenty-five minutes", 1500, 1500),
        ("three days or more", 3 * 86400, None),
        ("up to six hours", 0, 6 * HOUR),
        ("seventeen minutes", 1020, 1020),
        ("two days, three hours and five minutes", 183900, 183900),
    ],
)
def test_a_duration_is_an_interval(text, low, high):
    (span,) = NUMBERS.spans(text)
    assert span.low == pytest.approx(low)
    assert span.high is None if high is None else span.high == pytest.approx(high)


def test_an_hours_long_outage_is_not_one_hour():
    (span,) = NUMBERS.spans("an hours-long outage")
    assert span.low >= 2 * HOUR


def test_half_an_hour_is_not_an_hour():
    (span,) = NUMBERS.spans("half an hour")
    assert span.low < 1800 < span.high < HOUR


def test_thousands_are_no_seconds():
    assert NUMBERS.spans("shared thousands of times") == []


def test_nearly_ten_hours_is_less_than_ten():
    (span,) = NUMBERS.spans("nearly ten hours")
    assert 8 * HOUR < span.low < span.high == 10 * HOUR


@pytest.mark.parametrize(
    ("text", "said", "bound"),
    [
        ("about 80 per cent of", 0.8, "about"),
        ("two-thirds of", 0.6667, "exact"),
        ("more than 95%", 0.95, "at least"),
        ("one in ten", 0.1, "exact"),
        ("less than a fifth", 0.2, "at most"),
    ],
)
def test_a_share_keeps_its_bound(text, said, bound):
    (amount,) = NUMBERS.fractions(text)
    assert amount.said == pytest.approx(said)
    assert amount.bound == bound


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("some 300,000", 300_000),
        ("two million", 2_000_000),
        ("1.5m", 1_500_000),
        ("twelve thousand five hundred", 12_500),
        ("two dozen", 24),
    ],
)
def test_counts_in_words_and_digits(text, value):
    assert NUMBERS.amounts(text)[-1].said == value


def test_a_count_without_a_number_is_vague():
    (amount,) = NUMBERS.amounts("tens of thousands")
    assert amount.bound == "vague"
    assert amount.low is None
