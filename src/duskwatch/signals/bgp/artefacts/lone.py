"""Losses that one collector alone saw: they take its vote on the prefix away, not the prefix off the Internet.

A collector can have more voters than all others together, so that a fault beside it (of the exchange where its
peers meet, of a filter, of a partition that ends there) would by majority become everybody's. So, prefix by prefix:
while more than half of all voters have lost it, and nearly all voters of every other collector that ever held it
still do, the voters of the one collector do not count on that prefix. What the others say does. The same where two
collectors have such losses of their own at once: they began at other times, and a quarter of all voters, at other
collectors, hold on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.guard import COMMON, FINE, LEFT, lone_collectors
from duskwatch.records.prefix import Prefix
from duskwatch.records.signals import PrefixState
from duskwatch.records.times import HOUR, MINUTE
from duskwatch.signals.bgp.vote_walk import CHANGES
from duskwatch.signals.bgp.votes import Vote, VoteRows, Votes

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]

# So many voters of other collectors, and such a share of all, must hold a prefix still: fewer may be stuck routes.
LEAST_OTHERS = 3
SHARE_OTHERS = 0.1
# Of each other collector's voters that ever held it, such a share must hold it still.
NEARLY_ALL = 0.9
# A loss that the others confirm within this time, or had until this long before, is one loss: routes take minutes to
# go away everywhere (path exploration), and clocks of collectors differ.
CONVERGE_US = 10 * MINUTE

# Two collectors that begin to lose it so far apart (CONVERGE_US) each lost it by itself, where such a share of all
# voters, at others, hold it still.
SHARE_BESIDE_TWO = 0.25
SWITCHES = (Vote.ON4, Vote.OFF4, Vote.ON6, Vote.OFF6)
# While those who contradicted a loss have left, nobody's word on the prefix counts, for so long.
UNHEARD_US = HOUR


@dataclass(frozen=True, slots=True)
class LoneLoss:
    """One prefix that one collector's voters alone had lost, for a while."""

    collector: str  # or two of them: "rrc00 and rrc01"
    prefix: str
    from_us: int
    until_us: int
    lost: int  # voters of the collector that had lost it at worst, of so many that ever held it
    of: int
    others_hold: int  # voters of other collectors that held it when it began, of so many that ever did
    others: int


@dataclass(frozen=True, slots=True)
class _Spells:
    """Stretches of one prefix each in which one collector alone had lost it. E rows, by prefix and time."""

    prefix: I32
    place: I32  # the collector, or the code of two; LEFT where those who contradicted it have gone
    from_us: I64
    until_us: I64
    first: I64  # row of the events with which it began
    last: I64  # and ended; -1 while it lasts


@dataclass(frozen=True, slots=True)
class _Events:
    """What the walk tells, E rows in time order."""

    time_us: I64
    prefix: I32
    code: I32
    votes: I32  # [E, 2] of all, and without the collector
    voters: I32  # [E, 2]
    lost: I32  # [E, 2] of the collector, of so many; at most, in the row with which it is alone no more
    worst: I32  # [P] the same of those that still are at the end


def without_lone_losses(
    votes: Votes, selected: npt.NDArray[np.bool_], same: Mapping[str, str] | None = None, possible: bool | None = None
) -> tuple[Votes, tuple[LoneLoss, ...]]:
    """The votes without the losses of the selected prefixes that one collector alone saw, and these losses.

    selected  bool[P]   prefixes of the entity; changes of others are left as they are
    same      collectors that are another one under a second name (the same files): name to the name that counts
    possible  what could_decide_alone() says, where it is known already
    """
    if possible is None:
        possible = could_decide_alone(votes.rows, same or {})
    lost = np.isin(votes.state, (PrefixState.DARK, PrefixState.MINORITY)) & selected[votes.prefix]
    which = np.unique(votes.prefix[lost & (votes.by_voters == 0)])
    if not len(which) or not possible:
        return votes, ()
    names, place_of = places(votes.rows, same or {})
    events = _walk(votes, which, place_of, len(names))
    spells = _spells(events, votes.until_us)
    if not len(spells.prefix):
        return votes, ()
    losses = tuple(
        LoneLoss(
            _named(names, int(spells.place[k])),
            str(Prefix(*(int(column[which[spells.prefix[k]]]) for column in _addresses(votes)))),
            int(spells.from_us[k]),
            int(spells.until_us[k]),
            int(events.lost[spells.last[k], 0] if spells.last[k] >= 0 else events.worst[spells.prefix[k]]),
            int(events.lost[spells.first[k], 1]),
            int(events.votes[spells.first[k], 1]),
            int(events.voters[spells.first[k], 1]),
        )
        for k in np.flatnonzero(spells.place >= 0)
    )
    return _excused(votes, which, events, spells), losses


def _named(names: tuple[str, ...], code: int) -> str:
    if code < len(names):
        return names[code]
    one, other = divmod(code - len(names), len(names))
    return f"{names[one]} and {names[other]}"


