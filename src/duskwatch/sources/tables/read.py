"""Files of series into binned signals of one entity: what each row says, what is left out and why."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import polars as pl

from duskwatch.records.entity import Entity
from duskwatch.records.errors import InputError
from duskwatch.records.report import InputFile
from duskwatch.records.signals import Role, SignalBlock, SignalSpec
from duskwatch.records.text import clean_name
from duskwatch.sources.tables.bins import Points, blocks_of
from duskwatch.sources.tables.columns import Layout, layout_of, listed
from duskwatch.sources.tables.layouts import open_table
from duskwatch.sources.tables.naming import Naming
from duskwatch.sources.tables.times import times_us

SAMPLE = 2000  # rows that tell which columns hold numbers
NUMERIC = 0.5  # share of what is not empty in them that must read as a number
MOST_SIGNALS = 2000
_EMPTY = ("", "null", "none", "nan", "na", "n/a", "nil", "-", "\\n")


class SeriesError(InputError):
    """A file of series that cannot be used; one line that says what to do."""


@dataclass(frozen=True, slots=True)
class SeriesOptions:
    """Names of columns where they cannot be told from the file itself, and roles of signals where names do not say."""

    time: str | None = None
    entity: str | None = None
    signal: str | None = None
    value: str | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)  # by name of signal; before any other rule


@dataclass(frozen=True, slots=True, eq=False)
class SeriesData:
    """What the files say of one entity: blocks of signals of one bin width each, the files, and what was noticed."""

    blocks: tuple[SignalBlock, ...]
    inputs: tuple[InputFile, ...]
    notes: tuple[str, ...]


def read_series(
    paths: Sequence[Path],
    entity: Entity,
    options: SeriesOptions = SeriesOptions(),
    declared: Mapping[str, SignalSpec] = MappingProxyType({}),
) -> SeriesData:
    """Read files of series; rows of one signal in several files are taken together.

    declared   what is known of signals by their whole name: those that duskwatch measures itself, written out before
    Raises SeriesError, in one line, where a file is no table, has no rows of the entity or none that can be read, or
    where a role was said of a signal that there is not.
    """
    rows: list[pl.DataFrame] = []
    inputs: list[InputFile] = []
    notes: list[str] = []
    seen: dict[str, str] = {}
    for path in paths:
        digest = _sha256(path)
        if digest in seen:
            notes.append(f"{path.name} is the same as {seen[digest]}; it changed nothing")
            inputs.append(InputFile(path.name, digest, "doubled", None, None, size_bytes=path.stat().st_size))
            continue
        seen[digest] = path.name
        try:
            frame, bad, said = _rows_of(path, entity, options)
        except InputError as error:
            raise SeriesError(f"{path.name}: {error}") from None
        notes += [f"{path.name}: {text}" for text in said]
        rows.append(frame)
        first, last = int(frame["time_us"].to_numpy().min()), int(frame["time_us"].to_numpy().max())
        inputs.append(
            InputFile(path.name, digest, "series", first, last, len(frame), bad, size_bytes=path.stat().st_size)
        )
    naming = Naming(declared, options.roles)
    try:
        blocks, said = blocks_of(_points(pl.concat(rows)), naming)
    except InputError as error:
        raise SeriesError(str(error)) from None
    if not blocks:
        raise SeriesError("the files hold no signal with two values or more")
    notes += [*said, *_taken_for(blocks, naming)]
    return SeriesData(tuple(blocks), tuple(inputs), tuple(notes))


def _taken_for(blocks: Sequence[SignalBlock], naming: Naming) -> list[str]:
    """Notes on the roles that signals were given. SeriesError for one said of a signal that is not there."""
    names = [name for block in blocks for name in block.names]
    for name in naming.roles:
        if name not in names:
            raise SeriesError(f"--signal {name}: no such signal in the series; they hold {listed(names)}")
    notes = [f"{name}: taken for a signal of role '{role}', as --signal says" for name, role in naming.roles.items()]
    guessed = [name for name in names if naming.guessed(name)]
    if guessed:
        notes.append(
            f"what a fall means is not told by the names {listed(guessed)}: each was taken for a measure of reach by "
            "itself; say otherwise with --signal NAME=ROLE"
        )
    return notes


def _rows_of(path: Path, entity: Entity, options: SeriesOptions) -> tuple[pl.DataFrame, int, list[str]]:
    """Rows (time_us, signal, value) of an entity in a file, how many records were bad, and what was noticed."""
    table, bad = open_table(path)
    sample = _collected(table.head(SAMPLE))
    columns = sample.columns
    numeric = [name for name in columns if _is_numeric(sample[name])]
    layout = layout_of(
        columns, numeric, time=options.time, entity=options.entity, signal=options.signal, value=options.value
    )
    notes: list[str] = []
    if layout.left_out:
        notes.append(f"columns that are no measure by their names left out: {', '.join(layout.left_out)}")
    wanted = list(dict.fromkeys(filter(None, (layout.time, layout.entity, layout.signal, *layout.values))))
    frame = _collected(table.select(wanted))
    if not len(frame):
        raise SeriesError("it holds no rows")
    frame, said = _of_entity(frame, layout, entity)
    notes += said
    time, unreadable = times_us(frame[layout.time])
    if unreadable == len(frame):
        first = next((str(item) for item in frame[layout.time].to_list() if item is not None), "")
        raise SeriesError(
            f"no time in column '{layout.time}' can be read (the first is '{first[:40]}'); give seconds or "
            "milliseconds since 1970, or ISO 8601"
        )
    if unreadable:
        bad += unreadable
        notes.append(f"{unreadable} rows whose time cannot be read left out")
    frame = frame.with_columns(time.alias("time_us")).filter(pl.col("time_us").is_not_null())
    backwards = int((np.diff(frame["time_us"].to_numpy()) < 0).sum()) if layout.wide else _backwards(frame, layout)
    if backwards:
        notes.append(
            f"time goes back {backwards} time{'s' * (backwards != 1)} from one row to the next; rows were sorted"
        )
    long, wrong, negative = _values(_long(frame, layout, path))
    bad += wrong
    if wrong:
        notes.append(f"{wrong} values that are no number left out")
    if negative:
        notes.append(f"{negative} negative values left out: an amount cannot be below zero")
    if not long["value"].is_not_null().any():
        raise SeriesError("none of its values is a number")
    return long, bad, notes


def _collected(table: pl.LazyFrame) -> pl.DataFrame:
    """The rows of a table; a SeriesError, in one line, where the file is damaged."""
    try:
        return table.collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SeriesError(f"cannot be read as a table: {str(error).splitlines()[0][:160]}") from None


def _is_numeric(column: pl.Series) -> bool:
    """Whether most of what is not empty reads as a number."""
    if column.dtype.is_numeric():
        return True
    if column.dtype != pl.String:
        return False
    text = column.str.strip_chars()
    full = text.filter(text.is_not_null() & ~text.str.to_lowercase().is_in(_EMPTY))
    if not len(full):
        return False
    return full.cast(pl.Float64, strict=False).is_not_null().sum() >= NUMERIC * len(full)


def _of_entity(frame: pl.DataFrame, layout: Layout, entity: Entity) -> tuple[pl.DataFrame, list[str]]:
    """The rows of the entity asked for; all of them where the table names none."""
    if layout.entity is None:
        return frame, [f"it names no entity; all of it is taken for {entity.code}"]
    named = frame[layout.entity].cast(pl.String).str.strip_chars().str.to_lowercase()
    code = entity.code.lower()
    names = {code, f"{entity.type}/{code}", f"{entity.type}:{code}", entity.name.lower()} - {""}
    if entity.type == "asn":
        names |= {code[2:], f"asn/{code[2:]}", f"asn:{code[2:]}", f"{code[2:]}.0"}
    mine = frame.filter(named.is_in(list(names)))
    if not len(mine):
        others = sorted({str(name) for name in named.unique().drop_nulls().to_list()})
        shown = ", ".join(name[:30] for name in others[:8]) + (
            f" and {len(others) - 8} more" if len(others) > 8 else ""
        )
        raise SeriesError(f"no row of {entity.code} in column '{layout.entity}'; it holds {shown or 'none'}")
    left = len(frame) - len(mine)
    return mine, [f"{left} rows of other entities left out"] if left else []


def _backwards(frame: pl.DataFrame, layout: Layout) -> int:
    """How often a signal's time goes back from one of its rows to the next."""
    names = frame[layout.signal].cast(pl.String) if layout.signal else pl.Series([""] * len(frame))
    steps = pl.DataFrame({"s": names, "t": frame["time_us"]}).select((pl.col("t").diff().over("s") < 0).sum())
    return int(steps.item() or 0)


