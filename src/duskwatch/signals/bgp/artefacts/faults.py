"""Faults of the recording that have nothing to do with any one entity: each recognised from what was read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from duskwatch.records.coverage import Artefact
from duskwatch.records.report import InputFile
from duskwatch.records.times import HOUR, MINUTE, SECOND, span_text
from duskwatch.signals.bgp.artefacts.heard import ClockStep, Heard
from duskwatch.signals.bgp.artefacts.lone import collector_of, could_decide_alone
from duskwatch.signals.bgp.log import FAMILIES_OF, Op
from duskwatch.signals.bgp.votes import CollectorPart, Votes

# A collector restarts: at least so many of its sessions, and such a share of them, go down within this time.
RESTART_SESSIONS = 3
RESTART_SHARE = 0.5
RESTART_US = 5 * MINUTE
# A table transfer: within two bins a peer announces such a share of what it holds. Tables far smaller than the
# collector's largest, or than this, are of partial peers, who send most of theirs with any change of path.
TRANSFER_SHARE = 0.5
TRANSFER_TABLE = 0.5
TRANSFER_LEAST = 20
# A peer's table differs from the next dump by such a share of both: more than what changes while a dump is written.
DISAGREEMENT = 0.02


@dataclass(frozen=True, slots=True)
class Transfer:
    """A session that sent its whole table, or most of it: in the bins [first, until) of its collector's tally."""

    session: int  # row in VoteRows.sessions
    from_us: int
    until_us: int
    announced: int
    table: int  # prefixes that it held at most meanwhile


@dataclass(frozen=True, slots=True)
class Faults:
    """What was recognised in one replay."""

    artefacts: tuple[Artefact, ...]
    transfers: tuple[Transfer, ...]
    downs: tuple[tuple[int, int], ...]  # (time, session) of each end of a session, in time order
    same: dict[str, str]  # collectors that are another one under a second name
    lopsided: bool  # one collector could decide alone what counts as lost
    heard: tuple[Heard, ...]
    offsets: tuple[int, ...]  # first session of each collector in VoteRows.sessions, as ``heard``


def find_faults(
    parts: Sequence[CollectorPart], heard: Sequence[Heard], inputs: Sequence[InputFile], votes: Votes
) -> Faults:
    """Everything that happened to the recording in a replay, of which ``votes`` came. The order of parts is free."""
    parts = sorted(parts, key=lambda part: part.collector)
    by_name = {of_part.collector: of_part for of_part in heard}
    offsets = np.cumsum([0] + [len(part.peers) for part in parts])
    downs: list[tuple[int, int]] = []
    transfers: list[Transfer] = []
    found: list[Artefact] = []
    for part, offset in zip(parts, offsets, strict=False):
        downs += [(time_us, int(offset) + peer) for time_us, peer in _downs(part, votes.from_us, votes.until_us)]
        found += _restarts(part, votes)
        found += _disagreements(part, votes.from_us)
        if part.collector in by_name:
            of_part = _transfers(part, by_name[part.collector], int(offset))
            transfers += of_part
            found += _restarts_unseen(part, of_part, downs)
            found += _clock_steps(by_name[part.collector])
    found += _joined_transfers(transfers, votes)
    found += _nothing_recorded(votes)
    doubled, same = _doubled_files(inputs)
    found += doubled
    kept = [part.collector for part in parts if part.collector in by_name]
    return Faults(
        tuple(sorted(found, key=lambda one: (one.from_us, one.kind, one.source, one.until_us))),
        tuple(transfers),
        tuple(sorted(downs)),
        same,
        could_decide_alone(votes.rows, same),
        tuple(by_name[name] for name in kept),
        tuple(int(offset) for part, offset in zip(parts, offsets, strict=False) if part.collector in by_name),
    )


def _downs(part: CollectorPart, from_us: int, until_us: int) -> list[tuple[int, int]]:
    """(time, peer) of each end of a session in the window. A table dump that fills a table anew ends none."""
    log = part.log
    marks = np.flatnonzero(log.prefix < 0)
    dumped = marks[np.isin(log.op[marks], list(FAMILIES_OF))]
    refilled = {(int(log.time_us[row]), int(log.peer[row])) for row in dumped}
    ends = marks[(log.op[marks] == Op.DOWN) & (log.time_us[marks] >= from_us) & (log.time_us[marks] < until_us)]
    ends_at = [(int(log.time_us[row]), int(log.peer[row])) for row in ends]
    return [down for down in ends_at if down not in refilled]


