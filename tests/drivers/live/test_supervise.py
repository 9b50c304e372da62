"""Sources that fail, end, or say nothing: each is a gap, and takes no other down."""

import asyncio
import random
from collections.abc import AsyncGenerator
from itertools import pairwise

import pytest

from duskwatch.drivers.live.clock import watermark
from duskwatch.drivers.live.source import LiveMessage, Reached, Said
from duskwatch.drivers.live.supervise import Supervised, supervise
from duskwatch.records.messages import Silence
from duskwatch.records.times import SECOND

MARK = Silence(1, 2, "said by the source itself")


class Scripted:
    """A source that says what a script tells it to, life by life; an exception in it is raised."""

    def __init__(
        self, name: str, *lives: list[LiveMessage | Exception], endless: bool = True, ends: bool = False
    ) -> None:
        self.name, self.endless, self.lives, self.begun, self.ends = name, endless, list(lives), 0, ends

    tells_tables = False
    changes_only = False

    def position(self) -> dict[str, int]:
        return {}

    def resume(self, position: dict[str, int]) -> None:
        raise AssertionError("there is none")

    def status(self) -> dict[str, object]:
        return {}

    async def messages(self) -> AsyncGenerator[LiveMessage]:
        life = self.lives[min(self.begun, len(self.lives) - 1)]
        self.begun += 1
        for each in life:
            if isinstance(each, Exception):
                raise each
            yield each
            await asyncio.sleep(0)
        if self.begun >= len(self.lives) and not self.ends:
            await asyncio.Event().wait()


class Clock:
    """A clock that goes a second on each time somebody looks."""

    def __init__(self, start_us: int) -> None:
        self.now_us = start_us

    def __call__(self) -> int:
        self.now_us += SECOND
        return self.now_us


async def watched(*sources: Scripted, seconds: float = 0.5) -> tuple[list[Supervised], list[tuple[str, LiveMessage]]]:
    told: list[tuple[str, LiveMessage]] = []

    async def take(one: Supervised, message: LiveMessage) -> None:
        told.append((one.source.name, message))

    every = [Supervised(source) for source in sources]
    clock = Clock(1000 * SECOND)
    tasks = [
        asyncio.create_task(supervise(one, take, clock, lateness_us=0, rng=random.Random(1), wait_s=0.02))
        for one in every
    ]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return every, told


def test_a_source_that_fails_is_a_gap_and_begins_again():
    failing = Scripted(
        "a",
        [Said("rrc00", MARK), Reached(900 * SECOND), ValueError("no sense")],
        [Said("rrc00", MARK), Reached(5000 * SECOND)],
    )
    other = Scripted("b", [Said("rrc01", MARK), Reached(4000 * SECOND)])
    (one, two), told = asyncio.run(watched(failing, other))
    assert (one.restarts, two.restarts, failing.begun) == (1, 0, 2)
    gaps = [message.message for name, message in told if isinstance(message, Said) and message.message is not MARK]
    assert gaps, "the time in between is told"
    assert gaps[0].from_us == 900 * SECOND
    assert all(a.until_us == b.from_us for a, b in pairwise(gaps)), "in pieces that touch"
    assert gaps[0].reason == "source a failed: ValueError: no sense"
    assert all(name == "a" for name, message in told if isinstance(message, Said) and message.message is not MARK)
    assert watermark([one, two], 0) == 4000 * SECOND


def test_one_that_never_came_up_holds_nobody_back():
    (one, two), told = asyncio.run(
        watched(Scripted("a", [OSError("refused")]), Scripted("b", [Said("rrc01", MARK), Reached(1001 * SECOND)]))
    )
    assert one.failures == one.restarts > 2
    assert not one.running
    assert watermark([one, two], 0) == 1001 * SECOND
    assert not [message for name, message in told if name == "a" and isinstance(message, Said)], "it named no collector"


@pytest.mark.parametrize("endless", [True, False])
def test_an_end_is_a_failure_where_there_should_be_none(endless):
    source = Scripted("a", [Said("rrc00", MARK), Reached(SECOND)], endless=endless, ends=True)
    (one,), _ = asyncio.run(watched(source))
    assert one.ended is not endless
    assert (one.restarts > 0) is endless


def test_waiting_times_grow_to_a_limit():
    source = Scripted("a", [OSError("refused")])
    (one,), _ = asyncio.run(watched(source, seconds=0.4))
    # 0.02 s, doubled each time, jittered by half: not more than six begin in 0.4 s.
    assert 3 <= source.begun <= 7
    assert one.last_error == "OSError: refused"


def test_what_the_driver_does_wrong_is_not_the_source_s_failure():
    async def take(one: Supervised, message: LiveMessage) -> None:
        raise RuntimeError("a fault of ours")

    one = Supervised(Scripted("a", [Said("rrc00", MARK)]))
    with pytest.raises(RuntimeError, match="a fault of ours"):
        asyncio.run(supervise(one, take, Clock(0), lateness_us=0))
    assert one.restarts == 0
