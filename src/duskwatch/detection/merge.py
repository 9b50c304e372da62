"""Outages of one entity told by the change log and by binned signals, made one."""

from collections.abc import Sequence
from dataclasses import replace

from duskwatch.detection.config import DetectionConfig
from duskwatch.detection.fuse import follows
from duskwatch.records.outages import Outage, Phase, When
from duskwatch.records.times import MINUTE

BESIDE_US = 15 * MINUTE  # bins may be read at their start, at their end, or late


def merge(
    exact: Sequence[Outage], binned: Sequence[Outage], until_us: int, config: DetectionConfig
) -> tuple[Outage, ...]:
    """Outages that overlap, or are less than ``join_us`` apart, become one; bounds to the second win over bins.

    exact   from the change log      binned  from binned signals      until_us  end of the window
    """
    marked = sorted([(o, True) for o in exact] + [(o, False) for o in binned], key=lambda item: item[0].onset.best_us)
    clusters: list[list[tuple[Outage, bool]]] = []
    reach = 0
    for outage, is_exact in marked:
        end = outage.end.best_us if outage.end else until_us
        if clusters and outage.onset.best_us - reach < config.fuse.join_us:
            clusters[-1].append((outage, is_exact))
        else:
            clusters.append([(outage, is_exact)])
            reach = end
        reach = max(reach, end)
    merged = [_one([o for o, e in cluster if e], [o for o, e in cluster if not e], until_us) for cluster in clusters]
    return _in_a_row(merged, config)


def _one(exact: list[Outage], binned: list[Outage], until_us: int) -> Outage:
    if len(exact) + len(binned) == 1:
        return (exact or binned)[0]
    both = [*exact, *binned]
    onset = _first([o.onset for o in exact], [o.onset for o in binned])
    end = _last(exact, binned)
    if end is not None and end.best_us < onset.best_us:
        end = When(onset.best_us, max(end.latest_us, onset.best_us), onset.best_us, end.reason)
    dark = max(exact or binned, key=lambda o: 0 if o.dark_from is None else 1 + o.duration_us)
    doubt = 1.0
    for source in (exact, binned):
        if source:
            doubt *= 1.0 - max(o.confidence for o in source)
    return Outage(
        onset,
        end,
        dark.dark_from,
        dark.dark_until,
        duration_us=(end.best_us if end else until_us) - onset.best_us,
        depth=max(o.depth for o in both),
        phases=_phases(both, until_us),
        relapses=max(sum(o.relapses for o in source) + len(source) - 1 for source in (exact, binned) if source),
        relapse_of=None,
        stable=max(both, key=lambda o: o.end.best_us if o.end else until_us).stable,
        signals=tuple(dict.fromkeys(name for o in both for name in o.signals)),
        score=max(sum(o.score for o in source) for source in (exact, binned) if source),
        confidence=1.0 - doubt,
        alarms=tuple(sorted((a for o in both for a in o.alarms), key=lambda a: (a.from_us, a.signal, a.detector))),
    )


def _first(exact: list[When], binned: list[When]) -> When:
    """The earliest onset; one to the second where bins put it beside it."""
    told = min([*exact, *binned], key=lambda when: when.best_us)
    near = [when for when in exact if _beside(when, told)]
    return near[0] if near else told


def _last(exact: list[Outage], binned: list[Outage]) -> When | None:
    """The latest end, None where one lasts; one to the second where bins put it beside it."""
    ends = [o.end for o in (*exact, *binned)]
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        return None
    told = max(known, key=lambda when: when.best_us)
    near = [o.end for o in exact if o.end is not None and _beside(o.end, told)]
    return near[-1] if near else told


def _beside(exact: When, binned: When) -> bool:
    """Whether a moment lies in an interval, or no further from it than it is wide, or than a bin may be."""
    wide = max(binned.latest_us - binned.earliest_us, BESIDE_US)
    return binned.earliest_us - wide <= exact.best_us <= binned.latest_us + wide


def _phases(outages: list[Outage], until_us: int) -> tuple[Phase, ...]:
    """Those of the outage with the largest score, and of the others what comes before it and after its end."""
    main = max(outages, key=lambda o: o.score)
    mine = list(main.phases)
    end = main.end.best_us if main.end else until_us
    start = mine[0].from_us if mine else main.onset.best_us
    others = [p for o in outages if o is not main for p in o.phases]
    before = [
        replace(p, until_us=min(p.until_us, start)) for p in others if p.from_us < start and p.phase != "restored"
    ]
    longer = [o for o in outages if (o.end.best_us if o.end else until_us) > end]
    if longer:
        last = max(longer, key=lambda o: o.end.best_us if o.end else until_us)
        mine = [replace(p, until_us=min(p.until_us, end)) for p in mine if p.from_us < end]
        mine += [replace(p, from_us=max(p.from_us, end)) for p in last.phases if p.until_us > end]
    out: list[Phase] = []
    for phase in [*sorted(before, key=lambda p: p.from_us), *mine]:
        first = max(phase.from_us, out[-1].until_us) if out else phase.from_us
        if first < phase.until_us:
            out.append(replace(phase, from_us=first))
    return tuple(out)


def _in_a_row(outages: list[Outage], config: DetectionConfig) -> tuple[Outage, ...]:
    """Say anew which outages are relapses of which: their numbers may have changed."""
    out: list[Outage] = []
    root: int | None = None
    for k, outage in enumerate(outages):
        root = (k - 1 if root is None else root) if k and follows(outages[k - 1], outage, config) else None
        out.append(replace(outage, relapse_of=root))
    return tuple(out)
