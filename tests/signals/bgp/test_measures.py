"""What many entities had visible, measured together, against the same one by one and step by step."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.records.prefix import Prefix
from duskwatch.signals.bgp import measures
from duskwatch.signals.bgp.measures import Extent, measure, measure_each
from duskwatch.signals.bgp.votes import Counts, Vote, VoteRows, Votes
from tests.signals.bgp import slow_measures
from tests.signals.bgp.build import same

US, BIN = 1_000_000, 300
# Of the rows, what measuring does not look at.
NOT_READ = ("route", "voter_of", "cells", "held_by", "last", "ever", "complete", "fresh", "routes")
FROM, UNTIL = 1000, 2700  # the last bin is shorter
PREFIXES = ["10.0.0.0/24", "10.0.0.0/25", "10.0.0.0/22", "10.1.0.0/16", "2001:db8::/32", "2001:db8:1::/49", "0.0.0.0/0"]
TIMES = st.sampled_from([0, 900, FROM, FROM + 1, 1299, 1300, 1301, 1900, 2000, 2400, 2699, 2700, 2800])
SPACE = (np.array([0x0A0001, 0x0A0100], np.int64), np.array([0x0A0003, 0x0A0180], np.int64))
SPACE6 = (np.array([0x20010DB80001], np.int64), np.array([0x20010DB80003], np.int64))


def column(rows, k, dtype):
    return np.array([row[k] for row in rows], dtype).reshape(-1)


@st.composite
def drawn(draw):
    """Votes on some units, with steps of voters, and rows or counts of what was said."""
    units = draw(st.lists(st.sampled_from(PREFIXES), max_size=8))
    parsed = [Prefix.parse(text) for text in units]
    unit = st.integers(0, len(units) - 1)
    change = st.tuples(TIMES, unit, st.integers(0, 3), st.integers(0, 9), st.integers(0, 1))
    changes = sorted(draw(st.lists(change, max_size=20)), key=lambda row: row[0]) if units else []
    steps = sorted(draw(st.lists(st.tuples(TIMES, st.integers(0, 3), st.integers(0, 3)), max_size=6)))
    said = draw(st.lists(st.tuples(TIMES, unit, st.sampled_from(list(Vote))), max_size=10)) if units else []
    rows = VoteRows(
        FROM * US,
        column(said, 0, np.int64) * US,
        np.zeros(len(said), np.int32),
        column(said, 1, np.int32),
        column(said, 2, np.uint8),
        **{name: np.zeros(0) for name in NOT_READ},
        sessions=("x",),
    )
    counts = None
    if draw(st.booleans()):
        counted = [(k % max(1, len(units)), k % 6, k, 2 * k) for k in range(6 if units else 0)]
        counts = Counts(BIN * US, *(column(counted, k, np.int32) for k in range(4)))
    numbers = np.arange(len(changes))
    votes = Votes(
        FROM * US,
        UNTIL * US,
        column(parsed, 0, np.uint8),
        column(parsed, 1, np.uint64),
        column(parsed, 2, np.uint64),
        column(parsed, 3, np.uint8),
        column(changes, 0, np.int64) * US,
        column(changes, 1, np.int32),
        column(changes, 2, np.uint8),
        column(changes, 3, np.int32),
        column(changes, 3, np.int32) + 1,
        *(numbers.astype(np.uint32) + k for k in range(3)),
        column(changes, 4, np.uint8),
        column(steps, 0, np.int64) * US,
        column(steps, 1, np.int32),
        column(steps, 2, np.int32),
        rows,
        (),
        False,
        np.ones(len(units), np.bool_),
        np.full(len(units), -1, np.int64),
        counts,
    )
    return votes, np.array(draw(st.lists(st.integers(-1, 3), min_size=len(units), max_size=len(units))), np.int64)


@settings(deadline=None, max_examples=200)
@given(drawn(), st.sampled_from([(None, None), (SPACE, SPACE6)]), st.sampled_from([1, 2, 1024]))
def test_entities_measured_together_are_those_measured_step_by_step(made, space, at_once):
    votes, owner = made
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measures, "ENTITIES_AT_ONCE", at_once)
        found = dict(measure_each(votes, owner, BIN * US, space))
    assert list(found) == sorted({*owner.tolist()} - {-1})
    for one in range(4):  # one of which nothing was heard too
        extent = Extent(owner == one, *space)
        expected = slow_measures.measure(votes, extent, BIN * US)
        assert same(measure(votes, extent, BIN * US), expected) == []
        if one in found:
            assert same(found[one], expected) == []


@settings(deadline=None, max_examples=1)
@given(drawn())
def test_counts_of_other_bins_are_refused(made):
    votes = dataclasses.replace(made[0], counts=Counts(60 * US, *(np.zeros(0, np.int32) for _ in range(4))))
    with pytest.raises(ValueError, match="counted in bins of 60000000 us"):
        measure(votes, Extent(made[1] >= 0), BIN * US)
