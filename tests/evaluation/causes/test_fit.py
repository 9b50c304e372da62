"""Weights from labelled events: likelihood ratios, checked against a slow optimiser and against counting."""

import math
from dataclasses import replace

import numpy as np
import pytest

from duskwatch.evaluation.causes import fit as fitting
from duskwatch.evaluation.causes.fit import alone, columns_of, design_of, fit, fitted
from duskwatch.evaluation.causes.labels import labels_of
from duskwatch.evaluation.causes.table import COUNTED, made
from duskwatch.explanation import explain
from duskwatch.explanation.features.clock import ONSET_CLOCK
from duskwatch.explanation.hypotheses import HYPOTHESES
from duskwatch.explanation.weights import Weight, Weights
from tests.evaluation.causes.made import by_chance, listed, row

EVENTS = labels_of(by_chance(), "x").events
KEPT = fitted(EVENTS, HYPOTHESES)
COLUMNS = columns_of()
DESIGN = design_of(EVENTS, COLUMNS)


def test_causes_with_few_events_are_not_estimated():
    assert {one.name for one in KEPT} == {"cable", "government-shutdown", "power"}


def test_marks_that_were_put_in_come_out():
    model = fit(EVENTS, DESIGN, KEPT, COLUMNS)
    where = {name: k for k, name in enumerate(COLUMNS.names)}
    row_of = {one.name: k for k, one in enumerate(KEPT)}
    assert model.weights[row_of["government-shutdown"], where["onset-clock", "on-hour"]] > 0.5
    assert model.weights[row_of["cable"], where["length", "over-24h"]] > 0.5
    assert model.weights[row_of["power"], where["length", "4h-24h"]] > 0.5


def test_ratios_of_likelihoods_average_one_where_no_cause_was_found():
    model = fit(EVENTS, DESIGN, KEPT, COLUMNS)
    for feature in COLUMNS.features:
        at = [k for k, (name, _) in enumerate(COLUMNS.names) if name == feature.name]
        assert model.usual[at].sum() == pytest.approx(1)
        for weights in model.weights[:, at]:
            loose = np.all(np.abs(weights) < fitting.CAP) and not np.any(weights == 0)
            if loose:
                assert np.exp(weights) @ model.usual[at] == pytest.approx(1)


def test_the_optimiser_finds_the_least_loss():
    """Gradient descent, written down plainly, ends where Newton's method does."""
    rng = np.random.default_rng(3)
    inputs = np.column_stack([np.ones(60), rng.integers(0, 2, (60, 3))])
    truth = np.eye(3)[rng.integers(0, 3, 60)]
    each, start = rng.uniform(0.5, 2, 60), np.zeros((2, 4))
    prior = np.eye(8) * 0.7
    quick = fitting._newton(start, inputs, truth, each, prior, np.ones((2, 4), np.bool_))
    slow = np.zeros((2, 4))
    for _ in range(4000):
        scores = np.column_stack([inputs @ slow.T, np.zeros(60)])
        share = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        slow -= 0.01 * (((share - truth)[:, :2] * each[:, None]).T @ inputs + 0.7 * slow)
    assert quick == pytest.approx(slow, abs=1e-5)


def test_what_is_held_fast_stays():
    model = fit(EVENTS, DESIGN, KEPT, COLUMNS)
    at = [k for k, (name, _) in enumerate(COLUMNS.names) if name == "local-hours"]
    row_of = {one.name: k for k, one in enumerate(KEPT)}
    assert np.all(model.weights[row_of["government-shutdown"], at] == 0)
    assert np.any(model.weights[row_of["cable"], at] != 0)


def test_a_state_that_no_event_of_a_cause_shows_never_speaks_for_it():
    model = fit(EVENTS, DESIGN, KEPT, COLUMNS)
    for k, one in enumerate(KEPT):
        mine = DESIGN[[event.cause == one.name for event in EVENTS]]
        assert np.all(model.weights[k, mine.sum(axis=0) == 0] <= 0)


def test_a_feature_that_was_not_measured_moves_nothing():
    model = fit(EVENTS, DESIGN, KEPT, COLUMNS)
    blank = np.zeros((1, DESIGN.shape[1]))
    odds = np.exp(np.append(model.base, 0.0))
    assert model.probabilities(blank)[0] == pytest.approx(odds / odds.sum())


def test_one_ratio_by_itself_counts_countries_the_same():
    many = [
        row(f"2019-01-{day:02}T{hour}", "", "Togo", "Cable-Cut")
        for day, hour in ((d, "01:00:00") for d in range(1, 10))
    ]
    few = [row("2019-02-01T01:20:00", "", "Benin", "Cable-Cut")]  # Benin is an hour ahead: twenty past two
    rest = [row("2019-03-01T01:00:00", "", "Peru"), row("2019-03-02T01:20:00", "", "Cuba")]
    events = labels_of(listed([*many, *few, *rest]), "x").events
    ratio, sample, countries = alone(events, ONSET_CLOCK, "on-hour", "cable")
    assert (sample, countries) == ("9 of 10", 2)
    rest_rate = (1 + 0 + 0.5) / 3
    assert ratio == pytest.approx(math.log((1 + 0 + rest_rate) / 3 / rest_rate))


def test_the_table_gives_the_very_sums_of_the_model():
    """What is evaluated is what is shipped: explain() adds up what the model does."""
    base = Weights({("depth", "total", "power"): Weight(-0.2)}, caps=fitting.CAPS)
    model = fit(EVENTS, DESIGN, KEPT, COLUMNS)
    table = made(EVENTS, base)
    for event, shown in zip(EVENTS[::7], DESIGN[::7], strict=True):
        found = explain(event.facts, weights=table)
        for k, one in enumerate(KEPT):
            assert found.weighed(one.name).net == pytest.approx(model.weights[k].round(2) @ shown, abs=1e-9)


def test_stated_rows_stay_and_counted_ones_are_made_anew():
    stated = Weight(0.7, "stated")
    old = Weight(9.0, COUNTED)
    base = Weights({("depth", "total", "power"): stated, ("length", "1h-4h", "exam-shutdown"): old})
    table = made(EVENTS, base)
    assert table.rows["depth", "total", "power"] == stated
    assert ("length", "1h-4h", "exam-shutdown") not in table.rows
    assert made(EVENTS, table) == table


def test_actors_and_countries_are_no_input():
    """Another name for each country gives the same weights: countries only say which events go together."""
    names = sorted({event.country for event in EVENTS})
    other = dict(zip(names, reversed(names), strict=True))
    turned = [replace(event, country=other[event.country]) for event in EVENTS]
    assert fit(turned, DESIGN, KEPT, COLUMNS).weights == pytest.approx(fit(EVENTS, DESIGN, KEPT, COLUMNS).weights)
