"""Two sources in one store: what each recorded stays, and what they concluded is one outage."""

import os
import subprocess
import sys
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from duskwatch.detection.conclusions import fuse_conclusions
from duskwatch.records.findings import Finding
from duskwatch.records.report import InputFile
from duskwatch.records.signals import Gap, SignalBlock, SignalSpec
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND, iso
from duskwatch.store import Store, StoreError, blocks_frame
from duskwatch.store.revisions import outage_history
from tests.store.build import DAY1, FROM, KP
from tests.store.test_revisions import FIRST, SECOND_LOSS, WINDOW, outage, when

ROOT = Path(__file__).resolve().parents[2]
UP = SignalSpec("probing.up", "probing", "reach", "hosts", "mean", less_is_loss=True)
TABLE = SignalSpec("bgp.visible_slash24", "routing", "reach", "/24s", "level", less_is_loss=True)
# Each source: length of bins in seconds, what it measures, and the outage that it saw.
SOURCES = {
    "bgp": (300, TABLE, FIRST),
    "probing": (
        600,
        UP,
        replace(
            outage(FROM + 16 * HOUR + 5 * MINUTE, FROM + 24 * HOUR + 50 * MINUTE, signals=(UP.name,)),
            onset=when(FROM + 16 * HOUR + 5 * MINUTE, 10 * MINUTE),
            end=when(FROM + 24 * HOUR + 50 * MINUTE, 10 * MINUTE),
            confidence=0.6,
        ),
    ),
}


def record(root: str, source: str) -> None:
    """What one recorder does: its tables of a day, and its outage."""
    seconds, spec, found = SOURCES[source]
    store = Store.open(root)
    bins = 86_400 // seconds
    block = SignalBlock((spec,), FROM, seconds * SECOND, np.full((1, bins), float(seconds)), np.ones((1, bins)))
    with store.write_day(DAY1, source=source) as writer:
        writer.inputs([InputFile(f"{source}.gz", "00" * 32, source, FROM, FROM + DAY)])
        writer.gaps([Gap(f"{source}-box", FROM + seconds * SECOND, FROM + HOUR, "missing file")])
        writer.signals(blocks_frame([(KP, block)], DAY1))
    store.record_outages(
        WINDOW, [Finding(KP, (found,))], source=source, detector=f"{source}/1", why="analysis", fuse=fuse_conclusions
    )


def started(root: str, source: str) -> subprocess.Popen[bytes]:
    """The recorder in a process of its own."""
    code = f"from tests.store.test_two_sources import record; record({root!r}, {source!r})"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=ROOT)


def told(store: Store) -> dict[str, object]:
    """All that a store says of the day, but ids of rows and times of recording."""
    (one,) = store.outages()
    return {
        "gaps": store.rows("gaps").collect().select("source", "vantage_point", "from", "until").rows(),
        "inputs": store.rows("inputs").collect().select("source", "name", "kind").rows(),
        "signals": store.signals().collect().group_by("source", "signal", "bin_seconds").len().sort("source").rows(),
        "outage": repr(one.newest.outage),
        "sources": one.sources,
        "detector": one.detector,
        "concluded": [(each.source, each.detector, repr(each.outage)) for each in one.newest.concluded],
    }


def check(store: Store) -> None:
    found = told(store)
    assert [(source, place) for source, place, *_ in found["gaps"]] == [("bgp", "bgp-box"), ("probing", "probing-box")]
    assert found["inputs"] == [("bgp", "bgp.gz", "bgp"), ("probing", "probing.gz", "probing")]
    assert found["signals"] == [("bgp", TABLE.name, 300, 288), ("probing", UP.name, 600, 144)]
    assert found["sources"] == ("bgp", "probing")
    assert [source for source, _, _ in found["concluded"]] == ["bgp", "probing"]
    for source, _, saw in found["concluded"]:
        assert saw == repr(SOURCES[source][2])
    (one,) = store.outages()
    both = one.newest.outage
    assert both.onset.earliest_us <= FIRST.onset.best_us <= both.onset.latest_us
    assert set(both.signals) == {TABLE.name, UP.name}
    # Two kinds of measurement are surer than each by itself.
    assert both.confidence == pytest.approx(1 - (1 - 0.9) * (1 - 0.6))
    history = store.history(KP, FROM, FROM + DAY)
    assert (history.signals.bin_us, [block.bin_us for block in history.series]) == (300 * SECOND, [600 * SECOND])
    assert {gap.source for gap in history.gaps} == {"bgp-box", "probing-box"}


