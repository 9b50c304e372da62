"""Days of archives into a store: the same as an analysis, however it is cut, done again, or spoiled."""

import os
import re
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from duskwatch.analysis.entity import analyze
from duskwatch.detection import DetectionConfig
from duskwatch.drivers.backfill import course as courses
from duskwatch.drivers.backfill import plan as plans
from duskwatch.drivers.backfill import results as backfill_files
from duskwatch.drivers.backfill import run as running
from duskwatch.drivers.backfill import search as searching
from duskwatch.drivers.backfill import tasks as backfill_tasks
from duskwatch.drivers.backfill.course import _Course, count_memory, part_memory, search_memory, store_memory
from duskwatch.drivers.backfill.plan import DaySummary, Part, plan_parts
from duskwatch.drivers.backfill.run import _alone, run
from duskwatch.drivers.backfill.search import find_outages, histories, most_read, searches
from duskwatch.drivers.backfill.workers import BackfillError, Task, Workers
from duskwatch.records.entity import Entity, parse_entity
from duskwatch.records.times import DAY, HOUR, MINUTE, to_datetime
from duskwatch.signals.bgp.from_log import VoterSteps
from duskwatch.sources.bgp.archives.find import ArchiveFile, find_files
from duskwatch.store import Store, maintenance
from duskwatch.store.incidents import stored_incidents
from duskwatch.store.revisions import dismiss_outage
from tests.days_archive import DARK, HALF, day_us, updates_of
from tests.drivers.backfill import poisoned
from tests.drivers.backfill.backfilling import (
    assert_same,
    assert_same_tables,
    gaps_of,
    incidents_of,
    orphans_of,
    outages_of,
    parts_of,
    plan_of,
    tables_of,
    work_of,
)
from tests.small_archive import at

KP = parse_entity("KP")
# The last three found that a part which had failed was not taken up when it had been folded by a run cut short.
SEEDS = range(int(os.environ.get("DUSKWATCH_BACKFILL_SEEDS", "0"))) or (0, 27, 46, 54)
TALK = 10 * MINUTE  # every peer says something that often
FIRST, SECOND_DAY, THIRD = (to_datetime(day_us(n)).date() for n in range(3))


def test_outages_of_a_country_its_network_and_a_prefix_are_incidents(whole):
    both = stored_incidents(Store.open(whole).events())
    assert [(one.title, one.state, one.revision) for one in both] == [
        (
            (
                "North Korea (KP), 2 March 2020, 22:30 to 3 March, 01:15 UTC, 100 % lost; AS131279, which is all "
                "of KP, explains it"
            ),
            "ended",
            1,
        ),
        (
            (
                "North Korea (KP), 4 March 2020, 10:00 to 11:00 UTC, 50 % lost; AS131279, which is all of KP, "
                "explains it"
            ),
            "ended",
            1,
        ),
    ]
    for one in both:
        assert [(m["entity"], m["share"]) for m in one.document["members"]] == [
            ("KP", 1), ("AS131279", 1), ("175.45.176.0/22", 1),
        ]  # fmt: skip
        assert (one.document["lost"], one.document["explained"]) == ((1, 1) if one is both[0] else (0.5, 1))


def test_incidents_found_again_add_nothing_and_leave_out_what_a_person_dismissed(archive, whole, tmp_path):
    mrt, geo = archive
    folder = shutil.copytree(whole, tmp_path / "store")
    before = incidents_of(folder)
    again = run(parts_of(mrt), plan_of(folder, geo))
    assert again.incidents == 2
    assert incidents_of(folder) == before
    events = Store.open(folder).events()
    for uid in stored_incidents(events)[0].outages:
        dismiss_outage(events, uid, by="A. Reader", why="a test")
    assert run(parts_of(mrt), plan_of(folder, geo)).incidents == 1
    assert [one[3] for one in incidents_of(folder)] == ["withdrawn", "ended"]


