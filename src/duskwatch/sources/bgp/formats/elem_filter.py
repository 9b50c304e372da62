"""Which elems somebody wants to see: a filter over the columns of a block."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from duskwatch.records.elems import ElemBlock, Kind, PeerTable
from duskwatch.records.prefix import Prefix
from duskwatch.sources.bgp.formats.attributes import decode_attributes
from duskwatch.sources.bgp.formats.elem_text import Remembered

Match = Literal["exact", "more", "less", "any"]
SHOWN = (Kind.RIB, Kind.ANNOUNCE, Kind.WITHDRAW, Kind.STATE)


@dataclass(frozen=True, slots=True)
class ElemFilter:
    """All that is given must hold. Elems without a prefix pass only where no prefix, origin or path is asked for.

    match: ``exact`` the prefix itself, ``more`` it and what lies in it, ``less`` it and what covers it, ``any`` both.
    from_us is included, until_us is not. A withdrawal has no path, so that origin and path_contains leave it out.
    """

    prefixes: tuple[Prefix, ...] = ()
    match: Match = "exact"
    origins: tuple[int, ...] = ()
    peer_asns: tuple[int, ...] = ()
    peer_addresses: tuple[Prefix, ...] = ()
    path_contains: tuple[int, ...] = ()
    from_us: int | None = None
    until_us: int | None = None
    kinds: tuple[int, ...] = SHOWN

    def rows(self, block: ElemBlock, peers: PeerTable) -> npt.NDArray[np.int64]:
        """Rows of the block that pass, in order."""
        keep = np.isin(block.kind, self.kinds)
        if self.from_us is not None:
            keep &= block.time_us >= self.from_us
        if self.until_us is not None:
            keep &= block.time_us < self.until_us
        if self.peer_asns or self.peer_addresses:
            keep &= np.isin(block.peer, self._peers(peers))
        if self.prefixes:
            keep &= np.logical_or.reduce([_related(block, prefix, self.match) for prefix in self.prefixes])
        rows = np.flatnonzero(keep)
        if self.origins or self.path_contains:
            rows = self._with_path(block, rows)
        return rows

    def _peers(self, peers: PeerTable) -> list[int]:
        wanted = {(prefix.afi, prefix.hi, prefix.lo) for prefix in self.peer_addresses}
        return [
            row
            for row, (asn, afi, hi, lo) in enumerate(
                zip(peers.asn, peers.afi, peers.address_hi, peers.address_lo, strict=True)
            )
            if asn in self.peer_asns or (afi, hi, lo) in wanted
        ]

    def _with_path(self, block: ElemBlock, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        rows = rows[(block.kind[rows] == Kind.RIB) | (block.kind[rows] == Kind.ANNOUNCE)]
        # Most paths are never decoded: where the octets of the number are not, the number is not.
        if self.origins and len(rows):
            rows = rows[np.logical_or.reduce([_may_name(block, rows, asn) for asn in self.origins])]
        for asn in self.path_contains:
            rows = rows[_may_name(block, rows, asn)]
        passes: dict[int, Remembered[bytes, bool]] = {size: Remembered(self._passes(size)) for size in (2, 4)}
        keep = [
            row
            for row, start, length, size in zip(
                rows.tolist(),
                block.attr_start[rows].tolist(),
                block.attr_length[rows].tolist(),
                block.as_size[rows].tolist(),
                strict=True,
            )
            if passes[size][block.data[start : start + length].tobytes()]
        ]
        return np.array(keep, np.int64)

    def _passes(self, as_size: int) -> Callable[[bytes], bool]:
        origins, wanted = set(self.origins), set(self.path_contains)

        def passes(raw: bytes) -> bool:
            found = decode_attributes(raw, as_size)
            if origins and origins.isdisjoint(found.origins):
                return False
            return wanted <= {asn for _, members in found.as_path for asn in members}

        return passes


def _may_name(block: ElemBlock, rows: npt.NDArray[np.int64], asn: int) -> npt.NDArray[np.bool_]:
    """Which rows have the octets of an AS number somewhere in their attributes (AS4_PATH holds wide ones)."""
    narrow = block.as_size[rows] == 2 if asn < 1 << 16 else np.zeros(len(rows), np.bool_)
    start = block.attr_start[rows]
    end = start + block.attr_length[rows]
    found = np.zeros(len(rows), np.bool_)
    for octets, of in ((2, narrow), (4, ~narrow)):
        if not of.any() or len(block.data) < octets:
            continue
        count = len(block.data) - octets + 1
        equal = np.ones(count, np.bool_)
        for i, octet in enumerate(asn.to_bytes(octets, "big")):
            equal &= block.data[i : i + count] == octet
        places = np.flatnonzero(equal)
        some = np.searchsorted(places, start) < np.searchsorted(places, end - octets, side="right")
        found |= of & some
    return found


def _related(block: ElemBlock, prefix: Prefix, match: Match) -> npt.NDArray[np.bool_]:
    same_version = block.afi == prefix.afi
    length = block.prefix_length
    hi, lo = np.uint64(prefix.hi), np.uint64(prefix.lo)
    mask_hi, mask_lo = _mask(np.full(len(length), prefix.length))
    same = ((block.prefix_hi & mask_hi) == hi) & ((block.prefix_lo & mask_lo) == lo)
    inside: npt.NDArray[np.bool_] = same_version & (length >= prefix.length) & same
    if match == "exact":
        inside &= length == prefix.length
    if match in ("exact", "more"):
        return inside
    mask_hi, mask_lo = _mask(length.astype(np.int64))
    same = ((hi & mask_hi) == block.prefix_hi) & ((lo & mask_lo) == block.prefix_lo)
    covers: npt.NDArray[np.bool_] = same_version & (length <= prefix.length) & same
    if match == "any":
        covers |= inside
    return covers


def _mask(length: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Network masks of 128 bits, as their two halves."""
    ones = np.uint64(0xFFFFFFFFFFFFFFFF)
    hi = np.where(length <= 0, np.uint64(0), ones << np.clip(64 - length, 0, 63).astype(np.uint64))
    lo = np.where(length <= 64, np.uint64(0), ones << np.clip(128 - length, 0, 63).astype(np.uint64))
    return hi, lo
