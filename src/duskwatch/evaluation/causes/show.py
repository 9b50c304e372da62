"""The figures as tables, and the reliability plot."""

from collections import Counter
from typing import Any

from duskwatch.evaluation.causes.run import Result
from duskwatch.evaluation.causes.score import Bin, questions
from duskwatch.explanation.hypotheses import HYPOTHESES

TITLES = {one.name: one.title for one in questions(HYPOTHESES)}
FORECASTERS = ("weights", "logistic regression", "base rates")


def score_rows(result: Result) -> list[list[str]]:
    """Scores by question; a head first."""
    rows = [["question", "forecaster", "events", "countries", "log score", "by country", "calibration error"]]
    for question, title in TITLES.items():
        for forecaster in FORECASTERS:
            one = result.score(question, forecaster)
            if one is not None:
                figures = (one.log_score, one.by_country, one.calibration_error)
                head = [title, forecaster, str(one.events), str(one.countries)]
                rows.append(head + [f"{figure:.3f}" for figure in figures])
    return rows


def verdict_lines(result: Result) -> list[str]:
    """What the verdicts said, a sentence each."""
    found = result.verdicts
    share = f"{found.undetermined / found.events:.0%}"
    tested = found.known - found.cause_untestable
    asked = f"The list has what decides on that cause for {tested} of them"
    return [
        f"No cause stays open for {found.undetermined} of {found.events} events ({share}): they are left undetermined.",
        f"Of {found.known} events with a known cause {found.known_undetermined} are left undetermined.",
        f"{asked}: it stays open for {found.cause_open}, and comes first for {found.cause_first}.",
    ]


def label_lines(result: Result) -> list[str]:
    """What was read, a sentence each."""
    causes = Counter(event.cause or "none found" for event in result.labels.events)
    listed = ", ".join(f"{name} {count}" for name, count in causes.most_common())
    countries = len({event.country for event in result.labels.events})
    lines = [f"{result.labels.name}: {len(result.labels.events)} national events in {countries} countries: {listed}."]
    lines += [f"{note[0].upper()}{note[1:]}." for note in result.labels.notes]
    dealt = f"Countries are dealt into {result.parts} parts, {result.repeats} times"
    lines.append(f"{dealt}; each part is judged by what the others taught.")
    return lines


def reliability_chart(result: Result) -> dict[str, Any]:
    """A Vega-Lite specification: what was said against what came, for each question."""
    values = [
        {"question": TITLES[one.question], "said": b.said, "came": b.came, "forecasts": _each(b, result.repeats)}
        for one in result.scores
        if one.forecaster == "weights"
        for b in one.bins
    ]
    share = {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": {"format": ".0%"}}
    diagonal = {
        "data": {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]},
        "mark": {"type": "line", "strokeDash": [4, 4], "color": "gray"},
        "encoding": {"x": {"field": "x", **share}, "y": {"field": "y", **share}},
    }
    points = {
        "mark": {"type": "point", "filled": True},
        "encoding": {
            "x": {"field": "said", **share, "title": "probability given"},
            "y": {"field": "came", **share, "title": "share in which that was the answer"},
            "color": {"field": "question", "type": "nominal", "title": None, "legend": {"orient": "bottom"}},
            "size": {"field": "forecasts", "type": "quantitative", "title": "events", "legend": {"orient": "bottom"}},
        },
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": 420,
        "height": 420,
        "data": {"values": values},
        "layer": [diagonal, points],
    }


def _each(one: Bin, repeats: int) -> float:
    return one.forecasts / repeats
