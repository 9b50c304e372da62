"""The testimony of days asked about one outage: who witnessed it, and through whom what was lost had been reached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from duskwatch.records.countries import CountryRanges
from duskwatch.records.coverage import Witnesses
from duskwatch.records.entity import Entity
from duskwatch.records.outages import Outage
from duskwatch.records.prefix import Prefix, prefix_texts
from duskwatch.records.signals import ChangeLog, EntityHistory, TransitShare
from duskwatch.records.transit import OutageTransit
from duskwatch.signals.bgp.artefacts.faults import Faults
from duskwatch.signals.bgp.artefacts.lone import places
from duskwatch.signals.bgp.artefacts.witness import witness
from duskwatch.signals.bgp.extents import related
from duskwatch.signals.bgp.measures import Extent, shares_of_time, transit_times
from duskwatch.signals.bgp.paths import Ends
from duskwatch.signals.bgp.testimony import Testimony, UnitColumns
from duskwatch.signals.bgp.transit.around import transit_around
from duskwatch.signals.bgp.transit.ways import CountryAses, own_origin
from duskwatch.signals.bgp.vote_rows import Routes, Vote, VoteRows, with_start
from duskwatch.signals.bgp.votes import Votes

I64 = npt.NDArray[np.int64]


class Statements:
    """The testimony of one day, in order of units, so that each of many entities takes its own."""

    def __init__(self, testimony: Testimony, faults: Faults, ranges: CountryRanges | None) -> None:
        self.faults, self.lone, self.others = faults, testimony.lone, testimony.others
        self.from_us, self.until_us = testimony.from_us, testimony.until_us
        self.rows = with_start(_rows(testimony), testimony.units.afi)
        self.of_sessions = np.flatnonzero(self.rows.prefix < 0)
        self.lost = _ByUnit(testimony.units, self.rows.prefix, ranges)
        self.reached = _ByUnit(testimony.others.units, testimony.others.unit, ranges)
        units = testimony.units
        self.texts = prefix_texts(units.afi, units.hi, units.lo, units.length)
        self.places = places(self.rows, faults.same)

    def of(self, entity: Entity, within: str, place: Mapping[str, int]) -> VoteRows:
        """The rows on the prefixes of an entity that were lost, numbered by ``place``, and on sessions."""
        units, rows = self.lost.of(entity, within)
        number = np.full(len(self.texts) + 1, -1, np.int32)
        number[units] = [place.get(self.texts[unit], -1) for unit in units.tolist()]
        about = rows[number[self.rows.prefix[rows]] >= 0]
        chosen = np.sort(np.concatenate([self.of_sessions, about]))
        columns = {name: getattr(self.rows, name)[chosen] for name in ROW_COLUMNS}
        columns["prefix"] = number[columns["prefix"]]
        return replace(self.rows, **columns)

    def steps_of(self, entity: Entity, within: str) -> tuple[I64, npt.NDArray[np.uint32], npt.NDArray[np.int32]]:
        """Through whom the other prefixes of an entity were reached: time, AS, sessions more from then on."""
        _, steps = self.reached.of(entity, within)
        return self.others.time_us[steps], self.others.upstream[steps], self.others.step[steps]


ROW_COLUMNS = ("time_us", "session", "prefix", "code", "route")


class _ByUnit:
    """Units by whose they are, and rows by the unit that they are about."""

    def __init__(self, units: UnitColumns, unit: npt.NDArray[np.int32], ranges: CountryRanges | None) -> None:
        self.units, self.ranges = units, ranges
        self.rows = np.argsort(unit, kind="stable")
        self.first = np.searchsorted(unit[self.rows], np.arange(len(units) + 1))
        self.by_network = np.argsort(units.network, kind="stable")
        self.network = units.network[self.by_network]

    @cached_property
    def country(self) -> npt.NDArray[np.int32]:
        """Of each unit."""
        units = self.units
        if self.ranges is None:
            return np.full(len(units), -1, np.int32)
        return self.ranges.countries_of(units.afi, units.hi, units.lo, units.length)

    def of(self, entity: Entity, within: str) -> tuple[I64, I64]:
        """Units of an entity in order, and the rows about them."""
        if entity.type == "asn":
            its_units = np.sort(self.by_network[slice(*np.searchsorted(self.network, [entity.asn, entity.asn + 1]))])
        elif entity.type == "country":
            its_units = np.flatnonzero(self.units.whole & (self.country == self._index(entity.code)))
        else:
            columns = self.units.afi, self.units.hi, self.units.lo, self.units.length
            its_units = np.flatnonzero(self.units.whole & related(Prefix.parse(entity.code), *columns))
        if within:
            its_units = its_units[self.country[its_units] == self._index(within)]
        first, count = self.first[its_units], self.first[its_units + 1] - self.first[its_units]
        begin = np.repeat(first - (np.cumsum(count) - count), count)
        return its_units.astype(np.int64), self.rows[begin + np.arange(int(count.sum()))]

    def _index(self, code: str) -> int:
        return self.ranges.countries.index(code) if self.ranges is not None and code in self.ranges.countries else -2


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What testimony adds to the outages of one entity, in their order."""

    witnesses: tuple[Witnesses | None, ...]
    transit: tuple[tuple[TransitShare, ...], ...]  # before, during and after each
    around: tuple[OutageTransit | None, ...]  # what whole paths tell of what each took


