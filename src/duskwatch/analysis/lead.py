"""What was measured from where the records begin, cut to the window that was asked for."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from duskwatch.records.coverage import Coverage
from duskwatch.records.outages import Outage
from duskwatch.records.signals import ChangeLog, EntityHistory, Level


def of_window(outages: Sequence[Outage], from_us: int) -> list[int]:
    """Which outages were not over when a window began."""
    return [k for k, outage in enumerate(outages) if outage.end is None or outage.end.best_us > from_us]


def numbered_anew(outages: Sequence[Outage], kept: Sequence[int]) -> tuple[Outage, ...]:
    """Some of the outages, each a relapse of one that was kept or of none."""
    number = {k: n for n, k in enumerate(kept)}
    chosen = (outages[k] for k in kept)
    return tuple(
        replace(one, relapse_of=None if one.relapse_of is None else number.get(one.relapse_of)) for one in chosen
    )


def coverage_in(coverage: Coverage, kept: Sequence[int], from_us: int) -> Coverage:
    """What is known of the recording of a window and of some outages."""
    witnesses = tuple(coverage.witnesses[k] for k in kept) if coverage.witnesses else ()
    return Coverage(tuple(one for one in coverage.artefacts if one.until_us >= from_us), witnesses)


def history_in(history: EntityHistory, outages: Sequence[Outage], from_us: int) -> EntityHistory:
    """A history from the beginning of a window on.

    Where an outage stood when the window opened, its level and its changes begin before: they show the onset.
    """
    block = history.signals
    first = max(0, (from_us - block.start_us) // block.bin_us)
    out = replace(
        history,
        signals=replace(
            block,
            start_us=block.start_us + first * block.bin_us,
            values=block.values[:, first:],
            coverage=block.coverage[:, first:],
        ),
        gaps=tuple(replace(gap, from_us=max(gap.from_us, from_us)) for gap in history.gaps if gap.until_us > from_us),
    )
    if any(outage.onset.earliest_us < from_us for outage in outages):
        return out
    return replace(out, level=_level_from(history.level, from_us), changes=_changes_from(history.changes, from_us))


def _level_from(level: Level, from_us: int) -> Level:
    if not len(level.time_us) or level.time_us[0] >= from_us:
        return level
    at = int(np.searchsorted(level.time_us, from_us, side="right")) - 1
    time_us, by_voters = level.time_us[at:].copy(), level.by_voters[at:].copy()
    time_us[0], by_voters[0] = from_us, 0
    rest = ("prefixes", "slash24", "slash48", "held_slash24", "held_slash48", "voters")
    return replace(level, time_us=time_us, by_voters=by_voters, **{name: getattr(level, name)[at:] for name in rest})


def _changes_from(log: ChangeLog, from_us: int) -> ChangeLog:
    """What stood when a window began, as if it had become so then, and what changed in it."""
    early = int(np.searchsorted(log.time_us, from_us, side="left"))
    if not early:
        return log
    # Of each prefix the last row before the window; first what changed last.
    _, back = np.unique(log.prefix[:early][::-1], return_index=True)
    stood = np.sort(early - 1 - back)
    rows = np.concatenate([stood, np.arange(early, len(log.time_us))])
    columns = {
        name: value[rows]
        for name in log.__dataclass_fields__
        if name != "prefixes" and len(value := getattr(log, name)) == len(log.time_us)
    }
    columns["time_us"][: len(stood)] = from_us
    columns["by_voters"][: len(stood)] = 0
    return replace(log, **columns)
