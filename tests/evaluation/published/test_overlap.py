"""Events of several signals as events of the entity, by hand and against minutes counted one by one."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from duskwatch.evaluation.published.overlap import overlapping_as_one
from duskwatch.evaluation.scoring import FoundEvent


def test_events_that_overlap_or_meet_are_one_with_the_first_onset_the_last_end_and_the_earliest_alarm() -> None:
    events = [FoundEvent(50, 60, 55), FoundEvent(10, 20, 15), FoundEvent(18, 30, 12), FoundEvent(30, 40, None)]
    assert overlapping_as_one(events) == (FoundEvent(10, 40, 12), FoundEvent(50, 60, 55))


def test_one_inside_another_does_not_end_it() -> None:
    assert overlapping_as_one([FoundEvent(10, 90, 1), FoundEvent(20, 30, 2)]) == (FoundEvent(10, 90, 1),)


def test_what_lasts_takes_all_that_follows() -> None:
    for pair in ([FoundEvent(10, None, 1), FoundEvent(20, 30, 2)], [FoundEvent(10, 25, 1), FoundEvent(20, None, 2)]):
        assert overlapping_as_one(pair) == (FoundEvent(10, None, 1),)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 10)), max_size=12))
def test_the_same_moments_are_covered(spans: list[tuple[int, int]]) -> None:
    merged = overlapping_as_one([FoundEvent(a, a + n, a) for a, n in spans])
    covered = {moment for a, n in spans for moment in range(a, a + n)}
    assert {m for e in merged for m in range(e.onset_us, e.end_us or 0)} == covered
    assert all((a.end_us or 0) < b.onset_us for a, b in pairwise(merged))
