"""Histories of routes to the second with binned signals of other families beside them, for tests."""

from dataclasses import dataclass, replace

import numpy as np

from duskwatch.evaluation.scenarios.votes import history_of
from duskwatch.records.signals import EntityHistory, SignalBlock
from duskwatch.records.times import DAY, MINUTE, SECOND
from duskwatch.sources.tables.naming import spec_of
from tests.detection.series import START

DAYS = 8
UNTIL = START + DAYS * DAY
PREFIXES = 12
Spans = tuple[tuple[int, int], ...]  # microseconds from the start


@dataclass(frozen=True)
class Seen:
    """What one signal lost, when, and when nobody watched it."""

    lost: Spans = ()
    blind: Spans = ()
    share: float = 1.0
    bin_us: int = 5 * MINUTE
    level: float = 600.0
    noise: float = 0.01
    seed: int = 1


def bins_of(name: str, seen: Seen) -> SignalBlock:
    """A signal in bins: means of what it lost."""
    count = DAYS * DAY // seen.bin_us
    dice = np.random.default_rng(seen.seed)
    start = np.arange(count) * seen.bin_us
    lost = np.zeros(count)
    for begin, end in seen.lost:
        overlap = np.minimum(end, start + seen.bin_us) - np.maximum(begin, start)
        lost += np.clip(overlap, 0, None) / seen.bin_us
    values = seen.level * (1 + seen.noise * dice.normal(size=count)) * (1 - seen.share * np.minimum(lost, 1.0))
    for begin, end in seen.blind:
        values[max(0, begin // seen.bin_us) : -(-end // seen.bin_us)] = np.nan
    row = np.maximum(values, 0.0)[None, :]
    return SignalBlock((spec_of(name),), START, seen.bin_us, row, np.where(np.isnan(row), 0.0, 1.0))


def history(routes: Seen | None, **binned: Seen) -> EntityHistory:
    """Routes (None: no archive was read) and binned signals; names may have __ for a dot."""
    losses, blind = [], []
    if routes is not None:
        down = round(routes.share * PREFIXES)
        losses = [(p, START + a + p * SECOND, START + b + p * SECOND) for a, b in routes.lost for p in range(down)]
        blind = [(START + max(0, a), START + b) for a, b in routes.blind]
    blocks = tuple(bins_of(name.replace("__", "."), seen) for name, seen in binned.items())
    whole = history_of(PREFIXES, losses, (START, UNTIL), blind, blocks)
    if routes is not None:
        return whole
    nothing = np.empty(0)
    level = replace(
        whole.level, time_us=np.empty(0, np.int64), by_voters=np.empty(0, np.uint8),
        **dict.fromkeys(("prefixes", "slash24", "slash48", "held_slash24", "held_slash48", "voters"), nothing),
    )  # fmt: skip
    return replace(whole, level=level)
