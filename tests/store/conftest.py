"""Databases to test on: SQLite always, PostgreSQL where it is installed."""

import itertools

import pytest
import sqlalchemy as sql

from tests.store.postgres import programs, server


@pytest.fixture(scope="session")
def postgres():
    binaries = programs()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed here (tools/install-system-packages)")
    with server(binaries) as where:
        numbers = itertools.count()

        def new_database() -> str:
            name = f"test{next(numbers)}"
            engine = sql.create_engine(f"postgresql+psycopg://tester@/postgres{where}", isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {name}")
            engine.dispose()
            return f"postgresql://tester@/{name}{where}"

        yield new_database


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request, tmp_path) -> str:
    """The URL or path of a database with nothing in it."""
    if request.param == "sqlite":
        return str(tmp_path / "events.sqlite")
    return request.getfixturevalue("postgres")()


@pytest.fixture
def database(empty_database) -> str:
    """A database of the newest version."""
    from duskwatch.store.database import migrate

    migrate(empty_database)
    return empty_database
