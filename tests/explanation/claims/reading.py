"""Helpers of these tests: a text in, claims out."""

from datetime import UTC, datetime
from typing import Any

from duskwatch.explanation.claims.extract import extractor
from duskwatch.explanation.claims.moments import Dateline
from duskwatch.records.claim import Article, Claim
from duskwatch.sources.reference.place_names import place_names


def moment(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def claims(
    text: str, date: str = "2023-05-09T12:00", title: str = "Internet outage in Gabon", speaker: str = ""
) -> list[Claim]:
    tools = extractor("en", place_names())
    assert tools is not None
    article = Article("text", text, title=title, published_us=moment(date), speaker=speaker)
    return tools.read(article, 0, now=Dateline(article.published_us))


def of_kind(text: str, kind: str, **options: Any) -> list[Claim]:
    return [claim for claim in claims(text, **options) if claim.kind == kind]


def only(text: str, kind: str, **options: Any) -> Claim:
    found = of_kind(text, kind, **options)
    assert len(found) == 1, [(one.kind, one.value) for one in claims(text, **options)]
    return found[0]
