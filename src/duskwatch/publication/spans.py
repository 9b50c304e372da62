"""The stretches of time that a page shows: the whole window, and the main outage with some time around it."""

from duskwatch.publication.facts import end_us, main_outage
from duskwatch.publication.levels import Span
from duskwatch.records.report import Report
from duskwatch.records.times import MINUTE

LONG = 4  # a window so many times longer than its main outage gets a second chart of the outage alone


def whole(report: Report) -> Span:
    """The window of the report."""
    return Span(report.from_us, report.until_us)


def detail(report: Report) -> Span | None:
    """The main outage with some time around it, where the window is much longer; else None."""
    outage = main_outage(report)
    if outage is None:
        return None
    start, end = outage.onset.best_us, end_us(outage, report)
    around = max((end - start) * 2 // 5, 5 * MINUTE)
    span = Span(max(report.from_us, start - around), min(report.until_us, end + around))
    return span if span.length_us * LONG <= 2 * (report.until_us - report.from_us) else None
