"""Blocks of flows, written for tests."""

from typing import Any

import numpy as np

from duskwatch.records.flows import FlowBlock
from duskwatch.sources.flows.blocks import DTYPES

SECOND = 1_000_000
TIME = 1_700_000_000 * SECOND


def flows(count: int, **columns: Any) -> FlowBlock:
    """So many flows of IPv4; columns that are not given are those of a flow of one packet at TIME."""
    given: dict[str, Any] = {
        "afi": 1, "packets": 1, "bytes": 100, "sampling_rate": 1, "start_us": TIME, "end_us": TIME,
        "dst_hi": np.uint64(0xC6336407 << 32),
    } | columns  # fmt: skip
    return FlowBlock(
        **{
            name: np.broadcast_to(np.asarray(given.get(name, 0)).astype(dtype), (count,)).copy()
            for name, dtype in DTYPES.items()
        }
    )
