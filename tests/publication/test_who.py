"""Which networks were lost, in words, in the table, on the terminal and in report.json: the same everywhere."""

import io
import json
from collections.abc import Callable
from dataclasses import replace

import jsonschema
import pytest
from rich.console import Console

from duskwatch.publication import tables, who
from duskwatch.publication.html import to_html
from duskwatch.publication.report_json import dumps, schema, to_json
from duskwatch.publication.terminal import print_summary
from duskwatch.publication.words import paragraphs
from duskwatch.records.entity import Entity
from duskwatch.records.incidents import Incident, Member
from duskwatch.records.report import Report
from tests.publication.build import (
    SIX,
    alone,
    explained,
    kp,
    national,
    networks,
    outage,
    quiet,
    shared,
    spread,
    t,
    when,
)

KP, STAR = Entity("country", "KP", "North Korea"), Entity("asn", "AS131279")


def incident(start: str, end: str | None, *by: tuple[Entity, float], lost: float = 1.0, explained: float = 1.0):
    one = outage(when(t(start)), when(t(end)) if end else None, t("2014-12-29"))
    told = tuple(Member(entity, one, 0, part) for entity, part in by)
    return Incident(KP, t(start), t(end) if end else None, lost, (Member(KP, one, 0, 1.0), *told), told, explained)


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (
            incident("2008-02-19T13:07:13Z", "2008-02-19T14:13:17Z", (STAR, 1.0)),
            (
                "North Korea (KP), 19 February 2008, 13:07 to 14:13 UTC, 100 % lost; AS131279, which is all of KP, "
                "explains it"
            ),
        ),
        (
            incident("2014-12-22T16:15Z", "2014-12-23T01:46Z", (STAR, 0.92), lost=0.92),
            (
                "North Korea (KP), 22 December 2014, 16:15 to 23 December, 01:46 UTC, 92 % lost; "
                "AS131279, which is 92 % "
                "of KP, explains it"
            ),
        ),
        (
            incident("2014-12-31T23:55:10Z", "2015-01-01T00:03:20Z", (STAR, 0.8), lost=0.9, explained=0.889),
            (
                "North Korea (KP), 31 December 2014, 23:55:10 to 1 January 2015, 00:03:20 UTC, 90 % lost; "
                "AS131279, which "
                "is 80 % of KP, explains 89 % of it"
            ),
        ),
        (
            incident("2014-12-22T16:15Z", None, (STAR, 0.5), (Entity("asn", "AS1", "One"), 0.4), explained=0.9),
            (
                "North Korea (KP), 22 December 2014, 16:15 UTC, not over, 100 % lost; AS131279 (50 % of KP) and "
                "One (AS1) (40 % of KP) together explain 90 % of it"
            ),
        ),
        (
            incident("2014-12-22T16:15Z", "2014-12-22T17:15Z", lost=0.3),
            (
                "North Korea (KP), 22 December 2014, 16:15 to 17:15 UTC, 30 % lost; "
                "no outage of a single operator explains it"
            ),
        ),
    ],
)
def test_an_incident_in_one_sentence(one: Incident, text: str) -> None:
    assert who.sentence(one) == text


def test_where_parts_were_not_looked_at_nothing_is_said_of_them() -> None:
    one = incident("2014-12-22T16:15Z", "2014-12-22T17:15Z", lost=0.3)
    assert who.sentence(one, named_apart=False).endswith("30 % lost")


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (
            explained,
            (
                "One of its 40 operators (ASes) explains it: AS64500 Net 64500 announced 58 of 100 "
                "IPv4 /24s of the "
                "country (58 %) and lost all of that from 06:00 UTC on Monday 1 March 2021 until 06:40 UTC. "
                "That makes up 97 % of the country's loss."
            ),
        ),
        (
            shared,
            (
                "No single operator explains it, but two together do: AS64500 Net 64500 (30 % of the country, "
                "30 of 100 "
                "IPv4 /24s, all lost) and AS64502 Net 64502 (40 % of the country, 40 of 100 IPv4 /24s, 50 "
                "% lost). That "
                "makes up 83 % of the country's loss."
            ),
        ),
        (
            spread,
            (
                "No single one of its 40 operators (ASes) explains it, nor do three together: 13 operators had an "
                "outage at that time, of which AS64512 Net 64512 took the most, 4 % of the country."
            ),
        ),
        (
            alone,
            (
                "Though the country as a whole had no outage, one of its 40 operators (ASes) had: AS64500 "
                "Net 64500 (5 of 100 IPv4 /24s), all lost from 06:00:00 UTC on Monday 1 March 2021 for 8 min, "
                "which is 5 % of the country."
            ),
        ),
        (lambda: networks([], 1, national()), "The country has one operator (AS), which was not lost as a whole."),
        (
            lambda: networks([], 9, national()),
            (
                "No single one of its nine operators (ASes) explains it, nor do three together: none "
                "of them had an "
                "outage of its own at that time."
            ),
        ),
        (lambda: networks([], 9, quiet()), ""),
        (kp, ""),
    ],
)
def test_the_account_of_a_report(made: Callable[[], Report], text: str) -> None:
    report = made()
    assert who.account(report) == text
    assert (text in paragraphs(report)) == bool(text)


