"""Sentences on who carried what was lost: ways in order, with their times; single points of failure."""

from dataclasses import replace

from duskwatch.publication import html, report_json, transit_tables
from duskwatch.publication.finding import finding
from duskwatch.publication.transit_json import amount
from duskwatch.publication.transit_words import course_sentence, reliance_sentence, steady
from duskwatch.records.report import Report
from duskwatch.records.signals import Carrier
from duskwatch.records.times import SECOND
from duskwatch.records.transit import Dependence, Entry, OutageTransit, Turn, TurnKind, Withdrawal
from tests.publication.build import kp

DAY = "2014-12-22T"


def around(report: Report, *turns: Turn, before: tuple[Entry, ...] = (Entry(4837, 1.0),)) -> OutageTransit:
    main = report.outages[0]
    end = main.end
    return OutageTransit(
        main.onset.earliest_us, report.until_us, main.onset.earliest_us - SECOND, end.best_us if end else None, 4, 4,
        before, (Entry(4837, 1.0),), (Dependence(4837, 1.0, 1.0),), (Carrier(4837, 0, 1.0, 1.0),), turns, 0,
        (Withdrawal("rrc00 AS3333 192.0.2.1", None, *(main.onset.best_us,) * 2, 4, "3333 4837", "3333 4837"),),
        1,
    )  # fmt: skip


def turn(report: Report, kind: TurnKind, at_s: int, before: int, after: int, many: int = 4, beyond: int = 0) -> Turn:
    at = report.outages[0].onset.best_us + at_s * SECOND
    return Turn(kind, at, at, before, after, beyond, many, many)


def test_one_way_there_and_back_is_one_short_sentence() -> None:
    report = kp()
    length = report.outages[0].duration_us // SECOND
    told = around(report, turn(report, "lost", 0, 4837, 0), turn(report, "back", length, 0, 4837))
    text = course_sentence(report, report.outages[0], told)
    assert text == "The routes were lost, and came back, through AS4837 (China Unicom, CN)."


def test_a_hunt_is_told_in_order_with_times() -> None:
    report = kp()
    length = report.outages[0].duration_us // SECOND
    home = Turn(
        "rose",
        report.outages[0].end.best_us + 60 * SECOND,
        report.outages[0].end.best_us + 90 * SECOND,
        0,
        4837,
        0,
        0,
        0,
        0.26,
    )  # type: ignore[union-attr]
    told = around(
        report,
        turn(report, "lost", 0, 4837, 0, 3),
        turn(report, "lost", 60, 22351, 0, 1),
        turn(report, "back", length, 0, 22351, 4, 1299),
        home,
    )
    text = course_sentence(report, report.outages[0], told)
    assert text.startswith("Three of four networks were lost through AS4837 (China Unicom, CN) at 16:15:")
    assert ", one through AS22351" in text
    assert "All came back through AS22351 behind AS1299 at 01:46:" in text
    assert "on routes went home to AS4837 (China Unicom, CN): 26 % of all by " in text
    assert text.index("lost") < text.index("came back") < text.index("went home")


def test_what_was_undone_within_a_minute_is_not_told() -> None:
    report = kp()
    flicker = [turn(report, "lost", -10, 4837, 0, 1), turn(report, "back", -8, 0, 4837, 1)]
    stays = turn(report, "lost", 0, 4837, 0)
    assert steady([*flicker, stays]) == [stays]
    assert steady([turn(report, "lost", 0, 4837, 0), turn(report, "back", 90, 0, 4837)]) != []


def test_a_single_point_of_failure_is_in_the_lead_and_on_the_page() -> None:
    report = kp()
    at = report.outages[0].onset.earliest_us - SECOND
    report = replace(report, history=replace(report.history, carriers=(Carrier(4837, at, 1.0, 1.0),)))
    said = "Before, 100 % of the visible /24s of North Korea were reached through AS4837 (China Unicom, CN)."
    assert reliance_sentence(report) == said
    assert said in finding(report).lead
    page = html.to_html(report)
    assert "Single points of failure" in page
    assert report_json.to_json(report)["failures"][0]["share"] == 1.0
    less = replace(report, history=replace(report.history, carriers=(Carrier(4837, at, 1.0, 0.5),)))
    assert "would not have been visible without AS4837" in reliance_sentence(less)
    few = replace(report, history=replace(report.history, carriers=(Carrier(4837, at, 0.9, 0.9),)))
    assert reliance_sentence(few) == ""


def test_tables_and_lines_tell_each_change_and_who_went_first() -> None:
    report = kp()
    told = around(report, turn(report, "lost", 0, 4837, 0), turn(report, "moved", 5, 4837, 22351, 2))
    report = replace(report, around=(told, *(None for _ in report.outages[1:])))
    assert [row.cells[2] for row in transit_tables.turns(report, told).rows] == ["lost", "moved"]
    assert "AS4837 (China Unicom, CN) -> AS22351" in transit_tables.lines(report, told)[1]
    assert transit_tables.first_to_go(report, told).startswith("AS3333 at rrc00 withdrew first, at 2014-12-22 16:15:")
    document = report_json.to_json(report)["outages"][0]["transit"]
    assert [one["kind"] for one in document["changes"]] == ["lost", "moved"]
    assert document["changes"][0]["after"] is None


def test_one_is_told_in_the_singular() -> None:
    assert [amount(1, 1), amount(14, 14), amount(0, 1), amount(0, 2)] == ["1 /24", "14 /24s", "1 prefix", "2 prefixes"]
