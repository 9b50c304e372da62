"""Make one sorted, non-overlapping list of country ranges from many files' records that may contradict each other."""

import heapq
from collections.abc import Iterable
from typing import NamedTuple


class Held(NamedTuple):
    """One record: a country holds first..last (integers, not left-aligned; both included) since a day."""

    first: int
    last: int
    country: str
    since: int  # YYYYMMDD; 0 where the record does not say, which counts as before any date


def settle(records: Iterable[Held]) -> tuple[list[tuple[int, int, str]], int]:
    """Ranges (first, last, country), sorted, apart, neighbours of one country joined; and how many records lost space.

    Where records overlap and name different countries, the later ``since`` has it; at the same date the record that
    comes first in ``records`` (so the file named first). A record counts as having lost space once, however much.
    """
    order = list(records)
    rows = sorted(range(len(order)), key=lambda i: (order[i].first, order[i].last))
    out: list[tuple[int, int, str]] = []
    losers: set[int] = set()
    cluster: list[int] = []
    reach = -1
    for i in rows:
        if cluster and order[i].first > reach:
            _settle_cluster(order, cluster, out, losers)
            cluster.clear()
            reach = -1
        cluster.append(i)
        reach = max(reach, order[i].last)
    _settle_cluster(order, cluster, out, losers)
    return out, len(losers)


def _append(out: list[tuple[int, int, str]], first: int, last: int, country: str) -> None:
    if out and out[-1][1] + 1 == first and out[-1][2] == country:
        out[-1] = (out[-1][0], last, country)
    else:
        out.append((first, last, country))


def _settle_cluster(order: list[Held], cluster: list[int], out: list[tuple[int, int, str]], losers: set[int]) -> None:
    """Sweep records that overlap; ``cluster`` is sorted by first address."""
    if len(cluster) == 1:  # by far the most
        record = order[cluster[0]]
        _append(out, record.first, record.last, record.country)
        return
    active: list[tuple[int, int]] = []  # best first: later date, then earlier in the input
    at, next_ = 0, 0
    while next_ < len(cluster) or active:
        if not active:
            at = order[cluster[next_]].first
        while next_ < len(cluster) and order[cluster[next_]].first <= at:
            i = cluster[next_]
            heapq.heappush(active, (-order[i].since, i))
            if active[0][1] != i and order[active[0][1]].country != order[i].country:
                losers.add(i)
            next_ += 1
        best = active[0][1]
        until = order[best].last
        if next_ < len(cluster):
            until = min(until, order[cluster[next_]].first - 1)
        if until >= at:
            _append(out, at, until, order[best].country)
            at = until + 1
        while active and order[active[0][1]].last < at:
            heapq.heappop(active)
        if next_ < len(cluster) and active:
            new = order[cluster[next_]]
            held = order[active[0][1]]
            newcomer_wins = (-new.since, cluster[next_]) < active[0]
            if new.first == at and newcomer_wins and new.country != held.country:
                losers.add(active[0][1])
    return
