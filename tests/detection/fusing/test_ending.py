"""The one definition of an end, against the same written down second by second."""

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.detection.config import FuseConfig
from duskwatch.detection.dating.moments import Moments
from duskwatch.detection.fusing.ending import DatedLoss, end_of, onset_of
from duskwatch.detection.fusing.telling import _before_next
from duskwatch.records.outages import When
from duskwatch.records.reason import NO_REASON
from duskwatch.records.times import HOUR, MINUTE

CONFIG = FuseConfig()
FELL = When(0, 0, 0, NO_REASON)


def at(minute: int, wide: int = 0) -> When:
    return When((minute - wide) * MINUTE, (minute + wide) * MINUTE, minute * MINUTE, NO_REASON)


def loss(name, family, back, climbed=None, unseen=None, *, holds=True, exact=False, onset=FELL):
    def time(minute):
        return None if minute is None else minute * MINUTE

    end = None if back is None else at(back)
    moments = Moments(onset, end, time(climbed), time(unseen), exact, exact)
    return DatedLoss(family, name, True, holds, moments)


def slowly(all_losses) -> int | None:
    """The first minute at which it is over, by the words of the page."""
    for minute in range(0, 800):
        back, counted, down = set(), set(), False
        for one in all_losses:
            moments = one.moments
            end = inf if moments.end is None else moments.end.best_us
            now = minute * MINUTE
            if now >= end:
                counted.add(one.family)
                back.add(one.family)
        for one in all_losses:
            moments, now = one.moments, minute * MINUTE
            end = inf if moments.end is None else moments.end.best_us
            if now >= end:
                continue
            if moments.unseen_us is not None and now >= moments.unseen_us:
                continue  # nobody watches it
            if not one.holds:
                continue
            counted.add(one.family)
            back.discard(one.family)
            climbed = inf if moments.climbed_us is None else moments.climbed_us
            on_way = now >= climbed and end - climbed <= CONFIG.lag_us
            down = down or not on_way
        if counted and not down and 2 * len(back) >= len(counted):
            return minute
    return None


@st.composite
def witnesses(draw):
    out = []
    for k in range(draw(st.integers(1, 5))):
        family = draw(st.sampled_from("abc"))
        back = draw(st.one_of(st.none(), st.integers(20, 700)))
        climbed = draw(st.one_of(st.none(), st.integers(10, back if back else 700)))
        unseen = draw(st.integers(5, back if back else 700)) if draw(st.booleans()) else None
        out.append(loss(f"s{k}", family, back, climbed, unseen, holds=draw(st.integers(0, 4)) > 0))
    return out


@given(witnesses())
@settings(max_examples=300, deadline=None)
def test_the_end_is_what_the_page_says(all_losses):
    end = end_of(all_losses, FELL, CONFIG)
    minute = slowly(all_losses)
    assert (None if end is None else end.best_us) == (None if minute is None else minute * MINUTE)
    if end is not None:
        assert end.earliest_us <= end.best_us <= end.latest_us
    assert end_of(all_losses[::-1], FELL, CONFIG) == end


@pytest.mark.parametrize(
    ("all_losses", "minute", "code"),
    [
        ([loss("x", "a", 60)], 60, ""),
        ([loss("x", "a", None)], None, None),
        ([loss("x", "a", 60), loss("y", "b", 90)], 90, ""),
        ([loss("x", "a", 60), loss("y", "b", 120, 50)], 60, ""),  # on its way already
        ([loss("x", "a", 60), loss("y", "b", 120, 80)], 80, "return-began"),
        ([loss("x", "a", 60), loss("y", "b", 500, 80)], 500, ""),  # too slow a climb to be believed
        ([loss("x", "a", 60), loss("y", "b", None)], None, None),
        ([loss("x", "a", 60), loss("y", "b", None, unseen=30)], 60, ""),  # nobody watched it
        ([loss("x", "a", 60), loss("y", "b", 300, unseen=90)], 90, "rest-unwatched"),
        ([loss("x", "a", 60), loss("y", "b", None), loss("z", "c", 70)], None, None),
        ([loss("x", "a", 60), loss("y", "a", 90)], 90, ""),  # a family is back when all of it is
        ([loss("x", "a", 60), loss("y", "b", 90, holds=False)], 60, ""),
    ],
)
def test_who_is_waited_for(all_losses, minute, code):
    end = end_of(all_losses, FELL, CONFIG)
    assert (None if end is None else end.best_us // MINUTE) == minute
    if end is not None:
        assert end.reason.code == code


def test_a_moment_known_to_the_second_is_told_where_bins_put_it_beside():
    routes, bins = loss("r", "routing", 61, exact=True), loss("p", "probing", 58)
    assert end_of([routes, bins], FELL, CONFIG).best_us == 61 * MINUTE
    assert end_of([routes._replace(moments=loss("r", "routing", 20, exact=True).moments), bins], FELL, CONFIG) == at(58)
    early, late = loss("p", "probing", 90, onset=at(0, 2)), loss("r", "routing", 90, exact=True, onset=at(9))
    assert onset_of([early, late], None, CONFIG) == at(9)
    far = loss("r", "routing", 90, exact=True, onset=at(40))
    assert onset_of([early, far], None, CONFIG) == at(0, 2)


def test_nothing_is_told_before_the_end_of_the_outage_before():
    onset = onset_of([loss("x", "a", 90, onset=at(30, 10))], 35 * MINUTE, CONFIG)
    assert (onset.earliest_us, onset.best_us) == (35 * MINUTE, 35 * MINUTE)


def test_an_outage_is_over_before_the_next_begins():
    assert _before_next(at(60), [], 2 * HOUR) == at(60)
    assert _before_next(None, [], None) is None
    for end in (None, at(180, 100)):
        when = _before_next(end, [loss("x", "a", None)], 2 * HOUR)
        assert (when.best_us, when.latest_us, when.reason.code) == (2 * HOUR, 2 * HOUR, "next-began")


def test_nothing_is_known_to_last_longer_than_somebody_watched():
    left = [loss("x", "a", None, unseen=40), loss("y", "b", 180, unseen=50)]
    when = _before_next(None, left, 2 * HOUR)
    assert [when.earliest_us, when.best_us, when.latest_us] == [50 * MINUTE, 50 * MINUTE, 2 * HOUR]
    assert _before_next(None, [*left, loss("z", "c", None)], 2 * HOUR).best_us == 2 * HOUR
