"""MRT records into rows of elems: one pass over unpacked bytes, every length checked before it is read.

Record formats are those of RFC 6396 (MRT), RFC 8050 (add-path) and RFC 4271 (BGP messages), with what older writers
did in fact. Elems of one UPDATE come in the order withdrawn routes, MP_UNREACH_NLRI, NLRI, MP_REACH_NLRI.
"""

import numpy as np
from numba import njit
from numba.core.options import DefaultOptions

from duskwatch.kernels.codes import (
    ALIVE,
    ANNOUNCE,
    BAD,
    GOOD,
    MALFORMED,
    NOTIFICATION,
    OPEN_MESSAGE,
    RIB,
    RIB_PEER,
    STATE,
    UNSUPPORTED,
    UPDATE_MESSAGE,
    WITH_ID,
    WITHDRAW,
)

# Nothing is allocated here, so nothing needs to be counted. Without the last option each call that is handed arrays
# counts references to them, atomically, and that takes most of the time.
OPTIONS = {"nogil": True, "cache": True}
if hasattr(DefaultOptions, "_nrt"):  # no part of Numba's documented interface: do without where it is gone
    OPTIONS["_nrt"] = False

WITH_IDS = 4  # beside a status: the record was read with path identifiers
# Path attributes whose form is checked, and octets of one value where a value is a list (RFC 7606 section 7).
ORIGIN, AS_PATH, NEXT_HOP, MED, LOCAL_PREF, COMMUNITIES, EXTENDED, LARGE = 1, 2, 3, 4, 5, 8, 16, 32
HIGHEST_ORIGIN = 2
# Bits of the attributes that an announcement needs (RFC 4271 section 5, RFC 7606 section 3 d), and one outside of
# MP_REACH_NLRI, which has a next hop of its own.
MANDATORY = 1 << ORIGIN | 1 << AS_PATH
MANDATORY_PLAIN = MANDATORY | 1 << NEXT_HOP
HIGHEST_SEGMENT = 4  # AS_SET, AS_SEQUENCE and the two of confederations (RFC 5065 section 3)

# Why a record is bad; index into REASONS.
REASONS = (
    "",
    "the record is shorter than its fixed fields",
    "a peer entry runs past the end of the record",
    "a RIB entry runs past the end of the record",
    "a RIB entry names a peer that no peer index table lists",
    "a prefix is longer than its family allows, or runs past the record",
    "the address family is neither IPv4 nor IPv6",
    "a BGP message or a part of it is shorter or longer than what it stands in allows",
    "path attributes run past the end of their field",
    "more peers than any collector has",
    "the BGP message does not begin with its marker, or is of no known type",
    "a session state is none of the finite state machine",
    "more RIB entries than any record has",
    "MP_REACH_NLRI or MP_UNREACH_NLRI is too short, or is there twice",
    "the last prefix runs past its field; those before it were taken",
    "the record ends before its BGP message does; what stands before that was taken",
    "a path attribute runs past the end of its field; the routes of the message were taken as withdrawn (RFC 7606)",
)
SHORT, PEER_PAST, ENTRY_PAST, NO_PEER, BAD_PREFIX, BAD_AFI, BAD_MESSAGE, BAD_ATTRIBUTES = range(1, 9)
MANY_PEERS, NO_MESSAGE, BAD_STATE, MANY_ENTRIES, BAD_MP = range(9, 14)
PREFIX_PAST, CUT, ATTRIBUTE_PAST = 14, 15, 16  # from here on, elems are kept

# What ends a scan.
MORE, FULL, BROKEN = 0, 1, 2

RECORD_LIMIT = 16 << 20  # no record is longer; a larger length is a broken header
HIGHEST_TYPE = 64  # of the MRT types that were ever assigned (OSPFv3_ET is 49)
MESSAGE_LIMIT = 65535  # octets of a BGP message (RFC 8654); a record of type BGP says no length of its own
ATTRIBUTES_LIMIT = MESSAGE_LIMIT - 23  # octets; without header and length fields
ENTRIES_LIMIT = 65535  # RIB entries in a record; the count field of TABLE_DUMP_V2 holds no more
STATE_LIMIT = 255  # RFC 6396 knows 1 to 6, Quagga has 7 and 8
PEER_LIMIT = 4096  # different peers of one collector
PEER_SLOTS = 2 * PEER_LIMIT

