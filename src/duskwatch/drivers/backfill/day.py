"""One day of whole tables into a store."""

from collections.abc import Callable, Iterator, Sequence
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
from duskwatch.analysis.whole_tables import count_all, measure_all
from duskwatch.drivers.backfill.plan import DaySummary, Plan
from duskwatch.records.countries import CountryRanges
from duskwatch.records.prefix import Prefix, address_text
from duskwatch.records.report import InputFile
from duskwatch.records.signals import EntityHistory, Gap, Level
from duskwatch.records.times import DAY, to_datetime
from duskwatch.signals.bgp.collector_part import CollectorPart
from duskwatch.signals.bgp.votes import NOTHING_KNOWN, Known, Votes, known_after
from duskwatch.sources.reference.geo import load_geo
from duskwatch.store import change_frames, level_frames, signal_frames
from duskwatch.store.frames import History
from duskwatch.store.schemas import DUMP_CHECKS

AT_ONCE = 1024  # entities in memory at a time
# What a Level counts; whoever has outages fell in one of the first three.
COUNTED = ("prefixes", "slash24", "slash48", "held_slash24", "held_slash48")
# So long a prefix that is gone is told to be gone; then it is no longer anybody's.
KNOWN_US = 30 * DAY


def stored_days(plan: Plan) -> list[date]:
    """Days that the store has; it is made where there is none."""
    return plan.open_store(create=True).days("bgp")


@dataclass(frozen=True, slots=True)
class CountedDay:
    """The collectors of one day merged, before any entity is measured; what a day's tables are made of. Picklable."""

    votes: Votes
    bin_us: int
    inputs: tuple[InputFile, ...]
    warnings: tuple[str, ...]
    checks: pl.DataFrame  # comparisons with table dumps, as rows of the store


def merge_collectors(
    day: date, replays: list[Replay], plan: Plan, known: Known = NOTHING_KNOWN
) -> tuple[CountedDay, Known]:
    """Merge the collectors of one day; what that gave, and what is known after the day.

    replays  of the collectors; the list is emptied, so that they do not fill the memory to the end
    known    prefixes known from the days before: of what is gone by now it must be told that it is gone
    """
    replay = join_replays(replays)
    replays.clear()
    votes = count_all(replay, known=known, threads=plan.threads)
    counted = CountedDay(votes, replay.bin_us, replay.inputs, replay.warnings, _checks(day, replay.parts))
    return counted, known_after(votes, known, KNOWN_US)


def write_day(day: date, counted: CountedDay, lost: Sequence[Gap], plan: Plan) -> DaySummary:
    """Measure one day and write what was measured; a day that is there is replaced.

    lost  stretches of collectors that could not be read: gaps of that day
    Returns what detection needs to know. Raises StoreError, ReferenceDataError or OSError, each with what to do.
    """
    votes = counted.votes
    ranges = ranges_at(plan, votes.from_us)
    store = plan.open_store()
    (plan.work / "spool").mkdir(parents=True, exist_ok=True)
    # Of this task alone: another worker may be at the same day, if it was thought to be lost.
    spool = Path(mkdtemp(prefix=f"{day}-", dir=plan.work / "spool"))
    try:
        measured = _measure(votes, ranges, counted.bin_us, plan, day, spool)
        summary = DaySummary(
            day,
            votes.from_us,
            votes.until_us,
            tuple(measured.codes),
            np.array(measured.low, np.float32).reshape(-1, 3),
            np.array(measured.high, np.float32).reshape(-1, 3),
            np.array(measured.known_share, np.float32),
            votes.learned,
            (*counted.warnings, *(ranges.notes if ranges is not None else ())),
            tuple(f"{file.collector} {file.name}: {file.damage}" for file in counted.inputs if file.damage),
        )
        store.write_inputs(day, counted.inputs)
        store.write_gaps(day, [*votes.gaps, *lost])
        store.write_checks(day, counted.checks)
        del votes, counted  # writing takes memory too
        store.write_changes(day, measured.read("changes"))
        store.write_levels(day, measured.read("levels"))
        # The last: a day that the store names is whole.
        store.write_signals(day, measured.read("signals"))
    finally:
        rmtree(spool, ignore_errors=True)
    return summary


@dataclass
class _Measured:
    """What was measured of a day: rows of tables in files, by table, and what its summary tells of each entity."""

    frames: dict[str, list[Path]] = field(default_factory=lambda: {"changes": [], "levels": [], "signals": []})
    codes: list[str] = field(default_factory=list)
    low: list[npt.NDArray[np.float32]] = field(default_factory=list)
    high: list[npt.NDArray[np.float32]] = field(default_factory=list)
    known_share: list[float] = field(default_factory=list)

    def read(self, name: str) -> Callable[[], Iterator[pl.DataFrame]]:
        """The rows of a table, frame by frame, as often as it is called."""
        return lambda: (pl.read_ipc(path) for path in self.frames[name])


def _measure(votes: Votes, ranges: CountryRanges | None, bin_us: int, plan: Plan, day: date, spool: Path) -> _Measured:
    """Measure every entity, and put the rows into files: all of a day at once would not fit in the memory."""
    out = _Measured()
    told: list[History] = []

    def put() -> None:
        low, high, still = _extremes([history.level for _, history in told])
        out.low += list(low)
        out.high += list(high)
        brief = [
            (entity, _brief(history) if alike and entity.type != "country" else history)
            for (entity, history), alike in zip(told, still, strict=True)
        ]
        made = (change_frames(told, day), level_frames(brief, day), signal_frames(told, day))
        for (name, paths), some in zip(out.frames.items(), made, strict=True):
            for frame in some:
                path = spool / f"{name}-{len(paths)}.arrow"
                frame.write_ipc(path, compression="lz4")  # most of it says again and again that nothing changed
                paths.append(path)
        told.clear()

    prefixes = [Prefix.parse(code) for code in plan.prefixes]
    for entity, history in measure_all(votes, ranges, bin_us, kinds=plan.kinds, prefixes=prefixes):
        out.codes.append(entity.code)
        out.known_share.append(history.known_share)
        told.append((entity, history))
        if len(told) == AT_ONCE:
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
    told = np.flatnonzero(sizes)
    if len(told):
        first = (np.cumsum(sizes) - sizes)[told]
        for k, name in enumerate(COUNTED):
            values = np.concatenate([getattr(steps, name) for steps in levels])
            least, most = np.fmin.reduceat(values, first), np.fmax.reduceat(values, first)
            unknown = np.add.reduceat(np.isnan(values).astype(np.int64), first)
            still[told] &= np.where(unknown, unknown == sizes[told], least == most)
            if k < 3:
                low[told, k], high[told, k] = least, most
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


def _checks(day: date, parts: Sequence[CollectorPart]) -> pl.DataFrame:
    rows = [
        (
            day,
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
    plain: dict[str, Any] = dict(DUMP_CHECKS.columns)
    plain["time"] = pl.Int64
    return pl.DataFrame(rows, schema=plain, orient="row").cast({"time": DUMP_CHECKS.columns["time"]})
