"""Rows that kernels wrote, as blocks of flows."""

from typing import Any

import numpy as np
import numpy.typing as npt

from duskwatch.kernels import flow_layout as to
from duskwatch.records.flows import FlowBlock

BLOCK_ROWS = 1 << 13  # few enough to stay in a cache until they are used

DTYPES: dict[str, Any] = {
    "exporter": np.int32, "sampler": np.uint64, "received_us": np.int64, "start_us": np.int64, "end_us": np.int64,
    "time_source": np.uint8, "afi": np.uint8, "src_hi": np.uint64, "src_lo": np.uint64, "dst_hi": np.uint64,
    "dst_lo": np.uint64, "src_port": np.uint16, "dst_port": np.uint16, "protocol": np.uint8, "tcp_flags": np.uint16,
    "icmp": np.uint16, "fragment": np.uint8, "tos": np.uint8, "bytes": np.uint64, "packets": np.uint64,
    "sampling_rate": np.uint32, "rate_source": np.uint8, "direction": np.uint8, "input_if": np.uint32,
    "output_if": np.uint32, "src_as": np.uint32, "dst_as": np.uint32,
}  # fmt: skip
assert tuple(DTYPES) == FlowBlock._fields


def new_rows(rows: int = BLOCK_ROWS) -> npt.NDArray[np.uint64]:
    """Room for the kernels to write to."""
    return np.empty((to.COLUMNS, rows), np.uint64)


def to_block(out: npt.NDArray[np.uint64], rows: int) -> FlowBlock:
    """The first rows as a block; ``out`` may be written to again."""
    return FlowBlock(*(out[k, :rows].astype(dtype) for k, dtype in enumerate(DTYPES.values())))
