"""Probes of other people: when each lost and regained its platform, and bursts in which many left at once."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from duskwatch.records.entity import Entity
from duskwatch.records.entries import EntryCount

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
U32 = npt.NDArray[np.uint32]
BOOL = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ConnectionLog:
    """Events of probes in order of time; N events.

    A probe of which the log holds no event is not in it: nobody knows whether such a probe was connected.
    """

    time_us: I64  # [N] as the platform's controller saw it; whole seconds
    probe: I64  # [N] number of the probe
    asn: U32  # [N] network that the probe was in by then; 0: not recorded
    controller: I32  # [N] index into controllers; -1: not recorded
    connects: BOOL  # [N] the probe came; False: it left
    controllers: tuple[str, ...] = ()
    count: EntryCount = field(default_factory=EntryCount)

    def __len__(self) -> int:
        return len(self.time_us)


BurstKind = Literal["outage", "partial outage", "artefact", "unclear"]
BURST_KINDS: tuple[BurstKind, ...] = ("outage", "partial outage", "artefact", "unclear")


@dataclass(frozen=True, slots=True)
class Burst:
    """Probes of one entity that left their platform together."""

    entity: Entity  # a network or a country
    kind: BurstKind
    why: str  # one sentence: what decided the kind
    found_by: tuple[str, ...]  # level, breadth, absence: the rules that found it
    from_us: int  # the first departure
    until_us: int  # the last departure
    level: float  # mean level of the automaton over the burst; 0 where only absences found it
    departures: int  # events in it
    left: tuple[int, ...]  # probes that left, by number
    connected: int  # probes of the entity that were connected just before, as far as the log tells
    watched: int  # probes of the entity that the log knows at all
    back: int  # of those that left: came back while the log lasts
    lasting: int  # of those that left: away for half an hour or longer
    away_us: tuple[int, int, int] | None  # shortest, median and longest absence of those that came back
    back_us: int | None  # when half of those that left were back; None where that did not happen in the log
    elsewhere: int  # departures of all other probes of the log in the same stretch

    @property
    def share(self) -> float:
        """Part of the connected probes that left, 0 to 1."""
        return min(1.0, len(self.left) / self.connected) if self.connected else 1.0


@dataclass(frozen=True, slots=True)
class Unjudged:
    """An entity of which the log says too little for a judgement, and what is missing."""

    entity: Entity
    probes: int
    departures: int
    why: str


@dataclass(frozen=True, slots=True)
class ProbeBursts:
    """All bursts of a log, in order of time, and what could not be judged."""

    bursts: tuple[Burst, ...]
    unjudged: tuple[Unjudged, ...]
    judged: tuple[Entity, ...]  # entities with enough probes and departures
    from_us: int
    until_us: int
    notes: tuple[str, ...] = ()
