"""What a scenario is: series of one entity, and what really happened to it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from duskwatch.evaluation.scoring import TrueEvent
from duskwatch.records.signals import EntityHistory, SignalBlock

Group = Literal["total", "partial", "timing", "quiet", "artefact", "labelled", "faint", "mixed", "few", "few-quiet"]
"""Which figures a scenario counts in; docs/reference/evaluation.md says what each group is for."""


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """One entity's series and its true events. Times are microseconds since the epoch, UTC."""

    id: str
    shape_name: str  # how the loss goes, or why there is none
    block: SignalBlock
    events: tuple[TrueEvent, ...]
    groups: frozenset[Group]
    kind: str  # of entity and signal: tiny, small, ... probing, telescope; or where the series comes from
    history: EntityHistory | None = None  # routes to the second, where there are any

    @property
    def until_us(self) -> int:
        """End of the window."""
        return self.block.start_us + self.block.bin_us * int(self.block.values.shape[1])

    @property
    def watched_us(self) -> int:
        """Time in which at least one of the series was watched."""
        return int((~np.isnan(self.block.values)).any(axis=0).sum()) * self.block.bin_us


@dataclass(frozen=True, slots=True)
class Entry:
    """A scenario of the library that is not built yet."""

    id: str
    shape_name: str
    build: Callable[[Path | None], Scenario]  # from the folder of real series; None where there is none
    needs: str = ""  # file below that folder that it is cut from; empty where it is made from its id alone


def content_hash(scenario: Scenario) -> str:
    """SHA-256 of all that detectors see and are scored against, as hex. Values count to six decimals."""
    block = scenario.block
    digest = hashlib.sha256()
    digest.update(repr((scenario.id, block.names, block.start_us, block.bin_us, block.values.shape)).encode())
    for columns in (block.values, block.coverage):
        digest.update((np.round(columns, 6) + 0.0).astype("<f8").tobytes())  # + 0.0: no minus zero
    if scenario.history is not None:
        level = scenario.history.level
        for column in (level.time_us, level.prefixes, level.voters):
            digest.update((np.round(column.astype("<f8"), 6) + 0.0).tobytes())
    digest.update(repr([(event.onset, event.end) for event in scenario.events]).encode())
    digest.update(repr(sorted(scenario.groups)).encode())
    return digest.hexdigest()
