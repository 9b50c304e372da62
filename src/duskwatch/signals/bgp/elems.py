"""Elems into the routing state of a collector: who holds what from then on, and rows of the log."""

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.aspath import path_tails
from duskwatch.kernels.routing import fold_elems
from duskwatch.records.elems import ElemBlock, Kind
from duskwatch.records.signals import Late
from duskwatch.signals.bgp.log import Op, RoutingLog
from duskwatch.signals.bgp.room import number_prefixes, reserve_paths, reserve_peers, watch_rows
from duskwatch.signals.bgp.state import JITTER_US, LATE_US, SILENT_US, RoutingState


def fold_block(state: RoutingState, block: ElemBlock, horizon_us: int) -> RoutingLog:
    """Apply a block whose times are right. How the elems of different peers interleave changes nothing."""
    elems = len(block.time_us)
    if elems == 0:
        return RoutingLog.empty()
    reserve_peers(state)
    reserve_paths(state, block.path_ids)
    prefix = number_prefixes(state, block)
    origins = state.origins
    from_row = None
    if origins is not None:
        origin_of = _origins(block, np.flatnonzero((block.kind == Kind.ANNOUNCE) | (block.kind == Kind.RIB)))
        originated = np.flatnonzero(np.isin(origin_of, origins) & (block.time_us < horizon_us))
        fresh = originated[state.watched[prefix[originated]] == 0]
        if len(fresh):
            from_row = np.zeros(state.count, np.int64)
            np.maximum.at(from_row, prefix[fresh], elems - fresh)
            watch_rows(state, np.flatnonzero(from_row))
            from_row = np.where(from_row > 0, elems - from_row, 0)
    last = min(block.last_us, horizon_us)
    due = max(0, (last - state.sample_us) // state.bin_us + 1)
    samples = np.empty((due, *state.sizes.shape), np.int32)
    first_sample_us = state.sample_us
    room = 4 * elems
    log_time = np.empty(room, np.int64)
    log_peer = np.empty(room, np.int32)
    log_prefix = np.empty(room, np.int32)
    log_op = np.empty(room, np.uint8)
    log_row = np.empty(room, np.int64)
    late_span = np.array([-1, -1, 0, -1, 0], np.int64)
    rows_used, sampled, next_sample_us = fold_elems(
        block.time_us,
        block.kind,
        block.afi,
        block.peer,
        block.path_id,
        block.marks,
        block.state,
        prefix,
        state.held,
        state.count,
        state.path_keys,
        state.path_ids,
        state.path_values,
        state.watched,
        state.sizes,
        state.heard_us,
        state.live,
        state.dump_policy,
        state.dump_matched,
        state.dump_missing,
        state.sample_us,
        state.bin_us,
        samples,
        0,
        SILENT_US,
        LATE_US,
        max(state.dump_us, state.floor_us),
        state.floor_us,
        horizon_us,
        log_time,
        log_peer,
        log_prefix,
        log_op,
        log_row,
        state.counters,
        late_span,
    )
    if late_span[2] > JITTER_US:
        state.late.append(Late(state.collector, *late_span[:3].tolist()))
    if late_span[4]:
        state.too_late.append((int(late_span[3]), int(late_span[4])))
    for k in range(sampled):
        state.samples.append((first_sample_us + k * state.bin_us, samples[k]))
    state.sample_us = int(next_sample_us)
    op = log_op[:rows_used].copy()
    state.whole[log_peer[:rows_used][(op == Op.DOWN)]] = 0
    row, where = log_row[:rows_used], log_prefix[:rows_used]
    holds = np.flatnonzero(((op == Op.HOLD) | (op == Op.DUMPED_HOLD)) & (row >= 0))
    route = np.zeros(rows_used, np.int32)
    if origins is not None:
        theirs = ~np.isin(origin_of[row[holds]], origins)
        op[holds[theirs]] = Op.OTHER
        holds = holds[~theirs]
    route[holds] = state.paths.number(block, row[holds])
    number = np.where(where >= 0, state.number[where], np.int32(-1))
    # Copies: room for four rows an elem was made, and few elems have one.
    log = RoutingLog(log_time[:rows_used].copy(), log_peer[:rows_used].copy(), number, op, route)
    return log if from_row is None else log.of((where < 0) | (row >= from_row[np.maximum(where, 0)]))


def _origins(block: ElemBlock, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
    """The origin of some elems, uint32[E]; 0 elsewhere."""
    tails = tuple(np.zeros(len(block.time_us), np.uint32) for _ in range(3))
    if len(rows):
        path_tails(block.data, block.attr_start, block.attr_length, block.as_size, rows, *tails)
    return tails[0]