def _restarts(part: CollectorPart, votes: Votes) -> list[Artefact]:
    """Sessions of one collector that went down together, until half of those that voted do so again."""
    downs = sorted(_downs(part, votes.from_us, votes.until_us))
    sessions = part.met
    need = max(RESTART_SESSIONS, RESTART_SHARE * sessions)
    out: list[Artefact] = []
    at = 0
    while at < len(downs):
        begin = downs[at][0]
        last = at
        while last < len(downs) and downs[last][0] - begin <= RESTART_US:
            last += 1
        peers = {peer for _, peer in downs[at:last]}
        if len(peers) < need:
            at += 1
            continue
        end = _back(part, peers, begin, votes.until_us)
        out.append(
            Artefact(
                "collector restart",
                part.collector,
                begin,
                end,
                f"{len(peers)} of {sessions} sessions went down {_within(downs[last - 1][0] - begin)}",
                len(peers),
            )
        )
        at = last
        while at < len(downs) and downs[at][0] <= end:
            at += 1
    return out


def _within(length_us: int) -> str:
    return f"within {span_text(length_us)}" if length_us >= SECOND else "in the same second"


def _restarts_unseen(
    part: CollectorPart, transfers: Sequence[Transfer], downs: Sequence[tuple[int, int]]
) -> list[Artefact]:
    """Many sessions of a collector sent their tables at once, and no end of theirs was recorded: it restarted too.

    Collectors that restart write no state changes of the sessions that they lost with it.
    """
    sessions = part.met
    ended = [(session, time_us) for time_us, session in downs]
    alone = sorted(
        (
            transfer
            for transfer in transfers
            if not any(
                session == transfer.session and transfer.from_us - HOUR <= time_us < transfer.until_us
                for session, time_us in ended
            )
        ),
        key=lambda transfer: transfer.from_us,
    )
    out: list[Artefact] = []
    while alone:
        end = alone[0].until_us
        together = [transfer for transfer in alone if transfer.from_us <= end]
        many = len({transfer.session for transfer in together})
        if many >= max(RESTART_SESSIONS, RESTART_SHARE * sessions):
            detail = f"{many} of {sessions} sessions sent their whole tables at once; no end of theirs was recorded"
            last = max(transfer.until_us for transfer in together)
            out.append(Artefact("collector restart", part.collector, alone[0].from_us, last, detail, many))
        alone = alone[len(together) :]
    return out


def _back(part: CollectorPart, peers: set[int], begin_us: int, until_us: int) -> int:
    """When half of some peers were heard of again after a time."""
    log = part.log
    up = (log.prefix < 0) & np.isin(log.op, (Op.UP, Op.HEARD, *FAMILIES_OF)) & (log.time_us > begin_us)
    first: dict[int, int] = {}
    for row in np.flatnonzero(up):
        first.setdefault(int(log.peer[row]), int(log.time_us[row]))
    times = sorted(first[peer] for peer in peers if peer in first)
    half = (len(peers) - 1) // 2
    return times[half] if len(times) > half else until_us


def _disagreements(part: CollectorPart, from_us: int) -> list[Artefact]:
    out = []
    for check in part.checks:
        if check.time_us >= from_us and check.rate > DISAGREEMENT:
            out.append(
                Artefact(
                    "table disagreement",
                    f"{part.collector} AS{part.peers.asn[check.peer]}",
                    check.time_us,
                    check.time_us,
                    f"{check.missing:,} prefixes of the table dump were not known to be held, "
                    f"{max(0, check.held - check.matched):,} known to be held were not in it, {check.matched:,} agree",
                    1,
                )
            )
    return out


def _transfers(part: CollectorPart, heard: Heard, offset: int) -> list[Transfer]:
    """Peers that announced half of their table or more within two bins.

    Only where the tables were known from a dump: learned tables grow by announcements.
    """
    if not part.dumps or not len(part.sample_us) or not heard.counts.shape[1]:
        return []
    bins, peers = heard.counts.shape[:2]
    announced = heard.counts[:, :, 0].astype(np.int64)
    pairs = announced + np.vstack([np.zeros((1, peers), np.int64), announced[:-1]])
    edge_us = heard.from_us + heard.bin_us * np.arange(bins + 1, dtype=np.int64)
    sample = np.clip(np.searchsorted(part.sample_us, edge_us, side="right") - 1, 0, len(part.sample_us) - 1)
    size = np.zeros((bins + 1, peers), np.int64)
    recorded = min(peers, part.sizes.shape[1])
    size[:, :recorded] = part.sizes[sample, :recorded].sum(axis=2)
    table = np.maximum(size[1:], size[:-1])
    least = np.maximum(TRANSFER_LEAST, TRANSFER_TABLE * table.max(axis=1, keepdims=True))
    big = (pairs >= TRANSFER_SHARE * table) & (table >= least) & (announced > 0)
    out = []
    for peer in np.flatnonzero(big.any(axis=0)):
        rows = np.flatnonzero(big[:, peer])
        # A transfer that two bins make counts from the second; the first belongs to it.
        rows = np.unique(np.concatenate([rows, rows[announced[rows, peer] < TRANSFER_SHARE * table[rows, peer]] - 1]))
        rows = rows[rows >= 0]
        for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
            first, last = int(run[0]), int(run[-1]) + 1
            out.append(
                Transfer(
                    offset + int(peer),
                    int(edge_us[first]),
                    int(edge_us[last]),
                    int(announced[first:last, peer].sum()),
                    int(table[first:last, peer].max()),
                )
            )
    return out


