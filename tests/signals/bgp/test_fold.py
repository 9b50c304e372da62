"""The fold of messages: what peers hold, what is logged, and what disorder, resets and dumps do to it."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.records.elems import Kind, PeerTable, RibBlock
from duskwatch.records.messages import DumpEnd, FileSpan, InputDone, Silence
from duskwatch.records.report import InputFile
from duskwatch.signals.bgp.fold import fold
from duskwatch.signals.bgp.log import Op, RoutingLog
from duskwatch.signals.bgp.silences import quiet_peers
from duskwatch.signals.bgp.start_table import Session
from duskwatch.signals.bgp.state import MOST_PEERS
from tests.signals.bgp.build import block, dump_of, folded, nothing, peers, started

RIB = RibBlock(np.zeros(0, np.uint8), 0, *(np.zeros(0, kind) for kind in "qBQQBqii"), last_us=0)
A, W, S, R, K = Kind.ANNOUNCE, Kind.WITHDRAW, Kind.STATE, Kind.RIB, Kind.ALIVE
MINUTE = 60
HOUR = 3600


def rows(log: RoutingLog, state=None):
    """(seconds, peer, op, prefix, origin, upstream); without a state, the number of the route in place of both."""
    ends = state.paths.paths.ends() if state else (np.arange(1 << 16), np.zeros(1 << 16))
    return [
        (int(t) // 1_000_000, int(p), Op(op).name, int(w), int(ends[0][r]), int(ends[1][r]))
        for t, p, op, w, r in zip(log.time_us, log.peer, log.op, log.prefix, log.route, strict=True)
    ]


def test_an_announcement_and_its_withdrawal_are_logged_with_origin_and_upstream():
    state, log = fold(started(1), block((10, 0, A, "10.0.0.0/24", (1, 4837, 131279)), (20, 0, W, "10.0.0.0/24", None)))
    assert rows(log, state) == [
        (10, 0, "HEARD", -1, 0, 0),
        (10, 0, "HOLD", 0, 131279, 4837),
        (20, 0, "LOSE", 0, 0, 0),
    ]
    assert state.sizes.tolist() == [[0, 0]]


def test_a_repeated_announcement_does_not_count_twice_in_the_table():
    elems = [(t, 0, A, "10.0.0.0/24", (1, 2)) for t in (1, 2, 3)]
    state, _ = fold(started(1), block(*elems))
    assert state.sizes[0].tolist() == [1, 0]


def test_a_session_that_ends_holds_nothing():
    state, log = fold(
        started(1, 2),
        block(
            (1, 0, A, "10.0.0.0/24", (1, 2)),
            (1, 1, A, "10.0.0.0/24", (1, 2)),
            (5, 0, S, None, (6, 1)),
            (9, 0, S, None, (5, 6)),
        ),
    )
    assert state.sizes.tolist() == [[0, 0], [1, 0]]
    assert [row[2] for row in rows(log) if row[1] == 0] == ["HEARD", "HOLD", "DOWN", "UP"]
    assert state.live.tolist() == [1, 1]


def test_a_peer_silent_for_an_hour_is_logged_as_gone_in_between():
    _, log = fold(started(1), block((0, 0, K, None, None), (2 * HOUR, 0, K, None, None)))
    assert [(row[0], row[2]) for row in rows(log)] == [(0, "HEARD"), (HOUR, "SILENT"), (2 * HOUR, "HEARD")]


def test_a_peer_still_silent_when_it_is_asked_for_is_told_once():
    state, _ = fold(started(1, 2), block((0, 0, K, None, None), (0, 1, K, None, None)))
    state, _ = fold(state, block(*((t, 1, K, None, None) for t in range(0, 2 * HOUR, 600))))
    assert rows(quiet_peers(state, 2 * HOUR * 1_000_000)) == [(HOUR, 0, "SILENT", -1, 0, 0)]
    assert rows(quiet_peers(state, 2 * HOUR * 1_000_000)) == []
    _, log = fold(state, block((3 * HOUR, 0, K, None, None)))
    assert [(row[0], row[2]) for row in rows(log)] == [(3 * HOUR, "HEARD")]


def test_an_elem_a_little_late_is_taken_as_of_its_peers_latest():
    state, log = fold(started(1), block((100, 0, A, "10.0.0.0/24", (1, 2)), (90, 0, W, "10.0.0.0/24", None)))
    assert (rows(log)[-1][0], rows(log)[-1][2], int(state.counters[0])) == (100, "LOSE", 1)


def test_an_elem_from_long_before_is_left_out_and_counted():
    state, log = fold(started(1), block((HOUR, 0, A, "10.0.0.0/24", (1, 2)), (0, 0, W, "10.0.0.0/24", None)))
    assert state.sizes[0, 0] == 1
    assert state.counters[1] == 1
    assert "LOSE" not in [row[2] for row in rows(log)]


def test_an_elem_past_the_horizon_changes_nothing():
    elems = (10, 0, A, "10.0.0.0/24", (1, 2)), (2**32 - 1, 0, W, "10.0.0.0/24", None)
    for until in (60, None):
        state, log = folded(started(1), block(*elems), until_s=until)
        assert state.sizes[0, 0] == 1
        assert len(log) == 2
        assert state.counters[3] == 1
        assert len(state.samples) == 1


def test_a_dump_of_the_horizon_or_later_changes_nothing():
    state, _ = folded(started(1), *dump_of(0, (0, "10.0.0.0/24", (1, 2))), Silence(0, 10, "missing file"))
    state, log = folded(state, *dump_of(2**32 - 1, (0, "10.0.1.0/24", (1, 2))))
    assert len(log) == 0
    assert (state.sizes[0].tolist(), state.dumps, state.dump_us) == ([1, 0], 1, -1)


def test_a_dump_fills_tables_and_makes_them_whole():
    state, log = folded(started(1, 2), *dump_of(9, (0, "10.0.0.0/24", (1, 2)), (1, "10.0.0.0/24", (1, 2))))
    assert [row[2] for row in rows(log)] == ["DUMPED_HOLD", "DUMPED_HOLD", "DUMPED4", "DUMPED4"]
    assert state.whole.tolist() == [1, 1]


def test_what_was_said_before_the_window_is_in_the_start_table_and_not_in_the_log():
    state, log = folded(
        started(1, 2, 3, from_s=100),
        *dump_of(10, *((p, "10.0.0.0/24", (1, 4837, 131279)) for p in range(3))),
        block(
            (20, 1, W, "10.0.0.0/24", None),
            (30, 0, A, "10.0.0.0/24", (1, 8, 9)),
            (40, 2, S, None, (6, 1)),
            (100, 1, A, "10.0.0.0/24", (1, 7)),
        ),
    )
    assert rows(log, state) == [(100, 1, "HOLD", 0, 7, 1)]
    assert state.start.cells[:1].tolist() == [[3, 2, 0]]
    assert state.paths.paths[state.start.routes[0, 0]] == (1, 8, 9)
    assert (int(state.start.last_us[0]), state.paths.paths[state.start.last_route[0]]) == (30_000_000, (1, 8, 9))
    assert (state.start.complete.tolist(), state.start.fresh.tolist()) == ([1, 1, 0], [0, 0, 3])
    assert [Session(n).name for n in state.start.sessions.tolist()] == ["LIVE", "LIVE", "ENDED"]


def test_a_dump_taken_as_the_window_begins_is_what_stands_then():
    state, log = folded(started(1, 2), *dump_of(0, (0, "10.0.0.0/24", (1, 2))))
    assert len(log) == 0
    assert state.start.cells[0, 0] == 3
    assert (state.start.complete.tolist(), state.start.sessions.tolist()) == ([1, 0], [Session.LIVE, Session.UNMET])


def test_an_as_is_told_of_from_the_first_route_that_it_originates_on():
    """However the elems are cut into blocks: what others said of the prefix before is not told."""
    elems = [
        (1, 0, A, "10.0.0.0/24", (1, 7)),
        (2, 1, W, "10.0.0.0/24", None),
        (3, 1, A, "10.0.0.0/24", (1, 9)),
        (4, 0, A, "10.0.0.0/24", (1, 7)),
    ]
    for cut in range(5):
        state = started(1, 2, watch=nothing, origins=[9])
        state, log = folded(state, block(*elems[:cut]), block(*elems[cut:]))
        told = [row[:3] for row in rows(log) if row[3] >= 0]
        assert told == [(3, 1, "HOLD"), (4, 0, "OTHER")]


def dumped(*elems):
    return folded(started(1, 2), *dump_of(0, *elems))[0]


TWO = (0, "10.0.0.0/24", (1, 2)), (0, "10.0.1.0/24", (1, 2))


def test_a_second_dump_is_only_compared_while_updates_were_seen_without_a_break():
    state, _ = fold(dumped(*TWO), block((HOUR - 5, 0, K, None, None)))
    state, log = folded(state, *dump_of(HOUR, TWO[0], (0, "10.9.0.0/24", (1, 2))))
    assert len(log) == 0
    assert [(c.held, c.matched, c.missing) for c in state.checks] == [(2, 1, 1)]


@pytest.mark.parametrize(("silence", "compared"), [((-100, 0), True), ((-100, 1), False), ((600, 900), False)])
def test_a_silence_since_the_last_dump_makes_a_peers_table_doubtful(silence, compared):
    state, _ = fold(dumped(*TWO), Silence(*(n * 1_000_000 for n in silence), "missing file"))
    state, log = folded(state, *dump_of(HOUR, TWO[0]))
    assert state.sizes[0].tolist() == ([2, 0] if compared else [1, 0])
    assert bool(state.checks) is compared
    told = [row[2] for row in rows(log)]
    assert told == ([] if compared else ["DOWN", "DUMPED_HOLD", "DUMPED4"])


def test_a_dump_that_begins_within_another_ends_it_as_cut_off():
    state, log = folded(started(1, 2), *dump_of(9, *TWO)[:2], *dump_of(20, (1, "10.0.0.0/24", (1, 2))))
    told = [(row[0], row[1], row[2]) for row in rows(log) if row[3] < 0]
    assert told == [(9, 0, "UP"), (20, 0, "DOWN"), (20, 1, "DUMPED4")]
    assert (state.dumps, state.whole.tolist()) == (2, [0, 1])


def test_a_peer_that_a_whole_dump_lacks_is_gone_but_not_where_the_dump_is_damaged():
    for complete, expected in ((True, 0), (False, 1)):
        state = dumped((0, "10.0.0.0/24", (1, 2)), (1, "10.0.0.0/24", (1, 2)))
        state, log = folded(state, *dump_of(HOUR, (0, "10.0.0.0/24", (1, 2)), complete=complete))
        assert int(state.live[1]) == expected
        assert ("DOWN" in [row[2] for row in rows(log)]) is (expected == 0)


def test_a_dump_that_ends_a_silence_tells_the_silence_first():
    state, _ = fold(dumped(*TWO), Silence(HOUR, 2 * HOUR, "missing file"))
    _, log = folded(state, *dump_of(3 * HOUR, TWO[0]))
    assert [row[:3] for row in rows(log) if row[3] < 0] == [
        (HOUR, 0, "SILENT"),
        (3 * HOUR, 0, "DOWN"),
        (3 * HOUR, 0, "DUMPED4"),
    ]


@pytest.mark.parametrize("message", [DumpEnd(True), RIB])
def test_what_belongs_to_a_dump_is_refused_outside_one(message):
    with pytest.raises(ValueError, match=r"rrc00: .* of a table dump that did not begin"):
        fold(started(1), message)


def test_what_is_no_message_is_refused():
    with pytest.raises(TypeError, match="no message of a source: str"):
        fold(started(1), "RIB")


def test_an_as_holds_a_prefix_only_where_it_is_the_origin():
    _, log = fold(
        started(1, watch=nothing, origins=[9]),
        block(
            (1, 0, A, "10.0.0.0/24", (1, 7)),
            (2, 0, A, "10.0.0.0/24", (1, 9)),
            (3, 0, A, "10.0.0.0/24", (1, 7)),
        ),
    )
    assert [row[2] for row in rows(log)] == ["HEARD", "HOLD", "OTHER"]


def in_table(table, *elems):
    return block(*elems)._replace(peers=table)


def test_peers_are_known_by_as_and_address_however_their_source_numbers_them():
    """A feed that was begun anew numbers peers from zero again; so does a state that was stored."""
    first, again = peers(1, 2), PeerTable()
    state, _ = fold(started(), in_table(first, (1, 0, A, "10.0.0.0/24", (1, 2)), (1, 1, A, "10.0.0.0/24", (1, 2))))
    for row in reversed(range(2)):
        for name in ("asn", "address_hi", "address_lo", "afi", "bgp_id"):
            getattr(again, name).append(getattr(first, name)[row])
        state = pickle.loads(pickle.dumps(state))
        state, log = fold(state, in_table(again, (2, 1 - row, W, "10.0.0.0/24", None)))
        assert [(told[1], told[2]) for told in rows(log)] == [(row, "LOSE")]
    assert (len(state.peers), state.sizes.tolist()) == (2, [[0, 0], [0, 0]])


def test_spans_are_held_against_times_until_their_input_is_done():
    state = started(1)
    given = InputFile("u", "", "mrt", None, None)
    said = [block((t, 0, A, "10.0.0.0/24", (1, 2))) for t in (10, 9000, 9000)]
    span = FileSpan("u", 0, 300_000_000)
    state, log = folded(state, span, said[0], InputDone(given), span, said[1], InputDone(given), said[2])
    assert [row[0] for row in rows(log) if row[2] == "HOLD"] == [10, 9000]
    assert [silence.reason for silence in state.silences] == ["records of another time"]


@pytest.mark.parametrize("peer_count", [65, 200])
def test_more_peers_than_a_word_has_bits(peer_count):
    state = started(*range(1, peer_count + 1))
    elems = [(1, p, A, "10.0.0.0/24", (1, 2)) for p in range(peer_count)]
    state, _ = fold(state, block(*elems, (2, peer_count - 1, W, "10.0.0.0/24", None)))
    assert state.sizes[:, 0].tolist() == [1] * (peer_count - 1) + [0]


def test_more_peers_than_any_collector_has_are_left_out_and_counted():
    state = started(*range(1, MOST_PEERS + 2))
    state, _ = fold(state, block((1, MOST_PEERS, A, "10.0.0.0/24", (1, 2))))
    assert (int(state.counters[2]), len(state.sizes)) == (1, MOST_PEERS)


def test_a_prefix_with_two_paths_is_held_until_both_are_withdrawn():
    rows_ = [(t, 0, kind, "10.0.0.0/24", (1, 2)) for t, kind in ((1, A), (2, A), (3, W), (4, A), (5, W), (6, W))]
    marked = {"path_id": np.array([7, 8, 7, 8, 7, 8], np.uint32), "marks": np.ones(6, np.uint8), "path_ids": 6}
    elems = block(*rows_)._replace(**marked)
    state, log = fold(started(1), elems)
    assert [(row[0], row[2]) for row in rows(log)] == [(1, "HEARD"), (1, "HOLD"), (2, "HOLD"), (4, "HOLD"), (6, "LOSE")]
    assert state.sizes[0, 0] == 0


def test_an_identifier_of_0_is_one_like_any_other():
    rows_ = [(t, 0, kind, "10.0.0.0/24", (1, 2)) for t, kind in ((1, A), (2, A), (3, W), (4, A), (5, W), (6, W))]
    for ids in ([0, 1, 0, 0, 0, 1], [0, 1, 1, 1, 1, 0]):
        marked = {"path_id": np.array(ids, np.uint32), "marks": np.ones(6, np.uint8), "path_ids": 6}
        state, log = fold(started(1), block(*rows_)._replace(**marked))
        told = [(row[0], row[2]) for row in rows(log)]
        assert told == [(1, "HEARD"), (1, "HOLD"), (2, "HOLD"), (4, "HOLD"), (6, "LOSE")]
        assert state.sizes[0, 0] == 0


def test_an_announcement_with_malformed_attributes_is_a_withdrawal():
    elems = block((1, 0, A, "10.0.0.0/24", (1, 2)), (2, 0, A, "10.0.0.0/24", (1, 2)))
    state, log = fold(started(1), elems._replace(marks=np.array([0, 2], np.uint8)))
    assert [row[2] for row in rows(log)] == ["HEARD", "HOLD", "LOSE"]
    assert (int(state.sizes[0, 0]), int(state.counters[5])) == (0, 1)


@pytest.mark.parametrize("message", [1, 3])
def test_open_and_notification_end_what_a_session_had(message):
    elems = block((1, 0, A, "10.0.0.0/24", (1, 2)), (2, 0, K, None, None), (3, 0, K, None, None))
    told = elems._replace(state=np.array([0, 0, message], np.uint16))
    state, log = fold(started(1), told)
    assert [row[2] for row in rows(log)] == ["HEARD", "HOLD", "DOWN"]
    assert (int(state.sizes[0, 0]), int(state.live[0]), int(state.whole[0])) == (0, 0, 0)
    again = block((4, 0, K, None, None), (5, 0, A, "10.0.1.0/24", (1, 2)))
    state, log = fold(state, again._replace(state=np.array([message, 0], np.uint16)))
    assert [row[2] for row in rows(log)] == ["UP", "HOLD"]


def test_many_paths_fit():
    n = 3000
    elems = block(*[(1, 0, A, "10.0.0.0/24", (1, 2))] * n)._replace(
        path_id=np.arange(1, n + 1, dtype=np.uint32), marks=np.ones(n, np.uint8), path_ids=n
    )
    state, _ = fold(started(1), elems)
    gone = block(*[(2, 0, W, "10.0.0.0/24", None)] * n)._replace(
        path_id=np.arange(n, 0, -1).astype(np.uint32), marks=np.ones(n, np.uint8), path_ids=n
    )
    state, log = fold(state, gone)
    assert [row[2] for row in rows(log)] == ["LOSE"]


elem = st.tuples(
    st.integers(0, 40).map(lambda n: n * 300),
    st.integers(0, 2),
    st.sampled_from([A, W, S, K]),
    st.sampled_from(["10.0.0.0/24", "10.0.1.0/24", "2001:db8::/32"]),
    st.booleans(),
).map(
    lambda e: (
        e[0],
        e[1],
        e[2],
        e[3] if e[2] in (A, W) else None,
        ((6, 1) if e[4] else (1, 6)) if e[2] == S else (1, 2),
    )
)
streams = st.lists(elem, max_size=50).map(lambda elems: sorted(elems, key=lambda e: e[0]))


def slow_tables(elems):
    """Who holds what in the end, from sets."""
    held, live = set(), {}
    for _, peer, kind, prefix, detail in elems:
        if kind == A:
            held.add((peer, prefix))
            live[peer] = True
        elif kind == W:
            held.discard((peer, prefix))
        elif kind == S and detail[1] != 6:
            held = {pair for pair in held if pair[0] != peer}
    return [[len({p for q, p in held if q == peer and (":" in p) == v6}) for v6 in (False, True)] for peer in range(3)]


@settings(deadline=None, max_examples=150)
@given(streams)
def test_table_sizes_agree_with_sets(elems):
    state, _ = fold(started(1, 2, 3), block(*elems))
    if elems:
        assert state.sizes.tolist() == slow_tables(elems)


@settings(deadline=None, max_examples=150)
@given(streams, st.integers(0, 50))
def test_two_batches_with_the_state_stored_in_between_equal_one(elems, cut):
    whole, log = fold(started(1, 2, 3), block(*elems))
    state, first = fold(started(1, 2, 3), block(*elems[:cut]))
    state = pickle.loads(pickle.dumps(state))
    state, second = fold(state, block(*elems[cut:]))
    assert rows(RoutingLog.join([first, second])) == rows(log)
    assert state.sizes.tolist() == whole.sizes.tolist()
    assert [(t, s.tolist()) for t, s in state.samples] == [(t, s.tolist()) for t, s in whole.samples]


@settings(deadline=None, max_examples=100)
@given(streams, st.randoms(use_true_random=False))
def test_peers_may_interleave_in_any_way(elems, random):
    """Order within a peer stays; the log, put in time order per peer, is the same."""
    by_peer = [[e for e in elems if e[1] == p] for p in range(3)]
    mixed = []
    while any(by_peer):
        mixed.append(random.choice([own for own in by_peer if own]).pop(0))
    _, one = fold(started(1, 2, 3), block(*elems))
    _, other = fold(started(1, 2, 3), block(*mixed))

    def named(log, source):
        order = []
        for e in source:
            if e[3] and e[3] not in order:
                order.append(e[3])
        return sorted((r[0], r[1], r[2], order[r[3]] if r[3] >= 0 else "") for r in rows(log))

    assert named(one, elems) == named(other, mixed)
