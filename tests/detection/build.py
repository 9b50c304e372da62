"""Make histories from votes on prefixes, for tests of what reads them."""

from dataclasses import replace

import numpy as np

from duskwatch.records.signals import ChangeLog, EntityHistory, Gap, Level, PrefixState, SignalBlock
from duskwatch.records.times import SECOND

VOTERS = 20


def lose(prefix: int, at: float, seconds: float, voters: int = VOTERS) -> list[tuple[float, int, int]]:
    """Votes of a prefix that loses its majority at a time and has it back ``seconds`` later (never, where 0)."""
    least = max(0, voters // 2 - 1)
    events = [(at - 20, prefix, voters - 1)] if voters > 2 else []
    events += [(at, prefix, least), (at + 30, prefix, 0)] if seconds == 0 or seconds > 60 else [(at, prefix, 0)]
    if seconds:
        back = at + seconds
        if voters > 2 and seconds > 60:
            events.append((back - 5, prefix, 1))
        events += [(back, prefix, voters // 2 + 1), (back + 15, prefix, voters)]
    return events


def history(
    prefixes: int,
    events: list[tuple[float, int, int]],
    *,
    until: float,
    voters: int = VOTERS,
    voter_steps: list[tuple[float, int]] | None = None,
    gaps: list[tuple[float, float]] | None = None,
    start_votes: int | None = None,
    learned: bool = False,
    weight: list[int] | None = None,
    origin_us: int = 1_400_000_000 * SECOND,
) -> EntityHistory:
    """A history of prefixes (a /24 each, or ``weight`` many) from the votes that each has.

    ``events``: (seconds after the start, prefix, votes). ``voter_steps``: (seconds, voters from then on); whole
    votes stay whole, others are cut to the new number. ``gaps``: (from, until) seconds in which nobody watched.
    """
    size = np.array(weight if weight is not None else [1] * prefixes)
    votes = np.full(prefixes, voters if start_votes is None else start_votes)
    moments: dict[float, list[tuple[str, int, int]]] = {0.0: []}
    for at, prefix, count in sorted(events):
        moments.setdefault(at, []).append(("votes", prefix, count))
    for at, count in voter_steps or []:
        moments.setdefault(at, []).append(("voters", 0, count))
    for begin, end in gaps or []:
        moments.setdefault(begin, []).append(("gap", 0, 0))
        moments.setdefault(end, []).append(("back", 0, 0))
    blind = False
    written = np.full(prefixes, -1)
    written_full = np.zeros(prefixes, bool)
    rows: list[tuple[int, int, int, int, int, int]] = []
    steps: list[tuple[float, ...]] = []
    for at in sorted(moments):
        if not 0 <= at < until:
            continue
        by_route = False
        for what, prefix, count in moments[at]:
            if what == "votes":
                votes[prefix] = min(count, voters)
                by_route = by_route or not blind
            elif what == "voters":
                votes = np.where(votes == voters, count, np.minimum(votes, count))
                voters = count
            else:
                blind = what == "gap"
                by_route = False
        state = (
            np.where(votes == 0, 1, np.where(votes * 2 > voters, 3, 2))
            if not blind and voters
            else np.zeros(prefixes, int)
        )
        full = (votes == voters) | (state == PrefixState.UNKNOWN)
        seen = 0 if blind else voters
        for p in np.flatnonzero((state != written) | (full != written_full)):
            rows.append((at, p, state[p], votes[p] if seen else 0, seen, 0 if by_route else 1))
        written, written_full = state, full
        visible, held = state == 3, state >= 2
        nan = np.nan if blind or not voters else 0.0
        steps.append(
            (at, visible.sum() + nan, size[visible].sum() + nan, size[held].sum() + nan, seen, 0 if by_route else 1)
        )
    log = np.array(rows, float).reshape(-1, 6)
    level = np.array(steps, float)
    time_us = (level[:, 0] * SECOND).astype(np.int64) + origin_us
    none = np.full(len(time_us), np.nan)
    until_us = int(until * SECOND) + origin_us
    n = len(log)
    return EntityHistory(
        Level(
            until_us, time_us, level[:, 1], level[:, 2], none, level[:, 3], none.copy(), level[:, 4],
            level[:, 5].astype(np.uint8),
        ),
        ChangeLog(
            tuple(f"10.{i >> 8}.{i & 255}.0/24" for i in range(prefixes)),
            (log[:, 0] * SECOND).astype(np.int64) + origin_us,
            log[:, 1].astype(np.int32), log[:, 2].astype(np.uint8), log[:, 3].astype(np.int32),
            log[:, 4].astype(np.int32), np.full(n, 64500, np.uint32), np.full(n, 64501, np.uint32),
            log[:, 5].astype(np.uint8),
        ),
        SignalBlock((), origin_us, 300 * SECOND, np.zeros((0, 1)), np.zeros((0, 1))),
        gaps=tuple(
            Gap("collector", int(a * SECOND) + origin_us, int(b * SECOND) + origin_us, "missing file")
            for a, b in gaps or []
        ),
        learned=learned,
    )  # fmt: skip


def cut(whole: EntityHistory, until_us: int) -> EntityHistory:
    """The history as it was known at a time."""
    level, changes = whole.level, whole.changes
    keep, logged = level.time_us < until_us, changes.time_us < until_us
    columns = ("time_us", "prefixes", "slash24", "slash48", "held_slash24", "held_slash48", "voters", "by_voters")
    rows = ("time_us", "prefix", "state", "votes", "voters", "origin", "upstream", "by_voters")
    return replace(
        whole,
        level=Level(until_us, *(getattr(level, name)[keep] for name in columns)),
        changes=ChangeLog(changes.prefixes, *(getattr(changes, name)[logged] for name in rows)),
    )


def seconds(whole: EntityHistory, time_us: int) -> float:
    """A time as seconds after the start of the window."""
    return (time_us - int(whole.level.time_us[0])) / SECOND


def arrays(whole: EntityHistory) -> list[np.ndarray]:
    """Every array of a history."""
    found = []
    for part in (whole.level, whole.changes, whole.signals):
        found += [value for name in part.__dataclass_fields__ if isinstance(value := getattr(part, name), np.ndarray)]
    return found
