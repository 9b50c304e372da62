"""Windows of one collector: a state is rolled from one to the next, and parts of windows that follow are joined."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from duskwatch.records.signals import Gap
from duskwatch.records.times import iso
from duskwatch.signals.bgp.artefacts import heard as hearing
from duskwatch.signals.bgp.collector_part import CollectorPart, LeftOut
from duskwatch.signals.bgp.dumps import take_samples
from duskwatch.signals.bgp.log import RoutingLog
from duskwatch.signals.bgp.paths import PathPool
from duskwatch.signals.bgp.room import reserve_peers
from duskwatch.signals.bgp.silences import quiet_peers
from duskwatch.signals.bgp.state import DumpCheck, RoutingState

# Fewer paths than these are never looked through for those that are not needed.
FEW_PATHS = 1 << 20
# Paths of windows between which some were forgotten: they are numbered anew, as those of no state.
MIXED = -1


def roll(state: RoutingState, at_us: int) -> tuple[CollectorPart, RoutingState]:
    """End the window at a time and begin the next: what the window holds, and the state that goes on.

    Rows with a time before ``at_us`` is the window's, all else the next one's, whatever came first: a state
    may be rolled when messages of later times were folded already. What comes afterwards of a time before ``at_us`` is
    taken as of ``at_us``, and counted (fold() has the rule). join() makes one part of parts that follow each other, the
    same as if there had been no roll, if nothing came late. The state given is used up.

    ValueError where the window would be empty, or a table dump of an earlier time is being read: it has no half.
    """
    part, later = _cut(state, at_us)
    start = part.start.copy()
    start.absorb(part.log, at_us)
    state.start = start
    state.log = [later] if len(later) else []
    state.samples = _since(part, state, at_us)
    state.checks = [*_last_of_each(part.checks), *(check for check in state.checks if check.time_us >= at_us)]
    state.silences = [silence for silence in state.silences if silence.until_us > at_us]
    state.late = [one for one in state.late if one.until_us >= at_us]
    state.heard = hearing.after(state.heard, at_us)
    state.counters[:] = 0
    state.too_late = []
    state.from_us, state.rolled = at_us, True
    _forget_paths(state)
    return part, state


def close(state: RoutingState, at_us: int) -> CollectorPart:
    """End the last window: what roll() gives, without the next state. The state is used up; ValueError as there."""
    return _cut(state, at_us)[0]


def _cut(state: RoutingState, at_us: int) -> tuple[CollectorPart, RoutingLog]:
    """The part up to a time, and the rows of the log from then on."""
    if not state.from_us < at_us:
        raise ValueError(f"a window ends ({iso(at_us)}) after it begins ({iso(state.from_us)})")
    if 0 <= state.dump_us < at_us:
        raise ValueError(f"{state.collector}: a window cannot end in the middle of a table dump")
    reserve_peers(state)
    take_samples(state, at_us)
    quiet = quiet_peers(state, at_us)
    log = RoutingLog.join([*state.log, quiet])
    state.log = []
    later = RoutingLog.empty()
    early = log.time_us < at_us
    if not early.all():
        log, later = log.of(early), log.of(~early)
    watched = np.flatnonzero(state.number[: state.count] >= 0)
    watched = watched[np.argsort(state.number[watched])]
    meta = state.prefix_meta[watched]
    peers = len(state.peers)
    state.start.reserve(len(watched), peers)
    start = state.start.cut(len(watched))
    start.mentioned[log.prefix[log.prefix >= 0]] = 1
    samples = [(time_us, sizes) for time_us, sizes in state.samples if time_us < at_us]
    sizes = np.zeros((len(samples), peers, 2), np.int32)
    for k, (_, sample) in enumerate(samples):
        sizes[k, : sample.shape[0]] = sample
    part = CollectorPart(
        state.collector,
        state.from_us,
        at_us,
        state.peers.copy(),
        (meta >> 8).astype(np.uint8),
        state.prefix_hi[watched],
        state.prefix_lo[watched],
        (meta & 255).astype(np.uint8),
        start,
        log,
        state.paths.paths,
        np.array([time_us for time_us, _ in samples], np.int64),
        sizes,
        state.dumps,
        tuple(_within(state.checks, state.from_us, at_us)),
        _gaps(
            Gap(state.collector, one.from_us, min(one.until_us, at_us), one.reason)
            for one in state.silences
            if one.from_us < at_us
        ),
        hearing.part_of(state.heard, state.collector, at_us),
        replace(
            LeftOut(*state.counters.tolist()),
            too_late_us=max((by_us for _, by_us in state.too_late), default=0),
            too_late_from_us=min((at_us for at_us, _ in state.too_late), default=0),
        ),
        state.dumped_us,
        tuple(one for one in state.late if one.from_us < at_us),
    )
    return part, later


def _forget_paths(state: RoutingState) -> None:
    """Now and then leave out the paths that no route takes any more: a run for months would hold all that ever were."""
    old = state.paths
    if old.count < max(FEW_PATHS, 2 * state.paths_kept):
        return
    wanted = np.zeros(old.count, np.uint8)
    for routes in (state.start.routes, state.start.last_route, *(log.route for log in state.log)):
        wanted[routes] = 1
    state.paths = PathPool(generation=old.generation + 1)
    ids = state.paths.add(old.paths, wanted)
    state.start.routes, state.start.last_route = ids[state.start.routes], ids[state.start.last_route]
    state.log = [replace(log, route=ids[log.route]) for log in state.log]
    state.paths_kept = state.paths.count


def _since(part: CollectorPart, state: RoutingState, at_us: int) -> list[tuple[int, npt.NDArray[np.int32]]]:
    """Samples from a time on; ahead of them the last before it, where none is of that very time."""
    later = [sample for sample in state.samples if sample[0] >= at_us]
    first = later[0][0] if later else state.sample_us
    return later if first == at_us else [(int(part.sample_us[-1]), part.sizes[-1]), *later]


def _within(checks: Iterable[DumpCheck], from_us: int, until_us: int) -> list[DumpCheck]:
    """Comparisons of a window, and of each peer the last before it."""
    made = [check for check in checks if check.time_us < until_us]
    before = _last_of_each(check for check in made if check.time_us < from_us)
    return [*before, *(check for check in made if check.time_us >= from_us)]


def _last_of_each(checks: Iterable[DumpCheck]) -> list[DumpCheck]:
    last = {check.peer: check for check in sorted(checks, key=lambda check: check.time_us)}
    return sorted(last.values(), key=lambda check: (check.time_us, check.peer))


def _gaps(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Gaps in order; those of one reason that overlap or touch are one."""
    out: dict[str, list[Gap]] = {}
    for gap in sorted(gaps, key=lambda gap: (gap.from_us, gap.until_us)):
        of_reason = out.setdefault(gap.reason, [])
        if of_reason and gap.from_us <= of_reason[-1].until_us:
            of_reason[-1] = replace(of_reason[-1], until_us=max(of_reason[-1].until_us, gap.until_us))
        else:
            of_reason.append(gap)
    return tuple(
        sorted((gap for of_reason in out.values() for gap in of_reason), key=lambda gap: (gap.from_us, gap.until_us))
    )


