"""What two BGP speakers agreed on: OPEN messages and their capabilities (RFC 4271 section 4.2, RFC 5492, RFC 9072)."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

from duskwatch.sources.bgp.formats.feed_events import AddressFamily

MULTIPROTOCOL, EXTENDED_MESSAGE, WIDE_NUMBERS, PATHS = 1, 6, 65, 69
CAN_RECEIVE, CAN_SEND = 1, 2  # bits of the Send/Receive field (RFC 7911 section 4)
CAPABILITIES, EXTENDED = 2, 255  # kinds of optional parameters
HEADER = 19
MARKER = b"\xff" * 16


@dataclass(frozen=True, slots=True)
class Open:
    """One OPEN message. ``asn`` is that of the capability where there is one (RFC 6793 section 3)."""

    asn: int
    hold_seconds: int
    bgp_id: str
    wide: bool = False
    address_families: frozenset[AddressFamily] = frozenset()
    paths: dict[AddressFamily, int] = field(default_factory=dict)  # CAN_RECEIVE, CAN_SEND or both


def read_open(data: bytes) -> tuple[Open | None, int]:
    """An OPEN message and its length in octets; None where these octets begin with none.

    Capabilities that run past their field are left out; those before them count.
    """
    if len(data) < HEADER + 10 or data[:16] != MARKER or data[18] != 1:
        return None, 0
    length = int.from_bytes(data[16:18], "big")
    if not HEADER + 10 <= length <= len(data):
        return None, 0
    asn = int.from_bytes(data[20:22], "big")
    wide, address_families, paths = False, set(), {}
    for code, value in _capabilities(data[28:length]):
        if code == MULTIPROTOCOL and len(value) == 4:
            address_families.add((int.from_bytes(value[:2], "big"), value[3]))
        elif code == WIDE_NUMBERS and len(value) == 4:
            wide, asn = True, int.from_bytes(value, "big")
        elif code == PATHS:
            paths.update(read_paths(value))
    hold, bgp_id = int.from_bytes(data[22:24], "big"), socket.inet_ntoa(data[24:28])
    # A speaker without the capability speaks of IPv4 unicast alone (RFC 4760 section 8).
    return Open(asn, hold, bgp_id, wide, frozenset(address_families) or frozenset({(1, 1)}), paths), length


def read_paths(value: bytes) -> dict[AddressFamily, int]:
    """The value of an ADD-PATH capability (RFC 7911 section 4)."""
    return {(value[at] << 8 | value[at + 1], value[at + 2]): value[at + 3] & 3 for at in range(0, len(value) - 3, 4)}


def _capabilities(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Code and value of each capability; ``data`` begins with the length of the optional parameters."""
    extended = len(data) >= 4 and data[0] != 0 and data[1] == EXTENDED
    at = 4 if extended else 1
    end = at + (int.from_bytes(data[2:4], "big") if extended else data[0])
    end = min(end, len(data))
    step = 3 if extended else 2
    while at + step <= end:
        kind, size = data[at], int.from_bytes(data[at + 1 : at + step], "big")
        at += step
        if kind == CAPABILITIES:
            yield from _each(data[at : min(at + size, end)])
        at += size


def _each(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 2 <= len(data) and at + 2 + data[at + 1] <= len(data):
        yield data[at], data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]


def with_path_ids(sent: Open, received: Open, outwards: bool, both_alike: bool = False) -> frozenset[AddressFamily]:
    """Address families whose prefixes carry path identifiers in what one side sends (RFC 7911 section 4).

    sent, received: OPENs of the router that reports and of its peer. outwards: of what the router sends.
    both_alike: the two stand for the router's own table (RFC 9069 section 5.2), where its name is enough.
    """
    here, there = (CAN_SEND, CAN_RECEIVE) if outwards else (CAN_RECEIVE, CAN_SEND)
    return frozenset(
        address_family
        for address_family, flags in sent.paths.items()
        if (both_alike and address_family in received.paths and flags & received.paths[address_family])
        or (flags & here and received.paths.get(address_family, 0) & there)
    )
