"""Whether the recording is to blame."""

from duskwatch.explanation.feature import Feature
from duskwatch.records.evidence import Facts

MUCH = 0.2
LITTLE = 0.02


def _witnesses(facts: Facts) -> str | None:
    if not facts.knows("recording.doubt"):
        return None
    doubt = facts.number("recording.doubt")
    return "no-doubt" if doubt <= 0 else "blurred" if doubt < 2 else "in-doubt"


def _elsewhere(facts: Facts) -> str | None:
    if not facts.knows("recording.elsewhere_share"):
        return None
    share = facts.number("recording.elsewhere_share")
    return "much" if share >= MUCH else "little" if share <= LITTLE else None


WITNESSES = Feature(
    "witnesses",
    "Could a fault of the recording have made it?",
    "recording",
    ("recording.doubt",),
    ("no-doubt", "blurred", "in-doubt"),
    _witnesses,
    "Many peers at several collectors that kept talking about others leave no room for a fault of the recording.",
    "It speaks of routes alone.",
)
ELSEWHERE = Feature(
    "elsewhere",
    "Was much lost elsewhere in the same minutes?",
    "recording",
    ("recording.elsewhere_share",),
    ("much", "little"),
    _elsewhere,
    "Networks that have nothing in common go together where the collector, not the networks, went.",
    "Only what the same run watched is compared.",
)
FEATURES = (WITNESSES, ELSEWHERE)
