"""What of a run could be judged: by who was watching, and the countries of which nothing can be said."""

from collections.abc import Sequence

import numpy as np

from duskwatch.analysis.judged import whole_of
from duskwatch.detection import judged_spans
from duskwatch.drivers.backfill.day import ranges_at
from duskwatch.drivers.backfill.plan import DaySummary, Plan
from duskwatch.drivers.backfill.search import known_shares
from duskwatch.records.judged import JudgedSpan, WhyNot, inside
from duskwatch.records.signals import ChangeLog, EntityHistory, Level, SignalBlock
from duskwatch.records.times import MINUTE
from duskwatch.signals.bgp.from_log import VoterSteps


def judged_by_voters(days: Sequence[DaySummary], from_us: int, until_us: int) -> tuple[JudgedSpan, ...]:
    """The window of a run in stretches that could be judged, as far as that depends on who was watching.

    Days that could not be stored were not watched.
    """
    out: list[JudgedSpan] = []
    ordered = sorted(days, key=lambda day: day.from_us)
    if ordered:
        steps = VoterSteps.join([(day.voters, day.until_us) for day in ordered])
        voters = np.maximum(steps.voters4, steps.voters6).astype(np.float64)
        there = np.where(voters > 0, 1.0, np.nan)
        level = Level(
            ordered[-1].until_us,
            steps.step_us,
            there,
            there,
            there,
            there,
            there,
            voters,
            np.zeros(len(voters), np.uint8),
        )
        nobody = SignalBlock((), ordered[0].from_us, MINUTE, np.empty((0, 0)), np.empty((0, 0)))
        told = judged_spans(EntityHistory(level, _no_changes(), nobody))
        out = list(inside(told, from_us, until_us))
    return whole_of(out, from_us, until_us)


def not_judged_countries(days: Sequence[DaySummary], plan: Plan) -> dict[WhyNot, tuple[str, ...]]:
    """Countries of which a run says nothing, by reason; empty where countries were not asked for."""
    out: dict[WhyNot, tuple[str, ...]] = {}
    if "country" not in plan.kinds or not days:
        return out
    shares = known_shares(days)
    if any(day.learned for day in days):
        least = plan.detection.known_share
        few = sorted(code for code, share in shares.items() if len(code) == 2 and share < least)
        out |= {"too-little-known": tuple(few)} if few else {}
    ranges = ranges_at(plan, min(day.from_us for day in days))
    unheard = sorted(set(ranges.countries) - set(shares)) if ranges is not None else []
    return out | ({"nothing-heard": tuple(unheard)} if unheard else {})


def _no_changes() -> ChangeLog:
    time_us, i32 = np.empty(0, np.int64), np.empty(0, np.int32)
    u32, u8 = np.empty(0, np.uint32), np.empty(0, np.uint8)
    return ChangeLog((), time_us, i32, u8, i32, i32, u32, u32, u8)
