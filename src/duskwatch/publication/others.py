"""Signals that others measured, in words: which there are, and what a report rests on where it has no routes."""

from collections.abc import Sequence

import numpy as np

from duskwatch.publication.times_text import count, listed
from duskwatch.records.outages import Outage
from duskwatch.records.report import Report
from duskwatch.records.signals import SignalBlock
from duskwatch.records.times import span_text

MOST_NAMED = 6


def only_others(report: Report) -> bool:
    """Whether the report rests on signals of others alone: no routing archive was read."""
    return bool(report.history.series) and not np.isfinite(report.history.level.voters).any()


def names_of(report: Report) -> tuple[str, ...]:
    """Every signal of others, in order."""
    return tuple(name for block in report.history.series for name in block.names)


def told_by(report: Report, outage: Outage | None) -> tuple[SignalBlock, str]:
    """The signal that a report is told in: the first that tells the outage; where none does, the first there is.

    ValueError where there is no signal.
    """
    blocks = report.history.series
    if not blocks or not blocks[0].names:
        raise ValueError("no signal of others")
    where = {name: block for block in blocks for name in block.names}
    name = next((name for name in (outage.signals if outage else ()) if name in where), blocks[0].names[0])
    return where[name], name


def described(blocks: Sequence[SignalBlock]) -> str:
    """``bgp and ping-slash24 in bins of 5 min, gtr in bins of 30 min``."""
    parts = []
    for block in blocks:
        shown = list(block.names[:MOST_NAMED])
        if len(block.names) > MOST_NAMED:
            shown.append(f"{len(block.names) - MOST_NAMED} more")
        parts.append(f"{listed(shown)} in bins of {span_text(block.bin_us)}")
    return ", ".join(parts)


def evidence(report: Report, outage: Outage | None) -> str:
    """What the signals of others add to a report, or all that it rests on; empty where there is none."""
    if not report.history.series:
        return ""
    many = count(len(names_of(report)), "signal", "signals")
    text = f"This rests on {many} that others measured: {described(report.history.series)}."
    if not only_others(report):
        text = f"Beside the routes, {many} that others measured {'was' if many.startswith('one') else 'were'} read: "
        text += f"{described(report.history.series)}."
    if outage is not None:
        saw = [name for name in outage.signals if name in names_of(report)]
        if saw:
            text += f" The outage is told by {listed(saw[:MOST_NAMED])}."
    text += (
        " A signal counts as lost in part where it is further below what its past made to be expected than it varies."
    )
    return text
