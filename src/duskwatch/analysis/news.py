"""Articles and statements, wired: read, extracted, joined into stories, compared with a report or a stored incident."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from duskwatch.explanation.claims.measured import Measured, ReportError, from_outages, from_report
from duskwatch.explanation.claims.said import examine
from duskwatch.records.claim import Article, Said
from duskwatch.records.report import Report
from duskwatch.sources.news.copies import one_origin, shared_sentences
from duskwatch.sources.reference.place_names import place_names

LARGEST_REPORT = 512 << 20  # bytes


def check_news(articles: Sequence[Article], measured: Measured | None) -> Said:
    """Claims of articles, compared with what was measured; without it nothing is."""
    return examine(articles, place_names(), measured, _shared)


def measured_in_report(path: Path) -> Measured:
    """What a report.json holds. ReportError or OSError where it is none."""
    if path.stat().st_size > LARGEST_REPORT:
        raise ReportError(f"{path}: larger than {LARGEST_REPORT >> 20} MB; that is no report.json")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise ReportError(f"{path}: this is no JSON; give the report.json that duskwatch analyze wrote") from None
    return from_report(document, str(path))


def measured_in_store(where: str, number: int) -> Measured:
    """What a store holds of an incident. StoreError where there is none."""
    from duskwatch.sources.reference.names import country_name, main_time_zone
    from duskwatch.store.incidents import incident_history
    from duskwatch.store.revisions import stored_outages

    now = incident_history(where, number)[-1]
    outages = stored_outages(where, uids=now.outages, states=("open", "ended"))
    entity = now.entity.code if now.entity is not None else (outages[0].entity.code if outages else "")
    country = len(entity) == 2
    return from_outages(
        entity,
        country_name(entity) if country else entity,
        [(one.entity.code, one.newest.outage) for one in outages],
        f"incident {number}",
        main_time_zone(entity) if country else "",
    )


def with_news(report: Report, paths: Sequence[Path]) -> Report:
    """The report with the claims of articles compared with it. NewsError or OSError where one cannot be read."""
    from duskwatch.publication.report_json import to_json
    from duskwatch.sources.news.read import read_articles

    articles = [article for path in paths for article in read_articles(path)]
    said = check_news(articles, from_report(to_json(report)))
    notes = tuple(f"{text}." for text in said.notes)
    return replace(report, said=said, warnings=(*report.warnings, *notes))


def _shared(articles: Sequence[Article]) -> Mapping[tuple[int, int], Sequence[str]]:
    found = shared_sentences(articles)
    return {pair: texts for pair, texts in found.items() if one_origin(texts, articles, pair)}
