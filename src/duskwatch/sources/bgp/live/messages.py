"""What live feeds yield: messages (``records.messages``) of one collector each, and events."""

from typing import NamedTuple

from duskwatch.records.messages import Silence
from duskwatch.sources.bgp.formats.feed_events import FeedEvent
from duskwatch.sources.bgp.formats.feed_table import FeedBlock


class FeedSilence(NamedTuple):
    """A message of one collector: a stretch of which nothing usable was received.

    ``collector`` is empty where the feed has not named any yet.
    """

    collector: str
    message: Silence


FeedMessage = FeedBlock | FeedEvent | FeedSilence
