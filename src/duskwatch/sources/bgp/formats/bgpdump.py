"""Elems as the lines that `bgpdump -m` prints."""

import socket
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from duskwatch.records.elems import ElemBlock, Kind, PeerTable
from duskwatch.sources.bgp.formats.attributes import ORIGINS, Attributes, decode_attributes, path_text
from duskwatch.sources.bgp.formats.elem_text import AttributeCache

TABLE_DUMP, TABLE_DUMP_V2, BGP4MP, BGP4MP_ET, MRTD_BGP = 12, 13, 16, 17, 5
LOCAL = {6, 7, 10, 11}  # messages that the collector itself sent
ADD_PATH = {8, 9, 10, 11}
RIB_ADD_PATH = {8, 9, 10, 11, 12}
WELL_KNOWN = {0xFFFFFF01: "no-export", 0xFFFFFF02: "no-advertise", 0xFFFFFF03: "local-AS"}
NO_ADDRESS = "255.255.255.255"  # printed where there is no next hop
LONGEST_PATH_TEXT = 7900  # bgpdump cuts paths here and writes three dots

# What a tail depends on beside the attributes.
PLAIN, MRTD, DUMP, DUMP_V2, MP = 0, 1, 2, 3, 4


class BgpdumpText:
    """Lines of many blocks; remembers the text of attributes that were met before."""

    def __init__(self) -> None:
        self._tails = AttributeCache(_tail)
        self._prefixes: dict[tuple[int, int, int, int], str] = {}

    def lines(self, block: ElemBlock, peers: PeerTable, rows: npt.NDArray[np.int64]) -> Iterator[str]:
        """One line, with its newline, for each of the rows that bgpdump prints something for."""
        data = block.data.tobytes()
        texts = [
            f"{address_text(afi, hi, lo)}|{asn}"
            for afi, hi, lo, asn in zip(peers.afi, peers.address_hi, peers.address_lo, peers.asn, strict=True)
        ]
        heads = _heads(block)
        record_type, subtype = block.record_type.tolist(), block.record_subtype.tolist()
        columns = (
            block.time_us, block.kind, block.afi, block.safi, block.peer, block.prefix_hi, block.prefix_lo,
            block.prefix_length, block.path_id, block.attr_start, block.attr_length, block.as_size, block.state,
            block.record,
        )  # fmt: skip
        prefixes = self._prefixes
        for time_us, kind, afi, safi, peer, hi, lo, length, path_id, start, size, as_size, state, record in zip(
            *(column[rows].tolist() for column in columns), strict=True
        ):
            if kind > Kind.STATE:
                continue
            mrt, sub = record_type[record], subtype[record]
            name, local, add_path = heads[mrt, sub]
            who = _local_text(data, int(block.record_start[record]), mrt, sub) if local else texts[peer]
            time = f"{time_us // 1000000}.{time_us % 1000000:06d}" if mrt == BGP4MP_ET else str(time_us // 1000000)
            if kind == Kind.STATE:
                yield f"{name}|{time}|STATE|{who}|{state >> 8}|{state & 255}\n"
                continue
            key = (afi, hi, lo, length)
            prefix = prefixes.get(key)
            if prefix is None:
                if len(prefixes) >= 1 << 16:
                    prefixes.clear()
                prefix = prefixes[key] = f"{address_text(afi, hi, lo)}/{length}"
            if add_path:
                prefix = f"{prefix}|{path_id}"
            if kind == Kind.WITHDRAW:
                yield f"{name}|{time}|W|{who}|{prefix}\n"
                continue
            form = DUMP_V2 if mrt == TABLE_DUMP_V2 else DUMP if mrt == TABLE_DUMP else MRTD if mrt == MRTD_BGP else MP
            tail = self._tails.get(data[start : start + size], as_size, form << 16 | afi << 8 | safi)
            yield f"{name}|{time}|{'B' if kind == Kind.RIB else 'A'}|{who}|{prefix}|{tail}\n"


def _heads(block: ElemBlock) -> dict[tuple[int, int], tuple[str, bool, bool]]:
    """Type and subtype to the first word of the line, whether the collector sent it, whether it has path ids."""
    pairs = set(zip(block.record_type.tolist(), block.record_subtype.tolist(), strict=True))
    out = {}
    for mrt, sub in pairs:
        if mrt == TABLE_DUMP_V2:
            add_path = sub in RIB_ADD_PATH
            out[mrt, sub] = ("TABLE_DUMP2_AP" if add_path else "TABLE_DUMP2", False, add_path)
        elif mrt in (BGP4MP, BGP4MP_ET):
            local, add_path = sub in LOCAL, sub in ADD_PATH
            name = "BGP4MP" + ("_ET" if mrt == BGP4MP_ET else "")
            # Of the messages sent with path identifiers, bgpdump counts none as local.
            local_shown = sub in (6, 7)
            out[mrt, sub] = (
                name + ("_LOCAL" if local_shown else "") + ("_AP" if add_path else ""),
                local and local_shown,
                add_path,
            )
        else:
            out[mrt, sub] = ("TABLE_DUMP" if mrt == TABLE_DUMP else "BGP", False, False)
    return out


def _local_text(data: bytes, start: int, mrt: int, subtype: int) -> str:
    """``address|AS number`` of the collector's side, which stands for the sender of a local message."""
    at = start + 12 + (4 if mrt == BGP4MP_ET else 0)
    size = 4 if subtype == 7 else 2
    asn = int.from_bytes(data[at + size : at + 2 * size], "big")
    at += 2 * size + 2
    octets = 4 if int.from_bytes(data[at : at + 2], "big") == 1 else 16
    address = data[at + 2 + octets : at + 2 + 2 * octets]
    return f"{socket.inet_ntop(socket.AF_INET if octets == 4 else socket.AF_INET6, address)}|{asn}"


def _tail(raw: bytes, as_size: int, form: int) -> str:
    """Everything behind the prefix of an announcement or a table entry."""
    kind, afi, safi = form >> 16, form >> 8 & 255, form & 255
    found = decode_attributes(raw, as_size)
    path = path_text(found.as_path)
    if len(path) > LONGEST_PATH_TEXT:
        path = _cut(path)
    communities = " ".join(WELL_KNOWN.get(value) or f"{value >> 16}:{value & 0xFFFF}" for value in found.communities)
    # Communities have no field of their own in what bgpdump prints of the deprecated type BGP.
    gap = "" if kind == MRTD else "|"
    aggregator = f"{found.aggregator[0]} {found.aggregator[1]}" if found.aggregator else ""
    return (
        f"{path}|{ORIGINS.get(-1 if found.origin is None else found.origin, 'INCOMPLETE')}|"
        f"{_next_hop(found, kind, afi, safi)}|{found.local_pref or 0}|{found.med or 0}{gap}{communities}|"
        f"{'AG' if found.atomic_aggregate else 'NAG'}|{aggregator}|"
    )


def _cut(path: str) -> str:
    """A long path as bgpdump cuts it: after the number that reaches past LONGEST_PATH_TEXT."""
    end = LONGEST_PATH_TEXT
    while end < len(path) and path[end].isdigit():
        end += 1
    return path[:end] + "..."


def _next_hop(found: Attributes, kind: int, afi: int, safi: int) -> str:
    hops = dict(found.mp_next_hops)
    if kind in (DUMP, DUMP_V2):
        # The abbreviated form in dumps counts as IPv6 unicast; a full one may stand there as well.
        for family in ((0, 0), (2, 1), *(((1, 1),) if kind == DUMP_V2 else ())):
            if family in hops:
                return _shortened(hops[family])
    elif (afi, safi) in hops and (afi != 1 or found.next_hop is None):
        return _shortened(hops[afi, safi])
    return found.next_hop or NO_ADDRESS


def address_text(afi: int, hi: int, lo: int) -> str:
    """Text of a left-aligned address as bgpdump writes it."""
    if afi == 1:
        return f"{hi >> 56}.{hi >> 48 & 255}.{hi >> 40 & 255}.{hi >> 32 & 255}"
    return _shortened(socket.inet_ntop(socket.AF_INET6, (hi << 64 | lo).to_bytes(16, "big")))


def _shortened(text: str) -> str:
    """An IPv6 address in which a lone group of zeros is left out too, though RFC 5952 section 4.2.2 says not to."""
    if "::" in text or ":" not in text or "." in text:
        return text
    groups = text.split(":")
    if "0" not in groups:
        return text
    at = groups.index("0")
    return ":".join(groups[:at]) + "::" + ":".join(groups[at + 1 :])
