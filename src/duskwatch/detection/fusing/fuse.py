"""Alarms into outages: which losses are one outage, when it began and ended, what its phases are."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from duskwatch.detection.config import DetectionConfig
from duskwatch.detection.course import merged_edges
from duskwatch.detection.fusing.findings import Finding
from duskwatch.detection.fusing.grouping import grouped, repeats, with_relapses
from duskwatch.detection.fusing.phases import disturbances, phases_of
from duskwatch.detection.fusing.telling import Teller
from duskwatch.detection.fusing.voices import Voice, voices_of
from duskwatch.detection.view import I64, Bool
from duskwatch.records.outages import Outage
from duskwatch.records.signals import EntityHistory


def fuse(
    findings: Sequence[Finding],
    config: DetectionConfig,
    history: EntityHistory | None = None,
    after_us: int | None = None,
) -> tuple[Outage, ...]:
    """Outages of one entity, in order of onset, from any mix of signals; their order changes nothing.

    history    what the levels among the findings were made from; None where there are none
    after_us   the end of the outage before these, reported earlier
    """
    voices = voices_of([finding for finding in findings if finding.view.has_data], config)
    groups = grouped((loss for voice in voices for loss in voice.stretches), config.fuse.join_us)
    if not groups:
        return ()
    until_us = max(voice.finding.view.until_us for voice in voices)
    reach = [voice.finding.view for voice in voices if voice.spec.role == "reach" and not voice.muted]
    small = disturbances(reach, groups)
    teller = Teller(voices, config, history, until_us)
    outages: list[Outage] = []
    for k, group in enumerate(groups):
        later = groups[k + 1] if k + 1 < len(groups) else None
        floor = outages[-1].end.best_us if outages and outages[-1].end else (None if outages else after_us)
        outage, course = teller.outage(group, floor, None if later is None else later.from_us)
        following = None if later is None or repeats(group, later, config.fuse) else later.from_us
        phases = phases_of(until_us, course, group, outage, small, floor, following, config)
        if later is not None:
            last = later.from_us
            phases = tuple(p if p.until_us <= last else replace(p, until_us=last) for p in phases if p.from_us < last)
        outages.append(replace(outage, phases=phases))
    return with_relapses(outages, groups, *_watched(voices, until_us), config.fuse)


def _watched(voices: Sequence[Voice], until_us: int) -> tuple[I64, Bool]:
    """Edges of all steps and bins of all signals, [N + 1], and whether any was watched between two, [N]."""
    edge = merged_edges([voice.finding.view for voice in voices], np.array([until_us], np.int64))
    watched = np.zeros(len(edge) - 1, bool)
    for voice in voices:
        view = voice.finding.view
        if view.edge_us is edge:
            watched |= view.watched
        else:
            at, there = view.onto(edge)
            watched[there] |= view.watched[at[there]]
    return edge, watched
