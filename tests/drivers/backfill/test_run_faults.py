"""Days of archives that are spoiled: each fault stays with its file, is named, and is tried again."""

import errno
import gzip
import os
import random
import shutil
from pathlib import Path

import pytest

from duskwatch.drivers.backfill import course as courses
from duskwatch.drivers.backfill import plan as plans
from duskwatch.drivers.backfill import tasks as backfill_tasks
from duskwatch.drivers.backfill.run import run
from duskwatch.records.entity import parse_entity
from duskwatch.records.times import HOUR, MINUTE, to_datetime
from duskwatch.sources.bgp.archives import find as archive_files
from duskwatch.sources.bgp.archives import read as reading_archives
from duskwatch.sources.files.pieces import open_pieces
from duskwatch.store import Store, maintenance
from tests.days_archive import COLLECTORS, DARK, day_us, dump_of, updates_of
from tests.drivers.backfill import poisoned
from tests.drivers.backfill.backfilling import (
    assert_same_tables,
    gaps_of,
    outages_of,
    parts_of,
    plan_of,
    work_of,
)
from tests.small_archive import at

KP = parse_entity("KP")
# The last three found that a part which had failed was not taken up when it had been folded by a run cut short.
SEEDS = range(int(os.environ.get("DUSKWATCH_BACKFILL_SEEDS", "0"))) or (0, 27, 46, 54)
TALK = 10 * MINUTE  # every peer says something that often
FIRST, SECOND_DAY, THIRD = (to_datetime(day_us(n)).date() for n in range(3))


def spoil(how: str, path: Path) -> None:
    """Do it to a file that was found before."""
    if how == "vanished":
        path.unlink()
    elif how == "a folder":
        path.unlink()
        path.mkdir()
    elif how == "a loop":
        path.unlink()
        path.symlink_to(path.name)


@pytest.mark.parametrize(
    ("how", "reason"),
    [("vanished", "No such file"), ("a folder", "Is a directory"), ("a loop", "Too many levels of symbolic links")],
)
def test_a_file_that_cannot_be_read_fails_its_part_alone_and_is_tried_again(mine, whole, tmp_path, how, reason):
    mrt, geo = mine
    store, kept = tmp_path / "store", tmp_path / "kept.gz"
    plan = plan_of(store, geo)
    path = updates_of(mrt, "rrc01", 1, 12)
    shutil.copy2(path, kept)
    parts = parts_of(mrt)
    spoil(how, path)
    summary = run(parts, plan)
    (failure,) = summary.failures
    assert failure.name == f"rrc01 {SECOND_DAY}"
    assert path.name in failure.reason
    assert reason in failure.reason
    assert (summary.parts, summary.days) == (8, 3)
    assert gaps_of(store) == [("rrc01", day_us(1), day_us(2))]
    # The others' voice was enough: two of three collectors.
    assert [one[5].onset.best_us for one in outages_of(store)] == [one[5].onset.best_us for one in outages_of(whole)]
    # The same again: it is tried, and nothing else is done.
    summary = run(parts, plan)
    assert [failure.name for failure in summary.failures] == [f"rrc01 {SECOND_DAY}"]
    assert (summary.parts, summary.days, summary.days_reused) == (0, 0, 3)
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    shutil.copy2(kept, path)
    summary = run(parts_of(mrt), plan)
    assert (summary.parts, summary.failures) == (1, [])
    assert_same_tables(store, whole)
    assert work_of(store) == work_of(whole)


def test_a_dump_that_vanished_fails_its_part(mine, tmp_path):
    mrt, geo = mine
    parts = parts_of(mrt, 0, 2)
    dump_of(mrt, "route-views2", 0).unlink()
    summary = run(parts, plan_of(tmp_path / "store", geo))
    assert [failure.name for failure in summary.failures] == [f"route-views2 {FIRST}"]
    assert summary.days == 2


def test_a_file_cut_off_is_read_up_to_there_and_the_rest_is_a_gap(mine, whole, tmp_path):
    mrt, geo = mine
    path = updates_of(mrt, "rrc00", 2, 4)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    summary = run(parts_of(mrt), plan_of(tmp_path / "store", geo))
    assert summary.failures == []
    (damaged,) = summary.damaged
    assert damaged.startswith(f"{THIRD}: rrc00 {path.name}: ")
    gaps = gaps_of(tmp_path / "store")
    ((from_us, until_us),) = (gap[1:] for gap in gaps if gap[0] == "rrc00")
    assert day_us(2) + 4 * HOUR < from_us < until_us == day_us(2) + 6 * HOUR
    # Its peers are not known to live until they are heard again.
    assert all(source.startswith("rrc00") and end <= until_us + TALK for source, _, end in gaps)
    assert [one[5] for one in outages_of(tmp_path / "store")] == [one[5] for one in outages_of(whole)]


