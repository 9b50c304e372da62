"""Scenarios made of archives: raw MRT files through the pipeline, real ones and the documented case."""

import json
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from duskwatch.analysis.entity import analyze
from duskwatch.cases.build import build_case
from duskwatch.evaluation.scenarios.scenario import Entry, Group, Scenario
from duskwatch.evaluation.scoring import Bounds, TrueEvent
from duskwatch.records.entity import parse_entity
from duskwatch.records.errors import InputError
from duskwatch.records.report import Report
from duskwatch.records.signals import VISIBLE_SLASH24, SignalBlock
from duskwatch.records.times import parse_time

FEBRUARY_19 = "mrt/route-views2-2008-02-19"
FEBRUARY_24 = "mrt/route-views2-2008-02-24"
DELEGATED = "reference/delegated-2016"

# The majority of peers lost 14 of 15 prefixes from 13:07:06 to 13:07:10, the last came back at 14:13:17.
DJIBOUTI = TrueEvent(
    Bounds(parse_time("2008-02-19T13:07:06Z"), parse_time("2008-02-19T13:07:10Z")),
    Bounds(parse_time("2008-02-19T14:13:17Z"), parse_time("2008-02-19T14:13:17Z")),
    "Djibouti, 2008",
)


def entries() -> Iterator[Entry]:
    """Djibouti 2008 and Pakistan 2008 from the files of those days, North Korea 2014 from its re-enactment."""
    yield Entry("archive/djibouti-2008-01", "archive", _djibouti, FEBRUARY_19)
    yield Entry("archive/pakistan-2008-01", "archive", _pakistan, FEBRUARY_24)
    yield Entry("archive/north-korea-2014-01", "archive", partial(_case, "archive/north-korea-2014-01"))


def _djibouti(data: Path | None) -> Scenario:
    report = _real(data, "DJ", "2008-02-19T00:00Z", "2008-02-19T18:00Z", FEBRUARY_19, "delegated-afrinic")
    return _scenario("archive/djibouti-2008-01", report, (DJIBOUTI,), "labelled")


def _pakistan(data: Path | None) -> Scenario:
    """A hijack by a network of the country: nothing of its own was lost."""
    report = _real(data, "PK", "2008-02-24T18:00Z", "2008-02-24T23:00Z", FEBRUARY_24, "delegated-apnic")
    return _scenario("archive/pakistan-2008-01", report, (), "quiet")


def _real(data: Path | None, code: str, begin: str, until: str, folder: str, delegated: str) -> Report:
    if data is None:
        raise InputError("this scenario is made of real archives; name the folder that has them")
    geo = data / DELEGATED / f"{delegated}-extended-latest"
    window = parse_time(begin), parse_time(until)
    return analyze(parse_entity(code), *window, [data / folder], geo=[geo], threads=1)


def _case(name: str, data: Path | None) -> Scenario:
    """What is published of the case, in archives of the project's own making."""
    with tempfile.TemporaryDirectory() as folder:
        built = build_case("north-korea-2014", Path(folder))
        truth = json.loads(built.truth.read_text(encoding="utf-8"))
        report = analyze(
            parse_entity(built.entity), built.from_us, built.until_us, [built.mrt], geo=[built.geo], threads=1
        )
    events = []
    for outage in truth["outages"]:
        rows = [row for row in truth["majority_lost"] if row["fact"] == outage["fact"]]
        begin, until = ([parse_time(row[key]) for row in rows] for key in ("from", "until"))
        events.append(TrueEvent(Bounds(min(begin), max(begin)), Bounds(min(until), max(until)), outage["fact"]))
    return _scenario(name, report, tuple(sorted(events, key=lambda event: event.onset)), "labelled")


def _scenario(name: str, report: Report, events: tuple[TrueEvent, ...], group: Group) -> Scenario:
    signals = report.history.signals
    row = signals.specs.index(VISIBLE_SLASH24)
    block = SignalBlock(
        (VISIBLE_SLASH24,),
        signals.start_us,
        signals.bin_us,
        signals.values[row : row + 1],
        signals.coverage[row : row + 1],
    )
    return Scenario(name, "archive", block, events, frozenset({group}), "archives", report.history)
