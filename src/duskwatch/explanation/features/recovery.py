"""How it came back, and whether it held."""

from duskwatch.explanation.feature import Feature
from duskwatch.records.evidence import Facts

WATCHED_HOURS = 6
CLEAN_S = 600
TAIL_S = 6 * 3600


def _relapses(facts: Facts) -> str | None:
    if facts.number("after.relapses") > 0:
        return "relapsed"
    watched = facts.number("after.watched_hours") >= WATCHED_HOURS
    return "held" if facts.knows("after.relapses") and watched else None


def _shape(facts: Facts) -> str | None:
    if facts.number("return.unstable") > 0:
        return "ragged"
    if not facts.knows("return.seconds"):
        return None
    seconds = facts.number("return.seconds")
    return "clean" if seconds <= CLEAN_S else "long-tail" if seconds >= TAIL_S else "stepwise"


RELAPSES = Feature(
    "relapses",
    "Was it lost again soon after?",
    "return",
    ("after.relapses", "after.watched_hours"),
    ("relapsed", "held"),
    _relapses,
    "Attacks start again and power fails again; a mended cable or a corrected line holds.",
    "That it held is said only after six watched hours.",
)
RETURN_SHAPE = Feature(
    "return-shape",
    "How did it come back?",
    "return",
    ("return.unstable", "return.seconds"),
    ("clean", "stepwise", "ragged", "long-tail"),
    _shape,
    "An order is lifted and a line corrected in one step; power comes back region by region.",
    "No cases were counted. That a return was ragged was argued in 2014 to speak against a state: it is weak evidence.",
)
FEATURES = (RELAPSES, RETURN_SHAPE)
