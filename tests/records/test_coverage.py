"""Witnesses follow their outages where these are found anew with more signals."""

from dataclasses import replace

from duskwatch.records.coverage import Coverage, Witnesses, carried_over
from duskwatch.records.outages import Outage, When
from duskwatch.records.reason import NO_REASON

MINUTE = 60_000_000


def outage(start: int, minutes: int) -> Outage:
    onset, end = (When(at, at, at, NO_REASON) for at in (start * MINUTE, (start + minutes) * MINUTE))
    return Outage(onset, end, None, None, minutes * MINUTE, 1.0, (), 0, None, True, ("bgp.visible_slash24",), 1.0, 1.0)


def witnesses(prefixes: int) -> Witnesses:
    return Witnesses((), prefixes, 9, 9, 9, 0, 0, 0, 0, None, None, ())


BEFORE = (outage(10, 20), outage(100, 50))
COVERAGE = Coverage((), (witnesses(1), witnesses(2)))


def carried(*after: Outage) -> list[int | None]:
    return [None if own is None else own.prefixes for own in carried_over(COVERAGE, BEFORE, after).witnesses]


def test_each_takes_over_those_of_the_outage_that_it_shares_most_time_with():
    assert carried(*BEFORE) == [1, 2]
    assert carried(outage(9, 22), outage(60, 5), outage(99, 10)) == [1, None, 2]
    assert carried(outage(5, 200)) == [2]
    assert carried(outage(30, 70)) == [None]  # they only meet
    assert carried() == []


def test_what_was_not_worked_out_stays_so():
    assert carried_over(replace(COVERAGE, witnesses=()), BEFORE, BEFORE).witnesses == ()
    assert carried_over(Coverage(), (), BEFORE).witnesses == (None, None)
