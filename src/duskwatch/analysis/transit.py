"""Who carries an entity: at a moment, and through a window with what changed when it was lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from duskwatch.analysis.entity import reference_of, report_on, watch_of
from duskwatch.analysis.replay import BIN_US, Reading, Replay, Window, replay_archives
from duskwatch.analysis.whole_tables import watch_all
from duskwatch.records.countries import CountryRanges
from duskwatch.records.entity import Entity
from duskwatch.records.outages import Outage
from duskwatch.records.prefix import Prefix, prefix_texts
from duskwatch.records.signals import SignalBlock
from duskwatch.records.times import MINUTE
from duskwatch.signals.bgp.extents import extent_of, related
from duskwatch.signals.bgp.measures import units
from duskwatch.signals.bgp.tables import RoutesAt, routes_at, routes_in, routes_over
from duskwatch.signals.bgp.transit.behind import Behind, behind
from duskwatch.signals.bgp.transit.course import LetGo, WayChange, WayShare, let_go, regained_us, way_changes
from duskwatch.signals.bgp.transit.hegemony import Scores, score_origins, score_whole, weigh_country
from duskwatch.signals.bgp.transit.pick import of_network
from duskwatch.signals.bgp.transit.reliance import Reliance, reliance_of
from duskwatch.signals.bgp.transit.series import hegemony_series
from duskwatch.signals.bgp.transit.viewpoints import SLASH24
from duskwatch.signals.bgp.transit.ways import CountryAses, InsideHops, Link, links_of, own_origin
from duskwatch.signals.bgp.votes import Votes, merge_votes

SECOND_US = 1_000_000
# As long as a file of updates: without any the table dump is all there is to ask.
DUMP_SPEAKS_US = 15 * MINUTE


@dataclass(frozen=True, slots=True)
class Weighing:
    """How the ASes of a country are weighed, and what of a dependence is reported."""

    address_family: int = 4
    users: Mapping[int, float] | None = None  # users by AS; None: by addresses of the country
    equal: bool = False  # each AS weighs the same
    transit_only: bool = False  # an AS's dependence on itself is left out


@dataclass(frozen=True, slots=True)
class Dependence:
    """Whom an entity depended on at a moment."""

    time_us: int
    hegemony: Mapping[int, float]  # by AS, the largest first
    scores: Scores  # of the single networks of a country; else of the entity
    weights: Mapping[int, float]  # of those networks; /24s where nothing else was asked for
    links: tuple[Link, ...]
    reliance: tuple[Reliance, ...]
    visible: float  # /24s (IPv6: prefixes) that more than half of the voters have
    peers: int  # peer ASes that vote
    reaching: int  # of these, that reach any of it


@dataclass(frozen=True, slots=True)
class Loss:
    """A change of ways after which prefixes were not visible, and who let go of them."""

    change: WayChange
    let_go: tuple[LetGo, ...]
    back_us: int | None  # when the first of them was back


@dataclass(frozen=True, slots=True)
class Transit:
    """Who carried an entity, at a moment or over a window."""

    entity: Entity
    replay: Replay
    before: Dependence  # at the moment asked about; of a window, before its worst outage, or as it began
    learned: bool
    prefixes: tuple[str, ...] = ()  # that rows of changes name
    afi: npt.NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    slash24: tuple[tuple[int, int], ...] = ()  # the /24s of each of these prefixes, [first, last)
    after: Dependence | None = None  # as the window ended, dated by its end
    series: SignalBlock | None = None
    changes: tuple[WayChange, ...] = ()
    shares: tuple[WayShare, ...] = ()
    losses: tuple[Loss, ...] = ()
    outages: tuple[Outage, ...] = ()
    others_behind: int = 0  # the AS that others were looked for behind; 0: nobody was
    others: tuple[Behind, ...] = ()
    warnings: tuple[str, ...] = ()

    def slash24_of(self, change: WayChange) -> int:
        """The /24s of the prefixes of a change, each once."""
        count, reached = 0, -1
        for first, last in sorted(self.slash24[unit] for unit in change.units if self.afi[unit] == 1):
            count += max(0, last - max(first, reached))
            reached = max(reached, last)
        return count

    @property
    def worst(self) -> Loss | None:
        """The loss of the most prefixes reached through a known AS, in the worst outage where there is one."""
        return _worst(self.losses, self.outages)

    def when(self, time_us: int) -> str:
        """Where a time stands among the outages: before, during or after the nearest, with its number."""
        for number, outage in enumerate(self.outages, 1):
            end = outage.end.latest_us if outage.end is not None else None
            if time_us < outage.onset.earliest_us:
                return f"before outage {number}"
            if end is None or time_us <= end:
                return f"during outage {number}"
        return f"after outage {len(self.outages)}" if self.outages else ""


@dataclass(frozen=True, slots=True)
class _Scope:
    """What is asked about an entity: votes on its prefixes, which of them count, and what is its own on a path."""

    entity: Entity
    votes: Votes
    counted: npt.NDArray[np.bool_]
    inside_hops: InsideHops
    how: Weighing

    def dependence(self, routes: RoutesAt) -> Dependence:
        """Whom it depends on at the moment of a table."""
        address_family, sparse = self.how.address_family, self.votes.learned
        links = links_of(routes, self.inside_hops, self.counted, address_family)
        reliance, visible = reliance_of(routes, self.counted, address_family, known_only=sparse)
        weights: dict[int, float] = {}
        if self.entity.type == "country":
            scores = score_origins(routes, address_family=address_family, counted=self.counted, sparse=sparse)
            weights = self.weights_of(scores)
            hegemony = weigh_country(scores, weights, transit_only=self.how.transit_only)
            reaching = int(scores.peers.max(initial=0))
        else:
            if self.entity.type == "asn":
                scores = score_origins(routes, [self.entity.asn], address_family=address_family, sparse=sparse)
                hegemony = scores.of(self.entity.asn)
            else:
                scores = score_whole(routes, address_family=address_family, counted=self.counted, sparse=sparse)
                hegemony = scores.of(0)
            if self.how.transit_only:
                origins = set(routes.paths.ends().origin[np.unique(routes.path[self.counted])].tolist())
                hegemony = {asn: value for asn, value in hegemony.items() if asn not in origins}
            reaching = int(scores.peers.max(initial=0))
        return Dependence(routes.time_us, hegemony, scores, weights, links, reliance, visible, scores.voices, reaching)

    def weights_of(self, scores: Scores) -> dict[int, float]:
        """The weight of each network of a country."""
        if self.how.users is not None:
            return {asn: self.how.users.get(asn, 0.0) for asn in scores.scopes.tolist()}
        unit = SLASH24 if self.how.address_family == 4 else 1
        reached = (np.ones(len(scores.scopes)) if self.how.equal else scores.reached / unit).tolist()
        return dict(zip(scores.scopes.tolist(), reached, strict=True))


def transit_at(
    entity: Entity,
    time_us: int,
    mrt: Sequence[Path],
    *,
    geo: Sequence[Path] = (),
    collectors: Sequence[str] = (),
    how: Weighing = Weighing(),
    reading: Reading = Reading(),
) -> Transit:
    """Whom an entity depends on at a moment, after all that was said in that microsecond.

    Raises what analyze() raises. Where nobody who votes reaches the entity, nothing is said of it.
    """
    window = Window(time_us, time_us + SECOND_US)
    ranges = reference_of(entity, time_us, geo)
    return transit_in(entity, _read(entity, window, mrt, ranges, collectors, reading), ranges, time_us, how)


def transit_in(
    entity: Entity, replay: Replay, ranges: CountryRanges | None, time_us: int, how: Weighing = Weighing()
) -> Transit:
    """The same from what was read: of a country or a prefix what it has, of a network whole tables."""
    replay = _spoken_for(replay, time_us)
    scope = _scope(entity, replay, ranges, how)
    found = scope.dependence(routes_in(scope.votes, time_us))
    return Transit(entity, replay, found, scope.votes.learned, warnings=_warnings(scope, replay, ranges))


def transit_over(
    entity: Entity,
    from_us: int,
    until_us: int,
    mrt: Sequence[Path],
    *,
    geo: Sequence[Path] = (),
    collectors: Sequence[str] = (),
    bin_us: int = BIN_US,
    how: Weighing = Weighing(),
    others: bool = False,
    reading: Reading = Reading(),
) -> Transit:
    """Whom an entity depends on through a window, in bins, and how the ways to it changed.

    others  look in whole tables for those who were reached through the AS through which most was lost
    Raises as transit_at().
    """
    window = Window(from_us, until_us, bin_us)
    ranges = reference_of(entity, from_us, geo)
    replay = _read(entity, window, mrt, ranges, collectors, reading)
    scope = _scope(entity, replay, ranges, how)
    votes = scope.votes
    alone = replay
    if entity.type == "asn":
        origins = np.array([entity.asn], np.uint32)
        alone = replay_archives(
            window, mrt, watch=watch_of([entity], ranges), origins=origins, collectors=collectors, reading=reading
        )
    report = report_on(entity, alone, merge_votes(list(alone.parts), from_us, until_us), ranges)
    first = _moment_before(report.outages, from_us)
    ends = [min(start + bin_us, until_us) - 1 for start in range(from_us, until_us, bin_us)]
    by_time = {routes.time_us: scope.dependence(routes) for routes in routes_over(votes, sorted({first, *ends}))}
    bins = [by_time[end].hegemony if by_time[end].peers else None for end in ends]
    changes, shares = way_changes(votes, scope.inside_hops)
    losses = []
    for change in changes:
        if change.lost and not change.by_voters:
            back_us = regained_us(changes, change, until_us)
            losses.append(Loss(change, let_go(votes, change, back_us), back_us if back_us < until_us else None))
    behind_asn = 0
    found: tuple[Behind, ...] = ()
    if others and (worst := _worst(losses, report.outages)) is not None:
        behind_asn = worst.change.before
        found = _others(entity, window, mrt, ranges, collectors, reading, worst.change)
    begin, end = units(votes.afi, votes.hi, votes.length)
    return Transit(
        entity,
        replay,
        by_time[first],
        votes.learned,
        tuple(prefix_texts(votes.afi, votes.hi, votes.lo, votes.length)),
        votes.afi,
        tuple(zip(begin.tolist(), end.tolist(), strict=True)),
        replace(by_time[ends[-1]], time_us=until_us),
        hegemony_series(from_us, bin_us, bins),
        changes,
        shares,
        tuple(losses),
        report.outages,
        behind_asn,
        found,
        _warnings(scope, replay, ranges),
    )


def transit_of_table(
    time_us: int,
    mrt: Sequence[Path],
    *,
    each: bool,
    collectors: Sequence[str] = (),
    address_family: int = 4,
    reading: Reading = Reading(),
) -> tuple[Scores, Replay]:
    """AS hegemony of the whole table at a moment; with ``each``, of every origin AS in it."""
    window = Window(time_us, time_us + SECOND_US)
    replay = _spoken_for(replay_archives(window, mrt, watch=watch_all, collectors=collectors, reading=reading), time_us)
    sparse = any(part.dumps == 0 for part in replay.parts)
    routes = routes_at(replay.parts, time_us)
    score = score_origins if each else score_whole
    return score(routes, address_family=address_family, sparse=sparse), replay


def _read(
    entity: Entity,
    window: Window,
    mrt: Sequence[Path],
    ranges: CountryRanges | None,
    collectors: Sequence[str],
    reading: Reading,
) -> Replay:
    """What an entity has; of a network whole tables, as others may announce parts of its space."""
    watch = watch_all if entity.type == "asn" else watch_of([entity], ranges)
    return replay_archives(window, mrt, watch=watch, collectors=collectors, reading=reading)


def _spoken_for(replay: Replay, time_us: int) -> Replay:
    """The same, in which a table dump speaks for the minutes after it, whether or not updates were recorded too."""
    parts = tuple(
        replace(part, gaps=()) if 0 <= time_us - part.dumped_us <= DUMP_SPEAKS_US else part for part in replay.parts
    )
    return replace(replay, parts=parts)


def _scope(entity: Entity, replay: Replay, ranges: CountryRanges | None, how: Weighing) -> _Scope:
    span = replay.from_us, replay.until_us
    if entity.type == "asn":
        parts, originated = of_network(sorted(replay.parts, key=lambda part: part.collector), entity.asn)
        return _Scope(entity, merge_votes(parts, *span), originated, own_origin, how)
    votes = merge_votes(list(replay.parts), *span)
    counted = extent_of(entity, votes, ranges).selected
    if entity.type == "country":
        assert ranges is not None
        return _Scope(entity, votes, counted, CountryAses(ranges, entity.code), how)
    inside = counted & (votes.length >= Prefix.parse(entity.code).length)
    if not inside.any() and counted.any():
        inside = counted & (votes.length == votes.length[counted].max())
    return _Scope(entity, votes, inside, own_origin, how)


def _moment_before(outages: Sequence[Outage], from_us: int) -> int:
    """A second before the worst outage may have begun; the start of the window where there is none."""
    if not outages:
        return from_us
    main = max(outages, key=lambda outage: outage.score)
    return max(from_us, main.onset.earliest_us - SECOND_US)


def _worst(losses: Sequence[Loss], outages: Sequence[Outage]) -> Loss | None:
    """The loss of the most prefixes that were reached through a known AS, in the worst outage where there is one."""
    through_known = [loss for loss in losses if loss.change.before]
    if outages:
        main = max(outages, key=lambda outage: outage.score)
        end = main.end.latest_us if main.end is not None else None
        inside = [
            loss
            for loss in through_known
            if loss.change.last_us >= main.onset.earliest_us and (end is None or loss.change.first_us <= end)
        ]
        through_known = inside or through_known
    return max(through_known, key=lambda loss: (len(loss.change.units), -loss.change.first_us), default=None)


def _others(
    entity: Entity,
    window: Window,
    mrt: Sequence[Path],
    ranges: CountryRanges | None,
    collectors: Sequence[str],
    reading: Reading,
    change: WayChange,
) -> tuple[Behind, ...]:
    replay = replay_archives(window, mrt, watch=watch_all, collectors=collectors, reading=reading)
    before = routes_at(replay.parts, max(window.from_us, change.first_us - SECOND_US))
    during = routes_at(replay.parts, change.last_us)
    left_out = np.zeros(len(before.afi), np.bool_)
    if entity.type == "country" and ranges is not None:
        index = ranges.countries.index(entity.code)
        left_out = ranges.countries_of(before.afi, before.hi, before.lo, before.length) == index
    elif entity.type == "prefix":
        left_out = related(Prefix.parse(entity.code), before.afi, before.hi, before.lo, before.length)
    found = behind(before, during, change.before, left_out)
    return tuple(one for one in found if entity.type != "asn" or one.origin != entity.asn)


def _warnings(scope: _Scope, replay: Replay, ranges: CountryRanges | None) -> tuple[str, ...]:
    out = list(replay.warnings)
    if not scope.counted.any():
        out.append(f"no route of {scope.entity.title} was heard, so nothing can be said about it")
    if ranges is not None:
        out += ranges.notes
        if scope.entity.type == "country" and not len(ranges.asn_country):
            out.append("the files name no AS numbers: the AS before the origin is taken to be just outside the country")
    return tuple(out)
