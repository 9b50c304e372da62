"""What several sources concluded of one entity, each by itself, made one.

Where the measurements of all are at hand, detection fuses these (``detect``). Here they are not: each recorder has its
own, and of the others their outages. Onset and end are found as they are of signals: a source is a signal, and what it
measures is its family.
"""

from collections.abc import Sequence
from dataclasses import replace

from duskwatch.detection.config import DetectionConfig, FuseConfig
from duskwatch.detection.dating.moments import Moments
from duskwatch.detection.dating.votes import TO_THE_SECOND
from duskwatch.detection.fusing.ending import DatedLoss, end_of, onset_of
from duskwatch.detection.fusing.grouping import Group, repeats
from duskwatch.detection.fusing.telling import before_end
from duskwatch.detection.view import Stretch
from duskwatch.records.findings import Conclusion, Fused, kind_of
from duskwatch.records.outages import Outage, Phase, When
from duskwatch.records.times import MINUTE


def fuse_conclusions(
    conclusions: Sequence[Conclusion], config: DetectionConfig = DetectionConfig()
) -> tuple[Fused, ...]:
    """Outages in order of onset. Conclusions of different sources that overlap, or are less than ``join_us`` apart, are
    one outage; two of one source are two, unless another source tells of both as one.

    The order of the conclusions does not matter, but that ``Fused.of`` says which they are.
    """
    order = sorted(range(len(conclusions)), key=lambda k: _key(conclusions[k]))
    groups: list[list[int]] = []
    for k in order:
        mine = [group for group in groups if any(_join(conclusions[k], conclusions[j], config) for j in group)]
        groups = [group for group in groups if group not in mine] + [[*(j for group in mine for j in group), k]]
    groups.sort(key=lambda group: min(_key(conclusions[k]) for k in group))
    outages: list[Outage] = []
    for group in groups:
        floor = outages[-1].end.best_us if outages and outages[-1].end is not None else None
        outages.append(_one([conclusions[k] for k in sorted(group, key=lambda k: _key(conclusions[k]))], floor, config))
    return tuple(
        Fused(outage, tuple(sorted(group)))
        for outage, group in zip(_in_a_row(outages, config.fuse), groups, strict=True)
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


def _one(conclusions: Sequence[Conclusion], floor_us: int | None, config: DetectionConfig) -> Outage:
    outages = [one.outage for one in conclusions]
    if len(conclusions) == 1:
        return outages[0]
    seen_us = max(one.window[1] for one in conclusions)
    losses = [_dated_loss(one, seen_us, config.fuse) for one in conclusions]
    onset = onset_of(losses, floor_us, config.fuse)
    end = end_of(losses, onset, config.fuse)
    dark = max(outages, key=lambda outage: 0 if outage.dark_from is None else 1 + outage.duration_us)
    dark_from, dark_until = before_end(dark.dark_from, dark.dark_until, end)
    by_source: dict[str, list[Outage]] = {}
    for one in conclusions:
        by_source.setdefault(one.source, []).append(one.outage)
    return Outage(
        onset,
        end,
        dark_from,
        dark_until,
        duration_us=(end.best_us if end is not None else max(map(_end, outages))) - onset.best_us,
        depth=max(outage.depth for outage in outages),
        phases=_phases(outages, end),
        relapses=max(sum(outage.relapses for outage in mine) + len(mine) - 1 for mine in by_source.values()),
        relapse_of=None,
        stable=max(outages, key=_end).stable,
        signals=tuple(dict.fromkeys(name for outage in outages for name in outage.signals)),
        score=max(sum(outage.score for outage in mine) for mine in by_source.values()),
        confidence=_confidence(conclusions),
        alarms=tuple(
            sorted((a for o in outages for a in o.alarms), key=lambda a: (a.from_us, a.signal, a.detector, a.raised_us))
        ),
    )


def _dated_loss(one: Conclusion, seen_us: int, config: FuseConfig) -> DatedLoss:
    """As a witness. That an analysis ended is no return: who saw the outage last holds it, until others have been
    analysed so much further (to ``seen_us``) that the source must be taken to watch no more."""
    outage = one.outage
    left = outage.end is None and seen_us - one.window[1] > config.lag_us
    end = outage.end
    climbs = [phase.from_us for phase in outage.phases if phase.phase == "recovering"]
    climbed = [at for at in climbs if end is not None and at <= end.best_us]
    moments = Moments(
        outage.onset,
        end,
        max(climbed, default=None),
        one.window[1] if left else None,
        _to_the_second(outage.onset),
        end is not None and _to_the_second(end),
    )
    return DatedLoss(kind_of(one.source), one.source, True, True, moments)


def _to_the_second(when: When) -> bool:
    """As votes told it; of a reason in somebody's own words, where its bounds are that close."""
    if when.reason.code in ("", "in-words"):
        return when.latest_us - when.earliest_us < MINUTE
    return when.reason.code in TO_THE_SECOND


def _confidence(conclusions: Sequence[Conclusion]) -> float:
    """That not all kinds of measurement are wrong; of several sources of one kind the surest counts, and no other."""
    surest: dict[str, float] = {}
    for one in conclusions:
        kind = kind_of(one.source)
        surest[kind] = max(one.outage.confidence, surest.get(kind, 0.0))
    doubt = 1.0
    for kind in sorted(surest):
        doubt *= 1.0 - surest[kind]
    return 1.0 - doubt


def _phases(outages: Sequence[Outage], end: When | None) -> tuple[Phase, ...]:
    """Those of the outage with the largest score, and of the others what comes before it and after its end.

    What is lost after the end of all is on its way back.
    """
    main = max(outages, key=lambda outage: outage.score)
    begin, over = (main.phases[0].from_us if main.phases else main.onset.best_us), _end(main)
    rest = sorted((phase for one in outages if one is not main for phase in one.phases), key=lambda one: one.from_us)
    early = [replace(one, until_us=min(one.until_us, begin)) for one in rest if one.from_us < begin]
    # What is restored for one source is not over for all while another sees it last.
    last = max(outages, key=_end)
    mine = list(main.phases)
    if _end(last) > over:
        mine = [replace(one, until_us=min(one.until_us, over)) for one in mine if one.from_us < over]
        mine += [replace(one, from_us=max(one.from_us, over)) for one in last.phases if one.until_us > over]
    out: list[Phase] = []
    for phase in [*(one for one in early if one.phase != "restored"), *mine]:
        first = max(phase.from_us, out[-1].until_us) if out else phase.from_us
        if first < phase.until_us:
            out.append(replace(phase, from_us=first))
    return tuple(out) if end is None else tuple(_on_the_way(out, end.best_us))


def _on_the_way(phases: Sequence[Phase], end_us: int) -> list[Phase]:
    out: list[Phase] = []
    for phase in phases:
        name = phase.phase if phase.phase in ("restored", "unstable") else "recovering"
        parts = [replace(phase, until_us=min(phase.until_us, end_us))] if phase.from_us < end_us else []
        if phase.until_us > end_us:
            parts.append(Phase(name, max(phase.from_us, end_us), phase.until_us))
        for part in parts:
            if out and out[-1].phase == part.phase and out[-1].until_us == part.from_us:
                part = replace(part, from_us=out.pop().from_us)
            out.append(part)
    return out


def _in_a_row(outages: Sequence[Outage], config: FuseConfig) -> tuple[Outage, ...]:
    """Which outages relapse from which, said of the fused ones."""
    out: list[Outage] = []
    root: int | None = None
    for k, outage in enumerate(outages):
        root = (k - 1 if root is None else root) if k and _follows(outages[k - 1], outage, config) else None
        out.append(replace(outage, relapse_of=root))
    return tuple(out)


def _follows(earlier: Outage, later: Outage, config: FuseConfig) -> bool:
    """Whether an outage came before the one before was over for good, and is no repeat of it."""
    if earlier.end is None or later.onset.best_us - earlier.end.best_us >= config.stability_us:
        return False
    return not repeats(_as_group(earlier), _as_group(later), config)


def _as_group(outage: Outage) -> Group:
    return Group((Stretch(outage.onset.best_us, None if outage.end is None else outage.end.best_us),))
