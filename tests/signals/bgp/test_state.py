"""Routing state: what peers hold, what is logged, and what disorder, resets and dumps do to it."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.records.elems import Kind
from duskwatch.signals.bgp.dumps import begin_dump, end_dump, reload_peers
from duskwatch.signals.bgp.state import MOST_PEERS, Op, RoutingLog, RoutingState, fold, silences
from tests.signals.bgp.build import block, peers

A, W, S, R, K = Kind.ANNOUNCE, Kind.WITHDRAW, Kind.STATE, Kind.RIB, Kind.ALIVE
MINUTE = 60
HOUR = 3600


def everything(afi, hi, lo, length):
    return np.ones(len(afi), np.uint8)


def start(*asns, until=48 * HOUR):
    state = RoutingState("rrc00", 0, until * 1_000_000, 300 * 1_000_000)
    state.peers = peers(*asns)
    return state


def rows(log: RoutingLog, state=None):
    """(seconds, peer, op, prefix, origin, upstream); without a state, the number of the route in place of both."""
    table = state.routes.table if state else np.stack([np.arange(1 << 16), np.zeros(1 << 16)], axis=1)
    return [
        (int(t) // 1_000_000, int(p), Op(op).name, int(w), int(table[r][0]), int(table[r][1]))
        for t, p, op, w, r in zip(log.time_us, log.peer, log.op, log.prefix, log.route, strict=True)
    ]


def test_an_announcement_and_its_withdrawal_are_logged_with_origin_and_upstream():
    state, log = fold(
        start(1), block((10, 0, A, "10.0.0.0/24", (1, 4837, 131279)), (20, 0, W, "10.0.0.0/24", None)), everything
    )
    assert rows(log, state) == [
        (10, 0, "HEARD", -1, 0, 0),
        (10, 0, "HOLD", 0, 131279, 4837),
        (20, 0, "LOSE", 0, 0, 0),
    ]
    assert state.sizes.tolist() == [[0, 0]]


def test_a_repeated_announcement_does_not_count_twice_in_the_table():
    elems = [(t, 0, A, "10.0.0.0/24", (1, 2)) for t in (1, 2, 3)]
    state, _ = fold(start(1), block(*elems), everything)
    assert state.sizes[0].tolist() == [1, 0]


def test_a_session_that_ends_holds_nothing():
    state, log = fold(
        start(1, 2),
        block(
            (1, 0, A, "10.0.0.0/24", (1, 2)),
            (1, 1, A, "10.0.0.0/24", (1, 2)),
            (5, 0, S, None, (6, 1)),
            (9, 0, S, None, (5, 6)),
        ),
        everything,
    )
    assert state.sizes.tolist() == [[0, 0], [1, 0]]
    assert [row[2] for row in rows(log) if row[1] == 0] == ["HEARD", "HOLD", "DOWN", "UP"]
    assert state.live.tolist() == [1, 1]


def test_a_peer_silent_for_an_hour_is_logged_as_gone_in_between():
    _, log = fold(start(1), block((0, 0, K, None, None), (2 * HOUR, 0, K, None, None)), everything)
    assert [(row[0], row[2]) for row in rows(log)] == [(0, "HEARD"), (HOUR, "SILENT"), (2 * HOUR, "HEARD")]


def test_a_peer_still_silent_at_the_end_is_logged_as_gone():
    state, _ = fold(start(1, 2), block((0, 0, K, None, None), (0, 1, K, None, None)), everything)
    state, _ = fold(state, block(*((t, 1, K, None, None) for t in range(0, 2 * HOUR, 600))), everything)
    assert rows(silences(state)) == [(HOUR, 0, "SILENT", -1, 0, 0)]


def test_an_elem_a_little_late_is_taken_as_of_its_peers_latest():
    state, log = fold(start(1), block((100, 0, A, "10.0.0.0/24", (1, 2)), (90, 0, W, "10.0.0.0/24", None)), everything)
    assert (rows(log)[-1][0], rows(log)[-1][2], state.late) == (100, "LOSE", 1)


def test_an_elem_from_long_before_is_left_out_and_counted():
    state, log = fold(start(1), block((HOUR, 0, A, "10.0.0.0/24", (1, 2)), (0, 0, W, "10.0.0.0/24", None)), everything)
    assert state.sizes[0, 0] == 1
    assert state.left_out == 1
    assert "LOSE" not in [row[2] for row in rows(log)]


def test_an_elem_after_the_window_changes_nothing():
    state, log = fold(
        start(1, until=60), block((10, 0, A, "10.0.0.0/24", (1, 2)), (2**32 - 1, 0, W, "10.0.0.0/24", None)), everything
    )
    assert state.sizes[0, 0] == 1
    assert len(log) == 2


def test_a_dump_fills_tables_and_makes_them_whole():
    state = begin_dump(start(1, 2), 9_000_000, trusted=True)
    state, first = fold(state, block((9, 0, R, "10.0.0.0/24", (1, 2)), (9, 1, R, "10.0.0.0/24", (1, 2))), everything)
    state, second = end_dump(state, complete=True)
    assert [row[2] for row in rows(first) + rows(second)] == ["DUMPED_HOLD", "DUMPED_HOLD", "DUMPED", "DUMPED"]
    assert state.whole.tolist() == [1, 1]


def test_what_was_said_before_the_window_is_in_the_start_table_and_not_in_the_log():
    state = RoutingState("rrc00", 100_000_000, 48 * HOUR * 1_000_000, 300 * 1_000_000)
    state.peers = peers(1, 2, 3)
    state = begin_dump(state, 10_000_000, trusted=True)
    state, first = fold(state, block(*((10, p, R, "10.0.0.0/24", (1, 4837, 131279)) for p in range(3))), everything)
    state, second = end_dump(state, complete=True)
    state, third = fold(
        state,
        block(
            (20, 1, W, "10.0.0.0/24", None),
            (30, 0, A, "10.0.0.0/24", (1, 8, 9)),
            (40, 2, S, None, (6, 1)),
            (100, 1, A, "10.0.0.0/24", (1, 7)),
        ),
        everything,
    )
    log = RoutingLog.join([first, second, third])
    assert [row for row in rows(log, state) if row[3] >= 0] == [(100, 1, "HOLD", 0, 7, 1)]
    assert state.start.cells[:1].tolist() == [[3, 2, 0]]
    assert state.routes.table[state.start.routes[0, 0]].tolist() == [9, 8, 1]
    assert (int(state.start.last_us[0]), state.routes.table[state.start.last_route[0]].tolist()) == (
        30_000_000,
        [9, 8, 1],
    )
    assert (state.start.complete.tolist(), state.start.fresh.tolist()) == ([1, 1, 0], [0, 0, 1])


def test_a_dump_taken_as_the_window_begins_is_what_stands_then():
    state = begin_dump(start(1, 2), 0, trusted=True)
    state, log = fold(state, block((0, 0, R, "10.0.0.0/24", (1, 2))), everything)
    state, end = end_dump(state, complete=True)
    assert [row[2] for row in rows(log) + rows(end)] == ["DUMPED"]
    assert end.time_us.tolist() == [-1]
    assert state.start.cells[0, 0] == 3
    assert state.start.complete.tolist() == [1, 0]


def test_an_as_is_told_of_from_the_first_route_that_it_originates_on():
    """However the elems are cut into blocks: what others said of the prefix before is not told."""
    elems = [
        (1, 0, A, "10.0.0.0/24", (1, 7)),
        (2, 1, W, "10.0.0.0/24", None),
        (3, 1, A, "10.0.0.0/24", (1, 9)),
        (4, 0, A, "10.0.0.0/24", (1, 7)),
    ]
    for cut in range(5):
        state, logs = start(1, 2), []
        for part in (elems[:cut], elems[cut:]):
            state, log = fold(
                state, block(*part), lambda *columns: np.zeros(len(columns[0]), np.uint8), np.array([9], np.uint32)
            )
            logs.append(log)
        told = [row[:3] for row in rows(RoutingLog.join(logs)) if row[3] >= 0]
        assert told == [(3, 1, "HOLD"), (4, 0, "OTHER")]


def dumped(*elems):
    state = begin_dump(start(1, 2), 0, trusted=True)
    state, _ = fold(state, block(*elems), everything)
    return end_dump(state, complete=True)[0]


def test_a_second_dump_is_only_compared_while_updates_were_seen_without_a_break():
    state = dumped((0, 0, R, "10.0.0.0/24", (1, 2)), (0, 0, R, "10.0.1.0/24", (1, 2)))
    state, _ = fold(state, block((HOUR - 5, 0, K, None, None)), everything)
    state = begin_dump(state, HOUR * 1_000_000, trusted=True)
    state, log = reload_peers(state, HOUR * 1_000_000)
    assert len(log) == 0
    state, log = fold(
        state, block((HOUR, 0, R, "10.0.0.0/24", (1, 2)), (HOUR, 0, R, "10.9.0.0/24", (1, 2))), everything
    )
    state, end = end_dump(state, complete=True)
    assert len(log) == len(end) == 0
    assert [(c.held, c.matched, c.missing) for c in state.checks] == [(2, 1, 1)]


def test_a_dump_after_a_gap_replaces_what_was_held():
    state = dumped((0, 0, R, "10.0.0.0/24", (1, 2)), (0, 0, R, "10.0.1.0/24", (1, 2)))
    state = begin_dump(state, HOUR * 1_000_000, trusted=False)
    state, _ = reload_peers(state, HOUR * 1_000_000)
    state, _ = fold(state, block((HOUR, 0, R, "10.0.0.0/24", (1, 2))), everything)
    state, _ = end_dump(state, complete=True)
    assert state.sizes[0].tolist() == [1, 0]


def test_a_peer_that_a_whole_dump_lacks_is_gone_but_not_where_the_dump_is_damaged():
    for complete, expected in ((True, 0), (False, 1)):
        state = dumped((0, 0, R, "10.0.0.0/24", (1, 2)), (0, 1, R, "10.0.0.0/24", (1, 2)))
        state = begin_dump(state, HOUR * 1_000_000, trusted=True)
        state, _ = fold(state, block((HOUR, 0, R, "10.0.0.0/24", (1, 2))), everything)
        state, log = end_dump(state, complete=complete)
        assert state.live[1] == expected
        assert ("DOWN" in [row[2] for row in rows(log)]) is (expected == 0)


def test_an_as_holds_a_prefix_only_where_it_is_the_origin():
    _, log = fold(
        start(1),
        block(
            (1, 0, A, "10.0.0.0/24", (1, 7)),
            (2, 0, A, "10.0.0.0/24", (1, 9)),
            (3, 0, A, "10.0.0.0/24", (1, 7)),
        ),
        lambda *columns: np.zeros(len(columns[0]), np.uint8),
        np.array([9], np.uint32),
    )
    assert [row[2] for row in rows(log)] == ["HEARD", "HOLD", "OTHER"]


@pytest.mark.parametrize("peer_count", [65, 200])
def test_more_peers_than_a_word_has_bits(peer_count):
    state = start(*range(1, peer_count + 1))
    elems = [(1, p, A, "10.0.0.0/24", (1, 2)) for p in range(peer_count)]
    state, _ = fold(state, block(*elems, (2, peer_count - 1, W, "10.0.0.0/24", None)), everything)
    assert state.sizes[:, 0].tolist() == [1] * (peer_count - 1) + [0]


def test_more_peers_than_any_collector_has_are_left_out_and_counted():
    state = start(*range(1, MOST_PEERS + 2))
    state, _ = fold(state, block((1, MOST_PEERS, A, "10.0.0.0/24", (1, 2))), everything)
    assert (state.beyond, len(state.sizes)) == (1, MOST_PEERS)


def test_a_prefix_with_two_paths_is_held_until_both_are_withdrawn():
    rows_ = [(t, 0, kind, "10.0.0.0/24", (1, 2)) for t, kind in ((1, A), (2, A), (3, W), (4, A), (5, W), (6, W))]
    elems = block(*rows_)._replace(path_id=np.array([7, 8, 7, 8, 7, 8], np.uint32), path_ids=6)
    state, log = fold(start(1), elems, everything)
    assert [(row[0], row[2]) for row in rows(log)] == [(1, "HEARD"), (1, "HOLD"), (2, "HOLD"), (4, "HOLD"), (6, "LOSE")]
    assert state.sizes[0, 0] == 0


def test_many_paths_fit():
    n = 3000
    elems = block(*[(1, 0, A, "10.0.0.0/24", (1, 2))] * n)._replace(
        path_id=np.arange(1, n + 1, dtype=np.uint32), path_ids=n
    )
    state, _ = fold(start(1), elems, everything)
    gone = block(*[(2, 0, W, "10.0.0.0/24", None)] * n)._replace(
        path_id=np.arange(n, 0, -1).astype(np.uint32), path_ids=n
    )
    state, log = fold(state, gone, everything)
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
    state, _ = fold(start(1, 2, 3), block(*elems), everything)
    if elems:
        assert state.sizes.tolist() == slow_tables(elems)


@settings(deadline=None, max_examples=150)
@given(streams, st.integers(0, 50))
def test_two_batches_with_the_state_stored_in_between_equal_one(elems, cut):
    whole, log = fold(start(1, 2, 3), block(*elems), everything)
    state, first = fold(start(1, 2, 3), block(*elems[:cut]), everything)
    state = pickle.loads(pickle.dumps(state))
    state, second = fold(state, block(*elems[cut:]), everything)
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
    _, one = fold(start(1, 2, 3), block(*elems), everything)
    _, other = fold(start(1, 2, 3), block(*mixed), everything)

    def named(log, source):
        order = []
        for e in source:
            if e[3] and e[3] not in order:
                order.append(e[3])
        return sorted((r[0], r[1], r[2], order[r[3]] if r[3] >= 0 else "") for r in rows(log))

    assert named(one, elems) == named(other, mixed)
