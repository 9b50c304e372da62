"""Losses of one collector alone: what is left of the change log, against the rule applied to sets."""

from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.records.signals import PrefixState
from duskwatch.records.times import MINUTE
from duskwatch.signals.bgp.artefacts import lone
from duskwatch.signals.bgp.artefacts.lone import without_lone_losses
from duskwatch.signals.bgp.votes import merge_votes
from tests.signals.bgp.test_votes import MINE, OTHERS, PATH, A, S, W, part

US = 1_000_000
END_US = 4 * 3600 * US
OTHER = "10.0.1.0/24"
# Peers of three collectors; seven of thirteen are at the first.
SIZES = {"rrc00": 7, "rrc01": 3, "rrc02": 3}
PLACES = list(SIZES)


def votes_of(said, dump=True):
    """said: (minute, collector, peer, prefix, whether it announces)."""
    parts = []
    for place, (name, size) in enumerate(SIZES.items()):
        elems = [
            (minute * 60, peer, A if up else W, prefix, (100 * place + peer + 1, 4837, 131279) if up else None)
            for minute, collector, peer, prefix, up in said
            if collector == place and peer < size
        ]
        parts.append(part(name, range(100 * place + 1, 100 * place + 1 + size), elems, dump=dump, routes=(MINE, OTHER)))
    return merge_votes(parts, 0, END_US)


def everything(votes):
    return np.ones(len(votes.afi), np.bool_)


def steps(votes, unit):
    """(minute, state) of one prefix from the change log."""
    rows = np.flatnonzero(votes.prefix == unit)
    return [(int(votes.time_us[row]) / MINUTE, PrefixState(int(votes.state[row]))) for row in rows]


def state_at(told, minute):
    """The state that a log tells of a minute."""
    return [state for time, state in told if time <= minute][-1]


def unit_of(votes, prefix):
    third = int(prefix.split(".")[2])
    return int(np.flatnonzero((votes.hi >> np.uint64(40)) == (0x0A0000 | third))[0])


def truth(said, prefix):
    """State of a prefix in each minute, by the rule on sets: lone losses count at the edges of a common one only."""
    holds = {(place, peer) for place, size in enumerate(SIZES.values()) for peer in range(size)}
    kinds, plain = [], []
    was = -1
    for minute in range(240):
        for _, collector, peer, _, up in (row for row in said if row[0] == minute and row[3] == prefix):
            (holds.add if up else holds.discard)((collector, peer))
        hold = [sum(pair[0] == place for pair in holds) for place in range(3)]
        lost = [size - own for size, own in zip(SIZES.values(), hold, strict=True)]
        if 2 * sum(hold) > 13:
            was = -1
        elif was >= 0:
            others = 13 - list(SIZES.values())[was]
            was = was if 2 * (sum(hold) - hold[was]) > others else -2
        else:
            worst = lost.index(max(lost))
            rest = [place for place in range(3) if place != worst]
            alone = sum(hold[p] for p in rest) >= 3 and all(hold[p] >= 0.9 * list(SIZES.values())[p] for p in rest)
            was = worst if alone else -2
        kinds.append(was)
        plain.append(PrefixState.VISIBLE if 2 * sum(hold) > 13 else PrefixState.MINORITY if holds else PrefixState.DARK)
    out = list(plain)
    start = 0
    while start < 240:
        end = start
        while end < 240 and kinds[end] == kinds[start]:
            end += 1
        common = (start > 0 and kinds[start - 1] == -2) or (end < 240 and kinds[end] == -2)
        if kinds[start] >= 0 and not (common and end - start < lone.CONVERGE_US / MINUTE):
            out[start:end] = [PrefixState.VISIBLE] * (end - start)
        start = end
    return out


said_strategy = st.lists(
    st.tuples(
        st.integers(5, 235), st.integers(0, 2), st.sampled_from([7, 7, 3, 2, 1]), st.sampled_from([MINE, OTHER]),
        st.booleans(), st.integers(0, 3),
    ),
    max_size=25,
).map(
    lambda groups: sorted(
        {
            (minute + spread * peer, place, peer, prefix): (minute + spread * peer, place, peer, prefix, up)
            for minute, place, many, prefix, up, spread in groups
            for peer in range(min(many, list(SIZES.values())[place]))
            if minute + spread * peer < 240
        }.values()
    )
)  # fmt: skip


@given(said_strategy)
@settings(deadline=None, max_examples=60)
def test_the_log_that_is_left_is_that_of_the_rule(said):
    votes = votes_of(said)
    cleared, told = without_lone_losses(votes, everything(votes))
    assert (np.diff(cleared.time_us) >= 0).all()
    for prefix in (MINE, OTHER):
        log = steps(cleared, unit_of(cleared, prefix))
        expected = truth(said, prefix)
        for minute in range(1, 240):
            assert state_at(log, minute) == expected[minute], (prefix, minute, log)
    assert all(0 < loss.lost <= loss.of == SIZES[loss.collector] for loss in told)
    assert all(loss.others_hold >= 3 for loss in told)
    assert all(loss.from_us < loss.until_us for loss in told)


