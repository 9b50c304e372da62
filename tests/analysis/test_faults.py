"""Inputs that once went wrong, one folder each: what is right is in the folder's README (tests/data/faults)."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from duskwatch.analysis.entity import analyze
from duskwatch.cli.app import app
from duskwatch.records.entity import parse_entity
from duskwatch.records.report import Report
from duskwatch.records.times import parse_time
from duskwatch.sources.reference.files import ReferenceDataError

FAULTS = Path(__file__).resolve().parents[1] / "data" / "faults"
DAY = "2014-12-22"


def report(folder: str, entity: str = "KP", until: str = f"{DAY}T06:00Z") -> Report:
    """The report on a folder's input."""
    own = FAULTS / folder
    window = parse_time(DAY), parse_time(until)
    return analyze(parse_entity(entity), *window, [own / "mrt"], geo=[own / "delegated"], threads=1)


@pytest.mark.parametrize(
    ("code", "name", "zone"),
    [
        ("AN", "Netherlands Antilles", "America/Curacao"),
        ("CS", "Serbia and Montenegro", "Europe/Belgrade"),
        ("AP", "Asia and the Pacific", ""),
    ],
)
def test_codes_of_the_day_can_be_analysed(code: str, name: str, zone: str) -> None:
    found = report("13-codes-of-the-day", code)
    assert (found.entity.name, found.time_zone) == (name, zone)


def test_a_country_without_a_code_of_its_own_then_is_sent_to_the_code_that_had_its_addresses() -> None:
    with pytest.raises(ReferenceDataError, match=r"delegated under AN \(Netherlands Antilles\) then: analyze AN$"):
        report("13-codes-of-the-day", "CW")
    with pytest.raises(ReferenceDataError, match="give the file of its registry"):
        report("13-codes-of-the-day", "DJ")


def test_a_code_that_only_the_file_knows_can_be_analysed(tmp_path: Path) -> None:
    shutil.copytree(FAULTS / "13-codes-of-the-day" / "mrt", tmp_path / "mrt")
    made = tmp_path / "delegated"
    made.write_text((FAULTS / "13-codes-of-the-day" / "delegated").read_text().replace("|AN|", "|QX|"))
    words = ["analyze", "QX", "--from", DAY, "--until", f"{DAY}T06:00", "--mrt", str(tmp_path / "mrt")]
    done = CliRunner().invoke(app, [*words, "--geo", str(made), "--out", str(tmp_path / "out"), "--quiet"])
    assert done.exit_code == 0, done.output
    without = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "out"), "--offline"])
    assert without.exit_code == 2
    assert "'QX' is not a country" in without.stderr


def test_a_backfill_stores_every_code_of_the_day(tmp_path: Path) -> None:
    own = FAULTS / "13-codes-of-the-day"
    words = ["backfill", "--from", DAY, "--until", f"{DAY}T06:00", "--mrt", str(own / "mrt"), "--quiet"]
    store = ["--store", str(tmp_path / "store")]
    done = CliRunner().invoke(app, [*words, "--geo", str(own / "delegated"), *store])
    assert done.exit_code == 0, done.output
    signal = ["query", "bgp.visible_slash24", *store, "--format", "csv"]
    text = CliRunner().invoke(app, signal).stdout
    assert {"AN", "CS"} <= {cell for line in text.splitlines() for cell in line.split(",")}


@pytest.mark.parametrize("letter", ["\x0b", "\x00", "\x07", "\x1b", "\uffff", "\u202e"])
@pytest.mark.parametrize("kind", ["csv header", "json signal", "ioda datasource"])
def test_a_character_that_xml_forbids_in_the_name_of_a_signal_is_left_out(
    letter: str, kind: str, tmp_path: Path
) -> None:
    text = (FAULTS / "04-control-character-aborts" / "ctrl.csv").read_text()
    head, *rows = [line.split(",") for line in text.strip().split("\n")]
    name = f"pro{letter}bing"
    if kind == "csv header":
        path = tmp_path / "series.csv"
        path.write_text("\n".join([f"{head[0]},{name}", *(",".join(row) for row in rows)]))
    elif kind == "json signal":
        path = tmp_path / "series.json"
        path.write_text(json.dumps([{"time": t, "signal": name, "value": float(v)} for t, v in rows]))
    else:
        path = tmp_path / "ioda.json"
        step = {"entityType": "country", "entityCode": "KP", "datasource": name, "from": 1419206400, "step": 300}
        path.write_text(json.dumps({"data": [[step | {"values": [float(v) for _, v in rows]}]]}))
    words = ["analyze", "KP", "--series", str(path), "--out", str(tmp_path / "out"), "--png"]
    done = CliRunner().invoke(app, words)
    if done.exit_code == 2:  # a NUL makes a table that is no text: one line says so
        assert (letter, kind, done.stderr.count("\n")) == ("\x00", "csv header", 1)
        return
    assert done.exit_code == 0, done.output
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    assert re.search("pro ?bing", json.dumps(document))  # white space of any kind is a space
    assert json.dumps(letter)[1:-1] not in (tmp_path / "out" / "report.json").read_text()


def test_a_folder_whose_name_is_no_utf8_names_a_collector_that_can_be_printed(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/m\xffy\x0brouter"
    shutil.copytree(os.fsencode(FAULTS / "13-codes-of-the-day" / "mrt" / "rrc01"), folder)
    words = ["analyze", "AN", "--from", DAY, "--until", f"{DAY}T06:00", "--mrt", os.fsdecode(folder), "--png"]
    geo = str(FAULTS / "13-codes-of-the-day" / "delegated")
    done = CliRunner().invoke(app, [*words, "--geo", geo, "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    assert {file["collector"] for file in document["inputs"] if file["kind"] == "mrt"} == {"my router"}
