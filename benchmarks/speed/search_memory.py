"""What the search for outages takes, in memory, of one country with many changes (the figures behind --memory).

    python -m benchmarks.speed.search_memory --rows 1000000 --days 14

Days of one country are made and stored, as many changes on each of them; then the search reads all in a process of its
own, which reports its peak.
"""

import argparse
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np

from benchmarks.speed.backfill_memory import peak_of
from duskwatch.detection.config import DetectionConfig
from duskwatch.drivers.backfill.plan import Plan
from duskwatch.drivers.backfill.search import Search, histories
from duskwatch.records.entity import Entity
from duskwatch.records.signals import ChangeLog, EntityHistory, Level, PrefixState, SignalBlock
from duskwatch.records.times import DAY, MINUTE, SECOND, parse_time, to_datetime
from duskwatch.signals.bgp.from_log import VoterSteps
from duskwatch.store import Store, change_frames, level_frames

START = parse_time("2024-03-04")
PREFIXES = 100_000
COUNTRY = Entity("country", "US")


def day_of(start_us: int, rows: int, rng: np.random.Generator) -> EntityHistory:
    """A day in which prefixes go and come back, one after the other, and the level with them."""
    time_us = start_us + np.sort(rng.integers(0, DAY // SECOND, rows)) * SECOND
    state = np.where(np.arange(rows) % 2, PrefixState.VISIBLE, PrefixState.DARK).astype(np.uint8)
    votes = np.where(state == PrefixState.VISIBLE, 40, 0).astype(np.int32)
    names = tuple(f"{1 + n // 65536}.{n // 256 % 256}.{n % 256}.0/24" for n in range(PREFIXES))
    prefix = np.repeat(rng.integers(0, PREFIXES, rows // 2 + 1), 2)[:rows].astype(np.int32)
    origin = rng.integers(1, 60_000, rows).astype(np.uint32)
    by = np.zeros(rows, np.uint8)
    log = ChangeLog(names, time_us, prefix, state, votes, np.full(rows, 40, np.int32), origin, origin, by, origin)
    steps = np.unique(np.append(start_us, time_us))
    count = PREFIXES - (np.arange(len(steps)) % 2).astype(np.float64)
    zero = np.zeros(len(steps))
    voters = np.full(len(steps), 40.0)
    level = Level(start_us + DAY, steps, count, count, zero, count, zero, voters, np.zeros(len(steps), np.uint8))
    return EntityHistory(level, log, SignalBlock((), start_us, MINUTE, np.empty((0, 0)), np.empty((0, 0))))


def search_all(plan: Plan, search: Search) -> str:
    """Read all that is stored of the entities, as the search does, and judge it."""
    from duskwatch.detection import detect

    for _, history in histories(plan.open_store(), search.entities, search.from_us, search.until_us):
        detect(history, DetectionConfig())
    return ""


def nothing(plan: Plan, search: Search) -> str:
    """What a process takes that has loaded everything, and read nothing."""
    return ""


def main() -> None:
    """Print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=1_000_000, help="changes in all")
    parser.add_argument("--days", type=int, default=14)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"{folder}/store", create=True)
        rng = np.random.default_rng(1)
        for k in range(asked.days):
            day = to_datetime(START).date() + timedelta(days=k)
            history = day_of(START + k * DAY, asked.rows // asked.days, rng)
            with store.write_day(day, source="bgp") as writer:
                writer.changes(change_frames([(COUNTRY, history)], day))
                writer.levels(level_frames([(COUNTRY, history)], day))
        plan = Plan(f"{folder}/store", Path(folder) / "work")
        none = np.zeros(0, np.int32)
        voters = VoterSteps(np.zeros(0, np.int64), none, none)
        end_us = START + asked.days * DAY
        search = Search(START, end_us, False, (COUNTRY,), (1.0,), ((),), ((),), voters, ())
        calls: dict[str, Callable[[Plan, Search], str]] = {"loaded": nothing, "search": search_all}
        for name, call in calls.items():
            own, _, seconds = peak_of(call, plan, search)
            print(f"{name:8} {asked.rows:>10,} rows  {asked.days} days  {own / 1e6:8.0f} MB  {seconds:6.1f} s")


if __name__ == "__main__":
    main()
