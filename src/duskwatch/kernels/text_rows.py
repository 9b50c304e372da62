"""Values of lines, found by text_lines, into rows of flows."""

import numpy as np
from numba import njit

from duskwatch.kernels import flow_layout as to
from duskwatch.kernels.flow_words import OPTIONS
from duskwatch.kernels.text_lines import MISSING
from duskwatch.kernels.text_values import DOT, parse_address, parse_flags, parse_number, parse_protocol, parse_time

# How the value of a key is read.
(
    NUMBER,
    ADDRESS,  # the column of its upper half, and the next one; the address family goes to AFI
    SENDER,  # the same, but the address family goes to the column behind
    NANOSECONDS,
    SECONDS,  # of time or duration, with a fraction or not
    MILLISECONDS,
    TIME,  # a date with a time of day, or seconds since 1970
    NAMED,  # a protocol, by number or name
    TCP,  # flags, by number, names or the letters of nfdump
    PORT,  # a number; type.code of ICMP
    TYPE,  # of ICMP
    CODE,
    OFFSET,  # of a fragment
) = range(13)


@njit(**OPTIONS)
def read_values(data, places, good, count, reads, columns, most, flag_names, protocols, numbers, out, row):
    """Values of lines into rows; a line that is not good, or has a value that cannot be, is left out and marked.

    reads, columns, most  int64[K], int64[K], uint64[K] of each key: how it is read, to which column, the largest value
    good                  uint8[lines]: 1 is read; set to 3 where a value cannot be, to 4 where there is no address
    Columns of ``out`` are all set to 0 first. Returns the rows written.
    """
    written = np.int64(row)
    for line in range(count):
        if good[line] != 1:
            continue
        for column in range(out.shape[0]):
            out[column, written] = 0
        if not _read_line(data, places, line, reads, columns, most, flag_names, protocols, numbers, out, written):
            good[line] = 3
        elif out[to.AFI, written] == 0:
            good[line] = 4
        else:
            _settle(out, written)
            written += 1
    return written - row


@njit(**OPTIONS)
def _read_line(data, places, line, reads, columns, most, flag_names, protocols, numbers, out, row):
    for k in range(reads.shape[0]):
        at, size, kind = places[k, line, 0], places[k, line, 1], places[k, line, 2]
        if kind == MISSING or size == 0:
            continue
        how, column = reads[k], columns[k]
        if how == ADDRESS or how == SENDER:
            address_family, hi, lo = parse_address(data, at, size)
            if address_family == 0:
                if how == SENDER:
                    continue
                return False
            out[column, row], out[column + 1, row] = hi, lo
            if how == SENDER:
                out[column + 2, row] = address_family
            else:
                out[to.AFI, row] = address_family
        elif how == TIME:
            when = parse_time(data, at, size)
            if when < 0:
                return False
            if out[column, row] == 0:
                out[column, row] = when
        elif how == SECONDS:
            when = parse_time(data, at, size)
            if when < 0:
                return False
            out[column, row] = when
        elif how == NAMED:
            protocol = parse_protocol(data, at, size, protocols, numbers)
            if protocol < 0:
                return False
            out[column, row] = protocol
        elif how == TCP:
            out[column, row] = parse_flags(data, at, size, flag_names)
        else:
            good, number = parse_number(data, at, size)
            if not good:
                return False
            if how == NANOSECONDS:
                out[column, row] = number // np.uint64(1000)
            elif how == MILLISECONDS:
                out[column, row] = min(number, np.uint64(to.MOST_US // 1000)) * np.uint64(1000)
            elif how == TYPE:
                out[to.ICMP, row] |= (number & np.uint64(255)) << np.uint64(8)
            elif how == CODE:
                out[to.ICMP, row] |= number & np.uint64(255)
            elif how == OFFSET:
                if number & np.uint64(0x1FFF):
                    out[to.FRAGMENT, row] = to.LATER_FRAGMENT
            elif how == PORT and _has_dot(data, at, size):
                part = np.int64(at)
                while data[part] != DOT:
                    part += 1
                fine, code = parse_number(data, part + 1, at + size - part - 1)
                out[column, row] = (number & np.uint64(255)) << np.uint64(8) | (code & np.uint64(255) if fine else code)
            elif number > most[k]:
                return False
            else:
                out[column, row] = number
    return True


@njit(**OPTIONS)
def _has_dot(data, at, size):
    found = False
    for i in range(at, at + size):
        found |= data[i] == DOT
    return found


@njit(**OPTIONS)
def _settle(out, row):
    """Order of times, a duration in place of one of them, and ICMP out of the port."""
    start, end = (
        np.int64(min(out[to.START, row], np.uint64(to.MOST_US))),
        np.int64(min(out[to.END, row], np.uint64(to.MOST_US))),
    )
    lasted = np.int64(min(out[to.DURATION, row], np.uint64(to.MOST_US)))
    if start and not end:
        end = min(start + lasted, np.int64(to.MOST_US))
    elif end and not start:
        start = max(end - lasted, np.int64(0))
    out[to.START, row] = min(start, end)
    out[to.END, row] = end
    out[to.INTERVAL, row] = min(out[to.INTERVAL, row], np.uint64((1 << 32) - 1))
    if out[to.PROTOCOL, row] == 1 or out[to.PROTOCOL, row] == 58:
        if out[to.ICMP, row] == 0:
            out[to.ICMP, row] = out[to.DST_PORT, row]
        out[to.SRC_PORT, row] = 0
        out[to.DST_PORT, row] = 0
