"""Every hypothesis that comes along. A further one is one file here and its line below, or is passed to ``explain``."""

from duskwatch.explanation.hypotheses.artefact import ARTEFACT
from duskwatch.explanation.hypotheses.attack import ATTACK
from duskwatch.explanation.hypotheses.cable import CABLE
from duskwatch.explanation.hypotheses.configuration import CONFIGURATION
from duskwatch.explanation.hypotheses.disaster import DISASTER
from duskwatch.explanation.hypotheses.exam_shutdown import EXAM_SHUTDOWN
from duskwatch.explanation.hypotheses.government_shutdown import GOVERNMENT_SHUTDOWN
from duskwatch.explanation.hypotheses.maintenance import MAINTENANCE
from duskwatch.explanation.hypotheses.power import POWER
from duskwatch.explanation.hypothesis import Hypothesis

HYPOTHESES: tuple[Hypothesis, ...] = (
    ATTACK,
    POWER,
    CABLE,
    GOVERNMENT_SHUTDOWN,
    EXAM_SHUTDOWN,
    CONFIGURATION,
    DISASTER,
    MAINTENANCE,
    ARTEFACT,
)
