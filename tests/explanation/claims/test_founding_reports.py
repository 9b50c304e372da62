"""The two reports that started this project, against facts as the re-enactment measures them."""

from pathlib import Path
from typing import Any

import pytest

from duskwatch.analysis.news import check_news
from duskwatch.explanation.claims.measured import from_report
from duskwatch.records.claim import Checked, Said
from duskwatch.sources.news.read import read_articles
from tests.explanation.claims.reports import ATTACKS, report


@pytest.fixture(scope="module", params=["as they are", "with their date"])
def said(request, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Said:
    folder = tmp_path_factory.mktemp("news")
    articles = []
    for name in ("report-a.txt", "report-b.txt"):
        text = (shared_data / "news" / name).read_text(encoding="utf-8")
        head = "date: 2014-12-23\n\n" if request.param == "with their date" else ""
        (folder / name).write_text(head + text, encoding="utf-8")
        articles += read_articles(folder / name)
    return check_news(articles, from_report(report(attacks=ATTACKS)))


def those(said: Said, kind: str, **wanted: Any) -> list[Checked]:
    found = [one for one in said.claims if one.claim.kind == kind]
    for name, value in wanted.items():
        if name == "speaker":
            found = [one for one in found if value in (one.claim.speaker or "")]
        else:
            found = [one for one in found if getattr(one.claim, name) == value]
    return found


def test_they_share_sentences_and_an_origin(said):
    (story,) = said.stories
    assert story.articles == (0, 1)
    assert story.joined_by == "sentences"
    assert any("Officials would not comment" in sentence for sentence in story.shared)


def test_nine_hours_and_31_minutes_by_dyn_research(said):
    (one,) = those(said, "duration", value={"min_s": 34260, "max_s": 34260})
    assert "Dyn Research" in one.claim.speaker
    assert one.verdict == "supported"


def test_more_than_nine_hours(said):
    found = those(said, "duration", value={"min_s": 32400, "max_s": None})
    assert found
    assert {one.verdict for one in found} == {"supported"}


def test_a_partial_and_perhaps_unstable_return(said):
    assert {one.verdict for one in those(said, "state", value="unstable", modality="hedged")} == {"supported"}
    assert {one.verdict for one in those(said, "state", value="partial", modality="hedged")} == {"partly"}


def test_the_two_sites_are_back_and_their_checks_are_missing(said):
    found = {one.claim.value["name"]: one for one in those(said, "site") if one.claim.value["up"]}
    assert set(found) == {"Korean Central News Agency", "Rodong Sinmun"}
    assert {one.verdict for one in found.values()} == {"not measured"}


def test_degradation_until_totally_offline_by_doug_madory(said):
    assert those(said, "state", value="degraded", speaker="Doug Madory")[0].verdict == "supported"
    assert those(said, "state", value="offline", speaker="Doug Madory")[0].verdict == "supported"


def test_attacks_from_saturday_by_arbor_networks_are_partly_right(said):
    (one,) = those(said, "attack")
    assert "Arbor Networks" in one.claim.speaker
    assert one.verdict == "partly"
    assert one.measured["text"] == "first Thursday 18 December, peak Saturday 20 December"


def test_almost_all_links_through_china(said):
    (one,) = those(said, "dependence")
    assert (one.claim.value["on"], one.claim.entity, one.verdict) == ("China", "KP", "supported")


def test_a_small_share_of_people_online_needs_a_table(said):
    (one,) = those(said, "impact")
    assert one.verdict == "not measured"


def test_technical_problems_or_an_attack_stay_open(said):
    found = those(said, "cause", modality="hedged", speaker="Analysts")
    assert {one.claim.value for one in found} == {"fault", "attack"}
    assert {one.verdict for one in found} == {"not testable"}


def test_not_by_a_state_because_it_came_back_is_recorded_with_the_shape_of_the_return(said):
    found = those(said, "cause", modality="ruled out", speaker="Matthew Prince")
    assert {one.claim.value for one in found} == {"government", "attack"}  # "a state-sponsored attack" is both
    one = found[0]
    assert {one.verdict for one in found} == {"not testable"}
    assert one.measured["recovery"]["took_s"] == 19.0
    assert "back up" in one.claim.sentence


def test_denials_and_refusals_are_kept(said):
    assert {one.claim.speaker for one in those(said, "cause", modality="denied")} >= {"U.S. officials", "China"}
    refused = {one.claim.speaker for one in those(said, "refusal")}
    assert {"the authorities in Pyongyang", "Officials"} <= refused
    assert {one.verdict for one in those(said, "refusal")} == {"not testable"}


def test_nothing_is_said_of_sony(said):
    assert not [
        one
        for one in said.claims
        if one.claim.kind in ("cause", "attack") and "behind the cyberattack on Sony" in one.claim.sentence
    ]
