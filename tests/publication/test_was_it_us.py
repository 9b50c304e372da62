"""The answer to "was it us?" in words, on the terminal, on the page and in the document."""

import json
import re
from dataclasses import replace

import jsonschema
import pytest

from duskwatch.publication.html import to_html
from duskwatch.publication.report_json import dumps, schema, to_json
from duskwatch.publication.was_it_us import (
    answer,
    answers,
    artefacts,
    by_collector,
    checked,
    faults,
    lines,
    main_answer,
)
from duskwatch.records.coverage import Artefact, CollectorView, Coverage, Doubt, Witnesses
from duskwatch.records.report import Report
from duskwatch.records.times import MINUTE, SECOND
from tests.publication.build import kp, quiet, t
from tests.publication.test_terminal import printed

DOWN = t("2014-12-22T16:15:03Z")


def view(name: str, lost: int, kept: int = 0, left: int = 0) -> CollectorView:
    times = (DOWN, DOWN + 20 * SECOND) if lost else (None, None)
    return CollectorView(name, lost, kept, left, *times)


def witnesses(*views: CollectorView, doubts: tuple[Doubt, ...] = (), **more: object) -> Witnesses:
    live = sum(own.voters for own in views)
    lost = sum(own.lost for own in views)
    given = {"talking": lost, "statements": 5000} | more
    return Witnesses(views, 4, live, live, live, 0, 0, 0, 0, given.pop("talking"), given.pop("statements"), doubts)  # type: ignore[arg-type]


SEEN = witnesses(view("rrc06", 9), view("route-views2", 30, 1), view("rrc00", 1))


def with_coverage(*told: Witnesses | None, faults_: tuple[Artefact, ...] = ()) -> Report:
    return replace(kp(), coverage=Coverage(faults_, told))


def test_a_plain_no_gives_its_numbers() -> None:
    assert answer(SEEN) == (
        "no: 40 of 41 observers that held a route lost it, at three collectors, and all of them kept reporting on the "
        "rest of the Internet (5,000 statements)"
    )
    assert by_collector(SEEN) == "rrc06: 9 of 9 observers lost it; route-views2: 30 of 31; rrc00: 1 of 1"


def test_those_that_went_away_are_not_among_those_that_were_asked() -> None:
    told = witnesses(view("rrc06", 9, 0, 5), view("rrc00", 3))
    assert answer(told).startswith(
        "no: 12 of 12 observers that held a route lost it, at two collectors (5 more stopped watching)"
    )
    assert by_collector(told) == "rrc06: 9 of 9 observers lost it, 5 more stopped watching; rrc00: 3 of 3"


def test_when_all_went_away_nobody_is_said_to_have_held_nothing() -> None:
    """Sessions that end by NOTIFICATION and come back without the route: nobody withdrew it."""
    told = replace(witnesses(view("own", 0, 0, 2)), doubts=("few voters", "voters left"))
    text = answer(told)
    assert "both observers that held a route stopped watching as it began; no other is known to have held one" in text
    assert "no observer said that it lost it itself" in text
    assert "no observer is known to have held" not in text
    assert by_collector(told) == "own: 2 observers stopped watching"
    one = replace(told, collectors=(view("own", 0, 0, 1),))
    assert "the one observer that held a route stopped watching as it began" in answer(one)


def test_peers_that_never_said_whether_they_held_it_are_told() -> None:
    told = replace(witnesses(view("route-views2", 25)), voters_before=37)
    assert "25 of 25 observers that held a route lost it, at one collector" in answer(told)
    assert "(12 more had not said whether they held a route)" in answer(told)


@pytest.mark.parametrize(
    ("talking", "text"),
    [
        (40, ", and all of them kept reporting on the rest of the Internet (5,000 statements)"),
        (39, ", and 39 of them kept reporting on the rest of the Internet (5,000 statements)"),
        (None, " lost it, at three collectors"),
    ],
)
def test_what_they_said_meanwhile_is_told_where_it_was_counted(talking: int | None, text: str) -> None:
    assert answer(replace(SEEN, talking=talking)).endswith(text)


@pytest.mark.parametrize(
    ("told", "verdict", "text"),
    [
        (witnesses(view("rrc00", 1), doubts=("few voters",)), "cannot be ruled out", "only one observer lost it"),
        (
            witnesses(view("rrc00", 0, 2), doubts=("few voters",)),
            "cannot be ruled out",
            "no observer is known to have lost",
        ),
        (
            witnesses(view("rrc00", 12), view("rrc01", 0, 2), doubts=("one collector",)),
            "cannot be ruled out",
            "only observers at rrc00 lost it, while 2 elsewhere kept it",
        ),
        (
            witnesses(view("rrc00", 5), doubts=("one collector",)),
            "cannot be ruled out",
            "it was seen at one collector alone (rrc00), by few observers",
        ),
        (
            witnesses(view("rrc00", 9), view("rrc01", 9), doubts=("silent",), talking=0, statements=0),
            "cannot be ruled out",
            "of 18 observers that lost it, none reported on other networks meanwhile",
        ),
        (
            replace(SEEN, doubts=("elsewhere",), elsewhere=60, elsewhere_lost=40),
            "cannot be ruled out",
            "40 of 60 other prefixes watched were lost in the same minutes",
        ),
        (replace(SEEN, doubts=("in a gap",)), "yes, partly", "begins or ends where nobody was watching"),
        (
            replace(SEEN, doubts=("voters left",), resets=7, voters_least=34),
            "yes, partly",
            "many observers stopped watching at that time (seven sessions ended): at worst 34 were left",
        ),
        (replace(SEEN, doubts=("voters left",), voters_least=0), "yes, partly", "for a part of it, or near its onset"),
        (replace(SEEN, doubts=("lone spell",)), "yes, partly", "one collector alone saw a loss, which is not counted"),
        (replace(SEEN, doubts=("voters left", "few voters")), "cannot be ruled out", "many observers stopped watching"),
    ],
)
def test_each_doubt_has_its_words_and_its_verdict(told: Witnesses, verdict: str, text: str) -> None:
    assert answer(told).startswith(f"{verdict}: ")
    assert text in answer(told)


