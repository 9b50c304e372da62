"""A store that an earlier version filled (tests/data/store-first-layout): refused with advice, then brought up."""

import json
import sqlite3
import tarfile
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sql

from duskwatch.drivers.backfill.run import run
from duskwatch.records.entity import parse_entity
from duskwatch.records.times import DAY, parse_time
from duskwatch.signals.bgp.measures import SPECS
from duskwatch.store import Store, StoreError, maintenance, table_migrations
from duskwatch.store.database import HEAD, metadata, migrate, transaction
from duskwatch.store.incidents import stored_incidents
from duskwatch.store.location import locate
from duskwatch.store.revisions import annotations, stored_outages
from duskwatch.store.schemas import DATA, TABLES
from tests.days_archive import build, updates_of
from tests.drivers.backfill.backfilling import parts_of, plan_of
from tests.small_archive import START, Archive, delegations, store_file

FIXTURE = Path(__file__).resolve().parents[1] / "data" / "store-first-layout" / "store.tar.gz"
FROM = parse_time("2020-03-02")
WINDOW = FROM, FROM + 3 * DAY
KP = parse_entity("KP")


@pytest.fixture
def old(tmp_path) -> Path:
    with tarfile.open(FIXTURE) as file:
        file.extractall(tmp_path / "store", filter="data")
    return tmp_path / "store"


def rows_of(folder: Path, name: str) -> pl.DataFrame:
    """What lies in a table, whoever wrote it."""
    return pl.read_delta(str(folder / name))


def test_it_is_refused_with_what_to_run(old):
    for create in (False, True):
        with pytest.raises(StoreError, match="signals: schema version 2, this program needs 3; run: duskwatch store m"):
            Store.open(old, create=create)
    assert not (old / "days").exists()


def test_every_row_is_there_with_its_source(old):
    before = {spec.name: rows_of(old, spec.name) for spec in DATA}
    assert table_migrations.migrate(locate(old)) == [
        ("changes", 2, 3), ("levels", 1, 2), ("dump_checks", 1, 2), ("inputs", 1, 2), ("gaps", 1, 2),
        ("signals", 2, 3), ("days", 0, 1), ("days", 1, 2),
    ]  # fmt: skip
    assert table_migrations.migrate(locate(old)) == []
    store = Store.open(old)
    assert [day.isoformat() for day in store.days("bgp")] == ["2020-03-02", "2020-03-03", "2020-03-04"]
    assert store.sources() == ["bgp"]
    for spec in DATA:
        now = store.signal_rows().collect() if spec.name == "signals" else store.rows(spec.name).collect()
        was = before[spec.name]
        assert was.height > 0, spec.name
        assert now["source"].unique().to_list() == ["bgp"]
        if spec.name == "gaps":
            was = was.rename({"source": "vantage_point"})
        # What `family` said, the source says now; the column tells what the signal measures.
        same = [name for name in was.columns if name != "family"]
        assert set(same) <= set(now.columns)
        keys = [name for name in same if was.schema[name] not in (pl.List(pl.Float64), pl.List(pl.Float32))]
        assert now.select(same).sort(keys).equals(was.select(same).sort(keys)), spec.name
    history = store.history(KP, *WINDOW)
    assert history.signals.values.shape == (6, 3 * 288)
    assert set(history.signals.specs) == set(SPECS)
    assert (len(history.gaps), history.known_share, history.learned) == (4, 1, False)


