"""Tables of earlier schema versions, brought up to this one. One function for each step; each can be repeated.

| table | step | what it does |
|---|---|---|
| changes | 1 to 2 | adds ``beyond``, null in the rows there are |
| signals | 1 to 2 | one row per bin becomes one row per series and day with lists |
| all of these | to source and generation | rows are ``bgp``'s; of signals, of the source that their family names |
| gaps | 1 to 2 | ``source`` becomes ``vantage_point`` |
| levels | 1 to 2 | adds ``known_share``, 1 |
| days | made | names the one generation there is |
| days | 1 to 2 | adds ``reenactment``, null in the rows there are |
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import polars as pl
from deltalake import DeltaTable, Field, write_deltalake
from deltalake.schema import PrimitiveType

from duskwatch.records.signals import ROUTING
from duskwatch.records.times import DAY
from duskwatch.store import tables
from duskwatch.store.days import SOURCE
from duskwatch.store.errors import StoreError, named_faults
from duskwatch.store.frames import day_start, wide_from_long
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
    TABLES,
    TIME,
    VERSION_KEY,
    TableSpec,
)

SERIES_AT_ONCE = 2000  # entities whose bins are gathered in memory together
ROWS_AT_ONCE = 8192
OWNER = "bgp"  # whose the rows are that name no source
FIRST = 1  # their generation

# Signals as version 2 had them; ``family`` was the first part of the name.
SIGNALS_2 = TableSpec(
    "signals",
    2,
    {
        name: SIGNALS_TABLE.columns[name]
        for name in ("family", "day", "entity_type", "entity", "signal", "start", "bin_seconds", "values", "coverage")
    },
    ("family", "day"),
    ("entity_type", "entity", "signal", "start"),
    1024,
)


def migrate(where: Location) -> list[tuple[str, int, int]]:
    """Bring all tables to the newest schema version, and make those that are missing: (table, from, to) of each done.

    A step that is killed is done again by the next call. StoreError where a table is newer than this program.
    """
    done = []
    for spec in TABLES:
        if not tables.exists(where, spec.name):
            first = 0 if (spec.name, 0) in STEPS else spec.version
            tables.create(where, spec, first)
            done += [(spec.name, 0, first)] * (first > 0)
        found = tables.version_of(tables.open_any(where, spec.name))
        if found == 0 and (spec.name, 0) not in STEPS:
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
    table = tables.open_any(where, CHANGES_TABLE.name)
    if "beyond" not in _columns(table):
        table.alter.add_columns(Field("beyond", PrimitiveType("long"), nullable=True))


def _add_reenactment(where: Location) -> None:
    table = tables.open_any(where, DAYS.name)
    if "reenactment" not in _columns(table):
        table.alter.add_columns(Field("reenactment", PrimitiveType("string"), nullable=True))


def _bins_to_lists(where: Location) -> None:
    table = tables.open_any(where, SIGNALS_TABLE.name)
    if "values" not in _columns(table):
        _rewrite(table, SIGNALS_2, _wide(where, table))


def _wide(where: Location, table: DeltaTable) -> Iterator[pl.DataFrame]:
    for (family, _), files in tables.files(where, table).group_by("family", "day", maintain_order=True):
        rows = pl.scan_parquet(
            files["path"].to_list(),
            glob=False,
            hive_partitioning=True,
            hive_schema={name: SIGNALS_2.columns[name] for name in SIGNALS_2.partition_by},
            storage_options=dict(where.options) or None,
        )
        codes = rows.select(pl.col("entity").unique().sort()).collect()["entity"]
        for at in range(0, len(codes), SERIES_AT_ONCE):
            piece = codes[at : at + SERIES_AT_ONCE]
            inside = pl.col("entity").is_between(pl.lit(piece[0]), pl.lit(piece[-1]))
            wide = wide_from_long(rows.filter(inside).collect())
            yield wide.with_columns(family=pl.lit(family)).select(*SIGNALS_2.columns)


def _with_owner(
    spec: TableSpec, was: dict[str, Any], change: Callable[[pl.LazyFrame], pl.LazyFrame]
) -> Callable[[Location], None]:
    """A step that gives the rows of a table a source and a generation.

    was  columns that the table had and has no more    change  makes the source, and whatever else is new, of the rows
    """

    def step(where: Location) -> None:
        table = tables.open_any(where, spec.name)
        if "generation" in _columns(table):
            return
        had = {name: kind for name, kind in {**spec.columns, **was}.items() if name in _columns(table)}
        partitions = table.metadata().partition_columns

        def rows() -> Iterator[pl.DataFrame]:
            for _, files in tables.files(where, table).group_by(*partitions, maintain_order=True):
                found = pl.scan_parquet(
                    files["path"].to_list(),
                    glob=False,
                    schema=had,
                    missing_columns="insert",
                    hive_partitioning=True,
                    hive_schema={name: had[name] for name in partitions},
                    storage_options=dict(where.options) or None,
                )
                changed = change(found).with_columns(generation=pl.lit(FIRST, pl.Int64)).select(*spec.columns)
                yield from changed.collect_batches(chunk_size=ROWS_AT_ONCE, maintain_order=True)

        _rewrite(table, spec, rows())

    return step


def _owned(found: pl.LazyFrame) -> pl.LazyFrame:
    return found.with_columns(source=pl.lit(OWNER))


# What the signals mean that this program wrote before it was stored with them: unit, role, sampled, less_is_loss.
MEANINGS = {
    "bgp.visible_prefixes": ("prefixes", "reach", "level", True),
    "bgp.visible_slash24": ("/24s", "reach", "level", True),
    "bgp.visible_slash48": ("/48s", "reach", "level", True),
    "bgp.peers_live": ("voters", "none", "level", False),
    "bgp.announcements": ("messages", "updates", "count", False),
    "bgp.withdrawals": ("messages", "updates", "count", False),
}


def _with_meaning(found: pl.LazyFrame) -> pl.LazyFrame:
    """Signals with a source for their family, and what they mean; nobody judges those of which nobody said it."""
    signal = pl.col("signal")

    def meaning_of(k: int, otherwise: pl.Expr) -> pl.Expr:
        values = {name: meaning[k] for name, meaning in MEANINGS.items()}
        of_meaning = signal.replace_strict(values, default=None, return_dtype=pl.Boolean if k == 3 else pl.String)
        return pl.coalesce(of_meaning, otherwise)

    return found.with_columns(
        source=pl.col("family").map_elements(source_of_family, return_dtype=pl.String),
        family=pl.when(signal.is_in(list(MEANINGS))).then(pl.lit(ROUTING)).otherwise(signal),
        unit=meaning_of(0, pl.lit("")),
        role=meaning_of(1, pl.lit("none")),
        sampled=meaning_of(2, pl.lit("mean")),
        less_is_loss=meaning_of(3, pl.lit(False)),
        bin_fixed=pl.lit(False),
    )


def source_of_family(family: str) -> str:
    """The source that takes the place of a family of signals."""
    return family if SOURCE.fullmatch(family) else f"other-{re.sub('[^A-Za-z0-9_]', '_', family)[:40]}"


def _rewrite(table: DeltaTable, spec: TableSpec, rows: Iterator[pl.DataFrame]) -> None:
    write_deltalake(
        table,
        tables.FrameStream(spec, rows).reader(),
        mode="overwrite",
        schema_mode="overwrite",
        partition_by=list(spec.partition_by),
        target_file_size=tables.FILE_BYTES,
        writer_properties=tables.writer(spec),
        commit_properties=tables.COMMITS,
    )


def _make_days(where: Location) -> None:
    """Table ``days`` of the rows there are."""
    found = pl.concat(
        [
            tables.files(where, tables.open_current(where, spec))
            .select("source", "day", "generation", table=pl.lit(spec.name))
            .unique()
            for spec in DATA
        ],
        how="vertical_relaxed",
    )
    days = found.pivot("table", index=["source", "day"], values="generation", aggregate_function="max")
    missing = [pl.lit(None, pl.Int64).alias(spec.name) for spec in DATA if spec.name not in days.columns]
    start = [day_start(day) for day in days["day"]]
    rows = days.with_columns(*missing, learned=pl.lit(False), reenactment=pl.lit(None, pl.String)).with_columns(
        pl.Series("from", start, dtype=pl.Int64).cast(TIME),
        pl.Series("until", [at + DAY for at in start], dtype=pl.Int64).cast(TIME),
    )
    _rewrite(tables.open_any(where, DAYS.name), DAYS, iter([rows]))


def _columns(table: DeltaTable) -> list[str]:
    return [field.name for field in table.schema().fields]


STEPS: Mapping[tuple[str, int], Callable[[Location], None]] = {
    (CHANGES_TABLE.name, 1): _add_beyond,
    (CHANGES_TABLE.name, 2): _with_owner(CHANGES_TABLE, {}, _owned),
    (SIGNALS_TABLE.name, 1): _bins_to_lists,
    (SIGNALS_TABLE.name, 2): _with_owner(SIGNALS_TABLE, {}, _with_meaning),
    (LEVELS.name, 1): _with_owner(
        LEVELS, {}, lambda found: _owned(found).with_columns(known_share=pl.lit(1.0, pl.Float64))
    ),
    (DUMP_CHECKS.name, 1): _with_owner(DUMP_CHECKS, {}, _owned),
    (INPUTS.name, 1): _with_owner(INPUTS, {}, _owned),
    (DAYS.name, 0): _make_days,
    (DAYS.name, 1): _add_reenactment,
    (GAPS.name, 1): _with_owner(
        GAPS, {"source": pl.String}, lambda found: _owned(found.rename({"source": "vantage_point"}))
    ),
}
