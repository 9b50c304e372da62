"""Everything that `duskwatch evaluate causes` tells, as one document."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from duskwatch.evaluation.causes.fit import columns_of, design_of, fit, fitted
from duskwatch.evaluation.causes.labels import Event, Labels, LabelsError
from duskwatch.evaluation.causes.score import Learner, Progress, Scores, deals, evaluate
from duskwatch.evaluation.causes.table import made, with_counted
from duskwatch.explanation import explain
from duskwatch.explanation.hypotheses import HYPOTHESES
from duskwatch.explanation.weights import Weights

SCHEMA = "duskwatch.causes/1"
LIMIT = 0.08  # expected calibration error on held-out countries


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the verdicts say of held-out events, one deal of countries."""

    events: int
    undetermined: int  # no hypothesis was consistent
    known: int  # events with a known cause
    known_undetermined: int
    cause_untestable: int  # of the known ones, those whose cause these facts cannot tell
    cause_open: int  # of the known ones, those whose cause stayed open
    cause_first: int  # and those where it had the largest sum

    def document(self) -> dict[str, int]:
        """As JSON takes it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Result:
    """Scores, verdicts and the weights that all events together make."""

    labels: Labels
    scores: tuple[Scores, ...]
    verdicts: Verdicts
    weights: Weights
    parts: int
    repeats: int

    def score(self, question: str, forecaster: str) -> Scores | None:
        """One of them; None where it was not made."""
        return next((s for s in self.scores if (s.question, s.forecaster) == (question, forecaster)), None)


def run(
    labels: Labels,
    base: Weights,
    *,
    parts: int,
    repeats: int,
    regression: Learner | None = None,
    progress: Progress | None = None,
) -> Result:
    """Score weights made on some countries on the others, and make those of all. LabelsError where they are too few."""
    countries = {event.country for event in labels.events}
    if len(countries) < parts:
        raise LabelsError(f"{labels.name}: {len(countries)} countries cannot be dealt into {parts} parts; give --parts")
    scores = evaluate(labels.events, parts=parts, repeats=repeats, regression=regression, progress=progress)
    verdicts = _verdicts(labels.events, base, parts)
    return Result(labels, scores, verdicts, made(labels.events, base), parts, repeats)


def _verdicts(events: Sequence[Event], base: Weights, parts: int) -> Verdicts:
    kept = fitted(events, HYPOTHESES)
    columns = columns_of()
    design = design_of(events, columns)
    count: Counter[str] = Counter()
    for held in deals(sorted({event.country for event in events}), parts, 1)[0]:
        inside = np.array([event.country in held for event in events])
        taught = [event for event, out in zip(events, inside, strict=True) if not out]
        model = fit(taught, design[~inside], kept, columns)
        table = with_counted(base, model, taught, HYPOTHESES)
        for event, out in zip(events, inside, strict=True):
            if out:
                count.update(_tally(event, table))
    return Verdicts(*(count[name] for name in Verdicts.__slots__))


def _tally(event: Event, table: Weights) -> list[str]:
    found = explain(event.facts, weights=table)
    tally = ["events"] + (["undetermined"] if found.undetermined else [])
    if event.cause is not None:
        tally.append("known")
        tally += ["known_undetermined"] if found.undetermined else []
        still_open = [one.hypothesis for one in found.consistent]
        tested = found.weighed(event.cause).verdict != "not testable from these data"
        tally += [] if tested else ["cause_untestable"]
        tally += ["cause_open"] if event.cause in still_open else []
        tally += ["cause_first"] if still_open[:1] == [event.cause] else []
    return tally


def document(result: Result) -> dict[str, Any]:
    """All figures, as JSON takes them."""
    causes = Counter(event.cause or "none found" for event in result.labels.events)
    return {
        "schema": SCHEMA,
        "labels": result.labels.name,
        "notes": list(result.labels.notes),
        "events": len(result.labels.events),
        "countries": len({event.country for event in result.labels.events}),
        "causes": dict(sorted(causes.items(), key=lambda item: (-item[1], item[0]))),
        "parts": result.parts,
        "repeats": result.repeats,
        "scores": [
            {
                "question": one.question,
                "forecaster": one.forecaster,
                "events": one.events,
                "countries": one.countries,
                "log_score": round(one.log_score, 4),
                "log_score_by_country": round(one.by_country, 4),
                "calibration_error": round(one.calibration_error, 4),
                "reliability": [
                    {"said": round(b.said, 4), "came": round(b.came, 4), "forecasts": b.forecasts} for b in one.bins
                ],
            }
            for one in result.scores
        ],
        "verdicts": result.verdicts.document(),
    }


def broken(result: Result) -> list[str]:
    """What does not hold on held-out countries, a sentence each."""
    out = []
    for question in ("cause", "known", "ordered"):
        ours, base = result.score(question, "weights"), result.score(question, "base rates")
        rival = result.score(question, "logistic regression")
        if ours is None or base is None:
            continue
        if ours.log_score >= base.log_score:
            out.append(
                f"{question}: log score {ours.log_score:.3f} is no better than the base rates' {base.log_score:.3f}"
            )
        if rival is not None and ours.log_score > rival.log_score:
            out.append(
                f"{question}: log score {ours.log_score:.3f} is worse than the regression's {rival.log_score:.3f}"
            )
        if ours.calibration_error > LIMIT:
            out.append(f"{question}: calibration error {ours.calibration_error:.3f} is above {LIMIT}")
    return out
