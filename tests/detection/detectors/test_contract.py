"""What every detector keeps to, whichever there are."""

import dataclasses
import pickle

import numpy as np
import pytest

from duskwatch.detection import DETECTORS, Detector
from duskwatch.records.times import HOUR, SECOND
from tests.detection.build import arrays, cut, history, lose

DAY_S = 86_400
ENTITY = history(
    4,
    [e for p in range(4) for e in lose(p, 30_000 + 5 * p, 7_200)] + lose(1, 60_000, 4_000) + lose(2, 70_000, 0),
    until=DAY_S,
)
pytestmark = pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)


def test_the_default_configuration_is_a_frozen_value(detector: Detector) -> None:
    assert dataclasses.is_dataclass(detector)
    assert detector == dataclasses.replace(detector)  # its own check accepts it
    with pytest.raises(dataclasses.FrozenInstanceError):
        detector.name = "other"


def test_it_says_what_it_does(detector: Detector) -> None:
    assert len(type(detector).__doc__ or "") > 80
    assert type(detector).detect.__doc__
    reference = __import__("pathlib").Path(__file__).parents[2] / "docs/reference/detection.md"
    assert f"`{detector.name}`" in reference.read_text()


def test_it_finds_a_total_loss_of_two_hours(detector: Detector) -> None:
    first = detector.detect(ENTITY)[0]
    assert first.detector == detector.name
    assert first.from_us <= first.raised_us <= (first.until_us or ENTITY.level.until_us)
    assert first.from_us == ENTITY.level.time_us[0] + 30_000 * SECOND
    assert (first.expected, first.observed) == (4.0, 0.0)


def test_the_same_history_gives_the_same_alarms_and_stays_as_it_was(detector: Detector) -> None:
    before = [array.copy() for array in arrays(ENTITY)]
    for array in arrays(ENTITY):
        array.flags.writeable = False
    try:
        assert detector.detect(ENTITY) == detector.detect(ENTITY)
    finally:
        for array in arrays(ENTITY):
            array.flags.writeable = True
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, arrays(ENTITY), strict=True))


def test_later_data_never_moves_where_an_alarm_began(detector: Detector) -> None:
    final = {(alarm.signal, alarm.from_us, alarm.raised_us) for alarm in detector.detect(ENTITY)}
    start = int(ENTITY.level.time_us[0])
    for hours in range(1, 24):
        early = detector.detect(cut(ENTITY, start + hours * HOUR))
        assert {(alarm.signal, alarm.from_us, alarm.raised_us) for alarm in early} <= final


def test_a_gap_alone_raises_nothing(detector: Detector) -> None:
    assert detector.detect(history(4, [], until=DAY_S, gaps=[(20_000, 20_120), (40_000, 60_000)])) == []


def test_nothing_watched_raises_nothing(detector: Detector) -> None:
    assert detector.detect(history(4, [], until=DAY_S, gaps=[(0, DAY_S + 1)])) == []


def test_detector_and_alarms_travel_between_processes(detector: Detector) -> None:
    assert pickle.loads(pickle.dumps(detector)) == detector
    assert pickle.loads(pickle.dumps(detector.detect(ENTITY))) == detector.detect(ENTITY)
