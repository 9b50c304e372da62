"""What a channel of alerts is: it takes a document, or says that it could not, or never will."""

from typing import Any, Protocol

Json = dict[str, Any]


class UndeliveredError(Exception):
    """The receiver could not be told; it is tried again. The text says why."""


class RefusedError(UndeliveredError):
    """The receiver will never take it: trying again is useless."""


class Channel(Protocol):
    """A channel."""

    @property
    def name(self) -> str:
        """The one in the configuration."""
        ...

    async def send(self, alert: Json) -> None:
        """Tell the receiver; the alert's ``id`` is the same whenever it is tried again.

        UndeliveredError where it was not taken, RefusedError where it never will be.
        """
        ...