@given(said_strategy)
@settings(deadline=None, max_examples=20)
def test_each_prefix_is_judged_by_itself(said):
    votes = votes_of(said)
    whole, _ = without_lone_losses(votes, everything(votes))
    unit = unit_of(votes, MINE)
    alone, _ = without_lone_losses(votes, np.arange(len(votes.afi)) == unit)
    assert steps(alone, unit) == steps(whole, unit)
    other = unit_of(votes, OTHER)
    assert steps(alone, other) == steps(votes, other)


def loss(place, minute, back=None, prefix=MINE, peers=range(7)):
    rows = [(minute, place, peer, prefix, False) for peer in peers if peer < list(SIZES.values())[place]]
    return rows + ([(back, *row[1:4], True) for row in rows] if back is not None else [])


def test_the_log_says_that_only_the_set_of_voters_changed():
    votes, _ = without_lone_losses(votes := votes_of(loss(0, 60, 90)), everything(votes))
    unit = unit_of(votes, MINE)
    rows = np.flatnonzero((votes.prefix == unit) & (votes.time_us >= 60 * MINUTE) & (votes.time_us < 90 * MINUTE))
    (row,) = rows
    assert (votes.votes[row], votes.voters[row]) == (6, 6)
    assert votes.by_voters[row] == 1
    assert votes.origin[row] == 131279


def test_a_loss_that_others_join_late_begins_with_them_as_a_loss_of_routes():
    said = loss(0, 60, 120) + loss(1, 80, 120) + loss(2, 80, 120)
    votes, told = without_lone_losses(votes := votes_of(said), everything(votes))
    unit = unit_of(votes, MINE)
    (row,) = np.flatnonzero((votes.prefix == unit) & (votes.time_us == 80 * MINUTE))
    assert (votes.state[row], votes.by_voters[row]) == (PrefixState.DARK, 0)
    (alone,) = told
    assert (alone.from_us, alone.until_us, alone.lost, alone.of) == (60 * MINUTE, 80 * MINUTE, 7, 7)


@pytest.mark.parametrize(("minutes", "counts"), [(9, True), (10, False)])
def test_others_must_join_within_ten_minutes(minutes, counts):
    said = loss(0, 60, 120) + loss(1, 60 + minutes, 120) + loss(2, 60 + minutes, 120)
    votes, told = without_lone_losses(votes := votes_of(said), everything(votes))
    assert (state_at(steps(votes, unit_of(votes, MINE)), 61) != PrefixState.VISIBLE) == counts
    assert (told == ()) == counts


@pytest.mark.parametrize(("minutes", "counts"), [(9, True), (10, False)])
def test_a_collector_may_be_ten_minutes_behind(minutes, counts):
    said = loss(0, 60, 90 + minutes) + loss(1, 60, 90) + loss(2, 60, 90)
    votes, told = without_lone_losses(votes := votes_of(said), everything(votes))
    assert (state_at(steps(votes, unit_of(votes, MINE)), 91) != PrefixState.VISIBLE) == counts
    assert (told == ()) == counts


def test_others_that_leave_do_not_confirm_what_they_contradicted():
    """Within the ten minutes in which their own loss would: their sessions end, and the loss is all that is left."""
    ends = [(64 * 60, peer, S, None, (6, 1)) for peer in range(3)]
    lost = [(3600, peer, W, MINE, None) for peer in range(7)]
    parts = [part(name, range(100 * k + 1, 100 * k + 1 + size), ends if k else lost)
             for k, (name, size) in enumerate(SIZES.items())]  # fmt: skip
    votes, told = without_lone_losses(votes := merge_votes(parts, 0, END_US), everything(votes))
    assert [(one.from_us, one.until_us) for one in told if one.prefix == MINE] == [(60 * MINUTE, 64 * MINUTE)]
    log = steps(votes, unit_of(votes, MINE))
    assert state_at(log, 63) == PrefixState.VISIBLE
    assert state_at(log, 65) == PrefixState.UNKNOWN
    # Nobody contradicts it for an hour: then it counts, and only because voters are others.
    assert state_at(log, 123) == PrefixState.UNKNOWN
    assert state_at(log, 125) == PrefixState.DARK
    rows = np.flatnonzero((votes.prefix == unit_of(votes, MINE)) & (votes.time_us >= 60 * MINUTE))
    assert votes.by_voters[rows].tolist() == [1, 1, 1]


