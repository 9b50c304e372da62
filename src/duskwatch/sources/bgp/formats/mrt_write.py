"""Writes MRT records (RFC 6396): table dumps and BGP messages as collectors store them.

Every function is pure and returns bytes; a file is their concatenation. Reference: RFC 6396 for MRT, RFC 4271 for
BGP, RFC 4760 for other address families, RFC 6793 for AS numbers of four bytes.
"""

import ipaddress
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from duskwatch.records.prefix import Prefix

# RFC 6396 section 4: types and subtypes.
TABLE_DUMP_V2 = 13
BGP4MP = 16
BGP4MP_ET = 17
PEER_INDEX_TABLE = 1
RIB_IPV4_UNICAST = 2
RIB_IPV6_UNICAST = 4
BGP4MP_MESSAGE_AS4 = 4
BGP4MP_STATE_CHANGE_AS4 = 5

# RFC 4271 section 5, RFC 4760, RFC 1997: path attribute flags and codes.
OPTIONAL, TRANSITIVE, EXTENDED = 0x80, 0x40, 0x10
ORIGIN, AS_PATH, NEXT_HOP, MULTI_EXIT_DISC, LOCAL_PREF, ATOMIC_AGGREGATE, AGGREGATOR = 1, 2, 3, 4, 5, 6, 7
COMMUNITIES, MP_REACH_NLRI, MP_UNREACH_NLRI = 8, 14, 15
AS_SET, AS_SEQUENCE = 1, 2
UNICAST = 1

LONGEST_MESSAGE = 4096  # RFC 4271 section 4
MARKER = b"\xff" * 16


