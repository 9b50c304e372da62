"""Tables of the page: rows of text, made here so that the template only lays them out."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from duskwatch.publication import who
from duskwatch.publication.chart_data import thin_out
from duskwatch.publication.charts import detail, whole
from duskwatch.publication.facts import STATE_NAMES, dark_span, edges, held, main_outage, measure
from duskwatch.publication.reasons import reason_text
from duskwatch.publication.times_text import local_table_time, percent, table_time
from duskwatch.publication.words import lost_text
from duskwatch.records.outages import Outage, When
from duskwatch.records.report import InputFile, Report
from duskwatch.records.signals import PrefixState
from duskwatch.records.times import span_text, to_datetime

F64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

MOST_LEVELS = 120
MOST_CHANGES = 200
MOST_PREFIXES = 100
MOST_GAPS = 200
MOST_FILES = 300


class Row(NamedTuple):
    """Cells of one row; ``kind`` names the colour of a swatch before the first cell, empty for none."""

    cells: tuple[str, ...]
    kind: str = ""


class Table(NamedTuple):
    """A table with what it leaves out. ``numeric`` are the columns of figures, set to the right."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    numeric: tuple[int, ...] = ()
    note: str = ""


class Files(NamedTuple):
    """The files of one collector, or those that belong to none."""

    title: str
    many: int
    size: str
    records: str
    bad: str
    damaged: int
    rows: tuple[Row, ...]


def size_text(size_bytes: int) -> str:
    """``1.2 MB``; powers of ten."""
    value, unit = float(size_bytes), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"


def as_text(report: Report, asn: int) -> str:
    """``AS4837 China Unicom, CN``, or the number alone."""
    name = report.as_names.get(asn, "")
    return f"AS{asn} {name}" if name else f"AS{asn}"


def moment(report: Report, time_us: int) -> tuple[str, ...]:
    """UTC, and local time where a zone is known: as many cells as time_heads() has heads."""
    there = local_table_time(time_us, report.time_zone)
    return (table_time(time_us), there) if there else (table_time(time_us),)


def time_heads(report: Report, what: str) -> tuple[str, ...]:
    """Heads of the cells that moment() makes."""
    return (f"{what} (UTC)", "local time") if local_table_time(report.from_us, report.time_zone) else (f"{what} (UTC)",)


def interval(when: When) -> str:
    """``between 16:14:43 and 16:15:06``, with the day where it is not that of the best time."""
    if when.earliest_us == when.latest_us:
        return "exact to the second"
    day = to_datetime(when.best_us).date()
    ends = [table_time(at)[11 if to_datetime(at).date() == day else 0 :] for at in (when.earliest_us, when.latest_us)]
    return f"between {ends[0]} and {ends[1]}" if ends[0] != ends[1] else "exact to the second"


def phases(report: Report, outage: Outage) -> Table:
    """The life of one outage."""
    rows = [
        Row((phase.phase, *moment(report, phase.from_us), table_time(phase.until_us),
             span_text(phase.until_us - phase.from_us)), phase.phase)
        for phase in outage.phases
    ]  # fmt: skip
    heads = ("phase", *time_heads(report, "from"), "until (UTC)", "lasted")
    return Table("Phases of the main outage", heads, tuple(rows))


def outages(report: Report) -> Table:
    """All outages with the intervals in which their bounds lie. Lines of a cell after the first are remarks on it."""
    rows = []
    for number, outage in enumerate(report.outages, 1):
        dark = dark_span(outage, report)
        after = [f"relapse of {outage.relapse_of + 1}"] if outage.relapse_of is not None else []
        after += [f"{outage.relapses} relapse{'s' * (outage.relapses > 1)}"] if outage.relapses else []
        after += [held(report, outage)] if outage.end is not None else []
        lasted = span_text(outage.duration_us) + ("" if outage.end else " so far")
        rows.append(
            Row(
                (
                    str(number),
                    _bound(report, outage.onset),
                    _bound(report, outage.end) if outage.end else "not over at the end",
                    lasted + (f"\nnothing left for {span_text(dark.length_us)}" if dark else ""),
                    lost_text(report, outage),
                    "\n".join(after) or "-",
                    f"{outage.score:.2f}",
                    f"{outage.confidence:.2f}",
                )
            )
        )
    heads = ("#", "onset (UTC)", "end (UTC)", "duration", "lost", "then", "score, h", "confidence")
    return Table("Outages in order of onset", heads, tuple(rows), (4, 6, 7))


