"""A backfill on a Dask cluster, each machine a network namespace of its own: workers are killed and cut off."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typer.testing import CliRunner

from duskwatch.cli.app import app
from duskwatch.drivers.backfill import course as courses
from duskwatch.drivers.backfill.run import run
from duskwatch.drivers.backfill.workers import BackfillError
from tests.days_archive import build
from tests.drivers.backfill import poisoned
from tests.drivers.backfill.backfilling import assert_same, orphans_of, parts_of, plan_of
from tests.small_archive import delegations

dask = pytest.importorskip("dask")

ROOT = Path(__file__).resolve().parents[3]
NET = "10.213.77"  # used between the namespaces alone
SCHEDULER = f"tcp://{NET}.1:8786"
# What docs/how-to/backfill.md tells operators to set, shorter still.
TIMEOUTS = {
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "3s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s",
}
DEADLINE_S = 55


@dataclass
class Machines:
    """Network namespaces on a bridge, and what runs in them."""

    tag: str
    logs: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def add(self, number: int) -> None:
        """A machine at NET.number."""
        space, here, there = f"{self.tag}n{number}", f"{self.tag}h{number}", f"{self.tag}t{number}"
        ip("netns", "add", space)
        ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", space)
        ip("link", "set", here, "master", f"{self.tag}br", "up")
        ip("-n", space, "link", "set", "lo", "up")
        ip("-n", space, "addr", "add", f"{NET}.{number}/24", "dev", there)
        ip("-n", space, "link", "set", there, "up")

    def start(self, number: int, name: str, *arguments: str) -> None:
        """Run a module on a machine."""
        environment = {**os.environ, **TIMEOUTS, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
        self.processes[name] = subprocess.Popen(
            ["ip", "netns", "exec", f"{self.tag}n{number}", sys.executable, "-m", *arguments],
            env=environment, cwd=ROOT, stdout=(self.logs / name).open("wb"), stderr=subprocess.STDOUT,
        )  # fmt: skip

    def cut_off(self, number: int) -> None:
        """Pull the plug of a machine; what runs there goes on."""
        ip("link", "set", f"{self.tag}h{number}", "down")

    def remove(self) -> None:
        """End all that runs there, and take the namespaces away."""
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()
        for space in self.spaces():
            subprocess.run(["ip", "netns", "del", space], check=False)
        subprocess.run(["ip", "link", "del", f"{self.tag}br"], check=False)

    def spaces(self) -> list[str]:
        """Names of the namespaces that there are."""
        listed = json.loads(subprocess.run(["ip", "-j", "netns"], capture_output=True, check=True).stdout or "[]")
        return [each["name"] for each in listed if each["name"].startswith(f"{self.tag}n")]


def ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")


def until(true: Callable[[], bool], deadline: float) -> None:
    while not true():
        assert time.monotonic() < deadline, "too late"
        time.sleep(0.05)


@pytest.fixture
def machines(tmp_path) -> Iterator[Machines]:
    """A scheduler on .1, workers w2, w3 and w4 on .2 to .4; this process is .254."""
    if os.getuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and iproute2 (make test-system)")
    made = Machines(f"dw{os.getpid() % 100_000}", tmp_path)
    with ExitStack() as stack:
        stack.callback(made.remove)
        try:
            ip("link", "add", f"{made.tag}br", "type", "bridge")
            ip("addr", "add", f"{NET}.254/24", "dev", f"{made.tag}br")
            ip("link", "set", f"{made.tag}br", "up")
            for number in (1, 2, 3, 4):
                made.add(number)
        except OSError as error:
            pytest.skip(f"no network namespaces here: {error}")
        made.start(1, "scheduler", "distributed.cli.dask_scheduler", "--host", f"{NET}.1", "--no-dashboard")
        for number in (2, 3, 4):
            made.start(
                number, f"w{number}", "distributed.cli.dask_worker", SCHEDULER, "--name", f"w{number}",
                "--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", str(DEADLINE_S),
            )  # fmt: skip
        yield made


def test_one_worker_is_killed_and_one_cut_off_and_the_tables_are_the_same(machines, tmp_path, monkeypatch):
    deadline = time.monotonic() + DEADLINE_S
    mrt, geo = build(tmp_path / "mrt"), delegations(tmp_path)
    store = tmp_path / "store"
    begun = store / "work" / "begun"
    run(parts_of(mrt), plan_of(tmp_path / "alone", geo))  # while the machines start
    monkeypatch.setattr(courses, "fold_part", poisoned.slow_fold)
    for name, value in TIMEOUTS.items():
        monkeypatch.setenv(name, value)
    dask.config.refresh()
    found = []
    words = ["--from", "2020-03-02", "--until", "2020-03-05", "--mrt", mrt, "--geo", geo, "--store", store,
             "--prefix", "175.45.176.0/22", "--scheduler", SCHEDULER, "--json"]  # fmt: skip
    running = threading.Thread(
        target=lambda: found.append(CliRunner().invoke(app, ["backfill", *map(str, words)])), daemon=True
    )
    running.start()
    # Both are at a part: it is begun, and takes half a second.
    until(lambda: found or any(begun.glob("w2 *")), deadline)
    machines.processes["w2"].send_signal(signal.SIGKILL)
    machines.processes["w2"].wait()
    until(lambda: found or any(begun.glob("w3 *")), deadline)
    machines.cut_off(3)
    running.join(deadline - time.monotonic())
    assert not running.is_alive()
    (done,) = found
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert (summary["parts"], summary["days"], summary["failures"]) == (9, 3, [])
    assert machines.processes["w3"].poll() in (None, 0)  # on its island, or gave up there by itself
    assert_same(store, tmp_path / "alone")
    assert not orphans_of(store)
    # What the lost workers had begun was done by another.
    names = sorted(path.name.partition(" ")[2] for path in begun.iterdir())
    assert len(set(names)) == 9
    assert len(names) >= 10


def test_a_scheduler_that_is_not_there_is_named(tmp_path):
    mrt, geo = build(tmp_path / "mrt", days=1), delegations(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("duskwatch.drivers.backfill.workers.ANSWER_S", 0.5)
        with pytest.raises(BackfillError, match=r"no Dask scheduler at tcp://127\.0\.0\.1:9"):
            run(parts_of(mrt, 0, 1), plan_of(tmp_path / "store", geo), scheduler="tcp://127.0.0.1:9")


@dataclass
class Local:
    """A cluster on this machine."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: dict[str, subprocess.Popen[bytes]]