def test_outages_are_those_of_an_analysis_of_the_whole_window(whole, archive):
    mrt, geo = archive
    for entity in (KP, parse_entity("AS131279"), parse_entity("175.45.176.0/22")):
        report = analyze(entity, day_us(0), day_us(3), [mrt], geo=[geo] if entity.type == "country" else (), threads=1)
        stored = [one.newest.outage for one in Store.open(whole).outages(entities=[entity])]
        assert len(stored) == 2
        for mine, other, (lost, back) in zip(stored, report.outages, (DARK, HALF), strict=True):
            assert (mine.onset.best_us, mine.end.best_us) == (other.onset.best_us, other.end.best_us)
            assert (mine.dark_from, mine.dark_until) == (other.dark_from, other.dark_until)
            assert mine.phases == other.phases
            assert mine.depth == pytest.approx(other.depth, abs=1e-6)
            for when, minute in ((mine.onset, lost), (mine.end, back)):
                assert when.earliest_us <= at(minute) + 9_000_000
                assert when.latest_us >= at(minute)
                assert abs(when.best_us - at(minute)) <= 9_000_000
    assert not Store.open(whole).outages(entities=[parse_entity("JP")])


def test_the_midnight_in_the_dark_is_no_seam(whole):
    """The table dump at midnight lacks the country; what is known from the day before says that it is gone."""
    level = Store.open(whole).history(KP, day_us(0), day_us(3)).level
    at_midnight = [float(level.prefixes[level.time_us <= day_us(1) + minute * 60_000_000][-1]) for minute in (-5, 5)]
    assert at_midnight == [0.0, 0.0]


def test_signals_are_those_of_an_analysis(whole, archive):
    mrt, geo = archive
    report = analyze(KP, day_us(0), day_us(3), [mrt], geo=[geo], threads=1)
    block = Store.open(whole).history(KP, day_us(0), day_us(3)).signals
    for name in ("bgp.visible_prefixes", "bgp.visible_slash24", "bgp.peers_live"):
        assert block.series(name).tolist() == report.history.signals.series(name).tolist(), name


def test_two_workers_leave_the_same_tables(archive, whole, tmp_path):
    mrt, geo = archive
    told = []
    summary = run(parts_of(mrt), plan_of(tmp_path / "store", geo), workers=2, progress=lambda *said: told.append(said))
    assert (summary.parts, summary.days) == (9, 3)
    assert_same(tmp_path / "store", whole)
    assert work_of(tmp_path / "store") == work_of(whole)
    assert not orphans_of(tmp_path / "store")
    total = sum(part.size_bytes for part in parts_of(mrt))
    assert told[-1] == ("detecting", total, total)
    done = [done for _, done, _ in told]
    assert done == sorted(done)
    assert {total for _, _, total in told} == {total}
    assert {name for name, _, _ in told} >= {"rrc00 2020-03-02", f"day {THIRD}"}


def test_outages_searched_for_entity_by_entity_are_the_same(archive, whole, tmp_path, monkeypatch):
    mrt, geo = archive
    monkeypatch.setattr(running, "LEAST_SEARCHED", 1)
    monkeypatch.setattr(running, "SEARCHES", 1000)
    pieces = []

    def counted(plan, search):
        pieces.append(search.entities)
        return find_outages(plan, search)

    monkeypatch.setattr(backfill_tasks, "find_outages", counted)
    plan = plan_of(tmp_path / "store", geo)
    run(parts_of(mrt), plan)
    assert len(pieces) > 1
    assert {len(own) for own in pieces} == {1}
    assert_same(tmp_path / "store", whole)
    assert not (plan.work / "outages").exists()


def test_countries_are_read_few_at_a_time_and_networks_many(whole, monkeypatch):
    store = Store.open(whole)
    entities = [parse_entity(code) for code in ("AS131279", "AS65010", "KP", "SE", "175.45.176.0/22")]
    span = day_us(0), day_us(3)
    expected = list(histories(store, entities, *span))
    assert [entity for entity, _ in expected] == entities
    asked = []
    rows = Store.rows

    def counted(self, name, *, entities=None, **more):
        if name == "changes":
            asked.append([entity.code for entity in entities])
        return rows(self, name, entities=entities, **more)

    monkeypatch.setattr(Store, "rows", counted)
    monkeypatch.setattr(searching, "DAY_COUNTRIES", 3)
    for (_, one), (_, other) in zip(histories(store, entities, *span), expected, strict=True):
        for name in ("time_us", "slash24", "voters"):
            np.testing.assert_array_equal(getattr(one.level, name), getattr(other.level, name))
        np.testing.assert_array_equal(one.changes.time_us, other.changes.time_us)
    assert asked == [["AS131279", "AS65010"], ["KP"], ["SE"], ["175.45.176.0/22"]]


