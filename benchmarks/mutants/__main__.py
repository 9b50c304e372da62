"""`make mutants`, or `python -m benchmarks.mutants --sample 60 --seed 1`: see docs/how-to/run-mutants.md."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.mutants.covering import PACKAGES, modules, stages
from benchmarks.mutants.sample import Mutant, changed_lines, draw, mutants_of, mutated

ROOT = Path(__file__).resolve().parents[2]
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
AIM = 0.92
UNCLEAR = "unclear: "
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S.*?)(?: - .*)?$", re.M)


def equivalents() -> dict[tuple[str, str, str], str]:
    """Known mutants that change nothing anybody sees: (module, line, line of the mutant) and the reason."""
    listed = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))
    return {(one["module"], one["line"], one["mutant"]): one["reason"] for one in listed.get("equivalent", [])}


class Bench:
    """A copy of the project in which modules are broken and tests are run."""

    def __init__(self, folder: Path, limit_s: float) -> None:
        self.folder, self.limit_s = folder, limit_s
        for name in ("src", "tests", "benchmarks", "tools", "docs"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("results", ".hypothesis"))
        if (ROOT.parent / "shared").is_dir():  # real files, where they are
            (folder.parent / "shared").symlink_to((ROOT.parent / "shared").resolve())
        for name in ("pyproject.toml", "README.md", "CHANGELOG.md", "Makefile"):
            shutil.copy2(ROOT / name, folder / name)
        self.sound: dict[str, bool] = {}
        self.quick: dict[tuple[str, ...], bool] = {}

    def run(self, tests: Sequence[str], interpreted: bool) -> tuple[str, str]:
        """(passed | failed | too long, the test that failed)."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        environment = os.environ | {
            "PYTHONPATH": str(self.folder / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "CI": "true",  # the same examples each time
            "NUMBA_DISABLE_JIT": "1" if interpreted else "0",
        }
        running = subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        try:
            told, _ = running.communicate(timeout=self.limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, 9)
            running.communicate()
            return "too long", ""
        if running.returncode == 0:
            return "passed", ""
        failed = FAILED.search(told)
        return "failed", failed[1] if failed else tests[0]

    def noticed(self, mutant: Mutant, broken: str) -> str:
        """The test that notices a mutant, ``too long`` where it ends in an endless loop, or nothing.

        UNCLEAR and why, where the test that fails does so without the mutant too.
        """
        path = self.folder / mutant.module
        whole, before = path.read_text(encoding="utf-8"), path.stat()
        interpreted = mutant.module.startswith("src/duskwatch/kernels/")
        for tests in stages(self.folder, mutant.module):
            path.write_text(broken, encoding="utf-8")
            try:
                result, test = self.run(tests, interpreted)
            finally:
                path.write_text(whole, encoding="utf-8")
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # so that compiled kernels are found
            if result == "too long" and self.is_quick(tests, interpreted):
                return result
            if result == "failed":
                return test if self.is_sound(test, interpreted) else f"{UNCLEAR}{test} fails without a mutant"
        return ""

    def is_quick(self, tests: Sequence[str], interpreted: bool) -> bool:
        """Whether tests take no such time without a mutant: else an endless loop cannot be told from slow tests."""
        key = tuple(tests)
        if key not in self.quick:
            self.quick[key] = self.run(tests, interpreted)[0] == "passed"
        return self.quick[key]

    def is_sound(self, test: str, interpreted: bool) -> bool:
        """Whether a test passes without any mutant: else it would notice everything."""
        if test not in self.sound:
            self.sound[test] = self.run([test], interpreted)[0] == "passed"
        return self.sound[test]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=60, help="mutants to try")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--packages", nargs="+", default=list(PACKAGES))
    parser.add_argument("--minutes", type=float, default=None, help="begin no mutant after so many minutes")
    parser.add_argument("--limit", type=float, default=300, help="seconds that tests may take; an endless loop is one")
    options = parser.parse_args()
    known = equivalents()
    begun, counts = time.monotonic(), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        bench = Bench(Path(folder) / "project", options.limit)
        root = bench.folder  # all is read from the copy: the project may change meanwhile
        every = [mutant for module in modules(root, options.packages) for mutant in mutants_of(root, module)]
        print(f"{len(every)} mutants; {options.sample} are tried, seed {options.seed}", flush=True)
        for mutant in draw(every, options.sample, options.seed):
            if options.minutes is not None and time.monotonic() - begun > 60 * options.minutes:
                break
            source = (root / mutant.module).read_text(encoding="utf-8")
            broken = mutated(source, mutant)
            line, other = changed_lines(source, broken)
            reason = known.get((mutant.module, line, other))
            test = "" if reason else bench.noticed(mutant, broken)
            what = "equivalent" if reason else "noticed" if test else "SURVIVED"
            what = "unclear" if test.startswith(UNCLEAR) else what
            counts[what] += 1
            print(f"{what:10} {mutant.module}:{mutant.begin[0]}  {reason or test}", flush=True)
            if what == "SURVIVED":
                print(f"    - {line}\n    + {other}", flush=True)
    told = counts["noticed"] + counts["SURVIVED"]
    share = counts["noticed"] / told if told else 1.0
    print(
        f"{counts['noticed']} of {told} noticed ({100 * share:.0f} %; aim {100 * AIM:.0f} %), "
        f"{counts['equivalent']} equivalent, {counts['unclear']} unclear, {(time.monotonic() - begun) / 60:.0f} min"
    )
    sys.exit(share < AIM)


if __name__ == "__main__":
    main()