@pytest.mark.parametrize("holds", [True, False])
def test_when_others_are_back_they_decide(holds):
    """The sessions of the others end for some minutes; they come back with the prefix, or without."""
    lost = [(3600, peer, W, MINE, None) for peer in range(7)]
    back = [(64 * 60, peer, S, None, (6, 1)) for peer in range(3)] + [
        (70 * 60, peer, S, None, (5, 6)) for peer in range(3)
    ]
    sent = [*OTHERS, OTHER, *([MINE] if holds else [])]
    back += [(70 * 60 + k, peer, A, prefix, PATH) for peer in range(3) for k, prefix in enumerate(sent)]
    parts = [part(name, range(100 * k + 1, 100 * k + 1 + size), back if k else lost, routes=(MINE, OTHER))
             for k, (name, size) in enumerate(SIZES.items())]  # fmt: skip
    votes, _ = without_lone_losses(votes := merge_votes(parts, 0, END_US), everything(votes))
    log = steps(votes, unit_of(votes, MINE))
    assert state_at(log, 66) == PrefixState.UNKNOWN
    assert state_at(log, 80) == (PrefixState.VISIBLE if holds else PrefixState.DARK)


def test_once_alone_a_collector_stays_so_until_the_others_have_lost_their_majority():
    """One of the six others loses it as well, later three."""
    said = loss(0, 60) + loss(1, 90, peers=range(1)) + loss(1, 150)
    votes, told = without_lone_losses(votes := votes_of(said), everything(votes))
    log = steps(votes, unit_of(votes, MINE))
    assert state_at(log, 149) == PrefixState.VISIBLE
    assert state_at(log, 150) == PrefixState.MINORITY
    assert told[0].until_us == 150 * MINUTE


def test_where_one_of_the_others_has_lost_it_before_it_is_a_common_loss():
    said = loss(1, 30, peers=range(1)) + loss(0, 60)
    votes, told = without_lone_losses(votes := votes_of(said), everything(votes))
    assert told == ()
    assert state_at(steps(votes, unit_of(votes, MINE)), 61) == PrefixState.MINORITY


def test_voters_that_never_held_it_are_no_witnesses_of_a_loss():
    """A peer elsewhere that never had a route says nothing about who lost it: the others there still hold on."""
    parts = [
        part("rrc00", range(1, 8), [(3600, peer, W, MINE, None) for peer in range(7)]),
        part("rrc01", range(101, 105), [(0.5, 3, W, MINE, None)]),
    ]
    # The fourth peer of rrc01 lacks it from the first second on: it had it, and lost it.
    votes = merge_votes(parts, 0, END_US)
    assert without_lone_losses(votes, everything(votes))[1] == ()
    parts[1] = part("rrc01", range(101, 105), [])
    absent = without_route(parts[1], 3)
    votes = merge_votes([parts[0], absent], 0, END_US)
    (told,) = without_lone_losses(votes, everything(votes))[1]
    assert (told.others_hold, told.others) == (3, 3)


def without_route(whole, peer):
    """A part whose peer has no route to MINE in the table dump that began it."""
    out = deepcopy(whole)
    for name in ("cells", "routes"):
        table = getattr(out.start, name)
        third = np.flatnonzero((out.hi >> np.uint64(40)) == 0x0A0000)
        table[third, peer] = table[third, peer] & 2 if name == "cells" else 0
    return out


def test_where_nothing_was_lost_the_votes_are_the_same_value():
    votes = votes_of([])
    assert without_lone_losses(votes, everything(votes)) == (votes, ())


@pytest.mark.parametrize(
    ("apart", "sizes", "counts"),
    [
        (30, (4, 4, 4), False),
        (10, (4, 4, 4), False),
        (9, (4, 4, 4), True),  # one loss: routes take minutes to go away everywhere
        (30, (5, 5, 3), True),  # too few are left to contradict it
        (30, (6, 6, 2, 3), False),
    ],
)
def test_two_collectors_with_losses_of_their_own_at_once(apart, sizes, counts):
    """Neither has half of the voters; together they have."""
    parts = []
    for place, size in enumerate(sizes):
        begin, end = {0: (60, 120), 1: (60 + apart, 150)}.get(place, (0, 0))
        elems = [(begin * 60, peer, W, MINE, None) for peer in range(size)] if end else []
        elems += [(end * 60, peer, A, MINE, PATH) for peer in range(size)] if end else []
        parts.append(part(f"rrc0{place}", range(100 * place + 1, 100 * place + 1 + size), elems, routes=(MINE, OTHER)))
    votes, told = without_lone_losses(votes := merge_votes(parts, 0, END_US), everything(votes))
    log = steps(votes, unit_of(votes, MINE))
    assert (state_at(log, 60 + apart + 5) != PrefixState.VISIBLE) == counts
    assert [one.collector for one in told if one.prefix == MINE] == ([] if counts else ["rrc00 and rrc01"])
    if not counts:
        (one,) = [one for one in told if one.prefix == MINE]
        assert (one.from_us, one.until_us) == ((60 + apart) * MINUTE, 120 * MINUTE)
        assert (one.lost, one.of) == (sizes[0] + sizes[1], sizes[0] + sizes[1])


