"""How the ways into an entity changed, to the second: which it lost, which it came back by, and who let go first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.ways import main_ways
from duskwatch.records.signals import PrefixState
from duskwatch.records.times import MINUTE
from duskwatch.signals.bgp.paths import Paths
from duskwatch.signals.bgp.tables import route_paths
from duskwatch.signals.bgp.transit.ways import InsideHops, Ways
from duskwatch.signals.bgp.votes import Vote, Votes

# Prefixes that change the same way, each this soon after the one before, did so together.
TOGETHER_US = MINUTE
# A session that lets go this long before the majority did has its part in the loss.
AHEAD_US = 30 * MINUTE


@dataclass(frozen=True, slots=True)
class WayChange:
    """Some prefixes that most voters reached one way, and from then on another, or none."""

    first_us: int  # the first and the last of them
    last_us: int
    before: int  # AS just outside; 0: none, or of which nobody knows
    after: int
    units: tuple[int, ...]  # rows of the Votes, in order
    lost: bool  # no longer visible
    back: bool  # visible again, or for the first time in the window
    by_voters: bool = False  # lost only because voters left: a matter of coverage


@dataclass(frozen=True, slots=True)
class WayShare:
    """A way that came to carry a good part of the routes, or ceased to carry any to speak of."""

    outside: int  # AS just outside; 0: nobody knows
    since_us: int  # until then it was as before
    time_us: int  # it carries a quarter, or less than a twentieth
    up: bool
    share: float  # of the routes that voting sessions hold, at that time


@dataclass(frozen=True, slots=True)
class LetGo:
    """When one session stopped holding prefixes that were lost."""

    session: str  # collector, AS, address
    turned_us: int  # it left the path that it had, and did not come back to it
    first_us: int  # the first of its routes that it lost for long
    last_us: int  # the last
    prefixes: int  # that it lost
    before: str  # AS path that it had, as people write it
    last: str  # the last one that it tried


def way_changes(votes: Votes, inside_hops: InsideHops) -> tuple[tuple[WayChange, ...], tuple[WayShare, ...]]:
    """Each change of the main way to prefixes after the window began, and of what ways carry, in order of time.

    A prefix's main way is the AS just outside of the entity through which most voters that hold a route reach it; it
    changes when more than half of them have another one. While the prefix is not visible it has none. While nobody is
    there to see it, nothing changes.
    """
    rows = votes.rows
    paths, ids = route_paths(votes)
    ways = Ways.of(paths, inside_hops)
    outsides, number = np.unique(ways.outside, return_inverse=True)
    way = np.where(ids[rows.route] >= 0, number.astype(np.int32)[ids[rows.route]], np.int32(-1))
    order = np.argsort(rows.voter_of, kind="stable")
    voter_start = np.searchsorted(rows.voter_of[order], np.arange(int(rows.voter_of.max(initial=-1)) + 2))
    seen = np.select(
        [votes.state == PrefixState.VISIBLE, votes.state == PrefixState.UNKNOWN, votes.by_voters == 1], [1, 3, 2], 0
    ).astype(np.uint8)
    room = 1 << 16
    while True:
        out_us, out_voters = np.empty(room, np.int64), np.empty(room, np.uint8)
        out = [np.empty(room, np.int32) for _ in ("unit", "from", "to")]
        since_us, share_us, of = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)
        which, up = np.empty(room, np.int32), np.empty(room, np.uint8)
        count, shares = main_ways(
            rows.time_us,
            rows.session,
            rows.prefix,
            rows.code,
            way,
            votes.time_us,
            votes.prefix,
            seen,
            voter_start.astype(np.int64),
            order.astype(np.int32),
            votes.afi,
            len(outsides),
            out_us,
            *out,
            out_voters,
            since_us,
            share_us,
            which,
            up,
            of,
        )
        if max(count, shares) <= room:
            break
        room = max(count, shares)
    in_window = np.flatnonzero(out_us[:count] > votes.from_us)
    rose = tuple(
        WayShare(int(outsides[which[k]]), int(since_us[k]), int(share_us[k]), bool(up[k]), float(of[k]))
        for k in np.flatnonzero(share_us[:shares] > votes.from_us).tolist()
    )
    return _together(
        out_us[in_window], out[0][in_window], out[1][in_window], out[2][in_window], out_voters[in_window], outsides
    ), rose


def _together(
    time_us: npt.NDArray[np.int64],
    unit: npt.NDArray[np.int32],
    before: npt.NDArray[np.int32],
    after: npt.NDArray[np.int32],
    by_voters: npt.NDArray[np.uint8],
    outsides: npt.NDArray[np.uint32],
) -> tuple[WayChange, ...]:
    """Changes of the same kind that follow each other soon, as one; a prefix that changes twice makes two."""
    open_: dict[tuple[int, int, int], WayChange] = {}
    out: list[WayChange] = []
    columns = (column.tolist() for column in (time_us, unit, before, after, by_voters))
    for when, which, one, other, voters in zip(*columns, strict=True):
        kind = one, other, voters
        found = open_.get(kind)
        if found is not None and when - found.last_us <= TOGETHER_US and which not in found.units:
            open_[kind] = replace(found, last_us=when, units=(*found.units, which))
            continue
        if found is not None:
            out.append(found)
        was, then = (int(outsides[k]) if k >= 0 else 0 for k in (one, other))
        open_[kind] = WayChange(when, when, was, then, (which,), other < 0, one < 0, bool(voters))
    out += open_.values()
    return tuple(
        replace(change, units=tuple(sorted(change.units)))
        for change in sorted(out, key=lambda change: (change.first_us, change.last_us, change.units))
    )


def let_go(votes: Votes, change: WayChange, back_us: int) -> tuple[LetGo, ...]:
    """Who stopped holding the prefixes of a loss that lasted to ``back_us``, the first to let go first.

    Told is who had no route half way between: a session that found another path and kept it let nothing go.
    ValueError where the change is no loss.
    """
    if not change.lost:
        raise ValueError("only of prefixes that were lost there is somebody who let go of them")
    rows = votes.rows
    paths, ids = route_paths(votes)
    holds = (rows.code == Vote.HOLD) | (rows.code == Vote.DUMPED_HOLD)
    about = np.isin(rows.prefix, change.units) | (rows.code == Vote.CLEAR)
    which = np.flatnonzero(about & (rows.time_us < (change.last_us + back_us) // 2))
    began = change.first_us - AHEAD_US
    found: dict[int, list[_Route]] = {}
    columns = (rows.session[which], rows.prefix[which], rows.time_us[which], holds[which], ids[rows.route[which]])
    state: dict[tuple[int, int], _Route] = {}
    for session, prefix, time_us, held, path in zip(*(column.tolist() for column in columns), strict=True):
        for unit in change.units if prefix < 0 else (prefix,):
            route = state.setdefault((session, unit), _Route())
            route.take(time_us, path if held else -1, began)
    for (session, _), route in state.items():
        if route.path < 0 and route.gone_us >= began and route.had >= 0:
            found.setdefault(session, []).append(route)
    out = []
    for session, routes in found.items():
        first, last = min(routes, key=lambda one: one.turned_us), max(routes, key=lambda one: one.gone_us)
        out.append(
            LetGo(
                rows.sessions[session],
                first.turned_us,
                min(one.gone_us for one in routes),
                last.gone_us,
                len(routes),
                path_text(paths, first.had),
                path_text(paths, last.tried),
            )
        )
    return tuple(sorted(out, key=lambda one: (one.first_us, one.last_us, one.session)))


class _Route:
    """One session's route to one prefix: what it had when the loss began, and what became of it."""

    __slots__ = ("gone_us", "had", "path", "tried", "turned_us")

    def __init__(self) -> None:
        self.path = self.had = self.tried = -1
        self.turned_us = self.gone_us = -1

    def take(self, time_us: int, path: int, began_us: int) -> None:
        if time_us < began_us or self.had < 0:
            self.had = path  # what it had, or the first that it is known to have had
        if path == self.had:
            self.turned_us = -1
        elif self.turned_us < 0:
            self.turned_us = time_us
        if path < 0 <= self.path:
            self.gone_us, self.tried = time_us, self.path
        self.path = path


def path_text(paths: Paths, number: int) -> str:
    """A path as `bgpdump` writes it, without prepending."""
    hops = paths[number]
    return " ".join("{" + ",".join(map(str, hop)) + "}" if isinstance(hop, tuple) else str(hop) for hop in hops)


def regained_us(changes: Sequence[WayChange], loss: WayChange, until_us: int) -> int:
    """When the first of the prefixes of a loss was back; ``until_us`` where none was."""
    lost = set(loss.units)
    return min(
        (
            change.first_us
            for change in changes
            if change.back and change.first_us > loss.first_us and lost & {*change.units}
        ),
        default=until_us,
    )