def networks(report: Report) -> Table:
    """The networks of the country that were lost, worst first, each in the outage in which it took the most."""
    told = []
    for network, outage, had in who.rows(report):
        end = table_time(outage.end.best_us) if outage.end is not None else "not over at the end"
        more = len(network.outages) - 1
        after = [span_text(outage.duration_us) + ("" if outage.end is not None else " so far")]
        after += [f"{more:,} more outage{'s' * (more > 1)}"] if more else []
        told.append(
            Row(
                (
                    who.as_text(report, network.entity),
                    f"{percent(had.share)}\n{who.holding_text(had)}",
                    f"{percent(outage.depth)}\n{percent(had.share * outage.depth)} of the country",
                    table_time(outage.onset.best_us),
                    "\n".join([end, *after]),
                )
            )
        )
    heads = ("network", "share of the country", "lost of it", "from (UTC)", "until (UTC)")
    return Table("Networks that were lost, worst first", heads, tuple(told), (1, 2), who.left_out(report))


def _bound(report: Report, when: When) -> str:
    there = local_table_time(when.best_us, report.time_zone)
    lines = [table_time(when.best_us), f"{there} local time" if there else "", interval(when), reason_text(when.reason)]
    return "\n".join(line for line in lines if line)


def levels(report: Report) -> Table:
    """The timeline as a table: each change of what could be reached, thinned out where there are many."""
    how, level = measure(report), report.history.level
    span = whole(report)
    bounds = edges(level)
    differs = ~_same(how.values[1:], how.values[:-1])
    changed = np.flatnonzero(np.concatenate([[how.values.size > 0], differs])[: how.values.size])
    kept = changed
    total = len(kept)
    for pixels in (40, 30, 20, 10):
        if len(kept) <= MOST_LEVELS:
            break
        kept = changed[thin_out(level.time_us[changed], how.values[changed], span, pixels)]
    kept = kept[: 2 * MOST_LEVELS]
    told = [
        Row(
            (
                *moment(report, int(bounds[row])),
                "not watched" if np.isnan(how.values[row]) else how.figure(float(how.values[row])),
            )
        )
        for row in kept.tolist()
    ]
    note = f"{len(kept)} of {total:,} changes, among them the lowest of each stretch." if total > len(kept) else ""
    return Table("What could be reached, from each time on", (*time_heads(report, "from"), how.units), tuple(told),
                 (len(time_heads(report, "")),), note)  # fmt: skip


def _same(a: F64, b: F64) -> Bool:
    same: Bool = (a == b) | (np.isnan(a) & np.isnan(b))
    return same


def prefixes(report: Report, chosen: tuple[str, ...]) -> Table:
    """For each of the prefixes drawn: how often and how long it was lost."""
    log = report.history.changes
    number = {prefix: i for i, prefix in enumerate(log.prefixes)}
    rows = []
    for prefix in chosen[:MOST_PREFIXES]:
        mine = np.flatnonzero(log.prefix == number[prefix])
        states, times = log.state[mine], log.time_us[mine]
        ends = np.append(times[1:], report.until_us)
        gone = (states == PrefixState.DARK) | (states == PrefixState.MINORITY)
        begins = np.flatnonzero(gone & ~np.concatenate([[False], gone[:-1]]))
        lost_us = int(
            (np.clip(ends, report.from_us, report.until_us) - np.clip(times, report.from_us, None))[gone].sum()
        )
        last = STATE_NAMES[PrefixState(int(states[-1]))] if len(states) else "unknown"
        first = table_time(int(times[begins[0]])) if len(begins) else "-"
        rows.append(Row((prefix, f"{len(begins):,}", first, span_text(lost_us) if lost_us else "-", last)))
    heads = ("prefix", "times lost", "first lost (UTC)", "lost in all", "state at the end")
    return Table("Prefixes drawn above", heads, tuple(rows), (1,))


