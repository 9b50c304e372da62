"""Facts as values."""

import math

import pytest

from duskwatch.records.evidence import Explanation, Fact, Facts, facts_of


def test_facts_are_added_replaced_and_taken_away_without_changing_what_was():
    first = facts_of(Fact("a", 1.0), Fact("b", 2.0))
    second = first.plus(Fact("b", 3.0, origin="elsewhere"), Fact("c", math.nan))
    assert (first.number("b"), second.number("b")) == (2.0, 3.0)
    assert second.knows("a", "b")
    assert not second.knows("a", "c")
    assert not second.knows("d")
    assert [fact.name for fact in second.without("b", "c")] == ["a"]


def test_absent_nan_and_endless_are_not_measured():
    facts = facts_of(Fact("a", math.nan), Fact("b", math.inf))
    assert all(math.isnan(facts.number(name)) for name in "abc")


def test_an_explanation_without_hypotheses_is_undetermined():
    found = Explanation((), 1.0, (), Facts(), "none")
    assert found.undetermined
    with pytest.raises(KeyError):
        found.weighed("attack")
