"""False alarms on counts: `python -m benchmarks.quality.counts [SERIES] [MEAN]`.

Twelve days of 5-minute bins of Poisson counts with a gap of up to 33 hours, so many times, none of which holds an
outage. Prints how many alarms there were, and on which series.
"""

import sys
import time

import numpy as np

from duskwatch.detection import DetectionConfig, detect_series
from duskwatch.detection.baselines.seasonal import begin, walk
from duskwatch.evaluation.scenarios.inject import as_block
from duskwatch.evaluation.scenarios.quiet import START_US
from duskwatch.evaluation.scenarios.specs import UP
from duskwatch.records.times import DAY, MINUTE

BIN_US = 5 * MINUTE
BINS = 12 * DAY // BIN_US
AT_ONCE = 500
LONGEST = 400  # bins of a gap


def main() -> None:
    """Draw, judge, print."""
    series = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    mean = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    config, began, found = DetectionConfig(), time.perf_counter(), []
    for first in range(0, series, AT_ONCE):
        seeds = range(first, min(series, first + AT_ONCE))
        values = np.stack([drawn(seed, mean) for seed in seeds])
        state = begin(len(values), BIN_US, START_US, config.rules, config.seasonal, [UP.sampled] * len(values))
        _, judged = walk(state, values, (~np.isnan(values)).astype(np.float64))
        heard = judged.raised_any.any(axis=1) | judged.lasting.any(axis=1)
        for k in np.flatnonzero(heard).tolist():
            if detect_series(as_block(UP, START_US, BIN_US, values[k])):
                found.append(seeds[k])
    print(f"{series} series of a mean of {mean:g}: {len(found)} with an outage, in {time.perf_counter() - began:.0f} s")
    if found:
        print(f"seeds {found[:20]}")


def drawn(seed: int, mean: float) -> np.ndarray:
    """Counts of one series, [BINS], NaN in its gap."""
    random = np.random.default_rng(seed)
    values = random.poisson(mean, BINS).astype(np.float64)
    first, length = int(random.integers(0, BINS)), int(random.integers(1, LONGEST + 1))
    values[first : first + length] = np.nan
    return values


if __name__ == "__main__":
    main()
