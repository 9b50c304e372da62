"""Facts into weighed hypotheses: sums of log-likelihood ratios, one feature of each group, each within a cap.

What is weighed against is an outage whose cause nobody found (``undetermined``), for which every weight is zero. The
verdict on a hypothesis reads its sum alone; its share also reads the base rates of the table. I. J. Good, Probability
and the Weighing of Evidence (1950), is the source of the arithmetic.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from duskwatch.explanation.feature import Feature
from duskwatch.explanation.features import FEATURES
from duskwatch.explanation.hypotheses import HYPOTHESES
from duskwatch.explanation.hypothesis import UNDETERMINED, Hypothesis
from duskwatch.explanation.weights import Weights, shipped_weights
from duskwatch.records.evidence import (
    CauseVerdict,
    Evidence,
    Explanation,
    Facts,
    Move,
    NotMeasured,
    Weighed,
)

T = TypeVar("T", Feature, Hypothesis)

TELLS = 0.69  # ln 2, rounded down: evidence that makes a hypothesis twice as likely, or half, is worth a verdict
UNLIKELY = -8.0  # log-odds of a hypothesis that the table has no base rate for


@dataclass(frozen=True, slots=True)
class _Scale:
    """The features and hypotheses of one explanation, and what they weigh."""

    features: Sequence[Feature]
    hypotheses: Sequence[Hypothesis]
    weights: Weights

    def of(self, feature: Feature, state: str) -> tuple[float, ...]:
        """What a state says about each hypothesis, [H]."""
        return tuple(self.weights.llr(feature.name, state, one.name) for one in self.hypotheses)


@dataclass(frozen=True, slots=True)
class _Lead:
    """The answer that counts in a group."""

    feature: str
    rank: tuple[bool, float]  # larger tells more
    said: tuple[float, ...]  # [H]


def explain(
    facts: Facts,
    *,
    features: Iterable[Feature] = FEATURES,
    hypotheses: Iterable[Hypothesis] = HYPOTHESES,
    weights: Weights | None = None,
    outage: int | None = None,
) -> Explanation:
    """Weigh the hypotheses. A feature without facts weighs nothing, and the order of all that is given changes nothing.

    ``weights`` is the whole table (that which comes along without it; ``shipped_weights().merged(...)`` adds rows).
    Raises ValueError where two features or two hypotheses share a name, or a hypothesis is called ``undetermined``.
    """
    table = shipped_weights() if weights is None else weights
    scale = _Scale(_named(features), _named(hypotheses), table)
    if any(one.name == UNDETERMINED for one in scale.hypotheses):
        raise ValueError(f"'{UNDETERMINED}' is what hypotheses are weighed against, and cannot be one")
    states = {feature.name: feature.read(facts) for feature in scale.features}
    leading = _leading(scale, states)
    net = _net(scale, leading)
    counted = frozenset(one.feature for one in leading.values())
    verdicts = _verdicts(scale, states, net)
    shares = _shares(scale, net)
    weighed = [
        Weighed(
            one.name,
            one.title,
            verdicts[one.name],
            net[one.name],
            shares[one.name],
            _evidence(scale, one, states, counted),
            tuple(name for name in one.decisive if not _decides(name, states)),
        )
        for one in scale.hypotheses
    ]
    return Explanation(
        tuple(sorted(weighed, key=lambda one: (-one.net, one.hypothesis))),
        shares[UNDETERMINED],
        _not_measured(scale, facts, states, leading, net, verdicts),
        facts,
        table.name,
        outage,
    )


def _named(ones: Iterable[T]) -> tuple[T, ...]:
    """In order of name, so that sums and ties do not depend on the order in which they were given."""
    ordered = tuple(sorted(ones, key=lambda one: one.name))
    for one, other in pairwise(ordered):
        if one.name == other.name:
            raise ValueError(f"two of the name '{one.name}'")
    return ordered


def _leading(scale: _Scale, states: Mapping[str, str | None]) -> dict[str, _Lead]:
    """The answer of each group that tells the hypotheses apart most; the first by name of several such."""
    best: dict[str, _Lead] = {}
    for feature in scale.features:
        state = states[feature.name]
        if state is not None:
            best[feature.group] = _ahead(best.get(feature.group), _lead(scale, feature, state))
    return best


def _lead(scale: _Scale, feature: Feature, state: str) -> _Lead:
    said = scale.of(feature, state)
    return _Lead(feature.name, (not feature.coarse, max((*said, 0.0)) - min((*said, 0.0))), said)


def _ahead(one: _Lead | None, other: _Lead) -> _Lead:
    """The one that tells more; of two that tell the same the first by name."""
    if one is None or other.rank > one.rank:
        return other
    return other if other.rank == one.rank and other.feature < one.feature else one


def _net(scale: _Scale, leading: Mapping[str, _Lead]) -> dict[str, float]:
    return {one.name: math.fsum(lead.said[k] for lead in leading.values()) for k, one in enumerate(scale.hypotheses)}


def _decides(decisive: str, states: Mapping[str, str | None]) -> bool:
    name, _, wanted = decisive.partition("=")
    state = states.get(name)
    return state is not None and wanted in ("", state)


def _verdicts(scale: _Scale, states: Mapping[str, str | None], net: Mapping[str, float]) -> dict[str, CauseVerdict]:
    return {one.name: _verdict(one, states, net[one.name]) for one in scale.hypotheses}


def _verdict(one: Hypothesis, states: Mapping[str, str | None], net: float) -> CauseVerdict:
    if not any(_decides(name, states) for name in one.decisive):
        return "not testable from these data"
    return "consistent with" if net >= TELLS else "weak" if net <= -TELLS else "undetermined"


def _shares(scale: _Scale, net: Mapping[str, float]) -> dict[str, float]:
    base = scale.weights.base
    odds = {
        one.name: net[one.name] + (base[one.name].llr if one.name in base else UNLIKELY) for one in scale.hypotheses
    }
    odds[UNDETERMINED] = 0.0
    top = max(odds.values())
    parts = {name: math.exp(value - top) for name, value in odds.items()}
    whole = math.fsum(parts.values())
    return {name: part / whole for name, part in parts.items()}


def _evidence(
    scale: _Scale, one: Hypothesis, states: Mapping[str, str | None], counted: frozenset[str]
) -> tuple[Evidence, ...]:
    found: list[Evidence] = []
    for feature in scale.features:
        state = states[feature.name]
        row = None if state is None else scale.weights.rows.get((feature.name, state, one.name))
        if state is None or row is None:
            continue
        found.append(
            Evidence(
                feature.name,
                feature.title,
                state,
                feature.group,
                scale.weights.llr(feature.name, state, one.name),
                feature.name in counted,
                row.source,
                row.sample,
                feature.facts,
            )
        )
    return tuple(sorted(found, key=lambda each: (not each.counted, -abs(each.weight), each.feature)))


def _not_measured(
    scale: _Scale,
    facts: Facts,
    states: Mapping[str, str | None],
    leading: Mapping[str, _Lead],
    net: Mapping[str, float],
    verdicts: Mapping[str, CauseVerdict],
) -> tuple[NotMeasured, ...]:
    """Each feature without an answer, and what each answer would do; the one that could move most comes first."""
    out: list[tuple[float, NotMeasured]] = []
    for feature in scale.features:
        if states[feature.name] is not None:
            continue
        least, most, turns = dict.fromkeys(net, 0.0), dict.fromkeys(net, 0.0), dict.fromkeys(net, False)
        for state in feature.states:
            answered = {**states, feature.name: state}
            lead = _ahead(leading.get(feature.group), _lead(scale, feature, state))
            then = _net(scale, {**leading, feature.group: lead})
            for name, verdict in _verdicts(scale, answered, then).items():
                change = then[name] - net[name]
                least[name], most[name] = min(least[name], change), max(most[name], change)
                turns[name] = turns[name] or verdict != verdicts[name]
        moves = [
            Move(name, least[name], most[name], turns[name]) for name in net if turns[name] or least[name] < most[name]
        ]
        moves.sort(key=lambda move: (move.least - move.most, move.hypothesis))
        missing = tuple(name for name in feature.facts if not facts.knows(name))
        width = max((move.most - move.least for move in moves), default=0.0)
        out.append((width, NotMeasured(feature.name, feature.title, missing, tuple(moves))))
    return tuple(one for _, one in sorted(out, key=lambda pair: (-pair[0], pair[1].feature)))
