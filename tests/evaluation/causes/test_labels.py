"""Lists of investigated events as people keep them."""

import contextlib
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.evaluation.causes.labels import LabelsError, labels_of, read_labels
from tests.evaluation.causes.made import HEAD, listed, row


def one(*cells, **named):
    (event,) = labels_of(listed([row(*cells, **named)]), "x").events
    return event


@pytest.mark.parametrize(
    ("text", "local_minute"),
    [
        ("Tuesday, July 28, 2020, 11:10:00 AM", 14 * 60 + 10),  # Baghdad is three hours ahead
        ("Sunday July 26, 2020, 11:10 AM", 14 * 60 + 10),
        ("Tuesday, July 28, 2020, 12:10:00 AM", 3 * 60 + 10),
        ("Tuesday, July 28, 2020, 12:10:00 PM", 15 * 60 + 10),
        ("4/3/2020  15:15:00 PM", 18 * 60 + 15),
        ("4/15/2020  2:40:00 PM", 17 * 60 + 40),
        ("2020-07-28T11:10:00Z", 14 * 60 + 10),
        ("2020-07-28 13:10:00+02:00", 14 * 60 + 10),
    ],
)
def test_times_are_read_as_they_are_written(text, local_minute):
    assert one(text, "", "Iraq").facts.number("onset.local_minute") == local_minute


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Myanmar/Burma", "MM"),
        ("Great Britain", "GB"),
        ("Turkey", "TR"),
        ("Ivory Coast (Cote d'Ivoire)", "CI"),
        ("Sao Tome And Principe", "ST"),
        ("Saint Kitts and Nevis", "KN"),
        ("Timor-Leste", "TL"),
        ("Bosnia & Herzegovina", "BA"),
        ("Democratic Republic of (DRC)", "CD"),
        ("KP", "KP"),
    ],
)
def test_countries_are_known_by_the_names_people_give_them(name, code):
    assert one("2020-01-01T00:00:00", "", f'"{name}"').country == code


def test_facts_are_those_that_a_report_would_give():
    event = one("2020-01-01T00:00:00", "2020-01-01T04:30:00", "Togo", "Exams", "ture,FALSE,N/A")
    assert event.cause == "exam-shutdown"
    numbers = {fact.name: fact.value for fact in event.facts}
    assert numbers["outage.hours"] == 4.5
    assert (numbers["fell.routing"], numbers["fell.probing"]) == (1, 0)
    assert math.isnan(numbers["fell.telescope"])
    assert math.isnan(numbers["history.gap_days"])


def test_an_end_before_the_begin_leaves_the_length_unmeasured():
    found = labels_of(listed([row("2020-01-01T05:00:00", "2020-01-01T04:00:00", "Togo")]), "x")
    assert math.isnan(found.events[0].facts.number("outage.hours"))
    assert found.notes == ("1 events without an end that can be used: their length is not measured",)


def test_the_gap_is_to_the_last_event_that_is_half_a_day_away():
    rows = [row(f"2020-01-{day}", "", "Togo") for day in ("05T01:00:00", "04T01:00:00", "05T00:00:00", "03T00:00:00")]
    gaps = [event.facts.number("history.gap_days") for event in labels_of(listed(rows), "x").events]
    assert math.isnan(gaps[0])
    assert gaps[1:] == [25 / 24, 23 / 24, 1.0]


def test_rows_that_cannot_be_used_are_counted_by_reason():
    rows = [
        row("2020-01-01T00:00:00", "", "Togo"),
        row("some day", "", "Togo"),
        row("2020-01-01T00:00:00", "", "Atlantis"),
        row("2020-01-01T00:00:00", "", "Togo", "Dragons"),
        row("2020-01-01T00:00:00", "", "Togo", scope="Region (Kara)"),
    ]
    found = labels_of(listed(rows), "x")
    assert len(found.events) == 1
    assert [note for note in found.notes if note.startswith("1 rows")] == [
        "1 rows of a country that nobody knows left out",
        "1 rows of a region or a network left out",
        "1 rows with a cause that no hypothesis stands for left out",
        "1 rows without a begin that can be read left out",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "no column 'begin time'"), (HEAD, "no national event"), ("a,b\n1,2\n", "no column 'begin time'")],
)
def test_a_file_that_is_no_such_list_is_named(text, words, tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(text)
    with pytest.raises(LabelsError, match=words):
        read_labels(path)


@given(st.text(max_size=120), st.text(max_size=40))
@settings(max_examples=150, deadline=None)
def test_any_cells_are_read_or_counted(text, country):
    cell = text.replace('"', "'")
    body = f'X,"{cell}","{cell}","{country.replace(chr(34), "")}",{HEAD and "True,True,True"},Country,,,,,Yes,'
    good = row("2020-01-01T00:00:00", "", "Togo")
    with contextlib.suppress(LabelsError):
        assert 1 <= len(labels_of("\n".join([HEAD, good, body]), "x").events) <= 2


def test_relabelling_the_country_changes_no_fact_but_the_clock():
    cells = ("2020-01-01T00:00:00", "2020-01-01T03:00:00")
    togo, ghana = one(*cells, "Togo"), one(*cells, "Ghana")  # one clock
    assert togo.country != ghana.country
    assert {f.name: str(f.value) for f in togo.facts} == {f.name: str(f.value) for f in ghana.facts}
