"""What the tasks of a backfill take, in memory (the figures behind --memory) and time, beside the bytes they read.

    python -m benchmarks.speed.backfill_memory --scale 0.25 --hours 3

Each task runs in a process of its own, which reports its peak: of the memory that is its own, looked at every few
milliseconds (Linux), and of all that is resident, of which pages of mapped files can be dropped. Folding is measured
with a table dump alone, and with updates too, so that the shares of both can be told apart; counting and storing with
one, two and four collectors, which are the same files under other names; the search for outages with one of the pieces
into which it is cut for two workers.
"""

import argparse
import dataclasses
import multiprocessing
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.workloads import workload
from duskwatch.drivers.backfill.plan import Part, Plan, part_path, plan_parts, record_of
from duskwatch.drivers.backfill.run import LEAST_SEARCHED, SEARCHES
from duskwatch.drivers.backfill.search import searches
from duskwatch.drivers.backfill.tasks import count_day, fold_part, search_part, store_day
from duskwatch.records.times import DAY, SECOND
from duskwatch.sources.bgp.archives.find import find_files

COLLECTORS = (1, 2, 4)
WORKERS = 2  # for whom the search for outages is cut


EVERY_S = 0.003
Peak = tuple[int, int, float]
"""Own memory, and all that is resident, bytes; and seconds from start to end."""


def peak_of(call: Callable[..., Any], *arguments: Any) -> Peak:
    """Peaks of a process that does this; RuntimeError where the task says why it failed."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_peak, (call, arguments))


def _peak(call: Callable[..., Any], arguments: Sequence[Any]) -> Peak:
    seen, ended = [0], threading.Event()

    def look() -> None:
        while not ended.wait(EVERY_S):
            seen[0] = max(seen[0], _own())

    watcher = threading.Thread(target=look)
    watcher.start()
    began = time.perf_counter()
    why = call(*arguments)
    seconds = time.perf_counter() - began
    seen[0] = max(seen[0], _own())
    ended.set()
    watcher.join()
    if why:
        raise RuntimeError(why)
    return seen[0], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, seconds


def _own() -> int:
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["RssAnon"].split()[0]) * 1024


def nothing() -> str:
    """What a process takes that has loaded everything, and done nothing."""
    return ""


def rows_of(packing: str, scale: float, hours: float) -> list[tuple[str, int, int, Peak]]:
    """(task, bytes of dumps, bytes of updates, peaks); in those of days, bytes of what they read and 0."""
    files = workload(packing, scale, hours)
    start = files.start * SECOND
    (part,) = plan_parts(find_files([files.folder])[0], start, start + DAY)
    sizes = [sum(file.size_bytes for file in part.files if file.is_update == update) for update in (False, True)]
    dump_alone = dataclasses.replace(part, files=tuple(file for file in part.files if not file.is_update))
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(f"{folder}/store", Path(folder) / "work", geo=(files.geo,))
        plan.open_store(create=True)
        paths = [part_path(plan, _named(part, number), "x") for number in range(max(COLLECTORS))]
        rows = [
            ("loaded", 0, 0, peak_of(nothing)),
            ("fold a dump", sizes[0], 0, peak_of(fold_part, dump_alone, plan, paths[0])),
        ]
        for number, path in enumerate(paths):
            peak = peak_of(fold_part, _named(part, number), plan, path)
            if not number:
                rows.append(("fold a dump and updates", *sizes, peak))
        for count in COLLECTORS:
            counted, votes = tuple(paths[:count]), Path(folder) / "counted"
            size = sum(path.stat().st_size for path in counted)
            peak = peak_of(count_day, part.day, "x", counted, plan, "", None, votes)
            rows.append((f"count {count}", size, 0, peak))
            size = sum(path.stat().st_size for path in votes.iterdir())
            rows.append((f"store {count}", size, 0, peak_of(store_day, part.day, votes, (), plan)))
        record = record_of(plan, part.day)
        assert record is not None
        search, *_ = searches([record.summary], SEARCHES * WORKERS, LEAST_SEARCHED, plan.detection)
        peak = peak_of(search_part, plan, search, Path(folder) / "outages")
        rows.append((f"search, {len(search.entities)} entities", 0, 0, peak))
    return rows


def _named(part: Part, number: int) -> Part:
    return dataclasses.replace(part, collector=f"{part.collector}-{number}")


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--scale", type=float, default=0.25, help="share of a full table")
    parser.add_argument("--hours", type=float, default=3, help="of updates")
    parser.add_argument("--packing", choices=("gz", "bz2"), action="append")
    options = parser.parse_args()
    print("| packing | task | table dump, parts, votes (MB) | updates (MB) | peak (MB) | with mapped files (MB) | s |")
    print("|---|---|---|---|---|---|---|")
    for packing in options.packing or ("gz", "bz2"):
        rows = rows_of(packing, options.scale, options.hours)
        for task, first, second, (own, resident, seconds) in rows:
            told = " | ".join(f"{value / 1e6:.0f}" for value in (first, second, own, resident))
            print(f"| {packing} | {task} | {told} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
