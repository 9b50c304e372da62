"""Elems as JSON, one object a line, and the same fields as objects."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from duskwatch.records.elems import ElemBlock, Kind, PeerTable
from duskwatch.sources.bgp.formats.attributes import (
    ABBREVIATED,
    CONFED_SEQUENCE,
    CONFED_SET,
    ORIGINS,
    SET,
    Attributes,
    decode_attributes,
)
from duskwatch.sources.bgp.formats.elem_text import PeerTexts, Remembered, address_text

TYPES = {Kind.RIB: "rib", Kind.ANNOUNCE: "announce", Kind.WITHDRAW: "withdraw", Kind.STATE: "state"}
STATES = ("unknown", "idle", "connect", "active", "opensent", "openconfirm", "established", "clearing", "deleted")
# Subtypes that carry path identifiers, by type (RFC 8050).
ADD_PATH = {13: {8, 9, 10, 11, 12}, 16: {8, 9, 10, 11}, 17: {8, 9, 10, 11}}


class ElemObjects:
    """Elems as dictionaries or lines; remembers attributes that were met before."""

    def __init__(self) -> None:
        self._texts: dict[tuple[int, int], Remembered[bytes, str]] = {}
        self._prefixes: Remembered[tuple[int, int, int, int], str] = Remembered(lambda key: prefix_text(*key))
        self._peers = PeerTexts(_peer_text)

    def objects(self, block: ElemBlock, peers: PeerTable, rows: npt.NDArray[np.int64]) -> Iterator[dict[str, Any]]:
        """One object for each of ``rows`` (int64 [K]). docs/reference/mrt.md has the fields."""
        for line in self.lines(block, peers, rows):
            yield json.loads(line)

    def lines(self, block: ElemBlock, peers: PeerTable, rows: npt.NDArray[np.int64]) -> Iterator[str]:
        """One line of JSON, with its newline, for each of ``rows`` (int64 [K])."""
        names, data = self._peers.of(peers), block.data.tobytes()
        columns = (
            block.kind, block.time_us, block.peer, block.afi, block.safi, block.prefix_hi, block.prefix_lo,
            block.prefix_length, block.path_id, block.attr_start, block.attr_length, block.as_size, block.state,
        )  # fmt: skip
        for has_id, kind, time, peer, afi, safi, hi, lo, length, path_id, start, size, as_size, state in zip(
            has_path_id(block, rows).tolist(), *(column[rows].tolist() for column in columns), strict=True
        ):
            if kind == Kind.STATE:
                yield (
                    f'{{"type":"state","time":{time / 1e6},{names[peer]},'
                    f'"old_state":"{state_text(state >> 8)}","new_state":"{state_text(state & 255)}"}}\n'
                )
                continue
            head = (
                f'{{"type":"{TYPES[kind]}","time":{time / 1e6},{names[peer]},'
                f'"prefix":"{self._prefixes[afi, hi, lo, length]}","safi":{safi}'
            )
            if has_id:
                head += f',"path_id":{path_id}'
            if kind == Kind.WITHDRAW:
                yield head + "}\n"
                continue
            key = (as_size, afi << 8 | safi)
            if key not in self._texts:
                self._texts[key] = Remembered(partial(_attributes_text, as_size=as_size, address_family=(afi, safi)))
            yield f"{head},{self._texts[key][data[start : start + size]]}\n"


def has_path_id(block: ElemBlock, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which of ``rows`` carry a path identifier (RFC 7911), be it 0: bool [K]."""
    record = block.record[rows]
    kind, subtype = block.record_type[record], block.record_subtype[record]
    found: npt.NDArray[np.bool_] = block.path_id[rows] != 0
    for each, subtypes in ADD_PATH.items():
        found |= (kind == each) & np.isin(subtype, list(subtypes))
    found &= block.safi[rows] != 0
    return found


def prefix_text(afi: int, hi: int, lo: int, length: int) -> str:
    """Text of a left-aligned prefix, as RFC 5952 wants it."""
    return f"{address_text(afi, hi, lo)}/{length}"


def state_text(number: int) -> str:
    """Name of a state of the BGP state machine (RFC 4271 section 8.2.2; the last two are Quagga's)."""
    return STATES[number] if number < len(STATES) else str(number)


def attribute_fields(raw: bytes, as_size: int, address_family: tuple[int, int]) -> dict[str, Any]:
    """Fields that come from path attributes; ``address_family`` (of the prefix) tells which next hop is its own."""
    found: Attributes = decode_attributes(raw, as_size)
    reach = found.mp_next_hop
    next_hop = reach[1] if reach is not None and reach[0] in (address_family, ABBREVIATED) else found.next_hop
    out: dict[str, Any] = {
        "as_path": [part for segment in found.as_path for part in _segment(*segment)],
        "origin_asns": list(found.origins),
        "origin": None if found.origin is None else ORIGINS.get(found.origin, str(found.origin)),
        "next_hop": next_hop,
        "local_pref": found.local_pref,
        "med": found.med,
        "communities": [f"{value >> 16}:{value & 0xFFFF}" for value in found.communities],
        "large_communities": [":".join(map(str, value)) for value in found.large_communities],
        "extended_communities": [value.hex() for value in found.extended_communities],
        "atomic_aggregate": found.atomic_aggregate,
        "aggregator": None if found.aggregator is None else {"asn": found.aggregator[0], "ip": found.aggregator[1]},
        "originator_id": found.originator_id,
        "cluster_list": list(found.cluster_list),
    }
    if found.malformed:
        out["malformed"] = found.malformed
    return out


def _attributes_text(raw: bytes, as_size: int, address_family: tuple[int, int]) -> str:
    return json.dumps(attribute_fields(raw, as_size, address_family), separators=(",", ":"))[1:]


def _peer_text(afi: int, hi: int, lo: int, asn: int) -> str:
    return f'"peer_ip":"{address_text(afi, hi, lo)}","peer_asn":{asn}'


def _segment(kind: int, members: tuple[int, ...]) -> list[Any]:
    """Members of a sequence one by one; a set as a list of its own; confederation segments as an object."""
    if kind == SET:
        return [list(members)]
    if kind == CONFED_SEQUENCE:
        return [{"confed_sequence": list(members)}]
    if kind == CONFED_SET:
        return [{"confed_set": list(members)}]
    return list(members)
