"""One rule for times, in files and on the command line."""

from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duskwatch.records.errors import InputError
from duskwatch.records.times import SECOND, calendar_time, iso, parse_span, parse_time, to_datetime
from duskwatch.sources.tables.times import times_us

MOMENT = "2014-12-22T16:15:03Z"
WRITTEN = [
    "2014-12-22T16:15:03Z", "2014-12-22 16:15:03", "2014-12-22 16:15:03+00", "2014-12-22 16:15:03 UTC",
    "20141222T161503Z", "20141222T161503", "2014-12-22T16:15:03+0000", "2014-12-22T16:15:03 GMT",
    "2014-12-23T01:15:03+09", "2014-12-23T00:45:03+08:30", "2014-12-22T07:45:03-08:30", "2014/12/22 16:15:03",
    "2014-W52-1T16:15:03Z", "2014W521T161503Z", "2014-356T16:15:03Z", "2014356T161503Z", "2014-12-22t16:15:03z",
    "2014-12-22T16:15:03,000Z", "2014-12-22T16:15:03.000000Z", "2014-12-22T07:15:03\N{MINUS SIGN}09:00",
]  # fmt: skip
NONE = [
    "", "yesterday", "2014-13-01", "2014-02-30", "2014-12-22T25:00", "2014-12-22T16:60", "24:00", "2014-12-22T24:01",
    "2014-000", "2014-366", "22.12.2014", "12/22/2014", "2014-12-22T16:15+25:00", "２０１４-12-22",
    "2014-12-22T16:15 CET", "9" * 13, "2014-12-22T" + "0" * 80, "0000-01-01",
]  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN)
def test_a_moment_is_the_same_however_it_is_written(text: str) -> None:
    assert iso(parse_time(text)) == MOMENT


def test_files_read_what_the_command_line_reads() -> None:
    found, unread = times_us(pl.Series(WRITTEN))
    assert unread == 0
    assert {iso(time_us) for time_us in found.to_list()} == {MOMENT}


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_time_is_none_in_files_and_on_the_command_line(text: str) -> None:
    with pytest.raises(InputError, match="is not a time; write it like") as caught:
        parse_time(text)
    assert str(caught.value).isprintable()
    if not text.isdigit():
        assert times_us(pl.Series([text]))[1] == 1


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2014-12-22", "2014-12-22T00:00:00Z"),
        ("2014-12-22T16", "2014-12-22T16:00:00Z"),
        ("2014-12-22T24:00", "2014-12-23T00:00:00Z"),
        ("2014-12-22T24:00:00.0+01:00", "2014-12-22T23:00:00Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("20161231T235960Z", "2017-01-01T00:00:00Z"),
        ("2016-366", "2016-12-31T00:00:00Z"),
        ("2014-W52", "2014-12-22T00:00:00Z"),
        ("1419264903", MOMENT),
        ("2014-12-22T16:15:03.5", "2014-12-22T16:15:03.500000Z"),
    ],
)
def test_forms_that_say_less_or_more(text: str, moment: str) -> None:
    assert iso(parse_time(text)) == moment


@given(st.datetimes(datetime(1970, 1, 2), datetime(2099, 12, 30)), st.integers(-14 * 60, 14 * 60))
def test_every_moment_comes_back_from_its_text(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    time_us = parse_time(aware.isoformat())
    assert to_datetime(time_us) == aware.astimezone(UTC)
    assert parse_time(iso(time_us)) == time_us


@given(st.text(max_size=80))
def test_any_text_is_a_time_or_none(text: str) -> None:
    found = calendar_time(text)
    assert found is None or isinstance(found, int)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("30 min", 1800), ("1.5h", 5400), ("2d", 172800), ("9h31m", 34260), (" 1H 1S ", 3601)],
)
def test_lengths_of_time(text, seconds):
    assert parse_span(text) == seconds * SECOND


@pytest.mark.parametrize("text", ["", "soon", "5", "h", "1h x", "-1h", "1e9h", "9" * 60 + "h"])
def test_what_is_no_length_of_time(text):
    with pytest.raises(InputError, match="is no length of time; write 90s"):
        parse_span(text)
