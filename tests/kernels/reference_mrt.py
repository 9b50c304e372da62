"""The slow twin of the MRT kernel: elems of a file from its bytes, written from the RFCs, one object at a time."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

RIB, ANNOUNCE, WITHDRAW, STATE, ALIVE, RIB_PEER = range(6)
FAMILIES = {(1, 1), (1, 2), (2, 1), (2, 2)}


class Bad(Exception):
    """A record that does not follow its RFC; ``elems`` are those that count nevertheless."""

    def __init__(self, elems: list["Elem"] | None = None) -> None:
        self.elems = elems or []


class Elem(NamedTuple):
    time_us: int
    kind: int
    family: tuple[int, int]
    peer: tuple[int, int, bytes]  # AS number, address family, address
    prefix: tuple[bytes, int]  # 16 octets, host bits zero; length
    path_id: int
    attributes: bytes | None
    as_size: int
    state: int
    marks: int = 0  # 1: with a path identifier; 2: malformed attributes (RFC 7606)


class Bytes:
    """A cursor that says Bad where it would run past the end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, n: int) -> bytes:
        if self.at + n > len(self.data):
            raise Bad
        self.at += n
        return self.data[self.at - n : self.at]

    def number(self, n: int) -> int:
        return int.from_bytes(self.take(n), "big")

    @property
    def left(self) -> int:
        return len(self.data) - self.at


def masked(raw: bytes, length: int) -> bytes:
    value = int.from_bytes(raw.ljust(16, b"\0"), "big")
    return (value >> (128 - length) << (128 - length)).to_bytes(16, "big")


class TooLong(Bad):
    """A prefix longer than an address of its family."""


Found = list[tuple[tuple[bytes, int], int]]


