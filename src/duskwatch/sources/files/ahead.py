"""Several iterators one after the other, made ahead in threads: the next file is unpacked while this one is read."""

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")
Item = tuple[bool, T | BaseException | None]


def read_ahead(
    sources: Iterable[Iterable[T]], *, threads: int = 1, ahead: int = 2, depth: int = 4
) -> Generator[Iterator[T], None, None]:
    """For each source an iterator of the same items, in the same order, to be used up or closed before the next.

    threads  so many sources are made at once, in order        ahead  at most so many are begun and not used up
    depth    items of each that wait at most
    What a source raises is raised by its iterator. A source that its user leaves early is closed, in its thread,
    before its iterator is; when the outer iterator is closed, so are all that were begun.
    """
    pool = ThreadPoolExecutor(max(1, threads), thread_name_prefix="read-ahead")
    begun: deque[_Begun[T]] = deque()
    rest = iter(sources)
    try:
        while True:
            for items in islice(rest, max(1, ahead) - len(begun)):
                begun.append(_Begun(pool, items, max(1, depth)))
            if not begun:
                return
            current = begun[0]
            try:
                yield current.items()
            finally:
                current.end()
            begun.popleft()
    finally:
        for left in begun:
            left.end()
        pool.shutdown()


class _Begun(Generic[T]):
    """One source that a thread of the pool makes, or will when one is free."""

    def __init__(self, pool: ThreadPoolExecutor, source: Iterable[T], depth: int) -> None:
        self.ready: queue.Queue[Item[T]] = queue.Queue(depth)
        self.stopped = threading.Event()
        self.made: Future[None] = pool.submit(self._make, source)

    def items(self) -> Iterator[T]:
        """The items as they come."""
        try:
            while True:
                more, item = self.ready.get()
                if more:
                    yield item  # type: ignore[misc]
                elif isinstance(item, BaseException):
                    raise item
                else:
                    return
        finally:
            self.end()

    def end(self) -> None:
        """Stop the thread, if it is still at it, and wait until the source is closed."""
        self.stopped.set()
        if self.made.cancel():
            return
        while not self.made.done():
            # It may be waiting for room.
            with contextlib.suppress(queue.Empty):
                while True:
                    self.ready.get_nowait()
            wait([self.made], timeout=0.01)

    def _make(self, source: Iterable[T]) -> None:
        error: BaseException | None = None
        try:
            if not self.stopped.is_set():
                for item in source:
                    self.ready.put((True, item))
                    if self.stopped.is_set():
                        break
        except BaseException as caught:
            error = caught
        if hasattr(source, "close"):
            try:
                source.close()
            except BaseException as caught:
                error = error or caught
        if not self.stopped.is_set():
            self.ready.put((False, error))
