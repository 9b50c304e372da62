"""Samples of sFlow version 5 into rows of flows: each sampled packet is a flow of one packet.

Structures are those of the sFlow version 5 specification (July 2004). A row counts the octets of the IP packet, as the
other exports do, not those of the frame.
"""

import numpy as np
from numba import njit

from duskwatch.kernels import flow_layout as to
from duskwatch.kernels.flow_packets import ip_at, read_packet
from duskwatch.kernels.flow_refusals import refuse
from duskwatch.kernels.flow_sequence import check_sequence, expect_sequence
from duskwatch.kernels.flow_tables import find_stream
from duskwatch.kernels.flow_words import OPTIONS, u32, u64

FLOW_SAMPLE, EXPANDED_FLOW_SAMPLE = 1, 3
RAW_HEADER, IPV4_DATA, IPV6_DATA, GATEWAY = 1, 3, 4, 1003
# header_protocol of a sampled header
HEADER_ETHERNET, HEADER_PPP, HEADER_IPV4, HEADER_IPV6, HEADER_MPLS = 1, 7, 11, 12, 13
INTERFACE = 0x3FFFFFFF  # of an interface in 32 bits; the two above are the format
MOST_RECORDS = 256  # of one sample
NOT_COUNTED = np.int64(-1)


@njit(**OPTIONS)
def begin_sflow(data, at, end, cursor, key):
    """Read a datagram's header. Returns why it is refused (0: it is not), the header's length and the uptime.

    key  uint64[4]: the agent's address is written to its first two, its afi to the last
    """
    if end - at < 28:
        return to.SHORT, 0, np.int64(-1)
    address_family = u32(data, at + 4)
    if address_family == 1:
        key[0], key[1], key[3] = np.uint64(u32(data, at + 8)) << np.uint64(32), 0, to.IPV4
        header = 28
    elif address_family == 2:
        if end - at < 40:
            return to.SHORT, 0, np.int64(-1)
        key[0], key[1], key[3] = u64(data, at + 8), u64(data, at + 16), to.IPV6
        header = 40
    else:
        return to.BAD_AGENT, 0, np.int64(-1)
    cursor[to.DOMAIN] = u32(data, at + header - 16)
    cursor[to.SEQUENCE] = u32(data, at + header - 12)
    cursor[to.LEFT] = u32(data, at + header - 4)
    if cursor[to.LEFT] > (end - at) // 8:
        return to.MANY_SAMPLES, 0, np.int64(-1)
    return 0, header, u32(data, at + header - 8)


@njit(**OPTIONS)
def read_samples(data, begin, received_us, streams, exporters, out, reasons, refusals, cursor, key):
    """Read the samples of a datagram that begins at ``begin``. DONE, FULL, or NEW_STREAM for a data source."""
    counts = exporters.counts[cursor[to.WHOSE]]
    while cursor[to.LEFT] > 0:
        at, until = cursor[to.AT], cursor[to.UNTIL]
        if at + 8 > until:
            refuse(cursor, reasons, refusals, exporters, at - begin, to.LONG_SAMPLE)
            return to.DONE
        kind, size = u32(data, at), u32(data, at + 4)
        end = at + 8 + size
        if end > until:
            refuse(cursor, reasons, refusals, exporters, at - begin, to.LONG_SAMPLE)
            return to.DONE
        if kind == FLOW_SAMPLE or kind == EXPANDED_FLOW_SAMPLE:
            if size < (32 if kind == FLOW_SAMPLE else 44):
                refuse(cursor, reasons, refusals, exporters, at - begin, to.LONG_SAMPLE)
                return to.DONE
            if cursor[to.ROWS] >= out.shape[1]:
                return to.FULL
            if not _source_known(data, at + 8, kind, streams, counts, cursor, key):
                return to.NEW_STREAM
            read = _read_sample(data, at + 8, end, kind, received_us, exporters, out, cursor)
            if read < 0:
                refuse(cursor, reasons, refusals, exporters, at - begin, to.LONG_SAMPLE)
            counts[to.FLOWS if read > 0 else to.OTHERS] += 1
        else:
            counts[to.OTHERS] += 1
        cursor[to.COUNTED] += 1
        cursor[to.LEFT] -= 1
        cursor[to.AT] = end
    return to.DONE


