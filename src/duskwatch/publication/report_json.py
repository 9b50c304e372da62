"""A report as the document report.json, "duskwatch.report/1". ``report.schema.json`` beside this file describes it."""

import json
import math
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

import duskwatch
from duskwatch.publication import said_json
from duskwatch.publication.facts import STATE_NAMES, blind_spans, voters_spread, watched_share
from duskwatch.publication.reasons import reason_text
from duskwatch.publication.was_it_us import answer, witnesses_of
from duskwatch.publication.who import sentence
from duskwatch.publication.words import paragraphs
from duskwatch.records.coverage import Artefact, Witnesses
from duskwatch.records.entity import Entity
from duskwatch.records.incidents import Incident, Member
from duskwatch.records.networks import Holding, Networks
from duskwatch.records.outages import Alarm, Outage, When
from duskwatch.records.reason import Reason
from duskwatch.records.report import InputFile, Report
from duskwatch.records.signals import ChangeLog, Gap, Level, PrefixState, SignalBlock
from duskwatch.records.times import SECOND, iso

SCHEMA = "duskwatch.report/1"
DECIMALS = 6  # of shares, scores and series: far below what the data can tell, and the same on every machine
Json = dict[str, Any]


def to_json(report: Report) -> Json:
    """The document: plain dicts, lists, text and numbers. The same report gives the same document.

    Times are ISO 8601 with Z. A value that is not known (NaN inside) is null; no NaN or infinity ever comes out.
    """
    history = report.history
    spread = voters_spread(report)
    return {
        "schema": SCHEMA,
        "software": {"name": "duskwatch", "version": duskwatch.__version__},
        "reenactment": report.reenactment or None,
        "summary": list(paragraphs(report)),
        "entity": _entity(report.entity),
        "window": {"from": iso(report.from_us), "until": iso(report.until_us)},
        "time_zone": report.time_zone or None,
        "country_source": report.country_source or None,
        "warnings": list(report.warnings),
        "inputs": [_input(file) for file in report.inputs],
        "coverage": {
            "collectors": len(report.collectors),
            "collector_names": list(report.collectors),
            "full_feed_peers": {"min": spread.least, "median": spread.median, "max": spread.most},
            "watched_share": _number(watched_share(report)),
            "unwatched": [{"from": iso(a), "until": iso(b)} for a, b in blind_spans(report)],
            "gaps": [_gap(gap) for gap in history.gaps],
            "artefacts": [_artefact(artefact) for artefact in report.coverage.artefacts],
            "learned": history.learned,
            "known_share": _number(history.known_share),
            "notes": list(history.notes),
        },
        "outages": [
            _outage(outage) | {"was_it_us": _was_it_us(witnesses_of(report, number))}
            for number, outage in enumerate(report.outages)
        ],
        "networks": _networks(report.networks),
        "incidents": [] if report.networks is None else [_incident(one) for one in report.networks.incidents],
        "transit": [
            {
                "upstream": share.upstream,
                "name": report.as_names.get(share.upstream) or None,
                "from": iso(share.from_us),
                "until": iso(share.until_us),
                "share": _number(share.share),
            }
            for share in history.transit
        ],
        "attacks": [],
        "sites": [],
        "hypotheses": [],
        "claims": [] if report.said is None else said_json.to_json(report.said)["claims"],
        "articles": [] if report.said is None else said_json.to_json(report.said)["articles"],
        "not_measured": list(report.not_measured),
        "as_names": {str(asn): report.as_names[asn] for asn in sorted(report.as_names)},
        "series": _series(history.signals),
        "other_series": [_series(block) for block in history.series],
        "level": _level(history.level),
        "changes": _changes(history.changes),
    }


