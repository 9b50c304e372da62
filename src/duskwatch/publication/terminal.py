"""The summary of a report on a terminal; plain text where it is piped, so that it pastes well."""

from pathlib import Path
from textwrap import fill

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from duskwatch.publication import comparison_chart, transit_tables, who
from duskwatch.publication.facts import dark_span, length_text, main_outage, step_us
from duskwatch.publication.finding import lost_text
from duskwatch.publication.impact_words import impact_text
from duskwatch.publication.observers import over_window
from duskwatch.publication.others import described, only_others
from duskwatch.publication.tables import lasted_text, then
from duskwatch.publication.times_text import local_table_time, place, table_time, zone
from duskwatch.publication.transit_words import around_of
from duskwatch.publication.was_it_us import fault_lines, faults, lines
from duskwatch.publication.why import verdict_sentence
from duskwatch.publication.words import paragraphs
from duskwatch.records.outages import Outage
from duskwatch.records.report import Report
from duskwatch.records.times import span_text

MOST_GAPS = 8
MOST_OUTAGES = 30
NARROW = 90  # columns below which a table of outages would wrap


def print_summary(report: Report, console: Console, written: list[Path]) -> None:
    """Print what was found, what it rests on and which files hold more. Wraps to the console's width."""
    plain = not console.is_terminal or console.no_color
    if report.reenactment:
        _say(console, report.reenactment, "bold yellow")
        console.print()
    texts = [text for text in paragraphs(report) if text != report.reenactment]
    _say(console, texts[0], "bold")
    for text in texts[1:]:
        _say(console, text)
    if report.outages:
        console.print()
        if console.width < NARROW:
            _print_list(report, console)
        elif plain:
            _print_plain(report, console)
        else:
            console.print(_table(report))
    _print_networks(report, console)
    _print_ways(report, console)
    main = main_outage(report)
    if main is not None and main.phases:
        console.print()
        _say(console, "Phases of the main outage (UTC)", "bold")
        seconds = not step_us(main)
        for phase in main.phases:
            times = f"{table_time(phase.from_us, seconds)} to {table_time(phase.until_us, seconds)}"
            _line(console, f"{phase.phase:<10} {times}  {length_text(main, phase.until_us - phase.from_us)}")
    if report.explanation is not None:
        console.print()
        _say(console, "Why", "bold")
        _say(console, verdict_sentence(report.explanation))
    if impact := impact_text(report.impact):
        console.print()
        _say(console, "Impact", "bold")
        _say(console, impact)
    _print_comparison(report, console)
    for number, text in enumerate(lines(report)):
        if not number:
            console.print()
        _say(console, text, "" if number else "bold")
    console.print()
    _print_coverage(report, console)
    if report.warnings:
        console.print()
        _say(console, "Warnings", "bold yellow")
        for warning in report.warnings:
            _line(console, warning)
    if written:
        console.print()
        _say(console, "Written", "bold")
        for path in written:
            console.print(Text(f"  {clean(str(path))}"), soft_wrap=True, highlight=False)


def _say(console: Console, text: str, style: str = "") -> None:
    width = max(20, console.width)
    console.print(Text(fill(clean(text), width, break_on_hyphens=False), style=style), highlight=False, soft_wrap=True)


def _line(console: Console, text: str) -> None:
    console.print(Text(indent(clean(text), max(20, console.width))), highlight=False, soft_wrap=True)


