"""Turns a case's losses and instability into what each peer says, so that the majority is lost when the case says."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from duskwatch.cases.case import Case, Loss, Unstable
from duskwatch.cases.events import Action, Event, Events, SessionKey
from duskwatch.cases.stage import PATHS, Session, Stage
from duskwatch.cases.toml_table import CaseError
from duskwatch.records.times import SECOND


@dataclass(frozen=True, slots=True)
class Lost:
    """One prefix without a majority from one second to another: the truth to compare results with."""

    fact: str
    prefix: int  # row of the stage
    from_s: int
    until_s: int


def own_events(case: Case, stage: Stage, seed: int) -> tuple[Events, tuple[Lost, ...]]:
    """Events of the case's own prefixes at every session that carries them, and what is lost when."""
    rng = random.Random(f"{seed}/plot")
    voters = [session for sessions in stage.sessions.values() for session in sessions if session.feed == "full"]
    events: Events = {
        (session.collector, session.number): [] for sessions in stage.sessions.values() for session in sessions
    }
    lost: list[Lost] = []
    for loss in case.losses:
        lost += _total_loss(rng, loss, stage, voters, events)
    for stretch in case.unstable:
        lost += _unstable(rng, case, stretch, stage, voters, events)
    busy = [(loss.from_us // SECOND - 1800, loss.until_us // SECOND + 1800) for loss in case.losses]
    busy += [(row.from_us // SECOND - 600, row.until_us // SECOND + 600) for row in case.unstable]
    for session in voters:
        _quiet_changes(rng, case, busy, stage.case_prefixes, events[_key(session)])
    _partial_peers(case, stage, lost, events)
    return events, tuple(sorted(lost, key=lambda row: (row.from_s, row.prefix)))


def _key(session: Session) -> SessionKey:
    return session.collector, session.number


def losing_rank(voters: int) -> int:
    """Which loss, counted from 0, takes the majority away: more than half must hold a prefix for it to be visible."""
    return voters - voters // 2 - 1


def gaining_rank(voters: int) -> int:
    """Which gain, counted from 0, brings the majority back."""
    return voters // 2


def spread(rng: random.Random, voters: int, rank: int, first: int, last: int) -> list[int]:
    """Seconds relative to the moment that the voter of this rank brings, one per voter, in random order.

    The earliest lies up to ``first`` seconds before it, the latest up to ``last`` seconds after; most are near.
    """
    out = [0]
    out += [-round(first * rng.random() ** 2.5) for _ in range(rank - 1)]
    out += [round(last * rng.random() ** 2) for _ in range(voters - rank - 2)]
    if rank > 0:
        out.append(-first)
    if voters > rank + 1:
        out.append(last)
    rng.shuffle(out)
    return out


def _total_loss(rng: random.Random, loss: Loss, stage: Stage, voters: list[Session], events: Events) -> list[Lost]:
    stubborn = loss.peers_that_keep
    count = len(voters)
    # Peers that keep the routes still count: with them the same loss must take the majority away.
    lost_rank = losing_rank(count)
    going = spread(rng, count, lost_rank, loss.first_peer_lost_seconds, loss.last_peer_lost_seconds)
    coming = spread(rng, count, gaining_rank(count), loss.first_peer_back_seconds, loss.last_peer_back_seconds)
    keepers = set(sorted(range(count), key=lambda voter: (-going[voter], voter))[:stubborn])
    if stubborn >= count - lost_rank:
        raise CaseError(f"loss of {loss.fact!r}: {stubborn} of {count} peers keep the routes, so no majority is lost")
    out = []
    # The gain that restores the majority: those who kept it count from the start.
    order = sorted((coming[voter], voter) for voter in range(count) if voter not in keepers)
    shift = order[gaining_rank(count) - stubborn][0]
    for prefix in range(stage.case_prefixes):
        gone = loss.from_us // SECOND - loss.lost_seconds_before[prefix]
        back = loss.until_us // SECOND + loss.back_seconds_after[prefix]
        out.append(Lost(loss.fact, prefix, gone, back))
        for voter, session in enumerate(voters):
            if voter in keepers:
                continue
            # Networks share the fate of their peer, give or take a few seconds; the deciding voter stays exact.
            leaves = gone + _jitter(rng, going[voter])
            returns = back + _jitter(rng, coming[voter] - shift)
            mine = events[_key(session)]
            _hunt(rng, mine, prefix, leaves, loss.first_peer_lost_seconds > 60)
            mine.append(Event(leaves, Action.WITHDRAW, (prefix,)))
            mine.append(Event(returns, Action.ANNOUNCE, (prefix,), rng.choice((0, 0, 1, 2))))
            mine.append(Event(returns + rng.randint(40, 200), Action.ANNOUNCE, (prefix,), 0))
    return out


def _jitter(rng: random.Random, offset: int) -> int:
    """The offset, moved by up to two seconds away from zero."""
    if offset == 0:
        return 0
    return offset + (rng.randint(0, 2) if offset > 0 else -rng.randint(0, 2))


def _hunt(rng: random.Random, mine: list[Event], prefix: int, leaves: int, slow: bool) -> None:
    """Path hunting: before a peer gives up a prefix, it tries longer paths (to the same upstream, here)."""
    at = leaves
    for _ in range(rng.choice((0, 1, 1, 2))):
        at -= rng.randint(5, 45) if slow else rng.randint(1, 4)
        mine.append(Event(at, Action.ANNOUNCE, (prefix,), rng.randrange(1, PATHS)))


def _unstable(
    rng: random.Random, case: Case, stretch: Unstable, stage: Stage, voters: list[Session], events: Events
) -> list[Lost]:
    """Storms and short losses in slots of equal length, in random order. Slots that a trap touches stay empty."""
    pairs = min(stretch.of_two, stretch.short_losses) if stage.case_prefixes > 1 else 0
    kinds = [0] * stretch.storms + [1] * (stretch.short_losses - pairs) + [2] * pairs
    rng.shuffle(kinds)
    slots, room = _slots(case, stretch, len(kinds))
    out: list[Lost] = []
    for slot, kind in zip(slots, kinds, strict=True):
        if kind == 0:
            _storm(rng, slot + rng.randint(0, max(0, room - 140)), stage, voters, events)
            continue
        length = rng.randint(*stretch.loss_seconds)
        start = slot + 30 + rng.randint(0, max(0, room - length - 140))
        # Never all of the country's networks at once.
        for prefix in rng.sample(range(stage.case_prefixes), kind):
            gone = start + rng.randint(0, 6)
            back = gone + length - rng.randint(0, 6)
            out.append(Lost(stretch.fact, prefix, gone, back))
            _short_loss(rng, prefix, gone, back, voters, events)
    return out


def _slots(case: Case, stretch: Unstable, wanted: int) -> tuple[list[int], int]:
    """Starts of as many slots as are wanted, and their length, in seconds."""
    begin, end = stretch.from_us // SECOND, stretch.until_us // SECOND
    barred = []
    for trap in case.traps:
        if trap.from_us is not None:
            until = trap.until_us if trap.until_us is not None else trap.from_us
            barred.append((trap.from_us // SECOND - 60, until // SECOND + (trap.transfer_seconds or 900) + 60))
    for count in range(wanted, 2 * wanted + 10):
        room = (end - begin) // max(1, count)
        slots = [begin + (end - begin) * number // count for number in range(count)]
        free = [slot for slot in slots if not any(slot < late and slot + room > early for early, late in barred)]
        if len(free) >= wanted:
            return free[:wanted], room
    raise CaseError(f"{case.name}: assumptions.unstable of {stretch.fact!r}: the traps leave no room for it")


def _short_loss(rng: random.Random, prefix: int, gone: int, back: int, voters: list[Session], events: Events) -> None:
    count = len(voters)
    going = spread(rng, count, losing_rank(count), 9, 18)
    coming = spread(rng, count, gaining_rank(count), 6, 25)
    for session, leaves, returns in zip(voters, going, coming, strict=True):
        mine = events[_key(session)]
        _hunt(rng, mine, prefix, gone + leaves, slow=False)
        mine.append(Event(gone + leaves, Action.WITHDRAW, (prefix,)))
        mine.append(Event(back + returns, Action.ANNOUNCE, (prefix,), rng.choice((0, 0, 2))))
        if rng.random() < 0.5:
            mine.append(Event(back + returns + rng.randint(5, 40), Action.ANNOUNCE, (prefix,), 0))


def _storm(rng: random.Random, at: int, stage: Stage, voters: list[Session], events: Events) -> None:
    """Paths change at most peers within two minutes; a few lose the route for some seconds, never the majority."""
    prefixes = rng.sample(range(stage.case_prefixes), rng.randint(1, stage.case_prefixes))
    losers = set(rng.sample(range(len(voters)), len(voters) // 4))
    for voter, session in enumerate(voters):
        mine = events[_key(session)]
        if rng.random() < 0.2 and voter not in losers:
            continue
        for prefix in prefixes:
            second = at + rng.randint(0, 20)
            if voter in losers:
                mine.append(Event(second, Action.WITHDRAW, (prefix,)))
                second += rng.randint(5, 25)
            for _ in range(rng.randint(1, 4)):
                mine.append(Event(second, Action.ANNOUNCE, (prefix,), rng.randrange(PATHS)))
                second += rng.randint(2, 15)
            mine.append(Event(second, Action.ANNOUNCE, (prefix,), 0))


def _quiet_changes(
    rng: random.Random, case: Case, busy: Sequence[tuple[int, int]], prefixes: int, mine: list[Event]
) -> None:
    """A path change now and then, outside the losses and the instability."""
    second = case.from_us // SECOND
    until = case.until_us // SECOND
    while True:
        second += round(rng.expovariate(1 / 21600)) + 1
        if second + 400 >= until:
            return
        if not any(begin <= second < end for begin, end in busy):
            mine.append(Event(second, Action.ANNOUNCE, tuple(range(prefixes)), rng.randrange(1, PATHS)))
            mine.append(Event(second + rng.randint(20, 300), Action.ANNOUNCE, tuple(range(prefixes)), 0))


def _partial_peers(case: Case, stage: Stage, lost: Sequence[Lost], events: Events) -> None:
    """Partial peers that carry the prefixes follow the majority, except in a loss during which they are stuck."""
    stuck = {(trap.collector, trap.fact) for trap in case.traps if trap.kind == "stuck-route"}
    for sessions in stage.sessions.values():
        for session in sessions:
            if session.feed != "partial" or 0 not in session.carries:
                continue
            for row in lost:
                if (session.collector, row.fact) not in stuck:
                    events[_key(session)].append(Event(row.from_s, Action.WITHDRAW, (row.prefix,)))
                    events[_key(session)].append(Event(row.until_s, Action.ANNOUNCE, (row.prefix,), 0))
