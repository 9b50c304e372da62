"""Records of nfcapd's files into rows of flows: layouts of nfdump 1.6 (version 1) and 1.7 (version 2)."""

import numpy as np
from numba import njit

from duskwatch.kernels import flow_layout as to
from duskwatch.kernels.flow_words import OPTIONS, little16, little32, little64

# What ends a walk: all read, no room, a record for the caller, a record that makes no sense.
ALL, NO_ROOM, META, BROKEN = range(4)
OLD_COMMON, MAP, EXPORTER_INFO, OLD_SAMPLER, COMMON, V3, SAMPLER_INFO = 1, 2, 7, 9, 10, 11, 15
FLAG_IPV6, FLAG_PACKETS_64, FLAG_BYTES_64, FLAG_SAMPLED = 1, 2, 4, 128
V3_SAMPLED = 2
# Octets of the extensions of version 1; 0 where they differ or are not known, behind which nothing more is read.
EXTENSION_OCTETS = np.zeros(64, np.int64)
for _octets, _kinds in (
    (4, (4, 6, 8, 9, 11, 13, 14, 16, 18, 23, 25)),
    (8, (5, 7, 15, 17, 19, 26, 27)),
    (16, (10, 12, 20, 21, 24)),
    (40, (22,)),
):
    for _kind in _kinds:
        EXTENSION_OCTETS[_kind] = _octets
IO_2, IO_4, AS_2, AS_4, MULTIPLE, RECEIVED_AT = 4, 5, 6, 7, 8, 27
GENERIC, FOUR, SIX, MISC, ROUTING_AS, SAMPLED_BY = 1, 2, 3, 4, 7, 18
MOST_MS = to.MOST_US // 1000


@njit(**OPTIONS)
def read_records(data, at, map_rows, maps, whose, rates, octets, tally, out):
    """Records of one unpacked block from a position on. Returns what ended it, where, and the rows written.

    map_rows  int32[65536] row of ``maps`` of each extension map, -1 where it is not known
    maps      uint8[M, 64] its extensions in order, 0 at the end
    whose     int32[65536] exporter of each number that the file gave one
    rates     int64[65536] its sampling rate; 0 where that is not known
    octets    EXTENSION_OCTETS
    tally     int64[2]: records passed over; flows that were scaled at a rate that the file does not tell
    """
    row, size = np.int64(0), np.int64(0)
    while at + 4 <= data.shape[0]:
        kind, size = little16(data, at), little16(data, at + 2)
        end = at + size
        if size < 4 or end > data.shape[0]:
            return BROKEN, at, row
        if kind == V3 or kind == COMMON or kind == OLD_COMMON:
            if row == out.shape[1]:
                return NO_ROOM, at, row
            for column in range(to.GIVEN):
                out[column, row] = 0
            out[to.DIRECTION, row] = to.UNKNOWN_DIRECTION
            if kind == V3:
                read = _version2(data, at, end, whose, rates, tally, out, row)
            else:
                read = _version1(data, at, end, kind, map_rows, maps, whose, rates, octets, tally, out, row)
            if read < 0:
                return BROKEN, at, row
            if read and out[to.AFI, row]:
                row += 1
            else:
                tally[0] += 1
        elif kind == MAP or kind == EXPORTER_INFO or kind == OLD_SAMPLER or kind == SAMPLER_INFO:
            return META, at, row
        else:
            tally[0] += 1
        at = end
    return (BROKEN if at < data.shape[0] else ALL), at, row


@njit(**OPTIONS)
def _common(out, row, exporter, sampled, whose, rates, tally):
    """What both layouts have alike once fields are read: order of times, ICMP, and counts as they were exported."""
    out[to.EXPORTER, row] = max(whose[exporter], 0)
    out[to.TIME_SOURCE, row] = to.TIME_EXPORTED
    if out[to.START, row] > out[to.END, row]:
        out[to.START, row] = out[to.END, row]
    if out[to.PROTOCOL, row] == 1 or out[to.PROTOCOL, row] == 58:
        out[to.ICMP, row] = out[to.DST_PORT, row]
        out[to.SRC_PORT, row] = 0
        out[to.DST_PORT, row] = 0
    rate = rates[exporter]
    out[to.RATE, row] = 1
    out[to.RATE_SOURCE, row] = to.ASSUMED
    if sampled and rate > 0:  # nfcapd has multiplied both counts
        out[to.RATE, row] = rate
        out[to.RATE_SOURCE, row] = to.LEARNED
        out[to.PACKETS, row] = out[to.PACKETS, row] // np.uint64(rate)
        out[to.BYTES, row] = out[to.BYTES, row] // np.uint64(rate)
    elif sampled:
        tally[1] += 1


