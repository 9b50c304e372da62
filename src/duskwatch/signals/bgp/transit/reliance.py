"""Single points of failure: what more than half of the voters would lose if one AS carried nothing any more."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.ways import lean_on, own_space
from duskwatch.signals.bgp.tables import RoutesAt
from duskwatch.signals.bgp.transit.viewpoints import AFI_OF, SLASH24, Hops


@dataclass(frozen=True, slots=True)
class Reliance:
    """What hangs on one AS, in /24s (IPv6: prefixes). Part of a /24 counts as that part."""

    asn: int
    lost: float  # visible now, and not without it, if nobody found another way
    only: float  # of these, what no voter has any route to that avoids it
    visible: float  # in all

    @property
    def share(self) -> float:
        """Lost, of what is visible; 0..1."""
        return self.lost / self.visible if self.visible else 0.0


def reliance_of(
    routes: RoutesAt, counted: npt.NDArray[np.bool_], address_family: int = 4, known_only: bool = False
) -> tuple[tuple[Reliance, ...], float]:
    """The ASes that something ``counted``, bool[P], hangs on, the most first; the origin of a route is not asked about.

    A voter, as in visibility, is a peer AS at one collector. Space belongs to the narrowest prefix that anybody has;
    who lacks it may have the next wider one.
    known_only  who has no route has no word, as where state was learned from updates
    Also returned is how much of it is visible.
    """
    who = np.flatnonzero(routes.voting[:, 0 if address_family == 4 else 1])
    voter_start, voter_session = voters_of(routes, who)
    hops = _ahead(Hops.of(routes.paths))
    parent, net = np.empty(len(routes.afi), np.int32), np.empty(len(routes.afi), np.int64)
    own_space(routes.afi, routes.hi, routes.lo, routes.length, AFI_OF[address_family], parent, net)
    lost, only, total = np.zeros(len(hops.asns), np.int64), np.zeros(len(hops.asns), np.int64), np.zeros(1, np.int64)
    lean_on(
        parent,
        net,
        counted.astype(np.uint8),
        routes.path,
        voter_start,
        voter_session,
        hops.hop_start,
        hops.hop_as,
        np.uint8(known_only),
        lost,
        only,
        total,
    )
    unit = SLASH24 if address_family == 4 else 1
    visible = float(total[0]) / unit
    found = [
        Reliance(int(hops.asns[k]), float(lost[k]) / unit, float(only[k]) / unit, visible) for k in np.flatnonzero(lost)
    ]
    return tuple(sorted(found, key=lambda one: (-one.lost, -one.only, one.asn))), visible


def _ahead(hops: Hops) -> Hops:
    """Without members of an AS_SET, which a path may have passed by, and without the origin that stands there again."""
    path = np.repeat(np.arange(len(hops.hop_start) - 1), np.diff(hops.hop_start))
    origin = np.full(len(hops.hop_start) - 1, -1, np.int32)
    single = np.flatnonzero(np.diff(hops.end_start) == 1)
    origin[single] = hops.end_as[hops.end_start[single]]
    keep = (hops.hop_as != origin[path]) & (hops.hop_share == 1)
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(path[keep], minlength=len(origin)))])
    return replace(hops, hop_start=start, hop_as=hops.hop_as[keep], hop_share=hops.hop_share[keep])


def voters_of(routes: RoutesAt, who: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Sessions by voter, a peer AS at one collector: start int64[V + 1], session int64[*]."""
    names = [routes.sessions[session].rsplit(" ", 1)[0] for session in who.tolist()]
    number: dict[str, int] = {}
    voter = np.array([number.setdefault(name, len(number)) for name in names], np.int64)
    order = np.argsort(voter, kind="stable")
    start = np.searchsorted(voter[order], np.arange(len(number) + 1))
    return start.astype(np.int64), who[order]
