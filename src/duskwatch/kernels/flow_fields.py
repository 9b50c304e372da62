"""Records of one template into columns: a loop over the records for each field, not over the fields for each record."""

import numpy as np
from numba import njit

from duskwatch.kernels.flow_layout import (
    ADDRESS4,
    ADDRESS4_TOO,
    ADDRESS6,
    AFI,
    ASSUMED,
    BOOT,
    BY_ASSUMED,
    BY_INTERFACE,
    BYTES,
    DECLARED,
    DECLARED_CHANGES,
    DECLARED_RATE,
    DELTA,
    DST_PORT,
    DURATION,
    DURATION_MS,
    END,
    EVENT,
    EXPORTER,
    FILL,
    FIRST_FRAGMENT,
    FLAGS,
    FRAGMENT,
    FRAGMENT_FLAGS,
    FRAGMENT_OFFSET,
    FRAME,
    GENERAL_RATE,
    HAS_DURATION,
    HAS_EVENT,
    HAS_FRAME,
    HAS_RATE,
    HAS_SAMPLER,
    ICMP,
    ICMP_CODE,
    ICMP_TYPE,
    INPUT,
    INTERFACE_SAMPLER,
    INTERVAL,
    IPV4,
    IPV6,
    LATER_FRAGMENT,
    LEARNED,
    MICROSECONDS,
    MILLISECONDS,
    MOST_US,
    NONZERO,
    NTP,
    PACKETS,
    POPULATION,
    PROTOCOL,
    RATE,
    RATE_SOURCE,
    RECEIVED,
    SAMPLER,
    SECONDS,
    SHARED_RATE,
    SIZE,
    SPACE,
    SRC_PORT,
    START,
    TIME_ASSUMED,
    TIME_EXPORTED,
    TIME_SOURCE,
    UINT,
    UPTIME,
    UPTIME_ROW,
    WIRE,
)
from duskwatch.kernels.flow_packets import ip_at, read_packet
from duskwatch.kernels.flow_tables import find_sampler
from duskwatch.kernels.flow_words import OPTIONS, u8, u16, u32, u64, uint

NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
WRAP_MS = 1 << 32
MOST_MS = MOST_US // 1000
MOST_S = MOST_US // 1_000_000
MOST_RATE = (1 << 32) - 1
MOST = np.uint64(MOST_US)


@njit(**OPTIONS)
def read_fields(data, at, stride, count, operations, operation_count, out, row, export_us, uptime, boot_us, inner):
    """Do all operations of a template on ``count`` records that begin at ``at``, ``stride`` octets apart.

    Who calls has checked that they all lie in the data. ``out`` gets rows from ``row`` on.
    """
    for k in range(operation_count):
        what, column, size = operations[k, 0], operations[k, 1], operations[k, 3]
        place = at + operations[k, 2]
        if what == FILL:
            for i in range(count):
                out[column, row + i] = size
        elif what == UINT:
            _numbers(data, place, stride, count, size, out, column, row)
        elif what == ADDRESS4:
            for i in range(count):
                out[column, row + i] = np.uint64(u32(data, place + i * stride)) << np.uint64(32)
                out[column + 1, row + i] = 0
                out[AFI, row + i] = IPV4
        elif what == ADDRESS6:
            for i in range(count):
                out[column, row + i] = u64(data, place + i * stride)
                out[column + 1, row + i] = u64(data, place + i * stride + 8)
                out[AFI, row + i] = IPV6
        elif what == ADDRESS4_TOO:
            for i in range(count):
                four = u32(data, place + i * stride)
                if four and out[column, row + i] == 0 and out[column + 1, row + i] == 0:
                    out[column, row + i] = np.uint64(four) << np.uint64(32)
                    out[AFI, row + i] = IPV4
        elif what == UPTIME:
            for i in range(count):
                said = np.int64(uint(data, place + i * stride, size)) if size != 4 else u32(data, place + i * stride)
                out[column, row + i] = _since_start(said, uptime, boot_us, export_us)
        elif what == FRAME:
            for i in range(count):
                _frame(data, place + i * stride, size, column, inner, out, row + i)
        else:
            for i in range(count):
                _one(data, place + i * stride, what, column, size, out, row + i, export_us)


