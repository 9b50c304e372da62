"""Tables of the page: rows of text, made here so that the template only lays them out."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from duskwatch.publication import who
from duskwatch.publication.facts import dark_span, exact, held, length_text, main_outage, step_us
from duskwatch.publication.finding import lost_text
from duskwatch.publication.names import as_name, as_text
from duskwatch.publication.outage_ids import outage_ids
from duskwatch.publication.reasons import reason_text
from duskwatch.publication.times_text import local_table_time, percent, place, shown_time, table_time, zone
from duskwatch.records.outages import Outage, When
from duskwatch.records.report import Report
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
    certainty = "known to the second" if seconds else "known to the bin"
    if when.earliest_us == when.latest_us:
        return certainty
    day = shown_time(when.best_us, seconds).date()
    ends = [
        table_time(at, seconds)[11 if shown_time(at, seconds).date() == day else 0 :]
        for at in (when.earliest_us, when.latest_us)
    ]
    return f"between {ends[0]} and {ends[1]}" if ends[0] != ends[1] else certainty


def phases(report: Report, outage: Outage) -> Table:
    """The life of one outage."""
    seconds = not step_us(outage)
    rows = [
        Row((phase.phase, *moment(report, phase.from_us, seconds), table_time(phase.until_us, seconds),
             length_text(outage, phase.until_us - phase.from_us)), phase.phase)
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
    return length_text(outage, outage.duration_us) + ("" if outage.end is not None else " so far")


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
                    lasted_text(outage) + (f"\ndark for {length_text(outage, dark.length_us)}" if dark else ""),
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
        seconds = not step_us(outage)
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
        Row((gap.source, with_local(report, gap.from_us), table_time(gap.until_us),
             span_text(gap.until_us - gap.from_us), gap.reason, str(gap.peers)))
        for gap in report.history.gaps[:MOST_GAPS]
    ]  # fmt: skip
    total = len(report.history.gaps)
    note = f"The first {MOST_GAPS} of {total:,}; report.json holds all." if total > MOST_GAPS else ""
    heads = ("source", "from (UTC)", "until (UTC)", "lasted", "reason", "observers lost")
    return Table("Gaps in coverage", heads, tuple(rows), (5,), note)
