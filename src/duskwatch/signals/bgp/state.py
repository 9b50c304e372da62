"""Routing state of one collector: who holds which prefix, what is known of sessions, what the window has so far."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from duskwatch.records.elems import PeerTable
from duskwatch.records.messages import Silence
from duskwatch.records.signals import Late
from duskwatch.records.times import HOUR, MINUTE, SECOND
from duskwatch.signals.bgp.artefacts.heard import Hearing
from duskwatch.signals.bgp.log import Op, RoutingLog
from duskwatch.signals.bgp.paths import PathPool
from duskwatch.signals.bgp.start_table import StartTable

__all__ = ["LATE_US", "MOST_PEERS", "SILENT_US", "DumpCheck", "Op", "RoutingLog", "RoutingState", "Watch", "begin"]

# A peer not heard for an hour is not taken to be there (BGPView's routing-tables plugin, RT_MAX_INACTIVE_TIME).
SILENT_US = HOUR
# Records may come out of order by this much; anything older would rewrite what was already said.
LATE_US = 15 * MINUTE
# What comes late by no more is not worth a word: clocks differ, and writers have threads.
JITTER_US = 2 * SECOND
# No collector has as many sessions; a file that claims more is not believed, lest it ask for all memory there is.
MOST_PEERS = 2048
# Earlier than any time.
NEVER_YET_US = -(1 << 62)

Watch = Callable[
    [npt.NDArray[np.uint8], npt.NDArray[np.uint64], npt.NDArray[np.uint64], npt.NDArray[np.uint8]],
    npt.NDArray[np.uint8],
]
"""Given afi, hi, lo and length of new prefixes, [n] each: 1 where the log is to tell of it. Picklable, as the state."""


@dataclass(frozen=True, slots=True)
class DumpCheck:
    """How a peer's folded table compared with a table dump taken while its session lasted."""

    peer: int
    time_us: int
    held: int  # prefixes held according to the fold
    matched: int  # of those, in the dump too
    missing: int  # in the dump, not in the fold

    @property
    def rate(self) -> float:
        """Share of the routes of both that are in one alone."""
        differ = self.missing + max(0, self.held - self.matched)
        return differ / max(1, self.matched + differ)


@dataclass
class PeerNumbers:
    """How the peers of a source's table are numbered in the state."""

    table: PeerTable
    number: npt.NDArray[np.int32]  # of its rows so far
    same: bool  # they are numbered alike


@dataclass
class RoutingState:
    """All that is known of one collector's peers at one moment of event time. Picklable; fold() and roll() consume it.

    A window has begun and has no end until roll() or close() is given one. Make it with begin().
    Memory: 22 bytes per prefix, 8 per prefix and 64 peers, 4 to 16 for the hash; for each watched prefix 13 bytes and
    5 for each session, and some 40 for each path that led to any; the log of the window.
    """

    collector: str
    from_us: int  # the window begins; what came before the first window only builds up the state
    bin_us: int
    watch: Watch
    origins: npt.NDArray[np.uint32] | None = None  # AS numbers: prefixes are watched from their first route on
    grid_us: int = 0  # samples of table sizes are taken, and what was heard is counted, by bins from here on
    rolled: bool = False  # there was a window before
    peers: PeerTable = field(default_factory=PeerTable)
    row_of: dict[tuple[int, int, int, int], int] = field(default_factory=dict)  # of each peer in ``peers``
    numbers: PeerNumbers | None = None  # of the source that sent the last block
    count: int = 0
    slots: npt.NDArray[np.int32] = field(default_factory=lambda: np.full(1 << 12, -1, np.int32))
    prefix_hi: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros(1 << 10, np.uint64))
    prefix_lo: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros(1 << 10, np.uint64))
    prefix_meta: npt.NDArray[np.uint16] = field(default_factory=lambda: np.zeros(1 << 10, np.uint16))
    watched: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(1 << 10, np.uint8))
    number: npt.NDArray[np.int32] = field(default_factory=lambda: np.full(1 << 10, -1, np.int32))  # among the watched
    watched_count: int = 0
    paths: PathPool = field(default_factory=PathPool)
    paths_kept: int = 0  # when paths were forgotten last, so many were kept
    start: StartTable = field(default_factory=StartTable)
    held: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros((1 << 10, 1), np.uint64))
    path_keys: npt.NDArray[np.int64] = field(default_factory=lambda: np.full(1 << 6, -1, np.int64))
    path_ids: npt.NDArray[np.uint32] = field(default_factory=lambda: np.zeros(1 << 6, np.uint32))
    path_values: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(1 << 6, np.int32))
    sizes: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    heard_us: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    # 1 while the session is up as far as is known, 2 where the log says that it is silent
    live: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    # Families (bits) of which the whole table is known
    whole: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    dumps: int = 0
    dumped_us: int = NEVER_YET_US  # the last table dump is of this time
    silent_until_us: int = NEVER_YET_US  # the end of the latest silence that was logged
    # What the window has so far, or what came after it:
    log: list[RoutingLog] = field(default_factory=list)
    sample_us: int = -1  # time of the next sample of table sizes
    samples: list[tuple[int, npt.NDArray[np.int32]]] = field(default_factory=list)
    checks: list[DumpCheck] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)
    too_late: list[tuple[int, int]] = field(default_factory=list)  # of blocks: first time left out, how late, us
    heard: Hearing = field(default_factory=Hearing)
    counters: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(8, np.int64))
    # While a table dump is being read:
    dump_us: int = -1
    dump_said_us: int = -1  # what its first record says
    dump_over: bool = False  # it is of the horizon or later, and passed over
    dump_policy: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 2), np.uint8))
    dump_matched: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    dump_missing: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "numbers": None}  # a source's table is the source's

    @property
    def floor_us(self) -> int:
        """No row is of a time before it: the window before is closed."""
        return self.from_us if self.rolled else NEVER_YET_US

    @property
    def before_us(self) -> int:
        """What was said before it stood when the first window began; a table dump taken at that moment does too."""
        return self.from_us + (1 if self.dump_us == self.from_us and not self.rolled else 0)


def begin(
    collector: str, from_us: int, bin_us: int, watch: Watch, origins: npt.NDArray[np.uint32] | None = None
) -> RoutingState:
    """A collector of which nothing is known yet; its first window begins at ``from_us``.

    watch    decides on prefixes not met before
    origins  AS numbers: a prefix is watched, whatever ``watch`` says, from the first route on that ends in one of them,
             and a route to another origin is OTHER, as the AS does not originate it there
    ValueError where bins are of no length.
    """
    if bin_us <= 0:
        raise ValueError("bins are longer than nothing")
    return RoutingState(
        collector,
        from_us,
        bin_us,
        watch,
        origins,
        grid_us=from_us,
        sample_us=from_us,
        heard=Hearing(from_us, bin_us),
    )
