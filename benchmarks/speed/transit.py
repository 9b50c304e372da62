"""AS hegemony of a full table: `python -m benchmarks.speed.transit [--scale S]` prints seconds of each step.

One table dump of the workload (`benchmarks/workloads.py`). After it was folded: the table of a moment and the hegemony
of all origins in it; and, of one country alone, everything that `duskwatch transit CODE --at` tells.
"""

import argparse
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.external.race import ENTITY
from benchmarks.workloads import workload

THREADS = 2


@contextmanager
def told(name: str, rows: list[tuple[str, float]]) -> Iterator[None]:
    """Note what a step takes."""
    began = time.perf_counter()
    yield
    rows.append((name, time.perf_counter() - began))


def measure(start_s: int, geo: Path, dump: Path) -> list[tuple[str, float]]:
    """Seconds by step, and how much there was."""
    from duskwatch.analysis.entity import reference_of, watch_of
    from duskwatch.analysis.replay import Reading, Window, replay_archives
    from duskwatch.analysis.transit import SECOND_US, transit_in
    from duskwatch.analysis.whole_tables import watch_all
    from duskwatch.records.entity import Entity
    from duskwatch.signals.bgp.tables import routes_at
    from duskwatch.signals.bgp.transit.hegemony import score_origins, score_whole

    rows: list[tuple[str, float]] = []
    at = start_s * 1_000_000
    with told("fold the dump, all watched", rows):
        run = replay_archives(Window(at, at + SECOND_US), [dump], watch=watch_all, reading=Reading(THREADS))
    with told("table of the moment", rows):
        routes = routes_at([replace(part, gaps=()) for part in run.parts], at)
    with told("hegemony of all origins, IPv4", rows):
        scores = score_origins(routes)
    with told("of the whole table, IPv4", rows):
        score_whole(routes)
    with told("of all origins, IPv6", rows):
        score_origins(routes, address_family=6)
    rows.append(("origins", len(scores.scopes)))
    rows.append(("rows", len(scores.scope)))
    rows.append(("paths", len(routes.paths)))
    rows.append(("peak MB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3))
    del run, routes, scores
    entity = Entity("country", ENTITY)
    with told(f"read what {ENTITY} has", rows):
        ranges = reference_of(entity, at, [geo])
        run = replay_archives(
            Window(at, at + SECOND_US), [dump], watch=watch_of([entity], ranges), reading=Reading(THREADS)
        )
    with told(f"everything of {ENTITY} then", rows):
        found = transit_in(entity, run, ranges, at)
    return [*rows, (f"networks of {ENTITY}", len(found.before.scores.scopes))]


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1, help="of the table; 1 is 1,000,000 IPv4 prefixes")
    parser.add_argument("--dump", type=Path, help="a table dump of a larger workload, made before, in place of that")
    options = parser.parse_args()
    small = workload("gz", 0.002, 0.25)
    measure(small.start, small.geo, small.of("rib")[0])  # kernels are loaded
    dump = options.dump or workload("gz", options.scale, 0.25).of("rib")[0]
    for name, value in measure(small.start, small.geo, dump):
        print(f"{name:<45} {value:10.2f}")


if __name__ == "__main__":
    main()
