"""What is to be done of a backfill, in which order."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from duskwatch.drivers.backfill.day import stored_days
from duskwatch.drivers.backfill.plan import (
    VOTES,
    DayRecord,
    DaySummary,
    Part,
    Plan,
    counted_path,
    day_key,
    key_after,
    known_path,
    known_paths,
    part_key,
    part_path,
    record_of,
)
from duskwatch.drivers.backfill.tasks import count_day, fold_part, store_day, store_nothing
from duskwatch.drivers.backfill.workers import Task
from duskwatch.records.judged import JudgedSpan, WhyNot
from duskwatch.records.signals import Gap
from duskwatch.records.times import DAY

# Own memory of a worker as measured (docs/reference/backfill.md): loaded; for each stored byte of a table dump, and of
# updates; to count anything, and for each byte of the folded parts; to store anything, and for each byte of the votes;
# to search for outages, and for each row of changes that is read at once.
PROCESS_BYTES = 100_000_000
DUMP_FACTOR = 3
UPDATE_FACTOR = 7
COUNT_BYTES = 200_000_000
COUNT_FACTOR = 0.55
STORE_BYTES = 450_000_000
STORE_FACTOR = 9
SEARCH_BYTES = 300_000_000
SEARCH_ROW_BYTES = 260
# What is known after a day is kept of every so many days, so that a day to be done again later need not go back to
# the first.
KNOWN_EVERY = 7
# Folded parts are large: so many days may be ahead of the one that is counted, more where workers would be idle.
DAYS_AHEAD = 2
# Kinds of tasks. Days are counted one after the other, so that nothing else may hold that up.
COUNT, STORE, FOLD = range(3)


@dataclass(frozen=True, slots=True)
class Failure:
    """A part or a day that could not be done, and why."""

    name: str
    reason: str


@dataclass
class Summary:
    """What a run did."""

    parts: int = 0  # folded by this run
    reused: int = 0  # found folded, of days that were not finished
    days: int = 0  # written by this run
    days_reused: int = 0
    outages: int = 0
    incidents: int = 0
    entities: int = 0  # of the fullest day
    failures: list[Failure] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)  # files that were read up to their damage
    # The window of the run in stretches, as far as it depends on who was watching whether they could be judged.
    judged: list[JudgedSpan] = field(default_factory=list)
    reenactment: str = ""  # what the files say of themselves, where they are no recordings
    not_judged: dict[WhyNot, tuple[str, ...]] = field(default_factory=dict)  # countries of which nothing is said


def part_memory(part: Part) -> int:
    """Bytes that a worker may take to fold a part."""
    dumps = sum(file.size_bytes for file in part.files if not file.is_update)
    updates = sum(file.size_bytes for file in part.files if file.is_update)
    return PROCESS_BYTES + DUMP_FACTOR * dumps + UPDATE_FACTOR * updates


def count_memory(parts_bytes: int) -> int:
    """Bytes that a worker may take to count the votes of folded parts of this size."""
    return PROCESS_BYTES + COUNT_BYTES + round(COUNT_FACTOR * parts_bytes)


def store_memory(votes_bytes: int) -> int:
    """Bytes that a worker may take to store a day whose counted votes have this size."""
    return PROCESS_BYTES + STORE_BYTES + STORE_FACTOR * votes_bytes


def search_memory(rows: int) -> int:
    """Bytes that a worker may take to search for outages, where so many rows of changes are read at once."""
    return PROCESS_BYTES + SEARCH_BYTES + SEARCH_ROW_BYTES * rows


@dataclass
class _Day:
    """How far a day is."""

    day: date
    parts: list[Part]
    made_of: str
    record: DayRecord | None  # of an earlier run, with the same parts; then of this one
    again: bool  # it must be counted and stored, whatever was known before it
    waiting: set[Part] = field(default_factory=set)  # parts to be folded
    failed: dict[Part, str] = field(default_factory=dict)
    counting: bool = False
    given_up: bool = False  # no part of it could be folded
    done: bool = False  # as far as it can be
    after: str = ""  # key of what is known after it


class _Course:
    """What is to be done, in which order. Days are counted one after the other: each knows from the one before it what
    may be gone by now. They are stored as workers are free. A day that was stored earlier stays if its parts and what
    was known before it are the same."""

    def __init__(self, parts: Sequence[Part], plan: Plan, redo: bool) -> None:
        self.plan = plan
        self.summary = Summary()
        self.count_threads = plan.threads
        self.tasks: list[Task] = []
        self.keys = {part: part_key(part, plan) for part in parts}
        self.total = self.read = 0
        by_day: dict[date, list[Part]] = {}
        for part in parts:
            by_day.setdefault(part.day, []).append(part)
        stored = set(stored_days(plan))
        self.days: list[_Day] = []
        for day in sorted(by_day):
            made_of = day_key(day, [self.keys[part] for part in by_day[day]], plan)
            record = record_of(plan, day) if not redo and day in stored else None
            if record is not None and record.made_of != made_of:
                record = None
            self.days.append(_Day(day, by_day[day], made_of, record, again=record is None))
        self.at = 0  # the first day that is not counted
        first = self.days[0].day
        earlier = record_of(plan, first - timedelta(days=1))
        self.before = ""
        if earlier is not None and known_path(plan, first - timedelta(days=1), earlier.after).exists():
            self.before = earlier.after
        for state in self.days:
            if state.again:
                if not redo:
                    self.summary.reused += sum(self._path(part).exists() for part in state.parts)
                self._fold(state, state.parts, again=redo)
            elif state.record is not None and state.record.lost:
                # Each run tries again what failed, and only that.
                names = {name for name, _ in state.record.lost}
                lost = [part for part in state.parts if part.name in names]
                state.again = any(self._path(part).exists() for part in lost)
                self._fold(state, lost)
            else:
                self._clear_parts(state)

    def settled(self) -> bool:
        """Whether every day is done, as far as it can be."""
        return all(state.done for state in self.days)

    def settle(self) -> None:
        """Go on to the first day for which something must be done, and give out what that is."""
        while self.at < len(self.days):
            state = self.days[self.at]
            if state.waiting or state.counting:
                return
            before, before_path, lacking = self._before()
            record = state.record
            if not state.again and record is not None and (record.before == before or (not self.at and not before)):
                state.after = record.after
                self._finish(state, reused=True)
                self.at += 1
                continue
            if lacking is not None:
                self._redo(lacking)
                continue
            state.again = True
            if self._fold(state, state.parts):
                return
            if len(state.failed) == len(state.parts):
                if not state.given_up:  # it may be passed again, on the way back to a day before it
                    state.given_up = True
                    self._store(state)
                self.at += 1
                continue
            self._count(state, before, before_path)
            return

    def next_task(self, slots: int) -> Task | None:
        """What should begin next, if its time has come: what was lost, what others wait for, the earliest day."""
        days = max(DAYS_AHEAD, slots // len(self.days[min(self.at, len(self.days) - 1)].parts))
        ahead = self.days[min(self.at + days, len(self.days) - 1)].day
        # Some counted days wait to be stored, so that at the end there is something for every worker; but not more.
        waiting = sum(task.kind == STORE for task in self.tasks)
        kinds = (COUNT, STORE, FOLD) if waiting >= slots else (COUNT, FOLD, STORE)
        return min(
            (task for task in self.tasks if task.day <= ahead),
            key=lambda task: (not task.attempts, kinds.index(task.kind), task.day),
            default=None,
        )

    def end(self, task: Task, why: str) -> None:
        """A task has ended; ``why`` it failed, empty where it did not."""
        state = next(each for each in self.days if each.day == task.day)
        if task.part is not None:
            self.read += task.part.size_bytes
            state.waiting.discard(task.part)
            if why:
                state.failed[task.part] = why
            else:
                state.failed.pop(task.part, None)
                state.again = True
                self.summary.parts += 1
        elif task.kind == COUNT:
            state.counting = False
            self.at += 1
            state.after = "" if why else key_after(self.plan, state.day)
            why = why or ("" if state.after else "what was counted is gone")
            if why:
                state.record = None
                self._finish(state, reused=False)
            else:
                self._store(state)
        else:
            state.record = None if why else record_of(self.plan, state.day)
            why = why or ("" if state.record is not None else "its record is gone")
            self._finish(state, reused=False)
        if why:
            self.summary.failures.append(Failure(task.name, why))

    def bytes(self) -> tuple[int, int]:
        """Stored bytes read by this run, and to be read in all."""
        return self.read, self.total

    def summaries(self) -> list[DaySummary]:
        """What detection needs to know of each day that is stored; for people, it is noted what these days lack."""
        out = []
        for state in self.days:
            if state.record is None:
                continue
            summary = state.record.summary
            out.append(summary)
            self.summary.entities = max(self.summary.entities, len(summary.codes))
            self.summary.warnings += [f"{state.day}: {text}" for text in summary.warnings]
            self.summary.damaged += [f"{state.day}: {text}" for text in summary.damaged]
        return out

    def _before(self) -> tuple[str, Path | None, _Day | None]:
        """Key and place of what was known before the day; the day that must be done again where it is there no more.

        A day that could not be done says nothing: what was known before it counts, if that is still there.
        """
        earlier = next((each for each in reversed(self.days[: self.at]) if each.after), None)
        key, day = (self.before, self.days[0].day - timedelta(days=1)) if not earlier else (earlier.after, earlier.day)
        path = known_path(self.plan, day, key)
        if not key or path.exists():
            return key, path if key else None, None
        return (key, path, earlier) if earlier is not None else ("", None, None)

    def _redo(self, state: _Day) -> None:
        """Go back to a day that was found stored, for what is known after it."""
        state.again, state.done = True, False
        self.summary.days_reused -= 1
        self.at = next(k for k, each in enumerate(self.days) if each is state)

    def _path(self, part: Part) -> Path:
        return part_path(self.plan, part, self.keys[part])

    def _fold(self, state: _Day, parts: Sequence[Part], *, again: bool = False) -> bool:
        """Give out those parts of a day that are not folded and did not fail; whether there are any."""
        for part in parts:
            at = self._path(part)
            if part in state.failed or (at.exists() and not again):
                continue
            state.waiting.add(part)
            self.total += part.size_bytes
            self.tasks.append(
                Task(part.name, fold_part, (part, self.plan, at), part.day, part, kind=FOLD, memory=part_memory(part))
            )
        return bool(state.waiting)

    def _count(self, state: _Day, before: str, before_path: Path | None) -> None:
        state.counting = True
        files = tuple(self._path(part) for part in state.parts if part not in state.failed)
        memory = count_memory(sum(file.stat().st_size for file in files if file.exists()))
        # Days are counted one by one: with the processors, too, of workers that have nothing to do.
        plan = replace(self.plan, threads=self.count_threads)
        path = counted_path(self.plan, state.day)
        arguments = (state.day, state.made_of, files, plan, before, before_path, path)
        self.tasks.append(Task(f"day {state.day}", count_day, arguments, state.day, kind=COUNT, memory=memory))

    def _store(self, state: _Day) -> None:
        lost = tuple(
            Gap(part.collector, part.from_us, part.until_us, f"not read: {state.failed[part]}")
            for part in state.parts
            if part in state.failed
        )
        name, path = f"day {state.day}", counted_path(self.plan, state.day)
        if len(lost) == len(state.parts):
            self.tasks.append(Task(name, store_nothing, (state.day, lost, self.plan), state.day, kind=STORE))
            return
        votes = path / VOTES
        memory = store_memory(votes.stat().st_size if votes.exists() else 0)
        arguments = (state.day, path, lost, self.plan)
        self.tasks.append(Task(name, store_day, arguments, state.day, kind=STORE, memory=memory))

    def _finish(self, state: _Day, *, reused: bool) -> None:
        state.done = True
        shutil.rmtree(counted_path(self.plan, state.day), ignore_errors=True)
        if state.record is not None:
            self.summary.days += not reused
            self.summary.days_reused += reused
            if not state.record.lost:
                self._clear_parts(state)
        at = next(k for k, each in enumerate(self.days) if each is state)
        for earlier, later in pairwise(self.days[max(at - 1, 0) : at + 2]):
            if earlier.done and earlier.record is not None and later.done:
                self._clear_known(earlier, later)

    def _clear_parts(self, state: _Day) -> None:
        for path in (self.plan.work / "parts").glob(f"{state.day}-*.pickle"):
            path.unlink(missing_ok=True)

    def _clear_known(self, state: _Day, following: _Day) -> None:
        """What is known after a day is wanted no more once the next is stored whole, but of some days."""
        ended = all(part.until_us % DAY == 0 for part in following.parts)  # else a later window will do it again
        whole = ended and following.record is not None and not following.record.lost
        if whole and state.day.toordinal() % KNOWN_EVERY:
            for path in known_paths(self.plan, state.day):
                path.unlink(missing_ok=True)
