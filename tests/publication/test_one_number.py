"""One number, one meaning: every figure of a page is one that the report holds, and equal wherever it stands."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from html.parser import HTMLParser

import pytest

from duskwatch.publication import chart_more, charts
from duskwatch.publication.draw import svg
from duskwatch.publication.facts import core, dark_span, gone_span, main_outage, measure, step_us
from duskwatch.publication.levels import middle
from duskwatch.publication.losing import last_trace_us, losses
from duskwatch.publication.markdown import to_markdown
from duskwatch.publication.observers import observers
from duskwatch.publication.report_json import to_json
from duskwatch.publication.spans import detail, whole
from duskwatch.publication.tables_csv import outages_csv
from duskwatch.publication.ticks import ticks
from duskwatch.publication.times_text import duration_words, shown_time, zone
from duskwatch.publication.watching import unjudged, unjudged_us
from duskwatch.records.outages import When
from duskwatch.records.report import Report
from duskwatch.records.times import DAY, MINUTE, SECOND, span_text, to_datetime
from tests.publication.build import MADE, UNKNOWN, page_of
from tests.publication.test_terminal import printed

LENGTH = re.compile(r"(?<![\d:])(?:\d+ d(?: \d+ h)?|\d+ h(?: \d+ min)?|\d+ min(?: \d+ s)?|\d+ s)(?![\w/])")
CLOCK = re.compile(r"(?<![\d:])\d\d:\d\d(?::\d\d)?(?![\d:])")
OF = re.compile(r"([\d,]+) of ([\d,]+) (observers|networks|prefixes|IPv6 networks)")
WITH_OUTAGE = sorted(name for name in MADE if main_outage(MADE[name]()) is not None)


class Prose(HTMLParser):
    """The text of a page but for its tables, its style and what is pasted."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.inside = "", 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside += tag in ("table", "style", "pre")
        self.text += " " if tag != "span" else ""

    def handle_endtag(self, tag: str) -> None:
        self.inside -= tag in ("table", "style", "pre")
        self.text += " " if tag == "text" else ""

    def handle_data(self, data: str) -> None:
        self.text += "" if self.inside else data


