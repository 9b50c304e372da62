"""Tasks of a backfill that go wrong on purpose; workers find them here by name. Files beside the store say what to do.

A file named after a task in the folder ``poison`` of the work folder makes its worker die at that task; with "once" in
it only the first time.
"""

import os
import signal
import time
from datetime import date
from pathlib import Path
from typing import Any

from duskwatch.analysis.replay import replay_collector
from duskwatch.drivers.backfill.plan import Part, Plan
from duskwatch.drivers.backfill.tasks import count_day, fold_part, store_day


def fold(part: Part, plan: Plan, path: Path) -> str:
    """fold_part, unless poisoned."""
    _perhaps_die(plan, part.name)
    return fold_part(part, plan, path)


def count(day: date, made_of: str, files: Any, plan: Plan, *more: Any) -> str:
    """count_day, unless poisoned."""
    _perhaps_die(plan, f"count {day}")
    return count_day(day, made_of, files, plan, *more)


def store(day: date, counted: Path, lost: Any, plan: Plan) -> str:
    """store_day, unless poisoned."""
    _perhaps_die(plan, f"store {day}")
    return store_day(day, counted, lost, plan)


def store_and_leave_half(day: date, counted: Path, lost: Any, plan: Plan) -> str:
    """store_day, and what other workers leave that die meanwhile, or that are late."""
    (plan.work / "parts" / f"{day}-rrc00-0.pickle.0.tmp").write_bytes(b"half")
    late = plan.work / "counted" / f"{day}-late"
    late.mkdir()
    (late / "votes.pickle").write_bytes(b"late")
    return store_day(day, counted, lost, plan)


def poison(plan: Plan, task: str, how: str) -> None:
    """Make a task deadly: "once" or "always"."""
    folder = plan.work / "poison"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / task).write_text(how)


def raise_in(collector: str) -> Any:
    """A replay_collector that raises for one collector what a kernel with a fault would."""

    def replay(name: str, *arguments: Any, **named: Any) -> Any:
        if name == collector:
            raise IndexError("index is out of bounds")
        return replay_collector(name, *arguments, **named)

    return replay


def slow_fold(part: Part, plan: Plan, path: Path) -> str:
    """fold_part that takes a moment, and says where it began: worker, name of the part."""
    from distributed import get_worker

    folder = plan.work / "begun"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{get_worker().name} {part.name}").touch()
    time.sleep(0.5)
    return fold_part(part, plan, path)


def _perhaps_die(plan: Plan, task: str) -> None:
    path = plan.work / "poison" / task
    if path.exists():
        if path.read_text() == "once":
            path.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
