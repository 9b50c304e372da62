"""Scores against small cases worked out by hand, and what must hold for any."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duskwatch.evaluation.scoring import (
    MONTH_US,
    Bounds,
    FoundEvent,
    Score,
    TrueEvent,
    figures,
    found_events,
    pool,
    rank,
    score,
)
from duskwatch.records.outages import Alarm, Outage, When
from duskwatch.records.reason import NO_REASON
from duskwatch.records.times import HOUR, MINUTE, SECOND

BIN = 5 * MINUTE


def at(minutes: float) -> int:
    return round(minutes * MINUTE)


def truth(onset: float, end: float | None, name: str = "") -> TrueEvent:
    until = None if end is None else Bounds(at(end), at(end))
    return TrueEvent(Bounds(at(onset), at(onset)), until, name)


def told(onset: float, end: float | None, raised: float | None = None, width: float | None = None) -> FoundEvent:
    def bounds(moment: float | None) -> Bounds | None:
        return None if width is None or moment is None else Bounds(at(moment - width / 2), at(moment + width / 2))

    raised_us = None if raised is None else at(raised)
    return FoundEvent(at(onset), None if end is None else at(end), raised_us, bounds(onset), bounds(end))


def scored(true: list[TrueEvent], found: list[FoundEvent], until: float = 600) -> Score:
    return score(true, found, until_us=at(until), watched_us=at(until), bin_us=BIN)


def test_a_found_event_late_by_two_minutes_and_ended_early_by_six() -> None:
    result = scored([truth(100, 200)], [told(102, 194, raised=107, width=5)])
    assert (result.true, result.detected, result.found, result.false, result.fragments) == (1, 1, 1, 0, (1,))
    assert result.onset_error_us == (2 * MINUTE,)
    assert result.onset_error_bins == (0.4,)
    assert result.end_error_us == (-6 * MINUTE,)
    assert result.delay_us == (7 * MINUTE,)
    assert (result.onset_stated, result.onset_inside) == (1, 1)  # 99.5..104.5 holds 100
    assert (result.end_stated, result.end_inside) == (1, 0)  # 191.5..196.5 does not hold 200
    assert result.onset_width_bins == (1.0,)
    assert result.excess_us == 0


def test_nothing_found_is_a_miss_and_nothing_else() -> None:
    result = scored([truth(100, 200)], [])
    assert result == Score(true=1, watched_us=at(600))
    assert (result.detected, result.found, result.false, result.merged, result.open_wrong) == (0, 0, 0, 0, 0)
    assert (result.onset_stated, result.onset_inside, result.end_stated, result.end_inside) == (0, 0, 0, 0)
    assert (result.excess_us, result.fragments) == (0, ())


def test_found_far_from_any_truth_is_false_and_all_of_it_is_excess() -> None:
    result = scored([truth(100, 200)], [told(300, 330), told(320, 360)])
    assert (result.detected, result.found, result.false) == (0, 2, 2)
    assert result.excess_us == 60 * MINUTE  # counted once where the two overlap


def test_matching_has_a_tolerance_of_one_bin_on_either_side() -> None:
    assert scored([truth(100, 200)], [told(80, 95)]).detected == 1
    assert scored([truth(100, 200)], [told(80, 94.9)]).false == 1
    assert scored([truth(100, 200)], [told(205, 220)]).detected == 1
    assert scored([truth(100, 200)], [told(205.1, 220)]).false == 1


def test_three_pieces_of_one_event_are_three_fragments_with_the_first_onset_and_the_last_end() -> None:
    result = scored([truth(100, 200)], [told(150, 170), told(101, 120), told(180, 199)])
    assert result.fragments == (3,)
    assert result.onset_error_us == (MINUTE,)
    assert result.end_error_us == (-MINUTE,)


def test_relapses_of_one_another_are_one_story_and_events_without_links_are_stories_of_their_own() -> None:
    pieces = [told(101, 120), told(150, 170), told(180, 199)]
    linked = [replace(one, story=story) for one, story in zip(pieces, (0, 0, 2), strict=True)]
    assert scored([truth(100, 200)], linked).stories == (2,)
    assert scored([truth(100, 200)], linked[:2]).stories == (1,)
    assert scored([truth(100, 200)], pieces).stories == (3,)
    each = scored([truth(100, 130), truth(140, 175)], linked[:2])
    assert (each.stories, each.fragments) == ((1, 1), (1, 1))
    assert figures(scored([truth(100, 200)], linked))["stories_mean"] == 2
    assert figures(Score())["stories_mean"] is None


def test_two_events_told_as_one_are_merged_and_each_gives_one_moment() -> None:
    result = scored([truth(100, 150), truth(250, 300)], [told(100, 301)])
    assert (result.detected, result.merged, result.false) == (2, 1, 0)
    assert result.onset_error_us == (0,)
    assert result.end_error_us == (MINUTE,)
    assert result.excess_us == 90 * MINUTE  # 155 to 245, beside the tolerance


def test_one_that_lasts_is_right_only_if_the_truth_does() -> None:
    assert scored([truth(100, None)], [told(100, None)]).open_wrong == 0
    assert scored([truth(100, 200)], [told(100, None)]).open_wrong == 1
    assert scored([truth(100, None)], [told(100, 200)]).open_wrong == 1
    assert scored([truth(100, 200)], [told(100, None)]).excess_us == (600 - 205) * MINUTE


def test_a_range_of_truth_has_no_error_inside() -> None:
    slow = TrueEvent(Bounds(at(100), at(130)), Bounds(at(300), at(320)))
    assert scored([slow], [told(115, 310)]).onset_error_us == (0,)
    assert scored([slow], [told(98, 325)]).onset_error_us == (-2 * MINUTE,)
    assert scored([slow], [told(98, 325)]).end_error_us == (5 * MINUTE,)
    assert scored([slow], [told(97, 325, width=4)]).onset_inside == 0
    assert scored([slow], [told(97, 325, width=6)]).onset_inside == 1


def test_an_interval_that_ends_with_the_truth_holds_it() -> None:
    assert Bounds(10, 20).meets(Bounds(20, 30))
    assert Bounds(20, 30).meets(Bounds(10, 20))
    assert not Bounds(10, 19).meets(Bounds(20, 30))
    assert Bounds(10, 20).error_of(10) == Bounds(10, 20).error_of(20) == 0


def test_true_events_may_follow_at_once() -> None:
    assert scored([truth(100, 200), truth(200, 300)], [told(100, 199), told(201, 300)]).true == 2


def test_true_events_that_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        scored([truth(100, 200), truth(150, 300)], [])
    with pytest.raises(ValueError, match="overlap"):
        scored([truth(100, None), truth(150, 300)], [])
    with pytest.raises(ValueError, match="bin"):
        score([], [], until_us=1, watched_us=1, bin_us=0)


def test_figures_of_a_pool() -> None:
    month = score([], [told(10, 20), told(90, 100)], until_us=MONTH_US, watched_us=MONTH_US, bin_us=BIN)
    late = [scored([truth(100, 200)], [told(100 + k, 200, width=5)]) for k in range(20)]
    missed = scored([truth(100, 200)], [])
    result = figures(pool([*late, missed]))
    assert result["recall"] == 20 / 21
    assert result["onset_error_s_median"] == 9 * 60  # the tenth of 0..19 minutes
    assert result["onset_error_s_p95"] == 18 * 60  # the nineteenth
    assert result["onset_within_bin"] == 6 / 20  # 0..5 minutes
    assert result["onset_inside"] == 3 / 20  # 0, 1 and 2 minutes off lie in an interval of 5
    assert result["onset_width_bins_median"] == 1
    assert MONTH_US == 30 * 24 * HOUR
    assert result["end_within_bin"] == 1
    assert result["within_two_bins"] == (11 + 20) / 40  # onsets 0..10 minutes off, and every end
    assert figures(month)["false_per_month"] == 2
    assert figures(month)["excess_hours_per_month"] == pytest.approx(20 / 60)
    assert figures(Score())["recall"] is None
    assert figures(Score())["false_per_month"] is None


def test_errors_of_exactly_one_and_two_bins_are_within_them() -> None:
    result = figures(pool([scored([truth(100, 200)], [told(100, 200 - off)]) for off in (5, 5.1, 10, 10.1)]))
    assert result["end_within_bin"] == 1 / 4
    assert result["within_two_bins"] == 7 / 8
    assert figures(scored([truth(100, 200)], [told(95, 200)]))["onset_within_bin"] == 1


def test_outages_become_found_events_with_their_first_alarm() -> None:
    def when(second: int) -> When:
        return When((second - 1) * SECOND, (second + 1) * SECOND, second * SECOND, NO_REASON)

    def alarm(second: int) -> Alarm:
        return Alarm("bgp.visible_slash24", "test", 0, second * SECOND, None, 4, 0, 1, 1)

    outage = Outage(
        when(10), when(90), None, None, 80 * SECOND, 1, (), 0, None, True, (), 0, 1, alarms=(alarm(40), alarm(30))
    )
    lasting = Outage(when(5), None, None, None, 1, 1, (), 0, None, True, (), 0, 1)
    first, second = found_events([outage, lasting])
    assert first == FoundEvent(5 * SECOND, None, None, Bounds(4 * SECOND, 6 * SECOND), None, story=1)
    assert (second.raised_us, second.end_us, second.end) == (
        30 * SECOND,
        90 * SECOND,
        Bounds(89 * SECOND, 91 * SECOND),
    )


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.floats(0.01, 1))
def test_rank_is_the_nearest_rank_of_numpy(values: list[float], share: float) -> None:
    assert rank(values, share) == np.quantile(values, share, method="inverted_cdf")


@pytest.mark.parametrize("share", [0, -0.1, 1.01, 2])
def test_a_share_is_above_nothing_and_at_most_all(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        rank([1, 2], share)
    assert rank([], 0.5) is None
    assert rank([1, 2], 1) == 2


minutes = st.integers(0, 600)


@st.composite
def apart(draw: st.DrawFn) -> list[tuple[int, int]]:
    cuts = sorted(draw(st.sets(minutes, max_size=12)))
    return list(zip(cuts[::2], cuts[1::2], strict=False))


@given(apart())
def test_the_truth_told_scores_full_marks(spans: list[tuple[int, int]]) -> None:
    result = scored([truth(a, b) for a, b in spans], [told(a, b, raised=a, width=1) for a, b in spans])
    assert result.detected == result.true == len(spans)
    assert result.false == result.excess_us == result.open_wrong == 0
    if all(later[0] - earlier[1] > 5 for earlier, later in pairwise(spans)):
        assert set(result.onset_error_us) | set(result.end_error_us) <= {0}
        assert result.onset_inside == result.onset_stated == len(spans)
        assert set(result.fragments) <= {1}
        assert result.merged == 0


@given(apart(), st.lists(st.tuples(minutes, st.integers(0, 200)), max_size=8), st.randoms())
def test_counts_add_up_and_order_does_not_matter(
    spans: list[tuple[int, int]], found: list[tuple[int, int]], dice
) -> None:  # type: ignore[no-untyped-def]
    true = [truth(a, b) for a, b in spans]
    events = [told(a, a + length, raised=a) for a, length in found]
    result = scored(true, events, until=900)
    assert 0 <= result.detected <= result.true
    assert 0 <= result.false <= result.found == len(events)
    assert len(result.fragments) == result.detected
    assert all(n >= 1 for n in result.fragments)
    assert result.excess_us <= sum(length for _, length in found) * MINUTE
    dice.shuffle(events)
    dice.shuffle(true)
    assert scored(true, events, until=900) == result


@given(apart(), st.lists(st.tuples(minutes, st.integers(0, 200)), max_size=8))
def test_excess_equals_counting_minutes_one_by_one(spans: list[tuple[int, int]], found: list[tuple[int, int]]) -> None:
    result = scored([truth(a, b) for a, b in spans], [told(a, a + n) for a, n in found], until=700)
    claimed = {m for a, n in found for m in range(a, min(a + n, 700))}
    real = {m for a, b in spans for m in range(a - 5, b + 5)}
    assert result.excess_us == len(claimed - real) * MINUTE


@given(st.lists(apart(), max_size=4))
def test_a_pool_counts_what_its_parts_count(many: list[list[tuple[int, int]]]) -> None:
    parts = [scored([truth(a, b) for a, b in spans], [told(a, b) for a, b in spans[::2]]) for spans in many]
    whole = pool(parts)
    assert whole.true == sum(part.true for part in parts)
    assert len(whole.onset_error_us) == sum(len(part.onset_error_us) for part in parts)
    assert whole.watched_us == len(parts) * 10 * HOUR
