"""Why, for a report: facts of its main outage, and what others measured, weighed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from duskwatch.explanation import explain
from duskwatch.explanation.fact_file import load_facts
from duskwatch.explanation.feature import Feature
from duskwatch.explanation.features import FEATURES
from duskwatch.explanation.gather import facts_of_report, main_outage
from duskwatch.explanation.hypotheses import HYPOTHESES
from duskwatch.explanation.hypothesis import Hypothesis
from duskwatch.explanation.impact import impact_facts, impact_of
from duskwatch.explanation.weights import Weights, load_weights
from duskwatch.records.evidence import Fact
from duskwatch.records.prefix import Prefix
from duskwatch.records.report import Report
from duskwatch.records.signals import PrefixState
from duskwatch.sources.reference.rpki import Payloads, Validity, load_payloads, validate
from duskwatch.sources.reference.users import load_users

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


@dataclass(frozen=True, slots=True)
class CauseFiles:
    """Files that a person supplies on why an outage came and what it took."""

    rpki: tuple[Path, ...] = ()  # validated payloads of the day
    users: tuple[Path, ...] = ()  # users by AS
    online: tuple[Path, ...] = ()  # share of people online by country
    facts: tuple[Path, ...] = ()  # what else is known, with its sources
    weights: Path | None = None  # in place of those that come along


def with_known(report: Report, files: CauseFiles) -> Report:
    """The report with its main outage explained, and sized, by what the files add.

    Raises InputError, in one line, where a file cannot be used; files are read whether there is an outage or not.
    """
    payloads = load_payloads(files.rpki, report.from_us) if files.rpki else None
    users = load_users(files.users, files.online)
    fact_files = [load_facts(path) for path in files.facts]
    weights = load_weights(files.weights) if files.weights is not None else None
    inputs, notes = users.inputs, users.notes
    if payloads is not None:
        inputs, notes = (*inputs, *payloads.inputs), (*notes, *payloads.notes)
    report = replace(report, inputs=(*report.inputs, *inputs), warnings=(*report.warnings, *notes))
    number = main_outage(report)
    if number is None:
        return report
    impact = impact_of(report, number, users)
    extra = [*impact_facts(impact), *(fact for file in fact_files for fact in file.facts)]
    if payloads is not None:
        extra += rpki_facts(report, number, payloads)
    return replace(explained(report, extra, weights=weights), impact=impact)


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
    with_origin = np.flatnonzero((log.origin != 0) & (log.time_us <= until))
    origin = np.zeros(len(log.prefixes), np.uint32)
    origin[log.prefix[with_origin]] = log.origin[with_origin]  # the last one known
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
