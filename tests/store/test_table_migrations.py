"""Tables of earlier layouts, written as they were then: named, brought up, and read as if they had always been so."""

from datetime import UTC, datetime, timedelta

import arro3.core as arrow
import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from duskwatch.records.times import DAY
from duskwatch.store import Store, StoreError, table_migrations, tables
from duskwatch.store.schemas import BY_NAME, TABLES, VERSION_KEY
from tests.store.build import DAY1, DAY2, FROM, KP, STAR, put_day, two_days

NOON = datetime(2014, 12, 22, 12, tzinfo=UTC)


def old_table(folder, name: str, version: int, frame: pl.DataFrame, partition_by: list[str]) -> None:
    DeltaTable.create(
        str(folder / name), schema=arrow.Table.from_arrow(frame).schema, partition_by=partition_by, name=name,
        configuration={VERSION_KEY: str(version)}, raise_if_key_not_exists=False,
    )  # fmt: skip
    write_deltalake(str(folder / name), frame, mode="append")


def signals_of_version_1() -> pl.DataFrame:
    """One row per bin, as version 1 had it: two days of two entities; the second bin of the second day is missing."""
    times = [NOON + timedelta(minutes=5 * i) for i in range(3)]
    times += [time + timedelta(days=1) for time in (times[0], times[2])]
    rows = pl.DataFrame({"time": times, "value": [4.0, None, 2.0, 1.0, 0.0], "coverage": [1.0, 0.0, 0.5, 1.0, 1.0]})
    names = pl.DataFrame({"entity_type": ["country", "asn"], "entity": ["KP", "AS131279"]})
    signals = pl.DataFrame({"signal": ["bgp.visible_prefixes", "bgp.peers_live"]})
    return (
        names.join(signals, how="cross")
        .join(rows, how="cross")
        .select(
            pl.lit("bgp").alias("family"),
            pl.col("time").dt.date().alias("day"),
            "entity_type",
            "entity",
            "signal",
            pl.col("time").cast(pl.Datetime("us", "UTC")),
            pl.lit(300, pl.Int32).alias("bin_seconds"),
            "value",
            pl.col("coverage").cast(pl.Float32),
        )
    )


@pytest.fixture
def old_store(tmp_path):
    """A store of the first versions of signals and changes; tables that came later are not there."""
    old_table(tmp_path, "signals", 1, signals_of_version_1(), ["family", "day"])
    later = ("source", "generation", "beyond")
    columns = {name: dtype for name, dtype in BY_NAME["changes"].columns.items() if name not in later}
    changes = pl.DataFrame(
        [[DAY1, "country", "KP", NOON, "175.45.176.0/24", "dark", 0, 20, 131279, 4837, False]],
        schema=columns, orient="row",
    )  # fmt: skip
    old_table(tmp_path, "changes", 1, changes, ["day"])
    return tmp_path


def test_an_old_store_says_what_to_run(old_store):
    with pytest.raises(
        StoreError, match=r"schema version 1, this program needs 3; run: duskwatch store migrate --store"
    ):
        Store.open(old_store)
    with pytest.raises(StoreError, match="schema version 1"):
        Store.open(old_store, create=True)


def test_an_old_store_is_brought_up_and_reads_the_same(old_store):
    was = signals_of_version_1()
    where = tables.Location(str(old_store), old_store)
    assert table_migrations.migrate(where) == [
        ("changes", 1, 2), ("changes", 2, 3), ("levels", 0, 2), ("dump_checks", 0, 2), ("inputs", 0, 2),
        ("gaps", 0, 2), ("signals", 1, 2), ("signals", 2, 3), ("days", 0, 1), ("days", 1, 2),
    ]  # fmt: skip
    assert table_migrations.migrate(where) == []
    store = Store.open(old_store, create=True)
    rows = store.signals().collect()
    key = ["entity", "signal", "time"]
    filled = rows.join(was, on=key, how="anti")
    assert filled.height == 4  # the bin that was missing between two others is now said to be unwatched
    assert filled["value"].null_count() == 4
    assert filled["coverage"].to_list() == [0.0] * 4
    back = rows.join(was, on=key, how="semi").sort(key)
    assert back.select(*key, "entity_type", "bin_seconds", "value", "coverage").equals(
        was.sort(key).select(*key, "entity_type", "bin_seconds", "value", "coverage")
    )
    change = store.rows("changes", entities=[KP]).collect().row(0, named=True)
    assert (change["beyond"], change["origin"], change["state"]) == (None, 131279, "dark")
    assert len(store.history(KP, FROM, FROM + DAY).changes.beyond) == 0
    # The new version is written beside the old rows.
    put_day(store, DAY2, [(KP, two_days()), (STAR, two_days(2))])
    assert store.days() == [DAY1, DAY2]
    assert store.signals(entities=[KP], from_us=FROM + DAY).collect().height == 3 * 288


def test_a_step_that_was_cut_off_is_done_again(old_store, monkeypatch):
    where = tables.Location(str(old_store), old_store)
    was = signals_of_version_1()["value"].sum()
    for name in ("changes", "signals"):
        table_migrations.STEPS[name, 1](where)  # killed before the version was noted
    assert [step[:2] for step in table_migrations.migrate(where) if step[1]] == [
        ("changes", 1), ("changes", 2), ("signals", 1), ("signals", 2), ("days", 1)
    ]  # fmt: skip
    rows = Store.open(old_store).signals().collect()
    assert rows["value"].sum() == was


def test_many_entities_go_through_memory_in_pieces(old_store, monkeypatch):
    monkeypatch.setattr(table_migrations, "SERIES_AT_ONCE", 1)
    table_migrations.migrate(tables.Location(str(old_store), old_store))
    assert Store.open(old_store).signal_rows().collect().height == 2 * 2 * 2


def test_a_newer_table_is_refused_everywhere(tmp_path):
    store = Store.open(tmp_path, create=True)
    for name in ("changes", "signals", "days"):
        tables.open_any(store.location, name).alter.set_table_properties({VERSION_KEY: "99"}, raise_if_not_exists=False)
    message = "schema version 99, this program knows up to 3; use a newer duskwatch"
    for use in (
        lambda: store.write_day(DAY1, source="bgp").changes([]),
        lambda: table_migrations.migrate(store.location),
    ):
        with pytest.raises(StoreError, match=message):
            use()
    for use in (lambda: Store.open(tmp_path), lambda: store.rows("changes")):
        with pytest.raises(StoreError, match="days: schema version 99, this program knows up to 2"):
            use()


def test_a_delta_table_of_somebody_else_is_refused(tmp_path):
    write_deltalake(str(tmp_path / "signals"), pl.DataFrame({"x": [1]}))
    with pytest.raises(StoreError, match="not a table as duskwatch writes it"):
        Store.open(tmp_path)
    with pytest.raises(StoreError, match="not a table as duskwatch writes it"):
        table_migrations.migrate(tables.Location(str(tmp_path), tmp_path))


def test_there_is_a_step_from_every_version_to_the_next():
    steps = {(spec.name, version) for spec in TABLES for version in range(1, spec.version)} | {("days", 0)}
    assert set(table_migrations.STEPS) == steps