# Rows are written as whole words: a view of a structured row would count references, which costs more than the row.
# One elem; the columns of ElemBlock are views of such rows.
ELEM = np.dtype(
    [
        ("time_us", "<i8"),
        ("prefix_hi", "<u8"),
        ("prefix_lo", "<u8"),
        ("attr_start", "<i8"),
        ("peer", "<i4"),
        ("path_id", "<u4"),
        ("attr_length", "<i4"),
        ("record", "<i4"),
        ("state", "<u2"),
        ("kind", "u1"),
        ("afi", "u1"),
        ("safi", "u1"),
        ("prefix_length", "u1"),
        ("as_size", "u1"),
        ("marks", "u1"),
    ]
)
# One record. reason is an index into REASONS; afi_safi is AFI * 256 + SAFI of what an unsupported one is about, else 0.
RECORD = np.dtype(
    [
        ("start", "<i8"),
        ("length", "<i8"),
        ("type", "<u2"),
        ("subtype", "<u2"),
        ("afi_safi", "<u4"),
        ("status", "u1"),
        ("reason", "u1"),
        ("", "V6"),
    ]
)
# One peer.
PEER = np.dtype([("hi", "<u8"), ("lo", "<u8"), ("asn", "<u4"), ("afi", "<u4"), ("bgp_id", "<u8")])
ELEM_WORDS, RECORD_WORDS, PEER_WORDS = ELEM.itemsize // 8, RECORD.itemsize // 8, PEER.itemsize // 8
# int32[LINKS]: hash slots of the peers (-1 where free), the peer at each place of the peer index table in force, and
# four counts. One array, because every array handed to a function costs.
INDEX = PEER_SLOTS
COUNT, LAST, LISTED, HASHED = range(PEER_SLOTS + 65536, PEER_SLOTS + 65540)
LINKS = PEER_SLOTS + 65540
# int64[SUMMARY]: earliest and latest time of the elems (0 where there is none), how many of them are of a table dump,
# how many carry a path identifier, how many records are not good, and whether a row stands for a whole record.
FIRST_US, LAST_US, RIBS, PATH_IDS, ODD, ROUTES = range(6)
SUMMARY = 6


def new_links(count: int) -> np.ndarray:
    """Links where the first ``count`` rows of the peers are filled, and nothing else is known."""
    links = np.full(LINKS, -1, np.int32)
    links[COUNT] = count
    links[LISTED] = links[HASHED] = 0
    return links


# Positions are never negative: by their type the compiler drops the check for negative ones and joins loads.


@njit(inline="always", **OPTIONS)
def _u8(data, at):
    return np.int64(data[np.uint64(at)])


@njit(inline="always", **OPTIONS)
def _u16(data, at):
    i = np.uint64(at)
    return (np.int64(data[i]) << 8) | np.int64(data[i + np.uint64(1)])


@njit(inline="always", **OPTIONS)
def _u32(data, at):
    i = np.uint64(at)
    return (
        (np.int64(data[i]) << 24)
        | (np.int64(data[i + np.uint64(1)]) << 16)
        | (np.int64(data[i + np.uint64(2)]) << 8)
        | np.int64(data[i + np.uint64(3)])
    )


@njit(inline="always", **OPTIONS)
def _u64(data, at):
    i = np.uint64(at)
    return (
        (np.uint64(data[i]) << np.uint64(56))
        | (np.uint64(data[i + np.uint64(1)]) << np.uint64(48))
        | (np.uint64(data[i + np.uint64(2)]) << np.uint64(40))
        | (np.uint64(data[i + np.uint64(3)]) << np.uint64(32))
        | (np.uint64(data[i + np.uint64(4)]) << np.uint64(24))
        | (np.uint64(data[i + np.uint64(5)]) << np.uint64(16))
        | (np.uint64(data[i + np.uint64(6)]) << np.uint64(8))
        | np.uint64(data[i + np.uint64(7)])
    )


@njit(inline="always", **OPTIONS)
def _address(data, at, octets):
    """4 or 16 octets, left-aligned in 128 bits."""
    if octets == 4:
        return np.uint64(_u32(data, at)) << np.uint64(32), np.uint64(0)
    return _u64(data, at), _u64(data, at + 8)


@njit(**OPTIONS)
def _last_bits(data, at):
    """Up to 16 octets at the very end of the data, left-aligned in 128 bits."""
    hi, lo = np.uint64(0), np.uint64(0)
    octets = min(data.shape[0] - at, 16)
    for i in range(min(octets, 8)):
        hi |= np.uint64(data[at + i]) << np.uint64(56 - 8 * i)
    for i in range(8, octets):
        lo |= np.uint64(data[at + i]) << np.uint64(120 - 8 * i)
    return hi, lo


@njit(inline="always", **OPTIONS)
def _prefix(data, at, length):
    """The prefix at a position, of a length that was checked; what follows it is loaded too and masked off.

    Host bits are set to zero (RFC 4271 section 4.3: their value is irrelevant).
    """
    ones = ~np.uint64(0)
    if at + 16 <= data.shape[0]:
        hi = _u64(data, at)
        lo = np.uint64(0) if length <= 64 else _u64(data, at + 8)
    else:
        hi, lo = _last_bits(data, at)
    if length < 64:
        return hi & ~(ones >> np.uint64(length)), np.uint64(0)
    if length < 128:
        return hi, lo & ~(ones >> np.uint64(length - 64))
    return hi, lo


@njit(inline="always", **OPTIONS)
def _peer_slot(hi, lo, who):
    # Addresses end in small numbers and begin alike: halves are spread by factors of their own, and middle bits taken.
    # No product is longer than 64 bits, so that nothing depends on how overflow is treated.
    half, low = np.uint64(32), np.uint64(0xFFFFFFFF)
    mixed = (
        (hi >> half) * np.uint64(0x9E3779B1)
        ^ (hi & low) * np.uint64(0x85EBCA77)
        ^ (lo >> half) * np.uint64(0xC2B2AE3D)
        ^ (lo & low) * np.uint64(0x27D4EB2F)
        ^ (who & low) * np.uint64(0xB5297A4D)
        ^ (who >> half)
    )
    return np.int64(mixed >> np.uint64(19)) & (PEER_SLOTS - 1)


