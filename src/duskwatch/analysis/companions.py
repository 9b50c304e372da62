"""Others in the same window, from one replay of whole tables: behind the same upstream, nearby, and controls."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from duskwatch.analysis.entity import own_part, report_on
from duskwatch.analysis.replay import Replay
from duskwatch.analysis.whole_tables import faults_in
from duskwatch.explanation.gather import main_outage
from duskwatch.records.comparison import Companion, Comparison, Fate, Relation
from duskwatch.records.countries import CountryRanges
from duskwatch.records.entity import Entity
from duskwatch.records.outages import Outage
from duskwatch.records.report import Report
from duskwatch.records.signals import Level
from duskwatch.records.times import HOUR, SECOND
from duskwatch.signals.bgp.artefacts.faults import Faults
from duskwatch.signals.bgp.tables import routes_at
from duskwatch.signals.bgp.transit.behind import behind
from duskwatch.signals.bgp.vote_units import Units, number_units
from duskwatch.signals.bgp.votes import merge_votes
from duskwatch.sources.reference.asnames import AsNames
from duskwatch.sources.reference.names import name_or_code
from duskwatch.sources.reference.nearby import nearby

MOST_BEHIND, MOST_NEARBY, MOST_CONTROLS = 6, 6, 3
CANDIDATES = 12  # of like size, of which the calmest become controls
TOGETHER_US = HOUR  # an outage that begins so near to the onset fell with it
LEAST_PREFIXES = 2  # of somebody behind an upstream, or a control


@dataclass(frozen=True, slots=True)
class _Choice:
    """Somebody to compare with."""

    entity: Entity
    relation: Relation
    why: str


@dataclass(frozen=True, slots=True)
class _Tables:
    """Whole tables of a window, with whose each unit is."""

    replay: Replay
    ranges: CountryRanges | None
    units: Units
    country: npt.NDArray[np.int32]  # [P] of each unit; -1 nobody's


def compared(report: Report, replay: Replay, ranges: CountryRanges | None, as_names: AsNames) -> Report:
    """The report with its main outage beside the same window of others; as it is where it has no outage.

    replay  of whole tables, from which the report was made
    """
    number = main_outage(report)
    if number is None:
        return report
    main = report.outages[number]
    parts = sorted(replay.parts, key=lambda part: part.collector)
    replay = replace(replay, parts=tuple(parts))
    units = number_units(parts, [part.paths.ends().origin for part in parts])
    country = np.full(len(units.afi), -1, np.int32)
    if ranges is not None:
        country = ranges.countries_of(units.afi, units.hi, units.lo, units.length)
    tables = _Tables(replay, ranges, units, country)
    around = report.around[number] if number < len(report.around) else None
    upstream = around.entries_before[0].outside if around is not None and around.entries_before else 0
    same = [*_behind(tables, report, main, upstream, as_names), *_nearby(tables, report.entity)]
    known = {choice.entity.code for choice in same} | {report.entity.code}
    faults = faults_in(replay)
    told = [_measured(tables, choice, report, main, faults) for choice in same]
    controls = [
        _measured(tables, choice, report, main, faults) for choice in _candidates(tables, report, known, as_names)
    ]
    calm = sorted(controls, key=lambda one: (_changes_before(one, main), one.entity.code))
    order = {"behind": 0, "neighbour": 1, "control": 2}
    companions = sorted(
        [*told, *[one for one in calm if one.before > 0][:MOST_CONTROLS]],
        key=lambda one: (order[one.relation], -np.nan_to_num(one.lost), one.entity.code),
    )
    unit = "/24s" if _counted(report.history.level)[1] == "/24s" else "/48s"
    comparison = Comparison(number, upstream, unit, report.until_us, tuple(companions))
    names = {one.entity.asn: one.entity.name for one in companions if one.entity.type == "asn" and one.entity.name}
    return replace(report, comparison=comparison, as_names={**names, **report.as_names})


def _behind(tables: _Tables, report: Report, main: Outage, upstream: int, as_names: AsNames) -> Iterator[_Choice]:
    """Networks of which most is reached through the same upstream a second before."""
    if not upstream:
        return
    replay = tables.replay
    at = min(max(replay.since_us, main.onset.earliest_us - SECOND), replay.until_us - 1)
    routes = routes_at(replay.parts, at)
    left_out = np.zeros(len(routes.afi), np.bool_)
    if report.entity.type == "country" and tables.ranges is not None:
        index = tables.ranges.countries.index(report.entity.code)
        left_out = tables.ranges.countries_of(routes.afi, routes.hi, routes.lo, routes.length) == index
    found = [
        one
        for one in behind(routes, routes, upstream, left_out)
        if one.origin and f"AS{one.origin}" != report.entity.code and one.prefixes >= LEAST_PREFIXES
    ]
    for one in sorted(found, key=lambda each: (-each.prefixes, each.origin))[:MOST_BEHIND]:
        entity = Entity("asn", f"AS{one.origin}", as_names.names.get(one.origin, ""))
        yield _Choice(entity, "behind", f"{one.prefixes:,} prefixes through AS{upstream}")


def _nearby(tables: _Tables, entity: Entity) -> Iterator[_Choice]:
    """The nearest countries that have any route."""
    if entity.type != "country" or tables.ranges is None:
        return
    many = 0
    for code, km in nearby(entity.code):
        if code not in tables.ranges or many == MOST_NEARBY:
            continue
        if (tables.country == tables.ranges.countries.index(code)).any():
            many += 1
            yield _Choice(Entity("country", code, name_or_code(code)), "neighbour", f"{km:,.0f} km away")


def _candidates(tables: _Tables, report: Report, known: set[str], as_names: AsNames) -> Iterator[_Choice]:
    """Others with about as many prefixes: countries beside a country that are not near it, networks beside others."""
    size = max(1, len({*report.history.changes.prefixes}))
    if report.entity.type == "country" and tables.ranges is not None:
        near = {code for code, _ in nearby(report.entity.code)} | known
        counts = np.bincount(tables.country[tables.country >= 0], minlength=len(tables.ranges.countries))
        found = [(code, int(counts[k])) for k, code in enumerate(tables.ranges.countries) if code not in near]
    else:
        asns, many = np.unique(tables.units.sole_origin[tables.units.sole_origin > 0], return_counts=True)
        found = [(f"AS{asn}", int(n)) for asn, n in zip(asns.tolist(), many.tolist(), strict=True)]
        found = [row for row in found if row[0] not in known]
    like = [row for row in found if row[1] >= min(LEAST_PREFIXES, size)]
    like.sort(key=lambda row: (abs(np.log(row[1] / size)), row[0]))
    for code, many_ in like[:CANDIDATES]:
        named = code[:2] == "AS" and code[2:].isdigit()
        entity = Entity("asn", code, as_names.names.get(int(code[2:]), "")) if named else None
        entity = entity or Entity("country", code, name_or_code(code))
        yield _Choice(entity, "control", f"{many_:,} prefixes, calm before")


def _measured(tables: _Tables, choice: _Choice, report: Report, main: Outage, faults: Faults) -> Companion:
    """One of them, measured as an analysis of it alone would have."""
    replay = own_part(tables.replay, choice.entity, tables.ranges)
    votes = merge_votes(list(replay.parts), replay.since_us, replay.until_us)
    found = report_on(choice.entity, replay, votes, tables.ranges, faults=faults)
    level = (found.led or found.history).level
    values, _ = _counted(level)
    before = _at(level, values, main.onset.earliest_us - SECOND)
    end = main.end.best_us if main.end is not None else report.until_us
    least = _least(level, values, main.onset.earliest_us, end)
    lost = max(0.0, 1 - least / before) if before > 0 else float("nan")
    return Companion(
        choice.entity, choice.relation, choice.why, _fate(found, main), before, lost, level.time_us, values
    )


def _fate(found: Report, main: Outage) -> Fate:
    if any(abs(one.onset.best_us - main.onset.best_us) <= TOGETHER_US for one in found.outages):
        return "fell"
    if any(one.judged and one.from_us <= main.onset.best_us < one.until_us for one in found.judged):
        return "stayed"
    return "not judged"


def _counted(level: Level) -> tuple[npt.NDArray[np.float64], str]:
    """The /24s of a level, its /48s where it never had any of those."""
    return (level.slash24, "/24s") if np.nan_to_num(level.slash24).any() else (level.slash48, "/48s")


def _at(level: Level, values: npt.NDArray[np.float64], time_us: int) -> float:
    row = int(np.searchsorted(level.time_us, time_us, side="right")) - 1
    return float(values[row]) if row >= 0 else float("nan")


def _least(level: Level, values: npt.NDArray[np.float64], from_us: int, until_us: int) -> float:
    first = max(0, int(np.searchsorted(level.time_us, from_us, side="right")) - 1)
    last = max(first + 1, int(np.searchsorted(level.time_us, until_us, side="left")))
    some = values[first:last]
    some = some[~np.isnan(some)]
    return float(some.min()) if some.size else float("nan")


def _changes_before(one: Companion, main: Outage) -> float:
    """How often it changed before the onset, and how much: the controls are those that did least."""
    kept = one.time_us < main.onset.earliest_us
    values = one.visible[kept]
    values = values[~np.isnan(values)]
    return float(np.abs(np.diff(values)).sum() / one.before) if one.before > 0 else float("inf")
