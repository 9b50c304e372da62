"""Write a report to a folder."""

from pathlib import Path

from duskwatch.publication.draw import write_whole
from duskwatch.publication.html import to_html
from duskwatch.publication.markdown import to_markdown
from duskwatch.publication.report_json import dumps, to_json
from duskwatch.publication.tables_csv import inputs_csv, outages_csv, prefixes_csv
from duskwatch.records.report import Report


def write_report(report: Report, out_dir: Path) -> list[Path]:
    """Write report.html, report.json, report.md and the tables; each appears whole or not at all.

    OSError where the folder takes no file.
    """
    texts = {
        "report.html": to_html(report),
        "report.json": dumps(to_json(report)),
        "report.md": to_markdown(report),
        "outages.csv": outages_csv(report),
        "prefixes.csv": prefixes_csv(report),
        "inputs.csv": inputs_csv(report.inputs),
    }
    for name, text in texts.items():
        # A file name may hold bytes that are no text; they come as lone surrogates, which no encoding takes.
        write_whole(out_dir / name, text.encode("utf-8", "backslashreplace"))
    return [out_dir / name for name in texts]
