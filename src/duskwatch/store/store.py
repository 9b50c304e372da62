"""A store: tables of what was measured, and a database of what was concluded."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from duskwatch.records.entity import Entity
from duskwatch.records.outages import Outage
from duskwatch.records.report import InputFile
from duskwatch.records.signals import EntityHistory, Gap
from duskwatch.records.times import SECOND, to_datetime
from duskwatch.store import readback, tables
from duskwatch.store.errors import StoreError
from duskwatch.store.frames import (
    History,
    change_frames,
    gap_frame,
    input_frame,
    level_frames,
    long_from_wide,
    signal_frames,
)
from duskwatch.store.location import Location, locate
from duskwatch.store.schemas import (
    BY_NAME,
    CHANGES,
    DUMP_CHECKS,
    GAPS,
    INPUTS,
    LEVELS,
    SIGNALS,
    TABLES,
    TIME,
    TableSpec,
)
from duskwatch.store.tables import Frames

if TYPE_CHECKING:  # SQLAlchemy is loaded by what needs it
    from duskwatch.store.revisions import Recorded, StoredOutage

DATABASE = "events.sqlite"
ENTITIES_AT_ONCE = 1024  # sorted in memory at a time when rows of all entities are read in order


@dataclass(frozen=True, slots=True)
class Store:
    """An open store. Cheap to make and to pickle: nothing is held open, every call sees the newest state."""

    location: Location
    database: str  # path or URL; empty where none was named for a store that is no folder

    @classmethod
    def open(
        cls,
        where: str | Path,
        *,
        create: bool = False,
        database: str = "",
        storage_options: Mapping[str, str] | None = None,
    ) -> "Store":
        """Open a folder, file:// URL or object store; with ``create``, make what is missing.

        ``database`` is a path (SQLite) or URL (postgresql://...) for outages, incidents and annotations; by default
        ``events.sqlite`` in the folder. ``storage_options`` go to delta-rs and Polars as they are.
        StoreError where there is no store, or one that this version cannot read; OSError where it is out of reach.
        """
        location = locate(where, storage_options)
        if create:
            if location.folder is not None:
                location.folder.mkdir(parents=True, exist_ok=True)
            for spec in TABLES:
                tables.create(location, spec)
        elif not tables.exists(location, SIGNALS.name):
            raise StoreError(f"{where}: no store there; name one with --store, or make one with `duskwatch backfill`")
        tables.open_current(location, SIGNALS)
        if not database and location.folder is not None:
            database = str(location.folder / DATABASE)
        if create and database:
            from duskwatch.store.database import ensure

            ensure(database)
        return cls(location, database)

    # Writing. A day written again replaces what was there, so a run that is repeated doubles nothing.

    def write_signals(self, day: date, frames: Frames, *, family: str = "bgp") -> int:
        """Replace one family's signals of one day; rows written. ``frames`` as :func:`signal_frames` makes them."""
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", family):  # it becomes the name of a folder
            raise StoreError(f"family '{family}': letters, digits, - and _ only, up to 60")
        return tables.replace(
            self.location, SIGNALS, f"family = {_quoted(family)} AND day = {_quoted(day.isoformat())}", frames
        )

    def write_changes(self, day: date, frames: Frames) -> int:
        """Replace the changes of one day."""
        return self._write_day(CHANGES, day, frames)

    def write_levels(self, day: date, frames: Frames) -> int:
        """Replace the levels of one day."""
        return self._write_day(LEVELS, day, frames)

    def write_inputs(self, day: date, inputs: Iterable[InputFile]) -> int:
        """Replace the list of files that went into a day."""
        return self._write_day(INPUTS, day, input_frame(inputs, day))

    def write_gaps(self, day: date, gaps: Iterable[Gap]) -> int:
        """Replace the gaps in coverage of a day; those of other days are left out, longer ones are cut."""
        return self._write_day(GAPS, day, gap_frame(gaps, day))

    def write_checks(self, day: date, frame: pl.DataFrame, *, collectors: Sequence[str] | None = None) -> int:
        """Replace the comparisons with table dumps of one day, of these collectors only where they are named."""
        if collectors is None:
            return self._write_day(DUMP_CHECKS, day, frame)
        if not collectors:
            return 0
        named = ", ".join(_quoted(name) for name in collectors)
        return tables.replace(
            self.location, DUMP_CHECKS, f"day = {_quoted(day.isoformat())} AND collector IN ({named})", frame
        )

    def write_day(self, day: date, histories: Sequence[History], *, family: str = "bgp") -> None:
        """Changes, levels and signals of a day; histories of longer windows are cut to it.

        Three commits, the signals last: a day that :meth:`days` names is there in the others too.
        """
        ordered = sorted(histories, key=lambda one: (one[0].type, one[0].code))
        self.write_changes(day, lambda: change_frames(ordered, day))
        self.write_levels(day, lambda: level_frames(ordered, day))
        self.write_signals(day, lambda: signal_frames(ordered, day), family=family)

    # Reading. Nothing is read before the frame is collected, streamed or sunk.

    def signals(
        self,
        names: Sequence[str] | None = None,
        *,
        entities: Sequence[Entity] | None = None,
        from_us: int | None = None,
        until_us: int | None = None,
    ) -> pl.LazyFrame:
        """Bins that begin in [from, until): entity_type, entity, signal, time, bin_seconds, value, coverage.

        ``value`` is null where nobody was watching. In order of entity, signal and time where entities are named;
        day by day, and in that order within a day, where they are not. Never more in memory than it takes to read
        a day's file piece by piece.
        """
        return long_from_wide(
            self.signal_rows(names, entities=entities, from_us=from_us, until_us=until_us), from_us, until_us
        )

    def signal_rows(
        self,
        names: Sequence[str] | None = None,
        *,
        entities: Sequence[Entity] | None = None,
        from_us: int | None = None,
        until_us: int | None = None,
    ) -> pl.LazyFrame:
        """The same as stored: one row per entity, signal and day, with lists of values; whole days."""
        rows = self._signal_scan(names, from_us, until_us)
        if entities is not None:
            return _of_entities(rows, entities).sort(*SIGNALS.sort_by, maintain_order=True)
        parts = [one.sort(*SIGNALS.sort_by, maintain_order=True) for one in self._pieces(rows, from_us, until_us)]
        return pl.concat(parts, parallel=False) if parts else rows

    def values_at(self, name: str, time_us: int) -> pl.DataFrame:
        """One signal of all entities in the bin that holds a moment: entity_type, entity, value, coverage."""
        at = (pl.lit(time_us) - pl.col("start").cast(pl.Int64)) // (pl.col("bin_seconds").cast(pl.Int64) * SECOND)
        return (
            self._signal_scan([name], time_us, time_us + 1)
            .with_columns(at=at)
            .filter((pl.col("at") >= 0) & (pl.col("at") < pl.col("values").list.len()))
            .select(
                "entity_type",
                "entity",
                value=pl.col("values").list.get(pl.col("at")),
                coverage=pl.col("coverage").list.get(pl.col("at")),
            )
            .collect(engine="streaming")
            .sort("entity_type", "entity")
        )

    def rows(
        self,
        table: str,
        *,
        entities: Sequence[Entity] | None = None,
        from_us: int | None = None,
        until_us: int | None = None,
    ) -> pl.LazyFrame:
        """Rows of changes, levels, dump_checks or gaps in [from, until); of inputs, those of the days it touches.

        Columns are those of :mod:`duskwatch.store.schemas`. StoreError for a table there is not, and where entities
        are named for one that knows none.
        """
        spec = BY_NAME.get(table)
        if spec is None:
            raise StoreError(f"no table '{table}'; there are {', '.join(sorted(BY_NAME))}")
        found = tables.scan(self.location, spec, *_day_range(from_us, until_us))
        if spec in (LEVELS, GAPS):  # stretches that touch the window
            found = _between(found, "time" if spec is LEVELS else "from", None, until_us)
            if from_us is not None:
                found = found.filter(pl.col("until") > pl.lit(from_us).cast(TIME))
        elif "time" in spec.columns:
            found = _between(found, "time", from_us, until_us)
        if entities is not None:
            if "entity" not in spec.columns:
                raise StoreError(f"table {table} is not about entities; leave them out")
            return _of_entities(found, entities).sort(*spec.sort_by, maintain_order=True)
        days = self._days_of(spec, from_us, until_us)
        parts = [found.filter(pl.col("day") == day).sort(*spec.sort_by, maintain_order=True) for day in days]
        return pl.concat(parts, parallel=False) if parts else found

    def history(self, entity: Entity, from_us: int, until_us: int) -> EntityHistory:
        """What is stored about one entity, as the record that detection and the report read."""
        one = [entity]
        levels = self.rows("levels", entities=one, from_us=from_us, until_us=until_us)
        changes = self.rows("changes", entities=one, from_us=from_us, until_us=until_us)
        signals = self.signals(entities=one, from_us=from_us, until_us=until_us)
        gaps = self.rows("gaps", from_us=from_us, until_us=until_us)
        return EntityHistory(
            level=readback.level(levels.collect(), from_us, until_us),
            changes=readback.change_log(changes.collect()),
            signals=readback.signal_block(signals.collect(), from_us, until_us),
            gaps=readback.gaps(gaps.collect()),
        )

    # Conclusions. The functions of :mod:`duskwatch.store.revisions` do the rest, given :meth:`events`.

    def record_outages(
        self,
        window: tuple[int, int],
        found: Iterable[tuple[Entity, Sequence[Outage]]],
        *,
        detector: str,
        why: str,
        by: str = "duskwatch",
    ) -> "Recorded":
        """Record what one analysis of a window found in entities; see :func:`revisions.record_outages`."""
        from duskwatch.store.revisions import record_outages

        return record_outages(self.events(), window, found, detector=detector, by=by, why=why)

    def outages(
        self,
        *,
        entities: Sequence[Entity] | None = None,
        from_us: int | None = None,
        until_us: int | None = None,
        states: Sequence[str] = ("open", "ended"),
    ) -> "list[StoredOutage]":
        """Outages that touch [from, until), as they are known now, in order of onset."""
        from duskwatch.store.revisions import stored_outages

        return stored_outages(self.events(), entities=entities, from_us=from_us, until_us=until_us, states=states)

    def events(self) -> str:
        """Path or URL of the database. StoreError where there is none."""
        if not self.database:
            raise StoreError(f"{self.location.root} holds no database of outages; name one with --database")
        return self.database

    def days(self, family: str | None = None) -> list[date]:
        """Days for which signals are stored, in order."""
        found = tables.files(self.location, tables.open_current(self.location, SIGNALS))
        if family is not None:
            found = found.filter(pl.col("family") == family)
        return found["day"].unique().sort().to_list()

    def signal_names(self) -> list[str]:
        """Names of the signals stored, in order. Reads one column of the newest day of each family."""
        found = tables.files(self.location, tables.open_current(self.location, SIGNALS))
        newest = found.group_by("family").agg(pl.col("day").max())
        rows = tables.scan(self.location, SIGNALS)
        names: set[str] = set()
        for family, day in newest.iter_rows():
            of_day = rows.filter(pl.col("day") == day, pl.col("family") == family)
            names.update(of_day.select(pl.col("signal").unique()).collect(engine="streaming")["signal"])
        return sorted(names)

    def _signal_scan(self, names: Sequence[str] | None, from_us: int | None, until_us: int | None) -> pl.LazyFrame:
        rows = tables.scan(self.location, SIGNALS, *_day_range(from_us, until_us))
        if names is None:
            return rows
        families = sorted({name.partition(".")[0] for name in names})
        return rows.filter(pl.col("family").is_in(families), pl.col("signal").is_in(list(names)))

    def _pieces(self, rows: pl.LazyFrame, from_us: int | None, until_us: int | None) -> Iterator[pl.LazyFrame]:
        """Signal rows cut by day, and by entity where a day has many: each small enough to be sorted in memory."""
        for day in self._days_of(SIGNALS, from_us, until_us):
            of_day = rows.filter(pl.col("day") == day)
            codes = of_day.select("entity_type", "entity").unique().sort("entity_type", "entity")
            for (kind,), some in codes.collect(engine="streaming").group_by("entity_type", maintain_order=True):
                of_type = of_day.filter(pl.col("entity_type") == kind)
                for at in range(0, some.height, ENTITIES_AT_ONCE):
                    piece = some["entity"][at : at + ENTITIES_AT_ONCE]
                    yield of_type.filter(pl.col("entity").is_between(pl.lit(piece[0]), pl.lit(piece[-1])))

    def _days_of(self, spec: TableSpec, from_us: int | None, until_us: int | None) -> list[date]:
        found = tables.files(self.location, tables.open_current(self.location, spec))["day"].unique().sort()
        first, last = _day_range(from_us, until_us)
        return [day for day in found if (first is None or day >= first) and (last is None or day <= last)]

    def _write_day(self, spec: TableSpec, day: date, frames: Frames) -> int:
        return tables.replace(self.location, spec, f"day = {_quoted(day.isoformat())}", frames)


def _quoted(text: str) -> str:
    """A string in Delta's predicate language."""
    return "'" + text.replace("'", "''") + "'"


def _day_range(from_us: int | None, until_us: int | None) -> tuple[date | None, date | None]:
    """First and last day that a window touches; None where it is open."""
    return (
        None if from_us is None else to_datetime(from_us).date(),
        None if until_us is None else to_datetime(until_us - 1).date(),
    )


def _between(rows: pl.LazyFrame, column: str, from_us: int | None, until_us: int | None) -> pl.LazyFrame:
    if from_us is not None:
        rows = rows.filter(pl.col(column) >= pl.lit(from_us).cast(TIME))
    if until_us is not None:
        rows = rows.filter(pl.col(column) < pl.lit(until_us).cast(TIME))
    return rows


def _of_entities(rows: pl.LazyFrame, entities: Sequence[Entity]) -> pl.LazyFrame:
    # Codes of different types never look alike, so the code alone selects; it is what row groups are sorted by.
    return rows.filter(pl.col("entity").is_in([entity.code for entity in entities]))
