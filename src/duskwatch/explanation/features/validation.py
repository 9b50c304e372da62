"""What the RPKI says of the routes (origin validation, RFC 6811)."""

from duskwatch.explanation.feature import Feature, yes_no
from duskwatch.records.evidence import Facts

HALF = 0.5


def _validity(facts: Facts) -> str | None:
    if not facts.knows("rpki.invalid_share"):
        return None
    return "invalid" if facts.number("rpki.invalid_share") >= HALF else "not-invalid"


VALIDITY = Feature(
    "route-validity",
    "Were the routes that were lost invalid by RPKI?",
    "validation",
    ("rpki.invalid_share",),
    ("invalid", "not-invalid"),
    _validity,
    "Peers that validate drop invalid routes: a wrong ROA takes a network off part of the Internet.",
    "Routes may have been invalid for years. Needs the validated payloads of that day.",
)
SPLIT = Feature(
    "visibility-split",
    "Does visibility split by validation: did peers keep valid routes and drop invalid ones?",
    "validation",
    ("rpki.split",),
    ("split", "no-split"),
    yes_no("rpki.split", "split", "no-split"),
    "Invalid routes that a few peers keep while most have dropped them, at the same time as valid ones stay.",
    "Needs routes of both kinds, or peers known to validate.",
)
FEATURES = (VALIDITY, SPLIT)
