"""Facts, and a hypothesis with a feature, that come from outside the package."""

import random

from duskwatch.explanation.feature import Feature
from duskwatch.explanation.features import FEATURES
from duskwatch.explanation.hypothesis import Hypothesis
from duskwatch.explanation.weights import read_weights
from duskwatch.records.evidence import Fact, Facts, facts_of

NAMES = sorted({name for feature in FEATURES for name in feature.facts})

MOON = Feature(
    "moon",
    "Was the moon full?",
    "moon",
    ("sky.moon",),
    ("full", "new"),
    lambda facts: None if not facts.knows("sky.moon") else "full" if facts.number("sky.moon") > 0.5 else "new",
    "Nothing.",
    "Everything.",
)
TIDE = Hypothesis("tide", "Spring tide in the duct", "It comes with the moon.", ("moon",))
TIDES = read_weights('[weight.moon.full]\ntide = { llr = 1.5, n = 3, source = "almanac" }\n', "tide.toml")


def some_facts(seed: int) -> Facts:
    """Facts drawn at random; about half of all that features read are absent."""
    dice = random.Random(seed)
    values = (0.0, 1.0, 0.5, 2.0, 5.0, 24.0, 61.0, 0.03, 700.0)
    return facts_of(*(Fact(name, dice.choice(values)) for name in NAMES if dice.random() < 0.5))