def ask(
    entity: Entity, within: str, history: EntityHistory, outages: Sequence[Outage], days: Sequence[Statements]
) -> Witnessed:
    """Who witnessed some outages that touch some days, and through whom the entity was reached around each.

    history  of the entity (or of its part in a country) over a window that holds these days, which follow each other
    """
    log = history.changes
    place = {text: k for k, text in enumerate(log.prefixes)}
    votes = _votes(log, days, _joined([day.of(entity, within, place) for day in days], days))
    lone = [one for day in days for one in day.lone if one.prefix in place]
    everything = np.ones(len(place), np.bool_)
    collectors = days[0].places if len(days) == 1 else None
    witnesses, _ = witness(votes, everything, history, outages, _faults(days), lone, collectors)
    others = [(day.until_us, *day.steps_of(entity, within)) for day in days]
    ranges = days[0].lost.ranges
    by_network = entity.type == "country" and ranges is not None
    inside = CountryAses(ranges, entity.code) if by_network and ranges is not None else own_origin
    whole = replace(_in_order(votes, log.prefixes), learned=history.learned)
    around = transit_around(whole, everything, inside, outages, by_network=by_network)
    return Witnessed(witnesses, tuple(_transit(votes, others, outage) for outage in outages), around)


def _votes(log: ChangeLog, days: Sequence[Statements], rows: VoteRows) -> Votes:
    """Changes as they are stored, with the rows that the testimony of days gives; prefixes as the log has them."""
    afi = np.array([2 if ":" in text else 1 for text in log.prefixes], np.uint8)
    nothing = np.zeros(len(afi), np.uint64)
    return Votes(
        days[0].from_us,
        days[-1].until_us,
        afi,
        nothing,
        nothing,
        np.zeros(len(afi), np.uint8),
        **{name: getattr(log, name) for name in ("time_us", "prefix", "state", "votes", "voters", "origin")},
        upstream=log.upstream,
        beyond=log.beyond,
        by_voters=log.by_voters,
        step_us=np.empty(0, np.int64),
        voters4=np.empty(0, np.int32),
        voters6=np.empty(0, np.int32),
        rows=rows,
        gaps=(),
        learned=False,
        any_origin=np.ones(len(afi), np.bool_),
        origin_of=np.full(len(afi), -1, np.int64),
    )


