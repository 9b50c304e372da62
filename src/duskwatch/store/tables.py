"""Delta tables: made, opened, written to, scanned."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import arro3.core as arrow
import polars as pl
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, WriterProperties, write_deltalake

from duskwatch.store.errors import ConflictError, StoreError, named_faults
from duskwatch.store.location import Location
from duskwatch.store.schemas import VERSION_KEY, TableSpec

Frames = pl.DataFrame | Iterable[pl.DataFrame]

ATTEMPTS = 12  # of a write that others forestall; with the pauses below about 20 s
READER = 1  # Delta's protocol for readers, without deletion vectors or renamed columns
FILE_BYTES = 1 << 30  # a partition is one file unless it is huge: sorted once, read in one piece
COMMITS = CommitProperties(max_commit_retries=30)  # races for the next version number, between parts that differ
HOOKS = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=True)


def exists(where: Location, name: str) -> bool:
    """Whether there is a Delta table; an object store is asked, and may be out of reach (StoreError, OSError)."""
    with named_faults(where.table(name)):
        return DeltaTable.is_deltatable(where.table(name), storage_options=dict(where.options))


def create(where: Location, spec: TableSpec, version: int | None = None) -> None:
    """Make an empty table, of this schema version (the newest); one that is already there is left as it is."""
    if exists(where, spec.name):
        return
    try:
        with named_faults(where.table(spec.name)):
            DeltaTable.create(
                where.table(spec.name),
                schema=arrow.Table.from_arrow(spec.empty()).schema,
                partition_by=list(spec.partition_by),
                mode="ignore",
                name=spec.name,
                configuration={VERSION_KEY: str(spec.version if version is None else version)},
                storage_options=dict(where.options),
                raise_if_key_not_exists=False,
            )
    except StoreError:  # another process made it in between
        if not exists(where, spec.name):
            raise


def version_of(table: DeltaTable) -> int:
    """The schema version of a table; 0 where it says none (it is not one of ours)."""
    text = table.metadata().configuration.get(VERSION_KEY, "0")
    return int(text) if text.isdigit() and len(text) < 6 else 0


def open_any(where: Location, name: str) -> DeltaTable:
    """The newest version of a table, whatever its schema version. StoreError where it is missing."""
    with named_faults(where.table(name)):
        return DeltaTable(where.table(name), storage_options=dict(where.options))


def open_current(where: Location, spec: TableSpec) -> DeltaTable:
    """The newest version of a table, of the schema version that this program writes; StoreError for any other."""
    table = open_any(where, spec.name)
    found = version_of(table)
    unmade = found == 0 and VERSION_KEY in table.metadata().configuration  # a migration was cut off
    if (found == 0 and not unmade) or table.protocol().min_reader_version > READER:
        raise StoreError(f"{where.table(spec.name)}: not a table as duskwatch writes it")
    if found > spec.version:
        raise StoreError(
            f"{where.table(spec.name)}: schema version {found}, this program knows up to {spec.version}; "
            "use a newer duskwatch"
        )
    if found < spec.version:
        raise StoreError(
            f"{where.table(spec.name)}: schema version {found}, this program needs {spec.version}; "
            f"run: duskwatch store migrate --store {where.root}"
        )
    return table


def writer(spec: TableSpec) -> WriterProperties:
    """How Parquet files of a table are written."""
    return WriterProperties(compression="ZSTD", compression_level=3, max_row_group_size=spec.row_group)


def conform(spec: TableSpec, frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of a table, in its types and its order of rows.

    StoreError where a column is missing or does not fit, or where a row breaks a rule of the table.
    """
    missing = [name for name in spec.columns if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in spec.columns]
    if missing or unknown:
        raise StoreError(
            f"table {spec.name}: "
            + "; ".join([f"missing column {name}" for name in missing] + [f"unknown column {name}" for name in unknown])
        )
    try:
        fitting = frame.select(pl.col(name).cast(dtype) for name, dtype in spec.columns.items()).sort(
            spec.sort_by, maintain_order=True
        )
    except pl.exceptions.PolarsError as error:
        raise StoreError(f"table {spec.name}: {str(error).splitlines()[0]}") from error
    for name, rule in spec.rules.items():
        broken = fitting.filter(~rule.fill_null(False))
        if broken.height:
            first = ", ".join(str(value) for value in broken.select(*spec.sort_by).row(0))
            raise StoreError(f"table {spec.name}: {name}: {first}")
    return fitting


