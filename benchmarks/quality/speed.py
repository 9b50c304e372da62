"""How long detection takes: a year of one country, and one new bin of many series."""

import time
from dataclasses import replace
from typing import Any

import numpy as np

from duskwatch.detection import DetectionConfig, detect_series
from duskwatch.detection.baselines.seasonal import BaselineState, begin, step, walk
from duskwatch.evaluation.scenarios.inject import as_block
from duskwatch.evaluation.scenarios.quiet import KINDS, LONGEST_DAYS, START_US, quiet_values
from duskwatch.records.times import MINUTE

YEAR_BINS = 105_120
SERIES = 80_000
MODELS = 64  # series that are different; the others are copies of them
BIN_US = 5 * MINUTE
AN_HOUR = 12  # bins; one of them closes the hour, which is when the most is to be done


def year() -> dict[str, Any]:
    """A year of 5-minute bins of one signal of one country, with a total loss of two hours each month; one thread."""
    values = np.tile(quiet_values("large", 1, LONGEST_DAYS), 7)[:YEAR_BINS]
    for month in range(12):
        values[5000 + month * 8000 : 5024 + month * 8000] = 0
    block = as_block(KINDS["large"].spec, START_US, BIN_US, values)
    found = len(detect_series(replace(block, values=block.values[:, :1000], coverage=block.coverage[:, :1000])))
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        found = len(detect_series(block))
        seconds.append(time.perf_counter() - began)
    return {"bins": YEAR_BINS, "outages": found, "seconds": round(min(seconds), 3)}


def one_bin() -> dict[str, Any]:
    """One new bin of 80,000 series that four weeks are known of: each bin of an hour, the slowest and the median."""
    state = known_state(SERIES)
    dice = np.random.default_rng(1)
    level = np.tile([quiet_values("large", k + 1, 29)[-1] for k in range(MODELS)], SERIES // MODELS)
    seconds = []
    for _ in range(AN_HOUR + 1):
        values = level + dice.integers(-3, 4, SERIES)
        values[dice.random(SERIES) < 0.01] = 0
        began = time.perf_counter()
        state, judged = step(state, values, np.ones(SERIES))
        seconds.append(time.perf_counter() - began)
    below = int(judged.inside.sum())
    ordered = sorted(seconds[1:])  # the first may compile
    return {
        "series": SERIES,
        "below": below,
        "seconds_median": round(ordered[len(ordered) // 2], 3),
        "seconds_slowest": round(ordered[-1], 3),
        "bytes_per_series": state.bytes_per_series,
    }


def known_state(count: int) -> BaselineState:
    """What is remembered of ``count`` series after four weeks; a whole multiple of 64 of them."""
    values = np.stack([quiet_values("large", k + 1, 28) for k in range(MODELS)])
    few, _ = walk(begin(MODELS, BIN_US, START_US, DetectionConfig().rules), values, np.ones(values.shape))
    times = count // MODELS
    return replace(
        few,
        table=np.tile(few.table, (times, 1)),
        ring=np.tile(few.ring, (times, 1)),
        buffer=np.tile(few.buffer, (times, 1)),
        cells=np.tile(few.cells, (times, 1, 1)),
    )
