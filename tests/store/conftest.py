"""Databases to test on: SQLite always, PostgreSQL where it is installed."""

import itertools

import pytest
import sqlalchemy as sql

from duskwatch.store.database import migrate
from tests.store.postgres import programs, server


@pytest.fixture(scope="session")
def postgres():
    binaries = programs()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed here (tools/install-system-packages)")
    with server(binaries) as where:
        numbers = itertools.count()
        engine = sql.create_engine(
            f"postgresql+psycopg://tester@/postgres{where}", isolation_level="AUTOCOMMIT", poolclass=sql.NullPool
        )

        def new_database(like: str = "template1") -> str:
            name = f"test{next(numbers)}"
            with engine.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {like}")
            return f"postgresql://tester@/{name}{where}"

        migrate(new_database())  # test0, which others are copied from
        yield new_database


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request, tmp_path) -> str:
    """The URL or path of a database with nothing in it."""
    if request.param == "sqlite":
        return str(tmp_path / "events.sqlite")
    return request.getfixturevalue("postgres")()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path) -> str:
    """A database of the newest version."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres")(like="test0")
    migrate(tmp_path / "events.sqlite")
    return str(tmp_path / "events.sqlite")