def append(where: Location, spec: TableSpec, frames: Frames, given: Mapping[str, Any]) -> int:
    """Add rows in one commit, all with the ``given`` values in its columns of partition; number of rows written.

    Frames are sorted one by one; given in order, the whole is. No reader sees the rows before ``days`` names their
    generation. Writers at the same time do not disturb each other.
    """
    table = open_current(where, spec)
    # Said to replace the partition, of which there is nothing yet: what is plainly appended is taken by delta-rs to
    # rest on the whole table, and fails where another writer takes rows out meanwhile.
    predicate = " AND ".join(f"{name} = {_quoted(value)}" for name, value in given.items())
    stream = FrameStream(spec, (frames,) if isinstance(frames, pl.DataFrame) else frames, given)
    try:
        with named_faults(where.table(spec.name)):
            write_deltalake(
                table,
                stream.reader(),
                mode="overwrite",
                predicate=predicate,
                target_file_size=FILE_BYTES,
                writer_properties=writer(spec),
                commit_properties=COMMITS,
                post_commithook_properties=HOOKS,
            )
    except StoreError:
        if stream.fault is not None:  # what the maker of frames raised, not what became of it on the way
            raise stream.fault from None
        raise
    return stream.rows


def replace(where: Location, spec: TableSpec, predicate: str, make: Callable[[DeltaTable], pl.DataFrame]) -> None:
    """Replace the rows that a predicate selects, in one commit, with those that ``make`` makes of the table as it is.

    Where another process changed the same rows meanwhile, rows are made anew and the write is repeated.
    """
    for attempt in range(ATTEMPTS):
        table = open_current(where, spec)
        stream = FrameStream(spec, (make(table),))
        try:
            with named_faults(where.table(spec.name)):
                write_deltalake(
                    table,
                    stream.reader(),
                    mode="overwrite",
                    predicate=predicate,
                    writer_properties=writer(spec),
                    commit_properties=COMMITS,
                    post_commithook_properties=HOOKS,
                )
            return
        except ConflictError:
            if attempt + 1 == ATTEMPTS:
                raise
            time.sleep(random.uniform(0.05, 0.2) * min(attempt + 1, 10))


def _quoted(value: Any) -> str:
    """A value in Delta's predicate language; texts are checked elsewhere to hold no quotes."""
    return str(value) if isinstance(value, int) else f"'{value}'"


def delete(where: Location, spec: TableSpec, predicate: str) -> None:
    """Take out rows, whole partitions at a time; their files go when they are vacuumed."""
    with named_faults(where.table(spec.name)):
        open_current(where, spec).delete(predicate, commit_properties=COMMITS)


class FrameStream:
    """Frames as the stream of Arrow batches that delta-rs pulls, one frame in memory at a time."""

    def __init__(self, spec: TableSpec, frames: Iterable[pl.DataFrame], given: Mapping[str, Any] = {}) -> None:
        self.spec, self.frames, self.given = spec, frames, given
        self.rows = 0
        self.fault: BaseException | None = None  # what the maker of frames raised

    def reader(self) -> Any:
        """What delta-rs takes; to be read once."""
        schema = arrow.Table.from_arrow(self.spec.empty()).schema
        return arrow.RecordBatchReader.from_batches(schema, self._batches())

    def _batches(self) -> Iterator[Any]:
        try:
            for frame in self.frames:
                fitting = conform(self.spec, self._with_given(frame)).rechunk()
                self.rows += fitting.height
                yield from arrow.Table.from_arrow(fitting).to_batches()
        except GeneratorExit:
            raise
        except BaseException as fault:
            self.fault = fault
            raise

    def _with_given(self, frame: pl.DataFrame) -> pl.DataFrame:
        for name, value in self.given.items():
            if name in frame.columns and not frame[name].eq(value).all():
                raise StoreError(f"table {self.spec.name}: rows of another {name} than {value}")
        return frame.with_columns(
            pl.lit(value, self.spec.columns[name]).alias(name) for name, value in self.given.items()
        )


def files(where: Location, table: DeltaTable) -> pl.DataFrame:
    """The files of a table in order of partitions: path (absolute, or URL), rows, bytes, columns of the partition."""
    actions = pl.DataFrame(arrow.Table.from_arrow(table.get_add_actions(flatten=True)))
    partitions = [name for name in actions.columns if name.startswith("partition.")]
    return (
        actions.select(
            pl.format("{}/{}", pl.lit(where.table(table.metadata().name)), pl.col("path")).alias("path"),
            pl.col("num_records").cast(pl.Int64).alias("rows"),
            pl.col("size_bytes").cast(pl.Int64).alias("bytes"),
            *(pl.col(name).alias(name.removeprefix("partition.")) for name in partitions),
        )
        .with_columns(pl.col("day").cast(pl.Date))
        .sort(*(name.removeprefix("partition.") for name in partitions), "path")
    )


def scan(where: Location, spec: TableSpec, paths: Sequence[str]) -> pl.LazyFrame:
    """Rows of some files, lazily, file by file; what a filter on sorted columns rules out is not read.

    Polars' own reader of Delta tables trips over folders with a space or an umlaut, so that the files are named here.
    """
    if not paths:
        return spec.empty().lazy()
    return pl.scan_parquet(
        list(paths),
        glob=False,
        schema=dict(spec.columns),
        missing_columns="insert",  # null in files from before a column was added
        hive_partitioning=True,
        hive_schema={name: spec.columns[name] for name in spec.partition_by},
        storage_options=dict(where.options) or None,
    ).select(*spec.columns)
