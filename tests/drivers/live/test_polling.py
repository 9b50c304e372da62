"""Archives polled: files as they appear give what a replay of all of them gives; what does not appear is a gap."""

import asyncio
import shutil
from pathlib import Path

import pytest

from duskwatch.analysis.entity import analyze
from duskwatch.analysis.rolling import watched_lots
from duskwatch.drivers.live.checkpoint import read
from duskwatch.drivers.live.concluding import Recorder
from duskwatch.drivers.live.polling import NOT_YET, Polling, in_folder
from duskwatch.drivers.live.run import LiveRun
from duskwatch.drivers.live.supervise import Supervised
from duskwatch.drivers.live.watch import begin_watch
from duskwatch.records.entity import parse_entity
from duskwatch.records.times import MINUTE, to_datetime
from duskwatch.sources.reference.geo import load_geo
from duskwatch.store import Store
from tests.small_archive import START_US, Archive, at, delegations


class Publisher:
    """Publishes files of an archive five minutes after their end, by a clock that jumps; ``lost`` never come."""

    def __init__(self, archive: Path, folder: Path, lost: tuple[str, ...] = ()) -> None:
        self.now_us = START_US + MINUTE
        self.folder, self.waiting = folder, []
        self.published = 0
        folder.mkdir()
        for path in sorted(archive.rglob("*.gz")):
            stamp = path.name.split(".")[2]
            start = START_US + (int(stamp[:2]) * 60 + int(stamp[2:])) * MINUTE
            if not any(name in str(path) for name in lost):
                due = start if path.name.startswith("bview") else start + 10 * MINUTE
                self.waiting.append((due, path))

    def clock(self) -> int:
        return self.now_us

    def publish(self) -> None:
        for due, path in list(self.waiting):
            if due <= self.now_us:
                (self.folder / path.parts[-3]).mkdir(exist_ok=True)
                shutil.copy(path, self.folder / path.parts[-3] / path.name)
                self.waiting.remove((due, path))
                self.published += 1


def polled(
    tmp_path: Path,
    archive: Path,
    until_us: int,
    lost: tuple[str, ...] = (),
    publisher: Publisher | None = None,
    goes_on: bool = False,
) -> LiveRun:
    publisher = publisher or Publisher(archive, tmp_path / "published", lost)
    ranges = load_geo([delegations(tmp_path)], to_datetime(START_US).date())
    store = Store.open(tmp_path / "store", create=True)
    watch = begin_watch(
        watched_lots([parse_entity("KP")], ranges), START_US, lambda *_: None, lambda: publisher.now_us + 5 * MINUTE
    )
    source = Polling(
        "archives", in_folder(publisher.folder), START_US, clock=publisher.clock, poll_s=0.01, patience_us=20 * MINUTE
    )
    watch.inline = True
    watch.sources.append(Supervised(source))
    run = LiveRun(watch, Recorder(store, "bgp-live"), publisher.clock, checkpoints=tmp_path / "state", checkpoint_s=1e6)
    found, _ = read(tmp_path / "state", tuple(watch.lots), ranges)
    if found is not None:
        watch.resume(found)
    before = publisher.published
    watch.conclude = run.conclude

    async def test() -> None:
        task = asyncio.create_task(run.run())
        while publisher.now_us < until_us + (0 if goes_on else 25 * MINUTE):
            publisher.publish()
            async with asyncio.timeout(60):
                while source.files < publisher.published - before:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.03)
            publisher.now_us += 5 * MINUTE
        await asyncio.sleep(0.1)
        run.stop.set()
        await task

    asyncio.run(test())
    return run


@pytest.fixture
def archive(tmp_path) -> Path:
    made = Archive({"rrc91": 4, "rrc92": 3, "route-views.a": 3}, hours=3)
    made.talk()
    made.lose(made.peers(), 65, 100)
    return made.write(tmp_path / "mrt")


def test_files_that_appear_give_the_outages_of_the_archive(tmp_path, archive):
    run = polled(tmp_path, archive, at(180))
    geo = [tmp_path / "delegated-small"]
    report = analyze(parse_entity("KP"), START_US, at(180), [archive], geo=geo, threads=1, networks=False)
    assert len(report.outages) == 1
    (found,) = run.watch.found["KP"]
    (outage,) = report.outages
    assert (found.onset, found.end, found.dark_from, found.depth) == (
        outage.onset, outage.end, outage.dark_from, outage.depth,
    )  # fmt: skip
    assert run.watch.sources[0].restarts == 0


def test_a_restart_reads_what_was_missed(tmp_path, archive):
    """Stopped before the outage and begun again after its onset: told as if there had been no stop, and no gap."""
    publisher = Publisher(archive, tmp_path / "published")
    first = polled(tmp_path, archive, at(60), publisher=publisher, goes_on=True)
    assert first.watch.found["KP"] == ()
    publisher.now_us = at(90)
    run = polled(tmp_path, archive, at(180), publisher=publisher)
    report = analyze(
        parse_entity("KP"), START_US, at(180), [archive], geo=[tmp_path / "delegated-small"], threads=1, networks=False
    )
    (found,), (outage,) = run.watch.found["KP"], report.outages
    assert (found.onset, found.end, found.depth) == (outage.onset, outage.end, outage.depth)
    silent = [gap for gap in run.latest["KP"].history.gaps if gap.from_us < at(170)]
    assert silent == []


def test_files_that_never_come_are_a_gap(tmp_path, archive):
    run = polled(
        tmp_path, archive, at(180), lost=("rrc91/2020.03/updates.20200302.012", "rrc92/2020.03/updates.20200302.02")
    )
    gaps = {(gap.source, gap.reason) for gap in run.latest["KP"].history.gaps}
    assert ("rrc91", "missing file") in gaps or ("rrc91", NOT_YET) in gaps
    assert ("rrc92", NOT_YET) in gaps
    (found,) = run.watch.found["KP"]
    assert found.end is not None


def test_a_folder_that_is_not_there_is_a_failure_and_no_end(tmp_path):
    source = Polling("archives", in_folder(tmp_path / "nowhere"), START_US)

    async def first() -> None:
        async for _ in source.messages():
            pass

    with pytest.raises(FileNotFoundError):
        asyncio.run(first())
