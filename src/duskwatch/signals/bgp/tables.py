"""Which route each session holds to each prefix at a moment, with its whole path: what AS hegemony is computed from.

From parts (any number of collectors, whatever was watched) or from the votes on one entity. A path is a row of flat
arrays (``Paths``), the same row for all collectors.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.routes import held_routes, mark_held, place_held
from duskwatch.records.times import iso
from duskwatch.signals.bgp.collector_part import CollectorPart
from duskwatch.signals.bgp.paths import PathPool, Paths
from duskwatch.signals.bgp.vote_rows import Vote
from duskwatch.signals.bgp.vote_units import number_units
from duskwatch.signals.bgp.voters import switches
from duskwatch.signals.bgp.votes import Votes

I32 = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class RoutesAt:
    """The routes held at one moment. P prefixes in order of address, N sessions in order of collector.

    A session that was silent, or whose collector recorded nothing, is listed with what it held last: ``voting`` says
    whose word counts. A route that a peer was not heard to hold, and was not heard to have lost, is none.
    """

    time_us: int
    afi: npt.NDArray[np.uint8]  # [P]
    hi: npt.NDArray[np.uint64]
    lo: npt.NDArray[np.uint64]
    length: npt.NDArray[np.uint8]
    sessions: tuple[str, ...]  # [N] collector, AS and address
    asn: npt.NDArray[np.uint32]  # [N] AS of the peer; 0 where the peer table names none
    voting: npt.NDArray[np.bool_]  # [N, 2] live and full feed: it votes on IPv4, on IPv6
    path: I32  # [P, N] row of ``paths``; -1 where it holds no route. A path that cannot be read is row 0, the empty one
    paths: Paths  # those held, each once; of routes_over() those of the whole window


def routes_at(parts: Sequence[CollectorPart], time_us: int) -> RoutesAt:
    """The routes held at a time in the window of some parts, after all that was said in that microsecond.

    Memory: 4 bytes for each prefix watched and session, 5 more where the log is not empty by then, and the paths.
    ValueError where the time is outside a window.
    """
    parts = sorted(parts, key=lambda part: part.collector)
    for part in parts:
        if not part.from_us <= time_us < part.until_us:
            raise ValueError(f"{part.collector}: its window does not hold {iso(time_us)}")
    units = number_units(parts)
    offsets = np.cumsum([0] + [len(part.peers) for part in parts])
    pool = PathPool()
    path = np.full((len(units.afi), int(offsets[-1])), -1, np.int32)
    for part, number, offset in zip(parts, units.numbers, offsets[:-1], strict=True):
        start = part.start
        if len(part.log) and part.log.time_us.min() <= time_us:
            start = start.copy()
            start.absorb(part.log, time_us + 1)
        wanted = np.zeros(len(part.paths), np.uint8)
        mark_held(start.cells, start.routes, number, len(part.peers), wanted)
        ids = pool.add(part.paths, wanted)
        place_held(start.cells, start.routes, number, len(part.peers), ids, int(offset), path)
    turns: list[tuple[int, int, int]] = []
    if parts:
        turns, _ = switches(parts, offsets, min(p.from_us for p in parts), max(p.until_us for p in parts))
    return RoutesAt(
        time_us,
        units.afi,
        units.hi,
        units.lo,
        units.length,
        tuple(part.session(peer) for part in parts for peer in range(len(part.peers))),
        np.array([asn for part in parts for asn in part.peers.asn], np.uint32),
        _voting(turns, int(offsets[-1]), time_us),
        path,
        pool.paths,
    )


def routes_in(votes: Votes, time_us: int) -> RoutesAt:
    """The same from the votes on one entity, which hold its prefixes alone.

    ValueError where the time is outside the window, or where votes were counted by origin: those hold no rows.
    """
    (found,) = routes_over(votes, [time_us])
    return found


def routes_over(votes: Votes, times_us: Sequence[int]) -> Iterator[RoutesAt]:
    """The same at several times, in order, in one walk. All have one pool of paths: every route of the window's rows.

    ValueError as of routes_in(), and where a time is earlier than the one before.
    """
    for time_us, after in pairwise([*times_us, votes.until_us]):
        if not votes.from_us <= time_us < votes.until_us:
            raise ValueError(f"the window does not hold {iso(time_us)}")
        if time_us > after:
            raise ValueError(f"{iso(after)} is earlier than {iso(time_us)}")
    if votes.counts is not None:
        raise ValueError("votes on whole tables hold no routes; routes_at() has them from the parts")
    rows = votes.rows
    paths, ids = route_paths(votes)
    held = np.full((len(votes.afi), len(rows.voter_of)), -1, np.int32)
    turns = np.flatnonzero(np.isin(rows.code, (Vote.ON4, Vote.OFF4, Vote.ON6, Vote.OFF6)))
    said = list(zip(rows.time_us[turns].tolist(), rows.session[turns].tolist(), rows.code[turns].tolist(), strict=True))
    asn = np.array([int(name.split(" AS")[-1].split()[0]) for name in rows.sessions], np.uint32)
    done = 0
    for time_us in times_us:
        upto = int(np.searchsorted(rows.time_us, time_us, side="right"))
        some = slice(done, upto)
        columns = (getattr(rows, name)[some] for name in ("time_us", "session", "prefix", "code", "route"))
        held_routes(*columns, time_us + 1, held)
        done = upto
        yield RoutesAt(
            time_us,
            votes.afi,
            votes.hi,
            votes.lo,
            votes.length,
            rows.sessions,
            asn,
            _voting(said, len(rows.voter_of), time_us),
            ids[held],
            paths,
        )


def route_paths(votes: Votes) -> tuple[Paths, I32]:
    """One pool of the paths that rows of votes name, and the number in it of each route; of -1, the last, it is -1."""
    rows = votes.rows
    pool = PathPool()
    ids = np.zeros(len(rows.routes.ends.origin) + 1, np.int32)
    ids[-1] = -1  # what is not held
    named = np.zeros(len(ids), np.uint8)
    named[rows.route] = 1
    for paths, first in zip(rows.routes.paths, rows.routes.first.tolist(), strict=True):
        some = slice(first, first + len(paths))
        ids[some] = pool.add(paths, named[some])
    return pool.paths, ids


def _voting(turns: Iterable[tuple[int, int, int]], sessions: int, time_us: int) -> npt.NDArray[np.bool_]:
    """Who votes at a time, from when each session begins and stops to."""
    out = np.zeros((sessions, 2), np.bool_)
    # At one moment voters leave first and join last.
    for turn_us, session, code in sorted(turns, key=lambda turn: (turn[0], turn[2] in (Vote.ON4, Vote.ON6))):
        if turn_us <= time_us:
            out[session, 0 if code in (Vote.ON4, Vote.OFF4) else 1] = code in (Vote.ON4, Vote.ON6)
    return out
