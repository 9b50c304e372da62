"""Sequence numbers of exporters: what was lost, late, sent twice, begun anew."""

import numpy as np
from numba import njit

from duskwatch.kernels.flow_layout import (
    ALTERNATIVE,
    EXPECTED,
    EXPECTED_FLOWS,
    HITS,
    INCLUSIVE_HITS,
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
def check_sequence(words, counts, sequence, uptime, counts_records, records, flows):
    """Compare the number of a datagram with what was expected, and count what that tells.

    words           int64[STREAM_WORDS] of its stream    counts  int64[COUNT_WORDS] of its exporter
    uptime          milliseconds since the exporter started; -1 where it does not say
    counts_records  whether the standard has the numbers count records, not datagrams
    records, flows  of this datagram, with and without options records; -1 where the numbers do not count them, or they
                    could not be counted

    Some exporters count the other of the two, or count a datagram's own records before its number. Either is believed
    of those that fit it more often than the standard.
    Returns whether the datagram is the newest: then the caller says with expect_sequence what is to come next.
    """
    if words[SEEN] == 0:
        words[SEEN] = 1
        return _newest(words, sequence, uptime)
    restarted = uptime >= 0 and words[LAST_UPTIME] >= 0 and _step(uptime, words[LAST_UPTIME]) < -UPTIME_BACK_MS
    if not restarted:
        expected, other, inclusive = words[EXPECTED], words[ALTERNATIVE], np.int64(-1)
        of_flows = np.int64(-1)
        if records >= 0:
            inclusive = (words[LAST_SEQUENCE] + records) & 0xFFFFFFFF
            of_flows = (words[LAST_SEQUENCE] + flows) & 0xFFFFFFFF
        fits = np.int64(sequence == expected or sequence == words[EXPECTED_FLOWS])
        fits_other = np.int64(sequence == other)
        fits_inclusive = np.int64(sequence == inclusive or sequence == of_flows)
        if fits + fits_other + fits_inclusive == 1:
            words[HITS] += fits
            words[OTHER_HITS] += fits_other
            words[INCLUSIVE_HITS] += fits_inclusive
        if (
            fits
            or (fits_other and words[OTHER_HITS] > words[HITS])
            or (fits_inclusive and words[INCLUSIVE_HITS] > words[HITS])
        ):
            return _newest(words, sequence, uptime)
        if sequence == words[LAST_SEQUENCE]:
            counts[REPEATED] += 1
            return False
        base, of_records = expected, counts_records
        if words[OTHER_HITS] > max(words[HITS], words[INCLUSIVE_HITS]):
            base, of_records = other, not counts_records
        elif words[INCLUSIVE_HITS] > words[HITS]:
            base = inclusive
        if base < 0:
            return _newest(words, sequence, uptime)
        gap = _step(sequence, base)
        if 0 < gap <= MOST_LOST:
            counts[LOST_RECORDS if of_records else LOST_DATAGRAMS] += gap
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
    by_other = words[OTHER_HITS] > max(words[HITS], words[INCLUSIVE_HITS])
    if counts_records != by_other:
        counts[LOST_RECORDS] -= min(records, counts[LOST_RECORDS])
    else:
        counts[LOST_DATAGRAMS] -= min(np.int64(1), counts[LOST_DATAGRAMS])


@njit(**OPTIONS)
def expect_sequence(words, sequence, records, flows, counts_records):
    """What number is to come after this one. ``records`` and ``flows`` as in check_sequence."""
    after_records = np.int64(-1) if records < 0 else (sequence + records) & 0xFFFFFFFF
    after_datagram = (sequence + 1) & 0xFFFFFFFF
    words[EXPECTED_FLOWS] = -1
    if counts_records:
        words[EXPECTED] = after_records
        words[EXPECTED_FLOWS] = (sequence + flows) & 0xFFFFFFFF if records >= 0 else -1
        words[ALTERNATIVE] = after_datagram
    else:
        words[EXPECTED] = after_datagram
        words[ALTERNATIVE] = after_records
    if after_records == after_datagram:
        words[ALTERNATIVE] = -1
