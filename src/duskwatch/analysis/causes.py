"""Why, for a report: facts of its main outage, and what others measured, weighed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from duskwatch.explanation import explain
from duskwatch.explanation.fact_file import KNOWN, FactsError, load_facts
from duskwatch.explanation.feature import Feature
from duskwatch.explanation.features import FEATURES
from duskwatch.explanation.gather import facts_of_report, main_outage
from duskwatch.explanation.hypotheses import HYPOTHESES
from duskwatch.explanation.hypothesis import Hypothesis
from duskwatch.explanation.impact import impact_facts, impact_of, not_in_tables
from duskwatch.explanation.weights import Weights, load_weights, unread
from duskwatch.records.evidence import Fact
from duskwatch.records.prefix import Prefix
from duskwatch.records.report import InputFile, Report
from duskwatch.records.signals import PrefixState
from duskwatch.records.text import clean_name
from duskwatch.sources.reference.files import read_stored
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
    number = main_outage(report)
    # Payloads in force as the routes went: a ROA of that morning may be what took them.
    at_us = report.from_us if number is None else report.outages[number].onset.latest_us
    payloads = load_payloads(files.rpki, at_us) if files.rpki else None
    users = load_users(files.users, files.online)
    supplied, fact_inputs, fact_notes = _supplied(files.facts)
    weights, weight_inputs, weight_notes = _weights(files.weights)
    inputs, notes = [*users.inputs, *fact_inputs, *weight_inputs], [*users.notes, *fact_notes, *weight_notes]
    if payloads is not None:
        inputs += payloads.inputs
        notes += payloads.notes
    report = replace(report, inputs=(*report.inputs, *inputs), warnings=(*report.warnings, *notes))
    if number is None:
        return report
    impact = impact_of(report, number, users)
    measured = [*impact_facts(impact), *(rpki_facts(report, number, payloads) if payloads is not None else ())]
    own = facts_of_report(report, number).plus(*measured)
    replaced = [
        f"a file of facts says that {fact.name} is {fact.value:g}, in place of {own.number(fact.name):g} as measured"
        for fact in supplied
        if own.knows(fact.name) and own.number(fact.name) != fact.value
    ]
    report = replace(report, warnings=(*report.warnings, *replaced, *not_in_tables(report, number, users)))
    return replace(explained(report, (*measured, *supplied), weights=weights), impact=impact)


Read = tuple[list[InputFile], list[str]]  # files, and what a reader should know of them


def _supplied(paths: Sequence[Path]) -> tuple[list[Fact], *Read]:
    """Facts of a person's files, each with its source in words."""
    facts: dict[str, Fact] = {}
    inputs: list[InputFile] = []
    notes: list[str] = []
    for path in paths:
        file = load_facts(path)
        inputs.append(_input(path, "facts", len(file.facts.by_name)))
        for fact in file.facts:
            if fact.name in facts:
                raise FactsError(f"{path.name}: the fact '{fact.name}' stands in another file too")
            if fact.name not in KNOWN:
                notes.append(f"{path.name}: no feature reads '{clean_name(fact.name, 60)}'; it weighs nothing")
            facts[fact.name] = replace(fact, origin=file.sources.get(fact.origin, path.name))
    return list(facts.values()), inputs, notes


def _weights(path: Path | None) -> tuple[Weights | None, *Read]:
    if path is None:
        return None, [], []
    table = load_weights(path)
    idle = unread(table, {one.name: one.states for one in FEATURES}, tuple(one.name for one in HYPOTHESES))
    notes = [f"{path.name}: '{clean_name(place, 100)}' names nothing that is weighed" for place in idle]
    return table, [_input(path, "weights", len(table.rows))], notes


def _input(path: Path, kind: str, records: int) -> InputFile:
    file = read_stored(path)
    return InputFile(file.name, file.sha256, kind, None, None, records, size_bytes=file.size_bytes)


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
