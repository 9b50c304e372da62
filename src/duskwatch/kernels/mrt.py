"""MRT records into rows of elems: one pass over unpacked bytes, every length checked before it is read.

Record formats are those of RFC 6396 (MRT), RFC 8050 (add-path) and RFC 4271 (BGP messages). Elems of one UPDATE come
in the order withdrawn routes, MP_UNREACH_NLRI, NLRI, MP_REACH_NLRI.
"""

import numpy as np
from numba import njit

RIB, ANNOUNCE, WITHDRAW, STATE, ALIVE, RIB_PEER = 0, 1, 2, 3, 4, 5
GOOD, UNSUPPORTED, BAD = 0, 1, 2

# Why a record is bad; index into REASONS.
REASONS = (
    "",
    "the record is shorter than its fixed fields",
    "a peer entry runs past the end of the record",
    "a RIB entry runs past the end of the record",
    "a RIB entry names a peer that no peer index table lists",
    "a prefix is longer than its family allows",
    "the address family is neither IPv4 nor IPv6",
    "a BGP message is shorter or longer than its record allows",
    "path attributes run past the end of their field",
    "more peers than any collector has",
    "the last prefix runs past its field; those before it were taken",
    "the BGP message goes on past the end of the record; what stands before the cut was taken",
)
SHORT, PEER_PAST, ENTRY_PAST, NO_PEER, BAD_PREFIX, BAD_AFI, BAD_MESSAGE, BAD_ATTRIBUTES, MANY_PEERS = range(1, 10)
PREFIX_PAST, CUT = 10, 11

# What ends a scan.
MORE, FULL, BROKEN = 0, 1, 2

RECORD_LIMIT = 16 << 20  # no record is longer; a larger length is a broken header
HIGHEST_TYPE = 64  # of the MRT types that were ever assigned (OSPFv3_ET is 49)
PEER_LIMIT = 4096
PEER_SLOTS = 2 * PEER_LIMIT


# One elem as a row; a row fits a cache line, and the columns of ElemBlock are views of such rows.
ELEM = np.dtype(
    [
        ("time_us", np.int64),
        ("prefix_hi", np.uint64),
        ("prefix_lo", np.uint64),
        ("attr_start", np.int64),
        ("peer", np.int32),
        ("path_id", np.uint32),
        ("attr_length", np.int32),
        ("record", np.int32),
        ("state", np.uint16),
        ("kind", np.uint8),
        ("afi", np.uint8),
        ("safi", np.uint8),
        ("prefix_length", np.uint8),
        ("as_size", np.uint8),
    ],
    align=True,
)
# One record; reason is an index into REASONS.
RECORD = np.dtype(
    [
        ("start", np.int64),
        ("length", np.int64),
        ("type", np.uint16),
        ("subtype", np.uint16),
        ("status", np.uint8),
        ("reason", np.uint8),
    ],
    align=True,
)
# Peers met so far, PEER_LIMIT rows.
PEER = np.dtype(
    [
        ("hi", np.uint64),
        ("lo", np.uint64),
        ("asn", np.uint32),
        ("bgp_id", np.uint32),
        ("afi", np.uint8),
    ],
    align=True,
)
# int32[LINKS]: hash slots of the peers (-1 where free), the peer at each place of the peer index table in force, and
# three counts. One array, because every array handed to a function costs.
INDEX = PEER_SLOTS
COUNT, LAST, LISTED = PEER_SLOTS + 65536, PEER_SLOTS + 65537, PEER_SLOTS + 65538
LINKS = PEER_SLOTS + 65539


def new_links() -> np.ndarray:
    """The links before any peer was met."""
    links = np.full(LINKS, -1, np.int32)
    links[COUNT] = links[LISTED] = 0
    return links


@njit(nogil=True, cache=True, inline="always")
def _u16(data, at):
    return (np.int64(data[at]) << 8) | np.int64(data[at + 1])


@njit(nogil=True, cache=True, inline="always")
def _u32(data, at):
    return (
        (np.int64(data[at]) << 24)
        | (np.int64(data[at + 1]) << 16)
        | (np.int64(data[at + 2]) << 8)
        | np.int64(data[at + 3])
    )


