"""Sequence numbers of exporters: what was lost, late, sent twice, begun anew."""

import numpy as np
from numba import njit

from duskwatch.kernels import flow_layout as to
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
    if words[to.SEEN] == 0:
        words[to.SEEN] = 1
        return _newest(words, sequence, uptime)
    restarted = uptime >= 0 and words[to.LAST_UPTIME] >= 0 and _step(uptime, words[to.LAST_UPTIME]) < -to.UPTIME_BACK_MS
    if not restarted:
        expected, other, inclusive = words[to.EXPECTED], words[to.ALTERNATIVE], np.int64(-1)
        of_flows = np.int64(-1)
        if records >= 0:
            inclusive = (words[to.LAST_SEQUENCE] + records) & 0xFFFFFFFF
            of_flows = (words[to.LAST_SEQUENCE] + flows) & 0xFFFFFFFF
        fits = np.int64(sequence == expected or sequence == words[to.EXPECTED_FLOWS])
        fits_other = np.int64(sequence == other)
        fits_inclusive = np.int64(sequence == inclusive or sequence == of_flows)
        if fits + fits_other + fits_inclusive == 1:
            words[to.HITS] += fits
            words[to.OTHER_HITS] += fits_other
            words[to.INCLUSIVE_HITS] += fits_inclusive
        if (
            fits
            or (fits_other and words[to.OTHER_HITS] > words[to.HITS])
            or (fits_inclusive and words[to.INCLUSIVE_HITS] > words[to.HITS])
        ):
            return _newest(words, sequence, uptime)
        if sequence == words[to.LAST_SEQUENCE]:
            counts[to.REPEATED] += 1
            return False
        base, of_records = expected, counts_records
        if words[to.OTHER_HITS] > max(words[to.HITS], words[to.INCLUSIVE_HITS]):
            base, of_records = other, not counts_records
        elif words[to.INCLUSIVE_HITS] > words[to.HITS]:
            base = inclusive
        if base < 0:
            return _newest(words, sequence, uptime)
        gap = _step(sequence, base)
        if 0 < gap <= to.MOST_LOST:
            counts[to.LOST_RECORDS if of_records else to.LOST_DATAGRAMS] += gap
            return _newest(words, sequence, uptime)
        if -to.REORDERED <= gap < 0 and words[to.LATE_RUN] < to.LATE_IN_A_ROW:
            words[to.LATE_RUN] += 1
            counts[to.LATE] += 1
            return False
    counts[to.RESTARTS] += 1
    return _newest(words, sequence, uptime)


@njit(inline="always", **OPTIONS)
def _newest(words, sequence, uptime):
    words[to.LATE_RUN] = 0
    words[to.LAST_SEQUENCE] = sequence
    words[to.LAST_UPTIME] = uptime
    return True


@njit(**OPTIONS)
def came_late(words, counts, records, counts_records):
    """A datagram that was counted as lost came after all: it held so many records."""
    by_other = words[to.OTHER_HITS] > max(words[to.HITS], words[to.INCLUSIVE_HITS])
    if counts_records != by_other:
        counts[to.LOST_RECORDS] -= min(records, counts[to.LOST_RECORDS])
    else:
        counts[to.LOST_DATAGRAMS] -= min(np.int64(1), counts[to.LOST_DATAGRAMS])


@njit(**OPTIONS)
def expect_sequence(words, sequence, records, flows, counts_records):
    """What number is to come after this one. ``records`` and ``flows`` as in check_sequence."""
    after_records = np.int64(-1) if records < 0 else (sequence + records) & 0xFFFFFFFF
    after_datagram = (sequence + 1) & 0xFFFFFFFF
    words[to.EXPECTED_FLOWS] = -1
    if counts_records:
        words[to.EXPECTED] = after_records
        words[to.EXPECTED_FLOWS] = (sequence + flows) & 0xFFFFFFFF if records >= 0 else -1
        words[to.ALTERNATIVE] = after_datagram
    else:
        words[to.EXPECTED] = after_datagram
        words[to.ALTERNATIVE] = after_records
    if after_records == after_datagram:
        words[to.ALTERNATIVE] = -1
