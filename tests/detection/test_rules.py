"""The rules of detection, one by one, on histories made for each."""

import dataclasses

import numpy as np
import pytest

from duskwatch.detection import DetectionConfig, detect
from duskwatch.detection.baselines.trailing import TrailingMedian
from duskwatch.detection.config import FuseConfig
from duskwatch.detection.detectors.loss_area import LossArea
from duskwatch.publication.reasons import reason_text
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND
from tests.detection.build import VOTERS, history, lose, seconds

DAY_S = 86_400
AT = 40_000.0


def all_lost(count: int, at: float, length: float, voters: int = VOTERS) -> list[tuple[float, int, int]]:
    return [event for prefix in range(count) for event in lose(prefix, at, length, voters)]


def names(outage) -> list[str]:
    return [phase.phase for phase in outage.phases]


@pytest.mark.parametrize(
    ("lost", "length", "called"),
    [
        (4, 43, False),
        (4, 115, False),
        (4, 130, True),
        (3, 200, False),
        (3, 250, True),
        (2, 450, False),
        (2, 740, True),
        (1, 700, False),
        (1, 740, True),
    ],
)
def test_an_outage_is_called_by_its_area(lost: int, length: float, called: bool) -> None:
    found = detect(history(4, all_lost(lost, AT, length), until=DAY_S))
    assert len(found) == called
    if called:
        assert found[0].depth == lost / 4
        assert found[0].duration_us == length * SECOND


def test_a_fifth_lost_is_called_within_half_an_hour() -> None:
    assert detect(history(10, all_lost(2, AT, 1_000), until=DAY_S)) == ()
    assert len(detect(history(10, all_lost(2, AT, 1_800), until=DAY_S))) == 1


def test_an_alarm_is_raised_when_the_area_passes_the_threshold() -> None:
    entity = history(4, [(AT, p, 0) for p in range(4)], until=DAY_S)
    raised = {alarm.detector: seconds(entity, alarm.raised_us) - AT for alarm in detect(entity)[0].alarms}
    assert raised == {"deep-loss": 120, "partial-loss": 720}
    late = [(AT, 0, 0), (AT + 360, 1, 0), (AT + 500, 2, 0), (AT + 500, 3, 0)]
    entity = history(4, late, until=DAY_S)
    raised = {alarm.detector: seconds(entity, alarm.raised_us) - AT for alarm in detect(entity)[0].alarms}
    assert raised == {"deep-loss": 620, "partial-loss": 720}


def test_less_than_a_tenth_is_inside_the_normal_band() -> None:
    assert detect(history(21, all_lost(2, AT, 0), until=DAY_S)) == ()


def test_the_score_is_hours_of_total_loss() -> None:
    (half,) = detect(history(4, all_lost(2, AT, 7_200), until=DAY_S))
    assert half.score == pytest.approx(1.0)
    assert half.dark_from is None
    assert half.dark_until is None


def test_bounds_tell_the_votes_before_and_after_the_majority() -> None:
    entity = history(4, all_lost(4, AT, 7_200), until=DAY_S)
    (outage,) = detect(entity)
    assert outage.end
    assert outage.dark_from
    assert outage.dark_until
    bounds = [
        tuple(seconds(entity, t) - AT for t in (when.earliest_us, when.best_us, when.latest_us))
        for when in (outage.onset, outage.dark_from, outage.dark_until, outage.end)
    ]
    assert bounds == [(-20, 0, 0), (-20, 0, 30), (7_195, 7_200, 7_215), (7_195, 7_200, 7_215)]
    assert outage.onset.reason.code == "majorities-lost"
    assert (outage.onset.reason.value("count"), outage.onset.reason.value("of")) == (4, 4)
    assert names(outage) == ["dark", "restored"]


def test_a_plunge_is_dated_by_its_middle_and_ends_with_its_last_fall() -> None:
    entity = history(4, [e for p in range(4) for e in lose(p, AT + 12 * p, 3_600)], until=DAY_S)
    (outage,) = detect(entity)
    assert seconds(entity, outage.onset.best_us) == AT + 24  # three of four are gone
    assert seconds(entity, outage.onset.latest_us) == AT + 36
    assert names(outage)[:3] == ["partial", "dark", "recovering"]


