"""Ranges of countries against a slow twin in plain integers."""

import ipaddress
import random
from itertools import pairwise
from time import perf_counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from duskwatch.records.countries import AsnCountries, CountryRanges
from duskwatch.records.prefix import Prefix

ONES = (1 << 64) - 1


def ranges(*rows: tuple[str, str, str]) -> CountryRanges:
    """Rows of (first address, last address, code)."""
    plain = []
    for first, last, code in rows:
        a, b = ipaddress.ip_address(first), ipaddress.ip_address(last)
        spare = 96 if a.version == 4 else 0
        plain.append((1 if a.version == 4 else 2, int(a) << spare, ((int(b) + 1) << spare) - 1, code))
    return from_integers(plain)


def from_integers(rows: list[tuple[int, int, int, str]]) -> CountryRanges:
    """Rows of (afi, first, last, code), left-aligned integers of 128 bits."""
    rows = sorted(rows)
    codes = tuple(sorted({row[3] for row in rows}))
    return CountryRanges(
        afi=np.array([row[0] for row in rows], dtype=np.uint8),
        first_hi=np.array([row[1] >> 64 for row in rows], dtype=np.uint64),
        first_lo=np.array([row[1] & ONES for row in rows], dtype=np.uint64),
        last_hi=np.array([row[2] >> 64 for row in rows], dtype=np.uint64),
        last_lo=np.array([row[2] & ONES for row in rows], dtype=np.uint64),
        country=np.array([codes.index(row[3]) for row in rows], dtype=np.int32),
        countries=codes,
    )


def holders(table: CountryRanges, prefixes: list[Prefix]) -> list[str]:
    found = table.countries_of(
        np.array([p.afi for p in prefixes], dtype=np.uint8),
        np.array([p.hi for p in prefixes], dtype=np.uint64),
        np.array([p.lo for p in prefixes], dtype=np.uint64),
        np.array([p.length for p in prefixes], dtype=np.uint8),
    )
    assert found.dtype == np.int32
    return [table.countries[i] if i >= 0 else "" for i in found]


def slow_holder(table: CountryRanges, prefix: Prefix) -> str:
    held: dict[int, int] = {}
    for i in range(len(table)):
        if table.afi[i] != prefix.afi:
            continue
        first = int(table.first_hi[i]) << 64 | int(table.first_lo[i])
        last = int(table.last_hi[i]) << 64 | int(table.last_lo[i])
        common = min(last, prefix.last) - max(first, prefix.first) + 1
        if common > 0:
            held[int(table.country[i])] = held.get(int(table.country[i]), 0) + common
    size = prefix.last - prefix.first + 1
    return next((table.countries[i] for i, n in held.items() if 2 * n > size), "")


@st.composite
def tables(draw):
    """A few ranges of one family with edges on a grid, and prefixes about the same grid."""
    afi = draw(st.sampled_from([1, 2]))
    grid = draw(st.integers(96, 122) if afi == 1 else st.integers(0, 122))  # edges are multiples of 2**grid
    base = draw(st.sampled_from([0, 1 if grid < 122 else 0, (1 << (122 - grid)) - 1])) << (grid + 6)
    cuts = sorted(draw(st.sets(st.integers(0, 64), max_size=16)))
    rows = []
    for a, b in pairwise(cuts):
        code = draw(st.sampled_from(["AA", "BB", "CC", ""]))
        if code:
            rows.append((afi, base + (a << grid), base + (b << grid) - 1, code))
    longest = 32 if afi == 1 else 128
    prefixes = []
    for _ in range(draw(st.integers(1, 6))):
        length = draw(st.one_of(st.integers(max(0, 122 - grid), min(longest, 130 - grid)), st.integers(0, longest)))
        address = min(base + draw(st.integers(0, 64 << grid)), (1 << 128) - 1)
        address = address >> (128 - length) << (128 - length)
        prefixes.append(Prefix(afi, address >> 64, address & ONES, length))
    return from_integers(rows), prefixes


@given(tables())
def test_a_prefix_belongs_to_the_country_that_holds_more_than_half_as_the_slow_twin_says(case):
    table, prefixes = case
    assert holders(table, prefixes) == [slow_holder(table, prefix) for prefix in prefixes]


