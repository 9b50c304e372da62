"""Small noisy signals: few units, few counts, nights that are cut again and again."""

import csv
from datetime import datetime

import numpy as np
import pytest

from duskwatch.detection import detect_series
from duskwatch.evaluation.run import OURS, detectors, score_one
from duskwatch.evaluation.scenarios import few
from duskwatch.evaluation.scoring import figures, pool
from duskwatch.records.signals import SignalBlock, SignalSpec
from duskwatch.records.times import DAY, HOUR, MINUTE
from tests.detection.series import FIVE, START, block

ANSWERS = SignalSpec("probing.answers", "probing", "reach", "answers", "count", less_is_loss=True)


def counts(seed, mean, days, bin_us=FIVE):
    return np.random.default_rng(seed).poisson(mean, days * DAY // bin_us).astype(float)


def hourly(values):
    return SignalBlock((ANSWERS,), START, HOUR, values[None, :], np.ones((1, len(values))))


@pytest.mark.parametrize("hours", [8, 15, 34])
@pytest.mark.parametrize("days", [1, 10])
def test_thirty_noisy_blocks_that_are_halved_are_found(days, hours):
    """With a day of history as with ten; the width learned is near the level itself."""
    random = np.random.default_rng(days * 100 + hours)
    bins = (days + 4) * DAY // (10 * MINUTE)
    level = np.full(bins, 30.0)
    first = (days * DAY + 2 * HOUR) // (10 * MINUTE)
    level[first : first + 6 * hours] *= 0.5
    values = np.rint(level * (1 + 0.13 * random.normal(size=bins)))
    (outage,) = detect_series(block(values, names=("probing",), bin_us=10 * MINUTE))
    assert abs(outage.onset.best_us - (START + first * 10 * MINUTE)) <= 30 * MINUTE
    assert abs(outage.duration_us - hours * HOUR) <= 2 * HOUR


def test_one_outlier_of_counts_is_no_lasting_loss():
    """A count of 25 among 59.5, seven hours after a gap of half a day: as rare as one in some million bins."""
    random = np.random.default_rng(26304)
    values = random.poisson(60, 12 * 288) * 1.0
    first = int(random.integers(0, len(values)))
    values[first : first + 134] = np.nan
    assert detect_series(block(values, names=("probing",))) == ()


@pytest.mark.parametrize("mean", [0.2, 1, 2, 8, 25])
def test_few_counts_call_nothing_by_chance(mean):
    for seed in range(12):
        values = counts(seed, mean, 6)
        assert detect_series(block(values, names=("telescope",))) == ()


def test_a_telescope_that_hears_next_to_nothing_has_no_total_loss_in_its_second_hour():
    values = np.zeros(3 * 288)
    values[[9, 10, 11, 12, 15, 16, 17, 30, 52, 300, 500]] = 1
    assert detect_series(block(values, names=("telescope",))) == ()


@pytest.mark.parametrize(("mean", "hours"), [(6, 2), (2, 8)])
def test_few_counts_that_stay_away_are_a_loss_by_their_mean(mean, hours):
    values = counts(3, mean, 12)
    first = 10 * 288
    values[first : first + 12 * hours] = 0
    (outage,) = detect_series(block(values, names=("telescope",)))
    assert abs(outage.onset.best_us - (START + first * FIVE)) <= 30 * MINUTE
    assert abs(outage.duration_us - hours * HOUR) <= 30 * MINUTE


def test_nights_that_are_cut_do_not_become_a_season():
    """At eight answers an hour, five hours of each of 45 nights; the last are found as the first are."""
    mean = np.full((14 + 45 + 3) * 24, 8.0)
    for night in range(14, 14 + 45):
        mean[night * 24 + 1 : night * 24 + 6] *= 0.02
    outages = detect_series(hourly(np.random.default_rng(4).poisson(mean).astype(float)))
    found = {int((outage.onset.best_us - START) // DAY) for outage in outages}
    assert len(found & set(range(14, 59))) >= 43
    assert found <= set(range(14, 59))
    assert len(found & set(range(50, 59))) == 9


def test_the_nights_of_bago_are_found(shared_data):
    """Real answers, summed by hour: nights from 01:00 on are cut from 15 February to 27 April 2021."""
    start, values = datetime(2021, 2, 9), np.zeros(95 * 24)
    path = shared_data / "series/monash-ip-observatory/mmr-2021-04-09_Bago.csv"
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            since = datetime.fromisoformat(row["time_local_str"]) - start
            values[int(since.total_seconds() // 3600)] += 1
    values = values[: 94 * 24]  # the last day is not whole
    outages = detect_series(hourly(values))
    nights = {int((outage.onset.best_us - START + 2 * HOUR) // DAY) for outage in outages}
    assert len(nights & set(range(6, 78))) >= 66
    assert nights <= set(range(6, 78))


@pytest.mark.slow
def test_the_bounds_hold_on_sets_that_nothing_was_chosen_by():
    results = [score_one(entry.build(None), detectors()[OURS]) for entry in few.entries(131)]
    lost = figures(pool(one.scored for one in results if "few" in one.groups))
    quiet = figures(pool(one.scored for one in results if "few-quiet" in one.groups))
    assert lost["recall"] >= 0.95
    assert lost["onset_within_30min"] >= 0.9
    assert quiet["false"] <= 1