@njit(inline="always", **OPTIONS)
def _is_peer(table, row, who, hi, lo):
    at = np.uint64(row * PEER_WORDS)
    return table[at] == hi and table[at + np.uint64(1)] == lo and table[at + np.uint64(2)] == who


@njit(**OPTIONS)
def _find_peer(table, links, asn, hi, lo, afi, bgp_id):
    """Row of a peer, added where it is new; -1 past PEER_LIMIT."""
    who = np.uint64(asn) | (np.uint64(afi) << np.uint64(32))
    last = np.int64(links[LAST])
    if last >= 0 and _is_peer(table, last, who, hi, lo):
        return last
    slot = _peer_slot(hi, lo, who)
    while True:
        row = np.int64(links[np.uint64(slot)])
        if row < 0:
            break
        if _is_peer(table, row, who, hi, lo):
            links[LAST] = row
            return row
        slot = (slot + 1) & (PEER_SLOTS - 1)
    row = np.int64(links[COUNT])
    if row >= PEER_LIMIT:
        return np.int64(-1)
    at = row * PEER_WORDS
    table[at] = hi
    table[at + 1] = lo
    table[at + 2] = who
    table[at + 3] = np.uint64(bgp_id)
    links[slot] = row
    links[COUNT] = links[HASHED] = row + 1
    links[LAST] = row
    return row


@njit(**OPTIONS)
def _hash_peers(table, links):
    """Give a slot to each peer that has none yet."""
    for row in range(links[HASHED], links[COUNT]):
        at = row * PEER_WORDS
        slot = _peer_slot(table[at], table[at + 1], table[at + 2])
        while links[slot] >= 0:
            slot = (slot + 1) & (PEER_SLOTS - 1)
        links[slot] = row
    links[HASHED] = links[COUNT]


@njit(inline="always", **OPTIONS)
def _put(
    out, e, time_us, kind, afi, safi, peer, hi, lo, length, path_id, attr_start, attr_length, as_size, state, marks,
    record,
):  # fmt: skip
    at = np.uint64(e * ELEM_WORDS)
    out[at] = np.uint64(time_us)
    out[at + np.uint64(1)] = hi
    out[at + np.uint64(2)] = lo
    out[at + np.uint64(3)] = np.uint64(np.int64(attr_start))
    out[at + np.uint64(4)] = np.uint64(peer | (path_id << 32))
    out[at + np.uint64(5)] = np.uint64(attr_length | (record << 32))
    out[at + np.uint64(6)] = np.uint64(
        state | (kind << 16) | (afi << 24) | (safi << 32) | (length << 40) | (as_size << 48) | (marks << 56)
    )


@njit(**OPTIONS)
def _bare(out, e, time_us, kind, peer, state, record):
    """An elem without a prefix."""
    _put(out, e, time_us, kind, 0, 0, peer, np.uint64(0), np.uint64(0), 0, 0, -1, 0, 4, state, 0, record)


@njit(**OPTIONS)
def _peer_index(data, at, end, time_us, record, table, links, out, e):
    """PEER_INDEX_TABLE (RFC 6396 section 4.3.1). Returns (elems, reason); elems -1: no room."""
    links[LISTED] = 0  # a broken table leaves no table, rather than half of the one before it
    if at + 8 > end:
        return e, SHORT
    at += 6 + _u16(data, at + 4)
    if at + 2 > end:
        return e, SHORT
    count = _u16(data, at)
    at += 2
    if (e + count) * ELEM_WORDS > out.shape[0]:
        return np.int64(-1), 0
    for i in range(count):
        if at + 5 > end:
            return e, PEER_PAST
        flags = _u8(data, at)
        bgp_id = _u32(data, at + 1)
        afi = 2 if flags & 1 else 1
        octets = 16 if flags & 1 else 4
        as_octets = 4 if flags & 2 else 2
        at += 5
        if at + octets + as_octets > end:
            return e, PEER_PAST
        hi, lo = _address(data, at, octets)
        at += octets
        asn = _u32(data, at) if flags & 2 else _u16(data, at)
        at += as_octets
        peer = _find_peer(table, links, asn, hi, lo, afi, bgp_id)
        if peer < 0:
            return e, MANY_PEERS
        links[INDEX + i] = peer
        _bare(out, e, time_us, RIB_PEER, peer, 0, record)
        e += 1
    links[LISTED] = count
    return e, 0


