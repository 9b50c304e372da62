"""Care of the tables: what they take, merging small files, removing old days and files that nothing refers to."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
from deltalake import DeltaTable

from duskwatch.store import tables
from duskwatch.store.days import Current, current, drop, generation_at
from duskwatch.store.errors import named_faults
from duskwatch.store.location import Location
from duskwatch.store.schemas import DAYS, TABLES, TableSpec


@dataclass(frozen=True, slots=True)
class TableInfo:
    """What one table holds."""

    name: str
    schema_version: int
    commit: int  # rises with every write
    first_day: date | None
    last_day: date | None
    days: int
    rows: int
    files: int
    file_bytes: int
    unused_files: int  # of earlier versions and of writes that did not finish; vacuum removes them


def info(where: Location) -> list[TableInfo]:
    """What each table holds of what counts."""
    now = current(where)
    return [_info(where, spec, now) for spec in TABLES]


def _info(where: Location, spec: TableSpec, now: Current) -> TableInfo:
    table = tables.open_current(where, spec)
    found = tables.files(where, table) if spec is DAYS else now.files(spec)
    days = found["day"].unique().sort().to_list()
    with named_faults(where.table(spec.name)):
        unused = len(_unreferenced(where, table, timedelta(0)))
    return TableInfo(
        name=spec.name,
        schema_version=spec.version,
        commit=table.version(),
        first_day=days[0] if days else None,
        last_day=days[-1] if days else None,
        days=len(days),
        rows=int(found["rows"].sum()),
        files=found.height,
        file_bytes=int(found["bytes"].sum()),
        unused_files=unused,
    )


def compact(where: Location, names: Iterable[str] | None = None) -> dict[str, tuple[int, int]]:
    """Merge the files of each day into one; files before and after, by table. Readers and writers go on meanwhile."""
    done = {}
    for spec in _chosen(names):
        table = tables.open_current(where, spec)
        before = tables.files(where, table).height
        with named_faults(where.table(spec.name)):
            table.optimize.compact(
                target_size=tables.FILE_BYTES,
                writer_properties=tables.writer(spec),
                commit_properties=tables.COMMITS,
            )
        done[spec.name] = (before, tables.files(where, tables.open_current(where, spec)).height)
    return done


def retain(where: Location, before: date, names: Iterable[str] | None = None) -> dict[str, int]:
    """Take days before a date out of the tables; rows taken, by table. The files go when they are vacuumed.

    Outages, incidents and notes are kept.
    """
    done = {}
    for spec in reversed(_chosen(names)):  # ``days`` first: what it does not name is gone for readers
        table = tables.open_current(where, spec)
        found = tables.files(where, table).filter(pl.col("day") < before)
        if found.height:
            tables.delete(where, spec, f"day < '{before.isoformat()}'")
        done[spec.name] = int(found["rows"].sum())
    return {spec.name: done[spec.name] for spec in _chosen(names)}


def vacuum(
    where: Location, older_than: timedelta, *, dry_run: bool = False, names: Iterable[str] | None = None
) -> dict[str, list[str]]:
    """Remove what no reader sees and is older than this: files that no table refers to, rows of writes that were
    killed before they counted. Paths of files, by table.

    A reader that began before a day was replaced still reads its old files, and a writer's files belong to nothing
    until it commits: shorter than either of these takes is too short.
    """
    done = {}
    for spec in _chosen(names):
        left = _left(where, spec, older_than)
        if not dry_run:
            for source, day, generation in left.select("source", "day", "generation").unique().iter_rows():
                drop(where, spec.name, source, day, generation)
        table = tables.open_current(where, spec)
        with named_faults(where.table(spec.name)):
            done[spec.name] = sorted({*_unreferenced(where, table, older_than), *_relative(where, spec, left)})
            if not dry_run:
                table.vacuum(_hours(older_than), dry_run=False, enforce_retention_duration=False, full=True)
    return done


def _left(where: Location, spec: TableSpec, older_than: timedelta) -> pl.DataFrame:
    """Files of writes that do not count and began so long ago that they never will."""
    if spec is DAYS:
        return pl.DataFrame(schema={"path": pl.String, "source": pl.String, "day": pl.Date, "generation": pl.Int64})
    now = current(where, (spec,))
    limit = generation_at(time.time_ns() // 1000 - round(older_than.total_seconds() * 1e6))
    files = now.found[spec.name].join(now.files(spec), on="path", how="anti")
    return files.filter(pl.col("generation") < limit)


def _relative(where: Location, spec: TableSpec, files: pl.DataFrame) -> list[str]:
    return [path.removeprefix(f"{where.table(spec.name)}/") for path in files["path"]]


def _unreferenced(where: Location, table: DeltaTable, older_than: timedelta) -> list[str]:
    # "full" looks into the folders, and so finds files of writes that were killed, of which no log tells. It names
    # those that the log tells of even when they are gone; on an object store nobody looks whether they are.
    named = table.vacuum(_hours(older_than), dry_run=True, enforce_retention_duration=False, full=True)
    if where.folder is None:
        return list(named)
    return [path for path in named if (where.folder / table.metadata().name / path).exists()]


def _hours(span: timedelta) -> int:
    return int(span.total_seconds() // 3600)


def _chosen(names: Iterable[str] | None) -> list[TableSpec]:
    wanted = None if names is None else set(names)
    return [spec for spec in TABLES if wanted is None or spec.name in wanted]
