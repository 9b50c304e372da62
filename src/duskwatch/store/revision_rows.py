"""Rows of revisions and of what they are about: what outages, incidents and notes have in common."""

import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql

from duskwatch.store import database as db
from duskwatch.store.errors import StoreError

LONGEST_TEXT = 20_000  # characters of a note, title or reason


@dataclass(frozen=True, slots=True)
class Note:
    """Who says something, why and when, and of which window."""

    by: str
    why: str
    at_us: int
    window: tuple[int, int] | None = None


def note_of(by: str, why: str, at_us: int | None = None, window: tuple[int, int] | None = None) -> Note:
    """The same, checked; StoreError where nobody or nothing is named."""
    return Note(checked(by, "by"), checked(why, "why"), time.time_ns() // 1000 if at_us is None else at_us, window)


def add_revision(
    connection: sql.Connection,
    table: sql.Table,
    owner: str,
    owner_id: int,
    number: int,
    state: str,
    note: Note,
    more: dict[str, Any],
) -> None:
    """Add a revision; ``more`` are the columns of that table alone."""
    connection.execute(sql.insert(table).values(revision_row(owner, owner_id, number, state, note, more)))


def revision_row(
    owner: str, owner_id: int, number: int, state: str, note: Note, more: dict[str, Any]
) -> dict[str, Any]:
    """A row of a table of revisions."""
    row = {owner: owner_id, "number": number, "at_us": note.at_us, "by": note.by, "why": note.why, "state": state}
    return {**row, **more}


def new_row(connection: sql.Connection, table: sql.Table, values: dict[str, Any]) -> int:
    """Insert a row; its key."""
    key = connection.execute(sql.insert(table).values(values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def row_of(connection: sql.Connection, table: sql.Table, number: int, what: str) -> Any:
    """The row of that key. StoreError where there is none."""
    query = sql.select(table).where(table.c.id == number)
    # What is no key of 32 bits is no question for a database.
    row = connection.execute(query).mappings().first() if 0 < number < 1 << 31 else None
    if row is None:
        raise StoreError(f"no {what} {number}")
    return row


def newest_revision(connection: sql.Connection, table: sql.Table, owner: str, row: Any) -> Any:
    """The newest revision of a row."""
    query = sql.select(table).where(table.c[owner] == row["id"], table.c.number == row["revision"])
    return connection.execute(query).mappings().one()


def key_of_outage(connection: sql.Connection, uid: str) -> int:
    """The key of an outage by its id. StoreError where there is none."""
    found = connection.execute(sql.select(db.outages.c.id).where(db.outages.c.uid == uid)).scalar()
    if found is None:
        raise StoreError(f"no outage '{uid}'")
    return int(found)


def checked(text: str, what: str) -> str:
    """A text without what no database takes. StoreError where nothing is left, or too much."""
    words = text.strip().replace("\x00", "")  # PostgreSQL takes no NUL in a text
    if not words:
        raise StoreError(f"'{what}' is empty; every revision says who and why")
    if len(words) > LONGEST_TEXT:
        raise StoreError(f"'{what}' has {len(words)} characters; at most {LONGEST_TEXT}")
    return words
