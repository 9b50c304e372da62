"""Which tests are asked about a module: those nearest to it, then those of what uses it and of its folder."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

PACKAGES = ("detection", "signals", "kernels", "store")
SOURCE, TESTS = "src/duskwatch", "tests"
FROM = re.compile(r"^ *from (duskwatch[\w.]*) import (\([^)]*\)|[^\n]*)", re.M)


def modules(root: Path, packages: Sequence[str]) -> list[str]:
    """The modules of packages, below the root; migrations of a database are tested by versions of it, not by line."""
    found = sorted(path for package in packages for path in (root / SOURCE / package).rglob("*.py"))
    return [str(path.relative_to(root)) for path in found if "migrations" not in path.parts]


def stages(root: Path, module: str) -> list[list[str]]:
    """Lists of tests, the nearest first; each is asked where the one before noticed nothing.

    The first: tests that mirror the module or import it. The second: the same of the modules that use it (or, where
    these have none, of those that use them), and the folder that mirrors its own; but for kernels, which run
    interpreted here: unrelated kernels' tests would take long.
    """
    near = _near(root, module)
    users, seen, wide = _users(root, module), {module}, set[Path]()
    while users and not wide:
        wide = {test for user in users for test in _near(root, user)}
        seen.update(users)
        users = sorted({each for user in users for each in _users(root, user)} - seen)
    if _inside(module).parts[0] != "kernels":
        wide |= set(_folder(root, module).rglob("test_*.py"))
    lists = [sorted(near), sorted(wide - near)]
    return [[str(path.relative_to(root)) for path in stage] for stage in lists if stage]


def _inside(module: str) -> Path:
    return Path(module).relative_to(SOURCE)


def _folder(root: Path, module: str) -> Path:
    """The folder of tests that mirrors the module's own, or the nearest above that there is."""
    folder = root / TESTS / _inside(module).parent
    while not any(folder.rglob("test_*.py")):
        folder = folder.parent
    return folder


def _dotted(module: str) -> str:
    """``duskwatch.kernels.mrt`` of its path."""
    return ".".join(("duskwatch", *(part for part in _inside(module).with_suffix("").parts if part != "__init__")))


@cache
def _imported(path: Path) -> frozenset[str]:
    """The modules of the project that a file imports, and the names that it takes from them, as if modules too."""
    found: set[str] = set()
    for parent, names in FROM.findall(path.read_text(encoding="utf-8")):
        found.add(parent)
        found.update(f"{parent}.{name}" for name in re.findall(r"\w+", names))
    return frozenset(found)


@cache
def _every(root: Path) -> list[str]:
    return modules(root, [""])


def _near(root: Path, module: str) -> set[Path]:
    package, name = root / TESTS / _inside(module).parts[0], _dotted(module)
    found = set(_folder(root, module).glob(f"test_{_inside(module).stem}*.py"))
    return found | {path for path in package.rglob("test_*.py") if name in _imported(path)}


def _users(root: Path, module: str) -> list[str]:
    name = _dotted(module)
    return [path for path in _every(root) if path != module and name in _imported(root / path)]
