"""Who witnessed an outage: figures at the edges of the rules, and of outages that no route tells of."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from duskwatch.analysis.replay import Reading, Window, replay_archives
from duskwatch.records.outages import Outage, When
from duskwatch.records.reason import NO_REASON
from duskwatch.records.times import MINUTE
from duskwatch.signals.bgp.artefacts.faults import find_faults
from duskwatch.signals.bgp.artefacts.lone import LoneLoss
from duskwatch.signals.bgp.artefacts.witness import witness
from duskwatch.signals.bgp.measures import Extent, measure
from duskwatch.signals.bgp.votes import merge_votes
from tests.small_archive import OWN, START_US, Archive, at

PEERS = {"rrc91": 4, "rrc92": 3}


def outage(start: float, end: float | None, width: float = 0) -> Outage:
    def when(minute: float) -> When:
        return When(at(minute), at(minute + width), at(minute), NO_REASON)

    length = int(((240 if end is None else end) - start) * MINUTE)
    over = None if end is None else when(end)
    return Outage(
        when(start), over, None, None, length, 1.0, (), 0, None, True, ("bgp.visible_slash24",), 1.0, 1.0
    )  # fmt: skip


def witnesses_of(made: Archive, tmp_path, outages: Sequence[Outage], counted: bool = True, lone=()):
    def watch(afi, hi, lo, length):
        return (hi >> np.uint64(42) == OWN[0].hi >> 42).astype(np.uint8)

    window = START_US, at(240)
    run = replay_archives(Window(*window), [made.write(tmp_path / "mrt")], watch=watch, reading=Reading(1))
    votes = merge_votes(list(run.parts), *window)
    faults = find_faults(run.parts, run.heard if counted else (), run.inputs, votes)
    everything = np.ones(len(votes.afi), np.bool_)
    history = measure(votes, Extent(everything), run.bin_us)
    return witness(votes, everything, history, outages, faults, lone)


def archive() -> Archive:
    made = Archive(PEERS)
    made.talk()
    return made


def test_nothing_is_asked_where_there_was_no_outage(tmp_path):
    assert witnesses_of(archive(), tmp_path, []) == ((), ())


def test_an_outage_that_no_route_tells_of_has_no_witnesses(tmp_path):
    (told,), _ = witnesses_of(archive(), tmp_path, [replace(outage(20, 40), signals=("merit-nt",))])
    assert told is None


def test_an_outage_in_which_no_prefix_was_lost_has_none_that_saw_it(tmp_path):
    (told,), stuck = witnesses_of(archive(), tmp_path, [outage(20, 220)])
    assert (told.collectors, told.prefixes, told.lost) == ((), 0, 0)
    assert (told.verdict, told.doubts) == ("cannot be ruled out", ("few voters",))
    assert stuck == ()


def test_a_voter_lost_it_that_lost_half_of_what_it_held(tmp_path):
    made = archive()
    made.lose(made.peers()[:5], 100, 130)
    made.lose(made.peers()[5:6], 101, 130, OWN[:2])
    made.lose(made.peers()[6:], 102, 130, OWN[:1])
    (told,), _ = witnesses_of(made, tmp_path, [outage(100, 130)])
    assert [(view.collector, view.lost, view.kept, view.left) for view in told.collectors] == [
        ("rrc91", 4, 0, 0), ("rrc92", 2, 1, 0),
    ]  # fmt: skip
    first, second = told.collectors
    assert (first.first_us, first.last_us) == (at(100), at(100) + 3 * 10**6)
    assert (second.first_us, second.last_us) == (at(100) + 4 * 10**6, at(101))


def test_two_outages_are_told_apart(tmp_path):
    made = archive()
    made.lose(made.peers(), 50, 80)
    made.lose(made.peers()[:5], 120, 150, OWN[1:3])
    (one, two), _ = witnesses_of(made, tmp_path, [outage(50, 80), outage(120, 150)])
    assert (one.lost, one.asked, one.prefixes) == (7, 7, 4)
    assert (two.lost, two.asked, two.prefixes) == (5, 7, 2)


def test_outages_whose_times_overlap_share_nothing(tmp_path):
    made = archive()
    made.lose(made.peers(), 50, 80)
    (one, two), _ = witnesses_of(made, tmp_path, [outage(50, 90), outage(70, 100)])
    assert one.lost == 7
    assert two.lost == 0


def test_one_that_lasts_is_counted_to_the_end_of_the_window(tmp_path):
    made = archive()
    made.lose(made.peers()[:6], 100)
    (told,), stuck = witnesses_of(made, tmp_path, [outage(100, None)])
    assert (told.lost, told.asked, told.voters_after) == (6, 7, 7)
    assert [fault.source for fault in stuck] == ["rrc92 AS65502"]
    assert stuck[0].until_us == at(240)


@pytest.mark.parametrize(("end", "many"), [(189.9, 0), (190, 1)])
def test_a_route_is_stuck_after_ninety_minutes(tmp_path, end, many):
    made = archive()
    made.lose(made.peers()[:6], 100)
    _, stuck = witnesses_of(made, tmp_path, [outage(100, end)])
    assert len(stuck) == many


def test_what_was_not_counted_is_not_told_as_nothing(tmp_path):
    made = archive()
    made.lose(made.peers(), 100, 130)
    (told,), _ = witnesses_of(made, tmp_path, [outage(100, 130)], counted=False)
    assert (told.talking, told.statements) == (None, None)
    assert told.verdict == "no"


@pytest.mark.parametrize(("minutes", "near"), [(10, 1), (10.1, 0), (-10, 1), (-10.1, 0)])
def test_sessions_that_end_within_ten_minutes_of_the_onset_are_told(tmp_path, minutes, near):
    made = archive()
    made.lose(made.peers(), 100, 150)
    made.reset(made.peers()[:1], 100 + minutes, 100 + minutes + 5, without=OWN if minutes > 0 else ())
    (told,), _ = witnesses_of(made, tmp_path, [outage(100, 150)])
    assert told.resets == near


def test_a_short_outage_is_heard_in_the_bins_that_it_touches(tmp_path):
    made = archive()
    made.lose(made.peers(), 101, 103)
    (told,), _ = witnesses_of(made, tmp_path, [outage(101, 103)])
    said = sum(100 * 60 <= second < 105 * 60 for peer in made.peers() for second, _ in made.said[peer])
    # Each peer's withdrawal and the announcement after it are about the entity: two messages, eight statements.
    assert told.statements == said - 2 * 7


def test_voters_are_counted_just_before_the_onset(tmp_path):
    """One leaves at the very moment of the onset: it had been there."""
    made = archive()
    made.lose(made.peers()[1:], 100, 150)
    made.reset(made.peers()[:1], 100, 140)
    (told,), _ = witnesses_of(made, tmp_path, [outage(100, 150)])
    assert (told.voters_before, told.voters_least, told.voters_after) == (7, 6, 7)


@pytest.mark.parametrize(("minute", "doubted"), [(230, True), (39.9, True), (29, False)])
def test_a_lone_spell_near_an_outage_that_lasts_is_a_doubt(tmp_path, minute, doubted):
    """It counts from an hour before the outage to the end of the window, as that is when the outage ends."""
    made = archive()
    made.lose(made.peers(), 100)
    spell = LoneLoss("rrc91", str(OWN[0]), at(minute), at(minute + 10), 4, 4, 3, 3)
    (told,), _ = witnesses_of(made, tmp_path, [outage(100, None)], lone=(spell,))
    assert ("lone spell" in told.doubts) == (doubted and minute + 10 > 40)


@pytest.mark.parametrize(("peers", "many", "stuck"), [((3, 2), 3, 1), ((4, 3), 4, 0)])
def test_a_route_is_stuck_where_three_quarters_of_the_others_have_lost_theirs(tmp_path, peers, many, stuck):
    """One keeps all. Of four others three lose all, which are enough; of six four do, which are not."""
    made = Archive({"rrc91": peers[0], "rrc92": peers[1]})
    made.talk()
    made.lose(made.peers()[:many], 100)
    made.lose(made.peers()[many:-1], 100, prefixes=OWN[:1])
    _, found = witnesses_of(made, tmp_path, [outage(100, None)])
    assert len(found) == stuck