def test_a_slow_fall_is_dated_by_its_first_step() -> None:
    entity = history(8, [e for p in range(8) for e in lose(p, AT + 50 * p, 7_200)], until=DAY_S)
    (outage,) = detect(entity)
    assert seconds(entity, outage.onset.best_us) == AT
    assert seconds(entity, outage.onset.latest_us) == AT + 350


def test_an_outage_that_lasts_has_no_end() -> None:
    entity = history(4, all_lost(4, AT, 0), until=DAY_S)
    (outage,) = detect(entity)
    assert outage.end is None
    assert outage.dark_until is None
    assert outage.duration_us == (DAY_S - AT) * SECOND
    assert not outage.stable
    assert outage.phases[-1].until_us == entity.level.until_us


def test_nothing_is_claimed_of_what_was_dark_when_the_window_opened() -> None:
    events = [(20_000.0, p, VOTERS) for p in range(4)]
    assert detect(history(4, events, until=DAY_S, start_votes=0)) == ()


def test_what_was_dark_at_first_is_measured_once_it_was_up() -> None:
    events = [(60_000.0, p, VOTERS) for p in range(4)] + all_lost(4, 70_000, 3_600)
    entity = history(4, events, until=DAY_S, start_votes=0)
    (outage,) = detect(entity)
    assert seconds(entity, outage.onset.best_us) == 70_000


def test_a_long_outage_does_not_become_normal() -> None:
    entity = history(4, all_lost(4, AT, 20 * DAY_S), until=30 * DAY_S)
    (outage,) = detect(entity)
    assert outage.duration_us == 20 * DAY


def test_a_lower_level_becomes_normal_after_thirty_days() -> None:
    entity = history(
        4, all_lost(1, AT, 0) + [e for p in (1, 2, 3) for e in lose(p, 50 * DAY_S, 3_600)], until=60 * DAY_S
    )
    first, second = detect(entity)
    assert first.end
    assert first.duration_us == 30 * DAY
    assert "new normal" in reason_text(first.end.reason)
    assert second.depth == 1.0


def test_a_return_of_nearly_all_that_stays_is_the_end() -> None:
    events = all_lost(30, AT, 7_200) + [(AT + 7_200, p, 0) for p in (0, 1)]
    events = [e for e in events if not (e[1] in (0, 1) and e[0] >= AT + 7_190)]
    entity = history(30, events, until=2 * DAY_S)
    (outage,) = detect(entity)
    assert outage.end
    assert seconds(entity, outage.end.best_us) == AT + 7_200


def test_losses_less_than_an_hour_apart_are_one_outage() -> None:
    entity = history(4, all_lost(4, AT, 3_600) + all_lost(4, AT + 3_600 + 3_000, 1_800), until=3 * DAY_S)
    (outage,) = detect(entity)
    assert outage.relapses == 1
    assert outage.duration_us == (3_600 + 3_000 + 1_800) * SECOND
    assert names(outage) == ["dark", "unstable", "dark", "restored"]
    assert outage.score == pytest.approx(1.5)
    assert outage.stable


def test_a_loss_within_a_day_of_an_end_is_a_relapse_of_its_own() -> None:
    entity = history(4, all_lost(4, AT, 3_600) + all_lost(4, AT + 20_000, 1_800), until=3 * DAY_S)
    first, second = detect(entity)
    assert (first.relapse_of, first.relapses, first.stable) == (None, 1, False)
    assert (second.relapse_of, second.relapses, second.stable) == (0, 0, True)
    assert names(first)[-1] == "unstable"
    assert first.phases[-1].until_us == second.onset.best_us


def test_relapses_in_a_row_belong_to_the_first_loss() -> None:
    starts = [AT, AT + 20_000, AT + 90_000, AT + 300_000]
    entity = history(4, [e for at in starts for e in all_lost(4, at, 1_800)], until=6 * DAY_S)
    found = detect(entity)
    assert [outage.relapse_of for outage in found] == [None, 0, 0, None]
    assert [outage.relapses for outage in found] == [2, 1, 0, 0]
    assert [outage.stable for outage in found] == [False, False, True, True]


