"""Columns of records are settled as the records one by one are."""

from hypothesis import given
from hypothesis import strategies as st

from duskwatch.sources.reference.held import HeldTable, code_of, number_of, settle_table
from duskwatch.sources.reference.overlaps import CountryRecord, settle
from tests.sources.reference.test_overlaps import records

BASES = (0, 0xAF2DB000, (1 << 64) - 20, 0x2001_0DB8 << 96)


@given(records, st.sampled_from(BASES), st.sampled_from([1, 1 << 64]))
def test_columns_are_settled_as_records_one_by_one(rows, base, step):
    wide = [CountryRecord(base + r.first * step, base + (r.last + 1) * step - 1, r.country, r.since) for r in rows]
    runs, against = settle_table(HeldTable.of(wide))
    assert (runs.rows(), against) == settle(wide)
    assert len(runs) == len(runs.rows())


@given(records)
def test_records_come_back_from_columns(rows):
    assert HeldTable.of(rows).rows() == rows
    assert HeldTable.join([HeldTable.of(rows[:2]), HeldTable.of(rows[2:])]).rows() == rows


def test_two_letters_are_a_number_that_sorts_as_they_do():
    codes = ["AA", "AZ", "BA", "ZZ"]
    assert sorted(codes, key=number_of) == codes == [code_of(number_of(code)) for code in codes]
