"""Files beside the measurements reach the answer: payloads, users, facts and weights."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from duskwatch.analysis.causes import CauseFiles, with_known
from duskwatch.cli.beside import Beside, explained_beside
from duskwatch.publication.html import to_html
from duskwatch.publication.report_json import to_json
from duskwatch.records.errors import InputError
from tests.publication import build


@pytest.fixture(scope="module")
def report():
    return build.kp()


def test_without_files_nothing_changes(report):
    assert explained_beside(report, Beside()) is report


def test_users_and_people_online_size_the_outage(report, tmp_path: Path):
    users, online = tmp_path / "users.csv", tmp_path / "online.csv"
    users.write_text("as,cc,users\n131279,KP,20000\n")
    online.write_text("country,percent,year\nKP,0.1,2014\n")
    told = with_known(report, CauseFiles(users=(users,), online=(online,)))
    document = to_json(told)
    assert document["impact"]["online_share"] == pytest.approx(0.001)
    assert document["impact"]["source"] == "users.csv; online.csv"
    assert "of the country&#39;s people use the Internet" in to_html(told)
    assert [file.name for file in told.inputs][-2:] == ["users.csv", "online.csv"]


def test_facts_of_a_person_move_the_verdict_with_their_source(report, tmp_path: Path):
    facts = tmp_path / "facts.toml"
    facts.write_text(
        '[sources]\nutility = "a notice of the utility"\n'
        '[[fact]]\nname = "reports.power"\nvalue = true\nsource = "utility"\n'
    )
    before = with_known(report, CauseFiles()).explanation
    after = explained_beside(report, Beside(facts=(facts,))).explanation
    names = {fact.name for fact in after.facts}
    assert "reports.power" in names
    assert after.weighed("power").net >= before.weighed("power").net


def test_weights_of_a_person_take_the_place_of_ours(report, tmp_path: Path):
    weights = tmp_path / "mine.toml"
    weights.write_text('[weight.depth.total]\npower = { llr = 1.5, source = "stated" }\n')
    found = explained_beside(report, Beside(weights=(weights,))).explanation
    (row,) = [each for each in found.weighed("power").evidence if each.feature == "depth"]
    assert row.weight == pytest.approx(1.5)


@pytest.mark.parametrize("name", ["rpki", "users", "online", "facts", "weights"])
def test_a_file_that_is_none_of_its_kind_is_named(report, tmp_path: Path, name):
    bad = tmp_path / "bad.bin"
    bad.write_bytes(b"\x00\x01 nothing of use \xff")
    with pytest.raises(InputError, match=r"bad\.bin"):
        explained_beside(replace(report), Beside(**{name: (bad,)}))


def test_json_keeps_every_number(report):
    json.dumps(to_json(with_known(report, CauseFiles()))["impact"], allow_nan=False)
