"""Records into the rows of tables, and back. Many entities at a time; no Python object per bin or per change."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from duskwatch.records.entity import Entity
from duskwatch.records.report import InputFile
from duskwatch.records.signals import (
    ChangeLog,
    EntityHistory,
    Gap,
    Level,
    PrefixState,
    SignalBlock,
    SignalSpec,
    undeclared,
)
from duskwatch.records.times import DAY, SECOND, to_datetime
from duskwatch.store.errors import StoreError
from duskwatch.store.schemas import CHANGES_TABLE, GAPS, INPUTS, LEVELS, SIGNALS_TABLE, TIME, TableSpec

I64 = npt.NDArray[np.int64]
History = tuple[Entity, EntityHistory]

STATES = tuple(state.name.lower() for state in PrefixState)
ENTITIES_A_FRAME = 4096  # entities per frame: 288 bins of 6 signals are 85 MB
LEVEL_VALUES = ("prefixes", "slash24", "slash48", "held_slash24", "held_slash48", "voters")


def day_start(day: date) -> int:
    """Microseconds since the epoch of a UTC day's midnight."""
    return (day - date(1970, 1, 1)).days * DAY


def days_of(from_us: int, until_us: int) -> list[date]:
    """The UTC days that [from_us, until_us) touches."""
    return [to_datetime(at * DAY).date() for at in range(from_us // DAY, -(-until_us // DAY))]


def signal_frames(histories: Iterable[History], day: date, at_once: int = ENTITIES_A_FRAME) -> Iterator[pl.DataFrame]:
    """Rows of ``signals`` for the bins that begin in a day; one frame for each ``at_once`` histories.

    Histories may be a generator; sorted by (type, code) they make the fastest table. One without a bin in the day
    has no row. StoreError where bins are not whole seconds.
    """
    for some in _chunks(histories, at_once):
        frame = blocks_frame([(entity, history.signals) for entity, history in some], day)
        if frame.height:
            yield frame


def blocks_frame(blocks: Sequence[tuple[Entity, SignalBlock]], day: date) -> pl.DataFrame:
    """Rows of ``signals`` of many blocks, of whatever source: one per entity and signal; NaN becomes null."""
    shapes: dict[tuple[tuple[SignalSpec, ...], int, int, int], list[int]] = {}
    for i, (_, block) in enumerate(blocks):
        shapes.setdefault((block.specs, block.start_us, block.bin_us, block.values.shape[1]), []).append(i)
    midnight = day_start(day)
    frames = [pl.DataFrame(schema=_columns_of(SIGNALS_TABLE))]
    for (specs, start_us, bin_us, bins), rows in shapes.items():
        if bin_us % SECOND or not SECOND <= bin_us <= DAY:
            raise StoreError(f"bins of {bin_us} microseconds: the store keeps whole seconds, up to a day")
        first = min(max(-(-(midnight - start_us) // bin_us), 0), bins)
        last = min(max(-(-(midnight + DAY - start_us) // bin_us), 0), bins)
        if first == last or not specs:
            continue
        values = np.stack([blocks[i][1].values[:, first:last] for i in rows])
        coverage = np.stack([blocks[i][1].coverage[:, first:last] for i in rows])
        entities = pl.DataFrame(
            {
                "entity_type": [blocks[i][0].type for i in rows],
                "entity": [blocks[i][0].code for i in rows],
            }
        )
        labels = pl.DataFrame([_meaning(spec) for spec in specs])
        frames.append(
            entities[np.repeat(np.arange(len(rows)), len(specs))]
            .hstack(labels[np.tile(np.arange(len(specs)), len(rows))])
            .with_columns(
                day=pl.lit(day),
                start=pl.lit(start_us + first * bin_us).cast(TIME),
                bin_seconds=pl.lit(bin_us // SECOND, pl.Int32),
                values=_lists(values.reshape(-1, last - first)),
                coverage=_lists(coverage.reshape(-1, last - first).astype(np.float32)),
            )
            .select(*_columns_of(SIGNALS_TABLE))
        )
    return pl.concat(frames)


def _meaning(spec: SignalSpec) -> dict[str, Any]:
    meaning = {name: getattr(spec, name) for name in ("family", "role", "unit", "sampled", "less_is_loss")}
    return {"signal": spec.name, **meaning, "bin_fixed": spec.bin_us > 0}


def change_frames(histories: Iterable[History], day: date, at_once: int = ENTITIES_A_FRAME) -> Iterator[pl.DataFrame]:
    """Rows of ``changes`` for the changes of a day; one frame for each ``at_once`` histories."""
    for some in _chunks(histories, at_once):
        frame = _changes([(entity, history.changes) for entity, history in some], day)
        if frame.height:
            yield frame


def level_frames(histories: Iterable[History], day: date, at_once: int = ENTITIES_A_FRAME) -> Iterator[pl.DataFrame]:
    """Rows of ``levels``: steps cut at the day's two midnights, so that a day can be read by itself."""
    for some in _chunks(histories, at_once):
        frame = _levels([(entity, history.level, history.known_share) for entity, history in some], day)
        if frame.height:
            yield frame


def input_frame(inputs: Iterable[InputFile], day: date) -> pl.DataFrame:
    """Rows of ``inputs``: the files that went into a day."""
    rows = [
        (
            day, file.collector, _text(file.name), file.sha256, file.kind, file.from_us, file.until_us,
            file.records, file.bad_records, _text(file.damage), file.size_bytes,
        )
        for file in inputs
    ]  # fmt: skip
    return _rows(rows, _columns_of(INPUTS))


def gap_frame(gaps: Iterable[Gap], day: date) -> pl.DataFrame:
    """Rows of ``gaps``: those that touch a day, cut to it."""
    start, end = day_start(day), day_start(day) + DAY
    rows = [
        (day, _text(gap.source), max(gap.from_us, start), min(gap.until_us, end), _text(gap.reason), gap.peers)
        for gap in gaps
        if gap.from_us < end and gap.until_us > start
    ]
    return _rows(rows, _columns_of(GAPS))


def wide_from_long(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows of ``signals`` from one row per bin.

    Columns taken: entity_type, entity, signal, time, bin_seconds, value and, if there, coverage (1 where it is not,
    0 where value is null). Bins need not follow each other: what is missing between two is null with coverage 0.
    StoreError where a bin comes twice or lies beside the grid of its series.
    """
    day_us = pl.col("time").dt.truncate("1d")
    frame = frame.with_columns(
        pl.col("time").cast(TIME), pl.col("value").cast(pl.Float64).fill_nan(None), pl.col("bin_seconds").cast(pl.Int64)
    )
    if "coverage" not in frame.columns:
        frame = frame.with_columns(coverage=pl.col("value").is_not_null().cast(pl.Float32))
    series = ["entity_type", "entity", "signal", "bin_seconds", "day"]
    at = (pl.col("time") - pl.col("start")).dt.total_microseconds()
    frame = (
        frame.with_columns(day=day_us.dt.date())
        .with_columns(start=pl.col("time").min().over(series))
        .with_columns(at=at // (pl.col("bin_seconds") * SECOND), off=at % (pl.col("bin_seconds") * SECOND))
    )
    wrong = frame.filter((pl.col("off") != 0) | pl.struct(*series, "at").is_duplicated() | (pl.col("bin_seconds") < 1))
    if wrong.height:
        first = wrong.row(0, named=True)
        raise StoreError(f"{first['entity']} {first['signal']}: bin {first['time']} comes twice or is off the grid")
    grid = (
        frame.group_by(*series, "start")
        .agg(pl.col("at").max() + 1)
        .with_columns(at=pl.int_ranges(pl.col("at")))
        .explode("at")
    )
    return (
        grid.join(frame.select(*series, "at", "value", "coverage"), on=[*series, "at"], how="left")
        .sort(*series, "at")
        .group_by(*series, "start", maintain_order=True)
        .agg(values=pl.col("value"), coverage=pl.col("coverage").fill_null(0.0))
        .join(_meanings(frame["signal"].unique()), on="signal")
        .select(pl.col(name).cast(dtype) for name, dtype in _columns_of(SIGNALS_TABLE).items())
    )


def _meanings(signals: pl.Series) -> pl.DataFrame:
    """What signals mean of which nobody said it."""
    kinds = {name: SIGNALS_TABLE.columns[name] for name in _meaning(undeclared("x"))}
    return pl.DataFrame([_meaning(undeclared(name)) for name in signals], schema=kinds)


def long_from_wide(rows: pl.LazyFrame, from_us: int | None = None, until_us: int | None = None) -> pl.LazyFrame:
    """One row per bin that begins in the window: entity_type, entity, signal, time, bin_seconds, value, coverage, and
    source where the rows name one."""
    long = (
        rows.with_columns(at=pl.int_ranges(pl.col("values").list.len(), dtype=pl.Int64))
        .explode("values", "coverage", "at")
        .select(
            "entity_type",
            "entity",
            "signal",
            (pl.col("start").cast(pl.Int64) + pl.col("at") * (pl.col("bin_seconds").cast(pl.Int64) * SECOND))
            .cast(TIME)
            .alias("time"),
            "bin_seconds",
            pl.col("values").alias("value"),
            "coverage",
            pl.col("^source$"),
        )
    )
    if from_us is not None:
        long = long.filter(pl.col("time") >= pl.lit(from_us).cast(TIME))
    if until_us is not None:
        long = long.filter(pl.col("time") < pl.lit(until_us).cast(TIME))
    return long


def _columns_of(spec: TableSpec) -> dict[str, Any]:
    """The columns of a table but those that say whose write a row is of."""
    return {name: kind for name, kind in spec.columns.items() if name not in ("source", "generation")}


def _chunks(histories: Iterable[History], at_once: int) -> Iterator[list[History]]:
    rest = iter(histories)
    while some := list(islice(rest, at_once)):
        yield some


def _lists(values: npt.NDArray[Any]) -> pl.Series:
    """[R, B] as R lists of B; NaN becomes null."""
    flat = pl.Series(values.ravel()).fill_nan(None)
    return flat.reshape(values.shape).arr.to_list()


def _times(values: npt.NDArray[np.int64]) -> pl.Series:
    return pl.Series(values, dtype=pl.Int64).cast(TIME)


def _entities(entities: Sequence[Entity], of_row: I64) -> list[pl.Series]:
    return [
        pl.Series("entity_type", [entity.type for entity in entities], dtype=pl.String).gather(of_row),
        pl.Series("entity", [entity.code for entity in entities], dtype=pl.String).gather(of_row),
    ]


def _changes(logs: Sequence[tuple[Entity, ChangeLog]], day: date) -> pl.DataFrame:
    start, end = day_start(day), day_start(day) + DAY
    parts = [slice(*np.searchsorted(log.time_us, (start, end)).tolist()) for _, log in logs]
    counts = np.array([part.stop - part.start for part in parts], dtype=np.int64)
    if not counts.sum():
        return pl.DataFrame(schema=_columns_of(CHANGES_TABLE))
    columns = {
        name: np.concatenate([getattr(log, field)[part] for (_, log), part in zip(logs, parts, strict=True)])
        for name, field in (
            ("time", "time_us"), ("prefix", "prefix"), ("state", "state"), ("votes", "votes"), ("voters", "voters"),
            ("origin", "origin"), ("upstream", "upstream"), ("by_voters", "by_voters"),
        )
    }  # fmt: skip
    recorded = [len(log.beyond) == len(log.time_us) for _, log in logs]
    beyond = np.concatenate(
        [
            log.beyond[part].astype(np.float64) if is_recorded else np.full(part.stop - part.start, np.nan)
            for (_, log), part, is_recorded in zip(logs, parts, recorded, strict=True)
        ]
    )
    names = pl.Series([name for _, log in logs for name in log.prefixes], dtype=pl.String)
    offsets = np.cumsum([0, *(len(log.prefixes) for _, log in logs)])[:-1]
    of_row = np.repeat(np.arange(len(logs)), counts)
    return pl.DataFrame(
        [
            *_entities([entity for entity, _ in logs], of_row),
            _times(columns["time"]).alias("time"),
            names.gather(columns["prefix"].astype(np.int64) + offsets[of_row]).alias("prefix"),
            pl.Series(STATES).gather(columns["state"].astype(np.int64)).alias("state"),
            pl.Series("votes", columns["votes"]),
            pl.Series("voters", columns["voters"]),
            pl.Series("origin", columns["origin"].astype(np.int64)),
            pl.Series("upstream", columns["upstream"].astype(np.int64)),
            pl.Series("beyond", beyond).fill_nan(None).cast(pl.Int64),
            pl.Series("by_voters", columns["by_voters"] != 0),
        ]
    ).select(pl.lit(day).alias("day"), pl.all())


def _levels(levels: Sequence[tuple[Entity, Level, float]], day: date) -> pl.DataFrame:
    start, end = day_start(day), day_start(day) + DAY
    parts = []
    for _, level, _ in levels:
        first, last = np.searchsorted(level.time_us, (start, end)).tolist()
        holds = first > 0 and level.until_us > start and (first == len(level.time_us) or level.time_us[first] > start)
        parts.append(slice(first - holds, last))
    counts = np.array([part.stop - part.start for part in parts], dtype=np.int64)
    if not counts.sum():
        return pl.DataFrame(schema=_columns_of(LEVELS))
    together = list(zip(levels, parts, strict=True))
    time_us = np.concatenate([level.time_us[part] for (_, level, _), part in together])
    until = np.concatenate([np.append(level.time_us[1:], level.until_us)[part] for (_, level, _), part in together])
    by_voters = np.concatenate([level.by_voters[part] for (_, level, _), part in together]) != 0
    by_voters &= time_us >= start  # the row that goes on from the day before is no step
    of_row = np.repeat(np.arange(len(levels)), counts)
    return pl.DataFrame(
        [
            *_entities([entity for entity, _, _ in levels], of_row),
            _times(np.maximum(time_us, start)).alias("time"),
            _times(np.minimum(until, end)).alias("until"),
            *(
                pl.Series(
                    name, np.concatenate([getattr(level, name)[part] for (_, level, _), part in together])
                ).fill_nan(None)
                for name in LEVEL_VALUES
            ),
            pl.Series("by_voters", by_voters),
            pl.Series("known_share", [share for _, _, share in levels], dtype=pl.Float64).gather(of_row),
        ]
    ).select(pl.lit(day).alias("day"), pl.all())


def _text(text: str) -> str:
    # File names may hold bytes that are no text; they come as lone surrogates, which no table takes.
    return text.encode("utf-8", "backslashreplace").decode()


def _rows(rows: list[tuple[Any, ...]], columns: Any) -> pl.DataFrame:
    plain = {name: pl.Int64 if dtype == TIME else dtype for name, dtype in columns.items()}
    return pl.DataFrame(rows, schema=plain, orient="row").cast(dict(columns))
