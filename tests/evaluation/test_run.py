"""Running detectors over scenarios: who is scored on what, and how results are summed up."""

import json
from pathlib import Path

import pytest

from duskwatch.evaluation import archives
from duskwatch.evaluation.bounds import check, tolerances
from duskwatch.evaluation.chart import chart
from duskwatch.evaluation.run import Detector, detectors, run
from duskwatch.evaluation.scenarios.library import library
from duskwatch.evaluation.scenarios.scenario import Scenario
from duskwatch.evaluation.scenarios.specs import SEARCHES
from duskwatch.evaluation.scoring import FoundEvent
from duskwatch.evaluation.summary import document, pooled, scenario_rows
from duskwatch.evaluation.table import bounds_table, markdown, table
from duskwatch.publication.draw import svg
from duskwatch.records.signals import SignalSpec

IDS = ("synthetic/total-2h-large-01", "synthetic/partial-50-2h-small-01", "quiet/tiny-01", "artefact/leak-large-01")


def perfect(scenario: Scenario) -> tuple[FoundEvent, ...]:
    """Tells the truth."""
    return tuple(
        FoundEvent(event.onset.latest_us, None if event.end is None else event.end.latest_us, event.onset.latest_us,
                   event.onset, event.end)
        for event in scenario.events
    )  # fmt: skip


def silent(scenario: Scenario) -> tuple[FoundEvent, ...]:
    return ()


def crying(scenario: Scenario) -> tuple[FoundEvent, ...]:
    """An outage of an hour at the start of each window."""
    return (FoundEvent(scenario.block.start_us, scenario.block.start_us + 3_600_000_000, None),)


def all_signals(spec: SignalSpec) -> bool:
    return True


@pytest.fixture(scope="module")
def results():
    chosen = [Detector("perfect", perfect, all_signals), Detector("silent", silent, all_signals)]
    chosen.append(Detector("crying", crying, all_signals))
    return run([library()[name] for name in IDS], chosen, None)[0]


def test_each_detector_is_scored_on_each_scenario(results):
    assert [(r.id, r.detector) for r in results[:4]] == [
        (IDS[0], "perfect"), (IDS[0], "silent"), (IDS[0], "crying"), (IDS[1], "perfect")
    ]  # fmt: skip
    assert len(results) == 12


def test_figures_are_summed_by_group_family_and_kind(results):
    figures = document(results, [], ())["figures"]
    assert figures["total"]["perfect"]["recall"] == 1
    assert figures["total"]["silent"]["recall"] == 0
    assert figures["partial"]["perfect"]["onset_inside"] == 1
    assert figures["kind:small"]["perfect"]["true"] == 1
    assert figures["family:leak"]["crying"]["false"] == 1
    assert figures["quiet"]["crying"]["false_per_month"] == pytest.approx(30 / 35, abs=1e-6)
    assert figures["all"]["crying"]["false"] == 4
    assert figures["quiet:routes"]["crying"]["false"] == 1
    assert "kind:tiny" not in figures
    assert json.loads(json.dumps(figures)) == figures


def test_a_scenario_without_its_data_is_named_and_left_out(tmp_path: Path):
    entries = [library()["recorded/iraq-2023-bgp-01"], library()[IDS[2]]]
    chosen = [Detector("silent", silent, all_signals)]
    for data in (None, tmp_path):
        got, absent = run(entries, chosen, data)
        assert absent == ["recorded/iraq-2023-bgp-01"]
        assert [result.id for result in got] == [IDS[2]]


def test_a_detector_without_a_rule_for_a_signal_is_not_scored_on_it():
    assert not detectors()["ioda-median"].judges(SEARCHES)
    routes_only = Detector("routes", silent, lambda spec: spec.family == "routing")
    got, _ = run([library()["quiet/faint-01"], library()[IDS[2]]], [routes_only], None)
    assert [result.id for result in got] == [IDS[2]]


def test_progress_counts_to_the_end():
    told = []
    run([library()[IDS[2]]], [], None, lambda *step: told.append(step))
    assert told == [(IDS[2], 0, 1), ("", 1, 1)]


def test_tables_show_what_was_measured(results):
    said = document(results, [], check(pooled(results), tolerances()))
    rows = table(said, ["perfect", "silent"])
    assert rows[0] == ["", "of", "perfect", "silent"]
    assert rows[1] == ["total losses of a bin or more: found", "1", "100.0 %", "0.0 %"]
    assert all(len(row) == 4 for row in rows)
    assert "| quiet series: false outages per entity and month | 1 months | 0 | 0 |" in markdown(rows)
    verdicts = {row[0]: row[3] for row in bounds_table(said)[1:]}
    assert set(verdicts.values()) == {"not measured"}  # the bounds are about another detector


def test_the_chart_has_every_family_and_detector(results):
    spec = chart(document(results, [], ()), ["perfect", "silent", "crying"])
    found, invented = (panel["data"]["values"] for panel in spec["vconcat"])
    assert {row["family"] for row in found} == {"total", "partial"}
    assert {row["family"] for row in invented} == {"quiet", "leak"}
    assert {row["detector"] for row in invented} == {"perfect", "silent", "crying"}
    assert svg(spec).startswith("<svg")


def test_scenario_rows_leave_out_what_was_not_measured(results):
    row = scenario_rows(results)[2]
    assert row["id"] == IDS[0]
    assert row["detector"] == "crying"
    assert row["false"] == 1
    assert "onset_error_s_median" not in row


def test_archives_say_what_they_need():
    needs = {entry.id: entry.needs for entry in archives.entries()}
    assert needs["archive/north-korea-2014-01"] == ""
    assert needs["archive/djibouti-2008-01"].startswith("mrt/")
    with pytest.raises(ValueError, match="folder"):
        next(archives.entries()).build(None)
