"""Routes as numbers, and the table at a window's start, against dictionaries."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.kernels.routes import absorb, more_origins, one_origin

HOLD, LOSE, DOWN, UP, SILENT, HEARD, DUMPED, DUMPED_HOLD, OTHER, DUMPED4, DUMPED6 = range(11)
UNMET, LIVE, ENDED, QUIET = range(4)
FROM = 50
PREFIXES, SESSIONS = 3, 2

rows_of_log = st.lists(
    st.tuples(
        st.integers(0, 99),
        st.integers(0, SESSIONS - 1),
        st.integers(0, PREFIXES - 1),
        st.sampled_from([HOLD, LOSE, DOWN, UP, SILENT, HEARD, DUMPED, DUMPED_HOLD, OTHER, DUMPED4, DUMPED6]),
        st.integers(1, 5),
    ),
    max_size=40,
).map(lambda rows: sorted(rows, key=lambda row: row[0]))


@settings(deadline=None)
@given(rows_of_log)
def test_what_a_log_says_before_a_time_is_in_the_table_and_the_rest_stays(rows):
    about_session = (DOWN, UP, SILENT, HEARD, DUMPED, DUMPED4, DUMPED6)
    columns = (
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int32),
        np.array([-1 if row[3] in about_session else row[2] for row in rows], np.int32),
        np.array([row[3] for row in rows], np.uint8),
        np.array([row[4] for row in rows], np.int32),
    )
    cells, routes = np.zeros((PREFIXES, SESSIONS), np.uint8), np.zeros((PREFIXES, SESSIONS), np.int32)
    last_us, last_route = np.full(PREFIXES, -1, np.int64), np.zeros(PREFIXES, np.int32)
    mentioned = np.zeros(PREFIXES, np.uint8)
    complete, fresh, sessions = (np.zeros(SESSIONS, np.uint8) for _ in range(3))
    keep = np.full(len(rows), 9, np.uint8)
    absorb(*columns, FROM, cells, routes, last_us, last_route, mentioned, complete, fresh, sessions, keep)
    said, route, last, told, whole, ended = {}, {}, {}, set(), set(), set()
    stands = [UNMET] * SESSIONS
    assert [bool(k) for k in keep] == [row[0] >= FROM for row in rows]
    for time, session, prefix, op, number in rows:
        if time >= FROM:
            continue
        if op in about_session:
            if op == DOWN:
                said = {key: value for key, value in said.items() if key[1] != session}
                whole -= {(session, 1), (session, 2)}
                ended |= {(session, 1), (session, 2)}
            for bit in {DUMPED: (1, 2), DUMPED4: (1,), DUMPED6: (2,)}.get(op, ()):
                whole.add((session, bit)), ended.discard((session, bit))
            if op not in (DOWN, SILENT):
                stands[session] = LIVE
            elif stands[session] in (UNMET, LIVE):
                stands[session] = ENDED if op == DOWN else QUIET
            continue
        told.add(prefix)
        held = op in (HOLD, DUMPED_HOLD)
        said[prefix, session] = 3 if held else 2
        if held:
            route[prefix, session] = number
            last[prefix] = (time, number)
    for prefix in range(PREFIXES):
        assert mentioned[prefix] == (prefix in told)
        assert (int(last_us[prefix]), int(last_route[prefix])) == last.get(prefix, (-1, 0))
        for session in range(SESSIONS):
            assert cells[prefix, session] == said.get((prefix, session), 0)
            assert routes[prefix, session] == route.get((prefix, session), 0)
    assert {(s, bit) for s in range(SESSIONS) for bit in (1, 2) if complete[s] & bit} == whole
    assert {(s, bit) for s in range(SESSIONS) for bit in (1, 2) if fresh[s] & bit} == ended
    assert sessions.tolist() == stands


def test_rows_out_of_range_are_kept_and_change_nothing():
    cells, routes = np.zeros((1, 1), np.uint8), np.zeros((1, 1), np.int32)
    keep = np.zeros(3, np.uint8)
    of_session = [np.zeros(1, np.uint8) for _ in range(3)]
    absorb(
        np.array([1, 1, 1], np.int64), np.array([5, 0, 7], np.int32), np.array([0, 9, -1], np.int32),
        np.array([HOLD, HOLD, DOWN], np.uint8), np.ones(3, np.int32), FROM, cells, routes,
        np.full(1, -1, np.int64), np.zeros(1, np.int32), np.zeros(1, np.uint8), *of_session, keep,
    )  # fmt: skip
    assert keep.tolist() == [1, 1, 1]
    assert cells.sum() == routes.sum() == sum(int(column[0]) for column in of_session) == 0


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 3), min_size=SESSIONS, max_size=SESSIONS), min_size=PREFIXES, max_size=PREFIXES),
    st.lists(
        st.tuples(st.integers(-1, PREFIXES - 1), st.sampled_from([HOLD, LOSE, OTHER]), st.integers(1, 3)), max_size=20
    ),
)
def test_prefixes_of_several_origins_are_found(start, log):
    origin_of = np.array([0, 7, 7, 9], np.uint32)
    origin, several = np.full(PREFIXES, -1, np.int64), np.zeros(PREFIXES, np.uint8)
    one_origin(np.array(start, np.int32), origin_of, origin, several)
    prefix = np.array([row[0] for row in log], np.int32)
    op = np.array([row[1] for row in log], np.uint8)
    more_origins(prefix, op, np.array([row[2] for row in log], np.int32), origin_of, origin, several)
    for where in range(PREFIXES):
        met = [int(origin_of[route]) for route in start[where] if route]
        early = False
        for at, what, route in log:
            if at == where and what == LOSE and not met:
                early = True  # a withdrawal that is not that of the origin to come
            if at == where and what == HOLD:
                met.append(int(origin_of[route]))
        assert origin[where] == (met[0] if met else -1)
        assert several[where] == (early or len(set(met)) > 1)
