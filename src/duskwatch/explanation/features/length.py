"""How long it lasted, and whether it came back."""

from duskwatch.explanation.feature import Feature
from duskwatch.records.evidence import Facts

NEAR_MIN = 5
BLUR_MIN = 10  # of onset and end together


def _length(facts: Facts) -> str | None:
    if not facts.knows("outage.hours"):
        return "over-24h" if facts.number("outage.lasted_hours") >= 24 else None
    hours = facts.number("outage.hours")
    if hours <= 1:
        return "up-to-1h"
    if hours < 4:
        return "1h-4h"
    return "4h-24h" if hours < 24 else "over-24h"


def _round(facts: Facts) -> str | None:
    blur = facts.number("onset.width_min") + facts.number("end.width_min")
    if not (facts.knows("outage.hours") and blur <= BLUR_MIN):
        return None
    minute = facts.number("outage.hours") * 60 % 30
    return "half-hours" if min(minute, 30 - minute) <= NEAR_MIN else "other"


def _back(facts: Facts) -> str | None:
    if facts.knows("outage.hours"):
        return "within-a-day" if facts.number("outage.hours") < 24 else "later-or-not"
    return "later-or-not" if facts.number("outage.lasted_hours") >= 24 else None


LENGTH = Feature(
    "length",
    "How long did it last?",
    "length",
    ("outage.hours", "outage.lasted_hours"),
    ("up-to-1h", "1h-4h", "4h-24h", "over-24h"),
    _length,
    "Shutdowns last 5.5 hours in the middle, other outages 2; exam shutdowns never lasted a day.",
    "An outage that still lasts is not read before a day has passed. A repaired cable may be bypassed within minutes.",
)
ROUND_LENGTH = Feature(
    "round-length",
    "Did it last a number of half hours?",
    "round-length",
    ("outage.hours", "onset.width_min", "end.width_min"),
    ("half-hours", "other"),
    _round,
    "What is ordered for a time ends at a time.",
    "One outage in three lasts so by chance: people who list events read charts of 5 and 10 minutes.",
)
CAME_BACK = Feature(
    "came-back",
    "Did it come back within a day?",
    "length",
    ("outage.hours", "outage.lasted_hours"),
    ("within-a-day", "later-or-not"),
    _back,
    "The argument 'it came back, so no state did it', as what it is: a feature with a weight and a sample size.",
    "Two of three outages that governments ordered came back within a day too. Length tells more, and counts.",
    coarse=True,
)
FEATURES = (LENGTH, ROUND_LENGTH, CAME_BACK)
