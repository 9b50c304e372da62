"""What a live source is: a task that yields messages. Feeds of routes, replays and whatever else is watched alike."""

from collections.abc import AsyncGenerator
from typing import NamedTuple, Protocol

from duskwatch.records.messages import Message


class Said(NamedTuple):
    """A message of one collector, as ``records.messages`` promises them."""

    collector: str
    message: Message


class Reached(NamedTuple):
    """All that the source will tell of times before ``until_us`` was told; what comes nevertheless is late."""

    until_us: int


class Noted(NamedTuple):
    """Something for the log: a session that came or went, a refusal, an error of the other side."""

    text: str
    fields: dict[str, object]


LiveMessage = Said | Reached | Noted


class LiveSource(Protocol):
    """A source of the live driver.

    name         of the source in the configuration, in gaps, metrics and logs
    endless      whether it should never end by itself: an end is a failure then, and the source is begun again
    tells_tables whether it tells all tables anew when it begins anew, as a router does
    changes_only whether it says what changes and never what stands, as RIS Live does: see ``breaks``
    """

    name: str
    endless: bool
    tells_tables: bool
    changes_only: bool

    def messages(self) -> AsyncGenerator[LiveMessage]:
        """Begin, or begin again after a failure; whatever is raised means that the source failed."""
        ...

    def position(self) -> dict[str, int]:
        """By collector up to which time all was told, where the source can go on from there; else nothing."""
        ...

    def resume(self, position: dict[str, int]) -> None:
        """Go on from a position, before ``messages`` is asked for."""
        ...

    def status(self) -> dict[str, object]:
        """What a person may want to know of it just now; plain values."""
        ...
