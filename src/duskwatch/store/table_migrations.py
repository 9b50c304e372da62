"""Tables of earlier schema versions, brought up to this one. One function for each step; each can be repeated.

| table | step | what it does |
|---|---|---|
| changes | 1 to 2 | adds ``beyond``, null in the rows there are |
| signals | 1 to 2 | one row per bin becomes one row per series and day with lists |
"""

from collections.abc import Callable, Iterator, Mapping

import polars as pl
from deltalake import DeltaTable, Field, write_deltalake
from deltalake.schema import PrimitiveType

from duskwatch.store import tables
from duskwatch.store.errors import StoreError, named_faults
from duskwatch.store.frames import wide_from_long
from duskwatch.store.location import Location
from duskwatch.store.schemas import CHANGES, SIGNALS, TABLES, VERSION_KEY

SERIES_AT_ONCE = 2000  # entities whose bins are gathered in memory together


def migrate(where: Location) -> list[tuple[str, int, int]]:
    """Bring all tables to the newest schema version, and make those that are missing: (table, from, to) of each done.

    A step that is killed is done again by the next call. StoreError where a table is newer than this program.
    """
    done = []
    for spec in TABLES:
        if not tables.exists(where, spec.name):
            tables.create(where, spec)
            done.append((spec.name, 0, spec.version))
            continue
        found = tables.version_of(tables.open_any(where, spec.name))
        if found == 0:
            raise StoreError(f"{where.table(spec.name)}: not a table as duskwatch writes it")
        for version in range(found, spec.version):
            with named_faults(where.table(spec.name)):
                STEPS[spec.name, version](where)
                tables.open_any(where, spec.name).alter.set_table_properties(
                    {VERSION_KEY: str(version + 1)}, raise_if_not_exists=False
                )
            done.append((spec.name, version, version + 1))
        tables.open_current(where, spec)
    return done


def _add_beyond(where: Location) -> None:
    table = tables.open_any(where, CHANGES.name)
    if "beyond" not in _columns(table):
        table.alter.add_columns(Field("beyond", PrimitiveType("long"), nullable=True))


def _bins_to_lists(where: Location) -> None:
    table = tables.open_any(where, SIGNALS.name)
    if "values" in _columns(table):
        return
    stream = tables.FrameStream(SIGNALS, _wide(where, table))
    write_deltalake(
        table,
        stream.reader(),
        mode="overwrite",
        schema_mode="overwrite",
        partition_by=list(SIGNALS.partition_by),
        target_file_size=tables.FILE_BYTES,
        writer_properties=tables.writer(SIGNALS),
        commit_properties=tables.COMMITS,
    )


def _wide(where: Location, table: DeltaTable) -> Iterator[pl.DataFrame]:
    for (_, _), files in tables.files(where, table).group_by("family", "day", maintain_order=True):
        rows = pl.scan_parquet(
            files["path"].to_list(),
            glob=False,
            hive_partitioning=True,
            hive_schema={name: SIGNALS.columns[name] for name in SIGNALS.partition_by},
            storage_options=dict(where.options) or None,
        )
        codes = rows.select(pl.col("entity").unique().sort()).collect()["entity"]
        for at in range(0, len(codes), SERIES_AT_ONCE):
            piece = codes[at : at + SERIES_AT_ONCE]
            inside = pl.col("entity").is_between(pl.lit(piece[0]), pl.lit(piece[-1]))
            yield wide_from_long(rows.filter(inside).collect())


def _columns(table: DeltaTable) -> list[str]:
    return [field.name for field in table.schema().fields]


STEPS: Mapping[tuple[str, int], Callable[[Location], None]] = {
    (CHANGES.name, 1): _add_beyond,
    (SIGNALS.name, 1): _bins_to_lists,
}
