"""One entity of a window: its files folded, its signals measured, its outages found, its report made."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from duskwatch.analysis.causes import explained
from duskwatch.analysis.lead import coverage_in, history_in, numbered_anew, of_window
from duskwatch.analysis.networks import networks_of
from duskwatch.analysis.replay import BIN_US, Progress, Reading, Replay, Window, replay_archives
from duskwatch.analysis.whole_tables import watch_all
from duskwatch.detection import detect, down_at_start, enough_known, judged_spans
from duskwatch.records.countries import CountryRanges
from duskwatch.records.entity import Entity
from duskwatch.records.judged import inside
from duskwatch.records.outages import Outage
from duskwatch.records.prefix import Prefix
from duskwatch.records.report import Report
from duskwatch.records.signals import Carrier
from duskwatch.records.times import DAY, SECOND, to_datetime
from duskwatch.records.transit import OutageTransit
from duskwatch.signals.bgp.artefacts.faults import Faults, find_faults
from duskwatch.signals.bgp.artefacts.guard import coverage_of, guard, without_transfers
from duskwatch.signals.bgp.extents import WatchSpace, extent_of, known_share
from duskwatch.signals.bgp.measures import Extent, measure, transit_shares
from duskwatch.signals.bgp.state import Watch
from duskwatch.signals.bgp.tables import routes_in
from duskwatch.signals.bgp.transit.around import transit_around
from duskwatch.signals.bgp.transit.reliance import reliance_of
from duskwatch.signals.bgp.transit.ways import CountryAses, InsideHops, own_origin
from duskwatch.signals.bgp.votes import Votes, merge_votes
from duskwatch.sources.reference.asnames import AsNames, load_as_names
from duskwatch.sources.reference.files import ReferenceDataError
from duskwatch.sources.reference.geo import load_geo
from duskwatch.sources.reference.names import country_name, former_codes, main_time_zone, name_or_code

NO_NAMES = AsNames({})
CARRIERS = 10  # reported of an entity
MOST_AROUND = 50  # outages of which whole paths are asked

NOT_MEASURED = (
    "whether hosts answered: no probing was done, a routed network can still be unreachable",
    "how much traffic flowed, and whether any attack took place",
    "whether single web sites or services worked",
    "networks inside the country that need no route in the global table",
)


def analyze(
    entity: Entity,
    from_us: int,
    until_us: int,
    mrt: Sequence[Path],
    *,
    geo: Sequence[Path] = (),
    as_names: Sequence[Path] = (),
    collectors: Sequence[str] = (),
    bin_us: int = BIN_US,
    threads: int = 2,
    memory: int = 0,
    reenactment: str = "",
    networks: bool = True,
    neighbours: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Replay archives and tell when an entity could not be reached; with ``networks`` also which of a country's were.

    With ``neighbours`` whole tables are read in the same pass, and the main outage is set beside the same window of
    others: behind the same upstream, in countries nearby, and of calm controls.

    Times are microseconds since the epoch, UTC. Raises ArchiveError, ReferenceDataError or ValueError, each with one
    sentence that says what to do, where the input cannot be used; OSError where a file cannot be read.
    """
    ranges = reference_of(entity, from_us, geo)
    names = load_as_names(as_names) if as_names else NO_NAMES

    def read(back_us: int) -> tuple[Report, bool]:
        replay = replay_archives(
            Window(from_us, until_us, bin_us),
            mrt,
            watch=watch_all if neighbours else watch_of([entity], ranges),
            origins=np.array([entity.asn], np.uint32) if entity.type == "asn" and not neighbours else None,
            collectors=collectors,
            reading=Reading(threads, memory, progress),
            lead=True,
            back_us=back_us,
        )
        alone = own_part(replay, entity, ranges) if neighbours else replay
        votes = merge_votes(list(alone.parts), replay.since_us, until_us)
        report = report_on(entity, alone, votes, ranges, as_names=names, reenactment=reenactment, networks=networks)
        if neighbours:
            from duskwatch.analysis.companions import compared  # which measures others by report_on()

            report = explained(compared(report, replay, ranges, names))
        return report, replay.earlier and down_at_start(report.led or report.history)

    report, further = read(0)
    # The records that had to be read begin in the dark: those of the day before may show what was there.
    return read(DAY)[0] if further else report


