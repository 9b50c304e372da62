"""AS hegemony of scopes: an origin AS, some prefixes, the whole table; and of a country, from its ASes.

The method is IIJ's (as-hegemony, docs/AS_HEGEMONY.md): each session weighs its paths to a scope by the addresses that
it reaches through them, sessions of one peer AS are averaged, and over peer ASes the mean is taken without the top and
the bottom tenth. 1: all of it lies behind that AS, whoever looks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.hegemony import group_rows, score_scopes
from duskwatch.signals.bgp.tables import RoutesAt
from duskwatch.signals.bgp.transit.viewpoints import Hops, Viewpoints

WHOLE = 0  # scope of all prefixes together, as IIJ publishes it
ROOM = 1 << 20  # rows of scores made in one go


@dataclass(frozen=True, slots=True)
class Scores:
    """AS hegemony of several scopes. K rows in order of scope, the largest first; S scopes.

    A scope that no peer AS reaches has no row in either.
    """

    scope: npt.NDArray[np.uint32]  # [K] origin AS; WHOLE where the scope is all that was counted
    asn: npt.NDArray[np.uint32]  # [K] the AS depended on; the origin itself is among them
    value: npt.NDArray[np.float64]  # [K] above 0, at most 1
    scopes: npt.NDArray[np.uint32]  # [S] in order
    peers: npt.NDArray[np.int32]  # [S] peer ASes that reach it
    reached: npt.NDArray[np.float64]  # [S] addresses (IPv6: prefixes) of it that a peer AS reaches, mean over those
    voices: int  # peer ASes that vote

    def of(self, scope: int) -> dict[int, float]:
        """AS hegemony of one scope by AS, the largest first."""
        rows = self.scope == scope
        return dict(zip(self.asn[rows].tolist(), self.value[rows].tolist(), strict=True))


def score_origins(
    routes: RoutesAt,
    origins: Sequence[int] | None = None,
    *,
    address_family: int = 4,
    counted: npt.NDArray[np.bool_] | None = None,
    sparse: bool = False,
) -> Scores:
    """AS hegemony of some origin ASes, or of all.

    address_family  4: addresses are weighed by longest match; 6: each prefix weighs 1
    counted  bool[P]: a scope is what an AS originates of these prefixes alone
    sparse   only sessions that reach a scope say anything of it, as where state was learned from updates and silence
             means nothing. Else one that does not counts as one that depends on nobody, as IIJ has it
    A path whose origin is an AS_SET counts for each member by its share. One that cannot be read counts for nobody.
    """
    views, hops = Viewpoints.of(routes, address_family, counted), Hops.of(routes.paths)
    owner = np.repeat(np.arange(len(routes.paths)), np.diff(hops.end_start))
    start, order = np.empty(len(hops.asns) + 1, np.int64), np.empty(len(owner), np.int64)
    group_rows(hops.end_as, start, order)
    share = 1.0 / np.diff(hops.end_start)[owner]
    if origins is None:
        scopes = np.flatnonzero(np.diff(start) > 0)
    else:
        scopes = np.flatnonzero(np.isin(hops.asns, np.array(origins, np.uint32)) & (np.diff(start) > 0))
    ordered = scopes[np.argsort(hops.asns[scopes])].astype(np.int32)
    paths = start, owner[order].astype(np.int32), share[order]
    return _scored(views, hops, ordered, np.zeros(len(ordered), np.uint8), paths, hops.asns[ordered], sparse)


def score_whole(
    routes: RoutesAt, *, address_family: int = 4, counted: npt.NDArray[np.bool_] | None = None, sparse: bool = False
) -> Scores:
    """AS hegemony of all prefixes together, or of those ``counted``: one scope, WHOLE, with origins among the ASes."""
    views, hops = Viewpoints.of(routes, address_family, counted), Hops.of(routes.paths)
    count = len(routes.paths)
    paths = np.array([0, count], np.int64), np.arange(count, dtype=np.int32), np.ones(count)
    return _scored(views, hops, np.zeros(1, np.int32), np.ones(1, np.uint8), paths, np.zeros(1, np.uint32), sparse)


def _scored(
    views: Viewpoints,
    hops: Hops,
    scopes: npt.NDArray[np.int32],
    whole: npt.NDArray[np.uint8],
    paths: tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float64]],
    named: npt.NDArray[np.uint32],
    sparse: bool,
) -> Scores:
    slot = np.full(len(hops.asns), -1, np.int32)
    peers, reached = np.zeros(len(scopes), np.int32), np.zeros(len(scopes))
    room, done = max(ROOM if len(scopes) > 1 else 0, len(hops.asns)), 0
    out: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float64]]] = []
    while done < len(scopes):
        scope_of, as_of, value_of = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room)
        some = slice(done, len(scopes))
        new, rows = score_scopes(
            scopes[some],
            whole[some],
            *paths,
            views.start,
            views.session,
            views.weight,
            hops.hop_start,
            hops.hop_as,
            hops.hop_share,
            hops.end_start,
            hops.end_as,
            views.group,
            views.of_group,
            np.uint8(sparse),
            slot,
            scope_of,
            as_of,
            value_of,
            peers[some],
            reached[some],
        )
        out.append((scope_of[:rows].astype(np.int64) + done, as_of[:rows].copy(), value_of[:rows].copy()))
        done += new
    scope = np.concatenate([np.empty(0, np.int64), *(rows[0] for rows in out)])
    found = np.concatenate([np.empty(0, np.int32), *(rows[1] for rows in out)])
    value = np.concatenate([np.empty(0), *(rows[2] for rows in out)])
    order = np.lexsort((hops.asns[found], -value, scope))
    there = peers > 0
    return Scores(
        named[scope[order]],
        hops.asns[found[order]],
        value[order],
        named[there],
        peers[there],
        reached[there],
        len(views.peers),
    )


def weigh_country(scores: Scores, weights: Mapping[int, float], *, transit_only: bool = False) -> dict[int, float]:
    """AS hegemony of a country from that of its ASes, by AS, the largest first.

    weights       by origin AS: addresses of the country, users, or 1 for each (country-as-hegemony has users, or 1)
    transit_only  an AS's dependence on itself is left out
    ASes without weight, or that nobody reaches, are left out; empty where none is left. ValueError where a weight is
    below 0.
    """
    if any(not weight >= 0 for weight in weights.values()):
        raise ValueError("weights of ASes are numbers of 0 and above")
    total = sum(weights.get(asn, 0.0) for asn in scores.scopes.tolist())
    sums: dict[int, float] = {}
    for scope, asn, value in zip(scores.scope.tolist(), scores.asn.tolist(), scores.value.tolist(), strict=True):
        weight = weights.get(scope, 0.0)
        if weight > 0 and not (transit_only and asn == scope):
            sums[asn] = sums.get(asn, 0.0) + weight * value / total
    return dict(sorted(sums.items(), key=lambda row: (-row[1], row[0])))
