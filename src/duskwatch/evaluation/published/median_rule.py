"""The rule of IODA: a value against the moving median of its source, with inpainting.

From the help page of IODA and a description of its open code (`MovingStat`, `AlertKafka`, `OutagesEventsService`):
windows, thresholds and what is done to the history are those published. What the descriptions leave open was decided
here and is marked *open* below; docs/reference/evaluation.md lists the same.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from duskwatch.evaluation.published.overlap import overlapping_as_one
from duskwatch.evaluation.scoring import FoundEvent
from duskwatch.records.signals import F64, PROBING, ROUTING, TELESCOPE, SignalBlock
from duskwatch.records.times import DAY


@dataclass(frozen=True, slots=True)
class SourceRule:
    """Window and threshold of one source. An alert is due below ``threshold`` times the median of ``window_us``."""

    window_us: int
    threshold: float


SOURCES: Mapping[str, SourceRule] = {
    ROUTING: SourceRule(DAY, 0.99),
    PROBING: SourceRule(7 * DAY, 0.80),
    TELESCOPE: SourceRule(7 * DAY, 0.25),
}


@dataclass(frozen=True, slots=True)
class MedianConfig:
    """Everything else; values are those of the published sample configuration."""

    sources: Mapping[str, SourceRule] = field(default_factory=lambda: SOURCES)  # by witness family
    inpaint_min: float = 0.8  # below so many times the prediction, the prediction takes the value's place
    inpaint_max: float = 2.0  # above, likewise
    max_duration_us: int = 7 * DAY  # after so long the values are let in as they are
    min_prediction: float = 20.0  # nothing is said where the median is below
    warm_up_us: int = DAY  # open: how much history is needed before the first word


def median_rule(block: SignalBlock, config: MedianConfig = MedianConfig()) -> tuple[FoundEvent, ...]:
    """Events by the median rule, those of several sources merged where they overlap.

    A signal of another family, or of which less is no loss, is not judged (IODA has no median rule for it). Times are
    the starts of bins, as IODA's are; the alarm is due when the first bin below the threshold is complete.
    """
    events: list[FoundEvent] = []
    for spec, values in zip(block.specs, block.values, strict=True):
        rule = config.sources.get(spec.family)
        if rule is not None and spec.less_is_loss:
            events += _events(values, block, rule, config)
    return overlapping_as_one(events)


def _events(values: F64, block: SignalBlock, rule: SourceRule, config: MedianConfig) -> list[FoundEvent]:
    """The first alert that is not normal opens, the next normal one closes: two drops a bin apart are two events."""
    expected = predictions(values, block.bin_us, rule, config)
    out: list[FoundEvent] = []
    opened: int | None = None
    for at, (value, prediction) in enumerate(zip(values.tolist(), expected.tolist(), strict=True)):
        if value != value or prediction != prediction or prediction < config.min_prediction:
            continue  # nothing is said, so a state that was reached lasts
        start_us = block.start_us + at * block.bin_us
        if value < rule.threshold * prediction:
            opened = start_us if opened is None else opened
        elif opened is not None:
            out.append(FoundEvent(opened, start_us, opened + block.bin_us))
            opened = None
    if opened is not None:
        out.append(FoundEvent(opened, None, opened + block.bin_us))
    return out


def predictions(values: F64, bin_us: int, rule: SourceRule, config: MedianConfig) -> F64:
    """What is expected in each bin, [B]: the median of the inpainted history before it; NaN while there is too little.

    Nearest rank (the lower of two middle values). Inpainting starts a clock with the first value it replaces; once it
    has run for ``max_duration_us`` values are let in as they are, until one is in bounds again.
    """
    length = max(1, rule.window_us // bin_us)
    warm = min(length, config.warm_up_us // bin_us)  # a window shorter than the warm-up is enough
    longest = max(1, config.max_duration_us // bin_us)
    out = np.full(values.shape, np.nan)
    order: list[float] = []  # the window, sorted
    window: deque[tuple[int, float]] = deque()
    first: int | None = None  # bin of the first value
    replacing_since: int | None = None
    for at, value in enumerate(values.tolist()):
        while window and window[0][0] < at - length:
            del order[bisect_left(order, window.popleft()[1])]
        prediction = order[(len(order) - 1) // 2] if order and first is not None and at - first >= warm else None
        if prediction is not None:
            out[at] = prediction
        if value != value:
            continue
        first = at if first is None else first
        kept = value
        if prediction is not None and not config.inpaint_min * prediction <= value <= config.inpaint_max * prediction:
            replacing_since = at if replacing_since is None else replacing_since
            if at - replacing_since < longest:
                kept = prediction
        else:
            replacing_since = None
        insort(order, kept)
        window.append((at, kept))
    return out