def join(parts: Sequence[CollectorPart]) -> CollectorPart:
    """One part of the parts of windows that follow each other, of one state that was rolled. Associative.

    ValueError where windows do not follow each other, or are of different collectors.
    """
    if not parts:
        raise ValueError("no part to be joined")
    for one, other in pairwise(parts):
        if (one.collector, one.until_us) != (other.collector, other.from_us):
            raise ValueError(
                f"{other.collector} from {iso(other.from_us)} does not follow {one.collector} until {iso(one.until_us)}"
            )
    if len(parts) == 1:
        return parts[0]
    parts = _with_paths_of_all(parts)
    first, last = parts[0], parts[-1]
    start = first.start.copy()
    start.reserve(len(last.afi), len(last.peers))
    start = replace(start.cut(len(last.afi)), mentioned=last.start.mentioned)
    times = [np.flatnonzero((part is first) | (part.sample_us >= part.from_us)) for part in parts]
    sizes = np.zeros((sum(map(len, times)), len(last.peers), 2), np.int32)
    at = 0
    for part, rows in zip(parts, times, strict=True):
        sizes[at : at + len(rows), : part.sizes.shape[1]] = part.sizes[rows]
        at += len(rows)
    return replace(
        last,
        from_us=first.from_us,
        start=start,
        log=RoutingLog.join([part.log for part in parts]),
        sample_us=np.concatenate([part.sample_us[rows] for part, rows in zip(parts, times, strict=True)]),
        sizes=sizes,
        checks=tuple(
            check for part in parts for check in part.checks if part is first or check.time_us >= part.from_us
        ),
        gaps=_gaps(gap for part in parts for gap in part.gaps),
        heard=hearing.joined([part.heard for part in parts]),
        late=tuple(dict.fromkeys(one for part in parts for one in part.late)),
        left_out=sum((part.left_out for part in parts), LeftOut()),
    )


def _with_paths_of_all(parts: Sequence[CollectorPart]) -> Sequence[CollectorPart]:
    """The parts with the paths of the last of them, and their numbers: the same where none was forgotten in between."""
    last = parts[-1].paths
    if MIXED not in {part.paths.generation for part in parts} and parts[0].paths.generation == last.generation:
        return parts
    pool = PathPool(generation=MIXED)
    out = []
    for part in parts:
        ids = pool.add(part.paths)
        start = replace(part.start, routes=ids[part.start.routes], last_route=ids[part.start.last_route])
        out.append(replace(part, start=start, log=replace(part.log, route=ids[part.log.route])))
    return [replace(part, paths=pool.paths) for part in out]
