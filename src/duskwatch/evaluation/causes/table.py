"""The weights table made of labelled events: counted rows in place of those that were counted before."""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from duskwatch.evaluation.causes.fit import MEASURED, Model, alone, columns_of, design_of, fit, fitted
from duskwatch.evaluation.causes.labels import Event
from duskwatch.explanation.features import FEATURES
from duskwatch.explanation.features.length import CAME_BACK, LENGTH
from duskwatch.explanation.hypotheses import HYPOTHESES
from duskwatch.explanation.hypothesis import Hypothesis
from duskwatch.explanation.weights import Key, Weight, Weights, arranged

COUNTED = "labels"  # source of every number made here
DIGITS = 2
_LENGTHS = {"within-a-day": ("up-to-1h", "1h-4h", "4h-24h"), "later-or-not": ("over-24h",)}
SOURCE = (
    "Counted by `duskwatch evaluate causes --write` on the list behind Destination Unreachable (SIGCOMM 2023): llr "
    "fitted together, alone by itself with countries weighing the same."
)


def made(events: Sequence[Event], base: Weights, hypotheses: Sequence[Hypothesis] = HYPOTHESES) -> Weights:
    """``base`` with its counted numbers made anew from all these events; what was stated in it stays."""
    kept = fitted(events, hypotheses)
    columns = columns_of()
    return with_counted(base, fit(events, design_of(events, columns), kept, columns), events, hypotheses)


def with_counted(base: Weights, model: Model, events: Sequence[Event], hypotheses: Sequence[Hypothesis]) -> Weights:
    """The table of a fitted model, over what ``base`` states."""
    rows = {key: row for key, row in base.rows.items() if row.source != COUNTED}
    rows.update(_rows(model, events))
    # Stated rows of the same features and hypotheses would be a second opinion on the same thing.
    count = Counter(event.cause for event in events)
    fit_names = {one.name: k for k, one in enumerate(model.hypotheses)}
    base_rates = {
        one.name: Weight(
            round(float(model.base[fit_names[one.name]]), DIGITS) if one.name in fit_names else _rare(count, one.name),
            COUNTED,
            f"{count[one.name]} of {len(events)}",
        )
        for one in hypotheses
    }
    others = {name: row for name, row in base.base.items() if name not in base_rates}
    table = replace(base, rows=rows, base={**base_rates, **others}, sources={**base.sources, COUNTED: SOURCE})
    return arranged(table, {one.name: one.states for one in FEATURES}, tuple(one.name for one in hypotheses))


def _rare(count: Counter[str | None], name: str) -> float:
    return round(math.log((count[name] + 0.5) / (count[None] + 0.5)), DIGITS)


def _rows(model: Model, events: Sequence[Event]) -> dict[Key, Weight]:
    by_name = {one.name: one for one in MEASURED}
    rows: dict[Key, Weight] = {}
    for k, hypothesis in enumerate(model.hypotheses):
        for column, (feature, state) in enumerate(model.columns.names):
            ratio, sample, countries = alone(events, by_name[feature], state, hypothesis.name)
            llr = round(float(model.weights[k, column]), DIGITS) + 0.0
            rows[feature, state, hypothesis.name] = _counted(llr, ratio, sample, countries)
        for state, lengths in _LENGTHS.items():
            ratio, sample, countries = alone(events, CAME_BACK, state, hypothesis.name)
            llr = round(_joined(model, k, lengths), DIGITS) + 0.0
            rows[CAME_BACK.name, state, hypothesis.name] = _counted(llr, ratio, sample, countries)
    return rows


def _joined(model: Model, hypothesis: int, lengths: Collection[str]) -> float:
    """The weight of one of several lengths, where nobody tells which: ratios averaged over what is usual."""
    at = [k for k, (feature, state) in enumerate(model.columns.names) if feature == LENGTH.name and state in lengths]
    usual = model.usual[at]
    return math.log(float(np.exp(model.weights[hypothesis, at]) @ usual / usual.sum()))


def _counted(llr: float, ratio: float, sample: str, countries: int) -> Weight:
    where = "1 country" if countries == 1 else f"{countries} countries"
    return Weight(llr, COUNTED, f"{sample}, {where}", round(ratio, DIGITS) + 0.0)
