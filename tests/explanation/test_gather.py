"""Facts of a report: each from where it stands."""

from dataclasses import replace

import numpy as np
import pytest

from duskwatch.explanation import explain
from duskwatch.explanation.gather import facts_of_report, main_outage
from duskwatch.explanation.impact import impact_facts, impact_of
from duskwatch.records.entity import Entity
from duskwatch.records.impact import Users
from duskwatch.records.signals import Carrier, SignalBlock, SignalSpec
from duskwatch.records.times import HOUR, MINUTE
from duskwatch.records.transit import Entry, OutageTransit
from tests.publication import build

PROBES = SignalSpec("probe.up", "probing", "reach", "hosts", "mean", less_is_loss=True)
TIDES = SignalSpec("sea.level", "tides", "reach", "cm", "level", less_is_loss=True)


def facts(report):
    return facts_of_report(report, main_outage(report))


def beside(report, spec, *, fell):
    """The report with a signal of another kind that was watching, and did or did not fall."""
    bins = (report.until_us - report.from_us) // HOUR
    block = SignalBlock((spec,), report.from_us, HOUR, np.ones((1, bins)), np.ones((1, bins)))
    history = replace(report.history, series=(block,))
    number = main_outage(report)
    outages = list(report.outages)
    if fell:
        outages[number] = replace(outages[number], signals=(*outages[number].signals, spec.name))
    return replace(report, history=history, outages=tuple(outages))


def test_the_founding_outage_is_told_in_facts():
    report = build.kp()
    found = facts(report)
    outage = report.outages[main_outage(report)]
    assert found.number("outage.hours") == pytest.approx(outage.duration_us / HOUR)
    assert found.number("outage.depth") == outage.depth
    assert found.number("onset.local_minute") == pytest.approx(75, abs=1)
    assert found.number("before.unstable_hours") > 1
    assert found.number("fell.routing") == 1
    assert not found.knows("fell.probing")
    assert not found.knows("attacks.seen")


def test_what_shook_before_the_window_was_watched():
    report = build.kp()
    number = main_outage(report)
    before = facts(report).number("before.unstable_hours")
    cut = facts(replace(report, from_us=report.outages[number].onset.best_us - HOUR))
    assert before > 1
    assert cut.number("before.watched_hours") == cut.number("before.unstable_hours") == before


def test_a_family_is_measured_where_it_was_watching_and_not_before():
    report = build.kp()
    assert facts(beside(report, PROBES, fell=True)).number("fell.probing") == 1
    stayed = facts(beside(report, PROBES, fell=False))
    assert stayed.number("fell.probing") == 0
    assert explain(stayed).weighed("artefact").net > explain(facts(report)).weighed("artefact").net
    assert facts(beside(report, TIDES, fell=True)).number("fell.tides") == 1  # a family from outside
    blind = beside(report, PROBES, fell=False)
    blank = replace(blind.history.series[0], values=np.full_like(blind.history.series[0].values, np.nan))
    assert not facts(replace(blind, history=replace(blind.history, series=(blank,)))).knows("fell.probing")


def test_a_signal_that_says_nothing_by_a_fall_is_no_family_that_fell():
    spec = SignalSpec("probe.loss", "probing", "none", "%", "mean", less_is_loss=False)
    assert not facts(beside(build.kp(), spec, fell=False)).knows("fell.probing")


def test_an_outage_that_lasts_has_no_length_and_no_return():
    report = build.ongoing()
    found = facts(report)
    assert not found.knows("outage.hours")
    assert not found.knows("after.relapses")
    assert not found.knows("return.seconds")
    assert found.number("outage.lasted_hours") > 0


def around(report, before, after):
    """Whole paths tell of the main outage alone: the ways in before, and at the end."""
    number = main_outage(report)
    outage = report.outages[number]
    told = OutageTransit(
        report.from_us, report.until_us, outage.onset.earliest_us - 1, outage.end.best_us, 4, 4, before, after, (), (),
        (), 0, (), 0,
    )  # fmt: skip
    return replace(report, around=tuple(told if k == number else None for k in range(len(report.outages))))


def test_ways_in_before_and_at_the_end_are_compared():
    report = around(build.kp(), (Entry(4837, 0.9), Entry(22351, 0.1)), (Entry(22351, 1.0),))
    found = facts(report)
    assert found.number("path.largest_share") == 0.9
    assert found.number("path.upstream_changed") == 1
    assert found.by_name["path.upstream_changed"].note == (
        "entered through AS4837 before, through AS22351 when it ended"
    )
    same = facts(around(build.kp(), (Entry(4837, 0.9), Entry(22351, 0.1)), (Entry(4837, 1.0),)))
    assert same.number("path.upstream_changed") == 0


