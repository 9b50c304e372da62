"""Why, for a report: facts of its main outage, and what others measured, weighed."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from duskwatch.explanation import explain
from duskwatch.explanation.feature import Feature
from duskwatch.explanation.features import FEATURES
from duskwatch.explanation.gather import facts_of_report, main_outage
from duskwatch.explanation.hypotheses import HYPOTHESES
from duskwatch.explanation.hypothesis import Hypothesis
from duskwatch.explanation.weights import Weights
from duskwatch.records.evidence import Fact
from duskwatch.records.prefix import Prefix
from duskwatch.records.report import Report
from duskwatch.records.signals import PrefixState
from duskwatch.sources.reference.rpki import Payloads, Validity, validate

MUCH, LITTLE = 0.5, 0.1  # shares of lost routes between which visibility does not split


def explained(
    report: Report,
    extra: Iterable[Fact] = (),
    *,
    features: Sequence[Feature] = FEATURES,
    hypotheses: Sequence[Hypothesis] = HYPOTHESES,
    weights: Weights | None = None,
) -> Report:
    """The report with an explanation of its main outage; as it is where it has no outage.

    ``extra`` are facts that the report does not hold; they take the place of its own of the same name.
    """
    number = main_outage(report)
    if number is None:
        return report
    facts = facts_of_report(report, number).plus(*extra)
    found = explain(facts, features=features, hypotheses=hypotheses, weights=weights, outage=number)
    return replace(report, explanation=found)


def rpki_facts(report: Report, number: int, payloads: Payloads) -> tuple[Fact, ...]:
    """What payloads of the day say of the routes that an outage took; none where it took none.

    ``rpki.invalid_share`` is the share of them that is invalid. ``rpki.split`` is 1 where at least half of the invalid
    routes were lost and at most a tenth of the others, 0 where there are both kinds and it is not so.
    """
    log, outage = report.history.changes, report.outages[number]
    until = outage.end.best_us if outage.end is not None else report.until_us
    inside = (log.time_us >= outage.onset.earliest_us) & (log.time_us <= until) & (log.by_voters == 0)
    gone = inside & ((log.state == PrefixState.DARK) | (log.state == PrefixState.MINORITY))
    if not gone.any():
        return ()
    known = np.flatnonzero((log.origin != 0) & (log.time_us <= until))
    origin = np.zeros(len(log.prefixes), np.uint32)
    origin[log.prefix[known]] = log.origin[known]  # the last one known
    kept = [Prefix.parse(name) for name in log.prefixes]
    state = validate(
        payloads,
        np.array([prefix.afi for prefix in kept], np.uint8),
        np.array([prefix.hi for prefix in kept], np.uint64),
        np.array([prefix.lo for prefix in kept], np.uint64),
        np.array([prefix.length for prefix in kept], np.uint8),
        origin,
    )
    lost = np.zeros(len(kept), np.bool_)
    lost[log.prefix[gone]] = True
    invalid = (state == Validity.INVALID) & (origin != 0)
    source, start = payloads.source or "rpki", outage.onset.earliest_us
    share = float(invalid[lost].mean())
    facts = [Fact("rpki.invalid_share", share, "share of lost routes", source, start, until)]
    others = (origin != 0) & ~invalid
    if invalid.any() and others.any():
        split = lost[invalid].mean() >= MUCH and lost[others].mean() <= LITTLE
        facts.append(Fact("rpki.split", float(split), "", source, start, until))
    return tuple(facts)
