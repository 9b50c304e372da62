"""What `--exit-code` tells a script: whether an outage was found, and whether "none" is said of all that was asked."""

from collections.abc import Iterable
from typing import Annotated

import typer

from duskwatch.records.judged import JudgedSpan

NONE, OUTAGE, UNSURE = 0, 3, 4
"""No outage, and all of it judged; an outage; none found, and not all of it (or nothing) could be judged."""

ExitCodeOption = Annotated[
    bool,
    typer.Option(
        "--exit-code",
        help="Tell by the exit code: 0 no outage, all judged; 3 an outage; 4 none found, but not all could be judged.",
    ),
]


def code_of(found: bool, spans: Iterable[JudgedSpan]) -> int:
    """The exit code of an answer; where no stretch is given, nothing was judged."""
    told = tuple(spans)
    if found:
        return OUTAGE
    return NONE if told and all(span.judged for span in told) else UNSURE
