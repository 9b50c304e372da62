"""Candidates against patterns: what weights add to the drafts of the patterns, and what they take away."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from duskwatch.explanation.claims.events import Moment
from duskwatch.explanation.claims.hints import Candidate, Hints, odds
from duskwatch.explanation.claims.scene import Draft, Scene

Weights = Mapping[str, Any]  # by model: "add" and "drop" (log odds), "weights" (feature to weight)


_NEVER = frozenset(("history", "condition", "correction", "question"))
_HAPPENED = frozenset(("state", "moment", "duration", "share", "impact"))
_FIGURES = frozenset(("share", "impact"))
_UP, _DOWN = frozenset(("partial", "restored", "normal")), frozenset(("offline", "degraded", "unstable"))
_EDGE = {_UP: "end", _DOWN: "onset"}
IMPOSSIBLE = -99.0  # log odds of what stands as history, as a question, or as a condition
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


def weigh(
    hints: Hints,
    weights: Weights,
    scene: Scene,
    candidates: Sequence[Candidate],
    place: list[str],
    unreal: Callable[[int, int], str],
) -> list[Weighed]:
    """Candidates of one sentence with their odds; ``unreal`` tells why a stretch is no claim about this outage."""
    if not candidates:
        return []
    marks = hints.marks(scene, place)
    values: dict[str, set[str]] = {}
    for one in candidates:
        values.setdefault(one.model, set()).add(one.value)
    out = []
    for one in candidates:
        why = unreal(one.start, one.end)
        if why in _NEVER or (why == "future" and one.model in _HAPPENED):
            out.append(Weighed(one, [], IMPOSSIBLE))
            continue
        features = hints.features(scene, one, marks, values[one.model])
        if why:
            features += ["unreal", f"{one.value}|unreal:{why}"]
        table = weights.get(one.model, {}).get("weights", {})
        out.append(Weighed(one, features, odds(table, features)))
    return out


def weighed(
    weights: Weights, drafts: list[Draft], found: Sequence[Weighed], settled: Callable[[Candidate], Draft]
) -> list[Draft]:
    """Drafts that stay, and those that the weights add, each made by ``settled``."""
    kept = []
    both = {"onset", "end"} <= {draft.kind for draft in drafts}  # "from ten until noon": one stands for the other
    for draft in drafts:
        against = [one.odds for one in found if _same(one.candidate, draft)]
        low = weights.get(_model(draft), {}).get("drop", -1e9)
        if not against or max(against) > low or draft.modality == "denied" or (both and draft.kind in ("onset", "end")):
            kept.append(draft)
    added: list[Candidate] = []
    for one in sorted(found, key=lambda one: -one.odds):
        candidate = one.candidate
        add = weights.get(candidate.model, {}).get("add", 1e9)
        kept_or_added = [*kept, *(other.draft for other in added)]
        if candidate.model in ("cause", "moment"):  # a second one of a sentence must be plainer than the first
            add += SECOND * sum(draft.kind == candidate.draft.kind for draft in kept_or_added)
        if one.odds <= add or one.fits(kept) or _already_said(candidate, kept_or_added):
            continue
        if any(_rivals(candidate, other) for other in added):
            continue
        added.append(candidate)
    return kept + [settled(one) for one in added]


def _already_said(one: Candidate, drafts: Sequence[Draft]) -> bool:
    """Whether other drafts of the sentence say this already, or read the same figure."""
    if one.model == "state":
        side = _UP if one.value in _UP else _DOWN
        return any((draft.kind == "state" and draft.value in side) or draft.kind == _EDGE[side] for draft in drafts)
    if one.model in _FIGURES:
        return any(draft.kind in _FIGURES and abs(draft.at - one.start) < 25 for draft in drafts)
    return False


def _model(draft: Draft) -> str:
    return "moment" if draft.kind in ("onset", "end") else draft.kind


def _rivals(one: Candidate, other: Candidate) -> bool:
    """Whether two candidates read the same words in two ways, or tell the same twice."""
    if one.model != other.model:
        return False
    if one.model in ("refusal", "dependence") or (one.model in ("cause", "state") and one.value == other.value):
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
    if one.model in ("attack", "refusal", "dependence"):
        return True
    return abs(draft.at - one.start) < 12


def _lost(draft: Draft) -> float | None:
    return draft.value.get("lost") if isinstance(draft.value, dict) else None