def test_days_counted_from_mapped_files_are_the_same(archive, whole, tmp_path, monkeypatch):
    mrt, geo = archive
    monkeypatch.setattr(backfill_files, "MAPPED_FROM", 0)
    run(parts_of(mrt), plan_of(tmp_path / "store", geo))
    assert_same(tmp_path / "store", whole)


def test_a_search_over_many_days_is_cut_for_all_workers():
    """As many pieces as were asked for, whatever the number of days; none smaller than it should be, none lost."""
    low, high = np.zeros((1000, 3), np.float32), np.ones((1000, 3), np.float32)
    codes, shares = tuple(f"AS{n}" for n in range(1, 1001)), np.ones(1000, np.float32)
    nine = np.full(1, 9, np.int32)
    days = [
        DaySummary(
            FIRST + timedelta(days=k), day_us(k), day_us(k + 1), codes, low, high, shares, False, (), (),
            VoterSteps(np.array([day_us(k)]), nine, nine),
        )
        for k in range(8)
    ]  # fmt: skip
    for pieces, least, sizes in ((8, 1, [125] * 8), (8, 300, [300, 300, 300, 100]), (3000, 1, [1] * 1000)):
        found = searches(days, pieces, least, DetectionConfig())
        assert [len(search.entities) for search in found] == sizes
        assert [entity.code for search in found for entity in search.entities] == sorted(codes)
        assert {(search.from_us, search.until_us) for search in found} == {(day_us(0), day_us(8))}


def test_a_search_that_fails_is_named_and_the_next_run_goes_on(archive, whole, tmp_path, monkeypatch):
    mrt, geo = archive
    plan = plan_of(tmp_path / "store", geo)
    with monkeypatch.context() as patch:
        patch.setattr(backfill_tasks, "find_outages", lambda *_: [][0])
        with pytest.raises(BackfillError, match=r"outages of .* could not be found: Index"):
            run(parts_of(mrt), plan)
    summary = run(parts_of(mrt), plan)
    assert (summary.parts, summary.days, summary.days_reused) == (0, 0, 3)
    assert_same(tmp_path / "store", whole)


def test_a_run_repeated_does_nothing_and_redone_changes_nothing(archive, whole, tmp_path):
    mrt, geo = archive
    store = tmp_path / "store"
    shutil.copytree(whole, store)
    plan = plan_of(store, geo)
    run(parts_of(mrt), plan)  # another place is another store
    before = tables_of(store), outages_of(store), work_of(store)
    files = {path: path.stat().st_mtime_ns for path in store.rglob("*.json")}
    summary = run(parts_of(mrt), plan)
    assert (summary.parts, summary.reused, summary.days, summary.days_reused) == (0, 0, 0, 3)
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*.json")} == files
    summary = run(parts_of(mrt), plan, redo=True)
    assert (summary.parts, summary.reused, summary.days, summary.days_reused) == (9, 0, 3, 0)
    after = tables_of(store)
    for name, table in before[0].items():
        assert after[name].equals(table), name
    assert (outages_of(store), work_of(store)) == before[1:]


@pytest.mark.parametrize("split", [1, 2])
def test_a_longer_window_later_goes_on_from_the_day_before(archive, whole, tmp_path, split):
    """Also where the first window ends in the middle of the outage, as it does after one day."""
    mrt, geo = archive
    plan = plan_of(tmp_path / "store", geo)
    run(parts_of(mrt, 0, split), plan)
    summary = run(parts_of(mrt), plan)
    assert (summary.days, summary.days_reused, summary.parts) == (3 - split, split, 3 * (3 - split))
    assert_same_tables(plan.work.parent, whole)
    assert [one[5] for one in outages_of(plan.work.parent)] == [one[5] for one in outages_of(whole)]


