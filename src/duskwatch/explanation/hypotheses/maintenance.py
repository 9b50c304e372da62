"""Maintenance or migration."""

from duskwatch.explanation.hypothesis import Hypothesis

MAINTENANCE = Hypothesis(
    "maintenance",
    "Maintenance or migration",
    "Short, at night, a clean return; or addresses that come up elsewhere.",
    ("instability-before", "prefixes-moved", "maintenance-report"),
)