def prefixes(raw: bytes, afi: int, add_path: bool) -> tuple[Found, bool]:
    """Prefixes with path ids, and whether the last one is cut off."""
    found, rest = [], Bytes(raw)
    while rest.left:
        try:
            path_id = rest.number(4) if add_path else 0
            length = rest.number(1)
            if length > (32 if afi == 1 else 128):
                raise TooLong
            found.append(((masked(rest.take((length + 7) // 8), length), length), path_id))
        except TooLong:
            raise
        except Bad:
            return found, True
    return found, False


def malformed(code: int, value: bytes, as_size: int) -> bool:
    """Whether RFC 7606 section 7 takes the routes beside an attribute as withdrawn."""

    def is_path(width: int) -> bool:
        rest = Bytes(value)
        try:
            while rest.left:
                kind, count = rest.number(1), rest.number(1)
                if kind not in (1, 2, 3, 4) or count == 0:
                    return False
                rest.take(count * width)
        except Bad:
            return False
        return True

    if code == 1:
        return len(value) != 1 or value[0] > 2
    if code == 2:
        return not is_path(as_size) and not is_path(6 - as_size)
    if code in (3, 4, 5):
        return len(value) != 4
    return code in (8, 16, 32) and len(value) % {8: 4, 16: 8, 32: 12}[code] != 0


def fields(body: bytes, cut: bool, as_size: int) -> tuple[list[tuple[int, tuple[int, int], bytes, bool]], bytes, bool]:
    """The four fields of an UPDATE that hold prefixes, as (kind, family, bytes, whether they are announced beside
    malformed attributes), its path attributes, and whether one of these runs past their end."""
    rest = Bytes(body)
    if rest.left < 4:
        raise Bad
    size = rest.number(2)
    if rest.left < size + 2 and not cut:
        raise Bad
    withdrawn = rest.take(min(size, rest.left))
    attributes, whole = b"", True
    if rest.left < 2:
        rest.take(rest.left)
    else:
        size = rest.number(2)
        if rest.left < size and not cut:
            raise Bad
        whole = rest.left > size
        attributes = rest.take(min(size, rest.left))
    unreach, reach = [], []
    broken, past, codes = False, False, set()
    walk = Bytes(attributes)
    while walk.left:
        try:
            flags, code = walk.number(1), walk.number(1)
            value = walk.take(walk.number(2 if flags & 0x10 else 1))
        except Bad:
            past = not (cut and not whole)
            break
        codes.add(code)
        broken |= malformed(code, value, as_size)
        if code in (14, 15):
            if len(value) < 3:
                raise Bad
            family = (int.from_bytes(value[:2], "big"), value[2])
            if code == 15:
                unreach.append((WITHDRAW, family, value[3:]))
            elif len(value) < 5 or 5 + value[3] > len(value):
                raise Bad
            else:
                reach.append((ANNOUNCE, family, value[5 + value[3] :]))
    if len(unreach) > 1 or len(reach) > 1:  # RFC 7606 section 3 g
        raise Bad
    plain = (1, 1)
    broken |= past or (not ({1, 2, 3} if rest.left else {1, 2}) <= codes and not cut)
    gained = [(WITHDRAW if past else kind, family, raw, broken) for kind, family, raw in
              [(ANNOUNCE, plain, rest.take(rest.left)), *reach]]  # fmt: skip
    every = [(WITHDRAW, plain, withdrawn, False), *((*field, False) for field in unreach), *gained]
    return [field for field in every if field[1] in FAMILIES], attributes, past


def update(body: bytes, cut: bool, time_us: int, peer, as_size: int, add_path: bool) -> list[Elem]:
    every, attributes, past = fields(body, cut, as_size)

    def read(with_ids: bool) -> tuple[list[Elem], bool, bool]:
        """Elems, whether a prefix is cut off, whether a field names the default route twice."""
        out, short, repeated = [], False, False
        for kind, family, raw, broken in every:
            found, is_short = prefixes(raw, family[0], with_ids)
            out += [
                Elem(time_us, kind, family, peer, prefix, path_id, attributes, as_size, 0, with_ids + 2 * broken)
                for prefix, path_id in found
            ]
            short |= is_short
            repeated |= sum(length == 0 for (_, length), _ in found) > 1
        return out, short, repeated

    def with_ids() -> tuple[list[Elem], bool] | None:
        try:
            out, short, _ = read(True)
        except TooLong:
            return None
        return None if short else (out, short)

    try:
        out, short, repeated = read(add_path)
        if repeated and not add_path and not cut:
            out, short = with_ids() or (out, short)
    except TooLong:
        instead = None if add_path or cut else with_ids()
        if instead is None:
            raise
        out, short = instead
    out = out or [Elem(time_us, ALIVE, (0, 0), peer, (bytes(16), 0), 0, None, 4, 0)]
    if cut or short or past:
        raise Bad(out)
    return out


def bgp4mp(body: bytes, subtype: int, time_us: int) -> list[Elem]:
    if subtype == 3 or subtype > 11:
        return []
    rest = Bytes(body)
    as_size = 4 if subtype in (4, 5, 7, 9, 11) else 2
    sender = 1 if subtype in (2, 6, 7, 10, 11) else 0  # first or second of the two sides
    asns = [rest.number(as_size), rest.number(as_size)]
    asn = asns[sender]
    is_state = subtype in (0, 5)
    behind = rest.data[rest.at :]
    afi = int.from_bytes(behind[2:4], "big")
    if len(behind) < 4:
        raise Bad
    if (is_state and len(behind) == 4) or (not is_state and len(behind) >= 19 and behind[:16] == b"\xff" * 16):
        peer = (asn, 1, bytes(4))
        addresses = [bytes(4)] * 2
    else:
        rest.take(4)
        if afi not in (1, 2):
            raise Bad
        octets = 4 if afi == 1 else 16
        addresses = [rest.take(octets), rest.take(octets)]
        peer = (asn, afi, addresses[sender])
    if subtype == 2:
        return entry(rest, time_us, peer)
    if is_state:
        return [Elem(time_us, STATE, (0, 0), peer, (bytes(16), 0), 0, None, 4, state(rest))]
    marker, length, kind = rest.take(16), rest.number(2), rest.number(1)
    if marker != b"\xff" * 16 or length < 19 or kind not in (1, 2, 3, 4, 5, 6, 128):
        raise Bad
    cut = length - 19 > rest.left
    if kind != 2:
        if kind == 3:  # whoever sends it, the session is that with the peer, who is named first
            peer = (asns[0], peer[1], addresses[0])
        told = kind if kind in (1, 3) else 0
        alive = [Elem(time_us, ALIVE, (0, 0), peer, (bytes(16), 0), 0, None, 4, told)]
        if cut:
            raise Bad(alive)
        return alive
    return update(rest.take(min(length - 19, rest.left)), cut, time_us, peer, as_size, subtype >= 8)


def state(rest: Bytes) -> int:
    old, new = rest.number(2), rest.number(2)
    if old > 255 or new > 255:
        raise Bad
    return old << 8 | new


def attributes_of(rest: Bytes) -> bytes:
    attributes = rest.take(rest.number(2))
    if len(attributes) > 65535 - 23:  # RFC 8654: no message has room for more
        raise Bad
    return attributes


def entry(rest: Bytes, time_us: int, peer) -> list[Elem]:
    rest.take(8)
    family = (rest.number(2), rest.number(1))
    next_hop = rest.number(1)
    if family not in FAMILIES:
        return []
    rest.take(next_hop)
    length = rest.number(1)
    if length > (32 if family[0] == 1 else 128):
        raise Bad
    prefix = (masked(rest.take((length + 7) // 8), length), length)
    return [Elem(time_us, RIB, family, peer, prefix, 0, attributes_of(rest), 2, 0)]


def rib(rest: Bytes, family, index: list, time_us: int, in_entry: bool, in_nlri: bool = False) -> list[Elem]:
    path_id = rest.number(4) if in_nlri else 0
    length = rest.number(1)
    if length > (32 if family[0] == 1 else 128):
        raise Bad
    prefix = (masked(rest.take((length + 7) // 8), length), length)
    out = []
    for _ in range(rest.number(2)):
        place = rest.number(2)
        rest.take(4)
        path_id = rest.number(4) if in_entry else path_id
        attributes = attributes_of(rest)
        if place >= len(index):
            raise Bad
        marks = int(in_entry or in_nlri)
        out.append(Elem(time_us, RIB, family, index[place], prefix, path_id, attributes, 4, 0, marks))
    return out


def rib_generic(body: bytes, subtype: int, index: list, time_us: int) -> list[Elem]:
    rest = Bytes(body)
    rest.take(4)
    family = (rest.number(2), rest.number(1))
    if family not in FAMILIES:
        return []
    if subtype == 6:
        return rib(rest, family, index, time_us, False)
    start = rest.at
    for in_entry in (False, True):  # RFC 8050 section 4.2; what OpenBGPD and GoBGP write
        rest.at = start
        try:
            out = rib(rest, family, index, time_us, in_entry, not in_entry)
        except Bad:
            continue
        if not rest.left:
            return out
    raise Bad


def table_dump(body: bytes, subtype: int, time_us: int) -> list[Elem]:
    afi, as_size = (1 if subtype in (1, 3) else 2), (4 if subtype > 2 else 2)
    octets = 4 if afi == 1 else 16
    rest, out = Bytes(body), []
    rest.take(4)
    while rest.left >= 2 * octets + 8 + as_size:
        address, length = rest.take(octets), rest.number(1)
        if length > 8 * octets or len(out) == 65535:
            raise Bad
        rest.take(5)
        peer_address = rest.take(octets)
        peer = (rest.number(as_size), afi, peer_address)
        attributes = attributes_of(rest)
        out.append(Elem(time_us, RIB, (afi, 1), peer, (masked(address, length), length), 0, attributes, as_size, 0))
    if not out:
        raise Bad
    return out


def peer_index(body: bytes) -> list[tuple[int, int, bytes]]:
    rest = Bytes(body)
    rest.take(4)
    rest.take(rest.number(2))
    out = []
    for _ in range(rest.number(2)):
        flags = rest.number(1)
        rest.take(4)
        address = rest.take(16 if flags & 1 else 4)
        out.append((rest.number(4 if flags & 2 else 2), 2 if flags & 1 else 1, address))
    return out


def elems(data: bytes) -> Iterator[Elem]:
    """Elems of whole records, in order; ends where no record header can be."""
    at, index = 0, []
    while at + 12 <= len(data):
        seconds, kind, subtype, length = struct.unpack("!IHHI", data[at : at + 12])
        if length > 16 << 20 or kind > 64 or at + 12 + length > len(data) or data[at : at + 12] == bytes(12):
            return
        if kind == 12 and 1 <= subtype <= 4:
            length += said_too_little(data, at, length, subtype)
        body, time_us = data[at + 12 : at + 12 + length], seconds * 1000000
        at += 12 + length
        try:
            if kind == 13 and subtype == 1:
                index = []  # which a broken table leaves
                index = peer_index(body)
                for peer in index:
                    yield Elem(time_us, RIB_PEER, (0, 0), peer, (bytes(16), 0), 0, None, 4, 0)
            elif kind == 13 and (2 <= subtype <= 5 or 8 <= subtype <= 11):
                rest = Bytes(body)
                rest.take(4)
                family = (1 if subtype in (2, 3, 8, 9) else 2, 1 if subtype in (2, 4, 8, 10) else 2)
                yield from rib(rest, family, index, time_us, subtype >= 8)
            elif kind == 13 and subtype in (6, 12):
                yield from rib_generic(body, subtype, index, time_us)
            elif kind == 16:
                yield from bgp4mp(body, subtype, time_us)
            elif kind == 17:
                if length < 4:
                    raise Bad
                yield from bgp4mp(body[4:], subtype, time_us + min(int.from_bytes(body[:4], "big"), 999999))
            elif kind == 12 and 1 <= subtype <= 4:
                yield from table_dump(body, subtype, time_us)
            elif kind == 5 and subtype in (1, 3, 5, 6, 7):
                yield from mrtd_bgp(body, subtype, time_us)
        except Bad as bad:
            yield from bad.elems


def mrtd_bgp(body: bytes, subtype: int, time_us: int) -> list[Elem]:
    rest = Bytes(body)
    peer = (rest.number(2), 1, rest.take(4))
    if subtype == 3:
        return [Elem(time_us, STATE, (0, 0), peer, (bytes(16), 0), 0, None, 4, state(rest))]
    rest.take(6)
    if subtype != 1:
        return [Elem(time_us, ALIVE, (0, 0), peer, (bytes(16), 0), 0, None, 4, {5: 1, 6: 3}.get(subtype, 0))]
    if rest.left > 65535 - 19:  # RFC 8654: no message is longer
        raise Bad
    return update(rest.take(rest.left), False, time_us, peer, 2, False)


def said_too_little(data: bytes, at: int, length: int, subtype: int) -> int:
    """4 where a TABLE_DUMP record is four octets longer than it says, else 0."""
    fixed = {1: 18, 2: 42, 3: 20, 4: 44}[subtype]

    def fills(size: int) -> bool:
        rest = Bytes(data[at + 16 : at + 12 + size])
        try:
            while rest.left >= fixed:
                rest.take(fixed - 2)
                rest.take(rest.number(2))
        except Bad:
            return False
        return not rest.left and size >= 4

    end = at + 12 + length
    if fills(length) or end + 4 > len(data) or not fills(length + 4):
        return 0
    return 4 if end + 4 == len(data) or data[end + 8 : end + 10] == b"\0\x0c" else 0


AS_PATH, AGGREGATOR, AS4_PATH, AS4_AGGREGATOR, AS_TRANS = 2, 7, 17, 18, 23456


def path(raw: bytes, as_size: int) -> list[int]:
    """One number per step of an AS path (RFC 4271 section 4.3); confederations are no steps.

    A set is one: its member, or zero where these differ (RFC 6811 section 2).
    """
    rest, steps = Bytes(raw), []
    while rest.left:
        kind, count = rest.number(1), rest.number(1)
        members = [rest.number(as_size) for _ in range(count)]
        if kind not in (1, 2, 3, 4):
            raise Bad
        if kind == 2:
            steps += members
        elif kind == 1 and members:
            steps.append(members[0] if len(set(members)) == 1 else 0)
        if len(steps) > 1024:
            raise Bad
    return steps


def tail(elem: Elem) -> tuple[int, int, int]:
    """Origin, the AS before it, and the one before that; zero where there is none."""
    first: dict[int, bytes] = {}
    walk = Bytes(elem.attributes or b"")
    while walk.left:
        try:
            flags, code = walk.number(1), walk.number(1)
            value = walk.take(walk.number(2 if flags & 0x10 else 1))
        except Bad:
            break
        first.setdefault(code, value)

    def steps(code: int, as_size: int) -> list[int]:
        try:
            return path(first.get(code, b""), as_size)
        except Bad:
            return []

    found = steps(AS_PATH, elem.as_size)
    if elem.as_size == 2 and not voided(first):
        wide = steps(AS4_PATH, 4)
        if len(wide) <= len(found):  # RFC 6793 section 4.2.3
            found = found[: len(found) - len(wide)] + wide
    last = []
    for number in reversed(found):
        if not last or number != last[-1]:
            last.append(number)
    return tuple([*last, 0, 0, 0][:3])


def voided(attributes: dict[int, bytes]) -> bool:
    """Whether a router that knows only narrow AS numbers made the aggregate: AS4_PATH is of before (RFC 6793 4.2.3)."""
    aggregator = attributes.get(AGGREGATOR, b"")
    narrow = len(aggregator) >= 6 and int.from_bytes(aggregator[:2], "big") != AS_TRANS
    return AS4_AGGREGATOR in attributes and narrow
