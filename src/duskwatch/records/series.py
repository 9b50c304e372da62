"""Blocks of binned signals side by side: their common window, and one read at the times of another."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from duskwatch.records.signals import SignalBlock

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


def span_of(blocks: Sequence[SignalBlock]) -> tuple[int, int]:
    """Start of the first bin and end of the last, in microseconds. ValueError where there is no block."""
    if not blocks:
        raise ValueError("no block has no span")
    return min(block.start_us for block in blocks), max(until_of(block) for block in blocks)


def until_of(block: SignalBlock) -> int:
    """End of the last bin."""
    return block.start_us + int(block.values.shape[1]) * block.bin_us


def grid_of(blocks: Sequence[SignalBlock], from_us: int, until_us: int) -> I64:
    """Starts of all bins of all blocks within [from, until), and ``from`` itself, sorted, [N]."""
    starts = [block.times_us for block in blocks] + [np.array([until_of(block) for block in blocks], np.int64)]
    times = np.unique(np.concatenate([np.array([from_us], np.int64), *starts]))
    inside: I64 = times[(times >= from_us) & (times < until_us)]
    return inside


def sampled(block: SignalBlock, name: str, times_us: I64) -> F64:
    """A signal read at times: the value of the bin that holds each; NaN outside the block, [N]."""
    at = (times_us - block.start_us) // block.bin_us
    there = (at >= 0) & (at < block.values.shape[1])
    values: F64 = np.where(there, block.series(name)[np.where(there, at, 0)], np.nan)
    return values


def clipped(block: SignalBlock, from_us: int, until_us: int) -> SignalBlock:
    """The whole bins of a block within [from, until); none where there are none."""
    first = min(block.values.shape[1], max(0, -(-(from_us - block.start_us) // block.bin_us)))
    stop = max(first, min(block.values.shape[1], (until_us - block.start_us) // block.bin_us))
    return SignalBlock(
        block.specs,
        block.start_us + first * block.bin_us,
        block.bin_us,
        block.values[:, first:stop],
        block.coverage[:, first:stop],
    )
