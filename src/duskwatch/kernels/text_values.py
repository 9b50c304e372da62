"""Values of text: numbers, addresses, times, protocol names, TCP flags."""

import numpy as np
from numba import njit

from duskwatch.kernels import flow_layout as to
from duskwatch.kernels.flow_words import OPTIONS

DIGIT_0, DIGIT_9, DOT, MINUS, COLON, UPPER_A, UPPER_F, LOWER_A, LOWER_F = 48, 57, 46, 45, 58, 65, 70, 97, 102
MOST_NUMBER = np.uint64((1 << 64) - 1)
NONE = np.int64(-1)


@njit(**OPTIONS)
def parse_number(data, at, size):
    """A decimal number, rounded down. Whether it is one of 64 bits, and which."""
    value = np.uint64(0)
    if size == 0:
        return False, value
    for i in range(at, at + size):
        c = np.int64(data[i])
        if c == DOT and i > at:
            for k in range(i + 1, at + size):
                if not DIGIT_0 <= data[k] <= DIGIT_9:
                    return False, value
            return True, value
        if not DIGIT_0 <= c <= DIGIT_9:
            return False, value
        if value > (MOST_NUMBER - np.uint64(9)) // np.uint64(10):
            return False, value
        value = value * np.uint64(10) + np.uint64(c - DIGIT_0)
    return True, value


@njit(**OPTIONS)
def parse_address(data, at, size):
    """Address family (0: it is no address), upper and lower half of an address, left-aligned."""
    for i in range(at, min(at + size, at + 5)):
        if data[i] == COLON:
            return _six(data, at, at + size)
    good, four = _four(data, at, at + size)
    return (np.int64(to.IPV4) if good else np.int64(0)), four << np.uint64(32), np.uint64(0)


@njit(**OPTIONS)
def _four(data, at, end):
    value, octets = np.uint64(0), 0
    while octets < 4:
        digits, part = 0, np.int64(0)
        while at < end and DIGIT_0 <= data[at] <= DIGIT_9 and digits < 4:
            part = part * 10 + np.int64(data[at]) - DIGIT_0
            digits += 1
            at += 1
        if digits == 0 or digits > 3 or part > 255:
            return False, value
        value = (value << np.uint64(8)) | np.uint64(part)
        octets += 1
        if octets < 4:
            if at >= end or data[at] != DOT:
                return False, value
            at += 1
    return at == end, value


@njit(**OPTIONS)
def _six(data, at, end):
    """An IPv6 address (RFC 4291 section 2.2), the last 32 bits as hexadecimal groups or as an IPv4 address."""
    hi, lo = np.uint64(0), np.uint64(0)
    no = np.int64(0)
    groups, gap = np.int64(0), NONE
    if at + 1 < end and data[at] == COLON:
        if data[at + 1] != COLON:
            return no, hi, lo
        gap = np.int64(0)
        at += 2
    while at < end:
        begin, part, digits = at, np.int64(0), 0
        while at < end and digits < 5:
            digit = _hexadecimal(data[at])
            if digit < 0:
                break
            part = part << 4 | digit
            digits += 1
            at += 1
        if at < end and data[at] == DOT:
            good, four = _four(data, begin, end)
            if not good or groups > 6:
                return no, hi, lo
            hi = (hi << np.uint64(32)) | (lo >> np.uint64(32))
            lo = (lo << np.uint64(32)) | four
            groups += 2
            at = end
            break
        if digits == 0 or digits > 4 or groups == 8:
            return no, hi, lo
        hi = (hi << np.uint64(16)) | (lo >> np.uint64(48))
        lo = (lo << np.uint64(16)) | np.uint64(part)
        groups += 1
        if at == end:
            break
        if data[at] != COLON:
            return no, hi, lo
        at += 1
        if at < end and data[at] == COLON:
            if gap >= 0:
                return no, hi, lo
            gap = groups
            at += 1
        elif at == end:
            return no, hi, lo
    if gap < 0:
        return (np.int64(to.IPV6) if groups == 8 else no), hi, lo
    if groups > 7:
        return no, hi, lo
    # What stands behind the gap is at the end already; what stands before moves to the front.
    behind = 16 * (groups - gap)
    if behind == 0:
        tail_hi, tail_lo = np.uint64(0), np.uint64(0)
    elif behind < 64:
        tail_hi, tail_lo = np.uint64(0), lo & ((np.uint64(1) << np.uint64(behind)) - np.uint64(1))
    elif behind == 64:
        tail_hi, tail_lo = np.uint64(0), lo
    else:
        tail_hi, tail_lo = hi & ((np.uint64(1) << np.uint64(behind - 64)) - np.uint64(1)), lo
    front_hi, front_lo = hi ^ tail_hi, lo ^ tail_lo
    for _ in range(8 - groups):
        front_hi = (front_hi << np.uint64(16)) | (front_lo >> np.uint64(48))
        front_lo <<= np.uint64(16)
    return np.int64(to.IPV6), front_hi | tail_hi, front_lo | tail_lo


