"""Options and errors that several commands share."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from duskwatch.records.errors import DuskwatchError

if TYPE_CHECKING:
    from rich.progress import Progress

MrtOption = Annotated[
    list[Path] | None, typer.Option("--mrt", help="MRT file, or folder of bview/rib and updates files. Repeatable.")
]
CollectorOption = Annotated[
    list[str] | None,
    typer.Option(
        "--collector", help="With --mrt: use only this collector's files. Without: fetch its archive. Repeatable."
    ),
]
GeoOption = Annotated[
    list[Path] | None,
    typer.Option("--geo", help="Addresses to countries: RIR delegated-extended or MaxMind file. Repeatable."),
]


def fail(command: str, message: str) -> NoReturn:
    """One line on stderr, exit code 2: wrong usage, or input that cannot be used."""
    # Names from files may hold line breaks and escapes for terminals.
    line = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in message)
    print(f"duskwatch {command}: {line}", file=sys.stderr)
    raise SystemExit(2)


@contextmanager
def unusable_input(command: str) -> Iterator[None]:
    """Turn what the stages raise about unusable input into one line and exit code 2. A fault of ours stays one."""
    try:
        yield
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        fail(command, f"{where}{error.strerror or error}")
    except DuskwatchError as error:
        fail(command, str(error))


@contextmanager
def byte_bars(quiet: bool, **settings: Any) -> "Iterator[Progress | None]":
    """Bars on stderr for bytes, with rate and time left; none where stderr is no terminal. ``settings`` as of Rich."""
    # Loaded where it is used: commands that show no bar start a fiftieth of a second earlier.
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        **settings,
    ) as bars:
        yield bars


@contextmanager
def byte_progress(
    quiet: bool, first: str, last: str = "", **settings: Any
) -> Iterator[Callable[[str, int, int], None] | None]:
    """One bar for ``(name, bytes done, bytes in all)``, called ``first``, ``last`` where the name given is empty."""
    with byte_bars(quiet, **settings) as bars:
        if bars is None:
            yield None
            return
        task = bars.add_task(first, total=None)

        def step(name: str, done: int, total: int) -> None:
            bars.update(task, description=name or last, completed=done, total=total)

        yield step


def _compiled() -> bool:
    """Whether the kernels were compiled here before: Numba keeps them beside the source, or where it may write."""
    kernels = Path(__file__).parents[1] / "kernels"
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    elsewhere = [Path(chosen)] if chosen else [Path.home() / ".cache" / "numba"]
    folders = [kernels / "__pycache__", *(found for root in elsewhere for found in root.glob("kernels_*"))]
    return any(next(folder.glob("mrt.*.nbc"), None) for folder in folders)


def reading_progress(quiet: bool) -> AbstractContextManager[Callable[[str, int, int], None] | None]:
    """The bar of those who read archives. A first run says that it compiles, since that takes longer than the work."""
    if not quiet and not _compiled():
        print("duskwatch: first run on this machine: compiling takes up to a minute, once", file=sys.stderr)
    return byte_progress(quiet, "reading", "counting votes")
