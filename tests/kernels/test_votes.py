"""The vote walk against a slow twin written from the definition of visibility."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.kernels.votes import count_votes, cover_steps

HOLD, LOSE, DUMPED_HOLD, OTHER, CLEAR, COMPLETE, ON4, OFF4, ON6, OFF6, COMPLETE4, COMPLETE6 = range(12)
WHOLE_OF = {COMPLETE: (0, 1), COMPLETE4: (0,), COMPLETE6: (1,), ON4: (0,), ON6: (1,)}  # families
UNKNOWN, DARK, MINORITY, VISIBLE = range(4)
FAMILY = [0, 0, 1]
VOTER_OF = [0, 0, 1, 2, 3, 4, 5, 6, 7, 8]

rows_strategy = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 9), st.integers(0, 2), st.integers(0, 11)), max_size=90
).map(lambda rows: sorted(rows, key=lambda r: r[0]))


def slow(rows):
    """State of every prefix after every moment, from sets; a list of (time, prefix, state, votes, known)."""
    held, known = set(), set()
    voting, fresh, complete, ever = set(), set(), set(), set()
    last = dict.fromkeys(range(len(FAMILY)), (UNKNOWN, True))
    out = []
    for time in sorted({row[0] for row in rows}):
        for _, session, prefix, code in (row for row in rows if row[0] == time):
            if code in (HOLD, DUMPED_HOLD):
                held.add((prefix, session)), known.add((prefix, session)), ever.add(prefix)
            elif code in (LOSE, OTHER):
                held.discard((prefix, session)), known.add((prefix, session))
            elif code == CLEAR:
                held = {pair for pair in held if pair[1] != session}
                known = {pair for pair in known if pair[1] != session}
                fresh |= {(session, 0), (session, 1)}
                complete -= {(session, 0), (session, 1)}
            for family in WHOLE_OF.get(code, ()):
                pair = session, family
                if code in (ON4, ON6) and (pair not in fresh or pair in complete):
                    continue
                complete.add(pair), fresh.discard(pair)
                known |= {(p, session) for p in range(len(FAMILY)) if FAMILY[p] == family}
            if code in (ON4, ON6):
                voting.add((session, 0 if code == ON4 else 1))
            elif code in (OFF4, OFF6):
                voting.discard((session, 0 if code == OFF4 else 1))
        for prefix, family in enumerate(FAMILY):
            here = [s for s in range(len(VOTER_OF)) if (s, family) in voting]
            voters = len({VOTER_OF[s] for s in here})
            votes = len({VOTER_OF[s] for s in here if (prefix, s) in held})
            spoke = len({VOTER_OF[s] for s in here if (prefix, s) in known})
            whole = len({VOTER_OF[s] for s in here if (s, family) in complete})
            if voters == 0 or spoke == 0:
                state = UNKNOWN
            elif spoke * 2 <= voters and whole < 3:
                state = VISIBLE if prefix in ever else UNKNOWN
            elif votes == 0:
                state = DARK
            else:
                state = VISIBLE if votes * 2 > spoke else MINORITY
            if (state, votes == spoke) != last[prefix]:
                last[prefix] = (state, votes == spoke)
                out.append((time, prefix, state, votes, spoke))
    return out


def fast(rows, room=4096):
    prefixes, sessions, voters = len(FAMILY), len(VOTER_OF), 9
    columns = (
        np.array([r[0] for r in rows], np.int64),
        np.array([r[1] for r in rows], np.int32),
        np.array([r[2] for r in rows], np.int32),
        np.array([r[3] for r in rows], np.uint8),
        np.zeros(len(rows), np.int32),
    )
    walk = (
        np.zeros((prefixes, sessions), np.uint8), np.zeros((prefixes, voters), np.uint16),
        np.zeros((prefixes, voters), np.uint16), np.zeros(prefixes, np.int32), np.zeros(prefixes, np.int32),
        np.zeros(prefixes, np.uint8), np.ones(prefixes, np.uint8), np.zeros(prefixes, np.int32),
        np.zeros(prefixes, np.uint8),
        np.zeros((sessions, 2), np.uint8), np.zeros(sessions, np.uint8), np.zeros(sessions, np.uint8),
        np.zeros((voters, 2), np.int32),
        np.zeros(2, np.int32),
        np.zeros((voters, 2), np.int32),
        np.zeros(2, np.int32),
    )  # fmt: skip
    scratch = np.zeros(prefixes, np.uint8), np.zeros(prefixes, np.int32)
    out, row, more = [], 0, True
    while more:
        kinds = np.int64, np.int32, np.uint8, np.int32, np.int32, np.int32, np.uint8
        told = tuple(np.empty(room, kind) for kind in kinds)
        steps = np.empty(room, np.int64), np.empty(room, np.int32), np.empty(room, np.int32)
        row, n, _, more = count_votes(
            *columns, np.array(VOTER_OF, np.int32), np.array(FAMILY, np.uint8), *walk, row, *scratch, *told, *steps
        )
        out += list(zip(*(column[:n].tolist() for column in told[:5]), strict=True))
    return out


@settings(deadline=None, max_examples=300)
@given(rows_strategy)
def test_the_walk_agrees_with_the_definition(rows):
    assert sorted(fast(rows)) == sorted(slow(rows))


@settings(deadline=None, max_examples=50)
@given(rows_strategy)
def test_stopping_for_room_changes_nothing(rows):
    assert fast(rows, room=4) == fast(rows)


def test_two_sessions_of_one_as_are_one_vote():
    rows = [(0, 0, 0, HOLD), (0, 1, 0, HOLD), (0, 2, 0, LOSE), (0, 3, 0, LOSE)] + [(0, s, -1, ON4) for s in range(4)]
    assert fast(rows) == [(0, 0, MINORITY, 1, 3)]


def test_a_prefix_few_have_spoken_of_is_presumed_visible_until_more_than_half_say_otherwise():
    rows = [(0, s, -1, ON4) for s in (0, 2, 3)] + [(1, 0, 0, HOLD), (2, 0, 0, LOSE), (3, 2, 0, LOSE)]
    assert [(time, state) for time, prefix, state, *_ in fast(rows) if prefix == 0] == [
        (1, VISIBLE),
        (2, VISIBLE),
        (3, DARK),
    ]


def test_three_voters_with_whole_tables_judge_however_many_have_not_spoken():
    """Nine voters, of which three (then two) are known whole: a prefix that these lost is lost."""
    whole = [(0, s, -1, COMPLETE) for s in (0, 2, 3)] + [(0, s, -1, ON4) for s in range(len(VOTER_OF))]
    rows = [*whole, *((1, s, 0, HOLD) for s in (0, 2, 3)), *((2, s, 0, LOSE) for s in (0, 2, 3))]
    assert [(time, state) for time, prefix, state, *_ in fast(rows) if prefix == 0] == [
        (0, DARK),
        (1, VISIBLE),
        (2, DARK),
    ]
    two = [row for row in rows if row[1] != 3 or row[3] == ON4]
    assert [(time, state) for time, prefix, state, *_ in fast(two) if prefix == 0] == [
        (0, UNKNOWN),
        (1, VISIBLE),
        (2, VISIBLE),
    ]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3), st.integers(0, 3)), max_size=40))
def test_covered_units_are_the_union_of_what_visible_prefixes_cover(changes):
    """Four prefixes: two neighbours, one covering both, one of the other family."""
    changes = sorted(changes, key=lambda c: c[0])
    family = np.array([0, 0, 0, 1], np.uint8)
    first, last = np.array([0, 1, 0, 0], np.int64), np.array([1, 2, 2, 1], np.int64)
    weight4, weight6 = np.array([1.0, 4.0]), np.array([16.0])
    n = len(changes)
    out_time, out_values, out_by = np.empty(n, np.int64), np.zeros((n, 5)), np.zeros(n, np.uint8)
    rows = cover_steps(
        np.array([c[0] for c in changes], np.int64), np.array([c[1] for c in changes], np.int32),
        np.array([c[2] for c in changes], np.uint8), np.zeros(n, np.uint8), family, first, last, weight4, weight6,
        np.zeros(4, np.uint8), np.zeros(4, np.uint8), np.zeros(2, np.int32), np.zeros(1, np.int32),
        np.zeros(2, np.int32), np.zeros(1, np.int32), out_time, out_values, out_by,
    )  # fmt: skip
    for row in range(rows):
        states = [UNKNOWN] * 4
        for time, prefix, state in changes:
            if time <= out_time[row]:
                states[prefix] = state

        def units(family_no, least, states=states):
            own = [p for p in range(4) if states[p] >= least and family[p] == family_no]
            return {k for p in own for k in range(first[p], last[p])}

        assert out_values[row].tolist() == [
            sum(state == VISIBLE for state in states),
            sum(weight4[k] for k in units(0, VISIBLE)),
            sum(weight6[k] for k in units(1, VISIBLE)),
            sum(weight4[k] for k in units(0, MINORITY)),
            sum(weight6[k] for k in units(1, MINORITY)),
        ]
