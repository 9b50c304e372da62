"""BGP path attributes from their bytes: what the main path leaves alone, for people and files that want all of it."""

import socket
import struct
from dataclasses import dataclass

# Attribute codes (RFC 4271 section 5, and the RFCs that decode_attributes names).
ORIGIN, AS_PATH, NEXT_HOP, MED, LOCAL_PREF, ATOMIC_AGGREGATE, AGGREGATOR, COMMUNITIES = range(1, 9)
ORIGINATOR_ID, CLUSTER_LIST, MP_REACH_NLRI, EXTENDED_COMMUNITIES = 9, 10, 14, 16
AS4_PATH, AS4_AGGREGATOR, LARGE_COMMUNITIES = 17, 18, 32

ORIGINS = {0: "IGP", 1: "EGP", 2: "INCOMPLETE"}
AS_TRANS = 23456  # RFC 6793 section 9

SET, SEQUENCE, CONFED_SEQUENCE, CONFED_SET = 1, 2, 3, 4  # RFC 4271 section 4.3, RFC 5065 section 3
CONFEDERATION = (CONFED_SEQUENCE, CONFED_SET)

Segment = tuple[int, tuple[int, ...]]
Path = tuple[Segment, ...]
AddressFamily = tuple[int, int]  # AFI and SAFI

NO_WHOLE_HEADER = "the last attribute has no whole header"

ABBREVIATED: AddressFamily = (0, 0)  # what stands for the address family where MP_REACH_NLRI does not carry one


@dataclass(frozen=True, slots=True)
class Attributes:
    """Path attributes of one UPDATE or RIB entry; None or empty where an attribute is not there.

    as_path is merged with AS4_PATH, aggregator with AS4_AGGREGATOR, where AS numbers are of two octets (RFC 6793
    section 4.2.3). mp_next_hop: (AFI, SAFI), first next hop of MP_REACH_NLRI; ABBREVIATED where it is of the short form
    in table dumps (RFC 6396 section 4.3.4).
    """

    origin: int | None = None
    as_path: Path = ()
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
    mp_next_hop: tuple[AddressFamily, str] | None = None
    malformed: str = ""  # the first fault that was found, in words; what can be read beside it is read

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
    """Read path attributes (RFC 1997, 4271 section 4.3, 4360, 4456, 4760, 5065, 6793, 8092).

    as_size: octets of an AS number in AS_PATH and AGGREGATOR, 2 or 4. Never raises: what cannot be read is named in
    ``malformed``.
    """
    found, fault = split_attributes(raw)
    path, path_fault = whole_path(found, as_size)
    return Attributes(
        found[ORIGIN][0] if found.get(ORIGIN) else None,
        path,
        ipv4_text(found.get(NEXT_HOP, b"")),
        _number(found.get(MED, b"")),
        _number(found.get(LOCAL_PREF, b"")),
        ATOMIC_AGGREGATE in found,
        aggregator(found, as_size),
        numbers(found.get(COMMUNITIES, b"")),
        tuple(parts(found.get(EXTENDED_COMMUNITIES, b""), 8)),
        tuple(struct.unpack("!3I", part) for part in parts(found.get(LARGE_COMMUNITIES, b""), 12)),
        ipv4_text(found.get(ORIGINATOR_ID, b"")),
        tuple(socket.inet_ntoa(part) for part in parts(found.get(CLUSTER_LIST, b""), 4)),
        _mp_next_hop_text(found.get(MP_REACH_NLRI, b"")),
        fault or path_fault,
    )


def split_attributes(raw: bytes) -> tuple[dict[int, bytes], str]:
    """Attribute code to value, and what is wrong with the framing (empty where nothing is)."""
    found: dict[int, bytes] = {}
    at, size = 0, len(raw)
    while at < size:
        if at + 3 > size:
            return found, NO_WHOLE_HEADER
        code = raw[at + 1]
        if raw[at] & 0x10:
            if at + 4 > size:
                return found, NO_WHOLE_HEADER
            end = at + 4 + (raw[at + 2] << 8 | raw[at + 3])
            at += 4
        else:
            end = at + 3 + raw[at + 2]
            at += 3
        if end > size:
            return found, runs_past_text(code)
        if code not in found:  # RFC 7606 section 3 g: the first one counts
            found[code] = raw[at:end]
        at = end
    return found, ""


def whole_path(found: dict[int, bytes], as_size: int) -> tuple[Path, str]:
    """The path, merged with AS4_PATH where AS numbers are of two octets, and what is wrong with it."""
    path, fault = read_path(found.get(AS_PATH, b""), as_size)
    if as_size == 2 and AS4_PATH in found and path and _as4_counts(found):
        # A path that cannot be read is left alone, and confederations must not be in it (RFC 6793 section 6).
        wide = tuple(part for part in read_path(found[AS4_PATH], 4)[0] if part[0] not in CONFEDERATION)
        path = merge_paths(path, wide)
    return path, fault


def _as4_counts(found: dict[int, bytes]) -> bool:
    """False where AGGREGATOR shows that a router without four-octet AS numbers changed the route (section 4.2.3)."""
    narrow = _aggregator(found.get(AGGREGATOR, b""))
    return not (AS4_AGGREGATOR in found and narrow is not None and narrow[0] != AS_TRANS)


