"""Who does the tasks of a backfill: this process, local processes, or the workers of a Dask scheduler."""

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from duskwatch.drivers.backfill.plan import Part
from duskwatch.drivers.backfill.tasks import FULL, reason_of
from duskwatch.records.errors import DuskwatchError

# A task whose worker died is tried alone so many times before it is given up.
ATTEMPTS = 3
# A scheduler must answer, and have a worker, in so many seconds.
ANSWER_S = 20
WORKER_WAIT_S = 60
# Thresholds of the collector of cyclic garbage (gc.set_threshold): new objects, then passes of the generation before.
COLLECT_AFTER = 100_000, 20, 100


class BackfillError(DuskwatchError, RuntimeError):
    """A run that cannot go on; the message says what to do. What is finished stays and is taken up by the next run."""


@dataclass(frozen=True, slots=True)
class Task:
    """A call that leaves its result in the work folder, and returns why it could not, empty where it could."""

    name: str
    call: Callable[..., str]
    arguments: tuple[Any, ...]
    day: date
    part: Part | None = None  # None: of the whole day
    kind: int = 0  # by which who gives out tasks tells them apart
    attempts: int = 0
    memory: int = 0  # bytes that it may need


def is_full(error: BaseException) -> bool:
    """Some libraries have it in their words only."""
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    text = str(error)
    return "No space left on device" in text or "database or disk is full" in text


def lost(address: str) -> BackfillError:
    """What to say of a scheduler that is gone."""
    return BackfillError(
        f"the Dask scheduler at {address} was lost; run the same command again: what is finished is kept"
    )


class _Here:
    """Does what it is given at once, in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        pass

    abandon = close

    def slots(self) -> int:
        return 1


class _Processes:
    """Local processes."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.others = set(multiprocessing.active_children())
        # Not forked: libraries loaded here have threads of their own.
        self.pool = ProcessPoolExecutor(
            workers, mp_context=multiprocessing.get_context("spawn"), initializer=_begin_worker
        )

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> "Future[Any]":
        # Processes are begun here. They leave it to this one what Ctrl-C means, from their first moment on.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return self.pool.submit(fn, *args)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def close(self) -> None:
        self.pool.shutdown()

    def abandon(self) -> None:
        """End what is under way."""
        for process in set(multiprocessing.active_children()) - self.others:
            process.kill()
        self.pool.shutdown(cancel_futures=True)

    def slots(self) -> int:
        return self.workers


class _Cluster:
    """Workers of a Dask scheduler, which gives the tasks of a lost worker to others by itself."""

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise BackfillError("--scheduler needs Dask: pip install 'duskwatch[cluster]'") from None
        self.address = address
        try:
            self.client: Any = Client(address, timeout=ANSWER_S, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, ValueError, TimeoutError) as error:
            raise BackfillError(f"no Dask scheduler at {address}: {reason_of(error)}") from None
        try:
            self.client.wait_for_workers(1, timeout=WORKER_WAIT_S)
        except (OSError, TimeoutError):
            self.client.close()  # type: ignore[no-untyped-call]
            raise BackfillError(f"the Dask scheduler at {address} has no worker; start some and run again") from None
        self.pool = self.client.get_executor(pure=False)  # type: ignore[no-untyped-call]

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> "Future[Any]":
        future: Future[Any] = self.pool.submit(fn, *args)
        return future

    def close(self) -> None:
        self.client.close()

    abandon = close

    def slots(self) -> int:
        try:
            threads = int(sum(self.client.nthreads().values()))
        except (OSError, TimeoutError):
            raise lost(self.address) from None
        # No more than can run: one that only waited at a worker that died would be blamed for its death too.
        return max(1, threads)


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Look for cycles of objects less often: hundreds of thousands of records live at once here, and none is in one."""
    before = gc.get_threshold()
    gc.set_threshold(*COLLECT_AFTER)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _begin_worker() -> None:
    """A local worker does not outlive who began it."""
    gc.set_threshold(*COLLECT_AFTER)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class Workers:
    """Who does the tasks, and what they are at. A pool whose worker died is replaced, its tasks begun again."""

    def __init__(self, workers: int, scheduler: str, memory: int = 0) -> None:
        self.workers, self.scheduler = workers, scheduler
        self.memory = 0 if scheduler else memory
        self.at: dict[Future[Any], Task] = {}
        self.again: list[Task] = []
        self.pool = self._open()

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.pool.close()
        else:
            self.pool.abandon()

    @property
    def busy(self) -> bool:
        """Whether anything is under way or to be reported."""
        return bool(self.at or self.again)

    def free(self, task: Task) -> bool:
        """Whether a task may begin now. One that was there when a worker died is done alone."""
        if task.attempts or any(other.attempts for other in self.at.values()):
            return not self.at
        if self.memory and self.at and sum(other.memory for other in self.at.values()) + task.memory > self.memory:
            return False
        return not self.at or len(self.at) < self.slots()

    def slots(self) -> int:
        """How many tasks may be given out."""
        return self.pool.slots()

    def here(self) -> int:
        """How many of the workers are processes of this machine."""
        return 1 if self.scheduler else self.workers

    def submit(self, task: Task) -> None:
        """Begin a task."""
        try:
            self.at[self.pool.submit(task.call, *task.arguments)] = task
        except BrokenExecutor:  # a worker died since anybody looked
            self._replace([replace(task, attempts=task.attempts + 1)])

    def next_done(self) -> Iterator[tuple[Task, str]]:
        """Wait for at least one task, and give each with why it failed, empty where it did not.

        Raises what says that the disk is full, and BackfillError where the scheduler is lost.
        """
        if not self.at:
            return
        done, _ = wait(self.at, return_when=FIRST_COMPLETED)
        broken: list[Task] = []
        for future in done:
            task = self.at.pop(future)
            try:
                error = future.exception()
            except CancelledError:
                raise lost(self.scheduler) from None
            if error is None:
                yield task, str(future.result())
            elif isinstance(error, BrokenExecutor):
                if task.attempts + 1 >= ATTEMPTS:
                    yield task, "its worker died each time (killed, or out of memory)"
                else:
                    broken.append(replace(task, attempts=task.attempts + 1))
            elif is_full(error):
                raise error
            elif type(error).__name__ == "KilledWorker":
                yield task, "its workers died each time (killed, or out of memory)"
            else:
                yield task, reason_of(error)
        if any(isinstance(future.exception(), BrokenExecutor) for future in done):
            self._replace(broken)

    def lost(self) -> list[Task]:
        """Tasks to be begun again."""
        out, self.again = self.again, []
        return out

    def _replace(self, broken: list[Task]) -> None:
        self.again += broken + [replace(task, attempts=task.attempts + 1) for task in self.at.values()]
        self.at.clear()
        self.pool.abandon()
        self.pool = self._open()

    def _open(self) -> "_Here | _Processes | _Cluster":
        if self.scheduler:
            return _Cluster(self.scheduler)
        return _Processes(self.workers) if self.workers > 1 else _Here()
