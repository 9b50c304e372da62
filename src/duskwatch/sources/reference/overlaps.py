"""Make one sorted, non-overlapping list of country ranges from records that may contradict each other."""

import heapq
from collections.abc import Sequence
from typing import NamedTuple


class CountryRecord(NamedTuple):
    """One record: a country holds first..last (plain integers, both included) since a day."""

    first: int
    last: int
    country: str
    since: int  # YYYYMMDD; 0 where the record does not say, which counts as before any date


class Run(NamedTuple):
    """A stretch that one country holds, both ends included."""

    first: int
    last: int
    country: str


def settle(records: Sequence[CountryRecord]) -> tuple[list[Run], int]:
    """Runs in order, apart, neighbours of one country joined; and how many records contradict another.

    Where records overlap, the later ``since`` has the addresses; at the same date the record that comes first in
    ``records`` (so that of the file named first). Counted are the records that begin inside another country's.
    """
    runs: list[Run] = []
    contradictions = 0
    cluster: list[int] = []
    reach = -1
    for i in sorted(range(len(records)), key=records.__getitem__):
        if cluster and records[i].first > reach:
            contradictions += _settle_cluster(records, cluster, runs)
            cluster = []
        cluster.append(i)
        reach = max(reach, records[i].last)
    if cluster:
        contradictions += _settle_cluster(records, cluster, runs)
    return runs, contradictions


def _settle_cluster(records: Sequence[CountryRecord], cluster: list[int], runs: list[Run]) -> int:
    """Sweep the rows of ``cluster``, sorted by first address and overlapping in a chain; add to ``runs``."""
    if len(cluster) == 1:  # nearly always
        first, last, country, _ = records[cluster[0]]
        _append(runs, first, last, country)
        return 0
    active: list[
        tuple[int, int]
    ] = []  # heap, the one that has the addresses on top; ended ones stay until they surface
    at = records[cluster[0]].first
    for i in cluster:
        at = _sweep(records, active, runs, at, records[i].first)
        heapq.heappush(active, (-records[i].since, i))
    _sweep(records, active, runs, at, max(records[i].last for i in cluster) + 1)
    return _contradictions(records, cluster)


def _sweep(records: Sequence[CountryRecord], active: list[tuple[int, int]], runs: list[Run], at: int, stop: int) -> int:
    """Give the addresses [at, stop) to whoever of ``active`` has them; returns stop."""
    while active and at < stop:
        holder = records[active[0][1]]
        if holder.last < at:
            heapq.heappop(active)
            continue
        until = min(holder.last, stop - 1)
        _append(runs, at, until, holder.country)
        at = until + 1
    return stop


def _append(runs: list[Run], first: int, last: int, country: str) -> None:
    if runs and runs[-1].last + 1 == first and runs[-1].country == country:
        runs[-1] = Run(runs[-1].first, last, country)
    else:
        runs.append(Run(first, last, country))


def _contradictions(records: Sequence[CountryRecord], cluster: list[int]) -> int:
    count = 0
    furthest, others = ("", -1), -1  # country that reaches furthest so far, and how far all others reach
    for i in cluster:
        first, last, country, _ = records[i]
        count += first <= (others if country == furthest[0] else furthest[1])
        if country == furthest[0]:
            furthest = (country, max(last, furthest[1]))
        elif last > furthest[1]:
            furthest, others = (country, last), furthest[1]
        else:
            others = max(others, last)
    return count
