"""Whether it happens again and again at the same time of the day."""

from duskwatch.explanation.feature import Feature
from duskwatch.records.evidence import Facts

NEAR_MIN = 10
DAY_MIN = 24 * 60


def _recurrence(facts: Facts) -> str | None:
    if not facts.knows("history.gap_days"):
        return None
    gap = facts.number("history.gap_days")
    days = round(gap)
    exact = 1 <= days <= 4 and abs(gap - days) * DAY_MIN <= NEAR_MIN
    return "exact-days" if exact else "other"


RECURRENCE = Feature(
    "recurrence",
    "Did the last one begin exactly one to four days before?",
    "recurrence",
    ("history.gap_days",),
    ("exact-days", "other"),
    _recurrence,
    "A timetable: two of three shutdowns begin exactly 1, 2, 3 or 4 days after the last, one other outage in 600.",
    "The first of a series cannot show it. Few countries recur, so the weight rests on few; maintenance recurs too.",
)
FEATURES = (RECURRENCE,)
