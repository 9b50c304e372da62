"""Runs live feeds in tests, on loopback and for a bounded time."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

from duskwatch.sources.bgp.live.messages import FeedMessage

LONGEST_S = 20.0


async def gather(
    messages: AsyncGenerator[FeedMessage],
    enough: Callable[[list[FeedMessage]], bool],
    found: list[FeedMessage] | None = None,
) -> list[FeedMessage]:
    """Messages until there are enough. TimeoutError, with what came, after LONGEST_S."""
    found = [] if found is None else found
    try:
        async with asyncio.timeout(LONGEST_S):
            async for message in messages:
                found.append(message)
                if enough(found):
                    break
    except TimeoutError:
        raise TimeoutError(f"not enough after {LONGEST_S} s: {[type(each).__name__ for each in found][:50]}") from None
    finally:
        await messages.aclose()
    return found


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(LONGEST_S):
        while not holds():
            await asyncio.sleep(0.01)


def run(test: Awaitable[None]) -> None:
    """One test, ended where it takes too long."""

    async def bounded() -> None:
        async with asyncio.timeout(3 * LONGEST_S):
            await test

    asyncio.run(bounded())
