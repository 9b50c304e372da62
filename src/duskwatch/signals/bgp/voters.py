"""Who votes when: full-feed sessions that are there, and the gaps that the others make."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from duskwatch.records.signals import Gap
from duskwatch.signals.bgp.collector_part import CollectorPart
from duskwatch.signals.bgp.full_feed import full_feed, whole_by_dumps
from duskwatch.signals.bgp.log import FAMILIES_OF, Op, RoutingLog
from duskwatch.signals.bgp.start_table import Session
from duskwatch.signals.bgp.vote_rows import Vote

# A table that falls to this share of itself from one sample to the next has collapsed.
COLLAPSE = 0.9
BEGINS = frozenset({Op.UP, Op.HEARD, *FAMILIES_OF})  # a session is there from then on
# Why a peer that had a vote has none, though nothing happened to its session.
NO_FULL_FEED = "its table is less than a full feed"
# A peer whose folded table differs from a table dump by more than this share of both has no vote until one agrees.
# What changes while a dump is written is far less (docs/explanation/visibility.md has the figures).
DOUBT_RATE = 0.05


def switches(
    parts: Sequence[CollectorPart],
    offsets: npt.NDArray[np.int64],
    from_us: int,
    until_us: int,
) -> tuple[list[tuple[int, int, int]], tuple[Gap, ...]]:
    """When each session begins and stops to vote, (time, session, Vote), and the gaps that this makes.

    offsets int64[parts + 1]: the number of each part's first session.
    """
    count = int(offsets[-1])
    sample_us = np.unique(np.concatenate([part.sample_us for part in parts] or [np.empty(0, np.int64)]))
    sizes = np.zeros((len(sample_us), count, 2), np.int32)
    dumped = np.zeros(sizes.shape, np.bool_)
    logs = [_sessions_alone(part.log) for part in parts]
    for part, log, offset in zip(parts, logs, offsets, strict=False):
        span = slice(offset, offset + len(part.peers))
        dumped[:, span] = whole_by_dumps(part, log, sample_us)
        # Tables are as they were noted last, should collectors have been noted at other times.
        last = np.searchsorted(part.sample_us, sample_us, side="right") - 1
        sizes[last >= 0, span] = part.sizes[last[last >= 0]]
    asn = np.array([asn for part in parts for asn in part.peers.asn], np.int64)
    full = full_feed(sizes, dumped, asn)
    out: list[tuple[int, int, int]] = []
    gaps: list[Gap] = []
    for part, log, offset in zip(parts, logs, offsets, strict=False):
        holes = [(gap.from_us, gap.until_us) for gap in part.gaps]
        watched = max(from_us, part.from_us), until_us
        lives = _live_spans(part.start.sessions, log, len(part.peers), sample_us, *watched)
        doubted = _doubted_spans(part, from_us, until_us)
        ever_full: npt.NDArray[np.bool_] = np.zeros(len(part.peers), np.bool_)
        for sample in full:
            ever_full |= sample[offset : offset + len(part.peers)].any(axis=1)
        fallen: list[set[tuple[int, int]]] = [set() for _ in range(len(part.peers))]
        short: list[set[tuple[int, int]]] = [set() for _ in range(len(part.peers))]
        for peer in range(len(part.peers)):
            session = int(offset) + peer
            alive = _minus(lives[peer], holes + doubted.get(peer, []))
            for address_family, on, off in ((0, Vote.ON4, Vote.OFF4), (1, Vote.ON6, Vote.OFF6)):
                whole = _true_spans(sample_us, full[:, session, address_family], until_us)
                cut = [_ahead_of_collapse(span, sample_us, sizes[:, session, address_family], alive) for span in whole]
                following = [start for start, _ in whole[1:]] + [until_us]
                for (_, end), (_, shown), later in zip(cut, whole, following, strict=False):
                    if end < shown:
                        fallen[peer].add((end, later))
                    elif dumped[-1, session, address_family]:
                        short[peer] |= set(_both([(shown, later)], alive))
                spans = _both(cut, alive)
                for start, end in spans:
                    out.append((start, session, on))
                    if end < until_us:
                        out.append((end, session, off))
            if ever_full[peer]:
                gaps += [
                    Gap(part.session(peer), start, end, reason, 1)
                    for start, end, reason in _session_gaps(part.start.sessions[peer], log, peer, sample_us, *watched)
                ]
                gaps += [Gap(part.session(peer), *stretch, "its table fell", 1) for stretch in sorted(fallen[peer])]
                gaps += [Gap(part.session(peer), *stretch, NO_FULL_FEED, 1) for stretch in sorted(short[peer])]
                gaps += [
                    Gap(part.session(peer), start, end, "its table differs from the table dump", 1)
                    for start, end in doubted.get(peer, [])
                ]
        voters = len({asn for asn, full_feed_once in zip(part.peers.asn, ever_full, strict=True) if full_feed_once})
        # One that became known late may have been logged of the time before the window.
        whole_part = [replace(gap, from_us=max(gap.from_us, from_us), peers=voters) for gap in part.gaps]
        gaps += [gap for gap in whole_part if gap.from_us < gap.until_us]
    gaps.sort(key=lambda gap: (gap.from_us, gap.source, gap.until_us))
    return out, tuple(gaps)


def _sessions_alone(log: RoutingLog) -> RoutingLog:
    """The rows about sessions; of a whole table they are few among millions."""
    rows = np.flatnonzero(log.prefix < 0)
    return RoutingLog(log.time_us[rows], log.peer[rows], log.prefix[rows], log.op[rows], log.route[rows])


def _live_spans(
    sessions: npt.NDArray[np.uint8],
    log: RoutingLog,
    peers: int,
    sample_us: npt.NDArray[np.int64],
    from_us: int,
    until_us: int,
) -> list[list[tuple[int, int]]]:
    """Stretches [start, end) in which each peer's session was up and heard. ``sessions``: as the window began."""
    spans: list[list[tuple[int, int]]] = [[] for _ in range(peers)]
    since: list[int | None] = [from_us if sessions[peer] == Session.LIVE else None for peer in range(peers)]
    for peer, op, time_us in zip(log.peer.tolist(), log.op.tolist(), log.time_us.tolist(), strict=True):
        if op in BEGINS:
            begun = _counts_from(op, time_us, sample_us, until_us)
            earlier = since[peer]
            since[peer] = begun if earlier is None else min(earlier, begun)
        elif (start := since[peer]) is not None:
            spans[peer].append((start, time_us))
            since[peer] = None
    for peer, start in enumerate(since):
        if start is not None:
            spans[peer].append((start, until_us))
    return [[(max(a, from_us), b) for a, b in of_peer if b > max(a, from_us)] for of_peer in spans]


