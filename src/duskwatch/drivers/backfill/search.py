"""Outages from the days of a store: who may have had one, and what is found of whom."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from duskwatch.analysis.replay import BIN_US
from duskwatch.detection import DetectionConfig, detect
from duskwatch.drivers.backfill.day import ranges_at
from duskwatch.drivers.backfill.plan import FAULTS, DaySummary, Plan, testimony_path
from duskwatch.drivers.backfill.results import take
from duskwatch.records.countries import CountryRanges
from duskwatch.records.entity import Entity, parse_entity
from duskwatch.records.findings import Finding
from duskwatch.records.outages import Outage
from duskwatch.records.signals import EntityHistory, Late, SignalBlock
from duskwatch.records.times import DAY, to_datetime
from duskwatch.signals.bgp.from_log import VoterSteps, measure_part
from duskwatch.signals.bgp.holdings import Steps, counted_as, network_of, steps_of
from duskwatch.signals.bgp.statements import Statements, Witnessed, ask
from duskwatch.signals.bgp.testimony import UnitColumns, join, pick
from duskwatch.sources.reference.names import name_or_code
from duskwatch.store import Store
from duskwatch.store.frames import day_start
from duskwatch.store.readback import change_log, change_logs, gaps, level, levels

# So many are read from the store at a time where the window is a day; of a longer one fewer, but at least these. The
# changes of one country can be a tenth of all.
DAY_READ, LEAST_READ = 4096, 128
DAY_COUNTRIES, LEAST_COUNTRIES = 32, 1
DAYS_ASKED = 8  # testimony of so many days is in memory at a time
ROUNDING = 1e-6  # lows and highs are float32


@dataclass(frozen=True, slots=True)
class Search:
    """Some entities of the days of a run, in which outages are to be found. Plain values, as the Plan. E entities."""

    from_us: int
    until_us: int
    learned: bool
    entities: tuple[Entity, ...]  # in order of type and code
    known_share: tuple[float, ...]  # [E]
    parts: tuple[tuple[str, ...], ...]  # [E] countries that fell, and in which a part of a network lost something
    homes: tuple[tuple[str, ...], ...]  # [E] of each day the country in which a network lies whole; empty: in none
    voters: VoterSteps
    days: tuple[date, ...]  # that are stored
    well_known: frozenset[str] = frozenset()  # countries of which routes for nearly all space were heard
    late: tuple[Late, ...] = ()  # statements that came late, of all days
    rows: int = 0  # of changes that are read at once, at most


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of an entity, or of its part in a country, that had outages; and what tells whose part it is."""

    finding: Finding
    owner: tuple[str, ...]  # for each outage the code of the larger entity that this one is of; empty: of none
    had: dict[str, Steps]  # what it had, by the signals that its outages are counted by


