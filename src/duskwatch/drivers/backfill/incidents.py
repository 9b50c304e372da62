"""Outages that a run found, recorded, and the incidents that they make up: country by country, with its networks and
their prefixes, each with what it was of the larger one before.

A network of several countries is part of each of them with what it has there.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

from duskwatch.detection import incidents
from duskwatch.detection.conclusions import fuse_conclusions
from duskwatch.drivers.backfill.day import ranges_at
from duskwatch.drivers.backfill.plan import DaySummary, Plan
from duskwatch.drivers.backfill.search import Found, known_shares, named, window_of
from duskwatch.publication.who import sentence
from duskwatch.records.entity import Entity, parse_entity
from duskwatch.records.findings import Finding
from duskwatch.records.incidents import Share
from duskwatch.records.outages import Outage
from duskwatch.records.signals import ChangeLog, Level
from duskwatch.records.times import to_datetime
from duskwatch.signals.bgp.holdings import COLUMNS, Steps, counted_as, holding, home_of, steps_of
from duskwatch.store import Store, StoreError
from duskwatch.store.frames import day_start
from duskwatch.store.incidents import FoundIncident, record_incidents
from duskwatch.store.readback import change_logs, levels

WHY = "backfill"

Holder = tuple[Entity, str]
"""An entity, and the country in which a part of it alone is meant; empty: all of it."""


@dataclass(slots=True)
class _Group:
    """A whole with its parts: outages as they are recorded, in order of onset, with their ids."""

    whole: Entity
    outages: dict[Entity, list[Outage]] = field(default_factory=dict)
    uids: dict[Entity, list[str]] = field(default_factory=dict)
    holder: dict[Entity, Holder] = field(default_factory=dict)  # of each part
    parent: dict[Entity, Entity] = field(default_factory=dict)  # of each part

    def add(self, entity: Entity, outage: Outage, uid: str) -> None:
        self.outages.setdefault(entity, []).append(outage)
        self.uids.setdefault(entity, []).append(uid)


def record_found(plan: Plan, days: Sequence[DaySummary], found: Sequence[Found]) -> tuple[int, int]:
    """Record outages found over all days of a run, and the incidents they make up; how many there are of each."""
    store, window = plan.open_store(), window_of(days)
    # What was recorded before and is not found now must be looked at too.
    holders = {_holder(one.finding) for one in found}
    try:
        before = store.outages(from_us=window[0], until_us=window[1])
    except StoreError:
        before = []
    covered = set(known_shares(days))
    again = sorted(
        {(one.entity.type, one.entity.code, one.within) for one in before if one.entity.code in covered}
        - {(entity.type, entity.code, within) for entity, within in holders}
    )
    findings = [one.finding for one in found]
    findings += [Finding(parse_entity(code), (), within) for _, code, within in again]
    recorded = store.record_outages(
        window, findings, source=plan.source, detector=plan.detector, why=WHY, fuse=fuse_conclusions
    )
    wanted = dict(zip(recorded.uids, [one for one in found for _ in one.finding.outages], strict=True))
    current = [one for one in store.outages(from_us=window[0], until_us=window[1]) if one.uid in wanted]
    recorded_outages = [(one.uid, wanted[one.uid], one.newest.outage) for one in current]
    unheard = _unheard(days, plan)
    groups = [one for one in _groups(plan, store, window, recorded_outages) if one.whole.code not in unheard]
    shares = _shares(store, plan, window, groups, {_holder(one.finding): one for one in found})
    apart = any(plan.geo_of(day.day) for day in days) and any(one.finding.entity.type == "asn" for one in found)
    made = [one for group in groups for one in _incidents(group, shares, apart)]
    made.sort(key=lambda one: (one.incident.from_us, one.incident.entity.type, one.incident.entity.code))
    record_incidents(store.events(), window, made, source=plan.source, detector=plan.detector, by="duskwatch", why=WHY)
    return sum(len(one.finding.outages) for one in found), len(made)


def _holder(finding: Finding) -> Holder:
    return finding.entity.unnamed(), finding.within


def _unheard(days: Sequence[DaySummary], plan: Plan) -> set[str]:
    """Countries of which routes heard cover too little to tell anything, as their state was learned."""
    if not any(day.learned for day in days):
        return set()
    return {code for code, share in known_shares(days).items() if share < plan.detection.known_share}


def _groups(
    plan: Plan, store: Store, window: tuple[int, int], recorded_outages: Sequence[tuple[str, Found, Outage]]
) -> list[_Group]:
    """Outages by country, or, where it is known of none, by network; in order of onset."""
    groups: dict[Entity, _Group] = {}

    def group(whole: Entity) -> _Group:
        return groups.setdefault(whole, _Group(whole))

    prefixes = [(found, outage) for _, found, outage in recorded_outages if found.finding.entity.type == "prefix"]
    parents = _parents(found for found, _ in prefixes)
    asked = {(code, _day(outage)) for found, outage in prefixes if (code := parents.get(found.finding.entity.code))}
    homes = _homes(plan, store, window, asked)
    for uid, found, outage in recorded_outages:
        entity, within = _holder(found.finding)
        if entity.type == "country":
            group(entity).add(entity, outage, uid)
        elif entity.type == "asn":
            owner = found.owner[min(_number(found, outage), len(found.owner) - 1)]
            whole = Entity("country", owner) if owner else entity
            its_group = group(whole)
            its_group.add(entity, outage, uid)
            its_group.holder[entity] = entity, within
            if owner:
                its_group.parent[entity] = whole
        else:
            network = Entity("asn", parents[entity.code]) if parents.get(entity.code) else None
            home = "" if network is None else homes.get((network.code, plan.geo_of(_day(outage))), "")
            whole = Entity("country", home) if home else network or entity
            its_group = group(whole)
            its_group.add(entity, outage, uid)
            its_group.holder[entity] = entity, ""
            if network is not None:
                its_group.parent[entity] = network
                its_group.holder.setdefault(network, (network, ""))
                if whole != network:
                    its_group.parent[network] = whole
    return list(groups.values())


def _number(found: Found, outage: Outage) -> int:
    """Which of the outages found a recorded one is: the nearest."""
    onsets = [abs(one.onset.best_us - outage.onset.best_us) for one in found.finding.outages]
    return onsets.index(min(onsets))


def _parents(prefixes: Iterator[Found]) -> dict[str, str]:
    """The network of each prefix, by code: of the most of its outages, then the first by its number."""
    out: dict[str, str] = {}
    for found in prefixes:
        owners = Counter(owner for owner in found.owner if owner)
        if owners:
            out[found.finding.entity.code] = min(owners, key=lambda code: (-owners[code], code))
    return out


def _day(outage: Outage) -> date:
    """On which it began."""
    return to_datetime(outage.onset.best_us).date()


def _homes(
    plan: Plan, store: Store, window: tuple[int, int], asked: set[tuple[str, date]]
) -> dict[tuple[str, tuple[Path, ...]], str]:
    """The country of each network that lies in one, by the delegations of the days on which its prefixes fell: by code
    and by the files of that day. What the same files say is looked up once, as it was on the earliest of their days."""
    alike: dict[tuple[Path, ...], list[tuple[date, str]]] = {}
    for code, day in asked:
        alike.setdefault(plan.geo_of(day), []).append((day, code))
    homes: dict[tuple[str, tuple[Path, ...]], str] = {}
    for files, networks in alike.items():
        ranges = ranges_at(plan, day_start(min(networks)[0]))
        if ranges is None:
            continue
        asns = [Entity("asn", code) for code in sorted({code for _, code in networks})]
        for entity, log in _logs(store, plan.source, asns, window):
            if country := home_of(log, ranges):
                homes[entity.code, files] = country
    return homes


def _logs(
    store: Store, source: str, entities: Sequence[Entity], window: tuple[int, int]
) -> Iterator[tuple[Entity, ChangeLog]]:
    rows = store.rows("changes", entities=entities, from_us=window[0], until_us=window[1], sources=[source]).collect()
    for code, log in change_logs(rows):
        yield Entity("asn", code), log


def _shares(
    store: Store,
    plan: Plan,
    window: tuple[int, int],
    groups: Sequence[_Group],
    found: Mapping[Holder, Found],
) -> dict[tuple[Entity, Entity], Share]:
    """What each part is of its larger entity, by the group's whole and the part: before each of its outages, and of a
    network that was not out before those of its prefixes."""
    asked = {parent for group in groups for parent in group.parent.values()}
    asked |= {entity for group in groups for entity, _ in group.holder.values() if (entity, "") not in found}
    had = {
        entity: {signal: steps_of(level, signal) for signal in COLUMNS}
        for entity, level in _levels(store, plan.source, sorted(asked, key=lambda one: (one.type, one.code)), window)
    }

    def steps(holder: Holder, signal: str) -> Steps | None:
        before = found[holder].had.get(signal) if holder in found else None
        return before or (had.get(holder[0], {}).get(signal) if not holder[1] else None)

    shares = {}
    for group in groups:
        for part, parent in group.parent.items():
            its_outages = group.outages.get(part, [])
            below = [one for entity, above in group.parent.items() if above == part for one in group.outages[entity]]
            part_shares = []
            for outage in its_outages or below:
                signal = counted_as(outage)
                mine, whole = steps(group.holder[part], signal), steps((parent, ""), signal)
                held = holding(mine, whole, outage, group.outages.get(parent, ())) if mine and whole else None
                part_shares.append(held.share if held is not None else 0.0)
            if part_shares and min(part_shares) > 0:
                shares[group.whole, part] = Share(parent, max(part_shares), tuple(part_shares) if its_outages else ())
    return shares


def _levels(
    store: Store, source: str, entities: Sequence[Entity], window: tuple[int, int]
) -> Iterator[tuple[Entity, Level]]:
    current = store.current()
    for _, alike in groupby(entities, key=lambda entity: entity.type):
        by_code = {entity.code: entity for entity in alike}
        asked: dict[str, Any] = {"from_us": window[0], "until_us": window[1], "sources": [source], "current": current}
        rows = store.rows("levels", entities=list(by_code.values()), **asked).collect()
        for code, level in levels(rows, *window):
            yield by_code[code], level


def _incidents(group: _Group, shares: Mapping[tuple[Entity, Entity], Share], apart: bool) -> Iterator[FoundIncident]:
    """Incidents of a whole with its parts. A lone outage of a network or prefix is none."""
    its_shares = {part: share for (whole, part), share in shares.items() if whole == group.whole}
    for incident in incidents(group.outages, its_shares):
        if incident.entity.type == "country" or len(incident.members) > 1:
            called = replace(incident, entity=named(incident.entity))
            uids = tuple(group.uids[member.entity][member.number] for member in incident.members)
            yield FoundIncident(sentence(called, named_apart=apart or len(incident.members) > 1), called, uids)
