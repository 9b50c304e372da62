"""Denial-of-service attacks on it, where somebody measured any."""

from duskwatch.explanation.feature import Feature, yes_no

REPORTS = Feature(
    "attack-reports",
    "Was it under attack in the days before or during the loss?",
    "attacks",
    ("attacks.seen",),
    ("seen", "none-seen"),
    yes_no("attacks.seen", "seen", "none-seen"),
    "Attacks that someone measured in the window.",
    "Whoever measures sees a part of all attacks; large networks are attacked every day without being lost.",
)
SIZE = Feature(
    "attack-size",
    "Was an attack larger than the link?",
    "attacks",
    ("attacks.over_capacity",),
    ("larger", "smaller"),
    yes_no("attacks.over_capacity", "larger", "smaller"),
    "An attack larger than the link fills it.",
    "Capacities are seldom published; a smaller attack can still bring a router down.",
)
FEATURES = (REPORTS, SIZE)
