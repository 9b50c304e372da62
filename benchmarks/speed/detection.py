"""What one new bin of many series costs with the whole of detection: baseline, alarms, fusing.

    python -m benchmarks.speed.detection [--series N] [--markdown]

Each series is an entity of its own, in bins of five minutes, with four weeks behind it. An hour is still but for what
series do by chance; then a share of them loses everything at once, stays down for an hour, and comes back at once. One
line (row) a share.
"""

import argparse
import os
import time
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.measure import machine
from duskwatch.detection.stream import F32, StreamState, begin, step
from duskwatch.evaluation.scenarios.quiet import KINDS, START_US, quiet_values
from duskwatch.records.times import MINUTE

SERIES = 80_000
MODELS = 64  # series that are different; the others are copies of them
BIN_US = 5 * MINUTE
DAYS = 28
HOUR_BINS = 12
SHARES = (0.0, 0.01, 0.1)
KIND = "large"


@dataclass(frozen=True, slots=True)
class Row:
    """Seconds of one bin of all series."""

    share: float  # of the series that fell
    still: float  # median while nothing happens
    hour: float  # slowest of these: it ends an hour
    falls: float  # the bin in which the share falls
    goes_on: float  # median while it is down
    ends: float  # the bin in which it comes back
    told: int  # outages told when they fell and when they came back
    megabytes: float  # of the state at the end


def known(count: int) -> StreamState:
    """The state of ``count`` series (a whole multiple of 64) after four weeks, all of them still at the end."""
    entities = [[KINDS[KIND].spec]] * MODELS
    state = begin(entities, BIN_US, START_US)
    values = np.stack([quiet_values(KIND, k + 1, DAYS) for k in range(MODELS)]).astype(np.float32)
    whole = np.ones(MODELS, np.float32)
    for b in range(values.shape[1]):
        state, _ = step(state, values[:, b], whole)
    times = count // MODELS
    empty = begin(entities * times, BIN_US, START_US)
    few = state.baseline
    many = {
        name: np.tile(getattr(state, name), (1,) * (getattr(state, name).ndim - 1) + (times,))
        for name in (
            "amounts", "expected", "bits", "watched", "counted", "out", "out_last", "out_before", "alarm_stood",
            "standing", "alarmed", "closed",
        )
    }  # fmt: skip
    baseline = replace(
        few,
        table=np.tile(few.table, (times, 1)),
        ring=np.tile(few.ring, (times, 1)),
        buffer=np.tile(few.buffer, (times, 1)),
        cells=np.tile(few.cells, (times, 1, 1)),
    )
    episodes = {
        e + MODELS * k: replace(episode, data=episode.data.copy())
        for k in range(times)
        for e, episode in state.episodes.items()
    }
    return replace(empty, bins=state.bins, baseline=baseline, episodes=episodes, **many)


def measured(count: int, share: float) -> Row:
    """Two hours of bins: still, a share down, back."""
    state = known(count)
    dice = np.random.default_rng(1)
    level = np.tile(state.amounts[(state.bins - 1) % len(state.bits), 0, :MODELS], count // MODELS)
    fallen = dice.permutation(count)[: round(share * count)]
    whole = np.ones(count, np.float32)

    def one(down: bool) -> tuple[float, int]:
        nonlocal state
        values: F32 = (level + dice.integers(-3, 4, count)).astype(np.float32)
        if down:
            values[fallen] = 0
        began = time.perf_counter()
        state, told = step(state, values, whole)
        return time.perf_counter() - began, sum(len(of.outages) for of in told)

    one(False)  # reads what was compiled
    still = [one(False)[0] for _ in range(HOUR_BINS)]
    falls, first = one(True)
    down = sorted(one(True)[0] for _ in range(HOUR_BINS - 1))
    ends, last = one(False)
    held = state.bytes_per_series * count + sum(episode.data.nbytes for episode in state.episodes.values())
    usual = sorted(still)[len(still) // 2]
    return Row(share, usual, max(still), falls, down[len(down) // 2], ends, first + last, held / 1e6)


def main() -> None:
    """Measure each share."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=SERIES, help=f"a multiple of {MODELS} (80000)")
    parser.add_argument("--markdown", action="store_true", help="print rows of a table")
    options = parser.parse_args()
    if options.series < MODELS or options.series % MODELS:
        parser.error(f"--series must be a multiple of {MODELS}, not {options.series}")
    about = machine()
    print(f"{about['processor']}; {about['cores']} cores; load {os.getloadavg()[0]:.1f}; {options.series:,} series")
    for share in SHARES:
        row = measured(options.series, share)
        times = (row.still, row.hour, row.falls, row.goes_on, row.ends)
        if options.markdown:
            cells = [f"{share:.0%}", *(f"{seconds:.2f}" for seconds in times), str(row.told)]
            print("| " + " | ".join([*cells, f"{row.megabytes:,.0f}"]) + " |")
        else:
            print(
                "{:.0%} fall: still {:.3f} s, at most {:.3f} s; falls {:.3f} s, goes on {:.3f} s, ends {:.3f} s; "
                "{} outages told, {:.0f} MB".format(share, *times, row.told, row.megabytes)
            )


if __name__ == "__main__":
    main()
