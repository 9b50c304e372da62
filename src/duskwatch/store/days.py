"""Which rows are a day's: for each source and day, table ``days`` names the generation that counts in each table.

A day is written in any number of commits, one for each table, under a generation of its own; the last commit, to
``days``, makes it count. So a reader sees the day that was or the day that is, whole, whenever a writer is killed.
"""

import random
import re
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import arro3.core as arrow
import polars as pl
from deltalake import DeltaTable

from duskwatch.records.report import InputFile
from duskwatch.records.signals import Gap
from duskwatch.records.times import DAY
from duskwatch.store import tables
from duskwatch.store.errors import StoreError
from duskwatch.store.frames import day_start, gap_frame, input_frame
from duskwatch.store.location import Location
from duskwatch.store.schemas import (
    CHANGES_TABLE,
    DATA,
    DAYS,
    DUMP_CHECKS,
    GAPS,
    INPUTS,
    LEVELS,
    SIGNALS_TABLE,
    TIME,
    TableSpec,
)
from duskwatch.store.tables import Frames

SOURCE = re.compile(r"[a-z][a-z0-9]{0,19}(-[A-Za-z0-9_]{1,40})?")  # it becomes the name of a folder
LOT = 1 << 10  # writers that begin in the same microsecond draw
ATTEMPTS = 5  # to read tables of which one was written meanwhile


def checked_source(source: str) -> str:
    """The name of a source as it is; StoreError where it is none."""
    if not SOURCE.fullmatch(source):
        raise StoreError(
            f"source '{source}': a kind of measurement, such as bgp, and for one of its recorders a hyphen and a name "
            "(bgp-oslo): small letters and digits, then letters, digits and _"
        )
    return source


def generation_at(time_us: int) -> int:
    """The least number of a write that began at a time or later."""
    return time_us * LOT


