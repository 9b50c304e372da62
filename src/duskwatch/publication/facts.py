"""Figures of outages that words, tables and charts share, so that no two of them can disagree."""

import re
from typing import NamedTuple

import numpy as np

from duskwatch.publication.levels import F64, Span, edges, least_between, middle, value_at
from duskwatch.publication.others import leading_signal
from duskwatch.records.outages import Outage, When
from duskwatch.records.reason import Reason
from duskwatch.records.report import Report
from duskwatch.records.series import sampled
from duskwatch.records.signals import PrefixState
from duskwatch.records.times import MINUTE, span_text

HOLD_UNKNOWN = "not known to hold"
SLASH24, SLASH48 = "bgp.visible_slash24", "bgp.visible_slash48"
UNITS = {
    SLASH24: ("network (/24)", "networks (/24)"),
    SLASH48: ("IPv6 network (/48)", "IPv6 networks (/48)"),
}
NEARLY = 0.999  # a loss that is not called a total one
MOSTLY = 0.9  # share of an outage from which on a part of it stands for the whole
# Reasons that rest on bins: their times are no better than a bin is long.
OF_BINS = frozenset({"fell", "fell-slowly", "fell-unmeasured", "back", "back-unmeasured", "declined", "declined-back"})
WRAPPERS = frozenset({"return-began", "nothing-left", "something-back", "new-normal"})  # say what the first part dates


class Measure(NamedTuple):
    """The measure of the report: a step function over the rows of a Level."""

    signal: str  # bgp.visible_slash24, ...
    unit: str  # one of them, in words
    units: str  # several of them
    values: F64  # [N], NaN while nobody was watching
    others: bool = False  # a signal that others measured: what its unit is, is not known

    @property
    def caption(self) -> str:
        """What a chart of it shows."""
        return f"Signal {self.signal}" if self.others else f"{self.units[:1].upper()}{self.units[1:]} reachable"

    def figure(self, number: float) -> str:
        """A value in digits: whole where it counts things or is large."""
        return f"{number:,.0f}" if not self.others or abs(number) >= 100 else f"{number:,.3g}"

    def counted(self, number: float) -> str:
        """``4 networks (/24)``."""
        return f"{self.figure(number)} {self.unit if round(number) == 1 else self.units}"

    def plain_count(self, number: float) -> str:
        """``4 networks``, for sentences: the size of a network stands in the glossary."""
        return re.sub(r" \(/\d+\)", "", self.counted(number))


class OneAddressFamily(NamedTuple):
    """An outage of one address family of an entity that has routes of both."""

    lost: str  # IPv6 or IPv4
    stayed: str  # the other one
    lost_values: F64  # [N] visible /48s or /24s of the lost address family, by the rows of the Level
    before: float  # /24s or /48s of the other address family ahead of the onset; NaN where nobody watched it
    least: float  # and how many were left at worst while the outage lasted; NaN where nobody watched it

    @property
    def kept(self) -> bool:
        """Whether some of the other address family was visible all the time, as far as anybody watched."""
        return self.least > 0


class Core(NamedTuple):
    """The stretch in which at least half of an outage's greatest loss was lost, and how much was lost in it."""

    span: Span
    share: float  # lost for most of it: the time-weighted median, 0..1
    before: float  # the measure ahead of the onset; NaN where it is not known
    middle: float  # the median that was left; NaN where it is not known
    whole: bool  # it makes up nearly all of the outage, and stands for the outage itself


def main_outage(report: Report) -> Outage | None:
    """The outage with the highest score, the first of several such; None where there is none."""
    return max(report.outages, key=lambda outage: outage.score, default=None)


def measure(report: Report) -> Measure:
    """IPv4 /24s where the entity has any, else IPv6 /48s, else prefixes.

    IPv6 /48s as well where the main outage took IPv6 alone: its loss must show. Otherwise /24s come first since
    they count addresses, however these are cut into prefixes. A row is taken as unknown only where its own value is.
    """
    level, main = report.history.level, main_outage(report)
    alone = one_address_family(report, main) if main is not None else None
    if _any(level.slash24) and not (alone is not None and alone.lost == "IPv6" and _any(level.slash48)):
        return Measure(SLASH24, *UNITS[SLASH24], level.slash24)
    if _any(level.slash48):
        return Measure(SLASH48, *UNITS[SLASH48], level.slash48)
    if report.history.series and not _any(level.prefixes):
        block, name = leading_signal(report, main)
        by_signal = f"by the signal {name}"
        return Measure(name, by_signal, by_signal, sampled(block, name, level.time_us), others=True)
    return Measure("bgp.visible_prefixes", "prefix", "prefixes", level.prefixes)