@njit(**OPTIONS)
def _rib(data, at, end, time_us, record, afi, safi, in_entry, in_nlri, exact, links, out, e):
    """A RIB record from its prefix on (RFC 6396 section 4.3.2, RFC 8050 section 4).

    in_entry, in_nlri: whether path identifiers stand in the entries, or one before the prefix; exact: whether the
    entries must fill the record.
    """
    path_id = np.int64(0)
    if in_nlri:
        if at + 4 > end:
            return e, SHORT
        path_id = _u32(data, at)
        at += 4
    if at + 1 > end:
        return e, SHORT
    length = _u8(data, at)
    octets = (length + 7) >> 3
    if length > (32 if afi == 1 else 128) or at + 1 + octets + 2 > end:
        return e, BAD_PREFIX
    hi, lo = _prefix(data, at + 1, length)
    at += 1 + octets
    count = _u16(data, at)
    at += 2
    if (e + count) * ELEM_WORDS > out.shape[0]:
        return np.int64(-1), 0
    fixed = 12 if in_entry else 8
    marks = WITH_ID if in_entry or in_nlri else 0
    listed = np.int64(links[LISTED])
    for _ in range(count):
        if at + fixed > end:
            return e, ENTRY_PAST
        place = _u16(data, at)
        if in_entry:
            path_id = _u32(data, at + 6)
        attr_length = _u16(data, at + fixed - 2)
        at += fixed
        if at + attr_length > end:
            return e, ENTRY_PAST
        if place >= listed:
            return e, NO_PEER
        if attr_length > ATTRIBUTES_LIMIT:
            return e, BAD_ATTRIBUTES
        peer = np.int64(links[np.uint64(INDEX + place)])
        _put(out, e, time_us, RIB, afi, safi, peer, hi, lo, length, path_id, at, attr_length, 4, 0, marks, record)
        e += 1
        at += attr_length
    if exact and at != end:
        return e, ENTRY_PAST
    return e, 0


@njit(**OPTIONS)
def _rib_routes(data, at, end, time_us, record, afi, links, out, e):
    """A RIB record as one row: its first entry in place of the attributes, and their number in place of the length."""
    if at + 1 > end:
        return e, SHORT
    length = _u8(data, at)
    octets = (length + 7) >> 3
    if length > (32 if afi == 1 else 128) or at + 1 + octets + 2 > end:
        return e, BAD_PREFIX
    hi, lo = _prefix(data, at + 1, length)
    at += 1 + octets
    count = _u16(data, at)
    at += 2
    if (e + 1) * ELEM_WORDS > out.shape[0]:
        return np.int64(-1), 0
    first = at
    listed = np.int64(links[LISTED])
    for _ in range(count):
        if at + 8 > end:
            return e, ENTRY_PAST
        place = _u16(data, at)
        attr_length = _u16(data, at + 6)
        at += 8 + attr_length
        if at > end:
            return e, ENTRY_PAST
        if place >= listed:
            return e, NO_PEER
        if attr_length > ATTRIBUTES_LIMIT:
            return e, BAD_ATTRIBUTES
    if count == 0:
        return e, 0
    _put(out, e, time_us, RIB, afi, 1, 0, hi, lo, length, 0, first, count, 4, 0, 0, record)
    return e + 1, 0


@njit(**OPTIONS)
def _rib_generic(data, at, end, time_us, record, add_path, links, out, e):
    """RIB_GENERIC and RIB_GENERIC_ADDPATH behind the sequence number. Returns (elems, reason, status, afi_safi).

    RFC 8050 section 4.2 puts the path identifier into the NLRI; OpenBGPD and GoBGP put it into the entries. Which of
    the two fills the record tells.
    """
    if at + 3 > end:
        return e, SHORT, BAD, 0
    afi, safi = _u16(data, at), _u8(data, at + 2)
    if (afi != 1 and afi != 2) or (safi != 1 and safi != 2):
        return e, 0, UNSUPPORTED, afi << 8 | safi
    at += 3
    if add_path:
        found, reason = _rib(data, at, end, time_us, record, afi, safi, False, True, True, links, out, e)
        if reason == 0:
            return found, reason, GOOD, 0
    found, reason = _rib(data, at, end, time_us, record, afi, safi, add_path, False, add_path, links, out, e)
    return found, reason, GOOD, 0


@njit(**OPTIONS)
def _fills(data, at, end, fixed):
    """Whether TABLE_DUMP entries from ``at`` on end where ``end`` is."""
    while at + fixed <= end:
        at += fixed + _u16(data, at + fixed - 2)
    return at == end


@njit(**OPTIONS)
def _table_dump(data, at, end, time_us, record, afi, as_octets, table, links, out, e):
    """TABLE_DUMP (RFC 6396 section 4.2). Early dumps put several entries into one record; all are read."""
    octets = 4 if afi == 1 else 16
    fixed = 2 * octets + 8 + as_octets
    first = e
    at += 4
    while at + fixed <= end:
        if (e + 1) * ELEM_WORDS > out.shape[0]:
            return np.int64(-1), 0
        if e - first >= ENTRIES_LIMIT:
            return e, MANY_ENTRIES
        length = _u8(data, at + octets)
        if length > 8 * octets:
            return e, BAD_PREFIX
        hi, lo = _prefix(data, at, length)
        at += octets + 6
        peer_hi, peer_lo = _address(data, at, octets)
        at += octets
        asn = _u32(data, at) if as_octets == 4 else _u16(data, at)
        attr_length = _u16(data, at + as_octets)
        at += as_octets + 2
        if at + attr_length > end:
            return e, ENTRY_PAST
        if attr_length > ATTRIBUTES_LIMIT:
            return e, BAD_ATTRIBUTES
        peer = _find_peer(table, links, asn, peer_hi, peer_lo, afi, 0)
        if peer < 0:
            return e, MANY_PEERS
        _put(out, e, time_us, RIB, afi, 1, peer, hi, lo, length, 0, at, attr_length, as_octets, 0, 0, record)
        e += 1
        at += attr_length
    if e == first:
        return e, SHORT
    return e, 0


