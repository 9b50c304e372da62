"""The committed results and the page that shows them, and a part of the library within the bounds."""

import json

import pytest

from benchmarks.quality import speed
from benchmarks.quality.__main__ import HERE, PAGE, PICTURE, filled
from duskwatch.evaluation import archives
from duskwatch.evaluation.bounds import check, tolerances
from duskwatch.evaluation.run import OURS, detectors, run
from duskwatch.evaluation.scenarios.library import library
from duskwatch.evaluation.scenarios.scenario import Entry
from duskwatch.evaluation.scoring import Score, figures
from duskwatch.evaluation.summary import pooled

KEPT = json.loads((HERE / "results.json").read_text())


def part() -> list[Entry]:
    """The first two of each set that is made from its id alone."""
    return [entry for entry in library().values() if not entry.needs and entry.id.endswith(("-01", "-02"))]


def test_a_part_of_the_library_is_within_the_bounds():
    results, absent = run(part(), [detectors()[OURS]], None)
    assert not absent
    checked = check(pooled(results), tolerances())
    broken = [(one.tolerance.name, one.value) for one in checked if one.holds is False]
    assert not broken
    assert sum(one.holds is True for one in checked) >= 7


def test_the_page_shows_the_committed_results():
    page = PAGE.read_text()
    assert filled(page, KEPT, list(detectors())) == page
    assert PICTURE.read_text().startswith("<svg")


def test_the_committed_results_are_of_the_whole_library_and_within_its_bounds():
    ids = {*library(), *(entry.id for entry in archives.entries())}
    assert KEPT["scenarios"] == len(ids)
    assert KEPT["absent"] == []
    assert [one["name"] for one in KEPT["bounds"]] == [bound.name for bound in tolerances()]
    assert [one["name"] for one in KEPT["bounds"] if not one["holds"]] == []
    assert [one["name"] for one in KEPT["held_out"] if one["reached"] is False] == []
    assert sum(one["reached"] is True for one in KEPT["held_out"]) >= 7


def test_a_page_without_its_places_is_refused():
    with pytest.raises(ValueError, match="no place for figures"):
        filled("# Evaluation\n", KEPT, list(detectors()))


def test_one_bin_of_many_series_is_judged_at_once():
    state = speed.known_state(128)
    assert len(state.table) == 128
    assert (state.table[:64] == state.table[64:]).all() or (state.table[:64].tobytes() == state.table[64:].tobytes())


def test_the_page_names_every_figure():
    page = PAGE.read_text()
    shortened = {"onset_error_s_p95", "end_error_s_median", "end_error_s_p95", "end_error_bins_p95"}
    assert {name for name in figures(Score()) if f"`{name}`" not in page} == shortened
