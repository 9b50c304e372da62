"""What could not be judged is said so, in headline, summary, table and document."""

import dataclasses

import pytest

from duskwatch.cli.analyze import _code
from duskwatch.publication.finding import finding
from duskwatch.publication.not_judged import WHY, account, nothing_judged
from duskwatch.publication.report_json import to_json
from duskwatch.publication.words import paragraphs
from duskwatch.records.judged import WHY_NOT, JudgedSpan
from tests.publication import build


@pytest.fixture
def quiet():
    return build.quiet()


def of(report, *spans):
    """The report with its window cut: (share of the window, reason) each."""
    at, length, out = report.from_us, report.until_us - report.from_us, []
    for share, why in spans:
        out.append(JudgedSpan(at, at + round(share * length), why))
        at = out[-1].until_us
    return dataclasses.replace(report, judged=tuple(out))


@pytest.mark.parametrize("why", WHY_NOT)
def test_a_window_of_which_nothing_was_judged_is_no_all_clear(quiet, why):
    report = of(quiet, (1.0, why))
    found = finding(report)
    assert found.kind in ("not judged", "nothing heard")
    told = " ".join([found.headline, *paragraphs(report)])
    assert "o outage of" not in told
    assert "could not be judged" in told or "Nothing was heard" in told
    assert nothing_judged(report)
    assert _code(report, False) == 1
    assert [one["reason"] for one in to_json(report)["judged"]] == [why]


def test_of_a_window_that_was_judged_in_part_the_part_is_told(quiet):
    report = of(quiet, (0.25, "still-learning"), (0.75, None))
    assert finding(report).headline.endswith("in the 75 % of the time that could be judged")
    assert WHY["still-learning"] in account(report)
    assert _code(report, False) == 0


def test_where_there_were_several_reasons_the_time_is_told_in_all(quiet):
    report = of(quiet, (0.1, "not-watched"), (0.25, "still-learning"), (0.65, None))
    assert "Together with the time told above, " in account(report)
    assert " (35 %) could not be judged." in account(report)
    one = of(quiet, (0.25, "still-learning"), (0.75, None))
    assert "Together" not in account(one)


def test_a_window_that_was_judged_whole_says_no_more(quiet):
    report = of(quiet, (1.0, None))
    assert finding(report).kind == "no outage"
    assert "could be judged" not in finding(report).headline
    assert account(report) == ""


def test_a_window_that_begins_in_the_dark_is_not_judged(quiet):
    report = of(quiet, (0.5, "down-at-start"), (0.5, None))
    found = finding(report)
    assert found.kind == "not judged"
    assert "could not be reached, or only in part, until" in found.headline


def test_every_reason_has_words():
    assert set(WHY) == set(WHY_NOT)
