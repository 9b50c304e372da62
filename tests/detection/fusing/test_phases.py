"""Phases of an outage, dark stretches of series, and how a return in steps is dated."""

from duskwatch.detection import detect, detect_series
from duskwatch.detection.fusing.phases import _joined
from duskwatch.records.outages import Phase
from duskwatch.records.times import DAY, SECOND
from tests.detection.build import VOTERS, history, lose
from tests.detection.series import at, block, flat, time_of

START = 1_400_000_000


def seconds(when_us):
    return when_us / SECOND - START


def test_equal_neighbours_are_one_phase_and_empty_ones_fall_away():
    marks = [(0, "partial"), (5, "partial"), (9, "recovering"), (9, "dark"), (12, "restored")]
    assert _joined(marks, 20) == (Phase("partial", 0, 9), Phase("dark", 9, 12), Phase("restored", 12, 20))
    assert _joined([(0, "dark"), (4, "partial"), (4, "dark")], 8) == (Phase("dark", 0, 8),)


def test_recovering_begins_with_the_first_return_after_the_dark():
    events = [event for p in range(4) for event in lose(p, 40_000 + p, 5_000 + 600 * p)]
    (outage,) = detect(history(4, events, until=2 * 86_400))
    phases = {phase.phase: (seconds(phase.from_us), seconds(phase.until_us)) for phase in outage.phases}
    assert phases["dark"] == (40_003, 45_000)
    assert phases["recovering"] == (45_000, 46_803)


def test_what_was_never_dark_recovers_when_less_than_nine_tenths_of_the_worst_is_missing():
    events = [event for p in range(3) for event in lose(p, 40_000, 5_000 + 600 * p)]
    (outage,) = detect(history(4, events, until=2 * 86_400))
    phases = [(phase.phase, seconds(phase.from_us)) for phase in outage.phases]
    assert phases == [("partial", 40_000), ("recovering", 45_000), ("restored", 46_200)]


def test_a_series_that_stays_dark_has_no_end_of_the_dark():
    values = flat(6, noise=0.005)
    values[at(4, 7) :] = 0
    (outage,) = detect_series(block(values))
    assert outage.dark_from.best_us == time_of(at(4, 7))
    assert (outage.dark_until, outage.end) == (None, None)
    values[at(5) :] = 100
    (outage,) = detect_series(block(values))
    assert outage.dark_until.best_us == outage.end.best_us == time_of(at(5))


def test_a_return_in_steps_less_than_a_minute_apart_is_one_climb():
    events = [event for p in range(4) for event in lose(p, 40_000, 5_000 + 40 * p)]
    (outage,) = detect(history(4, events, until=2 * 86_400))
    assert seconds(outage.end.best_us) == 45_120
    assert seconds(outage.end.earliest_us) == 44_995  # a voter held the first prefix of the climb again
    assert seconds(outage.end.latest_us) == 45_135  # all voters held the last
    assert outage.end.reason.value("count") == 4


def test_of_a_return_in_steps_further_apart_the_last_is_the_climb():
    events = [event for p in range(4) for event in lose(p, 40_000, 5_000 + 100 * p)]
    (outage,) = detect(history(4, events, until=2 * 86_400))
    assert seconds(outage.end.best_us) == 45_300
    assert seconds(outage.end.earliest_us) == 45_295
    assert outage.end.reason.value("count") == 1


def test_what_was_lost_after_a_gap_had_not_come_back_in_it():
    """A third is lost, nobody watches for a while, a third more is lost after it: no return can lie in that gap."""
    first = [event for p in range(2) for event in ((40_000, p, 0), (49_000, p, VOTERS))]
    later = [event for p in (2, 3) for event in ((44_000, p, 0), (49_000, p, VOTERS))]
    gap = [(42_000, 43_000)]
    (outage,) = detect(history(6, first + later, until=2 * 86_400, gaps=gap))
    assert seconds(outage.end.earliest_us) == 49_000
    (outage,) = detect(history(6, first, until=2 * 86_400, gaps=gap))
    assert seconds(outage.end.earliest_us) == 42_000


def test_a_new_normal_that_is_accepted_last_ends_its_outage():
    events = [event for p in range(2) for event in lose(p, 90_000, 0)]
    (outage,) = detect(history(4, events, until=32 * 86_400))
    assert outage.end.reason.code == "new-normal"
    assert outage.end.best_us - outage.onset.best_us == 30 * DAY
    # One more loss after it, and one before: each has an end of its own.
    early = lose(3, 20_000, 3_000)
    again = [event for p in (2, 3) for event in lose(p, 31.5 * 86_400, 3_000)]
    found = detect(history(4, early + events + again, until=33 * 86_400))
    assert [one.end.reason.code == "new-normal" for one in found][-2:] == [True, False]
    assert VOTERS == 20
