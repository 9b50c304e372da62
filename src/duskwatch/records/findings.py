"""What one source found of one entity: its outages, who witnessed each, and through whom it was reached around it."""

from dataclasses import dataclass

from duskwatch.records.coverage import Witnesses
from duskwatch.records.entity import Entity
from duskwatch.records.outages import Outage
from duskwatch.records.signals import TransitShare
from duskwatch.records.transit import OutageTransit


@dataclass(frozen=True, slots=True)
class Finding:
    """The outages that an analysis of a window found in an entity, those with none too. O outages."""

    entity: Entity
    outages: tuple[Outage, ...]  # [O] in order of onset
    within: str = ""  # code of a country, where they are of the entity's part in it alone
    witnesses: tuple[Witnesses | None, ...] = ()  # [O] None where no route tells of it; empty: not worked out
    transit: tuple[tuple[TransitShare, ...], ...] = ()  # [O] before, during and after it; empty: not counted
    around: tuple[OutageTransit | None, ...] = ()  # [O] what whole paths tell of what it took; empty: not asked

    def __post_init__(self) -> None:
        for each in (self.witnesses, self.transit, self.around):
            if len(each) not in (0, len(self.outages)):
                raise ValueError(f"{self.entity.code}: {len(each)} are told of {len(self.outages)} outages")


def kind_of(source: str) -> str:
    """What a source measures: ``bgp`` of ``bgp-oslo``. Sources of one kind are no second witness of each other."""
    return source.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Conclusion:
    """One outage as one source concluded it, by itself."""

    source: str
    detector: str
    window: tuple[int, int]  # what was analysed
    outage: Outage  # its ``relapse_of`` is None
    witnesses: Witnesses | None = None  # None: no route tells of it, or not worked out
    transit: tuple[TransitShare, ...] = ()
    around: OutageTransit | None = None  # None: no route tells, or not worked out


@dataclass(frozen=True, slots=True)
class Fused:
    """One outage that several conclusions tell of; its ``relapse_of`` counts the fused outages."""

    outage: Outage
    members: tuple[int, ...]  # which of the conclusions, in order
