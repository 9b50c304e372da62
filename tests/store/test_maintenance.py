"""Small files merged, old days taken out, files of nobody removed; what is stored reads the same before and after."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from duskwatch.store import Store, maintenance
from duskwatch.store.tables import open_any
from tests.store.build import DAY1, DAY2, DAY3, KP, STAR, two_days
from tests.store.test_store import check_rows, frame_of


@pytest.fixture
def store(tmp_path) -> Store:
    store = Store.open(tmp_path / "store", create=True)
    for day in (DAY1, DAY2):
        store.write_day(day, [(KP, two_days()), (STAR, two_days(2, 5))])
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
    assert (found["gaps"].rows, found["gaps"].first_day) == (0, None)
    store.write_day(DAY1, [(KP, two_days())])
    assert {one.name: one.unused_files for one in maintenance.info(store.location)}["signals"] == 1


def test_files_of_one_day_are_merged_and_read_the_same(store):
    for name in ("rrc00", "rrc01", "rrc02"):
        store.write_checks(DAY1, check_rows(name, 1), collectors=[name])
    before = store.rows("dump_checks").collect()
    done = maintenance.compact(store.location)
    assert done["dump_checks"] == (3, 1)
    assert done["signals"] == (2, 2)
    assert store.rows("dump_checks").collect().equals(before)
    assert maintenance.compact(store.location, ["dump_checks"]) == {"dump_checks": (1, 1)}


def test_days_before_a_date_go_from_every_table_and_their_files_by_vacuum(store):
    kept = store.signals(from_us=None).collect().filter(pl.col("time").dt.date() == DAY2)
    files = parquet(store)
    done = maintenance.retain(store.location, DAY2)
    assert done["signals"] == 6
    assert done["levels"] > 0
    assert done["gaps"] == 0
    assert store.days() == [DAY2]
    assert store.signals().collect().equals(kept)
    assert store.rows("levels").collect()["day"].unique().to_list() == [DAY2]
    assert parquet(store) == files
    assert not any(maintenance.vacuum(store.location, timedelta(hours=1)).values())
    shown = maintenance.vacuum(store.location, timedelta(0), dry_run=True)
    assert parquet(store) == files
    assert maintenance.vacuum(store.location, timedelta(0)) == shown
    assert {path.parent.name for path in parquet(store)} == {"day=2014-12-23"}
    assert store.signals().collect().equals(kept)
    assert maintenance.retain(store.location, DAY3)["signals"] == 6
    assert store.days() == []


def test_files_of_writes_that_did_not_finish_go_and_those_in_use_stay(store):
    orphan = store.location.folder / "signals" / "family=bgp" / "day=2014-12-22" / "part-0-killed.parquet"
    orphan.write_bytes(b"half")
    wanted = parquet(store) - {orphan}
    assert maintenance.vacuum(store.location, timedelta(hours=1))["signals"] == []  # it may be one being written
    found = maintenance.vacuum(store.location, timedelta(0), names=["signals"])
    assert found == {"signals": ["family=bgp/day=2014-12-22/part-0-killed.parquet"]}
    assert parquet(store) == wanted


def test_a_store_goes_on_after_many_writes_and_checkpoints(store):
    table = open_any(store.location, "signals")
    table.alter.set_table_properties({"delta.checkpointInterval": "10"})  # a hundred where nothing is said
    for n in range(25):
        store.write_signals(DAY3, frame_of(DAY3, float(n), 1))
    log = store.location.folder / "signals" / "_delta_log"
    assert list(log.glob("*.checkpoint.parquet"))
    again = Store.open(store.location.folder)
    assert again.days() == [DAY1, DAY2, DAY3]
    assert again.signals(["bgp.a"]).collect()["value"].unique().to_list() == [24.0]
