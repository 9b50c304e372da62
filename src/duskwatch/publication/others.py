"""Signals that others measured, in words: which there are, and what a report rests on where it has no routes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from duskwatch.publication.times_text import count, listed, percent
from duskwatch.records.outages import Outage
from duskwatch.records.report import Report
from duskwatch.records.signals import SignalBlock
from duskwatch.records.times import DAY, HOUR, span_text

MOST_NAMED = 6
FELL, LOWER, STAYED, UNMEASURED = "fell", "lower", "stayed", "not measured"
LOW_SHARE = 0.8  # of what is usual: a signal below it is called low


def only_others(report: Report) -> bool:
    """Whether the report rests on signals of others alone: no routing archive was read."""
    return bool(report.history.series) and not np.isfinite(report.history.level.voters).any()


def shows_loss(report: Report) -> bool:
    """Whether a fall of any signal of others would be a loss."""
    return any(spec.less_is_loss for block in report.history.series for spec in block.specs)


def names_of(report: Report) -> tuple[str, ...]:
    """Every signal of others, in order."""
    return tuple(name for block in report.history.series for name in block.names)


def leading_signal(report: Report, outage: Outage | None) -> tuple[SignalBlock, str]:
    """The signal that a report goes by: the first that tells the outage; where none does, the first of which less is
    a loss, or else the first there is.

    ValueError where there is no signal.
    """
    blocks = report.history.series
    if not blocks or not blocks[0].names:
        raise ValueError("no signal of others")
    where = {name: block for block in blocks for name in block.names}
    losing = (spec.name for block in blocks for spec in block.specs if spec.less_is_loss)
    name = next(
        (name for name in (outage.signals if outage else ()) if name in where), next(losing, blocks[0].names[0])
    )
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
    """``ping-slash24 and bgp fell; gtr stayed near its normal.`` Empty where no signal of others was read."""
    if not report.history.series:
        return ""
    found: dict[str, list[str]] = {FELL: [], LOWER: [], STAYED: [], UNMEASURED: []}
    for block in report.history.series:
        for name in block.names:
            found[normal_of(report, block, name, outage).how].append(name)
    ends = {
        FELL: "fell out of {} normal range",
        LOWER: "{} lower than usual too, without leaving {} normal range",
        STAYED: "stayed near {} normal",
        UNMEASURED: "{} not measured then",
    }
    groups = []
    for how, names in found.items():
        if names:
            one = len(names) == 1
            verb, whose = ("was", "its") if one else ("were", "their")
            words = {FELL: (whose,), LOWER: (verb, whose), STAYED: (whose,), UNMEASURED: (verb,)}[how]
            groups.append(f"{listed(few(names))} {ends[how].format(*words)}")
    many = count(len(names_of(report)), "signal", "signals")
    return f"Of {many} {'' if only_others(report) else 'that others '}measured, {'; '.join(groups)}."


def few(names: Sequence[str]) -> list[str]:
    """The first names, and how many more there are."""
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
    """What is normal for a signal, and how far an outage took it."""

    normal: float  # the median of the window outside outages; NaN where nothing was measured
    left: float  # the mean within the outage as a share of what is usual at those hours; NaN where it is not known
    how: str  # FELL: it tells the outage; LOWER, STAYED, UNMEASURED
    text: str  # the same in words


def normal_of(report: Report, block: SignalBlock, name: str, outage: Outage | None = None) -> Normal:
    """The normal of one signal of others, and what an outage (the main one, if none is given) left of it."""
    values, times = block.series(name), block.times_us
    measured, out = np.isfinite(values), np.zeros(len(times), np.bool_)
    for other in report.outages:
        out |= _inside(report, block, other)
    rest = measured & ~out if (measured & ~out).any() else measured
    normal = float(np.median(values[rest])) if rest.any() else float("nan")
    main = outage or max(report.outages, key=lambda other: other.score, default=None)
    if main is None:
        return Normal(normal, float("nan"), STAYED, f"normally {_figure(normal)}")
    inside = measured & _inside(report, block, main)
    fell = name in main.signals
    if not inside.any() or not normal > 0:
        return Normal(normal, float("nan"), FELL if fell else UNMEASURED, f"normally {_figure(normal)}")
    usual = _usual(times, values, rest, inside)
    left = float(values[inside].mean()) / usual if usual > 0 else float("nan")
    how = FELL if fell else LOWER if left < LOW_SHARE else STAYED
    figure = f"{percent(left)} of what is usual at these hours ({_figure(usual)})"
    return Normal(normal, left, how, f"{ {FELL: 'fell to', LOWER: 'low, at', STAYED: 'stayed, at'}[how] } {figure}")


def _inside(report: Report, block: SignalBlock, outage: Outage) -> npt.NDArray[np.bool_]:
    """The bins that an outage touches."""
    end = outage.end.best_us if outage.end is not None else report.until_us
    touched: npt.NDArray[np.bool_] = (block.times_us + block.bin_us > outage.onset.best_us) & (block.times_us < end)
    return touched


def _usual(
    times: npt.NDArray[np.int64],
    values: npt.NDArray[np.float64],
    rest: npt.NDArray[np.bool_],
    inside: npt.NDArray[np.bool_],
) -> float:
    """The median outside outages at the same hours of the day; of all hours where those were never without one."""
    hours = times % DAY // HOUR
    same = rest & np.isin(hours, np.unique(hours[inside]))
    return float(np.median(values[same if same.any() else rest]))


def _figure(value: float) -> str:
    return "unknown" if not np.isfinite(value) else f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"
