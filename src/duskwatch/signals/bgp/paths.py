"""Whole AS paths as numbers: a pool that grows while a collector is folded, and what is read from it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.paths import ODD, intern_odd, intern_stored, intern_wide, locate, move_slots, path_ends
from duskwatch.records.elems import ElemBlock

# Paths are numbered in steps, so that there need not be room for all that may be new.
IDS_AT_ONCE = 1 << 14


class Ends(NamedTuple):
    """The last three ASes of each path, R paths; 0 where there is none, or where an AS_SET stands in its place.

    An aggregate that ends in a set of several is not known to be originated by any of them (RFC 4271 section 9.2.2.2;
    RFC 6811 section 2 calls its origin NONE); the AS before it, which made the aggregate, is the upstream.
    """

    origin: npt.NDArray[np.uint32]  # [R]
    upstream: npt.NDArray[np.uint32]  # [R] the AS before the origin
    beyond: npt.NDArray[np.uint32]  # [R] and the one before that


@dataclass(frozen=True, slots=True)
class Paths:
    """Distinct AS paths, R of them, as rows of flat arrays (CSR). Path 0 is the empty one.

    The hops of path r are ``asns[start[r]:start[r + 1]]``, from the peer to the origin. An AS that prepends itself
    stands once, as AS hegemony and neighbours need it; hops of a confederation are left out. A hop 0 stands for an
    AS_SET (or for AS 0); its members are in a row of the sets, of which most paths have none. Where a message tells AS
    numbers of two octets, hops are those of AS_PATH merged with AS4_PATH (RFC 6793 section 4.2.3).
    """

    asns: npt.NDArray[np.uint32]  # [H]
    start: npt.NDArray[np.int64]  # [R + 1]
    set_path: npt.NDArray[np.int32]  # [S] the path of each hop 0, in order of path and hop
    set_start: npt.NDArray[np.int64]  # [S + 1]
    set_asns: npt.NDArray[np.uint32]  # members, in order; those of row i are set_asns[set_start[i]:set_start[i + 1]]
    generation: int = 0  # paths of one collector and generation have the same numbers in all of its windows

    def __len__(self) -> int:
        return len(self.start) - 1

    def __getitem__(self, path: int) -> tuple[int | tuple[int, ...], ...]:
        """One path, as people write it: AS numbers, and the members of a set as a tuple. IndexError where it is not."""
        if not 0 <= path < len(self):
            raise IndexError(path)
        row = int(np.searchsorted(self.set_path, path))
        out: list[int | tuple[int, ...]] = []
        for asn in self.asns[self.start[path] : self.start[path + 1]].tolist():
            if asn == 0:
                out.append(tuple(self.set_asns[self.set_start[row] : self.set_start[row + 1]].tolist()))
                row += 1
            else:
                out.append(asn)
        return tuple(out)

    def ends(self) -> Ends:
        """Origin, upstream and beyond of each path; about 10 ns a path."""
        out = Ends(*(np.empty(len(self), np.uint32) for _ in Ends._fields))
        path_ends(self.asns, self.start, *out)
        return out


@dataclass
class PathPool:
    """A pool of paths that grows. Memory: about 40 bytes a path of five hops. Picklable."""

    asns: npt.NDArray[np.uint32] = field(default_factory=lambda: np.empty(1 << 8, np.uint32))
    start: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(1 << 6, np.int64))
    slots: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros(1 << 7, np.uint64))
    count: int = 1
    set_path: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    set_start: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    set_asns: npt.NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, np.uint32))
    sets: int = 0
    generation: int = 0

    @property
    def shift(self) -> np.uint64:
        """What the kernels take of a hash."""
        return np.uint64(33 - len(self.slots).bit_length())

    @property
    def paths(self) -> Paths:
        """The paths so far. Those that are added later change nothing of them."""
        return Paths(
            self.asns[: int(self.start[self.count])],
            self.start[: self.count + 1],
            self.set_path[: self.sets],
            self.set_start[: self.sets + 1],
            self.set_asns[: int(self.set_start[self.sets])],
            self.generation,
        )

    def reserve(self, paths: int, hops: int) -> None:
        """Make room for so many new paths, and for so many hops of all of them."""
        need = self.count + paths + 1
        self.start = _longer(self.start, need)
        self.asns = _longer(self.asns, int(self.start[self.count]) + hops)
        if 2 * need > len(self.slots):
            grown = np.zeros(1 << (2 * need - 1).bit_length(), np.uint64)
            shift = np.uint64(33 - len(grown).bit_length())
            move_slots(self.slots, grown, shift)
            self.slots = grown

    def number(self, block: ElemBlock, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """The numbers of the paths of some elems, int32[K]; new ones are added, what cannot be read is path 0."""
        at, length = np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
        size, ref = np.empty(len(rows), np.uint8), np.empty(len(rows), np.int32)
        columns = block.data, block.attr_start, block.attr_length, block.as_size
        count = locate(*columns, rows, at, length, size, ref)
        return self.number_at(block.data, at[:count], length[:count], size[:count])[ref]

    def number_at(
        self,
        data: npt.NDArray[np.uint8],
        at: npt.NDArray[np.int64],
        length: npt.NDArray[np.int64],
        size: npt.NDArray[np.uint8],
    ) -> npt.NDArray[np.int32]:
        """The same of paths whose places in ``data`` are known, [K] of them, as ``kernels.paths.locate`` gives them."""
        ids = np.empty(len(at), np.int32)
        for begin in range(0, len(ids), IDS_AT_ONCE):
            some = slice(begin, begin + IDS_AT_ONCE)
            self.reserve(len(ids[some]), int(length[some].sum()) // 4)
            places = at[some], length[some], size[some]
            self.count, _ = intern_wide(
                data, *places, self.asns, self.start, self.slots, self.shift, self.count, ids[some]
            )
            odd = np.flatnonzero(ids[some] == ODD)
            if len(odd):
                where = begin + odd
                ids[where] = self._number_odd(data, at[where], length[where], size[where])
        return ids

    def _number_odd(
        self,
        data: npt.NDArray[np.uint8],
        at: npt.NDArray[np.int64],
        length: npt.NDArray[np.int64],
        size: npt.NDArray[np.uint8],
    ) -> npt.NDArray[np.int32]:
        """Those with sets, or of two-octet numbers."""
        ids = np.empty(len(at), np.int32)
        words = int(length.sum()) // 2
        self.reserve(len(ids), words)
        self._reserve_sets(words)
        self.count, self.sets = intern_odd(data, at, length, size, *self._arrays(), ids)
        return ids

    def add(self, paths: Paths, wanted: npt.NDArray[np.uint8] | None = None) -> npt.NDArray[np.int32]:
        """The numbers of another pool's paths in this one, int32[R]; new ones are added. 0 of those not wanted."""
        if wanted is None:
            wanted = np.ones(len(paths), np.uint8)
        ids = np.empty(len(paths), np.int32)
        self.reserve(int(np.count_nonzero(wanted)), len(paths.asns))
        self._reserve_sets(len(paths.set_asns) + len(paths.set_path))
        other = paths.asns, paths.start, wanted, paths.set_path, paths.set_start, paths.set_asns
        self.count, self.sets = intern_stored(*other, *self._arrays(), ids)
        return ids

    def _arrays(self) -> tuple[Any, ...]:
        return (
            self.asns,
            self.start,
            self.slots,
            self.shift,
            self.count,
            self.set_path,
            self.set_start,
            self.set_asns,
            self.sets,
        )

    def _reserve_sets(self, words: int) -> None:
        self.set_path = _longer(self.set_path, self.sets + words)
        self.set_start = _longer(self.set_start, self.sets + words + 1)
        self.set_asns = _longer(self.set_asns, int(self.set_start[self.sets]) + words)


def merged(pools: Sequence[Paths]) -> tuple[Paths, list[npt.NDArray[np.int32]]]:
    """One pool of several, each path in it once, and the number in it of each path of each of them."""
    pool = PathPool()
    numbers = [pool.add(paths) for paths in pools]
    return pool.paths, numbers


def _longer(column: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """A column with room for so many rows; there may be parts of it in other hands, so that it is copied."""
    if size <= len(column):
        return column
    out: npt.NDArray[Any] = np.empty(max(size, len(column) + len(column) // 2), column.dtype)
    out[: len(column)] = column
    return out