def test_a_window_that_grows_within_a_day_does_that_day_again_and_no_other(archive, whole, tmp_path):
    mrt, geo = archive
    plan = plan_of(tmp_path / "store", geo)
    files = find_files([mrt])[0]
    for hours in (30, 36, 48):
        summary = run(plan_parts(files, day_us(0), day_us(0) + hours * HOUR), plan)
        assert (summary.days, summary.days_reused) == ((2, 0) if hours == 30 else (1, 1))
    run(parts_of(mrt), plan)
    assert_same_tables(plan.work.parent, whole)
    assert work_of(plan.work.parent) == work_of(whole)


def test_days_that_follow_in_a_window_of_their_own_know_what_was_there(archive, whole, tmp_path):
    mrt, geo = archive
    plan = plan_of(tmp_path / "store", geo)
    for first in range(3):
        run(parts_of(mrt, first, first + 1), plan)
    assert_same_tables(plan.work.parent, whole)
    summary = run(parts_of(mrt), plan)
    assert (summary.days, summary.days_reused) == (0, 3)


def test_a_window_within_one_that_was_stored_does_not_forget(archive, whole, tmp_path):
    """What was known before its first day is no longer there; the day is stored as good as it can be."""
    mrt, geo = archive
    store = tmp_path / "store"
    plan = plan_of(store, geo)
    run(parts_of(mrt), plan)
    summary = run(parts_of(mrt, 1), plan)
    assert (summary.days, summary.days_reused) == (0, 2)
    assert tables_of(store)["levels"].equals(tables_of(whole)["levels"])


def test_a_day_whose_files_changed_is_done_again_and_so_is_what_rests_on_it(mine, whole, tmp_path):
    mrt, geo = mine
    store = tmp_path / "store"
    plan = plan_of(store, geo)
    run(parts_of(mrt), plan)
    known = work_of(store)
    os.utime(updates_of(mrt, "rrc01", 1), (1, 1))
    summary = run(parts_of(mrt), plan)
    # The first day is done again for what is known after it; the third stays, for nothing else is known than before.
    assert (summary.days, summary.days_reused, summary.failures) == (2, 1, [])
    assert work_of(store) == known
    assert_same(store, whole)


