"""The walks of the artefact guard against slow twins written from their rules."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.kernels.guard import COMMON, FINE, LEFT, lone_collectors, tally, witnesses

HOLD, LOSE, DUMPED_HOLD, OTHER, CLEAR, COMPLETE, ON4, OFF4, ON6, OFF6, COMPLETE4, COMPLETE6 = range(12)
WHOLE_OF = {COMPLETE: (0, 1), COMPLETE4: (0,), COMPLETE6: (1,), ON4: (0,), ON6: (1,)}  # families
ANNOUNCE, WITHDRAW = 1, 2
FAMILY = [0, 0, 1]
# Seven sessions of six voters at three collectors; the first two sessions are one voter.
VOTER_OF = [0, 0, 1, 2, 3, 4, 5]
PLACE_OF = [0, 0, 0, 1, 1, 2]
LEAST, SHARE, NEARLY = 2, 0.25, 0.9
PAIR_SHARE, APART = 0.3, 4

rows_strategy = st.lists(
    st.tuples(st.integers(0, 15), st.integers(0, 6), st.integers(0, 2), st.integers(0, 11)), max_size=80
).map(lambda rows: [(0, s, 0, code) for s in range(7) for code in (ON4, ON6)] + sorted(rows, key=lambda r: r[0]))


@given(
    st.lists(st.tuples(st.integers(-20, 120), st.integers(0, 5), st.integers(-1, 4)), max_size=50),
    st.integers(1, 40),
)
@settings(deadline=None)
def test_the_tally_is_a_count_by_bin_peer_and_kind(elems, bin_us):
    bins, peers = 3, 4
    counts = np.zeros((bins, peers, 2), np.int32)
    columns = [np.array([elem[k] for elem in elems], kind) for k, kind in ((0, np.int64), (1, np.uint8), (2, np.int32))]
    strays, latest = tally(*columns, 0, 50, 10, bin_us, 1, counts)
    slow = np.zeros_like(counts)
    for time, kind, peer in elems:
        if kind in (ANNOUNCE, WITHDRAW) and 10 <= time < 10 + bins * bin_us and 0 <= peer < peers:
            slow[(time - 10) // bin_us, peer, kind - 1] += 1
    assert np.array_equal(counts, slow)
    assert strays == sum(not 0 <= time < 50 for time, _, _ in elems)
    assert latest == max([-1, *(time for time, _, _ in elems)])
    tally(*columns, 0, 50, 10, bin_us, -1, counts)
    assert not counts.any()


class Slow:
    """Words and votes as sets, after each moment."""

    def __init__(self):
        self.held, self.known, self.seen, self.once = set(), set(), set(), set()
        self.voting, self.fresh, self.complete = set(), set(), set()

    def take(self, session, prefix, code):
        pair = (prefix, session)
        if code in (HOLD, DUMPED_HOLD):
            self.held.add(pair), self.known.add(pair), self.seen.add(pair), self.once.add(pair)
        elif code in (LOSE, OTHER):
            if pair in self.once or (pair not in self.known and (session, FAMILY[prefix]) not in self.complete):
                self.seen.add(pair), self.once.add(pair)
            self.held.discard(pair), self.known.add(pair)
        elif code == CLEAR:
            for words in (self.held, self.known, self.seen):
                words -= {(p, session) for p in range(len(FAMILY))}
            self.fresh |= {(session, 0), (session, 1)}
            self.complete -= {(session, 0), (session, 1)}
        for family in WHOLE_OF.get(code, ()):
            own = session, family
            if code in (ON4, ON6) and (own not in self.fresh or own in self.complete):
                continue
            self.complete.add(own), self.fresh.discard(own)
            self.known |= {(p, session) for p in range(len(FAMILY)) if FAMILY[p] == family}
            self.seen |= {pair for pair in self.once if pair[1] == session and FAMILY[pair[0]] == family}
        if code in (ON4, ON6):
            self.voting.add((session, 0 if code == ON4 else 1))
        elif code in (OFF4, OFF6):
            self.voting.discard((session, 0 if code == OFF4 else 1))

    def voters(self, prefix, words=None, place=None):
        """Voters that have a session which votes, and of which the words hold."""
        return {
            VOTER_OF[s]
            for s in range(len(VOTER_OF))
            if (s, FAMILY[prefix]) in self.voting
            and (words is None or (prefix, s) in words)
            and (place is None or PLACE_OF[VOTER_OF[s]] == place)
        }


def slow_pair(hold, seen, fell):
    """The code of two collectors that each lost it by itself; COMMON where it is no such loss."""
    lost = [place for place in range(3) if hold[place] < NEARLY * seen[place]]
    if len(lost) != 2 or abs(fell[lost[0]] - fell[lost[1]]) < APART:
        return COMMON
    held = sum(hold) - hold[lost[0]] - hold[lost[1]]
    return 3 + 3 * lost[0] + lost[1] if held >= max(LEAST, PAIR_SHARE * sum(seen)) else COMMON


def slow_lone(rows):
    """(time, prefix, code) of each change."""
    state, codes, out = Slow(), [FINE] * len(FAMILY), []
    fell = [[None] * 3 for _ in FAMILY]
    for time in sorted({row[0] for row in rows}):
        for _, session, prefix, code in (row for row in rows if row[0] == time):
            state.take(session, prefix, code)
        for prefix in range(len(FAMILY)):
            all_, known = state.voters(prefix), state.voters(prefix, state.known)
            hold = [len(state.voters(prefix, state.held, place)) for place in range(3)]
            seen = [len(state.voters(prefix, state.seen, place)) for place in range(3)]
            for place in range(3):
                low = hold[place] < NEARLY * seen[place]
                fell[prefix][place] = None if not low else time if fell[prefix][place] is None else fell[prefix][place]
            was = codes[prefix]
            whole = {VOTER_OF[s] for s, f in state.complete & state.voting if f == FAMILY[prefix]}
            spoken = 2 * len(known) > len(all_) or (known and len(whole) >= 3)
            if not all_ or not spoken or 2 * sum(hold) > len(known):
                new = FINE
            elif was >= 0:
                own = [was] if was < 3 else list(divmod(was - 3, 3))
                others = sum(seen) - sum(seen[place] for place in own)
                held = sum(hold) - sum(hold[place] for place in own)
                pair = COMMON if was >= 3 else slow_pair(hold, seen, fell[prefix])
                new = LEFT if not others else was if 2 * held > others else pair
            else:
                lost = [s - h for s, h in zip(seen, hold, strict=True)]
                worst = lost.index(max(lost))
                others = [place for place in range(3) if place != worst]
                held = sum(hold[place] for place in others)
                enough = max(lost) > 0 and held >= LEAST and held >= SHARE * sum(seen)
                alone = enough and all(hold[place] >= NEARLY * seen[place] for place in others)
                unseen = was == LEFT and not any(seen[place] for place in others)
                pair = slow_pair(hold, seen, fell[prefix]) if enough else COMMON
                new = LEFT if unseen else worst if alone else pair
            if new != was:
                codes[prefix] = new
                out.append((time, prefix, new))
    return out


def fast_lone(rows, room=1000):
    columns = [np.array([row[k] for row in rows], kind) for k, kind in
               ((0, np.int64), (1, np.int32), (2, np.int32), (3, np.uint8))]  # fmt: skip
    columns[2][columns[3] >= CLEAR] = -1
    shape, sessions, voters, places = len(FAMILY), len(VOTER_OF), 6, 3
    state = (
        np.zeros((shape, sessions), np.uint8), *(np.zeros((shape, voters), np.uint16) for _ in range(3)),
        np.zeros((shape, places), np.int32), np.zeros(shape, np.int32), np.zeros((shape, places), np.int32),
        np.full(shape, FINE, np.int32), np.zeros(shape, np.int32), np.zeros((sessions, 2), np.uint8),
        np.zeros(sessions, np.uint8), np.zeros(sessions, np.uint8), np.zeros((voters, 2), np.int32),
        np.zeros(2, np.int32), np.zeros((voters, 2), np.int32), np.zeros(2, np.int32),
        np.full((shape, places), -1, np.int64),
    )  # fmt: skip
    touched = np.zeros(shape, np.uint8), np.zeros(shape, np.int32)
    out, row, more = [], 0, True
    while more:
        ones = np.empty(room, np.int64), np.empty(room, np.int32), np.empty(room, np.int32)
        pairs = tuple(np.empty((room, 2), np.int32) for _ in range(3))
        row, n, more = lone_collectors(
            *columns, np.array(VOTER_OF, np.int32), np.array(PLACE_OF, np.int32), np.array(FAMILY, np.uint8), *state,
            LEAST, SHARE, NEARLY, PAIR_SHARE, APART, row, *touched, *ones, *pairs,
        )  # fmt: skip
        out += [
            (*(int(column[k]) for column in ones), *(tuple(map(int, column[k])) for column in pairs)) for k in range(n)
        ]
    return out


@given(rows_strategy)
@settings(deadline=None, max_examples=300)
def test_whose_loss_it_is_alone_agrees_with_the_rule(rows):
    assert sorted(row[:3] for row in fast_lone(rows)) == sorted(slow_lone(rows))


@given(rows_strategy)
@settings(deadline=None)
def test_the_walk_can_stop_where_there_is_no_room_and_go_on(rows):
    assert fast_lone(rows, room=4) == fast_lone(rows)


def test_the_figures_of_a_lone_loss():
    """Three voters of one collector lose it, one after the other; the two and one elsewhere hold on."""
    rows = [(0, s, 0, code) for s in range(7) for code in (ON4, HOLD)]
    rows += [(1, 0, 0, LOSE), (1, 1, 0, LOSE), (2, 2, 0, LOSE), (3, 3, 0, LOSE), (9, 2, 0, HOLD)]
    begin, end = fast_lone(rows)
    assert begin[:3] == (3, 0, 0)
    assert end[:3] == (9, 0, FINE)
    votes, voters, lost = begin[3:]
    assert (votes, voters, lost) == ((3, 3), (6, 3), (3, 3))
    votes, voters, lost = end[3:]
    assert (votes, voters, lost) == ((4, 3), (6, 3), (3, 3))


def slow_witnesses(rows, stretches, affected):
    """before, lost, left, first of each stretch and voter; row by row, as the order within a moment matters here."""
    state, out = Slow(), []
    marks: dict = {}
    for _ in stretches:
        out.append({"before": [0] * 6, "lost": [0] * 6, "left": [-1] * 6, "first": [-1] * 6})
    inside = None
    done = set()
    for time, session, prefix, code in [*rows, (10**6, 0, 0, None)]:
        for k, (start, end) in enumerate(stretches):
            if inside == k and time >= end:
                inside = None
                done.add(k)
            if inside is None and k not in done and all(j in done for j in range(k)) and time >= start:
                inside, marks = k, {}
                for p in affected[k]:
                    for voter in state.voters(p, state.held):
                        marks[p, voter] = "held"
                        out[k]["before"][voter] += 1
                if time >= end:
                    inside = None
                    done.add(k)
        if code is None:
            break
        voter = VOTER_OF[session]
        unheard = (prefix, session) not in state.known and (session, FAMILY[prefix]) not in state.complete
        voted = {kind: voter in {VOTER_OF[s] for s, f in state.voting if f == kind} for kind in (0, 1)}
        state.take(session, prefix, code)
        if inside is None:
            continue
        own = out[inside]
        spoke = code in (LOSE, OTHER) and prefix in affected[inside] and (session, FAMILY[prefix]) in state.voting
        if spoke and voter not in state.voters(prefix, state.held):
            if (prefix, voter) not in marks and unheard:
                marks[prefix, voter] = "held"
                own["before"][voter] += 1
            if marks.get((prefix, voter)) == "held":
                marks[prefix, voter] = "lost"
                own["lost"][voter] += 1
                if own["first"][voter] < 0:
                    own["first"][voter] = time
        if code in (OFF4, OFF6):
            kind = 0 if code == OFF4 else 1
            gone = voter not in {VOTER_OF[s] for s, f in state.voting if f == kind}
            if voted[kind] and gone and own["left"][voter] < 0:
                own["left"][voter] = time
    return [[own[name] for own in out] for name in ("before", "lost", "left", "first")]


def fast_witnesses(rows, stretches, affected):
    columns = [np.array([row[k] for row in rows], kind) for k, kind in
               ((0, np.int64), (1, np.int32), (2, np.int32), (3, np.uint8))]  # fmt: skip
    columns[2][columns[3] >= CLEAR] = -1
    shape, sessions, voters, count = len(FAMILY), len(VOTER_OF), 6, len(stretches)
    out = (
        np.zeros((count, voters), np.int32), np.zeros((count, voters), np.int32),
        np.full((count, voters), -1, np.int64), np.full((count, voters), -1, np.int64),
    )  # fmt: skip
    witnesses(
        *columns, np.array(VOTER_OF, np.int32), np.array(FAMILY, np.uint8),
        np.array([start for start, _ in stretches], np.int64), np.array([end for _, end in stretches], np.int64),
        np.cumsum([0] + [len(own) for own in affected]).astype(np.int64),
        np.array([p for own in affected for p in own], np.int32),
        np.zeros((shape, sessions), np.uint8), np.zeros((shape, voters), np.uint16), np.zeros((sessions, 2), np.uint8),
        np.zeros(sessions, np.uint8), np.zeros(sessions, np.uint8), np.zeros((voters, 2), np.int32),
        np.zeros((shape, voters), np.uint8), *out,
    )  # fmt: skip
    return [column.tolist() for column in out]


@given(
    rows_strategy,
    st.lists(st.integers(0, 16), min_size=2, max_size=6, unique=True).map(sorted),
    st.lists(st.lists(st.integers(0, 2), unique=True).map(sorted), min_size=3, max_size=3),
)
@settings(deadline=None, max_examples=300)
def test_what_each_voter_held_and_lost_agrees_with_sets(rows, edges, affected):
    stretches = list(zip(edges[::2], edges[1::2], strict=False))
    own = affected[: len(stretches)]
    assert fast_witnesses(rows, stretches, own) == slow_witnesses(rows, stretches, own)


def test_no_stretch_of_time_and_no_row_are_both_nothing():
    assert fast_witnesses([(0, 0, 0, ON4)], [], []) == [[], [], [], []]
    assert fast_witnesses([(0, 0, 0, ON4)], [(5, 9)], [[0]])[0] == [[0] * 6]