def _joined_transfers(transfers: Sequence[Transfer], votes: Votes) -> list[Artefact]:
    """Those of one collector that overlap are one artefact."""
    out: list[Artefact] = []
    groups: dict[str, list[list[Transfer]]] = {}
    for transfer in sorted(transfers, key=lambda transfer: (transfer.from_us, transfer.session)):
        overlapping = groups.setdefault(collector_of(votes.rows.sessions[transfer.session]), [])
        if not overlapping or transfer.from_us >= max(other.until_us for other in overlapping[-1]):
            overlapping.append([])
        overlapping[-1].append(transfer)
    for collector, overlapping in groups.items():
        for group in overlapping:
            sessions = sorted({transfer.session for transfer in group})
            who = "a peer" if len(sessions) == 1 else f"{len(sessions)} peers"
            table = max(transfer.table for transfer in group)
            announced = sum(transfer.announced for transfer in group)
            out.append(
                Artefact(
                    "table transfer",
                    votes.rows.sessions[sessions[0]] if len(sessions) == 1 else collector,
                    group[0].from_us,
                    min(max(transfer.until_us for transfer in group), votes.until_us),
                    f"{announced:,} announcements by {who}; tables hold up to {table:,} prefixes",
                    len(sessions),
                )
            )
    return out


def _clock_steps(heard: Heard) -> list[Artefact]:
    """Steps of one collector's clock; those of files one after the other are one artefact."""
    groups: list[list[ClockStep]] = []
    for step in sorted(heard.steps, key=lambda step: step.from_us):
        if not groups or step.from_us > max(other.until_us for other in groups[-1]):
            groups.append([])
        groups[-1].append(step)
    out = []
    for group in groups:
        off_us = group[0].off_us
        moved, left_out = (sum(getattr(step, name) for step in group) for name in ("moved", "left_out"))
        done = [f"{moved:,} statements were set right by it"] if moved else []
        done += [f"{left_out:,} were left out, as they may belong to another file"] if left_out else []
        done = done or ["the time in the name was taken"]
        which = group[0].file if len(group) == 1 else f"{len(group)} files from {group[0].file} on"
        way = "ahead of" if off_us > 0 else "behind"
        detail = f"times in {which} are {span_text(abs(off_us))} {way} those in the name; {' and '.join(done)}"
        end = max(step.until_us for step in group)
        out.append(Artefact("clock step", heard.collector, group[0].from_us, end, detail))
    return out


def _nothing_recorded(votes: Votes) -> list[Artefact]:
    """Stretches in which none of several collectors had a voter, though there were some at other times.

    Collectors fail apart from each other: where all are gone at once, it was on our side of them.
    """
    watching = (votes.voters4 > 0) | (votes.voters6 > 0)
    collectors = len(set(map(collector_of, votes.rows.sessions)))
    if collectors < 2 or not watching.any():
        return []
    times = np.concatenate([[votes.from_us], votes.step_us, [votes.until_us]])
    lit = np.concatenate([[False], watching])
    out = []
    for row in np.flatnonzero(~lit):
        start, end = int(times[row]), int(times[row + 1])
        reasons = sorted({gap.reason for gap in votes.gaps if gap.from_us < end and gap.until_us > start})
        if end - start >= SECOND and reasons:
            detail = f"no data of any of {collectors} collectors: {', '.join(reasons)}"
            out.append(Artefact("nothing recorded", "", start, end, detail))
    return out


def _doubled_files(inputs: Sequence[InputFile]) -> tuple[list[Artefact], dict[str, str]]:
    """Files given twice, and collectors that are another one under a second name."""
    found: list[Artefact] = []
    by_hash: dict[str, list[InputFile]] = {}
    for read in inputs:
        if read.kind in ("mrt", "doubled") and read.from_us is not None:
            by_hash.setdefault(read.sha256, []).append(read)
    same: dict[str, str] = {}
    for copies in by_hash.values():
        if len(copies) < 2:
            continue
        first = copies[0]
        names = sorted({copy.collector for copy in copies})
        for name in names[1:]:
            same[name] = min(names[0], same.get(name, names[0]))
        where = f" for {' and '.join(names)}: they count as one collector" if len(names) > 1 else "; it counts once"
        detail = f"{first.name} was given {len(copies)} times{where}"
        begin, end = first.from_us or 0, first.until_us or 0  # files without a time were passed over above
        found.append(Artefact("doubled file", " ".join(names), begin, end, detail))
    return found, same
