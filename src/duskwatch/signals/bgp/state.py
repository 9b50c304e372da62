"""Routing state of one collector, folded from elems: who holds which prefix, and a log of what changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.aspath import path_tails
from duskwatch.kernels.prefix_table import intern_prefixes, rebuild_slots
from duskwatch.kernels.routes import absorb
from duskwatch.kernels.routing import LOAD, fold_elems, move_paths
from duskwatch.records.elems import ElemBlock, Kind, PeerTable, RibBlock
from duskwatch.records.times import HOUR, MINUTE
from duskwatch.signals.bgp.start_table import RouteTable, StartTable

# A peer not heard for an hour is not taken to be there (BGPView's routing-tables plugin, RT_MAX_INACTIVE_TIME).
SILENT_US = HOUR
# Records may come out of order by this much; anything older would rewrite what was already said.
LATE_US = 15 * MINUTE
# No collector has as many sessions; a file that claims more is not believed, lest it ask for all memory there is.
MOST_PEERS = 2048


class Op(IntEnum):
    """What a row of the log says."""

    HOLD = 0  # the peer holds a route to the prefix
    LOSE = 1  # it does not
    DOWN = 2  # its session ended; it holds nothing
    UP = 3  # its session is there again; its table is still to come
    SILENT = 4  # not heard for too long: it no longer counts
    HEARD = 5  # heard again, what it held before still holds
    DUMPED_HOLD = 7  # as HOLD, from a table dump: it is no news
    OTHER = 8  # it holds a route to another origin than the one watched
    DUMPED = 6  # its whole table is known now: what it was not said to hold, it does not hold


@dataclass(frozen=True, slots=True)
class RoutingLog:
    """What happened to watched prefixes and to sessions. L rows, in order per peer; times never go back per peer.

    Of prefixes only what happened in the window is told; what stood before is in the state's StartTable.
    """

    time_us: npt.NDArray[np.int64]  # [L]
    peer: npt.NDArray[np.int32]  # [L] row of the peer table
    prefix: npt.NDArray[np.int32]  # [L] number of the watched prefix; -1 for sessions
    op: npt.NDArray[np.uint8]  # [L] Op
    route: npt.NDArray[np.int32]  # [L] row of the route table for a HOLD, else 0

    def __len__(self) -> int:
        return len(self.time_us)

    @classmethod
    def empty(cls) -> "RoutingLog":
        """A log without rows."""
        return cls(
            np.empty(0, np.int64),
            np.empty(0, np.int32),
            np.empty(0, np.int32),
            np.empty(0, np.uint8),
            np.empty(0, np.int32),
        )

    @classmethod
    def join(cls, logs: "list[RoutingLog]") -> "RoutingLog":
        """Logs of one collector one after the other. The list is emptied: a log can be half of all that is held."""
        if len(logs) == 1:
            return logs.pop()
        total = sum(len(log) for log in logs)
        whole = cls(*(np.empty(total, getattr(cls.empty(), name).dtype) for name in cls.__slots__))
        at = 0
        logs.reverse()
        while logs:
            log = logs.pop()
            for name in cls.__slots__:
                getattr(whole, name)[at : at + len(log)] = getattr(log, name)
            at += len(log)
        return whole


Watch = Callable[
    [npt.NDArray[np.uint8], npt.NDArray[np.uint64], npt.NDArray[np.uint64], npt.NDArray[np.uint8]],
    npt.NDArray[np.uint8],
]
"""Given afi, hi, lo and length of new prefixes, [n] each: 1 where the log is to tell of it."""


@dataclass(frozen=True, slots=True)
class DumpCheck:
    """How a peer's folded table compared with a table dump taken while its session lasted."""

    peer: int
    time_us: int
    held: int  # prefixes held according to the fold
    matched: int  # of those, in the dump too
    missing: int  # in the dump, not in the fold

    @property
    def rate(self) -> float:
        """Share of the routes of both that are in one alone."""
        differ = self.missing + max(0, self.held - self.matched)
        return differ / max(1, self.matched + differ)


