"""Times in prose, resolved by dateline and place.

Published on Tuesday 23 December 2014, 12:00 UTC, about Pyongyang (UTC+9).
"""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duskwatch.explanation.claims.grammar import grammar
from duskwatch.explanation.claims.moments import Dateline, resolve
from duskwatch.explanation.claims.times import Times
from tests.explanation.claims.reading import moment

TIMES = Times(grammar("en"))
NOW = Dateline(moment("2014-12-23T12:00"))


def resolved(text: str, zone: str = "Asia/Pyongyang") -> tuple[str | None, str | None]:
    found = TIMES.find(text.lower())
    assert len(found) == 1, found
    interval = resolve(found[0], zone, NOW)
    assert interval is not None
    low, high = (
        None if bound is None else f"{datetime.fromtimestamp(bound / 1e6, UTC):%d %H:%M}" for bound in interval
    )
    return low, high


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("at 4:15 p.m. local time on Monday", "22 07:15", "22 07:15"),
        ("at 16:15 UTC on Monday", "22 16:15", "22 16:15"),
        ("on 22 December at 16:15 GMT", "22 16:15", "22 16:15"),
        ("at 2014-12-22T16:15Z", "22 16:15", "22 16:15"),
        ("since Saturday", "19 15:00", "20 15:00"),
        ("late on Monday", "22 09:00", "22 15:00"),
        ("on Tuesday", "22 15:00", "23 15:00"),
        ("at half past nine in the evening on Sunday", "21 12:30", "21 12:30"),
        ("just before noon on Tuesday", "23 02:20", "23 03:00"),
        ("from midnight", "22 15:00", "22 15:00"),
        ("overnight", "22 11:00", "22 23:00"),
        ("yesterday at four in the afternoon", "22 07:00", "22 07:00"),
        ("over the weekend", "19 15:00", "21 15:00"),
        ("in the early hours of Tuesday", "22 15:00", "22 21:00"),
        ("at 10:41 am ET", "22 15:41", "22 15:41"),
        ("on the 21st", "20 15:00", "21 15:00"),
        ("for the second day", "21 15:00", "22 15:00"),
        ("after 9 p.m. on Monday", "22 12:00", None),
        ("before dawn on Tuesday", "22 16:00", "22 21:00"),
        ("around 1.15am Tuesday (1615 GMT Monday)", "22 16:03", "22 16:27"),
    ],
)
def test_a_time_is_an_interval_of_utc(text, low, high):
    assert resolved(text) == (low, high)


def test_the_day_of_publication_is_allowed_and_a_week_back_is_not_needed():
    assert resolved("on Tuesday")[0] == "22 15:00"


def test_summer_time_is_that_of_the_day():
    found = TIMES.find("at 9 a.m. on 1 july 2014")[0]
    low, _ = resolve(found, "Europe/Paris", NOW)
    assert low == moment("2014-07-01T07:00")


def test_without_a_dateline_a_weekday_means_nothing():
    assert resolve(TIMES.find("on monday")[0], "UTC", Dateline(None)) is None


def test_a_whole_date_needs_no_dateline():
    low, _ = resolve(TIMES.find("on 22 december 2014")[0], "UTC", Dateline(None))
    assert low == moment("2014-12-22T00:00")


def test_he_sat_down_is_no_saturday():
    assert TIMES.find("pupils sat national exams and the sun rose") == []


@given(st.text(alphabet="0123456789 :.apmutcgon-maydjulseptvrtwhif,()", max_size=60))
def test_any_text_resolves_or_does_not_but_never_fails(text):
    for found in TIMES.find(text):
        interval = resolve(found, "Africa/Nairobi", NOW)
        if interval is not None and None not in interval:
            assert interval[0] <= interval[1]