def flat(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").replace("\u2011", "-").split())


@cache
def formats(name: str) -> dict[str, str]:
    """What each format says in sentences, labels and summaries."""
    report = MADE[name]()
    return {
        "page": flat(Prose(page_of(name)).text),
        "summary": flat(printed(report, 200)),
        "markdown": flat(to_markdown(report)),
        "json": flat(" ".join(to_json(report)["summary"])),
    }


def moments(report: Report) -> Iterator[int]:
    """Every time that the report holds."""
    yield from (report.from_us, report.until_us)
    for span in (whole(report), detail(report) or whole(report)):
        for apart, pixels in ((84, 850), (66, 312)):
            yield from (tick.time_us for tick in ticks(span, report.time_zone, pixels, apart))
    nets = report.networks.lost if report.networks is not None else ()
    every = [*report.outages, *(one for network in nets for one in network.outages)]
    for outage in every:
        bounds: list[When | None] = [outage.onset, outage.end, outage.dark_from, outage.dark_until]
        for when in bounds:
            yield from (when.earliest_us, when.best_us, when.latest_us) if when is not None else ()
        yield from (edge for phase in outage.phases for edge in (phase.from_us, phase.until_us))
    for outage in report.outages:
        yield from core(report, outage).span
        yield from gone_span(outage, report) or ()
        lost = losses(report, outage)
        yield from (lost.times_us[0], lost.times_us[-1]) if lost is not None else ()
        trace = last_trace_us(report, outage)
        yield from (trace,) if trace is not None else ()
    yield from (edge for gap in report.history.gaps for edge in (gap.from_us, gap.until_us))
    for witnesses in report.coverage.witnesses:
        for view in witnesses.collectors if witnesses is not None else ():
            yield from (at for at in (view.first_us, view.last_us) if at is not None)


def clocks(report: Report) -> set[str]:
    """The same as clocks show them: to the minute and to the second, in UTC and there."""
    found = set()
    there = zone(report.time_zone)
    for time_us in moments(report):
        for seconds in (False, True):
            moment = shown_time(time_us, seconds)
            form = "%H:%M:%S" if seconds else "%H:%M"
            found.add(moment.strftime(form))
            if there is not None:
                found.add(moment.astimezone(there).strftime(form))
    return found


def lengths(report: Report) -> set[str]:
    """Every length that the report holds, in words."""
    found = {report.until_us - report.from_us, 10 * MINUTE}
    nets = report.networks.lost if report.networks is not None else ()
    for outage in [*report.outages, *(one for network in nets for one in network.outages)]:
        found.add(outage.duration_us)
        found |= {phase.until_us - phase.from_us for phase in outage.phases}
    for outage in report.outages:
        main, dark, gone = core(report, outage), dark_span(outage, report), gone_span(outage, report)
        end = outage.end.best_us if outage.end is not None else report.until_us
        found.add(main.span.length_us)
        for span in (dark, gone):
            found |= {span.length_us, end - span.until_us} if span is not None else set()
        lost = losses(report, outage)
        found |= {lost.times_us[-1] - lost.times_us[0]} if lost is not None else set()
        later = [other.onset.best_us for other in report.outages if other.onset.best_us > outage.onset.best_us]
        found |= {min([*later, report.until_us]) - end, unjudged_us(report, end, report.until_us)}
    found |= {gap.until_us - gap.from_us for gap in report.history.gaps}
    for why in {gap.why for gap in unjudged(report)}:
        found.add(sum(gap.length_us for gap in unjudged(report) if gap.why == why))
    found |= {block.bin_us for block in report.history.series}
    for witnesses in report.coverage.witnesses:
        for view in witnesses.collectors if witnesses is not None else ():
            found.add((view.last_us or 0) - (view.first_us or 0))
    if report.outages and step_us(report.outages[0]):
        found |= {(length + MINUTE // 2) // MINUTE * MINUTE for length in found}
    return {span_text(length) for length in found}


def counts(report: Report) -> set[tuple[int, int, str]]:
    """Every "N of M" that the report holds."""
    found = set()
    for outage in report.outages:
        seen = observers(report, outage)
        if seen.counted:
            found.add((seen.lost, seen.held, "observers"))
        main = core(report, outage)
        if main.middle >= 0:
            gone, before = round(main.before - main.middle), round(main.before)
            found |= {(gone, before, "networks"), (gone, before, "IPv6 networks")}
        lost = losses(report, outage)
        if lost is not None:
            for many in (len(lost.times_us), sum(at - lost.times_us[0] <= MINUTE for at in lost.times_us)):
                found |= {(many, lost.total, noun) for noun in ("networks", "prefixes", "IPv6 networks")}
    for witnesses in report.coverage.witnesses:
        for view in witnesses.collectors if witnesses is not None else ():
            found.add((view.lost, view.lost + view.kept, "observers"))
    return found


@pytest.mark.parametrize("name", sorted(MADE))
def test_every_clock_time_is_one_that_the_report_holds(name: str) -> None:
    report = MADE[name]()
    known = clocks(report)
    for where, text in formats(name).items():
        strange = [found for found in CLOCK.findall(text) if found not in known]
        assert strange == [], (where, strange)


@pytest.mark.parametrize("name", sorted(MADE))
def test_every_length_is_one_that_the_report_holds(name: str) -> None:
    report = MADE[name]()
    known = lengths(report)
    for where, text in formats(name).items():
        strange = [found for found in LENGTH.findall(text) if found not in known]
        assert strange == [], (where, strange)


@pytest.mark.parametrize("name", sorted(MADE))
def test_every_count_of_observers_and_networks_is_one_that_the_report_holds(name: str) -> None:
    report = MADE[name]()
    known = counts(report)
    for where, text in formats(name).items():
        found = [(int(a.replace(",", "")), int(b.replace(",", "")), noun) for a, b, noun in OF.findall(text)]
        assert [one for one in found if one not in known] == [], where


@pytest.mark.parametrize("name", WITH_OUTAGE)
def test_the_main_outage_has_the_same_figures_in_every_format(name: str) -> None:
    report = MADE[name]()
    main = main_outage(report)
    assert main is not None
    number = report.outages.index(main)
    length, document = span_text(main.duration_us), to_json(report)["outages"][number]
    row = list(csv.DictReader(io.StringIO(outages_csv(report))))[number]
    assert row["id"] == document["id"]
    assert float(row["duration_seconds"]) == document["duration_seconds"] == main.duration_us / SECOND
    assert row["onset"] == document["onset"]["best"]
    assert float(row["depth"]) == pytest.approx(document["depth"])
    dark = dark_span(main, report)
    assert float(row["dark_seconds"]) == pytest.approx(dark.length_us / SECOND if dark is not None else 0)
    page = flat(re.sub(r"<[^>]*>", " ", page_of(name)))
    for text in (page, flat(printed(report, 200)), flat(to_markdown(report))):
        assert length in text
        assert dark is None or f"dark for {span_text(dark.length_us)}" in text or span_text(dark.length_us) in text
    headline = to_json(report)["headline"]
    assert duration_words(core(report, main).span.length_us) in headline
    assert headline in page
    assert headline in flat(printed(report, 200))
    assert headline in flat(to_markdown(report))


@pytest.mark.parametrize("name", WITH_OUTAGE)
def test_charts_carry_the_times_of_the_lead_and_of_the_table(name: str) -> None:
    report = MADE[name]()
    main = main_outage(report)
    assert main is not None
    drawn = re.sub(r"<[^>]*>", " ", svg(charts.timeline(report, detail(report) or whole(report))))
    page = flat(Prose(page_of(name)).text)
    for found in re.findall(r"(\d\d:\d\d(?::\d\d)?) UTC", drawn):
        assert f"{found} UTC" in page.replace(drawn, "")
    stamp = f"{to_datetime(main.onset.best_us):%H:%M}"
    assert stamp in page or f"{shown_time(main.onset.best_us):%H:%M}" in page
    dark = dark_span(main, report)
    if dark is not None and dark.length_us > (whole(report).until_us - report.from_us) // 5:
        assert span_text(dark.length_us) in drawn


def test_what_is_known_from_bins_never_claims_seconds() -> None:
    page = page_of("others")
    page = page[page.index("<body>") : page.index('id="inputs"')]  # what a file says of itself is its own
    page = re.sub(r'href="data:[^"]*"', "", page)
    texts = formats("others") | {"tables": flat(re.sub(r"<[^>]*>", " ", page))}
    for where, text in texts.items():
        claimed = re.findall(r"(?<!T)\d\d:\d\d:\d\d(?!Z)", text)
        assert claimed == [], (where, claimed)
    lengths_told = [found for text in texts.values() for found in LENGTH.findall(text)]
    assert "4 h" in lengths_told
    assert [found for found in lengths_told if found.endswith(" s")] == []
    assert "from 01:00 UTC on Thursday 24 August 2023 (04:00 in Baghdad) to 05:00 UTC" in texts["page"]


def test_dark_is_said_of_the_outage_and_of_no_prefix() -> None:
    for name in ("kp", "dj", "ongoing"):
        report = MADE[name]()
        drawn = svg(chart_more.strip_chart(report, whole(report)))
        assert ">dark<" not in drawn
        assert "lost by all" in drawn
    text = flat(re.sub(r"<[^>]*>", " ", page_of("kp")))
    assert "Lost by all: no observer holds one." in text
    assert int(UNKNOWN) == 0


def test_observers_are_counted_once_and_told_in_one_way() -> None:
    report = MADE["seen"]()
    seen = observers(report, report.outages[0])
    assert (seen.watching, seen.lost, seen.kept, seen.left, seen.silent) == (37, 23, 1, 1, 12)
    assert seen.lost + seen.kept + seen.left + seen.silent == seen.watching
    assert to_json(report)["outages"][0]["observers"] == {
        "watching": 37, "lost": 23, "kept": 1, "left": 1, "silent": 12,
    }  # fmt: skip
    texts = formats("seen")
    for where in ("page", "summary", "markdown", "json"):
        assert "37 observers" in texts[where], where
        assert "12 had not said whether they held one" in texts[where], where
    assert "23 of 24 observers that held a route lost it, at two collectors (12 more had not said" in texts["page"]


def test_the_middle_of_the_core_is_read_as_the_table_reads_it() -> None:
    report = MADE["dj"]()
    main = core(report, report.outages[0])
    assert main.middle == middle(report.history.level, measure(report).values, main.span) == 1
    assert main.before == 15


def test_no_text_of_the_document_is_empty() -> None:
    def empty(node: object) -> bool:
        if isinstance(node, dict):
            return any(empty(value) for value in node.values())
        return any(empty(value) for value in node) if isinstance(node, list) else node == ""

    makers: list[Callable[[], Report]] = list(MADE.values())
    for make in makers:
        assert not empty(json.loads(json.dumps(to_json(make()))))
    assert DAY > MINUTE
