"""Elems as JSON, one object a line, and the same fields as rows for tables."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from duskwatch.records.elems import ElemBlock, Kind, PeerTable
from duskwatch.sources.bgp.formats.attributes import (
    CONFED_SEQUENCE,
    CONFED_SET,
    ORIGINS,
    SET,
    Attributes,
    decode_attributes,
)
from duskwatch.sources.bgp.formats.elem_text import AttributeCache, address_text

TYPES = {Kind.RIB: "rib", Kind.ANNOUNCE: "announce", Kind.WITHDRAW: "withdraw", Kind.STATE: "state"}
STATES = ("unknown", "idle", "connect", "active", "opensent", "openconfirm", "established", "clearing", "deleted")
ADD_PATH_SUBTYPES = {8, 9, 10, 11, 12}


class ElemObjects:
    """Elems as dictionaries; remembers attributes that were met before."""

    def __init__(self) -> None:
        self._attributes = AttributeCache(_attributes)

    def objects(self, block: ElemBlock, peers: PeerTable, rows: npt.NDArray[np.int64]) -> Iterator[dict[str, Any]]:
        """One object for each row. docs/reference/mrt.md has the fields."""
        data = block.data.tobytes()
        for row in rows.tolist():
            kind = Kind(int(block.kind[row]))
            peer = int(block.peer[row])
            found: dict[str, Any] = {
                "type": TYPES[kind],
                "time": int(block.time_us[row]) / 1e6,
                "peer_ip": address_text(peers.afi[peer], peers.address_hi[peer], peers.address_lo[peer]),
                "peer_asn": peers.asn[peer],
            }
            if kind == Kind.STATE:
                old, new = divmod(int(block.state[row]), 256)
                found |= {"old_state": _state(old), "new_state": _state(new)}
                yield found
                continue
            prefix = address_text(int(block.afi[row]), int(block.prefix_hi[row]), int(block.prefix_lo[row]))
            found["prefix"] = f"{prefix}/{block.prefix_length[row]}"
            found["safi"] = int(block.safi[row])
            if block.path_id[row] or int(block.record_subtype[block.record[row]]) in ADD_PATH_SUBTYPES:
                found["path_id"] = int(block.path_id[row])
            if kind != Kind.WITHDRAW:
                start, size = int(block.attr_start[row]), int(block.attr_length[row])
                family = int(block.afi[row]) << 8 | int(block.safi[row])
                found |= self._attributes.get(data[start : start + size], int(block.as_size[row]), family)
            yield found

    def lines(self, block: ElemBlock, peers: PeerTable, rows: npt.NDArray[np.int64]) -> Iterator[str]:
        """One line of JSON, with its newline, for each row."""
        for found in self.objects(block, peers, rows):
            yield json.dumps(found, separators=(",", ":")) + "\n"


def _state(number: int) -> str:
    return STATES[number] if number < len(STATES) else str(number)


def _attributes(raw: bytes, as_size: int, family: int) -> dict[str, Any]:
    found: Attributes = decode_attributes(raw, as_size)
    hops = dict(found.mp_next_hops)
    next_hop = hops.get((family >> 8, family & 255)) or hops.get((0, 0)) or found.next_hop
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


def _segment(kind: int, members: tuple[int, ...]) -> list[Any]:
    """Members of a sequence one by one; a set as a list of its own; confederation segments as an object."""
    if kind == SET:
        return [list(members)]
    if kind == CONFED_SEQUENCE:
        return [{"confed_sequence": list(members)}]
    if kind == CONFED_SET:
        return [{"confed_set": list(members)}]
    return list(members)
