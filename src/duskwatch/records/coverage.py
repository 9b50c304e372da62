"""How well an entity was watched: faults of the recording that were recognised, and who witnessed each outage."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from duskwatch.records.outages import Outage

ArtefactKind = Literal[
    "collector restart",  # many sessions of one collector went down together
    "table transfer",  # a peer sent its whole table, or most of it, anew
    "stuck route",  # a peer kept a route long after nearly all others had lost it
    "table disagreement",  # what a peer was heard to hold differs from the next table dump
    "lone collector",  # a loss that the peers of one collector alone saw
    "nothing recorded",  # no collector has data at all
    "clock step",  # times of records that cannot be
    "doubled file",  # the same file was given twice, or for two collectors
]
Doubt = Literal[
    "few voters",  # fewer saw it than it takes to overrule a fault of single peers
    "one collector",  # the peers of one collector alone saw it
    "silent",  # those that saw it said nothing else meanwhile
    "elsewhere",  # much of what has nothing to do with it was lost at the same moment
    "in a gap",  # it began or ended while nobody was watching
    "voters left",  # many of those that watched went away at that time
    "lone spell",  # before or after it, one collector alone saw a loss
]
Verdict = Literal["no", "partly", "cannot be ruled out"]

# Doubts that leave it open whether there was an outage; the others only blur how long or how deep it was.
OPEN_DOUBTS: frozenset[Doubt] = frozenset({"few voters", "one collector", "silent", "elsewhere"})


@dataclass(frozen=True, slots=True)
class Artefact:
    """Something that happened to the recording, not to the entity. Times are microseconds since the epoch, UTC."""

    kind: ArtefactKind
    source: str  # collector, or collector and peer; empty: all collectors
    from_us: int
    until_us: int
    detail: str  # the numbers, in words
    voters: int = 0  # voters, or sessions where none of them votes, that it concerns


@dataclass(frozen=True, slots=True)
class PeerView:
    """What one voter of a collector saw of an outage."""

    asn: int
    addresses: tuple[str, ...]  # of its sessions
    saw: Literal["lost", "kept", "left"]  # as CollectorView counts them
    first_us: int | None  # when it lost the first prefix; None where it lost none


@dataclass(frozen=True, slots=True)
class CollectorView:
    """What the voters of one collector saw of an outage. They are ``lost + kept + left``."""

    collector: str
    lost: int  # said that they lost at least half of the prefixes in question that they had held
    kept: int  # held more than half of them all the time
    left: int  # left the vote (session, silence, missing file) before they had said so
    first_us: int | None  # when the first and the last of them lost one
    last_us: int | None
    peers: tuple[PeerView, ...] = ()  # each of them by name, in order of AS number; empty: not recorded

    @property
    def voters(self) -> int:
        """All of them that had held any of the prefixes."""
        return self.lost + self.kept + self.left


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Who saw one outage, and what speaks for a fault of the recording instead."""

    collectors: tuple[CollectorView, ...]
    prefixes: int  # prefixes lost, that all this is about
    voters_before: int  # live full-feed voters just before, the fewest during, and at the end
    voters_least: int
    voters_after: int
    resets: int  # sessions that went down within minutes of the onset
    gaps: int  # gaps that overlap the outage
    elsewhere: int  # other prefixes watched in the same run
    elsewhere_lost: int  # of them, lost in the same minutes
    talking: int | None  # of the voters that lost it, those heard about other prefixes meanwhile; None: not counted
    statements: int | None  # announcements and withdrawals of other prefixes that these made meanwhile
    doubts: tuple[Doubt, ...]

    @property
    def lost(self) -> int:
        """Voters that lost it."""
        return sum(view.lost for view in self.collectors)

    @property
    def asked(self) -> int:
        """Voters that had held it and stayed."""
        return sum(view.lost + view.kept for view in self.collectors)

    @property
    def verdict(self) -> Verdict:
        """Whether the recording is to blame: no, partly, or it cannot be ruled out."""
        if OPEN_DOUBTS.intersection(self.doubts):
            return "cannot be ruled out"
        return "partly" if self.doubts else "no"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is known of the recording beside its gaps."""

    artefacts: tuple[Artefact, ...] = ()  # in order of time
    # One for each outage, in the order of outages; None where no route tells of it; empty: not worked out.
    witnesses: tuple[Witnesses | None, ...] = ()


def carried_over(coverage: Coverage, before: Sequence[Outage], after: Sequence[Outage]) -> Coverage:
    """The same for outages that took the place of others, as other signals were fused in.

    Each takes over the witnesses of the one that it shares most time with; None where there is none.
    """
    if len(coverage.witnesses) != len(before):
        return replace(coverage, witnesses=())
    places = sharing_most(before, after)
    return replace(coverage, witnesses=tuple(None if k is None else coverage.witnesses[k] for k in places))


def sharing_most(before: Sequence[Outage], after: Sequence[Outage]) -> list[int | None]:
    """For each of ``after`` the index of the outage in ``before`` that it shares most time with; None: with none."""
    out: list[int | None] = []
    for outage in after:
        shared = [(_shared_us(outage, other), k) for k, other in enumerate(before)]
        most, k = max(shared, key=lambda pair: (pair[0], -pair[1]), default=(0, 0))
        out.append(k if most > 0 else None)
    return out


def _shared_us(one: Outage, other: Outage) -> int:
    """How long two outages last at the same time; a lasting one has no end."""
    start = max(one.onset.best_us, other.onset.best_us)
    ends = [outage.onset.best_us + outage.duration_us for outage in (one, other)]
    return min(ends) - start
