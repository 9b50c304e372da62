"""One road for a fact: what a store says of a backfilled day is what an analysis of the same files says.

Outages with their phases and reasons, who witnessed each, through whom the entity was reached, which networks were
lost, and what each of them was of its country.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from duskwatch.analysis.entity import analyze
from duskwatch.analysis.judged import judged_stored
from duskwatch.drivers.backfill.plan import Plan, plan_parts
from duskwatch.drivers.backfill.run import run
from duskwatch.records.entity import parse_entity
from duskwatch.records.outages import Outage
from duskwatch.records.report import Report
from duskwatch.records.times import parse_time
from duskwatch.records.transit import OutageTransit
from duskwatch.sources.bgp.archives.find import find_files
from duskwatch.store import Store
from duskwatch.store.incidents import stored_incidents
from duskwatch.store.outages import StoredOutage
from tests.analysis.test_networks import SECOND_AS, TwoNetworks
from tests.days_archive import build, day_us
from tests.small_archive import OWN, Archive, at, delegations


@dataclass(frozen=True)
class Day:
    """A day in a store, and the files that it was made of."""

    store: Store
    mrt: Path
    geo: Path
    window: tuple[int, int]

    def analyzed(self, code: str) -> Report:
        """The report that `analyze` makes."""
        return analyze(parse_entity(code), *self.window, [self.mrt], geo=[self.geo], threads=1, networks=True)

    def outages(self, code: str, within: str = "") -> list[StoredOutage]:
        """What is recorded of an entity, or of its part in a country."""
        found = self.store.outages(entities=[parse_entity(code)])
        return [one for one in found if one.within == within]


def backfilled(mrt: Path, geo: Path, window: tuple[int, int], folder: Path) -> Day:
    """The day, put into a store as the command does."""
    plan = Plan(str(folder / "store"), folder / "work", geo=(geo,))
    summary = run(plan_parts(find_files([mrt])[0], *window), plan)
    assert (summary.days, summary.failures) == (1, [])
    return Day(Store.open(folder / "store"), mrt, geo, window)


def by_place(stored: list[StoredOutage]) -> list[Outage]:
    """Outages with the place of the one that each relapses from in place of its id."""
    place = {one.uid: k for k, one in enumerate(stored)}
    return [
        replace(one.newest.outage, relapse_of=None if (root := one.newest.relapse_of) is None else place[root])
        for one in stored
    ]


def assert_one_answer(day: Day, code: str) -> Report:
    """What is told of a country, by both roads; at least one outage of it, so that there is something to compare."""
    report, stored = day.analyzed(code), day.outages(code)
    assert len(report.outages) > 0
    assert by_place(stored) == list(report.outages)
    concluded = [one.newest.concluded for one in stored]
    assert [len(one) for one in concluded] == [1] * len(stored)
    assert [one.witnesses for (one,) in concluded] == list(report.coverage.witnesses)
    main = max(range(len(stored)), key=lambda k: report.outages[k].score)
    mine, theirs = concluded[main][0].transit, report.history.transit
    assert [(s.upstream, s.from_us, s.until_us) for s in mine] == [(s.upstream, s.from_us, s.until_us) for s in theirs]
    assert_same_ways([one.around for (one,) in concluded], report.around)
    assert [s.share for s in mine] == pytest.approx([s.share for s in theirs], abs=1e-9)
    history = day.store.history(parse_entity(code), *day.window)
    assert (history.learned, history.known_share) == (report.history.learned, report.history.known_share)
    assert judged_stored(day.store, parse_entity(code), *day.window) == report.judged
    assert_same_networks(day, code, report)
    return report


def assert_same_ways(stored: list[OutageTransit | None], told: tuple[OutageTransit | None, ...]) -> None:
    """Ways, what it hung on, changes to the second, who withdrew: of each outage the same by both roads."""
    assert len(stored) == len(told) > 0
    for mine, theirs in zip(stored, told, strict=True):
        assert mine is not None
        assert theirs is not None
        assert repr(mine.turns) == repr(theirs.turns)  # in which NaN is NaN
        assert repr(mine) == repr(theirs)


def assert_same_networks(day: Day, code: str, report: Report) -> None:
    assert report.networks is not None
    lost = {network.entity.code: network for network in report.networks.lost}
    for asn, network in lost.items():
        # A network that lies in one country whole is told whole, another by its part there.
        stored = day.outages(asn, code) or day.outages(asn)
        assert by_place(stored) == list(network.outages), asn
    told = [one for one in stored_incidents(day.store.events()) if one.entity is not None and one.entity.code == code]
    assert len(told) == len(report.networks.incidents) > 0
    for mine, theirs in zip(told, report.networks.incidents, strict=True):
        assert (mine.from_us, mine.until_us) == (theirs.from_us, theirs.until_us)
        members = [(member["entity"], member["share"]) for member in mine.document["members"]]
        assert members == [(member.entity.code, member.part) for member in theirs.members]
        assert [one["entity"] for one in mine.document["explained_by"]] == [m.entity.code for m in theirs.explained_by]
        assert (mine.document["lost"], mine.document["explained"]) == (theirs.lost, theirs.explained)


@pytest.fixture(scope="module")
def february(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Day:
    """19 February 2008 at route-views2: no table dump, so that the state is learned; files with holes."""
    mrt = shared_data / "mrt" / "route-views2-2008-02-19"
    geo = shared_data / "reference" / "delegated-2016" / "delegated-afrinic-extended-latest"
    window = parse_time("2008-02-19"), parse_time("2008-02-20")
    return backfilled(mrt, geo, window, tmp_path_factory.mktemp("february"))


def test_djibouti_of_a_store_is_djibouti_of_an_analysis(february):
    report = assert_one_answer(february, "DJ")
    assert report.networks is not None
    assert [network.entity.code for network in report.networks.lost] == ["AS30990"]


def test_a_state_learned_for_hours_alone_has_one_answer(shared_data, tmp_path):
    """From 10:00 on no state is four hours old, which a country needs of which less is known than of DJ."""
    mrt = shared_data / "mrt" / "route-views2-2008-02-19"
    geo = shared_data / "reference" / "delegated-2016" / "delegated-afrinic-extended-latest"
    for path in mrt.iterdir():
        if "10" <= path.name.split(".")[2][:2] < "15":
            (tmp_path / "mrt").mkdir(exist_ok=True)
            (tmp_path / "mrt" / path.name).symlink_to(path)
    window = parse_time("2008-02-19T10:00"), parse_time("2008-02-19T15:00")
    report = assert_one_answer(backfilled(tmp_path / "mrt", geo, window, tmp_path), "DJ")
    assert report.history.learned
    assert [network.entity.code for network in report.networks.lost] == ["AS30990"]


@pytest.mark.parametrize("code", ["BI", "RW"])
def test_other_countries_of_that_day_have_one_answer_too(february, code):
    """Burundi had two: what a network was of it was counted twice, and differently."""
    assert_one_answer(february, code)


@pytest.mark.parametrize("second_too", [False, True])
def test_a_small_country_of_two_networks_has_one_answer(tmp_path, second_too):
    archive = TwoNetworks({"rrc00": 3, "rrc01": 3}, hours=8)
    archive.lose(archive.peers(), 90, 180, prefixes=OWN[:3])
    archive.lose(archive.peers(), 250, 300)
    if second_too:
        archive.lose(archive.peers(), 110, 170, prefixes=OWN[3:])
    archive.talk()
    day = backfilled(archive.write(tmp_path / "mrt"), delegations(tmp_path), (at(0), at(480)), tmp_path)
    report = assert_one_answer(day, "KP")
    assert {network.entity.code for network in report.networks.lost} == {"AS131279", f"AS{SECOND_AS}"}


def test_an_outage_over_midnight_has_the_witnesses_of_both_days(tmp_path):
    """Each day's testimony is its own; an analysis of all days has one log."""
    mrt, geo = build(tmp_path / "mrt"), delegations(tmp_path)
    run(plan_parts(find_files([mrt])[0], day_us(0), day_us(3)), Plan(str(tmp_path / "s"), tmp_path / "w", geo=(geo,)))
    store = Store.open(tmp_path / "s")
    for code in ("KP", "AS131279"):
        geos = [geo] if code == "KP" else []
        report = analyze(parse_entity(code), day_us(0), day_us(3), [mrt], geo=geos, threads=1)
        stored = store.outages(entities=[parse_entity(code)])
        assert by_place(stored) == list(report.outages)
        assert [one.newest.concluded[0].witnesses for one in stored] == list(report.coverage.witnesses)
        assert all(witnesses is not None and witnesses.lost == 9 for witnesses in report.coverage.witnesses)
        for one in stored:
            spans = sorted({(share.from_us, share.until_us) for share in one.newest.concluded[0].transit})
            outage = one.newest.outage
            # Over the days that the outage touches.
            first, last = day_us(0 if outage.dark_from else 2), day_us(2 if outage.dark_from else 3)
            assert outage.end is not None
            assert spans[0] == (first, outage.onset.best_us)
            assert spans[-1] == (outage.end.best_us, last)


