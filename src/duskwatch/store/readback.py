"""Rows of tables back into records: what detection and the report read, for one entity and window."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from duskwatch.records.signals import F64, ChangeLog, Gap, Level, SignalBlock, SignalSpec
from duskwatch.records.times import DAY, SECOND
from duskwatch.store.frames import I64, LEVEL_VALUES, STATES


def signal_blocks(
    rows: pl.DataFrame, from_us: int | None = None, until_us: int | None = None
) -> list[tuple[str, SignalBlock]]:
    """Rows of ``signals`` of one entity as blocks: one for each source, length of bins and place of their edges.

    Of the bins that begin in [from, until), a block spans those from the first that any row has to the last; what has
    no row is NaN with coverage 0. In order of source, length of bins and edges.
    """
    blocks: dict[tuple[str, int, int], dict[SignalSpec, list[tuple[int, F64, F64]]]] = {}
    for row in rows.with_columns(pl.col("start").cast(pl.Int64)).iter_rows(named=True):
        bin_us = row["bin_seconds"] * SECOND
        first = 0 if from_us is None else max(0, -(-(from_us - row["start"]) // bin_us))
        stop = len(row["values"]) if until_us is None else max(0, -(-(until_us - row["start"]) // bin_us))
        values, coverage = (np.array(row[name][first:stop], np.float64) for name in ("values", "coverage"))
        if len(values):
            of_source = blocks.setdefault((row["source"], bin_us, row["start"] % bin_us), {})
            of_source.setdefault(_spec(row, bin_us), []).append((row["start"] + first * bin_us, values, coverage))
    return [(key[0], _block(blocks[key], key[1])) for key in sorted(blocks)]


def no_signals(from_us: int) -> SignalBlock:
    """A block of no signals."""
    return SignalBlock((), from_us, 300 * SECOND, np.empty((0, 0)), np.empty((0, 0)))


def _spec(row: dict[str, Any], bin_us: int) -> SignalSpec:
    meaning = {name: row[name] for name in ("family", "role", "unit", "sampled", "less_is_loss")}
    return SignalSpec(row["signal"], **meaning, bin_us=bin_us if row["bin_fixed"] else 0)


def _block(rows: dict[SignalSpec, list[tuple[int, F64, F64]]], bin_us: int) -> SignalBlock:
    pieces_of = [(k, *piece) for k, pieces in enumerate(rows.values()) for piece in pieces]
    start_us = min(start for _, start, _, _ in pieces_of)
    end_us = max(start + len(values) * bin_us for _, start, values, _ in pieces_of)
    values = np.full((len(rows), (end_us - start_us) // bin_us), np.nan)
    coverage = np.zeros(values.shape)
    for k, start, values_of, watched in pieces_of:
        at = slice((start - start_us) // bin_us, (start - start_us) // bin_us + len(values_of))
        values[k, at], coverage[k, at] = values_of, watched
    return SignalBlock(tuple(rows), start_us, bin_us, values, coverage)


def change_log(rows: pl.DataFrame) -> ChangeLog:
    """Rows of ``changes`` of one entity, in time order, as a log."""
    return next((log for _, log in change_logs(rows)), _log(_change_columns(rows), slice(0, 0)))


def change_logs(rows: pl.DataFrame) -> Iterator[tuple[str, ChangeLog]]:
    """Rows of ``changes`` of many entities of one type, each one's together and in time order, as their logs."""
    columns = _change_columns(rows)
    for code, its_rows in _stretches(rows):
        yield code, _log(columns, its_rows)


def level(rows: pl.DataFrame, from_us: int, until_us: int) -> Level:
    """Rows of ``levels`` of one entity, in time order, as a step function over the window.

    Where no row says anything, values are NaN. Rows that only go on over midnight become one again.
    """
    return _level(_level_columns(rows), slice(0, rows.height), from_us, until_us)


def levels(rows: pl.DataFrame, from_us: int, until_us: int) -> Iterator[tuple[str, Level]]:
    """Rows of ``levels`` of many entities of one type, each one's together and in time order, as level() has them."""
    columns = _level_columns(rows)
    for code, its_rows in _stretches(rows):
        yield code, _level(columns, its_rows, from_us, until_us)


def _stretches(rows: pl.DataFrame) -> Iterator[tuple[str, slice]]:
    """Whose rows stand where; an entity of which there is none is not named."""
    runs = rows["entity"].rle().struct.unnest()
    at = 0
    for code, length in zip(runs["value"].to_list(), runs["len"].to_list(), strict=True):
        yield code, slice(at, at + length)
        at += length


