"""One analysis of one source into the outages that are known: which are the same, which are new, which are gone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sql

from duskwatch.records.findings import Conclusion, Finding, Fused
from duskwatch.records.outages import Outage
from duskwatch.records.times import to_datetime
from duskwatch.store import database as db
from duskwatch.store.errors import StoreError
from duskwatch.store.outage_json import Json, conclusions_of, to_document
from duskwatch.store.outage_rows import RecordedOutage, moment_columns, revise, state_of
from duskwatch.store.revision_rows import Note, revision_row

CURRENT = ("open", "ended")
SHOWN = (*CURRENT, "dismissed")  # what a source concluded and holds to, whatever a person said of it
GONE = ("withdrawn", "superseded")

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
class _Kept:
    """A conclusion, and the outage that it is recorded in; None: it is new."""

    conclusion: Conclusion
    old: RecordedOutage | None


class Writer:
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

    def record(self, one: Finding, olds: Sequence[RecordedOutage]) -> None:
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
            Conclusion(
                self.source, self.detector, self.window, replace(outage, relapse_of=None), witnesses, transit, around
            )
            for outage, witnesses, transit, around in zip(
                one.outages,
                one.witnesses or nothing,
                one.transit or [()] * len(one.outages),
                one.around or nothing,
                strict=True,
            )
        ]

    def _by_this_detector(self, old: RecordedOutage) -> bool:
        return any(
            each["source"] == self.source and each["detector"] == self.detector for each in old.document["concluded"]
        )

    def _saw(self, old: RecordedOutage) -> bool:
        """Whether this analysis saw all of the window in which its source concluded an outage that begins in it."""
        windows = [one["window"] for one in old.document["concluded"] if one["source"] == self.source]
        begins = self.window[0] <= old.row.onset_us < self.window[1]
        return begins and all(self.window[0] <= start and stop <= self.window[1] for start, stop in windows)

    def _fused(
        self, one: Finding, kept: Sequence[_Kept], olds: Sequence[RecordedOutage], gone: Sequence[RecordedOutage]
    ) -> None:
        """The same where other sources tell of the entity too."""
        if self.fuse is None:
            raise StoreError(f"{one.entity.code}: several sources tell of it, and nothing says how to make them one")
        every = list(kept)
        dropped = {id(old) for old in gone}
        replaced = {id(each.old) for each in kept if each.old is not None} | dropped
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
            members.sort(key=lambda conclusion: (conclusion.source, conclusion.outage.onset.best_us))
            uids.append(self._put(one, each.outage, relapse_of, members, owners.get(k)))
        self.uids += [uids[next(k for k, each in enumerate(fused) if i in each.members)] for i in range(len(kept))]
        held = {id(old) for old in owners.values()}
        still_concluded = {id(every[m].old) for each in fused for m in each.members if every[m].old is not None}
        for old in olds:
            if old.row.state in CURRENT and id(old) not in held:
                by_another = id(old) in dropped and not self._by_this_detector(old)
                self._drop(old, "superseded" if by_another or id(old) in still_concluded else "withdrawn")

    def _put(
        self,
        one: Finding,
        outage: Outage,
        relapse_of: str | None,
        concluded: Sequence[Conclusion],
        old: RecordedOutage | None,
    ) -> str:
        """Record an outage, new or revised; its id."""
        document = to_document(outage, relapse_of, concluded)
        columns = {
            "detector": " ".join(dict.fromkeys(each.detector for each in concluded)),
            "sources": " ".join(dict.fromkeys(each.source for each in concluded)),
            **moment_columns(outage),
        }
        if old is None:
            uid = self._new_uid(one, outage)
            names = {"entity_type": one.entity.type, "entity": one.entity.code, "entity_name": one.entity.name}
            row = {"uid": uid, **names, "within": one.within, "revision": 1, "state": state_of(outage), **columns}
            self.rows.append(row)
            self.documents.append(document)
            self.changes["new"].append(uid)
            return uid
        state = "dismissed" if old.row.state == "dismissed" else state_of(outage)
        changed = _without_windows(document) != _without_windows(old.document) or old.row.state != state
        if changed:
            revise(self.connection, old, state, document, self.note, columns)
        self.changes["revised" if changed else "unchanged"].append(old.row.uid)
        return str(old.row.uid)

    def _drop(self, old: RecordedOutage, state: str) -> None:
        revise(self.connection, old, state, old.document, self.note)
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


def _match(outages: Sequence[Outage], olds: Sequence[RecordedOutage], source: str) -> dict[int, RecordedOutage]:
    """Which of the known outages each new one is: onsets that overlap, the closest ones first, each once."""
    onsets = [_onset(old, source) for old in olds]
    pairs = sorted(
        (abs(outage.onset.best_us - onset["best_us"]), i, j)
        for i, outage in enumerate(outages)
        for j, onset in enumerate(onsets)
        if outage.onset.earliest_us <= onset["latest_us"] and onset["earliest_us"] <= outage.onset.latest_us
    )
    found: dict[int, RecordedOutage] = {}
    taken: set[int] = set()
    for _, i, j in pairs:
        if i not in found and j not in taken:
            found[i] = olds[j]
            taken.add(j)
    return found


def _concluded_by(old: RecordedOutage, source: str) -> Json:
    """The outage that a source concluded, the first of them, as its document has it."""
    concluded = next(one["outage"] for one in old.document["concluded"] if one["source"] == source)
    return old.document if concluded is None else concluded


def _onset(old: RecordedOutage, source: str) -> Json:
    onset: Json = _concluded_by(old, source)["onset"]
    return onset


def _seen_more(new: Conclusion, old: RecordedOutage | None, source: str, until_us: int) -> Conclusion:
    """The new conclusion, or the old one, where the end is unknown only because the window did not reach it."""
    if old is None or new.outage.end is not None or old.row.state != "ended":
        return new
    end = _concluded_by(old, source)["end"]
    if end is None or end["best_us"] < until_us:
        return new
    return next(one for one in conclusions_of(old.document) if one.source == source)


def _owners(fused: Sequence[Fused], every: Sequence[_Kept]) -> dict[int, RecordedOutage]:
    """Which recorded outage each fused one is: the one with the most conclusions in common, each once."""
    common: dict[tuple[int, int], int] = {}
    olds: dict[int, RecordedOutage] = {}
    for k, one in enumerate(fused):
        for member in one.members:
            old = every[member].old
            if old is not None:
                olds[old.row.id] = old
                common[k, old.row.id] = common.get((k, old.row.id), 0) + 1
    out: dict[int, RecordedOutage] = {}
    taken: set[int] = set()
    for (k, key), _ in sorted(common.items(), key=lambda pair: (-pair[1], pair[0])):
        if k not in out and key not in taken:
            out[k] = olds[key]
            taken.add(key)
    return out


def _without_windows(document: Json) -> Json:
    """What is said of an outage, whatever windows were analysed; what is not known is as if it had no name yet."""
    concluded = [
        {name: value for name, value in one.items() if name != "window" and value is not None}
        for one in document["concluded"]
    ]
    return document | {"concluded": concluded}
