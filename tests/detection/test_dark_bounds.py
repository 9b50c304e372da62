"""How well the dark part of an outage by bins is known, and which excursion of a level ended when."""

from dataclasses import replace

import numpy as np
import pytest

from duskwatch.detection import detect
from duskwatch.detection.baselines import trailing
from duskwatch.detection.config import DetectionConfig
from duskwatch.records.outages import When
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND
from tests.detection.mixes import DAYS, Seen, history
from tests.detection.series import START

AT = 5 * DAY
BIN = 5 * MINUTE


def minutes(when: When | None) -> tuple[float, float, float] | None:
    if when is None:
        return None
    return tuple(round((at - START - AT) / MINUTE, 2) for at in (when.earliest_us, when.best_us, when.latest_us))


@pytest.mark.parametrize(
    ("left", "dark_from"),
    [
        ([], (0, 0, 5)),  # from the onset on: no earlier than that, within the first bin
        ([300] * 6, (30, 30, 35)),  # half for half an hour, then nothing
        ([200], (5, 5, 10)),
    ],
)
def test_bounds_of_the_dark_part_are_those_of_its_first_and_last_bin(left: list[int], dark_from: tuple[int]) -> None:
    whole = history(None, probing=Seen(lost=((AT, AT + 4 * HOUR),)))
    (block,) = whole.series
    values = block.values.copy()
    values[0, AT // BIN : AT // BIN + len(left)] = left
    (outage,) = detect(replace(whole, series=(replace(block, values=values),)))
    assert minutes(outage.dark_from) == dark_from
    assert minutes(outage.dark_until) == (240, 240, 245)
    if not left:
        assert outage.dark_from is not None
        assert outage.dark_from.earliest_us >= outage.onset.earliest_us


def test_a_dark_part_that_nobody_saw_end_has_no_end() -> None:
    whole = history(None, probing=Seen(lost=((AT, DAYS * DAY),), blind=((AT + HOUR, DAYS * DAY),)))
    (outage,) = detect(whole)
    assert minutes(outage.dark_from) == (0, 0, 5)
    assert outage.dark_until is None
    assert outage.end is None


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_excursion_that_ended_at_a_time_is_found_where_another_lasts(count: int) -> None:
    over = tuple((day * DAY, day * DAY + HOUR) for day in range(2, 2 + count))
    for view in trailing.judge(history(Seen(lost=(*over, (AT, DAYS * DAY)))), DetectionConfig().trailing):
        ends = view.end_us
        assert len(ends) == count + 1
        assert ends[-1] < 0, "the last one lasts"
        assert [view.ended_at(int(at)) for at in ends[:-1]] == list(range(count))
        assert view.ended_at(int(ends[0]) + SECOND) is None
        found = view.excursions()
        assert np.array_equal(found[:-1, 1], ends[:-1])
        assert found[-1, 1] == view.until_us
