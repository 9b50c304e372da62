"""Natural disaster or weather."""

from duskwatch.explanation.hypothesis import Hypothesis

DISASTER = Hypothesis(
    "disaster",
    "Natural disaster or weather",
    "The last mile of an area more than the core, and days of slow return.",
    ("disaster-report",),
)