def own_part(replay: Replay, entity: Entity, ranges: CountryRanges | None) -> Replay:
    """A replay of whole tables with what one entity has alone, as a replay on that entity would have read it."""
    if entity.type == "asn":
        return replace(replay, parts=tuple(part.of_origin(entity.asn) for part in replay.parts))
    watch = watch_of([entity], ranges)
    kept = [np.flatnonzero(watch(part.afi, part.hi, part.lo, part.length)) for part in replay.parts]
    return replace(replay, parts=tuple(part.of_prefixes(rows) for part, rows in zip(replay.parts, kept, strict=True)))


def reference_of(entity: Entity, from_us: int, geo: Sequence[Path]) -> CountryRanges | None:
    """Whose addresses are whose on the day; ReferenceDataError where nothing says a country's."""
    if entity.type == "country":
        if not geo:
            country_name(entity.code)  # raises for a code that is no country
            raise ReferenceDataError(
                f"which addresses are {entity.code}'s? give --geo FILE: an RIR delegated-extended file of the day, "
                "or a MaxMind-format database"
            )
        ranges = load_geo(list(geo), to_datetime(from_us).date())
        if entity.code in ranges:
            return ranges  # what the file of the day says, even where the code is no country's any more
        country_name(entity.code)
        former = [code for code in former_codes(entity.code) if code in ranges]
        what = f"under {former[0]} ({country_name(former[0])}) then: analyze {former[0]}" if former else ""
        raise ReferenceDataError(
            f"{ranges.source} delegates no address to {entity.code}; "
            + (f"its addresses were delegated {what}" if former else "give the file of its registry")
            + "".join(f"; {text}" for text in ranges.damaged.get(entity.code, ()))
        )
    return load_geo(list(geo), to_datetime(from_us).date()) if geo else None


def watch_of(entities: list[Entity], ranges: CountryRanges | None) -> Watch:
    """A Watch of what some entities have; of networks nothing, as their routes are known by their origin."""
    prefixes = tuple(Prefix.parse(entity.code) for entity in entities if entity.type == "prefix")
    codes = tuple(entity.code for entity in entities if entity.type == "country")
    return WatchSpace(prefixes, codes if ranges is not None else (), ranges)