def test_an_end_is_stable_only_where_the_window_shows_the_day_after() -> None:
    events = all_lost(4, AT, 3_600)
    end = AT + 3_600
    assert not detect(history(4, events, until=end + DAY_S - 1))[0].stable
    assert detect(history(4, events, until=end + DAY_S + 1))[0].stable
    assert not detect(history(4, events, until=end + DAY_S + 1, gaps=[(end + 5_000, end + 20_000)]))[0].stable


def test_small_losses_in_a_row_before_an_onset_are_its_degrading_phase() -> None:
    small = [e for k in range(5) for e in lose(k % 4, 10_000 + 7_000 * k, 300)]
    entity = history(4, small + all_lost(4, 45_000, 3_600), until=DAY_S)
    (outage,) = detect(entity)
    assert names(outage) == ["degrading", "dark", "restored"]
    assert seconds(entity, outage.phases[0].from_us) == 10_000


def test_two_small_losses_are_enough_for_a_degrading_phase_and_one_is_not() -> None:
    one, other = lose(0, AT - 20_000, 300), lose(2, AT - 9_000, 300)
    for small, phases in ((one + other, ["degrading", "dark", "restored"]), (other, ["dark", "restored"])):
        (outage,) = detect(history(4, small + all_lost(4, AT, 3_600), until=DAY_S))
        assert names(outage) == phases


def test_one_small_loss_long_before_is_no_degrading_phase() -> None:
    far = lose(0, 1_000, 300) + lose(0, 3_000, 300)
    (outage,) = detect(history(4, far + all_lost(4, 50_000, 3_600), until=DAY_S))
    assert names(outage) == ["dark", "restored"]


def test_small_losses_after_the_end_are_its_unstable_phase() -> None:
    small = [e for k in range(3) for e in lose(k, AT + 10_000 + 7_000 * k, 300)]
    entity = history(4, all_lost(4, AT, 3_600) + small, until=3 * DAY_S)
    (outage,) = detect(entity)
    assert names(outage) == ["dark", "unstable", "restored"]
    assert seconds(entity, outage.phases[1].until_us) == AT + 10_000 + 14_000 + 300
    assert outage.stable


def test_small_losses_within_a_day_of_an_end_belong_to_what_ended() -> None:
    small = [e for hours in (20, 22) for e in lose(1, AT + 3_600 + hours * 3_600, 300)]
    again = all_lost(4, AT + 3_600 + 26 * 3_600, 3_600)
    first, second = detect(history(4, all_lost(4, AT, 3_600) + small + again, until=4 * DAY_S))
    assert names(first) == ["dark", "unstable", "restored"]
    assert names(second) == ["dark", "restored"]
    assert second.relapse_of is None


def test_a_return_of_seconds_does_not_cut_an_outage() -> None:
    entity = history(4, all_lost(4, AT, 3_600) + all_lost(4, AT + 3_600 + 90, 3_600), until=DAY_S)
    (outage,) = detect(entity)
    assert outage.relapses == 0
    assert names(outage) == ["dark", "restored"]


def test_a_gap_is_not_an_outage() -> None:
    assert detect(history(4, [], until=DAY_S, gaps=[(AT, AT + 7_200)])) == ()


def test_an_outage_goes_on_through_a_gap() -> None:
    entity = history(4, all_lost(4, AT, 7_200), until=DAY_S, gaps=[(AT + 1_000, AT + 5_000)])
    (outage,) = detect(entity)
    assert outage.duration_us == 7_200 * SECOND
    assert names(outage) == ["dark", "restored"]
    assert outage.score == pytest.approx(2.0)


def test_a_loss_that_came_in_a_gap_began_somewhere_in_it() -> None:
    entity = history(4, all_lost(4, AT, 7_200), until=DAY_S, gaps=[(AT - 300, AT + 600)])
    (outage,) = detect(entity)
    assert [seconds(entity, t) - AT for t in (outage.onset.earliest_us, outage.onset.latest_us)] == [-300, 600]
    assert "nobody was watching" in reason_text(outage.onset.reason)