@njit(inline="always", **OPTIONS)
def _attribute_head(data, at):
    """Flags, type and two octets of length as one number; octets past the data count as zero."""
    if at + 4 <= data.shape[0]:
        return _u32(data, at)
    if at + 3 <= data.shape[0]:
        return (_u16(data, at) << 16) | (_u8(data, at + 2) << 8)
    return np.int64(0)


@njit(**OPTIONS)
def _is_path(data, at, end, width):
    """Whether an AS_PATH is whole segments of known types, none of them empty (RFC 7606 section 7.2)."""
    while at + 2 < end:
        head = _u16(data, at)
        count = head & 255
        if not 256 <= head < (HIGHEST_SEGMENT + 1) << 8 or count == 0:
            return False
        at += 2 + count * width
    return at == end


@njit(inline="always", **OPTIONS)
def _is_malformed(data, code, at, length, as_size):
    """Whether a path attribute is one for which RFC 7606 section 7 takes the routes of its message as withdrawn.

    An AS_PATH of the other width than its record says is not: writers have mixed the two up.
    """
    if code <= LOCAL_PREF:
        if code == AS_PATH:
            return not _is_path(data, at, at + length, as_size) and not _is_path(data, at, at + length, 6 - as_size)
        if code == ORIGIN:
            return length != 1 or _u8(data, at) > HIGHEST_ORIGIN
        return length != 4 and code >= NEXT_HOP
    if code == COMMUNITIES:
        return length & 3 != 0
    if code < EXTENDED:
        return False
    return (code == EXTENDED and length & 7 != 0) or (code == LARGE and length % 12 != 0)


@njit(**OPTIONS)
def _update(data, at, end, cut, time_us, record, add_path, peer, as_size, out, e):
    """The body of an UPDATE (RFC 4271 section 4.3, RFC 4760). Returns (elems, reason, status, afi_safi).

    cut: the record ends, at ``end``, before the message does. add_path: whether its subtype says that prefixes carry
    path identifiers (RFC 7911 section 3). Writers older than RFC 8050 put such messages into the plain subtypes. Read
    as plain prefixes those break, or name the default route (the first octet of a small identifier) again and again;
    they are then read with path identifiers, if that reads well.

    Announcements beside malformed attributes are marked; beside an attribute that runs past its field they are
    withdrawals (RFC 7606 sections 2 and 4).
    """
    if at + 4 > end:
        return e, BAD_MESSAGE, BAD, 0
    withdrawn = at + 2
    withdrawn_end = withdrawn + _u16(data, at)
    attr_start, attr_end = end, end
    if withdrawn_end + 2 <= end:
        attr_start = withdrawn_end + 2
        attr_end = attr_start + _u16(data, withdrawn_end)
        if attr_end > end:
            if not cut:
                return e, BAD_ATTRIBUTES, BAD, 0
            attr_end = end
    elif cut:
        withdrawn_end = min(withdrawn_end, end)
    else:
        return e, BAD_MESSAGE, BAD, 0

    status, afi_safi = GOOD, np.int64(0)
    reach, reach_end, reach_afi, reach_safi = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    unreach, unreach_end, unreach_afi, unreach_safi = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    malformed, past = False, False
    there = 0  # bits of the attributes that each announcement needs
    at = attr_start
    while at < attr_end:
        head = _attribute_head(data, at)
        extended = (head >> 28) & 1
        at += 3 + extended
        length = (head >> (8 - 8 * extended)) & (0xFF | (0xFF00 * extended))
        if at + length > attr_end:
            past = not (cut and attr_end == end)
            break
        code = (head >> 16) & 255
        if code <= NEXT_HOP:
            there |= 1 << code
        malformed |= _is_malformed(data, code, at, length, as_size)
        if (code | 1) == 15:
            if length < 3:
                return e, BAD_MP, BAD, 0
            afi, safi = _u16(data, at), _u8(data, at + 2)
            supported = (afi == 1 or afi == 2) and (safi == 1 or safi == 2)
            if not supported:
                status, afi_safi = UNSUPPORTED, afi << 8 | safi
            if code == 14:  # MP_REACH_NLRI (RFC 4760 section 3)
                # RFC 7606 section 3 g: a second one is an error.
                if reach != 0 or length < 5 or 5 + _u8(data, at + 3) > length:
                    return e, BAD_MP, BAD, 0
                reach, reach_end = at + 5 + _u8(data, at + 3), at + length
                reach_afi, reach_safi = afi, safi
                if not supported:
                    reach_end = reach
            else:  # MP_UNREACH_NLRI (section 4)
                if unreach != 0:
                    return e, BAD_MP, BAD, 0
                unreach, unreach_end = at + 3, at + length
                unreach_afi, unreach_safi = afi, safi
                if not supported:
                    unreach_end = unreach
        at += length

    attr_length = attr_end - attr_start
    room = out.shape[0] // ELEM_WORDS
    first = e
    reason = 0
    with_ids = add_path
    needed = MANDATORY_PLAIN if attr_end < end else MANDATORY
    malformed |= past or (there & needed != needed and not cut)
    gain = WITHDRAW if past else ANNOUNCE
    for reading in range(3):
        with_ids = add_path or reading == 1
        e = first
        reason = 0
        repeated = False  # whether a field names the default route twice
        for field in range(4):
            kind, afi, safi = WITHDRAW, np.int64(1), np.int64(1)
            if field == 0:
                at, stop = withdrawn, withdrawn_end
            elif field == 1:
                at, stop, afi, safi = unreach, unreach_end, unreach_afi, unreach_safi
            elif field == 2:
                at, stop, kind = attr_end, end, gain
            else:
                at, stop, kind, afi, safi = reach, reach_end, gain, reach_afi, reach_safi
            marks = (WITH_ID if with_ids else 0) | (MALFORMED if malformed and field >= 2 else 0)
            widest = 32 if afi == 1 else 128
            defaults = 0
            while at < stop:
                path_id = np.int64(0)
                if with_ids:
                    if at + 5 > stop:
                        reason = PREFIX_PAST
                        break
                    path_id = _u32(data, at)
                    at += 4
                length = _u8(data, at)
                octets = (length + 7) >> 3
                if length > widest:
                    reason = BAD_PREFIX
                    break
                if at + 1 + octets > stop:
                    reason = PREFIX_PAST
                    break
                if e >= room:
                    return np.int64(-1), 0, BAD, 0
                if length == 0:
                    defaults += 1
                hi, lo = _prefix(data, at + 1, length)
                _put(
                    out, e, time_us, kind, afi, safi, peer, hi, lo, length, path_id,
                    attr_start, attr_length, as_size, 0, marks, record,
                )  # fmt: skip
                e += 1
                at += 1 + octets
            repeated |= defaults > 1
            if reason == BAD_PREFIX:
                break
        if add_path or cut or (reading == 0 and reason != BAD_PREFIX and not repeated):
            break
        if reading == 1 and reason == 0:
            break
    if past and reason != BAD_PREFIX:
        reason = ATTRIBUTE_PAST
    elif cut and reason != BAD_PREFIX:
        reason = CUT
    if e == first and reason != BAD_PREFIX:  # end-of-RIB (RFC 4724 section 2), or only families that are not read
        if e >= room:
            return np.int64(-1), 0, BAD, 0
        _bare(out, e, time_us, ALIVE, peer, 0, record)
        e += 1
    return e, reason, status | (WITH_IDS if with_ids else 0), afi_safi