@pytest.mark.parametrize("cut", range(18))
def test_a_migration_that_is_cut_off_anywhere_is_done_by_the_next(old, monkeypatch, cut):
    calls = [0]

    def perhaps(call):
        def counted(*arguments, **named):
            calls[0] += 1
            if calls[0] == cut + 1:
                raise KeyboardInterrupt
            return call(*arguments, **named)

        return counted

    with monkeypatch.context() as patch:
        patch.setattr(table_migrations, "_rewrite", perhaps(table_migrations._rewrite))
        patch.setattr(table_migrations.tables, "open_current", perhaps(table_migrations.tables.open_current))
        try:
            table_migrations.migrate(locate(old))
        except KeyboardInterrupt:
            with pytest.raises(StoreError, match="duskwatch store migrate"):
                Store.open(old, create=True)
    assert calls[0] > cut
    table_migrations.migrate(locate(old))
    rows = {one.name: one.rows for one in maintenance.info(Store.open(old).location)}
    assert rows == {
        "changes": 504, "levels": 67, "dump_checks": 3, "inputs": 78, "gaps": 4, "signals": 90, "days": 3
    }  # fmt: skip
    assert [spec.name for spec in TABLES] == list(rows)


def database(folder: Path, query: str) -> list[tuple]:
    with sqlite3.connect(folder / "events.sqlite") as connection:
        return connection.execute(query).fetchall()


def test_the_fixture_is_what_its_story_says(old):
    (document,) = database(old, "select document from outage_revisions where id = 1")[0]
    assert isinstance(json.loads(document)["onset"]["reason"], str)
    assert database(old, "select version_num from alembic_version") == [("0004",)]


STATES = ("open", "ended", "withdrawn", "superseded", "dismissed")


@pytest.fixture(scope="module")
def found_now(tmp_path_factory) -> Store:
    """What this version finds in the archive of which the fixture was made."""
    folder = tmp_path_factory.mktemp("now")
    collectors = {"rrc00": 3, "route-views2": 3}
    mrt = build(folder / "mrt", collectors=collectors)
    second = START + 2 * 86_400 + 8 * 3600
    store_file(mrt, "rrc00", "bview", second, Archive(collectors, hours=72).dump("rrc00", second))
    updates_of(mrt, "route-views2", 1, 12).unlink()
    run(parts_of(mrt), plan_of(folder / "store", delegations(folder)))
    return Store.open(folder / "store")


def _value(name: str, value: object) -> object:
    """SQLite keeps JSON as text."""
    return json.loads(value) if name in ("document", "outages") and isinstance(value, str) else value


def in_postgres(folder: Path, where: str) -> str:
    """The rows of the fixture's database in one of another kind, of the same version."""
    migrate(where, "0004")
    with sqlite3.connect(folder / "events.sqlite") as old, transaction(where, checked=False) as connection:
        there = {name for (name,) in old.execute("select name from sqlite_master where type = 'table'")}
        for table in (table for table in metadata.sorted_tables if table.name in there):
            cursor = old.execute(f"select * from {table.name}")
            names = [column[0] for column in cursor.description]
            rows = [dict(zip(names, map(_value, names, row), strict=True)) for row in cursor]
            if rows:
                connection.execute(sql.insert(table), rows)
    return where


@pytest.fixture(params=["sqlite", "postgresql"])
def events(request, old) -> str:
    """The database of the fixture, as SQLite or as PostgreSQL."""
    if request.param == "sqlite":
        return str(old / "events.sqlite")
    return in_postgres(old, request.getfixturevalue("postgres")())


def test_its_outages_are_those_that_are_found_now_reasons_too(events, found_now):
    assert migrate(events) == ("0004", HEAD)
    told = {one.uid: one for one in stored_outages(events, states=STATES)}
    now = {one.uid: one for one in found_now.outages()}
    assert set(told) == set(now)
    for uid, one in told.items():
        assert one.newest.outage == now[uid].newest.outage, uid
        assert (one.sources, one.within) == (("bgp",), "")
        (concluded,) = one.newest.concluded
        assert (concluded.source, concluded.detector, concluded.witnesses) == ("bgp", one.detector, None)
        for when in (one.newest.outage.onset, one.newest.outage.end):
            assert when.reason.code != "in-words"
    assert len([one for one in told.values() if one.newest.state == "dismissed"]) == 1
    assert len(annotations(events)) == 1
    assert len(stored_incidents(events)) == 2
