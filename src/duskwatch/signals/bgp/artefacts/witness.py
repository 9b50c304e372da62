"""Who witnessed an outage: what each voter held before it and lost in it, and whether it went on talking meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.guard import witnesses as walk
from duskwatch.records.coverage import Artefact, CollectorView, Doubt, PeerView, Witnesses
from duskwatch.records.outages import Outage
from duskwatch.records.signals import EntityHistory, PrefixState
from duskwatch.records.times import HOUR, MINUTE, span_text
from duskwatch.signals.bgp.artefacts.faults import Faults
from duskwatch.signals.bgp.artefacts.lone import LoneLoss, narrowed, places
from duskwatch.signals.bgp.votes import Vote, Votes

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
Bool = npt.NDArray[np.bool_]

# Sessions that end so shortly before or after the onset are named.
NEAR_US = 10 * MINUTE
# A route is stuck when it stays so long after it went everywhere else (Fontugne et al., BGP Zombies, PAM 2019), at a
# peer that said other things meanwhile.
STUCK_US = 90 * MINUTE
STUCK_OTHERS = 0.75  # of the other voters must have lost it
FEW_VOTERS = 3  # fewer that saw it could be single faults (the detectors ask for more time then)
ENOUGH_AT_ONE = 10  # with so many voters one collector's word is taken where there is no other
ELSEWHERE = (
    0.2  # such a share of other prefixes lost at the same moment, of at least so many, is no one entity's outage
)
ELSEWHERE_LEAST = 10
LEFT_SHARE = 0.25  # such a share of the voters was gone
LEFT_TIME = 0.1  # for such a share of the outage, or about its onset or end
LONE_NEAR_US = HOUR
OURS = "bgp."  # signals that rest on what peers say


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the walk tells of K outages and V voters."""

    before: I32  # [K, V] prefixes of the outage that it held
    lost: I32  # [K, V] and lost
    left_us: I64  # [K, V] when it left the vote; -1 where it did not
    first_us: I64  # [K, V] when it lost the first of them; -1 where it lost none
    stretches: tuple[tuple[int, int], ...]  # [K] what counts as the time of each outage
    affected: tuple[I64, ...]  # [K] the prefixes of each, rows of Votes


@dataclass(frozen=True, slots=True)
class _Watch:
    """Who was watching, over the N steps of a level."""

    edge_us: I64  # [N + 1]
    voters: npt.NDArray[np.float64]  # [N]
    blind: Bool  # [N] nothing was known

    def steps(self, start: int, end: int) -> slice:
        """The steps that a stretch touches, both ends included."""
        first = max(0, int(np.searchsorted(self.edge_us, start, side="right")) - 1)
        return slice(first, max(first + 1, int(np.searchsorted(self.edge_us[:-1], end, side="right"))))


def witness(
    votes: Votes,
    selected: Bool,
    history: EntityHistory,
    outages: Sequence[Outage],
    faults: Faults,
    lone: Sequence[LoneLoss],
    collectors: tuple[tuple[str, ...], I32] | None = None,
) -> tuple[tuple[Witnesses | None, ...], tuple[Artefact, ...]]:
    """For each outage who saw it, and the stuck routes that showed in it. None for outages that no route tells of.

    votes     with lone losses taken out, as ``history`` was measured from
    selected  bool[P]  the entity's prefixes
    collectors  what places() says, where that is known already
    """
    if not outages:
        return (), ()
    seen = _walk(votes, selected, outages)
    names, place_of = collectors or places(votes.rows, faults.same)
    level = history.level
    watch = _Watch(np.append(level.time_us, level.until_us), np.nan_to_num(level.voters), np.isnan(level.prefixes))
    out: list[Witnesses | None] = []
    stuck: list[Artefact] = []
    for k, outage in enumerate(outages):
        if not any(signal.startswith(OURS) for signal in outage.signals):
            out.append(None)
            continue
        witnessed = _witnesses(votes, selected, history, watch, outage, faults, lone, seen, k, names, place_of)
        out.append(witnessed)
        stuck += _stuck(votes, outage, faults, seen, k)
    return tuple(out), tuple(stuck)


