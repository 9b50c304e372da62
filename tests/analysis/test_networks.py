"""Which networks of a country were lost: the documented cases, small archives of two networks, and the shares."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from duskwatch.analysis.entity import analyze as analyze_files
from duskwatch.analysis.entity import report_on, watch_of
from duskwatch.analysis.networks import worst_loss
from duskwatch.analysis.replay import Window, replay_archives
from duskwatch.records.entity import parse_entity
from duskwatch.records.networks import Holding
from duskwatch.records.outages import When
from duskwatch.records.reason import NO_REASON
from duskwatch.records.signals import Level
from duskwatch.records.times import parse_time, to_datetime
from duskwatch.signals.bgp import holdings
from duskwatch.signals.bgp.holdings import before, counted_as, steps_of
from duskwatch.signals.bgp.votes import merge_votes
from duskwatch.sources.reference.geo import load_geo
from tests.detection.test_incidents import out
from tests.small_archive import OWN, Archive, analyze, at

KP = parse_entity("KP")
DAY = parse_time("2014-12-22T08:00Z"), parse_time("2014-12-23T08:30Z")
SECOND_AS = 65010  # of the last prefix of the small archive


def test_the_one_network_of_north_korea_is_all_of_it(case):
    report = analyze_files(KP, *DAY, [case.mrt], geo=[case.geo], as_names=[case.as_names])
    assert report.networks.total == 1
    (star,) = report.networks.lost
    assert star.entity.code == "AS131279"
    assert star.entity.name == report.as_names[131279]
    assert star.before == (Holding("bgp.visible_slash24", 4, 4),) * 2
    alone = analyze_files(parse_entity("AS131279"), *DAY, [case.mrt])
    assert star.outages == alone.outages
    assert [one.entity.code for one in report.networks.incidents] == ["KP", "KP"]
    for number, incident in enumerate(report.networks.incidents):
        assert [(m.entity.code, m.number) for m in incident.members] == [("KP", number), ("AS131279", number)]
        assert [(m.entity.code, m.part) for m in incident.explained_by] == [("AS131279", 1)]
        assert (incident.lost, incident.explained) == (1, 1)


def test_what_is_told_of_the_country_does_not_change(case):
    ranges = load_geo([case.geo], to_datetime(DAY[0]).date())
    replay = replay_archives(Window(*DAY), [case.mrt], watch=watch_of([KP], ranges))
    votes = merge_votes(list(replay.parts), *DAY)
    plain = report_on(KP, replay, votes, ranges)
    told = report_on(KP, replay, votes, ranges, networks=True)
    assert plain.networks is None
    assert told.networks is not None
    assert told.outages == plain.outages
    assert told.coverage == plain.coverage
    for name in Level.__dataclass_fields__:
        assert np.array_equal(getattr(told.history.level, name), getattr(plain.history.level, name), equal_nan=True)


def test_one_of_the_two_networks_of_rwanda_explains_it_on_the_real_archive(shared_data: Path):
    report = analyze_files(
        parse_entity("RW"),
        parse_time("2008-02-19T05:00Z"),
        parse_time("2008-02-19T14:00Z"),
        [shared_data / "mrt" / "route-views2-2008-02-19"],
        geo=[shared_data / "reference" / "delegated-2016" / "delegated-afrinic-extended-latest"],
    )
    assert report.networks.total == 2
    (incident,) = report.networks.incidents
    assert incident.entity == report.entity
    assert [(m.entity.code, m.part, m.outage.depth) for m in incident.explained_by] == [("AS36934", 256 / 272, 1)]
    assert incident.explained == pytest.approx(1)
    assert incident.lost == pytest.approx(256 / 272)


class TwoNetworks(Archive):
    """Three prefixes of one network, the last of another."""

    def route(self, peer, prefix, variant=0):
        route = super().route(peer, prefix, variant)
        return replace(route, as_path=(*route.as_path[:-1], SECOND_AS)) if prefix == OWN[3] else route


def analyzed(archive: Archive, folder: Path):
    archive.talk()
    return analyze(archive, folder)


def test_the_network_that_was_lost_is_told_from_the_one_that_stayed(tmp_path):
    archive = TwoNetworks({"rrc00": 3, "rrc01": 3})
    archive.lose(archive.peers(), 90, 150, prefixes=OWN[:3])
    report = analyzed(archive, tmp_path)
    assert [outage.depth for outage in report.outages] == [0.75]
    assert report.networks.total == 2
    (lost,) = report.networks.lost
    assert (lost.entity.code, lost.before) == ("AS131279", (Holding("bgp.visible_slash24", 3, 4),))
    assert lost.outages[0].depth == 1
    (incident,) = report.networks.incidents
    assert [m.entity.code for m in incident.members] == ["KP", "AS131279"]
    assert [m.entity.code for m in incident.explained_by] == ["AS131279"]
    assert incident.explained == pytest.approx(1)


def test_one_after_the_other_each_counts_by_what_was_there_before_the_first_fell(tmp_path):
    archive = TwoNetworks({"rrc00": 3, "rrc01": 3})
    archive.lose(archive.peers(), 90, 180, prefixes=OWN[:3])
    archive.lose(archive.peers(), 110, 170, prefixes=OWN[3:])
    report = analyzed(archive, tmp_path)
    assert [(one.entity.code, one.before[0].part, one.before[0].whole) for one in report.networks.lost] == [
        ("AS131279", 3, 4),
        (f"AS{SECOND_AS}", 1, 4),
    ]
    (incident,) = report.networks.incidents
    assert [m.entity.code for m in incident.explained_by] == ["AS131279", f"AS{SECOND_AS}"]
    assert incident.explained == pytest.approx(1)


def test_a_network_that_falls_while_the_country_stands(tmp_path):
    """A quarter for a few minutes is no outage of the country, and all of the network."""
    archive = TwoNetworks({"rrc00": 3, "rrc01": 3})
    archive.lose(archive.peers(), 90, 98, prefixes=OWN[3:])
    report = analyzed(archive, tmp_path)
    assert report.outages == ()
    (lost,) = report.networks.lost
    assert lost.entity.code == f"AS{SECOND_AS}"
    assert worst_loss(lost) == 0.25
    (incident,) = report.networks.incidents
    assert (incident.entity, incident.explained_by) == (lost.entity, ())


def steps(*rows: tuple[int, float]) -> Level:
    times = np.array([time for time, _ in rows], np.int64)
    values = np.array([value for _, value in rows])
    zero = np.zeros(len(rows))
    return Level(10**12, times, values, values, 2 * values, zero, zero, zero + 9, zero.astype(np.uint8))


HOUR_US = 3_600_000_000


def holding(part, whole, outage, around):
    """What both had, read from levels as is counted for the outage."""
    signal = counted_as(outage)
    return holdings.holding(steps_of(part, signal), steps_of(whole, signal), outage, around)


def test_a_share_is_that_before_the_whole_began_to_fall():
    part, whole = steps((0, 4.0), (2 * HOUR_US, 0.0)), steps((0, 20.0), (HOUR_US, 10.0), (2 * HOUR_US, 6.0))
    mine, national = out(2, 3), out(1, 4, 0.7)
    space = {"signals": ("bgp.visible_slash24",)}
    assert holding(part, whole, replace(mine, **space), [national]) == Holding("bgp.visible_slash24", 4, 20)
    assert holding(part, whole, replace(mine, **space), []) == Holding("bgp.visible_slash24", 4, 10)
    six = replace(mine, signals=("bgp.visible_slash48", "bgp.visible_prefixes"))
    assert holding(part, whole, six, [national]) == Holding("bgp.visible_slash48", 8, 40)


def test_a_share_is_looked_for_where_both_were_watched():
    whole = steps((0, np.nan), (HOUR_US // 2, 8.0))
    told = replace(out(1, 1), signals=("bgp.visible_slash24",))
    assert holding(steps((0, 2.0), (HOUR_US, 0.0)), whole, told, []).share == 0.25
    late = replace(told, onset=When(5, 10, 7, NO_REASON))
    assert holding(steps((0, 2.0), (HOUR_US, 0.0)), whole, late, []).share == 0.25
    assert holding(steps((0, 0.0)), whole, told, []) is None
    assert holding(steps((0, np.nan)), whole, told, []) is None
    assert holding(steps((0, 9.0), (HOUR_US, 0.0)), whole, told, []).share == 1


def test_outages_that_do_not_touch_say_nothing_of_each_other():
    assert before(out(5, 1), [out(1, 2), out(8, 1)]) == 5 * HOUR_US - 1
    assert before(out(5, 1), [out(3, 2), out(8, 1, lasts=True)]) == 3 * HOUR_US - 1
    assert before(out(5, 1, lasts=True), [out(1, 2), out(8, 1)]) == 5 * HOUR_US - 1


def test_quiet_hours_hold_no_lost_network_of_a_country(tmp_path):
    report = analyzed(Archive({"rrc00": 3, "rrc01": 3}), tmp_path)
    assert (report.networks.total, report.networks.lost, report.networks.incidents) == (1, (), ())
    assert at(0) == report.from_us
