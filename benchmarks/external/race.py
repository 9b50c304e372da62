"""Races our whole process against other programs that read MRT: same run, same files, everything in the page cache.

Programs that would take hours get a slice (the same shape, less of it); rates per elem are what is compared, and the
table says so. `python -m benchmarks.external.race --help` has the sizes.
"""

import argparse
import json
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import Measured, best_of, duskwatch, machine, run, table, warm
from benchmarks.workloads import RIS_TWO_DAYS, ROUTE_VIEWS_SIX_HOURS, Shape, Workload

ENTITY = "DE"
AIMS = {"bgpreader": 8, "bgpdump": 12, "pybgpkit-parser": 50, "mrtparse": 300}


def race(shape: Shape, slices: dict[str, float], rounds: int) -> dict[str, Any]:
    """Race on one workload. ``slices`` has the scale for the slow programs. Returns rows, each a program."""
    whole = shape.made()
    parts = {name: shape._replace(scale=scale).made() for name, scale in slices.items()}
    for made in (whole, *parts.values()):
        warm([made.folder / file.path for file in made.files])
    with tempfile.TemporaryDirectory() as folder:
        ours = best_of(
            rounds,
            {
                "unpacking alone": lambda: _unpack(whole),
                "duskwatch analyze": lambda: run(analyze(whole, Path(folder) / "report")),
            },
        )
    rate = whole.total("elems") / ours["duskwatch analyze"].wall_s
    rows = [_row(name, whole, measured, rate) for name, measured in ours.items()]
    absent = [name for name in ("bgpdump", "bgpreader") if not shutil.which(name)]
    for name, command in OTHERS.items():
        if name in absent:
            continue
        made = parts.get(name, whole)
        rows.append(_row(name, made, run(command(made)), rate))
    return {
        **shape.told(),
        "unpacked_bytes": whole.total("raw_bytes"),
        "stored_bytes": whole.total("stored_bytes"),
        "elems": whole.total("elems"),
        "files": len(whole.files),
        "rounds": rounds,
        "rows": rows,
        "absent": absent,
    }


def analyze(made: Workload, out: Path) -> list[str]:
    """The command that replays a workload for one country and writes its report."""
    return [
        duskwatch(), "analyze", ENTITY, "--from", str(made.start), "--until", str(made.start + made.seconds),
        "--mrt", str(made.collector), "--geo", str(made.geo), "--out", str(out), "--quiet",
    ]  # fmt: skip


def _unpack(made: Workload) -> Measured:
    return run([sys.executable, "-m", "benchmarks.speed.work", "unpack", *_paths(made)])


def _paths(made: Workload) -> list[str]:
    return [str(made.folder / file.path) for file in made.files]


def _shell(pattern: str, made: Workload) -> list[str]:
    """A program that takes one file at a time, run for all of them by one shell."""
    return ["sh", "-c", "set -e; " + "; ".join(pattern.format(shlex.quote(path)) for path in _paths(made))]


def _bgpreader(made: Workload) -> list[str]:
    commands = []
    for file in made.files:
        option = "rib-file" if file.kind == "rib" else "upd-file"
        path = shlex.quote(str(made.folder / file.path))
        commands.append(f"bgpreader -e -d singlefile -o {option}={path} -w 0,4000000000")
    return ["sh", "-c", "set -e; " + "; ".join(commands)]


def _reader(name: str) -> Callable[[Workload], list[str]]:
    return lambda made: [sys.executable, "-m", "benchmarks.external.readers", name, *_paths(made)]


OTHERS: dict[str, Callable[[Workload], list[str]]] = {
    "duskwatch mrt --format bgpdump": lambda made: [duskwatch(), "mrt", "--format", "bgpdump", *_paths(made)],
    "bgpdump": lambda made: _shell("bgpdump -m {}", made),
    "bgpreader": _bgpreader,
    "pybgpkit-parser": _reader("pybgpkit-parser"),
    "mrtparse": _reader("mrtparse"),
}


def _row(name: str, made: Workload, measured: Measured, our_rate: float) -> dict[str, Any]:
    elems = made.total("elems")
    return {
        "program": name,
        "elems": elems,
        "unpacked_bytes": made.total("raw_bytes"),
        "wall_s": round(measured.wall_s, 3),
        "cpu_s": round(measured.cpu_s, 3),
        "peak_bytes": measured.peak_bytes,
        "elems_per_s": round(elems / measured.wall_s),
        "bytes_per_s": round(made.total("raw_bytes") / measured.wall_s),
        "duskwatch_is_faster_by": round(our_rate / (elems / measured.wall_s), 2),
    }


def markdown(result: dict[str, Any]) -> str:
    """The race as a table, with what it was run on."""
    rows = []
    for row in result["rows"]:
        sliced = "" if row["elems"] == result["elems"] else f" (slice of {row['elems'] / 1e6:.2f} M elems)"
        aim = AIMS.get(row["program"])
        rows.append(
            [
                row["program"] + sliced,
                f"{row['wall_s']:.2f}",
                f"{row['cpu_s']:.2f}",
                f"{row['elems_per_s'] / 1e6:.3f}",
                f"{row['bytes_per_s'] / 1e6:.1f}",
                f"{row['peak_bytes'] / 1e6:.0f}",
                f"{row['duskwatch_is_faster_by']:.2f}" + (f" (aim {aim})" if aim else ""),
            ]
        )
    head = ["program", "s", "processor s", "M elems/s", "MB/s unpacked", "peak MB", "`duskwatch analyze` is faster by"]
    said = (
        f"{result['packing']}: {result['files']} files, {result['elems'] / 1e6:.1f} M elems, "
        f"{result['unpacked_bytes'] / 1e6:.0f} MB unpacked, {result['stored_bytes'] / 1e6:.0f} MB stored"
    )
    if result["absent"]:
        said += f"; not installed here: {', '.join(result['absent'])}"
    return f"{said}\n\n{table(head, rows)}\n"


# A scale for each slow program, at which there is a whole number of updates a second (67 at scale 1).
SLICES = {"duskwatch mrt --format bgpdump": 0.06, "bgpdump": 0.06, "bgpreader": 0.06}
SLICES |= {"pybgpkit-parser": 0.015, "mrtparse": 0.015}
TINY = {"pybgpkit-parser": 0.01, "mrtparse": 0.002}
PROFILES: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "quick": lambda: [race(Shape("gz", 0.05, 0.5), TINY, 1), race(Shape("bz2", 0.02, 0.5, 0.25), TINY, 1)],
    "full": lambda: [race(RIS_TWO_DAYS, SLICES, 2), race(ROUTE_VIEWS_SIX_HOURS, SLICES, 2)],
}


def main() -> None:
    """Run the race, print it, and keep it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small workloads, one round")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    races = PROFILES["quick" if options.quick else "full"]()
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "races": races}, indent=1) + "\n")
    for result in races:
        print(markdown(result))


if __name__ == "__main__":
    main()