@njit(nogil=True, cache=True)
def _bits(data, at, octets):
    """Up to 16 octets, left-aligned in 128 bits."""
    hi, lo = np.uint64(0), np.uint64(0)
    for i in range(min(octets, 8)):
        hi |= np.uint64(data[at + i]) << np.uint64(56 - 8 * i)
    for i in range(8, octets):
        lo |= np.uint64(data[at + i]) << np.uint64(120 - 8 * i)
    return hi, lo


@njit(nogil=True, cache=True)
def _masked(hi, lo, length):
    """Host bits beyond the prefix length set to zero (RFC 4271 section 4.3: their value is irrelevant)."""
    ones = ~np.uint64(0)
    if length == 0:
        return np.uint64(0), np.uint64(0)
    if length <= 64:
        return hi & (ones << np.uint64(64 - length)), np.uint64(0)
    return hi, lo & (ones << np.uint64(128 - length))


@njit(nogil=True, cache=True)
def find_peer(table, links, asn, hi, lo, afi, bgp_id):
    """Number of a peer, adding it where it is new; -1 past PEER_LIMIT."""
    last = np.int64(links[LAST])
    if (
        last >= 0
        and table[last].asn == asn
        and table[last].hi == hi
        and table[last].lo == lo
        and table[last].afi == afi
    ):
        return last
    mixed = (hi ^ (lo * np.uint64(3)) ^ np.uint64(asn)) * np.uint64(0x9E3779B97F4A7C15)
    slot = np.int64(mixed >> np.uint64(40)) % PEER_SLOTS
    while True:
        found = np.int64(links[slot])
        if found < 0:
            break
        if table[found].asn == asn and table[found].hi == hi and table[found].lo == lo and table[found].afi == afi:
            links[LAST] = found
            return found
        slot = (slot + 1) % PEER_SLOTS
    new = np.int64(links[COUNT])
    if new >= PEER_LIMIT:
        return np.int64(-1)
    peer = table[new]
    peer.asn = asn
    peer.hi = hi
    peer.lo = lo
    peer.afi = afi
    peer.bgp_id = bgp_id
    links[slot] = new
    links[COUNT] = new + 1
    links[LAST] = new
    return new


@njit(nogil=True, cache=True, inline="always")
def _emit(
    out, e, time_us, kind, afi, safi, peer, hi, lo, length, path_id, attr_start, attr_length, as_size, state, record
):
    elem = out[e]
    elem.time_us = time_us
    elem.kind = kind
    elem.afi = afi
    elem.safi = safi
    elem.peer = peer
    elem.prefix_hi = hi
    elem.prefix_lo = lo
    elem.prefix_length = length
    elem.path_id = path_id
    elem.attr_start = attr_start
    elem.attr_length = attr_length
    elem.as_size = as_size
    elem.state = state
    elem.record = record


@njit(nogil=True, cache=True)
def _bare(out, e, time_us, kind, peer, state, record):
    """An elem without a prefix."""
    _emit(out, e, time_us, kind, 0, 0, peer, np.uint64(0), np.uint64(0), 0, 0, -1, 0, 4, state, record)


@njit(nogil=True, cache=True)
def _peer_index(data, at, end, time_us, record, table, links, out, e):
    """PEER_INDEX_TABLE (RFC 6396 section 4.3.1). Returns (elems, reason); elems -1: no room."""
    if at + 8 > end:
        return e, SHORT
    at += 6 + _u16(data, at + 4)
    if at + 2 > end:
        return e, SHORT
    count = _u16(data, at)
    at += 2
    if e + count > out.shape[0]:
        return np.int64(-1), 0
    for i in range(count):
        if at + 5 > end:
            return e, PEER_PAST
        flags = data[at]
        bgp_id = _u32(data, at + 1)
        afi = 2 if flags & 1 else 1
        octets = 16 if flags & 1 else 4
        as_octets = 4 if flags & 2 else 2
        at += 5
        if at + octets + as_octets > end:
            return e, PEER_PAST
        hi, lo = _bits(data, at, octets)
        at += octets
        asn = _u32(data, at) if flags & 2 else _u16(data, at)
        at += as_octets
        peer = find_peer(table, links, np.uint32(asn), hi, lo, np.uint8(afi), np.uint32(bgp_id))
        if peer < 0:
            return e, MANY_PEERS
        links[INDEX + i] = peer
        _bare(out, e, time_us, RIB_PEER, peer, 0, record)
        e += 1
    links[LISTED] = count
    return e, 0