class DayWriter:
    """Writes one day of one source, table after table; what is not written stays as it was.

    Use it as a context: the day counts when the context ends, and never where it ends by an exception.
    """

    def __init__(self, where: Location, source: str, day: date) -> None:
        self.where, self.source, self.day = where, checked_source(source), day
        self.generation = generation_at(time.time_ns() // 1000) + random.randrange(LOT)
        self.written: dict[str, int | None] = {}
        self.facts: dict[str, Any] = {}

    def signals(self, frames: Frames) -> int:
        """Rows as :func:`signal_frames` makes them; how many there are, as of the other tables."""
        return self._write(SIGNALS_TABLE, frames)

    def changes(self, frames: Frames) -> int:
        """Rows of :func:`change_frames`."""
        return self._write(CHANGES_TABLE, frames)

    def levels(self, frames: Frames) -> int:
        """Rows of :func:`level_frames`."""
        return self._write(LEVELS, frames)

    def inputs(self, inputs: Iterable[InputFile]) -> int:
        """The files that went into the day."""
        return self._write(INPUTS, input_frame(inputs, self.day))

    def gaps(self, gaps: Iterable[Gap]) -> int:
        """Gaps in coverage; those of other days are left out, longer ones are cut."""
        return self._write(GAPS, gap_frame(gaps, self.day))

    def checks(self, frame: pl.DataFrame) -> int:
        """Comparisons with table dumps."""
        return self._write(DUMP_CHECKS, frame)

    def recorded(self, from_us: int, until_us: int, *, learned: bool = False, reenactment: str = "") -> None:
        """What of the day was recorded (all of it, where nobody says so), whether its state was learned, and what its
        files say of themselves, where they are a re-enactment."""
        self.facts = {"from": from_us, "until": until_us, "learned": learned, "reenactment": reenactment or None}

    def _write(self, spec: TableSpec, frames: Frames) -> int:
        given = {"source": self.source, "day": self.day, "generation": self.generation}
        rows = tables.append(self.where, spec, frames, given)
        self.written[spec.name] = self.generation if rows else None
        return rows

    def __enter__(self) -> "DayWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self.written:
            self._make_count()

    def _make_count(self) -> None:
        replaced: dict[str, int] = {}

        def row(table: DeltaTable) -> pl.DataFrame:
            found = _read(self.where, table, self.source, self.day)
            before = found.row(0, named=True) if found.height else {}
            replaced.clear()
            replaced.update({name: before[name] for name in self.written if before.get(name) is not None})
            start = day_start(self.day)
            facts: dict[str, Any] = {"from": start, "until": start + DAY, "learned": False, "reenactment": None}
            facts |= {name: before[name] for name in facts if name in before} | self.facts
            kept = {spec.name: before.get(spec.name) for spec in DATA} | self.written
            if not any(kept.values()):
                return DAYS.empty()
            plain: dict[str, Any] = {name: pl.Int64 if kind == TIME else kind for name, kind in DAYS.columns.items()}
            values = {"source": self.source, "day": self.day, **facts, **kept}
            return pl.DataFrame([values], schema=plain).cast(dict(DAYS.columns))  # type: ignore[arg-type]

        tables.replace(self.where, DAYS, f"source = '{self.source}' AND day = '{self.day.isoformat()}'", row)
        for name, generation in replaced.items():
            # What did not go now goes with the next `duskwatch store vacuum`; nobody reads it.
            with suppress(StoreError, OSError):
                drop(self.where, name, self.source, self.day, generation)


def drop(where: Location, name: str, source: str, day: date, generation: int) -> None:
    """Take rows out that do not count."""
    spec = next(spec for spec in DATA if spec.name == name)
    tables.delete(where, spec, f"source = '{source}' AND day = '{day.isoformat()}' AND generation = {generation}")


@dataclass(frozen=True, slots=True)
class Current:
    """The days of a store at one moment, so that several tables are read as they were together.

    ``rows`` has a row for each source and day: source, day, and the generation of each table that counts.
    """

    where: Location
    rows: pl.DataFrame
    found: dict[str, pl.DataFrame] = field(default_factory=dict)  # files by table

    def files(
        self,
        spec: TableSpec,
        from_day: date | None = None,
        until_day: date | None = None,
        sources: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """The files of a table that count, of the days [from, until], by day and source; as tables.files() has them."""
        if spec.name not in self.found:
            self.found[spec.name] = tables.files(self.where, tables.open_current(self.where, spec))
        counting = self.rows.select("source", "day", generation=spec.name).drop_nulls()
        files = self.found[spec.name].join(counting, on=["source", "day", "generation"], how="semi")
        if files.select("source", "day").n_unique() < counting.height:
            lost = counting.join(files, on=["source", "day"], how="anti").row(0, named=True)
            raise _Forestalled(f"{self.where.table(spec.name)}: {lost['source']} {lost['day']} was written meanwhile")
        if from_day is not None:
            files = files.filter(pl.col("day") >= from_day)
        if until_day is not None:
            files = files.filter(pl.col("day") <= until_day)
        if sources is not None:
            files = files.filter(pl.col("source").is_in(list(sources)))
        return files.sort("day", "source", "path")


class _Forestalled(StoreError):
    pass


def current(where: Location, specs: Sequence[TableSpec] = DATA) -> Current:
    """The days of a store as they are now, and the files of some tables, looked up together."""
    for attempt in range(ATTEMPTS):
        found = Current(where, generations(where))
        try:
            for spec in specs:
                found.files(spec)
            return found
        except _Forestalled:  # between the two looks a day was replaced, and its rows of before taken out
            if attempt + 1 == ATTEMPTS:
                raise
            time.sleep(0.05 * (attempt + 1))
    raise AssertionError("unreachable")


def generations(where: Location) -> pl.DataFrame:
    """Which generation counts, by source and day, in each table; from the log alone, which tells extremes of files."""
    table = tables.open_current(where, DAYS)
    actions = pl.DataFrame(arrow.Table.from_arrow(table.get_add_actions(flatten=True)))
    if not actions.height:
        return pl.DataFrame(schema=_KEYS)
    columns = [
        (pl.col(f"min.{spec.name}") if f"min.{spec.name}" in actions.columns else pl.lit(None)).cast(pl.Int64)
        for spec in DATA
    ]
    return actions.select(
        pl.col("partition.source").alias("source"),
        pl.col("partition.day").cast(pl.Date).alias("day"),
        *(one.alias(spec.name) for one, spec in zip(columns, DATA, strict=True)),
    ).sort("source", "day")


_KEYS = {name: DAYS.columns[name] for name in ("source", "day", *(spec.name for spec in DATA))}


def recorded(
    where: Location, from_day: date | None, until_day: date | None, sources: Sequence[str] | None = None
) -> pl.DataFrame:
    """Rows of ``days``: what was recorded of the days [from, until]."""
    files = tables.files(where, tables.open_current(where, DAYS))
    if from_day is not None:
        files = files.filter(pl.col("day") >= from_day)
    if until_day is not None:
        files = files.filter(pl.col("day") <= until_day)
    if sources is not None:
        files = files.filter(pl.col("source").is_in(list(sources)))
    return tables.scan(where, DAYS, files["path"].to_list()).collect().sort(*DAYS.sort_by)


def _read(where: Location, table: DeltaTable, source: str, day: date) -> pl.DataFrame:
    files = tables.files(where, table).filter(pl.col("source") == source, pl.col("day") == day)
    return tables.scan(where, DAYS, files["path"].to_list()).collect()
