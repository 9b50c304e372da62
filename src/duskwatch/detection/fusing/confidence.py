"""How far independent witnesses support an outage."""

from collections.abc import Mapping, Sequence

import numpy as np

from duskwatch.detection.fusing.voices import Voice
from duskwatch.detection.view import BinnedView, Stretch

ONE_SIGNAL = 0.8  # the most that one family of binned signals is trusted
DISSENT = 0.5  # what a family counts that watched and saw no loss
TELLS = 0.5  # what is usually missing by chance must be less than this for a signal to be heard against a loss


def confidence_of(
    voices: Sequence[Voice], members: Sequence[Voice], sure: Mapping[str, float], span: Stretch, until_us: int
) -> float:
    """From 0 to 1; the formula is in docs/reference/detection.md.

    members   those that lost something        sure      what families are trusted that are dated by votes
    span      of the outage; where that lasts it goes to ``until_us``
    """
    until = span.until_us if span.until_us is not None else until_us
    trusted = dict(sure)
    dissent: set[str] = set()
    for voice in voices:
        view, family = voice.finding.view, voice.spec.family
        if voice.muted or not voice.spec.less_is_loss or not view.watched_in(span.from_us, until):
            continue
        if not isinstance(view, BinnedView):
            dissent.add(family)
            continue
        bins = view.bins_of(span.from_us, until)
        watched = view.watched[bins]
        width = view.width[bins][watched]
        if any(voice is member for member in members):
            margin = max(0.0, float(np.nanmax(voice.finding.lost[bins])) / max(float(width.min()), 1e-9) - 1.0)
            mine = ONE_SIGNAL * float(watched.mean()) * margin / (margin + 1.0)
            trusted[family] = max(mine, trusted.get(family, 0.0))
        elif float(np.median(width)) < TELLS:
            dissent.add(family)
    total = 0.0
    for family in sorted(trusted):
        total += trusted[family] * (1.0 - total)
    agree = len(trusted)
    return total * (agree / (agree + DISSENT * len(dissent - set(trusted))))
