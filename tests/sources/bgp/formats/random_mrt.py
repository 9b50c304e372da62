"""Seeded MRT records of every kind that says something about routes, all of them as their RFCs want them.

What bgpdump is known to get wrong is left out: test_bgpdump_program.py has it, one by one.
"""

import struct
from random import Random

MARKER = b"\xff" * 16
FAMILIES = ((2, 1), (2, 2), (1, 1), (1, 2))
PEERS = 7  # in the peer index table
SMALL_NUMBERS = (0, 1, 100, 65535, 65536, 2**31 - 1)
NUMBERS = (*SMALL_NUMBERS, 2**31, 2**32 - 1)


def record(seconds: int, kind: int, subtype: int, body: bytes) -> bytes:
    return struct.pack("!IHHI", seconds, kind, subtype, len(body)) + body


def attribute(code: int, value: bytes, flags: int = 0x40) -> bytes:
    if len(value) > 255:
        return struct.pack("!BBH", flags | 0x10, code, len(value)) + value
    return struct.pack("!BBB", flags, code, len(value)) + value


def segment(kind: int, members: list[int], size: int) -> bytes:
    return bytes([kind, len(members)]) + b"".join(asn.to_bytes(size, "big") for asn in members)


def address(random: Random, family: int) -> bytes:
    if family == 1:
        return random.randbytes(4)
    # Runs of zeros of every place and length: they are what makes the text of an IPv6 address hard.
    groups = [random.choice((b"\0\0", b"\0\0", b"\0\1", random.randbytes(2))) for _ in range(8)]
    return b"".join(groups)