@given(tables())
def test_what_touches_no_range_of_a_country_is_not_its_own(case):
    table, prefixes = case
    columns = [np.array([getattr(p, name) for p in prefixes], kind) for name, kind in
               (("afi", np.uint8), ("hi", np.uint64), ("length", np.uint8))]  # fmt: skip
    for code in ("AA", "BB", "DD"):
        touched = table.touching(code)(*columns)
        for prefix, touches in zip(prefixes, touched.tolist(), strict=True):
            met = any(
                table.afi[i] == prefix.afi
                and table.countries[table.country[i]] == code
                and int(table.first_hi[i]) <= prefix.last >> 64
                and prefix.hi <= int(table.last_hi[i])
                for i in range(len(table))
            )
            assert touches == met
            assert touches or slow_holder(table, prefix) != code


@pytest.mark.parametrize("word", [0, 32, 64, 96])
def test_sums_are_exact_where_they_cross_the_words_of_the_machine(word):
    rng = random.Random(word)
    for _ in range(40):
        grid = word + rng.randint(0 if word == 0 else -5, 2)
        base = 0x2001 << 112 | rng.getrandbits(20) << (grid + 6)
        cuts = sorted(rng.sample(range(65), 24))
        codes = [rng.choice(["AA", "AA", "BB", ""]) for _ in cuts]
        table = from_integers(
            [
                (2, base + (a << grid), base + (b << grid) - 1, c)
                for (a, b), c in zip(pairwise(cuts), codes, strict=False)
                if c
            ]
        )
        prefixes = [
            Prefix(2, (base + (n << grid + bits)) >> 64, (base + (n << grid + bits)) & ONES, 128 - grid - bits)
            for bits in range(1, 7)
            for n in range(64 >> bits)
        ]
        assert holders(table, prefixes) == [slow_holder(table, prefix) for prefix in prefixes]


@given(tables())
def test_an_address_is_looked_up_as_the_slow_twin_says(case):
    table, prefixes = case
    afi = np.array([p.afi for p in prefixes], dtype=np.uint8)
    hi = np.array([p.hi for p in prefixes], dtype=np.uint64)
    lo = np.array([p.lo for p in prefixes], dtype=np.uint64)
    hosts = [Prefix(p.afi, p.hi, p.lo, 128) for p in prefixes]
    assert table.lookup(afi, hi, lo).tolist() == [slow_holder(table, host) for host in hosts]


