"""One alert as a document, ``duskwatch.alert/1``: the same for every channel."""

from typing import Any

from duskwatch.publication.alerts.stages import Stage, Told
from duskwatch.publication.documents.outages import witnesses_of
from duskwatch.publication.facts import length_text
from duskwatch.publication.times_text import percent, utc, utc_after
from duskwatch.records.entity import Entity
from duskwatch.records.findings import Conclusion
from duskwatch.records.outages import Outage
from duskwatch.records.times import SECOND, iso

SCHEMA = "duskwatch.alert/1"
SEVERITIES = ("minor", "major", "critical")
MAJOR, CRITICAL = 0.5, 0.9
Json = dict[str, Any]


def severity_of(depth: float) -> str:
    """By how much is lost: critical from 90 % on, major from half on."""
    return SEVERITIES[(depth >= MAJOR) + (depth >= CRITICAL)]


def alert_key(uid: str, told: Told) -> str:
    """Under which an alert is written once, and by which a receiver knows it again."""
    return f"{uid}/{told.key}"


def alert_document(
    uid: str, entity: Entity, outage: Outage, told: Told, concluded: tuple[Conclusion, ...] = (), state: str = ""
) -> Json:
    """The alert that an outage has reached a stage."""
    witnesses = witnesses_of(concluded)
    over = told.stage in ("closed", "withdrawn")
    phase = outage.phases[-1].phase if outage.phases else ""
    return {
        "schema": SCHEMA,
        "id": alert_key(uid, told),
        "outage": uid,
        "stage": told.stage,
        "at": iso(told.at_us),
        "severity": severity_of(outage.depth),
        "entity": {"type": entity.type, "code": entity.code, "name": entity.name},
        "text": text_of(entity, outage, told.stage, told.at_us, witnesses),
        "state": state or ("ended" if over else "open"),
        "phase": phase,
        "onset": {
            "earliest": iso(outage.onset.earliest_us),
            "best": iso(outage.onset.best_us),
            "latest": iso(outage.onset.latest_us),
        },
        "end": iso(outage.end.best_us) if outage.end is not None else None,
        "duration_seconds": outage.duration_us / SECOND,
        "depth": round(outage.depth, 6),
        "relapses": outage.relapses,
        "confidence": round(outage.confidence, 6),
        "peers_lost": None if witnesses is None else witnesses.lost,
        "peers_asked": None if witnesses is None else witnesses.asked,
        "was_it_us": None if witnesses is None else witnesses.verdict,
    }


def text_of(entity: Entity, outage: Outage, stage: Stage, at_us: int, witnesses: Any = None) -> str:
    """The alert in one or two sentences."""
    name = f"{entity.name} ({entity.code})" if entity.name else entity.code
    onset = outage.onset.best_us
    lasted = length_text(outage, (outage.end.best_us if outage.end is not None else at_us) - onset)
    seconds = True
    since = utc(onset, seconds)
    lost = percent(outage.depth)
    peers = (
        f" {witnesses.lost} of {witnesses.asked} peers lost it." if witnesses is not None and witnesses.asked else ""
    )
    if stage == "opened":
        return f"{name} lost {lost} of what could be reached, since {since}.{peers}"
    if stage == "dark":
        return (
            f"{name}: nothing can be reached any more, since {utc(at_us, seconds)}; the loss began at {since}.{peers}"
        )
    if stage == "deeper":
        return f"{name}: {lost} is lost now, since {since}.{peers}"
    if stage == "relapsed":
        return f"{name} was lost again, at {utc(at_us, seconds)}: relapse {outage.relapses} since {since}."
    if stage == "closed":
        back = utc_after(at_us, onset, seconds)
        return f"{name} is back since {back}, after {lasted}; {lost} was lost since {since}.{_relapses(outage)}"
    if stage == "withdrawn":
        return f"{name}: the outage told since {since} was none, by what is known now."
    share = {"back-first": "The first", "back-50": "Half", "back-90": "90 %"}.get(stage)
    if share is not None:
        after = length_text(outage, max(0, at_us - onset))
        return f"{name}: {share.lower()} of what was lost is back, at {utc(at_us, seconds)}, {after} after the onset."
    return f"{name}: {stage}"


def _relapses(outage: Outage) -> str:
    if not outage.relapses:
        return ""
    return f" It was lost again {outage.relapses} time{'' if outage.relapses == 1 else 's'} in between."


def test_document(channel: str, now_us: int) -> Json:
    """An alert that says that it is none."""
    return {
        "schema": SCHEMA,
        "id": f"test/{channel}/{now_us}",
        "outage": "TEST-00000000T000000Z",
        "stage": "test",
        "at": iso(now_us),
        "severity": "minor",
        "entity": {"type": "country", "code": "ZZ", "name": "Test"},
        "text": f"A test of channel {channel}: no outage.",
        "state": "ended",
        "phase": "restored",
        "onset": {"earliest": iso(now_us), "best": iso(now_us), "latest": iso(now_us)},
        "end": iso(now_us),
        "duration_seconds": 0.0,
        "depth": 0.0,
        "relapses": 0,
        "confidence": 0.0,
        "peers_lost": None,
        "peers_asked": None,
        "was_it_us": None,
    }
