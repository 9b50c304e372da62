"""What live feeds yield: elems of one collector, events, and stretches of which nothing was received."""

from dataclasses import dataclass

from duskwatch.sources.bgp.formats.feed_events import FeedEvent
from duskwatch.sources.bgp.formats.feed_table import FeedBlock


@dataclass(frozen=True, slots=True)
class FeedSilence:
    """Nothing usable was received from a collector in [from_us, until_us).

    A silence that goes on is told piece by piece; pieces that touch are one. It is told before what was said after it.
    ``collector`` is empty where the feed has not named any yet.
    """

    collector: str
    from_us: int
    until_us: int
    reason: str


FeedMessage = FeedBlock | FeedEvent | FeedSilence
