"""The clock of a live run beside a clock on the wall that steps."""

from duskwatch.drivers.live.steady import SteadyClock
from duskwatch.records.times import HOUR, SECOND


class Walls:
    """Two clocks: one that steps, one that does not."""

    def __init__(self) -> None:
        self.wall_us, self.running_us = 10**15, 10**9
        self.clock = SteadyClock(lambda: self.wall_us * 1000, lambda: self.running_us * 1000)

    def after(self, seconds: float, step_us: int = 0) -> int:
        self.wall_us += int(seconds * SECOND) + step_us
        self.running_us += int(seconds * SECOND)
        return self.clock()


def test_a_step_that_does_not_last_is_not_followed():
    for step_us in (HOUR, -HOUR):
        walls = Walls()
        assert walls.after(1) == 10**15 + SECOND
        assert walls.after(1, step_us) == 10**15 + 2 * SECOND
        assert walls.after(30) == 10**15 + 32 * SECOND
        assert walls.after(1, -step_us) == 10**15 + 33 * SECOND
        assert walls.after(120) == 10**15 + 153 * SECOND
        assert walls.clock.stepped == 0


def test_a_step_that_lasts_is_followed_and_time_never_goes_back():
    walls = Walls()
    walls.after(1, HOUR)
    assert walls.after(59) == 10**15 + 60 * SECOND
    assert walls.after(2) == 10**15 + 62 * SECOND + HOUR
    assert walls.clock.stepped == 1
    before = walls.after(1, -HOUR)
    assert walls.after(70) == before, "time stands after a step back was followed"
    assert walls.after(HOUR / SECOND) > before


def test_what_a_clock_is_steered_by_is_followed_at_once():
    walls = Walls()
    assert walls.after(1, SECOND // 2) == 10**15 + SECOND + SECOND // 2