def report_on(
    entity: Entity,
    replay: Replay,
    votes: Votes,
    ranges: CountryRanges | None,
    *,
    as_names: AsNames = NO_NAMES,
    reenactment: str = "",
    faults: Faults | None = None,
    networks: bool = False,
) -> Report:
    """The report on one entity from what a replay gave.

    faults    of the replay, where many entities share them
    networks  tell a country's networks apart too; it takes the longer, the more the replay holds of other countries
    """
    extent = extent_of(entity, votes, ranges)
    faults = faults or find_faults(replay.parts, replay.heard, replay.inputs, votes)
    guarded = guard(votes, extent.selected, faults)
    votes = guarded.votes
    history = without_transfers(measure(votes, extent, replay.bin_us), votes, extent.selected, faults)
    warnings = list(replay.warnings)
    if history.learned and entity.type == "country" and ranges is not None:
        share = known_share(votes, extent)
        history = replace(history, known_share=share, delegated=True)
        if not enough_known(history):
            warnings.append(
                f"routes heard cover {share:.0%} of the IPv4 space delegated to {entity.code}: "
                "too little to tell a national outage from the state learned so far"
            )
    found = detect(history)
    whole = coverage_of(guarded, extent.selected, history, found, faults)
    kept = of_window(found, replay.from_us)
    outages = numbered_anew(found, kept)
    coverage = coverage_in(whole, kept, replay.from_us)
    judged = inside(judged_spans(history), replay.from_us, replay.until_us)
    if entity.type == "country":
        entity = replace(entity, name=name_or_code(entity.code))
    elif entity.type == "asn":
        entity = replace(entity, name=as_names.names.get(entity.asn, ""))
    operators = None
    if networks and entity.type == "country" and ranges is not None and enough_known(history):
        operators = networks_of(
            entity,
            history.level,
            found,
            replay.parts,
            (replay.since_us, replay.until_us),
            replay.bin_us,
            ranges,
            faults,
            names=as_names.names,
            from_us=replay.from_us,
            of_country=history,
        )
    led = history if replay.lead_us else None
    history = history_in(history, outages, replay.from_us) if replay.lead_us else history
    history = replace(
        history,
        transit=transit_shares(votes, extent, _spans(replay, outages)),
        carriers=_carriers(votes, extent, outages),
    )
    around = _around(votes, extent, own_of(entity, ranges), outages, by_network=entity.type == "country")
    if not extent.selected.any():
        warnings.append(f"no route of {entity.title} was heard in this window, so nothing can be said about it")
    if ranges is not None:
        warnings += ranges.notes
        for text in ranges.damaged.get(entity.code, ()):
            warnings.append(f"{text}; the line names {entity.code}, so some of its addresses may be missing here")
    warnings += as_names.notes
    asns = {int(asn) for asn in np.unique(np.concatenate([history.changes.origin, history.changes.upstream]))}
    asns |= {share.upstream for share in history.transit} | {carrier.asn for carrier in history.carriers}
    asns |= {asn for one in around if one is not None for asn in one.ases}
    asns |= {network.entity.asn for network in operators.lost} if operators is not None else set()
    report = Report(
        entity,
        replay.from_us,
        replay.until_us,
        history,
        outages,
        replay.inputs + (ranges.inputs if ranges is not None else ()) + as_names.inputs,
        tuple(part.collector for part in replay.parts),
        time_zone=main_time_zone(entity.code) if entity.type == "country" else "",
        as_names={asn: as_names.names[asn] for asn in sorted(asns) if asn in as_names.names},
        country_source=ranges.source if ranges is not None and entity.type == "country" else "",
        warnings=tuple(warnings),
        not_measured=NOT_MEASURED,
        reenactment=reenactment or replay.reenactment,
        coverage=coverage,
        networks=operators,
        around=around,
        judged=judged,
        led=led,
    )
    return explained(report)


def own_of(entity: Entity, ranges: CountryRanges | None) -> InsideHops:
    """Whose ASes are inside of an entity: the country's, or else the origin of each path alone."""
    return CountryAses(ranges, entity.code) if entity.type == "country" and ranges is not None else own_origin


def _around(
    votes: Votes, extent: Extent, inside_hops: InsideHops, outages: tuple[Outage, ...], *, by_network: bool
) -> tuple[OutageTransit | None, ...]:
    """Through whom was reached what each outage took; None of those beyond the worst."""
    worst = sorted(range(len(outages)), key=lambda k: (-outages[k].score, k))[:MOST_AROUND]
    found = transit_around(votes, extent.selected, inside_hops, outages, by_network=by_network, asked=worst)
    return found if any(one is not None for one in found) else ()


def _carriers(votes: Votes, extent: Extent, outages: tuple[Outage, ...]) -> tuple[Carrier, ...]:
    """What the entity hung on a second before the worst outage may have begun; without any, as the window ends."""
    main = max(outages, key=lambda outage: outage.score, default=None)
    at = votes.until_us - 1 if main is None else max(votes.from_us, main.onset.earliest_us - SECOND)
    found, visible = reliance_of(routes_in(votes, at), extent.selected, known_only=votes.learned)
    return tuple(Carrier(one.asn, at, one.share, one.only / visible) for one in found[:CARRIERS])


def _spans(replay: Replay, outages: tuple[Outage, ...]) -> list[tuple[int, int]]:
    """The window before, during and after the main outage; the whole window where there is none."""
    if not outages:
        return [(replay.from_us, replay.until_us)]
    main = max(outages, key=lambda outage: outage.score)
    end = main.end.best_us if main.end else replay.until_us
    start = max(replay.from_us, main.onset.best_us)
    spans = [(replay.from_us, start), (start, end), (end, replay.until_us)]
    return [(start, stop) for start, stop in spans if start < stop]
