"""Weeks of many collectors into a store: split by collector and day, folded, counted day by day, stored, detected.

Every task leaves its result in a folder, so that the same tasks run in this process, in local processes or on a Dask
cluster, and what is finished is not done again. Workers of a cluster must see the archives, the work folder and the
store under the same names.
"""

import errno
import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from duskwatch.drivers.backfill.course import Failure, Summary, _Course, search_memory
from duskwatch.drivers.backfill.incidents import record_found
from duskwatch.drivers.backfill.judged import judged_by_voters, not_judged_countries
from duskwatch.drivers.backfill.plan import (
    DaySummary,
    Part,
    Plan,
    clear_unfinished,
    plan_parts,
)
from duskwatch.drivers.backfill.results import take
from duskwatch.drivers.backfill.search import Found, searches
from duskwatch.drivers.backfill.tasks import search_part
from duskwatch.drivers.backfill.workers import BackfillError, Task, Workers, collecting_rarely, is_full
from duskwatch.sources.bgp.formats.reenactment import most_telling

__all__ = ["BackfillError", "Failure", "Part", "Summary", "plan_parts", "run"]
# Outages are searched for in about so many pieces for each worker, none of fewer entities than these.
SEARCHES, LEAST_SEARCHED = 4, 512


Progress = Callable[[str, int, int], None]
"""Told what is being done, and of the stored bytes that this run must read those done and all."""


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
    """Fold, count, store and detect. A run that was broken off is taken up where it was.

    workers    local processes; 1 does everything in this one
    memory     bytes that local workers may use together, as far as can be foreseen; 0: no limit
    scheduler  address of a Dask scheduler, whose workers are used in place of local ones
    redo       do what is finished again too
    Raises BackfillError where it cannot go on; what failed of single parts or days is in the summary.
    """
    with _named_if_full(plan), _alone(plan.work), collecting_rarely():
        clear_unfinished(plan.work)
        course = _Course(parts, plan, redo)
        with Workers(workers, scheduler, memory) as pool:
            course.count_threads = max(plan.threads, pool.here())
            while True:
                course.settle()
                while (task := course.next_task(pool.slots())) and pool.free(task):
                    course.tasks.remove(task)
                    pool.submit(task)
                    if progress:
                        progress(task.name, *course.bytes())
                if not pool.busy:
                    if course.settled():
                        break
                    raise AssertionError("nothing under way, and not finished")
                for task, why in pool.next_done():
                    course.end(task, why)
                    if progress:
                        progress(task.name, *course.bytes())
                course.tasks += pool.lost()
            if progress:
                progress("detecting", *course.bytes())
            summaries = course.summaries()
            found = _detect(pool, plan, summaries) if summaries else []
        clear_unfinished(plan.work)  # of workers that died, or that are cut off and no longer counted on
        if summaries:
            course.summary.outages, course.summary.incidents = record_found(plan, summaries, found)
        window = min(part.from_us for part in parts), max(part.until_us for part in parts)
        course.summary.judged = list(judged_by_voters(summaries, *window))
        course.summary.not_judged = not_judged_countries(summaries, plan)
        course.summary.reenactment = most_telling(day.reenactment for day in summaries)
        return course.summary


def _detect(pool: Workers, plan: Plan, summaries: Sequence[DaySummary]) -> list[Found]:
    """The outages over all days, found by the workers."""
    todo, paths = [], []
    for k, search in enumerate(searches(summaries, SEARCHES * pool.slots(), LEAST_SEARCHED, plan.detection)):
        paths.append(plan.work / "outages" / f"{k}.pickle")
        name = f"outages of {search.entities[0].code} and others"
        need = search_memory(search.rows)
        todo.append(Task(name, search_part, (plan, search, paths[-1]), summaries[0].day, memory=need))
    while todo or pool.busy:
        while todo and pool.free(todo[0]):
            pool.submit(todo.pop(0))
        for task, why in pool.next_done():
            if why:
                raise BackfillError(f"{task.name} could not be found: {why}; run the same command again")
        todo = pool.lost() + todo
    return [one for path in paths for one in take(path)]


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    """Hold the work folder while this run lasts; the system lets go of it when the process ends, however it does."""
    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                raise BackfillError(
                    f"another backfill is at work in {work}; wait for its end, or name another folder with --work"
                ) from None
            # A file system without locks: nobody can tell.
        yield


@contextmanager
def _named_if_full(plan: Plan) -> Iterator[None]:
    try:
        yield
    except BackfillError:
        raise
    except Exception as error:
        if not is_full(error):
            raise
        raise BackfillError(
            f"no space left for {plan.store} or {plan.work}; make room and run the same command again: "
            "what is finished is kept"
        ) from None
