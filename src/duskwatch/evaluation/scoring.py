"""Found outages against true events: what was found, how late, how far off, what was invented.

Pure functions over (true events, found events, watched time); they know nothing of detectors or of signals. The
rules, each with its reason, are in docs/reference/evaluation.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from math import ceil, inf
from typing import Any, NamedTuple

from duskwatch.records.outages import Outage, When
from duskwatch.records.times import DAY, SECOND

MONTH_US = 30 * DAY


class Bounds(NamedTuple):
    """A moment known to lie in [earliest_us, latest_us]; both the same where it is known exactly."""

    earliest_us: int
    latest_us: int

    def error_of(self, moment_us: int) -> int:
        """How far a moment is from here, in microseconds: 0 inside, below 0 before, above 0 after."""
        if moment_us < self.earliest_us:
            return moment_us - self.earliest_us
        return max(0, moment_us - self.latest_us)

    def meets(self, other: "Bounds") -> bool:
        """Whether the two have a moment in common."""
        return self.earliest_us <= other.latest_us and other.earliest_us <= self.latest_us


@dataclass(frozen=True, slots=True)
class TrueEvent:
    """What really happened. A moment that no single time can be given for (a slow decline) is a range."""

    onset: Bounds
    end: Bounds | None  # None: it lasts beyond the window
    name: str = ""


@dataclass(frozen=True, slots=True)
class FoundEvent:
    """What a detector says. ``onset`` and ``end`` are the intervals that it states; None where it states none."""

    onset_us: int
    end_us: int | None  # None while it lasts
    raised_us: int | None  # from when on a reader of the live data would have known; None where it does not say
    onset: Bounds | None = None
    end: Bounds | None = None
    story: int | None = None  # the same for an outage and its relapses; None where the detector links nothing


@dataclass(frozen=True, slots=True)
class Score:
    """Counts and measures of one series, or of many together. Errors are signed: below 0 is too early."""

    true: int = 0
    detected: int = 0
    found: int = 0
    false: int = 0  # found events that touch no true event
    merged: int = 0  # true events reported together with an earlier one
    open_wrong: int = 0  # reported to last although it ended, or the other way round
    watched_us: int = 0
    excess_us: int = 0  # time that found events cover outside of true ones
    fragments: tuple[int, ...] = ()  # found events per detected true event
    stories: tuple[int, ...] = ()  # of these, those that are no relapse of another
    onset_error_us: tuple[int, ...] = ()
    onset_error_bins: tuple[float, ...] = ()
    end_error_us: tuple[int, ...] = ()
    end_error_bins: tuple[float, ...] = ()
    delay_us: tuple[int, ...] = ()  # from the true onset to the alarm
    onset_stated: int = 0  # onsets that came with an interval
    onset_inside: int = 0  # of those, with the truth in it
    end_stated: int = 0
    end_inside: int = 0
    onset_width_bins: tuple[float, ...] = ()
    end_width_bins: tuple[float, ...] = ()


def found_events(outages: Iterable[Outage]) -> tuple[FoundEvent, ...]:
    """Outages as found events, in order of onset."""
    return tuple(
        FoundEvent(
            outage.onset.best_us,
            None if outage.end is None else outage.end.best_us,
            min((alarm.raised_us for alarm in outage.alarms), default=None),
            _bounds(outage.onset),
            None if outage.end is None else _bounds(outage.end),
            k if outage.relapse_of is None else outage.relapse_of,
        )
        for k, outage in sorted(enumerate(outages), key=lambda item: item[1].onset.best_us)
    )


def _bounds(when: When) -> Bounds:
    return Bounds(when.earliest_us, when.latest_us)


def touches(truth: TrueEvent, found: FoundEvent, tolerance_us: int) -> bool:
    """Whether the two overlap, each side of the truth widened by the tolerance; where they only meet, they do."""
    end = inf if truth.end is None else truth.end.latest_us + tolerance_us
    last = inf if found.end_us is None else found.end_us
    return found.onset_us <= end and last >= truth.onset.earliest_us - tolerance_us


def score(
    true: Sequence[TrueEvent], found: Sequence[FoundEvent], *, until_us: int, watched_us: int, bin_us: int
) -> Score:
    """Score what was found in one series of one entity.

    ``until_us`` is the end of the window, ``watched_us`` how much of it was watched, ``bin_us`` the length of a bin,
    which is also the tolerance of matching. A true event is detected where any found event touches it. Its fragments
    are the found events that touch it, its stories those of them that are reported as no relapse of another; its onset
    is measured on the first of them, its end on the last. A found event that touches several true ones gives an onset
    to the first, an end to the last, and counts the others as merged.
    ValueError where a bin has no length or where true events overlap.
    """
    if bin_us <= 0:
        raise ValueError(f"a bin of {bin_us} microseconds")
    truth = sorted(true, key=lambda event: event.onset)
    for k in range(1, len(truth)):
        before = truth[k - 1].end
        if before is None or truth[k].onset.earliest_us < before.latest_us:
            raise ValueError(f"true events overlap: {truth[k - 1].name!r} and {truth[k].name!r}")
    ordered = sorted(found, key=lambda event: (event.onset_us, event.end_us is None, event.end_us or 0))
    touched = [[k for k, event in enumerate(truth) if touches(event, one, bin_us)] for one in ordered]
    parts = [_score_event(k, event, ordered, touched, bin_us) for k, event in enumerate(truth)]
    whole = pool(parts)
    return Score(
        **{
            **{field.name: getattr(whole, field.name) for field in fields(Score)},
            "found": len(ordered),
            "false": sum(not events_touched for events_touched in touched),
            "merged": sum(max(0, len(events_touched) - 1) for events_touched in touched),
            "watched_us": watched_us,
            "excess_us": _excess(truth, ordered, until_us, bin_us),
        }
    )


def _score_event(
    k: int, event: TrueEvent, found: Sequence[FoundEvent], touched: Sequence[Sequence[int]], bin_us: int
) -> Score:
    """What concerns one true event alone."""
    mine = [i for i, events_touched in enumerate(touched) if k in events_touched]
    if not mine:
        return Score(true=1)
    first = found[mine[0]]
    last = max((found[i] for i in mine), key=lambda one: inf if one.end_us is None else one.end_us)
    linked = {found[i].story for i in mine} - {None}
    stories = len(linked) + sum(found[i].story is None for i in mine)
    measures: dict[str, Any] = {"true": 1, "detected": 1, "fragments": (len(mine),), "stories": (stories,)}
    if touched[mine[0]][0] == k:
        error = event.onset.error_of(first.onset_us)
        measures |= {"onset_error_us": (error,), "onset_error_bins": (error / bin_us,)}
        raised = [at for i in mine if (at := found[i].raised_us) is not None]
        if raised:
            measures["delay_us"] = (min(raised) - event.onset.latest_us,)
        if first.onset is not None:
            measures |= {
                "onset_stated": 1,
                "onset_inside": int(first.onset.meets(event.onset)),
                "onset_width_bins": (_width(first.onset) / bin_us,),
            }
    if touched[found.index(last)][-1] == k:
        if (event.end is None) != (last.end_us is None):
            measures["open_wrong"] = 1
        elif event.end is not None and last.end_us is not None:
            error = event.end.error_of(last.end_us)
            measures |= {"end_error_us": (error,), "end_error_bins": (error / bin_us,)}
            if last.end is not None:
                measures |= {
                    "end_stated": 1,
                    "end_inside": int(last.end.meets(event.end)),
                    "end_width_bins": (_width(last.end) / bin_us,),
                }
    return Score(**measures)


def _width(bounds: Bounds) -> int:
    return bounds.latest_us - bounds.earliest_us


def _excess(truth: Sequence[TrueEvent], found: Sequence[FoundEvent], until_us: int, tolerance_us: int) -> int:
    """Time in found events, counted once, outside of every true event widened by the tolerance."""
    real = [
        (
            event.onset.earliest_us - tolerance_us,
            until_us if event.end is None else event.end.latest_us + tolerance_us,
        )
        for event in truth
    ]
    total, done = 0, -(2**63)
    for one in found:
        begin, end = max(one.onset_us, done), until_us if one.end_us is None else min(one.end_us, until_us)
        for start, stop in real:
            if stop <= begin or start >= end:
                continue
            total += max(0, start - begin)
            begin = max(begin, stop)
        total += max(0, end - begin)
        done = max(done, end)
    return total


def pool(scores: Iterable[Score]) -> Score:
    """The scores of several series as one: counts are added, measures put side by side."""
    all_of = list(scores)
    names = [field.name for field in fields(Score)]
    return Score(**{name: _joined([getattr(one, name) for one in all_of], name) for name in names})


def _joined(values: list[Any], name: str) -> Any:
    if isinstance(getattr(_NOTHING, name), int):
        return sum(values)
    return tuple(one for value in values for one in value)


_NOTHING = Score()


def rank(values: Sequence[float], share: float) -> float | None:
    """The value that the given share of all values does not exceed (nearest rank); None where there are none.

    ValueError where the share is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share of {share}")
    return sorted(values)[ceil(share * len(values)) - 1] if values else None


