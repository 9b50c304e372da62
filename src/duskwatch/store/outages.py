"""Outages and their revisions: what each source concluded by itself, and the one outage that they tell of together.

One analysis of a window by one source is recorded as a whole. An outage is the same one as before where source,
detector and entity are the same and the intervals of the onsets overlap: it is then revised, or left alone where
nothing changed. So an analysis that is repeated adds nothing, and none touches what another source concluded.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sql

from duskwatch.records.entity import Entity
from duskwatch.records.findings import Conclusion, Finding, Fused
from duskwatch.records.outages import Outage
from duskwatch.records.times import SECOND, iso, to_datetime
from duskwatch.store import database as db
from duskwatch.store.days import checked_source
from duskwatch.store.errors import StoreError
from duskwatch.store.outage_json import Json, conclusions_of, from_document, to_document
from duskwatch.store.revision_rows import Note, add_revision, key_of_outage, note_of, revision_row

CURRENT = ("open", "ended")
SHOWN = (*CURRENT, "dismissed")  # what a source concluded and holds to, whatever a person said of it
OUTAGES = "outages"  # what writers of outages wait for

Fuse = Callable[[Sequence[Conclusion]], Sequence[Fused]]
"""Makes the conclusions of several sources about one entity outages, in order of onset."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of the outages of one analysis, by their ids."""

    uids: tuple[str, ...] = ()  # of those given, in the order given
    new: tuple[str, ...] = ()
    revised: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()  # that no source tells of any more
    superseded: tuple[str, ...] = ()  # by another detector of the source, or part of another outage now


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
        known: dict[tuple[str, str, str], list[_Known]] = {}
        for old in _known(connection, window, source=source):
            known.setdefault((old.row.entity_type, old.row.entity, old.row.within), []).append(old)
        told = list(found)
        onsets = [outage.onset.best_us for one in told for outage in one.outages]
        taken = _uids(connection, onsets) | {old.row.uid for olds in known.values() for old in olds}
        writer = _Writer(connection, checked_source(source), detector, note, taken, fuse)
        for one in told:
            writer.record(one, known.pop((one.entity.type, one.entity.code, one.within), []))
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
        (old,) = _known(connection, outage_id=key_of_outage(connection, uid))
        ended = old.document["end"] is not None
        state = ("ended" if ended else "open") if restore else "dismissed"
        if old.row.state != state:
            _add_revision(connection, old, state, old.document, note)


@dataclass(frozen=True, slots=True)
class _Known:
    row: Any  # of table outages
    window: tuple[int, int]  # of its newest revision
    document: Json

    @property
    def sources(self) -> set[str]:
        return {one["source"] for one in self.document["concluded"]}


@dataclass(frozen=True, slots=True)
class _Kept:
    """A conclusion, and the outage that it is recorded in; None: it is new."""

    conclusion: Conclusion
    old: _Known | None


