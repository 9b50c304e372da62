"""Lines of RIR delegated statistics files into columns; a line that is not perfectly regular is left to the reader."""

import numpy as np
from numba import njit

ODD, IPV4, IPV6, ASN, BLANK = 0, 1, 2, 3, 4  # what a line is; ODD: somebody else must read it
LONGEST_LINE = 1024  # bytes
_BAR, _DOT, _COLON, _ZERO, _CR, _HASH = 124, 46, 58, 48, 13, 35


@njit(nogil=True, cache=True)
def _word(data, start, stop, word):
    """Whether the bytes [start, stop) are a word."""
    if stop - start != word.shape[0]:
        return False
    for k in range(word.shape[0]):  # noqa: SIM110 (compiled: no generators)
        if data[start + k] != word[k]:
            return False
    return True


@njit(nogil=True, cache=True)
def _any_word(data, start, stop, words, ends):
    """The number of the word that the bytes [start, stop) are; -1 where they are none of them."""
    begin = 0
    for k in range(ends.shape[0]):
        if _word(data, start, stop, words[begin : ends[k]]):
            return k
        begin = ends[k]
    return -1


@njit(nogil=True, cache=True)
def _number(data, start, stop):
    """A number of one to ten decimal digits; -1 where the bytes are no such number."""
    if stop <= start or stop - start > 10:
        return np.int64(-1)
    value = np.int64(0)
    for k in range(start, stop):
        if data[k] < _ZERO or data[k] > _ZERO + 9:
            return np.int64(-1)
        value = 10 * value + (data[k] - _ZERO)
    return value


@njit(nogil=True, cache=True)
def _ipv4(data, start, stop):
    """An IPv4 address of four decimal numbers without leading zeros; -1 where the bytes are none."""
    address = np.int64(0)
    at, parts = start, 0
    while parts < 4:
        end = at
        while end < stop and data[end] != _DOT:
            end += 1
        if end - at > 3 or (end - at > 1 and data[at] == _ZERO):
            return np.int64(-1)
        octet = _number(data, at, end)
        if octet < 0 or octet > 255:
            return np.int64(-1)
        address = (address << 8) | octet
        parts += 1
        if parts < 4 and end == stop:
            return np.int64(-1)
        at = end + 1
    return address if at == stop + 1 else np.int64(-1)


@njit(nogil=True, cache=True)
def _ipv6(data, start, stop, groups):
    """The upper 64 bits of an IPv6 address that ends in ``::``, of one to four groups before; False where it is none.

    groups uint64[1] (out)
    """
    if stop - start < 3 or data[stop - 1] != _COLON or data[stop - 2] != _COLON:
        return False
    value, count, at = np.uint64(0), 0, start
    stop -= 2
    while at < stop:
        end, group = at, np.uint64(0)
        while end < stop and data[end] != _COLON:
            letter = data[end]
            if _ZERO <= letter <= _ZERO + 9:
                digit = letter - _ZERO
            elif 97 <= letter <= 102:
                digit = letter - 87
            elif 65 <= letter <= 70:
                digit = letter - 55
            else:
                return False
            group = (group << np.uint64(4)) | np.uint64(digit)
            end += 1
        if end == at or end - at > 4 or count == 4:
            return False
        value = (value << np.uint64(16)) | group
        count += 1
        at = end + 1
        if at == stop:  # a colon too many
            return False
    for _ in range(4 - count):
        value <<= np.uint64(16)
    groups[0] = value
    return count > 0


@njit(nogil=True, cache=True)
def _date(data, start, stop):
    """YYYYMMDD as a number, 0 where there is none; -1 where the bytes are no date."""
    if stop == start:
        return np.int64(0)
    if stop - start != 8:
        return np.int64(-1)
    value = _number(data, start, stop)
    month, day = value // 100 % 100, value % 100
    if value != 0 and not (1 <= month <= 12 and 1 <= day <= 31):
        return np.int64(-1)
    return value


