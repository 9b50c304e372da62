"""One day of whole tables into a store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from duskwatch.analysis.replay import Replay, join_replays
from duskwatch.analysis.whole_tables import count_all, faults_in, measure_all
from duskwatch.drivers.backfill.plan import DaySummary, Plan
from duskwatch.records.countries import CountryRanges
from duskwatch.records.prefix import Prefix, address_text
from duskwatch.records.report import InputFile
from duskwatch.records.signals import EntityHistory, Gap, Level, PrefixState
from duskwatch.records.times import DAY, to_datetime
from duskwatch.signals.bgp.artefacts.faults import Faults
from duskwatch.signals.bgp.collector_part import CollectorPart
from duskwatch.signals.bgp.extents import related
from duskwatch.signals.bgp.from_log import VoterSteps
from duskwatch.signals.bgp.holdings import homes, parts_of_networks
from duskwatch.signals.bgp.testimony import Keep, Testimony, UnitColumns, pick
from duskwatch.signals.bgp.votes import NO_EARLIER, EarlierPrefixes, Votes, known_after
from duskwatch.sources.reference.geo import load_geo
from duskwatch.store import change_frames, level_frames, signal_frames
from duskwatch.store.frames import History
from duskwatch.store.schemas import DUMP_CHECKS

MEASURED_TOGETHER = 1024  # entities in memory at a time
# What a Level counts; whoever has outages fell in one of the first three.
COUNTED = ("prefixes", "slash24", "slash48", "held_slash24", "held_slash48")
LOST = (PrefixState.DARK, PrefixState.MINORITY)
# So long a prefix that is gone is counted as gone; then it is no longer anybody's.
KNOWN_US = 30 * DAY


def stored_days(plan: Plan) -> list[date]:
    """Days that the store has; it is made where there is none."""
    return plan.open_store(create=True).days(plan.source)


@dataclass(frozen=True, slots=True)
class CountedDay:
    """The collectors of one day merged, before any entity is measured; what a day's tables are made of. Picklable."""

    votes: Votes
    bin_us: int
    inputs: tuple[InputFile, ...]
    warnings: tuple[str, ...]
    checks: pl.DataFrame  # comparisons with table dumps, as rows of the store
    faults: Faults
    reenactment: str = ""  # what the files say of themselves, where they are no recordings


def merge_collectors(
    day: date, replays: list[Replay], plan: Plan, earlier: EarlierPrefixes = NO_EARLIER, keep: Keep | None = None
) -> tuple[CountedDay, EarlierPrefixes]:
    """Merge the collectors of one day; what that gave, and what is known after the day.

    replays  of the collectors; the list is emptied, so that they do not fill the memory to the end
    earlier  prefixes known from the days before: what is gone by now is counted as gone
    keep     takes what single sessions said of what was lost
    """
    replay = join_replays(replays)
    replays.clear()
    faults = faults_in(replay)
    votes = count_all(replay, earlier=earlier, threads=plan.threads, faults=faults, keep=keep)
    counted = CountedDay(
        votes, replay.bin_us, replay.inputs, replay.warnings, _checks(replay.parts), faults, replay.reenactment
    )
    return counted, known_after(votes, earlier, KNOWN_US)


def measure_day(day: date, counted: CountedDay, lost: Sequence[Gap], plan: Plan) -> tuple[DaySummary, set[str]]:
    """Measure one day and write what was measured; a day that is there is replaced.

    lost  stretches of collectors that could not be read: gaps of that day
    Returns what detection needs to know, and codes of entities that may have an outage. Raises StoreError,
    ReferenceDataError or OSError, each with what to do.
    """
    votes = counted.votes
    ranges = ranges_at(plan, votes.from_us)
    country = ranges.countries_of(votes.afi, votes.hi, votes.lo, votes.length) if ranges is not None else None
    (plan.work / "spool").mkdir(parents=True, exist_ok=True)
    # Of this task alone: another worker may be at the same day, if it was thought to be lost.
    spool = Path(mkdtemp(prefix=f"{day}-", dir=plan.work / "spool"))
    try:
        measured = _measure(votes, ranges, country, counted.bin_us, plan, day, spool)
        summary = DaySummary(
            day,
            votes.from_us,
            votes.until_us,
            tuple(measured.codes),
            np.array(measured.low, np.float32).reshape(-1, 3),
            np.array(measured.high, np.float32).reshape(-1, 3),
            np.array(measured.known_share, np.float64),
            votes.learned,
            (*counted.warnings, *(ranges.notes if ranges is not None else ())),
            tuple(f"{file.collector} {file.name}: {file.damage}" for file in counted.inputs if file.damage),
            VoterSteps(votes.step_us, votes.voters4, votes.voters6),
            rows=np.array(measured.rows, np.int32),
            late=votes.late,
            reenactment=counted.reenactment,
        )
        fallen = _fallen(votes, country, ranges, summary, plan.dip)
        if ranges is not None and country is not None:
            home, parts = _whose(votes, country, ranges, fallen)
            summary, fallen = replace(summary, homes=home, parts=parts), fallen | {code for code, _ in parts}
        with plan.open_store().write_day(day, source=plan.source) as writer:
            writer.recorded(votes.from_us, votes.until_us, learned=votes.learned, reenactment=counted.reenactment)
            writer.inputs(counted.inputs)
            writer.gaps([*votes.gaps, *lost])
            writer.checks(counted.checks)
            del votes, counted  # writing takes memory too
            writer.changes(measured.read("changes"))
            writer.levels(measured.read("levels"))
            writer.signals(measured.read("signals"))
    finally:
        rmtree(spool, ignore_errors=True)
    return summary, fallen


