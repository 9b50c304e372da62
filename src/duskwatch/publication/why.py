"""Why: an explanation as plain values for JSON, and as lines of text. It reads records alone."""

import math
import re
from typing import Any

from duskwatch.records.evidence import Evidence, Explanation, Fact, NotMeasured, Weighed

SCHEMA = "duskwatch.explanation/1"
MOST_EVIDENCE = 4  # of each hypothesis, in lines
MOST_MISSING = 5  # features not measured, in lines
LEAST_SAID = 0.1  # a weight nearer to zero says nothing
STATED = "stated"  # where no cases were counted
NOT_TESTABLE = "not testable from these data"


def explanation_document(explanation: Explanation) -> dict[str, Any]:
    """Every number of an explanation, as JSON takes it. Sums and weights are natural logarithms of ratios."""
    return {
        "schema": SCHEMA,
        "outage": explanation.outage,
        "undetermined": explanation.undetermined,
        "undetermined_share": round(explanation.undetermined_share, 4),
        "weights": explanation.weights,
        "hypotheses": [_hypothesis(one) for one in explanation.hypotheses],
        "not_measured": [_missing(one) for one in explanation.not_measured],
        "facts": [_fact(one) for one in sorted(explanation.facts, key=lambda fact: fact.name)],
    }


def causes_json(explanation: Explanation) -> list[dict[str, Any]]:
    """Each cause with its sum and the evidence that counts, as report.json has them; natural logarithms of ratios."""
    return [
        {
            "cause": one.hypothesis,
            "title": one.title,
            "verdict": one.verdict,
            "log_odds": _rounded(one.net),
            "evidence": [
                {"feature": each.feature, "value": each.state, "log_lr": _rounded(each.weight), "source": each.source}
                for each in one.evidence
                if each.counted
            ],
        }
        for one in explanation.hypotheses
    ]


def _hypothesis(one: Weighed) -> dict[str, Any]:
    return {
        "hypothesis": one.hypothesis,
        "title": one.title,
        "verdict": one.verdict,
        "net": _rounded(one.net),
        "for": _rounded(one.speaks_for),
        "against": _rounded(one.speaks_against),
        "share": round(one.share, 4),
        "evidence": [
            {
                "feature": each.feature,
                "title": each.title,
                "state": each.state,
                "group": each.group,
                "weight": _rounded(each.weight),
                "counted": each.counted,
                "source": each.source,
                "sample": each.sample or None,
                "facts": list(each.facts),
            }
            for each in one.evidence
        ],
        "untested": list(one.untested),
    }


def _missing(one: NotMeasured) -> dict[str, Any]:
    return {
        "feature": one.feature,
        "title": one.title,
        "missing": list(one.missing),
        "moves": [
            {
                "hypothesis": move.hypothesis,
                "least": _rounded(move.least),
                "most": _rounded(move.most),
                "turns_verdict": move.turns,
            }
            for move in one.moves
        ],
    }


def _fact(one: Fact) -> dict[str, Any]:
    return {
        "name": one.name,
        "value": None if math.isnan(one.value) else one.value,
        "unit": one.unit or None,
        "origin": one.origin or None,
        "from_us": one.from_us,
        "until_us": one.until_us,
        "note": one.note or None,
    }


def _rounded(value: float) -> float:
    return round(value, 3) + 0.0


def explanation_lines(explanation: Explanation) -> list[str]:
    """What the evidence says about why, in sentences: the verdict, each hypothesis, what was not measured."""
    lines = [verdict_sentence(explanation)]
    lines += [_hypothesis_line(one) for one in explanation.hypotheses]
    lines += [_missing_line(explanation, one) for one in explanation.not_measured if one.moves][:MOST_MISSING]
    lines.append("Who did it cannot be told from measurements, and is not weighed.")
    return lines


def verdict_sentence(explanation: Explanation) -> str:
    """The verdict in one sentence or two."""
    found = [one.title.lower() for one in explanation.consistent]
    weak = [one.title.lower() for one in explanation.hypotheses if one.verdict == "weak"]
    between = [one.title.lower() for one in explanation.hypotheses if one.verdict == "undetermined"]
    untested = [one.title.lower() for one in explanation.hypotheses if one.verdict == NOT_TESTABLE]
    if not found:
        said = "The evidence points at no cause: why is undetermined."
    elif len(found) == 1:
        said = f"The evidence is consistent with one cause, {found[0]}."
    else:
        these = "both" if len(found) == 2 else "all of these"
        said = f"The evidence is consistent with {_listed(found)}: {these} stay open."
    said += f" It speaks neither for nor against {_listed(between)}." if between else ""
    said += f" Weak: {_listed(weak)}." if weak else ""
    return said + (f" These data cannot test: {_listed(untested)}." if untested else "")


def _hypothesis_line(one: Weighed) -> str:
    reasons = [_evidence(each) for each in one.evidence if each.counted and each.weight][:MOST_EVIDENCE]
    why = f": {'; '.join(reasons)}" if reasons else ": nothing that was measured speaks for or against it"
    return f"{one.title}: {one.verdict}, {ratio(one.net)}{why}."


def _evidence(one: Evidence) -> str:
    where = one.source if one.source == STATED else f"{one.source}, {one.sample or STATED}"
    return f"{one.feature} {one.state} {one.weight:+.1f} ({where})"


def _missing_line(explanation: Explanation, one: NotMeasured) -> str:
    widest = one.moves[0]
    title = explanation.weighed(widest.hypothesis).title.lower()
    turns = [explanation.weighed(move.hypothesis).title.lower() for move in one.moves if move.turns]
    line = f"Not measured: {one.title} An answer would move {title} by {widest.least:+.1f} to {widest.most:+.1f}"
    return line + (f"; the verdict could change on {_listed(turns)}." if turns else ".")


def words_of_state(state: str) -> str:
    """An answer as words: at-once is at once, 4h-24h is 4 h to 24 h."""
    if span := re.fullmatch(r"(\d+)([a-z]+)-(\d+)([a-z]+)", state):
        return f"{span[1]} {span[2]} to {span[3]} {span[4]}"
    return state.replace("-", " ")


def said_of_facts(explanation: Explanation, one: Evidence) -> str:
    """The numbers that an answer rests on, in parentheses; empty where there is none to show."""
    numbers = []
    for name in one.facts:
        value = explanation.facts.number(name)
        unit = explanation.facts.by_name[name].unit if name in explanation.facts.by_name else ""
        if math.isnan(value) or unit == "minutes after local midnight":
            continue
        if unit.startswith("share"):
            numbers.append(f"{100 * value:.0f} %")
        elif unit:
            numbers.append(f"{value:,.1f} {unit}".replace(".0 ", " "))
    return f" ({', '.join(numbers)})" if numbers else ""


def ratio(net: float) -> str:
    """A sum of weights as a ratio: how much likelier, or less likely, than for an outage of unknown cause."""
    times = math.exp(min(abs(net), 50.0))
    if times < 1.1:
        return "as likely as in an outage of unknown cause"
    shown = f"{times:.1f}" if times < 10 else f"{times:,.0f}"
    return f"{shown} times {'likelier' if net > 0 else 'less likely'} than in an outage of unknown cause"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
