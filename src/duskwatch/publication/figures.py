"""Charts as a page shows them: drawn for a desk and for a telephone, with words, and each as SVG, PNG and CSV."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from markupsafe import Markup

from duskwatch.publication import chart_more, charts, comparison_chart, tables_csv
from duskwatch.publication.chart_data import message_bars
from duskwatch.publication.chart_frame import Spec
from duskwatch.publication.citing import title_of_files
from duskwatch.publication.draw import png, svg
from duskwatch.publication.levels import Span
from duskwatch.publication.others import described, only_others
from duskwatch.publication.palette import themed
from duskwatch.publication.spans import detail, whole
from duskwatch.publication.states import STATE_MEANINGS
from duskwatch.publication.watching import voters_spread
from duskwatch.records.report import Report

PIXELS = 900  # as which a chart is given out in rows
FEW_PREFIXES = 12  # so many are also drawn over the whole window


class Download(NamedTuple):
    """A chart as a file, inside the page."""

    kind: str  # SVG, PNG, CSV
    name: str  # as it is saved
    address: str  # a data: address: the page needs no other file and no network


class Figure(NamedTuple):
    """One chart drawn for a wide and for a narrow page, and what it shows in words."""

    name: str
    wide: Markup
    narrow: Markup
    alt: str
    caption: str
    downloads: tuple[Download, ...]
    embed: str  # HTML that shows the saved SVG in another page


class Figures(NamedTuple):
    """All charts of a page."""

    main: Figure
    window: Figure | None  # the whole window, where the main chart shows the outage alone
    strips: tuple[Figure, ...]
    others: Figure | None
    comparison: Figure | None
    peers: Figure | None
    messages: Figure | None


class _Plan(NamedTuple):
    name: str
    draw: Callable[[bool], Spec]  # given whether narrow
    alt: str
    caption: str
    rows: Callable[[], str]  # as CSV


def figures(report: Report) -> Figures:
    """Draw every chart of a report. Two are drawn at a time."""
    window, close = whole(report), detail(report)
    plans = {"main": _timeline(report, close or window, "timeline")}
    if close is not None:
        plans["window"] = _timeline(report, window, "window")
    made = chart_more.strip_rows(report, close or window, 100)
    if made.prefixes:
        plans["strips"] = _strips(report, close or window, "prefixes")
        if close is not None and made.total <= FEW_PREFIXES:
            plans["strips-all"] = _strips(report, window, "prefixes-window")
    if report.history.series:
        plans["others"] = _others(report)
    if report.comparison is not None and report.comparison.companions:
        plans["comparison"] = _comparison(report)
    if not only_others(report):
        plans["peers"], plans["messages"] = _peers(report), _messages(report)
    with ThreadPoolExecutor(2, "draw") as pool:
        drawn = dict(zip(plans, pool.map(lambda plan: _figure(report, plan), plans.values()), strict=True))
    return Figures(
        drawn["main"],
        drawn.get("window"),
        tuple(drawn[name] for name in ("strips", "strips-all") if name in drawn),
        drawn.get("others"),
        drawn.get("comparison"),
        drawn.get("peers"),
        drawn.get("messages"),
    )


def _figure(report: Report, plan: _Plan) -> Figure:
    wide, narrow = svg(plan.draw(False), plan.name), svg(plan.draw(True), f"{plan.name}-n")
    saved = title_of_files(report, plan.name)
    files = (
        ("SVG", "image/svg+xml", wide.encode("utf-8", "backslashreplace")),
        ("PNG", "image/png", png(wide)),
        ("CSV", "text/csv", plan.rows().encode("utf-8", "backslashreplace")),
    )
    downloads = tuple(
        Download(kind, f"{saved}.{kind.lower()}", f"data:{mime};base64,{base64.b64encode(content).decode()}")
        for kind, mime, content in files
    )
    embed = str(Markup('<img src="{}" alt="{}" style="width:100%">').format(downloads[0].name, plan.alt))
    # The drawings are ours; text from outside that stands in them was escaped when they were drawn.
    return Figure(plan.name, Markup(themed(wide)), Markup(themed(narrow)), plan.alt, plan.caption, downloads, embed)


def _timeline(report: Report, span: Span, name: str) -> _Plan:
    return _Plan(
        name,
        lambda narrow: charts.timeline(report, span, narrow=narrow),
        charts.alt_text(report, span),
        "",
        lambda: tables_csv.level_csv(report, span, PIXELS),
    )


def _strips(report: Report, span: Span, name: str) -> _Plan:
    made = chart_more.strip_rows(report, span, PIXELS)
    return _Plan(
        name,
        lambda narrow: chart_more.strip_chart(report, span, narrow=narrow),
        f"A strip for each of {len(made.prefixes)} prefixes, coloured by its state over time.",
        f"{STATE_MEANINGS} Where a pixel holds several states, the worst is drawn.",
        lambda: tables_csv.bands_csv(("prefix", "state", "a", "b"), made.rows),
    )


def _others(report: Report) -> _Plan:
    return _Plan(
        "signals",
        lambda narrow: chart_more.others_chart(report, narrow=narrow),
        f"Line charts, one above the other: {described(report.history.series)}.",
        "",
        lambda: tables_csv.series_csv(report),
    )


def _comparison(report: Report) -> _Plan:
    return _Plan(
        "comparison",
        lambda narrow: comparison_chart.chart(report, narrow=narrow),
        comparison_chart.alt(report),
        "",
        lambda: comparison_chart.csv(report),
    )


def _peers(report: Report) -> _Plan:
    spread = voters_spread(report)
    return _Plan(
        "observers",
        lambda narrow: chart_more.peers_chart(report, narrow=narrow),
        f"Line chart of observers: least {spread.least}, median {spread.median}, most {spread.most}.",
        "",
        lambda: tables_csv.level_csv(report, whole(report), PIXELS, observers_alone=True),
    )


def _messages(report: Report) -> _Plan:
    return _Plan(
        "messages",
        lambda narrow: chart_more.messages_chart(report, narrow=narrow),
        "Bar chart of announcements and withdrawals of its routes over time.",
        "",
        lambda: tables_csv.bands_csv(("kind", "a", "b", "v"), message_bars(report, PIXELS)),
    )
