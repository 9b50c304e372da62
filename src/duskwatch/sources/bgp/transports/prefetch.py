"""Run an iterator in a thread of its own, a few items ahead of whoever uses them."""

import contextlib
import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def prefetch(items: Iterable[T], depth: int = 4) -> Iterator[T]:
    """The same items in the same order, made up to ``depth`` ahead.

    What the iterator raises is raised here. When the user stops early, the thread ends after the item that it is at,
    and ``items`` is closed (in that thread) before this iterator is.
    """
    ready: queue.Queue[tuple[bool, T | BaseException | None]] = queue.Queue(max(1, depth))
    stopped = threading.Event()

    def run() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                ready.put((True, item))
                if stopped.is_set():
                    break
        except BaseException as caught:
            error = caught
        if hasattr(items, "close"):
            try:
                items.close()
            except BaseException as caught:
                error = error or caught
        if not stopped.is_set():
            ready.put((False, error))

    thread = threading.Thread(target=run, name="prefetch", daemon=True)
    thread.start()
    try:
        while True:
            more, item = ready.get()
            if more:
                yield item  # type: ignore[misc]
            elif isinstance(item, BaseException):
                raise item
            else:
                return
    finally:
        # The thread may be waiting for room: make some, as often as it takes.
        stopped.set()
        while thread.is_alive():
            with contextlib.suppress(queue.Empty):
                while True:
                    ready.get_nowait()
            thread.join(0.01)
