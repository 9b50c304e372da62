"""A report as one page: a single file that asks nothing of any network, for a screen, a telephone or paper."""

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

import duskwatch
from duskwatch.publication import (
    citing,
    comparison_chart,
    facts_box,
    said_html,
    tables,
    tables_detail,
    tables_inputs,
    transit_tables,
    was_it_us,
    who,
    why_html,
)
from duskwatch.publication.facts import main_outage
from duskwatch.publication.figures import figures
from duskwatch.publication.finding import finding, way_sentence
from duskwatch.publication.impact_words import impact_text
from duskwatch.publication.names import as_name
from duskwatch.publication.others import fell_and_stayed, only_others
from duskwatch.publication.palette import css_variables
from duskwatch.publication.times_text import MONTHS, table_time, utc, utc_after
from duskwatch.publication.transit_words import around_of, reliance_sentence
from duskwatch.publication.words import story
from duskwatch.publication.words_coverage import limits
from duskwatch.publication.words_used import GLOSSARY
from duskwatch.records.report import Report

FOLD_FILES = 12  # a collector with more files than this has its table folded

RELIANCE_NOTE = (
    "Single points of failure at {at} UTC: how much of what most observers could reach they could not reach without "
    "one AS, if nobody found another way; and the part of it to which no observer has any route that avoids that AS."
)
SHARES_NOTE = (
    "The neighbour is the AS directly before the operator's own on the routes that observers held, weighted by time."
)
DEPENDENCE_NOTE = (
    "AS hegemony is the share of the addresses that is reached through an AS: 1 is all of it, whoever looks. An entity "
    "is entered through the AS just outside of it. Both are of what was lost in the main outage, at {at}."
)
TURNS_NOTE = (
    "The way of most observers to each network, by the AS just outside. Lost: not visible any more. Back: visible "
    "again. Rose: a way that came to carry a quarter of the routes. Fell: one that came to carry next to none."
)
WITHDRAWALS_NOTE = "Sessions that let go of the networks of the largest loss of the main outage, in order of time."

_MONTH = "|".join(MONTHS)
_DAYS = re.compile(rf"\b(\d\d?)-(\d\d? (?:{_MONTH})\b)")
_UNIT = re.compile(rf"(\d) (?=(?:d|h|min|s|UTC|{_MONTH})\b|%|observers?\b)")


def to_html(report: Report) -> str:
    """The page. Text from outside is escaped; no script, no address but this file's own."""
    main, found, drawn = main_outage(report), finding(report), figures(report)
    # What else has its place on the page is not said twice.
    elsewhere = {who.account(report), limits(report)}
    return _environment().get_template("report.html.j2").render(
        report=report,
        version=duskwatch.__version__,
        title=found.headline,
        lead=found.lead,
        facts=facts_box.four(report),
        charts=drawn,
        paragraphs=[text for text in story(report) if text not in elsewhere],
        impact=impact_text(report.impact),
        limits=limits(report),
        window=f"{utc(report.from_us)} to {utc_after(report.until_us, report.from_us)}",
        levels=tables_detail.levels(report),
        phases=tables.phases(report, main) if main is not None and main.phases else None,
        outages=tables.outages(report) if report.outages else None,
        networks=tables.networks(report) if report.networks is not None and report.networks.total else None,
        explained=who.account(report),
        prefixes=tables_detail.prefixes(report) if drawn.strips else None,
        way=way_sentence(report, main) if main is not None else "",
        signals=fell_and_stayed(report, main) if main is not None else "",
        depends=reliance_sentence(report),
        carried=_carried(report),
        names=[as_name(report, asn) for asn in sorted(report.as_names)],
        changes=tables_detail.changes(report) if len(report.history.changes.time_us) else None,
        only_others=only_others(report),
        compared=comparison_chart.sentences(report),
        companions=comparison_chart.table(report) if drawn.comparison is not None else None,
        comparison_note=comparison_chart.NOTE,
        why=why_html.section(report),
        said=said_html.section(report.said) if report.said is not None else "",
        answer=was_it_us.main_answer(report),
        answers=was_it_us.answers(report),
        checked=was_it_us.checked(report),
        artefacts=was_it_us.artefacts(report),
        gaps=tables.gaps(report) if report.history.gaps else None,
        inputs=tables_inputs.inputs(report),
        input_heads=tables_inputs.INPUT_HEADS,
        fold_files=FOLD_FILES,
        digest=citing.inputs_digest(report),
        command=citing.command(report),
        setup=citing.setup(report),
        citation=citing.citation(report),
        glossary=GLOSSARY,
        light=Markup(css_variables(dark=False)),
        dark=Markup(css_variables(dark=True)),
    )  # fmt: skip


def _carried(report: Report) -> list[tuple[tables.Table, str]]:
    """Tables of who carried what was lost, each with the note above it."""
    main = main_outage(report)
    around = None if main is None else around_of(report, main)
    hung = transit_tables.reliance(report)
    shown = []
    if hung is not None:
        shown.append((hung, RELIANCE_NOTE.format(at=table_time(report.history.carriers[0].time_us))))
    if around is None:
        return shown + ([(tables.transit(report), SHARES_NOTE)] if report.history.transit else [])
    moments = f"{table_time(around.before_us)} UTC"
    if around.after_us is not None:
        moments += f" and at the end, {table_time(around.after_us)} UTC"
    shown.append((transit_tables.dependence(report, around), DEPENDENCE_NOTE.format(at=moments)))
    if around.turns:
        shown.append((transit_tables.turns(report, around), TURNS_NOTE))
    went = transit_tables.withdrawals(report, around)
    return shown + ([(went, WITHDRAWALS_NOTE)] if went is not None else [])


def tied(text: str) -> str:
    """The text with figures tied to their units and days to each other, so that no line breaks between them."""
    return _UNIT.sub("\\g<1>\u00a0", _DAYS.sub("\\g<1>\u2011\\g<2>", text))


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
