"""Candidates against patterns: what weights add to the drafts of the patterns, and what they take away."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from duskwatch.explanation.claims.events import Moment
from duskwatch.explanation.claims.hints import Candidate, Hints, odds
from duskwatch.explanation.claims.scene import Draft, Scene

Weights = Mapping[str, Any]  # by model: "add" and "drop" (log odds), "weights" (feature to weight)


SECOND = 1.0  # log odds that each further cause of a sentence must have more


@dataclass(frozen=True, slots=True)
class Weighed:
    """A candidate, its features, and their log odds."""

    candidate: Candidate
    features: list[str]
    odds: float

    def fits(self, drafts: Iterable[Draft]) -> bool:
        """Whether a draft of the patterns makes this claim already."""
        return any(_same(self.candidate, draft) for draft in drafts)


def weigh(hints: Hints, weights: Weights, scene: Scene, candidates: Sequence[Candidate], place: str) -> list[Weighed]:
    """Candidates of one sentence with their odds."""
    if not candidates:
        return []
    marks = hints.marks(scene, place)
    values: dict[str, set[str]] = {}
    for one in candidates:
        values.setdefault(one.model, set()).add(one.value)
    out = []
    for one in candidates:
        features = hints.features(scene, one, marks, values[one.model])
        table = weights.get(one.model, {}).get("weights", {})
        out.append(Weighed(one, features, odds(table, features)))
    return out


def weighed(weights: Weights, drafts: list[Draft], found: Sequence[Weighed]) -> list[Draft]:
    """Drafts that stay, and those that the weights add."""
    kept = []
    for draft in drafts:
        against = [one.odds for one in found if _same(one.candidate, draft)]
        model = weights.get(_model(draft), {})
        if not against or max(against) > model.get("drop", -1e9):
            kept.append(draft)
    added: list[Weighed] = []
    for one in sorted(found, key=lambda one: -one.odds):
        add = weights.get(one.candidate.model, {}).get("add", 1e9)
        if one.candidate.model == "cause":  # a second cause of one sentence must be plainer than the first
            add += SECOND * (
                sum(draft.kind == "cause" for draft in kept) + sum(other.candidate.model == "cause" for other in added)
            )
        if one.odds <= add or one.fits(kept):
            continue
        if any(_rivals(one.candidate, other.candidate) for other in added):
            continue
        added.append(one)
    return kept + [one.candidate.draft for one in added]


def _model(draft: Draft) -> str:
    return "moment" if draft.kind in ("onset", "end") else draft.kind


def _rivals(one: Candidate, other: Candidate) -> bool:
    """Whether two candidates read the same words in two ways, or tell the same twice."""
    if one.model != other.model:
        return {one.model, other.model} == {"share", "impact"} and one.start < other.end and other.start < one.end
    if one.model in ("cause", "state") and one.value == other.value:
        return True
    return one.start < other.end and other.start < one.end


def _same(one: Candidate, draft: Draft) -> bool:
    if one.draft.kind != draft.kind:
        return False
    if one.model in ("cause", "state"):
        return one.value == draft.value
    if isinstance(draft.value, Moment):
        first = draft.value.first
        return first is not None and one.start <= first.start < one.end
    if one.model == "site":
        return one.draft.value == draft.value
    if one.model == "share":
        return abs(draft.at - one.start) < 20 and _lost(one.draft) == _lost(draft)
    if one.model == "attack":
        return True
    return abs(draft.at - one.start) < 12


def _lost(draft: Draft) -> float | None:
    return draft.value.get("lost") if isinstance(draft.value, dict) else None
