"""What a feature is: one question about an outage, answered from facts with one of a few states, or not at all."""

from collections.abc import Callable
from dataclasses import dataclass

from duskwatch.records.evidence import Facts


@dataclass(frozen=True, slots=True)
class Feature:
    """One question. Its weights stand in the weights table, by feature, state and hypothesis.

    Raises ValueError where it has fewer than two states: a question with one answer tells nothing.
    """

    name: str  # unique, the key in the weights table
    title: str  # the question, as a reader sees it
    group: str  # features that overlap share a group, and one of them counts
    facts: tuple[str, ...]  # names of the facts that it reads
    states: tuple[str, ...]
    read: Callable[[Facts], str | None]  # the state; None: not measured
    shows: str  # what it can show
    limits: str  # what it cannot
    coarse: bool = False  # reads more coarsely what another one of its group reads, and counts only without that one

    def __post_init__(self) -> None:
        if len(set(self.states)) < 2:
            raise ValueError(f"feature '{self.name}' needs at least two different states")


def yes_no(fact: str, yes: str, no: str) -> Callable[[Facts], str | None]:
    """Reads a fact that is 1 for yes and 0 for no."""

    def read(facts: Facts) -> str | None:
        return (yes if facts.number(fact) > 0 else no) if facts.knows(fact) else None

    return read