def kept_testimony(testimony: Testimony, fallen: set[str], ranges: CountryRanges | None) -> Testimony:
    """What single sessions said on a day, as far as it is about entities that lost a part of theirs, named by code."""
    asns = np.array(sorted(int(code[2:]) for code in fallen if code[:2] == "AS" and code[2:].isdigit()), np.int64)
    prefixes = [Prefix.parse(code) for code in fallen if "/" in code]
    countries = np.array([code in fallen for code in (*(ranges.countries if ranges is not None else ()), "")])

    def wanted(units: UnitColumns) -> npt.NDArray[np.bool_]:
        columns = units.afi, units.hi, units.lo, units.length
        of_wanted = np.isin(units.network, asns)
        if ranges is not None and countries.any():
            of_wanted |= units.whole & countries[ranges.countries_of(*columns)]
        for prefix in prefixes:
            of_wanted |= units.whole & related(prefix, *columns)
        return of_wanted

    return pick(testimony, wanted)


def _whose(
    votes: Votes, country: npt.NDArray[np.int32], ranges: CountryRanges, fallen: set[str]
) -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
    """Of networks that fell the country in which they lie whole, and of others where they lost something, of countries
    that fell."""
    fell = np.array([code in fallen for code in (*ranges.countries, "")])
    lost = np.zeros(len(votes.afi), np.bool_)
    lost[votes.prefix[np.isin(votes.state, LOST)]] = True
    lost &= fell[country]
    asked = lost | np.isin(votes.origin_of, [int(code[2:]) for code in fallen if code[:2] == "AS" and len(code) > 2])
    home = homes(votes.afi, votes.hi, votes.length, votes.origin_of, country, asked, ranges)
    parts = parts_of_networks(votes.origin_of, country, lost, home, ranges.countries)
    return {f"AS{asn}": code for asn, code in home.items()}, tuple((f"AS{asn}", code) for asn, code in parts)


def _fallen(
    votes: Votes, country: npt.NDArray[np.int32] | None, ranges: CountryRanges | None, summary: DaySummary, dip: float
) -> set[str]:
    """Entities of which so large a part was lost in the day, or was not there when it began."""
    deep = np.flatnonzero((summary.low < (1 - dip) * summary.high).any(axis=1))
    found = {summary.codes[k] for k in deep.tolist()}
    gone = np.zeros(len(votes.afi), np.bool_)
    first = slice(0, int(np.searchsorted(votes.time_us, votes.from_us, side="right")))
    gone[votes.prefix[first][np.isin(votes.state[first], LOST)]] = True

    def much(owner: npt.NDArray[np.int64]) -> list[int]:
        lacking, many = np.unique(owner[gone & (owner >= 0)], return_counts=True)
        everyone, whole = np.unique(owner[owner >= 0], return_counts=True)
        large: list[int] = lacking[many >= dip * whole[np.searchsorted(everyone, lacking)]].tolist()
        return large

    found |= {f"AS{asn}" for asn in much(votes.origin_of)}
    if ranges is not None and country is not None:
        found |= {ranges.countries[index] for index in much(np.where(votes.any_origin, country, -1).astype(np.int64))}
    return found


@dataclass
class _Measured:
    """What was measured of a day: rows of tables in files, by table, and what its summary tells of each entity."""

    frames: dict[str, list[Path]] = field(default_factory=lambda: {"changes": [], "levels": [], "signals": []})
    codes: list[str] = field(default_factory=list)
    low: list[npt.NDArray[np.float32]] = field(default_factory=list)
    high: list[npt.NDArray[np.float32]] = field(default_factory=list)
    known_share: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)  # of changes

    def read(self, name: str) -> Iterator[pl.DataFrame]:
        """The rows of a table, frame by frame."""
        return (pl.read_ipc(path) for path in self.frames[name])