class _Changes(NamedTuple):
    names: list[str]  # of the prefixes
    prefix: npt.NDArray[np.uint32]  # which of them
    columns: dict[str, npt.NDArray[Any]]  # the others, as ChangeLog has them
    recorded: npt.NDArray[np.bool_]  # ``beyond`` is


def _change_columns(rows: pl.DataFrame) -> _Changes:
    names = rows["prefix"].unique(maintain_order=True)
    return _Changes(
        names.to_list(),
        rows["prefix"].cast(pl.Enum(names)).to_physical().to_numpy(),
        {
            "time_us": rows["time"].cast(pl.Int64).to_numpy(),
            "state": rows["state"].replace_strict(STATES, range(len(STATES)), return_dtype=pl.UInt8).to_numpy(),
            "votes": rows["votes"].to_numpy(),
            "voters": rows["voters"].to_numpy(),
            "origin": rows["origin"].to_numpy().astype(np.uint32),
            "upstream": rows["upstream"].to_numpy().astype(np.uint32),
            "by_voters": rows["by_voters"].cast(pl.UInt8).to_numpy(),
            "beyond": rows["beyond"].fill_null(0).to_numpy().astype(np.uint32),
        },
        rows["beyond"].is_not_null().to_numpy(),
    )


def _log(changes: _Changes, its_rows: slice) -> ChangeLog:
    found, first, number = np.unique(changes.prefix[its_rows], return_index=True, return_inverse=True)
    order = np.argsort(first)  # prefixes in the order in which they are named
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    columns = {name: column[its_rows] for name, column in changes.columns.items()}
    if not changes.recorded[its_rows].all() or not len(number):
        del columns["beyond"]
    return ChangeLog(
        prefixes=tuple(changes.names[code] for code in found[order].tolist()), prefix=place[number], **columns
    )


class _Steps(NamedTuple):
    start: I64
    end: I64
    values: npt.NDArray[np.float64]  # [N, len(LEVEL_VALUES)]
    by_voters: npt.NDArray[np.uint8]


def _level_columns(rows: pl.DataFrame) -> _Steps:
    return _Steps(
        rows["time"].cast(pl.Int64).to_numpy(),
        rows["until"].cast(pl.Int64).to_numpy(),
        np.column_stack([rows[name].fill_null(float("nan")).to_numpy() for name in LEVEL_VALUES]),
        rows["by_voters"].cast(pl.UInt8).to_numpy(),
    )


def _level(steps: _Steps, its_rows: slice, from_us: int, until_us: int) -> Level:
    start, end = np.maximum(steps.start[its_rows], from_us), np.minimum(steps.end[its_rows], until_us)
    values, by_voters = steps.values[its_rows], steps.by_voters[its_rows]
    # A hole before a row, or at the end, is a row of its own, of NaN.
    before = np.concatenate([[from_us], end])
    hole = np.append(start, until_us) > before
    time_us = np.concatenate([start, before[hole]])
    values = np.concatenate([values, np.full((int(hole.sum()), len(LEVEL_VALUES)), np.nan)])
    by_voters = np.concatenate([by_voters, np.zeros(int(hole.sum()), np.uint8)])
    order = np.argsort(time_us, kind="stable")
    time_us, values, by_voters = time_us[order], values[order], by_voters[order]
    kept = np.ones(len(time_us), np.bool_)
    midnight = np.flatnonzero(time_us[1:] % DAY == 0)
    a, b = values[midnight + 1], values[midnight]
    kept[midnight + 1] = ~((a == b) | (np.isnan(a) & np.isnan(b))).all(axis=1)
    columns = dict(zip(LEVEL_VALUES, values[kept].T.copy(), strict=True))
    return Level(until_us=until_us, time_us=time_us[kept], by_voters=by_voters[kept], **columns)


def known_share(rows: pl.DataFrame) -> float:
    """Rows of ``levels`` of one entity: the least share of its space that routes were heard for on any day."""
    least = rows["known_share"].min()
    return 1.0 if least is None else float(least)  # type: ignore[arg-type]


def gaps(rows: pl.DataFrame) -> tuple[Gap, ...]:
    """Rows of ``gaps``, those of one vantage point and reason that go on over midnight joined."""
    found: dict[tuple[str, str, int], list[tuple[int, int]]] = {}
    ordered = rows.with_columns(pl.col("from", "until").cast(pl.Int64)).sort("vantage_point", "reason", "peers", "from")
    for source, from_us, until_us, reason, peers in ordered.select(
        "vantage_point", "from", "until", "reason", "peers"
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
