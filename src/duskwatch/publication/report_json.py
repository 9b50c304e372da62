"""A report as the document report.json, "duskwatch.report/1". ``report.schema.json`` beside this file describes it."""

import json
from collections.abc import Iterable
from importlib.resources import files

import numpy as np
import numpy.typing as npt

import duskwatch
from duskwatch.publication import said_json
from duskwatch.publication.citing import citation, inputs_digest
from duskwatch.publication.comparison_chart import comparison_json
from duskwatch.publication.documents.judged import judged_document
from duskwatch.publication.finding import headline
from duskwatch.publication.impact_words import impact_json
from duskwatch.publication.others import only_others
from duskwatch.publication.outage_json import (
    Json,
    entity_json,
    figure,
    figure_list,
    incident_json,
    networks_json,
    outages_json,
    time_text,
)
from duskwatch.publication.states import STATE_NAMES
from duskwatch.publication.transit_json import failure_json
from duskwatch.publication.watching import blind_spans, unjudged, voters_spread, watched_share
from duskwatch.publication.why import causes_json, explanation_document
from duskwatch.publication.words import paragraphs
from duskwatch.records.coverage import Artefact
from duskwatch.records.report import InputFile, Report
from duskwatch.records.signals import ChangeLog, Gap, Level, PrefixState, SignalBlock
from duskwatch.records.times import SECOND, iso

SCHEMA = "duskwatch.report/1"
MOST_INPUTS = 100  # so many files are listed in the document; more are in inputs.csv beside it


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
        "headline": headline(report),
        "summary": list(paragraphs(report)),
        "cite": citation(report),
        "parameters": _parameters(report),
        "entity": entity_json(report.entity),
        "window": {"from": iso(report.from_us), "until": iso(report.until_us)},
        "time_zone": report.time_zone or None,
        "country_source": report.country_source or None,
        "warnings": list(report.warnings),
        "inputs": [_input(file) for file in _listed_inputs(report.inputs)],
        "inputs_list": _inputs_list(report),
        "coverage": {
            "collectors": len(report.collectors),
            "collector_names": list(report.collectors),
            "full_feed_peers": {"min": spread.least, "median": spread.median, "max": spread.most},
            "watched_share": figure(watched_share(report)),
            "unwatched": [{"from": iso(a), "until": iso(b)} for a, b in blind_spans(report)],
            "unjudged": [{"from": iso(a), "until": iso(b), "reason": why} for a, b, why in unjudged(report)],
            "gaps": [_gap(gap) for gap in history.gaps],
            "artefacts": [_artefact(artefact) for artefact in report.coverage.artefacts],
            "learned": history.learned,
            "known_share": figure(history.known_share),
            "notes": list(history.notes),
        },
        "judged": [judged_document(span) for span in report.judged],
        "outages": outages_json(report),
        "networks": networks_json(report.networks),
        "incidents": [] if report.networks is None else [incident_json(one) for one in report.networks.incidents],
        "transit": [
            {
                "upstream": share.upstream,
                "name": report.as_names.get(share.upstream) or None,
                "from": iso(share.from_us),
                "until": iso(share.until_us),
                "share": figure(share.share),
            }
            for share in history.transit
        ],
        "failures": [failure_json(one) | {"name": report.as_names.get(one.asn) or None} for one in history.carriers],
        "attacks": [],
        "sites": [],
        "hypotheses": [] if report.explanation is None else causes_json(report.explanation),
        "explanation": None if report.explanation is None else explanation_document(report.explanation),
        "comparison": comparison_json(report),
        "impact": impact_json(report.impact),
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
        columns = key in ("comparison", "series", "other_series", "level", "changes")
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


def _parameters(report: Report) -> Json:
    """What the analysis was asked for beside entity and window."""
    kinds = {"geo": ("delegated", "mmdb"), "as_names": ("asnames",), "series": ("series",)}
    return {
        "bin_seconds": None if only_others(report) else _seconds(report.history.signals.bin_us),
        "collectors": list(report.collectors),
        **{name: [file.name for file in report.inputs if file.kind in of_kind] for name, of_kind in kinds.items()},
    }


def _listed_inputs(inputs: tuple[InputFile, ...]) -> tuple[InputFile, ...]:
    """All files where they are few; else those that are no archive, and those with something wrong."""
    if len(inputs) <= MOST_INPUTS:
        return inputs
    return tuple(file for file in inputs if file.kind != "mrt" or file.damage or file.bad_records)[:MOST_INPUTS]


def _inputs_list(report: Report) -> Json:
    groups: dict[str, list[InputFile]] = {}
    for file in report.inputs:
        groups.setdefault(file.collector, []).append(file)
    return {
        "file": "inputs.csv",
        "sha256": inputs_digest(report),
        "files": len(report.inputs),
        "complete": len(report.inputs) <= MOST_INPUTS,
        "by_collector": [
            {
                "collector": name or None,
                "files": len(files),
                "size_bytes": sum(file.size_bytes for file in files),
                "records": sum(file.records for file in files),
                "bad_records": sum(file.bad_records for file in files),
                "damaged": sum(bool(file.damage) for file in files),
                "from": time_text(min((file.from_us for file in files if file.from_us is not None), default=None)),
                "until": time_text(max((file.until_us for file in files if file.until_us is not None), default=None)),
            }
            for name, files in sorted(groups.items(), key=lambda item: (item[0] == "", item[0]))
        ],
    }


def _seconds(bin_us: int) -> int | float:
    return bin_us // SECOND if bin_us % SECOND == 0 else bin_us / SECOND


def _times(time_us: npt.NDArray[np.int64]) -> list[str]:
    unique, at = np.unique(time_us, return_inverse=True)
    texts = [iso(moment) for moment in unique.tolist()]
    return [texts[i] for i in at.tolist()]


def _input(file: InputFile) -> Json:
    return {
        "name": file.name,
        "sha256": file.sha256 or None,
        "kind": file.kind,
        "collector": file.collector or None,
        "from": time_text(file.from_us),
        "until": time_text(file.until_us),
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


def _series(block: SignalBlock) -> Json:
    return {
        "start": iso(block.start_us),
        "bin_seconds": _seconds(block.bin_us),
        "names": list(block.names),
        "values": [figure_list(row) for row in block.values],
        "coverage": [figure_list(row) for row in block.coverage],
    }


def _level(level: Level) -> Json:
    return {
        "until": iso(level.until_us),
        "time": _times(level.time_us),
        "prefixes": figure_list(level.prefixes),
        "slash24": figure_list(level.slash24),
        "slash48": figure_list(level.slash48),
        "held_slash24": figure_list(level.held_slash24),
        "held_slash48": figure_list(level.held_slash48),
        "voters": figure_list(level.voters),
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
