"""Tables for programs and spreadsheets: outages.csv, prefixes.csv, inputs.csv, and the rows behind each chart.

UTF-8, a comma between fields, one line of names, times as ISO 8601 with Z, an empty field for what is not known.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import numpy as np

from duskwatch.publication.chart_data import thin_out
from duskwatch.publication.facts import dark_span, held, measure
from duskwatch.publication.levels import Span, edges
from duskwatch.publication.observers import observers
from duskwatch.publication.others import only_others
from duskwatch.publication.outage_ids import outage_ids
from duskwatch.publication.states import STATE_NAMES
from duskwatch.publication.tables_detail import lost_prefixes
from duskwatch.records.outages import When
from duskwatch.records.report import InputFile, Report
from duskwatch.records.signals import PrefixState
from duskwatch.records.times import SECOND, iso

Cell = str | int | float | None
DECIMALS = 6


def text(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Rows as CSV (RFC 4180, lines end in a line feed)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return out.getvalue()


def _cell(cell: Cell) -> str | int | float:
    if cell is None or (isinstance(cell, float) and not np.isfinite(cell)):
        return ""
    if isinstance(cell, str):
        # Bytes that are no text come as lone surrogates, and become escapes when the file is written.
        cell = "".join(c if c.isprintable() or "\ud800" <= c <= "\udfff" else "\ufffd" for c in cell)
        # A spreadsheet would take it for a formula.
        return f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell
    if isinstance(cell, float):
        return int(cell) if cell == round(cell) and abs(cell) < 1e15 else round(cell, DECIMALS)
    return cell


def _time(time_us: int | None) -> str | None:
    return None if time_us is None else iso(time_us)


def _when(when: When | None) -> tuple[str | None, str | None, str | None]:
    if when is None:
        return None, None, None
    return iso(when.best_us), iso(when.earliest_us), iso(when.latest_us)


def outages_csv(report: Report) -> str:
    """A row for each outage, in order of onset."""
    heads = (
        "id", "entity", "onset", "onset_earliest", "onset_latest", "end", "end_earliest", "end_latest",
        "duration_seconds", "dark_seconds", "depth", "score", "confidence", "relapses", "relapse_of", "held", "signals",
        "observers_watching", "observers_lost", "observers_kept",
    )  # fmt: skip
    ids = outage_ids(report.entity, report.outages)
    rows: list[tuple[Cell, ...]] = []
    for uid, outage in zip(ids, report.outages, strict=True):
        dark = dark_span(outage, report)
        seen = None if only_others(report) else observers(report, outage)
        rows.append(
            (
                uid, report.entity.code, *_when(outage.onset), *_when(outage.end), outage.duration_us / SECOND,
                dark.length_us / SECOND if dark is not None else 0.0, outage.depth, outage.score, outage.confidence,
                outage.relapses, ids[outage.relapse_of] if outage.relapse_of is not None else None,
                held(report, outage) if outage.end is not None else None, " ".join(outage.signals),
                seen.watching if seen else None, seen.lost if seen and seen.counted else None,
                seen.kept if seen and seen.counted else None,
            )
        )  # fmt: skip
    return text(heads, rows)


def prefixes_csv(report: Report) -> str:
    """A row for each prefix that any peer was heard about."""
    heads = ("prefix", "times_lost", "first_lost", "last_back", "lost_seconds", "state_at_end", "origin", "upstream")
    rows = [
        (
            one.prefix, one.times, _time(one.first_us),
            None if one.state in (PrefixState.DARK, PrefixState.MINORITY) else _time(one.last_us),
            one.lost_us / SECOND, STATE_NAMES[one.state], one.origin or None, one.upstream or None,
        )
        for one in lost_prefixes(report, report.history.changes.prefixes)
    ]  # fmt: skip
    return text(heads, rows)


def inputs_csv(inputs: Sequence[InputFile]) -> str:
    """A row for each file that was read, or tried."""
    heads = ("name", "sha256", "kind", "collector", "from", "until", "records", "bad_records", "damage", "size_bytes")
    rows = [
        (
            file.name, file.sha256, file.kind, file.collector or None, _time(file.from_us), _time(file.until_us),
            file.records, file.bad_records, file.damage or None, file.size_bytes,
        )
        for file in inputs
    ]  # fmt: skip
    return text(heads, rows)


def level_csv(report: Report, span: Span, pixels: int, *, observers_alone: bool = False) -> str:
    """What a chart draws in so many pixels: from each time on, the measure and the observers, or these alone.

    Every change, where there are few; else in each pixel the first, the lowest, the highest and the last.
    """
    how, level = measure(report), report.history.level
    values = level.voters if observers_alone else how.values
    bounds = edges(level)
    inside = np.flatnonzero((bounds[1:] > span.from_us) & (bounds[:-1] < span.until_us))
    kept = inside[thin_out(level.time_us[inside], values[inside], span, pixels)]
    columns = [level.voters] if observers_alone else [how.values, level.voters]
    rows: list[tuple[Cell, ...]] = []
    for row in kept.tolist():
        cells = tuple(_cell(float(column[row])) for column in columns)
        if not rows or rows[-1][1:] != cells:
            rows.append((iso(max(int(bounds[row]), span.from_us)), *cells))
    return text(("from", *(() if observers_alone else (how.signal,)), "observers"), rows)


def bands_csv(heads: Sequence[str], rows: Iterable[dict[str, object]]) -> str:
    """Rows of a chart, whose times are milliseconds, as CSV; ``a``, ``b`` and ``t`` are times."""
    out: list[tuple[Cell, ...]] = []
    for row in rows:
        cells = (row[name] for name in heads)
        out.append(tuple(_chart_cell(name, cell) for name, cell in zip(heads, cells, strict=True)))
    names = {"a": "from", "b": "until", "t": "from", "v": "value"}
    return text([names.get(name, name) for name in heads], out)


def _chart_cell(name: str, cell: object) -> Cell:
    if name in ("a", "b", "t") and isinstance(cell, (int, float)):
        return datetime.fromtimestamp(round(cell) / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return cell if isinstance(cell, (str, int, float)) else None


def series_csv(report: Report) -> str:
    """The signals of others as they were read: a row for each time at which a bin begins, a column for each signal."""
    names = [name for block in report.history.series for name in block.names]
    rows: dict[int, list[Cell]] = {}
    at = 0
    for block in report.history.series:
        values = block.values.T.tolist()
        for time_us, of_signal in zip(block.times_us.tolist(), values, strict=True):
            rows.setdefault(time_us, [None] * len(names))[at : at + len(of_signal)] = of_signal
        at += len(block.names)
    return text(("from", *names), ([iso(time_us), *rows[time_us]] for time_us in sorted(rows)))
