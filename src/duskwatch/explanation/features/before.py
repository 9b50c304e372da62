"""What happened before the loss."""

from duskwatch.explanation.feature import Feature, yes_no
from duskwatch.records.evidence import Facts

WATCHED_HOURS = 6  # a calm shorter than this is no calm
LONG_HOURS = 1


def _instability(facts: Facts) -> str | None:
    hours = facts.number("before.unstable_hours")
    if hours > 0:
        return "long" if hours >= LONG_HOURS else "short"
    watched = facts.number("before.watched_hours") >= WATCHED_HOURS
    return "none" if facts.knows("before.unstable_hours") and watched else None


INSTABILITY = Feature(
    "instability-before",
    "Were routes unstable before they went?",
    "before",
    ("before.unstable_hours", "before.watched_hours"),
    ("long", "short", "none"),
    _instability,
    "Hours of coming and going before the loss fit a link under load or failing power, not a cut or an order.",
    "Calm is said only of six hours that were watched. Packets may be lost long before routes show anything.",
)
LOSS_BEFORE = Feature(
    "loss-before",
    "Did loss and delay rise before routes went?",
    "before",
    ("loss.before",),
    ("rising", "steady"),
    yes_no("loss.before", "rising", "steady"),
    "A link that fills up loses packets before it loses its session.",
    "Needs probes; a failing link loses packets as well.",
)
FEATURES = (INSTABILITY, LOSS_BEFORE)
