"""Records of who holds which addresses, as columns: a registry's file has tens of thousands."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from duskwatch.sources.reference.overlaps import CountryRecord, Run, settle

U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
ONES = np.uint64((1 << 64) - 1)


@dataclass(frozen=True, slots=True, eq=False)
class HeldTable:
    """R records: a country holds first..last (128 bits in two halves, both ends included) since a day."""

    first_hi: U64  # [R]
    first_lo: U64
    last_hi: U64
    last_lo: U64
    country: I32  # [R] first letter * 256 + second
    since: I32  # [R] YYYYMMDD; 0 where the record does not say

    def __len__(self) -> int:
        return len(self.since)

    @classmethod
    def of(cls, rows: Sequence[CountryRecord]) -> "HeldTable":
        """Records one by one as columns."""
        return cls(
            *_halves([row.first for row in rows]),
            *_halves([row.last for row in rows]),
            np.array([number_of(row.country) for row in rows], np.int32),
            np.array([row.since for row in rows], np.int32),
        )

    @classmethod
    def join(cls, tables: "Sequence[HeldTable]") -> "HeldTable":
        """Tables one after the other."""
        if not tables:
            return cls.of([])
        return cls(*(np.concatenate([getattr(table, field.name) for table in tables]) for field in fields(cls)))

    def rows(self) -> list[CountryRecord]:
        """The records one by one."""
        return [
            CountryRecord(a << 64 | b, c << 64 | d, code_of(country), since)
            for a, b, c, d, country, since in zip(
                *(getattr(self, field.name).tolist() for field in fields(self)), strict=True
            )
        ]

    def take(self, index: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> "HeldTable":
        """Some of the records."""
        return HeldTable(*(getattr(self, field.name)[index] for field in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class RunTable:
    """Stretches that one country holds, in order and apart. Columns as in HeldTable."""

    first_hi: U64
    first_lo: U64
    last_hi: U64
    last_lo: U64
    country: I32

    def __len__(self) -> int:
        return len(self.country)

    def rows(self) -> list[Run]:
        """The stretches one by one."""
        columns = (getattr(self, field.name).tolist() for field in fields(self))
        return [Run(a << 64 | b, c << 64 | d, code_of(country)) for a, b, c, d, country in zip(*columns, strict=True)]


def number_of(code: str) -> int:
    """Two letters as a number that sorts as they do."""
    return 256 * ord(code[0]) + ord(code[1])


def code_of(number: int) -> str:
    """The two letters of a number."""
    return chr(number >> 8) + chr(number & 255)


def settle_table(held: HeldTable) -> tuple[RunTable, int]:
    """What ``overlaps.settle`` gives, for columns: records that touch no other are settled all at once."""
    order = np.lexsort((held.since, held.country, held.last_lo, held.last_hi, held.first_lo, held.first_hi))
    fresh = _fresh(held.take(order))
    cluster = np.cumsum(fresh) - 1
    size = np.bincount(cluster, minlength=0) if len(order) else np.empty(0, np.int64)
    alone = order[size[cluster] == 1] if len(order) else order
    crowd = order[size[cluster] > 1] if len(order) else order
    # In their first order, which decides between records of one date; clusters are apart, so they are settled together.
    runs, against = settle(held.take(np.sort(crowd)).rows())
    others = HeldTable.of([CountryRecord(run.first, run.last, run.country, 0) for run in runs])
    return _joined(HeldTable.join([held.take(alone), others])), against


def _fresh(held: HeldTable) -> npt.NDArray[np.bool_]:
    """Of records in order: whether each begins past the ends of all before it."""
    out = np.ones(len(held), np.bool_)
    if not len(held):
        return out
    if not held.last_hi.any():
        reach = np.maximum.accumulate(held.last_lo)
        out[1:] = held.first_lo[1:] > reach[:-1]
    elif not held.first_lo.any() and bool((held.last_lo == ONES).all()):
        reach = np.maximum.accumulate(held.last_hi)
        out[1:] = held.first_hi[1:] > reach[:-1]
    else:
        end = -1
        for k, row in enumerate(held.rows()):
            out[k] = row.first > end
            end = max(end, row.last)
    return out


def _joined(held: HeldTable) -> RunTable:
    """Records that overlap nowhere, in order, neighbours of one country made one."""
    one = held.take(np.lexsort((held.first_lo, held.first_hi)))
    after_lo = one.last_lo + np.uint64(1)  # wraps to zero where the upper half grows
    after_hi = one.last_hi + (after_lo == 0).astype(np.uint64)
    meets = (one.first_hi[1:] == after_hi[:-1]) & (one.first_lo[1:] == after_lo[:-1])
    begin = np.concatenate([np.ones(min(1, len(one)), np.bool_), ~(meets & (one.country[1:] == one.country[:-1]))])
    first = np.flatnonzero(begin)
    last = np.append(first[1:], len(one)) - 1 if len(first) else first
    return RunTable(one.first_hi[first], one.first_lo[first], one.last_hi[last], one.last_lo[last], one.country[first])


def _halves(values: list[int]) -> tuple[U64, U64]:
    return (
        np.array([value >> 64 for value in values], np.uint64),
        np.array([value & int(ONES) for value in values], np.uint64),
    )
