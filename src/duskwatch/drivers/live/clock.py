"""Event time of a live run: how far all sources have told, and when it is worth looking at what they told."""

from collections.abc import Iterable
from dataclasses import dataclass

from duskwatch.drivers.live.supervise import Supervised
from duskwatch.records.times import HOUR, MINUTE, SECOND


@dataclass(frozen=True, slots=True)
class Pace:
    """When entities are judged. Times are of events.

    prompt_us  after something changed, wait for more of it for so long
    step_us    while something goes on, at least so often: losses become outages by lasting
    quiet_us   nothing has changed for so long: nothing goes on
    idle_us    and so often then, so that what was watched is written down
    """

    prompt_us: int = 2 * SECOND
    step_us: int = MINUTE
    quiet_us: int = 2 * HOUR
    idle_us: int = 15 * MINUTE


def watermark(sources: Iterable[Supervised], start_us: int) -> int:
    """Up to which time all sources have told. Those that ended are waited for no more; ``start_us`` without any."""
    every = list(sources)
    going = [one.reached_us for one in every if not one.ended]
    return min(going) if going else max((one.reached_us for one in every), default=start_us)


def is_due(mark_us: int, judged_us: int, changed_us: int, judged_changes: bool, lasting: bool, pace: Pace) -> bool:
    """Whether entities should be judged, all sources having told up to ``mark_us``.

    judged_us       up to which time they were judged last
    changed_us      when something last changed of what is watched
    judged_changes  whether all of that was judged already
    lasting         whether an outage lasts
    """
    since = mark_us - judged_us
    if since <= 0:
        return False
    if not judged_changes and mark_us - changed_us >= pace.prompt_us and since >= pace.prompt_us:
        return True
    busy = lasting or not judged_changes or mark_us - changed_us < pace.quiet_us
    return since >= (pace.step_us if busy else pace.idle_us)
