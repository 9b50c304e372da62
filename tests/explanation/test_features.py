"""Every feature: what it reads, what it answers, and that it answers nothing without facts."""

import importlib
import pkgutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.explanation import features, hypotheses
from duskwatch.explanation.feature import Feature
from duskwatch.explanation.features import FEATURES
from duskwatch.explanation.hypotheses import HYPOTHESES
from duskwatch.explanation.weights import shipped_weights
from duskwatch.records.evidence import Fact, Facts, facts_of

BY_NAME = {one.name: one for one in FEATURES}

# What must be answered to which facts.
ANSWERS = [
    ("onset-clock", "on-hour", {"onset.local_minute": 120, "onset.width_min": 5}),
    ("onset-clock", "on-hour", {"onset.local_minute": 116, "onset.width_min": 5}),
    ("onset-clock", "half-hour", {"onset.local_minute": 154, "onset.width_min": 0}),
    ("onset-clock", "other", {"onset.local_minute": 75, "onset.width_min": 8}),
    ("onset-clock", None, {"onset.local_minute": 120, "onset.width_min": 11}),
    ("onset-clock", None, {"onset.local_minute": 120}),
    ("local-hours", "night", {"onset.local_minute": 0}),
    ("local-hours", "working-hours", {"onset.local_minute": 8 * 60}),
    ("local-hours", "morning-evening", {"onset.local_minute": 18 * 60}),
    ("length", "up-to-1h", {"outage.hours": 1}),
    ("length", "1h-4h", {"outage.hours": 3.9}),
    ("length", "4h-24h", {"outage.hours": 4}),
    ("length", "over-24h", {"outage.hours": 24}),
    ("length", "over-24h", {"outage.lasted_hours": 25}),
    ("length", None, {"outage.lasted_hours": 5}),
    ("round-length", "half-hours", {"outage.hours": 4.55, "onset.width_min": 5, "end.width_min": 5}),
    ("round-length", "other", {"outage.hours": 4.7, "onset.width_min": 5, "end.width_min": 5}),
    ("round-length", None, {"outage.hours": 4.5, "onset.width_min": 9, "end.width_min": 5}),
    ("came-back", "within-a-day", {"outage.hours": 23}),
    ("came-back", "later-or-not", {"outage.lasted_hours": 30}),
    ("recurrence", "exact-days", {"history.gap_days": 3 + 9 / 1440}),
    ("recurrence", "other", {"history.gap_days": 3 + 11 / 1440}),
    ("recurrence", "other", {"history.gap_days": 5}),
    ("families", "all", {"fell.routing": 1, "fell.probing": 1}),
    ("families", "some", {"fell.routing": 1, "fell.probing": 1, "fell.telescope": 0}),
    ("families", "routing-only", {"fell.routing": 1, "fell.probing": 0}),
    ("families", "not-routing", {"fell.routing": 0, "fell.traffic": 1}),
    ("families", None, {"fell.routing": 1}),
    ("families", None, {"fell.routing": 0, "fell.probing": 0}),
    ("instability-before", "long", {"before.unstable_hours": 1}),
    ("instability-before", "short", {"before.unstable_hours": 0.5}),
    ("instability-before", "none", {"before.unstable_hours": 0, "before.watched_hours": 6}),
    ("instability-before", None, {"before.unstable_hours": 0, "before.watched_hours": 5}),
    ("fall", "at-once", {"fall.seconds": 5}),
    ("fall", "minutes", {"fall.seconds": 1000}),
    ("fall", "slow", {"fall.seconds": 9000}),
    ("depth", "total", {"outage.depth": 1}),
    ("depth", "most", {"outage.depth": 0.5}),
    ("depth", "part", {"outage.depth": 0.3}),
    ("relapses", "relapsed", {"after.relapses": 1}),
    ("relapses", "held", {"after.relapses": 0, "after.watched_hours": 6}),
    ("relapses", None, {"after.relapses": 0, "after.watched_hours": 1}),
    ("return-shape", "ragged", {"return.unstable": 1, "return.seconds": 3}),
    ("return-shape", "clean", {"return.unstable": 0, "return.seconds": 3}),
    ("return-shape", "stepwise", {"return.seconds": 7200}),
    ("return-shape", "long-tail", {"return.seconds": 8 * 3600}),
    ("dependence", "single", {"path.largest_share": 1}),
    ("dependence", "several", {"path.largest_share": 0.6}),
    ("dependence", "single", {"path.largest_share": 0.6, "path.single_share": 0.97}),
    ("dependence", "several", {"path.single_share": 0.5}),
    ("networks", "one-of-many", {"networks.known": 9, "networks.lost": 1}),
    ("networks", "together", {"networks.known": 9, "networks.lost": 5, "networks.spread_min": 3}),
    ("networks", "apart", {"networks.known": 9, "networks.lost": 5, "networks.spread_min": 90}),
    ("networks", None, {"networks.known": 1, "networks.lost": 1}),
    ("neighbours", "fell", {"neighbours.fell_share": 0.5}),
    ("neighbours", "stayed", {"neighbours.fell_share": 0}),
    ("neighbours", None, {"neighbours.fell_share": 0.2}),
    ("witnesses", "no-doubt", {"recording.doubt": 0}),
    ("witnesses", "blurred", {"recording.doubt": 1}),
    ("witnesses", "in-doubt", {"recording.doubt": 2}),
    ("elsewhere", "much", {"recording.elsewhere_share": 0.3}),
    ("elsewhere", "little", {"recording.elsewhere_share": 0}),
    ("route-validity", "invalid", {"rpki.invalid_share": 1}),
    ("route-validity", "not-invalid", {"rpki.invalid_share": 0.2}),
    ("prefixes-moved", "moved", {"prefixes.moved_share": 0.9}),
    ("prefixes-moved", "stayed", {"prefixes.moved_share": 0}),
]


