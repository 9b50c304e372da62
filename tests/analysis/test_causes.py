"""A report with an explanation; what RPKI says of the routes that were lost."""

from dataclasses import replace

import pytest

from duskwatch.analysis.causes import explained, rpki_facts
from duskwatch.explanation.features import FEATURES
from duskwatch.explanation.gather import main_outage
from duskwatch.explanation.hypotheses import HYPOTHESES
from duskwatch.explanation.weights import shipped_weights
from duskwatch.records.evidence import Fact
from duskwatch.records.prefix import Prefix
from duskwatch.sources.reference.rpki import payloads_of
from tests.explanation.made import MOON, TIDE, TIDES
from tests.publication import build

P = Prefix.parse


def test_a_report_is_explained_by_its_main_outage():
    report = explained(build.kp())
    assert report.explanation.outage == main_outage(report)
    assert report.explanation.facts.number("outage.depth") == 1
    assert explained(build.quiet()).explanation is None


def test_facts_hypotheses_and_features_from_outside_join():
    report = explained(
        build.kp(),
        [Fact("sky.moon", 1.0, origin="almanac"), Fact("attacks.seen", 1.0, origin="somebody")],
        features=(*FEATURES, MOON),
        hypotheses=(*HYPOTHESES, TIDE),
        weights=shipped_weights().merged(TIDES),
    )
    assert report.explanation.weighed("tide").verdict == "consistent with"
    plain = explained(build.kp()).explanation.weighed("attack").net
    assert report.explanation.weighed("attack").net == pytest.approx(plain + 1.1)


def test_a_wrong_roa_is_told_by_the_routes_that_were_lost():
    report = build.kp()
    number = main_outage(report)
    names = report.history.changes.prefixes
    wrong = payloads_of([(P("175.45.176.0/22"), 22, 131279)], "vrps.csv")
    (share,) = rpki_facts(report, number, wrong)
    assert (share.name, share.value, share.origin) == ("rpki.invalid_share", 1.0, "vrps.csv")
    right = payloads_of([(P(name), 24, 131279) for name in names])
    assert [fact.value for fact in rpki_facts(report, number, right)] == [0.0]
    before, after = explained(report), explained(report, rpki_facts(report, number, wrong))
    assert before.explanation.weighed("configuration").verdict == "not testable from these data"
    assert after.explanation.weighed("configuration").net > before.explanation.weighed("configuration").net


def test_visibility_splits_where_invalid_routes_went_and_others_stayed():
    report = build.kp()
    number = main_outage(report)
    log = report.history.changes
    stays = log.prefix != 3  # the last prefix keeps its first row: visible all the time
    first = (log.prefix == 3) & (log.time_us == log.time_us.min())
    keep = stays | first
    columns = ("time_us", "prefix", "state", "votes", "voters", "origin", "upstream", "by_voters")
    cut = replace(log, **{name: getattr(log, name)[keep] for name in columns})
    report = replace(report, history=replace(report.history, changes=cut))
    invalid = payloads_of([(P(name), 24, 64500) for name in log.prefixes[:3]])
    facts = {fact.name: fact.value for fact in rpki_facts(report, number, invalid)}
    assert facts == {"rpki.invalid_share": 1.0, "rpki.split": 1.0}
    some = payloads_of([(P(log.prefixes[0]), 24, 64500)])
    facts = {fact.name: fact.value for fact in rpki_facts(report, number, some)}
    assert facts["rpki.split"] == 0.0