@njit(nogil=True, cache=True)
def _rib(data, at, end, time_us, record, afi, safi, add_path, table, links, out, e):
    """A RIB record behind its sequence number (RFC 6396 section 4.3.2, RFC 8050 section 4)."""
    if at + 1 > end:
        return e, SHORT
    length = np.int64(data[at])
    octets = (length + 7) >> 3
    if length > (32 if afi == 1 else 128) or at + 1 + octets + 2 > end:
        return e, BAD_PREFIX
    hi, lo = _bits(data, at + 1, octets)
    hi, lo = _masked(hi, lo, length)
    at += 1 + octets
    count = _u16(data, at)
    at += 2
    if e + count > out.shape[0]:
        return np.int64(-1), 0
    fixed = 12 if add_path else 8
    listed = links[LISTED]
    for _ in range(count):
        if at + fixed > end:
            return e, ENTRY_PAST
        place = _u16(data, at)
        path_id = _u32(data, at + 6) if add_path else np.int64(0)
        attr_length = _u16(data, at + fixed - 2)
        at += fixed
        if at + attr_length > end:
            return e, ENTRY_PAST
        if place >= listed:
            return e, NO_PEER
        elem = out[e]
        elem.time_us = time_us
        elem.kind = RIB
        elem.afi = afi
        elem.safi = safi
        elem.peer = links[INDEX + place]
        elem.prefix_hi = hi
        elem.prefix_lo = lo
        elem.prefix_length = length
        elem.path_id = path_id
        elem.attr_start = at
        elem.attr_length = attr_length
        elem.as_size = 4
        elem.state = 0
        elem.record = record
        e += 1
        at += attr_length
    return e, 0


@njit(nogil=True, cache=True)
def _table_dump(data, at, end, time_us, record, afi, as_octets, table, links, out, e):
    """TABLE_DUMP (RFC 6396 section 4.2). Early dumps put several entries into one record; all are read."""
    octets = 4 if afi == 1 else 16
    fixed = 2 * octets + 10 + as_octets
    first = e
    at += 4
    while at + fixed <= end:
        if e >= out.shape[0]:
            return np.int64(-1), 0
        length = np.int64(data[at + octets])
        if length > 8 * octets:
            return e, BAD_PREFIX
        hi, lo = _bits(data, at, octets)
        hi, lo = _masked(hi, lo, length)
        at += octets + 6
        peer_hi, peer_lo = _bits(data, at, octets)
        at += octets
        asn = _u32(data, at) if as_octets == 4 else _u16(data, at)
        attr_length = _u16(data, at + as_octets)
        at += as_octets + 2
        if at + attr_length > end:
            return e, ENTRY_PAST
        peer = find_peer(table, links, np.uint32(asn), peer_hi, peer_lo, np.uint8(afi), np.uint32(0))
        if peer < 0:
            return e, MANY_PEERS
        _emit(out, e, time_us, RIB, afi, 1, peer, hi, lo, length, 0, at, attr_length, as_octets, 0, record)
        e += 1
        at += attr_length
    if e == first:
        return e, SHORT
    return e, 0


@njit(nogil=True, cache=True)
def _nlri(data, at, end, time_us, kind, record, afi, safi, add_path, peer, attr_start, attr_length, as_size, out, e):
    """Prefixes of one field (RFC 4271 section 4.3, RFC 7911 section 3)."""
    if at >= end:
        return e, 0
    widest = 32 if afi == 1 else 128
    room = out.shape[0]
    while at < end:
        path_id = np.int64(0)
        if add_path:
            if at + 5 > end:
                return e, PREFIX_PAST
            path_id = _u32(data, at)
            at += 4
        length = np.int64(data[at])
        octets = (length + 7) >> 3
        if length > widest:
            return e, BAD_PREFIX
        if at + 1 + octets > end:
            return e, PREFIX_PAST
        if e >= room:
            return np.int64(-1), 0
        hi, lo = _bits(data, at + 1, octets)
        hi, lo = _masked(hi, lo, length)
        elem = out[e]
        elem.time_us = time_us
        elem.kind = kind
        elem.afi = afi
        elem.safi = safi
        elem.peer = peer
        elem.prefix_hi = hi
        elem.prefix_lo = lo
        elem.prefix_length = length
        elem.path_id = path_id
        elem.attr_start = attr_start
        elem.attr_length = attr_length
        elem.as_size = as_size
        elem.state = 0
        elem.record = record
        e += 1
        at += 1 + octets
    return e, 0


