"""Alarms on the area of a loss: how much of an excursion was watched."""

import pytest

from duskwatch.detection import DETECTORS, DetectionConfig
from duskwatch.detection.baselines import trailing
from duskwatch.detection.detectors.loss_area import LossArea
from tests.detection.build import history, lose

HOUR_S, DAY_S = 3600, 86_400


@pytest.mark.parametrize(
    ("lasts", "gaps", "watched"),
    [
        (0, [], 1.0),
        (0, [(64_800, 75_600)], 1 - 3 * HOUR_S / 43_200),  # never back: it is measured to the end of the window
        (6 * HOUR_S, [], 1.0),
        (6 * HOUR_S, [(50_400, 54_000)], 5 / 6),  # back: what came after it says nothing
    ],
)
def test_coverage_is_the_share_of_the_excursion_that_was_watched(lasts, gaps, watched):
    past = history(1, lose(0, 43_200, lasts), until=DAY_S, gaps=gaps)
    views = trailing.judge(past, DetectionConfig().trailing)
    found = [alarm for each in DETECTORS if isinstance(each, LossArea) for view in views for alarm in each.detect(view)]
    assert found
    for alarm in found:
        assert alarm.coverage == pytest.approx(watched, abs=0.005)
        assert (alarm.until_us is None) == (lasts == 0)
