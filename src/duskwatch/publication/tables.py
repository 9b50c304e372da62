"""Tables of the page: rows of text, made here so that the template only lays them out."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from duskwatch.publication import who
from duskwatch.publication.chart_data import thin_out
from duskwatch.publication.spans import detail, whole
from duskwatch.publication.facts import dark_span, exact, held, main_outage, measure, step_us
from duskwatch.publication.finding import lost_text
from duskwatch.publication.levels import edges
from duskwatch.publication.names import as_name, as_text
from duskwatch.publication.outage_ids import outage_ids
from duskwatch.publication.reasons import reason_text
from duskwatch.publication.states import STATE_NAMES, STATE_WORDS
from duskwatch.publication.times_text import local_table_time, percent, place, table_time, told, zone
from duskwatch.records.outages import Outage, When
from duskwatch.records.report import InputFile, Report
from duskwatch.records.signals import PrefixState
from duskwatch.records.times import span_text

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


def moment(report: Report, time_us: int, seconds: bool = True) -> tuple[str, ...]:
    """UTC, and local time where a zone is known: as many cells as time_heads() has heads."""
    there = local_table_time(time_us, report.time_zone, seconds)
    return (table_time(time_us, seconds), there) if there else (table_time(time_us, seconds),)


def time_heads(report: Report, what: str) -> tuple[str, ...]:
    """Heads of the cells that moment() makes."""
    if zone(report.time_zone) is None:
        return (f"{what} (UTC)",)
    return (f"{what} (UTC)", f"{what} ({place(report.time_zone)})")


def with_local(report: Report, time_us: int, seconds: bool = True) -> str:
    """Both in one cell, on two lines."""
    there = local_table_time(time_us, report.time_zone, seconds)
    return table_time(time_us, seconds) + (f"\n{there} in {place(report.time_zone)}" if there else "")


def interval(when: When) -> str:
    """``between 16:14:43 and 16:15:06``, with the day where it is not that of the best time."""
    seconds = exact(when)
    known = "known to the second" if seconds else "known to the bin"
    if when.earliest_us == when.latest_us:
        return known
    day = told(when.best_us, seconds).date()
    ends = [
        table_time(at, seconds)[11 if told(at, seconds).date() == day else 0 :]
        for at in (when.earliest_us, when.latest_us)
    ]
    return f"between {ends[0]} and {ends[1]}" if ends[0] != ends[1] else known


def phases(report: Report, outage: Outage) -> Table:
    """The life of one outage."""
    seconds = not step_us(report, outage)
    rows = [
        Row((phase.phase, *moment(report, phase.from_us, seconds), table_time(phase.until_us, seconds),
             span_text(phase.until_us - phase.from_us)), phase.phase)
        for phase in outage.phases
    ]  # fmt: skip
    heads = ("phase", *time_heads(report, "from"), "until (UTC)", "lasted")
    return Table("Phases of the main outage", heads, tuple(rows))


def then(report: Report, outage: Outage) -> list[str]:
    """What came after an outage: relapses, and whether the return held."""
    words = [f"relapse of {outage.relapse_of + 1}"] if outage.relapse_of is not None else []
    words += [f"{outage.relapses} relapse{'s' * (outage.relapses > 1)}"] if outage.relapses else []
    return words + ([held(report, outage)] if outage.end is not None else [])


def lasted_text(outage: Outage) -> str:
    """``9 h 31 min``, and that it is not over where it is not."""
    return span_text(outage.duration_us) + ("" if outage.end is not None else " so far")


def outages(report: Report) -> Table:
    """All outages with the intervals in which their bounds lie. Lines of a cell after the first are remarks on it."""
    rows = []
    ids = outage_ids(report.entity, report.outages)
    for number, outage in enumerate(report.outages, 1):
        dark = dark_span(outage, report)
        rows.append(
            Row(
                (
                    f"{number}\n{ids[number - 1]}",
                    _bound(report, outage.onset),
                    _bound(report, outage.end) if outage.end else "not over at the end",
                    lasted_text(outage) + (f"\ndark for {span_text(dark.length_us)}" if dark else ""),
                    f"{lost_text(report, outage)}\nscore {outage.score:.2f} h",
                    "\n".join(then(report, outage)) or "-",
                    f"{outage.confidence:.2f}",
                )
            )
        )
    heads = ("#", "onset (UTC)", "end (UTC)", "duration", "lost", "then", "confidence")
    return Table("Outages in order of onset", heads, tuple(rows), (6,))


def networks(report: Report) -> Table:
    """The operators of the country that were lost, worst first, each in the outage in which it took the most."""
    cells = []
    for network, outage, had in who.rows(report):
        seconds = not step_us(report, outage)
        end = with_local(report, outage.end.best_us, seconds) if outage.end is not None else "not over at the end"
        more = len(network.outages) - 1
        after = [lasted_text(outage)] + ([f"{more:,} more outage{'s' * (more > 1)}"] if more else [])
        cells.append(
            Row(
                (
                    as_text(report, network.entity),
                    f"{percent(had.share)}\n{who.holding_text(had)}",
                    f"{percent(outage.depth)}\n{percent(had.share * outage.depth)} of the country",
                    with_local(report, outage.onset.best_us, seconds),
                    "\n".join([end, *after]),
                )
            )
        )
    heads = ("operator", "share of the country", "lost of it", "from (UTC)", "until (UTC)")
    return Table("Operators that were lost, worst first", heads, tuple(cells), (1, 2), who.left_out(report))


def _bound(report: Report, when: When) -> str:
    lines = [with_local(report, when.best_us, exact(when)), interval(when), reason_text(when.reason)]
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
    cells = [
        Row(
            (
                *moment(report, int(bounds[row])),
                "not judged" if np.isnan(how.values[row]) else how.figure(float(how.values[row])),
            )
        )
        for row in kept.tolist()
    ]
    note = f"{len(kept)} of {total:,} changes, among them the lowest of each stretch." if total > len(kept) else ""
    return Table("What could be reached, from each time on", (*time_heads(report, "from"), how.units), tuple(cells),
                 (len(time_heads(report, "")),), note)  # fmt: skip


def _same(a: F64, b: F64) -> Bool:
    same: Bool = (a == b) | (np.isnan(a) & np.isnan(b))
    return same


class Lost(NamedTuple):
    """What became of one prefix over the window."""

    prefix: str
    times: int  # stretches in which most observers had lost it
    first_us: int | None  # when the first of them began
    last_us: int | None  # when the last of them ended; None where none did
    lost_us: int  # all of them together
    state: PrefixState  # at the end
    origin: int  # 0 where no route was known
    upstream: int  # of the last route known


def lost_prefixes(report: Report, chosen: Sequence[str]) -> tuple[Lost, ...]:
    """For each of some prefixes: how often, when and how long most observers had lost it."""
    log = report.history.changes
    number = {prefix: i for i, prefix in enumerate(log.prefixes)}
    order = np.argsort(log.prefix, kind="stable")
    starts = np.searchsorted(log.prefix[order], np.arange(len(log.prefixes) + 1))
    found = []
    for prefix in chosen:
        mine = order[starts[number[prefix]] : starts[number[prefix] + 1]]
        states = log.state[mine]
        times = np.clip(log.time_us[mine], report.from_us, report.until_us)
        ends = np.append(times[1:], report.until_us)
        gone = (states == PrefixState.DARK) | (states == PrefixState.MINORITY)
        begins = np.flatnonzero(gone & ~np.concatenate([[False], gone[:-1]]))
        over = np.flatnonzero(gone & ~np.concatenate([gone[1:], [True]]))
        known = mine[log.origin[mine] > 0]
        found.append(
            Lost(
                prefix,
                len(begins),
                int(times[begins[0]]) if len(begins) else None,
                int(ends[over[-1]]) if len(over) else None,
                int((ends - times)[gone].sum()),
                PrefixState(int(states[-1])) if len(states) else PrefixState.UNKNOWN,
                int(log.origin[known[-1]]) if len(known) else 0,
                int(log.upstream[known[-1]]) if len(known) else 0,
            )
        )
    return tuple(found)


def prefixes(report: Report) -> Table:
    """For each prefix, those lost longest first: how often and how long it was lost; at most MOST_PREFIXES."""
    rows = []
    every = sorted(lost_prefixes(report, report.history.changes.prefixes), key=lambda one: -one.lost_us)
    note = f"The {MOST_PREFIXES} lost longest, of {len(every):,}; prefixes.csv has all." if len(every) > MOST_PREFIXES else ""
    for one in every[:MOST_PREFIXES]:
        first = with_local(report, one.first_us) if one.first_us is not None else "-"
        lost = span_text(one.lost_us) if one.lost_us else "-"
        rows.append(Row((one.prefix, f"{one.times:,}", first, lost, STATE_WORDS[one.state])))
    heads = ("prefix", "times lost", "first lost (UTC)", "lost in all", "at the end")
    return Table("Prefixes, those lost longest first", heads, tuple(rows), (1,), note)


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
    cells = []
    for row in rows.tolist():
        tail = [int(beyond[row])] if has_beyond and beyond is not None else []
        tail += [int(log.upstream[row]), int(log.origin[row])]
        state = PrefixState(int(log.state[row]))
        path = " ".join(f"AS{asn}" for asn in tail if asn)
        why = "only the observers changed" if log.by_voters[row] else ""
        cells.append(
            Row((_exact(report, int(log.time_us[row])), log.prefixes[int(log.prefix[row])], STATE_WORDS[state],
                 f"{int(log.votes[row])} of {int(log.voters[row])}", path, why), f"state-{STATE_NAMES[state]}")
        )  # fmt: skip
    heads = ("time (UTC)", "prefix", "from then on", "observers that hold it", "end of the AS path", "remark")
    return Table("Change log", heads, tuple(cells), (), note)


def _exact(report: Report, time_us: int) -> str:
    fraction = time_us % 1_000_000
    there = local_table_time(time_us, report.time_zone)
    text = table_time(time_us) + (f".{fraction:06d}".rstrip("0") if fraction else "")
    return text + (f"\n{there} in {place(report.time_zone)}" if there else "")


def transit(report: Report) -> Table:
    """Which neighbour carried the routes, before, during and after."""
    main = main_outage(report)
    rows = []
    for share in report.history.transit:
        middle, part = (share.from_us + share.until_us) // 2, "whole window"
        if main is not None:
            part = "before" if middle < main.onset.best_us else "during"
            part = "after" if main.end is not None and middle >= main.end.best_us else part
        name = as_name(report, share.upstream) if share.upstream else "none (an observer is next to it)"
        rows.append(Row((part, name, percent(share.share), with_local(report, share.from_us),
                         with_local(report, share.until_us))))  # fmt: skip
    heads = ("main outage", "neighbour", "share of the routes held", "from (UTC)", "until (UTC)")
    return Table("Who carried its routes", heads, tuple(rows), (2,))


def gaps(report: Report) -> Table:
    """Stretches in which a source was not watching."""
    rows = [
        Row((gap.source, with_local(report, gap.from_us), table_time(gap.until_us), span_text(gap.until_us - gap.from_us),
             gap.reason, str(gap.peers)))
        for gap in report.history.gaps[:MOST_GAPS]
    ]  # fmt: skip
    total = len(report.history.gaps)
    note = f"The first {MOST_GAPS} of {total:,}; report.json holds all." if total > MOST_GAPS else ""
    heads = ("source", "from (UTC)", "until (UTC)", "lasted", "reason", "observers lost")
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
