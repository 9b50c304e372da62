"""Figures that words, tables and charts share, so that no two of them can disagree."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from duskwatch.publication.others import told_by
from duskwatch.records.outages import Outage
from duskwatch.records.report import Report
from duskwatch.records.series import sampled
from duskwatch.records.signals import Level, PrefixState

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

STATE_NAMES = {
    PrefixState.UNKNOWN: "unknown",
    PrefixState.DARK: "dark",
    PrefixState.MINORITY: "minority",
    PrefixState.VISIBLE: "visible",
}
HOLD_UNKNOWN = "not known to hold"
SLASH24, SLASH48 = "bgp.visible_slash24", "bgp.visible_slash48"
UNITS = {
    SLASH24: ("IPv4 /24 network", "IPv4 /24 networks"),
    SLASH48: ("IPv6 /48 network", "IPv6 /48 networks"),
}


class Span(NamedTuple):
    """A stretch [from_us, until_us)."""

    from_us: int
    until_us: int

    @property
    def length_us(self) -> int:
        """How long it is, in microseconds."""
        return self.until_us - self.from_us


class Measure(NamedTuple):
    """The measure that the report is told in: a step function over the rows of a Level."""

    signal: str  # bgp.visible_slash24, ...
    unit: str  # one of them, in words
    units: str  # several of them
    values: F64  # [N], NaN while nobody was watching
    others: bool = False  # a signal that others measured: what its unit is, is not known

    @property
    def caption(self) -> str:
        """What a chart of it shows."""
        return f"the signal {self.signal}" if self.others else f"{self.units} that could be reached"

    def figure(self, number: float) -> str:
        """A value in digits: whole where it counts things or is large."""
        return f"{number:,.0f}" if not self.others or abs(number) >= 100 else f"{number:,.3g}"


class Spread(NamedTuple):
    """Least, time-weighted median, and most."""

    least: int
    median: int
    most: int


class Loss(NamedTuple):
    """How the prefixes of an outage went: when each of those lost was, in time order, and how many there are in all."""

    times_us: tuple[int, ...]
    total: int


class OneFamily(NamedTuple):
    """An outage of one address family of an entity that has routes of both."""

    lost: str  # IPv6 or IPv4
    stayed: str  # the other one
    lost_values: F64  # [N] visible /48s or /24s of the lost family, by the rows of the Level
    before: float  # /24s or /48s of the other family ahead of the onset; NaN where nobody watched it
    least: float  # and how many were left at worst while the outage lasted; NaN where nobody watched it

    @property
    def kept(self) -> bool:
        """Whether some of the other family was visible all the time, as far as anybody watched."""
        return self.least > 0


def main_outage(report: Report) -> Outage | None:
    """The outage with the highest score, the first of several such; None where there is none."""
    return max(report.outages, key=lambda outage: outage.score, default=None)


def measure(report: Report) -> Measure:
    """IPv4 /24s where the entity has any, else IPv6 /48s, else prefixes.

    IPv6 /48s as well where the main outage took IPv6 alone: its loss must show. Otherwise /24s come first since
    they count addresses, however these are cut into prefixes. A row is taken as unknown only where its own value is.
    """
    level, main = report.history.level, main_outage(report)
    alone = one_family(report, main) if main is not None else None
    if _any(level.slash24) and not (alone is not None and alone.lost == "IPv6" and _any(level.slash48)):
        return Measure(SLASH24, *UNITS[SLASH24], level.slash24)
    if _any(level.slash48):
        return Measure(SLASH48, *UNITS[SLASH48], level.slash48)
    if report.history.series and not _any(level.prefixes):
        block, name = told_by(report, main)
        told = f"by the signal {name}"
        return Measure(name, told, told, sampled(block, name, level.time_us), others=True)
    return Measure("bgp.visible_prefixes", "prefix", "prefixes", level.prefixes)


def one_family(report: Report, outage: Outage) -> OneFamily | None:
    """Which family an outage took, where the other one was there; None where it took both, or there is only one.

    Told by the signals that raised the outage; where none of them is of one family, by the routes that were lost.
    """
    level, log = report.history.level, report.history.changes
    took4, took6 = SLASH24 in outage.signals, SLASH48 in outage.signals
    if not took4 and not took6:
        until = end_us(outage, report)
        inside = (log.time_us >= outage.onset.earliest_us) & (log.time_us <= until) & (log.by_voters == 0)
        gone = inside & ((log.state == PrefixState.DARK) | (log.state == PrefixState.MINORITY))
        routes = [log.prefixes[row] for row in np.unique(log.prefix[gone]).tolist()]
        took4, took6 = any(":" not in name for name in routes), any(":" in name for name in routes)
    if took4 == took6:
        return None
    lost, other = (level.slash24, level.slash48) if took4 else (level.slash48, level.slash24)
    before = value_at(level, other, outage.onset.earliest_us - 1)
    least = least_between(level, other, outage.onset.best_us, end_us(outage, report))
    if not before > 0 and (least == 0 or not _any(other)):
        return None  # it had no routes of the other family to keep
    names = ("IPv4", "IPv6") if took4 else ("IPv6", "IPv4")
    return OneFamily(names[0], names[1], lost, before, least)


def _any(values: F64) -> bool:
    return bool(values.size) and bool(np.nan_to_num(values).max() > 0)


def edges(level: Level) -> I64:
    """Bounds of the rows of a level, [N + 1]."""
    return np.append(level.time_us, level.until_us).astype(np.int64)


def voters_spread(report: Report) -> Spread:
    """Live full-feed voters over the window: least, median of the time that anybody watched, most."""
    level = report.history.level
    lengths = np.diff(edges(level)).astype(np.float64)
    voters = np.nan_to_num(level.voters)
    told = lengths > 0
    if not told.any():
        return Spread(0, 0, 0)
    least, most = int(voters[told].min()), int(voters[told].max())
    told &= voters > 0
    if not told.any():
        return Spread(0, 0, 0)
    voters, lengths = voters[told], lengths[told]
    order = np.argsort(voters, kind="stable")
    below = np.cumsum(lengths[order])
    median = voters[order][np.searchsorted(below, below[-1] / 2)]
    return Spread(least, int(median), most)


def blind_spans(report: Report) -> tuple[Span, ...]:
    """Stretches in which nothing could be said about the entity: no voter there, or nothing known, in time order."""
    level = report.history.level
    bounds = edges(level)
    spans: list[Span] = []
    if not level.time_us.size:
        return (Span(report.from_us, report.until_us),)
    if int(bounds[0]) > report.from_us:
        spans.append(Span(report.from_us, int(bounds[0])))
    for row in np.flatnonzero(np.isnan(measure(report).values)):
        start, end = int(bounds[row]), int(bounds[row + 1])
        if start >= end:
            continue
        if spans and spans[-1].until_us == start:
            spans[-1] = Span(spans[-1].from_us, end)
        else:
            spans.append(Span(start, end))
    return tuple(spans)


def watched_share(report: Report) -> float:
    """Share of the window in which the entity could be judged, 0..1."""
    length = report.until_us - report.from_us
    blind = sum(span.length_us for span in blind_spans(report))
    return max(0.0, 1.0 - blind / length) if length > 0 else 0.0


def value_at(level: Level, values: F64, time_us: int) -> float:
    """A step function read at one time; NaN ahead of the window."""
    row = int(np.searchsorted(level.time_us, time_us, side="right")) - 1
    return float(values[row]) if row >= 0 else float("nan")


def least_between(level: Level, values: F64, from_us: int, until_us: int) -> float:
    """Smallest known value in [from_us, until_us); NaN where none is known."""
    first = max(0, int(np.searchsorted(level.time_us, from_us, side="right")) - 1)
    last = max(first + 1, int(np.searchsorted(level.time_us, until_us, side="left")))
    part = values[first:last]
    part = part[~np.isnan(part)]
    return float(part.min()) if part.size else float("nan")


def typical(report: Report) -> float:
    """Time-weighted median of the measure while it was known; NaN where it never was."""
    level, values = report.history.level, measure(report).values
    lengths = np.diff(edges(level)).astype(np.float64)
    known = ~np.isnan(values) & (lengths > 0)
    if not known.any():
        return float("nan")
    values, lengths = values[known], lengths[known]
    order = np.argsort(values, kind="stable")
    below = np.cumsum(lengths[order])
    return float(values[order][np.searchsorted(below, below[-1] / 2)])


def relapses_of(report: Report, outage: Outage) -> tuple[Outage, ...]:
    """The outages that relapse from this one, in order."""
    number = next(i for i, other in enumerate(report.outages) if other is outage)
    return tuple(other for other in report.outages if other.relapse_of == number)


def held(report: Report, outage: Outage) -> str:
    """Whether its return held, in a word or two: ``stable``, ``not stable``, or that the window shows too little."""
    if outage.stable:
        return "stable"
    return "not stable" if outage.relapses or relapses_of(report, outage) else HOLD_UNKNOWN


def unwatched_us(report: Report, from_us: int, until_us: int) -> int:
    """How much of a stretch nobody was watching, in microseconds."""
    return sum(max(0, min(span.until_us, until_us) - max(span.from_us, from_us)) for span in blind_spans(report))


def end_us(outage: Outage, report: Report) -> int:
    """Best end of an outage; the end of the window while it lasts."""
    return outage.end.best_us if outage.end is not None else report.until_us


def dark_span(outage: Outage, report: Report) -> Span | None:
    """From the best time of the total loss to the best time of the first return; None where something was left."""
    if outage.dark_from is None:
        return None
    until = outage.dark_until.best_us if outage.dark_until is not None else end_us(outage, report)
    return Span(outage.dark_from.best_us, max(until, outage.dark_from.best_us))


def gone_span(outage: Outage, report: Report) -> Span | None:
    """The longest stretch in which nothing was left of what an outage took; None where something was all the time.

    That of :func:`dark_span`; where one family was lost alone, the longest in which nothing of that one was visible.
    """
    alone = one_family(report, outage)
    if alone is None:
        return dark_span(outage, report)
    bounds = edges(report.history.level)
    first, last = outage.onset.earliest_us, end_us(outage, report)
    # Stretches that nobody watched are part of the loss they lie in, as everywhere else.
    known = ~np.isnan(alone.lost_values)
    rows = np.flatnonzero(known & (bounds[1:] > first) & (bounds[:-1] < last))
    change = np.flatnonzero(np.diff(alone.lost_values[rows] == 0, prepend=False, append=False))
    spans = []
    for begin, end in zip(change[::2].tolist(), change[1::2].tolist(), strict=True):
        until = int(bounds[rows[end]]) if end < len(rows) else last
        spans.append(Span(max(int(bounds[rows[begin]]), first), min(until, last)))
    return max(spans, key=lambda span: span.length_us, default=None)


def last_trace_us(report: Report, outage: Outage) -> int | None:
    """When, after the total loss, the last peer that still held a route lost it; None where some did until the return.

    The best time of the total loss where no peer held one any more. Read in the family that the outage took alone, or
    that of :func:`measure`.
    """
    span = gone_span(outage, report)
    if span is None:
        return None
    level, alone = report.history.level, one_family(report, outage)
    in_ipv6 = alone.lost == "IPv6" if alone is not None else measure(report).signal == SLASH48
    held_now = level.held_slash48 if in_ipv6 else level.held_slash24
    bounds = edges(level)
    gone = np.flatnonzero((held_now == 0) & (bounds[1:] > span.from_us) & (bounds[:-1] < span.until_us))
    return max(int(bounds[gone[0]]), span.from_us) if gone.size else None


def losses(report: Report, outage: Outage) -> Loss | None:
    """How an outage's prefixes went, by the change log: each counts at its last loss before the worst was reached.

    None where the log shows no loss of a route (changes that only the set of voters made do not count). Prefixes of one
    family, where the outage took that one alone.
    """
    log, alone = report.history.changes, one_family(report, outage)
    gone = gone_span(outage, report)
    bottom = gone.from_us if gone is not None else end_us(outage, report)
    if alone is None and outage.dark_from is not None:
        bottom = outage.dark_from.latest_us
    mine = np.ones(len(log.prefixes), np.bool_)
    if alone is not None:
        mine = np.array([(":" in name) == (alone.lost == "IPv6") for name in log.prefixes], np.bool_)
    rows = np.flatnonzero(
        (log.time_us >= outage.onset.earliest_us)
        & (log.time_us <= bottom)
        & mine[log.prefix]
        & (log.by_voters == 0)
        & ((log.state == PrefixState.DARK) | (log.state == PrefixState.MINORITY))
    )
    if not rows.size:
        return None
    # From majority to minority to none is one loss: the first step of each unbroken run of losses is its time.
    last: dict[int, int] = {}
    up: set[int] = set()
    inside = np.flatnonzero((log.time_us >= outage.onset.earliest_us) & (log.time_us <= bottom))
    wanted = set(rows.tolist())
    for row in inside.tolist():
        prefix = int(log.prefix[row])
        if log.state[row] == PrefixState.VISIBLE:
            up.add(prefix)
        elif row in wanted and (prefix not in last or prefix in up):
            last[prefix] = int(log.time_us[row])
            up.discard(prefix)
    return Loss(tuple(sorted(last.values())), int(mine.sum()))