def test_a_return_in_a_gap_came_somewhere_in_it() -> None:
    entity = history(4, all_lost(4, AT, 7_200), until=DAY_S, gaps=[(AT + 7_000, AT + 7_500)])
    (outage,) = detect(entity)
    assert outage.end
    assert outage.dark_until
    for when in (outage.end, outage.dark_until):
        assert [seconds(entity, t) - AT for t in (when.earliest_us, when.latest_us)] == [7_000, 7_500]


def test_time_in_a_gap_does_not_add_to_the_area() -> None:
    entity = history(4, all_lost(4, AT, 460), until=DAY_S, gaps=[(AT + 40, AT + 400)])
    assert detect(entity) == ()


def test_a_step_of_voters_alone_raises_nothing() -> None:
    split = [(AT - 5_000.0, 0, 11), (AT - 5_000.0, 1, 11)]  # a bare majority, lost when the voters go
    entity = history(4, split, until=DAY_S, voter_steps=[(AT, 25)])
    assert entity.level.slash24.min() == 2
    assert detect(entity) == ()


def test_a_loss_of_voters_counts_once_a_route_confirms_it() -> None:
    split = [(AT - 5_000.0, 0, 11), (AT - 5_000.0, 1, 11)]
    later = [(AT + 3_600.0, p, 0) for p in (0, 1)]
    entity = history(4, split + later, until=DAY_S, voter_steps=[(AT, 25)])
    (outage,) = detect(entity)
    assert seconds(entity, outage.onset.best_us) == AT + 3_600
    assert seconds(entity, outage.onset.earliest_us) == AT
    assert outage.onset.reason.code == "voters-changed"


BARE = [(AT - 5_000.0, p, 11) for p in range(20)]  # a bare majority of 20, not one of 25


def test_a_flap_beside_a_loss_of_voters_confirms_nothing() -> None:
    flap = [(AT + 10_000.0, 50, 0), (AT + 10_060.0, 50, 25)]
    entity = history(100, BARE + flap, until=3 * DAY_S, voter_steps=[(AT, 25)])
    assert entity.level.slash24.min() == 79
    assert detect(entity) == ()


def test_what_went_with_voters_need_not_come_back_for_an_end() -> None:
    rest = [e for p in range(20, 100) for e in [(AT + 10_000.0, p, 0), (AT + 17_200.0, p, 25)]]
    before = history(100, BARE + rest, until=3 * DAY_S, voter_steps=[(AT, 25)])
    (outage,) = detect(before)
    assert outage.end
    assert (seconds(before, outage.onset.earliest_us), outage.depth) == (AT + 10_000, 1.0)
    assert seconds(before, outage.end.best_us) == AT + 17_200
    within = history(100, BARE + rest[:80], until=3 * DAY_S, voter_steps=[(AT + 12_000, 25)])
    (outage,) = detect(within)
    assert outage.end
    assert seconds(within, outage.end.best_us) == AT + 17_200


def test_voters_that_come_back_bring_the_measure_back_too() -> None:
    lost = [(AT + 20_000.0, p, 0) for p in range(20)]
    steps = [(AT, 25), (AT + 10_000, 20)]
    entity = history(100, BARE + lost, until=3 * DAY_S, voter_steps=steps)
    (outage,) = detect(entity)
    assert seconds(entity, outage.onset.best_us) == AT + 20_000
    assert outage.depth == pytest.approx(0.2)


def test_a_gap_that_ends_with_other_voters_is_no_outage() -> None:
    gap = [(AT, AT + 3_600)]
    assert detect(history(100, BARE, until=3 * DAY_S, voter_steps=[(AT + 60, 25)], gaps=gap)) == ()
    lost = [(AT + 60.0, p, 0) for p in range(20)]
    gone = history(100, lost, until=3 * DAY_S, voter_steps=[(AT + 60, 25)], gaps=gap)
    assert len(detect(gone)) == 1  # no voter at all holds them


def test_a_loss_in_a_gap_with_other_voters_began_in_the_gap() -> None:
    later = [(AT + 5_000.0, p, 0) for p in range(20)]
    entity = history(100, BARE + later, until=3 * DAY_S, voter_steps=[(AT + 60, 25)], gaps=[(AT, AT + 3_600)])
    (outage,) = detect(entity)
    bounds = (outage.onset.earliest_us, outage.onset.best_us)
    assert [seconds(entity, t) for t in bounds] == [AT, AT + 5_000]


