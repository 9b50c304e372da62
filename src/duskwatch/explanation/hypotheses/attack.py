"""Denial-of-service attack."""

from duskwatch.explanation.hypothesis import Hypothesis

ATTACK = Hypothesis(
    "attack",
    "Denial-of-service attack",
    "Traffic fills a link or a router: instability first, sessions that come and go, a ragged return, relapses.",
    ("instability-before", "loss-before", "attack-reports", "attack-size"),
)
