"""When it began, by the clock where it happened. People round times; cables and attackers do not."""

from duskwatch.explanation.feature import Feature
from duskwatch.records.evidence import Facts

NEAR_MIN = 5  # minutes from the hour or the half: the width of a bin of most published series
BLUR_MIN = 10  # an onset known no better than this says nothing about the minute
NIGHT = range(0, 6)
WORKING = range(8, 18)


def _clock(facts: Facts) -> str | None:
    if not facts.knows("onset.local_minute", "onset.width_min") or facts.number("onset.width_min") > BLUR_MIN:
        return None
    minute = facts.number("onset.local_minute") % 60
    if min(minute, 60 - minute) <= NEAR_MIN:
        return "on-hour"
    return "half-hour" if abs(minute - 30) <= NEAR_MIN else "other"


def _hours(facts: Facts) -> str | None:
    if not facts.knows("onset.local_minute"):
        return None
    hour = int(facts.number("onset.local_minute") // 60) % 24
    if hour in NIGHT:
        return "night"
    return "working-hours" if hour in WORKING else "morning-evening"


ONSET_CLOCK = Feature(
    "onset-clock",
    "Did it begin on the hour or half hour, local time?",
    "onset-clock",
    ("onset.local_minute", "onset.width_min"),
    ("on-hour", "half-hour", "other"),
    _clock,
    "Orders take effect at round times: about twice as many shutdowns begin within five minutes of the hour.",
    "About one outage in five begins there by chance. An onset blurred by more than 10 minutes is not read.",
)
LOCAL_HOURS = Feature(
    "local-hours",
    "At which time of the day did it begin, local time?",
    "local-hours",
    ("onset.local_minute",),
    ("night", "working-hours", "morning-evening"),
    _hours,
    "Digging and maintenance have their hours: most cable cuts of the list began between 08 and 18 local time.",
    "Night says nothing about shutdowns once countries count equally; three countries made it look so.",
)
FEATURES = (ONSET_CLOCK, LOCAL_HOURS)
