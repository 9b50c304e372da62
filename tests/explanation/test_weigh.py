"""The arithmetic: what moves a verdict, and what cannot."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.explanation import explain
from duskwatch.explanation.features import FEATURES
from duskwatch.explanation.hypotheses import HYPOTHESES
from duskwatch.explanation.hypothesis import Hypothesis
from duskwatch.explanation.weigh import TELLS
from duskwatch.explanation.weights import Weights, read_weights, shipped_weights
from duskwatch.records.evidence import Fact, Facts, facts_of
from tests.explanation.made import MOON, TIDE, TIDES, some_facts

SEEDS = st.integers(0, 10_000)


def slow_net(facts, table):
    """The sums again, straight from the table: of each group the feature whose numbers lie furthest apart."""
    groups = {}
    for feature in sorted(FEATURES, key=lambda one: one.name):
        state = feature.read(facts)
        if state is None:
            continue
        row = {
            one.name: table.rows[key].llr if (key := (feature.name, state, one.name)) in table.rows else 0.0
            for one in HYPOTHESES
        }
        cap = table.caps.get(feature.name, table.cap)
        row = {name: min(max(value, -cap), cap) for name, value in row.items()}
        spread = (not feature.coarse, max([0.0, *row.values()]) - min([0.0, *row.values()]))
        if feature.group not in groups or spread > groups[feature.group][0]:
            groups[feature.group] = (spread, row)
    return {one.name: math.fsum(row[one.name] for _, row in groups.values()) for one in HYPOTHESES}


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_sums_are_those_of_the_table(seed):
    facts = some_facts(seed)
    found = explain(facts)
    assert {one.hypothesis: one.net for one in found.hypotheses} == slow_net(facts, shipped_weights())
    for one in found.hypotheses:
        assert one.net == pytest.approx(one.speaks_for + one.speaks_against)
    assert sum(one.share for one in found.hypotheses) + found.undetermined_share == pytest.approx(1)


@given(SEEDS, st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_the_order_of_features_hypotheses_and_facts_changes_nothing(seed, dice):
    facts = some_facts(seed)
    features, hypotheses, items = list(FEATURES), list(HYPOTHESES), list(facts)
    for each in (features, hypotheses, items):
        dice.shuffle(each)
    again = explain(facts_of(*items), features=features, hypotheses=hypotheses)
    assert again == explain(facts)


@given(SEEDS, st.integers(0, len(FEATURES) - 1))
@settings(max_examples=25, deadline=None)
def test_what_is_dropped_moves_the_sums_by_its_group_alone(seed, dropped):
    facts, gone = some_facts(seed), FEATURES[dropped]
    before, after = explain(facts), explain(facts, features=[one for one in FEATURES if one is not gone])
    for one in before.hypotheses:
        left = after.weighed(one.hypothesis)
        of_group = sum(each.weight for each in one.evidence if each.counted and each.group == gone.group)
        of_group_left = sum(each.weight for each in left.evidence if each.counted and each.group == gone.group)
        assert left.net - of_group_left == pytest.approx(one.net - of_group)
    if gone.read(facts) is None:
        assert after.hypotheses == before.hypotheses or any(gone.name in one.untested for one in before.hypotheses)


@given(SEEDS, st.sampled_from(["sky.moon", "made.up", "fell.tides"]), st.floats(allow_nan=True))
@settings(max_examples=15, deadline=None)
def test_a_fact_that_no_feature_reads_changes_nothing(seed, name, value):
    facts = some_facts(seed)
    assert explain(facts.plus(Fact(name, value))).hypotheses == explain(facts).hypotheses


@given(SEEDS)
@settings(max_examples=12, deadline=None)
def test_a_useless_feature_changes_no_sum_and_no_verdict(seed):
    facts = some_facts(seed).plus(Fact("sky.moon", 1.0))
    with_moon, without = explain(facts, features=(*FEATURES, MOON)), explain(facts)
    assert with_moon.hypotheses == without.hypotheses


@given(SEEDS)
@settings(max_examples=12, deadline=None)
def test_a_fact_of_nan_is_an_absent_fact(seed):
    facts = some_facts(seed)
    names = sorted({name for feature in FEATURES for name in feature.facts} - set(facts.by_name))
    blank = facts.plus(*(Fact(name, math.nan) for name in names))
    assert explain(blank).hypotheses == explain(facts).hypotheses
    assert explain(blank).not_measured == explain(facts).not_measured


@given(SEEDS)
@settings(max_examples=4, deadline=None)
def test_what_was_not_measured_names_how_far_each_answer_could_move_a_sum(seed):
    facts = some_facts(seed)
    found = explain(facts)
    silent = {one.feature: one for one in found.not_measured}
    assert set(silent) == {one.name for one in FEATURES if one.read(facts) is None}
    for feature in FEATURES:
        if feature.name not in silent:
            continue
        told = {move.hypothesis: move for move in silent[feature.name].moves}
        for state in feature.states:
            answered = replace(feature, read=lambda _, state=state: state)
            then = explain(facts, features=[answered if one is feature else one for one in FEATURES])
            for one in then.hypotheses:
                change = one.net - found.weighed(one.hypothesis).net
                turned = one.verdict != found.weighed(one.hypothesis).verdict
                assert not turned or told[one.hypothesis].turns
                if one.hypothesis in told:
                    assert told[one.hypothesis].least - 1e-9 <= change <= told[one.hypothesis].most + 1e-9
                else:
                    assert change == 0


def test_without_facts_everything_is_open_and_nothing_is_said():
    found = explain(Facts())
    assert found.undetermined
    assert {one.verdict for one in found.hypotheses} == {"not testable from these data"}
    assert {one.net for one in found.hypotheses} == {0.0}
    assert len(found.not_measured) == len(FEATURES)


def test_a_hypothesis_and_a_feature_from_outside_are_weighed_like_any_other():
    facts = facts_of(Fact("sky.moon", 1.0, origin="almanac"))
    weights = shipped_weights().merged(TIDES)
    found = explain(facts, features=(*FEATURES, MOON), hypotheses=(*HYPOTHESES, TIDE), weights=weights)
    tide = found.weighed("tide")
    assert (tide.verdict, tide.net) == ("consistent with", 1.5)
    assert (tide.evidence[0].source, tide.evidence[0].sample) == ("almanac", "3")
    assert found.weights == "weights.toml + tide.toml"
    new = explain(
        facts.without("sky.moon"), features=(*FEATURES, MOON), hypotheses=(*HYPOTHESES, TIDE), weights=weights
    )
    assert new.weighed("tide").verdict == "not testable from these data"


def test_no_feature_says_more_than_its_cap():
    weights = Weights(read_weights("[weight.moon.full]\ntide = 99\n", "x").rows, caps={"moon": 1.25})
    facts = facts_of(Fact("sky.moon", 1.0))
    assert explain(facts, features=[MOON], hypotheses=[TIDE], weights=weights).weighed("tide").net == 1.25
    weights = replace(weights, caps={})
    assert explain(facts, features=[MOON], hypotheses=[TIDE], weights=weights).weighed("tide").net == weights.cap


def test_verdicts_turn_at_a_ratio_of_two():
    facts = facts_of(Fact("sky.moon", 1.0))
    for llr, verdict in ((TELLS, "consistent with"), (0.5, "undetermined"), (-0.5, "undetermined"), (-TELLS, "weak")):
        weights = read_weights(f"[weight.moon.full]\ntide = {llr}\n", "x")
        assert explain(facts, features=[MOON], hypotheses=[TIDE], weights=weights).weighed("tide").verdict == verdict


def test_only_the_answer_that_decides_makes_a_hypothesis_testable():
    picky = Hypothesis("tide", "Spring tide", "", ("moon=full",))
    facts = facts_of(Fact("sky.moon", 0.0))
    assert explain(facts, features=[MOON], hypotheses=[picky]).weighed("tide").verdict.startswith("not testable")
    assert explain(facts, features=[MOON], hypotheses=[TIDE]).weighed("tide").verdict == "undetermined"


def test_two_of_one_name_are_a_fault_of_the_caller():
    with pytest.raises(ValueError, match="two of the name 'moon'"):
        explain(Facts(), features=[MOON, MOON])
    with pytest.raises(ValueError, match="two of the name 'tide'"):
        explain(Facts(), hypotheses=[TIDE, TIDE])
    with pytest.raises(ValueError, match="cannot be one"):
        explain(Facts(), hypotheses=[replace(TIDE, name="undetermined")])
