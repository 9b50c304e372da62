"""Incidents that analyses find: found again without doubling, what persons change stays."""

from dataclasses import replace

import pytest

from duskwatch.records.entity import Entity
from duskwatch.records.incidents import Incident, Member
from duskwatch.records.times import DAY, HOUR
from duskwatch.store import StoreError, revisions
from duskwatch.store.incidents import FoundIncident, incident_history, record_incidents, stored_incidents
from tests.store.build import FROM, KP, STAR
from tests.store.test_revisions import FIRST, SECOND_LOSS, WINDOW, record

OTHER, FOURTH = Entity("asn", "AS2"), Entity("asn", "AS3")


def found(uids, *, until_us=FROM + 25 * HOUR, title="one", entity=KP, by=True):
    members = tuple(
        Member(e, FIRST, 0, p) for e, p in ((entity, 1.0), (STAR, 0.9), (OTHER, 0.1), (FOURTH, 0.1))[: len(uids)]
    )
    told = Incident(entity, FROM + 16 * HOUR, until_us, 1.0, members, members[1:2] if by else (), 0.9)
    return FoundIncident(title, told, tuple(uids))


def put(database, *told, window=WINDOW, at_us=None, source="bgp", detector="d/1"):
    return record_incidents(
        database, window, told, source=source, detector=detector, by="duskwatch", why="backfill", at_us=at_us
    )


@pytest.fixture
def uids(database):
    (kp,) = record(database, FIRST).uids
    (star,) = record(database, FIRST, entity=STAR).uids
    (other,) = record(database, FIRST, entity=OTHER).uids
    return kp, star, other


def test_an_incident_found_again_adds_nothing(database, uids):
    first = put(database, found(uids[:2]))
    assert first.new == first.numbers
    again = put(database, found(uids[:2]))
    assert (again.unchanged, again.new, again.revised, again.withdrawn) == (first.numbers, (), (), ())
    (one,) = stored_incidents(database)
    assert (one.entity, one.state, one.title, one.outages, one.revision) == (KP, "ended", "one", uids[:2], 1)
    assert (one.from_us, one.until_us) == (FROM + 16 * HOUR, FROM + 25 * HOUR)
    assert [m["outage"] for m in one.document["explained_by"]] == [uids[1]]
    assert one.document["members"][1] == {
        "outage": uids[1], "entity_type": "asn", "entity": "AS131279", "share": 0.9, "lost": 0.9,
    }  # fmt: skip


def test_other_words_for_the_same_incident_are_no_revision_and_come_with_the_next(database, uids):
    (number,) = put(database, found(uids[:2], title="KP, 100 % lost")).numbers
    assert put(database, found(uids[:2], title="KP lost all")).unchanged == (number,)
    (one,) = stored_incidents(database)
    assert (one.title, one.revision) == ("KP, 100 % lost", 1)
    assert put(database, found(uids, title="KP lost all")).revised == (number,)
    (one,) = stored_incidents(database)
    assert (one.title, one.revision) == ("KP lost all", 2)


def test_another_answer_is_a_revision_and_the_old_one_stays(database, uids):
    (number,) = put(database, found(uids[:2], until_us=None), at_us=1).numbers
    assert stored_incidents(database)[0].state == "open"
    assert put(database, found(uids, title="two"), at_us=2).revised == (number,)
    past = incident_history(database, number)
    assert [(one.revision, one.at_us, one.state, one.title, one.outages) for one in past] == [
        (1, 1, "open", "one", uids[:2]),
        (2, 2, "ended", "two", uids),
    ]
    (now,) = stored_incidents(database)
    assert (now.title, now.state, now.outages) == ("two", "ended", uids)


def test_what_is_not_found_again_is_withdrawn_and_may_return(database, uids):
    (number,) = put(database, found(uids[:2])).numbers
    assert put(database).withdrawn == (number,)
    assert put(database).withdrawn == ()
    assert stored_incidents(database) == []
    assert [one.state for one in stored_incidents(database, states=["withdrawn"])] == ["withdrawn"]
    assert put(database, found(uids[:2])).revised == (number,)
    assert [one.number for one in stored_incidents(database)] == [number]


