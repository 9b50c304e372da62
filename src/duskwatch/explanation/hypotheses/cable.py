"""Cable or upstream failure."""

from duskwatch.explanation.hypothesis import Hypothesis

CABLE = Hypothesis(
    "cable",
    "Cable or upstream failure",
    "One step for each cable; what can move goes through another neighbour; others on the same cable fall too.",
    ("instability-before", "upstream-change", "neighbours", "cable-report"),
)
