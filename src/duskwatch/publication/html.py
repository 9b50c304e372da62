"""A report as one page: a single file that asks nothing of any network, for a screen, a telephone or paper."""

import re
import shlex
from functools import cache
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

import duskwatch
from duskwatch.publication import charts, said_html, tables, was_it_us, who
from duskwatch.publication.chart_data import strips
from duskwatch.publication.charts import Spec, detail, svg, whole
from duskwatch.publication.facts import Span, dark_span, main_outage, measure, relapses_of, voters_spread, watched_share
from duskwatch.publication.others import described, names_of, only_others
from duskwatch.publication.palette import css_variables, themed
from duskwatch.publication.times_text import MONTHS, clock, count, day, local, percent, told, utc, utc_after
from duskwatch.publication.words import headline, lost_text, paragraphs, subject, verdict
from duskwatch.records.report import Report
from duskwatch.records.times import SECOND, iso, span_text

FEW_PREFIXES = 12  # so many are also drawn over the whole window
FOLD_FILES = 12  # a collector with more files than this has its table folded


_MONTH = "|".join(MONTHS)
_UNIT = re.compile(rf"(\d) (?=(?:d|h|min|s|UTC|{_MONTH})\b|%|full-feed)")


class Figure(NamedTuple):
    """One chart drawn for a wide and for a narrow page, and what it shows in words."""

    wide: Markup
    narrow: Markup
    alt: str
    caption: str


class Card(NamedTuple):
    """One figure that a reader looks for first."""

    label: str
    value: str
    note: str = ""


def to_html(report: Report) -> str:
    """The page. Text from outside is escaped; no script, no address but this file's own."""
    span, close = whole(report), detail(report)
    main = main_outage(report)
    shown = close or span
    made = strips(report.history.changes, shown, charts.WIDTH, charts.MOST_STRIPS)
    timelines = [_timeline(report, span, "Whole window", "all")]
    strip_figures = []
    if close is not None:
        timelines.insert(0, _timeline(report, close, "The main outage", "near"))
    if made.prefixes:
        strip_figures.append(_strips(report, shown, "strips", len(made.prefixes), made.total))
        if close is not None and made.total <= FEW_PREFIXES:
            strip_figures.append(_strips(report, span, "strips-all", made.total, made.total))
    return _environment().get_template("report.html.j2").render(
        report=report,
        version=duskwatch.__version__,
        title=f"{subject(report)}: {verdict(report)}",
        lead=headline(report),
        # What else has its place on the page is not said twice.
        paragraphs=[
            text
            for text in paragraphs(report)
            if text not in (report.reenactment, headline(report), who.account(report))
        ],
        window=f"{utc(report.from_us)} to {utc_after(report.until_us, report.from_us)}",
        cards=_cards(report),
        timelines=timelines,
        levels=tables.levels(report),
        phases=tables.phases(report, main) if main is not None and main.phases else None,
        outages=tables.outages(report) if report.outages else None,
        networks=tables.networks(report) if report.networks is not None and report.networks.total else None,
        explained=who.account(report),
        strip_figures=strip_figures,
        prefixes=tables.prefixes(report, made.prefixes) if made.prefixes else None,
        transit=tables.transit(report) if report.history.transit else None,
        changes=tables.changes(report) if len(report.history.changes.time_us) else None,
        others=_others(report),
        only_others=only_others(report),
        peers=None if only_others(report) else _peers(report),
        messages=None if only_others(report) else _messages(report),
        said=said_html.section(report.said) if report.said is not None else "",
        answer=was_it_us.main_answer(report),
        answers=was_it_us.answers(report),
        checked=was_it_us.checked(report),
        artefacts=was_it_us.artefacts(report),
        gaps=tables.gaps(report) if report.history.gaps else None,
        inputs=tables.inputs(report),
        input_heads=tables.INPUT_HEADS,
        fold_files=FOLD_FILES,
        command=_command(report),
        light=Markup(css_variables(dark=False)),
        dark=Markup(css_variables(dark=True)),
    )  # fmt: skip


