"""What a signal means, binned signals with coverage, and the same measures to the second."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from duskwatch.kernels import codes

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]


Role = Literal["reach", "arriving", "passive", "updates", "none"]
"""What a fall of a signal says: that less can be reached (reach), that less comes from all of an entity (arriving), or
that one service sees less, which may fail by itself (passive). The other two say nothing by a fall: many updates speak
of instability (updates), and of the rest neither much nor little is a loss (none)."""

Sampled = Literal["level", "mean", "count"]
"""What the value of a bin is: the level at its end, the mean over it, or what was counted in it."""

ROLES: tuple[Role, ...] = get_args(Role)
LOSS_ROLES: tuple[Role, ...] = ("reach", "arriving", "passive")  # of which less may be a loss; the strongest first

# Witness families that several stages speak of. Whoever measures something else names a family of its own.
ROUTING, PROBING, TELESCOPE, TRAFFIC, SITES, ATTACKS = "routing", "probing", "telescope", "traffic", "sites", "attacks"


@dataclass(frozen=True, slots=True)
class SignalSpec:
    """What a signal means, declared by whoever measures it; detection, store and pages read this, never the name.

    Raises ValueError for a role or way of sampling that does not exist, and where less is a loss of a signal whose role
    says nothing by a fall.
    """

    name: str  # e.g. bgp.visible_slash24; unique
    family: str  # kind of measurement: two signals of one family are no second witness
    role: Role
    unit: str  # what is counted: /24s, prefixes, messages; empty where nobody said
    sampled: Sampled
    less_is_loss: bool
    bin_us: int = 0  # width of the bins in which it is measured; 0 where whoever measures may choose

    def __post_init__(self) -> None:
        if not self.name or not self.family:
            raise ValueError(f"signal '{self.name}': it needs a name and a family")
        if self.role not in ROLES:
            raise ValueError(f"{self.name}: no role '{self.role}'; roles are {', '.join(ROLES)}")
        if self.sampled not in get_args(Sampled):
            raise ValueError(f"{self.name}: a bin holds a level, a mean or a count, not '{self.sampled}'")
        if self.less_is_loss and self.role not in LOSS_ROLES:
            raise ValueError(f"{self.name}: less of a signal of role '{self.role}' is no loss")
        if self.bin_us < 0:
            raise ValueError(f"{self.name}: bins of {self.bin_us} us")


def undeclared(name: str) -> SignalSpec:
    """A signal of which nobody says what it means: it is shown and never judged."""
    return SignalSpec(name, name, "none", "", "mean", less_is_loss=False)


@dataclass(frozen=True, slots=True)
class SignalBlock:
    """S series over B bins of one entity. Bin b spans [start_us + b * bin_us, start_us + (b + 1) * bin_us)."""

    specs: tuple[SignalSpec, ...]  # [S] what each is
    start_us: int
    bin_us: int
    values: F64  # [S, B]; NaN where the source was not watching
    coverage: F64  # [S, B]; 0..1, the share of the bin (and of what it needs) that was watched

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the signals, [S]."""
        return tuple(spec.name for spec in self.specs)

    def series(self, name: str) -> F64:
        """Values of one signal, [B]. KeyError where there is no such signal."""
        names = self.names
        if name not in names:
            raise KeyError(name)
        row: F64 = self.values[names.index(name)]
        return row

    @property
    def times_us(self) -> I64:
        """Start of each bin, [B]."""
        return self.start_us + self.bin_us * np.arange(self.values.shape[1], dtype=np.int64)


class PrefixState(IntEnum):
    """How many of the live full-feed voters hold a prefix."""

    UNKNOWN = codes.UNKNOWN  # nobody who votes has said enough about it
    DARK = codes.DARK  # no voter holds it
    MINORITY = codes.MINORITY  # some do, not more than half
    VISIBLE = codes.VISIBLE  # more than half


