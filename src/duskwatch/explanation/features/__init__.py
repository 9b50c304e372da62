"""Every feature that comes along. A further one is one file here and its line below, or is passed to ``explain``."""

from duskwatch.explanation.feature import Feature
from duskwatch.explanation.features import (
    attacks,
    before,
    clock,
    fall,
    families,
    length,
    path,
    prefixes,
    recording,
    recovery,
    recurrence,
    reports,
    spread,
    validation,
)

FEATURES: tuple[Feature, ...] = (
    *clock.FEATURES,
    *length.FEATURES,
    *recurrence.FEATURES,
    *families.FEATURES,
    *before.FEATURES,
    *fall.FEATURES,
    *recovery.FEATURES,
    *path.FEATURES,
    *spread.FEATURES,
    *recording.FEATURES,
    *validation.FEATURES,
    *prefixes.FEATURES,
    *attacks.FEATURES,
    *reports.FEATURES,
)
