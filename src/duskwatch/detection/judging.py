"""Which stretches of a history could be judged, and why the others could not."""

import numpy as np
import numpy.typing as npt

from duskwatch.detection.baselines import seasonal, trailing
from duskwatch.detection.config import DetectionConfig
from duskwatch.detection.detect import enough_known
from duskwatch.detection.fusing.findings import judged as heard
from duskwatch.detection.view import F64, I64, BinnedView, Bool, LevelView
from duskwatch.records.judged import WHY_NOT, JudgedSpan, WhyNot, joined
from duskwatch.records.signals import LOSS_ROLES, SPACE_UNITS, EntityHistory, SignalBlock
from duskwatch.records.times import DAY, HOUR

U8 = npt.NDArray[np.uint8]

JUDGED = 0
CODE: dict[WhyNot, int] = {why: 1 + number for number, why in enumerate(WHY_NOT)}
LOW = 0.5  # less than this share of what came within the day after: the records may begin in the middle of a loss
LOW_US = 12 * HOUR  # what was there for longer is what is normal


def judged_spans(history: EntityHistory, config: DetectionConfig = DetectionConfig()) -> tuple[JudgedSpan, ...]:
    """The whole time of a history in stretches, each with the reason why it could not be judged, where it could not.

    A moment is judged where the level of routes is, or any signal of another source of which a fall may be an outage.
    """
    level = history.level
    views = [view for block in history.series for view in _views(block, config)]
    edges = [view.edge_us for view in views]
    of_level, known_us = np.zeros(0, np.uint8), 0
    if len(level.time_us):
        of_level, known_us = _of_level(history, config)
        edges.append(trailing.edges(level))
        edges.append(np.clip([known_us], edges[-1][0], edges[-1][-1]))
    if not edges:
        return ()
    edge = np.unique(np.concatenate(edges))
    codes = np.full(len(edge) - 1, CODE["not-watched"], np.uint8)
    if len(level.time_us):
        at = np.searchsorted(level.time_us, edge[:-1], side="right") - 1
        there = (at >= 0) & (edge[:-1] < level.until_us)
        codes[there] = of_level[at[there]]
        codes[there & (codes == JUDGED) & (edge[:-1] < known_us)] = CODE["still-learning"]
    for view in views:
        at, there = view.onto(edge)
        codes = _better(codes, np.where(there, _of_bins(view)[at], CODE["not-watched"]).astype(np.uint8))
    return joined(
        JudgedSpan(int(start), int(stop), None if code == JUDGED else WHY_NOT[code - 1])
        for start, stop, code in zip(edge[:-1].tolist(), edge[1:].tolist(), codes.tolist(), strict=True)
        if start < stop
    )


def down_at_start(history: EntityHistory, config: DetectionConfig = DetectionConfig()) -> bool:
    """Whether little or nothing of an entity could be reached when its records begin, or nothing was ever heard.

    Earlier records may tell whether that was an outage. Never where the state was learned from updates: then little is
    known at first.
    """
    if history.learned or not len(history.level.time_us):
        return False
    codes, _ = _of_level(history, config)
    watched = codes[codes != CODE["not-watched"]]
    return bool(len(watched)) and watched[0] in (CODE["down-at-start"], CODE["nothing-heard"])


def _of_level(history: EntityHistory, config: DetectionConfig) -> tuple[U8, int]:
    """Why each step of the level could not be judged, [N], JUDGED where it could; and from when on enough is known."""
    level = history.level
    nobody = ~(trailing.zero_for_nan(level.voters) > 0)
    out = np.full(len(nobody), CODE["nothing-heard"], np.uint8)
    views = trailing.judge(history, config.trailing)
    known_us = int(level.time_us[0])
    if views and not enough_known(history, config):
        out[:] = CODE["too-little-known"]
    elif views:
        space = [view for view in views if view.spec.unit in SPACE_UNITS] or list(views)
        out, known_us = _of_view(space[0], history.learned), space[0].reported_from_us
        for view in () if history.learned else space[1:]:
            down = _of_view(view, False) == CODE["down-at-start"]
            out[down & (out == JUDGED)] = CODE["down-at-start"]
    few = trailing.watched_by_few(level, config.trailing)
    out[few] = CODE["few-observers"]
    out[np.isnan(level.prefixes)] = CODE["nothing-heard"]
    out[nobody] = CODE["not-watched"]
    return out, known_us


def _of_view(view: LevelView, learned: bool) -> U8:
    out = np.zeros(len(view.values), np.uint8)
    step = np.arange(len(out))
    up = np.flatnonzero(view.watched & (view.values > 0))
    first_up = int(up[0]) if len(up) else len(out)
    if learned:
        out[step < first_up] = CODE["nothing-heard"]
    else:
        out[step < _low_until(view, first_up)] = CODE["down-at-start"]
    return out


def _low_until(view: LevelView, first_up: int) -> int:
    """The first step that is not far below what came within the day after anything was up; 0 where the first is not."""
    first = int(np.argmax(view.watched))
    if first_up >= len(view.values):
        return first_up
    enough = view.watched & (view.values >= LOW * _later(view.values, view.edge_us, first_up))
    enough[:first_up] = False
    at = int(np.argmax(enough)) if enough.any() else first_up
    if view.edge_us[at] - view.edge_us[first_up] > LOW_US:
        at = first_up
    return 0 if at == first else at


def _later(values: F64, edge_us: I64, at: int) -> float:
    """Time-weighted median of the known values within the day from a step on."""
    until = edge_us[at] + DAY
    length = np.clip(edge_us[1:], 0, until) - np.minimum(edge_us[:-1], until)
    inside = (np.arange(len(values)) >= at) & (length > 0) & (np.nan_to_num(values) > 0)
    order = np.argsort(values[inside], kind="stable")
    below = np.cumsum(length[inside][order])
    return float(values[inside][order][np.searchsorted(below, below[-1] / 2)]) if len(below) else 0.0


def _views(block: SignalBlock, config: DetectionConfig) -> list[BinnedView]:
    views = seasonal.judge(block, config.rules, config.seasonal)
    return [view for view in views if heard(view.spec) and view.spec.role in LOSS_ROLES]


def _of_bins(view: BinnedView) -> U8:
    """Why each bin could not be judged, [B]; JUDGED where it could."""
    watched: Bool = ~np.isnan(view.values) & (view.coverage > 0)
    out = np.where(watched, CODE["no-history"], CODE["not-watched"]).astype(np.uint8)
    out[view.watched] = JUDGED
    return out


def _better(one: U8, other: U8) -> U8:
    """Of two accounts of each moment the one that judged; else what is no mere absence."""
    absent = CODE["not-watched"]
    out: U8 = np.where((one == JUDGED) | ((one != absent) & (other != JUDGED)), one, other).astype(np.uint8)
    return out