class _Writer:
    """Records one analysis of one source, entity by entity."""

    def __init__(
        self,
        connection: sql.Connection,
        source: str,
        detector: str,
        note: Note,
        taken: set[str],
        fuse: Fuse | None,
    ) -> None:
        self.connection, self.source, self.detector, self.note, self.fuse = connection, source, detector, note, fuse
        assert note.window is not None
        self.window = note.window
        self.taken = taken
        self.rows: list[dict[str, Any]] = []  # of outages that were not known, to be inserted together
        self.documents: list[Json] = []
        self.uids: list[str] = []
        self.changes: dict[str, list[str]] = {name: [] for name in ("new", "revised", "unchanged", *GONE)}

    def recorded(self) -> Recorded:
        """What became of all."""
        return Recorded(uids=tuple(self.uids), **{name: tuple(uids) for name, uids in self.changes.items()})

    def record(self, one: Finding, olds: Sequence[_Known]) -> None:
        """What was found of one entity, and what is known of it."""
        mine = [old for old in olds if self.source in old.sources]
        found = self._concluded(one)
        matches = _match(one.outages, [old for old in mine if self._by_this_detector(old)], self.source)
        kept = [
            _Kept(_seen_more(new, matches.get(i), self.source, self.window[1]), matches.get(i))
            for i, new in enumerate(found)
        ]
        again = {id(old) for old in matches.values()}
        gone = [old for old in mine if id(old) not in again and old.row.state in CURRENT and self._saw(old)]
        others = [
            old for old in olds if old.row.state in SHOWN and old.sources - {self.source} and id(old) not in again
        ]
        if others or any(old.sources - {self.source} for old in matches.values()):
            self._fused(one, kept, olds, gone)
            return
        uids: list[str] = []
        for i, (outage, each) in enumerate(zip(one.outages, kept, strict=True)):
            relapse_of = None if outage.relapse_of is None else uids[outage.relapse_of]
            if each.conclusion is not found[i]:  # who sees less does not overrule
                assert each.old is not None
                self.changes["unchanged"].append(each.old.row.uid)
                uids.append(each.old.row.uid)
            else:
                uids.append(self._put(one, each.conclusion.outage, relapse_of, [each.conclusion], each.old))
        self.uids += uids
        for old in gone:
            self._drop(old, "withdrawn" if self._by_this_detector(old) else "superseded")

    def _concluded(self, one: Finding) -> list[Conclusion]:
        nothing = [None] * len(one.outages)
        return [
            Conclusion(self.source, self.detector, self.window, replace(outage, relapse_of=None), witnesses, transit)
            for outage, witnesses, transit in zip(
                one.outages, one.witnesses or nothing, one.transit or [()] * len(one.outages), strict=True
            )
        ]

    def _by_this_detector(self, old: _Known) -> bool:
        return any(
            each["source"] == self.source and each["detector"] == self.detector for each in old.document["concluded"]
        )

    def _saw(self, old: _Known) -> bool:
        """Whether this analysis saw all of the window in which its source concluded an outage that begins in it."""
        own = [one["window"] for one in old.document["concluded"] if one["source"] == self.source]
        begins = self.window[0] <= old.row.onset_us < self.window[1]
        return begins and all(self.window[0] <= start and stop <= self.window[1] for start, stop in own)

    def _fused(self, one: Finding, kept: Sequence[_Kept], olds: Sequence[_Known], gone: Sequence[_Known]) -> None:
        """The same where other sources tell of the entity too."""
        if self.fuse is None:
            raise StoreError(f"{one.entity.code}: several sources tell of it, and nothing says how to make them one")
        every = list(kept)
        replaced = {id(each.old) for each in kept if each.old is not None} | {id(old) for old in gone}
        for old in olds:
            if old.row.state not in SHOWN:
                continue
            every += [
                _Kept(each, old)
                for each in conclusions_of(old.document)
                if each.source != self.source or id(old) not in replaced
            ]
        fused = list(self.fuse([each.conclusion for each in every]))
        owners = _owners(fused, every)
        uids: list[str] = []
        for k, each in enumerate(fused):
            relapse_of = None if each.outage.relapse_of is None else uids[each.outage.relapse_of]
            members = [every[m].conclusion for m in each.members]
            members.sort(key=lambda told: (told.source, told.outage.onset.best_us))
            uids.append(self._put(one, each.outage, relapse_of, members, owners.get(k)))
        self.uids += [uids[next(k for k, each in enumerate(fused) if i in each.members)] for i in range(len(kept))]
        held = {id(old) for old in owners.values()}
        told_of = {id(every[m].old) for each in fused for m in each.members if every[m].old is not None}
        for old in olds:
            if old.row.state in CURRENT and id(old) not in held:
                self._drop(old, "superseded" if id(old) in told_of else "withdrawn")

    def _put(
        self,
        one: Finding,
        outage: Outage,
        relapse_of: str | None,
        concluded: Sequence[Conclusion],
        old: _Known | None,
    ) -> str:
        """Record an outage, new or revised; its id."""
        document = to_document(outage, relapse_of, concluded)
        columns = {
            "detector": " ".join(dict.fromkeys(each.detector for each in concluded)),
            "sources": " ".join(dict.fromkeys(each.source for each in concluded)),
            **_summary(outage),
        }
        if old is None:
            uid = self._new_uid(one, outage)
            names = {"entity_type": one.entity.type, "entity": one.entity.code, "entity_name": one.entity.name}
            row = {"uid": uid, **names, "within": one.within, "revision": 1, "state": _state(outage), **columns}
            self.rows.append(row)
            self.documents.append(document)
            self.changes["new"].append(uid)
            return uid
        state = "dismissed" if old.row.state == "dismissed" else _state(outage)
        changed = _without_windows(document) != _without_windows(old.document) or old.row.state != state
        if changed:
            _add_revision(self.connection, old, state, document, self.note, columns)
        self.changes["revised" if changed else "unchanged"].append(old.row.uid)
        return str(old.row.uid)

    def _drop(self, old: _Known, state: str) -> None:
        _add_revision(self.connection, old, state, old.document, self.note)
        self.changes[state].append(old.row.uid)

    def _new_uid(self, one: Finding, outage: Outage) -> str:
        moment = to_datetime(outage.onset.best_us).strftime("%Y%m%dT%H%M%SZ")
        holder = f"{one.entity.code}.{one.within}" if one.within else one.entity.code
        base = f"{holder.replace('/', '_')}-{moment}"
        uid, n = base, 1
        while uid in self.taken:
            n += 1
            uid = f"{base}-{n}"
        self.taken.add(uid)
        return uid

    def insert(self) -> None:
        """Write the rows of outages that were not known."""
        if not self.rows:
            return
        keys = sql.insert(db.outages).returning(db.outages.c.id, sort_by_parameter_order=True)
        numbers = self.connection.execute(keys, self.rows).scalars().all()
        more = {"window_from_us": self.window[0], "window_until_us": self.window[1]}
        revisions = [
            revision_row("outage_id", number, 1, row["state"], self.note, {**more, "document": document})
            for number, row, document in zip(numbers, self.rows, self.documents, strict=True)
        ]
        self.connection.execute(sql.insert(db.outage_revisions), revisions)


