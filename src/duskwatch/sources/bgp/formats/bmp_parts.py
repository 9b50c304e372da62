"""Parts of BMP messages (RFC 7854, 8671, 9069, 9736; version 4 is draft-ietf-grow-bmp-tlv), read as values."""

import socket
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from duskwatch.sources.bgp.formats.bgp_open import HEADER as BGP_HEADER
from duskwatch.sources.bgp.formats.bgp_open import MARKER, PATHS, Open, read_open, read_paths
from duskwatch.sources.bgp.formats.feed_events import AddressFamily

COMMON_HEADER, PEER_HEADER = 6, 42  # octets
PEER_AT = COMMON_HEADER  # where the per-peer header begins in a message
BODY_AT = COMMON_HEADER + PEER_HEADER


class Type(IntEnum):
    """Types of messages (RFC 7854 section 4.1)."""

    ROUTE_MONITORING = 0
    STATISTICS = 1
    PEER_DOWN = 2
    PEER_UP = 3
    INITIATION = 4
    TERMINATION = 5
    ROUTE_MIRRORING = 6


NAMES = {
    0: "route monitoring", 1: "statistics", 2: "peer down", 3: "peer up", 4: "initiation", 5: "termination",
    6: "route mirroring",
}  # fmt: skip
GLOBAL, OF_DISTINGUISHER, LOCAL, LOC_RIB = range(4)  # peer types
IPV6, POST_POLICY, NARROW, OUTWARDS = 0x80, 0x40, 0x20, 0x10  # flags of peer types 0 to 2
# By peer flags; those of a Loc-RIB have no view of their own.
VIEWS = {0: "adj-rib-in", POST_POLICY: "adj-rib-in-post", OUTWARDS: "adj-rib-out", 0x50: "adj-rib-out-post"}
LOC_RIB_VIEW = "loc-rib"
ALL_VIEWS = frozenset({*VIEWS.values(), LOC_RIB_VIEW})

DOWN_REASONS = {
    1: "the router closed the session with a NOTIFICATION",
    2: "the router closed the session",
    3: "the peer closed the session with a NOTIFICATION",
    4: "the peer closed the session",
    5: "the router was told to monitor the peer no longer",
    6: "the routing table is gone",
}
NOT_MONITORED = 5
CLOSE_REASONS = {
    0: "closed by an administrator", 1: "no reason given", 2: "out of resources", 3: "a second connection",
    4: "closed for good by an administrator",
}  # fmt: skip
NO_TLV = "an information TLV runs past the end of the message"
TLVS_LIMIT = 1000  # of one message
TEXT_LIMIT = 1024  # octets of a text that are kept


class PeerKey(NamedTuple):
    """What a per-peer header says of a peer (RFC 7854 section 4.2)."""

    type: int
    flags: int
    distinguisher: bytes
    address: bytes  # 4 or 16 octets
    asn: int
    bgp_id: bytes

    @property
    def view(self) -> str:
        """Which table of the router the message is about."""
        return LOC_RIB_VIEW if self.type == LOC_RIB else VIEWS[self.flags & (POST_POLICY | OUTWARDS)]

    @property
    def session(self) -> tuple[int, bytes, bytes, int]:
        """The same for all tables of one session of the peer."""
        return self.type, self.distinguisher, self.address, self.asn

    @property
    def instance(self) -> str:
        """Name of the routing instance; empty for the default one."""
        if self.type in (GLOBAL, LOC_RIB) and not any(self.distinguisher):
            return ""
        return distinguisher_text(self.distinguisher)


def read_peer(data: bytes, at: int) -> PeerKey:
    """The per-peer header at a position; there are PEER_HEADER octets."""
    kind, flags = data[at], data[at + 1]
    whole = kind != LOC_RIB and flags & IPV6
    address = data[at + 10 : at + 26] if whole else data[at + 22 : at + 26]
    asn = int.from_bytes(data[at + 26 : at + 30], "big")
    return PeerKey(kind, flags, data[at + 2 : at + 10], address, asn, data[at + 30 : at + 34])


def distinguisher_text(raw: bytes) -> str:
    """A route distinguisher as routers write it (RFC 4364 section 4.2); hexadecimal where it is of no known type."""
    kind, value = int.from_bytes(raw[:2], "big"), raw[2:]
    if kind == 0:
        return f"{int.from_bytes(value[:2], 'big')}:{int.from_bytes(value[2:], 'big')}"
    if kind == 1:
        return f"{socket.inet_ntoa(value[:4])}:{int.from_bytes(value[4:], 'big')}"
    if kind == 2:
        return f"{int.from_bytes(value[:4], 'big')}:{int.from_bytes(value[4:], 'big')}"
    return raw.hex()


def tlvs(data: bytes, at: int, indexed: bool = False) -> Iterator[tuple[int, bytes]]:
    """Type and value of each TLV from a position to the end (RFC 7854 section 4.4).

    ``indexed``: an index of two octets stands before each value, as in version 4. ValueError where one runs past the
    end, or past TLVS_LIMIT.
    """
    head = 6 if indexed else 4
    for _ in range(TLVS_LIMIT):
        if at == len(data):
            return
        if at + head > len(data):
            raise ValueError(NO_TLV)
        kind, length = struct.unpack_from("!HH", data, at)
        at += head
        if at + length > len(data):
            raise ValueError(NO_TLV)
        yield kind, data[at : at + length]
        at += length
    raise ValueError("more information TLVs than any message has")


