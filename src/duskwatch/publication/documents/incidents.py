"""Incidents of a store as documents: short ones for lists, cells of a table, one in full with its outages."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from duskwatch.publication.documents.outages import OutageLike, around_of, witnesses_of
from duskwatch.publication.reasons import reason_text
from duskwatch.publication.transit_json import around_json
from duskwatch.records.coverage import Witnesses
from duskwatch.records.entity import Entity
from duskwatch.records.outages import When
from duskwatch.records.times import iso

Json = dict[str, Any]
COLUMNS = (
    "id", "state", "entity", "name", "from", "until", "lost", "explained_by", "explained", "outages", "revision",
    "title",
)  # fmt: skip


class IncidentLike(Protocol):
    """An incident, in one of its revisions, as a store gives it."""

    @property
    def number(self) -> int:
        """Its number."""
        ...

    @property
    def revision(self) -> int:
        """Counted from 1."""
        ...

    @property
    def at_us(self) -> int:
        """When this revision was recorded."""
        ...

    @property
    def by(self) -> str:
        """Who recorded it."""
        ...

    @property
    def why(self) -> str:
        """And why."""
        ...

    @property
    def state(self) -> str:
        """Open, ended, withdrawn or closed."""
        ...

    @property
    def title(self) -> str:
        """One sentence."""
        ...

    @property
    def entity(self) -> Entity | None:
        """The largest that was out; None where a person reported it."""
        ...

    @property
    def from_us(self) -> int | None:
        """When the first outage began."""
        ...

    @property
    def until_us(self) -> int | None:
        """When the last one ended; None while any lasts."""
        ...

    @property
    def outages(self) -> tuple[str, ...]:
        """Ids."""
        ...

    @property
    def document(self) -> Mapping[str, Any] | None:
        """Lost, explained, explained_by and members; None where a person reported it."""
        ...


def incident_document(one: IncidentLike) -> Json:
    """What is known of an incident, in short."""
    document = one.document or {}
    return {
        "id": one.number,
        "state": one.state,
        "entity": _entity(one.entity),
        "from": None if one.from_us is None else iso(one.from_us),
        "until": None if one.until_us is None else iso(one.until_us),
        "lost": document.get("lost"),
        "explained_by": [
            {"entity": member["entity"], "share": member["share"], "lost": member["lost"]}
            for member in document.get("explained_by", [])
        ],
        "explained": document.get("explained"),
        "outages": list(one.outages),
        "revision": one.revision,
        "title": one.title,
    }


def incident_in_full(
    past: Sequence[IncidentLike], outages: Iterable[OutageLike], notes: Iterable[Mapping[str, Any]]
) -> Json:
    """An incident with its outages, notes and every revision, of which the last is what is known now."""
    now = past[-1]
    return incident_document(now) | {
        "members": [member_document(now, one) for one in outages],
        "notes": [{"id": n["id"], "by": n["by"], "at": iso(n["at_us"]), "text": n["text"]} for n in notes],
        "revisions": [
            {"number": r.revision, "at": iso(r.at_us), "by": r.by, "why": r.why, "state": r.state, "title": r.title}
            for r in past
        ],
    }


def member_document(now: IncidentLike, one: OutageLike) -> Json:
    """One outage of an incident: when and how deep, what its entity was of the whole, who witnessed it, and why its
    bounds lie where they do."""
    outage = one.newest.outage
    member = next((m for m in (now.document or {}).get("members", []) if m["outage"] == one.uid), None)
    return {
        "outage": one.uid,
        "entity": _entity(one.entity),
        "state": one.newest.state,
        "from": iso(outage.onset.best_us),
        "until": None if outage.end is None else iso(outage.end.best_us),
        "duration_seconds": outage.duration_us / 1e6,
        "depth": outage.depth,
        "share": None if member is None else member["share"],
        "lost": None if member is None else member["lost"],
        "within": one.within or None,
        "sources": list(one.sources),
        "onset": _when(outage.onset),
        "end": _when(outage.end),
        "witnesses": _witnesses(witnesses_of(one.newest.concluded)),
        "reached_through": [
            {"asn": share.upstream, "from": iso(share.from_us), "until": iso(share.until_us), "share": share.share}
            for concluded in one.newest.concluded[:1]
            for share in concluded.transit
        ],
        "transit": around_json(around_of(one.newest.concluded)),
    }


def incident_cell(name: str, document: Mapping[str, Any]) -> Any:
    """One value of a document as a cell of a table."""
    entity = document["entity"] or {"code": "", "name": ""}
    values = {
        "entity": entity["code"],
        "name": entity["name"],
        "explained_by": " ".join(one["entity"] for one in document["explained_by"]),
        "outages": " ".join(document["outages"]),
    }
    value = values.get(name, document.get(name))
    return "" if value is None else value


def _entity(entity: Entity | None) -> dict[str, str] | None:
    return None if entity is None else {"type": entity.type, "code": entity.code, "name": entity.name}


def _when(when: When | None) -> Json | None:
    if when is None:
        return None
    bounds = {name: iso(getattr(when, f"{name}_us")) for name in ("earliest", "best", "latest")}
    return {**bounds, "reason": reason_text(when.reason)}


def _witnesses(witnesses: Witnesses | None) -> Json | None:
    if witnesses is None:
        return None
    return {
        "lost": witnesses.lost,
        "asked": witnesses.asked,
        "prefixes": witnesses.prefixes,
        "collectors": {
            view.collector: {"lost": view.lost, "kept": view.kept, "left": view.left} for view in witnesses.collectors
        },
        "recording": witnesses.verdict,
        "doubts": list(witnesses.doubts),
    }