def places(rows: VoteRows, same: Mapping[str, str]) -> tuple[tuple[str, ...], I32]:
    """Names of the collectors, in order, and the collector of each voter, int32[V]."""
    of_session = [same.get(name, name) for name in map(collector_of, rows.sessions)]
    names = tuple(sorted(set(of_session)))
    number = {name: k for k, name in enumerate(names)}
    place_of = np.zeros(int(rows.voter_of.max(initial=-1)) + 1, np.int32)
    for session, voter in enumerate(rows.voter_of):
        place_of[voter] = number[of_session[session]]
    return names, place_of


def collector_of(session: str) -> str:
    """The collector in a session's name, which goes on with its AS and address; a collector's may have spaces."""
    return session.rsplit(" ", 2)[0]


def narrowed(rows: VoteRows, which: I32 | I64, prefixes: int) -> tuple[I64, I32, I32, npt.NDArray[np.uint8]]:
    """Rows about some prefixes and about sessions: time, session, prefix (numbered by ``which``; -1), code."""
    number = np.full(prefixes, -1, np.int32)
    number[which] = np.arange(len(which), dtype=np.int32)
    prefix = np.where(rows.prefix >= 0, number[rows.prefix] if prefixes else -1, -1).astype(np.int32)
    keep = (rows.prefix < 0) | (prefix >= 0)
    return rows.time_us[keep], rows.session[keep], prefix[keep], rows.code[keep]


def _addresses(votes: Votes) -> tuple[npt.NDArray[np.generic], ...]:
    return votes.afi, votes.hi, votes.lo, votes.length


def could_decide_alone(rows: VoteRows, same: Mapping[str, str]) -> bool:
    """Whether one collector, or two, ever had half of the voters while others had enough to contradict them."""
    names, place_of = places(rows, same)
    if len(names) < 2:
        return False
    voting = np.zeros((len(rows.voter_of), 2), np.int8)
    sessions_of = np.zeros((len(place_of), 2), np.int32)
    count = np.zeros((len(names), 2), np.int64)
    switches = np.flatnonzero(np.isin(rows.code, SWITCHES))
    previous = None
    for row in switches:
        # Switches of one moment are taken together.
        if previous is not None and rows.time_us[row] != previous and _one_decides(count):
            return True
        previous = rows.time_us[row]
        code, session = rows.code[row], rows.session[row]
        kind, on = (0 if code <= Vote.OFF4 else 1), code in (Vote.ON4, Vote.ON6)
        if voting[session, kind] == on:
            continue
        voting[session, kind] = on
        voter = rows.voter_of[session]
        sessions_of[voter, kind] += 1 if on else -1
        if sessions_of[voter, kind] == on:
            count[place_of[voter], kind] += 1 if on else -1
    return _one_decides(count)


def _one_decides(count: I64) -> bool:
    ordered = np.sort(count, axis=0)
    total, most = count.sum(axis=0), ordered[-1]
    one = (2 * most >= total) & (total - most >= LEAST_OTHERS)
    rest = total - most - ordered[-2]
    two = (2 * (total - rest) >= total) & (rest >= LEAST_OTHERS) & (rest >= SHARE_BESIDE_TWO * total)
    return bool((one | two).any())


def _walk(votes: Votes, which: I32, place_of: I32, places_: int) -> _Events:
    rows = votes.rows
    time_us, session, prefix, code = narrowed(rows, which, len(votes.afi))
    address_family = (votes.afi[which] != 1).astype(np.uint8)
    shape, sessions, voters = len(which), len(rows.voter_of), len(place_of)
    worst = np.zeros(shape, np.int32)
    state = (
        np.zeros((shape, sessions), np.uint8),
        *(np.zeros((shape, voters), np.uint16) for _ in range(3)),
        np.zeros((shape, places_), np.int32),
        np.zeros(shape, np.int32),
        np.zeros((shape, places_), np.int32),
        np.full(shape, FINE, np.int32),
        worst,
        np.zeros((sessions, 2), np.uint8),
        np.zeros(sessions, np.uint8),
        np.zeros(sessions, np.uint8),
        np.zeros((voters, 2), np.int32),
        np.zeros(2, np.int32),
        np.zeros((voters, 2), np.int32),
        np.zeros(2, np.int32),
        np.full((shape, places_), -1, np.int64),
    )
    room = max(2 * shape, 1 << 12)
    touched, touched_list = np.zeros(shape, np.uint8), np.zeros(shape, np.int32)
    found: list[tuple[npt.NDArray, ...]] = []  # type: ignore[type-arg]
    row, more = 0, True
    while more:
        ones = (np.empty(room, np.int64), np.empty(room, np.int32), np.empty(room, np.int32))
        pairs = (np.empty((room, 2), np.int32), np.empty((room, 2), np.int32), np.empty((room, 2), np.int32))
        row, n, more = lone_collectors(
            time_us, session, prefix, code, rows.voter_of, place_of, address_family, *state,
            LEAST_OTHERS, SHARE_OTHERS, NEARLY_ALL, SHARE_BESIDE_TWO, CONVERGE_US,
            row, touched, touched_list, *ones, *pairs,
        )  # fmt: skip
        found.append(tuple(column[:n].copy() for column in (*ones, *pairs)))
    times, prefixes, codes, hold, others, of_it = (np.concatenate(column) for column in zip(*found, strict=True))
    return _Events(times, prefixes, codes, hold, others, of_it, worst)


