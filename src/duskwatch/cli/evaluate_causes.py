"""`duskwatch evaluate causes`: how well the weights of causes do on countries that they were not made from."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from duskwatch.cli.evaluate_options import drawn, steps
from duskwatch.cli.options import fail, unusable_input

if TYPE_CHECKING:
    from duskwatch.evaluation.causes.run import Result


def causes(
    labels: Annotated[
        Path, typer.Option("--labels", help="CSV file of investigated events; see docs/how-to/evaluate-causes.md.")
    ],
    weights: Annotated[
        Path | None, typer.Option("--weights", help="TOML file of weights, laid over those that come along.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option("--write", help="Write the table of weights that all events together make.")
    ] = None,
    parts: Annotated[int, typer.Option("--parts", min=2, help="Parts that the countries are dealt into.")] = 5,
    repeats: Annotated[int, typer.Option("--repeats", min=1, max=1000, help="How often they are dealt.")] = 10,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for causes.json and reliability.svg.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 where the weights are not good enough on held-out countries.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print causes.json instead of the tables.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Score the weights of causes on labelled events, country by country.

    Weights made from some countries judge the events of the others: log score and calibration against the base rates
    and, where scikit-learn is installed, against a plain logistic regression; and what share is left undetermined.

    Example: duskwatch evaluate causes --labels ioda_investigated_outages.csv --out evaluation --check
    """
    with unusable_input("evaluate causes"):
        if out is not None and out.exists() and not out.is_dir():
            fail("evaluate causes", f"--out {out} is a file; name a folder")
        from duskwatch.evaluation.causes import run as evaluation
        from duskwatch.evaluation.causes import show
        from duskwatch.evaluation.causes.labels import read_labels
        from duskwatch.evaluation.causes.regression import scikit_learn
        from duskwatch.explanation.weights import dump_weights, load_weights, shipped_weights
        from duskwatch.publication.draw import svg, write_whole

        base = shipped_weights() if weights is None else load_weights(weights)
        rival = scikit_learn()
        read = read_labels(labels)
        with steps("held-out countries", quiet or json_) as progress:
            result = evaluation.run(read, base, parts=parts, repeats=repeats, regression=rival, progress=progress)
        document = evaluation.document(result)
        if write is not None:
            write_whole(write, dump_weights(result.weights).encode())
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            write_whole(out / "causes.json", (json.dumps(document, indent=1) + "\n").encode())
            write_whole(out / "reliability.svg", svg(show.reliability_chart(result)).encode())
        if json_:
            print(json.dumps(document, indent=1))
        else:
            _print(result, rival is not None)
        broken = evaluation.broken(result)
        if check and broken:
            for line in broken:
                print(f"duskwatch evaluate causes: {line}", file=sys.stderr)
            sys.exit(1)


def _print(found: "Result", regression: bool) -> None:
    from rich.console import Console

    from duskwatch.evaluation.causes import show
    from duskwatch.evaluation.table import markdown

    console = Console()
    rows = show.score_rows(found)
    print("\n".join(show.label_lines(found)) + "\n")
    if console.is_terminal:
        console.print(drawn(rows))
    else:
        print(markdown(rows))
    print("\n" + "\n".join(show.verdict_lines(found)))
    if not regression:
        print("The plain logistic regression is left out: scikit-learn is not installed.")
