"""How it went down: at once, in steps, how deep."""

from duskwatch.explanation.feature import Feature, yes_no
from duskwatch.records.evidence import Facts

AT_ONCE_S = 300
SLOW_S = 3600
TOTAL = 0.95
MOST = 0.5


def _fall(facts: Facts) -> str | None:
    if not facts.knows("fall.seconds"):
        return None
    seconds = facts.number("fall.seconds")
    return "at-once" if seconds <= AT_ONCE_S else "minutes" if seconds <= SLOW_S else "slow"


def _depth(facts: Facts) -> str | None:
    if not facts.knows("outage.depth"):
        return None
    depth = facts.number("outage.depth")
    return "total" if depth >= TOTAL else "most" if depth >= MOST else "part"


FALL = Feature(
    "fall",
    "How fast did it go down?",
    "fall",
    ("fall.seconds",),
    ("at-once", "minutes", "slow"),
    _fall,
    "A cut or a wrong line is one step; batteries and storms take hours.",
    "Routes leave at once in most kinds of outage; minutes of withdrawal are how routers work.",
)
SECOND_SLIDE = Feature(
    "second-slide",
    "Did a slower slide follow the first edge?",
    "fall",
    ("fall.second_slide",),
    ("slide", "none"),
    yes_no("fall.second_slide", "slide", "none"),
    "Batteries run out: the sign of a power failure, as in 2003 (a thousand routes in minutes, then hours of sliding).",
    "Needs many networks, or traffic; a country of four prefixes has no room for a slide.",
)
DEPTH = Feature(
    "depth",
    "How much was lost?",
    "depth",
    ("outage.depth",),
    ("total", "most", "part"),
    _depth,
    "Power failures leave the core up as a rule; orders and thin links take all.",
    "In a country with one link everything is total.",
)
FEATURES = (FALL, SECOND_SLIDE, DEPTH)
