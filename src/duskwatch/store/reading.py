"""Rows that count, lazily: chosen by name, entity, time and source, in order."""

from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl

from duskwatch.records.entity import Entity
from duskwatch.records.times import to_datetime
from duskwatch.store import tables
from duskwatch.store.days import Current
from duskwatch.store.errors import StoreError
from duskwatch.store.schemas import DATA, GAPS, LEVELS, SIGNALS_TABLE, TIME, TableSpec

READABLE = {spec.name: spec for spec in DATA}
SORTED_TOGETHER = 1024  # entities whose signals are sorted in memory at a time when rows of all are read in order


def table_named(table: str) -> TableSpec:
    """A table that can be read by name; StoreError where there is none."""
    spec = READABLE.get(table)
    if spec is None:
        raise StoreError(f"no table '{table}'; there are {', '.join(sorted(READABLE))}")
    return spec


def rows(
    current: Current,
    spec: TableSpec,
    entities: Sequence[Entity] | None,
    from_us: int | None,
    until_us: int | None,
    sources: Sequence[str] | None,
) -> pl.LazyFrame:
    """Rows of a table in [from, until); of inputs, those of the days it touches.

    StoreError where entities are named for a table that knows none.
    """
    files = current.files(spec, *day_range(from_us, until_us), sources)
    found = shown(tables.scan(current.where, spec, files["path"].to_list()))
    if spec in (LEVELS, GAPS):  # stretches that touch the window
        found = _between(found, "time" if spec is LEVELS else "from", None, until_us)
        if from_us is not None:
            found = found.filter(pl.col("until") > pl.lit(from_us).cast(TIME))
    elif "time" in spec.columns:
        found = _between(found, "time", from_us, until_us)
    if entities is not None:
        if "entity" not in spec.columns:
            raise StoreError(f"table {spec.name} is not about entities; leave them out")
        return _of_entities(found, entities).sort(*spec.sort_by, maintain_order=True)
    days = files["day"].unique().sort()
    parts = [found.filter(pl.col("day") == day).sort(*spec.sort_by, maintain_order=True) for day in days]
    return pl.concat(parts, parallel=False) if parts else found


def signal_rows(
    current: Current,
    names: Sequence[str] | None,
    entities: Sequence[Entity] | None,
    from_us: int | None,
    until_us: int | None,
    sources: Sequence[str] | None,
) -> pl.LazyFrame:
    """Rows of signals as stored: one per source, entity, signal, length of bins and day, with lists; whole days."""
    files = current.files(SIGNALS_TABLE, *day_range(from_us, until_us), sources)
    found = shown(tables.scan(current.where, SIGNALS_TABLE, files["path"].to_list()))
    if names is not None:
        found = found.filter(pl.col("signal").is_in(list(names)))
    if entities is not None:
        return _of_entities(found, entities).sort(*SIGNALS_TABLE.sort_by, maintain_order=True)
    days = files["day"].unique().sort()
    parts = [one.sort(*SIGNALS_TABLE.sort_by, maintain_order=True) for day in days for one in _pieces(found, day)]
    return pl.concat(parts, parallel=False) if parts else found


def shown(found: pl.LazyFrame) -> pl.LazyFrame:
    """Rows without what is only for the store itself."""
    return found.drop("generation")


def day_range(from_us: int | None, until_us: int | None) -> tuple[date | None, date | None]:
    """The days that a window touches, both ends included."""
    first = None if from_us is None else to_datetime(from_us).date()
    last = None if until_us is None else to_datetime(until_us - 1).date()
    return first, last


def _pieces(found: pl.LazyFrame, day: date) -> Iterator[pl.LazyFrame]:
    """Rows of a day cut by entity where it has many: each piece small enough to be sorted in memory."""
    of_day = found.filter(pl.col("day") == day)
    codes = of_day.select("entity_type", "entity").unique().sort("entity_type", "entity")
    for (kind,), some in codes.collect(engine="streaming").group_by("entity_type", maintain_order=True):
        of_type = of_day.filter(pl.col("entity_type") == kind)
        for at in range(0, some.height, SORTED_TOGETHER):
            piece = some["entity"][at : at + SORTED_TOGETHER]
            yield of_type.filter(pl.col("entity").is_between(pl.lit(piece[0]), pl.lit(piece[-1])))


def _between(found: pl.LazyFrame, column: str, from_us: int | None, until_us: int | None) -> pl.LazyFrame:
    if from_us is not None:
        found = found.filter(pl.col(column) >= pl.lit(from_us).cast(TIME))
    if until_us is not None:
        found = found.filter(pl.col(column) < pl.lit(until_us).cast(TIME))
    return found


def _of_entities(found: pl.LazyFrame, entities: Sequence[Entity]) -> pl.LazyFrame:
    # Codes of different types never look alike, so the code alone selects; it is what row groups are sorted by.
    return found.filter(pl.col("entity").is_in([entity.code for entity in entities]))


def newest_of_each_source(current: Current, spec: TableSpec) -> pl.LazyFrame:
    """Rows of the newest day of each source."""
    files = current.files(spec)
    newest = files.group_by("source").agg(pl.col("day").max())
    return tables.scan(current.where, spec, files.join(newest, on=["source", "day"], how="semi")["path"].to_list())