def test_a_source_neither_withdraws_nor_narrows_what_only_others_tell_of(database, uids):
    (number,) = put(database, found(uids)).numbers
    (mine,) = record(database, FIRST, entity=FOURTH, source="bgp-oslo").uids
    assert put(database, source="bgp-oslo").withdrawn == ()
    assert put(database, found([uids[0], mine]), source="bgp-oslo").unchanged == (number,)
    assert put(database, found([*uids, mine]), source="bgp-oslo").revised == (number,)
    assert put(database, found(uids)).unchanged == (number,)
    record(database, entity=FOURTH, source="bgp-oslo")
    assert put(database, found(uids)).revised == (number,)
    assert put(database).withdrawn == (number,)


def test_another_detector_leaves_no_incident_of_outages_that_it_superseded(database, uids):
    (number,) = put(database, found(uids[:1])).numbers
    (newer,) = record(database, FIRST, detector="loss-area/2").uids
    told = put(database, found([newer]), detector="d/2")
    assert (told.withdrawn, len(told.new)) == ((number,), 1)
    assert [one.outages for one in stored_incidents(database)] == [(newer,)]


def test_two_detectors_tell_one_outage_as_one_incident(database, uids):
    (number,) = put(database, found(uids)).numbers
    assert put(database, found(uids, title="two", by=False), detector="d/2").revised == (number,)


def test_who_sees_less_does_not_overrule(database, uids):
    (number,) = put(database, found(uids[:2])).numbers
    short = (FROM + 15 * HOUR, FROM + DAY)
    assert put(database, window=short).withdrawn == ()
    assert put(database, found(uids[1:2]), window=short).unchanged == (number,)
    assert put(database, found(uids), window=short).revised == (number,)


def test_what_a_person_changed_stays(database, uids):
    (number,) = put(database, found(uids[:2])).numbers
    revisions.revise_incident(database, number, by="A. Reader", why="known", title="The cable", state="closed")
    revisions.revise_incident(database, number, by="A. Reader", why="not this", outages=uids[:1])
    put(database, found(uids, title="another"))
    (one,) = stored_incidents(database)
    assert (one.title, one.state, one.outages) == ("The cable", "closed", uids[:1])
    assert put(database).withdrawn == ()
    assert put(database, found(uids, title="another")).unchanged == (number,)


def test_one_that_fell_apart_keeps_its_number_where_most_of_it_is(database, uids):
    (number,) = put(database, found(uids)).numbers
    done = put(database, found(uids[2:], entity=OTHER), found(uids[:2]))
    assert done.numbers[1] == number
    assert done.new == done.numbers[:1]


def test_they_are_found_by_entity_member_and_time(database, uids):
    (number,) = put(database, found(uids[:2])).numbers
    (later,) = record(database, FIRST, SECOND_LOSS).new
    told = revisions.record_incident(database, "Told", [later], by="A. Reader", why="x")

    def numbers(**asked):
        return [one.number for one in stored_incidents(database, **asked)]

    assert numbers() == [number, told]
    assert numbers(entities=[STAR]) == [number]
    assert numbers(entities=[KP]) == [number, told]
    assert numbers(entities=[Entity("asn", "AS9")]) == []
    assert numbers(from_us=FROM + 26 * HOUR) == [told]
    assert numbers(until_us=FROM + 26 * HOUR) == [number]
    assert numbers(numbers=[told]) == [told]
    person = stored_incidents(database, numbers=[told])[0]
    assert (person.entity, person.detector, person.document) == (None, "", None)
    assert (person.from_us, person.until_us) == (SECOND_LOSS.onset.best_us, SECOND_LOSS.end.best_us)


def test_what_cannot_be_recorded_is_refused_and_leaves_nothing(database, uids):
    with pytest.raises(StoreError, match="no outage 'nowhere'"):
        put(database, found(uids[:2]), found(["nowhere"]))
    with pytest.raises(StoreError, match="has no outage"):
        put(database, replace(found(uids[:1]), uids=(), incident=replace(found(uids[:1]).incident, members=())))
    assert stored_incidents(database) == []
    with pytest.raises(StoreError, match="no incident 7"):
        incident_history(database, 7)
