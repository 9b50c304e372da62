"""Write a report to a folder."""

from pathlib import Path

from duskwatch.publication.charts import write_whole
from duskwatch.publication.html import to_html
from duskwatch.publication.report_json import dumps, to_json
from duskwatch.records.report import Report


def write_report(report: Report, out_dir: Path) -> list[Path]:
    """Write report.html and report.json; each appears whole or not at all. OSError where the folder takes no file."""
    page, document = out_dir / "report.html", out_dir / "report.json"
    texts = {page: to_html(report), document: dumps(to_json(report))}
    for path, text in texts.items():
        # A file name may hold bytes that are no text; they come as lone surrogates, which no encoding takes.
        write_whole(path, text.encode("utf-8", "backslashreplace"))
    return list(texts)
