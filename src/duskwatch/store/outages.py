"""Outages and their revisions: what each source concluded by itself, and the one outage that they tell of together.

One analysis of a window by one source is recorded as a whole. An outage is the same one as before where source,
detector and entity are the same and the intervals of the onsets overlap: it is then revised, or left alone where
nothing changed. So an analysis that is repeated adds nothing, and none touches what another source concluded.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql

from duskwatch.records.entity import Entity
from duskwatch.records.findings import Conclusion, Finding
from duskwatch.records.outages import Outage
from duskwatch.records.times import iso
from duskwatch.store import database as db
from duskwatch.store.concluding import CURRENT, Fuse, Recorded, Writer
from duskwatch.store.days import checked_source
from duskwatch.store.errors import StoreError
from duskwatch.store.outage_json import Json, conclusions_of, from_document
from duskwatch.store.outage_rows import RecordedOutage, known_outages, revise, uids_between
from duskwatch.store.revision_rows import key_of_outage, note_of

OUTAGES = "outages"  # what writers of outages wait for


@dataclass(frozen=True, slots=True)
class Revision:
    """One state in the life of an outage."""

    number: int
    at_us: int
    by: str
    why: str
    state: str  # open, ended; withdrawn, superseded (an analysis), dismissed (a person)
    window: tuple[int, int]
    outage: Outage  # its ``relapse_of`` is None; see below
    relapse_of: str | None
    document: Json

    @property
    def concluded(self) -> tuple[Conclusion, ...]:
        """What each source concluded by itself."""
        return conclusions_of(self.document)


@dataclass(frozen=True, slots=True)
class StoredOutage:
    """An outage as it is known now."""

    uid: str
    entity: Entity
    within: str  # code of a country, where it is of the entity's part in it alone
    sources: tuple[str, ...]
    detector: str
    newest: Revision


def record_outages(
    where: str,
    window: tuple[int, int],
    found: Iterable[Finding],
    *,
    source: str,
    detector: str,
    by: str,
    why: str,
    fuse: Fuse | None = None,
    at_us: int | None = None,
) -> Recorded:
    """Record what one source's analysis of [from, until) found in entities, those with no outage too.

    All in one transaction; the same call again changes nothing. What the source concluded earlier of these entities in
    the window and did not find again is withdrawn, and what another of its detectors did superseded, if this analysis
    saw at least the window in which it was found. An end that lies beyond the window is not forgotten because the
    window did not reach it. What a person dismissed stays dismissed. What other sources concluded stays as it is;
    ``fuse`` makes one outage of what several tell, and StoreError says where it is needed and not given.
    """
    if not window[0] < window[1]:
        raise StoreError(f"a window from {iso(window[0])} until {iso(window[1])} is none")
    note = note_of(by, why, at_us, window)
    with db.transaction(where, writes=OUTAGES) as connection:
        recorded: dict[tuple[str, str, str], list[RecordedOutage]] = {}
        for old in known_outages(connection, window, source=source):
            recorded.setdefault((old.row.entity_type, old.row.entity, old.row.within), []).append(old)
        findings = list(found)
        onsets = [outage.onset.best_us for one in findings for outage in one.outages]
        taken = uids_between(connection, onsets) | {old.row.uid for olds in recorded.values() for old in olds}
        writer = Writer(connection, checked_source(source), detector, note, taken, fuse)
        for one in findings:
            writer.record(one, recorded.pop((one.entity.type, one.entity.code, one.within), []))
        writer.insert()
    return writer.recorded()


def stored_outages(
    where: str,
    *,
    entities: Iterable[Entity] | None = None,
    from_us: int | None = None,
    until_us: int | None = None,
    states: Sequence[str] = CURRENT,
    uids: Iterable[str] | None = None,
) -> list[StoredOutage]:
    """Outages that touch [from, until), in order of onset, as they are known now; of these ids alone, if given."""
    table, revisions = db.outages, db.outage_revisions
    query = (
        sql.select(table, revisions)
        .join(revisions, (revisions.c.outage_id == table.c.id) & (revisions.c.number == table.c.revision))
        .where(table.c.state.in_(states))
        .order_by(table.c.onset_us, table.c.entity, table.c.within, table.c.id)
        .set_label_style(sql.LABEL_STYLE_TABLENAME_PLUS_COL)
    )
    if entities is not None:
        query = query.where(table.c.entity.in_([entity.code for entity in entities]))
    if uids is not None:
        query = query.where(table.c.uid.in_(list(uids)))
    if until_us is not None:
        query = query.where(table.c.onset_us < until_us)
    if from_us is not None:
        query = query.where((table.c.end_us.is_(None)) | (table.c.end_us > from_us))
    with db.transaction(where) as connection:
        return [_stored(row) for row in connection.execute(query).mappings()]


def outage_history(where: str, uid: str) -> list[Revision]:
    """Every revision of an outage, first to newest. StoreError where there is no such outage."""
    revisions = db.outage_revisions
    with db.transaction(where) as connection:
        query = sql.select(revisions).where(revisions.c.outage_id == key_of_outage(connection, uid))
        rows = connection.execute(query.order_by(revisions.c.number)).mappings().all()
    return [_revision(row, "") for row in rows]


def dismiss_outage(where: str, uid: str, *, by: str, why: str, restore: bool = False, at_us: int | None = None) -> None:
    """A person's word that this was no outage (or, with ``restore``, that it was). What was measured stays in it."""
    note = note_of(by, why, at_us)
    with db.transaction(where, writes=OUTAGES) as connection:
        (old,) = known_outages(connection, outage_id=key_of_outage(connection, uid))
        ended = old.document["end"] is not None
        state = ("ended" if ended else "open") if restore else "dismissed"
        if old.row.state != state:
            revise(connection, old, state, old.document, note)


def _stored(row: Any) -> StoredOutage:
    entity = Entity(row["outages_entity_type"], row["outages_entity"], row["outages_entity_name"])
    return StoredOutage(
        row["outages_uid"],
        entity,
        row["outages_within"],
        tuple(row["outages_sources"].split()),
        row["outages_detector"],
        _revision(row, "outage_revisions_"),
    )


def _revision(row: Any, prefix: str) -> Revision:
    document = row[prefix + "document"]
    return Revision(
        number=row[prefix + "number"],
        at_us=row[prefix + "at_us"],
        by=row[prefix + "by"],
        why=row[prefix + "why"],
        state=row[prefix + "state"],
        window=(row[prefix + "window_from_us"], row[prefix + "window_until_us"]),
        outage=from_document(document),
        relapse_of=document["relapse_of"],
        document=document,
    )
