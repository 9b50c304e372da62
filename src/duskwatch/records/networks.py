"""The networks of a country: what each is of it, which were lost, and the incidents they make up with the country."""

from dataclasses import dataclass

from duskwatch.records.entity import Entity
from duskwatch.records.incidents import Incident
from duskwatch.records.outages import Outage


@dataclass(frozen=True, slots=True)
class Holding:
    """What a part and its whole had, just before the part was lost."""

    signal: str  # bgp.visible_slash24, bgp.visible_slash48 or bgp.visible_prefixes: what is counted
    part: float  # visible ones of the part that count for the whole, above 0
    whole: float  # visible ones of the whole, at least as many

    @property
    def share(self) -> float:
        """Part of the whole, above 0 and at most 1."""
        return self.part / self.whole


@dataclass(frozen=True, slots=True)
class Network:
    """One AS of a country that was lost: its outages as far as its addresses are the country's."""

    entity: Entity
    outages: tuple[Outage, ...]  # in order of onset, at least one
    before: tuple[Holding, ...]  # what it had before each of them


@dataclass(frozen=True, slots=True)
class Networks:
    """The ASes that originated routes of a country in a window."""

    total: int
    lost: tuple[Network, ...]  # those with outages, the largest loss of the country first
    incidents: tuple[Incident, ...]  # of the country and these networks, in order of onset
