"""Routes of a made-up entity, to the second: which prefixes it lost when, and when nobody watched."""

from collections.abc import Sequence

import numpy as np

from duskwatch.records.signals import ChangeLog, EntityHistory, Level, PrefixState, SignalBlock
from duskwatch.records.times import MINUTE

VOTERS = 20  # all of one mind
Span = tuple[int, int]


def history_of(
    prefixes: int,
    losses: Sequence[tuple[int, int, int]],
    window: Span,
    blind: Sequence[Span] = (),
    series: tuple[SignalBlock, ...] = (),
) -> EntityHistory:
    """The history of an entity of so many /24s. losses: (prefix, from, until); blind: stretches without any voter."""
    moves: dict[int, list[tuple[int, int]]] = {window[0]: []}
    for prefix, begin, end in losses:
        moves.setdefault(begin, []).append((prefix, 1))
        moves.setdefault(end, []).append((prefix, -1))
    for begin, end in blind:
        moves.setdefault(begin, []).append((-1, 1))
        moves.setdefault(end, []).append((-1, -1))
    lost, away = np.zeros(prefixes, np.int64), 0
    written = np.full(prefixes, -1)
    steps: list[tuple[float, ...]] = []
    rows: list[tuple[int, ...]] = []
    for at in sorted(at for at in moves if window[0] <= at < window[1]):
        by_voters = any(prefix < 0 for prefix, _ in moves[at]) or not moves[at] or away > 0
        for prefix, change in moves[at]:
            if prefix < 0:
                away += change
            else:
                lost[prefix] += change
        up = lost == 0
        state = np.where(up, int(PrefixState.VISIBLE), int(PrefixState.DARK)) if not away else np.zeros(prefixes, int)
        for p in np.flatnonzero(state != written).tolist():
            votes = VOTERS if up[p] and not away else 0
            rows.append((at, p, int(state[p]), votes, 0 if away else VOTERS, int(by_voters)))
        written = state
        seen = float("nan") if away else float(up.sum())
        steps.append((float(at), seen, 0.0 if away else float(VOTERS), float(by_voters)))
    level, log = np.array(steps), np.array(rows, np.int64).reshape(-1, 6)
    none = np.full(len(level), np.nan)
    time_us, visible = np.array(sorted(at for at in moves if window[0] <= at < window[1]), np.int64), level[:, 1]
    number = np.full(len(log), 64500, np.uint32)
    return EntityHistory(
        Level(
            window[1], time_us, visible, visible.copy(), none, visible.copy(), none.copy(), level[:, 2],
            level[:, 3].astype(np.uint8),
        ),
        ChangeLog(
            tuple(f"10.{k >> 8}.{k & 255}.0/24" for k in range(prefixes)), log[:, 0], log[:, 1].astype(np.int32),
            log[:, 2].astype(np.uint8), log[:, 3].astype(np.int32), log[:, 4].astype(np.int32), number, number.copy(),
            log[:, 5].astype(np.uint8),
        ),
        SignalBlock((), window[0], 5 * MINUTE, np.empty((0, 0)), np.empty((0, 0))),
        series=series,
    )  # fmt: skip
