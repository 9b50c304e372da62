"""Visibility: the share of live full-feed voters that hold a prefix, from the routing logs of all collectors.

A voter is a peer AS at one collector, however many sessions it has there, so that collectors merge by adding votes.
A prefix is visible while more than half of the voters whose word on it is known hold it. Where the state was
learned from updates, a voter's word is known from its first statement on. Until more than half have spoken, a
prefix that anybody held is presumed to be visible: a loss takes the word of more than half.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.votes import count_votes
from duskwatch.records.elems import PeerTable
from duskwatch.records.prefix import address_text
from duskwatch.records.signals import Gap
from duskwatch.signals.routing import DumpCheck, Op, RoutingLog, RoutingState, silences

# Full feed: a peer whose table has at least this share of the largest table, per address family.
FULL_SHARE = 0.75
# Where no dump was read, tables are known only as far as updates touched them. One peer that sent its whole table
# anew would dwarf all others, so that the median is the measure: partial peers stay under a tenth of it
# (docs/explanation/visibility.md has the figures).
LEARNED_SHARE_OF_MEDIAN = 0.25
# A full-feed peer stays one until it falls this far below the bar, lest it flicker at the edge.
HYSTERESIS = 0.9


# Columns of Votes that the walk fills.
CHANGES = ("time_us", "prefix", "state", "votes", "voters", "origin", "upstream", "beyond", "by_voters")
STEPS = ("step_us", "voters4", "voters6")


class Vote(IntEnum):
    """What a row of the vote walk does."""

    HOLD = 0
    LOSE = 1
    DUMPED_HOLD = 2
    CLEAR = 3
    COMPLETE = 4
    ON4 = 5
    OFF4 = 6
    ON6 = 7
    OFF6 = 8


@dataclass(frozen=True, slots=True)
class CollectorPart:
    """What the fold of one collector's files left for the votes. Parts of a day join by ``join_parts``."""

    collector: str
    peers: PeerTable
    afi: npt.NDArray[np.uint8]  # [P] prefix columns
    hi: npt.NDArray[np.uint64]
    lo: npt.NDArray[np.uint64]
    length: npt.NDArray[np.uint8]
    log: RoutingLog
    sample_us: npt.NDArray[np.int64]  # [K] times at which table sizes were noted
    sizes: npt.NDArray[np.int32]  # [K, N, 2]
    dumps: int
    checks: tuple[DumpCheck, ...]
    gaps: tuple[Gap, ...]  # stretches without a file


def close_part(state: RoutingState, log: RoutingLog, gaps: tuple[Gap, ...]) -> CollectorPart:
    """The part that a folded state and its log make. Table sizes are carried on to the end of the window."""
    peers = len(state.sizes)
    samples = list(state.samples)
    last = samples[-1][0] if samples else state.from_us - state.bin_us
    for time_us in range(last + state.bin_us, state.until_us, state.bin_us):
        samples.append((time_us, state.sizes.astype(np.int32)))
    sizes = np.zeros((len(samples), peers, 2), np.int32)
    for k, (_, sample) in enumerate(samples):
        sizes[k, : sample.shape[0]] = sample
    meta = state.prefix_meta[: state.count]
    log = RoutingLog.join([log, silences(state)])
    return CollectorPart(
        state.collector,
        state.peers,
        (meta >> 8).astype(np.uint8),
        state.prefix_hi[: state.count].copy(),
        state.prefix_lo[: state.count].copy(),
        (meta & 255).astype(np.uint8),
        log,
        np.array([time_us for time_us, _ in samples], np.int64),
        sizes,
        state.dumps,
        tuple(state.checks),
        gaps,
    )


