"""Shutdown by order of a government."""

from duskwatch.explanation.hypothesis import Hypothesis

GOVERNMENT_SHUTDOWN = Hypothesis(
    "government-shutdown",
    "Shutdown by order of a government",
    "Networks without a common upstream go within minutes, at a round time; or packets are filtered while routes stay.",
    ("networks=together", "networks=apart", "recurrence=exact-days", "order-report", "families=not-routing"),
    kind="ordered",
)
