"""A store whose writer is killed, or whose disk is full: what was there is there, whole, and it goes on."""

import errno
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from duskwatch.store import Store, maintenance
from tests.store.build import DAY1, DAY2
from tests.store.test_store import frame_of

ENTITIES = 800
ROUNDS = 20
ROOT = Path(__file__).resolve().parents[2]

# Imports once, then forks a writer for each line it reads: "seed". The writer is killed after a random pause. delta-rs
# starts its threads with the first write, so the parent has none that a fork could lose.
NURSERY = """
import os, random, signal, sys, time
from duskwatch.store import Store
from tests.store.test_crash import ENTITIES
from tests.store.build import DAY1
from tests.store.test_store import frame_of

first = 1
for line in sys.stdin:
    seed = int(line)
    pipe_out, pipe_in = os.pipe()
    child = os.fork()
    if child == 0:
        store = Store.open(sys.argv[1])
        n = first
        while True:
            store.write_signals(DAY1, frame_of(DAY1, float(n), ENTITIES))
            os.write(pipe_in, n.to_bytes(8, "big"))
            n += 1
    time.sleep(random.Random(seed).uniform(0.03, 0.15))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(pipe_in)
    told = b""
    while piece := os.read(pipe_out, 4096):
        told += piece
    os.close(pipe_out)
    done = int.from_bytes(told[-8:], "big")
    print(done, first, flush=True)
    first = max(done, first) + 2
"""


def value_of_day(store: Store) -> float:
    """The one value that all bins of the day have."""
    rows = store.signal_rows().collect()
    assert rows.height == 2 * ENTITIES
    assert rows["values"].list.len().unique().to_list() == [288]
    (value,) = rows["values"].explode().unique().to_list()
    return float(value)


def test_killed_at_any_moment_the_store_holds_the_old_day_or_the_new(tmp_path):
    store = Store.open(tmp_path / "store", create=True)
    store.write_signals(DAY1, frame_of(DAY1, 0.0, ENTITIES))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed_inside, was = 0, 0.0
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY, store.location.root],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT,
    ) as nursery:  # fmt: skip
        try:
            for seed in range(ROUNDS):
                print(seed, file=nursery.stdin, flush=True)
                assert select.select([nursery.stdout], [], [], 30)[0], "the writer does not answer"
                done, first = map(int, nursery.stdout.readline().split())
                found = value_of_day(store)
                assert found in ((done, done + 1) if done else (was, first)), f"{done=} {was=}"
                killed_inside += found in (done, was)
                was = found
        finally:
            nursery.kill()
    assert killed_inside >= ROUNDS // 2  # else this test has not tried what it says
    store.write_signals(DAY1, frame_of(DAY1, -1.0, ENTITIES))
    assert value_of_day(store) == -1.0
    maintenance.vacuum(store.location, timedelta(0))
    left = {str(path) for path in (tmp_path / "store" / "signals").rglob("*") if path.is_file()}
    used = set(pl.Series(maintenance.tables.open_any(store.location, "signals").file_uris()))
    assert {path for path in left if "_delta_log" not in path} == used


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system of 3 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.getuid() != 0:
        pytest.skip("mounting a small file system needs root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def noise(day, entities: int) -> pl.DataFrame:
    """Rows that do not compress."""
    frame = frame_of(day, 0.0, entities)
    numbers = pl.Series(range(288 * frame.height)).shuffle(seed=1).cast(pl.Float64) / 7
    return frame.with_columns(values=numbers.reshape((frame.height, 288)).arr.to_list())


def test_a_full_disk_is_named_and_what_was_there_stays(small_disk):
    store = Store.open(small_disk / "store", create=True)
    store.write_signals(DAY1, noise(DAY1, 100))
    before = store.signals().collect()
    for day in (DAY1, DAY2):
        with pytest.raises(OSError, match="no space left") as caught:
            store.write_signals(day, noise(day, 1000))
        assert caught.value.errno == errno.ENOSPC
        assert caught.value.filename == f"{small_disk}/store/signals"
        assert "vacuum" in str(caught.value)
        assert Store.open(small_disk / "store").signals().collect().equals(before)
    maintenance.vacuum(store.location, timedelta(0))
    store.write_signals(DAY2, noise(DAY2, 100))
    assert store.days() == [DAY1, DAY2]
    assert store.signals().collect().height == 2 * before.height
