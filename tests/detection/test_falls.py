"""Falls that go on over several bins: their onset is no better known than the bins tell."""

import numpy as np
import polars as pl
import pytest

from duskwatch.detection import detect_series
from duskwatch.publication.reasons import reason_text
from duskwatch.records.outages import Outage
from duskwatch.records.signals import SignalBlock, SignalSpec
from duskwatch.records.times import HOUR, MINUTE, parse_time

START = parse_time("2021-03-01T00:00Z")


def block(values, sampled="mean", bin_us=HOUR, start_us=START) -> SignalBlock:
    spec = SignalSpec("probing.up", "probing", "reach", "blocks", sampled, less_is_loss=True)
    values = np.asarray(values, np.float64)[np.newaxis]
    return SignalBlock((spec,), start_us, bin_us, values, np.ones(values.shape))


def only(found: tuple[Outage, ...]) -> Outage:
    (outage,) = found
    return outage


def smoothed(lost_at: float, width: int, hours: int = 96, back: int = 80) -> np.ndarray:
    """Hourly values around 100, 20 from ``lost_at`` on, each the mean of ``width`` hours about it."""
    fine = 60
    times = np.arange(-24 * fine, (hours + 24) * fine) / fine
    level = np.where((times >= lost_at) & (times < back), 20.0, 100.0)
    kernel = np.ones(width * fine) / (width * fine)
    mean = np.convolve(level, kernel, "same")[24 * fine :]
    noise = np.random.default_rng(3).normal(0, 0.3, hours)
    return mean[fine // 2 :: fine][:hours] + noise


@pytest.mark.parametrize("sampled", ["mean", "level"])
@pytest.mark.parametrize("lost_at", [50.2, 50.7, 53.5])
def test_of_bins_that_hold_more_than_their_own_time_the_onset_reaches_to_where_half_is_lost(lost_at, sampled):
    outage = only(detect_series(block(smoothed(lost_at, 6), sampled)))
    true_us = START + round(lost_at * HOUR)
    assert outage.onset.earliest_us <= true_us <= outage.onset.latest_us
    assert outage.onset.latest_us - outage.onset.earliest_us <= 7 * HOUR
    assert outage.onset.reason.code == "fell-over-bins"
    text = reason_text(outage.onset.reason)
    assert "the fall went on over" in text
    assert "probing.up fell" in text


@pytest.mark.parametrize("lost_at", [50.0, 50.3, 50.8])
def test_a_sharp_fall_stays_known_to_its_bin(lost_at):
    outage = only(detect_series(block(smoothed(lost_at, 1))))
    assert outage.onset.reason.code == "fell"
    assert outage.onset.latest_us - outage.onset.earliest_us <= HOUR


def test_a_second_loss_hours_later_does_not_move_the_onset_of_the_first():
    values = smoothed(50.5, 1)
    values[58:80] = 2.0
    outage = only(detect_series(block(values)))
    assert outage.onset.latest_us <= START + 52 * HOUR


def test_venezuela_in_july_2019(shared_data):
    """A national power failure at 16:41 local time, by the press; its hourly values fall from 13:00 to 19:00."""
    rows = pl.read_csv(shared_data / "series" / "monash-ip-observatory" / "ven-2019-07-22_gif.csv")
    mean = rows.filter(pl.col("connectivity") >= 0).group_by("time_e").agg(pl.col("connectivity").mean()).sort("time_e")
    start_us = int(mean["time_e"][0]) * 1_000_000 + 4 * HOUR  # stamps are local
    outage = only(detect_series(block(mean["connectivity"].to_numpy(), "mean", HOUR, start_us)))
    published = parse_time("2019-07-22T20:41Z")
    assert outage.onset.earliest_us <= published <= outage.onset.latest_us
    assert outage.onset.latest_us - outage.onset.earliest_us > 60 * MINUTE


def test_a_line_in_short_bins_stays_dated_by_its_line():
    fine = np.concatenate([np.full(600, 100.0), np.linspace(100, 20, 13)[1:], np.full(300, 20.0), np.full(300, 100.0)])
    values = fine + np.random.default_rng(4).normal(0, 0.3, len(fine))
    outage = only(detect_series(block(values, "mean", 5 * MINUTE)))
    assert outage.onset.reason.code == "fell-slowly"
    assert outage.onset.latest_us - outage.onset.earliest_us <= 30 * MINUTE
