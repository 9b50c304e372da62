"""The ways into an entity: on each path the AS just outside of it, and how much of it is entered through each."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.ways import cross_border
from duskwatch.records.countries import CountryRanges
from duskwatch.signals.bgp.paths import Paths
from duskwatch.signals.bgp.tables import RoutesAt
from duskwatch.signals.bgp.transit.viewpoints import SLASH24, Viewpoints

U32 = npt.NDArray[np.uint32]
InsideHops = Callable[[Paths], npt.NDArray[np.uint8]]
"""Says of each hop of a pool, uint8[H], whether its AS is inside the entity."""


def own_origin(paths: Paths) -> npt.NDArray[np.uint8]:
    """InsideHops of a network or a prefix: the origin of each path, so that the way in is the AS before it."""
    out = np.zeros(len(paths.asns), np.uint8)
    last = paths.start[1:] - 1
    last = last[last >= paths.start[:-1]]
    out[last] = paths.asns[last] != 0
    return out


@dataclass(frozen=True)
class CountryAses:
    """InsideHops of a country: ASes that registries delegated to it; the origin of each path where files name none."""

    ranges: CountryRanges
    code: str

    def __call__(self, paths: Paths) -> npt.NDArray[np.uint8]:
        """1 for hops of the country, uint8[H]."""
        if not len(self.ranges.asn_country):
            return own_origin(paths)
        return self.holds(paths.asns).astype(np.uint8)

    def holds(self, asns: U32) -> npt.NDArray[np.bool_]:
        """Which AS numbers are delegated to the country, [n]."""
        runs = np.array(self.ranges.asn_country.runs_of(self.code), np.int64).reshape(-1, 2)
        at = np.searchsorted(runs[:, 0], asns, side="right") - 1
        out: npt.NDArray[np.bool_] = (at >= 0) & (asns != 0)
        out[out] = asns[out] <= runs[at[out], 1]
        return out


@dataclass(frozen=True, slots=True)
class Ways:
    """Where each path of a pool enters, [R]."""

    outside: U32  # the AS just outside; 0: the path never leaves, or leaves through an AS_SET
    inside: U32  # the AS it hands over to; 0: who originates it is not inside the entity

    @classmethod
    def of(cls, paths: Paths, inside_hops: InsideHops) -> "Ways":
        """Walk every path of a pool from its origin."""
        out = cls(np.empty(len(paths), np.uint32), np.empty(len(paths), np.uint32))
        cross_border(paths.asns, paths.start, inside_hops(paths), out.outside, out.inside)
        return out


@dataclass(frozen=True, slots=True)
class Link:
    """One link into an entity, and what is reached through it."""

    outside: int  # AS; 0: an AS_SET, of which nobody knows
    inside: int  # AS; 0: the AS outside originates what it reaches
    share: float  # of what is reached from outside: mean over peer ASes, each the mean of its sessions
    reached: float  # /24s (IPv6: prefixes), mean over those peer ASes
    peers: int  # peer ASes that use it


def links_of(
    routes: RoutesAt, inside_hops: InsideHops, counted: npt.NDArray[np.bool_], address_family: int = 4
) -> tuple[Link, ...]:
    """The links by which the prefixes ``counted``, bool[P], are entered, the largest share first.

    A session that reaches part of them over no border sees nothing of it enter; that part is left out.
    """
    views, ways = Viewpoints.of(routes, address_family, counted), Ways.of(routes.paths, inside_hops)
    keys, way = np.unique((ways.outside.astype(np.uint64) << np.uint64(32)) | ways.inside, return_inverse=True)
    path = np.repeat(np.arange(len(routes.paths)), np.diff(views.start))
    lengths = np.diff(routes.paths.start)
    local = (ways.outside == 0) & (own_hops(routes.paths, inside_hops) == lengths)
    keep = ~local[path]
    path, session, weight = path[keep], views.session[keep], views.weight[keep].astype(float)
    sessions, links = len(views.group), len(keys)
    sums = np.bincount(session * links + way[path], weights=weight, minlength=sessions * links).reshape(sessions, links)
    totals = sums.sum(axis=1)
    there = np.flatnonzero(totals > 0)
    group = views.group[there]
    voices = np.bincount(group, minlength=len(views.peers))
    part = 1.0 / voices[group]
    peers = int(np.count_nonzero(voices))
    unit = SLASH24 if address_family == 4 else 1
    out = []
    for k in np.flatnonzero(sums.any(axis=0)).tolist():
        shares, reached = sums[there, k] / totals[there], sums[there, k] / unit
        users = len(np.unique(group[shares > 0]))
        outside, inside = int(keys[k]) >> 32, int(keys[k]) & 0xFFFFFFFF
        out.append(Link(outside, inside, float(shares @ part) / peers, float(reached @ part) / peers, users))
    return tuple(sorted(out, key=lambda link: (-link.share, link.outside, link.inside)))


def own_hops(paths: Paths, inside_hops: InsideHops) -> npt.NDArray[np.int64]:
    """How many hops of each path are inside the entity, [R]."""
    total = np.concatenate([np.zeros(1, np.int64), np.cumsum(inside_hops(paths), dtype=np.int64)])
    out: npt.NDArray[np.int64] = total[paths.start[1:]] - total[paths.start[:-1]]
    return out
