"""The SQL database of conclusions: how it is reached, its tables, its schema version.

SQLite in the store's folder, or PostgreSQL by URL. Times are microseconds since 1970-01-01 UTC in columns ending in
``_us``. Rows of the ``*_revisions`` tables are only ever added: they are the history, the other tables hold the newest
state for queries.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy import event

from duskwatch.store.errors import StoreError

HEAD = "0006"  # the newest migration in ``migrations/versions``
BUSY_SECONDS = 60  # how long a writer waits for another

metadata = sql.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _text(name: str, **options: Any) -> "sql.Column[str]":
    return sql.Column(name, sql.Text, nullable=False, **options)


def _time(name: str, *, nullable: bool = False) -> "sql.Column[int]":
    return sql.Column(name, sql.BigInteger, nullable=nullable)


def _revision_of(table: str, *columns: "sql.Column[Any]") -> sql.Table:
    owner = f"{table.removesuffix('s')}_id"
    return sql.Table(
        f"{table.removesuffix('s')}_revisions",
        metadata,
        sql.Column("id", sql.Integer, primary_key=True),
        sql.Column(owner, sql.ForeignKey(f"{table}.id"), nullable=False),
        sql.Column("number", sql.Integer, nullable=False),  # 1, 2, ...
        _time("at_us"),  # when
        _text("by"),  # who: a person, or the program
        _text("why"),
        _text("state"),
        *columns,
        sql.UniqueConstraint(owner, "number"),
    )


outages = sql.Table(
    "outages",
    metadata,
    sql.Column("id", sql.Integer, primary_key=True),
    _text("uid", unique=True),  # KP-20141222T161500Z; never changes
    _text("entity_type"),
    _text("entity"),
    _text("entity_name"),
    _text("detector"),  # of each source that reported it, with a space between
    sql.Column("revision", sql.Integer, nullable=False),
    _text("state"),  # open, ended, withdrawn, superseded, dismissed
    _time("onset_earliest_us"),
    _time("onset_us"),
    _time("onset_latest_us"),
    _time("end_us", nullable=True),
    _text("within", server_default=sql.text("''")),  # country, where it is of the entity's part in it alone
    _text("sources", server_default=sql.text("''")),  # that concluded it, in order, with a space between
    sql.Index(None, "entity", "onset_us"),
    sql.Index(None, "onset_us"),
)
outage_revisions = _revision_of(
    "outages",
    _time("window_from_us"),  # what was analysed
    _time("window_until_us"),
    sql.Column("document", sql.JSON, nullable=False),
)
incidents = sql.Table(
    "incidents",
    metadata,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("revision", sql.Integer, nullable=False),
    _text("state"),  # open, ended, withdrawn; closed by a person
    _text("title"),
    sql.Column("entity_type", sql.Text),  # of the largest entity that was out; null where a person reported it
    sql.Column("entity", sql.Text),
    sql.Column("entity_name", sql.Text),
    sql.Column("detector", sql.Text),  # null: a person
    _time("from_us", nullable=True),  # null where it has no outage
    _time("until_us", nullable=True),  # null while any outage lasts
    sql.Index(None, "from_us"),
)
incident_revisions = _revision_of(
    "incidents",
    _text("title"),
    sql.Column("outages", sql.JSON, nullable=False),
    _time("window_from_us", nullable=True),  # what was analysed
    _time("window_until_us", nullable=True),
    sql.Column("document", sql.JSON(none_as_null=True)),  # what the analysis said; null where a person reported it
)
incident_outages = sql.Table(
    "incident_outages",
    metadata,
    sql.Column("incident_id", sql.ForeignKey("incidents.id"), primary_key=True),
    sql.Column("outage_id", sql.ForeignKey("outages.id"), primary_key=True, index=True),
)
annotations = sql.Table(
    "annotations",
    metadata,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("revision", sql.Integer, nullable=False),
    _text("state"),  # shown, removed
    sql.Column("outage_id", sql.ForeignKey("outages.id"), index=True),
    sql.Column("incident_id", sql.ForeignKey("incidents.id"), index=True),
    sql.Column("entity", sql.Text, index=True),
    _time("from_us", nullable=True),
    _time("until_us", nullable=True),
    _text("text"),
)
annotation_revisions = _revision_of("annotations", _text("text"))
alerts = sql.Table(
    "alerts",
    metadata,
    sql.Column("id", sql.Integer, primary_key=True),
    _text("key", unique=True),  # KP-20141222T161500Z/opened: what was to be told, once
    _text("outage", index=True),  # its id
    _text("stage"),
    _time("at_us"),  # event time
    _time("made_us"),
    sql.Column("document", sql.JSON, nullable=False),
    _time("acked_us", nullable=True),
    _text("acked_by", server_default=sql.text("''")),
)
alert_deliveries = sql.Table(
    "alert_deliveries",
    metadata,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("alert_id", sql.ForeignKey("alerts.id"), nullable=False),
    _text("channel"),
    _text("state"),  # waiting, sent, refused
    sql.Column("attempts", sql.Integer, nullable=False, server_default=sql.text("0")),
    _time("next_us"),  # not to be tried before
    _time("done_us", nullable=True),
    _text("error", server_default=sql.text("''")),
    sql.UniqueConstraint("alert_id", "channel"),
    sql.Index(None, "channel", "state"),
)


def database_url(where: str | Path) -> sql.URL:
    """The URL of a database; a path is that of an SQLite file. StoreError where it is of another kind."""
    if isinstance(where, Path) or "://" not in where:
        return sql.URL.create("sqlite", database=str(Path(where).absolute()))
    try:
        url = sql.make_url(where)
    except (sql.exc.ArgumentError, ValueError):
        raise StoreError("the database is no URL; write it like postgresql://user@host/name") from None
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "postgresql+psycopg"):
        raise StoreError(f"a database of kind {url.drivername}: there are sqlite:// and postgresql://")
    if url.drivername == "sqlite" and url.database in (None, "", ":memory:"):
        raise StoreError("a database in memory is gone at once; name a file: sqlite:////var/lib/events.sqlite")
    return url


def engine_of(url: sql.URL) -> sql.Engine:
    """An engine that holds no connection between transactions, so that it outlives forks and costs nothing idle."""
    from sqlalchemy.pool import NullPool

    options: dict[str, Any] = {"timeout": BUSY_SECONDS} if url.drivername == "sqlite" else {"connect_timeout": 10}
    try:
        engine = sql.create_engine(url, poolclass=NullPool, connect_args=options)
    except ImportError:
        raise StoreError("PostgreSQL needs a driver: pip install 'duskwatch[postgresql]'") from None
    if url.drivername == "sqlite":

        @event.listens_for(engine, "connect")
        def _(connection: Any, _record: Any) -> None:
            connection.isolation_level = None  # BEGIN is ours, below: the driver's would let readers become writers
            connection.execute("PRAGMA foreign_keys = ON")
            _write_ahead(connection)
            connection.execute("PRAGMA synchronous = FULL")

        @event.listens_for(engine, "begin")
        def _(connection: sql.Connection) -> None:
            connection.exec_driver_sql(
                "BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN"
            )

    return engine


def _write_ahead(connection: Any) -> None:
    # The mode stays in the file. Changing it needs the file alone, and SQLite does not wait for that by itself.
    deadline = time.monotonic() + BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except connection.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@contextmanager
def transaction(where: str | Path | sql.URL, *, writes: str = "", checked: bool = True) -> Iterator[sql.Connection]:
    """One transaction, committed at its end, undone by an exception.

    ``writes`` names what is about to change: of two transactions that name the same, the second waits for the first
    (in SQLite all writers wait for each other). StoreError where the database cannot be reached or, unless
    ``checked`` is false, is not of this version.
    """
    url = where if isinstance(where, sql.URL) else database_url(where)
    if url.drivername == "sqlite" and checked and not Path(str(url.database)).exists():
        raise StoreError(
            f"{url.database}: no such database; run: duskwatch store migrate, with the same --store and --database"
        )
    try:
        with engine_of(url).connect() as connection:
            connection = connection.execution_options(writes=bool(writes))
            with connection.begin():
                if writes and url.drivername != "sqlite":
                    connection.execute(sql.select(sql.func.pg_advisory_xact_lock(sql.func.hashtextextended(writes, 0))))
                if checked:
                    _require_head(connection, url)
                yield connection
    except (sql.exc.OperationalError, sql.exc.DatabaseError) as error:
        cause = str(error.orig).strip().splitlines()
        raise StoreError(f"{url.render_as_string()}: {cause[0] if cause else type(error).__name__}") from error


def version_of(connection: sql.Connection) -> str:
    """The migration that a database is at; empty where it holds nothing of ours."""
    if not sql.inspect(connection).has_table("alembic_version"):
        return ""
    return connection.execute(sql.text("SELECT version_num FROM alembic_version")).scalar() or ""


def migrate(where: str | Path | sql.URL, target: str = "head") -> tuple[str, str]:
    """Bring a database to a migration, making it where it is not there; versions before and after.

    All in one transaction: a migration that is killed leaves the database as it was.
    """
    from importlib.resources import files

    from alembic import command
    from alembic.config import Config

    url = where if isinstance(where, sql.URL) else database_url(where)
    config = Config()
    config.set_main_option("script_location", str(files("duskwatch.store") / "migrations").replace("%", "%%"))
    with transaction(url, writes="migration", checked=False) as connection:
        before = version_of(connection)
        if before > HEAD:
            raise StoreError(_newer(url, before))
        config.attributes["connection"] = connection
        command.upgrade(config, target)
        return before, version_of(connection)


def ensure(where: str | Path | sql.URL) -> None:
    """Make an empty database one of ours; StoreError where it is one of another version."""
    url = where if isinstance(where, sql.URL) else database_url(where)
    with transaction(url, checked=False) as connection:
        version = version_of(connection)
    if not version:
        migrate(url)
    with transaction(url):
        pass


def _require_head(connection: sql.Connection, url: sql.URL) -> None:
    found = version_of(connection)
    if found > HEAD:
        raise StoreError(_newer(url, found))
    if found != HEAD:
        version = f"schema version {found}" if found else "not prepared"
        raise StoreError(
            f"{url.render_as_string()}: {version}, this program needs {HEAD}; "
            "run: duskwatch store migrate, with the same --store and --database"
        )


def _newer(url: sql.URL, found: str) -> str:
    return f"{url.render_as_string()}: schema version {found}, this program knows up to {HEAD}; use a newer duskwatch"
