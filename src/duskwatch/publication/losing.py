"""How the routes of an outage went and came back: when each prefix was lost, through whom it had been reached."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from duskwatch.publication.facts import SLASH48, end_us, gone_span, measure, one_address_family
from duskwatch.publication.levels import I64, edges
from duskwatch.records.outages import Outage
from duskwatch.records.report import Report
from duskwatch.records.signals import PrefixState
from duskwatch.records.times import MINUTE

FLICKER_US = MINUTE  # a prefix that is back for less than this was not back
MAIN_WAY = 0.5  # such a share of the prefixes went one way: that way is named
SAME_BEYOND = 0.9  # such a share of them has the same AS before that one: it is named too


class Loss(NamedTuple):
    """How the prefixes of an outage went: when each of those lost was, in time order, and how many there are in all."""

    times_us: tuple[int, ...]
    total: int


class Way(NamedTuple):
    """Through whom prefixes were reached: the neighbours of their origin, by the number of prefixes."""

    path: tuple[int, ...]  # the ASes of the main way, from afar to the neighbour; empty where no way is the main one
    prefixes: int  # that went this way
    total: int  # of which a way is known
    neighbours: tuple[tuple[int, int], ...]  # every neighbour and its prefixes, most first


class Ways(NamedTuple):
    """The way by which an outage's routes were lost and the way by which they came back; None where not known."""

    lost: Way | None
    back: Way | None


def last_trace_us(report: Report, outage: Outage) -> int | None:
    """When, after the total loss, the last peer that still held a route lost it; None where some did until the return.

    The best time of the total loss where no peer held one any more. Read in the family that the outage took alone, or
    that of the measure.
    """
    span = gone_span(outage, report)
    if span is None:
        return None
    level, alone = report.history.level, one_address_family(report, outage)
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
    last, total = _lost_rows(report, outage)
    times = report.history.changes.time_us
    return Loss(tuple(sorted(int(times[row]) for row in last.values())), total) if last else None


def ways(report: Report, outage: Outage) -> Ways:
    """Through whom the prefixes of an outage were lost and came back."""
    log = report.history.changes
    lost, _ = _lost_rows(report, outage)
    gone = np.array(sorted(lost.values()), np.int64)
    back = np.empty(0, np.int64)
    if outage.end is not None and gone.size:
        lost_us = np.full(len(log.prefixes), np.iinfo(np.int64).max)
        lost_us[log.prefix[gone]] = log.time_us[gone]
        up = (log.state == PrefixState.VISIBLE) & (log.by_voters == 0) & (log.time_us <= outage.end.latest_us)
        rows = np.flatnonzero(up & (log.time_us > lost_us[log.prefix]))
        # Of each prefix the last one: after it the prefix stood.
        _, at = np.unique(log.prefix[rows[::-1]], return_index=True)
        back = np.sort(rows[::-1][at])
    return Ways(_way(report, gone), _way(report, back))


def _way(report: Report, rows: I64) -> Way | None:
    log = report.history.changes
    rows = rows[log.upstream[rows] > 0] if rows.size else rows
    if not rows.size:
        return None
    upstream = log.upstream[rows]
    counts = Counter(upstream.tolist()).most_common()
    neighbour, most = counts[0]
    if most < MAIN_WAY * len(rows):
        return Way((), 0, len(rows), tuple(counts))
    path: tuple[int, ...] = (int(neighbour),)
    if len(log.beyond) == len(log.time_us):
        (far, many), *_ = Counter(log.beyond[rows[upstream == neighbour]].tolist()).most_common(1)
        if far and many >= SAME_BEYOND * most and many > 1:
            path = (int(far), int(neighbour))
    return Way(path, most, len(rows), tuple(counts))


def _lost_rows(report: Report, outage: Outage) -> tuple[dict[int, int], int]:
    """For each prefix that an outage took the row of its loss, and how many prefixes there are in all."""
    log, alone = report.history.changes, one_address_family(report, outage)
    gone = gone_span(outage, report)
    bottom = gone.from_us if gone is not None else end_us(outage, report)
    if alone is None and outage.dark_from is not None:
        bottom = outage.dark_from.latest_us
    mine = np.ones(len(log.prefixes), np.bool_)
    if alone is not None:
        mine = np.array([(":" in name) == (alone.lost == "IPv6") for name in log.prefixes], np.bool_)
    inside = np.flatnonzero((log.time_us >= outage.onset.earliest_us) & (log.time_us <= bottom))
    columns = (log.prefix[inside], log.state[inside], log.time_us[inside], log.by_voters[inside])
    visible, losses_ = int(PrefixState.VISIBLE), (int(PrefixState.DARK), int(PrefixState.MINORITY))
    last: dict[int, int] = {}
    up: dict[int, int] = {}  # since when a prefix that was lost is back
    for row, prefix, state, time_us, by in zip(inside.tolist(), *(column.tolist() for column in columns), strict=True):
        if state == visible:
            up.setdefault(prefix, time_us)
        elif state in losses_:
            since = up.pop(prefix, None)
            if by or not mine[prefix]:
                continue
            # From majority to minority to none is one loss, and so is one with a moment's return in between.
            if prefix not in last or (since is not None and time_us - since >= FLICKER_US):
                last[prefix] = row
    return last, int(mine.sum())
