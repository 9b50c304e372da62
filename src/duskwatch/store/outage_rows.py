"""Rows of outages in the database: those that are known of a window, and revising one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql

from duskwatch.records.outages import Outage
from duskwatch.records.times import SECOND
from duskwatch.store import database as db
from duskwatch.store.outage_json import Json
from duskwatch.store.revision_rows import Note, add_revision


@dataclass(frozen=True, slots=True)
class RecordedOutage:
    """An outage as its newest revision has it."""

    row: Any  # of table outages
    window: tuple[int, int]  # of its newest revision
    document: Json

    @property
    def sources(self) -> set[str]:
        """Who tells of it."""
        return {one["source"] for one in self.document["concluded"]}


def known_outages(
    connection: sql.Connection,
    window: tuple[int, int] | None = None,
    *,
    source: str = "",
    outage_id: int | None = None,
) -> list[RecordedOutage]:
    """Outages whose onset may lie in a window, and those of other sources that touch it; or one by its key."""
    table, revisions = db.outages, db.outage_revisions
    query = sql.select(table, revisions.c.window_from_us, revisions.c.window_until_us, revisions.c.document).join(
        revisions, (revisions.c.outage_id == table.c.id) & (revisions.c.number == table.c.revision)
    )
    if window is not None:
        lasts = (table.c.sources != source) & (table.c.end_us.is_(None) | (table.c.end_us >= window[0]))
        query = query.where((table.c.onset_latest_us >= window[0]) | lasts, table.c.onset_earliest_us <= window[1])
    if outage_id is not None:
        query = query.where(table.c.id == outage_id)
    rows = connection.execute(query.order_by(table.c.id))
    return [RecordedOutage(row, (row.window_from_us, row.window_until_us), row.document) for row in rows]


def uids_between(connection: sql.Connection, onsets_us: Sequence[int]) -> set[str]:
    """Ids that outages with these onsets may not have: those of all between them, to the second that ids tell."""
    if not onsets_us:
        return set()
    inside = db.outages.c.onset_us.between(min(onsets_us) - SECOND, max(onsets_us) + SECOND)
    return set(connection.execute(sql.select(db.outages.c.uid).where(inside)).scalars())


def revise(
    connection: sql.Connection,
    old: RecordedOutage,
    state: str,
    document: Json,
    note: Note,
    columns: dict[str, Any] | None = None,
) -> None:
    """Add a revision to an outage; ``columns``  of its own row that change."""
    number = old.row.revision + 1
    connection.execute(
        sql.update(db.outages)
        .where(db.outages.c.id == old.row.id)
        .values(revision=number, state=state, **(columns or {}))
    )
    window = note.window or old.window
    more = {"window_from_us": window[0], "window_until_us": window[1], "document": document}
    add_revision(connection, db.outage_revisions, "outage_id", old.row.id, number, state, note, more)


def state_of(outage: Outage) -> str:
    """Open or ended."""
    return "open" if outage.end is None else "ended"


def moment_columns(outage: Outage) -> dict[str, Any]:
    """When it began and ended, as columns."""
    return {
        "onset_earliest_us": int(outage.onset.earliest_us),
        "onset_us": int(outage.onset.best_us),
        "onset_latest_us": int(outage.onset.latest_us),
        "end_us": None if outage.end is None else int(outage.end.best_us),
    }