def one_address_family(report: Report, outage: Outage) -> OneAddressFamily | None:
    """Which address family an outage took, where the other was there; None where it took both, or there is one only.

    The signals that raised the outage say it; where none of them is of one alone, the routes that were lost.
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
        return None  # it had no routes of the other to keep
    names = ("IPv4", "IPv6") if took4 else ("IPv6", "IPv4")
    return OneAddressFamily(names[0], names[1], lost, before, least)


def _any(values: F64) -> bool:
    return bool(values.size) and bool(np.nan_to_num(values).max() > 0)


def typical(report: Report) -> float:
    """Time-weighted median of the measure while it was known; NaN where it never was."""
    return middle(report.history.level, measure(report).values, Span(report.from_us, report.until_us))


def before(report: Report, outage: Outage) -> float:
    """The measure just ahead of an outage, else what it mostly was; NaN where it was never known."""
    level, values = report.history.level, measure(report).values
    found = value_at(level, values, outage.onset.earliest_us - 1)
    return found if found > 0 else typical(report)


def noun_of(report: Report, outage: Outage, total: int) -> tuple[str, str]:
    """What one and several of the prefixes of an outage are called.

    Networks where each of them is one /24 (or /48), so that a page counts networks in one way; else prefixes.
    """
    alone, how = one_address_family(report, outage), measure(report)
    version = f"{alone.lost} " if alone is not None else "IPv6 " if how.signal == SLASH48 else ""
    if how.signal in UNITS and abs(before(report, outage) - total) < 0.5:
        return f"{version}network", f"{version}networks"
    return f"{version}prefix", f"{version}prefixes"


def core(report: Report, outage: Outage) -> Core:
    """The stretch that a headline tells: see :class:`Core`. The whole outage where the measure does not show it."""
    level, values = report.history.level, measure(report).values
    outer = Span(outage.onset.best_us, end_us(outage, report))
    had = before(report, outage)
    least = least_between(level, values, outer.from_us, outer.until_us)
    bounds = edges(level)
    below = (values <= had * (1 - outage.depth / 2)) & (bounds[1:] > outer.from_us) & (bounds[:-1] < outer.until_us)
    shows = had > 0 and least >= 0 and abs((had - least) / had - outage.depth) <= 0.02
    if not shows or not below.any():
        return Core(outer, outage.depth, float("nan"), float("nan"), True)
    rows = np.flatnonzero(below)
    first, last = max(int(bounds[rows[0]]), outer.from_us), min(int(bounds[rows[-1] + 1]), outer.until_us)
    span = Span(first, last)
    whole = span.length_us >= MOSTLY * outer.length_us
    span = outer if whole else span
    left = middle(level, np.where(values > had, had, values), span)
    share = (had - left) / had
    # A total loss shows as one by its dark stretch alone, which knows of times between rows.
    dark = gone_span(outage, report)
    if dark is not None and dark.length_us >= MOSTLY * span.length_us:
        share = 1.0
    else:
        share = min(outage.depth if abs(share - outage.depth) <= 0.02 else share, NEARLY)
    return Core(span, share, had, left, whole)


def relapses_of(report: Report, outage: Outage) -> tuple[Outage, ...]:
    """The outages that relapse from this one, in order."""
    number = next(i for i, other in enumerate(report.outages) if other is outage)
    return tuple(other for other in report.outages if other.relapse_of == number)


def held(report: Report, outage: Outage) -> str:
    """Whether its return held, in a word or two: ``stable``, ``not stable``, or that the window shows too little."""
    if outage.stable:
        return "stable"
    return "not stable" if outage.relapses or relapses_of(report, outage) else HOLD_UNKNOWN


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

    That of :func:`dark_span`; where one address family was lost alone, the longest in which nothing of it was visible.
    """
    alone = one_address_family(report, outage)
    if alone is None:
        return dark_span(outage, report)
    bounds = edges(report.history.level)
    first, last = outage.onset.earliest_us, end_us(outage, report)
    # Stretches that nobody watched are part of the loss they lie in, as everywhere else.
    measured = ~np.isnan(alone.lost_values)
    rows = np.flatnonzero(measured & (bounds[1:] > first) & (bounds[:-1] < last))
    change = np.flatnonzero(np.diff(alone.lost_values[rows] == 0, prepend=False, append=False))
    spans = []
    for begin, end in zip(change[::2].tolist(), change[1::2].tolist(), strict=True):
        until = int(bounds[rows[end]]) if end < len(rows) else last
        spans.append(Span(max(int(bounds[rows[begin]]), first), min(until, last)))
    return max(spans, key=lambda span: span.length_us, default=None)


def exact(when: When) -> bool:
    """Whether a moment is known to the second: it rests on messages, not on bins."""
    return not _of_bins(when.reason)


def _of_bins(one: Reason) -> bool:
    return one.code in OF_BINS or (one.code in WRAPPERS and any(_of_bins(part) for part in one.parts[:1]))


def step_us(outage: Outage) -> int:
    """How finely the times of an outage are known: a minute where either bound rests on bins, else a second (0)."""
    bounds = [outage.onset] + ([outage.end] if outage.end is not None else [])
    return 0 if all(exact(when) for when in bounds) else MINUTE


def length_text(outage: Outage, length_us: int) -> str:
    """A length within an outage, no finer than its times are known: ``9 h 31 min``, ``22 min 45 s``."""
    step = step_us(outage)
    return span_text((length_us + step // 2) // step * step if step else length_us)
