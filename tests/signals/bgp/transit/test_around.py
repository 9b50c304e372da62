"""What whole paths tell of one outage: the ways before and after, what changed, and who let go."""

import numpy as np
import pytest

from duskwatch.records.outages import Outage, When
from duskwatch.records.reason import in_words
from duskwatch.signals.bgp.transit.around import of_units, transit_around
from duskwatch.signals.bgp.transit.course import way_changes
from duskwatch.signals.bgp.transit.ways import own_origin
from tests.signals.bgp.transit.test_course import moved, votes_on  # noqa: F401
from tests.small_archive import at

MINUTE = 60_000_000


def outage(start: int, end: int | None) -> Outage:
    moments = [None if when is None else When(when, when, when, in_words("made")) for when in (start, end)]
    assert moments[0] is not None
    length = (at(60) if end is None else end) - start
    return Outage(moments[0], moments[1], None, None, length, 1.0, (), 0, None, True, (), 1.0, 1.0)


@pytest.fixture(scope="module")
def told(moved):  # noqa: F811
    _, votes = votes_on(moved)
    (found,) = transit_around(
        votes, np.ones(4, np.bool_), own_origin, [outage(at(20.5), at(30) + 3_000_000)], by_network=False
    )
    assert found is not None
    return found


def test_ways_in_hegemony_and_failures_before_and_at_the_end(told):
    assert (told.prefixes, told.slash24) == (4, 4)
    assert [(one.outside, one.share) for one in told.entries_before] == [(4837, 1.0)]
    assert [one.outside for one in told.entries_after] == [20485]
    assert told.moved is True
    before = {one.asn: one.before for one in told.hegemony}
    after = {one.asn: one.after for one in told.hegemony}
    assert (before[4837], after[4837]) == (1.0, 0.0)
    assert before[20485] == 0.0
    assert after[20485] > 0
    assert (4837, 1.0) in [(one.asn, one.share) for one in told.failures]


def test_turns_stand_in_order_with_what_lies_ahead_of_the_way(told):
    kinds = [(one.kind, one.before, one.after, one.beyond, one.prefixes) for one in told.turns]
    assert kinds == [
        ("lost", 4837, 0, 64699, 4),
        ("fell", 0, 4837, 0, 0),
        ("rose", 0, 20485, 64600, 0),
        ("back", 0, 20485, 64600, 3),
        ("rose", 0, 4837, 64600, 0),
    ]
    assert [one.from_us for one in told.turns] == sorted(one.from_us for one in told.turns)
    assert told.let_go == 6
    assert [one.session.split()[1] for one in told.withdrawals][:2] == ["AS64500", "AS64501"]
    assert told.withdrawals[0].path.endswith("4837 131279")


def test_an_outage_that_took_no_prefix_has_nothing(moved):  # noqa: F811
    _, votes = votes_on(moved)
    calm = outage(at(5), at(6))
    assert transit_around(votes, np.ones(4, np.bool_), own_origin, [calm], by_network=False) == (None,)
    whole = outage(at(20.5) + 2_000_000, None)
    found = transit_around(votes, np.ones(4, np.bool_), own_origin, [calm, whole], by_network=False, asked=[0])
    assert found == (None, None)
    (_, lasting) = transit_around(votes, np.ones(4, np.bool_), own_origin, [calm, whole], by_network=False)
    assert lasting is not None
    assert (lasting.after_us, lasting.entries_after, lasting.moved) == (None, (), None)


def test_votes_on_some_units_change_as_those_units_do(moved):  # noqa: F811
    _, votes = votes_on(moved)
    some = of_units(votes, np.array([True, False, True, False]))
    assert len(some.afi) == 2
    assert set(some.prefix.tolist()) == {0, 1}
    changes, _ = way_changes(some, own_origin)
    whole, _ = way_changes(votes, own_origin)
    assert [(one.first_us, one.before, one.after) for one in changes] == [
        (one.first_us, one.before, one.after) for one in whole
    ]
    assert [len(one.units) for one in changes] == [2, 2]
