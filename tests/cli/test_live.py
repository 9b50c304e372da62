"""`duskwatch live` as a process: usage, a whole replay, and a clean end when it is told to stop."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from duskwatch.records.entity import parse_entity
from duskwatch.records.times import iso
from duskwatch.store import Store, StoreError
from duskwatch.store.outbox import NewAlert, put
from tests.small_archive import Archive, at, delegations

MAIN = [sys.executable, "-c", "from duskwatch.cli.app import main; main()", "live"]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Three hours of KP, which is lost from minute 95 to minute 140."""
    made = Archive({"rrc91": 4, "rrc92": 3, "route-views.a": 3}, hours=3)
    made.talk()
    made.lose(made.peers(), 95, 140)
    delegations(tmp_path)
    return made.write(tmp_path / "mrt")


def live(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    given = ["--geo", str(folder / "delegated-small"), "--store", str(folder / "store"), *words]
    return subprocess.run([*MAIN, *given], capture_output=True, text=True, timeout=300, check=False)


def test_a_replay_from_the_command_line(archive, tmp_path):
    done = live(tmp_path, "KP", "--replay", str(archive), "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    (entity,) = document["entities"]
    assert (document["schema"], document["until"], entity["code"]) == ("duskwatch.live/1", iso(at(180)), "KP")
    (outage,) = entity["outages"]
    assert outage["onset"]["best"].startswith("2020-03-02T01:35:")
    (stored,) = Store.open(tmp_path / "store").outages()
    assert (stored.sources, stored.newest.state) == (("bgp-live",), "ended")
    assert done.stderr == ""
    told = live(tmp_path, "KP", "--replay", str(archive))
    assert told.returncode == 0
    assert "2020-03-02 01:35:" in told.stdout
    assert "North Korea" in told.stdout
    assert len(Store.open(tmp_path / "store").outages()) == 1, "the same replay again adds nothing"


def test_told_to_stop_it_writes_what_it_knows(archive, tmp_path):
    """At a speed at which the whole takes an hour; KP is lost within a few seconds of it."""
    words = ["--geo", str(tmp_path / "delegated-small"), "--store", str(tmp_path / "store"), "--from", iso(at(90))]
    process = subprocess.Popen(
        [*MAIN, "KP", "--replay", str(archive), "--speed", "60", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 240
        found = []
        while not found and time.monotonic() < deadline:
            time.sleep(0.5)
            with suppress(StoreError):  # not made yet
                found = Store.open(tmp_path / "store").outages(entities=[parse_entity("KP")])
        assert found, "it was told while it lasted"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert "lasts" in out
    (stored,) = Store.open(tmp_path / "store").outages()
    assert stored.newest.state == "open"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["KP"], "no source: give --config"),
        (["--replay", "{mrt}"], "nothing to watch"),
        (["KP", "--replay", "nowhere"], "nowhere: no such file or folder"),
        (["KP", "--replay", "{mrt}", "--speed", "fast"], "--speed fast: a number above 0, or max"),
        (["KP", "--replay", "{mrt}", "--from", "2031-01-01", "--until", "2031-01-02"], "no MRT file covers"),
        (["KPP", "--replay", "{mrt}"], "KPP"),
    ],
)
def test_wrong_usage_is_one_line(archive, tmp_path, words, said):
    done = live(tmp_path, *(word.format(mrt=archive) for word in words))
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


CONFIG = """
[watch]
entities = ["KP"]
geo = ["delegated-small"]
[[source]]
kind = "bmp"
listen = "127.0.0.1:0"
[[channel]]
kind = "lines"
name = "file"
path = "alerts.txt"
[[channel]]
kind = "webhook"
name = "nowhere"
url = "http://127.0.0.1:1/"
secret = "a secret"
"""


def duskwatch(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*MAIN[:-1], *words], capture_output=True, text=True, timeout=300, check=False)


def test_a_configuration_is_checked_and_shown(tmp_path):
    delegations(tmp_path)
    path = tmp_path / "live.toml"
    path.write_text(CONFIG)
    done = duskwatch("live", "--config", str(path), "--check")
    assert (done.returncode, done.stdout) == (0, f"{path}: fine\n"), done.stderr
    done = duskwatch("live", "--config", str(path), "--dump")
    assert done.returncode == 0
    assert 'secret = "***"' in done.stdout
    assert "bin_seconds = 300" in done.stdout
    path.write_text(CONFIG + "[stroe]\n[http]\nadress = ''\n")
    done = duskwatch("live", "--config", str(path), "--check")
    assert done.returncode == 2
    assert "stroe: no such table" in done.stderr
    assert "http.adress: no such key" in done.stderr
    assert "a secret" not in done.stderr


def test_channels_are_tested_and_alerts_listed(tmp_path):
    path = tmp_path / "live.toml"
    path.write_text(CONFIG)
    done = duskwatch("alerts", "test", "--config", str(path))
    assert done.returncode == 1
    assert "file: taken" in done.stdout
    assert "nowhere: ConnectError" in done.stdout
    assert "A test of channel file: no outage." in (tmp_path / "alerts.txt").read_text()
    Store.open(tmp_path / "store", create=True)
    put(
        Store.open(tmp_path / "store").events(),
        [NewAlert("KP-1/opened", "KP-1", "opened", at(0), {"text": "told"}, (("file", 0),))],
    )
    store = ["--store", str(tmp_path / "store")]
    listed = duskwatch("alerts", "list", *store)
    assert (listed.returncode, "KP-1/opened  file waiting" in listed.stdout) == (0, True)
    assert duskwatch("alerts", "ack", "KP-1", "--author", "NOC", *store).stdout == "1 alert seen\n"
    (document,) = json.loads(duskwatch("alerts", "list", "KP-1", "--json", *store).stdout)
    assert document["seen"]["by"] == "NOC"
    assert duskwatch("alerts", "list", "SY-1", *store).returncode == 1
    assert duskwatch("alerts", "ack", "SY-1", *store).returncode == 2
