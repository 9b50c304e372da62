"""Table dumps into the routing state of a collector: they fill the tables of peers, or are held against them."""

from collections.abc import Sequence

import numpy as np

from duskwatch.kernels.dump import place_routes, scan_routes
from duskwatch.kernels.routing import COMPARE, LOAD, clear_paths, clear_peer
from duskwatch.records.elems import RibBlock
from duskwatch.records.messages import DumpBegin
from duskwatch.records.times import MINUTE
from duskwatch.signals.bgp.artefacts.heard import dump_time
from duskwatch.signals.bgp.log import DUMPED_OF, FAMILIES_OF, Op, RoutingLog
from duskwatch.signals.bgp.room import number_prefixes, reserve_peers
from duskwatch.signals.bgp.silences import quiet_peers
from duskwatch.signals.bgp.state import DumpCheck, RoutingState

# A peer that a table dump lacks was gone, unless it was heard this shortly before the dump.
DUMP_LACKS_US = 10 * MINUTE
ANY_ORIGIN = np.empty(0, np.uint32)


def begin_dump(state: RoutingState, dump: DumpBegin, horizon_us: int) -> RoutingLog:
    """Get ready for the blocks of a table dump. One that had begun and did not end was cut off.

    A dump fills the tables of peers whose table is not wholly known; what they held before is forgotten, so that only
    the dump's routes remain. Where the table of one family is known, the other is filled in beside it. A peer whose
    session and whose updates were seen without a break since the last dump is only compared with it: the dump's entries
    were taken at some time in the minutes after its own time stamp, the updates are exact. A silence that was logged
    since is a break. A dump of the horizon or later is passed over.
    """
    log = end_dump(state, complete=False) if state.dump_us >= 0 else RoutingLog.empty()
    time_us = dump_time(state.heard, dump)
    reserve_peers(state)
    take_samples(state, min(time_us, horizon_us))
    state.dump_us, state.dump_said_us, state.dump_over = time_us, dump.time_us, time_us >= horizon_us
    trusted = state.dumps > 0 and state.silent_until_us <= state.dumped_us
    # By family: a dump may hold routes of one alone, and the next one those of the other.
    whole = ((state.whole[:, np.newaxis] >> np.array([0, 1], np.uint8)) & 1) == 1
    known = state.dump_over | whole & (state.live != 0)[:, np.newaxis] & trusted
    state.dump_policy = np.where(known, COMPARE, LOAD).astype(np.uint8)
    state.dump_matched = np.zeros((len(state.sizes), 2), np.int64)
    state.dump_missing = np.zeros((len(state.sizes), 2), np.int64)
    unknown = (state.dump_policy == LOAD).all(axis=1)
    filled = np.flatnonzero(unknown & (state.sizes.sum(axis=1) > 0)).astype(np.int32)
    for peer in filled.tolist():
        clear_peer(state.held, state.count, state.sizes, peer)
        clear_paths(state.path_keys, state.path_values, peer)
    return RoutingLog.join([log, _session_rows(state, [(peer, Op.DOWN) for peer in filled.tolist()])])


