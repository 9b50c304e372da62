"""A report as Markdown, to be pasted into a ticket or a mail: what happened, the outages, how sure, how to check."""

from collections.abc import Sequence

import duskwatch
from duskwatch.publication import citing, facts_box, was_it_us, who
from duskwatch.publication.facts import dark_span, exact, length_text
from duskwatch.publication.finding import finding, lost_text
from duskwatch.publication.impact_words import impact_text
from duskwatch.publication.outage_ids import outage_ids
from duskwatch.publication.tables import interval, lasted_text, then
from duskwatch.publication.times_text import local_table_time, place, table_time
from duskwatch.publication.why import explanation_lines
from duskwatch.publication.words import story
from duskwatch.records.outages import When
from duskwatch.records.report import Report
from duskwatch.records.times import iso

MOST_OUTAGES = 30


def to_markdown(report: Report) -> str:
    """The document; text from outside cannot break its tables or make links of its own."""
    found = finding(report)
    parts = [f"# {_safe(found.headline)}"]
    if report.reenactment:
        parts.append(f"> **{_safe(report.reenactment)}**")
    parts.append(_safe(found.lead))
    facts = [(fact.label, fact.value, "; ".join(fact.notes)) for fact in facts_box.four(report)]
    parts.append(_table(("fact", "value", "from"), facts))
    parts += [_safe(text) for text in story(report)]
    if report.outages:
        parts += ["## Outages", _outages(report)]
    if report.networks is not None and report.networks.lost:
        rows = who.lines(report)
        parts += ["## Operators that were lost", "\n".join(f"- {_safe(row)}" for row in rows)]
    parts.append(_safe(impact_text(report.impact)))
    if report.explanation is not None:
        verdict, *rest = explanation_lines(report.explanation)
        parts += ["## Why", _safe(verdict), "\n".join(f"- {_safe(line)}" for line in rest)]
    answers = was_it_us.lines(report)
    if answers:
        parts += ["## Was it us?", "\n\n".join(_safe(line.removeprefix(f"{was_it_us.QUESTION} ")) for line in answers)]
    if report.warnings:
        parts += ["## Warnings", "\n".join(f"- {_safe(text)}" for text in report.warnings)]
    if report.not_measured:
        parts += ["## What was not measured", "\n".join(f"- {_safe(text)}" for text in report.not_measured)]
    parts += [
        "## How to check",
        _check(report),
        f"```sh\n{citing.command(report)}\n```",
        f"Cite as: {_safe(citing.citation(report))}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _outages(report: Report) -> str:
    rows = []
    ids = outage_ids(report.entity, report.outages)
    for uid, outage in list(zip(ids, report.outages, strict=True))[:MOST_OUTAGES]:
        dark = dark_span(outage, report)
        rows.append(
            (
                uid, _bound(report, outage.onset), _bound(report, outage.end) if outage.end else "not over",
                lasted_text(outage), length_text(outage, dark.length_us) if dark else "-", lost_text(report, outage),
                f"{outage.confidence:.2f}", ", ".join(then(report, outage)) or "-",
            )
        )  # fmt: skip
    text = _table(("id", "onset (UTC)", "end (UTC)", "duration", "dark for", "lost", "confidence", "then"), rows)
    left = len(report.outages) - MOST_OUTAGES
    return text + (f"\n\n{left:,} more in outages.csv." if left > 0 else "")


def _bound(report: Report, when: When) -> str:
    there = local_table_time(when.best_us, report.time_zone, exact(when))
    local = f"; {there} in {place(report.time_zone)}" if there else ""
    return f"{table_time(when.best_us, exact(when))} ({interval(when)}{local})"


def _check(report: Report) -> str:
    files = f"{len(report.inputs):,} files"
    return (
        f"Window {iso(report.from_us)} to {iso(report.until_us)}, duskwatch {duskwatch.__version__}, {files} "
        f"(inputs.csv, SHA-256 `{citing.inputs_digest(report)}`). {citing.setup(report)} Then:"
    )


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(_safe(cell) for cell in line)} |" for line in lines)


def _safe(text: str) -> str:
    """Text without what Markdown or HTML would obey."""
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
    for letter in "\\`*_[]<>|":
        text = text.replace(letter, f"\\{letter}" if letter not in "<>" else {"<": "&lt;", ">": "&gt;"}[letter])
    return text
