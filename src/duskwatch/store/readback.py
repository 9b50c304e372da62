"""Rows of tables back into records: what detection and the report read, for one entity and window."""

import numpy as np
import polars as pl

from duskwatch.records.signals import ChangeLog, Gap, Level, SignalBlock
from duskwatch.records.times import DAY, SECOND
from duskwatch.store.errors import StoreError
from duskwatch.store.frames import LEVEL_VALUES, STATES


def signal_block(long: pl.DataFrame, from_us: int, until_us: int) -> SignalBlock:
    """One row per bin of one entity, as a block; its bins span the window as far as rows do.

    Bins without a row are NaN with coverage 0. StoreError where bins differ in length or series do not share a grid.
    """
    if not long.height:
        return SignalBlock((), from_us, 300 * SECOND, np.empty((0, 0)), np.empty((0, 0)))
    sizes = long["bin_seconds"].unique().to_list()
    if len(sizes) > 1:
        raise StoreError(
            f"bins of {' and '.join(map(str, sorted(sizes)))} s in one window; ask for one signal at a time"
        )
    bin_us = sizes[0] * SECOND
    names = tuple(long["signal"].unique(maintain_order=True).to_list())
    time_us = long["time"].cast(pl.Int64).to_numpy()
    start_us = int(time_us.min())
    at, beside = np.divmod(time_us - start_us, bin_us)
    if beside.any():
        raise StoreError("bins of different offsets in one window; ask for one signal at a time")
    bins = int(at.max()) + 1
    row = long["signal"].replace_strict({name: i for i, name in enumerate(names)}, return_dtype=pl.Int64).to_numpy()
    values, coverage = np.full((len(names), bins), np.nan), np.zeros((len(names), bins))
    values[row, at] = long["value"].fill_null(float("nan")).to_numpy()
    coverage[row, at] = long["coverage"].to_numpy()
    return SignalBlock(names, start_us, bin_us, values, coverage)


def change_log(rows: pl.DataFrame) -> ChangeLog:
    """Rows of ``changes`` of one entity, in time order, as a log."""
    prefixes = rows["prefix"].unique(maintain_order=True)
    number = dict(zip(prefixes.to_list(), range(len(prefixes)), strict=True))
    recorded = rows.height and not rows["beyond"].has_nulls()
    beyond = {"beyond": rows["beyond"].to_numpy().astype(np.uint32)} if recorded else {}
    return ChangeLog(
        prefixes=tuple(number),
        time_us=rows["time"].cast(pl.Int64).to_numpy(),
        prefix=rows["prefix"].replace_strict(number, return_dtype=pl.Int32).to_numpy(),
        state=rows["state"].replace_strict(STATES, range(len(STATES)), return_dtype=pl.UInt8).to_numpy(),
        votes=rows["votes"].to_numpy(),
        voters=rows["voters"].to_numpy(),
        origin=rows["origin"].to_numpy().astype(np.uint32),
        upstream=rows["upstream"].to_numpy().astype(np.uint32),
        by_voters=rows["by_voters"].cast(pl.UInt8).to_numpy(),
        **beyond,
    )


def level(rows: pl.DataFrame, from_us: int, until_us: int) -> Level:
    """Rows of ``levels`` of one entity, in time order, as a step function over the window.

    Where no row says anything, values are NaN. Rows that only go on over midnight become one again.
    """
    start = np.maximum(rows["time"].cast(pl.Int64).to_numpy(), from_us)
    end = np.minimum(rows["until"].cast(pl.Int64).to_numpy(), until_us)
    values = np.column_stack([rows[name].fill_null(float("nan")).to_numpy() for name in LEVEL_VALUES])
    by_voters = rows["by_voters"].cast(pl.UInt8).to_numpy()
    # A hole before a row, or at the end, is a row of its own, of NaN.
    before = np.concatenate([[from_us], end])
    hole = np.append(start, until_us) > before
    time_us = np.concatenate([start, before[hole]])
    values = np.concatenate([values, np.full((int(hole.sum()), len(LEVEL_VALUES)), np.nan)])
    by_voters = np.concatenate([by_voters, np.zeros(int(hole.sum()), np.uint8)])
    order = np.argsort(time_us, kind="stable")
    time_us, values, by_voters = time_us[order], values[order], by_voters[order]
    same = ((values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))).all(axis=1)
    kept = np.ones(len(time_us), np.bool_)
    kept[1:] = ~(same & (time_us[1:] % DAY == 0))
    columns = dict(zip(LEVEL_VALUES, values[kept].T.copy(), strict=True))
    return Level(until_us=until_us, time_us=time_us[kept], by_voters=by_voters[kept], **columns)


def gaps(rows: pl.DataFrame) -> tuple[Gap, ...]:
    """Rows of ``gaps``, those of one source and reason that go on over midnight joined."""
    found: dict[tuple[str, str, int], list[tuple[int, int]]] = {}
    ordered = rows.with_columns(pl.col("from", "until").cast(pl.Int64)).sort("source", "reason", "peers", "from")
    for source, from_us, until_us, reason, peers in ordered.select(
        "source", "from", "until", "reason", "peers"
    ).iter_rows():
        spans = found.setdefault((source, reason, peers), [])
        if spans and spans[-1][1] == from_us:
            spans[-1] = (spans[-1][0], until_us)
        else:
            spans.append((from_us, until_us))
    return tuple(
        Gap(source, from_us, until_us, reason, peers)
        for (source, reason, peers), spans in found.items()
        for from_us, until_us in spans
    )