def changes(report: Report) -> Table:
    """The change log around the main outage, or from its beginning; at most MOST_CHANGES rows."""
    log = report.history.changes
    total = len(log.time_us)
    rows = np.arange(total)
    note = ""
    if total > MOST_CHANGES:
        span = detail(report) or whole(report)
        inside = (log.time_us >= span.from_us) & (log.time_us < span.until_us) & (log.by_voters == 0)
        rows = np.flatnonzero(inside)[:MOST_CHANGES]
        where = "around the main outage" if detail(report) else "of the window"
        note = f"The first {len(rows):,} changes of routes {where}, of {total:,} in all; report.json holds every one."
    beyond = getattr(log, "beyond", None)
    has_beyond = beyond is not None and len(beyond) == total
    told = []
    for row in rows.tolist():
        tail = [int(beyond[row])] if has_beyond and beyond is not None else []
        tail += [int(log.upstream[row]), int(log.origin[row])]
        state = STATE_NAMES[PrefixState(int(log.state[row]))]
        path = " ".join(f"AS{asn}" for asn in tail if asn)
        why = "only the set of peers changed" if log.by_voters[row] else ""
        told.append(
            Row((_exact(int(log.time_us[row])), log.prefixes[int(log.prefix[row])], state,
                 f"{int(log.votes[row])} of {int(log.voters[row])}", path, why), f"state-{state}")
        )  # fmt: skip
    heads = ("time (UTC)", "prefix", "state from then on", "held by peers", "end of the AS path", "remark")
    return Table("Change log", heads, tuple(told), (), note)


def _exact(time_us: int) -> str:
    fraction = time_us % 1_000_000
    return table_time(time_us) + (f".{fraction:06d}".rstrip("0") if fraction else "")


def transit(report: Report) -> Table:
    """Which neighbour carried the routes, before, during and after."""
    main = main_outage(report)
    rows = []
    for share in report.history.transit:
        middle, part = (share.from_us + share.until_us) // 2, "whole window"
        if main is not None:
            part = "before" if middle < main.onset.best_us else "during"
            part = "after" if main.end is not None and middle >= main.end.best_us else part
        rows.append(Row((part, as_text(report, share.upstream) if share.upstream else "none (the peer is next to it)",
                         percent(share.share), table_time(share.from_us), table_time(share.until_us))))  # fmt: skip
    heads = ("main outage", "neighbour", "share of the routes held", "from (UTC)", "until (UTC)")
    return Table("Who carried its routes", heads, tuple(rows), (2,))


def gaps(report: Report) -> Table:
    """Stretches in which a source was not watching."""
    rows = [
        Row((gap.source, table_time(gap.from_us), table_time(gap.until_us), span_text(gap.until_us - gap.from_us),
             gap.reason, str(gap.peers)))
        for gap in report.history.gaps[:MOST_GAPS]
    ]  # fmt: skip
    total = len(report.history.gaps)
    note = f"The first {MOST_GAPS} of {total:,}; report.json holds all." if total > MOST_GAPS else ""
    heads = ("source", "from (UTC)", "until (UTC)", "lasted", "reason", "peers lost")
    return Table("Gaps in coverage", heads, tuple(rows), (5,), note)


def inputs(report: Report) -> tuple[Files, ...]:
    """The files read, by collector; reference files last."""
    groups: dict[str, list[InputFile]] = {}
    for file in report.inputs:
        groups.setdefault(file.collector, []).append(file)
    return tuple(_files(name, groups[name]) for name in sorted(groups, key=lambda name: (name == "", name)))


INPUT_HEADS = ("file", "kind", "first (UTC)", "last (UTC)", "records", "bad", "size", "damage", "sha256")


def _files(name: str, own: list[InputFile]) -> Files:
    rows = tuple(
        Row((file.name, file.kind, table_time(file.from_us) if file.from_us is not None else "-",
             table_time(file.until_us) if file.until_us is not None else "-", f"{file.records:,}",
             f"{file.bad_records:,}", size_text(file.size_bytes), file.damage or "-", file.sha256))
        for file in own[:MOST_FILES]
    )  # fmt: skip
    return Files(
        name or ("series" if all(file.kind in ("series", "doubled") for file in own) else "reference files"),
        len(own),
        size_text(sum(file.size_bytes for file in own)),
        f"{sum(file.records for file in own):,}",
        f"{sum(file.bad_records for file in own):,}",
        sum(bool(file.damage) for file in own),
        rows,
    )
