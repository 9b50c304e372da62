"""What happens at a session: the common form of the plot's, the background's and the traps' events."""

from enum import IntEnum
from typing import NamedTuple


class Action(IntEnum):
    """What the peer does."""

    ANNOUNCE = 0  # a route of this variant
    AGAIN = 1  # the route it has, once more: a duplicate, or the end of a flap
    WITHDRAW = 2
    ALIVE = 3  # a KEEPALIVE
    DOWN = 4  # the session ends
    UP = 5  # it is established again
    RESEND = 6  # after that, a part of the table
    RESENT = 7  # the end of it


class Event(NamedTuple):
    """One event of one session, in seconds since the epoch. Prefixes are rows of the stage, of one group."""

    second: int
    action: Action
    prefixes: tuple[int, ...] = ()
    variant: int = 0


SessionKey = tuple[str, int]
"""A collector's name and the number of the session there."""

Events = dict[SessionKey, list[Event]]
