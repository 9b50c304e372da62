"""Weeks of many collectors into a store: split by collector and day, folded, merged day by day, stored, detected.

Every task is a function of plain values that leaves its result in a folder, so that the same tasks run in this
process, in local processes or on a Dask cluster, and what is finished is not done again. Workers of a cluster must see
the archives, the work folder and the store under the same names.
"""

import errno
import hashlib
import os
import pickle
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from duskwatch import __version__, daily
from duskwatch.daily import DaySummary, Plan
from duskwatch.everything import watch_all
from duskwatch.pipeline import replay_collector
from duskwatch.records.signals import Gap
from duskwatch.records.times import DAY, iso, to_datetime
from duskwatch.signals.visibility import NOTHING_KNOWN
from duskwatch.sources.bgp.archive_files import ArchiveError, ArchiveFile, select

# Part of every key: results of an older layout are not taken up.
LAYOUT = 1
# Memory of a worker: loaded, and for each stored byte of a table dump, of updates, and of a part that is merged.
PROCESS_BYTES = 250 << 20
DUMP_FACTOR = 4
UPDATE_FACTOR = 6
MERGE_FACTOR = 3
# A task whose worker died is tried alone so many times before it is given up.
ATTEMPTS = 3


class BackfillError(RuntimeError):
    """A run that cannot go on; the message says what to do. What is finished stays and is taken up by the next run."""


@dataclass(frozen=True, slots=True)
class Part:
    """One collector on one day: the files it needs, from the table dump at or before its start on."""

    collector: str
    from_us: int
    until_us: int
    files: tuple[ArchiveFile, ...]

    @property
    def day(self) -> date:
        """The UTC day."""
        return to_datetime(self.from_us).date()

    @property
    def size_bytes(self) -> int:
        """Stored bytes to be read."""
        return sum(file.size_bytes for file in self.files)

    @property
    def name(self) -> str:
        """For people: route-views2 2008-02-19."""
        return f"{self.collector} {self.day}"


@dataclass(frozen=True, slots=True)
class Failure:
    """A part or a day that could not be done, and why."""

    name: str
    reason: str


@dataclass
class Summary:
    """What a run did."""

    parts: int = 0  # folded by this run
    reused: int = 0  # found finished
    days: int = 0  # written by this run
    days_reused: int = 0
    outages: int = 0
    entities: int = 0  # of the fullest day
    failures: list[Failure] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)  # files that were read up to their damage


Progress = Callable[[str, int, int], None]
"""Told what is being done, stored bytes done and stored bytes in all."""


def plan_parts(files: Sequence[ArchiveFile], from_us: int, until_us: int) -> list[Part]:
    """Cut a window into parts by UTC day and collector, in that order. ArchiveError where no file covers any of it."""
    by_collector: dict[str, list[ArchiveFile]] = {}
    for file in sorted(files):
        by_collector.setdefault(file.collector, []).append(file)
    parts = []
    for start in range(from_us - from_us % DAY, until_us, DAY):
        low, high = max(start, from_us), min(start + DAY, until_us)
        for collector, own in by_collector.items():
            chosen = select(own, low, high)
            if any(file.start_us < high and (file.is_update or file.start_us >= low - DAY) for file in chosen) and any(
                file.start_us >= low - DAY for file in chosen
            ):
                parts.append(Part(collector, low, high, tuple(chosen)))
    if not parts:
        raise ArchiveError(f"no MRT file covers {iso(from_us)} to {iso(until_us)}")
    return parts


def part_memory(part: Part) -> int:
    """Bytes that folding a part may take, from what was measured (docs/reference/performance.md)."""
    dumps = sum(file.size_bytes for file in part.files if not file.is_update)
    updates = sum(file.size_bytes for file in part.files if file.is_update)
    return PROCESS_BYTES + DUMP_FACTOR * dumps + UPDATE_FACTOR * updates


