"""Runs programs and measures them: wall time, processor time, peak memory; and describes the machine."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LAUNCH = Path(__file__).with_name("launch.py")
PACKAGES = ("numba", "numpy", "isal", "rapidgzip", "polars", "mrtparse", "pybgpkit-parser")


@dataclass(frozen=True)
class Measured:
    """One run of one program. Memory is the peak of its resident set, with children it waited for."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    output: str


class ProgramFailed(RuntimeError):
    """A program that was to be measured did not end well; the message has the end of what it said."""


def run(command: Sequence[str], *, capture: bool = False) -> Measured:
    """Run a program with its output thrown away (or captured), and wait for it."""
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures"
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(LAUNCH), str(figures), *command],
            stdout=subprocess.PIPE if capture else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))},
            check=False,
        )
        errors = done.stderr.decode("utf-8", "replace")[-600:]
        if not figures.is_file():
            raise ProgramFailed(f"{' '.join(command)[:200]}: could not be started: {errors}")
        wall, cpu, peak, code = figures.read_text().split()
    if int(code) != 0:
        raise ProgramFailed(f"{' '.join(command)[:200]}: exit {code}: {errors}")
    output = done.stdout.decode("utf-8", "replace") if capture else ""
    return Measured(float(wall), float(cpu), int(peak), output)


def best_of(rounds: int, runs: dict[str, Callable[[], Measured]]) -> dict[str, Measured]:
    """The fastest of some rounds of each; within a round they take turns, so that a slow minute hits all."""
    best: dict[str, Measured] = {}
    for _ in range(rounds):
        for name, once in runs.items():
            measured = once()
            if name not in best or measured.wall_s < best[name].wall_s:
                best[name] = measured
    return best


def machine() -> dict[str, Any]:
    """Processor, cores, memory, and versions of everything that takes part."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "absent"
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "packages": versions,
        "bgpdump": program_version("bgpdump"),
        "bgpreader": program_version("bgpreader"),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        fields = dict(
            line.split(":", 1)
            for line in info.read_text().splitlines()
            if ":" in line and not line.startswith("processor")
        )
        fields = {key.strip(): value.strip() for key, value in fields.items()}
        name = fields.get("model name", "")
        if name:
            return (
                f"{name} (family {fields.get('cpu family')}, model {fields.get('model')}), {fields.get('cpu MHz')} MHz"
            )
    return platform.processor() or platform.machine()


def program_version(name: str) -> str:
    """What a system program says of its version; absent where it is not installed."""
    if not shutil.which(name):
        return "absent"
    said = subprocess.run([name, "-h"], capture_output=True, text=True, check=False)
    for word in (said.stdout + said.stderr).split():
        if word[0].isdigit() and "." in word:
            return word.strip("(),;")
    return "present"


def warm(paths: Sequence[Path]) -> int:
    """Read files once, so that all programs find them in the page cache. Returns their size."""
    total = 0
    for path in paths:
        with path.open("rb") as file:
            while piece := file.read(1 << 22):
                total += len(piece)
    return total


def duskwatch() -> str:
    """The program's path beside the running Python, else on PATH."""
    beside = Path(sys.executable).with_name("duskwatch")
    return str(beside) if beside.exists() else (shutil.which("duskwatch") or "duskwatch")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)