def test_a_network_of_two_countries_has_one_answer_in_each(tmp_path):
    """Half of a network is one country's; what the store tells of that half is measured from the stored change log."""
    archive = Archive({"rrc00": 3, "rrc01": 3}, hours=8)
    archive.lose(archive.peers(), 90, 180, prefixes=OWN[:2])
    archive.lose(archive.peers(), 250, 300, prefixes=OWN[:1])
    archive.lose(archive.peers(), 350, 400, prefixes=OWN[2:])
    archive.talk()
    geo = delegations(tmp_path)
    mine, others = "175.45.176.0|512", "175.45.178.0|512"
    line = "apnic|KP|ipv4|175.45.176.0|1024|20091221|allocated"
    halves = "\n".join(f"apnic|{code}|ipv4|{half}|20091221|allocated" for code, half in (("KP", mine), ("DJ", others)))
    geo.write_text(geo.read_text().replace(line, halves))
    day = backfilled(archive.write(tmp_path / "mrt"), geo, (at(0), at(480)), tmp_path)
    for code, many in (("KP", 2), ("DJ", 1)):
        report = assert_one_answer(day, code)
        assert report.networks is not None
        assert [(one.entity.code, len(one.outages)) for one in report.networks.lost] == [("AS131279", many)]
        assert len(day.outages("AS131279", code)) == many
    whole = by_place(day.outages("AS131279"))
    assert whole == list(day.analyzed("AS131279").outages)
    assert len(whole) == 2  # a quarter of all for 50 min is none
