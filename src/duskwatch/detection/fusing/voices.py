"""Which alarms may call an outage, beside what else is heard of the entity."""

from collections.abc import Sequence
from typing import NamedTuple

from duskwatch.detection.config import DetectionConfig
from duskwatch.detection.fusing.cutting import cut_at_gaps
from duskwatch.detection.fusing.findings import Finding, Overlaps
from duskwatch.detection.view import Stretch
from duskwatch.records.outages import Alarm
from duskwatch.records.signals import LOSS_ROLES, SPACE_UNITS, SignalSpec

ROUTES = "prefixes"  # unit of a count of routes


class Voice:
    """A finding beside the others: which of its alarms call, and how far each reaches."""

    def __init__(self, finding: Finding, calls: Sequence[Alarm], muted: bool, until_us: dict[Alarm, int]) -> None:
        """``until_us``: where alarms end sooner than they say, as nobody watched and others were back."""
        self.finding = finding
        self.muted = muted  # adds its voice to an outage and decides nothing about it
        self.stretches = [Stretch(alarm.from_us, alarm.until_us) for alarm in calls]
        if until_us:
            self.stretches = [Stretch(alarm.from_us, until_us.get(alarm, alarm.until_us)) for alarm in calls]
        self._all = Overlaps(finding.alarms, until_us)

    @property
    def spec(self) -> SignalSpec:
        """What the signal means."""
        return self.finding.view.spec

    def said(self, stretch: Stretch) -> "Said":
        """Its alarms that overlap a stretch."""
        places, alarms, loses = self._all.places(stretch), self.finding.alarms, self.finding.loses
        return Said(self, [alarms[k] for k in places], [alarms[k] for k in places if loses[k]])


class Said(NamedTuple):
    """What a signal has to say of one outage."""

    voice: Voice
    alarms: list[Alarm]  # in order of their start
    losses: list[Alarm]  # those that are no mere instability


def voices_of(findings: Sequence[Finding], config: DetectionConfig) -> list[Voice]:
    """Each finding as a voice. The order of findings changes nothing about any of them."""
    space = {one.spec.family for one in findings if one.spec.unit in SPACE_UNITS and one.counted}
    # More-specifics withdrawn under a route that stays make nothing unreachable.
    muted = [one.spec.unit == ROUTES and one.spec.family in space for one in findings]
    calls = [[] if mute else _calling(one, findings, config) for one, mute in zip(findings, muted, strict=True)]
    cut = cut_at_gaps(findings, calls, config.fuse.join_us)
    if any(after is not before for after, before in zip(cut, findings, strict=True)):
        findings = cut
        calls = [[] if mute else _calling(one, findings, config) for one, mute in zip(findings, muted, strict=True)]
    until_us = [_sooner(k, findings, calls, config) for k in range(len(findings))]
    return [Voice(*parts) for parts in zip(findings, calls, muted, until_us, strict=True)]


def _calling(one: Finding, findings: Sequence[Finding], config: DetectionConfig) -> list[Alarm]:
    """Alarms that make outages; on what a single service sees only those that are deep, lasting, or not alone."""
    if one.spec.role not in LOSS_ROLES:
        return []
    service = one.spec.role == "passive"
    return [
        alarm
        for detector, alarms in one.by_detector
        if detector.calls
        for alarm in alarms
        if not service or detector.deep or _lasting(one, alarm, config) or _in_company(one, alarm, findings)
    ]


def _lasting(one: Finding, alarm: Alarm, config: DetectionConfig) -> bool:
    until = alarm.until_us if alarm.until_us is not None else one.view.until_us
    lost = 1.0 - alarm.observed / alarm.expected if alarm.expected > 0 else 0.0
    return until - alarm.from_us >= config.fuse.passive_us and lost >= config.fuse.passive_share


def _in_company(one: Finding, alarm: Alarm, findings: Sequence[Finding]) -> bool:
    span = Stretch(alarm.from_us, alarm.until_us if alarm.until_us is not None else one.view.until_us)
    return any(
        other.spec.family != one.spec.family and other.spec.role in LOSS_ROLES and other.losing.any_of(span)
        for other in findings
    )


def _sooner(
    k: int, findings: Sequence[Finding], calls: Sequence[Sequence[Alarm]], config: DetectionConfig
) -> dict[Alarm, int]:
    """Ends of alarms whose source stopped watching while another family went on: those that watched tell the rest.

    Who does not watch neither confirms that an outage lasts nor denies it. The other family either had seen the same
    loss, or saw none for ``join_us`` and lost something later: that is another outage.
    """
    out: dict[Alarm, int] = {}
    mine = findings[k]
    others = [
        (other, its_calls)
        for other, its_calls in zip(findings, calls, strict=True)
        if its_calls and other.spec.family != mine.spec.family
    ]
    for alarm in mine.losing.alarms if others else ():
        since = mine.view.unseen_since(alarm.from_us, alarm.until_us)
        if since is None:
            continue
        since = max(since, alarm.from_us + 1)
        near = since + config.fuse.join_us
        end = alarm.until_us if alarm.until_us is not None else max(one.view.until_us for one in findings)
        same = Stretch(alarm.from_us - config.fuse.join_us, near)
        later = Stretch(near, end + config.fuse.join_us)
        for other, its_calls in others:
            if _overlap(its_calls, same):
                apart = other.view.watched_in(since, end)
            else:
                apart = other.view.watched_in(since, near) and _overlap(its_calls, later)
            if apart:
                out[alarm] = since
    return out


def _overlap(alarms: Sequence[Alarm], stretch: Stretch) -> bool:
    last = stretch.until_us
    return any(
        (last is None or alarm.from_us < last) and (alarm.until_us is None or alarm.until_us > stretch.from_us)
        for alarm in alarms
    )
