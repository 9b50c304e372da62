"""Compiled writers of MRT records for workloads: too many to make one by one in Python.

Everything that varies (path, communities, who lacks a prefix) is a hash of peer, origin and prefix. Of a route only its
variant and its origin are kept, so that a later table dump tells what the updates before it left.
"""

import numpy as np
from numba import njit

NO_ROUTE = 255  # in place of a variant
LONGEST_ENTRY = 400  # bytes that one peer's entry, or one update, may take at most
PREFIXES_PER_UPDATE = 12
RECORDS_PER_PAIR = 60


@njit(cache=True, nogil=True)
def mix(value):
    """A hash of 64 bits (the finaliser of splitmix64)."""
    value = np.uint64(value) + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@njit(cache=True, nogil=True)
def below(value, limit):
    """The hash of a value, as a number below a limit."""
    return np.int64(mix(value) >> np.uint64(33)) % np.int64(limit)


@njit(cache=True, nogil=True)
def put16(out, at, value):
    out[at] = (value >> 8) & 255
    out[at + 1] = value & 255
    return at + 2


@njit(cache=True, nogil=True)
def put32(out, at, value):
    out[at] = (value >> 24) & 255
    out[at + 1] = (value >> 16) & 255
    out[at + 2] = (value >> 8) & 255
    out[at + 3] = value & 255
    return at + 4


