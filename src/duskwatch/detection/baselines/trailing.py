"""The baseline of a level known to the second: the median of the time before, and the excursions below it."""

from dataclasses import dataclass

import numpy as np

from duskwatch.detection.view import F64, I64, Bool, LevelView
from duskwatch.kernels.loss import excursions as walk
from duskwatch.kernels.loss import trailing_median
from duskwatch.records.signals import (
    VISIBLE_PREFIXES,
    VISIBLE_SLASH24,
    VISIBLE_SLASH48,
    ChangeLog,
    EntityHistory,
    Level,
    PrefixState,
    SignalSpec,
)
from duskwatch.records.times import DAY, HOUR, MINUTE


@dataclass(frozen=True, slots=True)
class TrailingMedian:
    """What is normal, and when the level leaves it. Times in microseconds, shares of the expected level."""

    window_us: int = DAY  # the median is over this much time before
    # Where the state was learned from updates, unstable routes are heard of first: that is not yet what is normal.
    learned_us: int = 4 * HOUR  # it must have been there this long before a loss is reported
    # Where nearly all of an entity's space was heard of, unstable routes are not most of it.
    well_known: float = 0.8
    well_known_us: int = HOUR  # a loss of so much of it is reported sooner:
    deep: float = 0.5
    band: float = 0.1  # a loss from this share on is out of the normal band
    exit_band: float = 0.05  # and back when no more than this is missing
    bridge_us: int = 2 * MINUTE  # for at least this long; what comes back for less is the same excursion
    settle_us: int = 6 * HOUR  # or when it stayed inside the band for this long
    accept_us: int = 30 * DAY  # a part of the level, steady for this long, is the new normal
    least_voters: float = 0.5  # fewer voters than this share of the usual number are no witness

    def __post_init__(self) -> None:
        if not 0 < self.exit_band <= self.band < 1:
            raise ValueError("the bands must be 0 < exit_band <= band < 1")
        if not 0 < self.least_voters <= 1 or not 0 < self.well_known <= 1:
            raise ValueError("least_voters and well_known must be above 0 and at most 1")
        if not 0 < self.bridge_us <= self.settle_us <= self.accept_us or not (
            0 <= self.well_known_us <= self.learned_us <= self.window_us and self.window_us > 0
        ):
            raise ValueError(
                "the times must be 0 < bridge_us <= settle_us <= accept_us and "
                "0 <= well_known_us <= learned_us <= window_us"
            )


def edges(level: Level) -> I64:
    """Start of each step and the end of the window, [N + 1]."""
    out: I64 = np.append(level.time_us, level.until_us).astype(np.int64)
    return out


def zero_for_nan(values: F64) -> F64:
    """The values, 0 where they are NaN."""
    out: F64 = np.where(np.isnan(values), 0.0, values)
    return out


def watched_by_few(level: Level, config: TrailingMedian) -> Bool:
    """Steps with too few voters, [N]: under ``least_voters`` of the time-weighted median of the day before."""
    voters = zero_for_nan(level.voters)
    values, rank = np.unique(voters, return_inverse=True)
    usual = np.full(len(voters), -1, np.int32)
    trailing_median(
        edges(level),
        rank.astype(np.int32),
        (voters > 0).astype(np.uint8),
        config.window_us,
        np.zeros(len(values) + 1, np.int64),
        usual,
    )
    few: Bool = (usual >= 0) & (voters < config.least_voters * values[np.maximum(usual, 0)])
    return few


def judge(history: EntityHistory, config: TrailingMedian) -> tuple[LevelView, ...]:
    """Every signal of a level that was ever above zero, against its baseline.

    The rules are in docs/reference/detection.md. The baseline at a step knows only what came before it, so that later
    data never moves what was found.
    """
    level = history.level
    columns: tuple[tuple[SignalSpec, F64, F64 | None], ...] = (
        (VISIBLE_SLASH24, level.slash24, level.held_slash24),
        (VISIBLE_SLASH48, level.slash48, level.held_slash48),
        (VISIBLE_PREFIXES, level.prefixes, None),
    )
    there = [column for column in columns if (column[1] > 0).any()]
    if not there:
        return ()
    edge, few = edges(level), watched_by_few(level, config)
    out = []
    for spec, values, held in there:
        traces = held_prefixes(history.changes, level.time_us) if held is None else held
        out.append(_judged(spec, values, traces, edge, few, history, config))
    return tuple(out)


def _judged(
    spec: SignalSpec, values: F64, held: F64, edge_us: I64, few: Bool, history: EntityHistory, config: TrailingMedian
) -> LevelView:
    n = len(values)
    blind: Bool = np.isnan(values) | few
    voters = zero_for_nan(history.level.voters)
    ranked, rank = np.unique(np.where(blind, 0.0, values), return_inverse=True)
    expected, loss = np.full(n, np.nan), np.full(n, np.nan)
    first, confirmed = np.zeros(n, np.int32), np.zeros(n, np.int32)
    end_us, ending = np.zeros(n, np.int64), np.zeros(n, np.uint8)
    count, reported_from_us = walk(
        edge_us,
        values,
        zero_for_nan(held),
        rank.astype(np.int32),
        ranked,
        voters,
        blind.astype(np.uint8),
        history.level.by_voters,
        1 if history.learned else 0,
        config.window_us,
        config.learned_us if history.learned else 0,
        _deep_us(history, config),
        config.deep,
        config.band,
        config.exit_band,
        config.bridge_us,
        config.settle_us,
        config.accept_us,
        np.zeros(len(ranked) + 1, np.int64),
        expected,
        loss,
        first,
        confirmed,
        end_us,
        ending,
    )
    found = slice(0, count)
    return LevelView(
        spec,
        edge_us,
        values,
        voters,
        expected,
        loss,
        confirmed[found],
        first[found],
        end_us[found],
        ending[found],
        reported_from_us,
    )


def _deep_us(history: EntityHistory, config: TrailingMedian) -> int:
    """How long a level that was learned must have been there before a loss of more than half of it is reported."""
    well_known = history.learned and history.delegated and history.known_share >= config.well_known
    return config.well_known_us if well_known else config.learned_us


def held_prefixes(changes: ChangeLog, times_us: I64) -> F64:
    """Prefixes that at least one voter holds, from each time on, [N]."""
    order = np.argsort(changes.prefix, kind="stable")
    prefix = changes.prefix[order]
    held = (changes.state[order] >= PrefixState.MINORITY).astype(np.int8)
    step = held.copy()
    step[1:] -= np.where(prefix[1:] == prefix[:-1], held[:-1], 0).astype(np.int8)
    by_row = np.zeros(len(order), np.int64)
    by_row[order] = step
    count = np.concatenate([[0], np.cumsum(by_row)])
    found: F64 = count[np.searchsorted(changes.time_us, times_us, side="right")].astype(np.float64)
    return found