def end_dump(state: RoutingState, complete: bool) -> RoutingLog:
    """Close a table dump: whose table is whole now, who was missing from it, how the others compared.

    ``complete`` False (a damaged dump) draws no conclusion from what the dump lacks. ValueError where none had begun.
    """
    time_us = state.dump_us
    if time_us < 0:
        raise ValueError(f"{state.collector}: the end of a table dump that did not begin")
    rows: list[tuple[int, Op]] = []
    told = (state.dump_matched + state.dump_missing) > 0
    of_dump = told.any(axis=0)  # families of which it holds any route
    for peer in [] if state.dump_over else range(len(state.sizes)):
        loaded = told[peer] & (state.dump_policy[peer] == LOAD)
        compared = (state.dump_policy[peer] == COMPARE) & of_dump
        held = int(state.sizes[peer][compared].sum())
        matched = int(state.dump_matched[peer][compared].sum())
        missing = int(state.dump_missing[peer][compared].sum())
        if matched + missing:
            state.checks.append(DumpCheck(peer, time_us, held, matched, missing))
        elif complete and held and not loaded.any() and state.heard_us[peer] < time_us - DUMP_LACKS_US:
            rows.append((peer, Op.DOWN))
        if loaded.any():
            rows.append((peer, DUMPED_OF[int(loaded @ (1, 2))] if complete else Op.UP))
    log = _session_rows(state, rows)
    for peer, op in rows:
        if op == Op.DOWN:
            clear_peer(state.held, state.count, state.sizes, peer)
            clear_paths(state.path_keys, state.path_values, peer)
            state.live[peer] = state.whole[peer] = 0
            continue
        state.live[peer] = 1
        if op in FAMILIES_OF:
            state.whole[peer] |= FAMILIES_OF[op]
            state.heard_us[peer] = max(int(state.heard_us[peer]), time_us)
    if not state.dump_over:
        state.dumps += 1
        state.dumped_us = time_us
    state.dump_us = state.dump_said_us = -1
    state.dump_over = False
    return log


def take_samples(state: RoutingState, before_us: int) -> None:
    """Note table sizes at the moments before a time that nothing was heard since."""
    while state.sample_us < before_us:
        state.samples.append((state.sample_us, state.sizes.astype(np.int32)))
        state.sample_us += state.bin_us


def _session_rows(state: RoutingState, rows: Sequence[tuple[int, Op]]) -> RoutingLog:
    """(peer, Op) as rows as of the dump, no earlier than the peer was heard and the window began.

    Whoever was silent ahead of the dump is logged as silent: a dump that fills its table ends its silence.
    """
    peer = np.array([peer for peer, _ in rows], np.int32)
    quiet = quiet_peers(state, state.dump_us, peer)
    times = np.maximum(state.heard_us[peer], max(state.dump_us, state.floor_us))
    changed = RoutingLog.of_sessions(times, peer, np.array([op for _, op in rows], np.uint8))
    return RoutingLog.join([quiet, changed])


def fold_dump(state: RoutingState, block: RibBlock, horizon_us: int) -> RoutingLog:
    """Apply a block of a table dump. What was said before the first window goes into the start table at once."""
    if not len(block.time_us):
        return RoutingLog.empty()
    reserve_peers(state)
    prefix = number_prefixes(state, block)
    origins = state.origins
    wanted = block.entries if origins is not None else block.entries[state.watched[prefix] == 1]
    room = int(wanted.sum(dtype=np.int64))
    columns = [np.empty(room, np.int32) for _ in ("prefix", "peer", "path")]
    path_at, path_length = np.empty(room, np.int64), np.empty(room, np.int64)
    found, paths, state.watched_count = scan_routes(
        block.data,
        block.entries_start,
        block.entries,
        block.places,
        block.time_us,
        block.afi,
        prefix,
        state.held,
        state.sizes,
        state.dump_policy,
        state.dump_matched,
        state.dump_missing,
        horizon_us,
        state.counters,
        state.watched,
        state.number,
        state.watched_count,
        ANY_ORIGIN if origins is None else origins,
        np.zeros((len(state.sizes), 3), np.int64),
        *columns,
        path_at,
        path_length,
    )
    if not found:
        return RoutingLog.empty()
    ids = state.paths.number_at(block.data, path_at[:paths], path_length[:paths], np.full(paths, 4, np.uint8))
    start = state.start
    start.reserve(state.watched_count, len(state.sizes))
    dump_us = max(state.dump_us, state.floor_us)
    early = max(dump_us, int(state.heard_us.max(initial=-1))) < state.before_us
    room = 0 if early else found
    log = RoutingLog(
        np.empty(room, np.int64),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.uint8),
        np.empty(room, np.int32),
    )
    rows = place_routes(
        *(column[:found] for column in columns),
        ids,
        state.heard_us,
        dump_us,
        state.before_us,
        start.cells,
        start.routes,
        start.last_us,
        start.last_route,
        start.mentioned,
        log.time_us,
        log.peer,
        log.prefix,
        log.op,
        log.route,
    )
    return log.of(slice(0, rows))