@njit(nogil=True, cache=True)
def _update(data, at, end, cut, time_us, record, add_path, peer, as_size, out, e):
    """The body of an UPDATE (RFC 4271 section 4.3). Returns (elems, reason, status).

    Writers older than RFC 8050 put messages with path identifiers into the plain subtypes. Read as plain prefixes
    those break, and are then read with path identifiers.
    """
    found, reason, status = _update_as(data, at, end, cut, time_us, record, add_path, peer, as_size, out, e)
    if not add_path and (reason == BAD_PREFIX or reason == PREFIX_PAST):
        again, other, other_status = _update_as(data, at, end, cut, time_us, record, True, peer, as_size, out, e)
        if other == 0 or again < 0:
            return again, other, other_status
        found, reason, status = _update_as(data, at, end, cut, time_us, record, False, peer, as_size, out, e)
    return found, reason, status


@njit(nogil=True, cache=True)
def _update_as(data, at, end, cut, time_us, record, add_path, peer, as_size, out, e):
    """As _update, with or without path identifiers as told."""
    first = e
    if at + 4 > end:
        return e, BAD_MESSAGE, BAD
    withdrawn_end = at + 2 + _u16(data, at)
    if withdrawn_end + 2 > end:
        if not cut:
            return e, BAD_MESSAGE, BAD
        stop = min(withdrawn_end, end)
        e, reason = _nlri(data, at + 2, stop, time_us, WITHDRAW, record, 1, 1, add_path, peer, -1, 0, as_size, out, e)
        return e, CUT if reason == 0 or reason == PREFIX_PAST else reason, BAD
    attr_start = withdrawn_end + 2
    attr_length = _u16(data, withdrawn_end)
    attr_end = attr_start + attr_length
    if attr_end > end and not cut:
        return e, BAD_ATTRIBUTES, BAD
    status = GOOD
    e, reason = _nlri(
        data,
        at + 2,
        withdrawn_end,
        time_us,
        WITHDRAW,
        record,
        1,
        1,
        add_path,
        peer,
        attr_start,
        attr_length,
        as_size,
        out,
        e,
    )
    if e < 0 or reason != 0:
        return e, reason, BAD
    if attr_end > end:
        return e, CUT, BAD
    reach, reach_end, reach_afi, reach_safi = np.int64(-1), np.int64(-1), np.int64(0), np.int64(0)
    at = attr_start
    while at < attr_end:
        if at + 3 > attr_end:
            return e, BAD_ATTRIBUTES, BAD
        code = data[at + 1]
        if data[at] & 0x10:
            if at + 4 > attr_end:
                return e, BAD_ATTRIBUTES, BAD
            length = _u16(data, at + 2)
            at += 4
        else:
            length = np.int64(data[at + 2])
            at += 3
        if at + length > attr_end:
            return e, BAD_ATTRIBUTES, BAD
        if code == 14:  # MP_REACH_NLRI (RFC 4760 section 3)
            if length < 5 or 5 + np.int64(data[at + 3]) > length:
                return e, BAD_ATTRIBUTES, BAD
            reach_afi, reach_safi = _u16(data, at), np.int64(data[at + 2])
            reach, reach_end = at + 5 + np.int64(data[at + 3]), at + length
        elif code == 15:  # MP_UNREACH_NLRI (section 4)
            if length < 3:
                return e, BAD_ATTRIBUTES, BAD
            afi, safi = _u16(data, at), np.int64(data[at + 2])
            if (afi == 1 or afi == 2) and (safi == 1 or safi == 2):
                e, reason = _nlri(
                    data, at + 3, at + length, time_us, WITHDRAW, record, afi, safi, add_path, peer,
                    attr_start, attr_length, as_size, out, e,
                )  # fmt: skip
                if e < 0 or reason != 0:
                    return e, reason, BAD
            else:
                status = UNSUPPORTED
        at += length
    e, reason = _nlri(
        data, attr_end, end, time_us, ANNOUNCE, record, 1, 1, add_path, peer, attr_start, attr_length, as_size, out, e
    )
    if e < 0 or (reason != 0 and not (cut and reason == PREFIX_PAST)):
        return e, reason, BAD
    if reach >= 0:
        if (reach_afi == 1 or reach_afi == 2) and (reach_safi == 1 or reach_safi == 2):
            # Some announcements carry a count of SNPAs; it was read as the reserved octet before the NLRI.
            e, reason = _nlri(
                data, reach, reach_end, time_us, ANNOUNCE, record, reach_afi, reach_safi, add_path, peer,
                attr_start, attr_length, as_size, out, e,
            )  # fmt: skip
            if e < 0 or reason != 0:
                return e, reason, BAD
        else:
            status = UNSUPPORTED
    if cut:
        return e, CUT, BAD
    if e == first:  # end-of-RIB (RFC 4724 section 2), or only families that are not read
        if e >= out.shape[0]:
            return np.int64(-1), 0, BAD
        _bare(out, e, time_us, ALIVE, peer, 0, record)
        e += 1
    return e, 0, status


