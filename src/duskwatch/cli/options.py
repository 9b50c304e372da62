"""Options and errors that several commands share."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn


def fail(command: str, message: str) -> NoReturn:
    """One line on stderr, exit code 2: wrong usage, or input that cannot be used."""
    print(f"duskwatch {command}: {message}", file=sys.stderr)
    raise SystemExit(2)


@contextmanager
def unusable_input(command: str) -> Iterator[None]:
    """Turn what the stages raise about unusable input into one line and exit code 2."""
    try:
        yield
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        fail(command, f"{where}{error.strerror or error}")
    except ValueError as error:
        fail(command, str(error))


@contextmanager
def reading_progress(quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """A progress bar on stderr for ``(name, bytes done, bytes in all)``; none where stderr is no terminal."""
    if quiet:
        yield None
        return
    # Loaded where it is used: commands that show no bar start a fiftieth of a second earlier.
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as bar:
        task = bar.add_task("reading", total=None)

        def step(name: str, done: int, total: int) -> None:
            bar.update(task, description=name or "counting votes", completed=done, total=total)

        yield step