def test_a_gap_that_ends_with_as_many_voters_speaks_of_routes() -> None:
    lost = [(AT + 60.0, p, 8) for p in range(20)]  # a minority still holds them
    entity = history(100, lost, until=3 * DAY_S, gaps=[(AT, AT + 3_600)])
    (outage,) = detect(entity)
    assert seconds(entity, outage.onset.earliest_us) == AT


def test_a_gap_over_days_is_told_with_its_dates() -> None:
    lost = [(AT + 60.0, p, 0) for p in range(20)]
    (outage,) = detect(history(100, lost, until=9 * DAY_S, gaps=[(AT, AT + 2 * DAY_S)]))
    assert (
        reason_text(outage.onset.reason)
        == "it came while nobody was watching, 2014-05-14 04:00:00 to 2014-05-16 04:00:00"
    )


def test_half_the_voters_gone_is_coverage_and_not_an_outage() -> None:
    events = [(AT + 10, p, 0) for p in range(4)] + [(AT + 3_000, p, VOTERS) for p in range(4)]
    gone = history(4, events, until=DAY_S, voter_steps=[(AT, 9), (AT + 3_100, 20)])
    assert detect(gone) == ()
    still = history(4, events, until=DAY_S, voter_steps=[(AT, 11), (AT + 3_100, 20)])
    assert len(detect(still)) == 1


def test_few_voters_after_a_long_gap_are_not_the_usual_number() -> None:
    lost = [(AT + 60_000.0, p, 0) for p in range(4)]
    entity = history(4, lost, until=2 * DAY_S, voter_steps=[(AT + 100, 9)], gaps=[(AT, AT + 59_000)])
    assert detect(entity) == ()


def test_one_voter_needs_a_longer_loss_and_gives_less_confidence() -> None:
    assert detect(history(4, all_lost(4, AT, 900, 1), until=DAY_S, voters=1)) == ()
    (one,) = detect(history(4, all_lost(4, AT, 1_200, 1), until=DAY_S, voters=1))
    (many,) = detect(history(4, all_lost(4, AT, 1_200), until=DAY_S))
    assert one.confidence == pytest.approx(1 / 3)
    assert {alarm.detector: alarm.threshold for alarm in one.alarms} == {"deep-loss": 540.0}
    assert many.confidence == pytest.approx(VOTERS / (VOTERS + 2))


def test_gaps_take_from_confidence() -> None:
    (outage,) = detect(history(4, all_lost(4, AT, 7_200), until=DAY_S, gaps=[(AT + 1_800, AT + 5_400)]))
    assert outage.confidence == pytest.approx(0.5 * VOTERS / (VOTERS + 2))


def test_what_is_not_known_of_a_country_takes_from_confidence() -> None:
    entity = dataclasses.replace(history(4, all_lost(4, AT, 7_200), until=DAY_S, learned=True), known_share=0.6)
    (outage,) = detect(entity)
    assert outage.confidence == pytest.approx(0.6 * VOTERS / (VOTERS + 2))


def test_votes_that_are_never_complete_do_not_widen_the_end() -> None:
    events = [(AT, 0, 0), (AT + 7_200, 0, 15), (AT + 7_800, 0, 9), (AT + 7_860, 0, 15)]
    entity = history(1, events, until=DAY_S)
    (outage,) = detect(entity)
    assert outage.end
    assert outage.end.latest_us == outage.end.best_us


def test_a_voter_that_never_let_go_does_not_put_the_end_before_the_outage() -> None:
    events = [(AT - 900, 0, 0), (AT - 860, 0, 20), (AT, 0, 9), (AT + 1_200, 0, 20)]
    entity = history(4, events, until=DAY_S)
    (outage,) = detect(entity)
    assert outage.end
    assert outage.end.earliest_us == outage.end.best_us == outage.onset.best_us + 1_200 * SECOND


def test_too_little_known_of_a_country_calls_nothing() -> None:
    entity = dataclasses.replace(history(4, all_lost(4, AT, 7_200), until=DAY_S, learned=True), known_share=0.49)
    assert detect(entity) == ()
    assert len(detect(dataclasses.replace(entity, known_share=0.5))) == 1
    assert len(detect(dataclasses.replace(entity, learned=False))) == 1


