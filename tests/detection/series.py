"""Binned signals for tests: quiet ones of several kinds, and losses put into them."""

import numpy as np

from duskwatch.records.signals import SignalBlock
from duskwatch.records.times import DAY, MINUTE
from duskwatch.sources.tables.naming import spec_of

START = 1_672_531_200_000_000  # Sunday 2023-01-01
FIVE = 5 * MINUTE


def block(*rows, names=("bgp",), bin_us=FIVE, start_us=START, coverage=None):
    values = np.array(rows, np.float64)
    watched = (~np.isnan(values)).astype(np.float64) if coverage is None else np.array(coverage, np.float64)
    return SignalBlock(tuple(map(spec_of, names)), start_us, bin_us, values, watched)


def flat(days, level=100.0, noise=0.0, seed=1, bin_us=FIVE):
    """A level with normal noise of a share of it, [B]."""
    bins = days * DAY // bin_us
    return level * (1.0 + noise * np.random.default_rng(seed).normal(size=bins))


def daily(days, level=100.0, swing=0.6, noise=0.03, seed=1, bin_us=FIVE, weekend=1.0):
    """A level with the rhythm of the day, its lowest at midnight; Saturdays and Sundays so many times as much."""
    bins = days * DAY // bin_us
    at = np.arange(bins) * bin_us / DAY
    shape = 1.0 - swing * np.cos(2 * np.pi * at)
    day = (at.astype(int)) % 7  # the first is a Sunday
    shape = shape * np.where((day == 0) | (day == 6), weekend, 1.0)
    return level * shape * np.random.default_rng(seed).lognormal(0, noise, bins)


def at(day, hour=0.0, bin_us=FIVE):
    """The bin of a time of a day, counted from the start."""
    return round((day * 24 + hour) * 3600 * 1_000_000 / bin_us)


def time_of(bins, bin_us=FIVE):
    return START + bins * bin_us
