"""The same window for others: chosen by what came before, measured as an analysis of each alone would, in one pass."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from duskwatch.analysis import replay as replays
from duskwatch.analysis.entity import analyze
from duskwatch.publication import comparison_chart, html, report_json
from duskwatch.publication.palette import LIGHT
from duskwatch.records.entity import parse_entity
from duskwatch.records.prefix import Prefix
from tests.signals.bgp.transit.test_course import said
from tests.small_archive import OWN, START_US, Archive, at

# Beside what the peers keep talking about.
SAME, NEAR = (tuple(Prefix.parse(f"10.{k}.{200 + i}.0/24") for i in range(4)) for k in (9, 10))
FILE = """2|nro|20200301|5|19830101|20200301|+0000
apnic|KP|ipv4|175.45.176.0|1024|20091221|allocated
apnic|KR|ipv4|10.10.0.0|65536|20091221|allocated
apnic|AR|ipv4|10.0.0.0|65536|20091221|allocated
apnic|FJ|ipv4|10.1.0.0|65536|20091221|allocated
apnic|BR|ipv4|10.2.0.0|65536|20091221|allocated
"""


def archive(folder: Path, *, near_falls: bool) -> tuple[Path, Path]:
    """KP is lost from minute 100 to 140 behind AS4837, as AS64802 is that shares it; KR falls too where asked."""
    made = Archive({"rrc91": 4, "route-views.a": 3}, hours=4)
    made.talk()
    for k, peer in enumerate(made.peers()):
        paths = {OWN: (64600, 4837, 131279), SAME: (64600, 4837, 64802), NEAR: (64600, 64803)}
        for prefixes, path in paths.items():
            said(made, peer, 2 + k / 60, path, prefixes)
            if prefixes is not NEAR or near_falls:
                said(made, peer, 100 + k / 60, None, prefixes)
                said(made, peer, 140 + k / 60, path, prefixes)
    geo = folder / "delegated-nro-extended-20200301"
    geo.write_text(FILE)
    return made.write(folder / "mrt"), geo


@pytest.fixture(scope="module", params=[False, True], ids=["alone", "with a neighbour"])
def compared(request, tmp_path_factory):
    mrt, geo = archive(tmp_path_factory.mktemp("compared"), near_falls=request.param)
    window = START_US, at(240)
    whole = analyze(parse_entity("KP"), *window, [mrt], geo=[geo], neighbours=True)
    alone = analyze(parse_entity("KP"), *window, [mrt], geo=[geo])
    return request.param, whole, alone, (mrt, geo)


def test_what_is_said_of_the_entity_does_not_change(compared):
    _, whole, alone, _ = compared
    assert whole.outages == alone.outages
    assert whole.around == alone.around
    assert whole.coverage == alone.coverage
    assert np.array_equal(whole.history.level.slash24, alone.history.level.slash24)
    assert len(whole.outages) == 1
    assert alone.comparison is None


def test_others_are_chosen_by_what_came_before_and_told_with_their_fate(compared):
    falls, whole, _, _ = compared
    found = whole.comparison
    assert found.upstream == 4837
    fates = {(one.relation, one.entity.code): one.fate for one in found.companions}
    assert fates["behind", "AS64802"] == "fell"
    assert fates["neighbour", "KR"] == ("fell" if falls else "stayed")
    assert not {code for relation, code in fates if relation == "control"} & {"KR", "KP", "AS64802"}
    lost = {one.entity.code: one.lost for one in found.companions}
    assert lost["AS64802"] == 1.0
    assert lost["KR"] == (1.0 if falls else 0.0)
    share = found.fell_share
    assert share == pytest.approx(1.0 if falls else 0.5)
    facts = whole.explanation.facts
    assert facts.number("neighbours.fell_share") == share
    assert facts.by_name["neighbours.fell_share"].note == ("2 of 2" if falls else "1 of 2")


def test_each_is_measured_as_an_analysis_of_it_alone_would(compared):
    _, whole, _, (mrt, geo) = compared
    for code in ("KR", "AS64802"):
        (one,) = (each for each in whole.comparison.companions if each.entity.code == code)
        alone = analyze(parse_entity(code), START_US, at(240), [mrt], geo=[geo])
        level = (alone.led or alone.history).level
        assert np.array_equal(one.time_us, level.time_us)
        assert np.array_equal(one.visible, level.slash24, equal_nan=True)


def test_files_are_read_once(compared, monkeypatch):
    _, _, _, (mrt, geo) = compared
    opened: list[str] = []
    real = replays.replay_collector

    def counted(name, files, *rest, **more):
        opened.extend(file.path.name for file in files)
        return real(name, files, *rest, **more)

    monkeypatch.setattr(replays, "replay_collector", counted)
    analyze(parse_entity("KP"), START_US, at(240), [mrt], geo=[geo])
    alone = sorted(opened)
    opened.clear()
    analyze(parse_entity("KP"), START_US, at(240), [mrt], geo=[geo], neighbours=True)
    assert sorted(opened) == alone


def test_page_and_document_have_small_multiples_and_sentences(compared):
    falls, whole, _, _ = compared
    said_of_it = comparison_chart.sentences(whole)
    assert "behind AS4837" in said_of_it
    assert ("The only country nearby did not fall." in said_of_it) == (not falls)
    page = html.to_html(whole)
    assert 'id="chart-comparison"' in page
    assert "Who fell with it, and who stayed" in page
    document = report_json.to_json(whole)["comparison"]
    assert {one["fate"] for one in document["companions"]} <= {"fell", "stayed", "not judged"}
    assert document["companions"][0]["relation"] == "behind"


def test_a_network_is_compared_with_networks(compared):
    _, _, _, (mrt, _) = compared
    found = analyze(parse_entity("AS131279"), START_US, at(240), [mrt], neighbours=True).comparison
    assert {one.relation for one in found.companions} <= {"behind", "control"}
    assert ("behind", "AS64802") in {(one.relation, one.entity.code) for one in found.companions}


def test_a_network_whose_prefixes_others_take_is_the_same_read_alone_or_among_all(tmp_path):
    made = Archive({"rrc91": 4, "route-views.a": 3}, hours=4)
    for k, peer in enumerate(made.peers()):
        said(made, peer, 2 + k / 60, (64600, 64802), SAME)
        said(made, peer, 2 + k / 60, (64600, 64802), NEAR)
        said(made, peer, 90 + k / 60, (64600, 64803), NEAR)  # another origin: not its own any more
        said(made, peer, 150 + k / 60, (64600, 64802), NEAR)
        said(made, peer, 170 + k / 60, None, SAME)
        said(made, peer, 190 + k / 60, (64600, 64802), SAME)
    made.talk()
    mrt = made.write(tmp_path)
    both = [
        analyze(parse_entity("AS64802"), START_US, at(240), [mrt], neighbours=neighbours)
        for neighbours in (False, True)
    ]
    assert both[0].outages == both[1].outages
    assert both[0].outages
    levels = [(one.led or one.history).level for one in both]
    assert np.array_equal(levels[0].time_us, levels[1].time_us)
    assert np.array_equal(levels[0].slash24, levels[1].slash24, equal_nan=True)


def test_a_window_without_an_outage_has_nothing_to_compare(compared):
    _, _, _, (mrt, geo) = compared
    assert analyze(parse_entity("BR"), START_US, at(90), [mrt], geo=[geo], neighbours=True).comparison is None


def test_what_nobody_watched_is_hatched_and_not_drawn_as_nothing(compared):
    _, whole, _, _ = compared
    found = whole.comparison
    one = found.companions[0]
    visible = one.visible.copy()
    visible[len(visible) // 2 :] = np.nan
    blind = replace(found, companions=(replace(one, visible=visible), *found.companions[1:]))
    drawn, without = (comparison_chart.chart(replace(whole, comparison=each)) for each in (blind, found))
    hatched = [layer for layer in drawn["layer"] if layer["mark"].get("color") == LIGHT["blind"]]
    assert len(hatched) == 1 + sum(layer["mark"].get("color") == LIGHT["blind"] for layer in without["layer"])