def test_a_climb_while_routes_are_learned_raises_nothing() -> None:
    learning = [(100.0 * p + 50, p, VOTERS) for p in range(400)]
    assert detect(history(400, learning, until=DAY_S, start_votes=0, learned=True)) == ()


def test_a_learned_state_is_measured_against_after_four_hours() -> None:
    assert detect(history(4, all_lost(4, 3_600, 3_600), until=DAY_S, learned=True)) == ()
    assert len(detect(history(4, all_lost(4, 4 * 3_600 + 1, 3_600), until=DAY_S, learned=True))) == 1


def test_what_was_learned_just_before_must_come_back_too() -> None:
    events = [(AT - 60.0, 14, VOTERS), *all_lost(15, AT, 3_600)]
    events = [e for e in events if e[1] != 14 or e[0] <= AT + 100] + [(AT + 5_000.0, 14, VOTERS)]
    entity = history(15, [(0.0, 14, 0), *events], until=DAY_S, learned=True)
    (outage,) = detect(entity)
    assert outage.end
    assert seconds(entity, outage.end.best_us) == AT + 5_000


def test_prefixes_inside_a_larger_one_that_stays_are_no_outage() -> None:
    entity = history(4, all_lost(3, AT, 7_200), until=DAY_S)
    level = dataclasses.replace(entity.level, slash24=np.full_like(entity.level.slash24, 4.0))
    assert detect(dataclasses.replace(entity, level=level)) == ()


def test_an_entity_without_ipv4_is_judged_by_its_48s() -> None:
    entity = history(4, all_lost(4, AT, 7_200), until=DAY_S)
    level = entity.level
    none = np.full_like(level.slash24, np.nan)
    six = dataclasses.replace(
        level, slash24=none, held_slash24=none, slash48=level.slash24, held_slash48=level.held_slash24
    )
    (outage,) = detect(dataclasses.replace(entity, level=six))
    assert outage.signals == ("bgp.visible_slash48", "bgp.visible_prefixes")
    assert outage.dark_from


def test_an_entity_is_not_dark_while_one_family_is_visible() -> None:
    entity = history(4, all_lost(4, AT, 7_200), until=DAY_S)
    eight = np.full_like(entity.level.slash24, 8.0)
    both = dataclasses.replace(entity.level, slash48=eight, held_slash48=eight, prefixes=entity.level.prefixes + 1)
    (outage,) = detect(dataclasses.replace(entity, level=both))
    assert outage.depth == 1.0
    assert outage.dark_from is None


def test_an_empty_history_has_no_outage() -> None:
    empty = history(1, [], until=DAY_S)
    level = dataclasses.replace(
        empty.level,
        **{
            name: getattr(empty.level, name)[:0]
            for name in empty.level.__dataclass_fields__
            if name not in ("until_us",)
        },
    )
    assert detect(dataclasses.replace(empty, level=level)) == ()


@pytest.mark.parametrize(
    "make",
    [
        lambda: LossArea("x", slack=0.5, cap=0.5, threshold_us=1),
        lambda: LossArea("x", slack=0.1, cap=1.0, threshold_us=0),
        lambda: LossArea("x", slack=0.1, cap=1.0, threshold_us=1, trusted_voters=0),
        lambda: TrailingMedian(band=0.0),
        lambda: TrailingMedian(exit_band=0.2),
        lambda: TrailingMedian(least_voters=0.0),
        lambda: TrailingMedian(settle_us=SECOND),
        lambda: TrailingMedian(learned_us=2 * DAY),
        lambda: FuseConfig(join_us=0),
        lambda: FuseConfig(stability_us=MINUTE),
        lambda: FuseConfig(precursors=0),
        lambda: DetectionConfig(detectors=()),
        lambda: DetectionConfig(detectors=(LossArea("x", 0.1, 1.0, HOUR), LossArea("x", 0.1, 1.0, HOUR))),
        lambda: DetectionConfig(known_share=1.5),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(make) -> None:
    with pytest.raises(ValueError, match=r"must|needs"):
        make()
