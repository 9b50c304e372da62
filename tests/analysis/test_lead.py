"""Windows that open in the middle of an outage: what the records before them show, and what cannot be judged."""

import numpy as np
import pytest

from duskwatch.analysis import entity as one_entity
from duskwatch.publication.finding import finding
from duskwatch.publication.not_judged import nothing_judged
from duskwatch.publication.report_json import to_json
from duskwatch.records.entity import parse_entity
from duskwatch.records.report import Report
from duskwatch.records.times import parse_time
from tests.small_archive import OWN, START_US, Archive, at, delegations, store_file

PEERS = {"rrc00": 6, "rrc01": 6}


def told(folder, archive: Archive, minute: float, until: float, entity: str = "KP", **faults) -> Report:
    mrt = archive.write(folder / "mrt", **faults)
    geo = [delegations(folder)]
    return one_entity.analyze(parse_entity(entity), at(minute), at(until), [mrt], geo=geo, threads=1)


def lost(minute: float, back: float | None, hours: float = 6) -> Archive:
    archive = Archive(PEERS, hours=hours)
    archive.talk()
    archive.lose(archive.peers(), minute, back)
    return archive


def test_an_outage_that_stood_when_the_window_opened_is_told_with_its_onset(tmp_path):
    report = told(tmp_path, lost(60, 200), 120, 300)
    (outage,) = report.outages
    assert abs(outage.onset.best_us - at(60)) < 60_000_000
    assert abs(outage.end.best_us - at(200)) < 60_000_000
    assert report.history.signals.start_us == at(120)
    document = to_json(report)
    assert document["outages"][0]["before_window"] is True
    assert document["window"]["from"] == "2020-03-02T02:00:00Z"
    assert {one["judged"] for one in document["judged"]} == {True}
    assert "had begun before the analysed window opened" in finding(report).lead


def test_it_is_the_same_outage_as_in_a_window_that_holds_it(tmp_path):
    archive = lost(60, 200)
    part, whole = told(tmp_path, archive, 120, 300), told(tmp_path, archive, 0, 300)
    assert part.outages == whole.outages
    assert part.coverage.witnesses == whole.coverage.witnesses
    assert part.networks == whole.networks


def test_an_outage_that_was_over_is_left_out_and_the_window_shows_itself_alone(tmp_path):
    report = told(tmp_path, lost(60, 100), 120, 300)
    assert report.outages == ()
    assert report.networks.lost == ()
    assert report.history.level.time_us[0] == at(120)
    assert report.history.level.slash24.tolist() == [4.0]
    assert (report.history.changes.time_us >= at(120)).all()
    assert sorted(report.history.changes.prefix.tolist()) == [0, 1, 2, 3]
    assert finding(report).kind == "no outage"


def test_a_quiet_window_is_what_it_is_without_the_records_before_it(tmp_path):
    archive = lost(200, 240)
    wide = told(tmp_path / "a", archive, 120, 300)
    narrow = told(tmp_path / "b", archive, 120, 300, dumps=(120,), missing=dict.fromkeys(PEERS, (-10, 120)))
    assert wide.outages[0].onset == narrow.outages[0].onset
    for name in ("time_us", "slash24", "voters"):
        assert np.array_equal(getattr(wide.history.level, name), getattr(narrow.history.level, name))
    assert np.array_equal(wide.history.signals.values, narrow.history.signals.values, equal_nan=True)


def dump_in_the_dark(archive: Archive, folder, keep_early: bool):
    """Table dumps at the start and, without the country, in the middle of the outage."""
    mrt = archive.write(folder / "mrt", missing=None if keep_early else dict.fromkeys(PEERS, (-10, 120)))
    for name in PEERS:
        second = START_US // 1_000_000 + 120 * 60
        store_file(mrt, name, "bview", second, archive.dump(name, second, OWN))
    geo = [delegations(folder)]
    return one_entity.analyze(parse_entity("KP"), at(130), at(300), [mrt], geo=geo, threads=1)


def test_records_that_begin_in_the_dark_make_earlier_ones_read(tmp_path):
    report = dump_in_the_dark(lost(60, 200), tmp_path, True)
    (outage,) = report.outages
    assert abs(outage.onset.best_us - at(60)) < 60_000_000


def test_where_there_are_no_earlier_records_it_could_not_be_judged(tmp_path):
    report = dump_in_the_dark(lost(60, 200), tmp_path, False)
    assert report.outages == ()
    assert [span.why_not for span in report.judged] == ["down-at-start", None]
    found = finding(report)
    assert found.kind == "not judged"
    assert "could not be judged" in found.headline
    assert "No outage" not in found.headline + found.lead
    assert not nothing_judged(report)


@pytest.mark.parametrize("entity", ["AS64512", "203.0.113.0/24"])
def test_what_nobody_spoke_of_was_not_heard_and_is_no_all_clear(tmp_path, entity):
    report = told(tmp_path, lost(60, 100), 120, 300, entity)
    assert finding(report).kind == "nothing heard"
    assert nothing_judged(report)
    assert [one["reason"] for one in to_json(report)["judged"]] == ["nothing-heard"]


def test_djibouti_in_an_hour_that_the_learned_state_is_not_old_for(shared_data):
    report = one_entity.analyze(
        parse_entity("DJ"),
        parse_time("2008-02-19T10:00Z"),
        parse_time("2008-02-19T15:00Z"),
        [shared_data / "mrt" / "route-views2-2008-02-19"],
        geo=[shared_data / "reference" / "delegated-2016" / "delegated-afrinic-extended-latest"],
    )
    (outage,) = report.outages
    assert outage.onset.earliest_us <= parse_time("2008-02-19T13:07:10Z") <= outage.onset.latest_us + 3_000_000
    assert outage.depth == 1


def test_pakistan_learned_from_five_hours_could_not_be_judged(shared_data):
    report = one_entity.analyze(
        parse_entity("PK"),
        parse_time("2008-02-24T18:07Z"),
        parse_time("2008-02-24T23:00Z"),
        [shared_data / "mrt" / "route-views2-2008-02-24"],
        geo=[shared_data / "reference" / "delegated-2016" / "delegated-apnic-extended-latest"],
    )
    assert report.outages == ()
    assert finding(report).headline == "Pakistan could not be judged on 24 February 2008"
    assert nothing_judged(report)
    assert {one.why_not for one in report.judged} <= {"too-little-known", "not-watched", "few-observers"}