def _walk(votes: Votes, selected: Bool, outages: Sequence[Outage]) -> _Seen:
    stretches: list[tuple[int, int]] = []
    for outage in outages:
        start = max(outage.onset.earliest_us, stretches[-1][1] if stretches else votes.from_us)
        end = outage.end.latest_us if outage.end is not None else votes.until_us
        stretches.append((start, max(end, start)))
    affected = tuple(_affected(votes, selected, *stretch) for stretch in stretches)
    which = np.unique(np.concatenate(affected))
    number = np.full(len(votes.afi), -1, np.int32)
    number[which] = np.arange(len(which), dtype=np.int32)
    rows = votes.rows
    time_us, session, prefix, code = narrowed(rows, which, len(votes.afi))
    shape, sessions = len(which), len(rows.voter_of)
    voters = int(rows.voter_of.max(initial=-1)) + 1
    count = len(outages)
    seen = _Seen(
        np.zeros((count, voters), np.int32),
        np.zeros((count, voters), np.int32),
        np.full((count, voters), -1, np.int64),
        np.full((count, voters), -1, np.int64),
        tuple(stretches),
        affected,
    )
    walk(
        time_us, session, prefix, code, rows.voter_of, (votes.afi[which] != 1).astype(np.uint8),
        np.array([start for start, _ in stretches], np.int64),
        # A loss in the last microsecond counts: the end of a stretch is not part of it.
        np.array([end + 1 for _, end in stretches], np.int64),
        np.cumsum([0] + [len(units) for units in affected]).astype(np.int64),
        number[np.concatenate(affected)],
        np.zeros((shape, sessions), np.uint8), np.zeros((shape, voters), np.uint16), np.zeros((sessions, 2), np.uint8),
        np.zeros(sessions, np.uint8), np.zeros(sessions, np.uint8), np.zeros((voters, 2), np.int32),
        np.zeros((shape, voters), np.uint8), seen.before, seen.lost, seen.left_us, seen.first_us,
    )  # fmt: skip
    return seen


def _affected(votes: Votes, selected: Bool, from_us: int, until_us: int) -> I64:
    """Selected prefixes that lost the majority in a stretch (by a route where there are such, else however it was)."""
    low, high = np.searchsorted(votes.time_us, (from_us, until_us + 1))
    rows = np.arange(low, high)
    rows = rows[selected[votes.prefix[rows]] & np.isin(votes.state[rows], (PrefixState.DARK, PrefixState.MINORITY))]
    by_route = rows[votes.by_voters[rows] == 0]
    affected: I64 = np.unique(votes.prefix[by_route if len(by_route) else rows]).astype(np.int64)
    return affected


def _witnesses(
    votes: Votes,
    selected: Bool,
    history: EntityHistory,
    watch: _Watch,
    outage: Outage,
    faults: Faults,
    lone: Sequence[LoneLoss],
    seen: _Seen,
    k: int,
    names: tuple[str, ...],
    place_of: I32,
) -> Witnesses:
    start, end = seen.stretches[k]
    views = _views(votes, seen, k, names, place_of)
    lost = np.flatnonzero((2 * seen.lost[k] >= seen.before[k]) & (seen.before[k] > 0))
    talking, statements = _talk(votes, seen.affected[k], faults, lost, start, end)
    before, least, after = _voters(watch, start, end)
    elsewhere, elsewhere_lost = _elsewhere(votes, selected, outage)
    witnesses = Witnesses(
        views,
        len(seen.affected[k]),
        before,
        least,
        after,
        len({session for time_us, session in faults.downs if _near(outage, time_us)}),
        sum(gap.from_us < end and gap.until_us > start for gap in history.gaps),
        elsewhere,
        elsewhere_lost,
        talking,
        statements,
        (),
    )
    return _doubted(witnesses, watch, outage, faults, lone)


def _near(outage: Outage, time_us: int) -> bool:
    return outage.onset.earliest_us - NEAR_US <= time_us <= outage.onset.latest_us + NEAR_US


def _views(votes: Votes, seen: _Seen, k: int, names: tuple[str, ...], place_of: I32) -> tuple[CollectorView, ...]:
    before, lost = seen.before[k], seen.lost[k]
    held = before > 0
    gone = held & (2 * lost >= before)
    left = held & ~gone & (seen.left_us[k] >= 0)
    views = []
    for place, name in enumerate(names):
        mine = place_of == place
        if not (held & mine).any():
            continue
        first = seen.first_us[k][gone & mine]
        views.append(
            CollectorView(
                name,
                int((gone & mine).sum()),
                int((held & ~gone & ~left & mine).sum()),
                int((left & mine).sum()),
                int(first.min()) if len(first) else None,
                int(first.max()) if len(first) else None,
                _peers(votes, held & mine, gone, left, seen.first_us[k]),
            )
        )
    return tuple(views)


