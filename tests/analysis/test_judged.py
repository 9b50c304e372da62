"""What of a window could be judged, by what a store holds."""

import numpy as np
import pytest

from duskwatch.analysis.judged import judged_stored, whole_of
from duskwatch.records.entity import Entity
from duskwatch.records.judged import JudgedSpan
from duskwatch.records.times import DAY, HOUR
from duskwatch.store import Store
from tests.store.build import DAY1, DAY2, FROM, KP, put_day, two_days


@pytest.fixture
def store(tmp_path) -> Store:
    made = Store.open(tmp_path / "store", create=True)
    for day in (DAY1, DAY2):
        put_day(made, day, [(KP, two_days())])
    return made


def test_time_that_is_not_stored_was_not_watched(store):
    spans = judged_stored(store, KP, FROM - HOUR, FROM + DAY)
    assert (spans[0].from_us, spans[-1].until_us) == (FROM - HOUR, FROM + DAY)
    assert spans[0] == JudgedSpan(FROM - HOUR, FROM, "not-watched")
    assert any(span.judged for span in spans)


def test_an_entity_without_a_row_was_never_heard_on_days_that_are_stored(store):
    spans = judged_stored(store, Entity("asn", "AS64512"), FROM, FROM + 3 * DAY)
    assert spans == (
        JudgedSpan(FROM, FROM + 2 * DAY, "nothing-heard"),
        JudgedSpan(FROM + 2 * DAY, FROM + 3 * DAY, "not-watched"),
    )


def test_a_gap_in_what_is_stored_is_told_with_its_times(store):
    history = two_days()
    blind = np.flatnonzero(np.isnan(history.level.prefixes))
    unjudged = [span for span in judged_stored(store, KP, FROM, FROM + 2 * DAY) if not span.judged]
    assert len(unjudged) >= (1 if len(blind) else 0)
    for at in blind.tolist():
        start = int(history.level.time_us[at])
        assert any(span.from_us <= start < span.until_us for span in unjudged)


def test_what_no_stretch_is_of_is_filled_in():
    spans = [JudgedSpan(10, 20), JudgedSpan(30, 40, "few-observers")]
    assert whole_of(spans, 0, 50) == (
        JudgedSpan(0, 10, "not-watched"),
        JudgedSpan(10, 20),
        JudgedSpan(20, 30, "not-watched"),
        JudgedSpan(30, 40, "few-observers"),
        JudgedSpan(40, 50, "not-watched"),
    )
    assert whole_of([], 0, 5) == (JudgedSpan(0, 5, "not-watched"),)
