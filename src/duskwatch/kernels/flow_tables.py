"""Tables of what is known of exporters, for the kernels: streams, templates, samplers; found by hash."""

from typing import NamedTuple

import numpy as np
from numba import njit

from duskwatch.kernels.flow_words import OPTIONS

_MIX_A = np.uint64(0x9E3779B97F4A7C15)
_MIX_B = np.uint64(0xC2B2AE3D27D4EB4F)
_MIX_C = np.uint64(0x165667B19E3779F9)
_SPREAD = np.uint64(29)


class Streams(NamedTuple):
    """Senders whose sequence numbers are counted apart. Slots are a power of two, at least twice the rows."""

    slots: np.ndarray  # int32: row, or -1
    keys: np.ndarray  # uint64[S, 3]: address, and version << 56 | port << 32 | domain
    words: np.ndarray  # int64[S, STREAM_WORDS]
    exporter: np.ndarray  # int32[S]


class Templates(NamedTuple):
    """Templates in force, found by exporter << 16 | number."""

    slots: np.ndarray  # int32
    keys: np.ndarray  # int64[T]; -1 where a row is free
    words: np.ndarray  # int32[T, TEMPLATE_WORDS]
    operations: np.ndarray  # int32[T, OPERATIONS, 4]
    walks: np.ndarray  # uint16[W, FIELDS]: lengths of all fields of templates with fields of variable length
    refreshed_us: np.ndarray  # int64[T]: when it last came; 0 where that is not known
    scratch: np.ndarray  # int32[OPERATIONS + FIELDS, 4]


class Samplers(NamedTuple):
    """Rates that options records announced."""

    slots: np.ndarray  # int32
    exporter: np.ndarray  # int64[M]
    sampler: np.ndarray  # uint64[M]
    rate: np.ndarray  # int64[M]


class Exporters(NamedTuple):
    """Counts and words of each exporter."""

    counts: np.ndarray  # int64[X, COUNT_WORDS]
    words: np.ndarray  # int64[X, EXPORTER_WORDS]


@njit(inline="always", **OPTIONS)
def _mixed(one, two, three):
    mixed = (one * _MIX_A) ^ (two * _MIX_B) ^ (three * _MIX_C)
    mixed ^= mixed >> _SPREAD
    mixed *= _MIX_A
    return mixed >> np.uint64(20)


@njit(**OPTIONS)
def find_stream(streams, hi, lo, meta):
    """Row of a stream; -1 where it is not known."""
    mask = streams.slots.shape[0] - 1
    slot = np.int64(_mixed(hi, lo, meta)) & mask
    while streams.slots[slot] >= 0:
        row = streams.slots[slot]
        if streams.keys[row, 0] == hi and streams.keys[row, 1] == lo and streams.keys[row, 2] == meta:
            return np.int64(row)
        slot = (slot + 1) & mask
    return np.int64(-1)


@njit(**OPTIONS)
def place_stream(streams, row):
    """Put a row, whose key is written, where it is found; a slot must be free."""
    mask = streams.slots.shape[0] - 1
    slot = np.int64(_mixed(streams.keys[row, 0], streams.keys[row, 1], streams.keys[row, 2])) & mask
    while streams.slots[slot] >= 0:
        slot = (slot + 1) & mask
    streams.slots[slot] = row


@njit(**OPTIONS)
def find_template(templates, key):
    """Row of a template; -1 where it is not known."""
    mask = templates.slots.shape[0] - 1
    slot = np.int64(_mixed(np.uint64(key), np.uint64(0), np.uint64(0))) & mask
    while templates.slots[slot] >= 0:
        row = templates.slots[slot]
        if templates.keys[row] == key:
            return np.int64(row)
        slot = (slot + 1) & mask
    return np.int64(-1)


@njit(**OPTIONS)
def place_template(templates, row):
    """Put a row, whose key is written, where it is found; a slot must be free."""
    mask = templates.slots.shape[0] - 1
    slot = np.int64(_mixed(np.uint64(templates.keys[row]), np.uint64(0), np.uint64(0))) & mask
    while templates.slots[slot] >= 0:
        slot = (slot + 1) & mask
    templates.slots[slot] = row


@njit(**OPTIONS)
def place_templates(templates, rows):
    """Fill empty slots with the first ``rows`` rows but for the free ones."""
    for row in range(rows):
        if templates.keys[row] >= 0:
            place_template(templates, row)


@njit(**OPTIONS)
def find_sampler(samplers, exporter, sampler):
    """Rate of a sampler of an exporter; 0 where it is not known."""
    mask = samplers.slots.shape[0] - 1
    slot = np.int64(_mixed(np.uint64(exporter), np.uint64(sampler), np.uint64(1))) & mask
    while samplers.slots[slot] >= 0:
        row = samplers.slots[slot]
        if samplers.exporter[row] == exporter and samplers.sampler[row] == sampler:
            return samplers.rate[row]
        slot = (slot + 1) & mask
    return np.int64(0)


@njit(**OPTIONS)
def place_sampler(samplers, row):
    """Put a row, whose key is written, where it is found; a slot must be free."""
    mask = samplers.slots.shape[0] - 1
    slot = np.int64(_mixed(np.uint64(samplers.exporter[row]), samplers.sampler[row], np.uint64(1))) & mask
    while samplers.slots[slot] >= 0:
        slot = (slot + 1) & mask
    samplers.slots[slot] = row
