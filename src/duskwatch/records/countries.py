"""Who holds which addresses: ranges of both address families, each with a country, and the questions asked of them.

The rule for prefixes, stated once: **a prefix belongs to the country that holds more than half of its addresses**.
So an aggregate of many countries, or 0.0.0.0/0, belongs to none, and neither does a prefix of which exactly half is
delegated. All arithmetic is exact, in 128 bits, for both address families.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from duskwatch.records.report import InputFile

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Text = npt.NDArray[np.str_]
Bool = npt.NDArray[np.bool_]

_ONES = (1 << 64) - 1
_LOW32 = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_PAIRS_AT_ONCE = 4_000_000  # (prefix, range) pairs unfolded at a time; bounds memory on hostile tables


def _table(of_length: Iterator[int]) -> tuple[U64, U64]:
    values = list(of_length)
    high = np.array([value >> 64 for value in values], dtype=np.uint64)
    return high, np.array([value & _ONES for value in values], dtype=np.uint64)


_HOST_HI, _HOST_LO = _table((1 << (128 - n)) - 1 for n in range(129))  # host bits of a prefix of length n
_HALF_HI, _HALF_LO = _table((1 << (128 - n)) >> 1 for n in range(129))  # half of its addresses


class Ranges(NamedTuple):
    """Ranges of one address family, sorted, not overlapping; left-aligned in 128 bits, ``last`` included. N rows."""

    first_hi: U64  # [N]
    first_lo: U64  # [N]
    last_hi: U64  # [N]
    last_lo: U64  # [N]


class AsnCountries(Mapping[int, str]):
    """AS number to country code, kept as runs; a registry may hand out thousands of numbers in one record."""

    def __init__(self, runs: Sequence[tuple[int, int, str]] = ()) -> None:
        """``runs``: (first, last, code), both ends included, sorted and apart."""
        if any(first > last for first, last, _ in runs) or any(a[1] >= b[0] for a, b in pairwise(runs)):
            raise ValueError("AS number runs are not sorted or overlap")
        self._runs = tuple(runs)
        self._firsts = [first for first, _, _ in runs]

    def __getitem__(self, asn: int) -> str:
        at = bisect_right(self._firsts, asn) - 1
        if at < 0 or self._runs[at][1] < asn:
            raise KeyError(asn)
        return self._runs[at][2]

    def __iter__(self) -> Iterator[int]:
        for first, last, _ in self._runs:
            yield from range(first, last + 1)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last, _ in self._runs)

    def runs_of(self, code: str) -> tuple[tuple[int, int], ...]:
        """The runs (first, last) of AS numbers that a country holds."""
        return tuple((first, last) for first, last, country in self._runs if country == code)


@dataclass(frozen=True, slots=True, eq=False)
class CountryRanges:
    """Address ranges with the country that holds each, as one or more reference files say it. N rows.

    Addresses are left-aligned in 128 bits as in :class:`duskwatch.records.prefix.Prefix`: an IPv4 range from a to b
    is ``first_hi = a << 32`` to ``last_hi = (b << 32) | 0xFFFFFFFF`` with ``last_lo`` all ones. Rows are sorted by
    (afi, first) and do not overlap; ValueError where they do not keep to that.
    """

    afi: U8  # [N] 1 or 2
    first_hi: U64  # [N]
    first_lo: U64  # [N]
    last_hi: U64  # [N] inclusive
    last_lo: U64  # [N]
    country: I32  # [N] index into countries
    countries: tuple[str, ...]  # codes as in ISO 3166-1 alpha-2, plus what registries use beside it (EU, AP)
    source: str = ""  # names and dates of the files, for the report
    dated: date | None = None  # day the newest of the files speaks of; None where none says it
    asn_country: AsnCountries = field(default_factory=AsnCountries)  # empty where the files name no AS numbers
    notes: tuple[str, ...] = ()  # what was left out or decided while reading, in sentences
    inputs: tuple[InputFile, ...] = ()  # the files, with hashes and counts
    damaged: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # damaged lines by the code that they name

    def __post_init__(self) -> None:
        columns = (self.afi, self.first_hi, self.first_lo, self.last_hi, self.last_lo, self.country)
        if {column.shape for column in columns} != {(self.afi.size,)}:
            raise ValueError("country ranges: columns differ in length")
        if self.country.size and not 0 <= int(self.country.min()) <= int(self.country.max()) < len(self.countries):
            raise ValueError("country ranges: a country index points nowhere")
        ordered = _at_most(self.first_hi, self.first_lo, self.last_hi, self.last_lo)
        same = self.afi[1:] == self.afi[:-1]
        apart = ~_at_most(self.first_hi[1:], self.first_lo[1:], self.last_hi[:-1], self.last_lo[:-1])
        if not (ordered.all() and np.where(same, apart, self.afi[1:] > self.afi[:-1]).all()):
            raise ValueError("country ranges: rows are not sorted or overlap")
        if self.afi.size and not np.isin(self.afi, (1, 2)).all():
            raise ValueError("country ranges: an address family is neither 1 nor 2")

    def __len__(self) -> int:
        return int(self.afi.size)

    def __contains__(self, code: str) -> bool:
        """Whether any address is held by this country."""
        return code in self.countries and bool((self.country == self.countries.index(code)).any())

    def index_of(self, afi: npt.ArrayLike, hi: npt.ArrayLike, lo: npt.ArrayLike) -> I32:
        """Country index of each address (arrays broadcast to [Q], left-aligned); -1 where nobody holds it."""
        asked_afi, high, low = np.broadcast_arrays(
            np.atleast_1d(np.asarray(afi, dtype=np.uint8)),
            np.asarray(hi, dtype=np.uint64),
            np.asarray(lo, dtype=np.uint64),
        )
        return self.countries_of(asked_afi, high, low, np.full(asked_afi.shape, 128, dtype=np.uint8))

    def lookup(self, afi: npt.ArrayLike, hi: npt.ArrayLike, lo: npt.ArrayLike) -> Text:
        """Country code of each address (arrays broadcast to [Q], left-aligned), as text; '' where nobody holds it."""
        codes = np.array([*self.countries, ""], dtype=np.str_)
        found: Text = codes[self.index_of(afi, hi, lo)]
        return found

    def countries_of(self, afi: U8, hi: U64, lo: U64, length: U8) -> I32:
        """Country index of each prefix, by the rule at the head of this module; -1 where it belongs to none.

        Columns are those of ElemBlock, [Q] each: afi, left-aligned address with host bits zero, prefix length.
        ValueError where a length is longer than 128.
        """
        if length.size and int(length.max()) > 128:
            raise ValueError("a prefix length is above 128")
        out = np.full(hi.shape, -1, dtype=np.int32)
        for of_afi in (1, 2):
            rows = self._rows(of_afi)
            asked = np.flatnonzero(afi == of_afi)
            if rows.start == rows.stop or not asked.size:
                continue
            ranges = self._ranges(rows)
            country = self.country[rows]
            out[asked] = _holders(ranges, country, len(self.countries), hi[asked], lo[asked], length[asked])
        return out

    def ranges_of(self, code: str, afi: int) -> Ranges:
        """Ranges of one address family that a country holds, sorted; empty where it holds none (or is not known)."""
        rows = self._rows(afi)
        index = self.countries.index(code) if code in self.countries else -1
        mine = self.country[rows] == index
        return Ranges(*(column[mine] for column in self._ranges(rows)))

    def touching(self, code: str) -> Callable[[U8, U64, U8], Bool]:
        """Tells which prefixes (afi, high half, length; [Q] each) touch a range of a country, by 64 bits of them.

        The others cannot be its own. Far cheaper than countries_of, for those who look for one country in a table.
        """
        owned = tuple((of_afi, self.ranges_of(code, of_afi)) for of_afi in (1, 2))

        def touches(afi: U8, hi: U64, length: U8) -> Bool:
            out = np.zeros(hi.shape, np.bool_)
            last_hi = hi | _HOST_HI[length]
            for of_afi, held in owned:
                if held.first_hi.size:
                    at = np.searchsorted(held.first_hi, last_hi, "right") - 1
                    out |= (afi == of_afi) & (at >= 0) & (held.last_hi[at] >= hi)
            return out

        return touches

    def slash24_count(self, code: str) -> int:
        """How many IPv4 /24s belong to a country, by the rule at the head of this module."""
        return self._count_blocks(code, 1, 24)

    def slash48_count(self, code: str) -> int:
        """How many IPv6 /48s belong to a country, by the rule at the head of this module."""
        return self._count_blocks(code, 2, 48)

    def _rows(self, afi: int) -> slice:
        return slice(int(np.searchsorted(self.afi, afi, "left")), int(np.searchsorted(self.afi, afi, "right")))

    def _ranges(self, rows: slice) -> Ranges:
        return Ranges(self.first_hi[rows], self.first_lo[rows], self.last_hi[rows], self.last_lo[rows])

    def _count_blocks(self, code: str, afi: int, length: int) -> int:
        # Blocks strictly between the ends of a range are the country's; those at the ends may be shared: ask.
        ranges = self.ranges_of(code, afi)
        if not ranges.first_hi.size:
            return 0
        shift = np.uint64(64 - length)
        first, last = ranges.first_hi >> shift, ranges.last_hi >> shift
        inner = sum(int(n) for n in np.where(last > first, last - first - np.uint64(1), np.uint64(0)) if n)
        ends = np.unique(np.concatenate([first, last])) << shift
        afis = np.full(ends.shape, afi, dtype=np.uint8)
        lengths = np.full(ends.shape, length, dtype=np.uint8)
        holders = self.countries_of(afis, ends, np.zeros_like(ends), lengths)
        return inner + int((holders == self.countries.index(code)).sum())


def _at_most(a_hi: U64, a_lo: U64, b_hi: U64, b_lo: U64) -> Bool:
    """a <= b, in 128 bits."""
    result: Bool = (a_hi < b_hi) | ((a_hi == b_hi) & (a_lo <= b_lo))
    return result


def _rank(key_hi: U64, key_lo: U64, hi: U64, lo: U64) -> I64:
    """How many of the sorted keys are at most (hi, lo); [Q]."""
    rank: I64 = np.searchsorted(key_hi, hi, "right").astype(np.int64)
    tied = np.flatnonzero((rank > 0) & (key_hi[np.maximum(rank, 1) - 1] == hi))
    left: I64 = np.searchsorted(key_hi, hi[tied], "left").astype(np.int64)
    right = rank[tied]
    while True:  # bisect the low halves inside each run of equal high halves
        open_ = left < right
        if not open_.any():
            break
        middle = (left + right) >> 1
        at = np.minimum(middle, key_lo.size - 1)
        below = open_ & (key_lo[at] <= lo[tied])
        left = np.where(below, middle + 1, left)
        right = np.where(open_ & ~below, middle, right)
    rank[tied] = left
    return rank


def _holders(ranges: Ranges, country: I32, countries: int, hi: U64, lo: U64, length: U8) -> I32:
    """Country index per prefix of one address family, -1 for none."""
    last_hi, last_lo = hi | _HOST_HI[length], lo | _HOST_LO[length]
    at = _rank(ranges.first_hi, ranges.first_lo, hi, lo) - 1  # last range that begins at or before the prefix
    row = np.maximum(at, 0)
    touches = (at >= 0) & _at_most(hi, lo, ranges.last_hi[row], ranges.last_lo[row])
    inside = touches & _at_most(last_hi, last_lo, ranges.last_hi[row], ranges.last_lo[row])
    out = np.where(inside, country[row], np.int32(-1)).astype(np.int32)
    rest = np.flatnonzero(~inside)
    begin = np.where(touches, at, at + 1)[rest]
    end = _rank(ranges.first_hi, ranges.first_lo, last_hi[rest], last_lo[rest])  # past the last range that it meets
    some = end > begin
    rest, begin, end = rest[some], begin[some], end[some]
    met = np.cumsum(end - begin)
    start = 0
    while start < rest.size:
        before = int(met[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(met, before + _PAIRS_AT_ONCE, "right")))
        part = rest[start:stop]
        bounds = Ranges(hi[part], lo[part], last_hi[part], last_lo[part])
        out[part] = _majority(ranges, country, countries, bounds, length[part], begin[start:stop], end[start:stop])
        start = stop
    return out


def _majority(ranges: Ranges, country: I32, countries: int, prefix: Ranges, length: U8, begin: I64, end: I64) -> I32:
    """For prefixes that meet the ranges [begin, end): the country that holds more than half of each, -1 for none."""
    counts = end - begin
    owner = np.repeat(np.arange(counts.size, dtype=np.int64), counts)
    row = np.arange(owner.size, dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts) + begin[owner]
    starts_before = _at_most(ranges.first_hi[row], ranges.first_lo[row], prefix.first_hi[owner], prefix.first_lo[owner])
    ends_before = _at_most(ranges.last_hi[row], ranges.last_lo[row], prefix.last_hi[owner], prefix.last_lo[owner])
    first_hi = np.where(starts_before, prefix.first_hi[owner], ranges.first_hi[row])
    first_lo = np.where(starts_before, prefix.first_lo[owner], ranges.first_lo[row])
    last_hi = np.where(ends_before, ranges.last_hi[row], prefix.last_hi[owner])
    last_lo = np.where(ends_before, ranges.last_lo[row], prefix.last_lo[owner])
    held_lo = last_lo - first_lo
    held_hi = last_hi - first_hi - (last_lo < first_lo)

    key = owner * countries + country[row]
    order = np.argsort(key, kind="stable")
    key = key[order]
    group = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    # Four limbs of 32 bits, summed apart, cannot overflow; held_* is one less than the size, so add one per range.
    limbs = [held_lo & _LOW32, held_lo >> _32, held_hi & _LOW32, held_hi >> _32]
    sums = [np.add.reduceat(limb[order], group) for limb in limbs]
    sums[0] = sums[0] + np.diff(np.concatenate([group, [key.size]])).astype(np.uint64)
    for i in range(3):
        sums[i + 1] = sums[i + 1] + (sums[i] >> _32)
        sums[i] = sums[i] & _LOW32
    whole = (sums[3] >> _32) > 0  # all of ::/0
    total_hi, total_lo = (sums[3] << _32) | sums[2], (sums[1] << _32) | sums[0]
    of, holder = np.divmod(key[group], countries)
    wins = whole | ~_at_most(total_hi, total_lo, _HALF_HI[length[of]], _HALF_LO[length[of]])
    out = np.full(counts.size, -1, dtype=np.int32)
    out[of[wins]] = holder[wins]
    return out
