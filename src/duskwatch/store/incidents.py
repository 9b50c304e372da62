"""Incidents and their revisions: reported by a person, or found by an analysis and found again without doubling.

An incident that an analysis finds is the same as one before where both have outages in common, whose ids never change.
What a person changed of it (title, outages, that it is closed) stays, whatever is found later.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql

from duskwatch.records.entity import Entity
from duskwatch.records.incidents import Incident, Member
from duskwatch.store import database as db
from duskwatch.store.errors import StoreError
from duskwatch.store.revision_rows import Note, add_revision, checked, key_of_outage, new_row, newest_revision, note_of
from duskwatch.store.revision_rows import row_of as _row_of

CURRENT = ("open", "ended", "closed")
INCIDENTS = "incidents"  # what writers of incidents wait for
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FoundIncident:
    """What an analysis says of one incident."""

    title: str
    incident: Incident
    uids: tuple[str, ...]  # ids of the outages of its members, in their order


@dataclass(frozen=True, slots=True)
class RecordedIncidents:
    """What became of the incidents of one analysis, by their numbers."""

    numbers: tuple[int, ...] = ()  # of those given, in the order given
    new: tuple[int, ...] = ()
    revised: tuple[int, ...] = ()
    unchanged: tuple[int, ...] = ()
    withdrawn: tuple[int, ...] = ()  # of earlier analyses, not found again


@dataclass(frozen=True, slots=True)
class StoredIncident:
    """An incident as it is known now, or was in one revision."""

    number: int
    revision: int
    at_us: int
    by: str
    why: str
    state: str  # open, ended; withdrawn (an analysis), closed (a person)
    title: str
    entity: Entity | None  # None where a person reported it
    detector: str
    from_us: int | None
    until_us: int | None
    outages: tuple[str, ...]  # ids
    document: Json | None  # lost, explained, explained_by and members; None where a person reported it


def record_incidents(
    where: str,
    window: tuple[int, int],
    found: Sequence[FoundIncident],
    *,
    source: str,
    detector: str,
    by: str,
    why: str,
    at_us: int | None = None,
) -> RecordedIncidents:
    """Record the incidents that one analysis of [from, until) made of the outages it recorded; in one transaction.

    The same call again changes nothing. One recorded before, by whatever detector, is the same where it shares outages
    with one found, the most of them first. Those of the window that were not found again are withdrawn, if this
    analysis saw at least the window in which they were found, and no outage of theirs stands that other sources tell of
    and ``source`` does not; an analysis that saw less does not overrule, unless it found more outages.
    StoreError where an outage is not recorded, or an incident has none.
    """
    if not window[0] < window[1]:
        raise StoreError("a window that ends before it begins is none")
    note = note_of(by, why, at_us, window)
    counts: dict[str, list[int]] = {"numbers": [], "new": [], "revised": [], "unchanged": [], "withdrawn": []}
    with db.transaction(where, writes=INCIDENTS) as connection:
        recorded = _recorded(connection, window)
        elsewhere = _elsewhere(connection, window, source)
        matches = _match(found, recorded)
        for i, one in enumerate(found):
            if not one.uids:
                raise StoreError(f"incident '{one.title}' has no outage")
            old = matches.get(i)
            values = _values(one, detector)
            document = to_document(one)
            if old is None:
                number = new_row(connection, db.incidents, {"revision": 1, **values})
                _put(connection, number, {"revision": 1, **values}, one.uids, note, document)
                counts["new"].append(number)
            else:
                number = old.number
                changed = _sees_enough(one, old, window, elsewhere) and _revise(
                    connection, old, values, one.uids, document, note
                )
                counts["revised" if changed else "unchanged"].append(number)
            counts["numbers"].append(number)
        again = {old.number for old in matches.values()}
        for old in recorded:
            gone = old.number not in again and old.state in ("open", "ended") and _inside(old, window)
            if gone and elsewhere.isdisjoint(old.document["outages"]):
                values = {"revision": old.revision + 1, "state": "withdrawn", "title": old.title}
                connection.execute(sql.update(db.incidents).where(db.incidents.c.id == old.number).values(values))
                _put(connection, old.number, values, old.outages, note, old.document)
                counts["withdrawn"].append(old.number)
    return RecordedIncidents(**{name: tuple(numbers) for name, numbers in counts.items()})


def stored_incidents(
    where: str,
    *,
    entities: Iterable[Entity] | None = None,
    from_us: int | None = None,
    until_us: int | None = None,
    numbers: Sequence[int] | None = None,
    states: Sequence[str] = CURRENT,
) -> list[StoredIncident]:
    """Incidents that touch [from, until), in order of their begin, as they are known now.

    entities  only those of, or with an outage of, one of these
    """
    table = db.incidents
    query = _joined().where(table.c.state.in_(states)).order_by(table.c.from_us, table.c.id)
    if numbers is not None:
        query = query.where(table.c.id.in_(list(numbers)))
    if entities is not None:
        codes = [entity.code for entity in entities]
        members = (
            sql.select(db.incident_outages.c.incident_id)
            .join(db.outages, db.outages.c.id == db.incident_outages.c.outage_id)
            .where(db.outages.c.entity.in_(codes))
        )
        query = query.where(table.c.entity.in_(codes) | table.c.id.in_(members))
    if until_us is not None:
        query = query.where(table.c.from_us < until_us)
    if from_us is not None:
        query = query.where((table.c.until_us.is_(None)) | (table.c.until_us > from_us))
    with db.transaction(where) as connection:
        return [_stored(row) for row in connection.execute(query).mappings()]


def incident_history(where: str, number: int) -> list[StoredIncident]:
    """Every revision of an incident, first to newest. StoreError where there is no such incident."""
    revisions = db.incident_revisions
    with db.transaction(where) as connection:
        row = _row_of(connection, db.incidents, number, "incident")
        query = sql.select(revisions).where(revisions.c.incident_id == number).order_by(revisions.c.number)
        past = connection.execute(query).mappings().all()
    return [_stored({**row, **revision, "incident_id": number}) for revision in past]


def record_incident(
    where: str, title: str, outages: Sequence[str], *, by: str, why: str, at_us: int | None = None
) -> int:
    """Tell outages, named by their ids, as one story; the incident's number."""
    values = {"revision": 1, "state": "open", "title": checked(title, "title")}
    with db.transaction(where, writes=INCIDENTS) as connection:
        number = new_row(connection, db.incidents, {**values, **_times(connection, outages)})
        _put(connection, number, values, outages, note_of(by, why, at_us), None)
    return number