def _measure(
    votes: Votes,
    ranges: CountryRanges | None,
    country: npt.NDArray[np.int32] | None,
    bin_us: int,
    plan: Plan,
    day: date,
    spool: Path,
) -> _Measured:
    """Measure every entity, and put the rows into files: all of a day at once would not fit in the memory."""
    out = _Measured()
    measured: list[History] = []

    def put() -> None:
        low, high, still = _extremes([history.level for _, history in measured])
        out.low += list(low)
        out.high += list(high)
        brief = [
            (entity, _brief(history) if alike and entity.type != "country" else history)
            for (entity, history), alike in zip(measured, still, strict=True)
        ]
        made = (change_frames(measured, day), level_frames(brief, day), signal_frames(measured, day))
        for (name, paths), some in zip(out.frames.items(), made, strict=True):
            for frame in some:
                path = spool / f"{name}-{len(paths)}.arrow"
                frame.write_ipc(path, compression="lz4")  # most of it says again and again that nothing changed
                paths.append(path)
        measured.clear()

    prefixes = [Prefix.parse(code) for code in plan.prefixes]
    for entity, history in measure_all(votes, ranges, bin_us, kinds=plan.kinds, prefixes=prefixes, country=country):
        out.codes.append(entity.code)
        out.known_share.append(history.known_share)
        out.rows.append(len(history.changes.time_us))
        measured.append((entity, history))
        if len(measured) == MEASURED_TOGETHER:
            put()
    put()
    return out


def ranges_at(plan: Plan, at_us: int) -> CountryRanges | None:
    """Whose addresses were whose at a time; None where nothing says it. Read once for all tasks that ask in turn."""
    on = to_datetime(at_us).date()
    paths = plan.geo_of(on)
    if not paths:
        return None
    try:
        stats = [path.stat() for path in paths]
    except OSError:
        return load_geo(list(paths), on)  # which says what is wrong
    return _load_geo(paths, on, tuple((stat.st_size, stat.st_mtime_ns) for stat in stats))


@lru_cache(1)
def _load_geo(paths: tuple[Path, ...], on: date, _as_they_are: tuple[tuple[int, int], ...]) -> CountryRanges:
    return load_geo(list(paths), on)


def _extremes(
    levels: Sequence[Level],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Least and most of prefixes, /24s and /48s of each while anybody was watching, [E, 3]; and whether all that was
    counted stood still, [E]."""
    low, high = np.full((2, len(levels), 3), np.nan, np.float32)
    still = np.ones(len(levels), np.bool_)
    sizes = np.array([len(steps.time_us) for steps in levels], np.int64)
    with_steps = np.flatnonzero(sizes)
    if len(with_steps):
        first = (np.cumsum(sizes) - sizes)[with_steps]
        for k, name in enumerate(COUNTED):
            values = np.concatenate([getattr(steps, name) for steps in levels])
            least, most = np.fmin.reduceat(values, first), np.fmax.reduceat(values, first)
            unknown = np.add.reduceat(np.isnan(values).astype(np.int64), first)
            still[with_steps] &= np.where(unknown, unknown == sizes[with_steps], least == most)
            if k < 3:
                low[with_steps, k], high[with_steps, k] = least, most
    return low, high, still


def _brief(history: EntityHistory) -> EntityHistory:
    """Of a network or prefix whose level stood still all day one row is kept, with the usual number of voters.

    A table of every step in the number of voters for every network would be the same rows eighty thousand times.
    """
    steps = history.level
    if len(steps.time_us) < 2:
        return history
    length = np.diff(np.append(steps.time_us, steps.until_us))
    order = np.argsort(steps.voters, kind="stable")
    at = np.searchsorted(np.cumsum(length[order]), length.sum() / 2)
    usual = steps.voters[order[min(int(at), len(order) - 1)]]
    one = {name: getattr(steps, name)[:1] for name in ("time_us", "prefixes", "slash24", "slash48", "by_voters")}
    held = {name: getattr(steps, name)[:1] for name in ("held_slash24", "held_slash48")}
    return replace(history, level=Level(steps.until_us, **one, **held, voters=np.array([usual])))


def _checks(parts: Sequence[CollectorPart]) -> pl.DataFrame:
    rows = [
        (
            part.collector,
            part.peers.asn[check.peer],
            address_text(
                part.peers.afi[check.peer], part.peers.address_hi[check.peer], part.peers.address_lo[check.peer]
            ),
            check.time_us,
            check.held,
            check.matched,
            check.missing,
            check.rate,
        )
        for part in parts
        for check in part.checks
    ]
    plain: dict[str, Any] = {n: kind for n, kind in DUMP_CHECKS.columns.items() if n not in DUMP_CHECKS.partition_by}
    plain["time"] = pl.Int64
    return pl.DataFrame(rows, schema=plain, orient="row").cast({"time": DUMP_CHECKS.columns["time"]})