@dataclass(frozen=True, slots=True)
class Votes:
    """Every change of state of every watched prefix, and of the number of voters. P prefixes, C changes, T steps."""

    from_us: int
    until_us: int
    afi: npt.NDArray[np.uint8]  # [P]
    hi: npt.NDArray[np.uint64]
    lo: npt.NDArray[np.uint64]
    length: npt.NDArray[np.uint8]
    time_us: npt.NDArray[np.int64]  # [C]
    prefix: npt.NDArray[np.int32]
    state: npt.NDArray[np.uint8]
    votes: npt.NDArray[np.int32]
    voters: npt.NDArray[np.int32]
    origin: npt.NDArray[np.uint32]
    upstream: npt.NDArray[np.uint32]
    beyond: npt.NDArray[np.uint32]
    by_voters: npt.NDArray[np.uint8]
    step_us: npt.NDArray[np.int64]  # [T]
    voters4: npt.NDArray[np.int32]
    voters6: npt.NDArray[np.int32]
    rows: "VoteRows"
    gaps: tuple[Gap, ...]
    learned: bool


@dataclass(frozen=True, slots=True)
class VoteRows:
    """The rows that the walk went through, in time order; R rows over N sessions."""

    time_us: npt.NDArray[np.int64]
    session: npt.NDArray[np.int32]
    prefix: npt.NDArray[np.int32]
    code: npt.NDArray[np.uint8]
    origin: npt.NDArray[np.uint32]
    upstream: npt.NDArray[np.uint32]
    beyond: npt.NDArray[np.uint32]
    sessions: tuple[str, ...]  # [N] collector, AS and address, for people
    voter_of: npt.NDArray[np.int32]  # [N]


