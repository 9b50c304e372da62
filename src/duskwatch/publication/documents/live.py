"""What a live run has found so far: of each entity its finding in words and its outages."""

from collections.abc import Sequence
from typing import Any

from duskwatch.publication.facts import length_text
from duskwatch.publication.finding import finding
from duskwatch.publication.outage_json import outages_json
from duskwatch.publication.terminal import clean
from duskwatch.publication.times_text import percent, table_time
from duskwatch.records.judged import judged_share
from duskwatch.records.outages import Outage
from duskwatch.records.report import Report
from duskwatch.records.times import iso

SCHEMA = "duskwatch.live/1"


def run_document(reports: Sequence[Report], from_us: int, until_us: int) -> dict[str, Any]:
    """The run as JSON; outages are those of report.json."""
    return {
        "schema": SCHEMA,
        "from": iso(from_us),
        "until": iso(until_us),
        "entities": [
            {
                "type": report.entity.type,
                "code": report.entity.code,
                "name": report.entity.name,
                "headline": finding(report).headline,
                "judged": round(judged_share(report.judged), 6),
                "outages": outages_json(report),
            }
            for report in reports
        ],
    }


def run_text(reports: Sequence[Report], from_us: int, until_us: int) -> str:
    """The run for people: a headline for each entity, a line for each outage."""
    out = [f"Watched from {table_time(from_us)} to {table_time(until_us)} UTC"]
    for report in reports:
        out.append(f"{report.entity.code}: {finding(report).headline}")
        out += [f"  {outage_line(outage)}" for outage in report.outages]
        judged = judged_share(report.judged)
        if judged < 1:
            out.append(f"  {percent(judged)} of the time could be judged")
    return clean_lines(out)


def outage_line(outage: Outage) -> str:
    """Onset, end, how long and how deep, on one line."""
    end = table_time(outage.end.best_us) if outage.end is not None else "lasts"
    length = length_text(outage, outage.duration_us)
    return f"{table_time(outage.onset.best_us)} to {end}  {length}  {percent(outage.depth)} lost"


def clean_lines(lines: Sequence[str]) -> str:
    """Lines without what a terminal would obey."""
    return "\n".join(clean(line) for line in lines)