def aggregator(found: dict[int, bytes], as_size: int) -> tuple[int, str] | None:
    """AS number and address of AGGREGATOR; of AS4_AGGREGATOR where it takes its place (RFC 6793 section 4.2.3)."""
    two_octets = _aggregator(found.get(AGGREGATOR, b""))
    if two_octets is not None and two_octets[0] == AS_TRANS and as_size == 2:
        return _aggregator(found.get(AS4_AGGREGATOR, b"")) or two_octets
    return two_octets


def _aggregator(raw: bytes) -> tuple[int, str] | None:
    # Length tells the width of the AS number; OpenBGPD writes four octets beside a path of two.
    if len(raw) not in (6, 8):  # discarded as a whole (RFC 7606 section 7.7)
        return None
    return int.from_bytes(raw[:-4], "big"), socket.inet_ntoa(raw[-4:])


def path_length(path: Path) -> int:
    """Number of hops: a set counts as one (RFC 4271 section 9.1.2.2), confederations do not (RFC 5065 section 5.3)."""
    return sum(1 if kind == SET else len(members) for kind, members in path if kind not in CONFEDERATION)


def merge_paths(path: Path, wide: Path) -> Path:
    """AS_PATH with its tail replaced by AS4_PATH, where that is no longer (RFC 6793 section 4.2.3)."""
    keep = path_length(path) - path_length(wide)
    if keep < 0 or not wide:
        return path
    head: list[Segment] = []
    for kind, members in path:
        if kind in CONFEDERATION:
            head.append((kind, members))
            continue
        if keep <= 0:
            break
        kept = members if kind == SET else members[:keep]
        head.append((kind, kept))
        keep -= 1 if kind == SET else len(kept)
        if len(kept) < len(members):
            break
    return (*head, *wide)


def path_text(path: Path) -> str:
    """The path as bgpdump writes it: sets in braces, confederation sequences in parentheses, their sets in brackets."""
    text, gap = "", ""
    for kind, members in path:
        if kind == SEQUENCE:
            text += gap + " ".join(map(str, members))
        elif kind == SET:
            text += gap + "{" + ",".join(map(str, members)) + "}"
        elif kind == CONFED_SEQUENCE:
            text += gap + "(" + " ".join(map(str, members)) + ")"
        else:
            text += gap + "[" + ",".join(map(str, members)) + "]"
        gap = " " if members else ""
    return text


def read_path(raw: bytes, size: int) -> tuple[Path, str]:
    """Segments of AS_PATH or AS4_PATH, and what is wrong with them; AS numbers are of ``size`` octets."""
    segments: list[Segment] = []
    at = 0
    while at < len(raw):
        end = at + 2 + raw[at + 1] * size if at + 2 <= len(raw) else len(raw) + 1
        if end > len(raw) or not SET <= raw[at] <= CONFED_SET:
            return (), "the AS path does not fit its attribute"
        segments.append((raw[at], struct.unpack(f"!{raw[at + 1]}{'HI'[size == 4]}", raw[at + 2 : end])))
        at = end
    return tuple(segments), ""


def numbers(raw: bytes) -> tuple[int, ...]:
    """Whole numbers of four octets, one after the other; octets left over are no number."""
    return struct.unpack(f"!{len(raw) // 4}I", raw[: len(raw) // 4 * 4])


def mp_next_hop(raw: bytes) -> tuple[AddressFamily, bytes] | None:
    """Address family and first next hop, of 4 or 16 octets, of MP_REACH_NLRI; None where there is no such address."""
    if not raw:
        return None
    address_family, at = ABBREVIATED, 0
    if raw[0] == 0:  # a next hop has octets, so that this begins an AFI
        if len(raw) < 4:
            return None
        address_family, at = (raw[1], raw[2]), 3
    size = raw[at]
    if len(raw) < at + 1 + size or size not in (4, 16, 32):
        return None
    return address_family, raw[at + 1 : at + 1 + min(size, 16)]  # a link-local address may follow (RFC 2545 section 3)


def _mp_next_hop_text(raw: bytes) -> tuple[AddressFamily, str] | None:
    found = mp_next_hop(raw)
    if found is None:
        return None
    return found[0], octets_text(found[1])


def runs_past_text(code: int) -> str:
    """What is said of an attribute whose value does not fit."""
    return f"attribute {code} runs past the end"


def octets_text(address: bytes) -> str:
    """Text of an address of 4 or 16 octets."""
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)


def parts(raw: bytes, size: int) -> list[bytes]:
    """Octets cut into parts of a size; what is left over is no part."""
    return [raw[at : at + size] for at in range(0, len(raw) - size + 1, size)]


def _number(raw: bytes) -> int | None:
    return int.from_bytes(raw[:4], "big") if len(raw) >= 4 else None


def ipv4_text(raw: bytes) -> str | None:
    """Text of the first four octets; None where there are fewer."""
    return socket.inet_ntoa(raw[:4]) if len(raw) >= 4 else None
