"""The table of weights as a person edits it."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.explanation.features import FEATURES
from duskwatch.explanation.hypotheses import HYPOTHESES
from duskwatch.explanation.weights import (
    Weight,
    Weights,
    WeightsError,
    dump_weights,
    load_weights,
    read_weights,
    shipped_weights,
    unread,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
WEIGHTS = st.builds(
    Weight,
    st.floats(-9, 9),
    TEXTS,
    st.one_of(st.just(""), TEXTS),
    st.one_of(st.none(), st.floats(-9, 9)),
)


def test_the_table_that_comes_along_is_written_as_it_is_read():
    again = read_weights(dump_weights(shipped_weights()), "weights.toml")
    assert again == shipped_weights()
    assert list(again.rows) == list(shipped_weights().rows)


@given(
    st.dictionaries(st.tuples(TEXTS, TEXTS, TEXTS), WEIGHTS, max_size=6),
    st.dictionaries(TEXTS, WEIGHTS, max_size=3),
    st.dictionaries(TEXTS, st.text(st.characters(exclude_categories=["Cs"])), max_size=3),
    st.dictionaries(TEXTS, st.floats(0.1, 5), max_size=3),
)
@settings(max_examples=80, deadline=None)
def test_any_table_survives_writing_and_reading(rows, base, sources, caps):
    ordered = dict(sorted(rows.items()))
    table = Weights(ordered, base, sources, 2.0, caps, "t")
    assert read_weights(dump_weights(table), "t") == table


def test_a_persons_rows_take_the_place_of_those_that_come_along(tmp_path):
    own = tmp_path / "mine.toml"
    own.write_text("[weight.depth.total]\npower = 0.9\n[weight.moon.full]\ntide = { llr = 1, n = 4 }\n")
    table = load_weights(own)
    assert table.llr("depth", "total", "power") == 0.9
    assert table.llr("moon", "full", "tide") == 1
    assert table.rows["moon", "full", "tide"].sample == "4"
    assert table.llr("relapses", "relapsed", "attack") == shipped_weights().llr("relapses", "relapsed", "attack")
    assert table.llr("no", "such", "row") == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[weight", "no TOML"),
        ("[weights.a.b]\nc = 1", "unknown key 'weights'"),
        ('schema = "other/1"', "schema is 'other/1'"),
        ("weight = 3", "weight must be a table"),
        ("[weight.a]\nb = 3", "weight.a.b must be a table"),
        ('[weight.a.b]\nc = "x"', "weight.a.b.c must be a finite number"),
        ("[weight.a.b]\nc = nan", "weight.a.b.c must be a finite number"),
        ("[weight.a.b]\nc = true", "weight.a.b.c must be a finite number"),
        ("[weight.a.b]\nc = { n = 3 }", "weight.a.b.c has no llr"),
        ("[weight.a.b]\nc = { llr = 1, ll = 2 }", "unknown key 'll'"),
        ("[weight.a.b]\nc = { llr = 1, source = 2 }", "source is a text"),
        ("cap = 0", "cap must be above 0"),
        ("cap = 1e308", "cap must be above 0, and at most 100"),
        ("cap = " + "9" * 6000, "no TOML"),
        ("[caps]\na = -1", "caps.a must be above 0"),
        ("[sources]\na = 1", "sources.a must be a text"),
        ("[base]\na = inf", "base.a must be a finite number"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text, words):
    with pytest.raises(WeightsError) as said:
        read_weights(text, "mine.toml")
    assert str(said.value).startswith("mine.toml: ")
    assert words in str(said.value)
    assert "\n" not in str(said.value)


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_table_or_a_named_fault(text):
    with contextlib.suppress(WeightsError):
        read_weights(text, "x")


def test_places_that_name_nothing_are_told():
    features = {one.name: one.states for one in FEATURES}
    causes = tuple(one.name for one in HYPOTHESES)
    assert unread(shipped_weights(), features, causes) == ()
    text = "[weight.lenght.over-24h]\ncable = 1\n[weight.length.ages]\ncable = 1\n[weight.depth.total]\naliens = 1\n"
    text += "[caps]\nlenght = 1\n[base]\naliens = 1\n"
    assert unread(read_weights(text, "x"), features, causes) == (
        "weight.lenght.over-24h.cable", "weight.length.ages.cable", "weight.depth.total.aliens", "caps.lenght",
        "base.aliens",
    )  # fmt: skip


def test_files_that_are_no_text_are_named(tmp_path):
    bad = tmp_path / "w.toml"
    bad.write_bytes(b"\xff\xfe")
    with pytest.raises(WeightsError, match="no text in UTF-8"):
        load_weights(bad)
    with pytest.raises(WeightsError, match="cannot be read"):
        load_weights(tmp_path / "absent.toml")