GONE = ("withdrawn", "superseded")


def _known(
    connection: sql.Connection,
    window: tuple[int, int] | None = None,
    *,
    source: str = "",
    outage_id: int | None = None,
) -> list[_Known]:
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
    return [_Known(row, (row.window_from_us, row.window_until_us), row.document) for row in rows]


def _match(outages: Sequence[Outage], known: Sequence[_Known], source: str) -> dict[int, _Known]:
    """Which of the known outages each new one is: onsets that overlap, the closest ones first, each once."""
    onsets = [_onset(old, source) for old in known]
    pairs = sorted(
        (abs(outage.onset.best_us - onset["best_us"]), i, j)
        for i, outage in enumerate(outages)
        for j, onset in enumerate(onsets)
        if outage.onset.earliest_us <= onset["latest_us"] and onset["earliest_us"] <= outage.onset.latest_us
    )
    found: dict[int, _Known] = {}
    taken: set[int] = set()
    for _, i, j in pairs:
        if i not in found and j not in taken:
            found[i] = known[j]
            taken.add(j)
    return found


def _own(old: _Known, source: str) -> Json:
    """The outage that a source concluded, the first of them, as its document has it."""
    told = next(one["outage"] for one in old.document["concluded"] if one["source"] == source)
    return old.document if told is None else told


def _onset(old: _Known, source: str) -> Json:
    onset: Json = _own(old, source)["onset"]
    return onset


def _seen_more(new: Conclusion, old: _Known | None, source: str, until_us: int) -> Conclusion:
    """The new conclusion, or the old one, where the end is unknown only because the window did not reach it."""
    if old is None or new.outage.end is not None or old.row.state != "ended":
        return new
    end = _own(old, source)["end"]
    if end is None or end["best_us"] < until_us:
        return new
    return next(one for one in conclusions_of(old.document) if one.source == source)


def _owners(fused: Sequence[Fused], every: Sequence[_Kept]) -> dict[int, _Known]:
    """Which recorded outage each fused one is: the one with the most conclusions in common, each once."""
    common: dict[tuple[int, int], int] = {}
    olds: dict[int, _Known] = {}
    for k, one in enumerate(fused):
        for member in one.members:
            old = every[member].old
            if old is not None:
                olds[old.row.id] = old
                common[k, old.row.id] = common.get((k, old.row.id), 0) + 1
    out: dict[int, _Known] = {}
    taken: set[int] = set()
    for (k, key), _ in sorted(common.items(), key=lambda pair: (-pair[1], pair[0])):
        if k not in out and key not in taken:
            out[k] = olds[key]
            taken.add(key)
    return out


def _without_windows(document: Json) -> Json:
    """What is told of an outage, whatever windows were analysed."""
    return document | {"concluded": [{**one, "window": None} for one in document["concluded"]]}


def _state(outage: Outage) -> str:
    return "open" if outage.end is None else "ended"


def _summary(outage: Outage) -> dict[str, Any]:
    return {
        "onset_earliest_us": int(outage.onset.earliest_us),
        "onset_us": int(outage.onset.best_us),
        "onset_latest_us": int(outage.onset.latest_us),
        "end_us": None if outage.end is None else int(outage.end.best_us),
    }


def _uids(connection: sql.Connection, onsets_us: Sequence[int]) -> set[str]:
    """Ids that outages with these onsets may not have: those of all between them, to the second that ids tell."""
    if not onsets_us:
        return set()
    inside = db.outages.c.onset_us.between(min(onsets_us) - SECOND, max(onsets_us) + SECOND)
    return set(connection.execute(sql.select(db.outages.c.uid).where(inside)).scalars())


def _add_revision(
    connection: sql.Connection,
    old: _Known,
    state: str,
    document: Json,
    note: Note,
    columns: dict[str, Any] | None = None,
) -> None:
    number = old.row.revision + 1
    connection.execute(
        sql.update(db.outages)
        .where(db.outages.c.id == old.row.id)
        .values(revision=number, state=state, **(columns or {}))
    )
    window = note.window or old.window
    more = {"window_from_us": window[0], "window_until_us": window[1], "document": document}
    add_revision(connection, db.outage_revisions, "outage_id", old.row.id, number, state, note, more)


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