def revise_incident(
    where: str,
    number: int,
    *,
    by: str,
    why: str,
    title: str | None = None,
    state: str | None = None,
    outages: Sequence[str] | None = None,
    at_us: int | None = None,
) -> None:
    """Change an incident's title, state (open, closed) or outages; what is not named stays.

    An incident that is opened again, and is over by what was measured, is "ended".
    """
    if state not in (None, "open", "closed"):
        raise StoreError(f"state '{state}': an incident is open or closed")
    with db.transaction(where, writes=INCIDENTS) as connection:
        row = _row_of(connection, db.incidents, number, "incident")
        if state == "open" and row["until_us"] is not None:
            state = "ended"
        before = newest_revision(connection, db.incident_revisions, "incident_id", row)
        values = {
            "revision": row["revision"] + 1,
            "state": state or row["state"],
            "title": row["title"] if title is None else checked(title, "title"),
        }
        kept = before["outages"] if outages is None else outages
        more = {} if outages is None else _times(connection, kept)
        connection.execute(sql.update(db.incidents).where(db.incidents.c.id == number).values({**values, **more}))
        window = (before["window_from_us"], before["window_until_us"])
        note = note_of(by, why, at_us, None if window[0] is None else window)
        _put(connection, number, values, kept, note, before["document"])


