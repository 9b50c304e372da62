"""Conclusions with their history: outages, incidents, annotations. Every change is a revision; nothing is overwritten.

One analysis of a window is recorded as a whole. An outage is the same one as before where entity and detector are
the same and the intervals of the onsets overlap: it is then revised, or left alone where nothing changed. So an
analysis that is repeated adds nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql

from duskwatch.records.entity import Entity
from duskwatch.records.outages import Outage
from duskwatch.records.times import SECOND, iso, to_datetime
from duskwatch.store import database as db
from duskwatch.store.errors import StoreError
from duskwatch.store.incidents import incidents, record_incident, record_incidents, revise_incident, stored_incidents
from duskwatch.store.outage_json import Json, from_document, to_document
from duskwatch.store.revision_rows import (
    Note,
    add_revision,
    checked,
    key_of_outage,
    new_row,
    note_of,
    revision_row,
    row_of,
)

__all__ = [
    "Recorded",
    "Revision",
    "StoredOutage",
    "annotate",
    "annotations",
    "counts",
    "dismiss_outage",
    "incidents",
    "outage_history",
    "record_incident",
    "record_incidents",
    "record_outages",
    "revise_annotation",
    "revise_incident",
    "stored_incidents",
    "stored_outages",
]

CURRENT = ("open", "ended")
OUTAGES = "outages"  # what writers of outages wait for


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of the outages of one analysis, by their ids."""

    uids: tuple[str, ...] = ()  # of those given, in the order given
    new: tuple[str, ...] = ()
    revised: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()  # of earlier analyses, not found again
    superseded: tuple[str, ...] = ()  # of other detectors, in the same window


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


@dataclass(frozen=True, slots=True)
class StoredOutage:
    """An outage as it is known now."""

    uid: str
    entity: Entity
    detector: str
    newest: Revision


def record_outages(
    where: str,
    window: tuple[int, int],
    found: Iterable[tuple[Entity, Sequence[Outage]]],
    *,
    detector: str,
    by: str,
    why: str,
    at_us: int | None = None,
) -> Recorded:
    """Record what one analysis of [from, until) found in entities, those with no outage too; in one transaction.

    The same call again changes nothing. Earlier outages of these entities that begin in the window and were not
    found again are withdrawn, and those of other detectors superseded, if this analysis saw at least the window in
    which they were found. An end that lies beyond the window is not forgotten because the window did not reach it.
    What a person dismissed stays dismissed.
    """
    if not window[0] < window[1]:
        raise StoreError(f"a window from {iso(window[0])} until {iso(window[1])} is none")
    note = note_of(by, why, at_us, window)
    counts: dict[str, list[str]] = {
        "uids": [], "new": [], "revised": [], "unchanged": [], "withdrawn": [], "superseded": []
    }  # fmt: skip
    with db.transaction(where, writes=OUTAGES) as connection:
        known: dict[tuple[str, str], list[_Known]] = {}
        for old in _known(connection, window):
            known.setdefault((old.row.entity_type, old.row.entity), []).append(old)
        told = list(found)
        fresh = _Fresh(_uids(connection, [outage.onset.best_us for _, outages in told for outage in outages]))
        for entity, outages in told:
            olds = known.pop((entity.type, entity.code), [])
            _record(connection, entity, outages, olds, detector, note, counts, fresh)
        _insert(connection, fresh, note)
    return Recorded(**{name: tuple(uids) for name, uids in counts.items()})