def test_shares_of_time_by_neighbours_are_no_evidence():
    report = build.kp()
    outage = report.outages[main_outage(report)]
    spans = [(report.from_us, outage.onset.best_us, 4837), (outage.end.best_us, report.until_us, 22351)]
    shares = tuple(build.TransitShare(asn, start, stop, 1.0) for start, stop, asn in spans)
    found = facts(replace(report, history=replace(report.history, transit=shares)))
    assert not found.knows("path.largest_share")
    assert not found.knows("path.upstream_changed")


def test_a_way_in_that_is_not_known_afterwards_is_no_change():
    assert not facts(around(build.kp(), (Entry(4837, 1.0),), ())).knows("path.upstream_changed")


def test_a_way_in_of_which_nobody_knows_is_no_neighbour_and_no_change():
    """AS 0 stands for an AS_SET, or for a path that never leaves."""
    unknown = facts(around(build.kp(), (Entry(0, 1.0),), (Entry(0, 1.0),)))
    assert not unknown.knows("path.largest_share")
    assert not unknown.knows("path.upstream_changed")
    after = facts(around(build.kp(), (Entry(4837, 1.0),), (Entry(0, 1.0),)))
    assert after.knows("path.largest_share")
    assert not after.knows("path.upstream_changed")


def test_what_hung_on_one_as_is_a_fact_of_the_outage_it_was_asked_before():
    report = build.kp()
    outage = report.outages[main_outage(report)]
    carriers = tuple(Carrier(asn, outage.onset.earliest_us - 1, share, share) for asn, share in ((4837, 1.0), (7, 0.2)))
    assert facts(replace(report, history=replace(report.history, carriers=carriers))).number("path.single_share") == 1
    assert not facts(report).knows("path.single_share")
    later = tuple(replace(one, time_us=outage.onset.earliest_us + 1) for one in carriers)
    assert not facts(replace(report, history=replace(report.history, carriers=later))).knows("path.single_share")


def test_the_gap_is_to_the_last_outage_that_is_half_a_day_away():
    report = build.kp()
    main = report.outages[main_outage(report)]
    day, hour = (replace(main, onset=build.when(main.onset.best_us - back), score=0.0) for back in (24 * HOUR, HOUR))
    found = facts(replace(report, outages=(day, hour, main)))
    assert found.number("history.gap_days") == 1.0


def test_relabelling_the_country_changes_nothing():
    report = build.kp()
    other = replace(report, entity=Entity("country", "XK", "Another country"))
    found, same = facts(report), facts(other)
    assert found == same
    assert explain(found) == explain(same)


def test_every_report_gives_facts_and_an_explanation():
    for make in (build.kp, build.dj, build.partial, build.national, build.shared, build.spread, build.ongoing,
                 build.large, build.one_family, build.blind, build.quiet, build.explained, build.alone):  # fmt: skip
        report = make()
        for number in range(len(report.outages)):
            explain(facts_of_report(report, number))
    assert main_outage(build.quiet()) is None


def test_networks_that_fell_together_are_counted_with_their_spread():
    report = build.explained()
    found = facts(report)
    assert found.number("networks.known") == report.networks.total
    assert found.number("networks.lost") >= 1
    if found.number("networks.lost") > 1:
        assert 0 <= found.number("networks.spread_min") <= (report.until_us - report.from_us) / MINUTE


def test_impact_counts_people_only_where_a_table_says_how_many():
    report = build.explained()
    without = impact_of(report, main_outage(report))
    assert without.people is None
    assert without.networks == report.networks.total
    asn = report.networks.lost[0].entity.asn
    code = report.entity.code
    table = Users({(code, asn): 1000.0, (code, 64999): 500.0, ("ZZ", asn): 9e9}, {code: 0.4}, "users.csv", "2024-01-01")
    told = impact_of(report, main_outage(report), table)
    depth = max(one.depth for one in report.networks.lost[0].outages)
    assert told.people == pytest.approx(1000 * depth)
    assert told.people_of == 1500
    assert (told.online_share, told.source, told.date) == (0.4, "users.csv", "2024-01-01")
    names = {fact.name: fact for fact in impact_facts(told)}
    assert names["impact.people"].origin == "users.csv"
    assert "estimate" in names["impact.people"].unit
    assert "impact.people" not in {fact.name for fact in impact_facts(without)}
