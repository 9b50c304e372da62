"""What of a window could be judged, by what a store holds: the answer that a run on the same files gives."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import numpy as np

from duskwatch.detection import judged_spans
from duskwatch.records.entity import Entity
from duskwatch.records.judged import JudgedSpan, WhyNot, inside, joined
from duskwatch.records.times import DAY, to_datetime
from duskwatch.store import Store


def judged_stored(
    store: Store, entity: Entity, from_us: int, until_us: int, *, source: str = "bgp"
) -> tuple[JudgedSpan, ...]:
    """The whole of [from, until) in stretches, each with the reason why it could not be judged, where it could not.

    Records of the day before are read too, where they are stored: they say what is normal. What of the window is not
    stored was not watched. StoreError where the store cannot be read.
    """
    stored = set(store.days(source))
    before = to_datetime(from_us).date() - timedelta(days=1)
    history = store.history(entity, from_us - DAY if before in stored else from_us, until_us, source=source)
    history = replace(history, delegated=entity.type == "country")
    told = inside(judged_spans(history), from_us, until_us)
    if not np.isnan(history.level.prefixes).all() or history.series:
        return whole_of(told, from_us, until_us)
    # Nothing of it is stored: of days that were recorded that means that no route of it was heard.
    recorded = [JudgedSpan(*span, "nothing-heard") for span in store.recorded(from_us, until_us, source)]
    return whole_of(inside(recorded, from_us, until_us), from_us, until_us)


def whole_of(
    spans: Iterable[JudgedSpan], from_us: int, until_us: int, why: WhyNot = "not-watched"
) -> tuple[JudgedSpan, ...]:
    """Some stretches, in time order and apart, and with the reason given what of [from, until) none of them is of."""
    out: list[JudgedSpan] = []
    at = from_us
    for span in sorted(spans, key=lambda one: one.from_us):
        if at < span.from_us:
            out.append(JudgedSpan(at, span.from_us, why))
        out.append(span)
        at = span.until_us
    if at < until_us:
        out.append(JudgedSpan(at, until_us, why))
    return joined(out)
