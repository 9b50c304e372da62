"""Room in a routing state for what a block holds that was not met before: prefixes, peers, paths."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.prefix_table import intern_prefixes, rebuild_slots
from duskwatch.kernels.routing import LOAD, move_paths
from duskwatch.records.elems import ElemBlock, RibBlock, strided
from duskwatch.signals.bgp.state import MOST_PEERS, PeerNumbers, RoutingState

# AS numbers that name nobody: none, and the one that stands for all of four octets (RFC 6793 section 9).
NO_AS = (0, 23456)


def own_peers(state: RoutingState, block: ElemBlock) -> ElemBlock:
    """The block with its peers numbered as in the state; those not met before are added."""
    numbers = _numbers(state, block)
    return block if numbers is None else block._replace(peer=strided(numbers[block.peer]), peers=None)


def own_places(state: RoutingState, block: RibBlock) -> RibBlock:
    """The same for the places of the peer index table."""
    numbers = _numbers(state, block)
    return block if numbers is None else block._replace(places=numbers[block.places], peers=None)


def _numbers(state: RoutingState, block: ElemBlock | RibBlock) -> npt.NDArray[np.int32] | None:
    """The state's number of each peer of the block's table; None where they are the same."""
    theirs, numbers = block.peers, state.numbers
    if theirs is None or theirs is state.peers:
        return None
    if numbers is None or numbers.table is not theirs:
        numbers = state.numbers = PeerNumbers(theirs, np.empty(0, np.int32), True)
    if len(numbers.number) < len(theirs):
        peers = state.peers
        if len(state.row_of) != len(peers):
            state.row_of = {peer: row for row, peer in reversed(list(enumerate(peers.rows())))}
        begun = len(numbers.number)
        more = []
        at_address: dict[tuple[int, int, int], list[int]] = {}
        for row, met in enumerate(peers.rows()):
            at_address.setdefault(met[1:], []).append(row)
        for peer, bgp_id in zip(theirs.rows(begun), theirs.bgp_id[begun:], strict=True):
            if peer not in state.row_of and (same := _same_session(state, peer[0], at_address.get(peer[1:], []))) >= 0:
                state.row_of[peer] = same
                state.counters[7] += 1
            if peer not in state.row_of:
                state.row_of[peer] = len(peers)
                at_address.setdefault(peer[1:], []).append(len(peers))
                for column, value in zip((peers.asn, peers.address_hi, peers.address_lo, peers.afi), peer, strict=True):
                    column.append(value)
                peers.bgp_id.append(bgp_id)
            more.append(state.row_of[peer])
        numbers.number = np.concatenate([numbers.number, np.array(more, np.int32)])
        numbers.same = bool((numbers.number == np.arange(len(numbers.number))).all())
    return None if numbers.same else numbers.number


def _same_session(state: RoutingState, asn: int, rows: Sequence[int]) -> int:
    """The row of a session at the address of a peer not met before, though under another AS number; -1: there is none.

    A dump may name no AS (GoBGP wrote 0) or AS_TRANS, or be of a time when the peer had another. So a session that
    was in dumps alone is the one that updates name by its address, and the AS is taken from the updates.
    """
    if len(rows) != 1 or not (state.peers.address_hi[rows[0]] or state.peers.address_lo[rows[0]]):
        return -1
    row, named = rows[0], state.peers.asn[rows[0]]
    in_dump = state.dump_us >= 0
    if named in NO_AS and asn not in NO_AS:
        state.peers.asn[row] = asn
        return row
    if asn in NO_AS or in_dump:
        return row
    silent = row < len(state.whole) and state.whole[row] != 0 and state.heard_us[row] <= state.dumped_us
    if silent:
        state.peers.asn[row] = asn
    return row if silent else -1


def reserve_peers(state: RoutingState) -> None:
    """Make room for the peers met so far."""
    need = min(len(state.peers), MOST_PEERS)
    have = len(state.sizes)
    if need <= have:
        return
    more = need - have
    state.sizes = np.vstack([state.sizes, np.zeros((more, 2), np.int64)])
    state.heard_us = np.concatenate([state.heard_us, np.full(more, -1, np.int64)])
    # A peer first met in the middle of updates has been there before: its session is taken to be up.
    state.live = np.concatenate([state.live, np.ones(more, np.uint8)])
    state.whole = np.concatenate([state.whole, np.zeros(more, np.uint8)])
    state.dump_policy = np.vstack([state.dump_policy, np.full((more, 2), LOAD, np.uint8)])
    state.dump_matched = np.vstack([state.dump_matched, np.zeros((more, 2), np.int64)])
    state.dump_missing = np.vstack([state.dump_missing, np.zeros((more, 2), np.int64)])
    words = (need + 63) // 64
    if words > state.held.shape[1]:
        grown = np.zeros((state.held.shape[0], words), np.uint64)
        grown[:, : state.held.shape[1]] = state.held
        state.held = grown


def reserve_paths(state: RoutingState, paths: int) -> None:
    """Make room for the path identifiers (RFC 7911) of so many elems."""
    need = int(np.count_nonzero(state.path_keys >= 0)) + 2 * paths if paths else 0
    if 2 * need <= len(state.path_keys):
        return
    size = 1 << int(np.ceil(np.log2(2 * need)))
    keys, ids, values = np.full(size, -1, np.int64), np.zeros(size, np.uint32), np.zeros(size, np.int32)
    move_paths(state.path_keys, state.path_ids, state.path_values, keys, ids, values)
    state.path_keys, state.path_ids, state.path_values = keys, ids, values


def number_prefixes(state: RoutingState, block: ElemBlock | RibBlock) -> npt.NDArray[np.int32]:
    """The numbers of a block's prefixes, int32[E], -1 where there is none; new ones are added and watched as wished."""
    elems = len(block.time_us)
    need = state.count + elems
    if need > len(state.prefix_hi):
        size = max(need, 2 * len(state.prefix_hi))
        state.prefix_hi = _grown(state.prefix_hi, size)
        state.prefix_lo = _grown(state.prefix_lo, size)
        state.prefix_meta = _grown(state.prefix_meta, size)
        state.watched = _grown(state.watched, size)
        number = np.full(size, -1, np.int32)
        number[: state.count] = state.number[: state.count]
        state.number = number
        held = np.zeros((size, state.held.shape[1]), np.uint64)
        held[: state.count] = state.held[: state.count]
        state.held = held
    bits = int(np.log2(len(state.slots)))
    if 2 * need > len(state.slots):
        bits = int(np.ceil(np.log2(2 * need)))
        state.slots = np.full(1 << bits, -1, np.int32)
        rebuild_slots(
            state.slots, np.uint64(64 - bits), state.prefix_hi, state.prefix_lo, state.prefix_meta, state.count
        )
    ids = np.empty(elems, np.int32)
    before = state.count
    state.count = int(
        intern_prefixes(
            block.prefix_hi,
            block.prefix_lo,
            block.prefix_length,
            block.afi,
            state.slots,
            np.uint64(64 - bits),
            state.prefix_hi,
            state.prefix_lo,
            state.prefix_meta,
            state.count,
            ids,
        )
    )
    new = slice(before, state.count)
    if state.count > before:
        meta = state.prefix_meta[new]
        wanted = state.watch(
            (meta >> 8).astype(np.uint8), state.prefix_hi[new], state.prefix_lo[new], (meta & 255).astype(np.uint8)
        )
        watch_rows(state, before + np.flatnonzero(wanted))
    return ids


def watch_rows(state: RoutingState, rows: npt.NDArray[np.int64]) -> None:
    """Watch some prefixes from now on, numbered in order."""
    state.watched[rows] = 1
    state.number[rows] = state.watched_count + np.arange(len(rows), dtype=np.int32)
    state.watched_count += len(rows)


def _grown(column: npt.NDArray[np.generic], size: int) -> npt.NDArray:  # type: ignore[type-arg]
    out = np.zeros(size, column.dtype)
    out[: len(column)] = column
    return out
