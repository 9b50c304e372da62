"""Every code that any stage gives has a sentence and a row in the docs, and no sentence is for nothing."""

import re
from pathlib import Path

import pytest

from duskwatch.publication.reasons import SENTENCES, reason_text
from duskwatch.records.reason import Reason, in_words, reason
from duskwatch.records.times import HOUR, MINUTE, parse_time

ROOT = Path(__file__).resolve().parents[2]
AT = parse_time("2014-12-22T16:15:03Z")
GIVEN = {
    code
    for path in (ROOT / "src" / "duskwatch").rglob("*.py")
    if path.parent.name != "publication"
    for code in re.findall(r'(?:\breason|\b_counted)\(\s*"([a-z-]+)"', path.read_text())
}


def test_every_code_that_is_given_has_a_sentence_and_every_sentence_a_code_that_is_given() -> None:
    assert len(GIVEN) > 20
    assert set(SENTENCES) == GIVEN | {"", "in-words"}


def test_every_code_is_in_the_docs() -> None:
    page = (ROOT / "docs" / "reference" / "reasons.md").read_text()
    listed = {code for row in re.findall(r"^\| (`[^|]*) \|", page, re.M) for code in re.findall(r"`([^`]+)`", row)}
    assert listed == set(SENTENCES) - {""}


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (
            reason("majorities-lost", reason("first-votes-gone", at_us=AT - MINUTE), count=4, of=4, from_us=AT,
                   until_us=AT + MINUTE),
            ("most observers lost all 4 prefixes between 16:15:03 and 16:16:03; "
             "the first observer lost a route at 16:14:03"),
        ),
        (reason("majorities-back", count=1, of=None, from_us=AT, until_us=AT),
         "most observers had 1 prefix back at 16:15:03"),
        (reason("majorities-lost", count=1, of=4, from_us=AT, until_us=AT),
         "most observers lost 1 of 4 prefixes at 16:15:03"),
        (reason("last-lost", reason("some-voter-held"), count=1, at_us=AT),
         "most observers lost the last reachable prefix at 16:15:03; some observer held a route throughout"),
        (reason("first-back", voter_us=AT, at_us=AT + MINUTE),
         "the first observer held a route again at 16:15:03, most observers held a prefix again at 16:16:03"),
        (reason("came-unwatched", from_us=AT, until_us=AT + 9 * HOUR),
         "it came while nobody was watching, 2014-12-22 16:15:03 to 2014-12-23 01:15:03"),
        (reason("fell", signal="probing.up", before=1234.4, after=0.0, bin_us=5 * MINUTE, at_us=AT),
         "probing.up fell from 1,234 to 0 in the 5 minutes from 16:15"),
        (reason("fell", signal="probing.up", before=None, after=None, bin_us=HOUR, at_us=AT),
         "probing.up fell below its normal range in the hour from 16:15"),
        (reason("return-began", reason("back", signal="x", value=None, bin_us=HOUR, at_us=AT)),
         "the return began, and was complete when x was back again in the hour from 16:15"),
        (reason("rest-unwatched", signal="probing.up", at_us=AT),
         "the others were back, and nobody watched probing.up from 16:15 on"),
        (reason("next-began", at_us=AT), "nobody watched the return, and the next outage began at 16:15:03"),
        (in_words("the operator says so"), "the operator says so"),
        (Reason("of-a-later-version", (("count", 3),)), "of-a-later-version (count 3)"),
        (Reason("bare"), "bare"),
        (Reason(""), ""),
    ],
)  # fmt: skip
def test_a_reason_reads_as_half_a_sentence(one: Reason, text: str) -> None:
    assert reason_text(one) == text