def figures(scored: Score) -> dict[str, float | int | None]:
    """A score as the figures of the table. None where there was nothing to measure; seconds, bins, shares 0..1."""
    onset, end = [abs(e) for e in scored.onset_error_bins], [abs(e) for e in scored.end_error_bins]
    onset_s, end_s = [abs(e) / SECOND for e in scored.onset_error_us], [abs(e) / SECOND for e in scored.end_error_us]
    delay_s = [d / SECOND for d in scored.delay_us]
    months = scored.watched_us / MONTH_US
    return {
        "true": scored.true,
        "detected": scored.detected,
        "recall": _share(scored.detected, scored.true),
        "found": scored.found,
        "false": scored.false,
        "false_per_month": scored.false / months if months else None,
        "excess_hours_per_month": scored.excess_us / (3600 * SECOND) / months if months else None,
        "months": months,
        "merged": scored.merged,
        "open_wrong": scored.open_wrong,
        "fragments_mean": sum(scored.fragments) / len(scored.fragments) if scored.fragments else None,
        "fragments_max": max(scored.fragments, default=None),
        "stories_mean": sum(scored.stories) / len(scored.stories) if scored.stories else None,
        "onset_error_s_median": rank(onset_s, 0.5),
        "onset_error_s_p95": rank(onset_s, 0.95),
        "onset_error_bins_p95": rank(onset, 0.95),
        "onset_within_bin": _share(sum(e <= 1 for e in onset), len(onset)),
        "onset_within_30min": _share(sum(e <= 1800 for e in onset_s), len(onset_s)),
        "end_error_s_median": rank(end_s, 0.5),
        "end_error_s_p95": rank(end_s, 0.95),
        "end_error_bins_p95": rank(end, 0.95),
        "end_within_bin": _share(sum(e <= 1 for e in end), len(end)),
        "within_two_bins": _share(sum(e <= 2 for e in onset) + sum(e <= 2 for e in end), len(onset) + len(end)),
        "delay_s_median": rank(delay_s, 0.5),
        "delay_s_p95": rank(delay_s, 0.95),
        "onset_inside": _share(scored.onset_inside, scored.onset_stated),
        "end_inside": _share(scored.end_inside, scored.end_stated),
        "onset_width_bins_median": rank(scored.onset_width_bins, 0.5),
        "end_width_bins_median": rank(scored.end_width_bins, 0.5),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
