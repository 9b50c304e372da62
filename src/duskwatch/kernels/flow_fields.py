"""Records of one template into columns: a loop over the records for each field, not over the fields for each record."""

import numpy as np
from numba import njit

from duskwatch.kernels import flow_layout as to
from duskwatch.kernels.flow_packets import ip_at, read_packet
from duskwatch.kernels.flow_tables import find_sampler
from duskwatch.kernels.flow_words import OPTIONS, u8, u16, u32, u64, uint

NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
WRAP_MS = 1 << 32
MOST_MS = to.MOST_US // 1000
MOST_S = to.MOST_US // 1_000_000
MOST_RATE = (1 << 32) - 1
MOST = np.uint64(to.MOST_US)


@njit(**OPTIONS)
def read_fields(data, at, stride, count, operations, operation_count, out, row, export_us, uptime, boot_us, inner):
    """Do all operations of a template on ``count`` records that begin at ``at``, ``stride`` octets apart.

    Who calls has checked that they all lie in the data. ``out`` gets rows from ``row`` on.
    """
    for k in range(operation_count):
        what, column, size = operations[k, 0], operations[k, 1], operations[k, 3]
        place = at + operations[k, 2]
        if what == to.FILL:
            for i in range(count):
                out[column, row + i] = size
        elif what == to.UINT:
            _numbers(data, place, stride, count, size, out, column, row)
        elif what == to.ADDRESS4:
            for i in range(count):
                out[column, row + i] = np.uint64(u32(data, place + i * stride)) << np.uint64(32)
                out[column + 1, row + i] = 0
                out[to.AFI, row + i] = to.IPV4
        elif what == to.ADDRESS6:
            for i in range(count):
                out[column, row + i] = u64(data, place + i * stride)
                out[column + 1, row + i] = u64(data, place + i * stride + 8)
                out[to.AFI, row + i] = to.IPV6
        elif what == to.ADDRESS4_TOO:
            for i in range(count):
                four = u32(data, place + i * stride)
                if four and out[column, row + i] == 0 and out[column + 1, row + i] == 0:
                    out[column, row + i] = np.uint64(four) << np.uint64(32)
                    out[to.AFI, row + i] = to.IPV4
        elif what == to.UPTIME:
            for i in range(count):
                said = np.int64(uint(data, place + i * stride, size)) if size != 4 else u32(data, place + i * stride)
                out[column, row + i] = _since_start(said, uptime, boot_us, export_us)
        elif what == to.FRAME:
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
    if what == to.NONZERO:
        if value:
            out[column, row] = value
    elif what == to.SECONDS:
        out[column, row] = value * np.uint64(1_000_000) if value < np.uint64(MOST_S) else np.uint64(0)
    elif what == to.MILLISECONDS:
        out[column, row] = value * np.uint64(1000) if value < np.uint64(MOST_MS) else np.uint64(0)
    elif what == to.NTP:
        whole = np.int64(value >> np.uint64(32)) - NTP_EPOCH
        part = ((value & np.uint64(0xFFFFFFFF)) * np.uint64(1_000_000)) >> np.uint64(32)
        out[column, row] = np.uint64(whole) * np.uint64(1_000_000) + part if whole > 0 else np.uint64(0)
    elif what == to.UPTIME_ROW:
        out[column, row] = _since_start(np.int64(value), -1, np.int64(out[to.BOOT, row]), export_us)
    elif what == to.DELTA:
        back = np.int64(min(value, np.uint64(to.MOST_US)))
        out[column, row] = export_us - back if export_us > back else 0
    elif what == to.DURATION_MS:
        out[column, row] = min(value, np.uint64(MOST_MS)) * np.uint64(1000)
    elif what == to.MICROSECONDS:
        out[column, row] = min(value, np.uint64(to.MOST_US))
    elif what == to.FLAGS:
        out[column, row] = value & np.uint64(0x1FF)
    elif what == to.ICMP_TYPE:
        out[to.ICMP, row] |= (value & np.uint64(255)) << np.uint64(8)
    elif what == to.ICMP_CODE:
        out[to.ICMP, row] |= value & np.uint64(255)
    elif what == to.FRAGMENT_OFFSET:
        if value & np.uint64(0x1FFF):
            out[to.FRAGMENT, row] = to.LATER_FRAGMENT
    elif what == to.FRAGMENT_FLAGS:  # the second bit is "more fragments", counted from the left (IPFIX element 197)
        more = value >> np.uint64(8 * size - 3) & np.uint64(1)
        if more and out[to.FRAGMENT, row] == 0:
            out[to.FRAGMENT, row] = to.FIRST_FRAGMENT


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
    if export_us and said_ms < WRAP_MS:
        when += (export_us - when + WRAP_MS * 500) // (WRAP_MS * 1000) * (WRAP_MS * 1000)
    return max(when, 0)


