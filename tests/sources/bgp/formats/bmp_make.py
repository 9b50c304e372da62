"""Makes BMP messages, as the RFCs have them."""

import ipaddress
import struct
from collections.abc import Sequence

from duskwatch.records.prefix import Prefix
from duskwatch.sources.bgp.formats.mrt_write import Route, announce, end_of_rib, message, withdraw

__all__ = ["Prefix", "Route", "announce", "end_of_rib", "withdraw"]

SECONDS = 1_700_000_000


def bmp(kind: int, body: bytes, version: int = 3) -> bytes:
    return struct.pack("!BIB", version, 6 + len(body), kind) + body


def peer_header(
    address: str = "192.0.2.1",
    asn: int = 64500,
    *,
    kind: int = 0,
    flags: int = 0,
    distinguisher: bytes = bytes(8),
    seconds: int = SECONDS,
    microseconds: int = 250_000,
) -> bytes:
    raw = ipaddress.ip_address(address).packed
    if len(raw) == 16 and kind != 3:
        flags |= 0x80
    return (
        struct.pack("!BB", kind, flags) + distinguisher + raw.rjust(16, b"\0")
        + struct.pack("!I", asn) + bytes([10, 0, 0, 1]) + struct.pack("!II", seconds, microseconds)
    )  # fmt: skip


def routes(*messages: bytes, header: bytes | None = None) -> bytes:
    return bmp(0, (peer_header() if header is None else header) + b"".join(messages))


def open_message(
    asn: int, *, families: Sequence[tuple[int, int]] = ((1, 1), (2, 1)), paths: Sequence[tuple[int, int, int]] = ()
) -> bytes:
    """``paths``: AFI, SAFI and flags of the ADD-PATH capability."""
    each = b"".join(struct.pack("!BBHBB", 1, 4, afi, 0, safi) for afi, safi in families)
    each += struct.pack("!BBI", 65, 4, asn)
    if paths:
        value = b"".join(struct.pack("!HBB", *path) for path in paths)
        each += struct.pack("!BB", 69, len(value)) + value
    parameter = struct.pack("!BB", 2, len(each)) + each
    body = struct.pack("!BHH", 4, min(asn, 23456), 180) + bytes([10, 0, 0, 9]) + bytes([len(parameter)]) + parameter
    return message(1, body)


def peer_up(
    header: bytes | None = None,
    sent: bytes | None = None,
    received: bytes | None = None,
    tlvs: bytes = b"",
    local: str = "192.0.2.254",
) -> bytes:
    raw = ipaddress.ip_address(local).packed.rjust(16, b"\0")
    body = raw + struct.pack("!HH", 179, 33000)
    body += open_message(64511) if sent is None else sent
    body += open_message(64500) if received is None else received
    return bmp(3, (peer_header() if header is None else header) + body + tlvs)


def peer_down(reason: int = 1, header: bytes | None = None, data: bytes = b"") -> bytes:
    return bmp(2, (peer_header() if header is None else header) + bytes([reason]) + data)


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value


def indexed_tlv(kind: int, value: bytes, index: int = 0) -> bytes:
    return struct.pack("!HHH", kind, len(value), index) + value


def initiation(name: str = "r1", description: str = "a router") -> bytes:
    return bmp(4, tlv(1, description.encode()) + tlv(2, name.encode()))


def termination(code: int = 0, text: str = "") -> bytes:
    return bmp(5, tlv(1, struct.pack("!H", code)) + (tlv(0, text.encode()) if text else b""))


def statistics(values: dict[int, int], header: bytes | None = None) -> bytes:
    each = b"".join(tlv(kind, struct.pack("!Q" if kind >= 7 else "!I", value)) for kind, value in values.items())
    return bmp(1, (peer_header() if header is None else header) + struct.pack("!I", len(values)) + each)


ROUTE = Route((64500, 64501), "192.0.2.1")
ROUTE6 = Route((64500, 64501), "2001:db8::1")
KP = Prefix.parse("175.45.176.0/24")
KP2 = Prefix.parse("175.45.177.0/24")
V6 = Prefix.parse("2001:db8:1::/48")