def _record(
    connection: sql.Connection,
    entity: Entity,
    outages: Sequence[Outage],
    known: Sequence["_Known"],
    detector: str,
    note: Note,
    counts: dict[str, list[str]],
    fresh: "_Fresh",
) -> None:
    from_us, until_us = note.window or (0, 0)
    matches = _match(outages, [old for old in known if old.row.detector == detector])
    uids: list[str] = []
    for i, outage in enumerate(outages):
        relapse_of = None if outage.relapse_of is None else uids[outage.relapse_of]
        old = matches.get(i)
        if old is None:
            uids.append(fresh.add(entity, outage, detector, relapse_of))
            counts["new"].append(uids[-1])
        else:
            uids.append(old.row.uid)
            changed = not _sees_less(outage, old, until_us) and _revise(connection, old, outage, relapse_of, note)
            counts["revised" if changed else "unchanged"].append(old.row.uid)
    counts["uids"] += uids
    again = {old.row.id for old in matches.values()}
    for old in known:
        inside = from_us <= old.row.onset_us < until_us and from_us <= old.window[0] and old.window[1] <= until_us
        if inside and old.row.id not in again and old.row.state in CURRENT:
            state = "withdrawn" if old.row.detector == detector else "superseded"
            _add_revision(connection, old, state, old.document, note)
            counts[state].append(old.row.uid)


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
        .order_by(table.c.onset_us, table.c.entity, table.c.id)
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
        (old,) = _known(connection, outage_id=key_of_outage(connection, uid))
        ended = old.document["end"] is not None
        state = ("ended" if ended else "open") if restore else "dismissed"
        if old.row.state != state:
            _add_revision(connection, old, state, old.document, note)


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


def counts(where: str) -> dict[str, int]:
    """How many outages, incidents and notes there are, and revisions of outages."""
    named = {
        "outages": db.outages.c.state.in_(CURRENT),
        "outage revisions": db.outage_revisions.c.id > 0,
        "incidents": db.incidents.c.state != "withdrawn",
        "notes": db.annotations.c.state == "shown",
    }
    with db.transaction(where) as connection:
        return {
            name: connection.execute(sql.select(sql.func.count()).where(condition)).scalar_one()
            for name, condition in named.items()
        }


@dataclass(frozen=True, slots=True)
class _Known:
    row: Any  # of table outages
    window: tuple[int, int]  # of its newest revision
    document: Json

    @property
    def interval(self) -> tuple[int, int]:
        return self.row.onset_earliest_us, self.row.onset_latest_us


def _known(
    connection: sql.Connection, window: tuple[int, int] | None = None, outage_id: int | None = None
) -> list[_Known]:
    """Outages whose onset may lie in a window, or one by its key; in whatever state."""
    table, revisions = db.outages, db.outage_revisions
    query = sql.select(table, revisions.c.window_from_us, revisions.c.window_until_us, revisions.c.document).join(
        revisions, (revisions.c.outage_id == table.c.id) & (revisions.c.number == table.c.revision)
    )
    if window is not None:
        query = query.where(table.c.onset_latest_us >= window[0], table.c.onset_earliest_us <= window[1])
    if outage_id is not None:
        query = query.where(table.c.id == outage_id)
    rows = connection.execute(query.order_by(table.c.id))
    return [_Known(row, (row.window_from_us, row.window_until_us), row.document) for row in rows]


def _match(outages: Sequence[Outage], known: Sequence[_Known]) -> dict[int, _Known]:
    """Which of the known outages each new one is: onsets that overlap, the closest ones first, each once."""
    pairs = sorted(
        (abs(outage.onset.best_us - old.row.onset_us), i, j)
        for i, outage in enumerate(outages)
        for j, old in enumerate(known)
        if outage.onset.earliest_us <= old.interval[1] and old.interval[0] <= outage.onset.latest_us
    )
    found: dict[int, _Known] = {}
    taken: set[int] = set()
    for _, i, j in pairs:
        if i not in found and j not in taken:
            found[i] = known[j]
            taken.add(j)
    return found


def _sees_less(outage: Outage, old: _Known, until_us: int) -> bool:
    """Whether the end is unknown only because the window did not reach it."""
    end = old.document["end"]
    return outage.end is None and old.row.state == "ended" and end is not None and end["best_us"] >= until_us


def _state(outage: Outage) -> str:
    return "open" if outage.end is None else "ended"