@pytest.mark.parametrize(("name", "state", "values"), ANSWERS)
def test_each_answer_has_its_facts(name, state, values):
    assert BY_NAME[name].read(facts_of(*(Fact(key, float(value)) for key, value in values.items()))) == state


def test_every_state_of_every_feature_can_be_reached():
    reached = {(name, state) for name, state, _ in ANSWERS}
    for one in FEATURES:
        if len(one.facts) == 1 and len(one.states) == 2:
            for value in (1.0, 0.0):
                reached.add((one.name, one.read(facts_of(Fact(one.facts[0], value)))))
    assert {(one.name, state) for one in FEATURES for state in one.states} <= reached


@given(st.dictionaries(st.sampled_from(sorted({n for f in FEATURES for n in f.facts})), st.floats()))
@settings(max_examples=200, deadline=None)
def test_any_numbers_give_a_state_or_none(values):
    facts = facts_of(*(Fact(name, value) for name, value in values.items()))
    for one in FEATURES:
        assert one.read(facts) in (None, *one.states)
        assert one.read(Facts()) is None
        assert one.read(facts.without(*one.facts)) is None


def test_each_feature_is_told_with_what_it_can_and_cannot_show():
    for one in FEATURES:
        assert one.title.endswith("?")
        assert one.shows.endswith(".")
        assert one.limits.endswith(".")
        assert one.facts


def test_every_file_of_a_feature_and_a_hypothesis_is_in_its_registry():
    for package, kind, registry in ((features, "FEATURES", FEATURES), (hypotheses, None, HYPOTHESES)):
        for module in pkgutil.iter_modules(package.__path__):
            found = importlib.import_module(f"{package.__name__}.{module.name}")
            ones = getattr(found, kind) if kind else [getattr(found, module.name.upper())]
            assert set(ones) <= set(registry)


def test_weights_and_decisive_features_name_what_there_is():
    states = {(one.name, state) for one in FEATURES for state in one.states}
    names = {one.name for one in HYPOTHESES}
    for feature, state, hypothesis in shipped_weights().rows:
        assert (feature, state) in states
        assert hypothesis in names
    assert {feature for feature, _, _ in shipped_weights().rows} == set(BY_NAME)
    for one in HYPOTHESES:
        for decisive in one.decisive:
            feature, _, state = decisive.partition("=")
            assert feature in BY_NAME
            assert state in ("", *BY_NAME[feature].states)


def test_every_source_of_a_weight_is_told():
    table = shipped_weights()
    used = {row.source for row in (*table.rows.values(), *table.base.values())}
    assert used <= set(table.sources)
    for row in table.rows.values():
        assert abs(row.llr) <= max(table.cap, *table.caps.values())


def test_a_feature_with_one_state_is_refused():
    with pytest.raises(ValueError, match="at least two"):
        Feature("x", "?", "x", (), ("a", "a"), lambda _: None, "", "")
