"""What the fold of one collector's files left for the votes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duskwatch.records.elems import PeerTable
from duskwatch.records.prefix import address_text
from duskwatch.records.signals import Gap
from duskwatch.signals.bgp.start_table import StartTable
from duskwatch.signals.bgp.state import DumpCheck, RoutingLog, RoutingState, silences


@dataclass(frozen=True, slots=True)
class CollectorPart:
    """What the fold of one collector's files left for the votes. Q watched prefixes, N sessions; picklable."""

    collector: str
    peers: PeerTable
    afi: npt.NDArray[np.uint8]  # [Q] prefix columns
    hi: npt.NDArray[np.uint64]
    lo: npt.NDArray[np.uint64]
    length: npt.NDArray[np.uint8]
    start: StartTable  # what stood when the window began
    log: RoutingLog  # and what happened in it
    routes: npt.NDArray[np.uint32]  # [R, 3] origin, the AS before it, the AS before that
    sample_us: npt.NDArray[np.int64]  # [K] times at which table sizes were noted
    sizes: npt.NDArray[np.int32]  # [K, N, 2]
    dumps: int
    checks: tuple[DumpCheck, ...]
    gaps: tuple[Gap, ...]  # stretches without a file

    def session(self, peer: int) -> str:
        """Collector, AS and address of one session, for people."""
        address = address_text(self.peers.afi[peer], self.peers.address_hi[peer], self.peers.address_lo[peer])
        return f"{self.collector} AS{self.peers.asn[peer]} {address}"


def close_part(state: RoutingState, log: RoutingLog, gaps: tuple[Gap, ...]) -> CollectorPart:
    """The part that a folded state and its log make. Table sizes are carried on to the end of the window."""
    peers = len(state.peers)
    samples = list(state.samples)
    last = samples[-1][0] if samples else state.from_us - state.bin_us
    for time_us in range(last + state.bin_us, state.until_us, state.bin_us):
        samples.append((time_us, state.sizes.astype(np.int32)))
    sizes = np.zeros((len(samples), peers, 2), np.int32)
    for k, (_, sample) in enumerate(samples):
        sizes[k, : sample.shape[0]] = sample
    watched = np.flatnonzero(state.number[: state.count] >= 0)
    watched = watched[np.argsort(state.number[watched])]
    meta = state.prefix_meta[watched]
    quiet = silences(state)
    if len(quiet):
        log = RoutingLog.join([log, quiet])
    state.start.reserve(len(watched), peers)
    return CollectorPart(
        state.collector,
        state.peers,
        (meta >> 8).astype(np.uint8),
        state.prefix_hi[watched],
        state.prefix_lo[watched],
        (meta & 255).astype(np.uint8),
        state.start.cut(len(watched)),
        log,
        state.routes.table[: state.routes.count],
        np.array([time_us for time_us, _ in samples], np.int64),
        sizes,
        state.dumps,
        tuple(state.checks),
        gaps,
    )
