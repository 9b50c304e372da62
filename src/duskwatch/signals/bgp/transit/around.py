"""What whole paths tell of one outage: through whom that was reached which was lost, and how it changed."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from duskwatch.records.outages import Outage
from duskwatch.records.signals import Carrier, PrefixState
from duskwatch.records.times import HOUR, MINUTE, SECOND
from duskwatch.records.transit import Dependence, Entry, OutageTransit, Turn, Withdrawal
from duskwatch.signals.bgp.measures import units
from duskwatch.signals.bgp.paths import Ends
from duskwatch.signals.bgp.tables import RoutesAt, route_paths, routes_over
from duskwatch.signals.bgp.transit.course import WayChange, WayShare, let_go, regained_us, way_changes
from duskwatch.signals.bgp.transit.hegemony import score_origins, score_whole, weigh_country
from duskwatch.signals.bgp.transit.reliance import reliance_of
from duskwatch.signals.bgp.transit.viewpoints import SLASH24
from duskwatch.signals.bgp.transit.ways import InsideHops, Ways, links_of
from duskwatch.signals.bgp.vote_rows import Routes, Vote
from duskwatch.signals.bgp.votes import UNITS, Votes

AHEAD_US = 30 * MINUTE  # turns count from so long before an onset
HOME_US = 4 * HOUR  # and to so long after an end: routers go home to the way that they had
MOST_TURNS = 200
MOST_ASES = 20
MOST_WITHDRAWALS = 50
LEAST = 0.01  # AS hegemony that is reported
NEARLY_ALL = 0.9  # of the routes through an AS that have the same AS ahead of it: it is reported too
MOST_ROWS = 500_000  # of votes, above which single sessions are not asked


def transit_around(
    votes: Votes,
    counted: npt.NDArray[np.bool_],
    inside_hops: InsideHops,
    outages: Sequence[Outage],
    *,
    by_network: bool,
    asked: Collection[int] | None = None,
) -> tuple[OutageTransit | None, ...]:
    """Of each outage what whole paths tell of the prefixes ``counted``, bool[P], that it took; None where it took none.

    inside_hops  whose ASes are inside, so that the way in is the AS just outside
    by_network  hegemony is that of a country: each network that originates any of it by its share of the addresses
    asked       indices of the outages that are asked about; None: all. The others become None
    """
    out: list[OutageTransit | None] = []
    starts = sorted(outage.onset.earliest_us for outage in outages)
    for number, outage in enumerate(outages):
        if asked is not None and number not in asked:
            out.append(None)
            continue
        following = next((start for start in starts if start > outage.onset.earliest_us), votes.until_us)
        out.append(_around(votes, counted, inside_hops, outage, following, by_network))
    return tuple(out)


def of_units(votes: Votes, kept: npt.NDArray[np.bool_]) -> Votes:
    """The votes on some units, bool[P], alone, with what is said of sessions and the paths that their rows name."""
    number = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1).astype(np.int32)
    changes = np.flatnonzero(kept[votes.prefix]) if len(kept) else np.empty(0, np.int64)
    rows = votes.rows
    about = np.flatnonzero((rows.prefix < 0) | (number[rows.prefix] >= 0))
    some = replace(
        rows,
        **{name: getattr(rows, name)[about] for name in ("time_us", "session", "code", "route")},
        prefix=number[rows.prefix[about]],
        # What stood at the start is among the rows.
        cells=np.zeros((int(kept.sum()), 0), np.uint8),
        held_by=np.zeros((int(kept.sum()), 0), np.int32),
        last=np.zeros(int(kept.sum()), np.int32),
        ever=np.zeros(int(kept.sum()), np.uint8),
    )
    told = replace(
        votes,
        **{name: getattr(votes, name)[kept] for name in UNITS},
        **{name: getattr(votes, name)[changes] for name in CHANGE_COLUMNS},
        prefix=number[votes.prefix[changes]],
        rows=some,
    )
    # Paths are looked at several times; those of a whole table are millions.
    paths, ids = route_paths(told)
    holds = (some.code == Vote.HOLD) | (some.code == Vote.DUMPED_HOLD)
    ends = Ends(*(np.concatenate([np.zeros(1, np.uint32), column]) for column in paths.ends()))
    route = np.where(holds, ids[some.route] + np.int32(1), np.int32(0)).astype(np.int32)
    return replace(told, rows=replace(some, route=route, routes=Routes((paths,), np.ones(1, np.int64), ends)))


CHANGE_COLUMNS = ("time_us", "state", "votes", "voters", "origin", "upstream", "beyond", "by_voters")


def _around(
    votes: Votes,
    counted: npt.NDArray[np.bool_],
    inside_hops: InsideHops,
    outage: Outage,
    following: int,
    by_network: bool,
) -> OutageTransit | None:
    end_us = outage.end.best_us if outage.end is not None else None
    stop_us = min(votes.until_us, votes.until_us if end_us is None else end_us + 1)
    gone = np.isin(votes.state, (PrefixState.DARK, PrefixState.MINORITY)) & (votes.by_voters == 0)
    gone &= (votes.time_us >= outage.onset.earliest_us) & (votes.time_us < stop_us)
    lost = np.zeros(len(counted), np.bool_)
    lost[votes.prefix[gone]] = True
    lost &= counted
    if not lost.any():
        return None
    some = of_units(votes, lost)
    before_us = max(votes.from_us, outage.onset.earliest_us - SECOND)
    after_us = None if end_us is None else max(before_us, min(end_us, votes.until_us - 1))
    changes, shares = way_changes(some, inside_hops)
    from_us = max(votes.from_us, outage.onset.earliest_us - AHEAD_US)
    until_us = votes.until_us if end_us is None else min(votes.until_us, end_us + HOME_US)
    until_us = max(until_us if end_us is None else min(until_us, following), before_us + 1)
    while_out = [one for one in changes if from_us <= one.last_us and one.first_us < until_us]
    rose = [one for one in shares if one.outside and from_us <= one.time_us and one.since_us < until_us]
    turns, left_out = _turns(some, inside_hops, while_out, rose)
    withdrawals = _withdrawals(some, changes, while_out, outage.onset.earliest_us - AHEAD_US, stop_us)
    address_family = 4 if (some.afi == 1).any() else 6
    moments = [before_us] if after_us is None else [before_us, after_us]
    seen = [_moment(some, routes, inside_hops, address_family, by_network) for routes in routes_over(some, moments)]
    routes = next(iter(routes_over(some, [before_us])))
    failures, visible = reliance_of(routes, np.ones(len(some.afi), np.bool_), address_family, known_only=some.learned)
    first, then = seen[0], seen[1] if len(seen) > 1 else ((), {}, False)
    asns = [asn for asn in {**first[1], **then[1]} if max(first[1].get(asn, 0), then[1].get(asn, 0)) >= LEAST]
    hegemony = [
        Dependence(
            asn,
            first[1].get(asn, 0.0) if first[2] else float("nan"),
            then[1].get(asn, 0.0) if then[2] else float("nan"),
        )
        for asn in asns
    ]
    hegemony.sort(key=lambda one: (-np.nan_to_num(one.before), -np.nan_to_num(one.after), one.asn))
    return OutageTransit(
        from_us,
        until_us,
        before_us,
        after_us,
        len(some.afi),
        _slash24(some, range(len(some.afi))),
        first[0],
        then[0],
        tuple(hegemony[:MOST_ASES]),
        tuple(Carrier(one.asn, before_us, one.share, one.only / visible) for one in failures[:MOST_ASES]),
        turns,
        left_out,
        withdrawals[:MOST_WITHDRAWALS],
        len(withdrawals),
    )


def _moment(
    votes: Votes, routes: RoutesAt, inside_hops: InsideHops, address_family: int, by_network: bool
) -> tuple[tuple[Entry, ...], dict[int, float], bool]:
    """Ways in, AS hegemony, and whether anybody reached any of it."""
    counted = np.ones(len(routes.afi), np.bool_)
    ways: dict[int, float] = {}
    for link in links_of(routes, inside_hops, counted, address_family):
        ways[link.outside] = ways.get(link.outside, 0.0) + link.share
    if by_network:
        scores = score_origins(routes, address_family=address_family, sparse=votes.learned)
        weights = dict(
            zip(
                scores.scopes.tolist(), (scores.reached / (SLASH24 if address_family == 4 else 1)).tolist(), strict=True
            )
        )
        found = weigh_country(scores, weights)
    else:
        scores = score_whole(routes, address_family=address_family, sparse=votes.learned)
        found = scores.of(0)
    entries = tuple(Entry(asn, share) for asn, share in sorted(ways.items(), key=lambda item: (-item[1], item[0])))
    return entries, found, bool(len(scores.scopes))


def _turns(
    votes: Votes, inside_hops: InsideHops, changes: Sequence[WayChange], shares: Sequence[WayShare]
) -> tuple[tuple[Turn, ...], int]:
    """Changes and shares in order of time, with what lay beyond; and how many are left out."""
    happened: list[tuple[int, int, WayChange | WayShare]] = [(one.first_us, one.last_us, one) for one in changes]
    happened += [(one.since_us, one.time_us, one) for one in shares]
    happened.sort(key=lambda one: one[:2])
    left_out = max(0, len(happened) - MOST_TURNS)
    happened = happened[:MOST_TURNS]
    # A way is looked at while it stands: just before it is lost, and once it has come.
    at = [
        max(votes.from_us, first - 1) if isinstance(one, WayChange) and not one.after else min(last, votes.until_us - 1)
        for first, last, one in happened
    ]
    order = sorted(range(len(happened)), key=lambda k: at[k])
    beyond = [0] * len(happened)
    ways = Ways.of(route_paths(votes)[0], inside_hops)  # of one pool, as all of these tables
    for k, routes in zip(order, routes_over(votes, [at[k] for k in order]), strict=True):
        one = happened[k][2]
        if isinstance(one, WayChange):
            beyond[k] = _ahead(routes, ways, one.after or one.before, one.units)
        else:
            beyond[k] = _ahead(routes, ways, one.outside, range(len(votes.afi)))
    return tuple(_turn(votes, one, ahead) for (_, _, one), ahead in zip(happened, beyond, strict=True)), left_out


def _turn(votes: Votes, one: WayChange | WayShare, beyond: int) -> Turn:
    if isinstance(one, WayShare):
        return Turn("rose" if one.up else "fell", one.since_us, one.time_us, 0, one.outside, beyond, 0, 0, one.share)
    kind = "voters" if one.by_voters else "lost" if one.lost else "back" if one.back else "moved"
    return Turn(
        kind,  # type: ignore[arg-type]
        one.first_us,
        one.last_us,
        one.before,
        one.after,
        beyond,
        len(one.units),
        _slash24(votes, one.units),
    )


def _slash24(votes: Votes, which: Sequence[int]) -> int:
    """The IPv4 /24s of some units, each once."""
    begin, end = units(votes.afi, votes.hi, votes.length)
    count, reached = 0, -1
    for first, last in sorted((int(begin[k]), int(end[k])) for k in which if votes.afi[k] == 1):
        count += max(0, last - max(first, reached))
        reached = max(reached, last)
    return count


def _ahead(routes: RoutesAt, ways: Ways, outside: int, which: Sequence[int]) -> int:
    """The AS ahead of ``outside`` on nearly all routes of voting sessions that enter through it; 0 where none is."""
    voting = np.flatnonzero(routes.voting.any(axis=1))
    held = routes.path[np.array(which, np.int64)][:, voting].ravel()
    ids = held[held >= 0]
    ids = ids[ways.outside[ids] == outside]
    if not len(ids) or not outside:
        return 0
    paths, count = np.unique(ids, return_counts=True)
    found: dict[int, int] = {}
    for path, many in zip(paths.tolist(), count.tolist(), strict=True):
        hops = routes.paths.asns[routes.paths.start[path] : routes.paths.start[path + 1]]
        where = np.flatnonzero(hops == outside)
        ahead = int(hops[where[-1] - 1]) if len(where) and where[-1] > 0 else 0
        found[ahead] = found.get(ahead, 0) + many
    most = max(found, key=lambda asn: (found[asn], -asn))
    return most if found[most] >= NEARLY_ALL * len(ids) else 0


def _withdrawals(
    votes: Votes, changes: Sequence[WayChange], while_out: Sequence[WayChange], from_us: int, stop_us: int
) -> tuple[Withdrawal, ...]:
    """Who let go of the largest loss of the outage, the first to do so first."""
    losses = [one for one in while_out if one.lost and not one.by_voters and from_us <= one.first_us < stop_us]
    with_way = [one for one in losses if one.before] or losses
    holds = (votes.rows.code == Vote.HOLD) | (votes.rows.code == Vote.DUMPED_HOLD) | (votes.rows.code == Vote.LOSE)
    if not with_way or int(holds.sum()) > MOST_ROWS:
        return ()
    worst = max(with_way, key=lambda one: (len(one.units), -one.first_us))
    found = let_go(votes, worst, regained_us(changes, worst, votes.until_us))
    return tuple(
        Withdrawal(
            one.session,
            one.turned_us if one.turned_us > 0 else None,
            one.first_us,
            one.last_us,
            one.prefixes,
            one.before,
            one.last,
        )
        for one in found
    )
