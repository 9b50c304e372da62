"""Through whom it was reached before and after."""

from duskwatch.explanation.feature import Feature, yes_no
from duskwatch.records.evidence import Facts

SINGLE = 0.95
DEPENDS = ("path.largest_share", "path.single_share")


def _dependence(facts: Facts) -> str | None:
    shares = [facts.number(name) for name in DEPENDS if facts.knows(name)]
    return ("single" if max(shares) >= SINGLE else "several") if shares else None


UPSTREAM = Feature(
    "upstream-change",
    "Was it reached through another neighbour afterwards?",
    "path",
    ("path.upstream_changed",),
    ("changed", "same"),
    yes_no("path.upstream_changed", "changed", "same"),
    "Routes that move to another neighbour tell that a link to the first one was lost.",
    "The same neighbour after the outage says nothing about a cut that was repaired, or where there is no other.",
)
DEPENDENCE = Feature(
    "dependence",
    "Did one neighbour, or one AS further on, carry nearly all of it?",
    "dependence",
    DEPENDS,
    ("single", "several"),
    _dependence,
    "A thin link is easily filled, and a single one easily cut.",
    "It tells what is possible, not what happened. Two neighbours may share one cable.",
)
FEATURES = (UPSTREAM, DEPENDENCE)
