"""SHA-256 of a file's stored bytes, computed in another thread while they are unpacked."""

import hashlib
from collections import deque
from concurrent.futures import Executor, Future

# Pieces that may wait to be hashed. Hashing is faster than unpacking: there are hardly ever more than one.
WAITING = 8


class ThreadedSha256:
    """As hashlib.sha256(), but that update() does not wait. For one thread at a time, and one worker thread."""

    def __init__(self, worker: Executor) -> None:
        self._hash = hashlib.sha256()
        self._worker = worker
        self._waiting: deque[Future[None]] = deque()

    def update(self, data: bytes, /) -> None:
        """Take more bytes; they must not change any more."""
        while len(self._waiting) >= WAITING:
            self._waiting.popleft().result()
        self._waiting.append(self._worker.submit(self._hash.update, data))

    def hexdigest(self) -> str:
        """The digest of all bytes so far, once they are hashed."""
        while self._waiting:
            self._waiting.popleft().result()
        return self._hash.hexdigest()