@njit(**OPTIONS)
def _numbers(data, place, stride, count, size, out, column, row):
    if size == 4:
        for i in range(count):
            out[column, row + i] = u32(data, place + i * stride)
    elif size == 2:
        for i in range(count):
            out[column, row + i] = u16(data, place + i * stride)
    elif size == 1:
        for i in range(count):
            out[column, row + i] = u8(data, place + i * stride)
    elif size == 8:
        for i in range(count):
            out[column, row + i] = u64(data, place + i * stride)
    else:
        for i in range(count):
            out[column, row + i] = uint(data, place + i * stride, size)


@njit(**OPTIONS)
def _one(data, at, what, column, size, out, row, export_us):
    """One field of one record; operations that are rarer."""
    value = uint(data, at, size)
    if what == NONZERO:
        if value:
            out[column, row] = value
    elif what == SECONDS:
        out[column, row] = value * np.uint64(1_000_000) if value < np.uint64(MOST_S) else np.uint64(0)
    elif what == MILLISECONDS:
        out[column, row] = value * np.uint64(1000) if value < np.uint64(MOST_MS) else np.uint64(0)
    elif what == NTP:
        whole = np.int64(value >> np.uint64(32)) - NTP_EPOCH
        part = ((value & np.uint64(0xFFFFFFFF)) * np.uint64(1_000_000)) >> np.uint64(32)
        out[column, row] = np.uint64(whole) * np.uint64(1_000_000) + part if whole > 0 else np.uint64(0)
    elif what == UPTIME_ROW:
        out[column, row] = _since_start(np.int64(value), -1, np.int64(out[BOOT, row]), export_us)
    elif what == DELTA:
        back = np.int64(min(value, np.uint64(MOST_US)))
        out[column, row] = export_us - back if export_us > back else 0
    elif what == DURATION_MS:
        out[column, row] = min(value, np.uint64(MOST_MS)) * np.uint64(1000)
    elif what == MICROSECONDS:
        out[column, row] = min(value, np.uint64(MOST_US))
    elif what == FLAGS:
        out[column, row] = value & np.uint64(0x1FF)
    elif what == ICMP_TYPE:
        out[ICMP, row] |= (value & np.uint64(255)) << np.uint64(8)
    elif what == ICMP_CODE:
        out[ICMP, row] |= value & np.uint64(255)
    elif what == FRAGMENT_OFFSET:
        if value & np.uint64(0x1FFF):
            out[FRAGMENT, row] = LATER_FRAGMENT
    elif what == FRAGMENT_FLAGS:  # the second bit is "more fragments", counted from the left (IPFIX element 197)
        more = value >> np.uint64(8 * size - 3) & np.uint64(1)
        if more and out[FRAGMENT, row] == 0:
            out[FRAGMENT, row] = FIRST_FRAGMENT


@njit(**OPTIONS)
def _since_start(said_ms, uptime_ms, boot_us, export_us):
    """Time of a clock that counts milliseconds since the exporter started, in 32 bits: it wraps after 49.7 days.

    uptime_ms  the same clock at export_us; -1 where it is not known, then boot_us tells (0: unknown)
    """
    if uptime_ms >= 0:
        back = (uptime_ms - said_ms) & (WRAP_MS - 1)
        if back >= WRAP_MS // 2:
            back -= WRAP_MS
        return max(export_us - back * 1000, 0)
    if boot_us <= 0 or said_ms < 0 or said_ms >= MOST_MS:
        return np.int64(0)
    when = boot_us + said_ms * 1000
    if export_us > when and said_ms < WRAP_MS:
        when += (export_us - when + WRAP_MS * 500) // (WRAP_MS * 1000) * (WRAP_MS * 1000)
    return when


