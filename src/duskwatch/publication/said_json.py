"""Claims as the document "duskwatch.claims/1", and as schema.org ClaimReview. ``claims.schema.json`` describes it."""

import json
from importlib.resources import files
from typing import Any

from duskwatch.records.claim import Article, Checked, Said
from duskwatch.records.times import iso

SCHEMA = "duskwatch.claims/1"
Json = dict[str, Any]
RATINGS = {"supported": 5, "partly": 3, "contradicted": 1}  # of 1 to 5; other verdicts rate nothing


def to_json(said: Said) -> Json:
    """The document: plain dicts, lists, text and numbers. The same reading gives the same document."""
    return {
        "schema": SCHEMA,
        "articles": [
            {
                "file": article.file,
                "title": article.title or None,
                "published": published(article),
                "outlet": article.outlet or None,
                "language": article.language,
                "story": said.story_of(number),
            }
            for number, article in enumerate(said.articles)
        ],
        "claims": [claim_json(checked) for checked in said.claims],
    }


def claim_json(checked: Checked) -> Json:
    """One claim of the document."""
    claim = checked.claim
    return {
        "article": claim.article,
        "kind": claim.kind,
        "entity": claim.entity,
        "value": claim.value,
        "speaker": claim.speaker,
        "modality": claim.modality,
        "sentence": claim.sentence,
        "start": claim.start,
        "end": claim.end,
        "confidence": claim.confidence,
        "verdict": checked.verdict,
        "measured": None if checked.measured is None else dict(checked.measured),
    }


def published(article: Article) -> str | None:
    """When an article appeared: a moment, a day where only that is known, or None."""
    if article.published_us is None:
        return None
    return iso(article.published_us)[:10] if article.day_only else iso(article.published_us)


def dumps(document: Json) -> str:
    """Text of a document, ending with a line feed."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def schema() -> Json:
    """The JSON Schema (draft 2020-12) of the document."""
    text = files("duskwatch.publication").joinpath("claims.schema.json").read_text(encoding="utf-8")
    document: Json = json.loads(text)
    return document


def claim_reviews(said: Said, reviewer: str, url: str = "") -> list[Json]:
    """schema.org ClaimReview for each claim that was tested, once for each story. Publishing them is a person's choice.

    ``reviewer`` is who publishes: the operator of this program, not the program.
    """
    out: list[Json] = []
    seen: set[tuple[int, str, str, str]] = set()
    for checked in said.claims:
        claim = checked.claim
        if checked.verdict not in RATINGS:
            continue
        key = (said.story_of(claim.article), claim.kind, repr(claim.value), claim.speaker or "")
        if key in seen:
            continue
        seen.add(key)
        out.append(_review(said, checked, reviewer, url))
    return out


def _review(said: Said, checked: Checked, reviewer: str, url: str) -> Json:
    claim = checked.claim
    article = said.articles[claim.article]
    appearance: Json = {"@type": "NewsArticle", "headline": article.title or article.file}
    if article.published_us is not None:
        appearance["datePublished"] = published(article)
    if article.outlet:
        appearance["publisher"] = {"@type": "Organization", "name": article.outlet}
    author = claim.speaker or article.outlet or "unknown"
    review: Json = {
        "@context": "https://schema.org",
        "@type": "ClaimReview",
        "claimReviewed": " ".join(claim.sentence.split()),
        "itemReviewed": {"@type": "Claim", "author": {"@type": "Thing", "name": author}, "appearance": appearance},
        "author": {"@type": "Organization", "name": reviewer},
        "reviewRating": {
            "@type": "Rating", "ratingValue": RATINGS[checked.verdict], "bestRating": 5, "worstRating": 1,
            "alternateName": checked.verdict,
        },
    }  # fmt: skip
    if checked.measured and checked.measured.get("text"):
        review["reviewBody"] = checked.measured["text"]
    if url:
        review["url"] = url
    return review
