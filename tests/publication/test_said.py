"""What was said, as JSON, ClaimReview, page and words."""

import json
import re

import jsonschema

from duskwatch.analysis.news import check_news
from duskwatch.explanation.claims.measured import from_report
from duskwatch.publication import said_json
from duskwatch.publication.said_html import page, section
from duskwatch.publication.said_words import rows
from duskwatch.records.claim import Article, Said
from tests.explanation.claims.reading import moment
from tests.explanation.claims.reports import report

TEXT = """North Korea was offline for nine hours and 31 minutes, the monitoring firm Skylark said.

North Korea went offline at 16:15 UTC on Monday. The cause is not known. Officials would not comment on the outage.

About 30 per cent of the networks were lost.
"""
EVIL = "<script>alert(1)</script>"


def made(text: str = TEXT, title: str = "Dark", outlet: str = "The Lantern") -> Said:
    articles = [
        Article(name, text, title=title, outlet=outlet, published_us=moment("2014-12-23T12:00")) for name in ("a", "b")
    ]
    return check_news(articles, from_report(report()))


def test_the_document_keeps_its_schema_and_its_keys():
    document = said_json.to_json(made())
    jsonschema.validate(document, said_json.schema())
    assert list(document) == ["schema", "articles", "claims"]
    assert document["schema"] == "duskwatch.claims/1"
    assert list(document["articles"][0]) == ["file", "title", "published", "outlet", "language", "story"]
    assert list(document["claims"][0]) == [
        "article", "kind", "entity", "value", "speaker", "modality", "sentence", "start", "end", "confidence",
        "verdict", "measured",
    ]  # fmt: skip
    assert document["articles"][0]["story"] == document["articles"][1]["story"]
    assert json.loads(said_json.dumps(document)) == document


def test_a_claim_in_two_copies_is_one_row():
    listed = rows(made())
    durations = [row for row in listed if "lasted" in row.said]
    assert len(durations) == 1
    assert durations[0].also == 1
    assert durations[0].verdict == "supported"


def test_reviews_are_made_of_tested_claims_alone():
    reviews = said_json.claim_reviews(made(), "The Desk")
    assert {review["reviewRating"]["alternateName"] for review in reviews} <= {"supported", "partly", "contradicted"}
    assert all(review["author"]["name"] == "The Desk" for review in reviews)
    assert all(review["@type"] == "ClaimReview" for review in reviews)
    assert not [review for review in reviews if "would not comment" in review["claimReviewed"]]


def test_a_page_escapes_what_comes_from_outside_and_runs_nothing():
    text = f"North Korea is offline, {EVIL} the firm Sky{EVIL} said on Monday.\n\n" + TEXT
    made_page = page(made(text, title=EVIL, outlet=EVIL))
    assert EVIL not in made_page
    assert "<script" not in made_page.lower()
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", made_page)


def test_the_section_says_what_a_claim_is_worth():
    text = str(section(made()))
    assert "A claim is no evidence" in text
    assert "lasted 9 h 31 min" in text
    assert "<svg" in text


def test_texts_without_claims_say_so():
    assert "No claim about an outage was found" in page(made("The weather was fine."))
