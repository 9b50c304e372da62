"""Router or configuration fault."""

from duskwatch.explanation.hypothesis import Hypothesis

CONFIGURATION = Hypothesis(
    "configuration",
    "Router or configuration fault",
    "One network or one set of prefixes at once, or partly where peers validate; mended in one step.",
    ("route-validity", "visibility-split", "networks"),
)
