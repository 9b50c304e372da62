"""UPDATE messages made of fields that were decoded by somebody else (feeds that do not give the message itself)."""

import socket
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from duskwatch.sources.bgp.formats.bgp_open import HEADER, MARKER
from duskwatch.sources.bgp.formats.feed_table import LONGEST_MESSAGE

TRANSITIVE, OPTIONAL, EXTENDED = 0x40, 0x80, 0x10
ORIGINS = {"igp": 0, "egp": 1, "incomplete": 2}
ROOM = 4096 - 100  # octets of prefixes in one message, less what stands around them; attributes may take more
KEEPALIVE = MARKER + b"\0\x13\4"

LONGEST_PREFIX = 60  # letters

_pair = struct.Struct("!HH").pack

Path = Sequence[int | Sequence[int]]


@dataclass(slots=True)
class Fields:
    """What an UPDATE says. A sequence inside ``path`` is an AS_SET; None: not said.

    announced: next hop (several, joined by commas: the link-local one last) and prefixes, for each next hop.
    """

    path: Path = ()
    origin: str | None = None
    med: int | None = None
    communities: Sequence[Sequence[int]] = ()
    aggregator: str | None = None  # AS number and address, joined by a colon
    announced: Sequence[tuple[str, Sequence[str]]] = ()
    withdrawn: Sequence[str] = field(default_factory=tuple)


def updates(fields: Fields) -> list[bytes]:
    """UPDATE messages with AS numbers of four octets (RFC 6793) that say the same, withdrawals first.

    Prefixes that are said twice, once with a link-local next hop, are said once. ValueError names what cannot be
    written.
    """
    out = []
    four, six = _by_version(fields.withdrawn)
    out += [_message(part, b"", b"") for part in _parts(four)]
    for part in _parts(six):
        out.append(_message(b"", _attribute(OPTIONAL, 15, b"\0\2\1" + part), b""))
    if not fields.announced:
        return out
    first, rest = _before_next_hop(fields), _behind_next_hop(fields)
    seen: set[bytes] = set()
    for hop_text, prefixes in fields.announced:
        hop = _next_hop(hop_text)
        four, six = ([each for each in some if each not in seen] for some in _by_version(prefixes))
        seen.update(four, six)
        for part in _parts(four):
            if len(hop) == 4:
                out.append(_message(b"", first + _attribute(TRANSITIVE, 3, hop) + rest, part))
            else:
                out.append(_message(b"", first + rest + _reach(1, hop, part), b""))
        out += [_message(b"", first + rest + _reach(2, hop, part), b"") for part in _parts(six)]
    return out


def _before_next_hop(fields: Fields) -> bytes:
    """ORIGIN and AS_PATH. Attributes stand in the order of their codes (RFC 4271 section 5)."""
    if fields.origin is not None and fields.origin.lower() not in ORIGINS:
        raise ValueError(f"an origin of '{fields.origin[:40]}'")
    out = _attribute(TRANSITIVE, 1, bytes([ORIGINS[(fields.origin or "incomplete").lower()]]))
    return out + _attribute(TRANSITIVE, 2, _path(fields.path))


def _behind_next_hop(fields: Fields) -> bytes:
    out = b""
    if fields.med is not None:
        out += _attribute(OPTIONAL, 4, _u32(fields.med, "a MED"))
    if fields.aggregator is not None:
        asn, _, address = fields.aggregator.partition(":")
        out += _attribute(OPTIONAL | TRANSITIVE, 7, _u32(_int(asn), "an aggregator") + _address(address, 4))
    if fields.communities:
        out += _attribute(OPTIONAL | TRANSITIVE, 8, _communities(fields.communities))
    return out


def _communities(pairs: Sequence[Sequence[int]]) -> bytes:
    try:
        return b"".join([_pair(*pair) for pair in pairs])
    except (struct.error, TypeError):
        raise ValueError(f"communities {str(list(pairs))[:60]}, of which one is none") from None