@dataclass
class RoutingState:
    """All that is known of one collector's peers at one moment of event time. Picklable; fold() consumes it.

    Memory: 22 bytes per prefix, 8 per prefix and 64 peers, 4 to 16 for the hash; for each watched prefix 13 bytes and
    5 for each session.
    """

    collector: str
    from_us: int  # the window analysed; what came before it only builds up the state
    until_us: int  # elems at or after it are left out
    bin_us: int
    peers: PeerTable = field(default_factory=PeerTable)
    count: int = 0
    slots: npt.NDArray[np.int32] = field(default_factory=lambda: np.full(1 << 12, -1, np.int32))
    prefix_hi: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros(1 << 10, np.uint64))
    prefix_lo: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros(1 << 10, np.uint64))
    prefix_meta: npt.NDArray[np.uint16] = field(default_factory=lambda: np.zeros(1 << 10, np.uint16))
    watched: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(1 << 10, np.uint8))
    number: npt.NDArray[np.int32] = field(default_factory=lambda: np.full(1 << 10, -1, np.int32))  # among the watched
    watched_count: int = 0
    routes: RouteTable = field(default_factory=RouteTable)
    start: StartTable = field(default_factory=StartTable)
    held: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros((1 << 10, 1), np.uint64))
    path_keys: npt.NDArray[np.int64] = field(default_factory=lambda: np.full(1 << 6, -1, np.int64))
    path_ids: npt.NDArray[np.uint32] = field(default_factory=lambda: np.zeros(1 << 6, np.uint32))
    path_values: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(1 << 6, np.int32))
    sizes: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    heard_us: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    live: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    whole: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    sample_us: int = -1  # time of the next sample of table sizes
    samples: list[tuple[int, npt.NDArray[np.int32]]] = field(default_factory=list)
    dumps: int = 0
    checks: list[DumpCheck] = field(default_factory=list)
    counters: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(4, np.int64))
    # While a table dump is being read:
    dump_us: int = -1
    dump_policy: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    dump_matched: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    dump_missing: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        if not self.from_us < self.until_us or self.bin_us <= 0:
            raise ValueError("a window ends after it begins, and bins are longer than nothing")
        if self.sample_us < 0:
            self.sample_us = self.from_us

    @property
    def before_us(self) -> int:
        """What was said before it stood when the window began; a table dump taken at that moment does too."""
        return self.from_us + (1 if self.dump_us == self.from_us else 0)

    @property
    def late(self) -> int:
        """Elems that came out of order and were taken as of their peer's latest."""
        return int(self.counters[0])

    @property
    def beyond(self) -> int:
        """Elems of peers past the first MOST_PEERS; they were left out."""
        return int(self.counters[2])

    @property
    def left_out(self) -> int:
        """Elems too old to be put in order; they were left out."""
        return int(self.counters[1])


