"""The database by its versions: made, brought up from each earlier one with its rows, refused where it is newer."""

from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sql

from duskwatch.records.entity import Entity
from duskwatch.records.findings import Conclusion, Finding
from duskwatch.store import Store, StoreError, database, revisions
from duskwatch.store.outage_json import to_document
from tests.store.build import FROM, KP
from tests.store.test_revisions import FIRST, WINDOW, record

OUTAGE = {
    "id": 7, "uid": "KP-20141222T160000Z", "entity_type": "country", "entity": "KP", "entity_name": "North Korea",
    "detector": "loss-area/1", "revision": 1, "state": "ended", "onset_earliest_us": FIRST.onset.earliest_us,
    "onset_us": FIRST.onset.best_us, "onset_latest_us": FIRST.onset.latest_us, "end_us": FIRST.end.best_us,
}  # fmt: skip
CONCLUDED = [Conclusion("bgp", "loss-area/1", WINDOW, FIRST)]
REVISION = {
    "outage_id": 7, "number": 1, "at_us": 5, "by": "duskwatch", "why": "analysis", "state": "ended",
    "window_from_us": WINDOW[0], "window_until_us": WINDOW[1], "document": to_document(FIRST, None, CONCLUDED),
}  # fmt: skip

MOMENTS = ("onset", "end", "dark_from", "dark_until")
EARLY = {name: value for name, value in REVISION["document"].items() if name != "concluded"}
# Until version 0004 a moment's reason was a sentence, and nothing was said of sources.
EARLY_REVISION = REVISION | {"document": EARLY | {m: EARLY[m] | {"reason": "majority lost"} for m in MOMENTS}}


@contextmanager
def at(where, **options):
    with database.transaction(where, writes="test", checked=False, **options) as connection:
        yield connection


def test_tables_made_by_the_migrations_are_those_the_program_uses(database):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from duskwatch.store import database as db

    with at(database) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, db.metadata) == []


def test_the_newest_migration_is_the_one_the_program_names():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == database.HEAD


@pytest.mark.parametrize("version", ["0001", "0002", "0003", "0004"])
def test_an_earlier_database_is_named_brought_up_and_keeps_its_rows(empty_database, version):
    assert database.migrate(empty_database, version) == ("", version)
    with at(empty_database) as connection:
        connection.execute(sql.insert(database.outages).values(OUTAGE))
        connection.execute(sql.insert(database.outage_revisions).values(EARLY_REVISION))
        if version != "0001":
            span = {"from_us": FIRST.onset.best_us, "until_us": FIRST.end.best_us} if version == "0004" else {}
            connection.execute(
                sql.insert(database.incidents).values(id=3, revision=1, state="open", title="North Korea", **span)
            )
            connection.execute(sql.insert(database.incident_outages).values(incident_id=3, outage_id=7))
            connection.execute(
                sql.insert(database.incident_revisions).values(
                    incident_id=3, number=1, at_us=6, by="A. Reader", why="x", state="open", title="North Korea",
                    outages=["KP-20141222T160000Z"],
                )
            )  # fmt: skip
    with pytest.raises(StoreError, match=f"schema version {version}, this program needs .* duskwatch store migrate"):
        revisions.stored_outages(empty_database)
    assert database.migrate(empty_database) == (version, database.HEAD)
    assert database.migrate(empty_database) == (database.HEAD, database.HEAD)
    (one,) = revisions.stored_outages(empty_database)
    assert repr(one.newest.outage) == repr(FIRST)
    told = revisions.stored_incidents(empty_database)
    assert [(one.number, one.title, one.entity) for one in told] == [(3, "North Korea", None)] * (version != "0001")
    assert all((one.from_us, one.until_us) == (FIRST.onset.best_us, FIRST.end.best_us) for one in told)
    assert record(empty_database, FIRST).unchanged == ("KP-20141222T160000Z",)
    revisions.annotate(empty_database, "still here", by="A. Reader", outage=one.uid)
    # New rows get new keys, also where the old ones were given.
    assert len(record(empty_database, FIRST, entity=Entity("asn", "AS1")).new) == 1


