"""Which alerts go to which channels, and when."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from duskwatch.publication.alerts.alert import SEVERITIES
from duskwatch.publication.alerts.stages import STAGES, Stage
from duskwatch.records.errors import InputError
from duskwatch.records.times import DAY, MINUTE

ALWAYS: frozenset[Stage] = frozenset({"closed", "withdrawn"})  # who was told of an outage is told of its end


class RuleError(InputError):
    """A rule of alerts that says nothing, or what cannot be."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What must hold for an alert to go to ``channels``. Raises RuleError where it cannot be.

    entities      codes; empty: all
    stages        empty: all. The end of an outage is told to whom its beginning was
    severity      at least
    longer_s      only outages that have lasted so long; those that are over before are told to nobody
    confidence    at least, 0..1
    quiet         minutes of the UTC day [from, until) in which nothing is sent; what is due then waits. None: never
    """

    channels: tuple[str, ...]
    entities: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    severity: str = SEVERITIES[0]
    longer_s: float = 0.0
    confidence: float = 0.0
    quiet: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if not self.channels:
            raise RuleError("a rule names no channel")
        for stage in self.stages - frozenset(STAGES):
            raise RuleError(f"no stage '{stage}'; stages are {', '.join(STAGES)}")
        if self.severity not in SEVERITIES:
            raise RuleError(f"no severity '{self.severity}'; there are {', '.join(SEVERITIES)}")
        if self.longer_s < 0 or not 0 <= self.confidence <= 1:
            raise RuleError("a rule's length is below 0, or its confidence not between 0 and 1")


def channels_of(rules: Sequence[Rule], document: dict[str, Any], now_us: int) -> tuple[tuple[str, int], ...]:
    """The channels that an alert goes to, each with the time before which it is not sent; none: nobody is told."""
    found: dict[str, int] = {}
    for rule in rules:
        if not _matches(rule, document):
            continue
        at_us = after_quiet(rule.quiet, now_us)
        for channel in rule.channels:
            found[channel] = min(at_us, found.get(channel, at_us))
    return tuple(found.items())


def _matches(rule: Rule, document: dict[str, Any]) -> bool:
    stage = document["stage"]
    if rule.entities and document["entity"]["code"] not in rule.entities:
        return False
    if SEVERITIES.index(document["severity"]) < SEVERITIES.index(rule.severity):
        return False
    if document["confidence"] < rule.confidence and stage not in ALWAYS:
        return False
    if stage == "opened" and document["duration_seconds"] < rule.longer_s:
        return False
    return not rule.stages or stage in rule.stages or stage in ALWAYS


def after_quiet(quiet: tuple[int, int] | None, now_us: int) -> int:
    """``now_us``, or the end of the quiet hours that it lies in."""
    if quiet is None:
        return now_us
    start, end = (minute * MINUTE for minute in quiet)
    in_day = now_us % DAY
    length = (end - start) % DAY
    since = (in_day - start) % DAY
    return now_us + length - since if since < length else now_us


def quiet_hours(text: str) -> tuple[int, int]:
    """``22:00-06:30`` as minutes of the day. RuleError where it is none."""
    try:
        start, end = ((int(part[:2]), int(part[3:])) for part in text.strip().split("-"))
    except ValueError:
        start = end = (99, 99)
    if not all(0 <= hour <= 24 and 0 <= minute < 60 and hour * 60 + minute <= 1440 for hour, minute in (start, end)):
        raise RuleError(f"quiet hours '{text}': write them like 22:00-06:30, in UTC")
    return start[0] * 60 + start[1], end[0] * 60 + end[1]
