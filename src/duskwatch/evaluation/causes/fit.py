"""Weights from labelled events: one regularised multinomial logistic model whose coefficients are the weights.

Fitted together, features that overlap share what they have in common, so that none is counted twice. The prior is
normal around zero: what sets events of a found cause apart from the others is shared by all causes, and hypotheses of
one kind (both sorts of ordered shutdowns) share most of theirs, so that an exam shutdown, seen in three countries, is
estimated with the help of the other. Countries count by the square root, or so, of their events; base rates by events.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duskwatch.evaluation.causes.labels import Event
from duskwatch.explanation.feature import Feature
from duskwatch.explanation.features.clock import LOCAL_HOURS, ONSET_CLOCK
from duskwatch.explanation.features.families import FAMILIES
from duskwatch.explanation.features.length import LENGTH, ROUND_LENGTH
from duskwatch.explanation.features.recurrence import RECURRENCE
from duskwatch.explanation.hypothesis import Hypothesis
from duskwatch.explanation.weights import CAP

F64 = npt.NDArray[np.float64]

MEASURED: tuple[Feature, ...] = (ONSET_CLOCK, LOCAL_HOURS, LENGTH, ROUND_LENGTH, FAMILIES, RECURRENCE)
AT_LEAST = 5  # events of a cause; rarer causes keep stated weights
PENALTY = 3.0  # precision of the prior
COMMON = 1.0  # variance, times the precision, of what all causes share against "undetermined"
KINSHIP = 0.9  # correlation of the rest between hypotheses of one kind
COUNTRY_POWER = 0.7  # a country with n events counts n to this power: 1 is each event the same, 0 each country
CAPS = {RECURRENCE.name: 3.5}  # ln 34: the ratio counted with countries weighing the same
# The hour says nothing about orders where countries weigh the same (ratios 0.93 at night, 1.03 in working hours); three
# countries made it look so. Exams have their hours.
LEFT_OUT = {(LOCAL_HOURS.name, "government-shutdown")}
LEAST_EVENTS = 3  # events of a cause, of which none shows a state: that state then cannot speak for it
_BASE_PENALTY = 0.05
_STEPS = 100


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of a design stands for which state of which feature."""

    features: tuple[Feature, ...]
    names: tuple[tuple[str, str], ...]  # [F] feature and state


@dataclass(frozen=True, slots=True)
class Model:
    """Fitted weights and base rates of H hypotheses over F columns; ``undetermined`` is zero throughout."""

    hypotheses: tuple[Hypothesis, ...]
    columns: Columns
    weights: F64  # [H, F] log-likelihood ratios, within the caps
    base: F64  # [H] log-odds against undetermined
    usual: F64  # [F] how often each state is shown where no cause was found, 1 in all for each feature

    def probabilities(self, design: F64) -> F64:
        """Of each hypothesis, and last of undetermined, [E, H + 1]."""
        return _softmax(self.base + design @ self.weights.T)


def columns_of(features: Sequence[Feature] = MEASURED) -> Columns:
    """All states of these features."""
    return Columns(tuple(features), tuple((one.name, state) for one in features for state in one.states))


def design_of(events: Sequence[Event], columns: Columns) -> F64:
    """1 where an event has the state of a column, else 0; all 0 over a feature that was not measured, [E, F]."""
    at = {name: k for k, name in enumerate(columns.names)}
    design = np.zeros((len(events), len(columns.names)))
    for row, event in enumerate(events):
        for feature in columns.features:
            state = feature.read(event.facts)
            if state is not None:
                design[row, at[feature.name, state]] = 1.0
    return design


def fitted(events: Sequence[Event], hypotheses: Sequence[Hypothesis]) -> tuple[Hypothesis, ...]:
    """The hypotheses with enough events to be estimated."""
    count = Counter(event.cause for event in events)
    return tuple(one for one in hypotheses if count[one.name] >= AT_LEAST)


def fit(events: Sequence[Event], design: F64, hypotheses: Sequence[Hypothesis], columns: Columns) -> Model:
    """The model of the events whose cause is one of these, or unknown."""
    where = {one.name: k for k, one in enumerate(hypotheses)}
    kept = [k for k, event in enumerate(events) if event.cause is None or event.cause in where]
    target = np.array([where.get(events[k].cause or "", len(where)) for k in kept])
    truth = np.eye(len(where) + 1)[target]
    shown = design[kept]
    sizes = Counter(events[k].country for k in kept)
    each = np.array([float(sizes[events[k].country]) ** (COUNTRY_POWER - 1) for k in kept])
    each *= len(each) / each.sum()
    usual = _usual(shown, each * (target == len(where)), columns)
    # Around what is usual where no cause was found: that a feature was measured at all must not speak for a cause.
    same = _same_feature(columns)
    inputs = np.column_stack([np.ones(len(kept)), shown - (shown @ same) * usual])
    prior = _prior(hypotheses, inputs.shape[1])
    start = np.zeros((len(where), inputs.shape[1]))
    start[:, 0] = _log_odds(each @ truth)
    found = _newton(start, inputs, truth, each, prior, _free(hypotheses, columns))
    weights = found[:, 1:]
    weights = weights - np.log(np.exp(weights) * usual @ same)  # ratios of likelihoods average 1 over what is usual
    weights = np.where(_never(truth[:, :-1], shown, same), np.minimum(weights, 0.0), weights)
    caps = np.array([CAPS.get(feature, CAP) for feature, _ in columns.names])
    weights = np.clip(weights, -caps, caps)
    # Weights by countries, base rates by events: the intercepts are fitted again.
    again = np.column_stack([_log_odds(truth.sum(axis=0)), weights])
    only_base = np.zeros_like(again, np.bool_)
    only_base[:, 0] = True
    plain = np.column_stack([np.ones(len(kept)), shown])
    found = _newton(again, plain, truth, np.ones(len(kept)), prior, only_base)
    return Model(tuple(hypotheses), columns, found[:, 1:], found[:, 0], usual)


