"""Power failure."""

from duskwatch.explanation.hypothesis import Hypothesis

POWER = Hypothesis(
    "power",
    "Power failure",
    "Hosts fall in places while the core stays up; a slide follows as batteries run out; return by region.",
    ("instability-before", "second-slide", "power-report", "families=not-routing"),
)