def _long(frame: pl.DataFrame, layout: Layout, path: Path) -> pl.DataFrame:
    """Rows of time_us, signal and text of the value."""
    if layout.wide:
        return frame.select("time_us", *layout.values).unpivot(
            index="time_us", on=list(layout.values), variable_name="signal", value_name="value"
        )
    name = pl.lit(_stem(path)) if layout.signal is None else pl.col(layout.signal).cast(pl.String).str.strip_chars()
    return frame.select("time_us", name.fill_null("signal").alias("signal"), pl.col(layout.values[0]).alias("value"))


def _stem(path: Path) -> str:
    return path.name.split(".")[0] or "signal"


def _values(long: pl.DataFrame) -> tuple[pl.DataFrame, int, int]:
    """Values as numbers; null where empty, no number or negative; how many were no number, and how many negative."""
    column = long["value"]
    if column.dtype == pl.String:
        text = column.str.strip_chars()
        empty = text.is_null() | text.str.to_lowercase().is_in(_EMPTY)
        number = text.cast(pl.Float64, strict=False)
    else:
        number = column.cast(pl.Float64, strict=False)
        empty = column.is_null() | number.is_nan().fill_null(False)
    finite = number.is_finite().fill_null(False)
    wrong = int((~finite & ~empty).sum())
    below = finite & (number < 0).fill_null(False)
    kept = long.select("time_us", "signal").with_columns(
        pl.when(finite & ~below).then(number).otherwise(None).alias("value")
    )
    return kept, wrong, int(below.sum())


