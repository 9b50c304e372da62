"""What the evaluations share: a progress bar and tables."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


def drawn(rows: Sequence[Sequence[str]]) -> Any:
    """A table for a terminal; the last column says BROKEN where something does not hold."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for k, head in enumerate(rows[0]):
        table.add_column(head, justify="right" if k else "left", overflow="fold")
    for row in rows[1:]:
        table.add_row(*row, style="red" if row[-1].startswith("BROKEN") else None)
    return table


@contextmanager
def steps(first: str, quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """A progress bar on stderr; none where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(first, total=None)

        def step(name: str, done: int, total: int) -> None:
            bar.update(task, description=name or "done", completed=done, total=total)

        yield step
