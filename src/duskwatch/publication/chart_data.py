"""Rows for charts: few enough to draw fast, without losing what is shorter than a pixel."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from duskwatch.publication.levels import Span, edges
from duskwatch.publication.states import STATE_NAMES
from duskwatch.records.outages import Outage
from duskwatch.records.report import Report
from duskwatch.records.signals import ChangeLog, Level, PrefixState, SignalBlock

Rows = list[dict[str, Any]]
MS = 1000  # microseconds in a millisecond, the unit of time in a chart
# What a pixel shows of a prefix that was in several states within it: a loss before anything else.
WORST_FIRST = (PrefixState.DARK, PrefixState.MINORITY, PrefixState.VISIBLE, PrefixState.UNKNOWN)


def milliseconds(time_us: int) -> float:
    """A time as charts count it."""
    return time_us / MS


def thin_out(time_us: npt.NDArray[np.int64], values: npt.NDArray[np.float64], span: Span, pixels: int) -> Any:
    """Rows of a step function that are enough to draw it in so many pixels: indices, sorted, int64[K].

    In each pixel the first, the lowest, the highest and the last row are kept, and every row at which the values
    become known or unknown, so that an outage of a second is still drawn in a year. K is at most 6 * pixels where
    known and unknown do not alternate more often.
    """
    if len(time_us) <= 2 * pixels:
        return np.arange(len(time_us))
    bucket = (time_us - span.from_us) * pixels // max(1, span.length_us)
    order = np.lexsort((values, bucket))
    first_of = np.flatnonzero(np.concatenate([[True], np.diff(bucket) != 0]))
    last_of = np.append(first_of[1:], len(bucket)) - 1
    measured = order[~np.isnan(values[order])]
    begins = np.flatnonzero(np.concatenate([[True], np.diff(bucket[measured]) != 0])) if len(measured) else measured
    ends = np.append(begins[1:], len(measured)) - 1 if len(measured) else measured
    blind = np.isnan(values)
    turns = np.flatnonzero(np.diff(blind.astype(np.int8))) + 1
    return np.unique(np.concatenate([first_of, last_of, measured[begins], measured[ends], turns]))


def steps(level: Level, values: npt.NDArray[np.float64], span: Span, pixels: int) -> Rows:
    """A step function within a span as rows {t, v, part}; a part is a stretch in which the value was known."""
    bounds = edges(level)
    first = max(0, int(np.searchsorted(level.time_us, span.from_us, side="right")) - 1)
    last = int(np.searchsorted(level.time_us, span.until_us, side="left"))
    kept = thin_out(level.time_us[first:last], values[first:last], span, pixels) + first
    rows: Rows = []
    part, open_ = 0, False
    for at, row in enumerate(kept.tolist()):
        start = max(int(bounds[row]), span.from_us)
        value = float(values[row])
        if np.isnan(value):
            if open_:
                rows.append({"t": milliseconds(start), "v": rows[-1]["v"], "part": part})
                part, open_ = part + 1, False
            continue
        rows.append({"t": milliseconds(start), "v": value, "part": part})
        open_ = True
        if at == len(kept) - 1:
            end = min(level.until_us, span.until_us)
            rows.append({"t": milliseconds(end), "v": value, "part": part})
    return rows


def block_steps(block: SignalBlock, name: str, span: Span, pixels: int) -> Rows:
    """A binned signal within a span, as :func:`steps` has it."""
    times = block.times_us
    keep = (times + block.bin_us > span.from_us) & (times < span.until_us)
    times, values = times[keep], block.series(name)[keep]
    kept = thin_out(times, values, span, pixels)
    rows: Rows = []
    part, end = 0, span.from_us
    for row in kept.tolist():
        value, start = float(values[row]), max(int(times[row]), span.from_us)
        if np.isnan(value):
            part += bool(rows)
            continue
        if rows and rows[-1]["part"] != part:
            _close(rows, end)
        rows.append({"t": milliseconds(start), "v": value, "part": part})
        end = min(int(times[row]) + block.bin_us, span.until_us)
    _close(rows, end)
    return rows


def _close(rows: Rows, end_us: int) -> None:
    """End the last part of a step function."""
    if rows:
        rows.append({"t": milliseconds(end_us), "v": rows[-1]["v"], "part": rows[-1]["part"]})


def bands(spans: list[tuple[str, int, int]], span: Span) -> Rows:
    """Named stretches cut to a span, as rows {name, a, b}."""
    return [
        {"name": name, "a": milliseconds(max(start, span.from_us)), "b": milliseconds(min(end, span.until_us))}
        for name, start, end in spans
        if min(end, span.until_us) > max(start, span.from_us)
    ]


def phase_bands(outages: tuple[Outage, ...], span: Span, pixels: int) -> Rows:
    """Phases of all outages within a span, each at least a pixel wide; ``restored`` is the ground and left out."""
    least = max(1, span.length_us // pixels)
    named: list[tuple[str, int, int]] = [
        (phase.phase, phase.from_us, max(phase.until_us, phase.from_us + least))
        for outage in outages
        for phase in outage.phases
        if phase.phase != "restored"
    ]
    order = {"unstable": 0, "degrading": 1, "recovering": 2, "partial": 3, "dark": 4}  # what matters most, on top
    return sorted(bands(named, span), key=lambda row: (order[row["name"]], row["a"]))


class Strips(NamedTuple):
    """States of some prefixes over time, as rows {prefix, state, a, b}."""

    rows: Rows
    prefixes: tuple[str, ...]
    total: int


def strips(log: ChangeLog, span: Span, pixels: int, most: int) -> Strips:
    """Strips of the prefixes that lost and regained routes most often, in address order, at most ``most``.

    Changes that only the set of voters made do not count for the choice.
    """
    total = len(log.prefixes)
    chosen = np.arange(total)
    if total > most:
        routes = log.prefix[log.by_voters == 0]
        changes = np.bincount(routes, minlength=total)
        chosen = np.sort(np.argsort(-changes, kind="stable")[:most])
    rows: Rows = []
    order = np.lexsort((np.arange(len(log.prefix)), log.prefix))
    starts = np.searchsorted(log.prefix[order], chosen, side="left")
    ends = np.searchsorted(log.prefix[order], chosen, side="right")
    for prefix, start, end in zip(chosen.tolist(), starts.tolist(), ends.tolist(), strict=True):
        mine = order[start:end]
        rows += _strip(log.prefixes[prefix], log.time_us[mine], log.state[mine], span, pixels)
    return Strips(rows, tuple(log.prefixes[i] for i in chosen.tolist()), total)


def _strip(prefix: str, time_us: npt.NDArray[np.int64], state: npt.NDArray[np.uint8], span: Span, pixels: int) -> Rows:
    """One prefix as runs of the worst state in each pixel."""
    rank = np.empty(len(WORST_FIRST), np.int64)
    rank[[int(code) for code in WORST_FIRST]] = np.arange(len(WORST_FIRST))
    cells = np.full(pixels, len(WORST_FIRST) - 1, np.int64)  # unknown until the first word
    ends = np.append(time_us[1:], span.until_us)
    inside = (ends > span.from_us) & (time_us < span.until_us) & (ends > time_us)
    length = max(1, span.length_us)
    first = np.clip((time_us[inside] - span.from_us) * pixels // length, 0, pixels - 1)
    last = np.clip(-(-(ends[inside] - span.from_us) * pixels // length), 1, pixels)
    for a, b, code in zip(first.tolist(), last.tolist(), rank[state[inside]].tolist(), strict=True):
        np.minimum(cells[a:b], code, out=cells[a:b])
    cuts = np.concatenate([[0], np.flatnonzero(np.diff(cells)) + 1, [pixels]])
    scale = span.length_us / pixels
    return [
        {
            "prefix": prefix,
            "state": STATE_NAMES[WORST_FIRST[cells[a]]],
            "a": milliseconds(int(span.from_us + a * scale)),
            "b": milliseconds(int(span.from_us + b * scale)),
        }
        for a, b in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)
    ]


def message_bars(report: Report, most: int) -> Rows:
    """Announcements (up), withdrawals (down) as rows {a, b, v, kind}; bins are summed where there are over ``most``."""
    block = report.history.signals
    bins = block.values.shape[1]
    joined = max(1, -(-bins // most))
    rows: Rows = []
    for name, kind, sign in (("bgp.announcements", "announcements", 1), ("bgp.withdrawals", "withdrawals", -1)):
        if name not in block.names:
            continue
        values = np.nan_to_num(block.series(name))
        sums = np.add.reduceat(values, np.arange(0, bins, joined)) if bins else values
        for at in np.flatnonzero(sums).tolist():
            start = block.start_us + at * joined * block.bin_us
            end = min(start + joined * block.bin_us, report.until_us)
            rows.append({"a": milliseconds(start), "b": milliseconds(end), "v": sign * float(sums[at]), "kind": kind})
    return rows