@pytest.fixture
def local(tmp_path) -> Iterator[Local]:
    """A scheduler that gives a task up when one worker died of it, and two workers."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}",
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
    }
    place = tmp_path / "scheduler.json"

    def start(*words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", *words, "--scheduler-file", str(place), "--no-dashboard"],
            env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    with ExitStack() as stack:

        def begin(*words: str) -> subprocess.Popen[bytes]:
            process = start(*words)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        scheduler = begin("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0")
        until(place.exists, time.monotonic() + 30)
        workers = {
            name: begin("distributed.cli.dask_worker", "--name", name, "--nthreads", "1", "--no-nanny",
                        "--death-timeout", "30")
            for name in ("one", "two")
        }  # fmt: skip
        yield Local(json.loads(place.read_text())["address"], scheduler, workers)


def test_a_part_that_kills_its_workers_is_given_up_and_named(local, tmp_path, monkeypatch):
    mrt, geo = build(tmp_path / "mrt", days=1), delegations(tmp_path)
    plan = plan_of(tmp_path / "store", geo)
    monkeypatch.setattr(courses, "fold_part", poisoned.fold)
    poisoned.poison(plan, "rrc00 2020-03-02", "once")
    summary = run(parts_of(mrt, 0, 1), plan, scheduler=local.address)
    (failure,) = summary.failures
    assert failure.name == "rrc00 2020-03-02"
    assert failure.reason == "its workers died each time (killed, or out of memory)"
    assert (summary.parts, summary.days) == (2, 1)
    # The next run tries it again, with the worker that is left.
    summary = run(parts_of(mrt, 0, 1), plan, scheduler=local.address)
    assert (summary.failures, summary.parts, summary.days) == ([], 1, 1)


def test_a_scheduler_that_is_lost_ends_the_run_with_a_line(local, tmp_path, monkeypatch):
    mrt, geo = build(tmp_path / "mrt", days=1), delegations(tmp_path)
    plan = plan_of(tmp_path / "store", geo)
    monkeypatch.setattr(courses, "fold_part", poisoned.slow_fold)
    found = []

    def go() -> None:
        try:
            found.append(run(parts_of(mrt, 0, 1), plan, scheduler=local.address))
        except BackfillError as error:
            found.append(error)

    running = threading.Thread(target=go, daemon=True)
    running.start()
    deadline = time.monotonic() + DEADLINE_S
    until(lambda: found or any((plan.work / "begun").glob("*")), deadline)
    local.scheduler.kill()
    running.join(deadline - time.monotonic())
    assert not running.is_alive()
    (error,) = found
    assert "scheduler" in str(error)
    assert "run the same command again: what is finished is kept" in str(error)
    monkeypatch.undo()
    assert run(parts_of(mrt, 0, 1), plan).days == 1
