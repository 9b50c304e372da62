"""`duskwatch incidents` and `duskwatch notes`: what they list, show, write and refuse."""

import csv
import io
import json

import pytest
from typer.testing import CliRunner

from duskwatch.cli.app import app
from duskwatch.records.findings import Finding
from duskwatch.records.incidents import Incident, Member
from duskwatch.store import Store
from duskwatch.store.incidents import FoundIncident, record_incidents
from duskwatch.store.revisions import record_incident, revise_incident
from tests.store.build import DAY1, FROM, KP, STAR, put_day, two_days
from tests.store.test_revisions import FIRST, SECOND_LOSS, WINDOW

TITLE = "North Korea (KP), 22 December 2014, 16:00 to 23 December, 01:00 UTC, 100 % lost; AS131279 explains it"
UIDS = ("KP-20141222T160000Z", "AS131279-20141222T160000Z")


@pytest.fixture
def place(tmp_path) -> str:
    """A store with one incident that was found, and one that a person told."""
    store = Store.open(tmp_path / "store", create=True)
    put_day(store, DAY1, [(KP, two_days())])
    store.record_outages(
        WINDOW,
        [
            Finding(
                KP,
                (
                    FIRST,
                    SECOND_LOSS,
                ),
            ),
            Finding(STAR, (FIRST,)),
        ],
        source="bgp",
        detector="d",
        why="test",
    )
    members = (Member(KP, FIRST, 0, 1.0), Member(STAR, FIRST, 0, 0.9))
    told = Incident(KP, FIRST.onset.best_us, FIRST.end.best_us, 1.0, members, members[1:], 0.9)
    found = [FoundIncident(TITLE, told, UIDS)]
    by = {"by": "duskwatch", "why": "test"}
    record_incidents(store.events(), WINDOW, found, source="bgp", detector="d", **by, at_us=FROM)
    record_incident(store.events(), "Second\x1b[31m loss", ["KP-20141223T160000Z"], by="A. Reader", why="told")
    return store.location.root


def run(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(word) for word in arguments])
    assert done.exit_code == code, done.output
    if code:
        assert len([line for line in done.stderr.strip().splitlines() if "could be judged" not in line]) == 1
        return done.stderr
    return done.stdout


def test_the_list_has_one_line_each(place):
    assert run("incidents", "--store", place).splitlines() == [f" 1  {TITLE}", " 2  Second\ufffd[31m loss"]
    assert run("incidents", "--store", place, "--entity", "AS131279").splitlines() == [f" 1  {TITLE}"]
    assert run("incidents", "--store", place, "--from", "2014-12-23T12:00Z").splitlines()[0].startswith(" 2")
    assert "none stored matches" in run("incidents", "--store", place, "--entity", "DJ", code=1)


def test_json_and_csv_hold_the_figures(place):
    first, second = json.loads(run("incidents", "--store", place, "--format", "json"))
    assert json.loads(run("incidents", "--store", place, "--json")) == [first, second]
    lines = run("incidents", "--store", place, "--format", "jsonl").splitlines()
    assert list(map(json.loads, lines)) == [first, second]
    judged = first.pop("judged")
    assert (judged[0]["from"], judged[-1]["until"]) == ("2014-12-22T00:00:00Z", "2014-12-24T00:00:00Z")
    assert [span["reason"] for span in judged][-1] == "not-watched"  # the second day is not stored
    assert {key: second.pop(key) for key in ("judged", "reenactment")} == {"judged": None, "reenactment": None}
    assert first.pop("reenactment") is None
    assert first == {
        "id": 1, "state": "ended", "entity": {"type": "country", "code": "KP", "name": "North Korea"},
        "from": "2014-12-22T16:00:00Z", "until": "2014-12-23T01:00:00Z", "lost": 1.0,
        "explained_by": [{"entity": "AS131279", "share": 0.9, "lost": 0.9}], "explained": 0.9,
        "outages": list(UIDS), "revision": 1, "title": TITLE,
    }  # fmt: skip
    assert (second["entity"], second["lost"], second["explained_by"]) == (None, None, [])
    rows = list(csv.DictReader(io.StringIO(run("incidents", "--store", place, "--format", "csv"))))
    assert [(row["id"], row["entity"], row["explained_by"], row["lost"]) for row in rows] == [
        ("1", "KP", "AS131279", "1.0"),
        ("2", "", "", ""),
    ]


