"""Templates: taken out of their sets, compiled to operations on columns."""

import struct
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from duskwatch.kernels import flow_layout as to
from duskwatch.sources.flows.elements import (
    ADDRESSES,
    COLUMNS,
    FRAMES,
    JOINED,
    READ_OPTIONS,
    WHOLE_ADDRESSES,
    Element,
)

PROTOCOL = 4
OF_PACKETS = frozenset((PROTOCOL, 5, 6, 7, 8, 11, 12, 27, 28, 32, 139))  # elements that an inner packet has too
SCOPE = -1  # in place of an enterprise number: a scope of NetFlow 9, whose types are numbered by themselves


class Field(NamedTuple):
    """One field of a template. ``octets`` is VARIABLE where each record says them."""

    enterprise: int
    number: int
    octets: int


class Template(NamedTuple):
    """A template as it came. ``scopes`` of the fields say what an options record is about; a data template has none."""

    number: int
    fields: tuple[Field, ...]
    scopes: int
    options: bool


class Compiled(NamedTuple):
    """What the kernels need of a template."""

    words: npt.NDArray[np.int32]  # [TEMPLATE_WORDS]; the row of walks is left to who keeps them
    operations: npt.NDArray[np.int32]  # [K, 4]
    lengths: npt.NDArray[np.uint16] | None  # [F] where a field is of variable length


class TemplateFault(ValueError):
    """A template that cannot be read, with its index in REASONS."""

    def __init__(self, reason: int) -> None:
        super().__init__(to.REASONS[reason])
        self.reason = reason


def parse_templates(data: bytes, version: int, options: bool) -> tuple[list[Template], list[int], int]:
    """The templates of a set without its header; numbers of those that are withdrawn; why the rest is refused, or 0.

    RFC 3954 section 5.2 and 6.1; RFC 7011 section 3.4. A withdrawal of all has the number of the set.
    """
    found: list[Template] = []
    withdrawn: list[int] = []
    at = 0
    while at + 4 <= len(data):
        number, second = struct.unpack_from("!HH", data, at)
        if number == 0 and second == 0 and not any(data[at:]):
            break  # padding
        if version == to.IPFIX and second == 0:
            withdrawn.append(number)
            at += 4
            continue
        if number < 256:
            return found, withdrawn, to.BAD_TEMPLATE
        at += 4
        scopes, count = 0, second
        if options:
            if at + 2 > len(data):
                return found, withdrawn, to.BAD_TEMPLATE
            (third,) = struct.unpack_from("!H", data, at)
            at += 2
            if version == to.NETFLOW9:
                if second % 4 or third % 4:
                    return found, withdrawn, to.BAD_TEMPLATE
                scopes, count = second // 4, second // 4 + third // 4
            else:
                scopes = third
        if count == 0 or scopes > count:
            return found, withdrawn, to.BAD_TEMPLATE
        fields, at = _fields(data, at, count, version, scopes)
        if len(fields) < count:
            return found, withdrawn, to.BAD_TEMPLATE
        found.append(Template(number, fields, scopes, options))
        if version == to.NETFLOW9 and options and len(data) - at < 4:
            break
    return found, withdrawn, 0


def _fields(data: bytes, at: int, count: int, version: int, scopes: int) -> tuple[tuple[Field, ...], int]:
    """Up to ``count`` fields, as many as there are octets for, and where they end."""
    fields = []
    for k in range(count):
        if at + 4 > len(data):
            break
        number, octets = struct.unpack_from("!HH", data, at)
        at += 4
        enterprise = 0
        if version == to.IPFIX and number & 0x8000:
            if at + 4 > len(data):
                break
            (enterprise,) = struct.unpack_from("!I", data, at)
            number &= 0x7FFF
            at += 4
        elif version == to.NETFLOW9 and k < scopes:
            enterprise = SCOPE
        fields.append(Field(enterprise, number, octets))
    return tuple(fields), at


