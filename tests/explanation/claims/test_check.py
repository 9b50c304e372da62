"""Verdicts: each kind against a report made here, one day with one outage and a relapse."""

from typing import Any

import pytest

from duskwatch.explanation.claims.check import check
from duskwatch.explanation.claims.measured import Measured, ReportError, from_report
from duskwatch.records.claim import Claim
from duskwatch.sources.reference.place_names import place_names
from tests.explanation.claims.reports import ATTACKS, report


def verdict(
    kind: str,
    value: Any,
    modality: str = "asserted",
    entity: str | None = "KP",
    on: dict[str, Any] | None = None,
    published: int | None = None,
):
    claim = Claim(0, kind, entity, value, None, modality, "s", 0, 1, 0.8)  # type: ignore[arg-type]
    measured: Measured | None = from_report(on if on is not None else report())
    return check(claim, measured, published_us=published, places=place_names())


def interval(low: str | None, high: str | None) -> dict[str, str | None]:
    return {"earliest": low, "latest": high}


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        ("2014-12-22T16:15:00Z", "2014-12-22T16:15:00Z", "supported"),
        ("2014-12-22T16:20:00Z", "2014-12-22T16:20:00Z", "supported"),  # within ten minutes of a clock
        ("2014-12-22T15:00:00Z", "2014-12-23T15:00:00Z", "supported"),  # a day holds it
        ("2014-12-22T16:50:00Z", "2014-12-22T16:50:00Z", "partly"),
        ("2014-12-23T12:00:00Z", "2014-12-23T12:00:00Z", "contradicted"),
        ("2014-12-19T15:00:00Z", "2014-12-20T15:00:00Z", "partly"),  # the first signs
        ("2014-12-10T00:00:00Z", "2014-12-11T00:00:00Z", "not measured"),  # before the window
        (None, "2014-12-22T18:00:00Z", "supported"),
    ],
)
def test_an_onset(low, high, wanted):
    assert verdict("onset", interval(low, high)).verdict == wanted


def test_an_end_shows_what_was_measured():
    found = verdict("end", interval("2014-12-23T01:46:00Z", "2014-12-23T01:46:00Z"))
    assert found.verdict == "supported"
    assert found.measured["best"] == "2014-12-23T01:46:19Z"


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (34260, 34260, "supported"),  # nine hours and 31 minutes
        (32400, None, "supported"),  # more than nine hours
        (36000, None, "partly"),  # more than ten hours
        (3600, 3600, "contradicted"),
        (None, 43200, "supported"),
        (90000, 90000, "contradicted"),
    ],
)
def test_a_duration_respects_its_own_vagueness(low, high, wanted):
    assert verdict("duration", {"min_s": low, "max_s": high}).verdict == wanted


def test_time_that_nobody_watched_is_not_measured_and_never_contradicted():
    blind = report(
        outages=[],
        coverage={
            "watched_share": 0.5,
            "unwatched": [{"from": "2014-12-22T00:00:00Z", "until": "2014-12-24T00:00:00Z"}],
        },
    )
    assert (
        verdict("onset", interval("2014-12-22T16:15:00Z", "2014-12-22T16:15:00Z"), on=blind).verdict == "not measured"
    )
    assert verdict("state", "offline", on=blind).verdict == "not measured"


def test_watched_time_without_an_outage_contradicts_one():
    calm = report(outages=[])
    assert verdict("onset", interval("2014-12-22T16:15:00Z", "2014-12-22T16:15:00Z"), on=calm).verdict == "contradicted"
    assert verdict("state", "normal", on=calm).verdict == "supported"


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("offline", "supported"),
        ("degraded", "supported"),
        ("unstable", "supported"),
        ("partial", "partly"),
        ("restored", "partly"),
        ("normal", "contradicted"),
    ],
)
def test_states(value, wanted):
    assert verdict("state", value).verdict == wanted


def test_back_before_the_end_is_contradicted():
    assert verdict("state", "restored", published=1419285600_000000).verdict == "contradicted"  # 22 Dec, 22:00


def test_a_denial_of_what_was_measured_is_contradicted():
    assert verdict("state", "offline", modality="denied").verdict == "contradicted"


def test_another_country_is_not_measured():
    found = verdict("state", "offline", entity="GA")
    assert found.verdict == "not measured"
    assert "North Korea" in found.measured["why"]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"of": "networks", "lost": 1.0, "bound": "exact"}, "supported"),
        ({"of": "networks", "lost": 0.9, "bound": "at least"}, "supported"),
        ({"of": "networks", "lost": 0.5, "bound": "exact"}, "contradicted"),
        ({"of": "traffic", "lost": 1.0, "bound": "exact"}, "not measured"),
    ],
)
def test_shares(value, wanted):
    assert verdict("share", value).verdict == wanted


@pytest.mark.parametrize(
    ("on", "quantifier", "wanted"),
    [
        ("China", "almost all", "supported"),
        ("China Unicom", "all", "supported"),
        ("Russia", "most", "contradicted"),
        ("one cable", "all", "not measured"),
    ],
)
def test_dependence(on, quantifier, wanted):
    assert verdict("dependence", {"on": on, "share": None, "quantifier": quantifier}).verdict == wanted


def test_attacks_that_began_earlier_than_told_but_peaked_then_are_partly_right():
    since = interval("2014-12-19T15:00:00Z", "2014-12-20T15:00:00Z")
    found = verdict("attack", {"type": "denial-of-service", "since": since}, on=report(attacks=ATTACKS))
    assert found.verdict == "partly"
    assert found.measured["text"] == "first Thursday 18 December, peak Saturday 20 December"


def test_without_a_measurement_of_attacks_there_is_no_verdict_on_attacks():
    assert verdict("attack", {"type": "denial-of-service", "since": None}).verdict == "not measured"


def test_sites_are_compared_with_their_checks():
    checks = [{"at": "2014-12-22T18:00:00Z", "up": False}, {"at": "2014-12-23T03:00:00Z", "up": True}]
    on = report(sites=[{"name": "Korean Central News Agency", "host": "kcna.kp", "checks": checks}])
    assert verdict("site", {"name": "Korean Central News Agency", "up": True}, on=on).verdict == "supported"
    assert verdict("site", {"name": "kcna.kp", "up": False}, on=on).verdict == "partly"
    assert verdict("site", {"name": "Rodong Sinmun", "up": True}, on=on).verdict == "not measured"


@pytest.mark.parametrize("modality", ["asserted", "hedged", "denied", "ruled out"])
def test_no_cause_is_ever_tested(modality):
    found = verdict("cause", "government", modality=modality)
    assert found.verdict == "not testable"
    assert found.measured["recovery"]["relapses"] == 2


def test_a_refusal_is_not_testable():
    assert verdict("refusal", None, modality="refused").verdict == "not testable"


def test_people_online_need_a_table():
    value = {"people": None, "share": None, "quantifier": "only a small proportion"}
    assert verdict("impact", value).verdict == "not measured"
    assert (
        verdict("impact", value, on=report(people={"online_share": 0.01, "source": "a table"})).verdict == "supported"
    )


@pytest.mark.parametrize(
    "document", [{}, {"schema": "other/1"}, [], None, 3, {"schema": "duskwatch.report/1", "entity": 3}]
)
def test_a_document_that_is_no_report_is_named(document):
    with pytest.raises(ReportError, match=r"made\.json: this is no report"):
        from_report(document, "made.json")