def clean(text: str) -> str:
    """Text from outside without what a terminal would obey, or could not show."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def indent(text: str, width: int) -> str:
    """Text wrapped to a width, two columns in, with no space at the end of a line."""
    lead = " " * (2 + len(text) - len(text.lstrip()))
    return fill(text.strip(), width, initial_indent=lead, subsequent_indent=lead + "  ", break_on_hyphens=False)


def _columns(report: Report) -> list[tuple[str, list[str]]]:
    """Name and cells of each column of the table of outages."""
    outages = report.outages[:MOST_OUTAGES]
    fine = [not step_us(outage) for outage in outages]
    onsets = list(zip(outages, fine, strict=True))
    columns = [
        ("#", [str(number + 1) for number in range(len(outages))]),
        ("onset (UTC)", [table_time(outage.onset.best_us, seconds) for outage, seconds in onsets]),
        ("end (UTC)", [table_time(o.end.best_us, seconds) if o.end else "lasts" for o, seconds in onsets]),
        ("duration", [lasted_text(outage) for outage in outages]),
        ("dark for", [_dark(outage, report) for outage in outages]),
        ("lost", [lost_text(report, outage) for outage in outages]),
        ("then", [", ".join(then(report, outage)) or "-" for outage in outages]),
    ]
    if zone(report.time_zone) is not None:
        cells = [local_table_time(outage.onset.best_us, report.time_zone, seconds) for outage, seconds in onsets]
        columns.insert(2, (f"in {place(report.time_zone)}", cells))
    return columns


def _table(report: Report) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        title="Outages",
        title_justify="left",
        title_style="bold",
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    columns = _columns(report)
    for name, _ in columns:
        table.add_column(name, no_wrap=name != "then", overflow="fold")
    for row in zip(*(cells for _, cells in columns), strict=True):
        table.add_row(*(Text(cell) for cell in row))
    if len(report.outages) > MOST_OUTAGES:
        table.caption = f"and {len(report.outages) - MOST_OUTAGES} more in report.json"
    return table


def _print_plain(report: Report, console: Console) -> None:
    """The same in spaces alone, for files and pipes."""
    _say(console, "Outages", "bold")
    columns = _columns(report)
    widths = [max(len(name), *(len(cell) for cell in cells)) for name, cells in columns]
    heads = [name for name, _ in columns]
    for row in (heads, *zip(*(cells for _, cells in columns), strict=True)):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        console.print(Text(line.rstrip()), highlight=False, soft_wrap=True)
    if len(report.outages) > MOST_OUTAGES:
        _say(console, f"and {len(report.outages) - MOST_OUTAGES} more in report.json")


def _print_list(report: Report, console: Console) -> None:
    """The same for a narrow terminal: a block of lines for each outage."""
    _say(console, "Outages", "bold")
    columns = _columns(report)
    for number in range(min(len(report.outages), MOST_OUTAGES)):
        for name, cells in columns[1:]:
            lead = f"{number + 1:>2} " if name == columns[1][0] else "   "
            console.print(Text(f"{lead}{name:<14} {cells[number]}"), highlight=False, soft_wrap=True)
    if len(report.outages) > MOST_OUTAGES:
        _say(console, f"and {len(report.outages) - MOST_OUTAGES} more in report.json")


def _dark(outage: Outage, report: Report) -> str:
    span = dark_span(outage, report)
    return length_text(outage, span.length_us) if span is not None else "-"


def _print_networks(report: Report, console: Console) -> None:
    """The networks of a country that were lost, a line or two each."""
    networks = report.networks
    if networks is None or not networks.total:
        return
    console.print()
    _say(console, "Operators that were lost" if networks.lost else "Operators", "bold")
    for text in who.lines(report):
        _line(console, text)
    _line(console, who.left_out(report))


def _print_ways(report: Report, console: Console) -> None:
    """Through whom what the main outage took was reached, and how that changed."""
    main = main_outage(report)
    around = None if main is None else around_of(report, main)
    if around is None:
        return
    console.print()
    _say(console, "Through whom it was reached, and what changed (UTC)", "bold")
    for text in (*transit_tables.lines(report, around), transit_tables.first_to_go(report, around)):
        if text:
            _line(console, text)


def _print_comparison(report: Report, console: Console) -> None:
    """The same window of others."""
    if report.comparison is None:
        return
    console.print()
    _say(console, "Who fell with it, and who stayed", "bold")
    _say(console, comparison_chart.sentences(report))
    for text in comparison_chart.lines(report):
        _line(console, text)


def _print_coverage(report: Report, console: Console) -> None:
    if only_others(report):
        _say(console, "Coverage", "bold")
        _line(console, f"measured by others: {described(report.history.series)}")
    else:
        _print_peers(report, console)
    gaps = report.history.gaps
    _line(console, f"gaps in coverage: {len(gaps)}")
    for gap in gaps[:MOST_GAPS]:
        span = span_text(gap.until_us - gap.from_us)
        _line(console, f"  {table_time(gap.from_us)} UTC  {span}  {gap.source}: {gap.reason}")
    if len(gaps) > MOST_GAPS:
        _line(console, f"  and {len(gaps) - MOST_GAPS} more in report.html")


def _print_peers(report: Report, console: Console) -> None:
    names = ", ".join(report.collectors) or "none"
    _say(console, "Coverage", "bold")
    _line(console, f"collectors {len(report.collectors)}: {names}; observers {over_window(report)}")
    if report.history.series:
        _line(console, f"measured by others: {described(report.history.series)}")
    recognised = faults(report)
    if recognised:
        _line(console, f"faults of the recording, none counted as an outage: {recognised}")
    for text in fault_lines(report):
        _line(console, f"  {text}")