@njit(**OPTIONS)
def _frame(data, at, size, link, inner, out, row):
    """A frame in a field; without an IP header in it, AFI stays as it is. Octets that the record counts count."""
    counted = out[BYTES, row]
    begin = ip_at(data, at, at + size, link)
    if begin >= 0:
        wire = np.int64(min(out[WIRE, row], np.uint64(1 << 31)))
        read_packet(data, begin, at + size, max(wire - (begin - at), 0), inner, out, row)
        if counted:
            out[BYTES, row] = counted


@njit(**OPTIONS)
def finish(out, row, count, marks, exporter, export_us, received_us, words, samplers):
    """Times and sampling rates of rows whose fields were read. Returns the longest flow, in microseconds."""
    fallback = export_us if export_us else received_us
    longest = np.int64(0)
    last_sampler, last_rate = np.uint64(0), np.int64(0)
    general = words[exporter, GENERAL_RATE]
    for i in range(row, row + count):
        out[EXPORTER, i] = exporter
        out[RECEIVED, i] = received_us
        start, end = np.int64(min(out[START, i], MOST)), np.int64(min(out[END, i], MOST))
        if marks & HAS_DURATION:
            lasted = np.int64(min(out[DURATION, i], MOST))
            if start and not end:
                end = min(start + lasted, np.int64(MOST_US))
            elif end and not start:
                start = max(end - lasted, np.int64(0))
        if marks & HAS_EVENT and start == 0 and end == 0:
            start = end = np.int64(min(out[EVENT, i], MOST))
        known = TIME_EXPORTED
        if start == 0 and end == 0:
            start = end = fallback
            known = TIME_ASSUMED
        elif start == 0:
            start = end
        elif end == 0:
            end = start
        if start > end:
            start = end
        longest = max(longest, end - start)
        out[START, i] = start
        out[END, i] = end
        out[TIME_SOURCE, i] = known
        if marks & HAS_FRAME and out[PACKETS, i] == 0:
            out[PACKETS, i] = 1
        rate, source = np.int64(0), DECLARED
        if marks & HAS_RATE:
            rate = _declared(out, i)
            if rate and rate != words[exporter, DECLARED_RATE]:
                words[exporter, DECLARED_CHANGES] += words[exporter, DECLARED_RATE] != 0
                words[exporter, DECLARED_RATE] = rate
        if rate == 0:
            rate, source = general, LEARNED
            own, named = np.int64(0), marks & HAS_SAMPLER and out[SAMPLER, i] != 0
            if named:
                sampler = out[SAMPLER, i]
                if sampler != last_sampler:
                    last_sampler, last_rate = sampler, find_sampler(samplers, exporter, sampler)
                own = last_rate
            if own == 0 and words[exporter, BY_INTERFACE]:
                own = find_sampler(samplers, exporter, out[INPUT, i] | np.uint64(INTERFACE_SAMPLER))
            if own:
                rate = own
            elif rate == 0 and not named:
                rate = words[exporter, SHARED_RATE]
        if rate == 0:
            rate, source = np.int64(1), ASSUMED
        if out[PROTOCOL, i] == 1 or out[PROTOCOL, i] == 58:  # NetFlow has type and code of ICMP in the port
            if out[ICMP, i] == 0:
                out[ICMP, i] = out[DST_PORT, i]
            out[SRC_PORT, i] = 0
            out[DST_PORT, i] = 0
        words[exporter, BY_ASSUMED + source] += 1
        out[RATE, i] = rate
        out[RATE_SOURCE, i] = source
    return longest


@njit(**OPTIONS)
def _declared(out, row):
    """The rate that a record declares: an interval, interval and space, or so many out of so many; 0 where none."""
    interval, space = out[INTERVAL, row], out[SPACE, row]
    size, population = out[SIZE, row], out[POPULATION, row]
    rate = np.uint64(0)
    if population and size:
        rate = population // size
    elif interval and space and interval < np.uint64(MOST_RATE) and space < np.uint64(MOST_RATE):
        rate = (interval + space) // interval
    elif interval:
        rate = interval
    return np.int64(min(rate, np.uint64(MOST_RATE)))
