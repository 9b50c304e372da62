"""An outage as the JSON document of a revision, and back. NaN becomes null; times stay whole microseconds.

Beside the outage stands what each source concluded by itself; where there is one, its outage is the outage.
"""

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from operator import attrgetter
from typing import Any

from duskwatch.records import reason, transit
from duskwatch.records.coverage import CollectorView, PeerView, Witnesses
from duskwatch.records.findings import Conclusion
from duskwatch.records.outages import Alarm, Outage, Phase, When
from duskwatch.records.signals import TransitShare

Json = dict[str, Any]
_KINDS = (Outage, When, Phase, Alarm, Witnesses, CollectorView, PeerView, TransitShare, *transit.KINDS)
_FIELDS: dict[type, list[str]] = {kind: [field.name for field in fields(kind)] for kind in _KINDS}
_GETTERS = {kind: attrgetter(*names) for kind, names in _FIELDS.items()}
_REASON = reason.Reason
_AS_IT_IS = frozenset((int, bool, str, type(None)))
_ALARM_NUMBERS = ("expected", "observed", "threshold", "coverage")


def to_document(outage: Outage, relapse_of: str | None, concluded: Sequence[Conclusion]) -> Json:
    """``relapse_of`` names the earlier outage by its id; its place in one analysis means nothing in another."""
    document: Json = _plain(outage)
    document["relapse_of"] = relapse_of
    document["concluded"] = [_conclusion(one, outage) for one in concluded]
    return document


def _conclusion(one: Conclusion, fused: Outage) -> Json:
    same = one.outage is fused or replace(one.outage, relapse_of=None) == replace(fused, relapse_of=None)
    return {
        "source": one.source,
        "detector": one.detector,
        "window": [int(one.window[0]), int(one.window[1])],
        "outage": None if same else _plain(replace(one.outage, relapse_of=None)),
        "witnesses": _plain(one.witnesses),
        "transit": _plain(one.transit),
        "around": _plain(one.around),
    }


def conclusions_of(document: Json) -> tuple[Conclusion, ...]:
    """What each source concluded, by the document of a revision."""
    fused = from_document(document)
    return tuple(
        Conclusion(
            one["source"],
            one["detector"],
            (one["window"][0], one["window"][1]),
            fused if one["outage"] is None else from_document(one["outage"]),
            _witnesses(one["witnesses"]),
            tuple(TransitShare(**share) for share in one["transit"]),
            None if one.get("around") is None else _around(one["around"]),
        )
        for one in document["concluded"]
    )


def _around(document: Json) -> transit.OutageTransit:
    """What whole paths told; documents of earlier versions have none."""
    lists: Json = {
        name: tuple(kind(**{key: _known(kind, key, value) for key, value in one.items()}) for one in document[name])
        for name, kind in transit.LISTS.items()
    }
    return transit.OutageTransit(**document | lists)


def _known(kind: type, key: str, value: Any) -> Any:
    """A number that is not known is NaN; a time that is not known is None."""
    return math.nan if value is None and not (kind is transit.Withdrawal and key == "turned_us") else value


def _witnesses(document: Json | None) -> Witnesses | None:
    if document is None:
        return None
    views = tuple(
        CollectorView(**view | {"peers": tuple(map(_peer, view["peers"]))}) for view in document["collectors"]
    )
    return Witnesses(**document | {"collectors": views, "doubts": tuple(document["doubts"])})


def _peer(document: Json) -> PeerView:
    return PeerView(**document | {"addresses": tuple(document["addresses"])})


def from_document(document: Json) -> Outage:
    """The outage, without ``relapse_of``: the id in the document is no index.

    KeyError, TypeError or ValueError where it is no such document.
    """
    numbers = {name: _number(document[name]) for name in ("depth", "score", "confidence")}
    return Outage(
        onset=_moment(document["onset"]),
        end=_when(document["end"]),
        dark_from=_when(document["dark_from"]),
        dark_until=_when(document["dark_until"]),
        duration_us=document["duration_us"],
        phases=tuple(Phase(**phase) for phase in document["phases"]),
        relapses=document["relapses"],
        relapse_of=None,
        stable=document["stable"],
        signals=tuple(document["signals"]),
        alarms=tuple(_alarm(alarm) for alarm in document["alarms"]),
        **numbers,
    )


def _alarm(document: Json) -> Alarm:
    values: Json = {key: _number(value) if key in _ALARM_NUMBERS else value for key, value in document.items()}
    return Alarm(**values)


def _when(document: Json | None) -> When | None:
    return None if document is None else _moment(document)


def _moment(document: Json) -> When:
    return When(**document | {"reason": reason.from_document(document["reason"])})


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in _FIELDS:
        # Most fields are asked for here, not in a call for each: an outage has some sixty.
        return {
            name: inner if type(inner) in _AS_IT_IS else _plain(inner)
            for name, inner in zip(_FIELDS[kind], _GETTERS[kind](value), strict=True)
        }
    if kind is _REASON:
        return reason.to_document(value)
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, (bool, str)) or value is None:
        return value
    if isinstance(value, float):  # NumPy's doubles are floats
        return float(value) if math.isfinite(value) else None
    return int(value)