@given(tables(), st.sampled_from(["AA", "BB"]))
def test_blocks_are_counted_as_the_slow_twin_says(case, code):
    table, _ = case
    afi = int(table.afi[0]) if len(table) else 1
    length = 24 if afi == 1 else 48
    step = 1 << (128 - length)
    held = list(zip(*table.ranges_of(code, afi), strict=True))
    blocks = set()
    for first_hi, first_lo, last_hi, last_lo in held:
        first, last = int(first_hi) << 64 | int(first_lo), int(last_hi) << 64 | int(last_lo)
        assume((last - first) // step < 300)
        blocks |= set(range(first // step, last // step + 1))
    expected = sum(
        slow_holder(table, Prefix(afi, block * step >> 64, block * step & ONES, length)) == code for block in blocks
    )
    assert (table.slash24_count(code) if afi == 1 else table.slash48_count(code)) == expected


def test_exactly_half_of_a_prefix_is_not_enough():
    table = ranges(("10.0.0.0", "10.0.0.127", "AA"))
    assert holders(table, [Prefix.parse("10.0.0.0/24"), Prefix.parse("10.0.0.0/25")]) == ["", "AA"]


def test_scattered_pieces_of_one_country_add_up():
    table = ranges(
        ("10.0.0.0", "10.0.0.99", "AA"), ("10.0.0.100", "10.0.0.149", "BB"), ("10.0.0.200", "10.0.0.255", "AA")
    )
    assert holders(table, [Prefix.parse("10.0.0.0/24")]) == ["AA"]


def test_everything_belongs_to_no_country():
    table = ranges(
        ("1.0.0.0", "1.255.255.255", "AA"), ("2.0.0.0", "2.255.255.255", "BB"), ("2001:db8::", "2001:db9::", "AA")
    )
    assert holders(table, [Prefix.parse("0.0.0.0/0"), Prefix.parse("::/0")]) == ["", ""]


def test_one_country_that_holds_every_address_has_the_whole_of_both_families():
    table = ranges(("0.0.0.0", "255.255.255.255", "AA"), ("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "AA"))
    assert holders(table, [Prefix.parse("0.0.0.0/0"), Prefix.parse("::/0")]) == ["AA", "AA"]
    two = ranges(
        ("::", "7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "AA"),
        ("8000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "AA"),
    )
    assert holders(two, [Prefix.parse("::/0")]) == ["AA"]


def test_families_do_not_mix():
    table = ranges(("10.0.0.0", "10.255.255.255", "AA"))
    assert holders(table, [Prefix(2, 10 << 56, 0, 24)]) == [""]
    assert "AA" in table
    assert "BB" not in table


def test_an_empty_table_answers_nobody():
    table = from_integers([])
    assert holders(table, [Prefix.parse("10.0.0.0/8")]) == [""]
    assert table.lookup(1, 0, 0).tolist() == [""]
    assert table.slash24_count("KP") == 0
    assert all(column.size == 0 for column in table.ranges_of("KP", 1))


def test_a_country_without_a_whole_slash24_has_it_by_the_larger_part():
    table = ranges(
        ("10.0.0.0", "10.0.0.199", "AA"), ("10.0.0.200", "10.0.1.255", "BB"), ("10.0.2.0", "10.0.2.15", "AA")
    )
    assert table.slash24_count("AA") == 1
    assert table.slash24_count("BB") == 1


def test_six_hundred_thousand_prefixes_take_well_under_a_second():
    rng = np.random.default_rng(7)
    edges = np.sort(rng.choice(1 << 24, 200_001, replace=False)).astype(np.uint64) << np.uint64(40)
    rows = edges.size - 1
    table = CountryRanges(
        afi=np.ones(rows, dtype=np.uint8),
        first_hi=edges[:-1],
        first_lo=np.zeros(rows, dtype=np.uint64),
        last_hi=edges[1:] - np.uint64(1),
        last_lo=np.full(rows, ONES, dtype=np.uint64),
        country=rng.integers(0, 200, rows, dtype=np.int32),
        countries=tuple(f"{chr(65 + i // 26)}{chr(65 + i % 26)}" for i in range(200)),
    )
    length = rng.choice(np.arange(16, 25, dtype=np.uint8), 600_000, p=[0.02] * 4 + [0.05] * 3 + [0.17, 0.6])
    hi = rng.integers(0, 1 << 24, length.size, dtype=np.uint64) << np.uint64(40)
    hi = hi >> (64 - length).astype(np.uint64) << (64 - length).astype(np.uint64)
    afi, lo = np.ones(length.size, dtype=np.uint8), np.zeros(length.size, dtype=np.uint64)
    start = perf_counter()
    found = table.countries_of(afi, hi, lo, length)
    assert perf_counter() - start < 5  # ten times what it takes alone: the machine may be busy
    for i in rng.choice(length.size, 20, replace=False):
        nearby = np.flatnonzero(np.abs(table.first_hi.astype(float) - float(hi[i])) < 2.0**50)
        part = slice(max(0, int(nearby[0]) - 1), int(nearby[-1]) + 1) if nearby.size else slice(0, 0)
        few = CountryRanges(
            *(
                c[part]
                for c in (table.afi, table.first_hi, table.first_lo, table.last_hi, table.last_lo, table.country)
            ),
            table.countries,
        )
        assert (few.countries[found[i]] if found[i] >= 0 else "") == slow_holder(
            few, Prefix(1, int(hi[i]), 0, int(length[i]))
        )


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([(1, 10, 20, "AA"), (1, 20, 30, "BB")], "overlap"),
        ([(1, 30, 20, "AA")], "sorted or overlap"),
        ([(3, 10, 20, "AA")], "neither 1 nor 2"),
    ],
)
def test_ranges_out_of_order_are_refused(rows, reason):
    with pytest.raises(ValueError, match=reason):
        from_integers(rows)


def test_a_prefix_length_above_128_is_refused():
    table = ranges(("10.0.0.0", "10.0.0.127", "AA"))
    with pytest.raises(ValueError, match="128"):
        holders(table, [Prefix(1, 0, 0, 129)])


def test_as_numbers_are_kept_as_runs():
    asn = AsnCountries([(5, 5, "AA"), (10, 4_000_000_000, "BB")])
    assert (asn[5], asn[10], asn[4_000_000_000], asn.get(6), asn.get(4_000_000_001)) == ("AA", "BB", "BB", None, None)
    assert len(asn) == 4_000_000_000 - 10 + 2
    assert asn.runs_of("AA") == ((5, 5),)
    with pytest.raises(ValueError, match="overlap"):
        AsnCountries([(5, 9, "AA"), (9, 10, "BB")])