@pytest.mark.parametrize("inside", [True, False], ids=["garbage in the middle", "nothing but garbage"])
def test_garbage_damages_its_own_file_and_is_named(mine, whole, tmp_path, inside):
    mrt, geo = mine
    path = updates_of(mrt, "route-views2", 1, 20)
    if inside:
        data = gzip.decompress(path.read_bytes())
        path.write_bytes(gzip.compress(data[:5000] + os.urandom(3000) + data[8000:]))
    else:
        path.write_bytes(os.urandom(5000))
    summary = run(parts_of(mrt), plan_of(tmp_path / "store", geo))
    assert summary.failures == []
    if inside:
        told = [*summary.damaged, *summary.warnings]
        assert any("route-views2" in text for text in told)
    gaps = gaps_of(tmp_path / "store")
    spoilt = day_us(1) + 20 * HOUR, day_us(1) + 22 * HOUR
    assert all(source.startswith("route-views2") for source, _, _ in gaps)
    assert all(spoilt[0] <= start and end <= spoilt[1] + TALK for _, start, end in gaps)
    assert inside or ("route-views2", *spoilt) in gaps
    assert [one[5] for one in outages_of(tmp_path / "store")] == [one[5] for one in outages_of(whole)]


def test_a_file_that_cannot_be_read_fails_its_part_alone(archive, tmp_path, monkeypatch):
    """From the first look at the folder on; as on a disk that is going bad, so that it shows for root too."""
    mrt, geo = archive
    broken = updates_of(mrt, "rrc01", 1, 4)

    def reading(path, *arguments, **named):
        if Path(path) == broken:
            raise OSError(errno.EIO, "Input/output error", str(path))
        return open_pieces(path, *arguments, **named)

    for module in (archive_files, reading_archives):
        monkeypatch.setattr(module, "open_pieces", reading)
    summary = run(parts_of(mrt), plan_of(tmp_path / "store", geo))
    (failure,) = summary.failures
    assert failure.name == f"rrc01 {SECOND_DAY}"
    assert failure.reason == f"{broken}: Input/output error"
    assert (summary.parts, summary.days) == (8, 3)
    assert gaps_of(tmp_path / "store") == [("rrc01", day_us(1), day_us(2))]


def test_over_a_day_that_cannot_be_read_it_stays_known_what_is_gone(archive, whole, tmp_path, monkeypatch):
    mrt, geo = archive
    plan = plan_of(tmp_path / "store", geo)
    fold = backfill_tasks.fold_part

    def failing(part, *arguments):
        return "by will" if part.day == SECOND_DAY else fold(part, *arguments)

    monkeypatch.setattr(courses, "fold_part", failing)
    for folded in (6, 0):
        summary = run(parts_of(mrt), plan)
        assert (summary.parts, len(summary.failures)) == (folded, 4)
        first, third = (plans.record_of(plan, day) for day in (FIRST, THIRD))
        assert third.before == first.after
    monkeypatch.setattr(courses, "fold_part", fold)
    assert run(parts_of(mrt), plan).failures == []
    assert_same_tables(plan.work.parent, whole)
    assert work_of(plan.work.parent) == work_of(whole)


def test_what_makes_a_kernel_raise_fails_its_part_alone(archive, tmp_path, monkeypatch):
    mrt, geo = archive
    monkeypatch.setattr(backfill_tasks, "replay_collector", poisoned.raise_in("rrc00"))
    summary = run(parts_of(mrt, 0, 2), plan_of(tmp_path / "store", geo))
    assert [(failure.name, failure.reason) for failure in summary.failures] == [
        (f"rrc00 {day}", "IndexError: index is out of bounds") for day in (FIRST, SECOND_DAY)
    ]
    assert sorted(gaps_of(tmp_path / "store")) == [("rrc00", day_us(n), day_us(n + 1)) for n in range(2)]


