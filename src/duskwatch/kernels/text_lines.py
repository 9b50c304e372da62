"""Lines of text into places of values: JSON objects, one a line, and rows of separated fields.

Only places are found here; what stands there is read by text_values. A line that is no object is given as such, and
what is nested in one is passed over, so that no line, however deep, costs more than its length.
"""

import numpy as np
from numba import njit

from duskwatch.kernels.flow_words import OPTIONS

# What ends a walk: no further whole line; no room.
ALL, NO_ROOM = 0, 1
# What a value is. NESTED is an array or an object.
MISSING, STRING, PLAIN, NESTED = 0, 1, 2, 3
KEY_OCTETS = 32
HASHES = 1024

QUOTE, BACKSLASH, OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY = 34, 92, 123, 125, 91, 93
COLON, COMMA, NEWLINE, SPACE, TAB, RETURN = 58, 44, 10, 32, 9, 13


@njit(inline="always", **OPTIONS)
def hash_key(data, at, size):
    """A small number out of a key's first octets, its last and its length."""
    first = np.int64(data[at]) if size else np.int64(0)
    middle = np.int64(data[at + size // 2]) if size else np.int64(0)
    last = np.int64(data[at + size - 1]) if size else np.int64(0)
    return (first * 131 + middle * 31 + last * 7 + size * 61) & (HASHES - 1)


@njit(**OPTIONS)
def _skip_blank(data, at, end):
    while at < end and (data[at] == SPACE or data[at] == TAB or data[at] == RETURN):
        at += 1
    return at


@njit(**OPTIONS)
def _string_end(data, at, end):
    """Where the string that begins behind its quote ends: at its closing quote; ``end`` where it has none."""
    while at < end:
        if data[at] == BACKSLASH:
            at += 2
            continue
        if data[at] == QUOTE:
            return at
        at += 1
    return end


@njit(**OPTIONS)
def _nested_end(data, at, end):
    """Behind the bracket that closes the one at ``at``; ``end + 1`` where none does."""
    depth = np.int64(0)
    while at < end:
        c = data[at]
        if c == QUOTE:
            at = _string_end(data, at + 1, end)
        elif c == OPEN_OBJECT or c == OPEN_ARRAY:
            depth += 1
        elif c == CLOSE_OBJECT or c == CLOSE_ARRAY:
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return end + 1


@njit(**OPTIONS)
def json_line(data, at, end, keys, sizes, heads, following, places, row):
    """Find the values of keys in the object that a line is. Returns whether it is one.

    keys, sizes       uint8[K, KEY_OCTETS], int64[K]
    heads, following  int64[HASHES], int64[K]: the first key of each hash, and the next of the same; -1 where none
    places            int64[K, rows, 3]: begin, octets, kind; a key's first value counts
    """
    for k in range(keys.shape[0]):
        places[k, row, 2] = MISSING
    at = _skip_blank(data, at, end)
    if at >= end or data[at] != OPEN_OBJECT:
        return False
    at = _skip_blank(data, at + 1, end)
    if at < end and data[at] == CLOSE_OBJECT:
        return _skip_blank(data, at + 1, end) == end
    while True:
        at = _skip_blank(data, at, end)
        if at >= end or data[at] != QUOTE:
            return False
        begin = at + 1
        at = _string_end(data, begin, end)
        if at >= end:
            return False
        size = at - begin
        found = np.int64(-1)
        if size <= KEY_OCTETS:
            found = heads[hash_key(data, begin, size)]
            while found >= 0 and not _same(data, begin, size, keys[found], sizes[found]):
                found = following[found]
        at = _skip_blank(data, at + 1, end)
        if at >= end or data[at] != COLON:
            return False
        at = _skip_blank(data, at + 1, end)
        if at >= end:
            return False
        begin = at
        if data[at] == QUOTE:
            kind = STRING
            begin += 1
            at = _string_end(data, begin, end)
            if at >= end:
                return False
            size = at - begin
            at += 1
        elif data[at] == OPEN_OBJECT or data[at] == OPEN_ARRAY:
            kind = NESTED
            at = _nested_end(data, at, end)
            if at > end:
                return False
            size = at - begin
        else:
            kind = PLAIN
            while at < end and data[at] != COMMA and data[at] != CLOSE_OBJECT and data[at] > SPACE:
                at += 1
            size = at - begin
            if size == 0:
                return False
        if found >= 0 and places[found, row, 2] == MISSING:
            places[found, row, 0] = begin
            places[found, row, 1] = size
            places[found, row, 2] = kind
        at = _skip_blank(data, at, end)
        if at >= end:
            return False
        if data[at] == CLOSE_OBJECT:
            return _skip_blank(data, at + 1, end) == end
        if data[at] != COMMA:
            return False
        at += 1


@njit(inline="always", **OPTIONS)
def _same(data, begin, size, key, key_size):
    if size != key_size:
        return False
    differ = 0
    for k in range(size):
        differ |= data[begin + k] ^ key[k]
    return differ == 0


@njit(**OPTIONS)
def json_lines(data, at, keys, sizes, heads, following, places, good):
    """Find values in all whole lines from a position on. Returns what ended it, where, and the lines taken.

    good  uint8[rows]: 1 object, 0 something else, 2 a line without anything
    """
    row = np.int64(0)
    while True:
        end = np.int64(at)
        while end < data.shape[0] and data[end] != NEWLINE:
            end += 1
        if end >= data.shape[0]:
            return ALL, np.int64(at), row
        if row == good.shape[0]:
            return NO_ROOM, np.int64(at), row
        if _skip_blank(data, at, end) == end:
            good[row] = 2
        else:
            good[row] = json_line(data, at, end, keys, sizes, heads, following, places, row)
        row += 1
        at = end + 1


@njit(**OPTIONS)
def separated_lines(data, at, separator, fields, where, places, good):
    """The same for rows of separated fields. ``where`` int64[fields] has the key of each field, -1 where none.

    good  uint8[rows]: 1 as many fields as there are names, or more; 0 fewer; 2 a line without anything
    """
    row = np.int64(0)
    while True:
        end = np.int64(at)
        while end < data.shape[0] and data[end] != NEWLINE:
            end += 1
        if end >= data.shape[0]:
            return ALL, np.int64(at), row
        if row == good.shape[0]:
            return NO_ROOM, np.int64(at), row
        for k in range(places.shape[0]):
            places[k, row, 2] = MISSING
        if _skip_blank(data, at, end) == end:
            good[row] = 2
        else:
            count = np.int64(0)
            begin = np.int64(at)
            for i in range(at, end + 1):
                if i < end and data[i] != separator:
                    continue
                if count < fields and where[count] >= 0:
                    first, last = _skip_blank(data, begin, i), np.int64(i)
                    while last > first and data[last - 1] <= SPACE:
                        last -= 1
                    k = where[count]
                    if last > first and places[k, row, 2] == MISSING:
                        places[k, row, 0] = first
                        places[k, row, 1] = last - first
                        places[k, row, 2] = STRING
                count += 1
                begin = np.int64(i + 1)
            good[row] = count >= fields
        row += 1
        at = end + 1
