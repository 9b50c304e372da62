"""A backfill killed at any moment, or whose disk is full, goes on where it was and ends as if nothing had been."""

import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from duskwatch.cli.app import app
from duskwatch.drivers.backfill import run as running
from duskwatch.store import Store
from tests.days_archive import build
from tests.drivers.backfill.backfilling import assert_same, orphans_of, parts_of, plan_of, work_of
from tests.small_archive import delegations

ROOT = Path(__file__).resolve().parents[3]
KILLS = int(os.environ.get("DUSKWATCH_KILLS", "6"))

# Imports once, then forks a runner for each line it reads: store, workers, seconds after which it is killed (none: when
# it ends by itself). Answers with seconds taken and exit code. Polars and delta-rs start their threads in the runner.
NURSERY = """
import os, signal, sys, time
from pathlib import Path
from duskwatch.drivers.backfill import run as running
from tests.drivers.backfill.backfilling import parts_of, plan_of

mrt, geo = map(Path, sys.argv[1:])
for line in sys.stdin:
    store, workers, limit = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if child == 0:
        try:
            done = running.run(parts_of(mrt), plan_of(Path(store), geo), workers=int(workers))
            print(*done.failures, sep="\\n", end="", file=sys.stderr, flush=True)
            os._exit(1 if done.failures else 0)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(3)
    begun = time.monotonic()
    # Killed before it is waited for, so that its number is nobody else's.
    while not os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT | os.WNOHANG):
        if limit and time.monotonic() - begun >= float(limit):
            os.kill(child, signal.SIGKILL)
            limit = ""
        time.sleep(0.001)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(time.monotonic() - begun, code, flush=True)
"""


@pytest.fixture(scope="module")
def nursery(tmp_path_factory) -> Iterator[subprocess.Popen[str]]:
    folder = tmp_path_factory.mktemp("days")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY, str(build(folder / "mrt")), str(delegations(folder))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def run(nursery: subprocess.Popen[str], store: Path, workers: int, limit: float | None = None) -> tuple[float, int]:
    """Seconds that a run took, and its exit code; -9 where it was killed."""
    print(store, workers, "" if limit is None else limit, sep="\t", file=nursery.stdin, flush=True)
    assert select.select([nursery.stdout], [], [], 60)[0], "no answer"
    assert nursery.stdout is not None
    seconds, code = nursery.stdout.readline().split()
    return float(seconds), int(code)


@pytest.fixture(scope="module")
def undisturbed(nursery, tmp_path_factory) -> tuple[Path, dict[int, float]]:
    """The store of an undisturbed run, and how long such a run takes by number of workers."""
    folder = tmp_path_factory.mktemp("undisturbed")
    run(nursery, folder / "first", 1)  # compiles what is not compiled yet
    times = {}
    for workers in (1, 2):
        times[workers], code = run(nursery, folder / str(workers), workers)
        assert code == 0
    return folder / "1", times


def test_killed_at_any_moment_it_goes_on_and_nothing_is_lost_or_doubled(nursery, undisturbed, tmp_path):
    whole, times = undisturbed
    dice = random.Random(20200302)
    killed, store, rounds = 0, tmp_path / "0", 0
    while killed < KILLS:
        # One in four by two processes; one in three of those killed is killed again when it has gone on.
        workers = 2 if dice.random() < 0.25 else 1
        _, code = run(nursery, store, workers, dice.uniform(0.02, times[workers]))
        assert code in (0, -9)
        killed += code == -9
        if code == -9 and dice.random() < 1 / 3 and killed < KILLS:
            continue
        _, code = run(nursery, store, 1)
        assert code == 0
        assert_same(store, whole)
        assert work_of(store) == work_of(whole)
        assert not orphans_of(store)
        rounds += 1
        store = tmp_path / str(rounds)


def workers_of(pid: int) -> set[int]:
    """Processes that multiprocessing spawned from a process."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"spawn_main" in (folder / "cmdline").read_bytes():
                found.add(int(folder.name))
        except FileNotFoundError:
            pass
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system has no /proc")
def test_workers_do_not_outlive_a_run_that_is_killed(nursery, tmp_path):
    print(tmp_path / "store", 2, "", sep="\t", file=nursery.stdin, flush=True)
    deadline = time.monotonic() + 30
    workers: set[int] = set()
    while len(workers) < 2 or not list((tmp_path / "store" / "work" / "parts").glob("*.pickle")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
        for runner in Path(f"/proc/{nursery.pid}/task/{nursery.pid}/children").read_text().split():
            workers |= workers_of(int(runner))
    os.kill(int(runner), signal.SIGKILL)
    assert nursery.stdout is not None
    assert nursery.stdout.readline().split()[1] == "-9"
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(alive, workers))


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """Where a file system of any size can be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.getuid() != 0:
        pytest.skip("mounting a small file system needs root")
    if why := mount(folder, 64):
        pytest.skip(f"no file system can be mounted here: {why}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def mount(folder: Path, size_kb: int, *, again: bool = False) -> str:
    """Mount a file system of so many kB; ``again``: give the one that is there another size. Returns why it fails."""
    options = f"remount,size={size_kb}k" if again else f"size={size_kb}k"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    return done.stderr.strip()


def test_a_full_disk_is_told_in_a_line_and_with_room_it_goes_on(small_disk, tmp_path):
    """From one that holds nothing to one that holds all but the outages."""
    mrt, geo, whole = build(tmp_path / "mrt"), delegations(tmp_path), tmp_path / "whole"
    running.run(parts_of(mrt), plan_of(whole, geo))
    store = small_disk / "store"
    words = ["backfill", "--from", "2020-03-02", "--until", "2020-03-05", "--mrt", mrt, "--geo", geo,
             "--prefix", "175.45.176.0/22", "--store", store]  # fmt: skip
    stored = []
    for size_kb in (100, *range(240, 1000, 70)):
        assert not mount(small_disk, size_kb, again=True)
        done = CliRunner().invoke(app, [*map(str, words), "--workers", "2" if size_kb == 310 else "1"])
        if done.exit_code == 0:
            break
        assert done.exit_code == 2
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"duskwatch backfill: no space left for {store}")
        assert line.endswith("make room and run the same command again: what is finished is kept")
        assert not done.stdout
        if size_kb > 200:
            stored.append(len(Store.open(store).days()))
            assert Store.open(store).signal_rows().collect().height == 30 * stored[-1]
        assert not mount(small_disk, 65536, again=True)
        done = CliRunner().invoke(app, [*map(str, words)])
        assert done.exit_code == 0, done.output
        assert_same(store, whole)
        assert work_of(store) == work_of(whole)
        assert not orphans_of(store)
        shutil.rmtree(store)
    else:
        pytest.fail("never enough")
    assert stored == sorted(stored)
    assert len(set(stored)) >= 2  # else this test has not tried what it says