def searches(days: Sequence[DaySummary], pieces: int, least: int, config: DetectionConfig) -> list[Search]:
    """All that must be searched to find the outages over some days, in at most so many pieces, none but the last of
    fewer than ``least`` entities.

    Days that do not follow each other leave a hole in which nobody was watching.
    """
    from_us, until_us = window_of(days)
    learned = any(day.learned for day in days)
    shares = known_shares(days)
    least_known = config.trailing.well_known
    well_known = frozenset(code for code, share in shares.items() if len(code) == 2 and share >= least_known)
    wanted = candidates(days, config)
    parts = parts_of(days, {entity.code for entity in wanted if entity.type == "country"})
    wanted = sorted({*wanted, *map(parse_entity, parts)}, key=lambda entity: (entity.type, entity.code))
    ordered = sorted(days, key=lambda day: day.from_us)
    voters = VoterSteps.join([(day.voters, day.until_us) for day in ordered])
    stored = tuple(day.day for day in ordered)
    late = tuple(one for day in ordered for one in day.late)
    rows: Counter[str] = Counter()
    for day in ordered:
        rows.update(dict(zip(day.codes, day.rows.tolist(), strict=False)))
    at_once = max(least, -(-len(wanted) // pieces))
    owns = [wanted[at : at + at_once] for at in range(0, len(wanted), at_once)]
    return [
        Search(
            from_us,
            until_us,
            learned,
            tuple(together),
            tuple(shares[entity.code] for entity in together),
            tuple(tuple(sorted(parts.get(entity.code, ()))) for entity in together),
            tuple(tuple(day.homes.get(entity.code, "") for day in ordered) for entity in together),
            voters,
            stored,
            well_known,
            late,
            most_read(together, rows, until_us - from_us),
        )
        for together in owns
    ]


def find_outages(plan: Plan, search: Search) -> list[Found]:
    """Detect outages in what the store holds of some entities, and ask who witnessed each."""
    share = dict(zip(search.entities, search.known_share, strict=True))
    parts = dict(zip(search.entities, search.parts, strict=True))
    homes = dict(zip(search.entities, search.homes, strict=True))
    window = search.from_us, search.until_us
    seen: list[tuple[Entity, str, EntityHistory, tuple[Outage, ...]]] = []
    for entity, history in histories(plan.open_store(), search.entities, *window, plan.source):
        measured = entity.type == "country" or search.well_known.issuperset(homes[entity])
        whole = replace(history, learned=search.learned, known_share=share[entity], delegated=measured)
        whole = replace(whole, late=search.late)
        seen.append((entity, "", whole, detect(whole, plan.detection)))
        for country in parts[entity]:
            for part, outages in _of_part(plan, search, history, country):
                seen.append((entity, country, part, outages))
    seen = [one for one in seen if one[3]]
    testimony = _asked(plan, search, seen)
    return [
        Found(
            Finding(named(entity), outages, within, witnessed.witnesses, witnessed.transit, witnessed.around),
            _owners(search, entity, within, homes[entity], history, outages),
            {signal: steps_of(history.level, signal) for signal in {counted_as(outage) for outage in outages}},
        )
        for (entity, within, history, outages), witnessed in zip(seen, testimony, strict=True)
    ]


def _of_part(
    plan: Plan, search: Search, history: EntityHistory, country: str
) -> Iterator[tuple[EntityHistory, tuple[Outage, ...]]]:
    """The part of a network in a country and its outages, each by the delegations of the day on which it began."""
    for paths, days in groupby(search.days, key=plan.geo_of):
        with_them = set(days)
        if not paths or country not in (ranges := _ranges(plan, min(with_them))):
            continue
        window = search.from_us, search.until_us
        part = measure_part(
            history.changes, country, ranges, search.voters, window, gaps=history.gaps, learned=search.learned
        )
        found = detect(replace(part, delegated=country in search.well_known, late=search.late), plan.detection)
        begun = tuple(outage for outage in found if to_datetime(outage.onset.best_us).date() in with_them)
        yield part, begun if len(begun) == len(found) else tuple(replace(one, relapse_of=None) for one in begun)


def _ranges(plan: Plan, day: date) -> CountryRanges:
    ranges = ranges_at(plan, day_start(day))
    assert ranges is not None
    return ranges


def _owners(
    search: Search,
    entity: Entity,
    within: str,
    homes: Sequence[str],
    history: EntityHistory,
    outages: Sequence[Outage],
) -> tuple[str, ...]:
    """Of what larger entity each outage is: of the country that the network lay in on that day; of a network."""
    if within:
        return (within,) * len(outages)
    if entity.type == "prefix":
        owners = [network_of(entity, history.changes, outage) for outage in outages]
        return tuple("" if owner is None else owner.code for owner in owners)
    on = dict(zip(search.days, homes, strict=True))
    return tuple(on.get(to_datetime(outage.onset.best_us).date(), "") for outage in outages)


def _asked(
    plan: Plan, search: Search, seen: Sequence[tuple[Entity, str, EntityHistory, tuple[Outage, ...]]]
) -> list[Witnessed]:
    """Who witnessed the outages, from the testimony of the days that each touches."""
    asns = np.array(sorted(entity.asn for entity, _, _, _ in seen if entity.type == "asn"), np.int64)
    all_units = any(entity.type != "asn" for entity, _, _, _ in seen)

    def wanted(units: UnitColumns) -> npt.NDArray[np.bool_]:
        return np.ones(len(units), np.bool_) if all_units else np.isin(units.network, asns)

    @lru_cache(DAYS_ASKED)
    def day_of(day: date) -> Statements:
        folder = testimony_path(plan, day)
        spans = [pick(take(path), wanted) for path in sorted(folder.glob("[0-9]*.pickle"))]
        return Statements(join(spans), take(folder / FAULTS), ranges_at(plan, day_start(day)))

    asked: list[tuple[tuple[date, ...], int, list[int]]] = []
    for k, (_, _, _, outages) in enumerate(seen):
        for days, numbers in _by_days(outages, search):
            asked.append((days, k, numbers))
    found: dict[tuple[int, int], tuple[Any, Any, Any]] = {}
    for days, k, numbers in sorted(asked, key=lambda one: (one[0], one[1])):
        entity, within, history, outages = seen[k]
        witnessed = ask(entity, within, history, [outages[n] for n in numbers], [day_of(day) for day in days])
        said = zip(witnessed.witnesses, witnessed.transit, witnessed.around, strict=True)
        for n, of_one in zip(numbers, said, strict=True):
            found[k, n] = of_one
    return [
        Witnessed(*(tuple(found[k, n][column] for n in range(len(outages))) for column in range(3)))
        for k, (_, _, _, outages) in enumerate(seen)
    ]


def _by_days(outages: Sequence[Outage], search: Search) -> Iterator[tuple[tuple[date, ...], list[int]]]:
    """The outages that touch the same days, or share any, together with these days, as far as they are stored."""
    days: list[date] = []
    numbers: list[int] = []
    for n, outage in enumerate(outages):
        end = outage.end.latest_us if outage.end is not None else search.until_us - 1
        span = outage.onset.earliest_us, max(outage.onset.earliest_us, min(end, search.until_us - 1))
        first, last = (to_datetime(at).date() for at in span)
        touched = [day for day in search.days if first <= day <= last]
        if numbers and (not touched or touched[0] > days[-1]):
            yield tuple(days), numbers
            days, numbers = [], []
        days += [day for day in touched if day not in days]
        numbers.append(n)
    if numbers:
        yield tuple(days), numbers


def named(entity: Entity) -> Entity:
    """With the name of a country."""
    return replace(entity, name=name_or_code(entity.code)) if entity.type == "country" else entity


def window_of(days: Sequence[DaySummary]) -> tuple[int, int]:
    """From the start of the first day to the end of the last."""
    return min(day.from_us for day in days), max(day.until_us for day in days)


def known_shares(days: Sequence[DaySummary]) -> dict[str, float]:
    """Of each entity the least share of its space that routes were heard for on any day."""
    shares: dict[str, float] = {}
    for day in days:
        for code, share in zip(day.codes, day.known_share.tolist(), strict=True):
            shares[code] = min(share, shares.get(code, 1.0))
    return shares


def candidates(days: Sequence[DaySummary], config: DetectionConfig = DetectionConfig()) -> list[Entity]:
    """Entities whose level fell within a day or from one to another as far as any detector needs to call an outage.

    In order of type and code. What a level should be is never more than the highest that it was.
    """
    left = 1 - config.least_loss + ROUNDING
    low: dict[str, npt.NDArray[np.float32]] = {}
    high: dict[str, npt.NDArray[np.float32]] = {}
    for day in days:
        for code, least, most in zip(day.codes, day.low, day.high, strict=True):
            low[code] = np.fmin(low.get(code, least), least)
            high[code] = np.fmax(high.get(code, most), most)
    # One that a day does not know had nothing in it.
    everywhere = dict.fromkeys(low, 0)
    for day in days:
        for code in day.codes:
            everywhere[code] += 1
    out = [
        parse_entity(code)
        for code in low
        if everywhere[code] < len(days) or bool(((low[code] <= left * high[code]) & (high[code] > 0)).any())
    ]
    return sorted(out, key=lambda entity: (entity.type, entity.code))


def parts_of(days: Sequence[DaySummary], countries: set[str]) -> dict[str, set[str]]:
    """Of each network of several countries those of some countries in which it lost anything.

    A part is looked at where its country fell: else whole networks are reported alone, as of all others.
    """
    out: dict[str, set[str]] = {}
    for day in days:
        for code, country in day.parts:
            if country in countries:
                out.setdefault(code, set()).add(country)
    return out


def read_at_once(kind: str, length_us: int) -> int:
    """How many entities of a kind are read together over a window."""
    many, least = (DAY_COUNTRIES, LEAST_COUNTRIES) if kind == "country" else (DAY_READ, LEAST_READ)
    return max(least, many * DAY // length_us)


def most_read(entities: Sequence[Entity], rows: Mapping[str, int], length_us: int) -> int:
    """Rows of changes in the largest lot of entities that are read together. ``rows``: by code, over the window."""
    most = 0
    for kind, alike in groupby(entities, key=lambda entity: entity.type):
        of_kind = [rows.get(entity.code, 0) for entity in alike]
        lot = read_at_once(kind, length_us)
        most = max([most, *(sum(of_kind[at : at + lot]) for at in range(0, len(of_kind), lot))])
    return most


def histories(
    store: Store, entities: Sequence[Entity], from_us: int, until_us: int, source: str = "bgp"
) -> Iterator[tuple[Entity, EntityHistory]]:
    """What is stored about some entities but for their binned signals, many at a time; sorted they are read fastest."""
    # All days as they were at one moment, whoever writes meanwhile.
    asked: dict[str, Any] = {"from_us": from_us, "until_us": until_us, "sources": [source], "current": store.current()}
    all_gaps = gaps(store.rows("gaps", **asked).collect())
    unwatched = SignalBlock((), from_us, BIN_US, np.empty((0, 0)), np.empty((0, 0)))
    for kind, alike in groupby(entities, key=lambda entity: entity.type):
        at_once = read_at_once(kind, until_us - from_us)
        left = list(alike)
        while left:
            at_once_entities, left = left[:at_once], left[at_once:]
            rows = {
                name: store.rows(name, entities=at_once_entities, **asked).collect() for name in ("levels", "changes")
            }
            found = dict(levels(rows["levels"], from_us, until_us))
            logs = dict(change_logs(rows["changes"]))
            nothing = level(rows["levels"].clear(), from_us, until_us), change_log(rows["changes"].clear())
            for entity in at_once_entities:
                yield (
                    entity,
                    EntityHistory(
                        found.get(entity.code, nothing[0]), logs.get(entity.code, nothing[1]), unwatched, all_gaps
                    ),
                )
