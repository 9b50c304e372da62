"""The case command: which documented cases there are, and genuine MRT archives made from one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from duskwatch.cases.build import BuiltCase, build_case
from duskwatch.cases.build import Progress as CaseProgress
from duskwatch.cases.case_file import bundled_cases, load_case
from duskwatch.cli.options import unusable_input
from duskwatch.records.text import size_text
from duskwatch.records.times import iso

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="List documented cases and generate their archives.",
)


@app.command("list")
def list_cases() -> None:
    """List the cases that come with duskwatch."""
    with unusable_input("case list"):
        for name in bundled_cases():
            case = load_case(name)
            print(f"{name}  {case.entity.code}  {iso(case.from_us)} to {iso(case.until_us)}  {case.title}")


@app.command("build")
def build(
    case: str = typer.Argument(..., help="Name of a case (see `duskwatch case list`), or a folder with a case.toml."),
    out: Path = typer.Option(..., "--out", help="Folder to write to; new, empty, or an earlier build."),
    seed: int = typer.Option(1, "--seed", help="Decides everything that the case leaves open."),
    scale: float = typer.Option(1.0, "--scale", help="Multiplies the background's prefixes and noise."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="No progress bar, no summary."),
) -> None:
    """Write a case's archives: MRT files, a delegated file, AS names, and the truth to compare results with."""
    with unusable_input("case build"), writing_progress(quiet) as progress:
        built = build_case(case, out, seed, scale, progress)
    if not quiet:
        print(summary(built))


def summary(built: BuiltCase) -> str:
    """What was written, and the command that analyses it."""
    case = built.case
    return "\n".join(
        (
            case.reenactment,
            (
                f"{built.files} MRT files, {size_text(built.size_bytes)}, of {len(built.collectors)} collectors "
                f"and {len(built.countries)} countries beside {case.entity.code}: {built.mrt}"
            ),
            f"delegations: {built.geo}   AS names: {built.as_names}   what happened in them: {built.truth}",
            (
                f"duskwatch analyze {case.entity.code} --from {iso(case.from_us)} --until {iso(case.until_us)} "
                f"--mrt {built.mrt} --geo {built.geo} --out report"
            ),
        )
    )


@contextmanager
def writing_progress(quiet: bool) -> Iterator[CaseProgress | None]:
    """A progress bar on stderr for ``(name, files done, files in all)``; none where stderr is no terminal."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as bar:
        task = bar.add_task("writing archives", total=None)

        def step(name: str, done: int, total: int) -> None:
            bar.update(task, description=name, completed=done, total=total)

        yield step
