"""Who says what: before, after and within what is said."""

import pytest

from duskwatch.explanation.claims.grammar import grammar
from duskwatch.explanation.claims.sentences import sentences
from duskwatch.explanation.claims.voices import Voices

VOICES = Voices(grammar("en"))


def voices(text: str):
    return [voice for one in sentences(text) for voice in VOICES.find(one.flat, one.low)]


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("The network was down for nine hours, the monitoring firm Skylark said.", "Skylark"),
        ("“The network was down,” said Ada Example, chief engineer at Northline.", "Ada Example"),
        ("Northline, which serves two million people, said its network was down.", "Northline"),
        ("According to the regulator, all links were cut.", "the regulator"),
        ("Traffic fell by half on Monday, data from NetPulse showed.", "NetPulse"),
        ("The outage was first reported by the group Skywatch on Sunday.", "Skywatch"),
        ("The consortium that owns the cable said that repairs had begun.", "The consortium"),
        ("Customers were cut off, the operator confirmed the next day.", "the operator"),
        ("The chief of a provider that serves the north, Jane Doe, said the fault was found.", "Jane Doe"),
        ("Gabon without internet since 0955 GMT - Lodestar Metrics", "Lodestar Metrics"),
    ],
)
def test_the_speaker_is_found(text, speaker):
    (voice,) = voices(text)
    assert speaker in voice.speaker


def test_two_speakers_share_a_sentence():
    first, second = voices("NetPulse recorded a drop at 16:15 UTC, but the ministry denied that service had been cut.")
    assert (first.speaker, first.act) == ("NetPulse", "measure")
    assert (second.speaker, second.act) == ("the ministry", "deny")
    assert first.spans[0][1] <= second.phrase[0]


def test_what_stands_on_both_sides_of_the_speaker_is_said():
    text = "“It fell at noon,” the minister told reporters on Monday, “and it came back at two.”"
    (voice,) = voices(text)
    assert len([span for span in voice.spans if span[1] > span[0]]) == 2


def test_nobody_speaks_in_a_plain_sentence():
    assert voices("The reports of a fault were many, and the claims grew.") == []
