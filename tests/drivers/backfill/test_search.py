"""Whose outages are looked for: of nobody who could have none, and of everybody who could."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.detection import DetectionConfig, Detector, detect
from duskwatch.detection.detectors.loss_area import LossArea
from duskwatch.drivers.backfill.plan import DaySummary
from duskwatch.drivers.backfill.search import candidates
from duskwatch.evaluation.scenarios.votes import history_of
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND
from duskwatch.signals.bgp.from_log import VoterSteps

START = 16_000 * DAY
CODES = ("AS1", "AS2", "AS3", "AS4")


def day(k: int, low: list[float], high: list[float], codes=CODES) -> DaySummary:
    """A day on which /24s of each AS were between these."""
    rows = [np.repeat(np.array(part, np.float32)[:, None], 3, axis=1) for part in (low, high)]
    begin = START + k * DAY
    ones = np.ones(len(codes), np.float32)
    voters = VoterSteps(np.array([begin]), np.full(1, 9, np.int32), np.full(1, 9, np.int32))
    on = date(2013, 10, 22) + timedelta(days=k)
    return DaySummary(on, begin, begin + DAY, codes, *rows, ones, False, (), (), voters)


def codes_of(days, config=DetectionConfig()) -> list[str]:
    return [entity.code for entity in candidates(days, config)]


def test_who_never_fell_as_far_as_any_detector_needs_is_not_searched():
    assert codes_of([day(0, [100, 89, 91, 0], [100, 100, 100, 0])]) == ["AS2"]
    # From one day to the next too.
    assert codes_of([day(0, [100, 90, 50, 7], [100, 90, 50, 7]), day(1, [80, 89, 60, 7], [80, 89, 60, 7])]) == [
        "AS1", "AS3",
    ]  # fmt: skip


def test_who_is_not_there_on_every_day_is_searched():
    assert codes_of([day(0, [5, 5], [5, 5], CODES[:2]), day(1, [5], [5], CODES[:1])]) == ["AS2"]


@dataclass(frozen=True)
class Sensitive(Detector):
    name: str = "sensitive"

    def least_loss(self, band: float) -> float:
        return 0.02

    def detect(self, view):
        return []


def test_a_more_sensitive_detector_widens_the_search_by_itself():
    days = [day(0, [98, 99, 95, 89], [100, 100, 100, 100])]
    assert codes_of(days) == ["AS4"]
    config = DetectionConfig()
    assert codes_of(days, replace(config, detectors=(*config.detectors, Sensitive()))) == ["AS1", "AS3", "AS4"]
    narrow = replace(config, trailing=replace(config.trailing, band=0.05, exit_band=0.02))
    assert codes_of(days, replace(narrow, detectors=(LossArea("deep-loss", 0.04, 1.0, MINUTE),))) == ["AS3", "AS4"]
    assert codes_of(days, replace(narrow, detectors=(LossArea("deep-loss", 0.5, 1.0, MINUTE),))) == []


@given(st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_nobody_who_has_an_outage_is_left_out(seed):
    dice = np.random.default_rng(seed)
    size = int(dice.integers(3, 60))
    losses = []
    for _ in range(int(dice.integers(1, 5))):
        begin = START + int(dice.integers(0, 3 * DAY // SECOND)) * SECOND
        length = int(dice.integers(60, 40 * 3600)) * SECOND
        losses += [(int(p), begin, begin + length) for p in dice.permutation(size)[: int(dice.integers(1, size + 1))]]
    blind = [(START + 30 * HOUR, START + 30 * HOUR + int(dice.integers(1, 20)) * HOUR)] if dice.random() < 0.5 else []
    whole = history_of(size, losses, (START, START + 3 * DAY), blind)
    edge = np.append(whole.level.time_us, whole.level.until_us)
    low, high = [], []
    for k in range(3):
        inside = (edge[:-1] < START + (k + 1) * DAY) & (edge[1:] > START + k * DAY)
        values = whole.level.slash24[inside]
        low.append(np.nanmin(values) if (~np.isnan(values)).any() else np.nan)
        high.append(np.nanmax(values) if (~np.isnan(values)).any() else np.nan)
    days = [day(k, [low[k]], [high[k]], CODES[:1]) for k in range(3)]
    if detect(whole):
        assert codes_of(days) == ["AS1"]


def test_bands_that_no_detector_uses_search_for_nobody():
    @dataclass(frozen=True)
    class Silent(Detector):
        name: str = "silent"

        def detect(self, view):
            return []

    assert codes_of([day(0, [0, 0, 0, 0], [9, 9, 9, 9])], DetectionConfig(detectors=(Silent(),))) == []


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_the_least_loss_of_the_detectors_is_that_of_the_most_sensitive(share):
    config = DetectionConfig()
    assert config.least_loss == 0.1
    assert replace(config, detectors=(LossArea("x", share * 0.9, 1.0, MINUTE),)).least_loss == max(0.1, share * 0.9)
