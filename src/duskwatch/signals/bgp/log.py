"""What happened to watched prefixes and to sessions of one collector, as rows."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from duskwatch.kernels import codes


class Op(IntEnum):
    """What a row of the log says."""

    HOLD = codes.HOLD  # the peer holds a route to the prefix
    LOSE = codes.LOSE  # it does not
    DOWN = codes.DOWN  # its session ended; it holds nothing
    UP = codes.UP  # its session is there again; its table is still to come
    SILENT = codes.SILENT  # not heard for too long: it no longer counts
    HEARD = codes.HEARD  # heard again, what it held before still holds
    DUMPED_HOLD = codes.DUMPED_HOLD  # as HOLD, from a table dump: it is no news
    OTHER = codes.OTHER  # it holds a route to another origin than the one watched
    DUMPED = codes.DUMPED  # its whole table is known now: what it was not said to hold, it does not hold
    DUMPED4 = codes.DUMPED4  # the same of IPv4 alone: the dump held no route of IPv6 of it
    DUMPED6 = codes.DUMPED6


# By families of which a dump told the whole table, bits (codes.WHOLE4, codes.WHOLE6).
DUMPED_OF = {codes.WHOLE4: Op.DUMPED4, codes.WHOLE6: Op.DUMPED6, codes.WHOLE: Op.DUMPED}
FAMILIES_OF = {op: families for families, op in DUMPED_OF.items()}


@dataclass(frozen=True, slots=True)
class RoutingLog:
    """What happened to watched prefixes and to sessions. L rows, in order per peer; times never go back per peer.

    Only what happened in a window is logged; what stood before is in a StartTable. A row SILENT may be of a time before
    the window: that a peer was not heard for too long can become known later than it was so.
    """

    time_us: npt.NDArray[np.int64]  # [L]
    peer: npt.NDArray[np.int32]  # [L] row of the peer table
    prefix: npt.NDArray[np.int32]  # [L] number of the watched prefix; -1 for sessions
    op: npt.NDArray[np.uint8]  # [L] Op
    route: npt.NDArray[np.int32]  # [L] number of the path of a HOLD, else 0

    def __len__(self) -> int:
        return len(self.time_us)

    def of(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_] | slice) -> "RoutingLog":
        """Some of its rows."""
        return RoutingLog(*(getattr(self, name)[rows] for name in RoutingLog.__slots__))

    @classmethod
    def empty(cls) -> "RoutingLog":
        """A log without rows."""
        return cls.of_sessions(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.uint8))

    @classmethod
    def of_sessions(
        cls, time_us: npt.NDArray[np.int64], peer: npt.NDArray[np.int32], op: npt.NDArray[np.uint8]
    ) -> "RoutingLog":
        """Rows about sessions."""
        return cls(time_us, peer, np.full(len(peer), -1, np.int32), op, np.zeros(len(peer), np.int32))

    @classmethod
    def join(cls, logs: "list[RoutingLog]") -> "RoutingLog":
        """Logs of one collector one after the other. The list is emptied: a log can be half of all that is held."""
        if len(logs) == 1:
            return logs.pop()
        total = sum(len(log) for log in logs)
        whole = cls(*(np.empty(total, getattr(cls.empty(), name).dtype) for name in cls.__slots__))
        at = 0
        logs.reverse()
        while logs:
            log = logs.pop()
            for name in cls.__slots__:
                getattr(whole, name)[at : at + len(log)] = getattr(log, name)
            at += len(log)
        return whole
