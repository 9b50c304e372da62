"""Our clock, as a value that tests can replace, and waiting."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

Clock = Callable[[], int]
"""Microseconds since 1970-01-01 UTC."""


def now_us() -> int:
    """The time by this machine's clock."""
    return time.time_ns() // 1000


async def happens(event: asyncio.Event, seconds: float) -> None:
    """Wait until something happens, or for some time.

    Not by asyncio.wait_for, which before Python 3.12 loses a cancellation that comes as the event does.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
