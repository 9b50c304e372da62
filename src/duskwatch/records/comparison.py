"""The same window for others: who fell with an entity, and who stayed."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from duskwatch.records.entity import Entity

Relation = Literal["behind", "neighbour", "control"]
"""Reached through the same upstream (behind); a country nearby (neighbour); neither, calm, of like size (control)."""

Fate = Literal["fell", "stayed", "not judged"]
"""An outage of it began within an hour of the onset (fell), none did (stayed), or that cannot be said (not judged)."""


@dataclass(frozen=True, slots=True, eq=False)
class Companion:
    """One other entity in the same window. N rows: a step function, row i holds from time_us[i] on."""

    entity: Entity
    relation: Relation
    why: str  # why it was chosen, in words: 195 km away, 12 prefixes through AS4837
    fate: Fate
    before: float  # visible /24s (IPv6: /48s) a second before the onset may have been; NaN where nobody knows
    lost: float  # largest share of them that was missing while the outage lasted, 0..1; NaN where nobody knows
    time_us: npt.NDArray[np.int64]  # [N]
    visible: npt.NDArray[np.float64]  # [N] /24s; NaN while nobody was watching


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The companions of the main outage of a report."""

    outage: int  # index
    upstream: int  # AS that those behind it share with the entity; 0: nobody was looked for
    unit: str  # /24s or /48s
    until_us: int  # end of all step functions
    companions: tuple[Companion, ...]  # behind, neighbours, controls; of each those that lost most first

    def of(self, *relations: Relation) -> tuple[Companion, ...]:
        """Those of some relations."""
        return tuple(one for one in self.companions if one.relation in relations)

    @property
    def fell_share(self) -> float | None:
        """Share of neighbours and of those behind the same upstream that fell too; None below LEAST that are judged."""
        judged = [one for one in self.of("behind", "neighbour") if one.fate != "not judged"]
        if len(judged) < LEAST:
            return None
        return sum(one.fate == "fell" for one in judged) / len(judged)


LEAST = 2