def test_the_summary_answers_for_the_main_outage_and_names_doubtful_others() -> None:
    doubtful = witnesses(view("rrc00", 1), doubts=("few voters",))
    text = printed(with_coverage(SEEN, SEEN, doubtful))
    assert "Was it us? no: 40 of 41 observers that held a route lost it, at three collectors" in text.replace("\n", " ")
    assert "rrc06: 9 of 9 observers lost it" in text
    assert "The outage of 2014-12-23 15:41:00 UTC: cannot be ruled out: only one observer lost it" in text
    assert "The outage of 2014-12-23 07:41:00" not in text


def test_nothing_is_answered_where_nothing_was_worked_out() -> None:
    for report in (kp(), quiet(), with_coverage(None, None, None)):
        assert lines(report) == ()
        assert main_answer(report) == ""
        assert answers(report) == ()
        assert checked(report) == ()
        assert "Was it us?" not in printed(report)
        assert 'id="was-it-us"' not in to_html(report)
        assert {outage["was_it_us"] for outage in to_json(report)["outages"]} <= {None}


FAULTS = (
    Artefact("collector restart", "rrc97", DOWN - 60 * MINUTE, DOWN - 50 * MINUTE, "9 of 9 sessions went down", 9),
    Artefact("stuck route", "rrc98 AS64500", DOWN, DOWN + 100 * MINUTE, "kept 4 prefixes", 1),
    Artefact("stuck route", "rrc98 AS64501", DOWN, DOWN + 100 * MINUTE, "kept <b>4</b> prefixes", 1),
    Artefact("lone collector", "rrc91", DOWN, DOWN + MINUTE, "10 of 10", 10),
    Artefact("nothing recorded", "", DOWN, DOWN + MINUTE, "no data of any of 3 collectors"),
)


def test_faults_are_counted_by_kind_in_words() -> None:
    report = with_coverage(faults_=FAULTS)
    assert faults(report) == (
        "one collector restart, one loss seen at one collector alone, "
        "one time at which no collector recorded anything and two stuck routes"
    )
    assert "faults of the recording, none counted as an outage: one collector restart" in printed(report, 200)
    assert faults(kp()) == ""
    assert artefacts(kp()) is None


def test_the_summary_lists_the_faults_that_matter_and_how_many_more_there_are() -> None:
    text = printed(with_coverage(faults_=FAULTS), 200)
    assert "  2014-12-22 16:15:03 UTC  1 min  lone collector rrc91: 10 of 10" in text
    assert "  2014-12-22 16:15:03 UTC  1 min  nothing recorded: no data of any of 3 collectors" in text
    assert "more in report.html" not in text.split("faults of the recording")[1]
    many = printed(with_coverage(faults_=FAULTS * 3), 200)
    assert many.count("UTC  1 min  lone collector") == 1
    assert "  and 7 more in report.html" in many


def test_the_page_has_the_answer_with_its_tables_and_escapes_what_comes_from_outside() -> None:
    page = to_html(with_coverage(SEEN, SEEN, SEEN, faults_=FAULTS))
    section = page[page.index('id="was-it-us"') : page.index('id="coverage"')]
    flat = re.sub(r"<[^>]*>|\s", " ", section.replace("\u00a0", " "))
    for text in (
        "Was the main outage one? No: 40 of 41 observers",
        "route-views2",
        "kept it",
        "41 just before",
        "The other outages",
        "5,000 statements about other prefixes, from 40 observers",
        "nothing else was watched in this run",
    ):
        assert text in flat, text
    assert "2014-12-22 16:15:03, then over 20 s" in flat
    assert "kept &lt;b&gt;4&lt;/b&gt; prefixes" in page
    assert "all collectors" in page[page.index('id="coverage"') :]


def test_the_document_has_every_number() -> None:
    document = json.loads(dumps(to_json(with_coverage(SEEN, None, SEEN, faults_=FAULTS))))
    jsonschema.Draft202012Validator(schema()).validate(document)
    own = document["outages"][0]["was_it_us"]
    assert (own["verdict"], own["doubts"], own["prefixes"]) == ("no", [], 4)
    assert own["answer"] == answer(SEEN)
    assert own["full_feed_peers"] == {"before": 41, "least": 41, "after": 41}
    assert own["collectors"][1] == {
        "collector": "route-views2", "lost": 30, "held_on": 1, "went_away": 0,
        "first_lost": "2014-12-22T16:15:03Z", "last_lost": "2014-12-22T16:15:23Z", "peers": [],
    }  # fmt: skip
    assert own["heard_meanwhile"] == {"peers": 40, "statements": 5000}
    assert document["outages"][1]["was_it_us"] is None
    assert document["coverage"]["artefacts"][4] == {
        "kind": "nothing recorded", "source": None, "from": "2014-12-22T16:15:03Z", "until": "2014-12-22T16:16:03Z",
        "peers": 0, "detail": "no data of any of 3 collectors",
    }  # fmt: skip
