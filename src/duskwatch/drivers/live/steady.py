"""The time by this machine's clock, but for steps of it that do not last."""

import time
from collections.abc import Callable

from duskwatch.records.times import MINUTE, SECOND

NEAR_US = 2 * SECOND  # a clock is steered by less
LASTS_US = MINUTE  # a step that stands for so long was meant


class SteadyClock:
    """Microseconds since the epoch; never back. A step is followed once it has stood for LASTS_US.

    A step forward is followed whole, since the time in between is over for everybody else; after a step back time
    stands until the clock is there again. ``stepped`` counts steps that were followed.
    """

    def __init__(self, wall: Callable[[], int] = time.time_ns, running: Callable[[], int] = time.monotonic_ns) -> None:
        self.stepped = 0
        self._wall, self._running = wall, running
        self._ahead = self._offset()  # of the wall's clock, of the one that never steps
        self._since: int | None = None  # when the two were first found apart
        self._last = 0

    def _offset(self) -> int:
        return (self._wall() - self._running()) // 1000

    def __call__(self) -> int:
        """The time now."""
        now, offset = self._running() // 1000, self._offset()
        apart = abs(offset - self._ahead)
        if apart < NEAR_US:
            self._ahead, self._since = offset, None
        elif self._since is None:
            self._since = now
        elif now - self._since >= LASTS_US:
            self._ahead, self._since = offset, None
            self.stepped += 1
        self._last = max(self._last, now + self._ahead)
        return self._last