@njit(**OPTIONS)
def _entry(data, at, end, time_us, record, peer, out, e):
    """The rest of a BGP4MP_ENTRY behind its addresses (RFC 6396 appendix B.2.6.1, as OpenBGPD writes it)."""
    if at + 12 > end:
        return e, SHORT, BAD, 0
    afi, safi = _u16(data, at + 8), _u8(data, at + 10)
    if (afi != 1 and afi != 2) or (safi != 1 and safi != 2):
        return e, 0, UNSUPPORTED, afi << 8 | safi
    at += 12 + _u8(data, at + 11)  # the next hop
    if at + 1 > end:
        return e, SHORT, BAD, 0
    length = _u8(data, at)
    octets = (length + 7) >> 3
    if length > (32 if afi == 1 else 128) or at + 1 + octets + 2 > end:
        return e, BAD_PREFIX, BAD, 0
    hi, lo = _prefix(data, at + 1, length)
    at += 1 + octets
    attr_length = _u16(data, at)
    at += 2
    if at + attr_length > end:
        return e, ENTRY_PAST, BAD, 0
    if attr_length > ATTRIBUTES_LIMIT:
        return e, BAD_ATTRIBUTES, BAD, 0
    _put(out, e, time_us, RIB, afi, safi, peer, hi, lo, length, 0, at, attr_length, 2, 0, 0, record)
    return e + 1, 0, GOOD, 0


