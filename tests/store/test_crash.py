"""A store whose writer is killed, or whose disk is full: what was there is there, whole, and it goes on."""

import errno
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from duskwatch.records.report import InputFile
from duskwatch.records.signals import Gap
from duskwatch.records.times import DAY
from duskwatch.store import Store, change_frames, level_frames, maintenance
from duskwatch.store.frames import LEVEL_VALUES
from duskwatch.store.schemas import TABLES
from tests.store.build import DAY1, DAY2, FROM, KP, two_days
from tests.store.test_store import check_rows, frame_of

ENTITIES = 800
ROUNDS = 20
ROOT = Path(__file__).resolve().parents[2]

# Imports once, then forks a writer for each line it reads. delta-rs starts its threads with the first write, so the
# parent has none that a fork could lose. A line is a number of days to write, one after the other, each with a value of
# its own in every table; then either "after SEED", a random pause after which the writer is killed, or "at N", the
# operation on a table at which it kills itself. Answers with the last value that was written, 0 for none.
NURSERY = """
import os, random, signal, sys, time
from duskwatch.store import Store, tables
from tests.store.test_crash import write

def deadly(call, left):
    def wrapped(*arguments, **named):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        done = call(*arguments, **named)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    return wrapped

for line in sys.stdin:
    first, days, how, number = line.split()
    pipe_out, pipe_in = os.pipe()
    child = os.fork()
    if child == 0:
        if how == "at":
            left = [int(number)]
            for name in ("append", "replace", "delete"):
                setattr(tables, name, deadly(getattr(tables, name), left))
        store = Store.open(sys.argv[1])
        for n in range(int(first), int(first) + int(days)):
            write(store, n)
            os.write(pipe_in, n.to_bytes(8, "big"))
        os._exit(0)
    if how == "after":
        time.sleep(random.Random(int(number)).uniform(0.1, 0.5))
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(pipe_in)
    told = b""
    while piece := os.read(pipe_out, 4096):
        told += piece
    os.close(pipe_out)
    print(int.from_bytes(told[-8:], "big"), flush=True)
"""
OPERATIONS = (
    6 + 1 + 6
)  # on tables of a day that is written again: each written, made to count, the rows before taken out


def write(store: Store, value: int) -> None:
    """A day that holds one value in every row of every table."""
    steps = two_days(2)
    level = steps.level
    same = {name: np.full(len(level.time_us), float(value)) for name in LEVEL_VALUES}
    changes = replace(steps.changes, votes=np.full(len(steps.changes.votes), value, np.int32))
    told = replace(steps, changes=changes, level=replace(level, **same))
    with store.write_day(DAY1, source="bgp") as writer:
        writer.inputs([InputFile("x", "00", "mrt", FROM, FROM, records=value)])
        writer.gaps([Gap("rrc00", FROM, FROM + DAY, "missing file", value)])
        writer.checks(check_rows("rrc00", value))
        writer.changes(change_frames([(KP, told)], DAY1))
        writer.levels(level_frames([(KP, told)], DAY1))
        writer.signals(frame_of(DAY1, float(value), ENTITIES))


def value_of_day(store: Store) -> int:
    """The one value that all rows of the day have, in every table."""
    now = store.current()
    rows = store.signal_rows(current=now).collect()
    assert rows.height == 2 * ENTITIES
    assert rows["values"].list.len().unique().to_list() == [288]
    found = {*rows["values"].explode().unique().to_list()}
    for table, column in (
        ("inputs", "records"), ("gaps", "peers"), ("dump_checks", "held"), ("changes", "votes"), ("levels", "slash24")
    ):  # fmt: skip
        found |= {*store.rows(table, current=now).collect()[column].unique().to_list()}
    (value,) = found
    return int(value)


@pytest.fixture
def nursery(tmp_path) -> Iterator[Callable[..., int]]:
    """Has a writer write, and be killed; what it had written last."""
    store = Store.open(tmp_path / "store", create=True)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY, store.location.root],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT,
    ) as process:  # fmt: skip

        def run(first: int, days: int, how: str, number: int) -> int:
            print(first, days, how, number, file=process.stdin, flush=True)
            assert select.select([process.stdout], [], [], 30)[0], "the writer does not answer"
            return int(process.stdout.readline())

        try:
            yield run
        finally:
            process.kill()


def nothing_is_left(store: Store) -> None:
    """After a vacuum there are no files but those of the day."""
    maintenance.vacuum(store.location, timedelta(0))
    for spec in TABLES:
        left = {str(path) for path in (store.location.folder / spec.name).rglob("*") if path.is_file()}
        used = set(pl.Series(maintenance.tables.open_any(store.location, spec.name).file_uris()))
        assert {path for path in left if "_delta_log" not in path} == used
        assert len(used) == 1


def test_killed_at_any_moment_the_store_holds_the_old_day_or_the_new(nursery, tmp_path):
    store = Store.open(tmp_path / "store")
    write(store, 1)
    killed_inside, was = 0, 1
    for seed in range(ROUNDS):
        first = was + 10
        done = nursery(first, 1000, "after", seed)
        found = value_of_day(store)
        assert found in ((done, done + 1) if done else (was, first)), f"{done=} {was=}"
        killed_inside += found in (done, was)
        was = found
    assert killed_inside >= ROUNDS // 2  # else this test has not tried what it says
    write(store, 5)
    assert value_of_day(store) == 5
    nothing_is_left(store)


def test_killed_before_or_after_every_commit_the_store_holds_the_old_day_or_the_new(nursery, tmp_path):
    """Each of the commits of a day that replaces another: before the one that makes it count all is old, then new."""
    store = Store.open(tmp_path / "store")
    write(store, 1)
    was, seen = 1, []
    for number in range(1, 2 * OPERATIONS + 2):
        done = nursery(was + 1, 1, "at", number)
        found = value_of_day(store)
        seen.append(found - was)
        assert (done, found - was) in ((0, 0), (0, 1), (was + 1, 1)), number
        was = found
    # The 14th is after the commit of ``days``; the last is more than a writer does, so that it ends alive.
    assert seen == [0] * 13 + [1] * (2 * OPERATIONS - 12)
    assert done == was
    nothing_is_left(store)


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
    store.write_signals(DAY1, noise(DAY1, 100), source="bgp")
    before = store.signals().collect()
    for day in (DAY1, DAY2):
        with pytest.raises(OSError, match="no space left") as caught:
            store.write_signals(day, noise(day, 1000), source="bgp")
        assert caught.value.errno == errno.ENOSPC
        assert caught.value.filename == f"{small_disk}/store/signals"
        assert "vacuum" in str(caught.value)
        assert Store.open(small_disk / "store").signals().collect().equals(before)
    maintenance.vacuum(store.location, timedelta(0))
    store.write_signals(DAY2, noise(DAY2, 100), source="bgp")
    assert store.days() == [DAY1, DAY2]
    assert store.signals().collect().height == 2 * before.height