def test_a_day_of_which_nothing_can_be_read_is_a_gap_and_not_stored(mine, tmp_path):
    mrt, geo = mine
    plan = plan_of(tmp_path / "store", geo)
    parts = parts_of(mrt)
    paths = [updates_of(mrt, collector, 1, 2) for collector in COLLECTORS]
    for path in paths:
        path.unlink()
    summary = run(parts, plan)
    assert [failure.name for failure in summary.failures][-1] == f"day {SECOND_DAY}"
    assert len(summary.failures) == 4
    assert Store.open(tmp_path / "store").days() == [FIRST, THIRD]
    assert sorted(gaps_of(tmp_path / "store")) == sorted((name, day_us(1), day_us(2)) for name in COLLECTORS)
    # The loss is seen on the first day; the end, in the dark day, cannot be.
    (first, *_) = (one.newest.outage for one in Store.open(tmp_path / "store").outages(entities=[KP]))
    assert first.onset.best_us == pytest.approx(at(DARK[0]), abs=9_000_000)


@pytest.mark.parametrize(
    ("step", "folded_again"),
    [
        pytest.param("merge_collectors", 3, id="counted"),  # the third day did not know of the second: it is done again
        pytest.param("measure_day", 0, id="stored"),
    ],
)
def test_a_day_that_cannot_be_done_fails_alone_and_is_tried_again(
    archive, whole, tmp_path, monkeypatch, step, folded_again
):
    mrt, geo = archive
    plan = plan_of(tmp_path / "store", geo)
    call = getattr(backfill_tasks, step)

    def failing(day, *arguments):
        if day == SECOND_DAY:
            raise ValueError("no such day")
        return call(day, *arguments)

    monkeypatch.setattr(backfill_tasks, step, failing)
    summary = run(parts_of(mrt), plan)
    assert [(one.name, one.reason) for one in summary.failures] == [(f"day {SECOND_DAY}", "ValueError: no such day")]
    monkeypatch.setattr(backfill_tasks, step, call)
    summary = run(parts_of(mrt), plan)
    assert (summary.failures, summary.parts, summary.reused) == ([], folded_again, 3)
    assert_same_tables(plan.work.parent, whole)
    assert work_of(plan.work.parent) == work_of(whole)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_failed_before_a_run_without_failures_ends_like_the_first(archive, whole, tmp_path, monkeypatch, seed):
    """Windows, failures of parts and days, days taken out, drawn by lot; then one run of all."""
    mrt, geo = archive
    plan = plan_of(tmp_path / "store", geo)
    dice = random.Random(seed)
    monkeypatch.setattr(courses, "KNOWN_EVERY", dice.choice([1, 2, 7]))
    steps = {name: getattr(backfill_tasks, name) for name in ("fold_part", "count_day", "store_day")}

    def unsafe(call):
        return lambda *arguments: "by lot" if dice.random() < 0.25 else call(*arguments)

    for _ in range(dice.randint(1, 4)):
        first = dice.randrange(3)
        with monkeypatch.context() as patch:
            for name, step in steps.items():
                patch.setattr(courses, name, unsafe(step))
            run(parts_of(mrt, first, dice.randint(first + 1, 3)), plan, redo=dice.random() < 0.2)
        if dice.random() < 0.2:
            maintenance.retain(Store.open(plan.store).location, SECOND_DAY)
        if dice.random() < 0.2:
            shutil.rmtree(plan.work / dice.choice(["parts", "days", "known"]), ignore_errors=True)
    assert run(parts_of(mrt), plan).failures == []
    assert_same_tables(plan.work.parent, whole)
    assert run(parts_of(mrt), plan).days_reused == 3


def test_what_is_gone_stays_known_over_a_day_that_fails_once_what_was_known_before_it_was_cleared(
    mine, tmp_path, monkeypatch
):
    mrt, geo = mine
    plan = plan_of(tmp_path / "store", geo)
    run(parts_of(mrt), plan)
    first = plans.record_of(plan, FIRST)
    assert not plans.known_path(plan, FIRST, first.after).exists()
    for collector in COLLECTORS:
        os.utime(updates_of(mrt, collector, 1), (1, 1))
    fold = backfill_tasks.fold_part
    monkeypatch.setattr(
        courses, "fold_part", lambda part, *rest: "by will" if part.day == SECOND_DAY else fold(part, *rest)
    )
    summary = run(parts_of(mrt), plan)
    assert [one.name for one in summary.failures].count(f"day {SECOND_DAY}") == 1
    assert (plans.record_of(plan, THIRD).before, summary.days_reused) == (first.after, 0)