@njit(**OPTIONS)
def _bgp4mp(data, at, end, time_us, record, subtype, table, links, out, e):
    """BGP4MP and BGP4MP_ET (RFC 6396 section 4.4, RFC 8050 section 3). Returns (elems, reason, status, afi_safi).

    The peer is who sent the message; in the LOCAL subtypes that is the collector.
    """
    if subtype == 3 or subtype > 11:
        return e, 0, UNSUPPORTED, 0
    wide = subtype in (4, 5, 7, 9, 11)
    as_size = 4 if wide else 2
    is_state = subtype == 0 or subtype == 5
    # Where the sender is named: first, except in what the collector sent, and in the entries that OpenBGPD writes.
    second = subtype in (2, 6, 7, 10, 11)
    if at + 2 * as_size + 4 > end:
        return e, SHORT, BAD, 0
    if wide:
        asn, other = _u32(data, at + (4 if second else 0)), _u32(data, at)
    else:
        asn, other = _u16(data, at + (2 if second else 0)), _u16(data, at)
    at += 2 * as_size
    afi = _u16(data, at + 2)
    hi, lo = np.uint64(0), np.uint64(0)
    octets, others = 4, np.int64(-1)  # of an address; where the first one stands
    if is_state and at + 4 == end:
        # Zebra left out interface and addresses of some state changes.
        afi = np.int64(1)
    elif afi == 0xFFFF and not is_state and at + 19 <= end and _u64(data, at) & _u64(data, at + 8) == ~np.uint64(0):
        # And of some messages: their marker stands here.
        afi = np.int64(1)
    else:
        if afi != 1 and afi != 2:
            return e, BAD_AFI, BAD, 0
        octets = 4 if afi == 1 else 16
        at += 4
        if at + 2 * octets > end:
            return e, SHORT, BAD, 0
        others = at
        hi, lo = _address(data, at + (octets if second else 0), octets)
        at += 2 * octets
    peer = _find_peer(table, links, asn, hi, lo, afi, 0)
    if peer < 0:
        return e, MANY_PEERS, BAD, 0
    if (e + 1) * ELEM_WORDS > out.shape[0]:
        return np.int64(-1), 0, BAD, 0
    if subtype == 2:
        return _entry(data, at, end, time_us, record, peer, out, e)
    if is_state:
        if at + 4 > end:
            return e, SHORT, BAD, 0
        old, new = _u16(data, at), _u16(data, at + 2)
        if old > STATE_LIMIT or new > STATE_LIMIT:
            return e, BAD_STATE, BAD, 0
        _bare(out, e, time_us, STATE, peer, old << 8 | new, record)
        return e + 1, 0, GOOD, 0
    if at + 19 > end:
        return e, BAD_MESSAGE, BAD, 0
    length = _u16(data, at + 16)
    kind = _u8(data, at + 18)
    # OPEN, UPDATE, NOTIFICATION, KEEPALIVE, ROUTE-REFRESH, the CAPABILITY of a draft, and Cisco's ROUTE-REFRESH.
    if _u64(data, at) & _u64(data, at + 8) != ~np.uint64(0) or kind == 0 or (kind > 6 and kind != 128):
        return e, NO_MESSAGE, BAD, 0
    if length < 19:
        return e, BAD_MESSAGE, BAD, 0
    cut = at + length > end
    if kind != UPDATE_MESSAGE:
        ends = kind == OPEN_MESSAGE or kind == NOTIFICATION
        if kind == NOTIFICATION and second:  # the collector ended the session of the peer that is named first
            if others >= 0:
                hi, lo = _address(data, others, octets)
            peer = _find_peer(table, links, other, hi, lo, afi, 0)
            if peer < 0:
                return e, MANY_PEERS, BAD, 0
        _bare(out, e, time_us, ALIVE, peer, kind if ends else 0, record)
        return e + 1, CUT if cut else 0, GOOD, 0
    return _update(
        data, at + 19, end if cut else at + length, cut, time_us, record, subtype >= 8, peer, as_size, out, e
    )


@njit(**OPTIONS)
def _mrtd_bgp(data, at, end, time_us, record, subtype, table, links, out, e):
    """The deprecated type BGP (RFC 6396 appendix B.2.1), as RIS wrote it in 1999 and 2000."""
    if subtype == 0 or subtype == 2 or subtype == 4 or subtype > 7:
        return e, 0, UNSUPPORTED, 0
    if at + (10 if subtype == 3 else 12) > end:
        return e, SHORT, BAD, 0
    hi, lo = _address(data, at + 2, 4)
    peer = _find_peer(table, links, _u16(data, at), hi, lo, 1, 0)
    if peer < 0:
        return e, MANY_PEERS, BAD, 0
    if (e + 1) * ELEM_WORDS > out.shape[0]:
        return np.int64(-1), 0, BAD, 0
    if subtype == 3:
        old, new = _u16(data, at + 6), _u16(data, at + 8)
        if old > STATE_LIMIT or new > STATE_LIMIT:
            return e, BAD_STATE, BAD, 0
        _bare(out, e, time_us, STATE, peer, old << 8 | new, record)
        return e + 1, 0, GOOD, 0
    if subtype != 1:
        message = OPEN_MESSAGE if subtype == 5 else NOTIFICATION if subtype == 6 else 0
        _bare(out, e, time_us, ALIVE, peer, message, record)
        return e + 1, 0, GOOD, 0
    if end - at - 12 > MESSAGE_LIMIT - 19:
        return e, BAD_MESSAGE, BAD, 0
    return _update(data, at + 12, end, False, time_us, record, False, peer, 2, out, e)