@njit(nogil=True, cache=True)
def parse_lines(data, registries, registry_ends, held, held_ends, unheld, unheld_ends, start, stop, kind, first, last,
                country, since, status):  # fmt: skip
    """Read the lines of a file, as far as they are regular: no spaces, fields as the format has them, ASCII.

    data uint8[N]; registries, held, unheld uint8[]: words one after the other, and int64[] where each ends
    start, stop int64[L] (out): the line without its end
    kind uint8[L] (out): IPV4, IPV6, ASN, BLANK, or ODD where the line must be read by somebody who says what is wrong
    first, last uint64[L] (out): both ends of the range, of IPv6 the upper 64 bits
    country int32[L] (out): the two letters, first * 256 + second; since int32[L] (out): YYYYMMDD, 0 where none is given
    status uint8[L] (out): 1 where somebody holds the range
    Returns how many lines there are: L must be at least the number of line ends and one.
    """
    lines, at, size = 0, 0, data.shape[0]
    bars = np.empty(7, np.int64)
    groups = np.empty(1, np.uint64)
    while at <= size:
        end = at
        count, plain = 0, True
        while end < size and data[end] != 10:
            letter = data[end]
            if letter == _BAR and count < 7:
                bars[count] = end
                count += 1
            if letter <= 32 or letter > 126:
                plain = plain and letter == _CR and (end + 1 == size or data[end + 1] == 10)
            end += 1
        cut = end - 1 if end > at and data[end - 1] == _CR else end
        n = lines
        start[n], stop[n], kind[n] = at, cut, ODD
        lines += 1
        line, at = at, end + 1
        if cut == line or data[line] == _HASH:
            kind[n] = BLANK
            continue
        if count < 6 or not plain or cut - line > LONGEST_LINE:
            continue
        if count == 6:
            bars[6] = cut
        if _any_word(data, line, bars[0], registries, registry_ends) < 0 or bars[1] - bars[0] != 3:
            continue
        a, b = data[bars[0] + 1], data[bars[0] + 2]
        if a < 65 or a > 90 or b < 65 or b > 90:
            continue
        if _any_word(data, bars[5] + 1, bars[6], held, held_ends) >= 0:
            status[n] = 1
        elif _any_word(data, bars[5] + 1, bars[6], unheld, unheld_ends) >= 0:
            status[n] = 0
        else:
            continue
        value, day = _number(data, bars[3] + 1, bars[4]), _date(data, bars[4] + 1, bars[5])
        if value <= 0 or day < 0:
            continue
        what = ODD
        letters = bars[2] - bars[1] - 1
        if letters == 3 and data[bars[1] + 1] == 97 and data[bars[1] + 2] == 115 and data[bars[1] + 3] == 110:
            number = _number(data, bars[2] + 1, bars[3])
            if number >= 0 and number + value <= 1 << 32:
                what, first[n], last[n] = ASN, np.uint64(number), np.uint64(number + value - 1)
        elif letters == 4 and data[bars[1] + 1] == 105 and data[bars[1] + 2] == 112 and data[bars[1] + 3] == 118:
            if data[bars[1] + 4] == 52:
                address = _ipv4(data, bars[2] + 1, bars[3])
                if address >= 0 and address + value <= 1 << 32:
                    what, first[n], last[n] = IPV4, np.uint64(address), np.uint64(address + value - 1)
            elif data[bars[1] + 4] == 54 and value <= 64 and _ipv6(data, bars[2] + 1, bars[3], groups):
                host = (np.uint64(1) << np.uint64(64 - value)) - np.uint64(1) if value < 64 else np.uint64(0)
                if groups[0] & host == 0:
                    what, first[n], last[n] = IPV6, groups[0], groups[0] | host
        kind[n], country[n], since[n] = what, 256 * np.int32(a) + b, day
    return lines
