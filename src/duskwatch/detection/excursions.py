"""Excursions: stretches in which a signal is below what it should be, found on its steps and not on its bins."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

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
)
from duskwatch.records.times import DAY, HOUR, MINUTE

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
U8 = npt.NDArray[np.uint8]
Bool = npt.NDArray[np.bool_]

SLASH24, SLASH48, PREFIXES = VISIBLE_SLASH24.name, VISIBLE_SLASH48.name, VISIBLE_PREFIXES.name
SIGNALS = (SLASH24, SLASH48, PREFIXES)
COLUMN_OF = {SLASH24: "slash24", SLASH48: "slash48", PREFIXES: "prefixes"}  # of a Level


class Ending(IntEnum):
    """How an excursion ended."""

    OPEN = 0  # it had not when the window ended
    BACK = 1  # the level came back
    SETTLED = 2  # the level stayed inside the normal band, if not quite where it was
    ACCEPTED = 3  # a lower level had lasted so long that it is the new normal


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is normal, and when the level leaves it. Times in microseconds, shares of the expected level."""

    window_us: int = DAY  # the median is over this much time before
    # Where the state was learned from updates, unstable routes are heard of first: that is not yet what is normal.
    learned_us: int = 4 * HOUR  # it must have been there this long before a loss is told
    band: float = 0.1  # a loss from this share on is out of the normal band
    exit_band: float = 0.05  # and back when no more than this is missing
    bridge_us: int = 2 * MINUTE  # for at least this long; what comes back for less is the same excursion
    settle_us: int = 6 * HOUR  # or when it stayed inside the band for this long
    accept_us: int = 30 * DAY  # a part of the level, steady for this long, is the new normal
    least_voters: float = 0.5  # fewer voters than this share of the usual number are no witness

    def __post_init__(self) -> None:
        if not 0 < self.exit_band <= self.band < 1:
            raise ValueError("the bands must be 0 < exit_band <= band < 1")
        if not 0 < self.least_voters <= 1:
            raise ValueError("least_voters must be above 0 and at most 1")
        if not 0 < self.bridge_us <= self.settle_us <= self.accept_us or not (
            0 <= self.learned_us <= self.window_us and self.window_us > 0
        ):
            raise ValueError(
                "the times must be 0 < bridge_us <= settle_us <= accept_us and 0 <= learned_us <= window_us"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Excursions:
    """One signal against its baseline. N steps, E excursions."""

    expected: F64  # [N] what it should be, of the voters that are left; NaN before anything is known
    loss: F64  # [N] share lost, 0..1; NaN where nobody was watching
    blind: Bool  # [N] nobody, or too few, were watching
    confirmed: I32  # [E] step that left the band
    first: I32  # [E] the same, or an earlier one: with it went, as voters left, what routes confirmed to be lost
    end_us: I64  # [E] -1 while it lasts
    ending: U8  # [E] Ending

    def stops(self, edge_us: I64) -> I64:
        """The first step after each excursion, [E]; N while it lasts."""
        at = np.searchsorted(edge_us[:-1], self.end_us, side="left")
        stops: I64 = np.where(self.end_us < 0, len(self.loss), at).astype(np.int64)
        return stops

    def begun_at(self, step: int) -> int | None:
        """The excursion that began with a step."""
        k = int(np.searchsorted(self.confirmed, step))
        return k if k < len(self.confirmed) and self.confirmed[k] == step else None

    def ended_at(self, time_us: int) -> int | None:
        """The excursion that ended at a time."""
        ends = self.end_us[:-1] if len(self.end_us) and self.end_us[-1] < 0 else self.end_us
        k = int(np.searchsorted(ends, time_us))
        return k if k < len(ends) and ends[k] == time_us else None


def edges(level: Level) -> I64:
    """Start of each step and the end of the window, [N + 1]."""
    out: I64 = np.append(level.time_us, level.until_us).astype(np.int64)
    return out


def zero_for_nan(values: F64) -> F64:
    """The values, 0 where they are NaN."""
    out: F64 = np.where(np.isnan(values), 0.0, values)
    return out


def watched_by_few(level: Level, baseline: Baseline) -> Bool:
    """Steps with too few voters, [N]: under ``least_voters`` of the time-weighted median of the day before."""
    voters = zero_for_nan(level.voters)
    values, rank = np.unique(voters, return_inverse=True)
    usual = np.full(len(voters), -1, np.int32)
    trailing_median(
        edges(level),
        rank.astype(np.int32),
        (voters > 0).astype(np.uint8),
        baseline.window_us,
        np.zeros(len(values) + 1, np.int64),
        usual,
    )
    few: Bool = (usual >= 0) & (voters < baseline.least_voters * values[np.maximum(usual, 0)])
    return few


def column(history: EntityHistory, signal: str) -> tuple[F64, F64]:
    """A signal's level and what any voter holds of it, [N] each. KeyError for a signal that has no steps."""
    level, name = history.level, COLUMN_OF[signal]
    if signal == PREFIXES:
        return level.prefixes, held_prefixes(history.changes, level.time_us)
    return getattr(level, name), getattr(level, f"held_{name}")


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


Find = Callable[[str, Baseline], Excursions]
"""Finds the excursions of one signal of a history below a baseline."""


def finder(history: EntityHistory) -> Find:
    """find_excursions() for one history, which finds each only once, whoever asks."""
    few: dict[Baseline, Bool] = {}
    found: dict[tuple[str, Baseline], Excursions] = {}

    def find(signal: str, baseline: Baseline) -> Excursions:
        if baseline not in few:
            few[baseline] = watched_by_few(history.level, baseline)
        if (signal, baseline) not in found:
            found[signal, baseline] = find_excursions(history, signal, baseline, few[baseline])
        return found[signal, baseline]

    return find


def find_excursions(history: EntityHistory, signal: str, baseline: Baseline, few: Bool | None = None) -> Excursions:
    """The excursions of one signal below its baseline; the rules are in docs/reference/detection.md.

    few  what watched_by_few() gave for the baseline, where it is known
    The baseline at a step knows only what came before it, so that later data never moves what was found.
    """
    level, held = column(history, signal)
    n = len(level)
    blind: Bool = np.isnan(level) | (watched_by_few(history.level, baseline) if few is None else few)
    values, rank = np.unique(np.where(blind, 0.0, level), return_inverse=True)
    expected, loss = np.full(n, np.nan), np.full(n, np.nan)
    first, confirmed = np.zeros(n, np.int32), np.zeros(n, np.int32)
    end_us, ending = np.zeros(n, np.int64), np.zeros(n, np.uint8)
    count = walk(
        edges(history.level),
        level,
        zero_for_nan(held),
        rank.astype(np.int32),
        values,
        zero_for_nan(history.level.voters),
        blind.astype(np.uint8),
        history.level.by_voters,
        1 if history.learned else 0,
        baseline.window_us,
        baseline.learned_us if history.learned else 0,
        baseline.band,
        baseline.exit_band,
        baseline.bridge_us,
        baseline.settle_us,
        baseline.accept_us,
        np.zeros(len(values) + 1, np.int64),
        expected,
        loss,
        first,
        confirmed,
        end_us,
        ending,
    )
    return Excursions(expected, loss, blind, confirmed[:count], first[:count], end_us[:count], ending[:count])
