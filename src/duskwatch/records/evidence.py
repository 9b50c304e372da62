"""Facts about an outage, what each says for and against possible causes, and the explanation they make up.

A weight is a natural logarithm of a likelihood ratio: how much likelier a cause makes what was measured than an outage
whose cause nobody found. Zero says nothing, 0.7 is twice as likely, -0.7 half. Nothing here names who did anything.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

NAN = float("nan")

CauseVerdict = Literal["consistent with", "weak", "undetermined", "not testable from these data"]
"""What the evidence says of one hypothesis: it fits (consistent with), it fits badly (weak), neither (undetermined); or
nothing was measured that could tell (not testable from these data)."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One measured number. A value of NaN means that it was not measured, as an absent fact does."""

    name: str  # e.g. outage.hours; docs/reference/causes.md lists those that features read
    value: float
    unit: str = ""  # hours, minutes, share; empty for a count and for yes (1) and no (0)
    origin: str = ""  # the stage or the source that measured it
    from_us: int | None = None  # the span that it speaks of, microseconds since the epoch, UTC; None: the outage
    until_us: int | None = None
    note: str = ""  # what the number leaves out, in words


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts by name. Any stage may add some; a fact that is added takes the place of one of the same name."""

    by_name: Mapping[str, Fact] = field(default_factory=dict)

    def number(self, name: str) -> float:
        """The value of a fact; NaN where there is none, or none that is finite."""
        found = self.by_name.get(name)
        return found.value if found is not None and math.isfinite(found.value) else NAN

    def knows(self, *names: str) -> bool:
        """Whether every one of these facts was measured."""
        return not any(math.isnan(self.number(name)) for name in names)

    def plus(self, *facts: Fact) -> "Facts":
        """These facts and further ones."""
        return Facts({**self.by_name, **{fact.name: fact for fact in facts}})

    def without(self, *names: str) -> "Facts":
        """These facts but for those named."""
        return Facts({name: fact for name, fact in self.by_name.items() if name not in names})

    def __iter__(self) -> Iterator[Fact]:
        return iter(self.by_name.values())


def facts_of(*facts: Fact) -> Facts:
    """Facts by name; of two of one name the later one is kept."""
    return Facts().plus(*facts)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one feature of the outage says about one hypothesis."""

    feature: str
    title: str  # the question that the feature asks
    state: str  # what was found, e.g. on-hour
    group: str  # features of one group overlap, and one of them counts
    weight: float  # log-likelihood ratio, after the cap
    counted: bool  # False where another feature of its group tells more
    source: str  # where the weight comes from
    sample: str  # how many cases it was counted on; empty: stated, not counted
    facts: tuple[str, ...]  # names of the facts that the feature read


@dataclass(frozen=True, slots=True)
class Weighed:
    """One hypothesis, with all evidence that has a weight for it."""

    hypothesis: str
    title: str
    verdict: CauseVerdict
    net: float  # sum of the weights that count
    share: float  # probability among all hypotheses, at the base rates of the weights table, 0..1
    evidence: tuple[Evidence, ...]  # strongest first
    untested: tuple[str, ...]  # decisive features that were not measured

    @property
    def speaks_for(self) -> float:
        """Sum of the positive weights that count."""
        return math.fsum(one.weight for one in self.evidence if one.counted and one.weight > 0)

    @property
    def speaks_against(self) -> float:
        """Sum of the negative weights that count, at most 0."""
        return math.fsum(one.weight for one in self.evidence if one.counted and one.weight < 0)


@dataclass(frozen=True, slots=True)
class Move:
    """How far one hypothesis could move if something were known."""

    hypothesis: str
    least: float  # largest change down, at most 0
    most: float  # largest change up, at least 0
    turns: bool  # whether that could change the verdict on it


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """A feature that was not measured: it weighs nothing."""

    feature: str
    title: str
    missing: tuple[str, ...]  # facts that it needs and that are absent
    moves: tuple[Move, ...]  # of the hypotheses that it could move, the widest first


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the evidence says about why, with the arithmetic."""

    hypotheses: tuple[Weighed, ...]  # highest net first
    undetermined_share: float  # probability that it is none of them, or that nobody will find out
    not_measured: tuple[NotMeasured, ...]
    facts: Facts
    weights: str  # name of the weights table
    outage: int | None = None  # index among the outages of the report

    @property
    def consistent(self) -> tuple[Weighed, ...]:
        """The hypotheses that stay open."""
        return tuple(one for one in self.hypotheses if one.verdict == "consistent with")

    @property
    def undetermined(self) -> bool:
        """Whether the evidence points at no cause."""
        return not self.consistent

    def weighed(self, hypothesis: str) -> Weighed:
        """What was found of one hypothesis. KeyError where there is none of that name."""
        for one in self.hypotheses:
            if one.hypothesis == hypothesis:
                return one
        raise KeyError(hypothesis)