def _path(path: Path) -> bytes:
    out = bytearray()
    at = 0
    while at < len(path):
        end = at
        while end < len(path) and isinstance(path[end], int) and end - at < 255:
            end += 1
        if end > at:
            out += _segment(2, path[at:end])  # type: ignore[arg-type]
            at = end
            continue
        members = path[at]
        assert not isinstance(members, int)
        if len(members) > 255:
            raise ValueError(f"an AS_SET of {len(members)} members")
        if members:
            out += _segment(1, members)
        at += 1
    return bytes(out)


def _segment(kind: int, numbers: Sequence[int]) -> bytes:
    try:
        return struct.pack(f"!BB{len(numbers)}I", kind, len(numbers), *numbers)
    except struct.error:
        wrong = next(number for number in numbers if not 0 <= number < 1 << 32)
        raise ValueError(f"an AS number of {str(wrong)[:40]}") from None


def _by_version(prefixes: Iterable[str]) -> tuple[list[bytes], list[bytes]]:
    """Prefixes of IPv4 and of IPv6 as they stand in a message (RFC 4271 section 4.3)."""
    found: tuple[list[bytes], list[bytes]] = [], []
    for text in prefixes:
        if len(text) > LONGEST_PREFIX:
            raise ValueError(f"a prefix '{text[:LONGEST_PREFIX]}'")
        six, raw = _prefix(text)
        found[six].append(raw)
    return found


@lru_cache(1 << 16)
def _prefix(text: str) -> tuple[bool, bytes]:
    address, _, bits = text.partition("/")
    six = ":" in address
    raw = _address(address, 16 if six else 4)
    length = _int(bits)
    if length > 8 * len(raw):
        raise ValueError(f"a prefix '{text}'")
    return six, bytes([length]) + raw[: (length + 7) // 8]


def _parts(prefixes: list[bytes]) -> list[bytes]:
    """Prefixes joined, as many as one message holds."""
    out: list[bytes] = []
    part: list[bytes] = []
    octets = 0
    for prefix in prefixes:
        if octets + len(prefix) > ROOM:
            out.append(b"".join(part))
            part, octets = [], 0
        part.append(prefix)
        octets += len(prefix)
    return [*out, b"".join(part)] if part else out


def _next_hop(text: str) -> bytes:
    """The octets of one next hop, or of a global and a link-local one (RFC 2545 section 3)."""
    raw = b"".join(_address(each, 16 if ":" in each else 4) for each in text.split(","))
    if len(raw) not in (4, 16, 32):
        raise ValueError(f"a next hop '{text[:80]}'")
    return raw


def _reach(afi: int, hop: bytes, prefixes: bytes) -> bytes:
    return _attribute(OPTIONAL, 14, struct.pack("!HBB", afi, 1, len(hop)) + hop + b"\0" + prefixes)


def _message(withdrawn: bytes, attributes: bytes, announced: bytes) -> bytes:
    body = struct.pack("!H", len(withdrawn)) + withdrawn + struct.pack("!H", len(attributes) & 0xFFFF) + attributes
    body += announced
    if HEADER + len(body) > LONGEST_MESSAGE:
        raise ValueError("more attributes than fit into a BGP message")
    return MARKER + struct.pack("!HB", HEADER + len(body), 2) + body


def _attribute(flags: int, code: int, value: bytes) -> bytes:
    if len(value) > LONGEST_MESSAGE:
        raise ValueError("more attributes than fit into a BGP message")
    if len(value) > 255:
        return struct.pack("!BBH", flags | EXTENDED, code, len(value)) + value
    return struct.pack("!BBB", flags, code, len(value)) + value


def _address(text: str, octets: int) -> bytes:
    try:
        return socket.inet_pton(socket.AF_INET if octets == 4 else socket.AF_INET6, text)
    except (OSError, ValueError):
        raise ValueError(f"an address '{text[:60]}'") from None


def _u32(number: int, what: str) -> bytes:
    if not 0 <= number < 1 << 32:
        raise ValueError(f"{what} of {str(number)[:40]}")
    return number.to_bytes(4, "big")


def _int(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        raise ValueError(f"a number '{text[:40]}'")
    return int(text)