def incidents(where: str) -> list[dict[str, Any]]:
    """All incidents as they are now: id, revision, state, title, outages (ids), and the other columns."""
    with db.transaction(where) as connection:
        rows = connection.execute(_joined().order_by(db.incidents.c.id)).mappings()
        return [{**row, "id": row["incident_id"]} for row in rows]


def to_document(found: FoundIncident) -> Json:
    """What an analysis says of an incident, with outages by their ids."""
    by_uid = [_member(member, uid) for member, uid in zip(found.incident.members, found.uids, strict=True)]
    explaining = [found.incident.members.index(member) for member in found.incident.explained_by]
    return {
        "title": found.title,
        "outages": list(found.uids),
        "lost": float(found.incident.lost),
        "explained": float(found.incident.explained),
        "explained_by": [by_uid[place] for place in explaining],
        "members": by_uid,
    }


def _member(member: Member, uid: str) -> Json:
    return {
        "outage": uid,
        "entity_type": member.entity.type,
        "entity": member.entity.code,
        "share": float(member.part),
        "lost": float(member.lost),
    }


def _joined() -> "sql.Select[Any]":
    table, revisions = db.incidents, db.incident_revisions
    columns = [column for column in table.c if column.name not in ("id", "revision", "state", "title")]
    return sql.select(revisions, revisions.c.number.label("revision"), *columns).join(
        table, (revisions.c.incident_id == table.c.id) & (revisions.c.number == table.c.revision)
    )


def _stored(row: Any) -> StoredIncident:
    entity = Entity(row["entity_type"], row["entity"], row["entity_name"]) if row["entity"] else None
    return StoredIncident(
        number=row["incident_id"],
        revision=row["number"],
        at_us=row["at_us"],
        by=row["by"],
        why=row["why"],
        state=row["state"],
        title=row["title"],
        entity=entity,
        detector=row["detector"] or "",
        from_us=row["from_us"],
        until_us=row["until_us"],
        outages=tuple(row["outages"]),
        document=row["document"],
    )


@dataclass(frozen=True, slots=True)
class _Recorded:
    number: int
    revision: int
    state: str
    title: str
    outages: tuple[str, ...]
    window: tuple[int, int]
    document: Json
    values: Json  # entity and times


def _found_in(window: tuple[int, int]) -> tuple["sql.ColumnElement[bool]", ...]:
    """Incidents of analyses that touch a window; those of persons have no detector."""
    table = db.incidents
    return (
        table.c.detector.is_not(None),
        table.c.from_us <= window[1],
        (table.c.until_us.is_(None)) | (table.c.until_us >= window[0]),
    )


def _elsewhere(connection: sql.Connection, window: tuple[int, int], source: str) -> set[str]:
    """Ids of standing outages of these incidents of which other sources tell, and a source does not."""
    members, outages = db.incident_outages, db.outages
    query = (
        sql.select(outages.c.uid, outages.c.sources)
        .join(members, members.c.outage_id == outages.c.id)
        .join(db.incidents, db.incidents.c.id == members.c.incident_id)
        .where(*_found_in(window), outages.c.state.in_(("open", "ended")))
    )
    return {row.uid for row in connection.execute(query) if source not in row.sources.split()}


def _recorded(connection: sql.Connection, window: tuple[int, int]) -> list[_Recorded]:
    """Incidents of analyses that touch a window, in whatever state."""
    table = db.incidents
    query = _joined().where(*_found_in(window))
    return [
        _Recorded(
            row["incident_id"],
            row["number"],
            row["state"],
            row["title"],
            tuple(row["outages"]),
            (row["window_from_us"], row["window_until_us"]),
            row["document"],
            {name: row[name] for name in ("entity_type", "entity", "entity_name", "from_us", "until_us")},
        )
        for row in connection.execute(query.order_by(table.c.id)).mappings()
    ]


