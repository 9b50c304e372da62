"""Connection logs of RIPE Atlas: real ones, odd ones, hostile ones."""

import contextlib
import gzip
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.records.errors import DuskwatchError
from duskwatch.sources.probing import connections
from duskwatch.sources.probing.connections import ConnectionLogError, read_connections
from duskwatch.sources.probing.probe_list import ProbeListError, read_probe_countries

GOOD = {
    "msm_id": 7000, "timestamp": 1464739737, "controller": "ctr-ams15", "asn": 64500, "prefix": "192.0.2.0/24",
    "prb_id": 7, "type": "connection", "event": "disconnect",
}  # fmt: skip


def written(folder: Path, *entries, name: str = "log.json") -> Path:
    path = folder / name
    path.write_text("\n".join(map(json.dumps, entries)))
    return path


REAL = {
    "2011-01-15_msmId7000.json.gz": (1835, 97, 0),
    "generalApril29_7000_20160429.json.gz": (10497, 1722, 29),
    "2016-07-26_msmId7000.json.gz": (10561, 1847, 20),
    "ke.dat": (249, 18, 10),
}


@pytest.mark.parametrize("name", REAL)
def test_real_logs_are_read_whole_and_in_order(shared_data, name):
    events, probes, controllers = REAL[name]
    log = read_connections([shared_data / "atlas" / "connections" / name])
    assert len(log) == log.count.read == events
    assert log.count.bad == log.count.doubled == 0
    assert len(np.unique(log.probe)) == probes
    assert len(log.controllers) >= controllers
    assert (np.diff(log.time_us) >= 0).all()


def test_networks_that_are_not_recorded_are_zero(shared_data):
    log = read_connections([shared_data / "atlas" / "connections" / "2011-01-15_msmId7000.json.gz"])
    assert int((log.asn == 0).sum()) == 666
    assert (log.controller == -1).all()


@pytest.mark.parametrize(
    ("asn", "want"), [(64500, 64500), ("64500", 64500), ("AS64500", 64500), (None, 0), ("", 0), (64500.0, 64500)]
)
def test_an_asn_is_a_number_a_text_or_absent(tmp_path, asn, want):
    assert read_connections([written(tmp_path, {**GOOD, "asn": asn})]).asn.tolist() == [want]


@pytest.mark.parametrize("controller", ["", None, "absent"])
def test_a_controller_may_be_missing(tmp_path, controller):
    event = {key: value for key, value in GOOD.items() if key != "controller"}
    if controller != "absent":
        event["controller"] = controller
    log = read_connections([written(tmp_path, event)])
    assert log.controller.tolist() == [-1]
    assert log.controllers == ()


BAD = {
    "no time": {"timestamp": None},
    "a time before the platform": {"timestamp": 12},
    "a time in milliseconds": {"timestamp": 1464739737000},
    "a time that is none": {"timestamp": "soon"},
    "no number of a probe": {"prb_id": -3},
    "a probe that is a word": {"prb_id": "seven"},
    "another event": {"event": "reboot"},
    "another type": {"type": "ping"},
    "an AS that cannot be": {"asn": 2**32},
    "an AS that is a word": {"asn": "none"},
    "an AS that is a list": {"asn": [1]},
    "a number without end": {"timestamp": 1e300},
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_entry_is_counted_with_its_place_and_kept_out(tmp_path, what):
    path = written(tmp_path, GOOD, {**GOOD, "prb_id": 8, **BAD[what]}, {**GOOD, "prb_id": 9})
    log = read_connections([path])
    assert log.probe.tolist() == [7, 9]
    assert log.count.bad == 1
    assert log.count.examples[0].place == "log.json, line 2"
    assert log.count.examples[0].reason


def test_events_said_twice_count_once_over_files(tmp_path):
    first = written(tmp_path, GOOD, {**GOOD, "event": "connect"}, name="a.json")
    again = tmp_path / "b.json.gz"
    again.write_bytes(gzip.compress(json.dumps([GOOD]).encode()))
    log = read_connections([first, again])
    assert len(log) == 2
    assert log.count.doubled == 1
    assert log.connects.tolist() == [False, True]


def test_a_file_without_an_event_is_refused_by_name(tmp_path):
    with pytest.raises(ConnectionLogError, match=r"log\.json: no connection event"):
        read_connections([written(tmp_path, {"type": "ping"})])


def test_names_of_controllers_are_cleaned_and_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(connections, "MOST_CONTROLLERS", 2)
    events = [{**GOOD, "prb_id": 1 + n, "controller": f"c\u202e{n}" + "x" * 999} for n in range(3)]
    log = read_connections([written(tmp_path, *events)])
    assert all(name.isprintable() and len(name) <= 64 for name in log.controllers)
    assert (len(log), log.count.bad) == (2, 1)


def test_more_events_than_are_held_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(connections, "MOST_EVENTS", 2)
    with pytest.raises(ConnectionLogError, match="fewer files"):
        read_connections([written(tmp_path, *({**GOOD, "prb_id": 1 + n} for n in range(3)))])


_JUNK = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.lists(st.integers(), max_size=2)
)


@settings(max_examples=150)
@given(st.lists(st.dictionaries(st.sampled_from(sorted(GOOD)), _JUNK, max_size=4), max_size=4), st.binary(max_size=40))
def test_whatever_entries_hold_the_good_ones_are_read(changes, noise):
    lines = [json.dumps(GOOD), *(json.dumps({**GOOD, **change}) for change in changes)]
    data = "\n".join(lines).encode() + b"\n" + noise
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(data)
        log = read_connections([path])
        assert len(log) >= 1
        assert 7 in log.probe
        path.write_bytes(noise)
        with contextlib.suppress(DuskwatchError):
            read_connections([path])


def test_a_list_of_probes_says_where_each_is(tmp_path):
    probes = [
        {"id": 1, "country_code": "ke"},
        {"id": 2, "country_code": None},
        {"id": "x"},
        {"id": 3, "country_code": "TZ"},
    ]
    for data in (probes, {"results": probes}, {"objects": probes}):
        path = tmp_path / "probes.json"
        path.write_text(json.dumps(data))
        assert read_probe_countries(path) == {1: "KE", 3: "TZ"}
    path.write_text("{}")
    with pytest.raises(ProbeListError):
        read_probe_countries(path)
