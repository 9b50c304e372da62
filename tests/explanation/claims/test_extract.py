"""Claims of short texts, kind by kind, and what is no claim."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.records.claim import KINDS, MODALITIES
from tests.explanation.claims.reading import claims, of_kind, only


def test_an_onset_is_resolved_by_the_local_time_of_the_place():
    claim = only("Gabon went offline at 3:15 a.m. local time on Monday.", "onset")
    assert claim.value == {"earliest": "2023-05-08T02:15:00Z", "latest": "2023-05-08T02:15:00Z"}
    assert claim.entity == "GA"


def test_from_until_gives_both_bounds():
    text = "The internet in Gabon was down from 10 p.m. on Sunday until 6 a.m. on Monday."
    assert only(text, "onset").value["earliest"] == "2023-05-07T21:00:00Z"
    assert only(text, "end").value["earliest"] == "2023-05-08T05:00:00Z"


def test_since_a_day_is_an_onset_in_that_day():
    claim = only("Gabon has been without internet since Saturday.", "onset")
    assert claim.value == {"earliest": "2023-05-05T23:00:00Z", "latest": "2023-05-06T23:00:00Z"}


def test_a_bound_that_is_not_given_is_null():
    claim = only("By 6 p.m. on Monday the internet in Gabon was back.", "end")
    assert claim.value == {"earliest": None, "latest": "2023-05-08T17:00:00Z"}


def test_a_clock_belongs_to_the_day_told_before():
    text = "On Sunday the internet in Gabon failed at 4 p.m. It came back at 9 p.m."
    assert only(text, "end").value["earliest"] == "2023-05-07T20:00:00Z"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Gabon is offline.", "offline"),
        ("All networks of Gabon have vanished from the global routing table.", "offline"),
        ("Internet service in Gabon is slow and disrupted.", "degraded"),
        ("Service has been partially restored in Gabon.", "partial"),
        ("Connections in Gabon remain unstable.", "unstable"),
        ("The internet in Gabon is back.", "restored"),
    ],
)
def test_states(text, value):
    assert value in [claim.value for claim in of_kind(text, "state")]


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("The blackout in Gabon lasted nine hours and 31 minutes.", 34260, 34260),
        ("Gabon came back after an outage of more than nine hours.", 32400, None),
        ("Gabon was unreachable for fifty minutes.", 3000, 3000),
        ("Monitors put the length of the outage at five hours and ten minutes.", 18600, 18600),
    ],
)
def test_durations(text, low, high):
    assert only(text, "duration").value == {"min_s": low, "max_s": high}


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("Traffic in Gabon fell by 80 per cent.", 0.8),
        ("Connectivity in Gabon dropped to 14 per cent of ordinary levels.", 0.86),
        ("Three of the country's four networks are unreachable.", 0.75),
        ("Two thirds of Gabon's networks went silent.", 0.6667),
    ],
)
def test_shares_tell_what_was_lost(text, lost):
    assert only(text, "share").value["lost"] == pytest.approx(lost, abs=0.001)


def test_sites_are_up_or_down_by_name():
    text = "The website of the Daily Lantern was back online on Tuesday, but lantern.example remained inaccessible."
    found = {claim.value["name"]: claim.value["up"] for claim in of_kind(text, "site")}
    assert found == {"Daily Lantern": True, "lantern.example": False}


def test_dependence_names_whom_and_how_much():
    claim = only("Almost all of Gabon's internet traffic passes through Cameroon.", "dependence")
    assert claim.value == {"on": "Cameroon", "share": None, "quantifier": "almost all"}
    assert claim.entity == "GA"


def test_an_attack_keeps_its_observer_and_its_beginning():
    claim = only(
        "Arrowhead, a security firm, said it had detected denial-of-service attacks against"
        " Gabon's infrastructure beginning on Saturday.",
        "attack",
    )
    assert claim.value["type"] == "denial-of-service"
    assert claim.value["since"]["earliest"] == "2023-05-05T23:00:00Z"
    assert claim.speaker == "Arrowhead"


@pytest.mark.parametrize(
    ("text", "value", "modality"),
    [
        ("The outage in Gabon was caused by a damaged submarine cable.", "cable", "asserted"),
        ("A router failure may be to blame for the outage.", "fault", "hedged"),
        ("Experts ruled out a cyber-attack as the cause of the outage.", "attack", "ruled out"),
        ("The government denied having ordered the shutdown.", "government", "denied"),
        ("The cause of the outage is not known.", "unknown", "asserted"),
        ("The operator said a digger had cut the fibre.", "cable", "asserted"),
        ("The internet in Gabon was shut down to prevent cheating in school exams.", "exam", "asserted"),
        ("A storm knocked out the internet in Gabon, the operator said.", "disaster", "asserted"),
        ("A loss of power caused the outage, the operator said.", "power", "asserted"),
    ],
)
def test_causes_keep_their_modality(text, value, modality):
    assert (value, modality) in [(claim.value, claim.modality) for claim in of_kind(text, "cause")]


def test_two_causes_left_open_are_two_hedged_claims():
    found = of_kind("Analysts said technical problems or a cyber-attack could be to blame for the outage.", "cause")
    assert {(claim.value, claim.modality) for claim in found} == {("fault", "hedged"), ("attack", "hedged")}
    assert {claim.speaker for claim in found} == {"Analysts"}


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("Officials would not comment on the outage.", "Officials"),
        ("There has been no comment from the authorities in Libreville.", "the authorities in Libreville"),
        ("The ministry of communications declined to say why the internet was down.", "The ministry of communications"),
        ("Neither the ministry nor the army responded to calls.", "the ministry"),
    ],
)
def test_refusals_keep_who_refused(text, speaker):
    claim = only(text, "refusal")
    assert speaker in (claim.speaker or "")
    assert claim.modality == "refused"
    assert claim.value is None


def test_impact_counts_people():
    assert only("The outage left two million people in Gabon without internet.", "impact").value["people"] == 2_000_000
    few = only("Only a small proportion of people have access to the internet in Gabon.", "impact").value
    assert few["people"] is None
    assert few["share"] is None


NO_CLAIM = {
    "a power cut": "Electricity was cut in Libreville for six hours on Monday.",
    "flights": "All flights from Libreville were suspended at noon and resumed at 6 p.m.",
    "football": "The home side went down two to nil and never recovered.",
    "a question": "Will Gabon's internet go down again on Sunday?",
    "a condition": "If the cable fails, Gabon will be offline for days.",
    "a plan": "The internet in Gabon will be shut down on Thursday.",
    "history": "In 2016 the internet in Gabon was shut down for four days.",
    "a plain denial of nothing": "The internet in Gabon did not go down.",
    "a correction": "An earlier version of this article said that the outage began at 4 p.m. on Monday.",
}


@pytest.mark.parametrize("what", NO_CLAIM)
def test_what_is_no_claim(what):
    found = [claim for claim in claims(NO_CLAIM[what]) if claim.kind in ("onset", "end", "duration", "state", "cause")]
    assert found == []


def test_each_country_of_a_text_keeps_its_own_claims():
    text = "Gabon went offline at 9 a.m. on Monday. Cameroon lost its internet at 11 a.m. on Monday."
    found = {claim.entity: claim.value["earliest"][11:16] for claim in of_kind(text, "onset")}
    assert found == {"GA": "08:00", "CM": "10:00"}


def test_a_list_of_countries_is_a_claim_for_each():
    found = of_kind("Internet service in Kenya, Uganda and Rwanda has been down since Sunday.", "onset", title="Outage")
    assert {claim.entity for claim in found} == {"KE", "UG", "RW"}


def test_offsets_lead_to_the_sentence():
    text = "title: Quiet\ndate: 2023-05-09\n\nA first line.\n\nGabon is offline. The cause is not known."
    for claim in claims(text):
        assert text[claim.start : claim.end] == claim.sentence


def test_the_speaker_of_a_statement_is_that_of_all_its_sentences():
    found = claims("Our network failed at 4 p.m. on Monday. A router was to blame.", speaker="Northline")
    assert {claim.speaker for claim in found} == {"Northline"}


def test_a_transcript_keeps_who_speaks():
    found = claims(
        "THE MINISTER: We did not order any shutdown.\n\nQUESTION: Was it an attack?\n\nTHE"
        " MINISTER: A cable was cut.\n"
    )
    assert {claim.speaker for claim in found if claim.kind == "cause"} == {"THE MINISTER"}


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_any_text_gives_claims_of_known_shape(text):
    for claim in claims(text):
        assert claim.kind in KINDS
        assert claim.modality in MODALITIES
        assert 0 <= claim.start < claim.end <= len(text)


WORDS = (
    "internet gabon outage down back at 4 p.m. on monday for nine hours said the ministry"
    ' denied cable cut not . , " about 80 per cent of networks'
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(WORDS.split(" ")), max_size=60))
def test_shuffled_words_of_the_grammar_never_break_a_rule(words):
    for claim in claims(" ".join(words)):
        if claim.kind in ("onset", "end") and claim.value["earliest"] and claim.value["latest"]:
            assert claim.value["earliest"] <= claim.value["latest"]
        if claim.kind == "share":
            assert 0 <= claim.value["lost"] <= 1
