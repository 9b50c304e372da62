"""Who else was reached through an AS, and what became of them: whole tables before and while something was lost."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duskwatch.signals.bgp.paths import Paths
from duskwatch.signals.bgp.tables import RoutesAt
from duskwatch.signals.bgp.transit.reliance import voters_of


@dataclass(frozen=True, slots=True)
class Behind:
    """A network that was reached through an AS, in prefixes that more than half of the voters held through it."""

    origin: int  # AS
    prefixes: int  # reached through it before
    lost: int  # no longer visible
    moved: int  # visible, but no longer through it


def behind(before: RoutesAt, during: RoutesAt, asn: int, left_out: npt.NDArray[np.bool_]) -> tuple[Behind, ...]:
    """What became of the prefixes that were reached through an AS, by the AS that originated them, the most lost first.

    before, during  tables of the same parts at two times     left_out  bool[P]  prefixes that are not asked about
    Visible: more than half of the voters hold a route, of those that voted at both times. A prefix that the AS
    originates is none that is reached through it.
    """
    out: dict[int, list[int]] = {}
    for column, afi in ((0, 1), (1, 2)):
        who = np.flatnonzero(before.voting[:, column] & during.voting[:, column])
        voter_start, voter_session = voters_of(before, who)
        voters = len(voter_start) - 1
        units = np.flatnonzero((before.afi == afi) & ~left_out)
        had, through = _held(before, units, voter_start, voter_session, asn)
        has, still = _held(during, units, voter_start, voter_session, asn)
        relied = np.flatnonzero((2 * had > voters) & (2 * through > voters))
        origin = _origins(before, units[relied], who)
        for k, whose in zip(relied.tolist(), origin.tolist(), strict=True):
            if whose == asn:
                continue
            row = out.setdefault(whose, [0, 0, 0])
            row[0] += 1
            row[1] += int(2 * has[k] <= voters)
            row[2] += int(2 * has[k] > voters and 2 * still[k] <= voters)
    found = [Behind(origin, *row) for origin, row in out.items()]
    return tuple(sorted(found, key=lambda one: (-one.lost, -one.prefixes, one.origin)))


def _held(
    routes: RoutesAt,
    units: npt.NDArray[np.int64],
    voter_start: npt.NDArray[np.int64],
    voter_session: npt.NDArray[np.int64],
    asn: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """How many voters hold a route to each prefix, and how many through an AS ahead of its origin, [units] each."""
    through = np.append(_through(routes.paths, asn), False)
    holders, carried = np.zeros(len(units), np.int64), np.zeros(len(units), np.int64)
    for first, stop in zip(voter_start[:-1].tolist(), voter_start[1:].tolist(), strict=True):
        any_held, any_through = np.zeros(len(units), np.bool_), np.zeros(len(units), np.bool_)
        for session in voter_session[first:stop].tolist():
            path = routes.path[units, session]
            any_held |= path >= 0
            any_through |= through[path]  # -1 is the row of what is not held
        holders += any_held
        carried += any_through
    return holders, carried


def _through(paths: Paths, asn: int) -> npt.NDArray[np.bool_]:
    """Which paths pass an AS ahead of their origin, [R]."""
    hops = np.repeat(np.arange(len(paths)), np.diff(paths.start))
    where = np.flatnonzero(paths.asns == asn)
    where = where[where < paths.start[hops[where] + 1] - 1]
    out = np.zeros(len(paths), np.bool_)
    out[hops[where]] = True
    return out


def _origins(routes: RoutesAt, units: npt.NDArray[np.int64], who: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
    """The origin by which the first of some sessions that holds it reaches each prefix; 0 where that is a set."""
    ends = np.append(routes.paths.ends().origin, np.uint32(0))
    out = np.zeros(len(units), np.uint32)
    for session in who[::-1].tolist():
        path = routes.path[units, session]
        out = np.where(path >= 0, ends[path], out)
    return out
