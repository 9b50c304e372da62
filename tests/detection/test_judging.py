"""What of a history was judged, and why the rest was not: "no outage" is said of judged time alone."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from duskwatch.detection import detect, down_at_start, judged_spans
from duskwatch.records.judged import JudgedSpan, inside, joined, judged_share, main_reason
from duskwatch.records.signals import EntityHistory
from duskwatch.records.times import HOUR, SECOND
from tests.detection.build import VOTERS, history, lose
from tests.detection.series import at, block, flat, time_of

DAY_S = 86_400


def spans(entity: EntityHistory) -> list[tuple[float, float, str | None]]:
    """Spans in hours from the start."""
    start = int(entity.level.time_us[0])
    return [((one.from_us - start) / HOUR, (one.until_us - start) / HOUR, one.why_not) for one in judged_spans(entity)]


def test_a_watched_history_is_judged_whole_but_for_its_gaps():
    assert spans(history(4, [], until=DAY_S)) == [(0, 24, None)]
    entity = history(4, [], until=DAY_S, gaps=[(7_200, 10_800)])
    assert spans(entity) == [(0, 2, None), (2, 3, "not-watched"), (3, 24, None)]


def test_an_outage_is_judged_time():
    entity = history(4, [event for p in range(4) for event in lose(p, 40_000, 9_000)], until=DAY_S)
    assert len(detect(entity)) == 1
    assert spans(entity) == [(0, 24, None)]


def test_few_observers_judge_nothing():
    entity = history(4, [], until=2 * DAY_S, voter_steps=[(90_000, 3)])
    assert spans(entity) == [(0, 25, None), (25, 48, "few-observers")]


def test_what_is_down_when_the_records_begin_is_not_judged_until_it_is_up():
    up = [(7_200, p, VOTERS) for p in range(4)]
    entity = history(4, up, until=DAY_S, start_votes=0)
    assert detect(entity) == ()
    assert spans(entity) == [(0, 2, "down-at-start"), (2, 24, None)]
    assert down_at_start(entity)


def test_what_is_mostly_down_when_the_records_begin_is_not_judged_until_it_is_up():
    """One of four is there, the others come after two hours: lost, or not there yet."""
    entity = history(4, [(1, p, 0) for p in (1, 2, 3)] + [(7_200, p, VOTERS) for p in (1, 2, 3)], until=DAY_S)
    entity = dataclasses.replace(entity, level=_from_step(entity, 1))
    assert [one[2] for one in spans(entity)] == ["down-at-start", None]
    assert down_at_start(entity)


def test_what_was_there_for_half_a_day_is_what_is_normal():
    entity = history(4, [(1, p, 0) for p in (1, 2, 3)] + [(50_000, p, VOTERS) for p in (1, 2, 3)], until=2 * DAY_S)
    entity = dataclasses.replace(entity, level=_from_step(entity, 1))
    assert [one[2] for one in spans(entity)] == [None]
    assert not down_at_start(entity)


def _from_step(entity: EntityHistory, first: int):
    level = entity.level
    cut = {name: getattr(level, name)[first:] for name in level.__dataclass_fields__ if name != "until_us"}
    return dataclasses.replace(level, **cut)


def test_what_was_never_up_was_not_heard():
    entity = history(4, [], until=DAY_S, start_votes=0)
    assert spans(entity) == [(0, 24, "nothing-heard")]
    assert down_at_start(entity)


def test_a_state_that_is_learned_is_not_judged_before_four_hours_are_known():
    entity = history(4, [], until=DAY_S, learned=True)
    assert spans(entity) == [(0, 4, "still-learning"), (4, 24, None)]
    assert not down_at_start(entity)


def test_a_country_of_which_little_was_heard_is_not_judged():
    entity = dataclasses.replace(history(4, [], until=DAY_S, learned=True), known_share=0.3, delegated=True)
    assert spans(entity) == [(0, 24, "too-little-known")]


@pytest.mark.parametrize(("delegated", "known", "found"), [(True, 0.94, 1), (True, 0.7, 0), (False, 1.0, 0)])
def test_a_total_loss_of_a_well_known_country_is_no_learning(delegated, known, found):
    """All fifteen networks are heard for two hours, then lost, while all observers go on talking."""
    lost = [event for p in range(15) for event in lose(p, 8_000, 3_000)]
    entity = history(15, lost, until=DAY_S / 2, learned=True)
    entity = dataclasses.replace(entity, known_share=known, delegated=delegated)
    assert len(detect(entity)) == found


def test_a_loss_of_a_part_may_be_what_is_unstable_and_is_not_told_so_soon():
    lost = [event for p in range(4) for event in lose(p, 8_000, 3_000)]
    entity = history(15, lost, until=DAY_S / 2, learned=True)
    assert detect(dataclasses.replace(entity, known_share=0.94, delegated=True)) == ()


def test_bins_are_judged_where_they_were_compared_with_something():
    values = flat(3, noise=0.01)
    values[at(1) : at(1, 6)] = np.nan
    series = block(values, names=("probing",))
    empty = history(1, [], until=1)
    level = dataclasses.replace(
        empty.level,
        **{name: getattr(empty.level, name)[:0] for name in empty.level.__dataclass_fields__ if name != "until_us"},
    )
    spans = judged_spans(dataclasses.replace(empty, level=level, series=(series,)))
    assert [span.why_not for span in spans] == ["no-history", None, "not-watched", None]
    assert (spans[2].from_us, spans[2].until_us) == (time_of(at(1)), time_of(at(1, 6)))


def test_spans_are_joined_cut_and_counted():
    spans = joined([JudgedSpan(5, 9), JudgedSpan(0, 3), JudgedSpan(3, 5), JudgedSpan(9, 10, "not-watched")])
    assert spans == (JudgedSpan(0, 9), JudgedSpan(9, 10, "not-watched"))
    assert inside(spans, 4, 10) == (JudgedSpan(4, 9), JudgedSpan(9, 10, "not-watched"))
    assert judged_share(spans) == 0.9
    assert judged_share(()) == 0
    assert main_reason(spans) == "not-watched"
    assert main_reason(spans[:1]) is None
    with pytest.raises(ValueError, match="no reason 'bored'"):
        JudgedSpan(0, 1, "bored")
    with pytest.raises(ValueError, match="length"):
        JudgedSpan(1, 1)


def test_spans_hold_the_whole_window_without_holes():
    entity = history(3, lose(0, 9_000, 4_000), until=DAY_S, gaps=[(500, 700), (30_000, 30_001)], learned=True)
    spans = judged_spans(entity)
    assert spans[0].from_us == entity.level.time_us[0]
    assert spans[-1].until_us == entity.level.until_us
    assert all(one.until_us == other.from_us for one, other in pairwise(spans))
    assert sum(span.length_us for span in spans) == DAY_S * SECOND
