"""Long tables of the page: what could be reached, each prefix, every change."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from duskwatch.publication.chart_data import thin_out
from duskwatch.publication.facts import measure
from duskwatch.publication.levels import edges
from duskwatch.publication.spans import detail, whole
from duskwatch.publication.states import STATE_NAMES, STATE_WORDS
from duskwatch.publication.tables import Row, Table, moment, time_heads, with_local
from duskwatch.publication.times_text import local_table_time, place, table_time
from duskwatch.records.report import Report
from duskwatch.records.signals import PrefixState
from duskwatch.records.times import span_text

F64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

MOST_LEVELS = 120
MOST_CHANGES = 200
MOST_PREFIXES = 100


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
                *moment(report, int(bounds[row]), not how.others),
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
        with_origin = mine[log.origin[mine] > 0]
        found.append(
            Lost(
                prefix,
                len(begins),
                int(times[begins[0]]) if len(begins) else None,
                int(ends[over[-1]]) if len(over) else None,
                int((ends - times)[gone].sum()),
                PrefixState(int(states[-1])) if len(states) else PrefixState.UNKNOWN,
                int(log.origin[with_origin[-1]]) if len(with_origin) else 0,
                int(log.upstream[with_origin[-1]]) if len(with_origin) else 0,
            )
        )
    return tuple(found)


def prefixes(report: Report) -> Table:
    """For each prefix, those lost longest first: how often and how long it was lost; at most MOST_PREFIXES."""
    rows = []
    every = sorted(lost_prefixes(report, report.history.changes.prefixes), key=lambda one: -one.lost_us)
    note = (
        f"The {MOST_PREFIXES} lost longest, of {len(every):,}; prefixes.csv has all."
        if len(every) > MOST_PREFIXES
        else ""
    )
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
