"""Held-out scores: who was held out, and what the figures are."""

import math
import os

import numpy as np
import pytest

from duskwatch.evaluation.causes.labels import LabelsError, labels_of
from duskwatch.evaluation.causes.regression import scikit_learn
from duskwatch.evaluation.causes.run import broken, document, run
from duskwatch.evaluation.causes.score import deals, evaluate, reliability
from duskwatch.explanation.weights import dump_weights, read_weights, shipped_weights
from tests.evaluation.causes.made import by_chance, listed, row

LIST = "events/ioda-investigated-2018-2020.csv"


def test_each_country_is_in_one_part_of_each_deal():
    countries = [f"C{k}" for k in range(23)]
    for deal in deals(countries, 5, 4):
        assert sorted(code for part in deal for code in part) == sorted(countries)
    assert deals(countries, 5, 4) == deals(list(reversed(countries)), 5, 4)


def test_reliability_is_counted_in_bins():
    said = np.array([0.05, 0.15, 0.12, 1.0])
    came = np.array([False, True, False, True])
    bins = reliability(said, came)
    assert [(round(b.said, 3), b.came, b.forecasts) for b in bins] == [(0.05, 0, 1), (0.135, 0.5, 2), (1.0, 1, 1)]


def test_base_rates_score_their_entropy_where_countries_are_alike():
    rows = []
    for number, country in enumerate(["Togo", "Benin", "Gabon", "Haiti", "Niger", "Kenya"]):
        for day in range(1, 13):
            cause = ["Cable-Cut", "Power-Outage", ""][day % 3]
            rows.append(row(f"2019-{number + 1:02}-{day:02}T01:20:00", "", country, cause))
    scores = evaluate(labels_of(listed(rows), "x").events, parts=3, repeats=1)
    (base,) = [one for one in scores if (one.question, one.forecaster) == ("cause", "base rates")]
    assert base.log_score == pytest.approx(math.log(3), abs=1e-6)
    assert (base.events, base.countries) == (72, 6)


def test_weights_beat_base_rates_on_countries_they_never_saw():
    scores = evaluate(labels_of(by_chance(), "x").events, parts=4, repeats=2)
    for question in ("cause", "known", "ordered"):
        ours, base = (next(s for s in scores if (s.question, s.forecaster) == (question, who)) for who in
                      ("weights", "base rates"))  # fmt: skip
        assert ours.log_score < base.log_score


def test_a_list_that_is_too_short_is_named():
    events = labels_of(listed([row("2019-01-01T00:00:00", "", "Togo")]), "short.csv")
    with pytest.raises(LabelsError, match="cannot be dealt into 5 parts"):
        run(events, shipped_weights(), parts=5, repeats=1)
    many = listed([row("2019-01-01T00:00:00", "", name) for name in ("Togo", "Benin", "Peru", "Cuba", "Fiji")])
    with pytest.raises(LabelsError, match="fewer than two causes"):
        run(labels_of(many, "short.csv"), shipped_weights(), parts=5, repeats=1)


def test_the_weights_hold_on_held_out_countries_of_the_real_list(shared_data):
    """Better than base rates and calibrated; no worse than a plain logistic regression, where that is asked for."""
    from duskwatch.evaluation.causes.labels import read_labels

    labels = read_labels(shared_data / LIST)
    rival = scikit_learn() if os.environ.get("DUSKWATCH_ALL_FILES") else None
    result = run(labels, shipped_weights(), parts=5, repeats=10, regression=rival)
    assert broken(result) == []
    told = document(result)
    assert told["events"] == 664
    assert told["countries"] == 139
    assert told["causes"]["exam-shutdown"] == 56
    verdicts = told["verdicts"]
    assert 0.5 < verdicts["undetermined"] / verdicts["events"] < 0.9
    assert verdicts["cause_open"] > 0.5 * (verdicts["known"] - verdicts["cause_untestable"])


def test_the_shipped_table_is_what_the_command_makes(shared_data):
    from duskwatch.evaluation.causes.labels import read_labels
    from duskwatch.evaluation.causes.table import COUNTED, made

    shipped = shipped_weights()
    stated = {key: row for key, row in shipped.rows.items() if row.source != COUNTED}
    bare = type(shipped)(stated, {}, shipped.sources, shipped.cap, shipped.caps, shipped.name)
    again = made(read_labels(shared_data / LIST).events, bare)
    assert list(again.rows) == list(shipped.rows)
    assert list(again.base) == list(shipped.base)
    for ours, theirs in ((again.rows, shipped.rows), (again.base, shipped.base)):
        for key, shown in theirs.items():
            mine = ours[key]
            assert (mine.source, mine.sample) == (shown.source, shown.sample)
            assert mine.llr == pytest.approx(shown.llr, abs=0.011)  # the last digit may fall either way elsewhere
            assert (mine.alone is None) == (shown.alone is None)
            assert mine.alone is None or mine.alone == pytest.approx(shown.alone, abs=0.011)
    assert read_weights(dump_weights(again), again.name).sources == shipped.sources


def test_ratios_by_themselves_are_close_to_the_published_ones(shared_data):
    """research: pooled over both sorts of shutdowns, countries the same: on the hour 2.1 times, exact days 34 times."""
    table = shipped_weights()
    assert math.exp(table.rows["onset-clock", "on-hour", "government-shutdown"].alone) == pytest.approx(2.1, rel=0.35)
    exact = table.rows["recurrence", "exact-days", "exam-shutdown"].alone
    assert math.exp(exact) == pytest.approx(34, rel=0.35)
