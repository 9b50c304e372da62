"""What several sources concluded of one entity, each by itself, made one.

Where the measurements of all are at hand, detection fuses these (``detect``). Here they are not: each recorder has its
own, and the others' outages.
"""

from collections.abc import Sequence
from dataclasses import replace

from duskwatch.detection.config import DetectionConfig
from duskwatch.detection.fuse import follows
from duskwatch.records.findings import Conclusion, Fused, kind_of
from duskwatch.records.outages import Outage, Phase, When
from duskwatch.records.times import MINUTE

BESIDE_US = 15 * MINUTE  # bins may be read at their start, at their end, or late


def fuse_conclusions(
    conclusions: Sequence[Conclusion], config: DetectionConfig = DetectionConfig()
) -> tuple[Fused, ...]:
    """Outages in order of onset. Conclusions of different sources that overlap, or are less than ``join_us`` apart, are
    one outage; two of one source are two, unless another source tells of both as one.

    An outage begins when the first source saw it begin and ends when the last saw it end, by the narrowest of the
    bounds that agree. The order of the conclusions does not matter.
    """
    order = sorted(range(len(conclusions)), key=lambda k: _key(conclusions[k]))
    groups: list[list[int]] = []
    for k in order:
        mine = [group for group in groups if any(_join(conclusions[k], conclusions[j], config) for j in group)]
        groups = [group for group in groups if group not in mine] + [[*(j for group in mine for j in group), k]]
    made = [_one([conclusions[k] for k in sorted(group, key=lambda k: _key(conclusions[k]))]) for group in groups]
    ordered = sorted(zip(made, groups, strict=True), key=lambda pair: (pair[0].onset.best_us, min(pair[1])))
    return tuple(
        Fused(outage, tuple(sorted(group)))
        for outage, (_, group) in zip(_in_a_row([outage for outage, _ in ordered], config), ordered, strict=True)
    )


def _key(one: Conclusion) -> tuple[int, str, int]:
    return one.outage.onset.best_us, one.source, _end(one.outage)


def _end(outage: Outage) -> int:
    """End of an outage; while it lasts, that of what is known of it."""
    return outage.end.best_us if outage.end is not None else outage.onset.best_us + outage.duration_us


def _join(one: Conclusion, other: Conclusion, config: DetectionConfig) -> bool:
    if one.source == other.source:
        return False
    apart = max(one.outage.onset.best_us, other.outage.onset.best_us) - min(_end(one.outage), _end(other.outage))
    return apart < config.fuse.join_us


def _one(own: Sequence[Conclusion]) -> Outage:
    outages = [one.outage for one in own]
    if len(own) == 1:
        return outages[0]
    until_us = max(map(_end, outages))
    begins = [outage.onset for outage in outages]
    onset = _narrowest(begins, min(begins, key=lambda when: when.best_us))
    ends = [outage.end for outage in outages]
    known = [end for end in ends if end is not None]
    over = len(known) == len(ends)
    end = _narrowest(known, max(known, key=lambda when: when.best_us)) if over else None
    if end is not None and end.best_us < onset.best_us:
        end = When(onset.best_us, max(end.latest_us, onset.best_us), onset.best_us, end.reason)
    dark = max(outages, key=lambda outage: 0 if outage.dark_from is None else 1 + outage.duration_us)
    by_source: dict[str, list[Outage]] = {}
    for one in own:
        by_source.setdefault(one.source, []).append(one.outage)
    return Outage(
        onset,
        end,
        dark.dark_from,
        dark.dark_until,
        duration_us=(end.best_us if end is not None else until_us) - onset.best_us,
        depth=max(outage.depth for outage in outages),
        phases=_phases(outages),
        relapses=max(sum(outage.relapses for outage in mine) + len(mine) - 1 for mine in by_source.values()),
        relapse_of=None,
        stable=max(outages, key=_end).stable,
        signals=tuple(dict.fromkeys(name for outage in outages for name in outage.signals)),
        score=max(sum(outage.score for outage in mine) for mine in by_source.values()),
        confidence=_confidence(own),
        alarms=tuple(
            sorted((a for o in outages for a in o.alarms), key=lambda a: (a.from_us, a.signal, a.detector, a.raised_us))
        ),
    )


def _confidence(own: Sequence[Conclusion]) -> float:
    """That not all kinds of measurement are wrong; of several sources of one kind the surest counts, and no other."""
    surest: dict[str, float] = {}
    for one in own:
        kind = kind_of(one.source)
        surest[kind] = max(one.outage.confidence, surest.get(kind, 0.0))
    doubt = 1.0
    for kind in sorted(surest):
        doubt *= 1.0 - surest[kind]
    return 1.0 - doubt


def _narrowest(told: Sequence[When], extreme: When) -> When:
    """Of the moments that lie in the interval of one, or no further from it than it is wide, or than a bin may be, the
    one that is known best."""
    wide = max(extreme.latest_us - extreme.earliest_us, BESIDE_US)
    near = [when for when in told if extreme.earliest_us - wide <= when.best_us <= extreme.latest_us + wide]
    return min(near, key=lambda when: (when.latest_us - when.earliest_us, when.best_us))


def _phases(outages: Sequence[Outage]) -> tuple[Phase, ...]:
    """Those of the outage with the largest score, and of the others what comes before it and after its end."""
    main = max(outages, key=lambda outage: outage.score)
    begin, end = (main.phases[0].from_us if main.phases else main.onset.best_us), _end(main)
    rest = sorted((phase for one in outages if one is not main for phase in one.phases), key=lambda one: one.from_us)
    early = [replace(one, until_us=min(one.until_us, begin)) for one in rest if one.from_us < begin]
    # What is restored for one source is not over for all while another sees it last.
    last = max(outages, key=_end)
    mine = list(main.phases)
    if _end(last) > end:
        mine = [replace(one, until_us=min(one.until_us, end)) for one in mine if one.from_us < end]
        mine += [replace(one, from_us=max(one.from_us, end)) for one in last.phases if one.until_us > end]
    out: list[Phase] = []
    for phase in [*(one for one in early if one.phase != "restored"), *mine]:
        first = max(phase.from_us, out[-1].until_us) if out else phase.from_us
        if first < phase.until_us:
            out.append(replace(phase, from_us=first))
    return tuple(out)


def _in_a_row(outages: Sequence[Outage], config: DetectionConfig) -> tuple[Outage, ...]:
    """Which outages relapse from which, said of the fused ones."""
    out: list[Outage] = []
    root: int | None = None
    for k, outage in enumerate(outages):
        root = (k - 1 if root is None else root) if k and follows(outages[k - 1], outage, config) else None
        out.append(replace(outage, relapse_of=root))
    return tuple(out)
