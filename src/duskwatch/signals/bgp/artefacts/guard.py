"""The artefact guard as the pipeline calls it: before measuring, between measuring and detection, and after it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from duskwatch.records.coverage import Artefact, Coverage
from duskwatch.records.outages import Outage
from duskwatch.records.signals import EntityHistory
from duskwatch.signals.bgp.artefacts.faults import Faults
from duskwatch.signals.bgp.artefacts.lone import LoneLoss, without_lone_losses
from duskwatch.signals.bgp.artefacts.witness import witness
from duskwatch.signals.bgp.measures import ANNOUNCEMENTS
from duskwatch.signals.bgp.votes import Vote, VoteRows, Votes


@dataclass(frozen=True, slots=True)
class Guarded:
    """Votes on one entity without what one collector alone saw."""

    votes: Votes
    lone: tuple[LoneLoss, ...]


def guard(votes: Votes, selected: npt.NDArray[np.bool_], faults: Faults) -> Guarded:
    """Take out of the votes on an entity (bool[P]: its prefixes) what only one collector's voters lost."""
    return Guarded(*without_lone_losses(votes, selected, faults.same, faults.lopsided))


def without_transfers(
    history: EntityHistory, votes: Votes, selected: npt.NDArray[np.bool_], faults: Faults
) -> EntityHistory:
    """The history with announcements left out that are part of a table transfer: they are no news of the entity."""
    block = history.signals
    if not faults.transfers or ANNOUNCEMENTS not in block.specs:
        return history
    rows = votes.rows
    mine = np.flatnonzero(transferred(rows, faults))
    mine = mine[selected[rows.prefix[mine]]]
    place = (rows.time_us[mine] - block.start_us) // block.bin_us
    place = place[(place >= 0) & (place < block.values.shape[1])]
    values = block.values.copy()
    values[block.specs.index(ANNOUNCEMENTS)] -= np.bincount(place, minlength=values.shape[1])
    return replace(history, signals=replace(block, values=values))


def transferred(rows: VoteRows, faults: Faults) -> npt.NDArray[np.bool_]:
    """Which rows are announcements of a table transfer, bool[R]."""
    out = np.zeros(len(rows.code), np.bool_)
    for transfer in faults.transfers:
        at = slice(*np.searchsorted(rows.time_us, (transfer.from_us, transfer.until_us)))
        out[at] |= (rows.session[at] == transfer.session) & (rows.code[at] == Vote.HOLD) & (rows.prefix[at] >= 0)
    return out


def coverage_of(
    guarded: Guarded,
    selected: npt.NDArray[np.bool_],
    history: EntityHistory,
    outages: Sequence[Outage],
    faults: Faults,
) -> Coverage:
    """What is known of the recording: faults recognised, and who witnessed each outage."""
    witnesses, stuck = witness(guarded.votes, selected, history, outages, faults, guarded.lone)
    artefacts = [*faults.artefacts, *stuck, *lone_artefacts(guarded.lone)]
    return Coverage(
        tuple(sorted(artefacts, key=lambda one: (one.from_us, one.kind, one.source, one.until_us))), witnesses
    )


def lone_artefacts(lone: Sequence[LoneLoss]) -> list[Artefact]:
    """Losses that one collector alone saw, those that overlap as one."""
    out: list[Artefact] = []
    by_collector: dict[str, list[LoneLoss]] = {}
    for loss in lone:
        by_collector.setdefault(loss.collector, []).append(loss)
    for collector, losses in by_collector.items():
        group: list[LoneLoss] = []
        for loss in sorted(losses, key=lambda loss: (loss.from_us, loss.until_us)):
            if group and loss.from_us > max(other.until_us for other in group):
                out.append(_lone_artefact(collector, group))
                group = []
            group.append(loss)
        out.append(_lone_artefact(collector, group))
    return out


def _lone_artefact(collector: str, group: Sequence[LoneLoss]) -> Artefact:
    worst = max(group, key=lambda loss: (loss.lost, -loss.from_us))
    prefixes = len({loss.prefix for loss in group})
    what = f"{prefixes} prefixes were" if prefixes > 1 else f"{worst.prefix} was"
    return Artefact(
        "lone collector",
        collector,
        min(loss.from_us for loss in group),
        max(loss.until_us for loss in group),
        f"{what} lost by {worst.lost} of {worst.of} voters of {collector}, while {worst.others_hold} of "
        f"{worst.others} at other collectors held on",
        worst.of,
    )
