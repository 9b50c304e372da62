"""Why, in JSON and in lines."""

import json
import math
from dataclasses import replace
from html import unescape

from duskwatch.explanation import explain
from duskwatch.explanation.gather import facts_of_report, main_outage
from duskwatch.publication.why import explanation_document, explanation_lines, ratio, verdict_sentence
from duskwatch.publication.why_html import section
from duskwatch.records.evidence import Fact, Facts
from tests.explanation.made import some_facts
from tests.publication import build


def test_the_document_holds_every_number_and_is_json():
    for seed in range(5):
        found = explain(some_facts(seed).plus(Fact("not.known", math.nan)))
        told = json.loads(json.dumps(explanation_document(found), allow_nan=False))
        assert told["schema"] == "duskwatch.explanation/1"
        assert len(told["hypotheses"]) == len(found.hypotheses)
        for one in told["hypotheses"]:
            counted = [each["weight"] for each in one["evidence"] if each["counted"]]
            assert abs(sum(counted) - one["net"]) < 0.01
            assert abs(one["for"] + one["against"] - one["net"]) < 0.01
        assert {"name": "not.known", "value": None} .items() <= {
            key: value for fact in told["facts"] if fact["name"] == "not.known" for key, value in fact.items()
        }.items()  # fmt: skip
        assert {one["feature"] for one in told["not_measured"]} == {one.feature for one in found.not_measured}


def test_the_founding_case_is_told_as_what_stays_open_and_what_is_weak():
    report = build.kp()
    found = explain(facts_of_report(report, main_outage(report)).plus(Fact("after.relapses", 2.0)))
    lines = explanation_lines(found)
    assert lines[0].startswith("The evidence is consistent with")
    assert "denial-of-service attack" in lines[0].split(":")[0]
    assert any(line.startswith("Cable or upstream failure: weak") for line in lines)
    assert any(line.startswith("Not measured: ") for line in lines)
    assert lines[-1] == "Who did it cannot be told from measurements, and is not weighed."
    assert all("\n" not in line for line in lines)


def test_nothing_measured_is_said_to_be_undetermined():
    said = verdict_sentence(explain(Facts()))
    assert said.startswith("The evidence points at no cause: why is undetermined.")
    assert "These data cannot test: " in said


def test_no_line_names_a_country_or_an_actor():
    report = build.kp()
    said = " ".join(explanation_lines(explain(facts_of_report(report, main_outage(report)))))
    for name in ("Korea", "KP", "China", "America", "United States", "Sony", "Anonymous", "Lizard"):
        assert name not in said


def test_sums_are_told_as_ratios():
    assert ratio(math.log(9)) == "9.0 times likelier than in an outage of unknown cause"
    assert ratio(-math.log(20)) == "20 times less likely than in an outage of unknown cause"
    assert ratio(0.0) == "as likely as in an outage of unknown cause"
    assert ratio(1e9).startswith("5,184,705,528,587,07")


def test_the_verdict_leaves_no_cause_out():
    for seed in range(5):
        found = explain(some_facts(seed))
        said = verdict_sentence(found)
        for one in found.hypotheses:
            assert one.title.lower() in said


def test_the_page_says_how_far_an_answer_could_move_what_it_could_turn():
    found = explain(some_facts(1))
    told = section(replace(build.kp(), explanation=found))
    missing = next(one for one in found.not_measured if any(move.turns for move in one.moves))
    move = next(move for move in missing.moves if move.turns)
    span = f"{move.least + 0.0:+.1f} to {move.most + 0.0:+.1f}".replace("-", "\u2212")
    assert f"{found.weighed(move.hypothesis).title.lower()} ({span})" in unescape(told)