def _peers(votes: Votes, which: Bool, gone: Bool, left: Bool, first_us: I64) -> tuple[PeerView, ...]:
    """Some voters by name, in order of AS number."""
    sessions: dict[int, list[list[str]]] = {}
    for name, voter in zip(votes.rows.sessions, votes.rows.voter_of.tolist(), strict=True):
        if voter >= 0 and which[voter]:
            sessions.setdefault(voter, []).append(name.split())
    views = []
    for voter, names in sessions.items():
        asn = next((int(word[2:]) for word in names[0] if word[:2] == "AS" and word[2:].isdigit()), 0)
        addresses = tuple(sorted({words[-1] for words in names}))
        lost = first_us[voter] >= 0
        views.append(
            PeerView(
                asn,
                addresses,
                "lost" if gone[voter] else "left" if left[voter] else "kept",
                int(first_us[voter]) if lost else None,
            )
        )
    return tuple(sorted(views, key=lambda view: (view.asn, view.addresses)))


def _talk(
    votes: Votes, affected: I64, faults: Faults, voters: I64, start: int, end: int
) -> tuple[int | None, int | None]:
    """Of some voters, how many spoke of other prefixes than those affected in a stretch, and how often.

    Counted are the bins wholly inside it, so that what was said ahead of it does not count; where there are none, those
    that it touches. None where what was said was not counted at all.
    """
    if not faults.heard:
        return None, None
    rows = votes.rows
    is_affected = np.zeros(len(votes.afi), np.bool_)
    is_affected[affected] = True
    count = int(rows.voter_of.max(initial=-1)) + 1
    per_voter = np.zeros(count, np.float64)
    for heard, offset in zip(faults.heard, faults.offsets, strict=True):
        bins, peers = heard.counts.shape[:2]
        first, last = -(-(start - heard.from_us) // heard.bin_us), (end - heard.from_us) // heard.bin_us
        if first >= last:
            first, last = (start - heard.from_us) // heard.bin_us, (end - heard.from_us) // heard.bin_us + 1
        first, last = max(0, first), min(bins, last)
        span = np.searchsorted(rows.time_us, heard.from_us + heard.bin_us * np.array([first, last], np.int64))
        said = heard.counts[first:last].sum(axis=(0, 2), dtype=np.int64)
        voters_of = rows.voter_of[offset : offset + peers]
        per_voter += np.bincount(voters_of, said[: len(voters_of)], count)
        # What they said of what was lost is no sign that they had others to speak of.
        at = slice(*span)
        session, prefix, code = rows.session[at], rows.prefix[at], rows.code[at]
        about = (session >= offset) & (session < offset + peers) & (prefix >= 0)
        about &= ((code == Vote.HOLD) | (code == Vote.LOSE)) & is_affected[prefix]
        per_voter -= np.bincount(rows.voter_of[session[about]], minlength=count)
    others = np.maximum(per_voter[voters], 0)
    return int((others > 0).sum()), int(others.sum())


def _voters(watch: _Watch, start: int, end: int) -> tuple[int, int, int]:
    """Live voters just before a stretch, the fewest in it, and at its end."""
    if not len(watch.voters):
        return 0, 0, 0
    inside = watch.voters[watch.steps(start, end)]
    return int(watch.voters[watch.steps(start - 1, start - 1)][0]), int(inside.min()), int(inside[-1])


def _voters_left(watch: _Watch, outage: Outage) -> bool:
    """Whether many voters were gone about the onset or the end of an outage, or for a good part of it."""
    begun, over = outage.onset, outage.end
    usual = float(watch.voters[watch.steps(begun.earliest_us - NEAR_US, begun.latest_us)].max(initial=0))

    def few(steps: slice) -> Bool:
        gone: Bool = usual - watch.voters[steps] >= max(1.0, LEFT_SHARE * usual)
        return gone

    for when in (begun, over):
        if when is not None and few(watch.steps(when.earliest_us - NEAR_US, when.latest_us + NEAR_US)).any():
            return True
    start, end = begun.earliest_us, over.latest_us if over is not None else int(watch.edge_us[-1])
    steps = watch.steps(start, end)
    length = np.diff(np.clip(watch.edge_us[steps.start : steps.stop + 1], start, end))
    return bool(length[few(steps)].sum() >= LEFT_TIME * max(1, end - start))


def _elsewhere(votes: Votes, selected: Bool, outage: Outage) -> tuple[int, int]:
    """Other prefixes watched in the run, and how many of them lost the majority around the onset and were left so."""
    if selected.all():
        return 0, 0
    low, high = np.searchsorted(votes.time_us, (outage.onset.earliest_us - MINUTE, outage.onset.latest_us + MINUTE + 1))
    rows = np.arange(low, high)
    rows = rows[~selected[votes.prefix[rows]]]
    others = int((~selected).sum())
    prefix = votes.prefix[rows]
    by_route = np.unique(
        prefix[(votes.by_voters[rows] == 0) & np.isin(votes.state[rows], (PrefixState.DARK, PrefixState.MINORITY))]
    )
    # The state in which the minutes leave each of them.
    final, at = np.unique(prefix[::-1], return_index=True)
    last = votes.state[rows[::-1][at]] if len(rows) else np.empty(0, np.uint8)
    gone = final[np.isin(last, (PrefixState.DARK, PrefixState.MINORITY))] if len(rows) else final
    return others, len(np.intersect1d(by_route, gone))


def _doubted(
    witnesses: Witnesses, watch: _Watch, outage: Outage, faults: Faults, lone: Sequence[LoneLoss]
) -> Witnesses:
    """The same with everything that speaks for a fault of the recording."""
    doubts: list[Doubt] = []
    saw = [view for view in witnesses.collectors if view.lost]
    held = sum(view.kept for view in witnesses.collectors if not view.lost)
    if witnesses.lost < FEW_VOTERS:
        doubts.append("few voters")
    elif len(saw) == 1 and (held or (witnesses.lost < ENOUGH_AT_ONE)):
        doubts.append("one collector")
    if witnesses.talking is not None and 2 * witnesses.talking < witnesses.lost:
        doubts.append("silent")
    if witnesses.elsewhere >= ELSEWHERE_LEAST and witnesses.elsewhere_lost >= ELSEWHERE * witnesses.elsewhere:
        doubts.append("elsewhere")
    if _in_gap(watch, outage, faults):
        doubts.append("in a gap")
    if _voters_left(watch, outage):
        doubts.append("voters left")
    end = outage.end.latest_us if outage.end is not None else int(watch.edge_us[-1])
    if any(
        loss.from_us < end + LONE_NEAR_US and loss.until_us > outage.onset.earliest_us - LONE_NEAR_US for loss in lone
    ):
        doubts.append("lone spell")
    return replace(witnesses, doubts=tuple(doubts))


def _in_gap(watch: _Watch, outage: Outage, faults: Faults) -> bool:
    """Whether the onset or the end lies where nobody was watching, or where a clock had stepped."""
    for when in (outage.onset, outage.end):
        if when is None:
            continue
        if watch.blind[watch.steps(when.earliest_us, when.latest_us)].any():
            return True
        for fault in faults.artefacts:
            if fault.kind == "clock step" and fault.from_us <= when.latest_us and fault.until_us >= when.earliest_us:
                return True
    return False


def _stuck(votes: Votes, outage: Outage, faults: Faults, seen: _Seen, k: int) -> list[Artefact]:
    """Voters that kept all they held of an outage for longer than routes take to go, while they said other things."""
    start, end = outage.onset.best_us, outage.end.best_us if outage.end is not None else votes.until_us
    if end - start < STUCK_US:
        return []
    before, lost = seen.before[k], seen.lost[k]
    held = before > 0
    gone = held & (2 * lost >= before)
    kept = np.flatnonzero(held & (lost == 0) & (seen.left_us[k] < 0))
    if not len(kept) or gone.sum() < STUCK_OTHERS * (held.sum() - 1):
        return []
    out = []
    for voter in kept.tolist():
        talking, statements = _talk(votes, seen.affected[k], faults, np.array([voter]), start, end)
        if talking == 0:
            continue
        session = int(np.flatnonzero(votes.rows.voter_of == voter)[0])
        name = votes.rows.sessions[session].rsplit(" ", 1)[0]
        meanwhile = "" if statements is None else f", and said {statements:,} other things meanwhile"
        prefixes = f"{before[voter]} prefix{'' if before[voter] == 1 else 'es'}"
        detail = f"kept {prefixes} for {span_text(end - start)} that {int(gone.sum())} other voters lost{meanwhile}"
        out.append(Artefact("stuck route", name, start, end, detail, 1))
    return out
