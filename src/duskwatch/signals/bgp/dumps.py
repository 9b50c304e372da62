"""Table dumps into the routing state of a collector: they fill the tables of peers, or are held against them."""

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.dump import fold_routes
from duskwatch.kernels.routing import COMPARE, LOAD, clear_paths, clear_peer
from duskwatch.records.elems import ElemBlock, RibBlock
from duskwatch.records.times import MINUTE
from duskwatch.signals.bgp.state import (
    DumpCheck,
    Op,
    RoutingLog,
    RoutingState,
    Watch,
    absorbed,
    fold,
    number_prefixes,
    reserve_peers,
    session_rows,
)

# A peer that a table dump lacks was gone, unless it was heard this shortly before the dump.
DUMP_LACKS_US = 10 * MINUTE
ANY_ORIGIN = np.empty(0, np.uint32)


def begin_dump(state: RoutingState, time_us: int, trusted: bool) -> RoutingState:
    """Say that the blocks to come are a table dump taken at ``time_us``.

    A dump fills the tables of peers whose table is not wholly known. A peer whose session and whose updates were
    seen without a break since the last dump (``trusted``) is only compared with it: the dump's entries were
    taken at some time in the minutes after its own time stamp, the updates are exact.
    """
    reserve_peers(state)
    state.dump_us = time_us
    known = (state.whole == 1) & (state.live == 1) & trusted
    state.dump_policy = np.where(known, COMPARE, LOAD).astype(np.uint8)
    state.dump_matched = np.zeros(len(state.sizes), np.int64)
    state.dump_missing = np.zeros(len(state.sizes), np.int64)
    return state


def end_dump(state: RoutingState, complete: bool) -> tuple[RoutingState, RoutingLog]:
    """Close a table dump: whose table is whole now, who was missing from it, how the others compared.

    ``complete`` False (a damaged dump) draws no conclusion from what the dump lacks.
    """
    time_us = state.dump_us
    rows: list[tuple[int, int]] = []
    for peer in range(len(state.sizes)):
        size = int(state.sizes[peer].sum())
        if state.dump_policy[peer] == COMPARE:
            matched, missing = int(state.dump_matched[peer]), int(state.dump_missing[peer])
            if matched + missing:
                state.checks.append(DumpCheck(peer, time_us, size, matched, missing))
            elif complete and size and state.heard_us[peer] < time_us - DUMP_LACKS_US:
                clear_peer(state.held, state.count, state.sizes, peer)
                clear_paths(state.path_keys, state.path_values, peer)
                state.live[peer] = state.whole[peer] = 0
                rows.append((peer, Op.DOWN))
        elif size and complete:
            state.live[peer] = state.whole[peer] = 1
            state.heard_us[peer] = max(int(state.heard_us[peer]), time_us)
            rows.append((peer, Op.DUMPED))
        elif size:
            state.live[peer] = 1
            rows.append((peer, Op.UP))
    log = absorbed(state, session_rows(state, time_us, rows))
    state.dumps += 1
    state.dump_us = -1
    return state, log


def reload_peers(state: RoutingState, time_us: int) -> tuple[RoutingState, RoutingLog]:
    """Forget what peers held that the dump about to be read will fill, so that only the dump's routes remain.

    Call between begin_dump() and the dump's first block.
    """
    rows = []
    for peer in np.flatnonzero((state.dump_policy == LOAD) & (state.sizes.sum(axis=1) > 0)):
        clear_peer(state.held, state.count, state.sizes, int(peer))
        clear_paths(state.path_keys, state.path_values, int(peer))
        rows.append((int(peer), Op.DOWN))
    return state, absorbed(state, session_rows(state, time_us, rows))


def fold_dump(
    state: RoutingState,
    block: ElemBlock | RibBlock,
    watch: Watch,
    origins: npt.NDArray[np.uint32] | None = None,
) -> tuple[RoutingState, RoutingLog]:
    """Apply a block of a table dump, between begin_dump() and end_dump(); arguments and result are those of fold()."""
    if isinstance(block, ElemBlock):
        return fold(state, block, watch, origins)
    if not len(block.time_us):
        return state, RoutingLog.empty()
    reserve_peers(state)
    prefix = number_prefixes(state, block, watch)
    wanted = block.entries if origins is not None else block.entries[state.watched[prefix] == 1]
    told = int(wanted.sum(dtype=np.int64))
    start, routes = state.start, state.routes
    routes.reserve(told)
    start.reserve(state.watched_count + (len(prefix) if origins is not None else 0), len(state.sizes))
    early = max(state.dump_us, int(state.heard_us.max(initial=-1))) < state.before_us
    room = 0 if early else told
    log = RoutingLog(
        np.empty(room, np.int64),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.uint8),
        np.empty(room, np.int32),
    )
    rows, routes.count, state.watched_count = fold_routes(
        block.data,
        block.entries_start,
        block.entries,
        block.places,
        block.time_us,
        block.afi,
        prefix,
        state.held,
        state.sizes,
        state.heard_us,
        state.dump_policy,
        state.dump_matched,
        state.dump_missing,
        state.dump_us,
        state.until_us,
        state.counters,
        state.watched,
        state.number,
        state.watched_count,
        ANY_ORIGIN if origins is None else origins,
        routes.slots,
        routes.shift,
        routes.table,
        routes.count,
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
    return state, RoutingLog(*(getattr(log, name)[:rows] for name in RoutingLog.__slots__))
