"""Losses into outages: which belong together, and which are relapses of an earlier one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from duskwatch.detection.config import FuseConfig
from duskwatch.detection.view import I64, Bool, Stretch
from duskwatch.records.outages import Outage
from duskwatch.records.times import DAY


@dataclass(frozen=True, slots=True)
class Group:
    """Losses that belong to one outage."""

    losses: tuple[Stretch, ...]  # stretches out of the normal band, apart from each other

    @property
    def from_us(self) -> int:
        """Start of the first loss."""
        return self.losses[0].from_us

    @property
    def until_us(self) -> int | None:
        """End of the last one; None while it lasts."""
        return self.losses[-1].until_us

    @property
    def span(self) -> Stretch:
        """From the start of the first to the end of the last."""
        return Stretch(self.from_us, self.until_us)


def grouped(losses: Iterable[Stretch], join_us: int) -> list[Group]:
    """Losses by outage: those that overlap, or less than ``join_us`` apart, are one."""
    groups: list[Group] = []
    apart: list[Stretch] = []
    for loss in sorted(losses, key=_start):
        last = apart[-1].until_us if apart else None
        if apart and last is not None and loss.from_us - last >= join_us:
            groups.append(Group(tuple(apart)))
            apart = []
        if not apart or (last is not None and loss.from_us > last):
            apart.append(loss)
        elif last is not None and (loss.until_us is None or loss.until_us > last):
            apart[-1] = Stretch(apart[-1].from_us, loss.until_us)
    if apart:
        groups.append(Group(tuple(apart)))
    return groups


def _start(loss: Stretch) -> int:
    return loss.from_us


def repeats(earlier: Group, later: Group, config: FuseConfig) -> bool:
    """Whether a loss came at the time of day of the one before, when all had been well for long."""
    if earlier.until_us is None:
        return False
    apart, up = later.from_us - earlier.from_us, later.from_us - earlier.until_us
    return abs(apart - DAY) <= config.repeat_us and up >= config.repeat_up_us


def with_relapses(
    outages: Sequence[Outage], groups: Sequence[Group], edge_us: I64, watched: Bool, config: FuseConfig
) -> tuple[Outage, ...]:
    """Say which outages came before an earlier one was over for good, and which ends held.

    edge_us, watched  [N + 1] edges of the window's steps, and [N] whether anybody was watching
    A loss at the time of day of the one before is a repeat of it, not a relapse.
    """
    out: list[Outage] = []
    root: int | None = None
    for k, outage in enumerate(outages):
        earlier = groups[k - 1].until_us if k else None
        near = earlier is not None and groups[k].from_us - earlier < config.stability_us
        if near and not repeats(groups[k - 1], groups[k], config):
            root = k - 1 if root is None else root
        else:
            root = None
        out.append(replace(outage, relapse_of=root))
    watched_us = np.append(0, np.cumsum(np.where(watched, np.diff(edge_us), 0)))
    following = 0
    for k in range(len(out) - 1, -1, -1):
        end = out[k].end
        held = following == 0 and end is not None and _held(edge_us, watched_us, end.best_us, config)
        out[k] = replace(out[k], relapses=out[k].relapses + following, stable=held)
        following = following + 1 if out[k].relapse_of is not None else 0
    return tuple(out)


def _held(edge_us: I64, watched_us: I64, end_us: int, config: FuseConfig) -> bool:
    """Whether the window shows the whole stability period after an end, with enough of it watched."""
    stop = end_us + config.stability_us
    if stop > edge_us[-1]:
        return False
    watched = np.diff(np.interp([end_us, stop], edge_us, watched_us))[0]
    return bool(watched >= config.stability_coverage * config.stability_us)
