"""Incidents: outages of related entities as one story."""

from dataclasses import dataclass

from duskwatch.records.entity import Entity
from duskwatch.records.outages import Outage


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a larger entity another one is: an AS of a country, a prefix of an AS."""

    parent: Entity
    part: float  # of the parent's address space (or its users), above 0 and at most 1
    before: tuple[float, ...] = ()  # the same just before each of its outages; empty: ``part`` all the time

    def __post_init__(self) -> None:
        for part in (self.part, *self.before):
            if not 0 < part <= 1:
                raise ValueError(f"a share of {self.parent.code} must be above 0 and at most 1, not {part}")

    def at(self, number: int) -> float:
        """The part just before the outage of that index."""
        return self.before[number] if number < len(self.before) else self.part


@dataclass(frozen=True, slots=True)
class Member:
    """One outage of an incident."""

    entity: Entity
    outage: Outage
    number: int  # its index among the entity's outages
    part: float  # share of the incident's entity that its own is, 0..1; 1 for that entity itself

    @property
    def lost(self) -> float:
        """Share of the incident's entity that was lost in it, 0..1."""
        return self.part * self.outage.depth


@dataclass(frozen=True, slots=True)
class Incident:
    """One story: the largest entity that was out, all that was out in it, and the smallest that explains it."""

    entity: Entity
    from_us: int  # earliest best onset
    until_us: int | None  # latest best end; None while any lasts
    lost: (
        float  # share of the entity that was lost at worst, 0..1; where it had no outage itself, what its parts make up
    )
    members: tuple[Member, ...]  # in order of onset, larger entities first
    explained_by: tuple[Member, ...]  # the smallest entities that make up the loss; empty where none do
    explained: float  # share of the loss that they make up, 0..1