@njit(**OPTIONS)
def _frame(data, at, size, link, inner, out, row):
    """A frame in a field; without an IP header in it, AFI stays as it is. Octets that the record counts count."""
    counted = out[to.BYTES, row]
    begin = ip_at(data, at, at + size, link)
    if begin >= 0:
        wire = np.int64(min(out[to.WIRE, row], np.uint64(1 << 31)))
        read_packet(data, begin, at + size, max(wire - (begin - at), 0), inner, out, row)
        if counted:
            out[to.BYTES, row] = counted


@njit(**OPTIONS)
def finish(out, row, count, marks, exporter, export_us, received_us, words, samplers):
    """Times and sampling rates of rows whose fields were read. Returns the longest flow, in microseconds."""
    fallback = export_us if export_us else received_us
    longest = np.int64(0)
    last_sampler, last_rate = np.uint64(0), np.int64(0)
    general = words[exporter, to.GENERAL_RATE]
    for i in range(row, row + count):
        out[to.EXPORTER, i] = exporter
        out[to.RECEIVED, i] = received_us
        start, end = np.int64(min(out[to.START, i], MOST)), np.int64(min(out[to.END, i], MOST))
        if marks & to.HAS_DURATION:
            lasted = np.int64(min(out[to.DURATION, i], MOST))
            if start and not end:
                end = min(start + lasted, np.int64(to.MOST_US))
            elif end and not start:
                start = max(end - lasted, np.int64(0))
        if marks & to.HAS_EVENT and start == 0 and end == 0:
            start = end = np.int64(min(out[to.EVENT, i], MOST))
        time_source = to.TIME_EXPORTED
        if start == 0 and end == 0:
            start = end = fallback
            time_source = to.TIME_ASSUMED
        elif start == 0:
            start = end
        elif end == 0:
            end = start
        if start > end:
            start = end
        longest = max(longest, end - start)
        out[to.START, i] = start
        out[to.END, i] = end
        out[to.TIME_SOURCE, i] = time_source
        if marks & to.HAS_FRAME and out[to.PACKETS, i] == 0:
            out[to.PACKETS, i] = 1
        rate, source = np.int64(0), to.DECLARED
        if marks & to.HAS_RATE:
            rate = _declared(out, i)
            if rate and rate != words[exporter, to.DECLARED_RATE]:
                words[exporter, to.DECLARED_CHANGES] += words[exporter, to.DECLARED_RATE] != 0
                words[exporter, to.DECLARED_RATE] = rate
        if rate == 0:
            rate, source = general, to.LEARNED
            of_sampler, named = np.int64(0), marks & to.HAS_SAMPLER and out[to.SAMPLER, i] != 0
            if named:
                sampler = out[to.SAMPLER, i]
                if sampler != last_sampler:
                    last_sampler, last_rate = sampler, find_sampler(samplers, exporter, sampler)
                of_sampler = last_rate
            if of_sampler == 0 and words[exporter, to.BY_INTERFACE]:
                of_sampler = find_sampler(samplers, exporter, out[to.INPUT, i] | np.uint64(to.INTERFACE_SAMPLER))
            if of_sampler:
                rate = of_sampler
            elif rate == 0 and not named:
                rate = words[exporter, to.SHARED_RATE]
        if rate == 0:
            rate, source = np.int64(1), to.ASSUMED
        if out[to.PROTOCOL, i] == 1 or out[to.PROTOCOL, i] == 58:  # NetFlow has type and code of ICMP in the port
            if out[to.ICMP, i] == 0:
                out[to.ICMP, i] = out[to.DST_PORT, i]
            out[to.SRC_PORT, i] = 0
            out[to.DST_PORT, i] = 0
        words[exporter, to.BY_ASSUMED + source] += 1
        out[to.RATE, i] = rate
        out[to.RATE_SOURCE, i] = source
    return longest


@njit(**OPTIONS)
def _declared(out, row):
    """The rate that a record declares: an interval, interval and space, or so many out of so many; 0 where none."""
    interval, space = out[to.INTERVAL, row], out[to.SPACE, row]
    size, population = out[to.SIZE, row], out[to.POPULATION, row]
    rate = np.uint64(0)
    if population and size:
        rate = population // size
    elif interval and space and interval < np.uint64(MOST_RATE) and space < np.uint64(MOST_RATE):
        rate = (interval + space) // interval
    elif interval:
        rate = interval
    return np.int64(min(rate, np.uint64(MOST_RATE)))
