"""Alarms that stand on over a gap in which another family saw the loss end, and begin anew: they are two."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from duskwatch.detection.fusing.findings import Finding
from duskwatch.detection.fusing.grouping import Group, grouped
from duskwatch.detection.view import BinnedView, Stretch, View
from duskwatch.records.outages import Alarm


def cut_at_gaps(findings: Sequence[Finding], calls: Sequence[Sequence[Alarm]], join_us: int) -> list[Finding]:
    """Findings whose alarms are cut at each gap over which other families tell of two losses.

    calls   of each finding, the alarms that make outages

    Who lost something before a gap and is without it after the gap does not know of a return between. Who watched
    meanwhile knows: another family that lost the same before the gap and had it back in the gap. And it, or a third,
    lost something later and was without it as the gap ended, as this one was. Where none was, it may have been lost
    all the time.
    """
    if len({one.spec.family for one in findings}) < 2 or sum(map(bool, calls)) < 2:
        return list(findings)
    losses = [grouped((Stretch(alarm.from_us, alarm.until_us) for alarm in mine), join_us) for mine in calls]
    out: list[Finding] = []
    for one in findings:
        others = [
            loss
            for other, its_losses in zip(findings, losses, strict=True)
            if other.spec.family != one.spec.family
            for loss in its_losses
        ]
        cuts: dict[Alarm, tuple[Alarm, ...]] = {}
        for alarm in one.losing.alarms if len(others) > 1 else ():
            gaps = [gap for gap in _gaps_in(one.view, alarm) if _two(alarm, gap, others, join_us)]
            if gaps and alarm not in one.days:
                cuts[alarm] = _parts(one.view, alarm, gaps)
        out.append(one.cut(cuts) if cuts else one)
    return out


def _gaps_in(view: View, alarm: Alarm) -> list[tuple[int, int]]:
    """Stretches within an alarm that nobody watched, without one that it ends with."""
    edge = view.edge_us
    first = int(edge.searchsorted(alarm.from_us))
    stop = len(view.watched) if alarm.until_us is None else int(edge.searchsorted(alarm.until_us))
    blind = np.concatenate([[False], ~view.watched[first:stop], [False]])
    bounds = first + np.flatnonzero(np.diff(blind.astype(np.int8))).reshape(-1, 2)
    return [(int(edge[a]), int(edge[b])) for a, b in bounds if a > first and b < stop]


def _two(alarm: Alarm, gap: tuple[int, int], losses: Sequence[Group], join_us: int) -> bool:
    """Whether others tell of two losses: one that ends in the gap, and one that is there as the gap ends."""
    from_us, until_us = gap
    before = [
        one.until_us
        for one in losses
        if one.until_us is not None
        and one.from_us < from_us + join_us
        and max(alarm.from_us, from_us - join_us) < one.until_us < until_us
    ]
    if not before:
        return False
    return any(
        one.from_us > min(before)
        and one.from_us < until_us + join_us
        and (one.until_us is None or one.until_us > until_us - join_us)
        for one in losses
    )


def _parts(view: View, alarm: Alarm, gaps: Sequence[tuple[int, int]]) -> tuple[Alarm, ...]:
    """The stretches of an alarm up to the end of each gap, and from the last on.

    It was raised in one of them: what comes before is too little for an alarm of its own.
    """
    starts = [alarm.from_us, *(until_us for _, until_us in gaps)]
    stops = [*starts[1:], alarm.until_us]
    return tuple(
        _part(view, alarm, start, stop)
        for start, stop in zip(starts, stops, strict=True)
        if stop is None or alarm.raised_us <= stop
    )


def _part(view: View, alarm: Alarm, from_us: int, until_us: int | None) -> Alarm:
    edge = view.edge_us
    first = int(edge.searchsorted(from_us))
    stop = len(view.watched) if until_us is None else int(edge.searchsorted(until_us))
    inside, watched = slice(first, stop), view.watched[first:stop]
    if isinstance(view, BinnedView):
        left = view.values[inside][watched]
        coverage = float(np.clip(view.coverage[inside], 0.0, 1.0).mean())
    else:
        left = (view.expected[inside] * (1.0 - view.loss[inside]))[watched]
        length = np.diff(edge[first : stop + 1])
        coverage = float(length[watched].sum() / max(1, length.sum()))
    return replace(
        alarm,
        from_us=from_us,
        until_us=until_us,
        raised_us=max(from_us, alarm.raised_us),
        observed=float(left.min(initial=alarm.expected)),
        coverage=coverage,
    )