def _points(rows: pl.DataFrame) -> list[Points]:
    """Every signal's points, those of one time taken together, in order of signal."""
    given_names = rows["signal"].cast(pl.String).unique().to_list()
    clean = {name: clean_name(name) or "unnamed" for name in given_names if name is not None}
    rows = rows.with_columns(pl.col("signal").cast(pl.String).replace(clean))
    names = rows["signal"].unique(maintain_order=True).to_list()
    if len(names) > MOST_SIGNALS:
        raise SeriesError(f"{len(names):,} signals; give at most {MOST_SIGNALS:,} (is --signal-column right?)")
    given = rows.drop_nulls("value")
    every: npt.NDArray[np.int64] = rows["time_us"].unique().sort().to_numpy().astype(np.int64)
    met = given.group_by("signal", "time_us").agg(
        pl.col("value").median(), (pl.col("value").min() != pl.col("value").max()).alias("differ"), pl.len().alias("n")
    )
    out = []
    parts = met.sort("time_us").partition_by("signal", as_dict=True)
    for name in names:
        part = parts.get((name,))
        if part is None:
            continue
        time: npt.NDArray[np.int64] = part["time_us"].to_numpy().astype(np.int64)
        differ = int(part["differ"].sum())
        repeated = int((part["n"].cast(pl.Int64) - 1).sum())
        values = part["value"].to_numpy().astype(np.float64)
        out.append(Points(str(name), time, values, every, repeated, differ))
    return out


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
