"""The files beside the page: report.md, the tables, the list of inputs and its digest, names and citations."""

import csv
import hashlib
import io
import json
import re
import struct
import zlib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duskwatch.publication.chart_frame import NARROW, WIDTH
from duskwatch.publication.charts import timeline
from duskwatch.publication.citing import citation, command, inputs_digest
from duskwatch.publication.draw import png, smaller, svg
from duskwatch.publication.levels import Span
from duskwatch.publication.markdown import to_markdown
from duskwatch.publication.outage_ids import outage_ids
from duskwatch.publication.report_json import dumps, to_json
from duskwatch.publication.spans import whole
from duskwatch.publication.tables_csv import inputs_csv, outages_csv, prefixes_csv, text
from duskwatch.publication.ticks import axis_caption, ticks
from duskwatch.publication.write import write_report
from duskwatch.records.findings import Finding
from duskwatch.records.report import InputFile
from duskwatch.records.times import DAY, HOUR, MINUTE, iso
from duskwatch.store.database import migrate
from duskwatch.store.revisions import record_outages
from tests.publication.build import MADE, files, kp, ongoing, partial, t


def rows(table: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table)))


def test_outages_are_rows_with_ids_and_empty_cells_for_what_is_not_known() -> None:
    first, second, third = rows(outages_csv(kp()))
    assert first["id"] == "KP-20141222T161503Z"
    assert (first["onset"], first["onset_earliest"], first["onset_latest"]) == (
        "2014-12-22T16:15:03Z", "2014-12-22T16:14:43Z", "2014-12-22T16:15:06Z",
    )  # fmt: skip
    assert (first["relapses"], first["held"], first["relapse_of"]) == ("2", "not stable", "")
    assert second["relapse_of"] == third["relapse_of"] == first["id"]
    (lasting,) = rows(outages_csv(ongoing()))
    assert (lasting["end"], lasting["held"]) == ("", "")


def test_prefixes_are_rows_with_how_often_and_how_long_they_were_lost() -> None:
    table = rows(prefixes_csv(kp()))
    assert [row["prefix"] for row in table] == [f"175.45.{176 + i}.0/24" for i in range(4)]
    assert [row["times_lost"] for row in table] == ["4", "4", "3", "3"]
    assert {row["upstream"] for row in table} == {"4837"}
    assert table[0]["first_lost"] == "2014-12-22T15:02:00Z"
    assert table[0]["state_at_end"] == "visible"
    assert {row["last_back"] for row in rows(prefixes_csv(ongoing()))} == {""}


def test_an_id_is_the_one_that_the_store_gives(tmp_path: Path) -> None:
    report = kp()
    twice = (report.outages[0], *report.outages)
    where = f"sqlite:///{tmp_path / 'x.db'}"
    migrate(where)
    window = (report.from_us, report.until_us)
    found = record_outages(
        where, window, [Finding(report.entity, twice)], source="bgp", detector="x", by="test", why="made"
    )
    # The store numbers relapses by their own index, which moved by one here: only ids are compared.
    assert outage_ids(report.entity, twice) == found.uids
    assert len(set(found.uids)) == len(twice)


def test_the_list_of_inputs_has_every_file_and_the_document_its_digest(tmp_path: Path) -> None:
    report = replace(kp(), inputs=(
        *files(("rrc00", "rrc01"), kp().from_us, kp().until_us, 300),
        InputFile("bad.gz", "b" * 64, "mrt", None, None, 9, 2, "byte 7", "rrc01", 77),
    ))  # fmt: skip
    written = {path.name: path for path in write_report(report, tmp_path)}
    listed = rows(written["inputs.csv"].read_text())
    assert len(listed) == len(report.inputs) == 602
    assert {row["sha256"] for row in listed} == {file.sha256 for file in report.inputs}
    document = json.loads(written["report.json"].read_text())
    own = document["inputs_list"]
    assert own["sha256"] == hashlib.sha256(written["inputs.csv"].read_bytes()).hexdigest()
    assert (own["files"], own["complete"]) == (602, False)
    assert [file["name"] for file in document["inputs"]] == ["delegated-apnic-extended-20141222", "bad.gz"]
    sums = {group["collector"]: group for group in own["by_collector"]}
    assert (sums["rrc01"]["files"], sums["rrc01"]["damaged"], sums["rrc01"]["bad_records"]) == (301, 1, 2)
    assert sums[None]["files"] == 1
    assert to_json(kp())["inputs_list"]["complete"]
    assert inputs_digest(report) != inputs_digest(kp())


def test_thousands_of_files_leave_the_document_small() -> None:
    few, many = (
        replace(kp(), inputs=files(("rrc00", "rrc01", "rrc02"), kp().from_us, kp().until_us, n)) for n in (3, 2500)
    )
    assert len(dumps(to_json(many))) < len(dumps(to_json(few))) + 1000


def test_a_spreadsheet_is_given_no_formula() -> None:
    odd = InputFile("=cmd|' /C calc'!A0", "a" * 64, "mrt", None, None)
    (row,) = rows(inputs_csv([odd]))
    assert row["name"].startswith("'=")


