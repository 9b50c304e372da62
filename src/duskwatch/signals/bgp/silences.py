"""Peers that were not heard for too long, as the log tells it."""

import numpy as np
import numpy.typing as npt

from duskwatch.signals.bgp.log import Op, RoutingLog
from duskwatch.signals.bgp.state import SILENT_US, RoutingState


def quiet_peers(state: RoutingState, before_us: int, among: npt.NDArray[np.int32] | None = None) -> RoutingLog:
    """Peers whose last word was SILENT_US before a time, as rows SILENT; the state keeps that they were logged.

    Of a peer that is heard again the fold of its elem tells the silence. This is for what ends one otherwise: a roll,
    or a table dump that fills the peer's table. ``among``: only these peers.
    """
    quiet = (state.live == 1) & (state.heard_us >= 0) & (state.heard_us + SILENT_US < before_us)
    if among is not None:
        those = np.zeros(len(quiet), np.bool_)
        those[among] = True
        quiet &= those
    peer = np.flatnonzero(quiet).astype(np.int32)
    state.live[peer] = 2
    return RoutingLog.of_sessions(state.heard_us[peer] + SILENT_US, peer, np.full(len(peer), Op.SILENT, np.uint8))