@njit(**OPTIONS)
def _source_known(data, at, kind, streams, counts, cursor, key):
    """Count what samples of this data source are missing; False where it is a new one, which the caller adds."""
    source = u32(data, at + 4)
    if kind == EXPANDED_FLOW_SAMPLE:
        source = (source << 24 | u32(data, at + 8) & 0xFFFFFF) & 0xFFFFFFFF
    key[2] = (
        np.uint64(source)
        | np.uint64(cursor[to.DOMAIN] & 0xFFFF) << np.uint64(32)
        | np.uint64(to.SFLOW_SOURCE) << np.uint64(48)
    )
    stream = find_stream(streams, key[0], key[1], key[2])
    if stream < 0:
        return bool(cursor[to.SOURCES_FULL])
    sequence = u32(data, at)
    # What is late or begins anew is counted by datagrams, not once more for each sample.
    late, repeated, restarts = counts[to.LATE], counts[to.REPEATED], counts[to.RESTARTS]
    if check_sequence(streams.words[stream], counts, sequence, np.int64(-1), True, NOT_COUNTED, NOT_COUNTED):
        expect_sequence(streams.words[stream], sequence, 1, 1, True)
    elif counts[to.LATE] > late:
        counts[to.LOST_RECORDS] -= min(np.int64(1), counts[to.LOST_RECORDS])
    counts[to.LATE], counts[to.REPEATED], counts[to.RESTARTS] = late, repeated, restarts
    return True


@njit(**OPTIONS)
def _read_sample(data, at, end, kind, received_us, exporters, out, cursor):
    """One flow sample into a row. 1: it is one; 0: it holds no IP packet; -1: a record of it runs past its end."""
    row, exporter = cursor[to.ROWS], cursor[to.WHOSE]
    if kind == FLOW_SAMPLE:
        out[to.SAMPLER, row] = u32(data, at + 4)
        rate = u32(data, at + 8)
        came, went = u32(data, at + 20), u32(data, at + 24)
        out[to.INPUT, row] = came & INTERFACE if came >> 30 == 0 and came != INTERFACE else 0
        out[to.OUTPUT, row] = went & INTERFACE if went >> 30 == 0 and went != INTERFACE else 0
        records, at = u32(data, at + 28), at + 32
    else:
        out[to.SAMPLER, row] = np.uint64(u32(data, at + 4)) << np.uint64(32) | np.uint64(u32(data, at + 8))
        rate = u32(data, at + 12)
        out[to.INPUT, row] = u32(data, at + 28) if u32(data, at + 24) == 0 else 0
        out[to.OUTPUT, row] = u32(data, at + 36) if u32(data, at + 32) == 0 else 0
        records, at = u32(data, at + 40), at + 44
    out[to.AFI, row] = 0
    out[to.SRC_AS, row] = 0
    out[to.DST_AS, row] = 0
    for _ in range(min(records, MOST_RECORDS)):
        if at + 8 > end:
            return -1
        what, size = u32(data, at), u32(data, at + 4)
        at += 8
        if at + size > end:
            return -1
        if what == RAW_HEADER and size >= 16:
            _raw_header(data, at, size, cursor[to.INNER], out, row)
        elif what == IPV4_DATA and size >= 32 and out[to.AFI, row] == 0:
            out[to.AFI, row] = to.IPV4
            out[to.SRC_HI, row] = np.uint64(u32(data, at + 8)) << np.uint64(32)
            out[to.DST_HI, row] = np.uint64(u32(data, at + 12)) << np.uint64(32)
            out[to.SRC_LO, row] = 0
            out[to.DST_LO, row] = 0
            _fields(data, at, at + 16, out, row)
        elif what == IPV6_DATA and size >= 56 and out[to.AFI, row] == 0:
            out[to.AFI, row] = to.IPV6
            out[to.SRC_HI, row], out[to.SRC_LO, row] = u64(data, at + 8), u64(data, at + 16)
            out[to.DST_HI, row], out[to.DST_LO, row] = u64(data, at + 24), u64(data, at + 32)
            _fields(data, at, at + 40, out, row)
        elif what == GATEWAY:
            _gateway(data, at, at + size, out, row)
        at += size
    if out[to.AFI, row] == 0:
        return 0
    out[to.EXPORTER, row] = exporter
    out[to.RECEIVED, row] = received_us
    out[to.START, row] = received_us
    out[to.END, row] = received_us
    out[to.TIME_SOURCE, row] = to.TIME_ASSUMED
    out[to.PACKETS, row] = 1
    out[to.DIRECTION, row] = to.UNKNOWN_DIRECTION
    out[to.RATE, row] = max(rate, 1)
    out[to.RATE_SOURCE, row] = to.DECLARED if rate else to.ASSUMED
    words = exporters.words[exporter]
    words[to.BY_ASSUMED + (to.DECLARED if rate else to.ASSUMED)] += 1
    if rate and rate != words[to.DECLARED_RATE]:
        words[to.DECLARED_CHANGES] += words[to.DECLARED_RATE] != 0
        words[to.DECLARED_RATE] = rate
    cursor[to.ROWS] = row + 1
    return 1