@given(st.lists(st.tuples(st.text(), st.floats(allow_nan=True), st.none()), max_size=5))
def test_any_cell_can_be_written_and_read_back(cells: list[tuple[str, float, None]]) -> None:
    assert len(list(csv.reader(io.StringIO(text(("a", "b", "c"), cells), newline="")))) == len(cells) + 1


def test_a_ticket_gets_headline_facts_outages_and_how_to_check() -> None:
    told = to_markdown(kp())
    lines = told.splitlines()
    assert lines[0] == "# North Korea was offline for 9½ hours on 22-23 December 2014"
    assert lines[2].startswith("> **This is a re-enactment")
    for part in ("| Since when | 16:15 UTC |", "## Outages", "| KP-20141222T161503Z |", "## How to check", "```sh",
                 "duskwatch analyze KP", "Cite as: North Korea was offline"):  # fmt: skip
        assert part in told, part


@pytest.mark.parametrize("name", sorted(MADE))
def test_every_table_of_a_ticket_has_as_many_cells_as_heads(name: str) -> None:
    for block in re.findall(r"(?:^\|.*\|\n?)+", to_markdown(MADE[name]()), re.M):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1


def test_a_name_cannot_break_a_ticket() -> None:
    odd = "a|b [x](http://x) <script> `c` *d*\x1b[2J\n# e"
    told = to_markdown(replace(kp(), warnings=(odd,), reenactment=odd))
    assert "<script>" not in told
    assert "\x1b" not in told
    assert "\n# e" not in told
    assert "[x](http" not in told


def test_a_citation_names_the_finding_the_window_and_the_files() -> None:
    assert citation(partial()) == (
        "Half of AS64500 was offline for 40 minutes on 1 March 2021. duskwatch 0.1.0 report on AS64500, "
        "2021-03-01T00:00:00Z to 2021-03-01T12:00:00Z, from 4 input files (list: SHA-256 "
        f"{inputs_digest(partial())[:12]})."
    )
    assert "re-enactment" in citation(kp())


def test_the_command_names_what_the_analysis_was_given() -> None:
    words = command(kp()).replace(" \\\n    ", " ")
    assert words == (
        "duskwatch analyze KP --from 2014-12-21T00:00:00Z --until 2014-12-25T00:00:00Z --mrt rrc00 "
        "--mrt route-views2 --geo delegated-apnic-extended-20141222 --out again"
    )
    assert "--series iraq.csv" in command(MADE["others"]())
    assert "--mrt" not in command(MADE["others"]())


def test_a_smaller_picture_is_the_same_picture() -> None:
    drawn = svg(timeline(kp(), whole(kp())))
    made = png(drawn)
    chunks, at = {}, 8
    while at < len(made):
        size, kind = struct.unpack(">I4s", made[at : at + 8])
        chunks[kind] = made[at + 8 : at + 8 + size]
        assert zlib.crc32(made[at + 4 : at + 8 + size]) == struct.unpack(">I", made[at + 8 + size : at + 12 + size])[0]
        at += 12 + size
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colour) == (8, 2)
    assert abs(width - 2 * WIDTH) <= 16
    pixels = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + 3 * width)
    assert set(pixels[:, 0]) == {2}  # filter Up: rows add up to the picture
    whole_ = np.cumsum(pixels[:, 1:], axis=0, dtype=np.uint8).reshape(height, width, 3)
    colours = {tuple(colour) for colour in whole_[:: height // 40, :: width // 40].reshape(-1, 3).tolist()}
    assert {(0xFE, 0xFE, 0xFE), (0xDC, 0xE8, 0xF2)} <= colours
    assert smaller(b"\x89PNG\r\n\x1a\nodd") == b"\x89PNG\r\n\x1a\nodd"


def test_charts_are_as_wide_as_their_column_whatever_stands_in_them() -> None:
    for name in sorted(MADE):
        report = MADE[name]()
        for narrow, wanted in ((False, WIDTH), (True, NARROW)):
            width = float(re.search(r'width="([\d.]+)"', svg(timeline(report, whole(report), narrow=narrow)))[1])  # type: ignore[index]
            assert abs(width - wanted) <= 8, (name, narrow, width)


def test_ticks_are_round_and_every_midnight_in_view_has_its_date() -> None:
    start = t("2014-12-22T14:00:00Z")
    found = ticks(Span(start, start + 16 * HOUR), "Asia/Pyongyang", 850, 84)
    assert [(tick.text, tick.local) for tick in found[:6]] == [
        ("14:00", "23:00"), ("16:00", "01:00"), ("18:00", "03:00"), ("20:00", "05:00"), ("22:00", "07:00"),
        ("23 Dec", "09:00"),
    ]  # fmt: skip
    assert [tick.text for tick in found if tick.strong] == ["23 Dec"]
    for length in (7 * MINUTE, 3 * HOUR, 2 * DAY, 11 * DAY, 400 * DAY):
        shown = ticks(Span(start, start + length), "", 850, 84)
        assert 1 <= len(shown) <= 11
        assert all((b.time_us - a.time_us) * 850 >= 84 * length for a, b in pairwise(shown))
    assert axis_caption(Span(start, start + HOUR), "Asia/Kathmandu", True) == (
        "22 December 2014, UTC; second line: Kathmandu (UTC+5:45)"
    )
    assert iso(start).startswith("2014")
