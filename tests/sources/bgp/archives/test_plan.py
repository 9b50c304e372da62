"""Which files a window needs, and the names of those that lack."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND, parse_time
from duskwatch.sources.bgp.archives import layout
from duskwatch.sources.bgp.archives.catalogue import RemoteFile
from duskwatch.sources.bgp.archives.collectors import Collector, find_collector
from duskwatch.sources.bgp.archives.plan import FetchPlan, make_plan, missing_names

RIS = find_collector("rrc00", public=True)
ROUTE_VIEWS = find_collector("route-views.sg", public=True)
NOON = parse_time("2014-12-22T12:00Z")
LATER = parse_time("2026-01-01")


def everything(collector: Collector, from_us: int, until_us: int, *, updates: bool) -> list[RemoteFile]:
    return [
        RemoteFile(start, updates, name, f"http://x/{name}")
        for start, name in layout.expected(collector, from_us, until_us, updates=updates)
    ]


def plan(collector: Collector, from_us: int, until_us: int, now_us: int = LATER) -> FetchPlan:
    dumps = everything(collector, from_us - 3 * DAY, until_us, updates=False)
    updates = everything(collector, from_us - 3 * DAY, until_us + DAY, updates=True)
    return make_plan(collector, dumps, updates, from_us, until_us, now_us)


def test_the_dump_before_the_window_and_the_updates_from_there_on():
    found = plan(RIS, NOON + 2 * MINUTE, NOON + 11 * MINUTE)
    names = [file.name for file in found.files()]
    assert names[:3] == ["bview.20141222.0800.gz", "updates.20141222.0800.gz", "updates.20141222.0805.gz"]
    assert names[-1] == "updates.20141222.1210.gz"
    assert len(names) == 1 + 4 * 12 + 3
    assert found.missing() == ()


def test_a_dump_at_the_very_start_is_taken_and_no_update_before_it():
    names = [file.name for file in plan(ROUTE_VIEWS, NOON, NOON + HOUR).files()]
    assert names == [
        "rib.20141222.1200.bz2",
        *(f"updates.20141222.{minute}.bz2" for minute in ("1200", "1215", "1230", "1245")),
    ]


def test_older_dumps_stand_ready_with_their_updates():
    found = plan(ROUTE_VIEWS, NOON + MINUTE, NOON + HOUR)
    assert [dump.name[-8:-4] for dump in found.dumps] == ["1200", "1000", "0800", "0600"]
    second = [file.name for file in found.files(found.dumps[1])]
    assert second[:2] == ["rib.20141222.1000.bz2", "updates.20141222.1000.bz2"]


def test_without_a_dump_the_updates_of_the_window_remain():
    updates = everything(RIS, NOON - DAY, NOON + DAY, updates=True)
    old = [RemoteFile(NOON - 5 * DAY, False, "bview.20141217.1200.gz", "")]
    found = make_plan(RIS, old, updates, NOON + MINUTE, NOON + 9 * MINUTE, LATER)
    assert found.dumps == ()
    assert [file.name for file in found.files()] == ["updates.20141222.1200.gz", "updates.20141222.1205.gz"]


def test_what_is_still_being_written_is_left_out_and_not_called_missing():
    found = plan(RIS, NOON, NOON + HOUR, now_us=NOON + 12 * MINUTE)
    assert [file.name for file in found.files()][-1] == "updates.20141222.1205.gz"
    assert found.until_us == NOON + 12 * MINUTE
    assert set(found.missing()) <= {"updates.20141222.1210.gz"}


def test_files_that_begin_at_odd_minutes_are_planned_by_their_own_step():
    updates = [
        RemoteFile(NOON + (6 + 15 * n) * MINUTE, True, f"updates.{n}.gz", "") for n in range(-20, 20) if n not in (2, 3)
    ]
    dumps = [RemoteFile(NOON - HOUR + 9 * MINUTE, False, "bview", "")]
    found = make_plan(RIS, dumps, updates, NOON, NOON + 2 * HOUR, LATER)
    assert found.updates[0].name == "updates.-4.gz"
    assert found.updates[-1].name == "updates.7.gz"
    assert found.missing() == ("updates.20141222.1236.gz", "updates.20141222.1251.gz")


def test_a_file_of_which_the_window_wants_seconds_is_missed_like_any_other():
    whole = plan(RIS, NOON, NOON + 15 * MINUTE + SECOND)
    rest = replace(whole, updates=whole.updates[:-1])
    assert (whole.missing(), rest.missing()) == ((), ("updates.20141222.1215.gz",))


def test_before_july_2003_ris_wrote_every_quarter_of_an_hour():
    assert layout.update_period(RIS, parse_time("2003-07-22T23:45Z")) == 15 * MINUTE
    assert layout.update_period(RIS, parse_time("2003-07-23")) == 5 * MINUTE
    from_us, until_us = parse_time("2003-07-22T23:40Z"), parse_time("2003-07-23T00:10Z")
    starts = [name for _, name in layout.expected(RIS, from_us, until_us, updates=True)]
    assert [name[8:-3] for name in starts] == ["20030722.2330", "20030722.2345", "20030723.0000", "20030723.0005"]


def test_all_names_of_a_window_are_missing_where_there_is_nothing():
    assert missing_names(RIS, [], NOON, NOON + 12 * MINUTE) == tuple(
        f"updates.20141222.12{minute:02}.gz" for minute in (0, 5, 10)
    )
    assert missing_names(RIS, [], NOON, NOON) == ()


@settings(max_examples=40, deadline=None)
@given(
    collector=st.sampled_from([RIS, ROUTE_VIEWS]),
    start=st.integers(0, 600),
    minutes=st.integers(1, 400),
    lost=st.sets(st.integers(0, 200)),
)
@example(collector=RIS, start=36, minutes=400, lost={0, 1, 135})  # of the last file only a minute is wanted
@example(collector=ROUTE_VIEWS, start=0, minutes=31, lost={1})  # two files are left, 30 minutes apart
def test_what_lacks_is_exactly_what_was_taken_away(collector, start, minutes, lost):
    """Against the set of names the cadence gives, as a slow twin."""
    from_us = NOON + start * MINUTE
    whole = plan(collector, from_us, from_us + minutes * MINUTE)
    taken = {file.name for number, file in enumerate(whole.updates_from(whole.dumps[0])) if number in lost}
    rest = replace(whole, updates=tuple(file for file in whole.updates if file.name not in taken))
    if len(rest.updates) < 2 or rest.period_us != layout.update_period(collector, NOON):
        return  # so few files that their own step is not the cadence
    assert set(rest.missing()) == taken
    assert {file.name for file in rest.updates_from(rest.dumps[0])} == {
        file.name for file in whole.updates_from(whole.dumps[0])
    } - taken


@pytest.mark.parametrize(
    ("from_", "until", "collector", "found"),
    [
        ("2014-12-22", "2014-12-23", "rrc00", ["2014.12"]),
        ("2014-11-30T23:00Z", "2014-12-01T00:00Z", "rrc00", ["2014.11"]),
        ("2014-11-30T23:00Z", "2014-12-01T00:00:01Z", "rrc00", ["2014.11", "2014.12"]),
        ("2014-12-31", "2015-02-01T01:00Z", "rrc00", ["2014.12", "2015.01", "2015.02"]),
        ("2002-01-01T02:00Z", "2002-01-01T09:00Z", "route-views2", ["2001.12", "2002.01"]),
    ],
)
def test_months(from_, until, collector, found):
    assert layout.months(parse_time(from_), parse_time(until), collector) == found
