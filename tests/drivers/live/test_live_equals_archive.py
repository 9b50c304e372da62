"""What is fed live gives the outages that `analyze` finds in the same files, to the second."""

import asyncio
from pathlib import Path

import pytest

from duskwatch.analysis.entity import analyze
from duskwatch.analysis.replay import BIN_US
from duskwatch.drivers.live.run import LiveRun, replay_run
from duskwatch.records.entity import parse_entity
from duskwatch.records.report import Report
from duskwatch.records.times import MINUTE, parse_time
from duskwatch.store import Store
from tests.small_archive import START_US, Archive, at, delegations


def fed(folder: Path, mrt: Path, entities: list[str], geo: list[Path], from_us: int, until_us: int) -> LiveRun:
    """Feed archives to a live run as fast as they can be read."""
    store = Store.open(folder / "store", create=True)
    wanted = [parse_entity(code) for code in entities]
    run, _ = replay_run([mrt], wanted, store, geo=geo, from_us=from_us, until_us=until_us, bin_us=BIN_US)
    asyncio.run(run.run())
    return run


def same(run: LiveRun, reports: list[Report]) -> None:
    """Found live, and recorded, is what was found in the archive."""
    for report in reports:
        assert run.watch.found[report.entity.code] == report.outages
        told = run.recorder.store.outages(entities=[report.entity])
        assert [one.newest.outage.onset for one in told] == [one.onset for one in report.outages]
        assert [one.newest.outage.end for one in told] == [one.end for one in report.outages]
        assert [one.newest.outage.phases for one in told] == [one.phases for one in report.outages]


def test_a_small_archive_with_faults(tmp_path):
    """Two outages, a restart of a collector, and a missing file; a country, its network and one of its prefixes."""
    archive = Archive({"rrc91": 4, "rrc92": 3, "route-views.a": 3}, hours=5)
    everybody = archive.peers()
    archive.talk()
    archive.lose(everybody, 95, 140)
    archive.lose(everybody, 240)
    archive.reset(archive.peers("rrc92"), 170, 175)
    mrt = archive.write(tmp_path / "mrt", missing={"route-views.a": (205, 215)})
    geo = [delegations(tmp_path)]
    entities = ["KP", "175.45.177.0/24", "AS131279"]
    reports = [
        analyze(parse_entity(code), START_US, at(300), [mrt], geo=geo, threads=1, networks=False) for code in entities
    ]
    assert [len(report.outages) for report in reports][:2] == [2, 2]
    run = fed(tmp_path, mrt, entities, geo, START_US, at(300))
    same(run, reports)
    # While the second outage lasted it was known: it was recorded more than once, and before the recording ended.
    assert run.watch.evaluations > 10
    history = run.recorder.store.history(parse_entity("KP"), START_US, at(300), source="bgp-live")
    assert (history.level.slash24 == reports[0].history.level.slash24.min()).any()
    assert any(gap.reason == "missing file" for gap in history.gaps)


@pytest.mark.slow
def test_the_demo_case(tmp_path, case):
    entity, window = parse_entity(case.entity), (parse_time("2014-12-22T12:00"), parse_time("2014-12-23T06:00"))
    report = analyze(entity, *window, [case.mrt], geo=[case.geo], networks=False)
    assert report.outages
    same(fed(tmp_path, case.mrt, [case.entity], [case.geo], *window), [report])


@pytest.mark.slow
def test_djibouti_19_february_2008(tmp_path, shared_data):
    folder = shared_data / "mrt" / "route-views2-2008-02-19"
    geo = [shared_data / "reference" / "delegated-2016" / "delegated-afrinic-extended-latest"]
    window = parse_time("2008-02-19T12:00"), parse_time("2008-02-19T15:00")
    report = analyze(parse_entity("DJ"), *window, [folder], geo=geo, networks=False)
    (outage,) = report.outages
    assert abs(outage.onset.best_us - parse_time("2008-02-19T13:07:13")) < MINUTE
    same(fed(tmp_path, folder, ["DJ"], geo, *window), [report])


@pytest.mark.parametrize("speed", [60 * 3600, 20 * 3600])
def test_the_speed_changes_nothing(tmp_path, speed):
    """Blocks given out in slices, each at its time."""
    archive = Archive({"rrc91": 4, "rrc92": 3, "route-views.a": 3}, hours=3)
    archive.talk()
    archive.lose(archive.peers(), 95, 140)
    mrt = archive.write(tmp_path / "mrt")
    geo = [delegations(tmp_path)]
    report = analyze(parse_entity("KP"), START_US, at(180), [mrt], geo=geo, threads=1, networks=False)
    store = Store.open(tmp_path / "store", create=True)
    run, replay = replay_run([mrt], [parse_entity("KP")], store, geo=geo, speed=speed, bin_us=BIN_US)
    asyncio.run(run.run())
    assert replay.status()["files_done"] == replay.status()["files"]
    same(run, [report])
