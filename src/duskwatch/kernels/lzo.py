"""LZO1X, which nfcapd packs its blocks with.

The stream is unpacked as the documentation of the Linux kernel describes it (Documentation/staging/lzo.rst).
"""

import numpy as np
from numba import njit

from duskwatch.kernels.flow_words import OPTIONS

BROKEN = -1


@njit(**OPTIONS)
def _length(data, at, base):
    """A length that goes on in further octets: zeros count 255 each. The length, and where what follows begins."""
    extra = np.int64(0)
    while at < data.shape[0] and data[at] == 0:
        extra += 255
        at += 1
    if at >= data.shape[0]:
        return np.int64(BROKEN), np.int64(at)
    return base + extra + np.int64(data[at]), np.int64(at + 1)


@njit(**OPTIONS)
def unpack(data, out):
    """Unpack one block. Returns octets written to ``out``, BROKEN where the block makes no sense or has no end."""
    end, room = data.shape[0], out.shape[0]
    at, to = np.int64(0), np.int64(0)
    literals = np.int64(0)  # that the last instruction copied: 0, 1 to 3, or 4 for more
    if end and data[0] > 17:
        count = np.int64(data[0]) - 17
        at = np.int64(1)
        if at + count > end or count > room:
            return BROKEN
        for _ in range(count):
            out[to] = data[at]
            to += 1
            at += 1
        literals = min(count, np.int64(4))
    while at < end:
        code = np.int64(data[at])
        at += 1
        if code < 16 and literals == 0:
            count = code + 3
            if code == 0:
                count, at = _length(data, at, 18)
                if count < 0:
                    return BROKEN
            if at + count > end or to + count > room:
                return BROKEN
            for _ in range(count):
                out[to] = data[at]
                to += 1
                at += 1
            literals = np.int64(4)
            continue
        if code >= 64:
            if at >= end:
                return BROKEN
            length = (code >> 5) + 1 if code >= 128 else 3 + (code >> 5 & 1)
            distance = (np.int64(data[at]) << 3) + (code >> 2 & 7) + 1
            literals = code & 3
            at += 1
        elif code >= 16:
            mask = 31 if code >= 32 else 7
            length = code & mask
            if length == 0:
                length, at = _length(data, at, mask)
                if length < 0:
                    return BROKEN
            length += 2
            if at + 2 > end:
                return BROKEN
            word = np.int64(data[at]) | np.int64(data[at + 1]) << 8
            at += 2
            literals = word & 3
            if code >= 32:
                distance = (word >> 2) + 1
            else:
                distance = 16384 + ((code & 8) << 11) + (word >> 2)
                if distance == 16384:
                    return to
        else:
            if at >= end:
                return BROKEN
            distance = (np.int64(data[at]) << 2) + (code >> 2)
            at += 1
            if literals == 4:
                length = np.int64(3)
                distance += 2049
            else:
                length = np.int64(2)
                distance += 1
            literals = code & 3
        if distance > to or to + length > room or at + literals > end or to + length + literals > room:
            return BROKEN
        for _ in range(length):
            out[to] = out[to - distance]
            to += 1
        for _ in range(literals):
            out[to] = data[at]
            to += 1
            at += 1
    return BROKEN