@njit(nogil=True, cache=True)
def _bgp4mp(data, at, end, time_us, record, subtype, table, links, out, e):
    """BGP4MP and BGP4MP_ET (RFC 6396 section 4.4, RFC 8050 section 3). Returns (elems, reason, status)."""
    if subtype in (2, 3) or subtype > 11:
        return e, 0, UNSUPPORTED
    as_size = 4 if subtype in (4, 5, 7, 9, 11) else 2
    if at + 2 * as_size + 4 > end:
        return e, SHORT, BAD
    asn = _u32(data, at) if as_size == 4 else _u16(data, at)
    afi = _u16(data, at + 2 * as_size + 2)
    at += 2 * as_size + 4
    if afi != 1 and afi != 2:
        return e, BAD_AFI, BAD
    octets = 4 if afi == 1 else 16
    if at + 2 * octets > end:
        return e, SHORT, BAD
    hi, lo = _bits(data, at, octets)
    at += 2 * octets
    peer = find_peer(table, links, np.uint32(asn), hi, lo, np.uint8(afi), np.uint32(0))
    if peer < 0:
        return e, MANY_PEERS, BAD
    if e >= out.shape[0]:
        return np.int64(-1), 0, BAD
    if subtype == 0 or subtype == 5:
        if at + 4 > end:
            return e, SHORT, BAD
        _bare(out, e, time_us, STATE, peer, (_u16(data, at) & 255) << 8 | (_u16(data, at + 2) & 255), record)
        return e + 1, 0, GOOD
    if at + 19 > end:
        return e, BAD_MESSAGE, BAD
    length = _u16(data, at + 16)
    if length < 19:
        return e, BAD_MESSAGE, BAD
    # Zebra wrote no more than 4096 octets of a record, however long the message was.
    cut = at + length > end
    if data[at + 18] != 2:
        _bare(out, e, time_us, ALIVE, peer, 0, record)
        return e + 1, 0, GOOD
    return _update(data, at + 19, min(at + length, end), cut, time_us, record, subtype >= 8, peer, as_size, out, e)


@njit(nogil=True, cache=True)
def _mrtd_bgp(data, at, end, time_us, record, subtype, table, links, out, e):
    """The deprecated type BGP (RFC 6396 appendix B.2), as RIS wrote it in 1999 and 2000."""
    if subtype == 0 or subtype == 2 or subtype == 4 or subtype > 7:
        return e, 0, UNSUPPORTED
    if at + (10 if subtype == 3 else 12) > end:
        return e, SHORT, BAD
    hi, lo = _bits(data, at + 2, 4)
    peer = find_peer(table, links, np.uint32(_u16(data, at)), hi, lo, np.uint8(1), np.uint32(0))
    if peer < 0:
        return e, MANY_PEERS, BAD
    if e >= out.shape[0]:
        return np.int64(-1), 0, BAD
    if subtype == 3:
        _bare(out, e, time_us, STATE, peer, (_u16(data, at + 6) & 255) << 8 | (_u16(data, at + 8) & 255), record)
        return e + 1, 0, GOOD
    if subtype != 1:
        _bare(out, e, time_us, ALIVE, peer, 0, record)
        return e + 1, 0, GOOD
    return _update(data, at + 12, end, False, time_us, record, False, peer, 2, out, e)


@njit(nogil=True, cache=True)
def _says_too_little(data, size, at, end):
    """Whether a TABLE_DUMP record goes on for four octets past the end that its header states."""
    if end + 8 <= size and _u16(data, end + 4) == 12 and 1 <= _u16(data, end + 6) <= 4:
        return False
    if end + 4 == size:
        return True
    if end + 12 > size:
        return False
    return _u16(data, end + 8) == 12 and _u16(data, end + 10) == _u16(data, at + 6)