@njit(**OPTIONS)
def _version2(data, at, end, whose, rates, tally, out, row):
    """One record of elements. 1 where it is a flow, 0 where it is not, -1 where an element runs past it."""
    if at + 12 > end:
        return -1
    count, exporter = little16(data, at + 4), little16(data, at + 8)
    sampled = data[at + 10] & V3_SAMPLED
    at += 12
    flow = 0
    for _ in range(count):
        if at + 4 > end:
            return -1
        kind, size = little16(data, at), little16(data, at + 2)
        if size < 4 or at + size > end:
            return -1
        if kind == GENERIC and size >= 52:
            flow = 1
            out[to.START, row] = _time(little64(data, at + 4))
            out[to.END, row] = _time(little64(data, at + 12))
            out[to.RECEIVED, row] = _time(little64(data, at + 20))
            out[to.PACKETS, row] = little64(data, at + 28)
            out[to.BYTES, row] = little64(data, at + 36)
            out[to.SRC_PORT, row] = little16(data, at + 44)
            out[to.DST_PORT, row] = little16(data, at + 46)
            out[to.PROTOCOL, row] = data[at + 48]
            out[to.TCP_FLAGS, row] = data[at + 49]
            out[to.TOS, row] = data[at + 51]
        elif kind == FOUR and size >= 12:
            out[to.AFI, row] = to.IPV4
            out[to.SRC_HI, row] = np.uint64(little32(data, at + 4)) << np.uint64(32)
            out[to.DST_HI, row] = np.uint64(little32(data, at + 8)) << np.uint64(32)
        elif kind == SIX and size >= 36:
            _six(data, at + 4, out, row)
        elif kind == MISC and size >= 16:
            out[to.INPUT, row] = little32(data, at + 4)
            out[to.OUTPUT, row] = little32(data, at + 8)
            out[to.DIRECTION, row] = data[at + 14]
        elif kind == ROUTING_AS and size >= 12:
            out[to.SRC_AS, row] = little32(data, at + 4)
            out[to.DST_AS, row] = little32(data, at + 8)
        elif kind == SAMPLED_BY and size >= 12:
            out[to.SAMPLER, row] = little64(data, at + 4)
        at += size
    if flow:
        _common(out, row, exporter, sampled, whose, rates, tally)
    return flow


@njit(**OPTIONS)
def _version1(data, at, end, kind, map_rows, maps, whose, rates, octets, tally, out, row):
    """One common record and its extensions. 1 where it is a flow, 0 where its map is not known, -1 where it is cut."""
    body = at + (32 if kind == COMMON else 28)
    if body > end:
        return -1
    if kind == COMMON:
        flags, exporter = little16(data, at + 4), little16(data, at + 28)
    else:
        flags, exporter = np.int64(data[at + 4]), np.int64(data[at + 5])
    extensions = map_rows[little16(data, at + 6)]
    if extensions < 0:
        return 0
    out[to.START, row] = little32(data, at + 12) * 1_000_000 + little16(data, at + 8) * 1000
    out[to.END, row] = little32(data, at + 16) * 1_000_000 + little16(data, at + 10) * 1000
    out[to.TCP_FLAGS, row] = data[at + 21]
    out[to.PROTOCOL, row] = data[at + 22]
    out[to.TOS, row] = data[at + 23]
    out[to.SRC_PORT, row] = little16(data, at + 24)
    out[to.DST_PORT, row] = little16(data, at + 26)
    at = body
    size = (
        (32 if flags & FLAG_IPV6 else 8) + (8 if flags & FLAG_PACKETS_64 else 4) + (8 if flags & FLAG_BYTES_64 else 4)
    )
    if at + size > end:
        return -1
    if flags & FLAG_IPV6:
        _six(data, at, out, row)
        at += 32
    else:
        out[to.AFI, row] = to.IPV4
        out[to.SRC_HI, row] = np.uint64(little32(data, at)) << np.uint64(32)
        out[to.DST_HI, row] = np.uint64(little32(data, at + 4)) << np.uint64(32)
        at += 8
    if flags & FLAG_PACKETS_64:
        out[to.PACKETS, row] = little64(data, at)
        at += 8
    else:
        out[to.PACKETS, row] = little32(data, at)
        at += 4
    if flags & FLAG_BYTES_64:
        out[to.BYTES, row] = little64(data, at)
        at += 8
    else:
        out[to.BYTES, row] = little32(data, at)
        at += 4
    for k in range(maps.shape[1]):
        extension = maps[extensions, k]
        if extension == 0 or extension >= octets.shape[0] or octets[extension] == 0:
            break
        if at + octets[extension] > end:
            return -1
        if extension == IO_2:
            out[to.INPUT, row], out[to.OUTPUT, row] = little16(data, at), little16(data, at + 2)
        elif extension == IO_4:
            out[to.INPUT, row], out[to.OUTPUT, row] = little32(data, at), little32(data, at + 4)
        elif extension == AS_2:
            out[to.SRC_AS, row], out[to.DST_AS, row] = little16(data, at), little16(data, at + 2)
        elif extension == AS_4:
            out[to.SRC_AS, row], out[to.DST_AS, row] = little32(data, at), little32(data, at + 4)
        elif extension == MULTIPLE:
            out[to.DIRECTION, row] = data[at + 1]
        elif extension == RECEIVED_AT:
            out[to.RECEIVED, row] = _time(little64(data, at))
        at += octets[extension]
    _common(out, row, exporter, flags & FLAG_SAMPLED, whose, rates, tally)
    return 1


@njit(**OPTIONS)
def _six(data, at, out, row):
    out[to.AFI, row] = to.IPV6
    out[to.SRC_HI, row] = little64(data, at)
    out[to.SRC_LO, row] = little64(data, at + 8)
    out[to.DST_HI, row] = little64(data, at + 16)
    out[to.DST_LO, row] = little64(data, at + 24)


@njit(**OPTIONS)
def _time(milliseconds):
    return np.int64(milliseconds) * 1000 if milliseconds < np.uint64(MOST_MS) else np.int64(0)
