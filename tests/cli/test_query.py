"""`duskwatch query` as a user meets it: every format says the same, and what is not there is said in one line."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from duskwatch.cli.app import app
from duskwatch.records.findings import Finding
from duskwatch.records.report import InputFile
from duskwatch.records.signals import Gap
from duskwatch.records.times import DAY, HOUR, iso
from duskwatch.store import Store
from tests.store.build import DAY1, DAY2, FROM, KP, STAR, put_day, two_days
from tests.store.test_revisions import FIRST, SECOND_LOSS, WINDOW

HISTORY = two_days()
SLASH24 = HISTORY.signals.series("bgp.visible_slash24")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("query") / "store"
    store = Store.open(folder, create=True)
    for day in (DAY1, DAY2):
        put_day(store, day, [(KP, HISTORY), (STAR, two_days(2, 5))])
    store.write_gaps(DAY1, [Gap("rrc97\x1b[31m", FROM, FROM + HOUR, "missing file", 3)], source="bgp")
    store.write_inputs(DAY1, [InputFile("updates.gz", "00" * 32, "mrt", None, None, collector="rrc97")], source="bgp")
    store.record_outages(
        WINDOW,
        [
            Finding(
                KP,
                (
                    FIRST,
                    SECOND_LOSS,
                ),
            )
        ],
        source="bgp",
        detector="loss-area/1",
        why="test",
    )
    return str(folder)


def query(place, *arguments, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["query", *map(str, arguments), "--store", str(place)])
    assert done.exit_code == code, done.output
    if code:
        assert done.stdout == ""
        assert len([line for line in done.stderr.strip().splitlines() if "could be judged" not in line]) == 1
        return done.stderr
    assert [line for line in done.stderr.splitlines() if "could not be judged" not in line] == []
    return done.stdout


def status(place, *arguments) -> int:
    """The exit code alone."""
    return CliRunner().invoke(app, ["query", *map(str, arguments), "--store", str(place)]).exit_code


STORED = ("--from", iso(FROM), "--until", iso(FROM + 2 * DAY))
WINDOW_OPTIONS = ("--entity", "KP", "--from", iso(FROM + 23 * HOUR), "--until", iso(FROM + 26 * HOUR))


def expected() -> list[tuple[str, float | None]]:
    bins = range(23 * 12, 26 * 12)
    return [(iso(FROM + b * 300_000_000), None if np.isnan(SLASH24[b]) else SLASH24[b]) for b in bins]


def test_every_format_says_the_same(place, tmp_path):
    arguments = ("bgp.visible_slash24", *WINDOW_OPTIONS)
    rows = list(csv.DictReader(io.StringIO(query(place, *arguments, "--format", "csv"))))
    assert [(row["time"], float(row["value"]) if row["value"] else None) for row in rows] == expected()
    assert {(row["entity"], row["entity_type"], row["signal"]) for row in rows} == {
        ("KP", "country", "bgp.visible_slash24")
    }
    objects = json.loads(query(place, *arguments, "--format", "json"))
    assert [(one["time"], one["value"]) for one in objects] == expected()
    assert json.loads(query(place, *arguments, "--json")) == objects
    assert [json.loads(line) for line in query(place, *arguments, "--format", "jsonl").splitlines()] == objects
    assert query(place, *arguments, "--format", "parquet", "--out", tmp_path / "x.parquet") == ""
    frame = pl.read_parquet(tmp_path / "x.parquet")
    assert frame.schema["time"] == pl.Datetime("us", "UTC")
    assert frame["value"].to_list() == [value for _, value in expected()]
    table = query(place, *arguments).splitlines()
    assert table[0].split() == ["entity_type", "entity", "signal", "time", "bin_seconds", "value", "coverage", "source"]
    assert [line.split()[3] for line in table[1:]] == [time for time, _ in expected()]
    assert [line.split()[5] for line in table[1:]] == ["-" if v is None else f"{v:.1f}" for _, v in expected()]


def test_a_file_holds_what_would_be_printed_and_appears_whole(place, tmp_path):
    for format_ in ("csv", "json", "jsonl", "table"):
        arguments = ("bgp.visible_slash24", *WINDOW_OPTIONS, "--format", format_)
        out = tmp_path / f"out.{format_}"
        assert query(place, *arguments, "--out", out) == ""
        assert out.read_text() == query(place, *arguments)
    assert len(list(tmp_path.iterdir())) == 4


def test_all_signals_of_all_entities(place):
    rows = list(csv.DictReader(io.StringIO(query(place, "signals", "--format", "csv"))))
    assert len(rows) == 2 * 3 * 2 * 288
    assert len({(row["entity"], row["signal"], row["time"]) for row in rows}) == len(rows)
    days = [row["time"][:10] for row in rows]
    assert days == sorted(days)


@pytest.mark.parametrize("table", ["changes", "levels"])
def test_what_happened_to_an_entity(place, table):
    rows = json.loads(query(place, table, "--entity", "AS131279", "--format", "json"))
    assert rows
    assert {row["entity"] for row in rows} == {"AS131279"}
    assert all(row["time"].endswith("Z") for row in rows)
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)


def test_what_went_in_and_what_was_missing(place):
    (row,) = json.loads(query(place, "inputs", "--format", "json"))
    assert (row["name"], row["collector"], row["from"], row["day"]) == ("updates.gz", "rrc97", None, "2014-12-22")
    table = query(place, "gaps")
    assert "missing file" in table
    assert "\x1b" not in table  # nothing that a terminal obeys


def test_outages_as_they_are_known_now(place):
    rows = json.loads(query(place, "outages", "--entity", "KP", "--format", "json"))
    assert [row["id"] for row in rows] == ["KP-20141222T160000Z", "KP-20141223T160000Z"]
    assert rows[0]["onset"] == "2014-12-22T16:00:00Z"
    assert rows[0]["onset_earliest"] == "2014-12-22T15:59:30Z"
    assert rows[0]["end"] == "2014-12-23T01:00:00Z"
    assert rows[0]["duration_seconds"] == 9 * 3600
    assert (rows[0]["revision"], rows[0]["by"], rows[0]["why"]) == (1, "duskwatch", "test")
    assert len(query(place, "outages", "--from", iso(FROM + 30 * HOUR)).splitlines()) == 2


def test_outages_that_are_asked_for(place):
    def ids(*options):
        return [row["id"] for row in json.loads(query(place, "outages", *options, "--json"))]

    every = ids()
    rows = {row["id"]: row for row in json.loads(query(place, "outages", "--json"))}
    assert len(every) > 1
    assert ids("--longer", "9h") == [one for one in every if rows[one]["duration_seconds"] >= 9 * 3600]
    assert ids("--loss", "0.99") == [one for one in every if rows[one]["depth"] >= 0.99]
    assert ids("--type", "country") == [one for one in every if rows[one]["entity_type"] == "country"]
    assert ids("--limit", "1") == every[:1]
    none = CliRunner().invoke(app, ["query", "outages", "--longer", "30d", "--json", "--store", place])
    assert (none.exit_code, none.stdout) == (1, "[]\n")


def test_a_table_of_outages_fits_a_terminal(place):
    lines = query(place, "outages").splitlines()
    assert lines[0].split() == ["id", "entity", "onset", "end", "lasted", "lost_%", "relapses", "part_in", "sources"]
    assert "9 h" in lines[1]
    assert max(map(len, lines)) <= 140


def test_rows_of_any_table_may_be_limited(place):
    assert len(query(place, "signals", "--format", "jsonl", "--limit", "7").splitlines()) == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["signals", "--longer", "1h"], "--type, --longer and --loss are for outages"),
        (["outages", "--longer", "soon"], "'soon' is no length of time; write 90s, 30m"),
        (["outages", "--type", "city"], "--type city: one of country, asn, prefix"),
        (["outages", "--loss", "60"], "--loss 60.0: a share from 0 to 1"),
        (["outages", "--limit", "0"], "--limit 0: at least 1"),
        (["bgp.nothing"], "no signal 'bgp.nothing' in this store; there are bgp.announcements, bgp.visible_prefixes"),
        (["nothing"], "'nothing': a signal, such as bgp.peers_live, or signals, outages, judged, changes"),
        (["signals", "--entity", "Korea"], "'Korea' is not a country"),
        (["signals", "--from", "noon"], "'noon' is not a time"),
        (["signals", "--from", "2014-12-23", "--until", "2014-12-22"], "--until 2014-12-22 is not after"),
        (["signals", "--format", "xml"], "--format xml: one of table, csv, json, jsonl, parquet"),
        (["signals", "--format", "parquet"], "give --out FILE"),
        (["signals", "--out", "/nowhere/x"], "--out /nowhere/x: no such folder"),
        (["signals", "--out", "/"], "a folder; name a file"),
        (["gaps", "--entity", "KP"], "table gaps is not about entities"),
        (["signals", "--storage-option", "secret"], "--storage-option secret: write KEY=VALUE"),
        (["outages", "--database", "mysql://x/y"], "there are sqlite:// and postgresql://"),
    ],
)
def test_wrong_usage_is_one_line(place, arguments, message):
    assert message in query(place, *arguments, code=2)


def test_where_there_is_no_store(tmp_path):
    assert "no store there; name one with --store" in query(tmp_path, "signals", code=2)
    assert "begin with file://, s3://" in query("ftp://host/x", "signals", code=2)


@pytest.mark.parametrize("format_", ["table", "csv", "json", "parquet"])
def test_nothing_found_is_exit_code_1_and_no_file(place, tmp_path, format_):
    out = tmp_path / "kept"
    out.write_text("before")
    arguments = ("bgp.visible_slash24", "--entity", "FR", "--format", format_, "--out", out)
    assert "nothing stored matches" in query(place, *arguments, code=1)
    assert "nothing stored matches" in query(place, "outages", "--entity", "FR", code=1)
    assert "nothing stored matches" in query(place, "changes", "--from", iso(FROM + 90 * DAY), code=1)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


def test_names_of_the_store_may_come_from_the_environment(place):
    done = CliRunner(env={"DUSKWATCH_STORE": place}).invoke(app, ["query", "outages"])
    assert done.exit_code == 0
    assert "KP-20141222T160000Z" in done.stdout


def test_a_reader_that_has_enough_is_no_error(place):
    program = "from duskwatch.cli.app import main; import sys; sys.argv = ['duskwatch', *sys.argv[1:]]; main()"
    with subprocess.Popen(
        [sys.executable, "-c", program, "query", "signals", "--format", "csv", "--store", place],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout.readline().startswith(b"entity_type,entity,signal")
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


def test_beside_outages_it_is_said_what_could_not_be_judged(place):
    window = ("--from", iso(FROM), "--until", iso(FROM + 4 * DAY))
    done = CliRunner().invoke(app, ["query", "outages", *window, "--store", place, "--entity", "KP"])
    assert done.exit_code == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("duskwatch query: KP: ")
    assert "could not be judged" in line
    assert f"to {iso(FROM + 4 * DAY)} because nobody was watching" in line


def test_nothing_found_of_what_is_not_stored_is_no_all_clear(place):
    window = ("--from", iso(FROM + 5 * DAY), "--until", iso(FROM + 6 * DAY))
    done = CliRunner().invoke(app, ["query", "outages", *window, "--store", place])
    assert done.exit_code == 1
    assert "none of the 1 d could be judged" in done.stderr
    assert "nothing stored matches" in done.stderr


def test_what_was_judged_as_rows(place):
    window = ("--from", iso(FROM - HOUR), "--until", iso(FROM + HOUR))
    rows = json.loads(query(place, "judged", "--entity", "KP", *window, "--json"))
    assert rows[0] == {
        "entity_type": "country",
        "entity": "KP",
        "from": iso(FROM - HOUR),
        "until": iso(FROM),
        "judged": False,
        "reason": "not-watched",
    }
    assert rows[-1]["until"] == iso(FROM + HOUR)
    assert "give --entity, --from and --until" in query(place, "judged", code=2)


def test_an_exit_code_for_scripts_tells_found_none_and_not_judged(place, tmp_path):
    outages = ("outages", "--exit-code", "--entity", "KP")
    assert status(place, *outages) == 3
    assert status(place, *outages, "--loss", "1", "--longer", "30d") == 4  # a part of what is stored was not watched
    judged = json.loads(query(place, "judged", "--entity", "KP", *STORED, "--json"))
    clear = next(row for row in judged if row["judged"])
    window = ("--from", clear["from"], "--until", clear["until"])
    assert status(place, *outages, *window, "--longer", "30d") == 0
    beyond = ("--from", iso(FROM + 5 * DAY), "--until", iso(FROM + 6 * DAY))
    assert status(place, *outages, *beyond) == 4
    assert status(place, "changes", "--exit-code") == 2
    empty = tmp_path / "store"
    Store.open(empty, create=True)
    assert status(empty, "outages", "--exit-code") == 4


def test_a_re_enactment_in_a_store_is_said_to_be_one(tmp_path):
    store = Store.open(tmp_path / "store", create=True)
    put_day(store, DAY1, [(KP, two_days())])
    with store.write_day(DAY1, source="bgp") as writer:
        writer.recorded(FROM, FROM + DAY, reenactment="This is a re-enactment: made up.")
        writer.gaps([Gap("rrc97", FROM, FROM + HOUR, "missing file", 3)])
    store.record_outages(WINDOW, [Finding(KP, (FIRST,))], source="bgp", detector="d", why="test")
    done = CliRunner().invoke(app, ["query", "outages", "--json", "--store", str(tmp_path / "store")])
    assert "This is a re-enactment: made up." in done.stderr
    assert [row["reenactment"] for row in json.loads(done.stdout)] == ["This is a re-enactment: made up."]
    done = CliRunner().invoke(app, ["query", "bgp.visible_slash24", "--store", str(tmp_path / "store")])
    assert "This is a re-enactment: made up." in done.stderr


def test_of_a_day_that_was_recorded_in_part_the_rest_is_not_judged(tmp_path):
    store = Store.open(tmp_path / "store", create=True)
    put_day(store, DAY1, [(KP, two_days())])
    with store.write_day(DAY1, source="bgp") as writer:
        writer.recorded(FROM, FROM + 6 * HOUR)
        writer.gaps([Gap("rrc97", FROM, FROM + HOUR, "missing file", 3)])
    window = ("--from", iso(FROM), "--until", iso(FROM + DAY))
    done = CliRunner().invoke(app, ["query", "outages", *window, "--store", str(tmp_path / "store")])
    assert f"18 h of the 1 d could not be judged: from {iso(FROM + 6 * HOUR)} to {iso(FROM + DAY)}" in done.stderr
    arguments = ["query", "judged", "--entity", "AS64512", *window, "--json", "--store", str(tmp_path / "store")]
    rows = json.loads(CliRunner().invoke(app, arguments).stdout)
    assert [(row["until"], row["reason"]) for row in rows] == [
        (iso(FROM + 6 * HOUR), "nothing-heard"),
        (iso(FROM + DAY), "not-watched"),
    ]