def text_of(raw: bytes) -> str:
    """Text that a router sent, of at most TEXT_LIMIT octets; what is no UTF-8 or no printable text is replaced."""
    text = raw[:TEXT_LIMIT].decode("utf-8", "replace").strip()
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


class PeerUp(NamedTuple):
    """A Peer Up Notification (RFC 7854 section 4.10)."""

    local: str  # address of the router's side; empty where there is none
    sent: Open
    received: Open
    table: str  # VRF or table name (RFC 9069 section 5.2, RFC 9736)


def read_peer_up(data: bytes, wide_address: bool) -> PeerUp:
    """The Peer Up in a whole message. ValueError, with the reason, where it does not follow the RFC."""
    at = BODY_AT
    if len(data) < at + 20:
        raise ValueError("a peer up notification without its fixed fields")
    address = data[at : at + 16]
    local = ""
    if any(address):
        local = _address_text(address if wide_address else address[12:])
    at += 20
    sent, length = read_open(data[at:])
    if sent is None:
        raise ValueError("a peer up notification without the OPEN that was sent")
    at += length
    received, length = read_open(data[at:])
    if received is None:
        raise ValueError("a peer up notification without the OPEN that was received")
    table = ""
    for kind, value in tlvs(data, at + length):
        if kind == 3:
            table = text_of(value)
    return PeerUp(local, sent, received, table)


def read_statistics(data: bytes) -> tuple[dict[int, int], dict[tuple[int, int, int], int]]:
    """Counters of a Statistics Report (RFC 7854 section 4.8), and those of one address family. ValueError as above."""
    if len(data) < BODY_AT + 4:
        raise ValueError("a statistics report without its count")
    values, of_family = {}, {}
    for kind, value in tlvs(data, BODY_AT + 4):
        if len(value) in (4, 8):
            values[kind] = int.from_bytes(value, "big")
        elif len(value) == 11:
            of_family[kind, int.from_bytes(value[:2], "big"), value[2]] = int.from_bytes(value[3:], "big")
    return values, of_family


def read_initiation(data: bytes) -> tuple[str, str, str]:
    """sysName, sysDescr and free text of an Initiation Message (RFC 7854 section 4.3). ValueError as above."""
    texts = {0: "", 1: "", 2: ""}
    for kind, value in tlvs(data, COMMON_HEADER):
        if kind in texts:
            texts[kind] = text_of(value)
    return texts[2], texts[1], texts[0]


def read_termination(data: bytes) -> tuple[str, str]:
    """Reason and free text of a Termination Message (RFC 7854 section 4.5). ValueError as above."""
    reason, text = "no reason given", ""
    for kind, value in tlvs(data, COMMON_HEADER):
        if kind == 0:
            text = text_of(value)
        elif kind == 1 and len(value) == 2:
            code = int.from_bytes(value, "big")
            reason = CLOSE_REASONS.get(code, f"reason {code}")
    return reason, text


def read_mirrored(data: bytes) -> list[str]:
    """What a Route Mirroring message holds, by name (RFC 7854 section 4.7). ValueError as above."""
    names = {
        (0, None): "mirrored BGP message",
        (1, 0): "mirrored BGP message in error",
        (1, 1): "mirrored messages lost",
    }
    found = []
    for kind, value in tlvs(data, BODY_AT):
        code = int.from_bytes(value, "big") if kind == 1 else None
        found.append(names.get((kind, code), "mirrored, of another kind"))
    return found


def messages_in(data: bytes, at: int, version: int) -> tuple[list[bytes], dict[AddressFamily, int], str]:
    """BGP messages of a Route Monitoring message, what it says about path identifiers, and a fault.

    Version 3 has one message behind the header, and some routers several; version 4 puts it into a TLV beside others,
    of which one may hold the capability that the message was made under (flags as in ``Open.paths``).
    """
    if version == 3:
        return _one_after_another(data, at), {}, ""
    found, paths = [], {}
    try:
        for kind, value in tlvs(data, at, indexed=True):
            if kind == 4:
                found.append(value)
            elif kind == 1 and len(value) >= 2 and value[0] == PATHS:
                paths.update(read_paths(value[2:]))
    except ValueError as error:
        return found, paths, str(error)
    return found, paths, "" if found else "a route monitoring message without a BGP message"


def _one_after_another(data: bytes, at: int) -> list[bytes]:
    found = []
    while True:
        length = int.from_bytes(data[at + 16 : at + 18], "big")
        if (
            length < BGP_HEADER
            or len(data) - at - length < BGP_HEADER
            or data[at + length : at + length + 16] != MARKER
        ):
            found.append(data[at:])
            return found
        found.append(data[at : at + length])
        at += length


def _address_text(raw: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)