def _match(found: Sequence[FoundIncident], recorded: Sequence[_Recorded]) -> dict[int, _Recorded]:
    """Which of the known incidents each one found is: the most outages in common first, each once."""
    holders: dict[str, list[int]] = {}
    for j, old in enumerate(recorded):
        for uid in old.document["outages"]:
            holders.setdefault(uid, []).append(j)
    common: dict[tuple[int, int], int] = {}
    for i, one in enumerate(found):
        for uid in one.uids:
            for j in holders.get(uid, ()):
                common[i, j] = common.get((i, j), 0) + 1
    out: dict[int, _Recorded] = {}
    taken: set[int] = set()
    for (i, j), _ in sorted(common.items(), key=lambda pair: (-pair[1], pair[0])):
        if i not in out and j not in taken:
            out[i] = recorded[j]
            taken.add(j)
    return out


def _inside(old: _Recorded, window: tuple[int, int]) -> bool:
    return window[0] <= old.window[0] and old.window[1] <= window[1]


def _sees_enough(one: FoundIncident, old: _Recorded, window: tuple[int, int], elsewhere: set[str]) -> bool:
    before, now = set(old.document["outages"]), set(one.uids)
    return now >= before or (_inside(old, window) and not (before - now) & elsewhere)


def _values(one: FoundIncident, detector: str) -> Json:
    incident = one.incident
    return {
        "state": "open" if incident.until_us is None else "ended",
        "title": checked(one.title, "title"),
        "entity_type": incident.entity.type,
        "entity": incident.entity.code,
        "entity_name": incident.entity.name,
        "detector": detector,
        "from_us": int(incident.from_us),
        "until_us": None if incident.until_us is None else int(incident.until_us),
    }


def _revise(
    connection: sql.Connection, old: _Recorded, values: Json, uids: tuple[str, ...], document: Json, note: Note
) -> bool:
    if old.state == "closed":
        values = {**values, "state": "closed"}
    if old.title != old.document["title"]:
        values = {**values, "title": old.title}
    if old.outages != tuple(old.document["outages"]):
        uids = old.outages
        values = {**values, "from_us": old.values["from_us"], "until_us": old.values["until_us"]}
    same = all(values[name] == value for name, value in old.values.items())
    # The title says what the document holds: other words for it are no other incident.
    if same and values["state"] == old.state and document == {**old.document, "title": document["title"]}:
        return False
    values = {**values, "revision": old.revision + 1}
    connection.execute(sql.update(db.incidents).where(db.incidents.c.id == old.number).values(values))
    _put(connection, old.number, values, uids, note, document)
    return True


def _times(connection: sql.Connection, uids: Sequence[str]) -> Json:
    """When the outages of an incident began and ended; no time where there is none, or one lasts."""
    table = db.outages
    rows = connection.execute(sql.select(table.c.onset_us, table.c.end_us).where(table.c.uid.in_(list(uids)))).all()
    ends = [row.end_us for row in rows if row.end_us is not None]
    return {
        "from_us": min((row.onset_us for row in rows), default=None),
        "until_us": max(ends) if rows and len(ends) == len(rows) else None,
    }


def _put(
    connection: sql.Connection, number: int, values: Json, outages: Sequence[str], note: Note, document: Json | None
) -> None:
    ids = [key_of_outage(connection, uid) for uid in dict.fromkeys(outages)]
    members = db.incident_outages
    connection.execute(sql.delete(members).where(members.c.incident_id == number))
    if ids:
        connection.execute(sql.insert(members), [{"incident_id": number, "outage_id": one} for one in ids])
    window = note.window or (None, None)
    more = {
        "title": values["title"],
        "outages": list(dict.fromkeys(outages)),
        "window_from_us": window[0],
        "window_until_us": window[1],
        "document": document,
    }
    add_revision(
        connection, db.incident_revisions, "incident_id", number, values["revision"], values["state"], note, more
    )  # fmt: skip
