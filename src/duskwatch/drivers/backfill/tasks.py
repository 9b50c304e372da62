"""The tasks of a backfill: fold a part, count a day, store a day, search it for outages.

Tasks are functions of plain values. They run in this process, in local ones or on other machines, and a task that is
done twice, or by two workers at once, leaves the same.
"""

import errno
import itertools
import pickle
import shutil
import uuid
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from duskwatch.analysis.replay import Reading, Window, replay_collector
from duskwatch.analysis.whole_tables import watch_all
from duskwatch.drivers.backfill.day import kept_testimony, measure_day, merge_collectors, ranges_at
from duskwatch.drivers.backfill.plan import (
    FAULTS,
    VOTES,
    Counted,
    DayRecord,
    Part,
    Plan,
    known_key,
    known_path,
    known_paths,
    record_path,
    testimony_path,
)
from duskwatch.drivers.backfill.results import leave, take
from duskwatch.drivers.backfill.search import Search, find_outages
from duskwatch.records.signals import Gap
from duskwatch.signals.bgp.testimony import Testimony
from duskwatch.signals.bgp.votes import NO_EARLIER

FULL = (errno.ENOSPC, errno.EDQUOT)


def fold_part(part: Part, plan: Plan, path: Path) -> str:
    """Fold one part and leave it at ``path``. Returns why that cannot be done, empty where it was.

    OSError where the disk is full: that is no fault of the part.
    """
    try:
        window = Window(part.from_us, part.until_us, plan.bin_us)
        reading = Reading(plan.threads)
        replay = replay_collector(
            part.collector, part.files, window, watch_all, reading=reading, unusable=part.unusable
        )
        leave(path, replay)
    except Exception as error:  # one part's fault, whatever it is, is not the others'
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        return reason_of(error)
    return ""


def count_day(
    day: date, made_of: str, files: Sequence[Path], plan: Plan, before: str, before_path: Path | None, path: Path
) -> str:
    """Merge a day's parts: leave what was counted below ``path``, what is known after the day, and its key.

    made_of, before  keys of the parts, and of what was known before the day, which lies at ``before_path``; empty:
                     nothing
    Returns why it cannot be done, empty where it was.
    """
    replays = []
    for file in files:
        try:
            replays.append(take(file))
        except (EOFError, pickle.UnpicklingError):
            file.unlink(missing_ok=True)
            return f"{file} was damaged and is removed; run the same command again"
    earlier = NO_EARLIER if before_path is None else take(before_path)
    numbers = itertools.count()

    def keep(testimony: Testimony) -> None:  # of some units at a time: all of a day would not fit in the memory
        leave(path / "testimony" / f"{next(numbers)}.pickle", testimony)

    votes, earlier = merge_collectors(day, replays, plan, earlier, keep)
    after = known_key(earlier)
    leave(known_path(plan, day, after), earlier)
    leave(path / VOTES, votes)
    leave(path / "after.pickle", Counted(made_of, before, after))
    return ""


def store_day(day: date, counted: Path, lost: Sequence[Gap], plan: Plan) -> str:
    """Measure a day that ``count_day`` left and write it into the store; leave its record.

    lost  parts that could not be folded, as gaps
    Returns why it cannot be done, empty where it was; raises what measure_day does.
    """
    done: Counted = take(counted / "after.pickle")
    votes = [take(counted / VOTES)]
    path = record_path(plan, day)
    # From here on nobody knows what the store holds of the day, until the record says it.
    path.unlink(missing_ok=True)
    faults, at_us = votes[0].faults, votes[0].votes.from_us
    summary, fallen = measure_day(day, votes.pop(), lost, plan)
    folder = testimony_path(plan, day)
    made = folder.with_name(f"{day}.{uuid.uuid4().hex}.tmp")
    for span in sorted((counted / "testimony").glob("*.pickle")):
        leave(made / span.name, kept_testimony(take(span), fallen, ranges_at(plan, at_us)))
    leave(made / FAULTS, faults)
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)
    for stale in known_paths(plan, day):
        if stale != known_path(plan, day, done.after):
            stale.unlink(missing_ok=True)
    lost_parts = tuple((f"{gap.source} {day}", gap.reason) for gap in lost)
    leave(path, DayRecord(done.made_of, done.before, done.after, lost_parts, summary))
    return ""


def store_nothing(day: date, lost: Sequence[Gap], plan: Plan) -> str:
    """Of a day of which no part could be read: leave what the store has of it, or tell there that nothing is known."""
    record_path(plan, day).unlink(missing_ok=True)
    store = plan.open_store()
    if day not in store.days(plan.source):
        store.write_gaps(day, lost, source=plan.source)
    return "none of its parts could be read"


def search_part(plan: Plan, search: Search, path: Path) -> str:
    """Find the outages of some entities and leave them at ``path``. Returns why it cannot be done, empty where it was.

    OSError where the disk is full.
    """
    try:
        leave(path, find_outages(plan, search))
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        return reason_of(error)
    return ""


def reason_of(error: BaseException) -> str:
    """What went wrong, in one line."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
