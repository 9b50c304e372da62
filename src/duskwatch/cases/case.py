"""The nouns of a case: facts and their sources, and what the re-enactment assumes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from duskwatch.records.entity import Entity
from duskwatch.records.outages import When
from duskwatch.records.prefix import Prefix

FactKind = Literal["network", "delegation", "upstream", "outage", "instability", "attack"]
TrapKind = Literal["collector-reset", "peer-down", "missing-file", "stuck-route"]
Layout = Literal["ris", "route-views"]


@dataclass(frozen=True, slots=True)
class Source:
    """A publication that facts rest on."""

    publication: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """What publications say. ``begin`` and ``end`` are intervals; None where nothing is said."""

    id: str
    kind: FactKind
    says: str
    sources: tuple[str, ...]
    begin: When | None
    end: When | None
    differs: str
    details: Mapping[str, Any]  # numbers and names that the fact gives, by kind


@dataclass(frozen=True, slots=True)
class Loss:
    """How a total loss is to happen. Times are microseconds; per-prefix offsets are seconds."""

    fact: str
    from_us: int
    until_us: int
    lost_seconds_before: tuple[int, ...]
    back_seconds_after: tuple[int, ...]
    first_peer_lost_seconds: int
    last_peer_lost_seconds: int
    first_peer_back_seconds: int
    last_peer_back_seconds: int
    peers_that_keep: int = 0  # full-feed peers that never lose the routes


@dataclass(frozen=True, slots=True)
class Unstable:
    """A stretch of update storms and short losses of one prefix, some of two together."""

    fact: str
    from_us: int
    until_us: int
    storms: int
    short_losses: int
    of_two: int
    loss_seconds: tuple[int, int]


@dataclass(frozen=True, slots=True)
class CollectorPlan:
    """A collector to make up."""

    name: str
    layout: Layout
    full_feed_peers: int
    partial_peers: int
    ipv6_peers: int


@dataclass(frozen=True, slots=True)
class Background:
    """Other countries' routes and their ordinary noise. ``countries`` maps a registry to country codes."""

    table_dump_hours: int
    keepalive_seconds: int
    seconds_between_disturbances: int
    prefix_flaps_per_day: int
    prefixes: tuple[int, int]
    partial_share: float
    countries: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Trap:
    """Something that must not be taken for an outage. Fields that a kind does not need are None."""

    kind: TrapKind
    collector: str
    from_us: int | None = None
    until_us: int | None = None
    peer: int | None = None
    transfer_seconds: int | None = None
    fact: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A documented case, checked."""

    name: str
    title: str
    entity: Entity
    reenactment: str
    from_us: int
    until_us: int
    origin: int
    upstream: int
    prefixes: tuple[Prefix, ...]
    as_names: Mapping[int, str]
    delegations: tuple[str, ...]  # lines of a delegated file
    sources: Mapping[str, Source]
    facts: tuple[Fact, ...]
    losses: tuple[Loss, ...]
    unstable: tuple[Unstable, ...]
    collectors: tuple[CollectorPlan, ...]
    background: Background
    traps: tuple[Trap, ...]

    def fact(self, fact_id: str) -> Fact:
        """The fact of that id. KeyError where there is none."""
        return {fact.id: fact for fact in self.facts}[fact_id]
