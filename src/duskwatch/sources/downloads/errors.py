"""What can be wrong with a download, sorted by what to do about it."""

from duskwatch.records.errors import InputError


class DownloadError(InputError):
    """Nothing can be downloaded with what was given; one sentence that says what to do."""


class NotThereError(Exception):
    """The server says that there is no such file (404, 410)."""


class RefusedError(Exception):
    """It will not work however often it is tried; the message says why. ``status`` is the server's, where it spoke."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class TransientError(Exception):
    """It may work when tried again.

    ``wait_s`` is how long the server asked to wait, None where it did not; ``most`` how often it is worth trying.
    """

    def __init__(self, reason: str, wait_s: float | None = None, most: int = 1000) -> None:
        super().__init__(reason)
        self.wait_s = wait_s
        self.most = most