def dumps(document: Json) -> str:
    """Text of a document: one line for each key of its head, long columns unbroken; ends with a line feed."""
    lines = []
    for key, value in document.items():
        columns = key in ("series", "other_series", "level", "changes")
        text = json.dumps(
            value, allow_nan=False, ensure_ascii=False, indent=None if columns else 1,
            separators=(",", ":") if columns else (",", ": "),
        )  # fmt: skip
        lines.append(f"{json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def schema() -> Json:
    """The JSON Schema (draft 2020-12) of the document."""
    text = files("duskwatch.publication").joinpath("report.schema.json").read_text(encoding="utf-8")
    document: Json = json.loads(text)
    return document


def _number(value: float) -> float | None:
    return round(float(value), DECIMALS) if math.isfinite(value) else None


def _numbers(values: npt.NDArray[np.float64]) -> list[float | None]:
    rounded = np.round(values, DECIMALS).tolist()
    return [value if math.isfinite(value) else None for value in rounded]


def _time(time_us: int | None) -> str | None:
    return None if time_us is None else iso(time_us)


def _times(time_us: npt.NDArray[np.int64]) -> list[str]:
    unique, at = np.unique(time_us, return_inverse=True)
    texts = [iso(moment) for moment in unique.tolist()]
    return [texts[i] for i in at.tolist()]


def _when(when: When) -> Json:
    return {
        "earliest": iso(when.earliest_us),
        "latest": iso(when.latest_us),
        "best": iso(when.best_us),
        "reason": reason_text(when.reason),
        "because": _because(when.reason),
    }


def _because(one: Reason) -> Json:
    """A reason's code and values; a value that is a time is told as one, and its name loses the unit."""
    values = {
        name.removesuffix("_us") if name.endswith("_us") and name != "bin_us" else name: (
            iso(int(value)) if isinstance(value, int) and name.endswith("_us") and name != "bin_us" else value
        )
        for name, value in one.values
    }
    return {"code": one.code, "values": values, "parts": [_because(part) for part in one.parts]}


def _input(file: InputFile) -> Json:
    return {
        "name": file.name,
        "sha256": file.sha256,
        "kind": file.kind,
        "collector": file.collector or None,
        "from": _time(file.from_us),
        "until": _time(file.until_us),
        "records": file.records,
        "bad_records": file.bad_records,
        "damage": file.damage or None,
        "size_bytes": file.size_bytes,
    }


def _gap(gap: Gap) -> Json:
    return {
        "source": gap.source,
        "from": iso(gap.from_us),
        "until": iso(gap.until_us),
        "reason": gap.reason,
        "full_feed_peers": gap.peers,
    }


def _artefact(artefact: Artefact) -> Json:
    return {
        "kind": artefact.kind,
        "source": artefact.source or None,
        "from": iso(artefact.from_us),
        "until": iso(artefact.until_us),
        "peers": artefact.voters,
        "detail": artefact.detail,
    }


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
                "first_lost": _time(view.first_us),
                "last_lost": _time(view.last_us),
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
        "duration_seconds": _number(outage.duration_us / SECOND),
        "depth": _number(outage.depth),
        "phases": [
            {"phase": phase.phase, "from": iso(phase.from_us), "until": iso(phase.until_us)} for phase in outage.phases
        ],
        "relapses": outage.relapses,
        "relapse_of": outage.relapse_of,
        "stable": outage.stable,
        "signals": list(outage.signals),
        "score": _number(outage.score),
        "confidence": _number(outage.confidence),
        "alarms": [_alarm(alarm) for alarm in outage.alarms],
    }


def _networks(networks: Networks | None) -> Json | None:
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
        "own": _number(had.own),
        "country": _number(had.whole),
        "share": _number(had.share),
    }


def _incident(incident: Incident) -> Json:
    return {
        "entity": _entity(incident.entity),
        "from": iso(incident.from_us),
        "until": _time(incident.until_us),
        "lost": _number(incident.lost),
        "explained_by": [_member(member) for member in incident.explained_by],
        "explained": _number(incident.explained),
        "members": [_member(member) for member in incident.members],
        "sentence": sentence(incident),
    }


def _member(member: Member) -> Json:
    return {
        "entity": _entity(member.entity),
        "outage": member.number,
        "share": _number(member.part),
        "lost": _number(member.lost),
    }


def _entity(entity: Entity) -> Json:
    return {"type": entity.type, "code": entity.code, "name": entity.name}


def _alarm(alarm: Alarm) -> Json:
    return {
        "signal": alarm.signal,
        "detector": alarm.detector,
        "from": iso(alarm.from_us),
        "raised": iso(alarm.raised_us),
        "until": _time(alarm.until_us),
        "expected": _number(alarm.expected),
        "observed": _number(alarm.observed),
        "threshold": _number(alarm.threshold),
        "coverage": _number(alarm.coverage),
    }


def _series(block: SignalBlock) -> Json:
    return {
        "start": iso(block.start_us),
        "bin_seconds": block.bin_us // SECOND if block.bin_us % SECOND == 0 else block.bin_us / SECOND,
        "names": list(block.names),
        "values": [_numbers(row) for row in block.values],
        "coverage": [_numbers(row) for row in block.coverage],
    }


def _level(level: Level) -> Json:
    return {
        "until": iso(level.until_us),
        "time": _times(level.time_us),
        "prefixes": _numbers(level.prefixes),
        "slash24": _numbers(level.slash24),
        "slash48": _numbers(level.slash48),
        "held_slash24": _numbers(level.held_slash24),
        "held_slash48": _numbers(level.held_slash48),
        "voters": _numbers(level.voters),
        "by_voters": _flags(level.by_voters.tolist()),
    }


def _changes(log: ChangeLog) -> Json:
    names = [STATE_NAMES[PrefixState(code)] for code in range(len(PrefixState))]
    return {
        "prefixes": list(log.prefixes),
        "time": _times(log.time_us),
        "prefix": log.prefix.tolist(),
        "state": [names[code] for code in log.state.tolist()],
        "votes": log.votes.tolist(),
        "voters": log.voters.tolist(),
        "origin": log.origin.tolist(),
        "upstream": log.upstream.tolist(),
        "by_voters": _flags(log.by_voters.tolist()),
        **_beyond(log),
    }


def _beyond(log: ChangeLog) -> dict[str, list[int]]:
    """The AS before the upstream on each path, where the log holds it."""
    column = getattr(log, "beyond", None)
    if column is None or len(column) != len(log.time_us):
        return {}
    return {"beyond": column.tolist()}


def _flags(values: Iterable[int]) -> list[bool]:
    return [bool(value) for value in values]