@njit(inline="always", **OPTIONS)
def _hexadecimal(c):
    if DIGIT_0 <= c <= DIGIT_9:
        return np.int64(c) - DIGIT_0
    if LOWER_A <= c <= LOWER_F:
        return np.int64(c) - LOWER_A + 10
    if UPPER_A <= c <= UPPER_F:
        return np.int64(c) - UPPER_A + 10
    return NONE


@njit(**OPTIONS)
def parse_time(data, at, size):
    """Microseconds since 1970 of ``2023-02-28 10:46:39.123``, with T or Z or neither, or of seconds; -1: it is none.

    No offset is known: whoever wrote a time without one is asked to write UTC.
    """
    end = at + size
    if size > 0 and data[end - 1] == 90:  # Z
        end -= 1
    if end - at >= 19 and data[at + 4] == MINUS and data[at + 7] == MINUS:
        year, month, day = _digits(data, at, 4), _digits(data, at + 5, 2), _digits(data, at + 8, 2)
        hour, minute, second = _digits(data, at + 11, 2), _digits(data, at + 14, 2), _digits(data, at + 17, 2)
        if data[at + 13] != COLON or data[at + 16] != COLON or (data[at + 10] != 32 and data[at + 10] != 84):
            return NONE
        if min(year, month, day, hour, minute, second) < 0 or year < 1970 or not 1 <= month <= 12:
            return NONE
        if not 1 <= day <= 31 or hour > 23 or minute > 59 or second > 60:
            return NONE
        seconds = _days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
        fraction = _fraction(data, at + 19, end)
    else:
        dot = np.int64(at)
        while dot < end and data[dot] != DOT:
            dot += 1
        good, whole = parse_number(data, at, dot - at)
        if not good or whole >= np.uint64(to.MOST_US // 1_000_000):
            return NONE
        seconds = np.int64(whole)
        fraction = _fraction(data, dot, end)
    return NONE if fraction < 0 else seconds * 1_000_000 + fraction


@njit(**OPTIONS)
def _digits(data, at, count):
    value = np.int64(0)
    for i in range(at, at + count):
        if not DIGIT_0 <= data[i] <= DIGIT_9:
            return NONE
        value = value * 10 + np.int64(data[i]) - DIGIT_0
    return value


@njit(**OPTIONS)
def _fraction(data, at, end):
    """Microseconds of a fraction that begins with its dot, 0 where there is none; -1: it is none."""
    if at == end:
        return np.int64(0)
    if data[at] != DOT:
        return NONE
    value, scale = np.int64(0), np.int64(100_000)
    for i in range(at + 1, end):
        if not DIGIT_0 <= data[i] <= DIGIT_9:
            return NONE
        value += (np.int64(data[i]) - DIGIT_0) * scale
        scale //= 10
    return value


@njit(**OPTIONS)
def _days(year, month, day):
    """Days from 1970-01-01 of a date of the Gregorian calendar."""
    y = year - (1 if month <= 2 else 0)
    era = y // 400
    of_era = y - era * 400
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


@njit(**OPTIONS)
def parse_flags(data, at, size, names):
    """TCP flags: a number; or their names, in any brackets; or letters and dots as nfdump writes them.

    names  uint8[9, 3]: of FIN, SYN, RST, PSH, ACK, URG, ECE, CWR, NS, by bit
    """
    good, number = parse_number(data, at, size)
    if good:
        return np.int64(number & np.uint64(0x1FF))
    flags, begin = np.int64(0), np.int64(at)
    for i in range(at, at + size + 1):
        letter = i < at + size and (65 <= data[i] <= 90 or 97 <= data[i] <= 122)
        if letter:
            continue
        if i - begin >= 2:
            for bit in range(names.shape[0]):
                same = True
                for k in range(i - begin):
                    same = same and k < 3 and (data[begin + k] & 0xDF) == names[bit, k]
                if same and (i - begin == 3 or names[bit, 2] == 0):
                    flags |= np.int64(1) << bit
        begin = np.int64(i + 1)
    if flags or size > 9:
        return flags
    for i in range(at, at + size):
        for bit in range(8):
            if data[i] == (67 if bit == 7 else names[bit, 0]):  # C, for CWR; E, for ECE
                flags |= np.int64(1) << bit
    return flags


@njit(**OPTIONS)
def parse_protocol(data, at, size, protocols, numbers):
    """A protocol by its number or its name, in any case; -1: it is none that is known.

    protocols  uint8[P, 16] names in upper case, zeros behind    numbers  int64[P]
    """
    good, number = parse_number(data, at, size)
    if good:
        return np.int64(number) if number < np.uint64(256) else NONE
    if size > 15:
        return NONE
    for k in range(protocols.shape[0]):
        if protocols[k, size] != 0:
            continue
        same = True
        for i in range(size):
            c = np.int64(data[at + i])
            if LOWER_A <= c <= 122:
                c -= 32
            same = same and c == protocols[k, i]
        if same and size:
            return numbers[k]
    return NONE