def _in_order(votes: Votes, prefixes: Sequence[str]) -> Votes:
    """Votes with their prefixes told, in order of address, as whatever looks at what lies in what needs them."""
    parsed = [Prefix.parse(text) for text in prefixes]
    order = sorted(range(len(parsed)), key=lambda k: (parsed[k].afi, parsed[k].hi, parsed[k].lo, parsed[k].length))
    place = np.empty(len(order) + 1, np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    place[-1] = -1  # rows of sessions
    ordered = [parsed[k] for k in order]
    rows = votes.rows
    return replace(
        votes,
        afi=np.array([one.afi for one in ordered], np.uint8),
        hi=np.array([one.hi for one in ordered], np.uint64),
        lo=np.array([one.lo for one in ordered], np.uint64),
        length=np.array([one.length for one in ordered], np.uint8),
        prefix=place[votes.prefix],
        # What stood as the day began is among the rows.
        rows=replace(
            rows,
            prefix=place[rows.prefix],
            cells=np.zeros((len(order), 0), np.uint8),
            held_by=np.zeros((len(order), 0), np.int32),
            last=np.zeros(len(order), np.int32),
            ever=np.zeros(len(order), np.uint8),
        ),
    )


def _rows(said: Testimony) -> VoteRows:
    """One day's statements as rows of votes, with what stood when the day began."""
    units = len(said.units)
    ends = said.paths.ends()
    none = np.zeros(1, np.uint32)
    routes = Routes((said.paths,), np.ones(1, np.int64), Ends(*(np.concatenate([none, column]) for column in ends)))
    return VoteRows(
        said.from_us,
        said.time_us,
        said.session.astype(np.int32),
        said.unit,
        said.code,
        said.path + np.int32(1),
        said.sessions,
        said.voter_of,
        said.cells,
        said.path_before + np.int32(1),
        np.zeros(units, np.int32),
        np.zeros(units, np.uint8),
        said.complete,
        said.fresh,
        routes,
    )


def _joined(parts: Sequence[VoteRows], days: Sequence[Statements]) -> VoteRows:
    """The rows of days that follow each other. Sessions of each day are its own, and end as those of the next begin."""
    if len(parts) == 1:
        return parts[0]
    voters: dict[str, int] = {}
    names = [session.rsplit(" ", 1)[0] for part in parts for session in part.sessions]
    voter_of = np.array([voters.setdefault(name, len(voters)) for name in names], np.int32)
    columns: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in ROW_COLUMNS}
    base, routes = 0, 0
    for k, (part, day) in enumerate(zip(parts, days, strict=True)):
        begun = int(np.searchsorted(part.time_us, day.from_us, side="right")) if k else 0
        ended = np.arange(base - len(parts[k - 1].sessions), base) if k else np.empty(0, np.int64)
        gone = {
            "time_us": np.full(3 * len(ended), day.from_us),
            "session": np.repeat(ended, 3) - base,
            "prefix": np.full(3 * len(ended), -1),
            "code": np.tile([Vote.OFF4, Vote.OFF6, Vote.CLEAR], len(ended)),
        }
        first = {"session": base, "route": routes}
        for name, pieces in columns.items():
            column = getattr(part, name)
            leaving = gone.get(name, np.zeros(3 * len(ended))).astype(column.dtype)
            both = np.concatenate([column[:begun], leaving, column[begun:]])
            pieces.append(both + np.int32(first[name]) if name in first else both)
        base += len(part.sessions)
        routes += len(part.routes.ends.upstream)
    joined: dict[str, Any] = {name: np.concatenate(pieces) for name, pieces in columns.items()}
    return replace(
        parts[0],
        **joined,
        sessions=tuple(session for part in parts for session in part.sessions),
        voter_of=voter_of,
        routes=Routes(
            tuple(paths for part in parts for paths in part.routes.paths),
            np.cumsum([0] + [len(part.routes.ends.origin) for part in parts])[:-1] + 1,
            Ends(*(np.concatenate(columns) for columns in zip(*(part.routes.ends for part in parts), strict=True))),
        ),
    )


def _faults(days: Sequence[Statements]) -> Faults:
    """The faults of days that follow each other, sessions numbered as _joined() does."""
    if len(days) == 1:
        return days[0].faults
    bases = np.cumsum([0] + [len(day.rows.sessions) for day in days]).tolist()
    shifted = [(day.faults, base) for day, base in zip(days, bases, strict=False)]
    return Faults(
        tuple(one for faults, _ in shifted for one in faults.artefacts),
        (),
        tuple((time_us, session + base) for faults, base in shifted for time_us, session in faults.downs),
        {name: same for faults, _ in shifted for name, same in faults.same.items()},
        any(faults.lopsided for faults, _ in shifted),
        tuple(heard for faults, _ in shifted for heard in faults.heard),
        tuple(offset + base for faults, base in shifted for offset in faults.offsets),
    )


def _transit(
    votes: Votes,
    others: Sequence[tuple[int, I64, npt.NDArray[np.uint32], npt.NDArray[np.int32]]],
    outage: Outage,
) -> tuple[TransitShare, ...]:
    """Through whom an entity was reached before, during and after an outage, over the days that were asked.

    others  of each day its end, and Statements.steps_of()
    """
    start, end = outage.onset.best_us, outage.end.best_us if outage.end is not None else votes.until_us
    ends = [(votes.from_us, start), (start, end), (end, votes.until_us)]
    spans = [(begin, stop) for begin, stop in ends if begin < stop]
    ases, spent = transit_times(votes, Extent(np.ones(len(votes.afi), np.bool_)), spans)
    total: list[dict[int, int]] = [dict(zip(ases.tolist(), times.tolist(), strict=True)) for times in spent]
    for until_us, time_us, upstream, step in others:
        through, index = np.unique(upstream, return_inverse=True)
        for k, (begin, stop) in enumerate(spans):
            times = np.maximum(0, min(stop, until_us) - np.maximum(time_us, begin)) * step
            for asn, time in zip(through.tolist(), np.bincount(index, times, len(through)).tolist(), strict=True):
                total[k][asn] = total[k].get(asn, 0) + round(time)
    return shares_of_time(total, spans)