@njit(**OPTIONS)
def _raw_header(data, at, size, inner, out, row):
    protocol, wire, there = u32(data, at), u32(data, at + 4), u32(data, at + 12)
    if there > size - 16:
        there = size - 16
    if protocol == HEADER_ETHERNET:
        link = to.LINK_ETHERNET
    elif protocol == HEADER_IPV4 or protocol == HEADER_IPV6:
        link = to.LINK_RAW
    elif protocol == HEADER_MPLS:
        link = to.LINK_MPLS
    elif protocol == HEADER_PPP:
        link = to.LINK_PPP
    else:
        return
    begin = ip_at(data, at + 16, at + 16 + there, link)
    if begin >= 0:
        read_packet(data, begin, at + 16 + there, max(wire - (begin - at - 16), 0), inner, out, row)


@njit(**OPTIONS)
def _fields(data, at, ports, out, row):
    """What the structures of an IPv4 and of an IPv6 packet have in common."""
    protocol = u32(data, at + 4) & 255
    out[to.BYTES, row] = u32(data, at)
    out[to.PROTOCOL, row] = protocol
    out[to.SRC_PORT, row] = u32(data, ports) & 0xFFFF
    out[to.DST_PORT, row] = u32(data, ports + 4) & 0xFFFF
    out[to.TCP_FLAGS, row] = u32(data, ports + 8) & 0x1FF if protocol == 6 else 0
    out[to.TOS, row] = u32(data, ports + 12) & 255
    out[to.ICMP, row] = 0
    out[to.FRAGMENT, row] = 0


@njit(**OPTIONS)
def _gateway(data, at, end, out, row):
    """AS numbers of an extended gateway structure; what does not fit it is left out."""
    if at + 4 > end:
        return
    address_family = u32(data, at)
    at += 4 + (4 if address_family == 1 else 16 if address_family == 2 else 0)
    if at + 16 > end:
        return
    out[to.SRC_AS, row] = u32(data, at + 4)
    segments = u32(data, at + 12)
    at += 16
    for _ in range(min(segments, MOST_RECORDS)):
        if at + 8 > end:
            return
        count = u32(data, at + 4)
        at += 8
        if count > (end - at) // 4:
            return
        if count:
            out[to.DST_AS, row] = u32(data, at + 4 * (count - 1))
        at += 4 * count
