"""What blocks of feeds say, as tuples that read well."""

from collections.abc import Iterable
from typing import NamedTuple

from duskwatch.records.elems import Kind
from duskwatch.sources.bgp.formats.attributes import decode_attributes, path_text
from duskwatch.sources.bgp.formats.elem_text import address_text
from duskwatch.sources.bgp.formats.feed_table import FeedBlock

LETTERS = {Kind.RIB: "R", Kind.ANNOUNCE: "A", Kind.WITHDRAW: "W", Kind.STATE: "S", Kind.ALIVE: "alive"}


class Said(NamedTuple):
    """One elem. ``about``: the prefix, or the new state of the session."""

    collector: str
    kind: str
    time_us: int
    peer: str
    asn: int
    about: str
    path: str
    path_id: int


def said(blocks: Iterable[FeedBlock]) -> list[Said]:
    out = []
    for collector, block in blocks:
        peers = block.peers
        data = block.data.tobytes()
        for row in range(len(block.time_us)):
            peer = int(block.peer[row])
            kind = Kind(int(block.kind[row]))
            about, path = "", ""
            if kind == Kind.STATE:
                about = str(int(block.state[row]) & 255)
            elif kind in (Kind.ANNOUNCE, Kind.WITHDRAW):
                address = address_text(int(block.afi[row]), int(block.prefix_hi[row]), int(block.prefix_lo[row]))
                about = f"{address}/{int(block.prefix_length[row])}"
            if kind == Kind.ANNOUNCE:
                start = int(block.attr_start[row])
                raw = data[start : start + int(block.attr_length[row])]
                path = path_text(decode_attributes(raw, int(block.as_size[row])).as_path)
            out.append(
                Said(
                    collector,
                    LETTERS[kind],
                    int(block.time_us[row]),
                    address_text(peers.afi[peer], peers.address_hi[peer], peers.address_lo[peer]),
                    peers.asn[peer],
                    about,
                    path,
                    int(block.path_id[row]),
                )
            )
    return out