class BgpState(IntEnum):
    """States of a BGP session, RFC 4271 section 8.2.2, numbered as in RFC 6396 section 4.4.1."""

    IDLE = 1
    CONNECT = 2
    ACTIVE = 3
    OPEN_SENT = 4
    OPEN_CONFIRM = 5
    ESTABLISHED = 6


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer of the collector: AS number, address (IPv4 or IPv6) and BGP identifier (an IPv4 address)."""

    asn: int
    address: str
    bgp_id: str


@dataclass(frozen=True, slots=True)
class Route:
    """Path attributes of a route. A tuple inside ``as_path`` is an AS_SET; None means that the attribute is absent."""

    as_path: tuple[int | tuple[int, ...], ...]
    next_hop: str
    origin: int = 0  # 0 IGP, 1 EGP, 2 INCOMPLETE
    med: int | None = None
    local_pref: int | None = None
    atomic_aggregate: bool = False
    aggregator: tuple[int, str] | None = None
    communities: tuple[tuple[int, int], ...] = ()


def record(seconds: int, kind: int, subtype: int, body: bytes, microseconds: int | None = None) -> bytes:
    """One MRT record: common header (RFC 6396 section 2), and with microseconds the extended one (section 3)."""
    if microseconds is None:
        return struct.pack("!IHHI", seconds, kind, subtype, len(body)) + body
    return struct.pack("!IHHII", seconds, kind, subtype, len(body) + 4, microseconds) + body


def nlri(prefixes: Iterable[Prefix]) -> bytes:
    """Prefixes as RFC 4271 section 4.3 writes them: a length in bits, then as many bytes as it needs."""
    out = bytearray()
    for prefix in prefixes:
        out.append(prefix.length)
        out += (prefix.hi << 64 | prefix.lo).to_bytes(16, "big")[: (prefix.length + 7) // 8]
    return bytes(out)


def attribute(flags: int, code: int, value: bytes) -> bytes:
    """One path attribute (RFC 4271 section 4.3), with a length of two bytes where one is too short."""
    if len(value) > 255:
        return struct.pack("!BBH", flags | EXTENDED, code, len(value)) + value
    return struct.pack("!BBB", flags, code, len(value)) + value


def as_path(path: Sequence[int | tuple[int, ...]]) -> bytes:
    """AS_PATH segments with AS numbers of four bytes (RFC 6793 section 3), at most 255 numbers in each."""
    out = bytearray()
    run: list[int] = []
    for step in (*path, ()):
        if isinstance(step, int):
            run.append(step)
            continue
        for at in range(0, len(run), 255):
            out += _segment(AS_SEQUENCE, run[at : at + 255])
        run = []
        if step:
            out += _segment(AS_SET, step)
    return bytes(out)


def _segment(kind: int, numbers: Sequence[int]) -> bytes:
    return struct.pack(f"!BB{len(numbers)}I", kind, len(numbers), *numbers)


def attributes(route: Route) -> bytes:
    """Path attributes of an IPv4 route in an UPDATE, or of any route in a table dump except its IPv6 next hop."""
    return _attributes(route, b"")


def rib_attributes(route: Route) -> bytes:
    """Path attributes as a TABLE_DUMP_V2 entry holds them.

    MP_REACH_NLRI is cut down to the next hop's length and the next hop (RFC 6396 section 4.3.4).
    """
    if ":" not in route.next_hop:
        return _attributes(route, b"")
    hop = ipaddress.IPv6Address(route.next_hop).packed
    return _attributes(route, attribute(OPTIONAL, MP_REACH_NLRI, bytes([len(hop)]) + hop))


def _attributes(route: Route, mp_reach: bytes) -> bytes:
    out = attribute(TRANSITIVE, ORIGIN, bytes([route.origin]))
    out += attribute(TRANSITIVE, AS_PATH, as_path(route.as_path))
    if ":" not in route.next_hop:
        out += attribute(TRANSITIVE, NEXT_HOP, ipaddress.IPv4Address(route.next_hop).packed)
    if route.med is not None:
        out += attribute(OPTIONAL, MULTI_EXIT_DISC, struct.pack("!I", route.med))
    if route.local_pref is not None:
        out += attribute(TRANSITIVE, LOCAL_PREF, struct.pack("!I", route.local_pref))
    if route.atomic_aggregate:
        out += attribute(TRANSITIVE, ATOMIC_AGGREGATE, b"")
    if route.aggregator is not None:
        asn, address = route.aggregator
        value = struct.pack("!I", asn) + ipaddress.IPv4Address(address).packed
        out += attribute(OPTIONAL | TRANSITIVE, AGGREGATOR, value)
    if route.communities:
        value = b"".join(struct.pack("!HH", *community) for community in route.communities)
        out += attribute(OPTIONAL | TRANSITIVE, COMMUNITIES, value)
    return out + mp_reach


def message(kind: int, body: bytes) -> bytes:
    """A BGP message with its header (RFC 4271 section 4.1). ValueError where it would be longer than 4096 bytes."""
    length = len(body) + 19
    if length > LONGEST_MESSAGE:
        raise ValueError(f"a BGP message of {length} bytes; at most {LONGEST_MESSAGE} fit, announce fewer prefixes")
    return MARKER + struct.pack("!HB", length, kind) + body


def update(withdrawn: bytes, path_attributes: bytes, announced: bytes) -> bytes:
    """An UPDATE message from encoded parts (RFC 4271 section 4.3)."""
    body = struct.pack("!H", len(withdrawn)) + withdrawn
    body += struct.pack("!H", len(path_attributes)) + path_attributes
    return message(2, body + announced)


def announce(route: Route, prefixes: Sequence[Prefix]) -> bytes:
    """An UPDATE that announces prefixes of one address family; IPv6 goes into MP_REACH_NLRI (RFC 4760 section 3)."""
    afi = _afi_of(prefixes)
    if afi == 1:
        return update(b"", _attributes(route, b""), nlri(prefixes))
    hop = ipaddress.IPv6Address(route.next_hop).packed
    reach = struct.pack("!HBB", afi, UNICAST, len(hop)) + hop + b"\x00" + nlri(prefixes)
    return update(b"", _attributes(route, attribute(OPTIONAL, MP_REACH_NLRI, reach)), b"")


def withdraw(prefixes: Sequence[Prefix]) -> bytes:
    """An UPDATE that withdraws prefixes of one address family; IPv6 goes into MP_UNREACH_NLRI (RFC 4760 section 4)."""
    afi = _afi_of(prefixes)
    if afi == 1:
        return update(nlri(prefixes), b"", b"")
    return update(b"", attribute(OPTIONAL, MP_UNREACH_NLRI, struct.pack("!HB", afi, UNICAST) + nlri(prefixes)), b"")


def _afi_of(prefixes: Sequence[Prefix]) -> int:
    afis = {prefix.afi for prefix in prefixes}
    if len(afis) != 1:
        raise ValueError(f"an UPDATE is about prefixes of one address family; given were {len(afis)} families")
    return afis.pop()


def end_of_rib(afi: int) -> bytes:
    """The marker that a peer has sent its whole table (RFC 4724 section 2)."""
    if afi == 1:
        return update(b"", b"", b"")
    return update(b"", attribute(OPTIONAL, MP_UNREACH_NLRI, struct.pack("!HB", afi, UNICAST)), b"")


def keepalive() -> bytes:
    """A KEEPALIVE message (RFC 4271 section 4.4)."""
    return message(4, b"")


def open_message(asn: int, bgp_id: str, hold_seconds: int = 180, afis: Sequence[int] = (1, 2)) -> bytes:
    """An OPEN message (RFC 4271 section 4.2) with the capabilities of RFC 4760 section 8 and RFC 6793 section 3."""
    capabilities = b"".join(struct.pack("!BBHBB", 1, 4, afi, 0, UNICAST) for afi in afis)
    capabilities += struct.pack("!BBI", 65, 4, asn)
    parameter = struct.pack("!BB", 2, len(capabilities)) + capabilities
    short = asn if asn < 1 << 16 else 23456  # AS_TRANS
    identifier = ipaddress.IPv4Address(bgp_id).packed
    return message(1, struct.pack("!BHH", 4, short, hold_seconds) + identifier + bytes([len(parameter)]) + parameter)


def bgp4mp(
    seconds: int, peer: Peer, local: Peer, bgp_message: bytes, *, interface: int = 0, microseconds: int | None = None
) -> bytes:
    """A BGP4MP_MESSAGE_AS4 record (RFC 6396 section 4.4.3); BGP4MP_ET where microseconds are given."""
    kind = BGP4MP if microseconds is None else BGP4MP_ET
    return record(seconds, kind, BGP4MP_MESSAGE_AS4, session_header(peer, local, interface) + bgp_message, microseconds)


def state_change(
    seconds: int,
    peer: Peer,
    local: Peer,
    old: BgpState,
    new: BgpState,
    *,
    interface: int = 0,
    microseconds: int | None = None,
) -> bytes:
    """A BGP4MP_STATE_CHANGE_AS4 record (RFC 6396 section 4.4.4)."""
    kind = BGP4MP if microseconds is None else BGP4MP_ET
    body = session_header(peer, local, interface) + struct.pack("!HH", old, new)
    return record(seconds, kind, BGP4MP_STATE_CHANGE_AS4, body, microseconds)


def session_header(peer: Peer, local: Peer, interface: int = 0) -> bytes:
    """The part that BGP4MP records of AS4 subtypes begin with: both AS numbers, interface, AFI, both addresses."""
    there, here = ipaddress.ip_address(peer.address), ipaddress.ip_address(local.address)
    if there.version != here.version:
        raise ValueError(f"peer {there} and collector {here} are of different address families")
    afi = 1 if there.version == 4 else 2
    return struct.pack("!IIHH", peer.asn, local.asn, interface, afi) + there.packed + here.packed


def peer_index_table(seconds: int, collector_id: str, peers: Sequence[Peer], view: str = "") -> bytes:
    """A PEER_INDEX_TABLE record (RFC 6396 section 4.3.1); RIB entries name a peer by its place in it."""
    name = view.encode("ascii")
    body = ipaddress.IPv4Address(collector_id).packed + struct.pack("!H", len(name)) + name
    body += struct.pack("!H", len(peers))
    for peer in peers:
        address = ipaddress.ip_address(peer.address)
        # Bit 0: the address is IPv6. Bit 1: the AS number has four bytes.
        body += bytes([2 | (address.version == 6)]) + ipaddress.IPv4Address(peer.bgp_id).packed
        body += address.packed + struct.pack("!I", peer.asn)
    return record(seconds, TABLE_DUMP_V2, PEER_INDEX_TABLE, body)


def rib(seconds: int, sequence: int, prefix: Prefix, entries: Sequence[tuple[int, int, bytes]]) -> bytes:
    """A RIB_IPV4_UNICAST or RIB_IPV6_UNICAST record (RFC 6396 sections 4.3.2 and 4.3.4).

    Entries are (row in the peer index, second the route was received, attributes from ``rib_attributes``).
    """
    body = struct.pack("!I", sequence) + nlri([prefix]) + struct.pack("!H", len(entries))
    body += b"".join(struct.pack("!HIH", peer, since, len(attrs)) + attrs for peer, since, attrs in entries)
    return record(seconds, TABLE_DUMP_V2, RIB_IPV4_UNICAST if prefix.afi == 1 else RIB_IPV6_UNICAST, body)
