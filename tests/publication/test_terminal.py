"""The summary on a terminal and in a pipe."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from duskwatch.publication.terminal import print_summary
from duskwatch.records.report import Report
from duskwatch.records.signals import Gap
from tests.publication.build import MADE, kp, large, one_family


def printed(report: Report, width: int = 120, *, terminal: bool = False, no_color: bool = False) -> str:
    out = io.StringIO()
    colours = "standard" if terminal else None
    console = Console(file=out, width=width, force_terminal=terminal, no_color=no_color, color_system=colours)
    print_summary(report, console, [Path("out/report.html"), Path("out/report.json")])
    return out.getvalue()


@pytest.mark.parametrize("name", sorted(MADE))
@pytest.mark.parametrize("width", [20, 60, 80, 120, 200])
def test_a_pipe_gets_plain_text_without_frames_or_trailing_blanks(name: str, width: int) -> None:
    text = printed(MADE[name](), width)
    assert text.replace("½", "").isascii()
    assert "\x1b" not in text
    assert not [line for line in text.splitlines() if line != line.rstrip()]


def test_the_table_holds_onset_end_duration_and_depth() -> None:
    text = printed(kp())
    row = next(line for line in text.splitlines() if line.startswith("1  2014-12-22"))
    for cell in ("2014-12-22 16:15:03", "2014-12-23 01:15:03", "2014-12-23 01:46:14", "9 h 31 min", "100 %",
                 "2 relapses", "not stable"):  # fmt: skip
        assert cell in row


def test_a_narrow_terminal_gets_a_list_with_the_same_cells() -> None:
    text = printed(kp(), 50)
    assert max(len(line) for line in text.splitlines() if not line.startswith("  out/")) <= 50
    for cell in ("2014-12-22 16:15:03", "2014-12-23 01:46:14", "9 h 31 min"):
        assert cell in text


def test_a_terminal_gets_colour_and_no_color_takes_it_away() -> None:
    assert "\x1b[" in printed(kp(), terminal=True)
    plain = printed(kp(), terminal=True, no_color=True)
    assert "\x1b[33m" not in plain
    assert "─" not in plain


def test_the_reenactment_stands_first_and_the_files_last() -> None:
    lines = printed(kp()).strip().splitlines()
    assert lines[0].startswith("This is a re-enactment")
    assert [line.strip() for line in lines[-2:]] == ["out/report.html", "out/report.json"]


def test_eight_gaps_are_listed_and_the_rest_counted() -> None:
    gaps = tuple(Gap(f"rrc{n:02d}", n * 10**9, n * 10**9 + 60_000_000, "missing file") for n in range(11))
    text = printed(replace(kp(), history=replace(kp().history, gaps=gaps)))
    assert text.count("UTC  1 min  rrc") == 8
    assert "and 3 more in report.html" in text
    assert "gaps in coverage: 11" in text


def test_markup_in_a_name_is_printed_as_it_stands() -> None:
    report = replace(kp(), warnings=("[red]odd[/red] [link=x]",), collectors=("[bold]rrc00[/bold]",))
    text = printed(report, terminal=True)
    assert "[red]odd[/red] [link=x]" in text
    assert "[bold]rrc00[/bold]" in text


def test_a_name_cannot_steer_the_terminal() -> None:
    text = printed(replace(kp(), warnings=("a\x1b[2Jb\udcffc\rd",)))
    assert "a\ufffd[2Jb\ufffdc" in text
    assert "\x1b" not in text
    assert "\r" not in text


def test_warnings_are_shown() -> None:
    assert "updates.gz is damaged" in printed(replace(kp(), warnings=("updates.gz is damaged at byte 7",)))


def test_a_large_country_fits_a_screen_or_two() -> None:
    assert len(printed(large(200)).splitlines()) < 60


def test_an_outage_of_one_family_is_told_as_one_in_the_summary_and_the_table() -> None:
    text = printed(one_family("IPv6"), 200)
    assert text.startswith("Largeland was offline over IPv6 for 3 hours on 1 May 2021; IPv4 stayed up.")
    row = next(line for line in text.splitlines() if line.startswith("1  2021-05-01"))
    assert "100 % of IPv6" in row
