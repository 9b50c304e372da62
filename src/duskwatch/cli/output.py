"""Deliver a report: files in a folder, and a summary or JSON on the terminal."""

import sys
from pathlib import Path

from rich.console import Console

from duskwatch.publication.report_json import dumps, to_json
from duskwatch.publication.terminal import print_summary
from duskwatch.publication.write import write_report
from duskwatch.records.report import Report


def deliver(
    report: Report, out: Path, *, as_json: bool, png: bool, news: list[Path] | None = None, quiet: bool = False
) -> None:
    """Write the report's files to ``out``, then print what a person or program wants; nothing where ``quiet``.

    An earlier report in ``out`` is replaced, and a line on stderr says so.
    """
    if news:
        from duskwatch.analysis.news import with_news

        report = with_news(report, news)
    out.mkdir(parents=True, exist_ok=True)
    if not quiet and (out / "report.json").exists():
        print(f"duskwatch: {out} held an earlier report; it is replaced (--out DIR keeps both)", file=sys.stderr)
    written = write_report(report, out)
    if png:
        from duskwatch.publication.charts import write_png

        written.append(write_png(report, out / "timeline.png"))
    if as_json:
        print(dumps(to_json(report)), end="")
    elif not quiet:
        print_summary(report, Console(), written)
