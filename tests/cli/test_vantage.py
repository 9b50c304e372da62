"""`duskwatch probe` and `duskwatch sites` as a user meets them."""

import csv
import io
import json

import pytest

from tests.cli.test_app import duskwatch
from tests.cli.vantage_files import write_connections, write_list, write_measurements


@pytest.fixture
def log(tmp_path):
    return write_connections(tmp_path / "log.jsonl")


@pytest.fixture
def measurements(tmp_path):
    return write_measurements(tmp_path / "measurements.jsonl")


def test_bursts_are_listed(log):
    done = duskwatch("probe", "bursts", log)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if "2016-06-01T12:00" in line]
    assert line.startswith("AS64500  outage ")
    assert "1 networks and countries judged" in done.stderr


def test_bursts_as_one_document_and_by_the_line(log):
    document = json.loads(duskwatch("probe", "bursts", log, "--country", "ke", "--json").stdout)
    assert document["schema"] == "duskwatch.bursts/1"
    assert document["judged"] == ["AS64500", "KE"]
    assert {row["entity"] for row in document["rows"]} == {"AS64500", "KE"}
    rows = [json.loads(line) for line in duskwatch("probe", "bursts", log, "--format", "jsonl").stdout.splitlines()]
    assert rows == [row for row in document["rows"] if row["entity"] == "AS64500"]
    (row,) = csv.DictReader(io.StringIO(duskwatch("probe", "bursts", log, "--format", "csv").stdout))
    assert row["left"] == "12"


def test_nothing_judged_is_no_all_clear(tmp_path, log):
    short = tmp_path / "short.jsonl"
    short.write_text("".join(log.read_text().splitlines(keepends=True)[:4]) + "no event\n")
    done = duskwatch("probe", "bursts", short)
    assert done.returncode == 1
    assert "nothing could be judged" in done.stderr
    assert "short.jsonl, line 5" in done.stderr
    assert done.stdout == ""


def test_sites_are_listed_by_country_network_and_check(measurements):
    document = json.loads(duskwatch("sites", "read", measurements, "--json").stdout)
    (row,) = document["rows"]
    assert (row["site"], row["country"], row["state"], row["step"]) == ("www.example.org", "IN", "blocked", "tls")
    assert (row["networks"], row["reachable"], row["blocked"]) == (2, 1, 1)
    assert row["plain"] == "the connection was reset"
    rows = json.loads(duskwatch("sites", "read", measurements, "--by", "network", "--json").stdout)["rows"]
    assert (rows[0]["after"], rows[0]["since"]) == ("2026-06-16T08:00:00Z", "2026-06-16T09:00:00Z")
    done = duskwatch("sites", "read", measurements, "--by", "check")
    assert done.stdout.count("blocked") == 2
    assert "5 checks" in done.stderr


def test_a_list_of_sites(tmp_path):
    path = write_list(tmp_path / "kp.csv")
    done = duskwatch("sites", "list", path, "--category", "news", "--format", "jsonl")
    assert json.loads(done.stdout)["host"] == "a.example"


WRONG = [
    (["probe", "bursts", "{log}", "--country", "Kenya"], "write two letters"),
    (["probe", "bursts", "{log}", "--kind", "all"], "one of outages"),
    (["probe", "bursts", "{log}", "--format", "xml"], "one of table"),
    (["probe", "bursts", "{tmp}/gone"], "No such file"),
    (["probe", "bursts", "{measurements}"], "no connection event"),
    (["sites", "read", "{log}"], "no measurement of OONI"),
    (["sites", "read", "{measurements}", "--by", "day"], "one of country, network, check"),
    (["sites", "read", "{measurements}", "--site", "b.example"], "no check of it"),
    (["sites", "list", "{log}"], "no column 'url'"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_usage_is_one_line_and_exit_code_2(tmp_path, log, measurements, arguments, message):
    done = duskwatch(*(one.format(log=log, tmp=tmp_path, measurements=measurements) for one in arguments))
    assert done.returncode == 2, done.stdout
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.parametrize("command", [("probe", "bursts"), ("sites", "read"), ("sites", "list")])
def test_help_teaches_with_an_example(command):
    done = duskwatch(*command, "--help")
    assert "Example: duskwatch" in done.stdout
