"""Outages, incidents and notes: found again without doubling, changed without loss, by several at once."""

import math
import threading
from dataclasses import replace

import pytest
import sqlalchemy as sql
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.records.entity import Entity
from duskwatch.records.findings import Conclusion, Finding
from duskwatch.records.outages import Alarm, Outage, Phase, When
from duskwatch.records.reason import in_words
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND
from duskwatch.store import StoreError, revisions
from duskwatch.store import database as db
from duskwatch.store.database import migrate
from duskwatch.store.outage_json import from_document, to_document
from duskwatch.store.revisions import outage_history, record_outages, stored_outages
from tests.store.build import FROM, KP, STAR

WINDOW = (FROM, FROM + 2 * DAY)
SLACK = 30 * SECOND


def when(at: int, slack: int = SLACK) -> When:
    return When(at - slack, at + slack, at, in_words("majority lost"))


def outage(onset: int, end: int | None, **changes) -> Outage:
    base = Outage(
        onset=when(onset),
        end=None if end is None else when(end),
        dark_from=when(onset + MINUTE),
        dark_until=None if end is None else when(end - MINUTE),
        duration_us=(end or WINDOW[1]) - onset,
        depth=1.0,
        phases=(Phase("dark", onset, end or WINDOW[1]),),
        relapses=0,
        relapse_of=None,
        stable=end is not None,
        signals=("bgp.visible_slash24",),
        score=3.5,
        confidence=0.9,
        alarms=(
            Alarm("bgp.visible_slash24", "deep-loss", onset, onset + MINUTE, end, 4.0, 0.0, math.nan, 1.0),
        ),
    )  # fmt: skip
    return replace(base, **changes)


def record(database, *outages, entity=KP, window=WINDOW, detector="loss-area/1", source="bgp", **more):
    found = [Finding(entity, outages)]
    return record_outages(
        database, window, found, source=source, detector=detector, by="duskwatch", why="analysis", **more
    )


FIRST = outage(FROM + 16 * HOUR, FROM + 25 * HOUR)
SECOND_LOSS = outage(FROM + 40 * HOUR, FROM + 41 * HOUR)


def test_an_analysis_that_is_repeated_adds_nothing(database):
    done = record(database, FIRST, replace(SECOND_LOSS, relapse_of=0))
    assert done.uids == done.new == ("KP-20141222T160000Z", "KP-20141223T160000Z")
    again = record(database, FIRST, replace(SECOND_LOSS, relapse_of=0))
    assert again.unchanged == done.uids == again.uids
    assert (again.new, again.revised, again.withdrawn) == ((), (), ())
    found = stored_outages(database)
    assert [one.uid for one in found] == list(done.uids)
    assert [one.newest.number for one in found] == [1, 1]
    assert repr(found[0].newest.outage) == repr(FIRST)  # by text, because NaN is not equal to itself
    assert found[1].newest.relapse_of == done.uids[0]
    assert found[0].entity == KP
    assert found[0].newest.window == WINDOW


def test_another_answer_is_a_revision_and_the_old_one_stays(database):
    record(database, outage(FROM + 16 * HOUR, None), at_us=1)
    moved = outage(FROM + 16 * HOUR + 20 * SECOND, FROM + 25 * HOUR)
    done = record(database, moved, at_us=2)
    assert (done.new, done.revised) == ((), ("KP-20141222T160000Z",))
    (one,) = stored_outages(database)
    assert (one.newest.number, one.newest.state, one.newest.at_us) == (2, "ended", 2)
    assert one.newest.outage.onset.best_us == FROM + 16 * HOUR + 20 * SECOND
    first, second = outage_history(database, done.uids[0])
    assert (first.number, first.state, first.by, first.why) == (1, "open", "duskwatch", "analysis")
    assert first.outage.end is None
    assert second.outage == one.newest.outage or repr(second.outage) == repr(one.newest.outage)


