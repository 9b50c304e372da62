"""What is heard as files are read: counts, and times that cannot be."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.records.elems import Kind
from duskwatch.records.messages import DumpBegin, FileSpan, Silence
from duskwatch.signals.bgp.artefacts.heard import (
    NOT_HEARD_US,
    SLACK_US,
    Hearing,
    after,
    as_of,
    begin_file,
    dump_time,
    end_file,
    hear,
    joined,
    part_of,
)
from tests.signals.bgp.build import block

A, W, S, R, K = Kind.ANNOUNCE, Kind.WITHDRAW, Kind.STATE, Kind.RIB, Kind.ALIVE
US = 1_000_000
PREFIX = "10.0.0.0/24"
FILE_S = 300


HOUR = 3600


def said(*seconds):
    """Announcements of one peer at some times."""
    return block(*((second, 0, A, PREFIX, (1, 2)) for second in seconds))


def file_of(heard, number, *blocks):
    """Read a file that its name says begins at number * FILE_S; the times of its elems as they were put, in seconds."""
    heard = begin_file(heard, FileSpan(f"updates.{number}", number * FILE_S * US, (number + 1) * FILE_S * US))
    put = []
    for one in blocks:
        heard, mended = hear(heard, one, 4, HOUR * US)
        put += mended.time_us.tolist()
    return end_file(heard)[0], [None if time == NOT_HEARD_US else time / US for time in put]


def after_a_good_file():
    return file_of(Hearing(0, 300 * US), 0, said(1, 100, 299))[0]


def counts(heard, until_s=HOUR):
    return part_of(heard, "rrc00", until_s * US).counts


def test_announcements_and_withdrawals_are_counted_by_bin_and_peer_and_nothing_else_is():
    rows = [(0, 0, A, PREFIX, (1, 2)), (299, 0, A, PREFIX, (1, 2)), (300, 2, W, PREFIX, None),
            (300, 1, K, None, None), (301, 1, S, None, (6, 1)), (302, 1, R, PREFIX, (1, 2))]  # fmt: skip
    heard, _ = hear(Hearing(0, 300 * US), block(*rows), 3, 900 * US)
    told = counts(heard, 900)
    assert told.shape == (3, 3, 2)
    assert told[0, 0].tolist() == [2, 0]
    assert told[1, 2].tolist() == [0, 1]
    assert told.sum() == 3


def test_peers_that_are_met_later_find_room():
    heard, _ = hear(Hearing(0, 300 * US), said(5), 1, HOUR * US)
    heard, _ = hear(heard, block((6, 9, A, PREFIX, (1, 2))), 10, HOUR * US)
    assert counts(heard)[0, :, 0].tolist() == [1] + [0] * 8 + [1]


def test_peers_and_bins_that_come_one_by_one_do_not_copy_the_counts_each_time():
    heard = Hearing(0, 300 * US)
    rooms = set()
    for peer in range(200):
        heard, _ = hear(heard, block((6 + 300 * peer, peer, A, PREFIX, (1, 2))), peer + 1, NOT_HEARD_US)
        rooms.add(heard.room.shape)
    assert [counts(heard, 60_000)[peer, peer, 0] for peer in range(200)] == [1] * 200
    assert len(rooms) < 40


def test_bins_from_the_horizon_on_are_not_counted():
    heard, _ = hear(Hearing(0, 300 * US), said(5, 700, 2**32), 1, 650 * US)
    assert heard.room.shape[0] == 3
    assert counts(heard, 650)[:, 0, 0].tolist() == [1, 0, 1]


def test_windows_that_follow_each_other_hold_together_what_one_would():
    """However they are cut, also within a bin: what was heard there is told once."""
    rows = [(t, t % 3, A if t % 2 else W, PREFIX, (1, 2) if t % 2 else None) for t in range(0, HOUR, 7)]
    whole, _ = hear(Hearing(0, 300 * US), block(*rows), 3, HOUR * US)
    whole = part_of(whole, "rrc00", HOUR * US)
    for cuts in ([300], [450], [299, 301, 302], [10, 2000]):
        heard, parts = Hearing(0, 300 * US), []
        for since, until in zip([0, *cuts], [*cuts, HOUR], strict=True):
            heard, _ = hear(heard, block(*(row for row in rows if since <= row[0] < until)), 3, HOUR * US)
            parts.append(part_of(heard, "rrc00", until * US))
            heard = after(heard, until * US)
        assert np.array_equal(joined(parts).counts, whole.counts), cuts
        assert np.array_equal(joined([joined(parts[:2]), *parts[2:]]).counts, whole.counts)


def test_a_block_in_time_is_the_same_block():
    heard = begin_file(after_a_good_file(), FileSpan("u", 300 * US, 600 * US))
    own = said(300, 450, 600)
    assert hear(heard, own, 1, HOUR * US)[1] is own


def test_a_block_without_elems_changes_nothing():
    heard = begin_file(after_a_good_file(), FileSpan("u", 300 * US, 600 * US))
    heard, _ = hear(heard, block(), 4, HOUR * US)
    assert heard.step is None


@pytest.mark.parametrize("step", [3600, -3600, 86400 * 700, -(10**6)])
def test_times_after_a_step_are_set_back_by_it(step):
    heard, put = file_of(after_a_good_file(), 1, said(310, 320, 321 + step, 350 + step, 560))
    # The step is taken to have come at the last good time: 321 becomes 320.
    assert put == [310, 320, 320, 349, 560]
    (told,) = heard.steps
    assert (told.file, told.moved, told.left_out) == ("updates.1", 2, 0)
    assert (told.from_us, told.until_us, told.off_us) == (320 * US, 560 * US, (step + 1) * US)


def test_counts_are_by_the_times_that_were_put_right():
    heard, _ = file_of(after_a_good_file(), 1, said(310, 320, 321 + 1200, 350 + 1200, 560))
    assert counts(heard)[:, 0, 0].tolist() == [3, 5] + [0] * 10


def test_a_step_may_last_over_blocks_and_files():
    heard, put = file_of(after_a_good_file(), 1, said(310, 320), said(3321, 3350), said(3400))
    assert put == [310, 320, 320, 349, 399]
    heard, put = file_of(heard, 2, said(3603, 3899))
    assert put == [602, 898]
    heard, put = file_of(heard, 3, said(3905), said(950))
    assert put == [904, 950]
    assert [(step.from_us // US, step.until_us // US) for step in heard.steps] == [(320, 600), (602, 900), (904, 950)]
    heard, put = file_of(heard, 4, said(1201, 1300))
    assert put == [1201, 1300]
    assert len(heard.steps) == 3


def test_a_time_that_the_step_does_not_explain_is_that_of_the_last_good_one():
    heard, put = file_of(after_a_good_file(), 1, said(310, 320, 3321, 90000, 5, 560))
    assert put == [310, 320, 320, 320, 320, 560]
    assert heard.steps[0].moved == 3


def test_bad_times_at_the_head_of_a_file_are_its_start_where_good_ones_follow():
    heard, put = file_of(after_a_good_file(), 1, said(9000, 9001, 310, 560))
    assert put == [300, 301, 310, 560]
    assert heard.steps[0].from_us == 300 * US


def test_a_file_of_another_hour_is_left_out_and_is_a_silence():
    heard = begin_file(after_a_good_file(), FileSpan("u", 300 * US, 600 * US))
    heard, mended = hear(heard, said(9000, 9100), 1, HOUR * US)
    assert mended.time_us.tolist() == [NOT_HEARD_US] * 2
    heard, silence = end_file(heard)
    assert silence == Silence(300 * US, 600 * US, "records of another time")
    assert counts(heard)[:, 0, 0].tolist() == [3] + [0] * 11
    heard, put = file_of(heard, 2, said(610))
    assert put == [610]


def test_until_a_file_fits_its_name_times_are_taken_as_they_are():
    heard = Hearing(0, 300 * US)
    heard, put = file_of(heard, 20, said(10, 20))
    assert put == [10, 20]
    heard, put = file_of(heard, 21, said(310))
    assert put == [310]
    assert (heard.steps, heard.trusted) == ([], False)


def test_files_without_a_time_in_their_name_are_taken_as_they_are():
    heard = begin_file(after_a_good_file(), None)
    own = said(5, 90000)
    heard, mended = hear(heard, own, 1, HOUR * US)
    assert mended is own
    assert end_file(heard)[0].steps == []


def test_a_file_of_unknown_length_may_hold_anything_that_is_later():
    heard = begin_file(after_a_good_file(), FileSpan("daily", 300 * US, None))
    own = said(310, 86000)
    assert hear(heard, own, 1, HOUR * US)[1] is own
    heard, mended = hear(heard, said(86001, 5), 1, HOUR * US)
    assert mended.time_us.tolist() == [86001 * US] * 2


def test_some_minutes_past_the_ends_of_a_file_are_its_own():
    slack = SLACK_US // US
    heard, put = file_of(after_a_good_file(), 1, said(300 - slack, 599 + slack))
    assert put == [300 - slack, 599 + slack]
    assert heard.steps == []


def test_the_latest_time_of_a_block_is_of_those_that_are_kept():
    heard = begin_file(after_a_good_file(), FileSpan("u", 300 * US, 600 * US))
    heard, mended = hear(heard, said(310, 90000), 1, HOUR * US)
    assert mended.last_us == 310 * US
    assert mended.time_us.strides != (8,)  # as the reader's columns, lest kernels be compiled anew


def test_what_was_heard_can_be_put_away_and_taken_up_again():
    heard, _ = file_of(after_a_good_file(), 1, said(310, 320), said(3321))
    again = pickle.loads(pickle.dumps(heard))
    assert file_of(again, 2, said(3603))[1] == file_of(heard, 2, said(3603))[1] == [602]


@pytest.mark.parametrize(
    ("off", "trusted", "taken"),
    [
        (0, False, True),
        (-120, False, True),
        (-121, False, False),
        (2 * HOUR, False, True),
        (2 * HOUR + 121, False, False),
        (9 * HOUR, False, True),  # a time zone, perhaps
        (9 * HOUR + 100, False, True),
        (-5 * HOUR - 45 * 60, False, True),
        (14 * HOUR + 900, False, False),
        (9 * HOUR, True, False),
        (HOUR, True, True),
        (-(10**8), True, False),
    ],
)
def test_a_dump_is_of_the_time_that_it_says_where_that_can_be(off, trusted, taken):
    heard = after_a_good_file() if trusted else Hearing(0, 300 * US)
    named = 10**9 * US
    assert dump_time(heard, DumpBegin("rib", named + off * US, named)) == named + (off * US if taken else 0)
    assert [(step.file, step.off_us) for step in heard.steps] == ([] if taken else [("rib", off * US)])


def test_a_dump_whose_name_says_no_time_is_of_the_time_that_it_says():
    assert dump_time(after_a_good_file(), DumpBegin("rib", 5)) == 5


def test_a_block_as_of_one_time():
    moved = as_of(said(310, 90000), 7 * US)
    assert moved.time_us.tolist() == [7 * US] * 2
    assert moved.last_us == 7 * US
    assert moved.time_us.strides != (8,)


@given(
    st.lists(st.lists(st.integers(-5000, 9000), max_size=12), max_size=4),
    st.integers(1, 3),
)
@settings(deadline=None)
def test_whatever_times_a_file_holds_they_lie_in_it_or_nowhere(blocks, number):
    heard, put = file_of(after_a_good_file(), number, *(said(*times) for times in blocks))
    low, high = number * FILE_S - SLACK_US // US, (number + 1) * FILE_S + SLACK_US // US
    assert all(time is None or low <= time < high for time in put)
    times = [time for own in blocks for time in own]
    for was, now in zip(times, put, strict=True):
        if low <= was < high:
            assert now == was
    bad = sum(not low <= time < high for time in times)
    assert sum(step.moved + step.left_out for step in heard.steps) == bad
    assert put.count(None) == sum(step.left_out for step in heard.steps)
    inside = [time for time in put if time is not None and 0 <= time < 3600]
    assert counts(heard).sum() == 3 + len(inside)
    assert np.array_equal(counts(heard)[:, 0, 0] - np.eye(1, 12, dtype=int)[0] * 3,
                          np.bincount([int(time) // 300 for time in inside], minlength=12))  # fmt: skip
