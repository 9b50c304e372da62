"""Charts: what is drawn, and that nothing short is lost in drawing less."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.publication import chart_more, charts
from duskwatch.publication.chart_data import message_bars, phase_bands, steps, strips, thin_out
from duskwatch.publication.chart_frame import LEFT, RIGHT, WIDTH, Spec
from duskwatch.publication.draw import svg
from duskwatch.publication.facts import measure
from duskwatch.publication.levels import Span
from duskwatch.publication.palette import INKS, LIGHT, PHASES, STATES, css_variables, themed
from duskwatch.publication.spans import detail, whole
from duskwatch.records.entity import Entity
from duskwatch.records.report import Report
from duskwatch.records.times import DAY, SECOND
from tests.publication.build import DOWN, MADE, UP, Change, blind, dj, history, kp, large, quiet, t


def specs(report: Report) -> dict[str, Spec]:
    span = detail(report) or whole(report)
    return {
        "timeline": charts.timeline(report, whole(report)),
        "detail": charts.timeline(report, span, narrow=True),
        "strips": chart_more.strip_chart(report, span),
        "narrow strips": chart_more.strip_chart(report, span, narrow=True),
        "peers": chart_more.peers_chart(report),
        "messages": chart_more.messages_chart(report),
    }


@pytest.mark.parametrize("name", sorted(MADE))
def test_every_chart_of_every_report_is_drawn_as_well_formed_svg(name: str) -> None:
    for spec in specs(MADE[name]()).values():
        drawn = svg(spec, "a")
        assert ET.fromstring(drawn).tag == "{http://www.w3.org/2000/svg}svg"
        assert "NaN" not in drawn
        assert "undefined" not in drawn


def test_ids_of_two_drawings_in_one_page_differ() -> None:
    one, other = (svg(charts.timeline(kp(), whole(kp())), name) for name in ("one", "other"))
    ids = [set(re.findall(r'id="([^"]+)"', text)) for text in (one, other)]
    assert not ids[0] & ids[1]
    for text, own in zip((one, other), ids, strict=True):
        assert set(re.findall(r"url\(#([^)]+)\)", text)) <= own


def test_all_charts_of_the_window_have_the_same_times_and_the_same_width() -> None:
    report = kp()
    drawn = [charts.timeline(report, whole(report)), chart_more.peers_chart(report), chart_more.messages_chart(report)]

    def domains(node: object) -> list[list[float]]:
        if isinstance(node, dict):
            own = [node["domain"]] if node.get("type") == "utc" else []
            return own + [found for value in node.values() for found in domains(value)]
        return [found for value in node for found in domains(value)] if isinstance(node, list) else []

    found = [domain for spec in drawn for domain in domains(spec)]
    assert found
    assert all(domain == [report.from_us / 1000, report.until_us / 1000] for domain in found)
    assert {spec["width"] for spec in drawn} == {WIDTH - LEFT - RIGHT}


def test_png_is_a_picture_with_heading_and_written_whole(tmp_path: Path) -> None:
    path = charts.write_png(kp(), tmp_path / "timeline.png")
    assert path.read_bytes().startswith(b"\x89PNG\r\n")
    assert [file.name for file in tmp_path.iterdir()] == ["timeline.png"]


def test_the_picture_that_stands_alone_says_reenactment_and_source() -> None:
    spec = charts.timeline(kp(), detail(kp()) or whole(kp()))
    assert spec["title"]["text"] == ["All four networks vanished at 16:15 UTC"]
    assert spec["title"]["subtitle"][0].startswith("RE-ENACTMENT")
    assert "rrc00" in charts.source(kp())
    assert "Source: BGP routes recorded by route-views2, rrc00; chart: duskwatch" in svg(spec)


def test_a_long_window_gets_a_detail_of_its_main_outage_and_a_short_one_does_not() -> None:
    span = detail(kp())
    assert span is not None
    assert span.from_us < kp().outages[0].onset.best_us < kp().outages[0].end.best_us < span.until_us  # type: ignore[union-attr]
    assert detail(quiet()) is None
    assert detail(MADE["ongoing"]()) is None


def test_what_nobody_watched_is_a_grey_band_and_no_line_is_drawn_there() -> None:
    start, stop = t("2019-07-01"), t("2019-07-02")
    dark = (start + DAY // 4, start + DAY // 2)
    report = replace(
        quiet(), from_us=start, until_us=stop, history=history(start, stop, ["192.0.2.0/24"], [], blind=[dark])
    )
    rows = steps(report.history.level, measure(report).values, Span(start, stop), 700)
    assert [(row["t"] * 1000, row["part"]) for row in rows] == [(start, 0), (dark[0], 0), (dark[1], 1), (stop, 1)]
    spec = charts.timeline(report, Span(start, stop))
    drawn = svg(spec, "a")
    assert "not watched" in drawn
    assert 'id="a-hatch"' in drawn
    assert 'fill="url(#a-hatch)"' in drawn
    assert LIGHT["blind"] not in drawn
    assert steps(blind().history.level, measure(blind()).values, whole(blind()), 700) == []


def test_the_area_leaves_out_what_nobody_watched() -> None:
    start, stop = t("2019-07-01"), t("2019-07-02")
    dark = (start + DAY // 4, start + DAY // 2)
    past = history(start, stop, ["192.0.2.0/24"], [], blind=[dark])
    report = replace(quiet(), from_us=start, until_us=stop, history=past)
    drawn = svg(charts.timeline(report, Span(start, stop)))
    paths = re.findall(rf'd="(M[^"]+)"[^>]*fill="{LIGHT["area"]}"', drawn)
    reached = [sorted({float(x) for x in re.findall(r"[ML](-?[\d.]+),", path)}) for path in paths]
    width = WIDTH - LEFT - RIGHT
    assert [(min(xs), max(xs)) for xs in sorted(reached)] == [(0, width / 4), (width / 2, width)]


def test_an_outage_of_a_second_is_still_drawn_in_a_year() -> None:
    start, stop = t("2020-01-01"), t("2021-01-01")
    random = np.random.default_rng(1)
    changes: list[Change] = []
    for at in np.sort(random.choice((stop - start) // SECOND - 4, 5000, replace=False)):
        changes += [(int(start + at * SECOND), 0, DOWN), (int(start + at * SECOND) + SECOND // 2, 0, UP)]
    second = start + 200 * DAY + 12345
    changes += [(second, p, DOWN) for p in range(3)] + [(second + SECOND, p, UP) for p in range(3)]
    past = history(start, stop, ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"], changes)
    rows = steps(past.level, past.level.slash24, Span(start, stop), WIDTH)
    assert len(rows) < 6 * WIDTH + 2
    assert min(row["v"] for row in rows) == 0
    made = strips(past.changes, Span(start, stop), WIDTH, 24)
    for prefix in past.changes.prefixes:
        assert any(row["state"] == "dark" for row in made.rows if row["prefix"] == prefix)


@given(
    st.lists(st.tuples(st.integers(0, 999_999), st.none() | st.integers(0, 9)), min_size=1, max_size=400),
    st.integers(2, 30),
)
@settings(max_examples=200, deadline=None)
def test_thinning_keeps_the_lowest_and_highest_of_every_pixel(rows: list[tuple[int, int | None]], pixels: int) -> None:
    rows.sort(key=lambda row: row[0])
    time_us = np.array([row[0] for row in rows], np.int64)
    values = np.array([np.nan if row[1] is None else row[1] for row in rows], float)
    kept = thin_out(time_us, values, Span(0, 1_000_000), pixels)
    assert (np.diff(kept) > 0).all()
    bucket = time_us * pixels // 1_000_000
    for cell in np.unique(bucket):
        all_, some = values[bucket == cell], values[kept][bucket[kept] == cell]
        assert np.isnan(all_).any() == np.isnan(some).any()
        if not np.isnan(all_).all():
            assert (np.nanmin(all_), np.nanmax(all_)) == (np.nanmin(some), np.nanmax(some))


def test_strips_of_many_prefixes_are_those_that_changed_most() -> None:
    report = large(300)
    made = strips(report.history.changes, whole(report), 700, 24)
    counts = np.bincount(report.history.changes.prefix, minlength=300)
    chosen = [counts[report.history.changes.prefixes.index(prefix)] for prefix in made.prefixes]
    assert (len(made.prefixes), made.total) == (24, 300)
    assert min(chosen) >= np.sort(counts)[-24]
    assert list(made.prefixes) == sorted(made.prefixes, key=report.history.changes.prefixes.index)


def test_a_change_that_only_the_voters_made_does_not_choose_a_strip() -> None:
    report = large(60)
    log = report.history.changes
    by = np.where(log.prefix == 7, 1, 0).astype(np.uint8)
    made = strips(replace(log, by_voters=by), whole(report), 700, 59)
    assert log.prefixes[7] not in made.prefixes


def test_strips_say_each_state_where_it_was() -> None:
    report = dj()
    made = strips(report.history.changes, whole(report), 720, 24)
    first = [row for row in made.rows if row["prefix"] == "196.201.192.0/24"]
    assert [row["state"] for row in first] == ["visible", "dark", "visible"]
    assert abs(first[1]["a"] * 1000 - t("2008-02-19T13:07:06Z")) <= 30 * SECOND
    assert abs(first[1]["b"] * 1000 - t("2008-02-19T13:50:22Z")) <= 30 * SECOND


def test_messages_are_all_counted_however_few_bars_there_are() -> None:
    report = large(200)
    block = report.history.signals
    for most in (7, 100, 10_000):
        rows = message_bars(report, most)
        up = sum(row["v"] for row in rows if row["kind"] == "announcements")
        down = sum(row["v"] for row in rows if row["kind"] == "withdrawals")
        assert up == np.nansum(block.series("bgp.announcements"))
        assert -down == np.nansum(block.series("bgp.withdrawals"))
        assert len({row["a"] for row in rows}) <= most


def test_the_total_loss_is_drawn_over_other_phases() -> None:
    names = [row["name"] for row in phase_bands(kp().outages, whole(kp()), 700)]
    assert names[-3:] == ["dark", "dark", "dark"]
    assert "restored" not in names


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def _contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2.2, 1.4.3."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_contrast_in_both_themes(theme: str) -> None:
    paper = getattr(INKS["paper"], theme)
    for name in ("text", "muted", "faint"):
        assert _contrast(getattr(INKS[name], theme), paper) >= 4.5
    for name in ("level", "dark_edge"):
        assert _contrast(getattr(INKS[name], theme), paper) >= 3
    # The dark phase is the darkest area in both themes; on a dark page its outline tells it from the page.
    shades = [getattr(INKS[name], theme) for name in ("dark", "state_dark")]
    assert max(map(_luminance, shades)) < min(
        _luminance(getattr(INKS[name], theme)) for name in ("area", "lost", "partial", "state_visible", "hatch_ground")
    )
    assert _contrast(getattr(INKS["on_dark"], theme), getattr(INKS["dark"], theme)) >= 4.5


def _without(colour: str, kind: str) -> tuple[float, float, float]:
    """A colour as somebody without red or green cones sees it (Vienot, Brettel, Mollon 1999), in linear RGB."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    if kind == "protan":
        both = 0.11238 * r + 0.88762 * g
        return both, both, 0.00401 * r - 0.00401 * g + b
    both = 0.29275 * r + 0.70725 * g
    return both, both, -0.02234 * r + 0.02234 * g + b


