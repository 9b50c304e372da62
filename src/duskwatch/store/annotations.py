"""Notes that people write beside an outage, an incident or an entity; what they change is a revision too."""

from typing import Any

import sqlalchemy as sql

from duskwatch.records.entity import Entity
from duskwatch.store import database as db
from duskwatch.store.errors import StoreError
from duskwatch.store.revision_rows import add_revision, checked, key_of_outage, new_row, note_of, row_of


def annotate(
    where: str,
    text: str,
    *,
    by: str,
    outage: str | None = None,
    incident: int | None = None,
    entity: Entity | None = None,
    span: tuple[int | None, int | None] = (None, None),
    at_us: int | None = None,
) -> int:
    """Write a note beside an outage, an incident or an entity (in a stretch of time); the note's number."""
    if sum(one is not None for one in (outage, incident, entity)) != 1:
        raise StoreError("a note belongs to one thing: an outage, an incident or an entity")
    with db.transaction(where, writes="annotations") as connection:
        if incident is not None:
            row_of(connection, db.incidents, incident, "incident")
        values = {
            "revision": 1,
            "state": "shown",
            "text": checked(text, "text"),
            "outage_id": None if outage is None else key_of_outage(connection, outage),
            "incident_id": incident,
            "entity": None if entity is None else entity.code,
            "from_us": span[0],
            "until_us": span[1],
        }
        number = new_row(connection, db.annotations, values)
        note = note_of(by, "written", at_us)
        add_revision(
            connection, db.annotation_revisions, "annotation_id", number, 1, "shown", note, {"text": values["text"]}
        )
    return number


def revise_annotation(
    where: str,
    number: int,
    *,
    by: str,
    why: str,
    text: str | None = None,
    removed: bool = False,
    at_us: int | None = None,
) -> None:
    """Change the text of a note, or take it off (its revisions stay)."""
    with db.transaction(where, writes="annotations") as connection:
        row = row_of(connection, db.annotations, number, "note")
        values = {
            "revision": row["revision"] + 1,
            "state": "removed" if removed else "shown",
            "text": row["text"] if text is None else checked(text, "text"),
        }
        connection.execute(sql.update(db.annotations).where(db.annotations.c.id == number).values(values))
        note = note_of(by, why, at_us)
        add_revision(
            connection, db.annotation_revisions, "annotation_id", number, values["revision"], values["state"], note,
            {"text": values["text"]},
        )  # fmt: skip


def annotations(where: str, *, outage: str | None = None, incident: int | None = None) -> list[dict[str, Any]]:
    """Notes that are shown, with who wrote the newest revision and when; of one outage or incident, or all."""
    notes, revisions = db.annotations, db.annotation_revisions
    query = (
        sql.select(notes, revisions.c.at_us, revisions.c.by, db.outages.c.uid.label("outage"))
        .join(revisions, (revisions.c.annotation_id == notes.c.id) & (revisions.c.number == notes.c.revision))
        .outerjoin(db.outages, db.outages.c.id == notes.c.outage_id)
        .where(notes.c.state == "shown")
        .order_by(notes.c.id)
    )
    with db.transaction(where) as connection:
        if outage is not None:
            query = query.where(notes.c.outage_id == key_of_outage(connection, outage))
        if incident is not None:
            query = query.where(notes.c.incident_id == incident)
        return [dict(row) for row in connection.execute(query).mappings()]
