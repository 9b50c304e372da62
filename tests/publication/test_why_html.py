"""The section "Why" of a page, and what report.json and the other forms say of it."""

import re
from dataclasses import replace

import pytest

from duskwatch.analysis.causes import explained
from duskwatch.publication.html import to_html
from duskwatch.publication.markdown import to_markdown
from duskwatch.publication.report_json import to_json
from duskwatch.publication.why import verdict_sentence
from duskwatch.publication.why_html import section
from tests.publication import build


@pytest.fixture(scope="module")
def report():
    return explained(build.kp())


def test_each_cause_has_a_bar_that_leads_to_its_numbers(report):
    text = section(report)
    for one in report.explanation.hypotheses:
        assert f'href="#why-{one.hypothesis}"' in text
        assert f'<details id="why-{one.hypothesis}"><summary>{one.title}: {one.verdict}, ' in text
    assert verdict_sentence(report.explanation) in text.replace("&#39;", "'")
    assert "Who did it cannot be told from measurements" in text


def test_widths_are_the_sums_on_one_scale(report):
    text = section(report)
    widths = [int(w) for w in re.findall(r'class="(?:for|against)" style="width:(\d+)%"', text)]
    scale = float(re.search(r"end of the scale, ([\d.]+),", text)[1])
    sums = []
    for one in report.explanation.hypotheses:
        sums += [-one.speaks_against, one.speaks_for]
    assert len(widths) == len(sums)
    assert all(abs(width / 100 - value / scale) < 0.03 for width, value in zip(widths, sums, strict=True))
    assert max(widths) <= 100


def test_what_was_not_measured_stands_with_what_it_could_change(report):
    text = section(report)
    shown = report.explanation.not_measured[:8]
    for one in shown:
        assert str(one.title).replace("'", "&#39;") in text
    more = len(report.explanation.not_measured) - len(shown)
    assert (f"{more} more in report.json" in text) == (more > 0)


def test_the_page_the_ticket_and_json_say_the_same(report):
    document = to_json(report)
    verdict = verdict_sentence(report.explanation)
    assert verdict in to_markdown(report).replace("\\", "")
    assert '<a href="#why">Why</a>' in to_html(report)
    assert [one["cause"] for one in document["hypotheses"]] == [one.hypothesis for one in report.explanation.hypotheses]
    for one, known in zip(document["hypotheses"], report.explanation.hypotheses, strict=True):
        assert one["verdict"] == known.verdict
        assert sum(each["log_lr"] for each in one["evidence"]) == pytest.approx(one["log_odds"], abs=0.01)
    assert document["explanation"]["outage"] == report.explanation.outage


def test_a_report_without_an_outage_says_nothing_of_why(report):
    bare = replace(report, explanation=None)
    assert section(bare) == ""
    assert 'href="#why"' not in to_html(bare)
    assert "## Why" not in to_markdown(bare)
    assert (to_json(bare)["hypotheses"], to_json(bare)["explanation"]) == ([], None)
