"""Signals that others measured, in words: which there are, and what a report rests on where it has no routes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from duskwatch.publication.times_text import count, listed, percent
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


def fell_and_stayed(report: Report, outage: Outage) -> str:
    """``ping-slash24 and bgp fell; gtr and merit-nt did not.`` Empty where no signal of others was read."""
    if not report.history.series:
        return ""
    fell = [name for name in outage.signals if name in names_of(report)]
    stayed, dark = _others_of(report, outage)
    told = [f"{listed(_few(fell))} fell"] if fell else []
    told += [f"{listed(_few(stayed))} did not"] if stayed else []
    told += [f"{listed(_few(dark))} {'was' if len(dark) == 1 else 'were'} not measured then"] if dark else []
    if not told:
        return ""
    text = "; ".join(told)
    lead = "Of the signals that others measured, " if not only_others(report) else "Of the signals measured, "
    return f"{lead}{text}."


def _others_of(report: Report, outage: Outage) -> tuple[list[str], list[str]]:
    """Signals that did not tell the outage: those that had values in it, and those that had none."""
    end = outage.end.best_us if outage.end is not None else report.until_us
    stayed, dark = [], []
    for block in report.history.series:
        inside = (block.times_us + block.bin_us > outage.onset.best_us) & (block.times_us < end)
        for name in block.names:
            if name in outage.signals:
                continue
            known = np.isfinite(block.series(name)[inside])
            (stayed if known.any() else dark).append(name)
    return stayed, dark


def _few(names: Sequence[str]) -> list[str]:
    shown = list(names[:MOST_NAMED])
    return [*shown, f"{len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else shown


def evidence(report: Report) -> str:
    """What the signals of others add to a report, or all that it rests on; empty where there is none."""
    if not report.history.series:
        return ""
    many = count(len(names_of(report)), "signal", "signals")
    text = f"This rests on {many} that others measured: {described(report.history.series)}."
    if not only_others(report):
        verb = "was" if many.startswith("one") else "were"
        text = f"Beside the routes, {many} that others measured {verb} read: {described(report.history.series)}."
    return f"{text} A signal counts as fallen where it is below its normal range, which is learned from its own past."


class Normal(NamedTuple):
    """What is normal for a signal, and how far the main outage took it."""

    normal: float  # the median of the window outside outages; NaN where nothing was measured
    left: float  # the mean within the main outage as a share of it; 1 where nothing can be said
    text: str  # the same in words


def normal_of(report: Report, block: SignalBlock, name: str) -> Normal:
    """The normal of one signal of others, and what the main outage left of it."""
    values, times = block.series(name), block.times_us
    known = np.isfinite(values)
    ends = [outage.end.best_us if outage.end is not None else report.until_us for outage in report.outages]
    out = np.zeros(len(times), np.bool_)
    for outage, end in zip(report.outages, ends, strict=True):
        out |= (times + block.bin_us > outage.onset.best_us) & (times < end)
    rest = values[known & ~out] if (known & ~out).any() else values[known]
    normal = float(np.median(rest)) if rest.size else float("nan")
    if not report.outages:
        return Normal(normal, 1.0, f"normally {_figure(normal)}")
    number = max(range(len(report.outages)), key=lambda i: report.outages[i].score)
    main = report.outages[number]
    inside = known & (times >= main.onset.best_us) & (times + block.bin_us <= ends[number])
    if not inside.any() or not normal > 0:
        return Normal(normal, 1.0, f"normally {_figure(normal)}; not measured in the main outage")
    left = float(values[inside].mean()) / normal
    if name in main.signals:
        return Normal(normal, left, f"fell to {percent(left)} of its normal {_figure(normal)}")
    return Normal(normal, left, f"stayed within its normal range, {percent(left)} of {_figure(normal)}")


def _figure(value: float) -> str:
    return "unknown" if not np.isfinite(value) else f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"
