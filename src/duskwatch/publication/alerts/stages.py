"""The stages in the life of an outage that are worth telling, each with its moment."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from duskwatch.records.outages import Outage
from duskwatch.records.signals import VISIBLE_PREFIXES, VISIBLE_SLASH24, VISIBLE_SLASH48, Level

Stage = Literal[
    "opened",
    "dark",  # nothing is left
    "deeper",  # a quarter more of it is lost than was told
    "back-first",  # the first of what was lost is back
    "back-50",  # half of it
    "back-90",
    "relapsed",  # lost again before it was stable
    "closed",
    "withdrawn",  # it was none, by what is known now
    "test",
]
STAGES: tuple[Stage, ...] = get_args(Stage)
COLUMNS = {VISIBLE_SLASH24.name: "slash24", VISIBLE_SLASH48.name: "slash48", VISIBLE_PREFIXES.name: "prefixes"}
RETURNS: tuple[tuple[Stage, float], ...] = (("back-first", 0.0), ("back-50", 0.5), ("back-90", 0.9))
DEPTHS = (0.25, 0.5, 0.75)  # depths that were passed are told as a number of quarters


@dataclass(frozen=True, slots=True)
class Told:
    """A stage that an outage has reached. ``key`` tells stages of one outage apart: ``back-50``, ``relapsed@2``."""

    stage: Stage
    key: str
    at_us: int  # event time


def stages_of(outage: Outage, level: Level | None) -> tuple[Told, ...]:
    """The stages that an outage has reached, in the order in which they are told.

    level  what was visible, from before the onset on; None: how much came back when is not known
    """
    again = f"@{outage.relapses}" if outage.relapses else ""
    out = [Told("opened", "opened", outage.onset.best_us)]
    quarters = sum(outage.depth >= depth for depth in DEPTHS)
    if quarters and outage.dark_from is None:
        out.append(Told("deeper", f"deeper-{quarters}", outage.onset.best_us))
    if outage.dark_from is not None:
        out.append(Told("dark", "dark", outage.dark_from.best_us))
    if outage.relapses:
        out.append(Told("relapsed", f"relapsed{again}", _relapsed_us(outage)))
    if level is not None:
        out += [Told(stage, f"{stage}{again}", at_us) for stage, at_us in _returns(outage, level)]
    if outage.end is not None:
        out.append(Told("closed", f"closed{again}", outage.end.best_us))
    return tuple(out)


def _relapsed_us(outage: Outage) -> int:
    lost = [phase.from_us for phase in outage.phases if phase.phase in ("unstable", "dark", "partial", "degrading")]
    return max(lost, default=outage.onset.best_us)


def _returns(outage: Outage, level: Level) -> list[tuple[Stage, int]]:
    """When how much of what was lost was back, after the last moment at which the most was lost."""
    column = next((COLUMNS[name] for name in outage.signals if name in COLUMNS), None)
    if column is None or not len(level.time_us):
        return []
    values, times = getattr(level, column), level.time_us
    before = int(np.searchsorted(times, outage.onset.earliest_us, side="left")) - 1
    stop_us = outage.end.latest_us if outage.end is not None else level.until_us
    inside = slice(max(before, 0), int(np.searchsorted(times, stop_us, side="right")))
    own, own_us = values[inside], times[inside]
    known = ~np.isnan(own)
    if not known.any():
        return []
    had, least = float(own[known][0]), float(own[known].min())
    if had <= least:
        return []
    last = int(np.flatnonzero(known & (own <= least))[-1])
    out: list[tuple[Stage, int]] = []
    for stage, share in RETURNS:
        wanted = least + max(share * (had - least), np.nextafter(0, 1))
        later = np.flatnonzero(known[last + 1 :] & (own[last + 1 :] >= wanted) & (own[last + 1 :] > least))
        if len(later):
            out.append((stage, int(own_us[last + 1 + later[0]])))
    return out
