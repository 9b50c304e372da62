"""What a hypothesis is: a possible cause, and the features that could tell."""

from dataclasses import dataclass

UNDETERMINED = "undetermined"  # what all others are weighed against: an outage whose cause nobody found


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A possible cause, never a person, a group or a state.

    A hypothesis is testable where at least one of its decisive features was measured; otherwise what else was measured
    is shown, and the verdict is that these data cannot tell.
    """

    name: str  # unique, the key in the weights table
    title: str  # as a reader sees it
    about: str  # what such an outage looks like
    decisive: tuple[str, ...]  # names of features, or "feature=state" where only that answer decides
    kind: str = ""  # hypotheses of one kind look alike: their weights are estimated with each other's cases
