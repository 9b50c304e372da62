"""`duskwatch evaluate`: how well the detectors do on a library of labelled series."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from duskwatch.cli.evaluate_causes import causes
from duskwatch.cli.evaluate_options import drawn, steps
from duskwatch.cli.options import fail, unusable_input

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command("causes")(causes)


@app.callback(invoke_without_command=True)
def command(
    ctx: typer.Context,
    scenarios: Annotated[
        list[str] | None,
        typer.Option("--scenarios", help="Only ids that match, as 'synthetic/total-*' or '*-01'. Repeatable."),
    ] = None,
    detector: Annotated[
        list[str] | None,
        typer.Option("--detector", help="duskwatch, ioda-median or nearest-days; all without it. Repeatable."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder of real series and archives; see docs/reference/evaluation.md."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for evaluation.json, scenarios.json and evaluation.svg.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 where a bound is broken.")] = False,
    tolerances: Annotated[
        Path | None, typer.Option("--tolerances", help="TOML file of bounds instead of those that come along.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the ids, run nothing.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print evaluation.json instead of the tables.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Score the detectors on labelled events: what they find, how exactly, and what they invent.

    Runs duskwatch's detector and two published rules over a library of scenarios: losses of every shape, size and
    length laid over quiet series, quiet series, artefacts that are no outage, documented cases, and, where --data
    names a folder that has them, real series around real shutdowns. A scenario's id never changes what it holds.

    `duskwatch evaluate causes` scores the weights of causes instead.

    Example: duskwatch evaluate --scenarios '*-01' --out evaluation --check
    """
    if ctx.invoked_subcommand is not None:
        return
    with unusable_input("evaluate"):
        if out is not None and out.exists() and not out.is_dir():
            fail("evaluate", f"--out {out} is a file; name a folder")
        for option, path in (("--data", data), ("--tolerances", tolerances)):
            if path is not None and not path.exists():
                fail("evaluate", f"{option} {path}: no such file or folder")
        if data is not None and not data.is_dir():
            fail("evaluate", f"--data {data} is a file; name the folder that holds series/ and mrt/")
        if tolerances is not None and tolerances.is_dir():
            fail("evaluate", f"--tolerances {tolerances} is a folder; name a TOML file")
        from duskwatch.evaluation import archives, bounds, run, summary

        by_name = run.detectors()
        for name in detector or ():
            if name not in by_name:
                fail("evaluate", f"--detector {name}: there are {', '.join(by_name)}")
        names = list(dict.fromkeys(detector or by_name))
        limits = bounds.tolerances(tolerances)
        entries = _entries(archives.entries(), scenarios or [])
        if list_:
            for entry in entries:
                print(entry.id + (f"  (needs {entry.needs})" if entry.needs else ""))
            return
        with steps("scoring", quiet or json_) as progress:
            results, absent = run.run(entries, [by_name[name] for name in names], data, progress)
        if not results:
            fail(
                "evaluate",
                f"none of the {len(entries)} scenarios could be run; name a folder that has their data with --data",
            )
        checked = bounds.check(summary.pooled(results), limits)
        document = summary.document(results, absent, checked)
        if out is not None:
            _write(out, document, summary.scenario_rows(results), names)
        if json_:
            print(json.dumps(document, indent=1))
        else:
            _print(document, names)
        if check:
            measured = [one for one in checked if one.holds is not None]
            if not measured:
                fail("evaluate", "--check: these scenarios and detectors measure no figure that has a bound")
            if not all(one.holds for one in measured):
                sys.exit(1)


def _entries(of_archives: Iterator[Any], patterns: Sequence[str]) -> tuple[Any, ...]:
    from duskwatch.evaluation.scenarios.library import library, select

    everything = [*library().values(), *of_archives]
    for pattern in patterns:
        if not select(everything, [pattern]):
            fail("evaluate", f"--scenarios {pattern}: no id matches; `duskwatch evaluate --list` shows them all")
    return select(everything, patterns)


def _write(out: Path, document: dict[str, Any], rows: list[dict[str, Any]], names: list[str]) -> None:
    from duskwatch.evaluation.chart import chart
    from duskwatch.publication.draw import svg, write_whole

    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / "evaluation.json", (json.dumps(document, indent=1) + "\n").encode())
    write_whole(out / "scenarios.json", (json.dumps(rows, indent=0) + "\n").encode())
    write_whole(out / "evaluation.svg", svg(chart(document, names)).encode())


def _print(document: dict[str, Any], names: list[str]) -> None:
    """Tables on the terminal; Markdown where it is piped, so that it pastes well."""
    from rich.console import Console

    from duskwatch.evaluation.table import bounds_table, markdown, table

    console = Console()
    said = f"{document['scenarios']} scenarios"
    if document["absent"]:
        said += f"; {len(document['absent'])} more need data that was not given (--data)"
    print(said + "\n")
    for rows in (table(document, names), bounds_table(document)):
        if console.is_terminal:
            console.print(drawn(rows))
            print()
        else:
            print(markdown(rows) + "\n")
