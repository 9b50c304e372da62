"""Which kinds of measurement saw it: routes, answers to probes, what arrives."""

from duskwatch.explanation.feature import Feature, yes_no
from duskwatch.records.evidence import Facts

OTHERS = ("fell.probing", "fell.telescope", "fell.traffic", "fell.sites")


def _families(facts: Facts) -> str | None:
    fell = [facts.number(name) > 0 for name in OTHERS if facts.knows(name)]
    if not facts.knows("fell.routing") or not fell:
        return None
    if facts.number("fell.routing") > 0:
        return "all" if all(fell) else "some" if any(fell) else "routing-only"
    return "not-routing" if any(fell) else None


FAMILIES = Feature(
    "families",
    "Did routes and answering hosts fall together?",
    "families",
    ("fell.routing", *OTHERS),
    ("all", "some", "routing-only", "not-routing"),
    _families,
    "Routes gone while hosts answer is a fault of the view. Hosts gone while routes stay is filtering, power or load.",
    "A family that nobody measured counts neither way. Telescopes see little of small countries.",
)
ONE_WAY = Feature(
    "one-way",
    "Did packets still leave while none came back?",
    "direction",
    ("direction.one_way",),
    ("one-way", "both-ways"),
    yes_no("direction.one_way", "one-way", "both-ways"),
    "Queries that surge while nothing answers tell that one direction was cut: Syria's exam shutdowns look so.",
    "Needs a service that sees the country's queries.",
)
FEATURES = (FAMILIES, ONE_WAY)
