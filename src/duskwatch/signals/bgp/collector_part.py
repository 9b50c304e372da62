"""What the fold of one collector's messages left for the votes: one window."""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from duskwatch.records.elems import PeerTable
from duskwatch.records.prefix import address_text
from duskwatch.records.signals import Gap, Late
from duskwatch.signals.bgp.artefacts.heard import Heard
from duskwatch.signals.bgp.log import FAMILIES_OF, Op, RoutingLog
from duskwatch.signals.bgp.paths import Paths
from duskwatch.signals.bgp.start_table import HELD, Session, StartTable
from duskwatch.signals.bgp.state import DumpCheck


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Elems of a window that were not taken as they came."""

    late: int = 0  # a little out of order: taken as of the latest of their peer
    too_late: int = 0  # out of order by more than 15 min: left out
    beyond: int = 0  # of more peers than any collector has: left out
    after: int = 0  # of the horizon or later: left out
    before: int = 0  # of a window that was closed: taken as of the beginning of this one
    malformed: int = 0  # announcements with malformed attributes: taken as withdrawals (RFC 7606)
    late_us: int = 0  # how late the latest of ``late`` was
    readdressed: int = 0  # peers, not elems: known by their address, as dumps and updates name another AS
    too_late_us: int = 0  # how late the latest of ``too_late`` was
    too_late_from_us: int = 0  # the time that the first of them says; 0: there is none

    def __add__(self, other: "LeftOut") -> "LeftOut":
        total = LeftOut(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))
        begun = [one.too_late_from_us for one in (self, other) if one.too_late_from_us]
        return replace(
            total,
            late_us=max(self.late_us, other.late_us),
            too_late_us=max(self.too_late_us, other.too_late_us),
            too_late_from_us=min(begun, default=0),
        )


@dataclass(frozen=True, slots=True)
class CollectorPart:
    """One collector in one window. Q watched prefixes, N sessions; picklable.

    Made by roll() or close(), so that every row with a time lies before ``until_us``. What became known in this
    window of the time before it (a silence, a stretch without records) stands here, and nowhere else.
    """

    collector: str
    from_us: int
    until_us: int
    peers: PeerTable
    afi: npt.NDArray[np.uint8]  # [Q] prefix columns
    hi: npt.NDArray[np.uint64]
    lo: npt.NDArray[np.uint64]
    length: npt.NDArray[np.uint8]
    start: StartTable  # what stood when the window began; but ``mentioned``: by its end
    log: RoutingLog  # and what happened in it
    paths: Paths  # that routes in ``start`` and ``log`` took; a route is a number of these
    # [K] times at which table sizes were noted, the first at or before the beginning of the window
    sample_us: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int32]  # [K, N, 2]
    dumps: int  # table dumps up to the end of the window
    checks: tuple[DumpCheck, ...]  # of the window, and of each peer the last before it
    gaps: tuple[Gap, ...]  # stretches of which nothing usable was recorded
    heard: Heard
    left_out: LeftOut = field(default=LeftOut())
    dumped_us: int = -(1 << 62)  # the last table dump that was read is of this time; earlier than any: there was none
    late: tuple[Late, ...] = ()  # what came late and is taken as of a time before the end of the window

    def session(self, peer: int) -> str:
        """Collector, AS and address of one session, for people."""
        address = address_text(self.peers.afi[peer], self.peers.address_hi[peer], self.peers.address_lo[peer])
        return f"{self.collector} AS{self.peers.asn[peer]} {address}"

    def of_prefixes(self, rows: npt.NDArray[np.int64]) -> "CollectorPart":
        """The same with some of the watched prefixes alone. Who votes does not change by it: table sizes stay."""
        number = np.full(len(self.afi) + 1, -2, np.int32)
        number[rows] = np.arange(len(rows), dtype=np.int32)
        number[-1] = -1  # rows of sessions
        of = number[self.log.prefix]
        log = self.log.of(of > -2)
        columns = {name: getattr(self, name)[rows] for name in ("afi", "hi", "lo", "length")}
        return replace(self, **columns, start=self.start.rows(rows), log=replace(log, prefix=of[of > -2]))

    def of_origin(self, asn: int) -> "CollectorPart":
        """The same with what one AS originated at any time; who holds a route to another origin holds none."""
        mine = self.paths.ends().origin == asn
        count = len(self.afi)
        held = (self.start.cells[:count] & HELD) != 0
        own = (held & mine[self.start.routes[:count]]).any(axis=1)
        told = (self.log.prefix >= 0) & ((self.log.op == Op.HOLD) | (self.log.op == Op.DUMPED_HOLD))
        own[self.log.prefix[told & mine[self.log.route]]] = True
        part = self.of_prefixes(np.flatnonzero(own))
        start, log = part.start.copy(), part.log
        theirs = ~mine[start.routes]
        start.cells[theirs] &= np.uint8(255 - HELD)
        start.routes[theirs] = 0
        start.last_route[~mine[start.last_route]] = 0
        other = ((log.op == Op.HOLD) | (log.op == Op.DUMPED_HOLD)) & ~mine[log.route]
        op = np.where(other, np.uint8(Op.OTHER), log.op)
        return replace(part, start=start, log=replace(log, op=op, route=np.where(other, np.int32(0), log.route)))

    @property
    def met(self) -> int:
        """How many sessions were heard of by the end of the window."""
        return len(np.union1d(np.flatnonzero(self.start.sessions != Session.UNMET), self.log.peer))


def whole_tables(part: CollectorPart) -> npt.NDArray[np.uint8]:
    """Families (bits) of which each session's whole table was told by the end of the window, uint8[N]."""
    told: npt.NDArray[np.uint8] = part.start.complete[: len(part.peers)].copy()
    for op, families in FAMILIES_OF.items():
        told[part.log.peer[(part.log.prefix < 0) & (part.log.op == op)]] |= np.uint8(families)
    return told


def strangers(part: CollectorPart) -> bool:
    """Whether table dumps and updates tell of peers, and of none in common."""
    dumped = whole_tables(part) != 0
    spoke = np.zeros(len(dumped), np.bool_)
    said: npt.NDArray[np.bool_] = np.asarray(part.heard.counts.any(axis=(0, 2)))
    spoke[: len(said)] = said[: len(spoke)]
    return bool(dumped.any() and spoke.any() and not (dumped & spoke).any())
