"""What the verdicts on documented cases must be: facts with sources, in `cases/why`."""

from importlib import resources

import pytest

from duskwatch.explanation import explain
from duskwatch.explanation.fact_file import FactsError, read_facts
from duskwatch.records.evidence import Explanation

WHY = resources.files("duskwatch.cases").joinpath("why")
NAMES = sorted(child.name.removesuffix(".toml") for child in WHY.iterdir() if child.name.endswith(".toml"))

OPEN, WEAK, BLIND, NEITHER = "consistent with", "weak", "not testable from these data", "undetermined"

GOLDEN = {
    # Attack on a thin link and power stay open; cable and artefact are weak; state action cannot be tested.
    "north-korea-2014": {
        "attack": OPEN,
        "power": OPEN,
        "cable": WEAK,
        "artefact": WEAK,
        "maintenance": WEAK,
        "exam-shutdown": WEAK,
        "government-shutdown": BLIND,
        "configuration": BLIND,
        "disaster": BLIND,
    },
    # Hosts lost while routes stay, after hours of unrest: load or power; no cable, as routes were there.
    "north-korea-2013": {
        "power": OPEN,
        "attack": OPEN,
        "cable": WEAK,
        "government-shutdown": WEAK,
        "exam-shutdown": WEAK,
        "maintenance": WEAK,
        "artefact": WEAK,
        "configuration": BLIND,
        "disaster": BLIND,
    },
    # Invalid routes, kept by those that do not validate: a fault of configuration and nothing else.
    "north-korea-2025": {
        "configuration": OPEN,
        "maintenance": NEITHER,
        "attack": WEAK,
        "power": WEAK,
        "cable": WEAK,
        "artefact": WEAK,
        "government-shutdown": BLIND,
        "exam-shutdown": BLIND,
        "disaster": BLIND,
    },
    "namibia-2023": {
        "cable": OPEN,
        "attack": WEAK,
        "power": NEITHER,
        "maintenance": NEITHER,
        "government-shutdown": BLIND,
        "exam-shutdown": BLIND,
        "configuration": BLIND,
        "disaster": BLIND,
        "artefact": BLIND,
    },
    # An order and exams look alike, and exams explain more of it.
    "iraq-2023": {
        "exam-shutdown": OPEN,
        "government-shutdown": OPEN,
        "cable": NEITHER,
        "configuration": NEITHER,
        "artefact": WEAK,
        "attack": BLIND,
        "power": BLIND,
        "maintenance": BLIND,
        "disaster": BLIND,
    },
}


def explanation(name: str) -> Explanation:
    return explain(read_facts(WHY.joinpath(f"{name}.toml").read_text(encoding="utf-8"), name).facts)


def test_every_documented_case_has_its_verdicts():
    assert sorted(GOLDEN) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_verdicts_are_those_of_the_analysts(name):
    assert {one.hypothesis: one.verdict for one in explanation(name).hypotheses} == GOLDEN[name]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("north-korea-2014", "attack"),
        ("north-korea-2025", "configuration"),
        ("namibia-2023", "cable"),
        ("iraq-2023", "exam-shutdown"),
    ],
)
def test_what_explains_most_comes_first(name, first):
    assert explanation(name).hypotheses[0].hypothesis == first


@pytest.mark.parametrize("name", NAMES)
def test_every_fact_names_its_source(name):
    found = read_facts(WHY.joinpath(f"{name}.toml").read_text(encoding="utf-8"), name)
    assert found.title
    assert found.about
    assert all(fact.origin in found.sources for fact in found.facts)


def test_without_the_attack_reports_attack_and_power_still_stay_open():
    found = read_facts(WHY.joinpath("north-korea-2014.toml").read_text(encoding="utf-8"), "x").facts
    routing = explain(found.without("attacks.seen", "attacks.over_capacity"))
    assert [one.hypothesis for one in routing.consistent] == ["attack", "power"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no [[fact]]"),
        ("x = 1", "unknown key 'x'"),
        ("[[fact]]\nvalue = 1", "fact 1 has no name"),
        ('[[fact]]\nname = "a"', "value must be a number"),
        ('[[fact]]\nname = "a"\nvalue = "x"', "value must be a number"),
        ('[[fact]]\nname = "a"\nvalue = nan', "value must be a number"),
        ('[[fact]]\nname = "a"\nvalue = 1\nsource = "s"', "the source 's' is not in [sources]"),
        ('[[fact]]\nname = "a"\nvalue = 1\nwho = "s"', "unknown key 'who'"),
        ('[[fact]]\nname = "a"\nvalue = 1\n[[fact]]\nname = "a"\nvalue = 2', "stands there twice"),
        ("fact = [1]", "fact 1 must be a table"),
        ("sources = 3", "sources must be a table"),
        ("[[fact]", "no TOML"),
        ('[[fact]]\nname = "a"\nvalue = ' + "9" * 6000, "no TOML"),
        ('[[fact]]\nname = "outage.hours"\nvalue = -5', "value must be 0 or more, not -5"),
        ('[[fact]]\nname = "rpki.invalid_share"\nvalue = 17', "value must be from 0 to 1, not 17"),
        ('[[fact]]\nname = "reports.power"\nvalue = 3', "value must be from 0 to 1, not 3"),
        ('[[fact]]\nname = "onset.local_minute"\nvalue = 1e300', "value must be from 0 to 1440"),
    ],
)
def test_a_file_of_facts_that_is_wrong_is_named_with_its_place(text, words):
    with pytest.raises(FactsError) as said:
        read_facts(text, "facts.toml")
    assert str(said.value).startswith("facts.toml: ")
    assert words in str(said.value)
