"""Sequence numbers of exporters: what was lost, late, sent twice, begun anew."""

import numpy as np
from numba import njit

from duskwatch.kernels.flow_layout import (
    ALTERNATIVE,
    EXPECTED,
    HITS,
    LAST_SEQUENCE,
    LAST_UPTIME,
    LATE,
    LATE_IN_A_ROW,
    LATE_RUN,
    LOST_DATAGRAMS,
    LOST_RECORDS,
    MOST_LOST,
    OTHER_HITS,
    REORDERED,
    REPEATED,
    RESTARTS,
    SEEN,
    UPTIME_BACK_MS,
)
from duskwatch.kernels.flow_words import OPTIONS


@njit(inline="always", **OPTIONS)
def _step(later, earlier):
    """Difference of two numbers of 32 bits that wrap, -2**31 to 2**31 - 1."""
    step = (later - earlier) & 0xFFFFFFFF
    return step - (1 << 32) if step >= (1 << 31) else step


@njit(**OPTIONS)
def check_sequence(words, counts, sequence, uptime, counts_records):
    """Compare the number of a datagram with what was expected, and count what that tells.

    words           int64[STREAM_WORDS] of its stream    counts  int64[COUNT_WORDS] of its exporter
    uptime          milliseconds since the exporter started; -1 where it does not say
    counts_records  whether the standard has the numbers count records, not datagrams

    Some exporters count the other of the two. That is believed of those that fit it more often than the standard.
    Returns whether the datagram is the newest: then the caller says with expect_sequence what is to come next.
    """
    if words[SEEN] == 0:
        words[SEEN] = 1
        words[LAST_UPTIME] = uptime
        words[LAST_SEQUENCE] = sequence
        return True
    restarted = uptime >= 0 and words[LAST_UPTIME] >= 0 and _step(uptime, words[LAST_UPTIME]) < -UPTIME_BACK_MS
    expected, other = words[EXPECTED], words[ALTERNATIVE]
    if not restarted:
        if expected >= 0 and sequence == expected:
            words[HITS] += other >= 0  # else both counts would have given this number
            return _newest(words, sequence, uptime)
        if other >= 0 and sequence == other:
            words[OTHER_HITS] += 1
            if words[OTHER_HITS] > words[HITS]:
                return _newest(words, sequence, uptime)
        if sequence == words[LAST_SEQUENCE]:
            counts[REPEATED] += 1
            return False
        by_other = words[OTHER_HITS] > words[HITS]
        base = other if by_other else expected
        if base < 0:
            return _newest(words, sequence, uptime)
        lost = LOST_RECORDS if counts_records != by_other else LOST_DATAGRAMS
        gap = _step(sequence, base)
        if 0 < gap <= MOST_LOST:
            counts[lost] += gap
            return _newest(words, sequence, uptime)
        if -REORDERED <= gap < 0 and words[LATE_RUN] < LATE_IN_A_ROW:
            words[LATE_RUN] += 1
            counts[LATE] += 1
            return False
    counts[RESTARTS] += 1
    return _newest(words, sequence, uptime)


@njit(inline="always", **OPTIONS)
def _newest(words, sequence, uptime):
    words[LATE_RUN] = 0
    words[LAST_SEQUENCE] = sequence
    words[LAST_UPTIME] = uptime
    return True


@njit(**OPTIONS)
def came_late(words, counts, records, counts_records):
    """A datagram that was counted as lost came after all: it held so many records."""
    by_other = words[OTHER_HITS] > words[HITS]
    if counts_records != by_other:
        counts[LOST_RECORDS] -= min(records, counts[LOST_RECORDS])
    else:
        counts[LOST_DATAGRAMS] -= min(np.int64(1), counts[LOST_DATAGRAMS])


@njit(**OPTIONS)
def expect_sequence(words, sequence, records, counts_records):
    """What number is to come after this one. ``records`` of the datagram, -1 where they could not all be counted."""
    after_records = np.int64(-1) if records < 0 else (sequence + records) & 0xFFFFFFFF
    after_datagram = (sequence + 1) & 0xFFFFFFFF
    if counts_records:
        words[EXPECTED] = after_records
        words[ALTERNATIVE] = after_datagram
    else:
        words[EXPECTED] = after_datagram
        words[ALTERNATIVE] = after_records
    if after_records == after_datagram:
        words[ALTERNATIVE] = -1
