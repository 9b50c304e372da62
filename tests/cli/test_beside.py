"""Files beside the measurements reach the answer: payloads, users, facts and weights."""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from duskwatch.analysis.causes import CauseFiles, with_known
from duskwatch.cli.beside import Beside, explained_beside
from duskwatch.cli.options import unusable_input
from duskwatch.explanation.gather import main_outage
from duskwatch.publication.citing import command
from duskwatch.publication.html import to_html
from duskwatch.publication.report_json import to_json
from duskwatch.publication.terminal import print_summary
from duskwatch.publication.why import verdict_sentence
from duskwatch.records.entity import Entity
from duskwatch.records.errors import InputError
from duskwatch.records.evidence import Explanation
from duskwatch.records.times import iso
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


FACT = '[[fact]]\nname = "{}"\nvalue = {}\n'


def test_a_roa_signed_in_the_window_before_the_loss_is_in_force(report, tmp_path: Path):
    main = report.outages[main_outage(report)]
    signed = iso(main.onset.earliest_us - 60_000_000)
    wrong = tmp_path / "roas.csv"
    wrong.write_text(
        f"URI,ASN,IP Prefix,Max Length,Not Before,Not After\nx,AS131279,175.45.176.0/22,22,{signed},2030-01-01\n"
    )
    assert report.from_us < main.onset.earliest_us - 60_000_000
    found = with_known(report, CauseFiles(rpki=(wrong,))).explanation
    assert found.facts.number("rpki.invalid_share") == 1.0


def test_files_of_facts_and_weights_are_inputs_and_in_the_command(report, tmp_path: Path):
    facts, weights, online = tmp_path / "facts.toml", tmp_path / "mine.toml", tmp_path / "online.csv"
    facts.write_text(FACT.format("reports.power", "true"))
    weights.write_text("[weight.depth.total]\npower = 1.5\n")
    online.write_text("cc,percent\nKP,1\n")
    told = with_known(report, CauseFiles(facts=(facts,), weights=weights, online=(online,)))
    kinds = {file.name: (file.kind, len(file.sha256)) for file in told.inputs}
    assert kinds["facts.toml"] == ("facts", 64)
    assert kinds["mine.toml"] == ("weights", 64)
    for option in ("--facts facts.toml", "--weights mine.toml", "--online online.csv"):
        assert option in command(told)
    assert "--users" not in command(told)


def test_a_fact_is_told_with_its_source_in_words_or_its_file(report, tmp_path: Path):
    facts = tmp_path / "facts.toml"
    facts.write_text('[sources]\nu = "Notice of the utility"\n' + FACT.format("reports.power", "true") +
                     'source = "u"\n' + FACT.format("reports.cable", "false"))  # fmt: skip
    found = with_known(report, CauseFiles(facts=(facts,))).explanation.facts.by_name
    assert found["reports.power"].origin == "Notice of the utility"
    assert found["reports.cable"].origin == "facts.toml"


def test_what_weighs_nothing_and_what_takes_the_place_of_a_measurement_is_told(report, tmp_path: Path):
    facts, weights = tmp_path / "facts.toml", tmp_path / "mine.toml"
    facts.write_text(FACT.format("reports.powr", "true") + FACT.format("outage.hours", "3"))
    weights.write_text("[weight.lenght.over-24h]\ncable = 1\n")
    said = "\n".join(with_known(report, CauseFiles(facts=(facts,), weights=weights)).warnings)
    assert "facts.toml: no feature reads 'reports.powr'; it weighs nothing" in said
    assert "a file of facts says that outage.hours is 3, in place of 9." in said
    assert "mine.toml: 'weight.lenght.over-24h.cable' names nothing that is weighed" in said


def test_one_fact_in_two_files_is_refused(report, tmp_path: Path):
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text(FACT.format("reports.power", "true"))
    two.write_text(FACT.format("reports.power", "false"))
    with pytest.raises(InputError, match=r"two\.toml: the fact 'reports\.power' stands in another file too"):
        with_known(report, CauseFiles(facts=(one, two)))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actor=st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40))
def test_names_of_actors_change_no_verdict_and_head_no_cause(report, tmp_path: Path, actor: str):
    """An actor may stand in a source, a note, a unit, a name that nothing reads: the weights never see who it was."""
    facts = tmp_path / "facts.toml"
    quoted = json.dumps(actor, ensure_ascii=False)

    def weighed(name: str) -> Explanation:
        facts.write_text(
            f'title = {name}\nabout = {name}\n[sources]\n{name} = {name}\n'
            f'[[fact]]\nname = "attacks.seen"\nvalue = true\nunit = {name}\nsource = {name}\nnote = {name}\n'
            f'[[fact]]\nname = {json.dumps("claimed by " + json.loads(name), ensure_ascii=False)}\nvalue = 1\n',
            encoding="utf-8",
        )  # fmt: skip
        return with_known(report, CauseFiles(facts=(facts,))).explanation

    found, other = weighed(quoted), weighed('"nobody"')
    assert found.hypotheses == other.hypotheses
    assert found.not_measured == other.not_measured
    assert verdict_sentence(found) == verdict_sentence(other)


def test_who_has_a_name_of_a_country_or_a_network_changes_no_verdict(report):
    other = replace(report, entity=Entity("country", "XK", "The Actor"), as_names={4837: "The Actor", 131279: "X"})
    assert (
        with_known(other, CauseFiles()).explanation.hypotheses
        == with_known(report, CauseFiles()).explanation.hypotheses
    )


def test_what_a_file_calls_a_key_stays_in_one_line(report, tmp_path: Path, capsys):
    bad = tmp_path / "bad.toml"
    bad.write_text('"a\\nb\\u001b[31m" = 1\n')
    with pytest.raises(SystemExit) as done, unusable_input("analyze"):
        explained_beside(report, Beside(facts=(bad,)))
    said = capsys.readouterr().err
    assert done.value.code == 2
    assert said.count("\n") == 1
    assert "\x1b" not in said


def test_people_are_told_on_the_terminal_and_a_table_that_knows_nobody_is_no_figure_of_0(tmp_path: Path):
    report = build.explained()
    code, lost = report.entity.code, report.networks.lost[0].entity.asn
    users, online = tmp_path / "users.csv", tmp_path / "online.csv"
    online.write_text("cc,percent\nZZ,50\n")
    users.write_text(f"as,cc,users\n{lost},{code},20000\n")
    told = with_known(report, CauseFiles(users=(users,), online=(online,)))
    said = StringIO()
    print_summary(told, Console(file=said, width=200), [])
    assert "At worst the outage took the Internet from about" in said.getvalue()
    assert f"the tables of people online have no row for {code}" in told.warnings
    users.write_text(f"as,cc,users\n64999,{code},20000\n")
    nobody = with_known(report, CauseFiles(users=(users,)))
    assert nobody.impact.people is None
    assert any("are in no table of users" in text for text in nobody.warnings)