def _summary(outage: Outage) -> dict[str, Any]:
    return {
        "onset_earliest_us": int(outage.onset.earliest_us),
        "onset_us": int(outage.onset.best_us),
        "onset_latest_us": int(outage.onset.latest_us),
        "end_us": None if outage.end is None else int(outage.end.best_us),
    }


class _Fresh:
    """Outages that were not known, to be inserted together."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = taken
        self.rows: list[dict[str, Any]] = []
        self.documents: list[Json] = []

    def add(self, entity: Entity, outage: Outage, detector: str, relapse_of: str | None) -> str:
        """Take one in; its id."""
        moment = to_datetime(outage.onset.best_us).strftime("%Y%m%dT%H%M%SZ")
        base = f"{entity.code.replace('/', '_')}-{moment}"
        uid, n = base, 1
        while uid in self._taken:
            n += 1
            uid = f"{base}-{n}"
        self._taken.add(uid)
        self.rows.append(
            {
                "uid": uid,
                "entity_type": entity.type,
                "entity": entity.code,
                "entity_name": entity.name,
                "detector": detector,
                "revision": 1,
                "state": _state(outage),
                **_summary(outage),
            }
        )
        self.documents.append(to_document(outage, relapse_of))
        return uid


def _uids(connection: sql.Connection, onsets_us: Sequence[int]) -> set[str]:
    """Ids that outages with these onsets may not have: those of all between them, to the second that ids tell."""
    if not onsets_us:
        return set()
    inside = db.outages.c.onset_us.between(min(onsets_us) - SECOND, max(onsets_us) + SECOND)
    return set(connection.execute(sql.select(db.outages.c.uid).where(inside)).scalars())


def _insert(connection: sql.Connection, fresh: _Fresh, note: Note) -> None:
    if not fresh.rows:
        return
    assert note.window is not None
    keys = sql.insert(db.outages).returning(db.outages.c.id, sort_by_parameter_order=True)
    numbers = connection.execute(keys, fresh.rows).scalars().all()
    more = {"window_from_us": note.window[0], "window_until_us": note.window[1]}
    revisions = [
        revision_row("outage_id", number, 1, row["state"], note, {**more, "document": document})
        for number, row, document in zip(numbers, fresh.rows, fresh.documents, strict=True)
    ]
    connection.execute(sql.insert(db.outage_revisions), revisions)


def _revise(connection: sql.Connection, old: _Known, outage: Outage, relapse_of: str | None, note: Note) -> bool:
    document = to_document(outage, relapse_of)
    state = "dismissed" if old.row.state == "dismissed" else _state(outage)
    if document == old.document and old.row.state == state:
        return False
    _add_revision(connection, old, state, document, note, _summary(outage))
    return True


def _add_revision(
    connection: sql.Connection,
    old: _Known,
    state: str,
    document: Json,
    note: Note,
    summary: dict[str, Any] | None = None,
) -> None:
    number = old.row.revision + 1
    connection.execute(
        sql.update(db.outages)
        .where(db.outages.c.id == old.row.id)
        .values(revision=number, state=state, **(summary or {}))
    )
    _add_outage_revision(connection, old.row.id, number, state, document, note, note.window or old.window)


def _add_outage_revision(
    connection: sql.Connection,
    outage_id: int,
    number: int,
    state: str,
    document: Json,
    note: Note,
    window: tuple[int, int] | None,
) -> None:
    assert window is not None
    more = {"window_from_us": window[0], "window_until_us": window[1], "document": document}
    add_revision(connection, db.outage_revisions, "outage_id", outage_id, number, state, note, more)


def _stored(row: Any) -> StoredOutage:
    entity = Entity(row["outages_entity_type"], row["outages_entity"], row["outages_entity_name"])
    return StoredOutage(row["outages_uid"], entity, row["outages_detector"], _revision(row, "outage_revisions_"))


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
    )
