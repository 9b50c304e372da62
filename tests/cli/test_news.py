"""`duskwatch news` as a user meets it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.explanation.claims.reports import report

TEXT = (
    "date: 2014-12-23\noutlet: The Lantern\n\nNorth Korea was offline for more than nine"
    " hours, the firm Skylark said.\n"
)


def duskwatch(*arguments: str | Path, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from duskwatch.cli.app import main; main()", "news", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    article, made = tmp_path / "article.txt", tmp_path / "report.json"
    article.write_text(TEXT, encoding="utf-8")
    made.write_text(json.dumps(report()), encoding="utf-8")
    return article, made


def test_claims_are_extracted_without_a_report_and_nothing_is_measured(files):
    done = duskwatch(files[0], "--json")
    assert done.returncode == 0, done.stderr
    claims = json.loads(done.stdout)["claims"]
    assert {claim["verdict"] for claim in claims} == {"not measured"}
    assert [claim["kind"] for claim in claims if claim["kind"] == "duration"] == ["duration"]


def test_a_report_gives_verdicts_in_plain_text_that_pastes(files):
    done = duskwatch(files[0], "--report", files[1])
    assert done.returncode == 0, done.stderr
    assert "SUPPORTED" in done.stdout
    assert "lasted more than 9 h" in done.stdout
    assert "the firm Skylark" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_statement_takes_the_same_way(files):
    words = [
        "--statement",
        "Our network in North Korea was never down for more than an hour.",
        "--speaker",
        "Northline",
        "--at",
        "2014-12-23",
    ]
    done = duskwatch(*words, "--statement", "The outage lasted 20 minutes.", "--report", files[1], "--json")
    claims = json.loads(done.stdout)["claims"]
    assert [(claim["speaker"], claim["verdict"]) for claim in claims if claim["kind"] == "duration"][-1] == (
        "Northline",
        "contradicted",
    )


@pytest.mark.parametrize("wanted", ["jsonl", "csv", "html"])
def test_other_forms(files, wanted):
    done = duskwatch(files[0], "--report", files[1], "--format", wanted)
    assert done.returncode == 0, done.stderr
    assert "supported" in done.stdout


WRONG = {
    "nothing at all": ([], "give an article"),
    "a file that is not there": (["{tmp}/gone.txt"], "No such file"),
    "a report that is none": (["{article}", "--report", "{article}"], "this is no JSON"),
    "another document": (["{article}", "--report", "{other}"], "this is no report.json"),
    "a form there is not": (["{article}", "--format", "xml"], "there are table, json"),
    "both to compare with": (["{article}", "--report", "{report}", "--incident", "1"], "not both"),
    "a date that is none": (["--statement", "x", "--at", "soon"], "write it like"),
    "a review that nobody answers for": (["{article}", "--format", "claimreview"], "needs --reviewer"),
    "an incident of no store": (["{article}", "--incident", "1", "--store", "{tmp}/none"], "none"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_usage_is_one_clear_line_and_exit_code_2(files, tmp_path, what):
    arguments, message = WRONG[what]
    other = tmp_path / "other.json"
    other.write_text('{"schema": "x"}')
    places = {"tmp": tmp_path, "article": files[0], "report": files[1], "other": other}
    done = duskwatch(*(argument.format(**places) for argument in arguments), cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_stored_incident_is_compared_with_and_keeps_a_statement(files, tmp_path):
    from duskwatch.records.entity import Entity
    from duskwatch.records.findings import Finding
    from duskwatch.records.outages import Outage, When
    from duskwatch.records.reason import in_words
    from duskwatch.records.times import parse_time
    from duskwatch.store import Store
    from duskwatch.store.incidents import record_incident
    from duskwatch.store.revisions import annotations, record_outages

    def when(text: str) -> When:
        return When(parse_time(text), parse_time(text), parse_time(text), in_words("made"))

    events = Store.open(str(tmp_path / "store"), create=True).events()
    begin, end = when("2014-12-22T16:15Z"), when("2014-12-23T01:46Z")
    outage = Outage(
        begin, end, begin, end, 34260 * 1_000_000, 1.0, (), 0, None, True, ("bgp.visible_slash24",), 9.5, 0.9
    )
    window = (parse_time("2014-12-22"), parse_time("2014-12-24"))
    found = [Finding(Entity("country", "KP", "North Korea"), (outage,))]
    recorded = record_outages(events, window, found, source="bgp", detector="made", by="test", why="test")
    number = record_incident(events, "North Korea", recorded.uids, by="test", why="test")
    statement = [
        "--statement",
        "The outage lasted more than nine hours.",
        "--speaker",
        "Northline",
        "--at",
        "2014-12-23",
    ]
    done = duskwatch("--incident", str(number), "--store", tmp_path / "store", *statement, "--note", "--json")
    assert done.returncode == 0, done.stderr
    (claim,) = [one for one in json.loads(done.stdout)["claims"] if one["kind"] == "duration"]
    assert claim["verdict"] == "supported"
    (note,) = annotations(events, incident=number)
    assert note["by"] == "Northline"
    assert "more than nine hours" in note["text"]
