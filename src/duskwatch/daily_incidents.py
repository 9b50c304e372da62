"""Incidents of a store: its outages of countries, networks and prefixes, with what each was of the larger one before.

An AS belongs to the country that holds the most of the /24s that it originates just before its outage, a prefix to the
AS that originates the most of it. Both are read from the change logs and levels that are stored.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

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
from duskwatch.records.times import to_datetime
from duskwatch.signals.measures import units
from duskwatch.sources.reference.geo import load_geo
from duskwatch.sources.reference.names import UnknownCountryError, country_name
from duskwatch.store import Store
from duskwatch.store.incidents import FoundIncident, record_incidents
from duskwatch.store.readback import change_logs, levels

AT_ONCE = 256  # entities whose change logs are in memory at a time
EVERYTHING: Stretches = (np.zeros(1, np.int64), np.full(1, 1 << 62, np.int64))


@dataclass(frozen=True, slots=True)
class _Held:
    """What an entity had before one outage: units in all by whose they are, counted as ``signal`` says."""

    signal: str
    of: dict[Entity, int]


def record(
    store: Store, window: tuple[int, int], geo: Sequence[Path], detector: str, why: str, uids: Sequence[str]
) -> int:
    """Make incidents of recorded outages, named by their ids, and record them; returns how many there are.

    Outages of networks and prefixes that belong with no other are outages and no incidents. Those that a person
    dismissed are left out.
    """
    wanted = set(uids)
    current = [one for one in store.outages(from_us=window[0], until_us=window[1]) if one.uid in wanted]
    outages: dict[Entity, list[Outage]] = {}
    ids: dict[tuple[Entity, int], str] = {}
    for one in current:  # in order of onset
        own = outages.setdefault(_key(one.entity), [])
        ids[_key(one.entity), len(own)] = one.uid
        own.append(one.newest.outage)
    ranges = load_geo(list(geo), to_datetime(window[0]).date()) if geo else None
    shares = _shares(store, window, outages, ranges)
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
    store: Store, window: tuple[int, int], outages: dict[Entity, list[Outage]], ranges: CountryRanges | None
) -> dict[Entity, Share]:
    """Of what larger entity each AS and prefix is a part, and how large a part before each of its outages."""
    held = {}
    parents = {}
    space = cache(partial(unit_ranges, ranges)) if ranges is not None else None
    for entity, log in _logs(store, [e for e in outages if e.type == "prefix"], window):
        parents[entity], held[entity] = _before(entity, log, outages[entity], outages, ranges, space)
    # A network that was not out itself still tells whose a prefix is.
    networks = {e: own for e, own in outages.items() if e.type == "asn"}
    for entity, parent in parents.items():
        if parent is not None and parent.type == "asn" and parent not in networks:
            networks[parent] = outages[entity]
    if ranges is not None:
        for entity, log in _logs(store, list(networks), window):
            parents[entity], held[entity] = _before(entity, log, networks[entity], outages, ranges, space)
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
    entity: Entity,
    log: ChangeLog,
    own: Sequence[Outage],
    outages: dict[Entity, list[Outage]],
    ranges: CountryRanges | None,
    space: Callable[[str, int], Stretches] | None,
) -> tuple[Entity | None, tuple[_Held, ...]]:
    """To whom an entity belongs, and what it had before each of its outages."""
    prefixes = [Prefix.parse(name) for name in log.prefixes]
    columns = (
        np.array([p.afi for p in prefixes], np.uint8),
        np.array([p.hi for p in prefixes], np.uint64),
        np.array([p.lo for p in prefixes], np.uint64),
        np.array([p.length for p in prefixes], np.uint8),
    )
    country = ranges.countries_of(*columns) if ranges is not None else np.full(len(prefixes), -1, np.int32)
    counted = _Counted(entity, log, columns, country, space, ranges)
    first = [counted.at(outage, outage.onset.earliest_us - 1) for outage in own]
    total: dict[Entity, int] = {}
    for had in first:
        for whose, many in had.of.items():
            total[whose] = total.get(whose, 0) + many
    if not total:
        return None, ()
    parent = min(total, key=lambda whose: (-total[whose], whose.code))
    return parent, tuple(counted.at(outage, before(outage, outages.get(parent, ()))) for outage in own)


@dataclass(frozen=True, slots=True)
class _Counted:
    entity: Entity
    log: ChangeLog
    columns: tuple[
        npt.NDArray[np.uint8], npt.NDArray[np.uint64], npt.NDArray[np.uint64], npt.NDArray[np.uint8]
    ]  # of its prefixes
    country: npt.NDArray[np.int32]
    space: "Callable[[str, int], Stretches] | None"  # of a country, by its code and family
    ranges: CountryRanges | None
    held: dict[tuple[str, int], _Held] = field(default_factory=dict)

    def at(self, outage: Outage, at_us: int) -> _Held:
        """What was visible at a time; where nothing was, all that ever was."""
        signal = next((name for name in SPACE if name in outage.signals), "bgp.visible_slash24")
        if (signal, at_us) not in self.held:
            self.held[signal, at_us] = self._at(signal, at_us)
        return self.held[signal, at_us]

    def _at(self, signal: str, at_us: int) -> _Held:
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
        return _Held(signal, {owner: self._count(signal, own, owner) for owner, own in groups.items()})

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