def test_one_is_shown_in_full_with_notes_and_revisions(place):
    events = Store.open(place).events()
    run("notes", "add", "1", "One cable.", "--author", "NOC", "--store", place)
    revise_incident(events, 1, by="A. Reader", why="known", state="closed")
    text = run("incidents", "show", "1", "--store", place)
    assert text.startswith(f"{TITLE}\n\nstate    closed, revision 2\n")
    assert "because  AS131279: 90 % of the whole, and took 90 % of it" in text
    lines = text.splitlines()
    assert lines[lines.index("outages") + 1].startswith("  KP-20141222T160000Z  2014-12-22T16:00:00Z to 2014-12-23T01")
    assert "share 90 %" in lines[lines.index("outages") + 2]
    assert lines[lines.index("notes") + 1].endswith("NOC: One cable.")
    assert [line[:3] for line in lines[lines.index("revisions") + 1 :]] == ["  1", "  2"]
    document = json.loads(run("incidents", "show", "1", "--store", place, "--json"))
    assert [m["share"] for m in sorted(document["members"], key=lambda m: m["entity"]["code"])] == [0.9, 1.0]
    assert [r["state"] for r in document["revisions"]] == ["ended", "closed"]
    assert "(closed)" in run("incidents", "--store", place)


def test_who_wrote_a_note_is_not_stored_unless_given(place):
    assert run("notes", "add", UIDS[0], "first", "--store", place) == f"note 1 on {UIDS[0]}\n"
    run("notes", "add", 2, "second \x07", "--author", "A. Reader", "--store", place)
    first, second = json.loads(run("notes", "list", "--store", place, "--json"))
    assert (first["about"], first["by"], first["text"]) == (UIDS[0], "unnamed", "first")
    assert (second["about"], second["by"]) == ("2", "A. Reader")
    (line,) = run("notes", "list", UIDS[0], "--store", place).splitlines()
    assert line.endswith(f"Z  {UIDS[0]}  first")
    (line,) = run("notes", "list", "2", "--store", place).splitlines()
    assert line.endswith("  2  A. Reader: second \ufffd")
    assert "there is none" in run("notes", "list", "1", "--store", place, code=1)


def test_a_person_closes_an_incident_and_dismisses_an_outage(place):
    assert (
        run("incidents", "close", "1", "--why", "repaired", "--by", "NOC", "--store", place) == "incident 1 is closed\n"
    )
    assert "(closed)" in run("incidents", "--store", place).splitlines()[0]
    assert "NOC: repaired (closed)" in run("incidents", "show", "1", "--store", place)
    run("incidents", "reopen", "1", "--why", "too early", "--store", place)
    assert json.loads(run("incidents", "show", "1", "--json", "--store", place))["state"] == "ended"
    assert run("incidents", "dismiss", UIDS[0], "--why", "moved", "--store", place) == f"{UIDS[0]} is dismissed\n"
    assert UIDS[0] not in run("query", "outages", "--store", place)
    assert "(dismissed)" in run("incidents", "show", "1", "--store", place)
    run("incidents", "dismiss", UIDS[0], "--why", "was one", "--restore", "--store", place)
    assert UIDS[0] in run("query", "outages", "--store", place)


def test_a_limit_says_what_it_leaves_out(place):
    done = CliRunner().invoke(app, ["incidents", "--store", str(place), "--limit", "1"])
    assert len(done.stdout.splitlines()) == 1
    assert "1 of 2 are shown" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("incidents", "--format", "xml"), "--format xml: one of table, csv, json, jsonl"),
        (("incidents", "--from", "2014-12-23", "--until", "2014-12-22"), "--until 2014-12-22 is not after"),
        (("incidents", "--entity", "Korea"), "'Korea' is not a country"),
        (("incidents", "--limit", "0"), "--limit 0: at least 1"),
        (("incidents", "show", "99"), "no incident 99"),
        (("incidents", "close", "99", "--why", "x"), "no incident 99"),
        (("incidents", "dismiss", "KP-1", "--why", "x"), "no outage 'KP-1'"),
        (("incidents", "show", 10**30), "no incident"),
        (("notes", "add", "KP-1", "text"), "no outage 'KP-1'"),
        (("notes", "add", "99", "text"), "no incident 99"),
        (("notes", "add", "1", " "), "'text' is empty"),
        (("notes", "add", "1", "x" * 20_001), "at most 20000"),
        (("notes", "add", "a b", "text"), "name an outage by its id"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(place, arguments, message):
    assert message in run(*arguments, "--store", place, code=2)


def test_a_store_that_is_not_there_is_named(tmp_path):
    for command in (("incidents",), ("notes", "list")):
        assert "no store there" in run(*command, "--store", tmp_path / "none", code=2)


def test_an_exit_code_for_scripts(place):
    def status(*arguments: str) -> int:
        return CliRunner().invoke(app, ["incidents", "--store", place, "--exit-code", *arguments]).exit_code

    assert status() == 3
    assert status("--entity", "DJ") == 4  # nothing of it was ever heard
    assert status("--entity", "KP", "--from", "2015-01-01", "--until", "2015-01-02") == 4


def test_what_could_not_be_judged_is_shown(place):
    text = run("incidents", "show", "1", "--store", place)
    assert "could not be judged: nobody was watching" in text
    document = json.loads(run("incidents", "show", "1", "--store", place, "--json"))
    assert document["judged"][-1]["text"] == "nobody was watching"
    done = CliRunner().invoke(app, ["incidents", "--store", place, "--entity", "DJ"])
    assert "DJ: none of the" in done.stderr
