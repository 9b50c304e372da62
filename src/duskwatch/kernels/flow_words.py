"""Numbers of flow records as they lie in the bytes: loads for whoever checked that they are there.

Positions are never negative: by their type the compiler drops the check for negative ones and joins loads.
"""

import numpy as np
from numba import njit
from numba.core.options import DefaultOptions

# Nothing is allocated in the kernels of flows, so nothing needs to be counted. Without the last option each call that
# is handed arrays counts references to them, atomically.
OPTIONS = {"nogil": True, "cache": True}
if hasattr(DefaultOptions, "_nrt"):  # no part of Numba's documented interface: do without where it is gone
    OPTIONS["_nrt"] = False


@njit(**OPTIONS)
def u8(data, at):
    """One octet, as int64."""
    return np.int64(data[np.uint64(at)])


@njit(**OPTIONS)
def u16(data, at):
    """Two octets in network order, as int64."""
    i = np.uint64(at)
    return (np.int64(data[i]) << 8) | np.int64(data[i + np.uint64(1)])


@njit(**OPTIONS)
def u32(data, at):
    """Four octets in network order, as int64."""
    i = np.uint64(at)
    return (
        (np.int64(data[i]) << 24)
        | (np.int64(data[i + np.uint64(1)]) << 16)
        | (np.int64(data[i + np.uint64(2)]) << 8)
        | np.int64(data[i + np.uint64(3)])
    )


@njit(**OPTIONS)
def u64(data, at):
    """Eight octets in network order, as uint64."""
    i = np.uint64(at)
    return (
        (np.uint64(data[i]) << np.uint64(56))
        | (np.uint64(data[i + np.uint64(1)]) << np.uint64(48))
        | (np.uint64(data[i + np.uint64(2)]) << np.uint64(40))
        | (np.uint64(data[i + np.uint64(3)]) << np.uint64(32))
        | (np.uint64(data[i + np.uint64(4)]) << np.uint64(24))
        | (np.uint64(data[i + np.uint64(5)]) << np.uint64(16))
        | (np.uint64(data[i + np.uint64(6)]) << np.uint64(8))
        | np.uint64(data[i + np.uint64(7)])
    )


@njit(**OPTIONS)
def uint(data, at, octets):
    """1 to 8 octets in network order, as uint64."""
    value = np.uint64(0)
    for i in range(octets):
        value = (value << np.uint64(8)) | np.uint64(data[at + i])
    return value


@njit(**OPTIONS)
def little16(data, at):
    """Two octets, the low one first, as int64."""
    i = np.uint64(at)
    return np.int64(data[i]) | (np.int64(data[i + np.uint64(1)]) << 8)


@njit(**OPTIONS)
def little32(data, at):
    """Four octets, the low one first, as int64."""
    i = np.uint64(at)
    return (
        np.int64(data[i])
        | (np.int64(data[i + np.uint64(1)]) << 8)
        | (np.int64(data[i + np.uint64(2)]) << 16)
        | (np.int64(data[i + np.uint64(3)]) << 24)
    )


@njit(**OPTIONS)
def little64(data, at):
    """Eight octets, the low one first, as uint64."""
    return np.uint64(little32(data, at)) | (np.uint64(little32(data, at + 4)) << np.uint64(32))
