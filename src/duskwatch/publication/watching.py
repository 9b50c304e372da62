"""How well the entity was watched: observers over the window, and the time in which nothing could be judged."""

from typing import NamedTuple

import numpy as np

from duskwatch.publication.facts import measure
from duskwatch.publication.levels import Span, edges, stretches
from duskwatch.publication.others import only_others, shows_loss
from duskwatch.records.report import Report

NOT_WATCHED, NOT_HEARD, NO_LOSS = "not watched", "nothing heard yet", "no signal shows a loss"


class Spread(NamedTuple):
    """Least, time-weighted median, and most."""

    least: int
    median: int
    most: int


class Unjudged(NamedTuple):
    """A stretch in which nothing could be said about the entity, and why."""

    from_us: int
    until_us: int
    why: str  # NOT_WATCHED: no observer was there; NOT_HEARD: none had said anything about the entity;
    # NO_LOSS: a fall of what was measured is no loss

    @property
    def length_us(self) -> int:
        """How long it is, in microseconds."""
        return self.until_us - self.from_us


def voters_spread(report: Report) -> Spread:
    """Live full-feed voters over the window: least, median of the time that anybody watched, most."""
    level = report.history.level
    lengths = np.diff(np.maximum(edges(level), report.from_us)).astype(np.float64)
    voters = np.nan_to_num(level.voters)
    rows = lengths > 0
    if not rows.any():
        return Spread(0, 0, 0)
    least, most = int(voters[rows].min()), int(voters[rows].max())
    rows &= voters > 0
    if not rows.any():
        return Spread(0, 0, 0)
    voters, lengths = voters[rows], lengths[rows]
    order = np.argsort(voters, kind="stable")
    below = np.cumsum(lengths[order])
    median = voters[order][np.searchsorted(below, below[-1] / 2)]
    return Spread(least, int(median), most)


def alone_at_times(report: Report) -> bool:
    """Whether at any moment one observer was watching and no other."""
    level = report.history.level
    lengths = np.diff(np.maximum(edges(level), report.from_us))
    return bool(((level.voters == 1) & (lengths > 0)).any())


def unjudged(report: Report) -> tuple[Unjudged, ...]:
    """Stretches in which nothing could be said about the entity, in time order."""
    level = report.history.level
    if only_others(report) and not shows_loss(report):
        return (Unjudged(report.from_us, report.until_us, NO_LOSS),)
    if not level.time_us.size:
        return (Unjudged(report.from_us, report.until_us, NOT_WATCHED),)
    blind = np.isnan(measure(report).values)
    there = np.nan_to_num(level.voters) > 0
    spans = [Unjudged(*span, NOT_WATCHED) for span in stretches(level, blind & ~there)]
    spans += [Unjudged(*span, NOT_HEARD) for span in stretches(level, blind & there)]
    start = int(level.time_us[0])
    if start > report.from_us:
        spans.append(Unjudged(report.from_us, start, NOT_WATCHED))
    # A level may begin before the window, to show the onset of an outage that stood when the window opened.
    cut = (span._replace(from_us=max(span.from_us, report.from_us)) for span in spans)
    return tuple(sorted(span for span in cut if span.length_us > 0))


def blind_spans(report: Report) -> tuple[Span, ...]:
    """The same, those that touch each other as one, whatever the reason."""
    spans: list[Span] = []
    for start, end, _ in unjudged(report):
        if spans and spans[-1].until_us == start:
            spans[-1] = Span(spans[-1].from_us, end)
        else:
            spans.append(Span(start, end))
    return tuple(spans)


def watched_share(report: Report) -> float:
    """Share of the window in which the entity could be judged, 0..1."""
    length = report.until_us - report.from_us
    blind = sum(span.length_us for span in blind_spans(report))
    return max(0.0, 1.0 - blind / length) if length > 0 else 0.0


def unjudged_us(report: Report, from_us: int, until_us: int) -> int:
    """How much of a stretch could not be judged, in microseconds."""
    return sum(max(0, min(span.until_us, until_us) - max(span.from_us, from_us)) for span in blind_spans(report))