def _spells(events: _Events, until_us: int) -> _Spells:
    """Stretches in which a collector alone had lost a prefix, but for those that are the edges of a common loss."""
    order = np.lexsort((np.arange(len(events.prefix)), events.prefix))
    prefix, code, time_us = events.prefix[order], events.code[order], events.time_us[order]
    new = np.ones(len(order), np.bool_)
    new[1:] = prefix[1:] != prefix[:-1]
    last = np.ones(len(order), np.bool_)
    last[:-1] = new[1:]
    ends = np.where(last, until_us, np.roll(time_us, -1))
    following = np.where(last, FINE, np.roll(code, -1))
    preceding = np.where(new, FINE, np.roll(code, 1))
    edge = ((following == COMMON) | (preceding == COMMON)) & (ends - time_us < CONVERGE_US)
    alone = (code >= 0) & ~edge
    # Those who contradicted it have left: it is not known who is right, for a while.
    unheard = (code == LEFT) & ~new & np.roll(alone, 1)
    ends = np.where(unheard, np.minimum(ends, time_us + UNHEARD_US), ends)
    rows = np.flatnonzero((alone | unheard) & (ends > time_us))
    return _Spells(
        prefix[rows],
        code[rows],
        time_us[rows],
        ends[rows],
        order[rows],
        np.where(last[rows], -1, order[np.minimum(rows + 1, len(order) - 1)]),
    )


def _excused(votes: Votes, which: I32, events: _Events, spells: _Spells) -> Votes:
    """Rewrite the change log: in each stretch the prefix is what the other collectors say, and nothing else changes."""
    keep = np.ones(len(votes.time_us), np.bool_)
    added: list[tuple[int, ...]] = []
    order = np.lexsort((np.arange(len(votes.prefix)), votes.prefix))
    sorted_prefix = votes.prefix[order]
    for k in range(len(spells.prefix)):
        where = int(which[spells.prefix[k]])
        begin, end = int(spells.from_us[k]), int(spells.until_us[k])
        its_rows = order[np.searchsorted(sorted_prefix, where) : np.searchsorted(sorted_prefix, where, side="right")]
        times = votes.time_us[its_rows]
        keep[its_rows[(times >= begin) & (times < end)]] = False
        earlier = its_rows[times < begin]
        route = its_rows[times <= begin][-1:]
        ends_of_route = tuple(int(getattr(votes, name)[route[0]]) if len(route) else 0 for name in CHANGES[5:8])
        if spells.place[k] == LEFT:
            added.append((begin, where, int(PrefixState.UNKNOWN), 0, 0, *ends_of_route, 1))
        else:
            goes_on = k > 0 and spells.prefix[k - 1] == spells.prefix[k] and spells.until_us[k - 1] == begin
            visible = goes_on or (len(earlier) > 0 and votes.state[earlier[-1]] == PrefixState.VISIBLE)
            hold, voters = (int(n) for n in (events.votes[spells.first[k], 1], events.voters[spells.first[k], 1]))
            added.append((begin, where, int(PrefixState.VISIBLE), hold, voters, *ends_of_route, int(visible)))
        if end < votes.until_us and not (times == end).any():
            state, hold, voters, only_voters = _after(votes, events, spells, k, its_rows[times < end])
            added.append((end, where, state, hold, voters, *ends_of_route, only_voters))
    columns: dict[str, Any] = {}
    extra = np.array(added, np.int64).reshape(-1, len(CHANGES))
    time_us = np.concatenate([votes.time_us[keep], extra[:, 0]])
    by_time = np.lexsort((np.arange(len(time_us)), time_us))
    for k, name in enumerate(CHANGES):
        column = getattr(votes, name)
        columns[name] = np.concatenate([column[keep], extra[:, k].astype(column.dtype)])[by_time]
    return replace(votes, **columns)


def _after(votes: Votes, events: _Events, spells: _Spells, k: int, rows: I64) -> tuple[int, int, int, int]:
    """State, votes, voters and whether only voters changed, as a stretch ends; ``rows`` of the log are its before."""
    event = int(spells.last[k])
    if event < 0 or events.time_us[event] != spells.until_us[k]:
        row = rows[-1]
        return int(votes.state[row]), int(votes.votes[row]), int(votes.voters[row]), 1
    hold, voters, code = int(events.votes[event, 0]), int(events.voters[event, 0]), events.code[event]
    state = PrefixState.VISIBLE if code == FINE else PrefixState.MINORITY if hold else PrefixState.DARK
    return int(state), hold, voters, int(code in (FINE, LEFT))
