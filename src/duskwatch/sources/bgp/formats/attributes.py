"""BGP path attributes from their bytes: what the main path leaves alone, for people and files that want all of it."""

import socket
from dataclasses import dataclass

ORIGINS = {0: "IGP", 1: "EGP", 2: "INCOMPLETE"}
AS_TRANS = 23456  # RFC 6793 section 9

SET, SEQUENCE, CONFED_SEQUENCE, CONFED_SET = 1, 2, 3, 4  # RFC 4271 section 4.3, RFC 5065 section 3

Segment = tuple[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Attributes:
    """Path attributes of one UPDATE or RIB entry; None or empty where an attribute is not there.

    as_path is merged with AS4_PATH, aggregator with AS4_AGGREGATOR, where AS numbers are of two octets (RFC 6793
    section 4.2.3). mp_next_hops: address family and SAFI to the first next hop of MP_REACH_NLRI; (0, 0) stands for
    the abbreviated form in table dumps (RFC 6396 section 4.3.4).
    """

    origin: int | None = None
    as_path: tuple[Segment, ...] = ()
    next_hop: str | None = None
    med: int | None = None
    local_pref: int | None = None
    atomic_aggregate: bool = False
    aggregator: tuple[int, str] | None = None
    communities: tuple[int, ...] = ()
    extended_communities: tuple[bytes, ...] = ()
    large_communities: tuple[tuple[int, int, int], ...] = ()
    originator_id: str | None = None
    cluster_list: tuple[str, ...] = ()
    mp_next_hops: tuple[tuple[tuple[int, int], str], ...] = ()
    malformed: str = ""  # the first attribute that does not follow its RFC, and how; the others are still read

    @property
    def origins(self) -> tuple[int, ...]:
        """The origin AS, or the members of a final AS_SET."""
        for kind, members in reversed(self.as_path):
            if kind == SEQUENCE and members:
                return members[-1:]
            if kind == SET and members:
                return tuple(sorted(members))
        return ()


def decode_attributes(raw: bytes, as_size: int) -> Attributes:
    """Read path attributes (RFC 4271 section 4.3, 4360, 4456, 4760, 5065, 6793, 8092).

    as_size: octets of an AS number in AS_PATH and AGGREGATOR, 2 or 4. Never raises: what cannot be read is named in
    ``malformed``.
    """
    found: dict[int, bytes] = {}
    malformed = ""
    at = 0
    while at < len(raw):
        if at + 3 > len(raw):
            malformed = malformed or "the last attribute has no whole header"
            break
        flags, code = raw[at], raw[at + 1]
        if flags & 0x10:
            if at + 4 > len(raw):
                malformed = malformed or "the last attribute has no whole header"
                break
            length, at = int.from_bytes(raw[at + 2 : at + 4], "big"), at + 4
        else:
            length, at = raw[at + 2], at + 3
        if at + length > len(raw):
            malformed = malformed or f"attribute {code} runs past the end"
            break
        found.setdefault(code, raw[at : at + length])  # RFC 7606 section 3 g: the first one counts
        at += length
    path, path_fault = _path(found.get(2, b""), as_size)
    aggregator = _aggregator(found.get(7, b""), as_size)
    if as_size == 2:
        if aggregator and aggregator[0] == AS_TRANS and 18 in found:
            aggregator = _aggregator(found[18], 4) or aggregator
        # RFC 6793 section 4.2.3: an AGGREGATOR that is not AS_TRANS means that AS4_PATH is not to be believed.
        believed = not (18 in found and aggregator and 7 in found and _aggregator(found[7], 2)[0] != AS_TRANS)  # type: ignore[index]
        if 17 in found and 2 in found and believed:
            path = merge_paths(path, _path(found[17], 4)[0])
    return Attributes(
        found[1][0] if found.get(1) else None,
        path,
        _ipv4(found.get(3, b"")),
        _number(found.get(4, b"")),
        _number(found.get(5, b"")),
        6 in found,
        aggregator,
        tuple(int.from_bytes(part, "big") for part in _parts(found.get(8, b""), 4)),
        tuple(_parts(found.get(16, b""), 8)),
        tuple(
            (int.from_bytes(part[:4], "big"), int.from_bytes(part[4:8], "big"), int.from_bytes(part[8:], "big"))
            for part in _parts(found.get(32, b""), 12)
        ),
        _ipv4(found.get(9, b"")),
        tuple(socket.inet_ntoa(part) for part in _parts(found.get(10, b""), 4)),
        _mp_next_hops(found.get(14, b"")),
        malformed or path_fault,
    )


def path_length(path: tuple[Segment, ...]) -> int:
    """Number of hops: a set counts as one (RFC 4271 section 9.1.2.2)."""
    return sum(1 if kind in (SET, CONFED_SET) else len(members) for kind, members in path)


def merge_paths(path: tuple[Segment, ...], wide: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """AS_PATH with its tail replaced by AS4_PATH, where that is no longer (RFC 6793 section 4.2.3)."""
    keep = path_length(path) - path_length(wide)
    if keep < 0:
        return path
    head: list[Segment] = []
    for kind, members in path:
        if keep <= 0:
            break
        if kind in (SET, CONFED_SET):
            head.append((kind, members))
            keep -= 1
        else:
            head.append((kind, members[:keep]))
            keep -= len(members[:keep])
    return (*head, *wide)


def path_text(path: tuple[Segment, ...]) -> str:
    """The path as bgpdump writes it: sets in braces, confederation sequences in parentheses, their sets in brackets."""
    brackets = {SET: ("{", "}"), CONFED_SEQUENCE: ("(", ")"), CONFED_SET: ("[", "]")}
    words = []
    for kind, members in path:
        start, end = brackets.get(kind, ("", ""))
        words.append(start + ("," if kind in (SET, CONFED_SET) else " ").join(map(str, members)) + end)
    return " ".join(words)


def _path(raw: bytes, size: int) -> tuple[tuple[Segment, ...], str]:
    segments: list[Segment] = []
    at = 0
    while at < len(raw):
        if at + 2 > len(raw) or at + 2 + raw[at + 1] * size > len(raw) or not SET <= raw[at] <= CONFED_SET:
            return (), "the AS path does not fit its attribute"
        kind, count = raw[at], raw[at + 1]
        at += 2
        segments.append(
            (kind, tuple(int.from_bytes(raw[at + i * size : at + i * size + size], "big") for i in range(count)))
        )
        at += count * size
    return tuple(segments), ""


def _parts(raw: bytes, size: int) -> list[bytes]:
    return [raw[at : at + size] for at in range(0, len(raw) - size + 1, size)]


def _number(raw: bytes) -> int | None:
    return int.from_bytes(raw[:4], "big") if len(raw) >= 4 else None


def _ipv4(raw: bytes) -> str | None:
    return socket.inet_ntoa(raw[:4]) if len(raw) >= 4 else None


def _aggregator(raw: bytes, size: int) -> tuple[int, str] | None:
    if len(raw) < size + 4:
        return None
    return int.from_bytes(raw[:size], "big"), socket.inet_ntoa(raw[size : size + 4])


def _mp_next_hops(raw: bytes) -> tuple[tuple[tuple[int, int], str], ...]:
    if not raw:
        return ()
    if raw[0] != 0:  # table dumps leave out all but the next hop
        family, length, at = (0, 0), raw[0], 1
    elif len(raw) >= 4:
        family, length, at = (int.from_bytes(raw[:2], "big"), raw[2]), raw[3], 4
    else:
        return ()
    address = raw[at : at + length]
    if len(address) != length:
        return ()
    if length == 4:
        return ((family, socket.inet_ntoa(address)),)
    if length in (16, 32):  # a link-local address may follow (RFC 2545 section 3)
        return ((family, socket.inet_ntop(socket.AF_INET6, address[:16])),)
    return ()
