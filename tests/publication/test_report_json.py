"""The document report.json: its core, its schema, and that nothing unknown is told as a number."""

import json
import math
from dataclasses import replace
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duskwatch.publication.report_json import dumps, schema, to_json
from duskwatch.records.entity import Entity
from duskwatch.records.outages import Alarm, Outage, Phase, When
from duskwatch.records.reason import in_words, reason
from duskwatch.records.report import InputFile, Report
from duskwatch.records.signals import Gap, TransitShare
from tests.publication.build import DOWN, MADE, SOME, UNKNOWN, UP, blind, dj, history, kp, ongoing

VALIDATOR = jsonschema.Draft202012Validator(schema())
CORE = (
    "schema", "entity", "window", "inputs", "coverage", "outages", "transit", "attacks", "sites", "hypotheses",
    "claims", "not_measured",
)  # fmt: skip


def test_the_schema_is_one_of_draft_2020_12() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", sorted(MADE))
def test_every_made_report_keeps_to_the_schema(name: str) -> None:
    document = json.loads(dumps(to_json(MADE[name]())))
    VALIDATOR.validate(document)
    assert set(CORE) <= set(document)


@pytest.mark.parametrize("name", sorted(MADE))
def test_the_same_report_gives_the_same_text(name: str) -> None:
    assert dumps(to_json(MADE[name]())) == dumps(to_json(MADE[name]()))


def test_the_core_says_what_the_report_says() -> None:
    document = to_json(kp())
    assert document["schema"] == "duskwatch.report/1"
    assert document["entity"] == {"type": "country", "code": "KP", "name": "North Korea"}
    assert document["window"] == {"from": "2014-12-21T00:00:00Z", "until": "2014-12-25T00:00:00Z"}
    assert document["coverage"]["collectors"] == 2
    assert document["coverage"]["full_feed_peers"] == {"min": 40, "median": 40, "max": 40}
    assert [gap["reason"] for gap in document["coverage"]["gaps"]] == ["session down", "missing file"]
    first = document["outages"][0]
    assert first["onset"] == {
        "earliest": "2014-12-22T16:14:43Z",
        "latest": "2014-12-22T16:15:06Z",
        "best": "2014-12-22T16:15:03Z",
        "reason": "more than half of the voters lost the last prefix",
        "because": {
            "code": "in-words",
            "values": {"text": "more than half of the voters lost the last prefix"},
            "parts": [],
        },
    }
    assert first["dark"]["from"]["best"] == "2014-12-22T16:15:06Z"
    assert first["end"]["best"] == "2014-12-23T01:46:14Z"
    assert first["duration_seconds"] == 9 * 3600 + 31 * 60 + 11
    assert [phase["phase"] for phase in first["phases"]][:2] == ["degrading", "dark"]
    assert (first["relapses"], first["stable"], first["depth"]) == (2, False, 1.0)
    assert document["outages"][1]["relapse_of"] == 0
    assert document["inputs"][0]["sha256"] == "0" * 64
    assert document["reenactment"].startswith("This is a re-enactment")


def test_times_in_a_reason_are_told_as_times() -> None:
    report = kp()
    why = reason(
        "of-later", reason("back-in-gap", from_us=0, until_us=60_000_000), signal="x", bin_us=300, at_us=1_000_000
    )
    (first, *others) = report.outages
    made = replace(report, outages=(replace(first, onset=replace(first.onset, reason=why)), *others))
    assert to_json(made)["outages"][0]["onset"]["because"] == {
        "code": "of-later",
        "values": {"signal": "x", "bin_us": 300, "at": "1970-01-01T00:00:01Z"},
        "parts": [
            {
                "code": "back-in-gap",
                "values": {"from": "1970-01-01T00:00:00Z", "until": "1970-01-01T00:01:00Z"},
                "parts": [],
            }
        ],
    }


def test_an_outage_that_lasts_has_no_end() -> None:
    assert to_json(ongoing())["outages"][0]["end"] is None


def test_an_outage_that_left_something_has_no_dark_part() -> None:
    assert to_json(MADE["partial"]())["outages"][0]["dark"] is None


def test_what_nobody_watched_is_null_and_not_zero() -> None:
    document = to_json(blind())
    row = document["series"]["names"].index("bgp.visible_slash24")
    assert set(document["series"]["values"][row]) == {None}
    assert document["coverage"]["full_feed_peers"] == {"min": 0, "median": 0, "max": 0}
    assert document["coverage"]["watched_share"] == 0


def test_the_median_of_peers_is_weighted_by_time() -> None:
    report = kp()
    level = report.history.level
    voters = np.full(level.voters.shape, 40.0)
    voters[1:-1] = 3.0  # most of the rows, but not most of the time
    voters[2] = np.nan
    report = replace(report, history=replace(report.history, level=replace(level, voters=voters)))
    assert to_json(report)["coverage"]["full_feed_peers"] == {"min": 0, "median": 40, "max": 40}


def test_the_change_log_is_whole_and_names_the_paths() -> None:
    changes = to_json(kp())["changes"]
    assert len(changes["time"]) == len(kp().history.changes.time_us)
    at = changes["time"].index("2014-12-22T16:15:03Z")
    assert changes["prefixes"][changes["prefix"][at]] == "175.45.176.0/24"
    assert (changes["state"][at], changes["votes"][at], changes["voters"][at]) == ("dark", 0, 40)
    assert (changes["upstream"][at], changes["origin"][at]) == (4837, 131279)