@njit(nogil=True, cache=True)
def scan(data, size, at, final, table, links, out, records, summary):
    """Read whole records from ``data[at:size]`` until the bytes, the room for elems or for records run out.

    ``final``: no bytes will follow ``size``. summary int64[4] (out): earliest and latest time of the elems, how many
    of them are of a table dump, how many carry a path identifier; the times are 0 where there is no elem.

    data uint8[N]; table PEER[PEER_LIMIT], links int32[LINKS]; out ELEM[E], records RECORD[R] are filled from row 0.
    Returns (position of the next record, elems, records,
    MORE | FULL | BROKEN): MORE bytes are needed to go on, the rows are FULL, or what stands at the position is
    no record header.
    """
    e = np.int64(0)
    r = np.int64(0)
    earliest, latest = np.int64(1) << 62, np.int64(-1)
    summary[:] = 0
    while True:
        if at + 12 > size:
            return at, e, r, MORE
        length = _u32(data, at + 8)
        kind = _u16(data, at + 4)
        if length > RECORD_LIMIT or kind > HIGHEST_TYPE:
            return at, e, r, BROKEN
        if at + 12 + length > size:
            return at, e, r, MORE
        if r >= records.shape[0]:
            return at, e, r, FULL
        subtype = _u16(data, at + 6)
        time_us = _u32(data, at) * 1000000
        body = at + 12
        end = body + length
        if kind == 12:
            # RIS dumps of 2000 say four octets less than they wrote. Their next header tells.
            if end + 16 > size and not final:
                return at, e, r, MORE
            if _says_too_little(data, size, at, end):
                end += 4
                length += 4
        first = e
        reason = 0
        status = GOOD
        if kind == 13:
            if subtype == 1:
                e, reason = _peer_index(data, body, end, time_us, r, table, links, out, e)
            elif 2 <= subtype <= 5 or 8 <= subtype <= 11:
                afi = 1 if subtype in (2, 3, 8, 9) else 2
                safi = 1 if subtype in (2, 4, 8, 10) else 2
                if length < 4:
                    reason = SHORT
                else:
                    e, reason = _rib(data, body + 4, end, time_us, r, afi, safi, subtype >= 8, table, links, out, e)
            elif subtype == 6 or subtype == 12:
                if length < 7:
                    reason = SHORT
                else:
                    family, sub = _u16(data, body + 4), np.int64(data[body + 6])
                    if (family == 1 or family == 2) and (sub == 1 or sub == 2):
                        e, reason = _rib(
                            data, body + 7, end, time_us, r, family, sub, subtype == 12, table, links, out, e
                        )
                    else:
                        status = UNSUPPORTED
            else:
                status = UNSUPPORTED
        elif kind == 16:
            e, reason, status = _bgp4mp(data, body, end, time_us, r, subtype, table, links, out, e)
        elif kind == 17:
            if length < 4:
                reason = SHORT
            else:
                time_us += min(_u32(data, body), 999999)
                e, reason, status = _bgp4mp(data, body + 4, end, time_us, r, subtype, table, links, out, e)
        elif kind == 12 and 1 <= subtype <= 4:
            afi = 1 if subtype in (1, 3) else 2
            e, reason = _table_dump(data, body, end, time_us, r, afi, 4 if subtype > 2 else 2, table, links, out, e)
        elif kind == 5:
            e, reason, status = _mrtd_bgp(data, body, end, time_us, r, subtype, table, links, out, e)
        else:
            status = UNSUPPORTED
        if e < 0:
            return at, first, r, FULL
        if reason != 0:
            status = BAD
            if reason != PREFIX_PAST and reason != CUT:
                e = first
        if e > first:
            earliest = min(earliest, time_us)
            latest = max(latest, time_us)
            summary[0] = earliest
            summary[1] = latest
            if kind == 12 or kind == 13:
                summary[2] += e - first
            if out[first].path_id != 0 or out[e - 1].path_id != 0:
                summary[3] += e - first
        found = records[r]
        found.start = at
        found.length = 12 + length
        found.type = kind
        found.subtype = subtype
        found.status = status
        found.reason = reason
        r += 1
        at = end
