"""`duskwatch store`: what it says and does, and what it refuses."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from duskwatch.cli.app import app
from duskwatch.records.findings import Finding
from duskwatch.store import Store, database
from tests.store.build import DAY1, DAY2, KP, put_day, two_days
from tests.store.test_revisions import FIRST, WINDOW
from tests.store.test_store import frame_of
from tests.store.test_table_migrations import old_store  # noqa: F401


@pytest.fixture
def place(tmp_path) -> str:
    store = Store.open(tmp_path / "store", create=True)
    for day in (DAY1, DAY2):
        put_day(store, day, [(KP, two_days())])
    store.write_signals(DAY1, frame_of(DAY1, 1.0), source="bgp")
    store.record_outages(WINDOW, [Finding(KP, (FIRST,))], source="bgp", detector="d", why="test")
    return store.location.root


def run(*arguments, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["store", *map(str, arguments)])
    assert done.exit_code == code, done.output
    if code:
        assert len(done.stderr.strip().splitlines()) == 1
        return done.stderr
    return done.stdout


def test_info_tells_what_there_is(place):
    lines = run("info", "--store", place).splitlines()
    assert lines[0] == place
    assert lines[-1] == "1 outages, 1 outage revisions, 0 incidents, 0 notes"
    signals = next(line.split() for line in lines if line.startswith("signals"))
    assert signals[:2] + signals[3:8] == ["signals", "3", "2014-12-22", "2014-12-23", "2", "9", "2"]
    document = json.loads(run("info", "--store", place, "--json"))
    (table,) = [one for one in document["tables"] if one["name"] == "signals"]
    assert (table["rows"], table["last_day"], table["unused_files"]) == (9, "2014-12-23", 1)
    assert document["events"]["outages"] == 1


def test_unused_files_are_shown_then_removed(place):
    assert "signals: 0 files to remove" in run("vacuum", "--store", place, "--dry-run")
    shown = run("vacuum", "--store", place, "--older-than", "0h", "--dry-run")
    assert "signals: 1 files to remove\n  source=bgp/day=2014-12-22/generation=" in shown
    assert len(json.loads(run("vacuum", "--store", place, "--older-than", "0h", "--json"))["signals"]) == 1
    assert "signals: 0 files removed" in run("vacuum", "--store", place, "--older-than", "0h")


def test_old_days_are_taken_out_by_date_or_by_age(place):
    assert "signals: 6 rows of days before 2014-12-23 taken out" in run(
        "retain", "--before", "2014-12-23", "--store", place
    )
    assert Store.open(place).days() == [DAY2]
    age = (datetime.now(UTC).date() - DAY2) // timedelta(days=1)
    run("retain", "--keep", f"{age + 1}d", "--store", place)
    assert Store.open(place).days() == [DAY2]
    document = json.loads(run("retain", "--keep", "1w", "--store", place, "--json"))
    assert document["rows"]["signals"] == 3
    assert Store.open(place).days() == []
    assert len(Store.open(place).outages()) == 1


def test_files_are_merged(place):
    assert "signals: 2 files, now 2" in run("compact", "--store", place)
    assert json.loads(run("compact", "--store", place, "--json"))["dump_checks"] == {
        "files_before": 0,
        "files_after": 0,
    }


def test_an_old_store_is_brought_up_to_date(old_store):  # noqa: F811
    assert "run: duskwatch store migrate --store" in run("info", "--store", old_store, code=2)
    database.migrate(old_store / "events.sqlite", "0001")
    done = run("migrate", "--store", old_store)
    assert "signals: from version 1 to 2\nsignals: from version 2 to 3\n" in done
    assert "levels: made\n" in done
    assert f"database: from version 0001 to {database.HEAD}\n" in done
    assert run("migrate", "--store", old_store) == "up to date\n"
    assert "0 outages" in run("info", "--store", old_store)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["retain"], "give one of --keep 90d and --before"),
        (["retain", "--keep", "90d", "--before", "2014-12-23"], "give one of --keep 90d and --before"),
        (["retain", "--keep", "90"], "--keep 90: a number with h, d or w"),
        (["retain", "--before", "yesterday"], "--before yesterday: a date"),
        (["vacuum", "--older-than", "-1d"], "--older-than -1d: a number with h, d or w"),
    ],
)
def test_wrong_usage_is_one_line(place, arguments, message):
    assert message in run(*arguments, "--store", place, code=2)


@pytest.mark.parametrize("name", ["info", "compact", "vacuum", "migrate"])
def test_where_there_is_no_store(tmp_path, name):
    assert "no store there; name one with --store" in run(name, "--store", tmp_path / "x", code=2)
    assert not (tmp_path / "x").exists()