def _counts_from(op: int, time_us: int, sample_us: npt.NDArray[np.int64], until_us: int) -> int:
    """From when on a session is taken at its word that is there, or is heard, again.

    A session that begins anew has an empty table: it counts from the first sample that shows what it has by then.
    """
    if op != Op.UP:
        return time_us
    shown = int(np.searchsorted(sample_us, time_us))
    return int(sample_us[shown]) if shown < len(sample_us) else until_us


def _doubted_spans(part: CollectorPart, from_us: int, until_us: int) -> dict[int, list[tuple[int, int]]]:
    """Stretches in which a peer's folded table is not believed: from a dump that differs to the next that agrees."""
    spans: dict[int, list[tuple[int, int]]] = {}
    since: dict[int, int] = {}
    for check in sorted(part.checks, key=lambda check: check.time_us):
        if check.rate > DOUBT_RATE:
            since.setdefault(check.peer, check.time_us)
        elif check.peer in since:
            spans.setdefault(check.peer, []).append((since.pop(check.peer), check.time_us))
    for peer, start in since.items():
        spans.setdefault(peer, []).append((start, until_us))
    return {peer: [(max(a, from_us), b) for a, b in of_peer if b > from_us] for peer, of_peer in spans.items()}


def _session_gaps(
    session: np.uint8,
    log: RoutingLog,
    peer: int,
    sample_us: npt.NDArray[np.int64],
    from_us: int,
    until_us: int,
) -> list[tuple[int, int, str]]:
    """Stretches in which one peer's session was down or silent, with the reason. ``session``: as the window began."""
    reasons = {Op.DOWN: "session down", Op.SILENT: "nothing heard for an hour"}
    begun = {Session.ENDED: reasons[Op.DOWN], Session.QUIET: reasons[Op.SILENT]}.get(Session(int(session)))
    out: list[tuple[int, int, str]] = []
    since: tuple[int, str] | None = None if begun is None else (from_us, begun)
    for row in np.flatnonzero(log.peer == peer):
        op, time_us = int(log.op[row]), int(log.time_us[row])
        if op in reasons and since is None:
            since = (time_us, reasons[Op(op)])
        elif op not in reasons and since is not None:
            out.append((since[0], _counts_from(op, time_us, sample_us, until_us), since[1]))
            since = None
    if since is not None:
        out.append((since[0], until_us, since[1]))
    joined: list[tuple[int, int, str]] = []
    for start, end, why in out:
        if joined and joined[-1][2] == why and start <= joined[-1][1]:
            start, end = joined[-1][0], max(end, joined.pop()[1])
        joined.append((start, end, why))
    return [(max(a, from_us), b, why) for a, b, why in joined if b > max(a, from_us)]


def _true_spans(times: npt.NDArray[np.int64], flags: npt.NDArray[np.bool_], until_us: int) -> list[tuple[int, int]]:
    """Stretches in which a flag that is set at each time, and holds to the next, is true."""
    if not len(flags):
        return []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    ends = np.concatenate([times, [until_us]])
    return [(int(ends[a]), int(ends[b])) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _ahead_of_collapse(
    span: tuple[int, int],
    sample_us: npt.NDArray[np.int64],
    sizes: npt.NDArray[np.int32],
    alive: list[tuple[int, int]],
) -> tuple[int, int]:
    """A stretch of full feed, cut where the table that ends it began to fall.

    A peer that loses its own way to the Internet takes its whole table back while its session stays up. What it took
    back before the sample that shows it is no word on single prefixes.
    """
    at = int(np.searchsorted(sample_us, span[1]))
    if not 0 < at < len(sample_us) or sizes[at] > COLLAPSE * sizes[at - 1]:
        return span
    before = int(sample_us[at - 1])
    stayed = any(start <= before and end >= span[1] for start, end in alive)
    return (span[0], max(span[0], before)) if stayed else span


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
