"""The benchmark of detection measures what it says."""

from benchmarks.speed.detection import measured


def test_those_that_fall_are_told_when_they_fall_and_when_they_are_back():
    row = measured(128, 0.25)
    assert row.told == 2 * 32
    assert 0 < row.still <= row.hour
    assert min(row.falls, row.goes_on, row.ends) > 0
