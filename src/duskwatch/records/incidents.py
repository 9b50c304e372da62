"""Incidents: outages of related entities told as one story."""

from dataclasses import dataclass

from duskwatch.records.entity import Entity
from duskwatch.records.outages import Outage


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a larger entity another one is: an AS of a country, a prefix of an AS."""

    parent: Entity
    part: float  # of the parent's address space (or its users), above 0 and at most 1

    def __post_init__(self) -> None:
        if not 0 < self.part <= 1:
            raise ValueError(f"a share of {self.parent.code} must be above 0 and at most 1, not {self.part}")


@dataclass(frozen=True, slots=True)
class Member:
    """One outage of an incident."""

    entity: Entity
    outage: Outage
    number: int  # its index among the entity's outages
    part: float  # share of the incident's entity that its own is, 0..1; 1 for that entity itself


@dataclass(frozen=True, slots=True)
class Incident:
    """One story: the largest entity that was out, all that was out in it, and the smallest that explains it."""

    entity: Entity
    from_us: int  # earliest best onset
    until_us: int | None  # latest best end; None while any lasts
    members: tuple[Member, ...]  # in order of onset, larger entities first
    explained_by: tuple[Member, ...]  # the smallest entities that make up the loss; empty where none do
    explained: float  # share of the loss that they make up, 0..1

    @property
    def because(self) -> str:
        """``AS64500, which is 92 % of XX``; empty where nothing smaller explains it."""
        told = [
            f"{member.entity.title}, which is {member.part:.0%} of {self.entity.code}" for member in self.explained_by
        ]
        return " and ".join(told)