@pytest.mark.parametrize("kind", ["protan", "deutan"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_states_and_phases_are_told_apart_without_red_or_green_cones(theme: str, kind: str) -> None:
    shades = [name for name in PHASES if name != "restored"]
    for names in ([f"state_{name}" for name in STATES], [*shades, "blind", "area"]):
        for one, other in combinations(names, 2):
            seen = [_without(getattr(INKS[name], theme), kind) for name in (one, other)]
            apart = sum((max(a, 0) ** 0.45 - max(b, 0) ** 0.45) ** 2 for a, b in zip(*seen, strict=True)) ** 0.5
            assert apart > 0.1, (theme, kind, one, other, apart)


def test_light_colours_are_all_different_so_that_a_drawing_can_be_recoloured() -> None:
    assert len({ink.light for ink in INKS.values()}) == len(INKS)


def test_every_colour_of_a_drawing_follows_the_theme() -> None:
    for spec in specs(kp()).values():
        left = re.findall(r'(?:fill|stroke)="(#[0-9a-fA-F]{3,8}|black|white|gray)"', themed(svg(spec)))
        assert not left
    assert "--state-dark:" in css_variables(dark=True)


def test_markup_in_a_name_does_not_become_markup_in_a_drawing() -> None:
    odd = '"><script>alert(1)</script>'
    report = replace(kp(), entity=Entity("country", "KP", odd), collectors=(odd,))
    log = replace(report.history.changes, prefixes=(odd, "b", "c", "d"))
    report = replace(report, history=replace(report.history, changes=log))
    for spec in specs(report).values():
        assert "<script" not in svg(spec, "a")
