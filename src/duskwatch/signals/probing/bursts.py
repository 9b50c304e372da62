"""Bursts of disconnects: where probes of a network or a country left together, and whether that was an outage.

After A. Shah, R. Fontugne, E. Aben, C. Pelsser, R. Bush, "Disco: fast, good, and cheap outage detection" (TMA 2017):
departures of each entity are a stream, Kleinberg's automaton finds where they come much faster than usual. Disco's
threshold misses cuts that take few probes, and stretches in which most departures of a day fall; two more rules find
these (candidates.py). Departures that the platform itself made are told apart (platform.py).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from duskwatch.records.entity import Entity
from duskwatch.records.probes import BOOL, I64, Burst, BurstKind, ConnectionLog, ProbeBursts, Unjudged
from duskwatch.records.times import MINUTE
from duskwatch.signals.probing import platform
from duskwatch.signals.probing.candidates import (
    LASTING_US,
    LEAST_EVENTS,
    LEAST_PROBES,
    Candidate,
    Departures,
    candidates,
)
from duskwatch.signals.probing.presence import NEVER, Presence, presence

WHOLE = 0.9  # share of the connected probes from which an outage is one of the whole entity
MOST_UNJUDGED = 1000
BEAT_SHARE = 0.5  # of the probes of a burst


@dataclass(frozen=True, slots=True, eq=False)
class _Log:
    log: ConnectionLog
    held: Presence
    leaves: BOOL  # [N]
    from_us: int
    until_us: int


def find_bursts(log: ConnectionLog, countries: Mapping[int, str] | None = None) -> ProbeBursts:
    """Bursts of every network, and of every country where ``countries`` says which probe is in which.

    An entity with fewer than LEAST_PROBES probes or LEAST_EVENTS departures is not judged, and is listed as such.
    """
    if not len(log):
        return ProbeBursts((), (), (), 0, 0, ("the log is empty; nothing was judged",))
    whole = _Log(log, presence(log), ~log.connects, int(log.time_us[0]), int(log.time_us[-1]))
    bursts: list[Burst] = []
    unjudged: list[Unjudged] = []
    judged: list[Entity] = []
    for entity, events, keys, key in _entities(whole, countries or {}):
        probes = len(np.unique(log.probe[events]))
        departures = int(whole.leaves[events].sum())
        if probes < LEAST_PROBES or departures < LEAST_EVENTS:
            few = f"{probes} probes" if probes < LEAST_PROBES else f"{departures} departures"
            need = LEAST_PROBES if probes < LEAST_PROBES else LEAST_EVENTS
            unjudged.append(Unjudged(entity, probes, departures, f"{few} in the log, {need} are needed"))
            continue
        judged.append(entity)
        mine = np.zeros(len(log), bool)
        mine[events] = True
        bursts += _of_entity(whole, entity, mine, keys == key)
    notes = []
    if len(unjudged) > MOST_UNJUDGED:
        notes.append(f"{len(unjudged):,} entities could not be judged; {MOST_UNJUDGED:,} of them are listed")
    if unnamed := int((log.asn == 0).sum()):
        notes.append(f"{unnamed} events name no network; they count for no network")
    if unnamed := int((log.controller < 0).sum()):
        notes.append(f"{unnamed} events name no controller; whether the platform itself failed is judged without them")
    bursts.sort(key=lambda burst: (burst.from_us, burst.entity.type, burst.entity.code))
    return ProbeBursts(
        tuple(bursts), tuple(unjudged[:MOST_UNJUDGED]), tuple(judged), whole.from_us, whole.until_us, tuple(notes)
    )


def _entities(whole: _Log, countries: Mapping[int, str]) -> Iterator[tuple[Entity, I64, npt.NDArray[Any], Any]]:
    """Each entity with the indices of its events; what each stretch belongs to, [S], and what this entity is there."""
    for asn, events in _groups(whole.log.asn):
        if asn:
            yield Entity("asn", f"AS{asn}"), events, whole.held.asn, asn
    if countries:
        stretches = _codes(whole.held.probe, countries)
        for code, events in _groups(_codes(whole.log.probe, countries)):
            if code:
                yield Entity("country", str(code)), events, stretches, code


def _groups(keys: npt.NDArray[Any]) -> Iterator[tuple[Any, I64]]:
    """Each value with the places that hold it, in order."""
    order = np.argsort(keys, kind="stable")
    values, begins = np.unique(keys[order], return_index=True)
    yield from zip(values, np.split(order, begins[1:]), strict=True)


def _codes(probes: I64, countries: Mapping[int, str]) -> npt.NDArray[np.str_]:
    numbers, places = np.unique(probes, return_inverse=True)
    return np.array([countries.get(number, "") for number in numbers.tolist()], dtype="U2")[places]


def _of_entity(whole: _Log, entity: Entity, mine: BOOL, stretches: BOOL) -> list[Burst]:
    log = whole.log
    at = np.flatnonzero(mine & whole.leaves)
    stream = Departures(log.time_us[at], log.probe[at], whole.held.back_us[at], whole.until_us)
    connected = _connected(whole.held, stretches, stream.time_us)
    watched = len(np.unique(log.probe[mine]))
    return [
        _judged(whole, entity, mine, stretches, one, watched) for one in candidates(stream, connected, whole.from_us)
    ]


def _connected(held: Presence, stretches: BOOL, times_us: I64) -> I64:
    """Connected probes of an entity just before each time, [T]."""
    begun = np.sort(held.from_us[stretches])
    ended = np.sort(held.until_us[stretches])
    return np.searchsorted(begun, times_us, "left") - np.searchsorted(ended, times_us, "left")


def _judged(whole: _Log, entity: Entity, mine: BOOL, stretches: BOOL, one: Candidate, watched: int) -> Burst:
    log, held = whole.log, whole.held
    within = whole.leaves & (log.time_us >= one.from_us) & (log.time_us <= one.until_us)
    at = np.flatnonzero(within & mine)
    left, first = np.unique(log.probe[at], return_index=True)
    back = held.back_us[at[first]]
    away = (back - log.time_us[at[first]])[back < NEVER]
    lasting = int((np.minimum(back, whole.until_us) - log.time_us[at[first]] >= LASTING_US).sum())
    connected = int(_connected(held, stretches, np.array([one.from_us]))[0])
    near = whole.leaves & ~mine & (log.time_us >= one.from_us - platform.NEAR_US)
    near &= log.time_us <= one.until_us + platform.NEAR_US
    meanwhile = within & ~mine
    usual = _usual(whole, ~mine & whole.leaves, meanwhile, one)
    leaving = platform.Leaving(
        log.time_us[at], log.probe[at], log.controller[at], held.back_us[at],
        log.time_us[near], log.controller[near], log.probe[near], log.asn[near], log.asn[meanwhile], usual,
    )  # fmt: skip
    kind, why = _artefact(whole, stretches, one, leaving)
    if not kind:
        kind = "outage" if len(left) >= WHOLE * connected else "partial outage"
        why = _found(one, len(left), lasting)
    half = np.sort(back)[(len(back) - 1) // 2]
    return Burst(
        entity=entity,
        kind=kind,
        why=why,
        found_by=one.found_by,
        from_us=one.from_us,
        until_us=one.until_us,
        level=one.level,
        departures=len(at),
        left=tuple(left.tolist()),
        connected=connected,
        watched=watched,
        back=len(away),
        lasting=lasting,
        away_us=(int(away.min()), int(np.median(away)), int(away.max())) if len(away) else None,
        back_us=int(half) if half < NEVER else None,
        elsewhere=int((within & ~mine).sum()),
    )


def _usual(whole: _Log, others: BOOL, meanwhile: BOOL, one: Candidate) -> float:
    """Departures of others that a stretch as long, or a minute, holds on average; the stretch itself is left out."""
    span = one.until_us - one.from_us
    rest = max(whole.until_us - whole.from_us - span, MINUTE)
    return float((int(others.sum()) - int(meanwhile.sum())) * max(span, MINUTE) / rest)


def _artefact(
    whole: _Log, stretches: BOOL, one: Candidate, leaving: platform.Leaving
) -> tuple[BurstKind | Literal[""], str]:
    """Artefact or unclear, with the reason, where the platform had a part in it; two empty words where not."""
    log, held = whole.log, whole.held
    if said := platform.by_turns(leaving):
        return "artefact", said
    now = held.at(one.from_us) & (held.controller >= 0)
    size = len(log.controllers)
    here = np.bincount(held.controller[now & stretches], minlength=size).astype(np.int64)
    elsewhere = np.bincount(held.controller[now & ~stretches], minlength=size).astype(np.int64)
    if said := platform.by_fall(leaving, here, elsewhere):
        return "artefact", said
    if said := platform.by_surge(leaving):
        gone = np.unique(leaving.probe)
        beat = platform.keeps_a_beat(gone, one.from_us, log.time_us[whole.leaves], log.probe[whole.leaves])
        if beat.mean() >= BEAT_SHARE:
            return "artefact", f"{said}; {int(beat.sum())} of the {len(gone)} left at that minute of other hours too"
        return "unclear", said
    return "", ""


def _found(one: Candidate, left: int, lasting: int) -> str:
    """What was seen, as a sentence."""
    parts = [f"{left} probes left within {_minutes(one)}"]
    if one.level:
        parts.append(f"{2**one.level:.0f} times as fast as usual")
    if lasting:
        parts.append(f"{lasting} of them stayed away for {LASTING_US // MINUTE} min or longer")
    return ", ".join(parts)


def _minutes(one: Candidate) -> str:
    seconds = (one.until_us - one.from_us) // 1_000_000
    return f"{seconds} s" if seconds < 120 else f"{seconds / 60:.0f} min"