@pytest.mark.parametrize("order", list(permutations(SOURCES)), ids=" then ".join)
def test_two_processes_one_after_the_other_in_either_order(tmp_path, order):
    store = Store.open(tmp_path / "store", create=True)
    for source in order:
        assert started(store.location.root, source).wait(120) == 0
    check(store)
    (one,) = store.outages()
    past = outage_history(store.events(), one.uid)
    assert [len(each.concluded) for each in past] == [1, 2]


def test_two_processes_at_the_same_time(tmp_path):
    store = Store.open(tmp_path / "store", create=True)
    processes = [started(store.location.root, source) for source in SOURCES]
    assert [process.wait(120) for process in processes] == [0, 0]
    check(store)


def test_the_order_changes_nothing_that_is_told(tmp_path):
    answers = []
    for n, order in enumerate(permutations(SOURCES)):
        store = Store.open(tmp_path / f"store{n}", create=True)
        for source in (*order, *order):  # what is recorded again adds nothing
            record(store.location.root, source)
        answers.append(told(store))
        assert len(outage_history(store.events(), store.outages()[0].uid)) == 2
    assert answers[0] == answers[1]


def put(store: Store, source: str, *found, window=WINDOW, **more):
    more = {"fuse": fuse_conclusions, **more}
    return store.record_outages(window, [Finding(KP, found)], source=source, detector="d/1", why="analysis", **more)


@pytest.fixture
def store(tmp_path) -> Store:
    return Store.open(tmp_path / "store", create=True)


def test_what_one_source_takes_back_the_other_holds_to(store):
    probed = SOURCES["probing"][2]
    put(store, "bgp", FIRST)
    (uid,) = put(store, "probing", probed).uids
    assert put(store, "bgp").withdrawn == ()
    (one,) = store.outages()
    assert (one.uid, one.sources, one.newest.outage) == (uid, ("probing",), one.newest.outage)
    assert repr(one.newest.outage) == repr(probed)
    assert put(store, "probing").withdrawn == (uid,)
    assert store.outages() == []


def test_an_outage_that_one_source_alone_saw_stands_beside_that_of_both(store):
    put(store, "bgp", FIRST, SECOND_LOSS)
    put(store, "probing", SOURCES["probing"][2])
    assert [one.sources for one in store.outages()] == [("bgp", "probing"), ("bgp",)]
    again = put(store, "bgp", FIRST, SECOND_LOSS)
    assert (again.new, again.revised, again.withdrawn, again.superseded) == ((), (), (), ())


def test_two_outages_of_one_source_that_another_tells_as_one_are_one(store):
    halves = [outage(FROM + hour * HOUR, FROM + (hour + 2) * HOUR) for hour in (16, 20)]
    put(store, "bgp", *halves)
    assert len(store.outages()) == 2
    done = put(store, "probing", outage(FROM + 16 * HOUR, FROM + 22 * HOUR))
    (one,) = store.outages()
    assert (one.uid,) == done.uids
    assert len(done.superseded) == 1
    assert [each.source for each in one.newest.concluded] == ["bgp", "bgp", "probing"]
    assert one.newest.outage.relapses == 1
    # Where the other takes that back they are two again.
    put(store, "probing")
    assert [iso(each.newest.outage.onset.best_us) for each in store.outages()] == [
        iso(half.onset.best_us) for half in halves
    ]


def test_what_another_detector_of_a_source_finds_supersedes_beside_other_sources_too(store):
    (uid, later) = put(store, "bgp", FIRST, SECOND_LOSS).uids
    put(store, "probing", SOURCES["probing"][2])
    found = [Finding(KP, (FIRST, SECOND_LOSS))]
    more = {"source": "bgp", "detector": "d/2", "why": "analysis", "fuse": fuse_conclusions}
    done = store.record_outages(WINDOW, found, **more)
    assert (done.superseded, done.withdrawn, done.uids[0]) == ((later,), (), uid)


def test_without_a_way_to_make_them_one_the_second_source_is_refused_and_nothing_changes(store):
    put(store, "bgp", FIRST)
    with pytest.raises(StoreError, match="KP: several sources tell of it, and nothing says how to make them one"):
        put(store, "probing", SOURCES["probing"][2], fuse=None)
    (one,) = store.outages()
    assert one.sources == ("bgp",)
    # Nobody else tells of this entity.
    other = Finding(replace(KP, code="DJ"), (FIRST,))
    assert len(store.record_outages(WINDOW, [other], source="probing", detector="d", why="x").new) == 1
