"""The section "Why" of a page: bars of evidence for and against each cause, and the numbers behind every bar."""

import math
from functools import cache
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from duskwatch.publication.why import LEAST_SAID, STATED, ratio, said_of_facts, verdict_sentence, words_of_state
from duskwatch.records.evidence import Evidence, Explanation, Move, Weighed
from duskwatch.records.report import Report

MOST_MISSING = 8  # questions without an answer that are listed; report.json has all
SCALE = math.log(10)  # the shortest scale of the bars, each way: ten to one


class Row(NamedTuple):
    """One piece of evidence."""

    question: str
    answer: str
    weight: str
    meaning: str  # the weight as a ratio
    counted: str
    origin: str


class Bar(NamedTuple):
    """One hypothesis. Widths are percentages of half the bar."""

    name: str
    title: str
    verdict: str
    ratio: str
    speaks_for: str
    speaks_against: str
    for_width: int
    against_width: int
    rows: tuple[Row, ...]
    untested: tuple[str, ...]


class Missing(NamedTuple):
    """A question that nothing measured answers, and how far an answer could move a cause."""

    question: str
    moves: str


def section(report: Report) -> Markup:
    """The section; empty where nothing was weighed."""
    found = report.explanation
    if found is None:
        return Markup("")
    most = max([SCALE, *(max(one.speaks_for, -one.speaks_against) for one in found.hypotheses)])
    text = _environment().get_template("why.html.j2").render(
        verdict=verdict_sentence(found),
        bars=[_bar(found, one, most) for one in found.hypotheses],
        missing=[_missing(found, k) for k in range(len(found.not_measured))][:MOST_MISSING],
        more=max(0, len(found.not_measured) - MOST_MISSING),
        scale=f"{most:.1f}",
        times=f"{math.exp(most):,.0f}",
        weights=found.weights,
    )  # fmt: skip
    return Markup(text)  # autoescape was on


def _bar(found: Explanation, one: Weighed, most: float) -> Bar:
    titles = {each.feature: each.title for each in found.not_measured}
    titles |= {each.feature: each.title for each in one.evidence}
    return Bar(
        one.hypothesis,
        one.title,
        one.verdict,
        ratio(one.net),
        f"{one.speaks_for:+.1f}" if one.speaks_for else "0",
        f"{one.speaks_against:+.1f}".replace("-", "\u2212") if one.speaks_against else "0",
        round(100 * one.speaks_for / most),
        round(100 * -one.speaks_against / most),
        tuple(_row(found, each) for each in one.evidence if abs(each.weight) >= LEAST_SAID or each.counted),
        tuple(dict.fromkeys(titles.get(name.partition("=")[0], name) for name in one.untested)),
    )


def _row(found: Explanation, each: Evidence) -> Row:
    return Row(
        each.title,
        words_of_state(each.state) + said_of_facts(found, each),
        f"{each.weight:+.1f}".replace("-", "\u2212"),
        _times(each.weight),
        "yes" if each.counted else "no: another answer of its kind tells more",
        each.source if each.source == STATED else f"{each.source}, {each.sample or STATED}",
    )


def _times(weight: float) -> str:
    times = math.exp(abs(weight))
    if times < 1.1:
        return "says nothing"
    return f"{times:.1f} times {'likelier' if weight > 0 else 'less likely'}"


def _missing(found: Explanation, number: int) -> Missing:
    one = found.not_measured[number]
    turned = [_moved(found, move) for move in one.moves if move.turns]
    if turned or not one.moves:
        said = (
            f"could change the verdict on {', '.join(turned)}"
            if turned
            else "would change nothing: another answer of its kind tells more"
        )
        return Missing(one.title, said)
    return Missing(one.title, f"would change no verdict; at most it moves {_moved(found, one.moves[0])}")


def _moved(found: Explanation, move: Move) -> str:
    """A hypothesis, and how far its sum could move."""
    span = f"{move.least + 0.0:+.1f} to {move.most + 0.0:+.1f}".replace("-", "\u2212")
    return f"{found.weighed(move.hypothesis).title.lower()} ({span})"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("duskwatch.publication", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
