"""Incidents of a store: its outages of countries, networks and prefixes, with what each was of the larger one before.

An AS belongs to the country that holds the most of the /24s that it originates just before its outage, a prefix to the
AS that originates the most of it. Both are read from the change logs and levels that are stored, for most entities
where their outages are found.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from duskwatch.detection import incidents
from duskwatch.publication.who import sentence
from duskwatch.records.countries import CountryRanges
from duskwatch.records.entity import Entity
from duskwatch.records.incidents import Incident, Share
from duskwatch.records.outages import Outage
from duskwatch.records.signals import ChangeLog, Level
from duskwatch.signals.bgp.holdings import SPACE, Held, Holdings, before, counted_of, known_at, space_in
from duskwatch.sources.reference.names import UnknownCountryError, country_name
from duskwatch.store import Store
from duskwatch.store.incidents import FoundIncident, record_incidents
from duskwatch.store.readback import change_logs, levels

AT_ONCE = 256  # entities whose change logs are in memory at a time


def record(
    store: Store,
    window: tuple[int, int],
    ranges: CountryRanges | None,
    detector: str,
    why: str,
    uids: Sequence[str],
    held: Mapping[Entity, Holdings],
) -> int:
    """Make incidents of recorded outages, named by their ids, and record them; returns how many there are.

    Outages of networks and prefixes that belong with no other are outages and no incidents. Those that a person
    dismissed are left out. ``held`` is what is known already; the rest is read from the store.
    """
    wanted = set(uids)
    current = [one for one in store.outages(from_us=window[0], until_us=window[1]) if one.uid in wanted]
    outages: dict[Entity, list[Outage]] = {}
    ids: dict[tuple[Entity, int], str] = {}
    for one in current:  # in order of onset
        own = outages.setdefault(one.entity.unnamed(), [])
        ids[one.entity.unnamed(), len(own)] = one.uid
        own.append(one.newest.outage)
    shares = _shares(store, window, outages, ranges, held)
    apart = ranges is not None and any(entity.type == "asn" for entity in outages)
    found = []
    for incident in incidents(outages, shares):
        if incident.entity.type != "country" and len(incident.members) == 1:
            continue
        told = _named(incident)
        title = sentence(told, told_apart=apart or len(incident.members) > 1)
        found.append(FoundIncident(title, told, tuple(ids[m.entity.unnamed(), m.number] for m in incident.members)))
    record_incidents(store.events(), window, found, detector=detector, by="duskwatch", why=why)
    return len(found)


def _named(incident: Incident) -> Incident:
    """With the name of the country that it is of."""
    if incident.entity.type != "country":
        return incident
    return replace(incident, entity=replace(incident.entity, name=name_of(incident.entity)))


def name_of(entity: Entity) -> str:
    """The name of a country; empty for others."""
    if entity.type != "country":
        return ""
    try:
        return country_name(entity.code)
    except UnknownCountryError:
        return ""


def _shares(
    store: Store,
    window: tuple[int, int],
    outages: dict[Entity, list[Outage]],
    ranges: CountryRanges | None,
    known: Mapping[Entity, Holdings],
) -> dict[Entity, Share]:
    """Of what larger entity each AS and prefix is a part, and how large a part before each of its outages."""
    held: dict[Entity, tuple[Held, ...]] = {}
    parents: dict[Entity, Entity | None] = {}
    space = space_in(ranges)

    def tell(entities: Mapping[Entity, Sequence[Outage]]) -> None:
        lacking = []
        for entity, own in entities.items():
            try:
                parents[entity], held[entity] = _before(partial(known_at, known.get(entity, {})), own, outages)
            except KeyError:
                lacking.append(entity)
        for entity, log in _logs(store, lacking, window):
            at = counted_of(entity, log, ranges, space).at
            parents[entity], held[entity] = _before(at, entities[entity], outages)

    tell({e: own for e, own in outages.items() if e.type == "prefix"})
    # A network that was not out itself still tells whose a prefix is.
    networks = {e: own for e, own in outages.items() if e.type == "asn"}
    for entity, parent in parents.items():
        if parent is not None and parent.type == "asn" and parent not in networks:
            networks[parent] = outages[entity]
    if ranges is not None:
        tell(networks)
    by_parent: dict[Entity, list[Entity]] = {}
    for entity, parent in parents.items():
        if parent is not None:
            by_parent.setdefault(parent, []).append(entity)
    shares = {}
    for parent, whole in _levels(store, list(by_parent), window):
        for entity in by_parent[parent]:
            own = outages.get(entity) or networks[entity]
            told = []
            for had, outage in zip(held[entity], own, strict=True):
                values = getattr(whole, SPACE[had.signal])
                there = _value(whole.time_us, values, before(outage, outages.get(parent, ())))
                mine = had.of.get(parent, 0)
                if mine > 0:
                    told.append(min(1.0, mine / max(mine, there)))
            if told and len(told) == len(own):
                shares[entity] = Share(parent, max(told), tuple(told) if entity in outages else ())
    return shares


def _value(time_us: npt.NDArray[np.int64], values: npt.NDArray[np.float64], at: int) -> float:
    """A step function at one time; where it is not known or zero there, the most it ever was."""
    row = int(np.searchsorted(time_us, at, side="right")) - 1
    if row >= 0 and values[row] > 0:
        return float(values[row])
    return float(np.nanmax(values)) if np.isfinite(values).any() else 0.0


def _logs(store: Store, entities: Sequence[Entity], window: tuple[int, int]) -> Iterator[tuple[Entity, ChangeLog]]:
    ordered = sorted(entities, key=lambda entity: (entity.type, entity.code))
    for at in range(0, len(ordered), AT_ONCE):
        some = ordered[at : at + AT_ONCE]
        rows = store.rows("changes", entities=some, from_us=window[0], until_us=window[1]).collect()
        named = {entity.code: entity for entity in some}
        for code, log in change_logs(rows):
            yield named[code], log


def _levels(store: Store, entities: Sequence[Entity], window: tuple[int, int]) -> Iterator[tuple[Entity, Level]]:
    for kind in sorted({entity.type for entity in entities}):
        own = {entity.code: entity for entity in entities if entity.type == kind}
        rows = store.rows("levels", entities=list(own.values()), from_us=window[0], until_us=window[1]).collect()
        for code, found in levels(rows, *window):
            yield own[code], found


def _before(
    at: Callable[[Outage, int], Held], own: Sequence[Outage], outages: dict[Entity, list[Outage]]
) -> tuple[Entity | None, tuple[Held, ...]]:
    """To whom an entity belongs, and what it had before each of its outages; ``at`` tells what it had at a time."""
    first = [at(outage, outage.onset.earliest_us - 1) for outage in own]
    total: dict[Entity, int] = {}
    for had in first:
        for whose, many in had.of.items():
            total[whose] = total.get(whose, 0) + many
    if not total:
        return None, ()
    parent = min(total, key=lambda whose: (-total[whose], whose.code))
    return parent, tuple(at(outage, before(outage, outages.get(parent, ()))) for outage in own)
