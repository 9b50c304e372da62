"""Arithmetic on step functions: stretches, values at a time, the least and the middle of them."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from duskwatch.records.signals import Level

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


class Span(NamedTuple):
    """A stretch [from_us, until_us)."""

    from_us: int
    until_us: int

    @property
    def length_us(self) -> int:
        """How long it is, in microseconds."""
        return self.until_us - self.from_us


def edges(level: Level) -> I64:
    """Bounds of the rows of a level, [N + 1]."""
    return np.append(level.time_us, level.until_us).astype(np.int64)


def value_at(level: Level, values: F64, time_us: int) -> float:
    """A step function read at one time; NaN ahead of the window."""
    row = int(np.searchsorted(level.time_us, time_us, side="right")) - 1
    return float(values[row]) if row >= 0 else float("nan")


def least_between(level: Level, values: F64, from_us: int, until_us: int) -> float:
    """Smallest known value in [from_us, until_us); NaN where none is known."""
    first = max(0, int(np.searchsorted(level.time_us, from_us, side="right")) - 1)
    last = max(first + 1, int(np.searchsorted(level.time_us, until_us, side="left")))
    part = values[first:last]
    part = part[~np.isnan(part)]
    return float(part.min()) if part.size else float("nan")


def middle(level: Level, values: F64, span: Span) -> float:
    """Time-weighted median of the values known in a span; NaN where none is."""
    bounds = edges(level)
    lengths = np.diff(np.clip(bounds, span.from_us, span.until_us)).astype(np.float64)
    measured = ~np.isnan(values) & (lengths > 0)
    if not measured.any():
        return float("nan")
    values, lengths = values[measured], lengths[measured]
    order = np.argsort(values, kind="stable")
    below = np.cumsum(lengths[order])
    return float(values[order][np.searchsorted(below, below[-1] / 2)])


def stretches(level: Level, rows: Bool) -> tuple[Span, ...]:
    """The stretches that marked rows make up, those that touch each other as one, in time order."""
    bounds = edges(level)
    change = np.flatnonzero(np.diff(rows, prepend=False, append=False))
    spans = [Span(int(bounds[a]), int(bounds[b])) for a, b in zip(change[::2], change[1::2], strict=True)]
    return tuple(span for span in spans if span.length_us > 0)
