"""Candidates and their weights: what no pattern knows is found, what is told as history or as a question is not."""

import math

from duskwatch.explanation.claims.candidates import MOST
from duskwatch.explanation.claims.extract import Extractor
from duskwatch.explanation.claims.grammar import grammar
from duskwatch.explanation.claims.hints import Lexicon
from duskwatch.records.claim import Article
from duskwatch.sources.reference.place_names import place_names
from tests.explanation.claims.reading import claims, moment, of_kind, only

TEXT = "The operator says that rodents chewed the insulation off a stretch of fibre in a tunnel."


def tools(weights=None) -> Extractor:
    tables = grammar("en")
    assert tables is not None
    return Extractor(tables, place_names(), weights)


def article(text: str) -> Article:
    return Article("text", text, title="Internet outage in Gabon", published_us=moment("2023-05-09T12:00"))


def test_a_cause_that_no_pattern_knows_is_found_by_its_words():
    assert [one for one in tools({}).read(article(TEXT), 0) if one.kind == "cause"] == []
    claim = only(TEXT, "cause")
    assert (claim.value, claim.speaker) == ("cable", "The operator")


def test_every_weight_is_finite_and_every_model_has_its_bounds():
    tables = grammar("en")
    assert tables is not None
    assert set(tables.weights) >= {"cause", "state", "moment", "duration", "share", "impact", "refusal"}
    for model in tables.weights.values():
        assert model["drop"] < 0 < model["add"]
        assert all(math.isfinite(weight) for weight in model["weights"].values())


def test_a_sentence_has_a_bounded_number_of_candidates():
    text = "The cable, the power, the ministry and the router failed at noon, " * 16
    found = tools().observe(article(text + "."), 0)
    assert 0 < len(found) <= MOST


def test_what_is_asked_is_not_claimed():
    text = "I ask the minister whether the cable was cut by a ship."
    assert of_kind(text, "cause") == []


def test_half_of_the_south_is_no_share():
    text = "The failure left most of the southern half of the province without internet."
    assert of_kind(text, "share") == []


def test_a_speaker_may_follow_a_length_without_a_verb():
    claim = only("How long was Gabon offline? Three hours, says the regulator.", "duration")
    assert (claim.speaker, claim.value) == ("the regulator", {"min_s": 10800, "max_s": 10800})


def test_a_place_that_only_a_speaker_names_is_what_the_text_is_about():
    text = "The connection failed at noon on Monday. The Swedish telecoms authority has opened an inquiry."
    assert [one.entity for one in claims(text, title="Red lights") if one.kind == "onset"] == ["SE"]


def test_a_lexicon_finds_words_and_phrases_once():
    lexicon = Lexicon({"gone": ["dark", "cut off"], "cut": ["cut"]})
    assert sorted(lexicon.find("cut off and dark, not cut-off")) == [("cut", 0, 3), ("gone", 0, 7), ("gone", 12, 16)]