def _same_feature(columns: Columns) -> F64:
    """1 where two columns are of one feature, [F, F]."""
    names = [feature for feature, _ in columns.names]
    return np.array([[float(one == other) for other in names] for one in names])


def _usual(shown: F64, each: F64, columns: Columns) -> F64:
    """How often each state is shown where no cause was found, among the states of its feature, [F]; sums are 1."""
    count = each @ shown + 0.5
    result: F64 = count / (count @ _same_feature(columns))
    return result


def _log_odds(counts: F64) -> F64:
    result: F64 = np.log((counts[:-1] + 0.5) / (counts[-1] + 0.5))
    return result


def _prior(hypotheses: Sequence[Hypothesis], width: int) -> F64:
    """Precision of all parameters, [H * width, H * width]; the intercepts have a weak one of their own."""
    size = len(hypotheses)
    kin = np.eye(size)
    for a, one in enumerate(hypotheses):
        for b, other in enumerate(hypotheses):
            if a != b and one.kind and one.kind == other.kind:
                kin[a, b] = KINSHIP
    precision = np.linalg.inv(kin + COMMON) * PENALTY
    out = np.zeros((size, width, size, width))
    for k in range(width):
        out[:, k, :, k] = precision if k else np.eye(size) * _BASE_PENALTY
    return out.reshape(size * width, size * width)


def _free(hypotheses: Sequence[Hypothesis], columns: Columns) -> npt.NDArray[np.bool_]:
    free = np.ones((len(hypotheses), len(columns.names) + 1), np.bool_)
    for row, one in enumerate(hypotheses):
        for column, (feature, _) in enumerate(columns.names):
            free[row, column + 1] = (feature, one.name) not in LEFT_OUT
    return free


def _never(truth: F64, design: F64, same: F64) -> npt.NDArray[np.bool_]:
    """States that no event of a cause shows, though some were measured, [H, F].

    The prior lends a cause the weights of others: exams never last a day, and most other causes that are found may.
    """
    shown = truth.T @ design
    result: npt.NDArray[np.bool_] = (shown == 0) & (shown @ same >= LEAST_EVENTS)
    return result


def _newton(start: F64, inputs: F64, truth: F64, each: F64, prior: F64, free: npt.NDArray[np.bool_]) -> F64:
    """Minimum of the penalised log loss around ``start`` at the intercepts and zero elsewhere; convex, so unique."""
    size, width = start.shape
    center = np.zeros_like(start)
    center[:, 0] = start[:, 0]
    found = start.copy()
    at = np.flatnonzero(free.ravel())
    for _ in range(_STEPS):
        share = _softmax(inputs @ found.T)
        slope = (((share - truth)[:, :size] * each[:, None]).T @ inputs).ravel() + prior @ (found - center).ravel()
        curve = prior.copy()
        for a in range(size):
            for b in range(size):
                weight = each * share[:, a] * ((a == b) - share[:, b])
                block = (inputs * weight[:, None]).T @ inputs
                curve[a * width : (a + 1) * width, b * width : (b + 1) * width] += block
        step = np.zeros(size * width)
        step[at] = np.linalg.solve(curve[np.ix_(at, at)], slope[at])
        largest = float(np.abs(step).max())
        found -= (step * min(1.0, 2.0 / max(largest, 1e-12))).reshape(size, width)
        if largest < 1e-9:
            break
    return found


def _softmax(scores: F64) -> F64:
    """Shares of H scores and a last one of zero, [E, H + 1]."""
    whole = np.column_stack([scores, np.zeros(len(scores))])
    whole = np.exp(whole - whole.max(axis=1, keepdims=True))
    out: F64 = whole / whole.sum(axis=1, keepdims=True)
    return out


def alone(events: Sequence[Event], feature: Feature, state: str, hypothesis: str) -> tuple[float, str, int]:
    """One ratio by itself: its logarithm with countries weighing the same, "k of n", and how many countries.

    Rates of countries, averaged; against events of no known cause, whose rate counts as that of one more country.
    """
    mine, of_mine = _rates(events, feature, state, hypothesis)
    others, _ = _rates(events, feature, state, None)
    rest = (sum(others.values()) + 0.5) / (len(others) + 1)
    ratio = math.log((sum(mine.values()) + rest) / (len(mine) + 1) / rest)
    return ratio, of_mine, len(mine)


def _rates(events: Sequence[Event], feature: Feature, state: str, cause: str | None) -> tuple[Mapping[str, float], str]:
    seen: dict[str, list[bool]] = {}
    for event in events:
        found = feature.read(event.facts) if event.cause == cause else None
        if found is not None:
            seen.setdefault(event.country, []).append(found == state)
    hits = [hit for each in seen.values() for hit in each]
    return {code: sum(each) / len(each) for code, each in seen.items()}, f"{sum(hits)} of {len(hits)}"
