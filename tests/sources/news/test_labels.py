"""The labelled news texts: every label file is well formed, and the comparison counts what README.md says."""

import html
import importlib.util
import re
import sys
import tomllib
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "tests" / "data" / "news"
SETS = ("dev", "dev2", "held2")
TEXTS = sorted(path for name in SETS for path in (FOLDER / name).iterdir() if path.suffix != ".toml")
KINDS = ["onset", "end", "duration", "state", "share", "site", "dependence", "attack", "cause", "impact", "refusal"]
WORDS = {
    "modality": {"asserted", "hedged", "denied", "ruled out", "refused"},
    "state": {"offline", "degraded", "partial", "unstable", "restored", "normal"},
    "cause": {"attack", "power", "cable", "government", "exam", "fault", "disaster", "maintenance", "unknown"},
    "bound": {"at least", "at most", "about", "exact"},
}
KEYS = {
    "onset": {"earliest", "latest", "point"},
    "end": {"earliest", "latest", "point"},
    "duration": {"min_s", "max_s", "point_s"},
    "state": {"any"},
    "cause": {"any"},
    "share": {"lost_min", "lost_max", "bound", "of"},
    "site": {"name", "up"},
    "dependence": {"on", "share_min", "share_max", "share_needed", "quantifier"},
    "attack": {"type", "since"},
    "impact": {"people_min", "people_max", "share_min", "share_max", "quantifier"},
    "refusal": set(),
}
ENOUGH_OF_A_SET = 60
ENOUGH_OF_A_KIND = 8


def _load_scoring() -> ModuleType:
    spec = importlib.util.spec_from_file_location("news_scoring", FOLDER / "scoring.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["news_scoring"] = module
    spec.loader.exec_module(module)
    return module


scoring = _load_scoring()


def _labels(text: Path) -> dict[str, Any]:
    return tomllib.loads(text.with_suffix(".toml").read_text(encoding="utf-8"))


def _readings(label: dict[str, Any]) -> list[dict[str, Any]]:
    return [label, *({**label, **other} for other in label.get("or", ()))]


def _words_of(text: Path) -> str:
    """The text as a reader sees the page: without markup that only a browser reads."""
    content = text.read_text(encoding="utf-8")
    if text.suffix == ".txt":
        return str(scoring.plain(content))
    content = re.sub(
        r"<(script|style)\b.*?</\1>", " ", content.replace("<![CDATA[", "").replace("]]>", ""), flags=re.DOTALL
    )
    for _ in range(2):  # a feed holds HTML as escaped text
        content = html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"</?(b|i|em|strong|a|span|time)\b[^>]*>", "", content)))
    return str(scoring.plain(content))


def _example(reading: dict[str, Any]) -> dict[str, Any]:
    """The claim that a careful reader extracts for this reading of a label."""
    value: Any = reading["value"]
    kind = reading["kind"]
    if kind in ("onset", "end"):
        point = value.get("point")
        value = {"earliest": point or value.get("earliest"), "latest": point or value.get("latest")}
    elif kind == "duration":
        value = {"min_s": value.get("point_s"), "max_s": value.get("point_s")}
    elif kind in ("state", "cause"):
        value = value["any"][0]
    elif kind == "share":
        value = {"of": None, "lost": (value["lost_min"] + value["lost_max"]) / 2, "bound": value.get("bound")}
    elif kind == "site":
        value = {"name": value["name"][0], "up": value["up"]}
    elif kind == "dependence":
        value = {"on": value["on"][0], "share": value.get("share_min"), "quantifier": None}
    elif kind == "attack":
        since = value.get("since")
        value = {"type": value["type"][0], "since": since and since.get("point", since.get("earliest"))}
    elif kind == "impact":
        value = {"people": value.get("people_min"), "share": value.get("share_min"), "quantifier": None}
    return {
        "kind": kind,
        "entity": reading["entity"][0] or None,
        "speaker": reading["speaker"][0] or None,
        "modality": reading["modality"][0],
        "sentence": f"Before it, {reading['sentence'][0]}, and after it.",
        "value": value,
    }


def _check_interval(interval: dict[str, str]) -> None:
    moments = {key: datetime.fromisoformat(moment) for key, moment in interval.items()}
    assert all(moment.utcoffset() is not None for moment in moments.values())
    in_order = [moments[key] for key in ("earliest", "point", "latest") if key in moments]
    assert in_order == sorted(in_order)


@pytest.mark.parametrize("name", SETS)
def test_every_set_holds_enough_texts_and_enough_of_every_kind_of_claim(name: str) -> None:
    texts = [text for text in TEXTS if text.parent.name == name]
    claims = [label for text in texts for label in _labels(text)["claims"]]
    counted = [label["kind"] for label in claims if not label.get("optional")]
    assert len(texts) >= ENOUGH_OF_A_SET
    assert all(counted.count(kind) >= ENOUGH_OF_A_KIND for kind in KINDS), {kind: counted.count(kind) for kind in KINDS}


def test_every_text_has_labels_and_every_label_file_a_text() -> None:
    stems = [text.with_suffix("") for text in TEXTS]
    assert len(set(stems)) == len(stems)
    assert {path.with_suffix("") for path in FOLDER.glob("*/*.toml")} == set(stems)