def test_where_it_is_kept_what_was_known_the_days_before_need_not_be_done_again(mine, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(courses, "KNOWN_EVERY", 1)
    mrt, geo = mine
    plan = plan_of(tmp_path / "store", geo)
    run(parts_of(mrt), plan)
    os.utime(updates_of(mrt, "rrc01", 2), (1, 1))
    summary = run(parts_of(mrt), plan)
    assert (summary.parts, summary.days, summary.days_reused) == (3, 1, 2)
    assert_same(plan.work.parent, whole)


def test_what_killed_tasks_left_in_the_work_folder_is_removed(archive, whole, tmp_path):
    mrt, geo = archive
    plan = plan_of(tmp_path / "store", geo)
    for name in ("parts/2020-03-02-rrc00-0.pickle.1.tmp", "days/2020-03-02.pickle.2.tmp", "spool/2020-03-02-x/1.arrow",
                 "known/2020-03-02-0.pickle.3.tmp", "parts/2020-03-02-rrc00-0123456789abcdef.pickle"):  # fmt: skip
        path = plan.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    run(parts_of(mrt), plan)
    assert work_of(plan.work.parent) == work_of(whole)


def test_a_plan_that_asks_for_other_things_takes_nothing_for_done(archive, tmp_path):
    mrt, geo = archive
    store = tmp_path / "store"
    for kinds in (("country",), ("country", "asn"), ("country",)):
        plan = plan_of(store, geo, kinds=kinds)
        summary = run(parts_of(mrt, 0, 1), plan)
        assert (summary.days, summary.days_reused) == (1, 0)
        found = Store.open(store).rows("levels").collect()["entity_type"].unique().to_list()
        assert set(found) == {*kinds, "prefix"}


def test_a_day_taken_out_of_the_store_is_done_again(archive, whole, tmp_path):
    mrt, geo = archive
    store = tmp_path / "store"
    plan = plan_of(store, geo)
    run(parts_of(mrt), plan)
    maintenance.retain(Store.open(store).location, SECOND_DAY)
    summary = run(parts_of(mrt), plan)
    assert (summary.days, summary.days_reused) == (1, 2)
    assert_same(store, whole)


def test_each_day_is_of_the_countries_of_its_time(archive, tmp_path):
    """Addresses that change hands between two days; a later window does again only what its own files change."""
    mrt, geo = archive
    other = tmp_path / "later"
    other.write_text(geo.read_text().replace("|KP|", "|KR|").replace("20200301", "20200303"))
    plan = replace(plan_of(tmp_path / "store", geo), geo=(), geo_from=((FIRST, (geo,)), (SECOND_DAY, (other,))))
    run(parts_of(mrt, 0, 1), plan)
    summary = run(parts_of(mrt), plan)
    assert (summary.days, summary.days_reused, summary.failures) == (2, 1, [])
    rows = Store.open(plan.store).rows("levels").collect().filter(pl.col("entity_type") == "country")
    assert rows.select("day", "entity").unique().sort("day", "entity").rows() == [
        (FIRST, "JP"), (FIRST, "KP"), (SECOND_DAY, "JP"), (SECOND_DAY, "KR"), (THIRD, "JP"), (THIRD, "KR"),
    ]  # fmt: skip
    # Incidents too: the network and the prefix are part of the country whose they were on that day.
    told = stored_incidents(Store.open(plan.store).events())
    assert [[member["entity"] for member in one.document["members"]] for one in told if one.from_us >= day_us(2)] == [
        ["KR", "AS131279", "175.45.176.0/22"]
    ]
    assert [one.entity.code for one in told if one.from_us < day_us(1)] == ["KP"]
    assert {"AS131279", "175.45.176.0/22"} <= {member["entity"] for member in told[0].document["members"]}


# Files that are poison. Each spoils its own part, and no more.


def test_damaged_work_is_removed_and_done_again(archive, whole, tmp_path):
    mrt, geo = archive
    plan = plan_of(tmp_path / "store", geo)
    for part in parts_of(mrt, 0, 2):
        path = plans.part_path(plan, part, plans.part_key(part, plan))
        if part.collector == "rrc01":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"\x80\x05")
    (plan.work / "days").mkdir()
    plans.record_path(plan, THIRD).write_bytes(b"nothing")
    summary = run(parts_of(mrt), plan)
    assert [failure.name for failure in summary.failures] == [f"day {FIRST}", f"day {SECOND_DAY}"]
    assert all("run the same command again" in failure.reason for failure in summary.failures)
    assert run(parts_of(mrt), plan).failures == []
    assert tables_of(plan.work.parent)["levels"].equals(tables_of(whole)["levels"])


# Workers that die.


@pytest.fixture
def deadly(monkeypatch) -> None:
    monkeypatch.setattr(courses, "fold_part", poisoned.fold)
    monkeypatch.setattr(courses, "count_day", poisoned.count)
    monkeypatch.setattr(courses, "store_day", poisoned.store)


def test_a_worker_that_dies_is_replaced_and_its_task_begun_again(archive, whole, tmp_path, deadly):
    mrt, geo = archive
    plan = plan_of(tmp_path / "store", geo)
    poisoned.poison(plan, f"rrc01 {SECOND_DAY}", "once")
    poisoned.poison(plan, f"count {FIRST}", "once")
    poisoned.poison(plan, f"store {SECOND_DAY}", "once")
    summary = run(parts_of(mrt), plan, workers=2)
    assert (summary.failures, summary.parts, summary.days) == ([], 9, 3)
    assert_same(plan.work.parent, whole)
    assert work_of(plan.work.parent) == work_of(whole)


def test_a_task_that_kills_its_worker_each_time_is_given_up_and_named(archive, tmp_path, deadly):
    mrt, geo = archive
    plan = plan_of(tmp_path / "store", geo)
    poisoned.poison(plan, f"rrc00 {FIRST}", "always")
    summary = run(parts_of(mrt, 0, 1), plan, workers=2)
    (failure,) = summary.failures
    assert failure.name == f"rrc00 {FIRST}"
    assert "its worker died each time" in failure.reason
    assert (summary.parts, summary.days) == (2, 1)
    assert gaps_of(tmp_path / "store") == [("rrc00", day_us(0), day_us(1))]


def test_half_a_file_of_a_worker_that_died_does_not_outlive_the_run(archive, whole, tmp_path, monkeypatch):
    mrt, geo = archive
    plan = plan_of(tmp_path / "store", geo)
    monkeypatch.setattr(courses, "store_day", poisoned.store_and_leave_half)
    run(parts_of(mrt), plan)
    assert work_of(plan.work.parent) == work_of(whole)