@njit(**OPTIONS)
def scan(data, at, final, routes, table, links, out, records, summary):
    """Read whole records from ``data[at:]`` until the bytes, the room for elems or for records run out.

    final: no bytes will follow. routes: a RIB record of unicast prefixes without path identifiers becomes one row
    (summary[ROUTES] says so), and the scan ends where such records and others meet.
    data uint8[N]; table PEER[PEER_LIMIT], links int32[LINKS] (in/out); out ELEM[E], records RECORD[R] (out, from row
    0), these three as uint64 words; summary int64[SUMMARY] (out).
    Returns (position of the next record, elems, records, MORE | FULL | BROKEN): MORE bytes are needed to go on, the
    rows are FULL, or what stands at the position is no record header.
    """
    if links[HASHED] < links[COUNT]:
        _hash_peers(table, links)
    size = data.shape[0]
    e = np.int64(0)
    r = np.int64(0)
    earliest, latest = np.int64(1) << 62, np.int64(-1)
    for i in range(SUMMARY):
        summary[i] = 0
    while True:
        if at + 12 > size:
            return at, e, r, MORE
        kind = _u16(data, at + 4)
        length = _u32(data, at + 8)
        if length > RECORD_LIMIT or kind > HIGHEST_TYPE:
            return at, e, r, BROKEN
        subtype = _u16(data, at + 6)
        time_us = _u32(data, at) * 1000000
        if kind == 0 and length == 0 and time_us == 0 and subtype == 0:
            return at, e, r, BROKEN  # zeros, as where a disk was full
        body = at + 12
        end = body + length
        if end > size:
            return at, e, r, MORE
        if (r + 1) * RECORD_WORDS > records.shape[0]:
            return at, e, r, FULL
        if kind == 12 and 1 <= subtype <= 4:
            # RIS dumps of 2000 say four octets less than they wrote. Where their entries end tells.
            fixed = (16 if subtype == 1 or subtype == 3 else 40) + (4 if subtype > 2 else 2)
            if not _fills(data, body + 4, end, fixed):
                if end + 16 > size and not final:
                    return at, e, r, MORE
                if (
                    end + 4 <= size
                    and _fills(data, body + 4, end + 4, fixed)
                    and (end + 4 == size or (end + 10 <= size and _u16(data, end + 8) == 12))
                ):
                    end += 4
                    length += 4
        whole = routes and kind == 13 and (subtype == 2 or subtype == 4) and length >= 4
        if e > 0 and ((whole and summary[ROUTES] == 0) or (summary[ROUTES] == 1 and kind == 13 and subtype == 1)):
            return at, e, r, FULL
        first = e
        reason = 0
        status = GOOD
        afi_safi = np.int64(0)
        if whole:
            e, reason = _rib_routes(data, body + 4, end, time_us, r, 1 if subtype == 2 else 2, links, out, e)
        elif kind == 13:
            if subtype == 1:
                e, reason = _peer_index(data, body, end, time_us, r, table, links, out, e)
            elif subtype == 0 or subtype == 7 or subtype > 12:
                status = UNSUPPORTED
            elif length < 4:
                reason = SHORT
            elif subtype == 6 or subtype == 12:
                e, reason, status, afi_safi = _rib_generic(
                    data, body + 4, end, time_us, r, subtype == 12, links, out, e
                )
            else:
                afi = 1 if subtype in (2, 3, 8, 9) else 2
                safi = 1 if subtype in (2, 4, 8, 10) else 2
                e, reason = _rib(data, body + 4, end, time_us, r, afi, safi, subtype >= 8, False, False, links, out, e)
        elif kind == 16:
            e, reason, status, afi_safi = _bgp4mp(data, body, end, time_us, r, subtype, table, links, out, e)
        elif kind == 17:
            if length < 4:
                reason = SHORT
            else:
                time_us += min(_u32(data, body), 999999)
                e, reason, status, afi_safi = _bgp4mp(data, body + 4, end, time_us, r, subtype, table, links, out, e)
        elif kind == 12 and 1 <= subtype <= 4:
            afi = 1 if subtype in (1, 3) else 2
            e, reason = _table_dump(data, body, end, time_us, r, afi, 4 if subtype > 2 else 2, table, links, out, e)
        elif kind == 5:
            e, reason, status, afi_safi = _mrtd_bgp(data, body, end, time_us, r, subtype, table, links, out, e)
        else:
            status = UNSUPPORTED
        if e < 0:
            return at, first, r, FULL
        if 0 < reason < PREFIX_PAST:
            e = first
        if summary[ROUTES] == 1 and e > first and not whole:
            return at, first, r, FULL
        if e > first:
            earliest = min(earliest, time_us)
            latest = max(latest, time_us)
            summary[FIRST_US] = earliest
            summary[LAST_US] = latest
            summary[ROUTES] = 1 if whole else 0
            if kind == 12 or kind == 13 or subtype == 2:
                summary[RIBS] += e - first
            if status & WITH_IDS or (kind == 13 and subtype >= 8):
                summary[PATH_IDS] += e - first
        status &= ~WITH_IDS
        if reason != 0:
            status = BAD
        if status != GOOD:
            summary[ODD] += 1
        row = np.uint64(r * RECORD_WORDS)
        records[row] = np.uint64(at)
        records[row + np.uint64(1)] = np.uint64(12 + length)
        records[row + np.uint64(2)] = np.uint64(kind | (subtype << 16) | (afi_safi << 32))
        records[row + np.uint64(3)] = np.uint64(status | (reason << 8))
        r += 1
        at = end