def test_the_only_network_is_told_as_such() -> None:
    report = networks([(131279, 1.0, 1.0, "2014-12-22T16:15:03Z", 571)], 1, kp())
    assert who.account(report) == ("All of its routes are announced by one operator (AS), AS131279 Net 131279.")
    assert who.left_out(report) == "It has no other operator in this window."


def test_at_most_ten_networks_are_in_the_table_and_the_rest_is_counted() -> None:
    table = tables.networks(spread())
    assert len(table.rows) == 10
    assert table.note == (
        "Three more operators had outages; report.json has all. Of its 40 operators, 27 had no outage."
    )
    assert table.rows[0].cells == (
        "AS64500 Net 64500", "4 %\n4 of 100 IPv4 /24s", "90 %\n4 % of the country",
        "2021-03-01 06:00:00\n2021-03-01 16:00:00 in Port Moresby",
        "2021-03-01 06:40:00\n2021-03-01 16:40:00 in Port Moresby\n40 min",
    )  # fmt: skip
    assert all(len(row.cells) == len(table.heads) for row in table.rows)
    assert who.left_out(networks([], 3, quiet())) == "None of its three operators had an outage."
    assert who.left_out(networks([(1, 1.0, 1.0, SIX, 9)], 1, national())) == "It has no other operator in this window."


def test_of_several_outages_of_a_network_the_worst_is_told() -> None:
    report = explained()
    assert report.networks is not None
    first = report.networks.lost[0]
    small = replace(first.outages[0], depth=0.5)
    many = replace(first, outages=(small, first.outages[0], small), before=first.before * 3)
    assert who.worst(many) == (first.outages[0], first.before[0])


def test_report_json_has_networks_and_incidents() -> None:
    document = json.loads(dumps(to_json(explained())))
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert document["networks"]["total"] == 40
    assert [one["asn"] for one in document["networks"]["lost"]] == [64500, 64502]
    assert document["networks"]["lost"][0]["outages"][0]["before"] == {
        "signal": "bgp.visible_slash24", "own": 58, "country": 100, "share": 0.58,
    }  # fmt: skip
    (one,) = document["incidents"]
    assert one["entity"]["code"] == "PG"
    assert [(m["entity"]["code"], m["outage"], m["share"]) for m in one["explained_by"]] == [("AS64500", 0, 0.58)]
    assert [m["entity"]["code"] for m in one["members"]] == ["PG", "AS64500", "AS64502"]
    assert one["explained"] == pytest.approx(0.966667)
    bad = json.loads(dumps(to_json(explained())))
    bad["incidents"][0]["explained"] = 3
    assert not jsonschema.Draft202012Validator(schema()).is_valid(bad)
    nothing = to_json(kp())
    assert (nothing["networks"], nothing["incidents"]) == (None, [])


@pytest.mark.parametrize("width", [60, 120])
def test_the_terminal_lists_them(width: int) -> None:
    def text(report: Report) -> str:
        out = io.StringIO()
        print_summary(report, Console(file=out, width=width), [])
        return " ".join(out.getvalue().split())

    told = text(spread())
    assert "Operators that were lost AS64500 Net 64500: 4 % of the country (4 of 100 IPv4 /24s), 90 %" in told
    assert "Three more operators had outages" in told
    assert "Operators None of its three operators had an outage." in text(networks([], 3, quiet()))
    assert "Operators" not in text(kp())


def test_the_page_has_the_section_where_networks_were_told_apart() -> None:
    page = to_html(spread())
    assert '<h2 id="networks">Whose it was</h2>' in page
    assert page.count("nor do three together") == 1
    assert "Three more operators had outages" in page
    assert "None of its three operators had an outage." in to_html(networks([], 3, quiet()))
    assert 'id="networks"' not in to_html(kp())


def test_names_from_outside_are_escaped_and_cut() -> None:
    report = replace(explained(), as_names={64500: "<script>alert(1)</script>" + "x" * 200})
    page = to_html(report)
    assert "<script>" not in page
    assert "…" in who.account(report)