def full_feed(sizes: npt.NDArray[np.int32], dumped: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which sessions carry a full table at each sample.

    sizes  int32[K, N, 2]  prefixes held, IPv4 and IPv6     dumped  bool[N]  its collector's state began from a dump
    Returns bool[K, N, 2]. The bar is relative and per address family: FULL_SHARE of the largest table among the
    sessions with a dump, LEARNED_SHARE_OF_MEDIAN of the median table among the others.
    """
    out = np.zeros(sizes.shape, np.bool_)
    was = np.zeros(sizes.shape[1:], np.bool_)
    for k in range(sizes.shape[0]):
        for family in (0, 1):
            now = sizes[k, :, family]
            bar = np.full(len(now), np.inf)
            if dumped.any() and now[dumped].max() > 0:
                bar[dumped] = FULL_SHARE * now[dumped].max()
            learned = now[~dumped & (now > 0)]
            if len(learned):
                bar[~dumped] = LEARNED_SHARE_OF_MEDIAN * np.median(learned)
            was[:, family] = (now >= bar) | (was[:, family] & (now >= HYSTERESIS * bar) & (now > 0))
        out[k] = was
    return out


def merge_votes(parts: list[CollectorPart], from_us: int, until_us: int) -> Votes:
    """Walk the logs of all collectors together and count votes. The order of ``parts`` does not matter."""
    parts = sorted(parts, key=lambda part: part.collector)
    afi, hi, lo, length, numbers = _merge_prefixes(parts)
    offsets = np.cumsum([0] + [len(part.peers) for part in parts])
    sessions = tuple(_session_name(part, peer) for part in parts for peer in range(len(part.peers)))
    voters: dict[tuple[str, int], int] = {}
    voter_of = np.array(
        [voters.setdefault((part.collector, asn), len(voters)) for part in parts for asn in part.peers.asn], np.int32
    )
    switches, gaps = _switches(parts, offsets, sessions, from_us, until_us)
    rows = _vote_rows(parts, numbers, offsets, switches, sessions, voter_of)
    changes, steps = _walk(rows, len(afi), (afi != 1).astype(np.uint8), voter_of, len(voters))
    learned = any(part.dumps == 0 for part in parts)
    columns = dict(zip(CHANGES, changes, strict=True)) | dict(zip(STEPS, steps, strict=True))
    return Votes(from_us, until_us, afi, hi, lo, length, **columns, rows=rows, gaps=gaps, learned=learned)


def _merge_prefixes(
    parts: list[CollectorPart],
) -> tuple[
    npt.NDArray[np.uint8],
    npt.NDArray[np.uint64],
    npt.NDArray[np.uint64],
    npt.NDArray[np.uint8],
    list[npt.NDArray[np.int32]],
]:
    """Watched prefixes of all parts in address order, and for each part the number of each of its prefixes."""
    watched = [np.unique(part.log.prefix[part.log.prefix >= 0]) for part in parts]
    columns = [
        np.concatenate([getattr(part, name)[ids] for part, ids in zip(parts, watched, strict=True)] or [np.empty(0)])
        for name in ("afi", "hi", "lo", "length")
    ]
    keys = np.empty(len(columns[0]), [("afi", "u1"), ("hi", "u8"), ("lo", "u8"), ("length", "u1")])
    for name, column in zip(("afi", "hi", "lo", "length"), columns, strict=True):
        keys[name] = column
    unique, inverse = np.unique(keys, return_inverse=True)
    numbers, at = [], 0
    for part, ids in zip(parts, watched, strict=True):
        number = np.full(len(part.afi), -1, np.int32)
        number[ids] = inverse[at : at + len(ids)]
        at += len(ids)
        numbers.append(number)
    return unique["afi"], unique["hi"], unique["lo"], unique["length"], numbers


def _session_name(part: CollectorPart, peer: int) -> str:
    address = address_text(part.peers.afi[peer], part.peers.address_hi[peer], part.peers.address_lo[peer])
    return f"{part.collector} AS{part.peers.asn[peer]} {address}"


def _switches(
    parts: list[CollectorPart],
    offsets: npt.NDArray[np.int64],
    sessions: tuple[str, ...],
    from_us: int,
    until_us: int,
) -> tuple[list[tuple[int, int, int]], tuple[Gap, ...]]:
    """When each session begins and stops to vote: (time, session, Vote) and the gaps that this makes."""
    count = int(offsets[-1])
    dumped = np.zeros(count, np.bool_)
    sample_us = np.unique(np.concatenate([part.sample_us for part in parts] or [np.empty(0, np.int64)]))
    sizes = np.zeros((len(sample_us), count, 2), np.int32)
    for part, offset in zip(parts, offsets, strict=False):
        span = slice(offset, offset + len(part.peers))
        dumped[span] = part.dumps > 0
        sizes[np.searchsorted(sample_us, part.sample_us), span] = part.sizes
    full = full_feed(sizes, dumped)
    out: list[tuple[int, int, int]] = []
    gaps: list[Gap] = []
    for part, offset in zip(parts, offsets, strict=False):
        holes = [(gap.from_us, gap.until_us) for gap in part.gaps]
        lives = _live_spans(part, from_us, until_us)
        ever_full: npt.NDArray[np.bool_] = np.zeros(len(part.peers), np.bool_)
        for sample in full:
            ever_full |= sample[offset : offset + len(part.peers)].any(axis=1)
        for peer in range(len(part.peers)):
            session = int(offset) + peer
            alive = _minus(lives[peer], holes)
            for family, on, off in ((0, Vote.ON4, Vote.OFF4), (1, Vote.ON6, Vote.OFF6)):
                spans = _both(_true_spans(sample_us, full[:, session, family], until_us), alive)
                for start, end in spans:
                    out.append((start, session, on))
                    if end < until_us:
                        out.append((end, session, off))
            if ever_full[peer]:
                gaps += [
                    Gap(sessions[session], start, end, reason, 1)
                    for start, end, reason in _session_gaps(part, peer, from_us, until_us)
                ]
        voters = len({asn for asn, full_feed_once in zip(part.peers.asn, ever_full, strict=True) if full_feed_once})
        gaps += [replace(gap, peers=voters) for gap in part.gaps]
    gaps.sort(key=lambda gap: (gap.from_us, gap.source, gap.until_us))
    return out, tuple(gaps)


def _live_spans(part: CollectorPart, from_us: int, until_us: int) -> list[list[tuple[int, int]]]:
    """Stretches [start, end) in which each peer's session was up and heard."""
    spans: list[list[tuple[int, int]]] = [[] for _ in range(len(part.peers))]
    since = [-1] * len(part.peers)
    marks = np.flatnonzero(part.log.prefix < 0)
    for row in marks:
        peer, op, time_us = int(part.log.peer[row]), int(part.log.op[row]), int(part.log.time_us[row])
        if op in (Op.UP, Op.HEARD, Op.DUMPED):
            if since[peer] < 0:
                since[peer] = time_us
        elif since[peer] >= 0:
            spans[peer].append((since[peer], time_us))
            since[peer] = -1
    for peer, start in enumerate(since):
        if start >= 0:
            spans[peer].append((start, until_us))
    return [[(max(a, from_us), b) for a, b in own if b > from_us] for own in spans]


def _session_gaps(part: CollectorPart, peer: int, from_us: int, until_us: int) -> list[tuple[int, int, str]]:
    """Stretches in which one peer's session was down or silent, with the reason."""
    reasons = {Op.DOWN: "session down", Op.SILENT: "nothing heard for an hour"}
    out: list[tuple[int, int, str]] = []
    since: tuple[int, str] | None = None
    for row in np.flatnonzero((part.log.prefix < 0) & (part.log.peer == peer)):
        op, time_us = int(part.log.op[row]), int(part.log.time_us[row])
        if op in reasons and since is None:
            since = (time_us, reasons[Op(op)])
        elif op not in reasons and since is not None:
            out.append((since[0], time_us, since[1]))
            since = None
    if since is not None:
        out.append((since[0], until_us, since[1]))
    return [(max(a, from_us), b, why) for a, b, why in out if b > max(a, from_us)]


def _true_spans(times: npt.NDArray[np.int64], flags: npt.NDArray[np.bool_], until_us: int) -> list[tuple[int, int]]:
    """Stretches in which a flag that is set at each time, and holds to the next, is true."""
    if not len(flags):
        return []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    ends = np.concatenate([times, [until_us]])
    return [(int(ends[a]), int(ends[b])) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _both(a: list[tuple[int, int]], b: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where both lists of stretches hold."""
    out = []
    for start, end in a:
        for other_start, other_end in b:
            low, high = max(start, other_start), min(end, other_end)
            if low < high:
                out.append((low, high))
    return sorted(out)


def _minus(a: list[tuple[int, int]], holes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches of ``a`` without the holes."""
    for hole_start, hole_end in holes:
        left = []
        for start, end in a:
            if hole_end <= start or hole_start >= end:
                left.append((start, end))
                continue
            if start < hole_start:
                left.append((start, hole_start))
            if hole_end < end:
                left.append((hole_end, end))
        a = left
    return a


def _vote_rows(
    parts: list[CollectorPart],
    numbers: list[npt.NDArray[np.int32]],
    offsets: npt.NDArray[np.int64],
    switches: list[tuple[int, int, int]],
    sessions: tuple[str, ...],
    voter_of: npt.NDArray[np.int32],
) -> VoteRows:
    codes = np.full(len(Op), 255, np.uint8)
    told = (Op.HOLD, Op.LOSE, Op.DUMPED_HOLD, Op.DOWN, Op.DUMPED)
    codes[list(told)] = [Vote.HOLD, Vote.LOSE, Vote.DUMPED_HOLD, Vote.CLEAR, Vote.COMPLETE]
    columns: dict[str, list[npt.NDArray]] = {  # type: ignore[type-arg]
        name: [] for name in ("time", "session", "prefix", "code", "origin", "upstream", "beyond")
    }
    for part, number, offset in zip(parts, numbers, offsets, strict=False):
        log = part.log
        code = codes[log.op]
        keep = code != 255
        columns["time"].append(log.time_us[keep])
        columns["session"].append((log.peer[keep] + offset).astype(np.int32))
        where = log.prefix[keep]
        columns["prefix"].append(np.where(where >= 0, number[where] if len(number) else -1, -1).astype(np.int32))
        columns["code"].append(code[keep])
        columns["origin"].append(log.origin[keep])
        columns["upstream"].append(log.upstream[keep])
        columns["beyond"].append(log.beyond[keep])
    columns["time"].append(np.array([s[0] for s in switches], np.int64))
    columns["session"].append(np.array([s[1] for s in switches], np.int32))
    columns["prefix"].append(np.full(len(switches), -1, np.int32))
    columns["code"].append(np.array([s[2] for s in switches], np.uint8))
    columns["origin"].append(np.zeros(len(switches), np.uint32))
    columns["upstream"].append(np.zeros(len(switches), np.uint32))
    columns["beyond"].append(np.zeros(len(switches), np.uint32))
    time, session, prefix, code, origin, upstream, beyond = (np.concatenate(column) for column in columns.values())
    # At one moment voters leave first and join last, so that a session's end takes no vote off a prefix.
    rank = np.ones(len(code), np.int8)
    rank[np.isin(code, (Vote.OFF4, Vote.OFF6))] = 0
    rank[np.isin(code, (Vote.ON4, Vote.ON6))] = 2
    order = np.lexsort((rank, time))
    return VoteRows(
        time[order],
        session[order],
        prefix[order],
        code[order],
        origin[order],
        upstream[order],
        beyond[order],
        sessions,
        voter_of,
    )


def _walk(
    rows: VoteRows,
    prefixes: int,
    family: npt.NDArray[np.uint8],
    voter_of: npt.NDArray[np.int32],
    voter_count: int,
) -> tuple[tuple[npt.NDArray, ...], tuple[npt.NDArray, ...]]:  # type: ignore[type-arg]
    sessions = len(voter_of)
    walk = (
        np.zeros((prefixes, sessions), np.uint8),
        np.zeros((prefixes, voter_count), np.uint16),
        np.zeros((prefixes, voter_count), np.uint16),
        np.zeros(prefixes, np.int32),
        np.zeros(prefixes, np.int32),
        np.zeros(prefixes, np.uint8),
        np.ones(prefixes, np.uint8),
        np.zeros(prefixes, np.uint32),
        np.zeros(prefixes, np.uint32),
        np.zeros(prefixes, np.uint32),
        np.zeros(prefixes, np.uint8),
        np.zeros((sessions, 2), np.uint8),
        np.zeros(sessions, np.uint8),
        np.zeros(sessions, np.uint8),
        np.zeros((voter_count, 2), np.int32),
        np.zeros(2, np.int32),
    )
    touched = np.zeros(prefixes, np.uint8)
    touched_list = np.zeros(prefixes, np.int32)
    room = max(2 * prefixes, 1 << 16)
    kinds = (np.int64, np.int32, np.uint8, np.int32, np.int32, np.uint32, np.uint32, np.uint32, np.uint8)
    changes: list[tuple[npt.NDArray, ...]] = [tuple(np.empty(0, kind) for kind in kinds)]  # type: ignore[type-arg]
    steps: list[tuple[npt.NDArray, ...]] = [  # type: ignore[type-arg]
        (np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int32))
    ]
    row, more = 0, True
    while more:
        out = tuple(np.empty(room, kind) for kind in kinds)
        step_out = (np.empty(1 << 14, np.int64), np.empty(1 << 14, np.int32), np.empty(1 << 14, np.int32))
        row, n, m, more = count_votes(
            rows.time_us,
            rows.session,
            rows.prefix,
            rows.code,
            rows.origin,
            rows.upstream,
            rows.beyond,
            voter_of,
            family,
            *walk,
            row,
            touched,
            touched_list,
            *out,
            *step_out,
        )
        changes.append(tuple(column[:n] for column in out))
        steps.append(tuple(column[:m] for column in step_out))
    return (
        tuple(np.concatenate(column) for column in zip(*changes, strict=True)),
        tuple(np.concatenate(column) for column in zip(*steps, strict=True)),
    )