def test_a_database_of_a_newer_version_is_refused(empty_database):
    database.migrate(empty_database)
    with at(empty_database) as connection:
        connection.execute(sql.text("UPDATE alembic_version SET version_num = '0999'"))
    for use in (revisions.stored_outages, database.migrate, database.ensure):
        with pytest.raises(StoreError, match="schema version 0999, this program knows up to"):
            use(empty_database)


def test_a_database_that_is_not_there_or_not_prepared_says_what_to_run(empty_database):
    with pytest.raises(StoreError, match="run: duskwatch store migrate"):
        revisions.stored_outages(empty_database)
    database.ensure(empty_database)
    database.ensure(empty_database)
    assert revisions.stored_outages(empty_database) == []


def test_a_migration_that_breaks_leaves_what_was(empty_database, monkeypatch):
    from alembic import op

    database.migrate(empty_database, "0001")
    with at(empty_database) as connection:
        connection.execute(sql.insert(database.outages).values(OUTAGE))
    made = op.create_index

    def breaks(name, *rest, **more):
        if name == "ix_annotations_entity":
            raise KeyboardInterrupt
        made(name, *rest, **more)

    monkeypatch.setattr(op, "create_index", breaks)
    with pytest.raises(KeyboardInterrupt):
        database.migrate(empty_database)
    monkeypatch.undo()
    with at(empty_database) as connection:
        assert database.version_of(connection) == "0001"
        assert not sql.inspect(connection).has_table("annotations")
        assert not sql.inspect(connection).has_table("incidents")
    assert database.migrate(empty_database) == ("0001", database.HEAD)


def test_rows_that_point_nowhere_are_refused(database):
    from duskwatch.store import database as db

    with pytest.raises(StoreError, match=r"(?i)foreign key"), at(database) as connection:
        connection.execute(sql.insert(db.outage_revisions).values(REVISION))


def test_sqlite_keeps_a_write_ahead_log_so_that_readers_go_on(tmp_path):
    path = tmp_path / "events.sqlite"
    database.migrate(path)
    record(str(path), FIRST)
    with at(path) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        connection.execute(sql.delete(database.outage_revisions))
        assert len(revisions.stored_outages(str(path))) == 1  # the other has not committed
        connection.execute(sql.insert(database.outage_revisions).values(REVISION | {"outage_id": 1}))


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("mysql://host/x", "there are sqlite:// and postgresql://"),
        ("sqlite://", "in memory is gone at once"),
        ("sqlite:///:memory:", "in memory is gone at once"),
        ("postgresql://host:port:x/y", "is no URL"),
    ],
)
def test_databases_that_are_none(where, message):
    with pytest.raises(StoreError, match=message):
        database.database_url(where)


def test_a_server_that_is_not_there_is_named_without_the_password(tmp_path):
    with pytest.raises(StoreError) as caught:
        revisions.stored_outages(f"postgresql://me:secret@/x?host={tmp_path}")
    assert "secret" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_no_database(tmp_path):
    path = tmp_path / "events.sqlite"
    path.write_text("this is a text, and a long one, but not a database of anything" * 10)
    with pytest.raises(StoreError, match="not a database"):
        revisions.stored_outages(str(path))


def test_the_store_opens_its_own_database_or_the_one_named(tmp_path, empty_database):
    own = Store.open(tmp_path / "s", create=True)
    own.record_outages(WINDOW, [Finding(KP, (FIRST,))], source="bgp", detector="d", why="x")
    assert (tmp_path / "s" / "events.sqlite").exists()
    other = Store.open(tmp_path / "s", create=True, database=empty_database)
    assert other.outages() == []
    assert len(Store.open(tmp_path / "s").outages(entities=[KP], from_us=FROM)) == 1


def test_an_object_store_has_no_database_of_its_own():
    from duskwatch.store.location import locate

    with pytest.raises(StoreError, match="name one with --database"):
        Store(locate("s3://bucket/x"), "").outages()
