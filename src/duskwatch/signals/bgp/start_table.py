"""What stood when a window began, so that a log holds only what happened inside the window."""

from dataclasses import dataclass, field, fields, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from duskwatch.kernels import codes
from duskwatch.kernels.routes import absorb
from duskwatch.signals.bgp.log import RoutingLog

HELD, KNOWN = codes.HELD, codes.KNOWN  # bits of a cell


class Session(IntEnum):
    """What a session is at a moment."""

    UNMET = codes.UNMET  # nothing was heard of it yet
    LIVE = codes.LIVE
    ENDED = codes.ENDED
    QUIET = codes.QUIET  # not heard for too long; it may have ended since


@dataclass
class StartTable:
    """What each session last said of each watched prefix before a window began. Q rows of room, N sessions.

    ``complete`` and ``fresh`` say of a session that its whole table is known, and that it ended and is not known yet.
    Memory: 5 bytes per watched prefix and session.
    """

    cells: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 0), np.uint8))
    routes: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    last_us: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    last_route: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    mentioned: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    complete: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))  # [N]
    fresh: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))  # [N]
    sessions: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))  # [N] Session

    def reserve(self, prefixes: int, sessions: int) -> None:
        """Make room; what is there stays."""
        have = self.cells.shape
        if prefixes <= have[0] and sessions <= have[1]:
            return
        if prefixes > have[0]:
            prefixes = max(prefixes, have[0] + have[0] // 2, 64)
        shape = (max(prefixes, have[0]), max(sessions, have[1]))
        self.cells = _grown(self.cells, shape)
        self.routes = _grown(self.routes, shape)
        for name in ("complete", "fresh", "sessions"):
            setattr(self, name, _longer(getattr(self, name), shape[1], 0))
        for name in ("last_route", "mentioned"):
            setattr(self, name, _longer(getattr(self, name), shape[0], 0))
        self.last_us = _longer(self.last_us, shape[0], -1)

    def absorb(self, log: RoutingLog, before_us: int) -> RoutingLog:
        """Take in what a log says of the time before ``before_us``, for which there is room; the rest is returned."""
        keep = np.empty(len(log), np.uint8)
        absorb(
            log.time_us,
            log.peer,
            log.prefix,
            log.op,
            log.route,
            before_us,
            self.cells,
            self.routes,
            self.last_us,
            self.last_route,
            self.mentioned,
            self.complete,
            self.fresh,
            self.sessions,
            keep,
        )
        return log.of(np.flatnonzero(keep))

    def cut(self, prefixes: int) -> "StartTable":
        """The first rows alone."""
        return self.rows(slice(0, prefixes))

    def rows(self, rows: npt.NDArray[np.int64] | slice) -> "StartTable":
        """Some rows alone."""
        of_prefix = ("cells", "routes", "last_us", "last_route", "mentioned")
        return replace(self, **{name: getattr(self, name)[rows] for name in of_prefix})

    def copy(self) -> "StartTable":
        """The same, apart from this one."""
        return replace(self, **{each.name: getattr(self, each.name).copy() for each in fields(self)})


def _longer(column: npt.NDArray, size: int, fill: int) -> npt.NDArray:  # type: ignore[type-arg]
    more = size - len(column)
    return np.concatenate([column, np.full(more, fill, column.dtype)]) if more > 0 else column


def _grown(matrix: npt.NDArray, shape: tuple[int, int]) -> npt.NDArray:  # type: ignore[type-arg]
    if matrix.shape[1] == shape[1] and matrix.flags.owndata and matrix.size:
        # In place where the system can: two copies of the largest thing there is would be the peak of all memory.
        matrix.resize(shape, refcheck=False)
        return matrix
    out = np.zeros(shape, matrix.dtype)
    out[: matrix.shape[0], : matrix.shape[1]] = matrix
    return out
