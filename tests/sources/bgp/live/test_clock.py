import asyncio

import pytest

from duskwatch.sources.bgp.live.clock import happens
from tests.sources.bgp.live.listening import run


def test_a_cancellation_that_comes_as_the_event_does_is_not_lost():
    async def test() -> None:
        event = asyncio.Event()
        task = asyncio.create_task(happens(event, 60))
        await asyncio.sleep(0)
        event.set()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(test())


def test_it_waits_no_longer_than_it_is_told():
    async def test() -> None:
        await happens(asyncio.Event(), 0.01)
        event = asyncio.Event()
        event.set()
        await happens(event, 60)

    run(test())
