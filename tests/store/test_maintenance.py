"""Small files merged, old days taken out, files of nobody removed; what is stored reads the same before and after."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from duskwatch.store import Store, maintenance
from duskwatch.store.tables import open_any
from tests.store.build import DAY1, DAY2, DAY3, KP, STAR, put_day, two_days
from tests.store.test_store import check_rows, frame_of, write_checks


@pytest.fixture
def store(tmp_path) -> Store:
    store = Store.open(tmp_path / "store", create=True)
    for day in (DAY1, DAY2):
        put_day(store, day, [(KP, two_days()), (STAR, two_days(2, 5))])
    return store


def parquet(store: Store) -> set[Path]:
    return set(store.location.folder.rglob("*.parquet"))


def test_what_there_is(store):
    found = {one.name: one for one in maintenance.info(store.location)}
    signals = found["signals"]
    assert (signals.first_day, signals.last_day, signals.days, signals.files) == (DAY1, DAY2, 2, 2)
    assert signals.rows == 2 * 2 * 3
    assert signals.file_bytes == sum(path.stat().st_size for path in parquet(store) if "signals" in path.parts)
    assert signals.unused_files == 0
    assert (found["dump_checks"].rows, found["dump_checks"].first_day) == (0, None)
    assert (found["days"].rows, found["days"].files) == (2, 2)
    put_day(store, DAY1, [(KP, two_days())])
    assert {one.name: one.unused_files for one in maintenance.info(store.location)}["signals"] == 1


def test_files_of_one_write_are_merged_and_read_the_same(store, monkeypatch):
    monkeypatch.setattr("duskwatch.store.tables.FILE_BYTES", 1)
    write_checks(store, "bgp", pl.concat([check_rows(f"rrc{n:02}", 1) for n in range(40_000)]))
    monkeypatch.undo()
    before = store.rows("dump_checks").collect()
    files = maintenance.info(store.location)[2].files
    assert files > 1
    done = maintenance.compact(store.location)
    assert done["dump_checks"] == (files, 1)
    assert done["signals"] == (2, 2)
    assert store.rows("dump_checks").collect().equals(before)
    assert maintenance.compact(store.location, ["dump_checks"]) == {"dump_checks": (1, 1)}


def test_days_before_a_date_go_from_every_table_and_their_files_by_vacuum(store):
    kept = store.signals(from_us=None).collect().filter(pl.col("time").dt.date() == DAY2)
    files = parquet(store)
    done = maintenance.retain(store.location, DAY2)
    assert done["signals"] == 6
    assert done["levels"] > 0
    assert done["dump_checks"] == 0
    assert store.days() == [DAY2]
    assert store.signals().collect().equals(kept)
    assert store.rows("levels").collect()["day"].unique().to_list() == [DAY2]
    assert parquet(store) == files
    assert not any(maintenance.vacuum(store.location, timedelta(hours=1)).values())
    shown = maintenance.vacuum(store.location, timedelta(0), dry_run=True)
    assert parquet(store) == files
    assert maintenance.vacuum(store.location, timedelta(0)) == shown
    assert {part for path in parquet(store) for part in path.parts if "day=" in part} == {"day=2014-12-23"}
    assert store.signals().collect().equals(kept)
    assert maintenance.retain(store.location, DAY3)["signals"] == 6
    assert store.days() == []


def test_files_of_writes_that_did_not_finish_go_and_those_in_use_stay(store):
    folder = next((store.location.folder / "signals" / "source=bgp" / "day=2014-12-22").iterdir())
    orphan = folder / "part-0-killed.parquet"
    orphan.write_bytes(b"half")
    wanted = parquet(store) - {orphan}
    assert maintenance.vacuum(store.location, timedelta(hours=1))["signals"] == []  # it may be one being written
    found = maintenance.vacuum(store.location, timedelta(0), names=["signals"])
    assert found == {"signals": [str(orphan.relative_to(store.location.folder / "signals"))]}
    assert parquet(store) == wanted


def test_rows_of_writes_that_never_counted_go_by_vacuum(store):
    before, files = store.signals().collect(), parquet(store)
    writer = store.write_day(DAY1, source="bgp")
    writer.signals(frame_of(DAY1, 9.0))  # killed before the day was made to count
    (left,) = parquet(store) - files
    assert store.signals().collect().equals(before)
    assert maintenance.info(store.location)[5].rows == 12
    assert maintenance.vacuum(store.location, timedelta(hours=1))["signals"] == []  # it may be on its way
    told = str(left.relative_to(store.location.folder / "signals"))
    assert maintenance.vacuum(store.location, timedelta(0), dry_run=True)["signals"] == [told]
    assert maintenance.vacuum(store.location, timedelta(0))["signals"] == [told]
    assert parquet(store) == files
    assert store.signals().collect().equals(before)


def test_a_store_goes_on_after_many_writes_and_checkpoints(store):
    table = open_any(store.location, "signals")
    table.alter.set_table_properties({"delta.checkpointInterval": "10"})  # a hundred where nothing is said
    for n in range(25):
        store.write_signals(DAY3, frame_of(DAY3, float(n), 1), source="bgp")
    log = store.location.folder / "signals" / "_delta_log"
    assert list(log.glob("*.checkpoint.parquet"))
    again = Store.open(store.location.folder)
    assert again.days() == [DAY1, DAY2, DAY3]
    assert again.signals(["bgp.a"]).collect()["value"].unique().to_list() == [24.0]