def test_onsets_that_do_not_overlap_are_different_outages(database):
    record(database, FIRST)
    apart = outage(FROM + 16 * HOUR + 2 * SLACK + 1, FROM + 25 * HOUR)
    done = record(database, FIRST, apart)
    assert len(done.new) == 1
    assert done.unchanged == ("KP-20141222T160000Z",)
    assert done.new == ("KP-20141222T160100Z",)


def in_a_second(tenth: int, until: int = 9) -> Outage:
    """An outage within 16:00:00 of 23 December, from one tenth of that second to another, known exactly."""
    at, end = (FROM + 40 * HOUR + n * SECOND // 10 for n in (tenth, until))
    return replace(SECOND_LOSS, onset=when(at, 0), end=when(end, 0), dark_from=None, dark_until=None)


def test_outages_of_one_call_that_begin_in_one_second_have_ids_of_their_own(database):
    done = record(database, in_a_second(1, 3), in_a_second(5))
    assert done.uids == done.new == ("KP-20141223T160000Z", "KP-20141223T160000Z-2")
    assert record(database, in_a_second(1, 3), in_a_second(5)).unchanged == done.uids


@pytest.mark.parametrize("places", [(0, 1), (1, 0)])
def test_an_id_that_another_window_gave_is_not_given_again(database, places):
    border = FROM + 40 * HOUR + SECOND // 2
    assert record(database, in_a_second(6), window=(border, WINDOW[1])).uids == ("KP-20141223T160000Z",)
    found = [FIRST, in_a_second(1, 3)]
    done = record(database, *(found[place] for place in places), window=(FROM, border))
    assert done.new == done.uids
    assert {done.uids[places.index(0)], done.uids[places.index(1)]} == {"KP-20141222T160000Z", "KP-20141223T160000Z-2"}
    assert len(stored_outages(database)) == 3


def test_an_id_that_the_window_before_gave_is_not_given_again(database):
    border = FROM + 40 * HOUR + SECOND // 2
    assert record(database, in_a_second(1, 3), window=(FROM, border)).uids == ("KP-20141223T160000Z",)
    assert record(database, in_a_second(6), window=(border, WINDOW[1])).uids == ("KP-20141223T160000Z-2",)


def test_the_closest_onset_is_the_same_outage_and_each_only_once(database):
    wide = replace(outage(FROM + 16 * HOUR, FROM + 17 * HOUR), onset=when(FROM + 16 * HOUR, HOUR))
    near = outage(FROM + 16 * HOUR + MINUTE, FROM + 17 * HOUR)
    record(database, wide)
    done = record(database, near, wide)
    assert done.uids == ("KP-20141222T160100Z", "KP-20141222T160000Z")
    assert done.unchanged == ("KP-20141222T160000Z",)


def test_what_is_not_found_again_is_withdrawn_and_found_once_more_comes_back(database):
    record(database, FIRST, SECOND_LOSS)
    done = record(database, FIRST)
    assert done.withdrawn == ("KP-20141223T160000Z",)
    assert [one.uid for one in stored_outages(database)] == ["KP-20141222T160000Z"]
    assert len(stored_outages(database, states=("withdrawn",))) == 1
    assert record(database, FIRST).withdrawn == ()
    done = record(database, FIRST, SECOND_LOSS)
    assert done.revised == ("KP-20141223T160000Z",)
    states = [one.state for one in outage_history(database, "KP-20141223T160000Z")]
    assert states == ["ended", "withdrawn", "ended"]


def test_an_analysis_of_a_smaller_window_withdraws_nothing_and_forgets_no_end(database):
    record(database, FIRST, SECOND_LOSS)
    small = (FROM + 10 * HOUR, FROM + 20 * HOUR)
    done = record(database, outage(FROM + 16 * HOUR, None), window=small)
    assert done.unchanged == ("KP-20141222T160000Z",)
    assert record(database, window=small).withdrawn == ()
    assert [one.newest.state for one in stored_outages(database)] == ["ended", "ended"]
    # One that reaches the end and still sees none tells something new.
    done = record(database, outage(FROM + 16 * HOUR, None), SECOND_LOSS)
    assert done.revised == ("KP-20141222T160000Z",)


def test_an_onset_on_the_border_of_the_window_is_the_same_outage(database):
    (uid,) = record(database, FIRST).uids
    begins = FIRST.onset.best_us + 10 * SECOND
    later = outage(begins, FROM + 25 * HOUR)
    assert record(database, later, window=(begins, WINDOW[1])).revised == (uid,)
    assert record(database, FIRST, window=(FROM, FIRST.onset.best_us)).revised == (uid,)


def test_what_was_withdrawn_and_is_seen_again_by_a_smaller_window_is_shown(database):
    (uid,) = record(database, FIRST).uids
    assert record(database).withdrawn == (uid,)
    small = (FROM + 10 * HOUR, FROM + 20 * HOUR)
    assert record(database, outage(FROM + 16 * HOUR, None), window=small).revised == (uid,)
    assert [one.newest.state for one in stored_outages(database)] == ["open"]


def test_a_new_detector_supersedes_the_old_one_in_its_window(database):
    record(database, FIRST)
    record(database, FIRST, entity=STAR)
    done = record(database, FIRST, detector="loss-area/2")
    assert done.superseded == ("KP-20141222T160000Z",)
    assert done.new == ("KP-20141222T160000Z-2",)
    assert [(one.uid, one.detector) for one in stored_outages(database, entities=[KP])] == [
        ("KP-20141222T160000Z-2", "loss-area/2")
    ]
    assert record(database, FIRST, detector="loss-area/2").unchanged == done.new
    assert len(stored_outages(database)) == 2


def test_what_a_person_dismissed_stays_so_whatever_is_measured(database):
    (uid,) = record(database, FIRST).uids
    revisions.dismiss_outage(database, uid, by="A. Reader", why="maintenance of our own collector")
    assert stored_outages(database) == []
    assert record(database, FIRST).unchanged == (uid,)
    moved = outage(FROM + 16 * HOUR + SECOND, FROM + 25 * HOUR)
    assert record(database, moved).revised == (uid,)
    assert stored_outages(database) == []
    assert record(database).withdrawn == ()
    revisions.dismiss_outage(database, uid, by="B. Reader", why="it was not ours", restore=True)
    assert [one.newest.state for one in stored_outages(database)] == ["ended"]
    told = [(one.number, one.state, one.by) for one in outage_history(database, uid)]
    assert told == [
        (1, "ended", "duskwatch"), (2, "dismissed", "A. Reader"),
        (3, "dismissed", "duskwatch"), (4, "ended", "B. Reader"),
    ]  # fmt: skip


def test_outages_are_found_by_entity_and_window(database):
    record(database, FIRST, SECOND_LOSS)
    record(database, outage(FROM + 30 * HOUR, None), entity=STAR)
    codes = lambda **window: [one.uid for one in stored_outages(database, **window)]  # noqa: E731
    assert len(codes()) == 3
    assert codes(entities=[STAR]) == ["AS131279-20141223T060000Z"]
    assert codes(from_us=FROM + 25 * HOUR, until_us=FROM + 30 * HOUR) == []
    assert codes(from_us=FROM + 24 * HOUR, until_us=FROM + 30 * HOUR) == ["KP-20141222T160000Z"]
    assert codes(from_us=FROM + 90 * DAY) == ["AS131279-20141223T060000Z"]  # it lasts


def test_many_entities_are_one_transaction(database):
    entities = [Entity("asn", f"AS{i}") for i in range(300)]
    found = [Finding(entity, (FIRST,) if i % 3 == 0 else ()) for i, entity in enumerate(entities)]

    def breaks():
        yield from found
        raise RuntimeError("in the middle")

    more = {"source": "bgp", "detector": "loss-area/1", "by": "duskwatch", "why": "backfill"}
    with pytest.raises(RuntimeError):
        record_outages(database, WINDOW, breaks(), **more)
    assert stored_outages(database) == []
    assert len(record_outages(database, WINDOW, iter(found), **more).new) == 100
    assert len(record_outages(database, WINDOW, iter(found), **more).unchanged) == 100


def test_writers_at_the_same_time_do_not_double(database):
    errors = []

    def work() -> None:
        try:
            for _ in range(3):
                record(database, FIRST, SECOND_LOSS)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [one.newest.number for one in stored_outages(database, states=("open", "ended", "withdrawn"))] == [1, 1]


def test_who_and_why_are_asked_for_and_windows_checked(database):
    with pytest.raises(StoreError, match="'by' is empty"):
        record_outages(database, WINDOW, [], source="bgp", detector="d", by=" ", why="x")
    with pytest.raises(StoreError, match="is none"):
        record(database, window=(FROM, FROM))
    with pytest.raises(StoreError, match="at most 20000"):
        revisions.annotate(database, "x" * 20_001, by="A. Reader", entity=KP)
    with pytest.raises(StoreError, match="no outage 'X'"):
        outage_history(database, "X")


def test_incidents_tell_outages_as_one_story_and_keep_every_version(database):
    uids = record(database, FIRST, SECOND_LOSS).uids
    number = revisions.record_incident(database, "North Korea", uids[:1], by="A. Reader", why="same cause")
    revisions.revise_incident(database, number, by="B. Reader", why="the relapse too", outages=uids)
    revisions.revise_incident(database, number, by="B. Reader", why="over", state="closed", title="North Korea, twice")
    (one,) = revisions.incidents(database)
    assert (one["title"], one["state"], one["revision"]) == ("North Korea, twice", "closed", 3)
    assert one["outages"] == list(uids)
    for bad in ({"outages": ["X"]}, {"state": "gone"}):
        with pytest.raises(StoreError):
            revisions.revise_incident(database, number, by="B. Reader", why="x", **bad)
    assert revisions.incidents(database)[0]["revision"] == 3
    with pytest.raises(StoreError, match="no incident 99"):
        revisions.revise_incident(database, 99, by="B. Reader", why="x")


def test_notes_stand_beside_one_thing_and_their_versions_stay(database):
    (uid,) = record(database, FIRST).uids
    incident = revisions.record_incident(database, "North Korea", [uid], by="A. Reader", why="x")
    first = revisions.annotate(database, "seen at noon\x00", by="A. Reader", outage=uid)
    revisions.annotate(database, "story", by="A. Reader", incident=incident)
    revisions.annotate(database, "cable work", by="C. Reader", entity=KP, span=(FROM, None))
    revisions.revise_annotation(database, first, by="B. Reader", why="wrong hour", text="seen at one")
    notes = revisions.annotations(database)
    assert [(note["text"], note["by"]) for note in notes] == [
        ("seen at one", "B. Reader"), ("story", "A. Reader"), ("cable work", "C. Reader")
    ]  # fmt: skip
    assert [note["text"] for note in revisions.annotations(database, outage=uid)] == ["seen at one"]
    assert [note["text"] for note in revisions.annotations(database, incident=incident)] == ["story"]
    revisions.revise_annotation(database, first, by="B. Reader", why="not ours", removed=True)
    assert revisions.annotations(database, outage=uid) == []
    with pytest.raises(StoreError, match="belongs to one thing"):
        revisions.annotate(database, "x", by="A. Reader", outage=uid, incident=incident)
    with pytest.raises(StoreError, match="no incident 77"):
        revisions.annotate(database, "x", by="A. Reader", incident=77)


times = st.integers(0, 2**50)
whens = st.builds(
    lambda at, a, b, why: When(at - a, at + b, at, in_words(why)),
    times,
    st.integers(0, 99),
    st.integers(0, 99),
    st.text(),
)
numbers = st.floats(allow_infinity=False)
outages = st.builds(
    Outage,
    onset=whens, end=st.none() | whens, dark_from=st.none() | whens, dark_until=st.none() | whens,
    duration_us=times, depth=numbers, phases=st.lists(st.builds(Phase, st.just("dark"), times, times)).map(tuple),
    relapses=st.integers(0, 9), relapse_of=st.none(), stable=st.booleans(),
    signals=st.lists(st.text()).map(tuple), score=numbers, confidence=numbers,
    alarms=st.lists(
        st.builds(Alarm, st.text(), st.text(), times, times, st.none() | times, numbers, numbers, numbers, numbers),
        max_size=2,
    ).map(tuple),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(outages)
def test_the_document_of_an_outage_says_all_of_it(one):
    document = to_document(one, "KP-1", [Conclusion("bgp", "loss-area/1", WINDOW, one)])
    assert document["relapse_of"] == "KP-1"
    assert repr(from_document(document)) == repr(one)


HOURS = 12
analyses = st.lists(
    st.tuples(
        st.tuples(st.integers(0, HOURS - 1), st.integers(1, HOURS)).map(lambda w: (w[0], max(w[0] + 1, w[1]))),
        st.dictionaries(st.integers(0, HOURS - 1), st.tuples(st.integers(-40, 40), st.booleans()), max_size=5),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(analyses=analyses)
def test_whatever_is_analysed_nothing_is_lost_and_nothing_doubled(tmp_path_factory, analyses):
    database = str(tmp_path_factory.mktemp("revisions") / "events.sqlite")
    migrate(database)
    every = ("open", "ended", "withdrawn", "superseded", "dismissed")
    before: dict[str, list[str]] = {}
    for (first, last), found in analyses:
        window = (FROM + first * HOUR, FROM + last * HOUR)
        outages = [
            outage(FROM + hour * HOUR + 5 * MINUTE + off * SECOND, None if lasts else FROM + hour * HOUR + 50 * MINUTE)
            for hour, (off, lasts) in sorted(found.items())
            if first <= hour < last
        ]
        done = record(database, *outages, window=window)
        assert sorted((*done.new, *done.revised, *done.unchanged)) == sorted(done.uids)
        assert len(set(done.uids)) == len(outages)
        # Each outage given is there as given, or an end that this window could not reach was kept.
        now = {one.uid: one for one in stored_outages(database)}
        for uid, one in zip(done.uids, outages, strict=True):
            assert uid in now
            assert repr(now[uid].newest.outage) == repr(one) or (one.end is None and now[uid].newest.state == "ended")
        # One analysis of everything leaves nothing but what it found.
        if (first, last) == (0, HOURS):
            assert set(now) == set(done.uids)
        again = record(database, *outages, window=window)
        assert again.unchanged == again.uids == done.uids
        assert (again.withdrawn, again.new, again.revised) == ((), (), ())
        # What was once recorded stays recorded, in its place.
        known = {
            one.uid: [repr(each) for each in outage_history(database, one.uid)]
            for one in stored_outages(database, states=every)
        }
        for uid, revisions_before in before.items():
            assert known[uid][: len(revisions_before)] == revisions_before
        before = known


def test_what_a_later_version_keeps_and_does_not_know_is_no_revision(database):
    """Documents written before conclusions had ``around`` are as they were."""
    (uid,) = record(database, FIRST).uids
    table = db.outage_revisions
    with db.transaction(database, writes="outages") as connection:
        document = connection.execute(sql.select(table.c.document)).scalar_one()
        for one in document["concluded"]:
            assert one.pop("around") is None
        connection.execute(sql.update(table).values(document=document))
    assert record(database, FIRST).unchanged == (uid,)