def part_key(part: Part, plan: Plan) -> str:
    """What a part depends on, as a word: the files as they are, the window, the bins, the version."""
    digest = hashlib.sha256(f"{LAYOUT} {__version__} {part.from_us} {part.until_us} {plan.bin_us}".encode())
    for file in part.files:
        stat = file.path.stat()
        digest.update(f"\n{file.path.name} {stat.st_size} {stat.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


def day_key(keys: Sequence[str], plan: Plan, before: str) -> str:
    """What a day depends on, as a word: its parts, the day before, whose addresses were whose, entities and store."""
    digest = hashlib.sha256(repr((LAYOUT, sorted(keys), plan.kinds, plan.prefixes, plan.store, before)).encode())
    for path in plan.geo:
        stat = path.stat()
        digest.update(f"\n{path.name} {stat.st_size} {stat.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


def part_path(plan: Plan, part: Part, key: str) -> Path:
    """Where a part's result lies."""
    return plan.work / "parts" / f"{part.day}-{part.collector}-{key}.pickle"


def day_path(plan: Plan, day: date, key: str) -> Path:
    """Where a day's summary lies, once the day is in the store."""
    return plan.work / "days" / f"{day}-{key}.pickle"


def known_path(plan: Plan, day: date, key: str) -> Path:
    """Where it lies what is known after a day."""
    return plan.work / "known" / f"{day}-{key}.pickle"


def fold_part(part: Part, plan: Plan, path: Path) -> str:
    """Fold one part and leave it at ``path``. Returns why that cannot be done, empty where it was."""
    try:
        replay = replay_collector(
            part.collector,
            part.files,
            part.from_us,
            part.until_us,
            watch_all,
            bin_us=plan.bin_us,
            threads=plan.threads,
        )
        leave(path, replay)
    except Exception as error:  # one part's fault, whatever it is, is not the others'
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        return f"{type(error).__name__}: {error}"
    return ""


def leave(path: Path, value: Any) -> None:
    """Write a value so that the file is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with part.open("wb") as file:
            pickle.dump(value, file, protocol=5)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def take(path: Path) -> Any:
    """What ``leave`` left. The work folder is this program's own: nothing from elsewhere is read so."""
    with path.open("rb") as file:
        return pickle.load(file)


def run(
    parts: Sequence[Part],
    plan: Plan,
    *,
    workers: int = 1,
    memory: int = 0,
    scheduler: str = "",
    redo: bool = False,
    progress: Progress | None = None,
) -> Summary:
    """Fold, merge, store and detect. A run that was broken off is taken up where it was.

    workers    local processes; 1 does everything in this one
    memory     bytes that local workers may use together, as far as can be told beforehand; 0: no limit
    scheduler  address of a Dask scheduler, whose workers are used in place of local ones
    redo       do what is finished again too
    Raises BackfillError where it cannot go on; what failed of single parts or days is in the summary.
    """
    summary = Summary()
    total = sum(part.size_bytes for part in parts)
    by_day: dict[date, list[Part]] = {}
    for part in parts:
        by_day.setdefault(part.day, []).append(part)
    days = sorted(by_day)
    keys = {part: part_key(part, plan) for part in parts}
    day_keys = _day_keys(days, by_day, keys, plan)
    finished = {} if redo else _finished_days(days, day_keys, plan)
    summary.days_reused = len(finished)
    done_bytes = sum(part.size_bytes for day in finished for part in by_day[day])
    failed: dict[Part, str] = {}
    tasks: deque[_Task] = deque()
    waiting: dict[date, set[Part]] = {day: set() for day in days if day not in finished}
    for part in parts:
        if part.day in finished:
            continue
        at = part_path(plan, part, keys[part])
        if not redo and at.exists():
            summary.reused += 1
            done_bytes += part.size_bytes
        else:
            waiting[part.day].add(part)
            tasks.append(_Task(part.name, fold_part, (part, plan, at), part=part, memory=part_memory(part)))
    with _Workers(workers, scheduler, memory) as pool:
        while tasks or waiting or pool.busy:
            # Days are merged in order, one after the other: each knows from the one before what may be gone.
            following = next(iter(waiting), None)
            if following is not None and not waiting[following] and not pool.merging:
                tasks.appendleft(_merging(following, by_day[following], failed, keys, day_keys, days, plan))
                waiting.pop(following)
                pool.merging = True
            while tasks and pool.free(tasks[0]):
                pool.submit(tasks.popleft())
            for task, value, error in pool.next_done():
                if error is not None:
                    _raise_if_full(error, plan)
                    value = f"{type(error).__name__}: {error}"
                if value:
                    summary.failures.append(Failure(task.name, str(value)))
                if task.part is not None:
                    done_bytes += task.part.size_bytes
                    waiting[task.part.day].discard(task.part)
                    if value:
                        failed[task.part] = str(value)
                    else:
                        summary.parts += 1
                elif task.day is not None:
                    pool.merging = False
                    if not value:
                        finished[task.day] = task.path
                        summary.days += 1
                if progress:
                    progress(task.name, done_bytes, total)
            for task in pool.lost():
                tasks.appendleft(task)
    if progress:
        progress("detecting", total, total)
    summaries = [take(finished[day]) for day in sorted(finished)]
    if summaries:
        _tell(summary, summaries)
        summary.outages = daily.detect_days(plan, summaries)
    for day in finished:  # what the days were made of is no longer wanted
        for part in by_day[day]:
            part_path(plan, part, keys[part]).unlink(missing_ok=True)
        if day != days[-1]:
            known_path(plan, day, day_keys[day]).unlink(missing_ok=True)
    return summary


def _day_keys(
    days: Sequence[date], by_day: dict[date, list[Part]], keys: dict[Part, str], plan: Plan
) -> dict[date, str]:
    """Each day's key. Where the day before the first was left by an earlier run, the first goes on from it."""
    earlier = sorted((plan.work / "known").glob(f"{days[0] - timedelta(days=1)}-*.pickle"))
    before = earlier[-1].stem if earlier else ""
    out = {}
    for day in days:
        before = out[day] = day_key([keys[part] for part in by_day[day]], plan, before)
    return out


def _finished_days(days: Sequence[date], day_keys: dict[date, str], plan: Plan) -> dict[date, Path]:
    """Days that need not be done again: stored, and the day after does not need what was known after them."""
    stored = set(daily.stored_days(plan))
    finished: dict[date, Path] = {}
    for day in days:
        path = day_path(plan, day, day_keys[day])
        if path.exists() and day in stored:
            finished[day] = path
    for following, day in zip(reversed(days), list(reversed(days))[1:], strict=False):
        if following not in finished and not known_path(plan, day, day_keys[day]).exists():
            finished.pop(day, None)
    return finished


def _merging(
    day: date,
    parts: Sequence[Part],
    failed: dict[Part, str],
    keys: dict[Part, str],
    day_keys: dict[date, str],
    days: Sequence[date],
    plan: Plan,
) -> "_Task":
    """The task of merging a day from the parts that could be folded."""
    lost = tuple(
        Gap(part.collector, part.from_us, part.until_us, f"not read: {failed[part]}")
        for part in parts
        if part in failed
    )
    files = tuple(part_path(plan, part, keys[part]) for part in parts if part not in failed)
    at = days.index(day)
    if at:
        before: Path | None = known_path(plan, days[at - 1], day_keys[days[at - 1]])
    else:
        earlier = sorted((plan.work / "known").glob(f"{day - timedelta(days=1)}-*.pickle"))
        before = earlier[-1] if earlier else None
    # A day of which something failed is told apart, so that the next run tries again.
    path = day_path(plan, day, day_keys[day] + ("-partial" if lost else ""))
    after = known_path(plan, day, day_keys[day])
    memory = PROCESS_BYTES + MERGE_FACTOR * sum(file.stat().st_size for file in files)
    arguments = (day, files, lost, plan, before, path, after)
    return _Task(f"day {day}", merge_day, arguments, day=day, path=path, memory=memory)


def merge_day(
    day: date,
    files: Sequence[Path],
    lost: Sequence[Gap],
    plan: Plan,
    before: Path | None,
    path: Path,
    after: Path,
) -> str:
    """Merge a day's parts into the store; leave its summary at ``path`` and what is known then at ``after``.

    Returns why it cannot be done, empty where it was.
    """
    if not files:
        return "none of its parts could be read"
    known = take(before) if before is not None and before.exists() else NOTHING_KNOWN
    summary, known = daily.store_day(day, [take(file) for file in files], lost, plan, known)
    leave(after, known)
    leave(path, summary)
    return ""


def _tell(summary: Summary, days: Sequence[DaySummary]) -> None:
    summary.entities = max(len(day.codes) for day in days)
    for day in days:
        summary.warnings += [f"{day.day}: {text}" for text in day.warnings]
        summary.damaged += [f"{day.day}: {text}" for text in day.damaged]


def _raise_if_full(error: BaseException, plan: Plan) -> None:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise BackfillError(
            f"no space left for {plan.work} or {plan.store}; make room and run the same command again: "
            "what is finished is kept"
        ) from None
    if "No space left on device" in str(error):
        raise BackfillError(f"{error}; make room and run the same command again: what is finished is kept") from None


@dataclass(frozen=True, slots=True)
class _Task:
    name: str
    call: Callable[..., str]
    arguments: tuple[Any, ...]
    part: Part | None = None
    day: date | None = None
    path: Path = Path()
    attempts: int = 0
    memory: int = 0  # bytes that it may need


class _Here(Executor):
    """Does what it is given at once, in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class _Workers:
    """The executor of a run, and what it is at. A pool whose worker died is replaced, its tasks begun again."""

    def __init__(self, workers: int, scheduler: str, memory: int = 0) -> None:
        self.workers, self.scheduler, self.memory = workers, scheduler, memory
        self.slots = max(1, workers)
        self.at: dict[Future[Any], _Task] = {}
        self.again: list[_Task] = []
        self.merging = False
        self.client: Any = None
        self.pool = self._open()

    def __enter__(self) -> "_Workers":
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown(wait=self.client is None, cancel_futures=True)
        if self.client is not None:
            self.client.close()

    @property
    def busy(self) -> bool:
        """Whether anything is under way or to be told."""
        return bool(self.at or self.again)

    def free(self, task: _Task) -> bool:
        """Whether a task may begin now. One that was there when a worker died is done alone."""
        if task.attempts or any(other.attempts for other in self.at.values()):
            return not self.at
        if self.memory and self.at and sum(other.memory for other in self.at.values()) + task.memory > self.memory:
            return False
        return len(self.at) < self.slots

    def submit(self, task: _Task) -> None:
        """Begin a task."""
        self.at[self.pool.submit(task.call, *task.arguments)] = task

    def next_done(self) -> Iterator[tuple[_Task, Any, BaseException | None]]:
        """Wait for at least one task, and give each with its value or its error."""
        if not self.at:
            return
        done, _ = wait(self.at, return_when=FIRST_COMPLETED)
        broken = False
        for future in done:
            task = self.at.pop(future)
            error = future.exception()
            if isinstance(error, BrokenExecutor):
                broken = True
                if task.attempts + 1 >= ATTEMPTS:
                    yield task, None, RuntimeError("its worker died each time (killed, or out of memory)")
                else:
                    self.again.append(replace(task, attempts=task.attempts + 1))
            else:
                yield task, None if error is not None else future.result(), error
        if broken:
            self.again += [replace(task, attempts=task.attempts + 1) for task in self.at.values()]
            self.at.clear()
            self.pool.shutdown(wait=False, cancel_futures=True)
            self.pool = self._open()

    def lost(self) -> list[_Task]:
        """Tasks to be begun again."""
        out, self.again = self.again, []
        return out

    def _open(self) -> Executor:
        if self.scheduler:
            try:
                from distributed import Client
            except ImportError:
                raise BackfillError("--scheduler needs Dask: pip install 'duskwatch[cluster]'") from None
            try:
                self.client = Client(self.scheduler, timeout=20)  # type: ignore[no-untyped-call]
            except (OSError, ValueError, TimeoutError) as error:
                raise BackfillError(f"no Dask scheduler at {self.scheduler}: {error}") from None
            threads = sum(self.client.nthreads().values())
            # A few more than can run, so that none waits for this program to hand it the next.
            self.slots = max(2, 2 * threads)
            executor: Executor = self.client.get_executor(pure=False)
            return executor
        if self.workers <= 1:
            return _Here()
        # Not forked: libraries loaded here have threads of their own.
        return ProcessPoolExecutor(self.workers, mp_context=get_context("spawn"))