def tied(text: str) -> str:
    """The text with figures tied to their units, so that no line breaks between them."""
    return _UNIT.sub("\\g<1>\u00a0", text)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("duskwatch.publication", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["tied"] = tied
    return environment


def _figure(wide: Spec, narrow: Spec, name: str, alt: str, caption: str) -> Figure:
    # The drawings are ours; text from outside that stands in them was escaped when they were drawn.
    return Figure(Markup(themed(svg(wide, name))), Markup(themed(svg(narrow, f"{name}-n"))), alt, caption)


def _timeline(report: Report, span: Span, title: str, name: str) -> Figure:
    how = measure(report)
    from_to = f"{utc(span.from_us)} to {utc_after(span.until_us, span.from_us)}"
    return _figure(
        charts.timeline(report, span),
        charts.timeline(report, span, narrow=True),
        name,
        f"Line chart: {how.caption}, {from_to}. {headline(report)} The table below holds it.",
        f"{title}: {how.caption}, {from_to}. Times below the chart are in UTC.",
    )


def _strips(report: Report, span: Span, name: str, drawn: int, total: int) -> Figure:
    left_out = "" if drawn == total else f" Of {total:,} prefixes, the {drawn} that changed most often are drawn."
    from_to = f"{utc(span.from_us)} to {utc_after(span.until_us, span.from_us)}"
    legend = (
        f"{from_to}. Visible: more than half of the full-feed peers hold a route to it. "
        "Minority: some do, but not more than half. "
        "Dark: none does. Where a pixel holds several states, the worst is drawn."
    )
    return _figure(
        charts.strip_chart(report, span),
        charts.strip_chart(report, span, narrow=True),
        name,
        f"A strip for each of {drawn} prefixes, coloured by its state over time. The table below has the figures.",
        legend + left_out,
    )


def _others(report: Report) -> Figure | None:
    """Every signal of others, one above the other."""
    if not report.history.series:
        return None
    return _figure(
        charts.others_chart(report),
        charts.others_chart(report, narrow=True),
        "others",
        f"Line charts, one above the other: {described(report.history.series)}. report.json holds the figures.",
        "Signals that others measured, each from zero to its highest value; the time of outages is shaded.",
    )


def _peers(report: Report) -> Figure:
    spread = voters_spread(report)
    return _figure(
        charts.peers_chart(report),
        charts.peers_chart(report, narrow=True),
        "peers",
        f"Line chart: live full-feed peers; least {spread.least}, median {spread.median}, most {spread.most}.",
        "Live full-feed peers: the routers whose word counts here. "
        "Grey at the foot: a gap in what some source recorded, if only of one peer.",
    )


def _messages(report: Report) -> Figure:
    return _figure(
        charts.messages_chart(report),
        charts.messages_chart(report, narrow=True),
        "messages",
        "Bar chart: announcements and withdrawals of its routes over time. report.json holds the figures.",
        "Messages about its routes: announcements up, withdrawals down, from all peers.",
    )


def _cards(report: Report) -> list[Card]:
    spread = voters_spread(report)
    many = len(report.collectors)
    seen = (
        Card("told by", count(len(names_of(report)), "signal", "signals"), "measured by others")
        if only_others(report)
        else Card(
            "seen by",
            f"{spread.median:,} full-feed peer{'s' * (spread.median != 1)}",
            ("" if spread.least == spread.most else f"{spread.least:,} to {spread.most:,} ")
            + f"at {many} collector{'s' * (many != 1)}",
        )
    )
    watched = Card("watched", percent(watched_share(report)), f"of {span_text(report.until_us - report.from_us)}")
    outage = main_outage(report)
    if outage is None:
        return [Card("outages", "none found" if watched_share(report) > 0 else "cannot be told"), seen, watched]
    dark = dark_span(outage, report)
    cards = [
        Card("duration", span_text(outage.duration_us), "so far" if outage.end is None else "onset to end"),
        Card("onset", *_moment(report, outage.onset.best_us)),
        Card("end", *_moment(report, outage.end.best_us)) if outage.end else Card("end", "not over", "in this window"),
        Card(
            "lost at worst", lost_text(report, outage), f"nothing left for {span_text(dark.length_us)}" if dark else ""
        ),
    ]
    if outage.end is not None:
        after = max(outage.relapses, len(relapses_of(report, outage)))
        note = f"{after} relapse{'s' * (after != 1)}" if after else "no relapse"
        cards.append(Card("really back?", "yes" if outage.stable else "not steadily" if after else "not known", note))
    return [*cards, seen]


def _moment(report: Report, time_us: int) -> tuple[str, str]:
    moment = told(time_us)
    there = local(time_us, report.time_zone)
    return f"{clock(moment)} UTC", f"{day(moment)} {moment.year}" + (f"; {there}" if there else "")


def _command(report: Report) -> str:
    """The command that makes this report from the same files."""
    block = report.history.signals
    words = [f"duskwatch analyze {report.entity.code} --from {iso(report.from_us)} --until {iso(report.until_us)}"]
    words += [f"--collector {shlex.quote(name)}" for name in report.collectors]
    words += ["--series FILE"] * sum(file.kind == "series" for file in report.inputs)
    if not only_others(report):
        words += [f"--bin {block.bin_us // SECOND}", "--mrt FOLDER"]
    for file in report.inputs:
        option = {"delegated": "--geo", "mmdb": "--geo", "asnames": "--as-names"}.get(file.kind)
        if option:
            words.append(f"{option} {shlex.quote(file.name)}")
    return " \\\n    ".join(words)