def compile_template(template: Template, *, inner: bool = False) -> Compiled:
    """Operations for the fields that flows are made of.

    An element that comes twice is of an outer and an inner packet, in this order (RFC 7011 section 8): the first one is
    taken, with ``inner`` the last.

    Raises TemplateFault where records would be of no length, there are too many fields, or an address has no address's
    length.
    """
    fields = template.fields
    if len(fields) > to.FIELDS:
        raise TemplateFault(to.ODD_TEMPLATE)
    variable = any(field.octets == to.VARIABLE for field in fields)
    least = sum(1 if field.octets == to.VARIABLE else field.octets for field in fields)
    if not 1 <= least <= to.VARIABLE:
        raise TemplateFault(to.ODD_TEMPLATE)
    operations: list[tuple[int, int, int, int]] = []
    marks, kind = 0, to.OPTIONS_PASSED
    if template.options:
        if any(field.enterprise == 0 and field.number in READ_OPTIONS for field in fields):
            kind = to.OPTIONS_READ
    else:
        marks, operations = _operations(fields, variable, inner)
        kind = to.DATA if operations else to.OTHER
    words = np.zeros(to.TEMPLATE_WORDS, np.int32)
    words[to.T_OPERATIONS] = len(operations)
    words[to.T_LENGTH] = least
    words[to.T_KIND] = kind
    words[to.T_WALK] = to.NO_WALK
    words[to.T_FIELDS] = len(fields)
    words[to.T_MARKS] = marks
    lengths = np.array([field.octets for field in fields], np.uint16) if variable else None
    return Compiled(words, np.array(operations, np.int32).reshape(-1, 4), lengths)


def _operations(fields: tuple[Field, ...], variable: bool, inner: bool) -> tuple[int, list[tuple[int, int, int, int]]]:
    """Marks, and operations in the order in which they are done; none where the records have no address."""
    place = _places(fields, variable)
    if inner and sum(field.enterprise == 0 and field.number == PROTOCOL for field in fields) > 1:
        last = _places(fields[::-1], variable, reverse=True)
        place |= {element: last[element] for element in last if element[0] == 0 and element[1] in OF_PACKETS}
        four, six = (max((place[0, e][0] for e in pair if (0, e) in place), default=-1) for pair in ((8, 12), (27, 28)))
        for element in (8, 12) if six > four else (27, 28):
            place.pop((0, element), None)

    addresses, afis = _addresses(place)
    frames = []
    if not addresses:
        for number, link in FRAMES:
            where, octets = place.get((0, number), (0, 0))
            if octets:
                frames.append((to.FRAME, link, where, octets))
        if not frames:
            return 0, []
    loads: list[tuple[int, int, int, int]] = []
    for column, elements in COLUMNS:
        found = next(filter(None, (_load(column, element, place) for element in elements)), None)
        if found:
            loads.append(found)
    joins = [found for column, elements in JOINED for element in elements if (found := _load(column, element, place))]
    columns = {load[1] for load in loads}
    has_boot = to.BOOT in columns
    if has_boot:
        loads = [(to.UPTIME_ROW if load[0] == to.UPTIME else load[0], *load[1:]) for load in loads]
        loads.sort(key=lambda load: load[1] != to.BOOT)
    marks = 0
    if columns & {to.INTERVAL, to.POPULATION}:
        marks |= to.HAS_RATE
    for column, mark in (
        (to.SAMPLER, to.HAS_SAMPLER),
        (to.REV_BYTES, to.IS_BIFLOW),
        (to.REV_PACKETS, to.IS_BIFLOW),
        (to.BOOT, to.HAS_BOOT),
        (to.DURATION, to.HAS_DURATION),
        (to.EVENT, to.HAS_EVENT),
    ):
        if column in columns:
            marks |= mark
    if frames:
        marks |= to.HAS_FRAME
    written = columns | {column for _, column, _, _ in addresses} | {column + 1 for _, column, _, _ in addresses}
    if len(afis) == 1:
        written.add(to.AFI)
    empty = [
        (to.FILL, column, 0, to.UNKNOWN_DIRECTION if column == to.DIRECTION else 0)
        for column in _filled(marks)
        if column not in written
    ]
    return marks, [*empty, *addresses, *loads, *joins, *frames[:1]]