def test_two_runs_in_one_work_folder_are_refused(archive, tmp_path):
    mrt, geo = archive
    plan = plan_of(tmp_path / "store", geo)
    with _alone(plan.work), pytest.raises(BackfillError, match="another backfill is at work"):
        run(parts_of(mrt), plan)


def test_memory_is_told_as_it_was_measured():
    """Rows of the table in docs/reference/backfill.md: what is expected is enough, and not half of it idle."""
    text = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "backfill.md").read_text()
    rows = re.findall(r"^\| (?:gz|bz2).* \| (fold|count|store) .*? \| (\d+) \| (\d+) \| (\d+) \|", text, re.MULTILINE)
    assert len(rows) >= 8
    for task, first, second, peak in rows:
        sizes = int(first) * 10**6, int(second) * 10**6
        if task == "fold":
            files = (ArchiveFile("x", 0, False, Path("d"), sizes[0]), ArchiveFile("x", 0, True, Path("u"), sizes[1]))
            expected = part_memory(Part("x", 0, 1, files))
        else:
            expected = (count_memory if task == "count" else store_memory)(sizes[0])
        assert int(peak) * 10**6 <= expected <= 2.2 * int(peak) * 10**6, (task, first, second, peak)


def test_memory_of_a_search_follows_the_changes_of_the_largest_lot():
    """Rows of the table in docs/reference/backfill.md; what a search is told of is what is read together."""
    text = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "backfill.md").read_text()
    rows = re.findall(r"^\| ([\d,]+) \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    assert len(rows) >= 3
    for changes, peak, expected in rows:
        told = search_memory(int(changes.replace(",", "")))
        assert (round(told / 1e6), int(peak) * 10**6 <= told <= 2.2 * int(peak) * 10**6) == (int(expected), True)
    some = [Entity("country", code) for code in ("KP", "US", "JP")]
    sizes = {"KP": 5, "US": 900, "JP": 40}
    assert [most_read(some, sizes, days * DAY) for days in (1, 14, 40)] == [945, 905, 900]


def test_memory_limits_how_many_work_at_once(archive):
    mrt, _ = archive
    part = parts_of(mrt)[0]
    need = part_memory(part)
    assert need > sum(file.size_bytes for file in part.files)
    task = Task(part.name, print, (), part.day, part, memory=need)
    for memory, at_once in ((0, 3), (1, 1), (2 * need, 2), (10 * need, 3)):
        pool = Workers(1, "", memory)
        pool.pool.slots = lambda: 3  # type: ignore[method-assign]
        begun = 0
        while pool.free(task):
            pool.at[object()] = task  # type: ignore[index]
            begun += 1
        assert begun == at_once, memory


def test_parts_to_count_go_before_days_to_store_until_one_waits_for_each_worker(archive, tmp_path):
    mrt, geo = archive
    parts = parts_of(mrt)
    course = _Course(parts, plan_of(tmp_path / "store", geo), False)
    call = (print, ())
    last = max(part.day for part in parts)
    fold = Task("fold", *call, SECOND_DAY, parts[0], kind=courses.FOLD)
    far = Task("far", *call, last + timedelta(days=9), parts[0], kind=courses.FOLD)
    stores = [Task(f"store {n}", *call, FIRST, kind=courses.STORE) for n in range(2)]
    count = Task("count", *call, SECOND_DAY, kind=courses.COUNT)
    for tasks, first in (
        ([], None),
        ([far], None),  # too many days ahead
        ([far, stores[0]], "store 0"),
        ([stores[0], fold], "fold"),
        ([*stores, fold], "store 0"),
        ([*stores, fold, count], "count"),
        ([*stores, replace(fold, attempts=1), count], "fold"),  # its worker died
    ):
        course.tasks = tasks
        task = course.next_task(2)
        assert (task and task.name) == first
    course.tasks = [*stores, fold]
    assert course.next_task(3) is fold


def test_no_row_is_there_twice(whole):
    for name, table in tables_of(whole).items():
        keys = [column for column in table.columns if not isinstance(table.schema[column], pl.List)]
        assert table.select(keys).n_unique() == table.height, name