def fold(
    state: RoutingState,
    block: ElemBlock,
    watch: Watch,
    origins: npt.NDArray[np.uint32] | None = None,
) -> tuple[RoutingState, RoutingLog]:
    """Apply a block of elems to the state and tell what changed for watched prefixes.

    ``watch`` decides on prefixes not met before. Where ``origins`` names AS numbers, a prefix is watched from the
    first route on that ends in one of them, and a route to another origin is OTHER: the AS does not
    originate it there. What is told of a prefix begins with that route.
    Elems of one peer must come in the order in which it said them, give or take LATE_US; peers may interleave in
    any way without changing the result.
    """
    elems = len(block.time_us)
    if elems == 0:
        return state, RoutingLog.empty()
    reserve_peers(state)
    _reserve_paths(state, block.path_ids)
    prefix = number_prefixes(state, block, watch)
    tails = None
    told_from = None
    if origins is not None:
        tails = _tails(block, np.flatnonzero((block.kind == Kind.ANNOUNCE) | (block.kind == Kind.RIB)))
        own = np.flatnonzero(np.isin(tails[0], origins) & (block.time_us < state.until_us))
        fresh = own[state.watched[prefix[own]] == 0]
        if len(fresh):
            told_from = np.zeros(state.count, np.int64)
            np.maximum.at(told_from, prefix[fresh], elems - fresh)
            watch_rows(state, np.flatnonzero(told_from))
            told_from = np.where(told_from > 0, elems - told_from, 0)
    last = min(block.last_us, state.until_us)
    due = max(0, (last - state.sample_us) // state.bin_us + 1)
    samples = np.empty((due, *state.sizes.shape), np.int32)
    first_sample_us = state.sample_us
    room = 4 * elems
    log_time = np.empty(room, np.int64)
    log_peer = np.empty(room, np.int32)
    log_prefix = np.empty(room, np.int32)
    log_op = np.empty(room, np.uint8)
    log_row = np.empty(room, np.int64)
    rows_used, sampled, next_sample_us = fold_elems(
        block.time_us,
        block.kind,
        block.afi,
        block.peer,
        block.path_id,
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
        state.dump_us,
        state.until_us,
        log_time,
        log_peer,
        log_prefix,
        log_op,
        log_row,
        state.counters,
    )
    for k in range(sampled):
        state.samples.append((first_sample_us + k * state.bin_us, samples[k]))
    state.sample_us = int(next_sample_us)
    op = log_op[:rows_used].copy()
    state.whole[log_peer[:rows_used][(op == Op.DOWN)]] = 0
    row, where = log_row[:rows_used], log_prefix[:rows_used]
    holds = np.flatnonzero(((op == Op.HOLD) | (op == Op.DUMPED_HOLD)) & (row >= 0))
    if tails is None:
        tails = _tails(block, row[holds])
    route = np.zeros(rows_used, np.int32)
    route[holds] = state.routes.number(tails[0], tails[1], tails[2], row[holds])
    if origins is not None:
        other = holds[~np.isin(tails[0, row[holds]], origins)]
        op[other], route[other] = Op.OTHER, 0
    kept = slice(None) if told_from is None else (where < 0) | (row >= told_from[np.maximum(where, 0)])
    log = RoutingLog(
        log_time[:rows_used][kept],
        log_peer[:rows_used][kept],
        np.where(where >= 0, state.number[where], np.int32(-1))[kept],
        op[kept],
        route[kept],
    )
    return state, absorbed(state, log)


def absorbed(state: RoutingState, log: RoutingLog) -> RoutingLog:
    """Move what a log says of the time before the window into the start table; the rest is returned."""
    state.start.reserve(state.watched_count, len(state.sizes))
    keep = np.empty(len(log), np.uint8)
    start = state.start
    absorb(
        log.time_us,
        log.peer,
        log.prefix,
        log.op,
        log.route,
        state.from_us,
        state.before_us,
        start.cells,
        start.routes,
        start.last_us,
        start.last_route,
        start.mentioned,
        start.complete,
        start.fresh,
        keep,
    )
    rows = np.flatnonzero(keep)
    return RoutingLog(*(getattr(log, name)[rows] for name in RoutingLog.__slots__))


def watch_rows(state: RoutingState, rows: npt.NDArray[np.int64]) -> None:
    """Watch some prefixes from now on, numbered in order."""
    state.watched[rows] = 1
    state.number[rows] = state.watched_count + np.arange(len(rows), dtype=np.int32)
    state.watched_count += len(rows)


def silences(state: RoutingState) -> RoutingLog:
    """Peers that had not been heard for SILENT_US when the collector's last elem came, as rows of the log."""
    last = int(state.heard_us.max(initial=-1))
    quiet = (state.live == 1) & (state.heard_us >= 0) & (state.heard_us + SILENT_US < last)
    peer = np.flatnonzero(quiet).astype(np.int32)
    log = session_rows(state, 0, [(int(p), Op.SILENT) for p in peer])
    log.time_us[:] += SILENT_US
    return log


def session_rows(state: RoutingState, time_us: int, rows: Sequence[tuple[int, int]]) -> RoutingLog:
    """(peer, Op) as rows of a log, no earlier than the peer was heard."""
    n = len(rows)
    peer = np.array([peer for peer, _ in rows], np.int32)
    return RoutingLog(
        np.maximum(state.heard_us[peer], time_us),
        peer,
        np.full(n, -1, np.int32),
        np.array([op for _, op in rows], np.uint8),
        np.zeros(n, np.int32),
    )


def _tails(block: ElemBlock, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
    """Origin, the AS before it and the AS before that of some elems, uint32[3, E]; 0 elsewhere."""
    tails = np.zeros((3, len(block.time_us)), np.uint32)
    if len(rows):
        path_tails(block.data, block.attr_start, block.attr_length, block.as_size, rows, *tails)
    return tails


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
    state.dump_policy = np.concatenate([state.dump_policy, np.full(more, LOAD, np.uint8)])
    state.dump_matched = np.concatenate([state.dump_matched, np.zeros(more, np.int64)])
    state.dump_missing = np.concatenate([state.dump_missing, np.zeros(more, np.int64)])
    words = (need + 63) // 64
    if words > state.held.shape[1]:
        grown = np.zeros((state.held.shape[0], words), np.uint64)
        grown[:, : state.held.shape[1]] = state.held
        state.held = grown


def _reserve_paths(state: RoutingState, paths: int) -> None:
    need = int(np.count_nonzero(state.path_keys >= 0)) + 2 * paths if paths else 0
    if 2 * need <= len(state.path_keys):
        return
    size = 1 << int(np.ceil(np.log2(2 * need)))
    keys, ids, values = np.full(size, -1, np.int64), np.zeros(size, np.uint32), np.zeros(size, np.int32)
    move_paths(state.path_keys, state.path_ids, state.path_values, keys, ids, values)
    state.path_keys, state.path_ids, state.path_values = keys, ids, values


def number_prefixes(state: RoutingState, block: ElemBlock | RibBlock, watch: Watch) -> npt.NDArray[np.int32]:
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
        wanted = watch(
            (meta >> 8).astype(np.uint8), state.prefix_hi[new], state.prefix_lo[new], (meta & 255).astype(np.uint8)
        )
        watch_rows(state, before + np.flatnonzero(wanted))
    return ids


def _grown(column: npt.NDArray[np.generic], size: int) -> npt.NDArray:  # type: ignore[type-arg]
    out = np.zeros(size, column.dtype)
    out[: len(column)] = column
    return out
