"""Held-out scores: the weights, the base rates and a plain logistic regression on countries that none of them saw.

The countries are dealt into parts, each part is judged by what the others taught, and they are dealt again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duskwatch.evaluation.causes.fit import Columns, columns_of, design_of, fit, fitted
from duskwatch.evaluation.causes.labels import Event, LabelsError
from duskwatch.explanation.hypotheses import HYPOTHESES
from duskwatch.explanation.hypothesis import UNDETERMINED, Hypothesis

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

PARTS = 5
REPEATS = 10
BINS = 10  # of the reliability plot, of equal width
FLOOR = 1e-6
ORDERED = "ordered"

Learner = Callable[[F64, I64, F64, int], F64]
"""From inputs [E, F], classes [E], inputs to judge [J, F] and the number of classes to probabilities [J, classes]."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of an event: classes, each of some causes. An event of no class is not asked."""

    name: str
    title: str
    classes: tuple[str, ...]
    of: Mapping[str | None, int]  # class of a cause; None: no known cause


@dataclass(frozen=True, slots=True)
class Bin:
    """Forecasts of about one probability."""

    said: float  # mean probability of the class held likeliest
    came: float  # share in which it was that class
    forecasts: int


@dataclass(frozen=True, slots=True)
class Scores:
    """How one forecaster did on one question."""

    question: str
    forecaster: str
    events: int  # each is forecast once for each repeat
    countries: int
    log_score: float  # nats for each event, lower is better
    by_country: float  # the same, countries weighing the same
    calibration_error: float  # expected calibration error of the likeliest class, 0..1
    bins: tuple[Bin, ...]


def questions(hypotheses: Sequence[Hypothesis]) -> tuple[Question, ...]:
    """Which cause, or none known; which cause where one is known; ordered or not."""
    names = tuple(one.name for one in hypotheses)
    kinds = tuple(dict.fromkeys(one.kind or one.name for one in hypotheses))
    number: dict[str | None, int] = {one.name: kinds.index(one.kind or one.name) for one in hypotheses}
    every: dict[str | None, int] = {name: k for k, name in enumerate(names)}
    ordered: dict[str | None, int] = {one.name: 0 if one.kind == ORDERED else 1 for one in hypotheses}
    return (
        Question("cause", "which cause, or none found", (*names, UNDETERMINED), {**every, None: len(names)}),
        Question("known", "which cause, where one was found", kinds, number),
        Question("ordered", "ordered shutdown or not", ("ordered", "other"), {**ordered, None: 1}),
    )


def deals(countries: Sequence[str], parts: int, repeats: int) -> list[list[frozenset[str]]]:
    """Countries dealt into parts, again and again; the same for the same countries."""
    out = []
    for repeat in range(repeats):
        order = np.random.default_rng(repeat).permutation(len(countries))
        names = [sorted(countries)[k] for k in order]
        out.append([frozenset(names[part::parts]) for part in range(parts)])
    return out


def evaluate(
    events: Sequence[Event],
    *,
    parts: int = PARTS,
    repeats: int = REPEATS,
    regression: Learner | None = None,
    hypotheses: Sequence[Hypothesis] = HYPOTHESES,
    progress: Progress | None = None,
) -> tuple[Scores, ...]:
    """Scores on held-out countries. LabelsError where fewer than two causes have enough events."""
    kept = fitted(events, hypotheses)
    if len(kept) < 2:
        raise LabelsError("the list: fewer than two causes have five national events; give a longer list with --labels")
    columns = columns_of()
    design = design_of(events, columns)
    country = np.array([event.country for event in events])
    asked = questions(kept)
    said: dict[tuple[str, str], list[F64]] = {}
    truth: dict[str, list[I64]] = {}
    where: dict[str, list[npt.NDArray[np.str_]]] = {}
    rounds = [deal for repeat in deals(sorted(set(country)), parts, repeats) for deal in repeat]
    for done, held in enumerate(rounds):
        if progress:
            progress("held-out countries", done, len(rounds))
        out = np.isin(country, sorted(held))
        for question, judged, answers in _judge(events, design, out, kept, columns, asked, regression):
            truth.setdefault(question.name, []).append(_classes(events, judged, question))
            where.setdefault(question.name, []).append(country[judged])
            for forecaster, forecast in answers.items():
                said.setdefault((question.name, forecaster), []).append(forecast)
    if progress:
        progress("", len(rounds), len(rounds))
    return tuple(
        _score(
            name, forecaster, np.concatenate(each), np.concatenate(truth[name]), np.concatenate(where[name]), repeats
        )
        for (name, forecaster), each in said.items()
    )


def _judge(
    events: Sequence[Event],
    design: F64,
    out: npt.NDArray[np.bool_],
    kept: Sequence[Hypothesis],
    columns: Columns,
    asked: Sequence[Question],
    regression: Learner | None,
) -> list[tuple[Question, I64, dict[str, F64]]]:
    taught = np.flatnonzero(~out)
    model = fit([events[k] for k in taught.tolist()], design[taught], kept, columns)
    results = []
    for question in asked:
        learn = _asked(events, taught, question)
        judge = _asked(events, np.flatnonzero(out), question)
        if not len(judge) or not len(learn):
            continue
        size = len(question.classes)
        classes = _classes(events, learn, question)
        counts = np.bincount(classes, minlength=size) + 0.5
        answers = {
            "weights": _grouped(model.probabilities(design[judge]), kept, question),
            "base rates": np.tile(counts / counts.sum(), (len(judge), 1)),
        }
        if regression is not None:
            answers["logistic regression"] = regression(design[learn], classes, design[judge], size)
        results.append((question, judge, answers))
    return results


def _asked(events: Sequence[Event], rows: I64, question: Question) -> I64:
    return np.array([k for k in rows.tolist() if events[k].cause in question.of], np.int64)


def _classes(events: Sequence[Event], rows: I64, question: Question) -> I64:
    return np.array([question.of[events[k].cause] for k in rows.tolist()], np.int64)


def _grouped(shares: F64, kept: Sequence[Hypothesis], question: Question) -> F64:
    """Probabilities of hypotheses and undetermined as those of a question's classes, adding up to 1."""
    out = np.zeros((len(shares), len(question.classes)))
    for column, cause in enumerate([*(one.name for one in kept), None]):
        if cause in question.of:
            out[:, question.of[cause]] += shares[:, column]
    result: F64 = out / out.sum(axis=1, keepdims=True)
    return result


def _score(
    question: str, forecaster: str, said: F64, truth: I64, country: npt.NDArray[np.str_], repeats: int
) -> Scores:
    losses = -np.log(np.maximum(said[np.arange(len(truth)), truth], FLOOR))
    names = np.unique(country)
    bins = reliability(said.max(axis=1), said.argmax(axis=1) == truth)
    return Scores(
        question,
        forecaster,
        len(truth) // repeats,
        len(names),
        float(losses.mean()),
        float(np.mean([losses[country == name].mean() for name in names])),
        sum(one.forecasts * abs(one.said - one.came) for one in bins) / len(truth),
        bins,
    )


def reliability(said: F64, came: npt.NDArray[np.bool_]) -> tuple[Bin, ...]:
    """Forecasts in bins of equal width; empty bins are left out."""
    number = np.minimum((said * BINS).astype(np.int64), BINS - 1)
    return tuple(
        Bin(float(said[number == k].mean()), float(came[number == k].mean()), int((number == k).sum()))
        for k in range(BINS)
        if (number == k).any()
    )