def test_a_second_loss_of_a_collector_beside_a_lone_one_is_none_either():
    """The first had half of the voters, and was alone; then another loses it by itself, with a quarter elsewhere."""
    spans = {0: (60, 200), 1: (100, 160)}
    parts = []
    for place, size in enumerate((7, 3, 4)):
        begin, end = spans.get(place, (0, 0))
        elems = [(begin * 60, peer, W, MINE, None) for peer in range(size)] if end else []
        elems += [(end * 60, peer, A, MINE, PATH) for peer in range(size)] if end else []
        parts.append(part(f"rrc0{place}", range(100 * place + 1, 100 * place + 1 + size), elems, routes=(MINE, OTHER)))
    votes, told = without_lone_losses(votes := merge_votes(parts, 0, END_US), everything(votes))
    log = steps(votes, unit_of(votes, MINE))
    assert {state_at(log, minute) for minute in range(1, 239)} == {PrefixState.VISIBLE}
    assert {one.collector for one in told} >= {"rrc00"}


def test_where_no_collector_has_half_of_the_voters_nothing_is_walked(monkeypatch):
    lost = [(60, p, W, MINE, None) for p in range(2)]
    parts = [part(f"rrc0{k}", range(10 * k + 1, 10 * k + 3), lost if k < 2 else []) for k in range(3)]
    votes = merge_votes(parts, 0, END_US)

    def never(*_):
        raise AssertionError("walked")

    monkeypatch.setattr(lone, "_walk", never)
    assert without_lone_losses(votes, everything(votes))[1] == ()


def test_learned_state_counts_a_first_word_that_takes_a_route_back():
    """Without a dump a peer's first word may be the withdrawal: it had it, and its collector may be alone with it."""
    parts = []
    for place, (name, size) in enumerate(SIZES.items()):
        asns = range(100 * place + 1, 100 * place + 1 + size)
        heard = [(10, p, A, prefix, PATH) for p in range(size) for prefix in (OTHER, "10.0.2.0/24")]
        heard += [(20, p, A, MINE, PATH) for p in range(size) if place > 0]
        heard += [(3600, p, W, MINE, None) for p in range(size) if place == 0]
        parts.append(part(name, asns, heard, dump=False))
    votes = merge_votes(parts, 0, END_US)
    assert votes.learned
    (told,) = without_lone_losses(votes, everything(votes))[1]
    assert (told.collector, told.lost, told.of, told.others_hold) == ("rrc00", 7, 7, 6)


def test_a_spell_that_lasts_adds_nothing_at_the_end_of_the_window():
    votes, told = without_lone_losses(votes := votes_of(loss(0, 60)), everything(votes))
    assert told[0].until_us == END_US
    assert votes.time_us.max() < END_US


def test_a_spell_that_ends_with_others_losing_it_is_told_with_the_votes_of_then():
    """The state stays what it was, so that the log itself has no row of that moment."""
    said = loss(0, 60) + loss(1, 90, peers=range(1)) + loss(1, 150)
    votes, _ = without_lone_losses(votes := votes_of(said), everything(votes))
    rows = np.flatnonzero((votes.prefix == unit_of(votes, MINE)) & (votes.time_us >= 150 * MINUTE))
    told = [(int(votes.state[row]), int(votes.votes[row]), int(votes.voters[row])) for row in rows]
    assert told == [(PrefixState.MINORITY, 3, 13)]


def test_what_nobody_contradicted_for_an_hour_counts_until_the_others_are_back():
    lost = [(3600, peer, W, MINE, None) for peer in range(7)]
    back = [(64 * 60, peer, S, None, (6, 1)) for peer in range(3)]
    back += [(150 * 60, peer, S, None, (5, 6)) for peer in range(3)]
    back += [(150 * 60 + k, peer, A, prefix, PATH) for peer in range(3) for k, prefix in enumerate((*OTHERS, MINE))]
    parts = [part(name, range(100 * k + 1, 100 * k + 1 + size), back if k else lost)
             for k, (name, size) in enumerate(SIZES.items())]  # fmt: skip
    votes, _ = without_lone_losses(votes := merge_votes(parts, 0, END_US), everything(votes))
    log = steps(votes, unit_of(votes, MINE))
    assert [state_at(log, minute) for minute in (66, 123, 125, 149)] == [
        PrefixState.UNKNOWN,
        PrefixState.UNKNOWN,
        PrefixState.DARK,
        PrefixState.DARK,
    ]