def test_a_reader_finds_the_columns_on_lines_of_their_own() -> None:
    lines = dumps(to_json(dj())).splitlines()
    assert sum(line.startswith('"series": {') for line in lines) == 1
    assert max(len(line) for line in lines if not line.startswith(('"series"', '"level"', '"changes"'))) < 500


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("outages", 0, "onset", "best"), "yesterday"),
        (("outages", 0, "depth"), 1.5),
        (("outages", 0, "phases", 0, "phase"), "gone"),
        (("coverage", "collectors"), -1),
        (("entity", "type"), "planet"),
        (("schema",), "duskwatch.report/2"),
        (("inputs", 0, "sha256"), 3),
    ],
)
def test_the_schema_refuses_what_is_wrong(path: tuple[str | int, ...], value: Any) -> None:
    document = json.loads(dumps(to_json(kp())))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(document)


@pytest.mark.parametrize("key", CORE)
def test_the_schema_asks_for_every_key_of_the_core(key: str) -> None:
    document = json.loads(dumps(to_json(kp())))
    del document[key]
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(document)


TIMES = st.integers(0, 4_102_444_800_000_000)
SHARES = st.floats(0, 1) | st.just(math.nan)
ANY = st.floats(allow_nan=True, allow_infinity=True)
# A lone surrogate stands for a byte in a file name that is no text.
TEXT = st.text(max_size=20)


@st.composite
def whens(draw: st.DrawFn) -> When:
    a, b, c = sorted(draw(st.tuples(TIMES, TIMES, TIMES)))
    return When(a, c, b, in_words(draw(TEXT)))


@st.composite
def made_outages(draw: st.DrawFn) -> Outage:
    names = ("degrading", "dark", "partial", "recovering", "unstable", "restored")
    phases = draw(st.lists(st.builds(Phase, st.sampled_from(names), TIMES, TIMES), max_size=4))
    alarms = st.builds(Alarm, TEXT, TEXT, TIMES, TIMES, st.none() | TIMES, ANY, ANY, ANY, SHARES)
    return Outage(
        draw(whens()), draw(st.none() | whens()), draw(st.none() | whens()), draw(st.none() | whens()),
        draw(st.integers(0, 10**14)), draw(SHARES), tuple(phases), draw(st.integers(0, 9)),
        draw(st.none() | st.integers(0, 5)), draw(st.booleans()), ("bgp.visible_slash24",), draw(ANY), draw(SHARES),
        tuple(draw(st.lists(alarms, max_size=2))),
    )  # fmt: skip


@st.composite
def made_reports(draw: st.DrawFn) -> Report:
    start = draw(st.integers(0, 2_000_000_000)) * 1_000_000
    stop = start + draw(st.integers(1, 40)) * 300_000_000
    moments = st.integers(start, stop - 1)
    prefixes = draw(st.lists(TEXT, max_size=4, unique=True))
    numbers = st.integers(0, max(0, len(prefixes) - 1))
    changes = draw(st.lists(st.tuples(moments, numbers, st.sampled_from([UP, SOME, DOWN, UNKNOWN])), max_size=12))
    dark = [(min(a, b), max(a, b)) for a, b in draw(st.lists(st.tuples(moments, moments), max_size=2))]
    gaps = draw(st.lists(st.builds(Gap, TEXT, moments, moments, TEXT, st.integers(0, 99)), max_size=3))
    shares = draw(st.lists(st.builds(TransitShare, st.integers(0, 2**32 - 1), moments, moments, SHARES), max_size=3))
    past = history(
        start, stop, prefixes, changes if prefixes else [], voters=draw(st.integers(0, 60)), blind=dark, gaps=gaps,
        transit=shares, learned=draw(st.booleans()),
    )  # fmt: skip
    inputs = st.builds(
        InputFile, TEXT, st.just("a" * 64), st.just("mrt"), st.none() | TIMES, st.none() | TIMES, st.integers(0, 9**9),
        st.integers(0, 9**9), TEXT, TEXT, st.integers(0, 9**12),
    )  # fmt: skip
    return Report(
        Entity(*draw(st.sampled_from([("country", "KP"), ("asn", "AS1"), ("prefix", "192.0.2.0/24")])), draw(TEXT)),
        start, stop, past, tuple(draw(st.lists(made_outages(), max_size=3))), tuple(draw(st.lists(inputs, max_size=3))),
        tuple(draw(st.lists(TEXT, max_size=3))),
        draw(st.sampled_from(["", "Asia/Pyongyang", "UTC", "No/Such", "../../etc/passwd"])),
        draw(st.dictionaries(st.integers(0, 2**32 - 1), TEXT, max_size=3)), draw(TEXT),
        tuple(draw(st.lists(TEXT, max_size=2))), tuple(draw(st.lists(TEXT, max_size=2))), draw(TEXT),
    )  # fmt: skip


@given(made_reports())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_report_keeps_to_the_schema(report: Report) -> None:
    text = dumps(to_json(report))

    def refuse(name: str) -> None:
        raise AssertionError(name)

    document = json.loads(text, parse_constant=refuse)
    VALIDATOR.validate(document)
