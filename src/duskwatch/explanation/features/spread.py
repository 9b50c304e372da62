"""Who else was lost: networks of the country, neighbours, others behind the same upstream."""

from duskwatch.explanation.feature import Feature
from duskwatch.records.evidence import Facts

TOGETHER_MIN = 15
FEW = 0.1
SOME = 0.3


def _networks(facts: Facts) -> str | None:
    if facts.number("networks.known") < 2 or not facts.knows("networks.lost"):
        return None  # one network: nothing to compare
    if facts.number("networks.lost") <= 1:
        return "one-of-many"
    if not facts.knows("networks.spread_min"):
        return None
    return "together" if facts.number("networks.spread_min") <= TOGETHER_MIN else "apart"


def _neighbours(facts: Facts) -> str | None:
    if not facts.knows("neighbours.fell_share"):
        return None
    share = facts.number("neighbours.fell_share")
    return "fell" if share >= SOME else "stayed" if share <= FEW else None


NETWORKS = Feature(
    "networks",
    "Which of its networks went, and were they lost together?",
    "spread",
    ("networks.known", "networks.lost", "networks.spread_min"),
    ("together", "apart", "one-of-many"),
    _networks,
    "Networks that share no upstream and go in the same minutes have one reason: an order, or power.",
    "A country with one network cannot show it. Networks behind one cable go together as well.",
)
NEIGHBOURS = Feature(
    "neighbours",
    "Did neighbours and others behind the same upstream fall too?",
    "neighbours",
    ("neighbours.fell_share",),
    ("fell", "stayed"),
    _neighbours,
    "Cables, grids and storms do not stop at borders; orders and attacks do.",
    "Needs the same window for others. Neighbours may hang on other cables.",
)
FEATURES = (NETWORKS, NEIGHBOURS)
