"""Whether addresses were lost or moved."""

from duskwatch.explanation.feature import Feature
from duskwatch.records.evidence import Facts

HALF = 0.5


def _moved(facts: Facts) -> str | None:
    if not facts.knows("prefixes.moved_share"):
        return None
    return "moved" if facts.number("prefixes.moved_share") >= HALF else "stayed"


MOVED = Feature(
    "prefixes-moved",
    "Did the addresses come up elsewhere, in other prefixes or from another network?",
    "prefixes",
    ("prefixes.moved_share",),
    ("moved", "stayed"),
    _moved,
    "A migration: one block goes dark while another lights up.",
    "Renumbering inside a network does not show in routes.",
)
FEATURES = (MOVED,)
