"""A store: tables of what was measured, and a database of what was concluded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from duskwatch.records.entity import Entity
from duskwatch.records.findings import Finding
from duskwatch.records.report import InputFile
from duskwatch.records.signals import EntityHistory, Gap
from duskwatch.store import days, readback, reading, tables
from duskwatch.store.days import Current, DayWriter
from duskwatch.store.errors import StoreError
from duskwatch.store.frames import long_from_wide
from duskwatch.store.location import Location, locate
from duskwatch.store.schemas import CHANGES_TABLE, DAYS, GAPS, LEVELS, SIGNALS_TABLE, TABLES
from duskwatch.store.tables import Frames

if TYPE_CHECKING:  # SQLAlchemy is loaded by what needs it
    from duskwatch.store.concluding import Fuse, Recorded
    from duskwatch.store.outages import StoredOutage

DATABASE = "events.sqlite"


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
        made = tables.exists(location, DAYS.name)
        if not made and tables.exists(location, SIGNALS_TABLE.name):
            tables.open_current(location, SIGNALS_TABLE)  # of an earlier version: says what to run
            tables.open_current(location, DAYS)  # or of one whose migration was cut off
        elif not made and not create:
            raise StoreError(f"{where}: no store there; name one with --store, or make one with `duskwatch backfill`")
        if create:
            if location.folder is not None:
                location.folder.mkdir(parents=True, exist_ok=True)
            for spec in TABLES:
                tables.create(location, spec)
        tables.open_current(location, DAYS)
        if not database and location.folder is not None:
            database = str(location.folder / DATABASE)
        if create and database:
            from duskwatch.store.database import ensure

            ensure(database)
        return cls(location, database)

    # Writing. A day written again replaces what the source had there, so a run that is repeated doubles nothing.

    def write_day(self, day: date, *, source: str) -> DayWriter:
        """Write tables of one day of a source, in a ``with``: readers see all of them at once, when it ends."""
        return DayWriter(self.location, source, day)

    def write_signals(self, day: date, frames: Frames, *, source: str) -> int:
        """Replace a source's signals of one day; rows written. ``frames`` as :func:`signal_frames` makes them."""
        with self.write_day(day, source=source) as writer:
            return writer.signals(frames)

    def write_inputs(self, day: date, inputs: Iterable[InputFile], *, source: str) -> int:
        """Replace the list of files that a source read for a day."""
        with self.write_day(day, source=source) as writer:
            return writer.inputs(inputs)

    def write_gaps(self, day: date, gaps: Iterable[Gap], *, source: str) -> int:
        """Replace a source's gaps in coverage of a day; those of other days are left out, longer ones are cut."""
        with self.write_day(day, source=source) as writer:
            return writer.gaps(gaps)

    # Reading. Nothing is read before the frame is collected, streamed or sunk.

    def current(self) -> Current:
        """The days as they are now: given to several calls, all of them read the same writes."""
        return days.current(self.location)

    def signals(
        self,
        names: Sequence[str] | None = None,
        *,
        entities: Sequence[Entity] | None = None,
        from_us: int | None = None,
        until_us: int | None = None,
        sources: Sequence[str] | None = None,
        current: Current | None = None,
    ) -> pl.LazyFrame:
        """Bins that begin in [from, until): entity_type, entity, signal, time, bin_seconds, value, coverage, source.

        ``value`` is null where nobody was watching. In order of entity, signal, source, length of bins and time where
        entities are named; day by day, and in that order within a day, where they are not. Never more in memory than
        it takes to read a day's file piece by piece.
        """
        wide = self.signal_rows(
            names, entities=entities, from_us=from_us, until_us=until_us, sources=sources, current=current
        )
        return long_from_wide(wide, from_us, until_us)

    def signal_rows(
        self,
        names: Sequence[str] | None = None,
        *,
        entities: Sequence[Entity] | None = None,
        from_us: int | None = None,
        until_us: int | None = None,
        sources: Sequence[str] | None = None,
        current: Current | None = None,
    ) -> pl.LazyFrame:
        """The same as stored: one row per source, entity, signal and day, with lists of values; whole days."""
        now = current or days.current(self.location, (SIGNALS_TABLE,))
        return reading.signal_rows(now, names, entities, from_us, until_us, sources)

    def rows(
        self,
        table: str,
        *,
        entities: Sequence[Entity] | None = None,
        from_us: int | None = None,
        until_us: int | None = None,
        sources: Sequence[str] | None = None,
        current: Current | None = None,
    ) -> pl.LazyFrame:
        """Rows of changes, levels, dump_checks or gaps in [from, until); of inputs, those of the days it touches.

        Columns are those of :mod:`duskwatch.store.schemas`. StoreError for a table there is not, and where entities
        are named for one that knows none.
        """
        spec = reading.table_named(table)
        now = current or days.current(self.location, (spec,))
        return reading.rows(now, spec, entities, from_us, until_us, sources)

    def history(self, entity: Entity, from_us: int, until_us: int, *, source: str = "bgp") -> EntityHistory:
        """What is stored about one entity, as the record that detection and the report read.

        Levels, changes and ``signals`` are those of one source; what others measured, and bins of other lengths, are
        its ``series``. Through whom it was reached stands with each outage (:class:`records.findings.Conclusion`).
        """
        now = days.current(self.location, (CHANGES_TABLE, LEVELS, SIGNALS_TABLE, GAPS))
        window = {"from_us": from_us, "until_us": until_us, "current": now}
        levels = self.rows("levels", entities=[entity], sources=[source], **window).collect()  # type: ignore[arg-type]
        changes = self.rows("changes", entities=[entity], sources=[source], **window).collect()  # type: ignore[arg-type]
        rows = self.signal_rows(entities=[entity], **window).collect()  # type: ignore[arg-type]
        blocks = readback.signal_blocks(rows, from_us, until_us)
        of_source = [block for name, block in blocks if name == source] or [readback.no_signals(from_us)]
        others = [block for name, block in blocks if name != source]
        sources = {source, *(name for name, _ in blocks)}
        gaps = self.rows("gaps", sources=sorted(sources), **window).collect()  # type: ignore[arg-type]
        recorded = days.recorded(self.location, *reading.day_range(from_us, until_us), [source])
        return EntityHistory(
            level=readback.level(levels, from_us, until_us),
            changes=readback.change_log(changes),
            signals=of_source[0],
            gaps=readback.gaps(gaps),
            learned=bool(recorded["learned"].any()),
            known_share=readback.known_share(levels),
            series=(*of_source[1:], *others),
        )

    # Conclusions. The functions of :mod:`duskwatch.store.revisions` do the rest, given :meth:`events`.

    def record_outages(
        self,
        window: tuple[int, int],
        found: Iterable[Finding],
        *,
        source: str,
        detector: str,
        why: str,
        by: str = "duskwatch",
        fuse: "Fuse | None" = None,
    ) -> "Recorded":
        """Record what one source's analysis of a window found in entities; see :func:`outages.record_outages`."""
        from duskwatch.store.outages import record_outages

        return record_outages(self.events(), window, found, source=source, detector=detector, by=by, why=why, fuse=fuse)

    def outages(
        self,
        *,
        entities: Sequence[Entity] | None = None,
        from_us: int | None = None,
        until_us: int | None = None,
        states: Sequence[str] = ("open", "ended"),
    ) -> "list[StoredOutage]":
        """Outages that touch [from, until), as they are known now, in order of onset."""
        from duskwatch.store.outages import stored_outages

        return stored_outages(self.events(), entities=entities, from_us=from_us, until_us=until_us, states=states)

    def events(self) -> str:
        """Path or URL of the database. StoreError where there is none."""
        if not self.database:
            raise StoreError(f"{self.location.root} holds no database of outages; name one with --database")
        return self.database

    def reenactment(
        self, from_us: int | None = None, until_us: int | None = None, sources: Sequence[str] | None = None
    ) -> dict[date, str]:
        """Days of [from, until) whose files are a re-enactment, no recording, each with the sentence that says so."""
        rows = days.recorded(self.location, *reading.day_range(from_us, until_us), sources)
        told = rows.filter(pl.col("reenactment").is_not_null())
        return dict(zip(told["day"].to_list(), told["reenactment"].to_list(), strict=True))

    def recorded(
        self, from_us: int | None = None, until_us: int | None = None, source: str | None = None
    ) -> list[tuple[int, int]]:
        """Stretches of the days of [from, until) that were recorded by a source, or by any; in order and apart."""
        touched = reading.day_range(from_us, until_us)
        rows = days.recorded(self.location, *touched, None if source is None else [source])
        out: list[tuple[int, int]] = []
        for start, end in sorted(rows.select(pl.col("from", "until").cast(pl.Int64)).rows()):
            if out and start <= out[-1][1]:
                out[-1] = out[-1][0], max(end, out[-1][1])
            else:
                out.append((start, end))
        return out

    def days(self, source: str | None = None) -> list[date]:
        """Days for which signals are stored, of one source or of any, in order."""
        found = days.generations(self.location).filter(pl.col(SIGNALS_TABLE.name).is_not_null())
        if source is not None:
            found = found.filter(pl.col("source") == source)
        return found["day"].unique().sort().to_list()

    def sources(self) -> list[str]:
        """Who recorded anything, in order."""
        return days.generations(self.location)["source"].unique().sort().to_list()

    def signal_names(self) -> list[str]:
        """Names of the signals stored, in order. Reads one column of the newest day of each source."""
        found = reading.newest_of_each_source(days.current(self.location, (SIGNALS_TABLE,)), SIGNALS_TABLE)
        return found.select(pl.col("signal").unique()).collect(engine="streaming")["signal"].sort().to_list()
