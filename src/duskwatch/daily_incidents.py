"""Incidents of a store: its outages of countries, networks and prefixes, with what each was of the larger one before.

An AS belongs to the country that holds the most of the /24s that it originates just before its outage, a prefix to the
AS that originates the most of it. Both are read from the change logs and levels that are stored, for most entities
where their outages are found.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial

import numpy as np
import numpy.typing as npt

from duskwatch.detection import incidents
from duskwatch.extents import Stretches, covered, unit_ranges
from duskwatch.networks import SPACE, before
from duskwatch.publication.who import sentence
from duskwatch.records.countries import CountryRanges
from duskwatch.records.entity import Entity
from duskwatch.records.incidents import Incident, Share
from duskwatch.records.outages import Outage
from duskwatch.records.prefix import Prefix
from duskwatch.records.signals import ChangeLog, Level, PrefixState
from duskwatch.signals.measures import units
from duskwatch.sources.reference.names import UnknownCountryError, country_name
from duskwatch.store import Store
from duskwatch.store.incidents import FoundIncident, record_incidents
from duskwatch.store.readback import change_logs, levels

AT_ONCE = 256  # entities whose change logs are in memory at a time
EVERYTHING: Stretches = (np.zeros(1, np.int64), np.full(1, 1 << 62, np.int64))


@dataclass(frozen=True, slots=True)
class Held:
    """What an entity had at one time: units in all by whose they are, counted as ``signal`` says."""

    signal: str
    of: dict[Entity, int]


Holdings = dict[tuple[str, int], Held]
"""What an entity had, by how it is counted and when (us)."""

Space = Callable[[str, int], Stretches]
"""The space of a country, by its code and address family."""


def space_in(ranges: CountryRanges | None) -> Space | None:
    """The space of each country, worked out once; None where it is not known whose addresses are whose."""
    return cache(partial(unit_ranges, ranges)) if ranges is not None else None


def holdings(
    entity: Entity, log: ChangeLog, outages: Sequence[Outage], ranges: CountryRanges | None, space: Space | None
) -> Holdings:
    """What an AS or a prefix had just before each of its outages; nothing for others."""
    if not outages or not (entity.type == "prefix" or (entity.type == "asn" and ranges is not None)):
        return {}
    counted = _counted(_key(entity), log, ranges, space)
    for outage in outages:
        counted.at(outage, outage.onset.earliest_us - 1)
    return counted.held


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
        own = outages.setdefault(_key(one.entity), [])
        ids[_key(one.entity), len(own)] = one.uid
        own.append(one.newest.outage)
    shares = _shares(store, window, outages, ranges, held)
    apart = ranges is not None and any(entity.type == "asn" for entity in outages)
    found = []
    for incident in incidents(outages, shares):
        if incident.entity.type != "country" and len(incident.members) == 1:
            continue
        told = _named(incident)
        title = sentence(told, told_apart=apart or len(incident.members) > 1)
        found.append(FoundIncident(title, told, tuple(ids[_key(m.entity), m.number] for m in incident.members)))
    record_incidents(store.events(), window, found, detector=detector, by="duskwatch", why=why)
    return len(found)


def _key(entity: Entity) -> Entity:
    return Entity(entity.type, entity.code)


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
                parents[entity], held[entity] = _before(partial(_known_at, known.get(entity, {})), own, outages)
            except KeyError:
                lacking.append(entity)
        for entity, log in _logs(store, lacking, window):
            at = _counted(entity, log, ranges, space).at
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


def _counted(entity: Entity, log: ChangeLog, ranges: CountryRanges | None, space: Space | None) -> "_Counted":
    prefixes = [Prefix.parse(name) for name in log.prefixes]
    columns = (
        np.array([p.afi for p in prefixes], np.uint8),
        np.array([p.hi for p in prefixes], np.uint64),
        np.array([p.lo for p in prefixes], np.uint64),
        np.array([p.length for p in prefixes], np.uint8),
    )
    country = ranges.countries_of(*columns) if ranges is not None else np.full(len(prefixes), -1, np.int32)
    return _Counted(entity, log, columns, country, space, ranges)


def _known_at(known: Holdings, outage: Outage, at_us: int) -> Held:
    return known[_counted_as(outage), at_us]


def _counted_as(outage: Outage) -> str:
    """The signal by which it is counted what an outage took."""
    return next((name for name in SPACE if name in outage.signals), "bgp.visible_slash24")


@dataclass(frozen=True, slots=True)
class _Counted:
    entity: Entity
    log: ChangeLog
    columns: tuple[
        npt.NDArray[np.uint8], npt.NDArray[np.uint64], npt.NDArray[np.uint64], npt.NDArray[np.uint8]
    ]  # of its prefixes
    country: npt.NDArray[np.int32]
    space: Space | None
    ranges: CountryRanges | None
    held: Holdings = field(default_factory=dict)

    def at(self, outage: Outage, at_us: int) -> Held:
        """What was visible at a time; where nothing was, all that ever was."""
        signal = _counted_as(outage)
        if (signal, at_us) not in self.held:
            self.held[signal, at_us] = self._at(signal, at_us)
        return self.held[signal, at_us]

    def _at(self, signal: str, at_us: int) -> Held:
        rows = np.flatnonzero(self.log.time_us <= at_us)
        last = np.full(len(self.log.prefixes), -1, np.int64)
        last[self.log.prefix[rows]] = rows
        up = (last >= 0) & (self.log.state[np.maximum(last, 0)] == PrefixState.VISIBLE) if len(rows) else last >= 0
        if not up.any():
            seen = np.flatnonzero(self.log.state == PrefixState.VISIBLE)
            last[self.log.prefix[seen[::-1]]] = seen[::-1]
            up = last >= 0
        whose = self._country_of if self.entity.type == "asn" else self._origin_of
        groups: dict[Entity, list[int]] = {}
        for prefix in np.flatnonzero(up).tolist():
            owner = whose(prefix, int(last[prefix]))
            if owner is not None:
                groups.setdefault(owner, []).append(prefix)
        return Held(signal, {owner: self._count(signal, own, owner) for owner, own in groups.items()})

    def _country_of(self, prefix: int, _row: int) -> Entity | None:
        index = int(self.country[prefix])
        return Entity("country", self.ranges.countries[index]) if self.ranges is not None and index >= 0 else None

    def _origin_of(self, _prefix: int, row: int) -> Entity | None:
        origin = int(self.log.origin[row])
        return Entity("asn", f"AS{origin}") if origin else None

    def _count(self, signal: str, prefixes: Sequence[int], owner: Entity) -> int:
        if signal == "bgp.visible_prefixes":
            return len(prefixes)
        afi = 1 if signal == "bgp.visible_slash24" else 2
        own = np.array([p for p in prefixes if self.columns[0][p] == afi], np.int64)
        start, end = units(self.columns[0][own], self.columns[1][own], self.columns[3][own])
        inside = EVERYTHING
        if self.entity.type == "prefix":
            prefix = Prefix.parse(self.entity.code)
            inside = units(
                np.array([prefix.afi], np.uint8), np.array([prefix.hi], np.uint64), np.array([prefix.length], np.uint8)
            )
        elif self.space is not None:
            inside = self.space(owner.code, afi)
        return covered(start, end, inside)