@njit(cache=True, nogil=True)
def put_prefix(out, at, hi, length):
    """Length and bytes of a prefix whose bits lie in the upper 64."""
    out[at] = length
    at += 1
    for k in range((length + 7) // 8):
        out[at] = (hi >> np.uint64(56 - 8 * k)) & np.uint64(255)
        at += 1
    return at


@njit(cache=True, nogil=True)
def put_attributes(out, at, peer, peer_asn, origin, asns, afi, variant, reach_hi, reach_length, first, count, whole):
    """Path attributes of one peer's route to one origin.

    reach_hi, reach_length  the prefixes, of which ``count`` from ``first`` on go into MP_REACH_NLRI where afi is 2
    whole                   False in a table dump: MP_REACH_NLRI is the next hop alone (RFC 6396 section 4.3.4)
    """
    # The way to an origin hangs on its provider and on the peer; most origins of a provider share it.
    provider = below(origin * 31 + 7, 60)
    if provider > 30:
        provider = below(origin * 17 + 3, 4000)
    way = below(peer * 1000003 + provider * 7919 + variant * 104729, 1 << 30)
    transit = way % 12
    out[at] = 0x40
    out[at + 1] = 1
    out[at + 2] = 1
    out[at + 3] = 2 if below(origin * 13 + 1, 100) < 12 else 0
    at += 4
    path = at
    out[at] = 0x40
    out[at + 1] = 2
    out[at + 3] = 2
    at += 5
    n = 2
    at = put32(out, at, peer_asn)
    at = put32(out, at, 700 + transit * 211)
    if (way >> 5) & 1:
        at = put32(out, at, 3000 + provider % 97)
        n += 1
    if below(origin * 5 + 11, 100) < 88:
        at = put32(out, at, 5000 + provider * 9)
        n += 1
    own = asns[origin]
    prepends = 1
    if below(origin * 3 + 5, 100) < 10:
        prepends += 1 + below(origin * 7 + 1, 3)
    for _ in range(prepends):
        at = put32(out, at, own)
        n += 1
    out[path + 2] = 2 + 4 * n
    out[path + 4] = n
    if afi == 1:
        out[at] = 0x40
        out[at + 1] = 3
        out[at + 2] = 4
        at = put32(out, at + 3, 0xC6120000 + peer * 16 + (way >> 7) % 3)
    if peer % 5 < 2:
        out[at] = 0x80
        out[at + 1] = 4
        out[at + 2] = 4
        at = put32(out, at + 3, (way >> 9) % 40 * 10)
    if below(origin * 19 + 3, 100) < 6:
        out[at] = 0x40
        out[at + 1] = 6
        out[at + 2] = 0
        out[at + 3] = 0xC0
        out[at + 4] = 7
        out[at + 5] = 8
        at = put32(out, at + 6, own)
        at = put32(out, at, 0x0A000000 + origin)
    communities = 0 if peer % 5 == 0 else (way >> 11) % 9 + below(origin * 23 + 9, 3)
    if communities:
        out[at] = 0xC0
        out[at + 1] = 8
        out[at + 2] = 4 * communities
        at += 3
        for k in range(communities):
            at = put16(out, at, 700 + transit * 211 if k % 3 else peer_asn & 0xFFFF)
            at = put16(
                out, at, below(transit * 977 + k * 31 + provider % 50, 4000) if k % 3 else 100 * k + provider % 20
            )
    if below(origin * 29 + peer, 100) < 8:
        out[at] = 0xC0
        out[at + 1] = 32
        out[at + 2] = 12
        at = put32(out, at + 3, 700 + transit * 211)
        at = put32(out, at, 1000)
        at = put32(out, at, provider)
    if afi == 2:
        out[at] = 0x80
        out[at + 1] = 14
        length = at + 2
        at += 3
        if whole:
            at = put16(out, at, 2)
            out[at] = 1
            at += 1
        out[at] = 16
        at = put32(out, at + 1, 0x20010DB8)
        at = put32(out, at, 0)
        at = put32(out, at, 0)
        at = put32(out, at, peer + 10)
        if whole:
            out[at] = 0
            at += 1
            for k in range(count):
                at = put_prefix(out, at, reach_hi[first + k], reach_length[first + k])
        out[length] = at - length - 1
    return at


@njit(cache=True, nogil=True)
def fill_routes(prefix_origin, variant, origin):
    """The table before any update: uint8[P, K] variants and int32[P, K] origins of P prefixes' routes from K peers."""
    for i in range(len(prefix_origin)):
        for peer in range(variant.shape[1]):
            # Nobody holds quite everything: one prefix in sixty is missing, and not the same one everywhere.
            variant[i, peer] = NO_ROUTE if below(i * 64 + peer, 1000) < 16 else 0
            origin[i, peer] = prefix_origin[i]


@njit(cache=True, nogil=True)
def write_rib(
    out, second, first, last, prefix_hi, prefix_length, variants, origins, afi, peer_asn, peer_row, asns, sequence
):
    """RIB records of prefixes [first, last) with the routes given. Returns (bytes, records, entries).

    variants, origins  as fill_routes() and write_updates() left them
    peer_row  row in the peer index of the first of this family's sessions; session k is that of peer k
    """
    at = 0
    records = 0
    entries = 0
    for i in range(first, last):
        start = at
        at = put32(out, at, second)
        at = put16(out, at, 13)
        at = put16(out, at, 2 if afi == 1 else 4)
        at = put32(out, at + 4, sequence + i)
        at = put_prefix(out, at, prefix_hi[i], prefix_length[i])
        count_at = at
        at += 2
        here = 0
        for peer in range(len(peer_asn)):
            variant = variants[i, peer]
            if variant == NO_ROUTE:
                continue
            origin = np.int64(origins[i, peer])
            at = put16(out, at, peer_row + peer)
            at = put32(out, at, second - below(origin * 64 + peer, 3_000_000) - 60)
            length_at = at
            at = put_attributes(
                out,
                at + 2,
                peer,
                peer_asn[peer],
                origin,
                asns,
                afi,
                np.int64(variant),
                prefix_hi,
                prefix_length,
                i,
                1,
                False,
            )
            put16(out, length_at, at - length_at - 2)
            here += 1
        if here == 0:
            at = start
            continue
        put16(out, count_at, here)
        put32(out, start + 8, at - start - 12)
        records += 1
        entries += here
    return at, records, entries


@njit(cache=True, nogil=True)
def write_updates(
    out,
    second,
    seconds,
    per_second,
    seed,
    microseconds,
    prefix4_hi,
    prefix4_length,
    prefix4_origin,
    variants4,
    origins4,
    prefix6_hi,
    prefix6_length,
    prefix6_origin,
    variants6,
    origins6,
    peer_asn,
    asns,
):
    """UPDATE records of a stretch of time, spread evenly, which change the routes. Returns (bytes, records, elems)."""
    at = 0
    peers = len(peer_asn)
    records = seconds * per_second
    elems = 0
    for k in range(records):
        # Routing events reach many peers: of some records in a row, each tells of one of two events.
        dice = mix(seed * 1_000_003 + k)
        event = mix(seed * 2_000_003 + k // RECORDS_PER_PAIR * 2 + np.int64(dice & np.uint64(1)))
        afi = 2 if event % np.uint64(100) < np.uint64(30) else 1
        hi = prefix4_hi if afi == 1 else prefix6_hi
        length = prefix4_length if afi == 1 else prefix6_length
        prefix_origin = prefix4_origin if afi == 1 else prefix6_origin
        variants = variants4 if afi == 1 else variants6
        origins = origins4 if afi == 1 else origins6
        # Some peers have much more to say than others.
        peer = below(dice ^ np.uint64(1), 1 + below(dice ^ np.uint64(3), peers))
        # A third of all messages are about one prefix in a hundred: those that flap.
        first = below(event ^ np.uint64(2), len(hi))
        if (event >> np.uint64(20)) % np.uint64(3) == np.uint64(0):
            first = below(first // 100, len(hi))
        count = 1
        if (event >> np.uint64(32)) % np.uint64(100) >= np.uint64(72):
            count = 2 + np.int64((event >> np.uint64(40)) % np.uint64(PREFIXES_PER_UPDATE - 2))
        count = min(count, len(hi) - first)
        withdrawn = (dice >> np.uint64(50)) % np.uint64(100) < np.uint64(7)
        if withdrawn:
            variants[first : first + count, peer] = NO_ROUTE
        start = at
        at = put32(out, at, second + k // per_second)
        at = put16(out, at, 17 if microseconds else 16)
        at = put16(out, at, 4)
        at += 4
        if microseconds:
            at = put32(out, at, k % per_second * 1_000_000 // per_second)
        at = put32(out, at, peer_asn[peer])
        at = put32(out, at, 64512)
        at = put16(out, at, 0)
        at = put16(out, at, afi)
        if afi == 1:
            at = put32(out, at, 0xC6120000 + peer * 16)
            at = put32(out, at, 0xC612FFFF)
        else:
            for last in (peer + 10, 1):
                at = put32(out, at, 0x20010DB8)
                at = put32(out, at, 0)
                at = put32(out, at, 0)
                at = put32(out, at, last)
        message = at
        for _ in range(16):
            out[at] = 255
            at += 1
        out[at + 2] = 2
        at += 3
        if withdrawn and afi == 1:
            length_at = at
            at += 2
            for j in range(count):
                at = put_prefix(out, at, hi[first + j], length[first + j])
            put16(out, length_at, at - length_at - 2)
            at = put16(out, at, 0)
        elif withdrawn:
            at = put16(out, at, 0)
            length_at = at
            out[at + 2] = 0x80
            out[at + 3] = 15
            at = put16(out, at + 5, 2)
            out[at] = 1
            at += 1
            for j in range(count):
                at = put_prefix(out, at, hi[first + j], length[first + j])
            out[length_at + 4] = at - length_at - 5
            put16(out, length_at, at - length_at - 2)
        else:
            at = put16(out, at, 0)
            length_at = at
            variant = np.int64((dice >> np.uint64(58)) % np.uint64(3))
            origin = prefix_origin[first]
            at = put_attributes(
                out, at + 2, peer, peer_asn[peer], origin, asns, afi, variant, hi, length, first, count, True
            )
            for j in range(count):
                variants[first + j, peer] = variant
                origins[first + j, peer] = origin
            put16(out, length_at, at - length_at - 2)
            if afi == 1:
                for j in range(count):
                    at = put_prefix(out, at, hi[first + j], length[first + j])
        put16(out, message + 16, at - message)
        put32(out, start + 8, at - start - 12)
        elems += count
    return at, records, elems
