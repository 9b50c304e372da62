"""`duskwatch news`: what articles and statements claim, compared with what was measured."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from duskwatch.cli.options import byte_progress, fail, unusable_input
from duskwatch.cli.store_options import DEFAULT_STORE, DatabaseOption, StorageOption, StoreOption
from duskwatch.records.text import printable

FORMATS = ("table", "json", "jsonl", "csv", "claimreview", "html")
MOST_FILES = 20_000


def command(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Articles: plain text, HTML, RSS or Atom; a folder is searched for them.", show_default=False
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", help="report.json to compare with.")] = None,
    incident: Annotated[
        int, typer.Option("--incident", help="Number of a stored incident to compare with.", show_default=False)
    ] = 0,
    store: StoreOption = DEFAULT_STORE,
    database: DatabaseOption = "",
    storage_option: StorageOption = None,
    statement: Annotated[
        list[str] | None, typer.Option("--statement", help="Words of a statement, instead of a file. Repeatable.")
    ] = None,
    speaker: Annotated[str, typer.Option("--speaker", help="Who makes the --statement.")] = "",
    at: Annotated[str, typer.Option("--at", help="When it was made: 2014-12-23T10:00Z, 2014-12-23.")] = "",
    note: Annotated[
        bool, typer.Option("--note", help="Also keep each --statement as a note beside the --incident.")
    ] = False,
    format_: Annotated[str, typer.Option("--format", help="table, json, jsonl, csv, claimreview or html.")] = "table",
    json_: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    reviewer: Annotated[str, typer.Option("--reviewer", help="Who publishes, for --format claimreview.")] = "",
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """List what articles claim about an outage, and say of each claim whether the measurements support it.

    Plain text may begin with lines such as "title: ...", "date: 2014-12-23", "outlet: ...", "language: en" and a
    blank line. Days and hours are resolved by that date and the local time of the place.

    Example: duskwatch news article.txt page.html --report out/report.json
    """
    with unusable_input("news"):
        wanted = "json" if json_ else format_
        if wanted not in FORMATS:
            fail("news", f"--format {wanted}: there are {', '.join(FORMATS)}")
        if report is not None and incident:
            fail("news", "give --report or --incident, not both")
        if not files and not statement:
            fail("news", "give an article (duskwatch news FILE ...) or --statement TEXT")
        if (speaker or at or note) and not statement:
            fail("news", "--speaker, --at and --note belong to --statement TEXT")
        if note and not incident:
            fail("news", "--note needs --incident NUMBER, beside which the statement is kept")
        if wanted == "claimreview" and not reviewer.strip():
            fail("news", "--format claimreview needs --reviewer NAME: who publishes and answers for the review")
        articles = _read(files or [], quiet or not sys.stderr.isatty()) + _statements(statement or [], speaker, at)
        if not articles:
            fail("news", f"{', '.join(map(str, files or []))}: no article in it")
        from duskwatch.analysis.news import check_news

        where = _events(store, database, storage_option) if incident else ""
        said = check_news(articles, _measured(report, incident, where))
        for text in said.notes:
            print(f"duskwatch news: {printable(text)}", file=sys.stderr)
        if note:
            _keep(where, incident, statement or [], speaker, at)
        _print(said, wanted, reviewer.strip())


def _read(paths: list[Path], quiet: bool) -> list[Any]:
    from duskwatch.sources.news.read import read_articles

    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(
                child
                for child in path.rglob("*")
                if child.suffix.lower() in (".txt", ".html", ".htm", ".xml", ".rss", ".atom") and child.is_file()
            )
        else:
            found.append(path)
    if len(found) > MOST_FILES:
        fail("news", f"{len(found)} files; give at most {MOST_FILES} at once")
    articles: list[Any] = []
    with byte_progress(quiet, "reading") as step:
        for number, path in enumerate(found):
            if step:
                step(path.name, number, len(found))
            articles += read_articles(path)
    return articles


def _statements(texts: list[str], speaker: str, at: str) -> list[Any]:
    from duskwatch.records.claim import Article
    from duskwatch.sources.news.dates import read_date
    from duskwatch.sources.news.plain import cleaned

    when = read_date(at) if at else None
    if at and when is None:
        fail("news", f"--at {at}: write it like 2014-12-23T10:00Z or 2014-12-23")
    day, only = (when.time_us, when.day_only) if when else (None, False)
    return [
        Article(f"statement {number}", cleaned(text), published_us=day, day_only=only, speaker=cleaned(speaker).strip())
        for number, text in enumerate(texts, 1)
    ]


def _events(store: str, database: str, options: list[str] | None) -> str:
    from duskwatch.cli.store_options import open_store

    return str(open_store(store, database, options).events())


def _measured(report: Path | None, incident: int, where: str) -> Any:
    from duskwatch.analysis.news import measured_in_report, measured_in_store

    if report is not None:
        return measured_in_report(report)
    return measured_in_store(where, incident) if incident else None


def _keep(where: str, incident: int, texts: list[str], speaker: str, at: str) -> None:
    from duskwatch.cli.store_options import NOBODY
    from duskwatch.store.revisions import annotate

    for text in texts:
        number = annotate(
            where, f"Statement{f' of {at}' if at else ''}: {text}", by=speaker.strip() or NOBODY, incident=incident
        )
        print(f"duskwatch news: kept as note {number} on incident {incident}", file=sys.stderr)


def _print(said: Any, wanted: str, reviewer: str) -> None:
    import json

    from duskwatch.publication import said_json

    if wanted == "json":
        print(said_json.dumps(said_json.to_json(said)), end="")
    elif wanted == "jsonl":
        for checked in said.claims:
            print(json.dumps(said_json.claim_json(checked), ensure_ascii=False))
    elif wanted == "claimreview":
        print(json.dumps(said_json.claim_reviews(said, reviewer), ensure_ascii=False, indent=1))
    elif wanted == "csv":
        import csv

        from duskwatch.publication.said_words import Row, rows

        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(Row._fields)
        writer.writerows(rows(said))
    elif wanted == "html":
        from duskwatch.publication.said_html import page

        print(page(said), end="")
    else:
        from rich.console import Console

        from duskwatch.publication.said_terminal import print_said

        print_said(said, Console())
