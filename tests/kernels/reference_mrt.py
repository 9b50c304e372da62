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


def prefixes(raw: bytes, afi: int, add_path: bool) -> tuple[list[tuple[tuple[bytes, int], int]], bool]:
    """Prefixes with path ids, and whether the last one is cut off; Bad where one is longer than an address."""
    found, rest = [], Bytes(raw)
    while rest.left:
        try:
            path_id = rest.number(4) if add_path else 0
            length = rest.number(1)
            if length > (32 if afi == 1 else 128):
                raise ValueError
            found.append(((masked(rest.take((length + 7) // 8), length), length), path_id))
        except Bad:
            return found, True
        except ValueError:
            raise Bad from None
    return found, False


def update(body: bytes, cut: bool, time_us: int, peer, as_size: int, add_path: bool) -> list[Elem]:
    try:
        return update_as(body, cut, time_us, peer, as_size, add_path)
    except Bad as bad:
        if add_path or not getattr(bad, "prefix", False):
            raise
        try:
            return update_as(body, cut, time_us, peer, as_size, True)
        except Bad:
            raise bad from None


def update_as(body: bytes, cut: bool, time_us: int, peer, as_size: int, add_path: bool) -> list[Elem]:
    def elem(kind, family, prefix, path_id, attributes):
        return Elem(time_us, kind, family, peer, prefix, path_id, attributes, as_size, 0)

    def some(raw, kind, family, attributes, out, may_be_cut=False):
        try:
            found, short = prefixes(raw, family[0], add_path)
        except Bad as bad:
            bad.prefix = True
            raise
        out += [elem(kind, family, prefix, path_id, attributes) for prefix, path_id in found]
        if short and not may_be_cut:
            bad = Bad(out)
            bad.prefix = True
            raise bad

    rest, out = Bytes(body), []
    if rest.left < 4:
        raise Bad
    size = rest.number(2)
    if rest.left < size + 2:
        if not cut:
            raise Bad
        some(rest.take(min(size, rest.left)), WITHDRAW, (1, 1), None, out, True)
        raise Bad(out)
    withdrawn = rest.take(size)
    attr_size = rest.number(2)
    if rest.left < attr_size:
        if not cut:
            raise Bad
        # The elems are compared by their attribute bytes, which run past the end here.
        some(withdrawn, WITHDRAW, (1, 1), rest.data[rest.at :], out)
        raise Bad(out)
    attributes = rest.take(attr_size)
    some(withdrawn, WITHDRAW, (1, 1), attributes, out)
    walk, reach = Bytes(attributes), None
    while walk.left:
        flags, code = walk.number(1), walk.number(1)
        value = walk.take(walk.number(2 if flags & 0x10 else 1))
        if code == 14:
            if len(value) < 5 or 5 + value[3] > len(value):
                raise Bad
            reach = (struct.unpack("!HB", value[:3]), value[5 + value[3] :])
        elif code == 15:
            if len(value) < 3:
                raise Bad
            family = struct.unpack("!HB", value[:3])
            if family in FAMILIES:
                some(value[3:], WITHDRAW, family, attributes, out)
    some(rest.take(rest.left), ANNOUNCE, (1, 1), attributes, out, cut)
    if reach and reach[0] in FAMILIES:
        some(reach[1], ANNOUNCE, reach[0], attributes, out)
    if cut:
        raise Bad(out)
    return out or [Elem(time_us, ALIVE, (0, 0), peer, (bytes(16), 0), 0, None, 4, 0)]


def bgp4mp(body: bytes, subtype: int, time_us: int) -> list[Elem]:
    if subtype in (2, 3) or subtype > 11:
        return []
    rest = Bytes(body)
    as_size = 4 if subtype in (4, 5, 7, 9, 11) else 2
    asn = rest.number(as_size)
    rest.take(as_size + 2)
    afi = rest.number(2)
    if afi not in (1, 2):
        raise Bad
    octets = 4 if afi == 1 else 16
    peer = (asn, afi, rest.take(octets))
    rest.take(octets)
    if subtype in (0, 5):
        state = (rest.number(2) & 255) << 8 | rest.number(2) & 255
        return [Elem(time_us, STATE, (0, 0), peer, (bytes(16), 0), 0, None, 4, state)]
    rest.take(16)
    length, kind = rest.number(2), rest.number(1)
    if length < 19:
        raise Bad
    if kind != 2:
        return [Elem(time_us, ALIVE, (0, 0), peer, (bytes(16), 0), 0, None, 4, 0)]
    cut = length - 19 > rest.left
    return update(rest.take(min(length - 19, rest.left)), cut, time_us, peer, as_size, subtype >= 8)


def rib(rest: Bytes, family: tuple[int, int], add_path: bool, index: list, time_us: int) -> list[Elem]:
    length = rest.number(1)
    if length > (32 if family[0] == 1 else 128):
        raise Bad
    prefix = (masked(rest.take((length + 7) // 8), length), length)
    out = []
    for _ in range(rest.number(2)):
        place = rest.number(2)
        rest.take(4)
        path_id = rest.number(4) if add_path else 0
        attributes = rest.take(rest.number(2))
        if place >= len(index):
            raise Bad
        out.append(Elem(time_us, RIB, family, index[place], prefix, path_id, attributes, 4, 0))
    return out


def table_dump(body: bytes, subtype: int, time_us: int) -> list[Elem]:
    afi, as_size = (1 if subtype in (1, 3) else 2), (4 if subtype > 2 else 2)
    octets = 4 if afi == 1 else 16
    rest, out = Bytes(body), []
    rest.take(4)
    while rest.left >= 2 * octets + 10 + as_size:
        address, length = rest.take(octets), rest.number(1)
        if length > 8 * octets:
            raise Bad
        rest.take(5)
        peer_address = rest.take(octets)
        peer = (rest.number(as_size), afi, peer_address)
        attributes = rest.take(rest.number(2))
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
        if length > 16 << 20 or kind > 64 or at + 12 + length > len(data):
            return
        if kind == 12 and says_too_little(data, at, length):
            length += 4
        body, time_us = data[at + 12 : at + 12 + length], seconds * 1000000
        at += 12 + length
        try:
            if kind == 13 and subtype == 1:
                index = peer_index(body)
                for peer in index:
                    yield Elem(time_us, RIB_PEER, (0, 0), peer, (bytes(16), 0), 0, None, 4, 0)
            elif kind == 13 and (2 <= subtype <= 5 or 8 <= subtype <= 11):
                rest = Bytes(body)
                rest.take(4)
                family = (1 if subtype in (2, 3, 8, 9) else 2, 1 if subtype in (2, 4, 8, 10) else 2)
                yield from rib(rest, family, subtype >= 8, index, time_us)
            elif kind == 13 and subtype in (6, 12):
                rest = Bytes(body)
                rest.take(4)
                family = (rest.number(2), rest.number(1))
                if family in FAMILIES:
                    yield from rib(rest, family, subtype == 12, index, time_us)
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
        state = (rest.number(2) & 255) << 8 | rest.number(2) & 255
        return [Elem(time_us, STATE, (0, 0), peer, (bytes(16), 0), 0, None, 4, state)]
    rest.take(6)
    if subtype != 1:
        return [Elem(time_us, ALIVE, (0, 0), peer, (bytes(16), 0), 0, None, 4, 0)]
    return update(rest.take(rest.left), False, time_us, peer, 2, False)


def says_too_little(data: bytes, at: int, length: int) -> bool:
    """Whether the next header stands four octets after where this one says."""

    def dump_at(position: int, subtypes: tuple[int, ...]) -> bool:
        if position + 8 > len(data):
            return False
        return struct.unpack("!HH", data[position + 4 : position + 8]) in {(12, subtype) for subtype in subtypes}

    end = at + 12 + length
    if dump_at(end, (1, 2, 3, 4)):
        return False
    if end + 4 == len(data):
        return True
    return end + 12 <= len(data) and dump_at(end + 4, (int.from_bytes(data[at + 6 : at + 8], "big"),))
