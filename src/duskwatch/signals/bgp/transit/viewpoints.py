"""Viewpoints: what each full-feed session reaches by which path, and who lies on it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.hegemony import group_rows, number_asns, unfold, weigh_paths
from duskwatch.signals.bgp.paths import Paths
from duskwatch.signals.bgp.tables import RoutesAt

AFI_OF = {4: 1, 6: 2}  # version of IP to afi
SLASH24 = 256  # addresses


@dataclass(frozen=True, slots=True)
class Hops:
    """The ASes of the paths of a pool, by a number of their own: A ASes, R paths (see kernels.hegemony.unfold)."""

    asns: npt.NDArray[np.uint32]  # [A]
    hop_start: npt.NDArray[np.int64]  # [R + 1]
    hop_as: npt.NDArray[np.int32]  # ASes ahead of the origin, each once
    hop_share: npt.NDArray[np.float64]  # 1, or 1 / k of a member of an AS_SET of k
    end_start: npt.NDArray[np.int64]  # [R + 1]
    end_as: npt.NDArray[np.int32]  # the origin; members of the AS_SET that stands in its place

    @classmethod
    def of(cls, paths: Paths) -> "Hops":
        """Read them from a pool."""
        every = np.concatenate([np.zeros(1, np.uint32), paths.asns, paths.set_asns])
        size = 1 << max(4, (2 * len(every) - 1).bit_length())
        found, ids = np.empty(len(every), np.uint32), np.empty(len(every), np.int32)
        slots = np.full(size, -1, np.int32)
        count = number_asns(every, slots, np.uint64(65 - size.bit_length()), found, ids)
        hops, members = ids[1 : 1 + len(paths.asns)], ids[1 + len(paths.asns) :]
        hop_start, end_start = np.empty(len(paths) + 1, np.int64), np.empty(len(paths) + 1, np.int64)
        hop_as, hop_share = np.empty(len(every), np.int32), np.empty(len(every))
        end_as = np.empty(len(paths) + len(members), np.int32)
        unfold(
            hops,
            paths.start,
            paths.set_path,
            paths.set_start,
            members,
            ids[0],
            hop_start,
            hop_as,
            hop_share,
            end_start,
            end_as,
        )
        used, ends = int(hop_start[-1]), int(end_start[-1])
        return cls(found[:count], hop_start, hop_as[:used], hop_share[:used], end_start, end_as[:ends])


@dataclass(frozen=True, slots=True)
class Viewpoints:
    """What full-feed sessions reach by each path. R paths, E entries in order of path, N sessions, G peer ASes.

    A session that shares its peer AS with others, at whichever collector, is one of the voices of that AS.
    """

    start: npt.NDArray[np.int64]  # [R + 1] the entries of each path
    session: npt.NDArray[np.int32]  # [E]
    weight: npt.NDArray[np.int64]  # [E] IPv4 addresses by longest match, or IPv6 prefixes
    group: npt.NDArray[np.int32]  # [N] peer AS of each session, as a row of ``peers``
    peers: npt.NDArray[np.uint32]  # [G]
    of_group: npt.NDArray[np.int64]  # [G] sessions of each

    @classmethod
    def of(
        cls, routes: RoutesAt, address_family: int = 4, counted: npt.NDArray[np.bool_] | None = None
    ) -> "Viewpoints":
        """Weigh the routes of the sessions that vote on an address family, to prefixes ``counted``, bool[P], or to all.

        A prefix that does not count takes its addresses from the one that holds it all the same.
        """
        who = np.flatnonzero(routes.voting[:, 0 if address_family == 4 else 1])
        some = (np.ones(len(routes.afi)) if counted is None else counted).astype(np.uint8)
        size = len(routes.paths)
        weight, mark = np.zeros(size, np.int64), np.full(size, -1, np.int64)
        paths, weights = np.empty(len(routes.afi), np.int32), np.empty(len(routes.afi), np.int64)
        all_paths, all_weights, sessions = [], [], []
        for n, session in enumerate(who.tolist()):
            count = weigh_paths(
                routes.afi,
                routes.hi,
                routes.lo,
                routes.length,
                np.ascontiguousarray(routes.path[:, session]),
                some,
                AFI_OF[address_family],
                weight,
                mark,
                n,
                paths,
                weights,
            )
            all_paths.append(paths[:count].copy())
            all_weights.append(weights[:count].copy())
            sessions.append(np.full(count, n, np.int32))
        path = np.concatenate([np.empty(0, np.int32), *all_paths])
        start, order = np.empty(size + 1, np.int64), np.empty(len(path), np.int64)
        group_rows(path, start, order)
        peers, group, of_group = np.unique(routes.asn[who], return_inverse=True, return_counts=True)
        return cls(
            start,
            np.concatenate([np.empty(0, np.int32), *sessions])[order],
            np.concatenate([np.empty(0, np.int64), *all_weights])[order],
            group.astype(np.int32),
            peers.astype(np.uint32),
            of_group.astype(np.int64),
        )
