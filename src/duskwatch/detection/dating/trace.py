"""What is known to the second of the signals of a level that lost something, taken together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from duskwatch.detection.baselines.trailing import zero_for_nan
from duskwatch.detection.course import Course
from duskwatch.detection.dating.vote_log import VoteLog
from duskwatch.detection.view import F64, Bool, LevelView
from duskwatch.records.signals import Late, Level


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A level and the votes behind it. N steps of the window."""

    views: tuple[LevelView, ...]  # the signals that lost something
    course: Course  # dark: nothing is visible, of any kind that the level counts
    traceless: Bool  # [N] and no voter held a route; False where nobody was watching
    prefixes: F64  # [N] visible prefixes
    voters: F64  # [N]
    log: VoteLog
    known_share: float  # share of the entity's space that was known; 1 where its state was not learned
    late: tuple[Late, ...] = ()  # statements that came late


def trace_of(
    level: Level, views: Sequence[LevelView], log: VoteLog, known_share: float, late: tuple[Late, ...] = ()
) -> Trace:
    """The trace of at least one signal of a level."""
    loss = views[0].loss
    for other in views[1:]:
        loss = np.fmax(loss, other.loss)
    watched = ~np.isnan(loss)
    visible = zero_for_nan(level.slash24) + zero_for_nan(level.slash48) + zero_for_nan(level.prefixes)
    held = zero_for_nan(level.held_slash24) + zero_for_nan(level.held_slash48) + zero_for_nan(level.prefixes)
    return Trace(
        tuple(views),
        Course(views[0].edge_us, loss, watched & (visible == 0)),
        watched & (held == 0),
        level.prefixes,
        views[0].voters,
        log,
        known_share,
        late,
    )
