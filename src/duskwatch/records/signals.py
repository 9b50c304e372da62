"""Binned signals with coverage, and the same measures to the second."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class SignalBlock:
    """S series over B bins of one entity. Bin b spans [start_us + b * bin_us, start_us + (b + 1) * bin_us)."""

    names: tuple[str, ...]  # [S] signal names, e.g. bgp.visible_slash24
    start_us: int
    bin_us: int
    values: F64  # [S, B]; NaN where the source was not watching
    coverage: F64  # [S, B]; 0..1, the share of the bin (and of what it needs) that was watched

    def series(self, name: str) -> F64:
        """Values of one signal, [B]. KeyError where there is no such signal."""
        if name not in self.names:
            raise KeyError(name)
        row: F64 = self.values[self.names.index(name)]
        return row

    @property
    def times_us(self) -> I64:
        """Start of each bin, [B]."""
        return self.start_us + self.bin_us * np.arange(self.values.shape[1], dtype=np.int64)


class PrefixState(IntEnum):
    """How many of the live full-feed voters hold a prefix."""

    UNKNOWN = 0  # nobody who votes has said enough about it
    DARK = 1  # no voter holds it
    MINORITY = 2  # some do, not more than half
    VISIBLE = 3  # more than half


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


@dataclass(frozen=True, slots=True)
class Level:
    """What was visible, as a step function to the microsecond: row i holds from time_us[i] to time_us[i + 1].

    Rows are in time order, the first one starts the window. Values are NaN while nobody was watching.
    """

    until_us: int  # end of the window
    time_us: I64  # [N]
    prefixes: F64  # [N] visible prefixes (both families)
    slash24: F64  # [N] visible IPv4 /24s, each counted once
    slash48: F64  # [N] visible IPv6 /48s, each counted once
    held_slash24: F64  # [N] IPv4 /24s that at least one voter holds: above zero while any trace of a route is left
    held_slash48: F64  # [N] the same for IPv6 /48s
    voters: F64  # [N] live full-feed voters; where the entity has routes of both families, the larger number
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
class TransitShare:
    """Which neighbour carried an entity's visible routes in a part of the window."""

    upstream: int  # ASN directly before the origin
    from_us: int
    until_us: int
    share: float  # of (prefix, peer) routes held, time-weighted, 0..1


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
    notes: tuple[str, ...] = field(default=())
    series: tuple[SignalBlock, ...] = ()  # signals measured by others; each block has bins of its own
