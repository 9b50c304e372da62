"""Contradicting records against a slow twin that settles every address by itself."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from duskwatch.sources.reference.overlaps import CountryRecord, settle

records = st.lists(
    st.builds(
        lambda first, length, country, since: CountryRecord(first, first + length, country, since),
        st.integers(0, 60),
        st.integers(0, 30),
        st.sampled_from(["AA", "BB", "CC"]),
        st.sampled_from([0, 20040101, 20100101, 20120101]),
    ),
    max_size=12,
)


def slow_owner(rows, address):
    mine = [row for row in rows if row.first <= address <= row.last]
    return max(mine, key=lambda row: row.since).country if mine else ""  # max takes the first of equals


@given(records)
def test_each_address_goes_to_the_later_record_and_then_to_the_first_named(rows):
    runs, _ = settle(rows)
    owners = {address: run.country for run in runs for address in range(run.first, run.last + 1)}
    assert [owners.get(address, "") for address in range(100)] == [slow_owner(rows, address) for address in range(100)]


@given(records)
def test_runs_are_in_order_apart_and_as_long_as_they_can_be(rows):
    runs, _ = settle(rows)
    for a, b in pairwise(runs):
        assert a.last < b.first
        assert a.last + 1 < b.first or a.country != b.country


@given(records)
def test_contradictions_are_the_records_that_begin_inside_another_countrys(rows):
    ordered = sorted(rows)
    expected = 0
    for n, row in enumerate(ordered):
        expected += any(r.last >= row.first and r.country != row.country for r in ordered[:n])
    assert settle(rows)[1] == expected


@given(records, st.randoms())
def test_the_order_of_records_of_different_dates_does_not_matter(rows, random):
    dated = [CountryRecord(row.first, row.last, row.country, n) for n, row in enumerate(rows)]
    shuffled = random.sample(dated, len(dated))
    assert settle(shuffled) == settle(dated)


def test_space_inside_an_older_delegation_is_cut_out_of_it():
    rows = [CountryRecord(0, 99, "AA", 20040101), CountryRecord(40, 59, "BB", 20100101)]
    assert settle(rows) == ([(0, 39, "AA"), (40, 59, "BB"), (60, 99, "AA")], 1)


def test_a_hundred_thousand_records_on_one_heap_are_settled_quickly():
    rows = [CountryRecord(n, 1_000_000 - n, "AA" if n % 2 else "BB", n) for n in range(100_000)]
    runs, contradictions = settle(rows)
    assert len(runs) == 2 * 100_000 - 1
    assert contradictions == 100_000 - 1
