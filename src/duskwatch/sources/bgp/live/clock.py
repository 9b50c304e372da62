"""Our clock, as a value that tests can replace."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Microseconds since 1970-01-01 UTC."""


def now_us() -> int:
    """The time by this machine's clock."""
    return time.time_ns() // 1000
