"""The background's ordinary noise, keepalives and the traps, as events of every session."""

import random

from duskwatch.cases.case import Case, Trap
from duskwatch.cases.events import Action, Event, Events
from duskwatch.cases.stage import PATHS, Session, Stage
from duskwatch.records.times import SECOND

# A prefix gone everywhere for less than a minute happens to countries with at least this many, one at a time.
FLAPS_FROM_PREFIXES = 20
RESEND_PART = 40  # groups of routes sent at once when a session is there again


def add_noise(case: Case, stage: Stage, seed: int, scale: float, events: Events) -> None:
    """Add keepalives and disturbances to every session, and flaps of single prefixes to all sessions."""
    begin, end = case.from_us // SECOND, case.until_us // SECOND
    for sessions in stage.sessions.values():
        for session in sessions:
            rng = random.Random(f"{seed}/noise/{session.collector}/{session.number}")
            mine = events[session.collector, session.number]
            mine += _keepalives(rng, begin, end, case.background.keepalive_seconds)
            every = case.background.seconds_between_disturbances / scale
            if session.feed != "full":
                every *= 3
            groups = [stage.group_of[row] for row in session.carries if row >= stage.case_prefixes]
            if groups:
                _disturb(rng, stage, groups, begin, end, every, mine)
    _prefix_flaps(random.Random(f"{seed}/flaps"), case, stage, begin, end, events)


def _keepalives(rng: random.Random, begin: int, end: int, every: int) -> list[Event]:
    first = begin + rng.randrange(every)
    return [Event(second + rng.randint(0, 3), Action.ALIVE) for second in range(first, end - 3, every)]


def _disturb(
    rng: random.Random, stage: Stage, groups: list[int], begin: int, end: int, every: float, mine: list[Event]
) -> None:
    """Path changes, path hunting, repeated announcements and flaps of seconds at one peer, as a Poisson process."""
    at = float(begin)
    while True:
        at += rng.expovariate(1 / every)
        second = int(at)
        if second + 700 >= end:
            return
        group = stage.groups[rng.choice(groups)]
        kind = rng.random()
        if kind < 0.45:
            mine.append(Event(second, Action.ANNOUNCE, group, rng.randrange(1, PATHS)))
            mine.append(Event(second + rng.randint(10, 600), Action.ANNOUNCE, group, 0))
        elif kind < 0.7:
            mine.append(Event(second, Action.AGAIN, (rng.choice(group),)))
        elif kind < 0.9:
            for _ in range(rng.randint(2, 3)):
                mine.append(Event(second, Action.ANNOUNCE, group, rng.randrange(1, PATHS)))
                second += rng.randint(2, 10)
            mine.append(Event(second, Action.ANNOUNCE, group, 0))
        else:
            prefix = (rng.choice(group),)
            mine.append(Event(second, Action.WITHDRAW, prefix))
            mine.append(Event(second + rng.randint(3, 45), Action.ANNOUNCE, prefix, 0))


def _prefix_flaps(rng: random.Random, case: Case, stage: Stage, begin: int, end: int, events: Events) -> None:
    large = [country for country in stage.countries if len(country.prefixes) >= FLAPS_FROM_PREFIXES]
    count = round(case.background.prefix_flaps_per_day * (end - begin) / 86400) if large else 0
    carried = {
        (session.collector, session.number): frozenset(session.carries)
        for sessions in stage.sessions.values()
        for session in sessions
    }
    for number in range(count):
        gone = begin + (end - begin) * number // count + rng.randint(5, max(6, (end - begin) // count - 120))
        back = gone + rng.randint(15, 45)
        prefix = rng.choice(rng.choice(large).prefixes)
        for key, mine in events.items():
            if prefix in carried[key]:
                mine.append(Event(gone + rng.randint(0, 6), Action.WITHDRAW, (prefix,)))
                mine.append(Event(back + rng.randint(0, 8), Action.ANNOUNCE, (prefix,), 0))


def add_traps(case: Case, stage: Stage, seed: int, events: Events) -> None:
    """Sessions that end and come back, with their tables sent anew."""
    rng = random.Random(f"{seed}/traps")
    for trap in case.traps:
        if trap.kind == "collector-reset":
            for session in stage.sessions[trap.collector]:
                _reset(rng, trap, stage, session, events)
        elif trap.kind == "peer-down" and trap.peer is not None:
            _reset(rng, trap, stage, stage.sessions[trap.collector][trap.peer], events)


def _reset(rng: random.Random, trap: Trap, stage: Stage, session: Session, events: Events) -> None:
    if trap.from_us is None or trap.until_us is None or trap.transfer_seconds is None:
        return
    mine = events[session.collector, session.number]
    down = trap.from_us // SECOND + rng.randint(0, 2)
    up = trap.until_us // SECOND + rng.randint(0, 5)
    mine.append(Event(down, Action.DOWN))
    mine.append(Event(up, Action.UP))
    carried = sorted({stage.group_of[row] for row in session.carries})
    parts = [carried[at : at + RESEND_PART] for at in range(0, len(carried), RESEND_PART)]
    for number, part in enumerate(parts):
        second = up + 1 + (trap.transfer_seconds - 2) * number // len(parts)
        rows = tuple(row for group in part for row in stage.groups[group])
        mine.append(Event(second, Action.RESEND, rows))
    mine.append(Event(up + trap.transfer_seconds, Action.RESENT))
