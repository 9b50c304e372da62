"""The rows of the speed table: folding against unpacking alone, memory of a full table, start to first result."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.external.race import ENTITY, analyze
from benchmarks.measure import Measured, best_of, duskwatch, program_version, run, table, warm
from benchmarks.workloads import Shape, Workload, workload


def folding(shape: Shape, rounds: int) -> dict[str, Any]:
    """Row 1: RIB and update files to visibility series, against unpacking the same files with the same library."""
    made, small = shape.made(), workload(shape.packing, 0.002, 0.25)
    warm([made.folder / file.path for file in made.files])
    paths = [str(made.folder / file.path) for file in made.files]
    work = [sys.executable, "-m", "benchmarks.speed.work"]
    fold = [*work, "fold", str(made.collector), "--geo", str(made.geo), "--country", ENTITY]
    fold += ["--from", str(made.start), "--until", str(made.start + made.seconds), "--warm-up", str(small.collector)]
    times: dict[str, list[float]] = {"unpack": [], "fold": []}
    peak = 0

    def once(name: str, command: list[str]) -> Measured:
        nonlocal peak
        measured = run(command, capture=True)
        times[name].append(json.loads(measured.output)["seconds"])
        if name == "fold":
            peak = max(peak, measured.peak_bytes)
        return measured

    best_of(
        rounds,
        {"unpack": lambda: once("unpack", [*work, "unpack", *paths]), "fold": lambda: once("fold", fold)},
    )
    alone, folded = min(times["unpack"]), min(times["fold"])
    return {
        "row": "folding",
        **shape.told(),
        "dumps": len(made.of("rib")),
        "elems": made.total("elems"),
        "unpacked_bytes": made.total("raw_bytes"),
        "stored_bytes": made.total("stored_bytes"),
        "unpacking_s": round(alone, 3),
        "folding_s": round(folded, 3),
        "ratio": round(folded / alone, 3),
        "all_ratios": [round(f / u, 3) for f, u in zip(times["fold"], times["unpack"], strict=True)],
        "elems_per_s": round(made.total("elems") / folded),
        "peak_bytes": peak,
    }


def everything(scale: float, hours: float) -> dict[str, Any]:
    """Rows 1 and 3 for every network at once: steps, against unpacking alone, and peak memory."""
    made, small = workload("gz", scale, hours), workload("gz", 0.002, 0.25)
    warm([made.folder / file.path for file in made.files])
    work = [sys.executable, "-m", "benchmarks.speed.work"]
    alone = run([*work, "unpack", *(str(made.folder / file.path) for file in made.files)], capture=True)
    span = ["--from", str(made.start), "--until", str(made.start + made.seconds)]
    measured = run([*work, "everything", str(made.collector), *span, "--warm-up", str(small.collector)], capture=True)
    told = json.loads(measured.output)
    unpacking = json.loads(alone.output)["seconds"]
    steps = told["amount"]
    return {
        "row": "everything",
        "scale": scale,
        "hours": hours,
        "elems": made.total("elems"),
        "unpacking_s": round(unpacking, 2),
        **{name: round(value, 2) for name, value in steps.items()},
        "ratio_folding": round(steps["folding_s"] / unpacking, 2),
        "ratio": round(told["seconds"] / unpacking, 2),
        "peak_bytes": measured.peak_bytes,
    }


def memory(scale: float, hours: float) -> dict[str, Any]:
    """Row 3: peak memory of `duskwatch analyze` on a full table of 40 full-feed peers and the updates after it."""
    made = workload("gz", scale, hours)
    with tempfile.TemporaryDirectory() as folder:
        measured = run(analyze(made, Path(folder)))
    return {
        "row": "memory",
        "scale": scale,
        "hours": hours,
        "elems": made.total("elems"),
        "peak_bytes": measured.peak_bytes,
        "wall_s": round(measured.wall_s, 3),
    }


def first_result(rounds: int) -> dict[str, Any]:
    """Row 4: how long a small file takes from the start of the program to its last line, and `--help`."""
    made: Workload = workload("gz", 0.2, 0.25)
    small = str(made.of("updates")[0])
    warm([made.of("updates")[0]])
    runs = {
        "duskwatch mrt --format bgpdump": lambda: run([duskwatch(), "mrt", "--format", "bgpdump", small]),
        "duskwatch --help": lambda: run([duskwatch(), "--help"]),
        "python -c pass": lambda: run([sys.executable, "-c", "pass"]),
    }
    if program_version("bgpdump") != "absent":
        runs["bgpdump -m"] = lambda: run(["bgpdump", "-m", small])
    best = best_of(rounds, runs)
    file = next(file for file in made.files if file.kind == "updates")
    return {
        "row": "first result",
        "elems": file.elems,
        "stored_bytes": file.stored_bytes,
        "wall_s": {name: round(measured.wall_s, 3) for name, measured in best.items()},
    }


def markdown(results: list[dict[str, Any]]) -> str:
    """All rows as tables."""
    out = []
    fold_rows = [
        [
            row["packing"],
            f"{row['scale']:g}",
            f"{row['hours']:g}",
            f"{row['dumps']}",
            f"{row['elems'] / 1e6:.1f}",
            f"{row['unpacked_bytes'] / 1e6:.0f}",
            f"{row['stored_bytes'] / 1e6:.0f}",
            f"{row['unpacking_s']:.2f}",
            f"{row['folding_s']:.2f}",
            f"{row['ratio']:.2f}",
            f"{row['elems_per_s'] / 1e6:.2f}",
            f"{row['peak_bytes'] / 1e6:.0f}",
        ]
        for row in results
        if row["row"] == "folding"
    ]
    names = "files|scale|hours|table dumps|M elems|MB unpacked|MB stored"
    head = [*names.split("|"), "unpacking alone, s", "to series, s", "ratio", "M elems/s", "peak MB"]
    out.append(table(head, fold_rows))
    for row in results:
        if row["row"] == "memory":
            out.append(
                f"Memory of `duskwatch analyze` on {row['elems'] / 1e6:.1f} M elems (table of scale {row['scale']:g}, "
                f"40 peers, {row['hours']:g} h of updates): {row['peak_bytes'] / 1e6:.0f} MB, {row['wall_s']:.1f} s."
            )
        if row["row"] == "everything":
            out.append(
                f"Every network of {row['elems'] / 1e6:.1f} M elems ({row['entities']} of them): unpacking alone "
                f"{row['unpacking_s']:.2f} s; folding {row['folding_s']:.2f} s ({row['ratio_folding']:.2f} times), "
                f"counting votes {row['counting_s']:.2f} s, measuring {row['measuring_s']:.2f} s; "
                f"{row['peak_bytes'] / 1e6:.0f} MB."
            )
        if row["row"] == "first result":
            out.append(
                f"A file of {row['stored_bytes'] / 1e3:.0f} kB and {row['elems']} elems, from start to end:\n\n"
                + table(["program", "s"], [[name, f"{seconds:.3f}"] for name, seconds in row["wall_s"].items()])
            )
    return "\n\n".join(out) + "\n"