@dataclass(frozen=True, slots=True)
class ChangeLog:
    """Every change of state of an entity's prefixes, in time order. C rows, P prefixes.

    A row holds the state *from* its time on. ``by_voters`` is set where the state changed only because the set of
    voters did (a peer or collector came or went), not because any route did: that is a change of coverage.
    """

    prefixes: tuple[str, ...]  # [P]
    time_us: I64  # [C]
    prefix: I32  # [C] index into prefixes
    state: U8  # [C] PrefixState after the change
    votes: I32  # [C] voters that hold it
    voters: I32  # [C] live full-feed voters whose word on it is known
    origin: U32  # [C] origin AS of the route that made the change; the last one known where it was a withdrawal
    upstream: U32  # [C] AS before the origin on that path; 0 where there is none
    by_voters: U8  # [C] 0 or 1
    beyond: U32 = field(
        default_factory=lambda: np.empty(0, np.uint32)
    )  # [C] AS before the upstream; empty: not recorded


# What a Level holds to the second: two counts of address space, and one of routes.
VISIBLE_PREFIXES = SignalSpec("bgp.visible_prefixes", ROUTING, "reach", "prefixes", "level", less_is_loss=True)
VISIBLE_SLASH24 = SignalSpec("bgp.visible_slash24", ROUTING, "reach", "/24s", "level", less_is_loss=True)
VISIBLE_SLASH48 = SignalSpec("bgp.visible_slash48", ROUTING, "reach", "/48s", "level", less_is_loss=True)
SPACE_UNITS = ("/24s", "/48s")  # of signals that count address space, each part of it once


@dataclass(frozen=True, slots=True)
class Level:
    """What was visible, as a step function to the microsecond: row i holds from time_us[i] to time_us[i + 1].

    Rows are in time order, the first one starts the window. Values are NaN while nobody was watching.
    """

    until_us: int  # end of the window
    time_us: I64  # [N]
    prefixes: F64  # [N] visible prefixes (both address families)
    slash24: F64  # [N] visible IPv4 /24s, each counted once
    slash48: F64  # [N] visible IPv6 /48s, each counted once
    held_slash24: F64  # [N] IPv4 /24s that at least one voter holds: above zero while any trace of a route is left
    held_slash48: F64  # [N] the same for IPv6 /48s
    voters: F64  # [N] live full-feed voters; where the entity has routes of both address families, the larger number
    by_voters: U8  # [N] 1 where the step came only from a change in the set of voters


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch in which a source was not watching, and why."""

    source: str  # collector, or collector and peer
    from_us: int
    until_us: int
    reason: str  # missing file, session down, no table yet, silent, ...
    peers: int = 0  # full-feed voters that this took out; 0 where it took none


@dataclass(frozen=True, slots=True)
class Late:
    """A stretch in which statements of a source came late: they are taken as of times in it, and were made earlier."""

    source: str  # collector
    from_us: int  # the first and the last time as of which one of them is taken
    until_us: int
    by_us: int  # how late the latest of them was


@dataclass(frozen=True, slots=True)
class TransitShare:
    """Which neighbour carried an entity's visible routes in a part of the window."""

    upstream: int  # ASN directly before the origin
    from_us: int
    until_us: int
    share: float  # of (prefix, peer) routes held, time-weighted, 0..1


@dataclass(frozen=True, slots=True)
class Carrier:
    """An AS that an entity hangs on at a moment: what would not be visible without it, if nobody found another way."""

    asn: int
    time_us: int
    share: float  # of what is visible then, 0..1
    only: float  # the part of it to which no voter has a route that avoids that AS, 0..1


@dataclass(frozen=True, slots=True)
class EntityHistory:
    """All that was measured about one entity in one window; what detection and the report read."""

    level: Level
    changes: ChangeLog
    signals: SignalBlock
    gaps: tuple[Gap, ...] = ()
    transit: tuple[TransitShare, ...] = ()
    learned: bool = False  # True: no table dump to start from, so the state was learned from updates
    known_share: float = 1.0  # share of the entity's delegated /24s that routes were ever heard for (country), else 1
    delegated: bool = False  # known_share was measured: against what is delegated to a country, or all of a prefix
    notes: tuple[str, ...] = field(default=())
    series: tuple[SignalBlock, ...] = ()  # signals of other sources; each block has bins of its own
    carriers: tuple[Carrier, ...] = ()  # before the worst outage, the one that most hangs on first; IPv4
    late: tuple[Late, ...] = ()  # statements of routing that came late; they widen what is told of times in these