def _places(
    fields: tuple[Field, ...], variable: bool, *, reverse: bool = False
) -> dict[tuple[int, int], tuple[int, int]]:
    """Where the first of each element stands, and how long; from the end on where fields come reversed.

    A place counts octets, or fields where one of them is of variable length.
    """
    at = sum(1 if variable else field.octets for field in fields) if reverse else 0
    place: dict[tuple[int, int], tuple[int, int]] = {}
    for field in fields:
        step = 1 if variable else field.octets
        at -= step if reverse else 0
        if field.octets:
            place.setdefault((field.enterprise, field.number), (at, field.octets))
        at += 0 if reverse else step
    return place


def _filled(marks: int) -> list[int]:
    """Columns that must have a value in every row; those of exporter, reception and rate get it later."""
    later = {to.EXPORTER, to.RECEIVED, to.TIME_SOURCE, to.RATE, to.RATE_SOURCE}
    columns = [column for column in range(to.GIVEN) if column not in later]
    if marks & to.HAS_RATE:
        columns += [to.INTERVAL, to.SPACE, to.SIZE, to.POPULATION]
    if marks & to.IS_BIFLOW:
        columns += [to.REV_BYTES, to.REV_PACKETS, to.REV_FLAGS]
    if marks & to.HAS_FRAME:
        columns.append(to.WIRE)
    return columns


def _addresses(
    place: dict[tuple[int, int], tuple[int, int]],
) -> tuple[list[tuple[int, int, int, int]], set[int]]:
    """Operations on addresses, those of IPv6 first, and the address families."""
    for number, octets in WHOLE_ADDRESSES.items():
        if place.get((0, number), (0, octets))[1] != octets:
            raise TemplateFault(to.BAD_ADDRESS)
    sides: list[dict[int, tuple[int, int]]] = []  # place of the address, by afi
    for _, fours, sixes in ADDRESSES:
        side = {}
        for afi, numbers, octets in ((to.IPV4, fours, 4), (to.IPV6, sixes, 16)):
            places = (place.get((0, number), (0, 0)) for number in numbers)
            if found_at := next((one for one in places if one[1] == octets), None):
                side[afi] = found_at
        sides.append(side)
    source, target = (set(side) for side in sides)
    afis = source & target or target or source  # an address without one of its afi at the other side says less
    found: list[tuple[int, int, int, int]] = []
    for (column, _, _), side in zip(ADDRESSES, sides, strict=True):
        if to.IPV6 in side and to.IPV6 in afis:
            found.append((to.ADDRESS6, column, *side[to.IPV6]))
        if to.IPV4 in side and to.IPV4 in afis:
            found.append((to.ADDRESS4_TOO if len(afis) > 1 else to.ADDRESS4, column, *side[to.IPV4]))
    return sorted(found, key=lambda one: one[0] == to.ADDRESS4_TOO), afis


def _load(
    column: int, element: Element, place: dict[tuple[int, int], tuple[int, int]]
) -> tuple[int, int, int, int] | None:
    where, octets = place.get((element.enterprise, element.number), (0, 0))
    if not element.least <= octets <= element.most:
        return None
    return element.operation, column, where, octets


# NetFlow 5 has no templates; its records are read as if these were one (Cisco's field order).
NETFLOW5_FIELDS = (
    Field(0, 8, 4), Field(0, 12, 4), Field(0, 15, 4), Field(0, 10, 2), Field(0, 14, 2), Field(0, 2, 4), Field(0, 1, 4),
    Field(0, 22, 4), Field(0, 21, 4), Field(0, 7, 2), Field(0, 11, 2), Field(0, 210, 1), Field(0, 6, 1),
    Field(0, 4, 1), Field(0, 5, 1), Field(0, 16, 2), Field(0, 17, 2), Field(0, 9, 1), Field(0, 13, 1),
    Field(0, 210, 2),
)  # fmt: skip


def netflow5() -> Compiled:
    """The template of NetFlow 5 records; the interval of their sampling stands in the datagram's header."""
    compiled = compile_template(Template(0, NETFLOW5_FIELDS, 0, False))
    compiled.words[to.T_MARKS] |= to.HAS_RATE
    added = [(to.FILL, column, 0, 0) for column in (to.SPACE, to.SIZE, to.POPULATION)]
    operations = np.vstack([np.array(added, np.int32), compiled.operations])
    compiled.words[to.T_OPERATIONS] = len(operations)
    return Compiled(compiled.words, operations, None)