def test_no_text_is_in_two_sets() -> None:
    assert len({text.stem for text in TEXTS}) == len(TEXTS)
    assert len({_words_of(text) for text in TEXTS}) == len(TEXTS)


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_label_file_is_well_formed_and_its_snippets_are_in_the_text(text: Path) -> None:
    labels = _labels(text)
    words = _words_of(text)
    assert set(labels) <= {"about", "published", "story", "claims"}
    assert labels["about"]
    if "published" in labels:
        _check_interval({"point": labels["published"]})
    for label in labels["claims"]:
        assert set(label) <= {"kind", "entity", "speaker", "modality", "sentence", "value", "optional", "or"}
        for reading in _readings(label):
            kind, value = reading["kind"], reading["value"]
            assert kind in KINDS
            assert set(value) <= KEYS[kind]
            assert reading["entity"]
            assert reading["speaker"]
            assert reading["modality"]
            assert reading["sentence"]
            assert set(reading["modality"]) <= WORDS["modality"]
            assert (kind == "refusal") == (reading["modality"] == ["refused"])
            assert all(len(scoring.plain(snippet)) > 2 for snippet in reading["sentence"])
            assert all(scoring.plain(snippet) in words for snippet in reading["sentence"]), reading["sentence"]
            if kind in ("onset", "end"):
                assert value
                _check_interval(value)
            elif kind == "duration":
                seconds = [value[key] for key in ("min_s", "point_s", "max_s") if key in value]
                assert seconds
                assert seconds == sorted(seconds)
            elif kind in ("state", "cause"):
                assert value["any"]
                assert set(value["any"]) <= WORDS[kind]
            elif kind == "share":
                assert 0 <= value["lost_min"] <= value["lost_max"] <= 1
                assert value.get("bound", "exact") in WORDS["bound"]
            elif kind == "site":
                assert value["name"]
                assert isinstance(value["up"], bool)
            elif kind == "dependence":
                assert value["on"]
                assert 0 <= value.get("share_min", 0) <= value.get("share_max", 1) <= 1
            elif kind == "attack":
                assert value["type"]
                _check_interval(value.get("since", {}))
            elif kind == "impact":
                assert ("people_min" in value) == ("people_max" in value)
                assert ("share_min" in value) == ("share_max" in value)


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_the_labels_say_scores_full_marks_in_every_reading(text: Path) -> None:
    labels = _labels(text)["claims"]
    counted = [label for label in labels if not label.get("optional")]
    result = scoring.score([_example(label) for label in labels], labels)
    assert (result.found, result.missed, result.wrong) == (len(counted), 0, 0)
    for label in labels:
        for reading in _readings(label):
            assert scoring.matches(_example(reading), label), reading


LABELS = [
    {
        "kind": "duration",
        "entity": ["KE"],
        "speaker": ["engineer", "he"],
        "modality": ["asserted"],
        "sentence": ["more than nine hours"],
        "value": {"min_s": 32000, "point_s": 33060},
    },
    {
        "kind": "onset",
        "entity": ["KE", ""],
        "speaker": [""],
        "modality": ["asserted"],
        "sentence": ["late on Monday"],
        "value": {
            "earliest": "2023-05-01T12:00:00Z",
            "latest": "2023-05-02T00:00:00Z",
            "point": "2023-05-01T19:30:00Z",
        },
        "optional": True,
    },
]
DURATION = {
    "kind": "duration",
    "entity": "KE",
    "speaker": "the operator’s chief engineer",
    "modality": "asserted",
    "sentence": "It lasted MORE than  nine hours.",
    "value": {"min_s": 32400, "max_s": None},
}
ONSET = {
    "kind": "onset",
    "entity": None,
    "speaker": "The Herald",
    "modality": "asserted",
    "sentence": "It failed late on Monday.",
    "value": {"earliest": "2023-05-01T15:00:00+00:00", "latest": "2023-05-01T21:00:00Z"},
}


def test_a_claim_told_twice_counts_once_and_an_optional_claim_counts_nothing() -> None:
    result = scoring.score([DURATION, DURATION, ONSET], LABELS, outlet="the herald")
    assert (result.found, result.missed, result.wrong, result.neutral) == (1, 0, 0, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "onset", "value": {"earliest": "2023-05-01T15:00:00Z", "latest": None}},
        {"entity": "TZ"},
        {"speaker": None},
        {"speaker": "the minister"},
        {"modality": "hedged"},
        {"sentence": "Another sentence of the same text."},
        {"value": {"min_s": 32400, "max_s": 32400}},
        {"value": {"min_s": None, "max_s": 36000}},
        {"value": {"min_s": 3600, "max_s": None}},
    ],
)
def test_a_claim_that_differs_in_one_field_is_wrong_and_its_label_missed(change: dict[str, Any]) -> None:
    result = scoring.score([{**DURATION, **change}], LABELS)
    assert (result.found, result.missed, result.wrong) == (0, 1, 1)


def test_a_state_that_follows_from_a_labelled_claim_of_its_sentence_is_neutral() -> None:
    state = {**DURATION, "kind": "state", "value": "offline", "speaker": None}
    assert scoring.score([state], LABELS).wrong == 0
    assert scoring.score([{**state, "entity": "TZ"}], LABELS).wrong == 1
    assert scoring.score([{**state, "sentence": "Nothing of that kind was said."}], LABELS).wrong == 1


def test_a_claim_of_the_title_needs_no_sentence_and_is_never_wrong() -> None:
    title = "Kenya offline for over nine hours"
    told = {**DURATION, "sentence": title}
    assert scoring.score([told], LABELS, titles=[title]).found == 1
    untold = {**told, "value": {"min_s": 60, "max_s": 60}}
    assert (scoring.score([untold], LABELS, titles=[title]).wrong, scoring.score([untold], LABELS).wrong) == (0, 1)


def test_a_claim_that_says_nothing_is_neutral() -> None:
    nothing = {**DURATION, "value": {"min_s": None, "max_s": None}}
    assert scoring.score([nothing], [{**LABELS[0], "entity": ["TZ"]}]).wrong == 0
