"""Outages, networks and incidents as report.json holds them."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from duskwatch.publication.losing import Way, ways
from duskwatch.publication.observers import observers, witnesses_of
from duskwatch.publication.others import only_others
from duskwatch.publication.outage_ids import outage_ids
from duskwatch.publication.reasons import reason_text
from duskwatch.publication.transit_json import around_json
from duskwatch.publication.was_it_us import answer
from duskwatch.publication.who import sentence
from duskwatch.records.coverage import Witnesses
from duskwatch.records.entity import Entity
from duskwatch.records.incidents import Incident, Member
from duskwatch.records.networks import Holding, Networks
from duskwatch.records.outages import Alarm, Outage, When
from duskwatch.records.reason import Reason
from duskwatch.records.report import Report
from duskwatch.records.times import SECOND, iso

DECIMALS = 6  # of shares, scores and series: far below what the data can tell, and the same on every machine
Json = dict[str, Any]


def outages_json(report: Report) -> list[Json]:
    """Every outage of the entity, in order of onset."""
    ids = outage_ids(report.entity, report.outages)
    return [
        {"id": uid}
        | _outage(outage)
        | {"before_window": outage.onset.best_us < report.from_us}
        | {"was_it_us": _was_it_us(witnesses_of(report, number)), "observers": _observers(report, outage)}
        | _ways(report, outage)
        | {"transit": around_json(report.around[number] if number < len(report.around) else None)}
        for number, (uid, outage) in enumerate(zip(ids, report.outages, strict=True))
    ]


def _observers(report: Report, outage: Outage) -> Json | None:
    if only_others(report):
        return None
    seen = observers(report, outage)
    counts = {"lost": seen.lost, "kept": seen.kept, "left": seen.left, "silent": seen.silent}
    return {"watching": seen.watching} | {name: value if seen.counted else None for name, value in counts.items()}


def _ways(report: Report, outage: Outage) -> Json:
    if only_others(report):
        return {"lost_through": None, "back_through": None}
    lost, back = ways(report, outage)
    return {"lost_through": _way(lost), "back_through": _way(back)}


def _way(way: Way | None) -> Json | None:
    if way is None:
        return None
    return {
        "path": list(way.path),
        "prefixes": way.prefixes,
        "of": way.total,
        "neighbours": [{"asn": asn, "prefixes": many} for asn, many in way.neighbours],
    }


def figure(value: float) -> float | None:
    """A number as it is shown; null where it is not known."""
    return round(float(value), DECIMALS) if math.isfinite(value) else None


def figure_list(values: npt.NDArray[np.float64]) -> list[float | None]:
    """The same for a column."""
    rounded = np.round(values, DECIMALS).tolist()
    return [value if math.isfinite(value) else None for value in rounded]


def time_text(time_us: int | None) -> str | None:
    """A time, or null."""
    return None if time_us is None else iso(time_us)


def _when(when: When) -> Json:
    return {
        "earliest": iso(when.earliest_us),
        "latest": iso(when.latest_us),
        "best": iso(when.best_us),
        "reason": reason_text(when.reason) or None,
        "because": _because(when.reason) if when.reason.code else None,
    }


def _because(one: Reason) -> Json:
    """A reason's code and values; a value that is a time is written as one, and its name loses the unit."""
    values = {
        name.removesuffix("_us") if name.endswith("_us") and name != "bin_us" else name: (
            iso(int(value)) if isinstance(value, int) and name.endswith("_us") and name != "bin_us" else value
        )
        for name, value in one.values
    }
    return {"code": one.code, "values": values, "parts": [_because(part) for part in one.parts]}


def _was_it_us(witnesses: Witnesses | None) -> Json | None:
    if witnesses is None:
        return None
    return {
        "verdict": witnesses.verdict,
        "answer": answer(witnesses),
        "doubts": list(witnesses.doubts),
        "prefixes": witnesses.prefixes,
        "full_feed_peers": {
            "before": witnesses.voters_before,
            "least": witnesses.voters_least,
            "after": witnesses.voters_after,
        },
        "collectors": [
            {
                "collector": view.collector,
                "lost": view.lost,
                "held_on": view.kept,
                "went_away": view.left,
                "first_lost": time_text(view.first_us),
                "last_lost": time_text(view.last_us),
                "peers": [
                    {
                        "asn": one.asn,
                        "addresses": list(one.addresses),
                        "saw": one.saw,
                        "first_lost": time_text(one.first_us),
                    }
                    for one in view.peers
                ],
            }
            for view in witnesses.collectors
        ],
        "sessions_ended_near_onset": witnesses.resets,
        "gaps_overlapping": witnesses.gaps,
        "elsewhere": {"prefixes": witnesses.elsewhere, "lost": witnesses.elsewhere_lost},
        "heard_meanwhile": (
            None if witnesses.talking is None else {"peers": witnesses.talking, "statements": witnesses.statements or 0}
        ),
    }


def _outage(outage: Outage) -> Json:
    dark = None
    if outage.dark_from is not None:
        dark = {"from": _when(outage.dark_from), "until": _when(outage.dark_until) if outage.dark_until else None}
    return {
        "onset": _when(outage.onset),
        "dark": dark,
        "end": _when(outage.end) if outage.end is not None else None,
        "duration_seconds": figure(outage.duration_us / SECOND),
        "depth": figure(outage.depth),
        "phases": [
            {"phase": phase.phase, "from": iso(phase.from_us), "until": iso(phase.until_us)} for phase in outage.phases
        ],
        "relapses": outage.relapses,
        "relapse_of": outage.relapse_of,
        "stable": outage.stable,
        "signals": list(outage.signals),
        "score": figure(outage.score),
        "confidence": figure(outage.confidence),
        "alarms": [_alarm(alarm) for alarm in outage.alarms],
    }


def networks_json(networks: Networks | None) -> Json | None:
    """The networks (ASes) of a country."""
    if networks is None:
        return None
    return {
        "total": networks.total,
        "lost": [
            {
                "asn": one.entity.asn,
                "name": one.entity.name or None,
                "outages": [
                    _outage(outage) | {"before": _holding(had)}
                    for outage, had in zip(one.outages, one.before, strict=True)
                ],
            }
            for one in networks.lost
        ],
    }


def _holding(had: Holding) -> Json:
    return {
        "signal": had.signal,
        "own": figure(had.part),
        "country": figure(had.whole),
        "share": figure(had.share),
    }


def incident_json(incident: Incident) -> Json:
    """One incident."""
    return {
        "entity": entity_json(incident.entity),
        "from": iso(incident.from_us),
        "until": time_text(incident.until_us),
        "lost": figure(incident.lost),
        "explained_by": [_member(member) for member in incident.explained_by],
        "explained": figure(incident.explained),
        "members": [_member(member) for member in incident.members],
        "sentence": sentence(incident),
    }


def _member(member: Member) -> Json:
    return {
        "entity": entity_json(member.entity),
        "outage": member.number,
        "share": figure(member.part),
        "lost": figure(member.lost),
    }


def entity_json(entity: Entity) -> Json:
    """An entity; its name is null where none is known."""
    return {"type": entity.type, "code": entity.code, "name": entity.name or None}


def _alarm(alarm: Alarm) -> Json:
    return {
        "signal": alarm.signal,
        "detector": alarm.detector,
        "from": iso(alarm.from_us),
        "raised": iso(alarm.raised_us),
        "until": time_text(alarm.until_us),
        "expected": figure(alarm.expected),
        "observed": figure(alarm.observed),
        "threshold": figure(alarm.threshold),
        "coverage": figure(alarm.coverage),
    }
