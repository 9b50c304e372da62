"""Measurement artefact."""

from duskwatch.explanation.hypothesis import Hypothesis

ARTEFACT = Hypothesis(
    "artefact",
    "Measurement artefact",
    "The recording failed, not the network: one collector, one peer, many unrelated networks at once.",
    ("witnesses", "elsewhere", "families"),
)
