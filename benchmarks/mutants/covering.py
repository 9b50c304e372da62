"""Which tests are asked about a module: those nearest to it, then those of what uses it and of its folder."""

import re
from collections.abc import Sequence
from pathlib import Path

PACKAGES = ("detection", "signals", "kernels", "store")
SOURCE, TESTS = "src/duskwatch", "tests"


def modules(root: Path, packages: Sequence[str]) -> list[str]:
    """The modules of packages, below the root; migrations of a database are tested by versions of it, not by line."""
    found = sorted(path for package in packages for path in (root / SOURCE / package).rglob("*.py"))
    return [str(path.relative_to(root)) for path in found if "migrations" not in path.parts]


def stages(root: Path, module: str) -> list[list[str]]:
    """Lists of tests, the nearest first; each is asked where the one before noticed nothing.

    The first: tests that mirror the module or import it. The second: the same of the modules that use it, and the
    folder that mirrors its own; kernels, which run interpreted here, are not asked for by unrelated kernels' tests.
    """
    near = _near(root, module)
    wide = {test for user in _users(root, module) for test in _near(root, user)}
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


def _imports(module: str) -> re.Pattern[str]:
    """What stands in a file that imports a module."""
    parts = [part for part in _inside(module).with_suffix("").parts if part != "__init__"]
    dotted = ".".join(("duskwatch", *parts))
    parent, _, name = dotted.rpartition(".")
    return re.compile(rf"\b{re.escape(dotted)}\b|from {re.escape(parent)} import \(?[^)\n]*\b{re.escape(name)}\b")


def _near(root: Path, module: str) -> set[Path]:
    package, asks = root / TESTS / _inside(module).parts[0], _imports(module)
    found = set(_folder(root, module).glob(f"test_{_inside(module).stem}*.py"))
    return found | {path for path in package.rglob("test_*.py") if asks.search(path.read_text(encoding="utf-8"))}


def _users(root: Path, module: str) -> list[str]:
    asks = _imports(module)
    return [path for path in modules(root, [""]) if path != module and asks.search((root / path).read_text("utf-8"))]
