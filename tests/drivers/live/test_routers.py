"""Routers watched live: an outage told while it lasts; the process killed in it, and begun again."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from duskwatch.drivers.live.configured import configured_run
from duskwatch.records.entity import parse_entity
from duskwatch.records.times import MINUTE
from duskwatch.store import Store, StoreError
from tests.drivers.live.fast import NOON_US, FastClock, Router, holds, running, settings
from tests.small_archive import delegations

ROOT = Path(__file__).resolve().parents[3]
KP = parse_entity("KP")
pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def outages(folder: Path):
    try:
        return Store.open(folder / "store").outages(entities=[KP])
    except StoreError:
        return []


def test_an_outage_of_a_country_behind_a_router(tmp_path):
    delegations(tmp_path)
    port, clock = free_port(), FastClock()
    run = configured_run(
        settings(
            port, "delegated-small", http={"address": "127.0.0.1:0"},
            channel=[{"kind": "lines", "name": "file", "path": "alerts.txt"}], rule=[{"channels": ["file"]}],
        ),
        tmp_path,
        clock=clock,
    )  # fmt: skip
    router = Router(port, clock)

    async def test() -> None:
        async with running(asyncio.create_task(router.run()), asyncio.create_task(run.run())):
            await clock.sleep_until(90)
            assert not outages(tmp_path)
            router.lose()
            lost_us = clock()
            await holds(lambda: bool(outages(tmp_path)))
            (one,) = outages(tmp_path)
            assert one.newest.state == "open"
            assert abs(one.newest.outage.onset.best_us - lost_us) < MINUTE
            async with httpx.AsyncClient() as client:
                base = f"http://127.0.0.1:{run.http[1]}"
                assert (await client.get(f"{base}/healthz")).text == "ok\n"
                assert (await client.get(f"{base}/readyz")).status_code == 200
                told = (await client.get(f"{base}/metrics")).text
            assert 'duskwatch_outages_open{entity="KP"} 1' in told
            assert 'duskwatch_source_up{source="routers"} 1' in told
            await clock.sleep_until((clock() - NOON_US) / MINUTE + 20)
            router.back()
            await holds(lambda: outages(tmp_path)[0].newest.state == "ended")
            run.stop.set()
            await holds(lambda: (tmp_path / "state" / "live.checkpoint").exists())

    asyncio.run(test())
    lines = (tmp_path / "alerts.txt").read_text().splitlines()
    stages = [line.split()[2] for line in lines]
    assert stages[0] == "opened"
    assert stages[-1] == "closed"
    # A busy machine may see the routes go in several windows: it is then told deeper more than once.
    once = [stage for stage in stages if stage != "deeper"]
    assert len(once) == len(set(once))


def test_killed_in_an_outage_and_begun_again(tmp_path):
    """The outage stays one outage with its onset; the time in between is a gap; what happened in it is known after."""
    delegations(tmp_path)
    port, clock = free_port(), FastClock()
    router = Router(port, clock)
    process = start(tmp_path, port, clock)

    async def test() -> None:
        nonlocal process
        async with running(asyncio.create_task(router.run())):
            await clock.sleep_until(90)
            router.lose()
            lost_us = clock()
            await holds(lambda: bool(outages(tmp_path)))
            await asyncio.sleep(2.5)  # a checkpoint or two
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed_us = clock()
            await clock.sleep_until((killed_us - NOON_US) / MINUTE + 10)
            process = start(tmp_path, port, clock)
            await holds(lambda: router.connections > 1)
            again_us = clock()
            await clock.sleep_until((again_us - NOON_US) / MINUTE + 20)
            assert [one.newest.state for one in outages(tmp_path)] == ["open"]
            router.back()
            await holds(lambda: outages(tmp_path)[0].newest.state == "ended")
            (one,) = outages(tmp_path)
            assert abs(one.newest.outage.onset.best_us - lost_us) < MINUTE
            assert one.newest.outage.relapses == 0
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            history = Store.open(tmp_path / "store").history(KP, NOON_US, clock(), source="bgp-live")
            gaps = [gap for gap in history.gaps if gap.reason.startswith("duskwatch was not running")]
            assert gaps, {gap.reason for gap in history.gaps}
            assert min(gap.from_us for gap in gaps) <= killed_us
            assert max(gap.until_us for gap in gaps) <= again_us + 5 * MINUTE  # a second or so on the wall

    try:
        asyncio.run(test())
    finally:
        process.kill()
        said = process.communicate()[1]
    assert "going on from a checkpoint" in said
    assert "Traceback" not in said


def start(folder: Path, port: int, clock: FastClock) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.drivers.live.fast_process", str(folder), str(port), repr(clock.began)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