def prefix(random: Random, family: int, path_ids: bool) -> bytes:
    widest = 32 if family == 1 else 128
    length = random.choice((8, 24, widest, random.randint(1, widest)))
    value = int.from_bytes(address(random, family), "big") >> (widest - length) << (widest - length)
    octets = value.to_bytes(widest // 8, "big")[: (length + 7) // 8]
    return (random.randbytes(4) if path_ids else b"") + bytes([length]) + octets


def prefixes(random: Random, family: int, path_ids: bool, most: int = 4) -> bytes:
    if random.random() < 0.02:  # the default route, alone: said twice, it would count as undeclared path identifiers
        return (random.randbytes(4) if path_ids else b"") + b"\0"
    return b"".join(prefix(random, family, path_ids) for _ in range(random.randint(1, most)))


def asn(random: Random, size: int) -> int:
    number = random.choice((23456, 131279, 4294967295, random.randrange(1, 70000), random.randrange(1, 2**32)))
    return number if size == 4 else number & 0xFFFF


def path(random: Random, size: int, kinds: tuple[int, ...] = (2, 2, 2, 1, 3, 4)) -> bytes:
    parts = [
        segment(random.choice(kinds), [asn(random, size) for _ in range(random.randint(1, 5))], size)
        for _ in range(random.choice((0, 1, 1, 1, 2, 3)))
    ]
    return b"".join(parts)


def common_attributes(random: Random, size: int, numbers: tuple[int, ...] = NUMBERS) -> list[bytes]:
    """Everything but next hops and prefixes; each of them there or not."""
    out = [attribute(1, bytes([random.randint(0, 2)]))]
    if size == 2 and random.random() < 0.5:
        # One sequence in AS_PATH, so that what is kept of it is part of its first segment.
        out.append(attribute(2, segment(2, [asn(random, 2) for _ in range(random.randint(1, 9))], 2)))
        out.append(attribute(17, path(random, 4, (2, 2, 1)), 0xC0))
    else:
        out.append(attribute(2, path(random, size)))
    if random.random() < 0.5:
        out.append(attribute(4, struct.pack("!I", random.choice(numbers)), 0x80))
    if random.random() < 0.5:
        out.append(attribute(5, struct.pack("!I", random.choice(numbers))))
    if random.random() < 0.3:
        out.append(attribute(6, b""))
    if random.random() < 0.4:
        number = random.choice((23456, asn(random, size)))
        out.append(attribute(7, number.to_bytes(size, "big") + random.randbytes(4), 0xC0))
    if random.random() < 0.5:
        values = [random.choice((0xFFFFFF01, 0xFFFFFF02, 0xFFFFFF03, 0xFFFFFF04, random.getrandbits(32)))]
        values += [random.getrandbits(32) for _ in range(random.choice((0, 1, 5, 80)))]
        out.append(attribute(8, struct.pack(f"!{len(values)}I", *values), 0xC0))
    if random.random() < 0.2:
        out.append(attribute(9, random.randbytes(4), 0x80))
        out.append(attribute(10, random.randbytes(8), 0x80))
    if random.random() < 0.2:
        out.append(attribute(16, random.randbytes(16), 0xC0))
        out.append(attribute(32, random.randbytes(24), 0xC0))
    if random.random() < 0.1:
        out.append(attribute(random.choice((35, 128, 40)), random.randbytes(9), 0xC0))
    if size == 2 and random.random() < 0.4:
        out.append(attribute(18, struct.pack("!I", asn(random, 4)) + random.randbytes(4), 0xC0))
    return out


def shuffled(random: Random, attributes: list[bytes]) -> bytes:
    """In any order, but for AS4_AGGREGATOR, which stays behind AGGREGATOR."""
    random.shuffle(attributes)
    return b"".join(sorted(attributes, key=lambda each: each[1] == 18))


def next_hop(random: Random, family: int) -> bytes:
    if family == 1:
        return random.randbytes(4)
    return address(random, 2) + (b"\xfe\x80" + random.randbytes(14) if random.random() < 0.3 else b"")


def update(random: Random, size: int, path_ids: bool, withdrawable: tuple[tuple[int, int], ...]) -> bytes:
    withdrawn = prefixes(random, 1, path_ids) if random.random() < 0.4 else b""
    announced = prefixes(random, 1, path_ids) if random.random() < 0.6 else b""
    attributes = []
    reached = random.choice(((2, 1), (2, 2), (1, 1), (1, 2), None, None))
    if reached:
        hop = next_hop(random, random.choice((1, 2)) if reached[0] == 1 else 2)
        value = struct.pack("!HBB", *reached, len(hop)) + hop + b"\0" + prefixes(random, reached[0], path_ids)
        attributes.append(attribute(14, value, 0x80))
    if random.random() < 0.3:
        family = random.choice(withdrawable)
        value = struct.pack("!HB", *family) + prefixes(random, family[0], path_ids)
        attributes.append(attribute(15, value, 0x80))
    if announced:
        attributes.append(attribute(3, random.randbytes(4)))
    if announced or reached:
        attributes += common_attributes(random, size, SMALL_NUMBERS if reached and reached[0] == 1 else NUMBERS)
    value = shuffled(random, attributes)
    return struct.pack("!H", len(withdrawn)) + withdrawn + struct.pack("!H", len(value)) + value + announced


def message(random: Random, size: int, path_ids: bool, withdrawable: tuple[tuple[int, int], ...]) -> bytes:
    kind = random.choice((2, 2, 2, 2, 2, 2, 2, 4))
    body = update(random, size, path_ids, withdrawable) if kind == 2 else b""
    return MARKER + struct.pack("!HB", 19 + len(body), kind) + body


def session(random: Random, size: int) -> tuple[bytes, int]:
    family = random.choice((1, 2))
    numbers = asn(random, size).to_bytes(size, "big") + asn(random, size).to_bytes(size, "big")
    return numbers + struct.pack("!HH", 0, family) + address(random, family) + address(random, family), family


def bgp4mp(random: Random, subtypes: tuple[int, ...]) -> bytes:
    subtype = random.choice(subtypes)
    size = 4 if subtype in (4, 5, 7, 9, 11) else 2
    body, family = session(random, size)
    if subtype in (0, 5):
        body += struct.pack("!HH", random.randint(1, 8), random.randint(1, 8))
    else:
        withdrawable = ((1, 1), (1, 2)) if subtype in (6, 7) and family == 1 else FAMILIES
        body += message(random, size, subtype >= 8, withdrawable)
    if random.random() < 0.5:
        return record(random.getrandbits(32), 16, subtype, body)
    return record(random.getrandbits(32), 17, subtype, struct.pack("!I", random.randrange(1000000)) + body)


def peer_index_table(random: Random) -> bytes:
    body = random.randbytes(4) + struct.pack("!H", 4) + b"view" + struct.pack("!H", PEERS)
    for place in range(PEERS):
        family, size = place % 2 + 1, 4 if place % 3 else 2
        body += bytes([(family == 2) | (size == 4) << 1]) + random.randbytes(4)
        body += address(random, family) + asn(random, size).to_bytes(size, "big")
    return record(1000, 13, 1, body)


def rib(random: Random, subtypes: tuple[int, ...]) -> bytes:
    subtype = random.choice(subtypes)
    family = 1 if subtype in (2, 3, 8, 9) else 2
    entries = []
    for _ in range(random.randint(1, 5)):
        attributes = common_attributes(random, 4)
        if family == 1:
            attributes.append(attribute(3, random.randbytes(4)))
        else:
            hop = next_hop(random, 2)
            attributes.append(attribute(14, bytes([len(hop)]) + hop, 0x80))
        value = shuffled(random, attributes)
        fixed = struct.pack("!HI", random.randrange(PEERS), random.getrandbits(32))
        entries.append(fixed + (random.randbytes(4) if subtype >= 8 else b"") + struct.pack("!H", len(value)) + value)
    body = random.randbytes(4) + prefix(random, family, False) + struct.pack("!H", len(entries)) + b"".join(entries)
    return record(random.getrandbits(32), 13, subtype, body)


def table_dump(random: Random, subtypes: tuple[int, ...]) -> bytes:
    subtype = random.choice(subtypes)
    family, size = 2 if subtype in (2, 4) else 1, 4 if subtype > 2 else 2
    octets = 4 if family == 1 else 16
    length = random.randint(0, 8 * octets)
    value = int.from_bytes(address(random, family), "big") >> (8 * octets - length) << (8 * octets - length)
    attributes = common_attributes(random, size)
    if family == 1 or random.random() < 0.2:
        attributes.append(attribute(3, random.randbytes(4)))
    if family == 2:
        hop = next_hop(random, 2)
        whole = struct.pack("!HBB", 2, 1, len(hop)) + hop + b"\0" + prefixes(random, 2, False)
        attributes.append(attribute(14, random.choice((whole, bytes([len(hop)]) + hop)), 0x80))
    raw = shuffled(random, attributes)
    body = random.randbytes(4) + value.to_bytes(octets, "big") + bytes([length, 1]) + random.randbytes(4)
    body += address(random, family) + asn(random, size).to_bytes(size, "big") + struct.pack("!H", len(raw)) + raw
    return record(random.getrandbits(32), 12, subtype, body)


def deprecated(random: Random) -> bytes:
    """Type BGP of RFC 6396 appendix B.2.1."""
    body = random.randbytes(2) + random.randbytes(4)
    if random.random() < 0.2:
        return record(random.getrandbits(32), 5, 3, body + struct.pack("!HH", random.randint(1, 6), 6))
    attributes = [attribute(3, random.randbytes(4)), *common_attributes(random, 2)]
    value = shuffled(random, attributes)
    body += random.randbytes(6) + bytes(2) + struct.pack("!H", len(value)) + value + prefixes(random, 1, False)
    return record(random.getrandbits(32), 5, 1, body)


def records(seed: int, count: int) -> list[bytes]:
    """A peer index table, then ``count`` records."""
    random = Random(seed)
    makers = (
        lambda: bgp4mp(random, (0, 1, 4, 5, 6, 7, 8, 9, 10, 11)),
        lambda: rib(random, (2, 4, 8, 10)),
        lambda: table_dump(random, (1, 2, 3)),
        lambda: deprecated(random),
    )
    return [peer_index_table(random), *(random.choices(makers, (5, 3, 2, 1))[0]() for _ in range(count))]
