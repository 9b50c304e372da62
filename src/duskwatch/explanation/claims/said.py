"""Articles into claims, stories and verdicts, in one call."""

from collections.abc import Callable, Mapping, Sequence

from duskwatch.explanation.claims.check import check
from duskwatch.explanation.claims.extract import extractor
from duskwatch.explanation.claims.grammar import languages
from duskwatch.explanation.claims.measured import Measured
from duskwatch.explanation.claims.moments import Dateline
from duskwatch.explanation.claims.stories import stories
from duskwatch.records.claim import Article, Claim, Places, Said
from duskwatch.records.times import DAY

Shared = Callable[[Sequence[Article]], Mapping[tuple[int, int], Sequence[str]]]


def examine(articles: Sequence[Article], places: Places, measured: Measured | None, shared: Shared) -> Said:
    """Claims of all articles, compared with ``measured``; ``shared`` tells which articles are of one origin.

    An article without a date is read as if written on the day after the main outage, where one was measured: weekdays
    then mean the days around that outage. A note says so.
    """
    claims: list[Claim] = []
    notes: list[str] = []
    for number, article in enumerate(articles):
        tools = extractor(article.language, places)
        if tools is None:
            grammars = ", ".join(languages())
            notes.append(
                f"{article.file}: no grammar for the language '{article.language}'; there is one for {grammars}"
            )
            continue
        now, note = _dateline(article, measured)
        if note:
            notes.append(f"{article.file}: {note}")
        notes += [f"{article.file}: {text}" for text in article.notes]
        claims += tools.read(article, number, now=now, entity=measured.entity if measured else None)
    groups = stories(articles, claims, shared(articles))
    checked = tuple(
        check(claim, measured, published_us=_latest(articles[claim.article]), places=places) for claim in claims
    )
    window_end = measured.until_us if measured is not None else 0
    outages = tuple(
        (fact.onset.best, fact.end.best if fact.end is not None else window_end, fact.depth)
        for fact in (measured.outages if measured is not None else ())
    )  # fmt: skip
    return Said(tuple(articles), checked, groups, tuple(notes), measured.name if measured is not None else "", outages)


def _latest(article: Article) -> int | None:
    """The last moment at which an article can have been written."""
    if article.published_us is None:
        return None
    return article.published_us + DAY if article.day_only else article.published_us


def _dateline(article: Article, measured: Measured | None) -> tuple[Dateline | None, str]:
    if article.published_us is not None:
        return None, ""
    main = measured.main if measured is not None else None
    if main is None:
        return None, "no date; days and hours in this text cannot be resolved (write a line date: 2014-12-23 above it)"
    end = main.end.best if main.end is not None else main.onset.best
    return Dateline(end + DAY // 2), "no date; its days are read as those around the main outage"
