"""Address families of an UPDATE message, and the message taken apart by them (RFC 4271 section 4.3, RFC 4760)."""

from duskwatch.sources.bgp.formats.bgp_open import HEADER, MARKER
from duskwatch.sources.bgp.formats.feed_events import AddressFamily

UPDATE = 2
MP_REACH, MP_UNREACH = 14, 15
IPV4_UNICAST: AddressFamily = (1, 1)


def end_of_rib(message: bytes) -> AddressFamily | None:
    """The address family whose table ends with this message (RFC 4724 section 2); None where it is no such marker."""
    length = len(message)
    if length == 23:
        return IPV4_UNICAST if message[18:] == b"\2\0\0\0\0" else None
    # Withdrawn routes of no length, attributes of six octets (seven with an extended length): MP_UNREACH_NLRI alone.
    if length == 29 and message[18:23] == b"\2\0\0\0\6" and message[24:26] == b"\x0f\3":
        return message[26] << 8 | message[27], message[28]
    if length == 30 and message[18:23] == b"\2\0\0\0\7" and message[24:27] == b"\x0f\0\3":
        return message[27] << 8 | message[28], message[29]
    return None


def families_inside(message: bytes) -> tuple[bool, frozenset[AddressFamily]]:
    """Whether an UPDATE has prefixes outside its attributes, and AFI, SAFI of those inside (broken ones: none)."""
    bounds = _bounds(message)
    if bounds is None:
        return False, frozenset()
    withdrawn, start, end = bounds
    found = set()
    for _, code, at, stop in _attributes(message, start, end):
        if code in (MP_REACH, MP_UNREACH) and stop - at >= 3:
            found.add((message[at] << 8 | message[at + 1], message[at + 2]))
    return withdrawn > 21 or end < len(message), frozenset(found)


def split(message: bytes) -> tuple[bytes, bytes]:
    """An UPDATE of well-formed length as two: prefixes outside the attributes, and those inside."""
    bounds = _bounds(message)
    if bounds is None:
        return message, b""
    _, start, end = bounds
    outside, inside = b"", b""
    for begin, code, _, stop in _attributes(message, start, end):
        part = message[begin:stop]
        inside += part
        if code not in (MP_REACH, MP_UNREACH):
            outside += part
    withdrawn = message[19 : start - 2]
    return _update(withdrawn, outside, message[end:]), _update(b"\0\0", inside, b"")


def _update(withdrawn: bytes, attributes: bytes, announced: bytes) -> bytes:
    body = withdrawn + len(attributes).to_bytes(2, "big") + attributes + announced
    return MARKER + (HEADER + len(body)).to_bytes(2, "big") + b"\2" + body


def _bounds(message: bytes) -> tuple[int, int, int] | None:
    """Where the withdrawn routes end and where the attributes begin and end; None where the message is none."""
    if len(message) < 23 or message[18] != UPDATE:
        return None
    withdrawn = 21 + (message[19] << 8 | message[20])
    if withdrawn + 2 > len(message):
        return None
    start = withdrawn + 2
    end = start + (message[withdrawn] << 8 | message[withdrawn + 1])
    return None if end > len(message) else (withdrawn, start, end)


def _attributes(message: bytes, at: int, end: int) -> list[tuple[int, int, int, int]]:
    """Where each attribute begins, its code, and where its value begins and ends; the rest of broken ones is left."""
    found = []
    while at + 3 <= end:
        begin, code = at, message[at + 1]
        if message[at] & 0x10:
            size = int.from_bytes(message[at + 2 : at + 4], "big")
            at += 4
        else:
            size = message[at + 2]
            at += 3
        if at + size > end:
            break
        found.append((begin, code, at, at + size))
        at += size
    return found
