"""Datagrams of NetFlow 5, NetFlow 9 and IPFIX into rows of flows: one pass, every length checked before it is read.

NetFlow 5 is read as Cisco describes it, NetFlow 9 by RFC 3954, IPFIX by RFC 7011. What needs more than columns (a new
sender, a template, a table of samplers) is handed to the caller, who then lets the scan go on.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from duskwatch.kernels import flow_layout as to
from duskwatch.kernels.flow_records import read_records
from duskwatch.kernels.flow_refusals import refuse
from duskwatch.kernels.flow_sequence import came_late, check_sequence, expect_sequence
from duskwatch.kernels.flow_sflow import begin_sflow, read_samples
from duskwatch.kernels.flow_tables import find_stream, find_template
from duskwatch.kernels.flow_words import OPTIONS, u16, u32


class Datagrams(NamedTuple):
    """N datagrams in one piece of memory, and who sent them. Addresses are left-aligned in 128 bits."""

    data: np.ndarray  # uint8
    start: np.ndarray  # int64[N]
    length: np.ndarray  # int64[N]: octets that are there
    whole: np.ndarray  # int64[N]: octets that were sent; more than length where a capture cut them off
    received_us: np.ndarray  # int64[N]; 0 where it is not known
    afi: np.ndarray  # uint8[N]; 0 where the sender is not known
    hi: np.ndarray  # uint64[N]
    lo: np.ndarray  # uint64[N]
    port: np.ndarray  # uint16[N]


PORT_BITS = np.uint64(0xFFFF << 32)
UNKNOWN = np.int64(-1)


@njit(**OPTIONS)
def scan(batch, streams, templates, samplers, exporters, out, reasons, refusals, cursor, key):
    """Read datagrams from where the cursor stands. Returns what ended it: DONE, FULL, or something for the caller.

    out       uint64[COLUMNS, rows]; cursor[ROWS] of them are written
    reasons   int64[len(REASONS)] counts of what was refused      refusals  int64[REFUSALS_KEPT, 3]
    key       uint64[4]: address, version << 48 | port << 32 | domain, and afi of a stream that is new
    """
    data = batch.data
    while cursor[to.DATAGRAM] < batch.start.shape[0]:
        i = cursor[to.DATAGRAM]
        if cursor[to.AT] == 0:
            begun = _begin(batch, i, streams, exporters, reasons, refusals, cursor, key)
            if begun == 1:
                return to.NEW_STREAM
            if begun == 2:
                cursor[to.DATAGRAM] = i + 1
                continue
        if cursor[to.VERSION] == to.SFLOW5:
            ended = read_samples(
                data, batch.start[i], batch.received_us[i], streams, exporters, out, reasons, refusals, cursor, key
            )
        else:
            ended = _read_sets(batch, i, templates, samplers, exporters, out, reasons, refusals, cursor)
        if ended != to.DONE:
            return ended
        _end(streams, exporters, cursor)
        cursor[to.DATAGRAM] = i + 1
        cursor[to.AT] = 0
    return to.DONE


@njit(**OPTIONS)
def _begin(batch, i, streams, exporters, reasons, refusals, cursor, key):
    """Read a header. Returns 0 where there is more to read, 1 where the sender is new, 2 where that was all."""
    data, at = batch.data, batch.start[i]
    end = at + batch.length[i]
    cursor[to.WHOSE] = -1
    if end - at < batch.whole[i]:
        refuse(cursor, reasons, refusals, exporters, end - at, to.CUT)
        return 2
    if end - at < 4:
        refuse(cursor, reasons, refusals, exporters, 0, to.SHORT)
        return 2
    version, uptime, export_us, records = u16(data, at), np.int64(-1), np.int64(0), np.int64(-1)
    reason, header, until = 0, 0, end
    key[0], key[1], key[3] = batch.hi[i], batch.lo[i], batch.afi[i]
    if version == to.NETFLOW5:
        header = 24
        if end - at >= header:
            records = u16(data, at + 2)
            export_us = u32(data, at + 8) * 1_000_000 + min(u32(data, at + 12) // 1000, 999_999)
            cursor[to.SEQUENCE] = u32(data, at + 16)
            cursor[to.DOMAIN] = u16(data, at + 20)
            cursor[to.SAMPLING] = u16(data, at + 22) & 0x3FFF
            uptime = u32(data, at + 4)
            until = at + header + 48 * records
            if not 1 <= records <= 30:
                reason = to.BAD_COUNT
            if until > end:
                reason = to.LYING_COUNT
    elif version == to.NETFLOW9:
        header = 20
        if end - at >= header:
            records = u16(data, at + 2)
            uptime = u32(data, at + 4)
            export_us = u32(data, at + 8) * 1_000_000
            cursor[to.SEQUENCE] = u32(data, at + 12)
            cursor[to.DOMAIN] = u32(data, at + 16)
    elif version == to.IPFIX:
        header = 16
        if end - at >= header:
            until = at + u16(data, at + 2)
            export_us = u32(data, at + 4) * 1_000_000
            cursor[to.SEQUENCE] = u32(data, at + 8)
            cursor[to.DOMAIN] = u32(data, at + 12)
            if until > end or until < at + header:
                reason = to.BAD_LENGTH
    elif u32(data, at) == 5:
        version = to.SFLOW5
        reason, header, uptime = begin_sflow(data, at, end, cursor, key)
    else:
        reason = to.BAD_VERSION
    if reason == 0 and end - at < header:
        reason = to.SHORT
    if reason:
        refuse(cursor, reasons, refusals, exporters, 0, reason)
        return 2
    cursor[to.VERSION] = version
    key[2] = (
        np.uint64(cursor[to.DOMAIN]) | np.uint64(batch.port[i]) << np.uint64(32) | np.uint64(version) << np.uint64(48)
    )
    stream = find_stream(streams, key[0], key[1], key[2])
    if stream < 0:  # one that sends from ever new ports has a stream for all of them
        stream = find_stream(streams, key[0], key[1], key[2] & ~PORT_BITS)
    if stream < 0:
        if cursor[to.ALL_KEPT]:
            refuse(cursor, reasons, refusals, exporters, 0, to.MANY_EXPORTERS)
            return 2
        return 1
    exporter = np.int64(streams.exporter[stream])
    cursor[to.STREAM] = stream
    cursor[to.WHOSE] = exporter
    cursor[to.EXPORT_US] = export_us
    cursor[to.UP] = uptime
    cursor[to.COUNTED] = 0
    cursor[to.UNCOUNTED] = 0
    cursor[to.OPTIONED] = 0
    cursor[to.SETS_LEFT] = records if version == to.NETFLOW9 else -1
    cursor[to.SET_END] = 0
    cursor[to.AT] = at + header
    cursor[to.UNTIL] = until
    counts = exporters.counts[exporter]
    if not cursor[to.AGAIN]:
        counts[to.DATAGRAMS] += 1
        counts[to.OCTETS] += end - at
        received = batch.received_us[i]
        if received:
            counts[to.FIRST_US] = min(received, counts[to.FIRST_US]) if counts[to.FIRST_US] else received
            counts[to.LAST_US] = max(received, counts[to.LAST_US])
        if version == to.NETFLOW9 or version == to.SFLOW5:
            words = streams.words[stream]
            cursor[to.IN_ORDER] = check_sequence(words, counts, cursor[to.SEQUENCE], uptime, False, UNKNOWN, UNKNOWN)
            if cursor[to.IN_ORDER]:
                expect_sequence(words, cursor[to.SEQUENCE], records, records, False)
    return 0


@njit(**OPTIONS)
def _end(streams, exporters, cursor):
    """What is known of a datagram once all of it was read."""
    version = cursor[to.VERSION]
    if cursor[to.AGAIN]:
        return
    words, counts = streams.words[cursor[to.STREAM]], exporters.counts[cursor[to.WHOSE]]
    records = np.int64(-1) if cursor[to.UNCOUNTED] else cursor[to.COUNTED]
    by_records = version == to.NETFLOW5 or version == to.IPFIX
    if by_records:
        flows = max(records - cursor[to.OPTIONED], UNKNOWN)
        cursor[to.IN_ORDER] = check_sequence(words, counts, cursor[to.SEQUENCE], cursor[to.UP], True, records, flows)
    if not cursor[to.IN_ORDER]:
        came_late(words, counts, max(records, 0), by_records)
    elif by_records:
        expect_sequence(words, cursor[to.SEQUENCE], records, max(records - cursor[to.OPTIONED], UNKNOWN), True)


@njit(**OPTIONS)
def _read_sets(batch, i, templates, samplers, exporters, out, reasons, refusals, cursor):
    data = batch.data
    if cursor[to.VERSION] == to.NETFLOW5:
        return read_records(
            batch, i, to.NETFLOW5_TEMPLATE, cursor[to.AT], cursor[to.UNTIL], templates, samplers, exporters, out,
            reasons, refusals, cursor,
        )  # fmt: skip
    while True:
        if cursor[to.SET_END]:  # a set that filled the rows, or was begun by nobody yet
            template = find_template(templates, cursor[to.WHOSE] << 16 | cursor[to.SET_ID])
            ended = read_records(
                batch, i, template, cursor[to.SET_AT], cursor[to.SET_END], templates, samplers, exporters, out, reasons,
                refusals, cursor,
            )  # fmt: skip
            if ended != to.DONE:
                return ended
            cursor[to.SET_END] = 0
        at, until = cursor[to.AT], cursor[to.UNTIL]
        if at + 4 > until:
            return to.DONE
        number, size = u16(data, at), u16(data, at + 2)
        if cursor[to.SETS_LEFT] == 0 and (number or size) and not cursor[to.AGAIN]:
            # The header is to count all records (RFC 3954 section 5.1); softflowd counts flows alone.
            exporters.counts[cursor[to.WHOSE], to.MISCOUNTED] += 1
        # Some exporters do not count the padding of the last set in the message's length: the datagram is the bound.
        if size < 4 or at + size > batch.start[i] + batch.length[i]:
            if number == 0 and size == 0 and _only_zeros(data, at, until):
                return to.DONE  # padding of those who send datagrams of one size
            cursor[to.UNCOUNTED] += 1
            where = at - batch.start[i]
            refuse(cursor, reasons, refusals, exporters, where, to.SHORT_SET if size < 4 else to.LONG_SET)
            return to.DONE
        cursor[to.AT] = at + size
        cursor[to.SETS_LEFT] -= 1
        cursor[to.SET_AT] = at + 4
        end = at + size
        cursor[to.SET_ID] = number
        if number < 256:
            if number == (0 if cursor[to.VERSION] == to.NETFLOW9 else 2) or number == (
                1 if cursor[to.VERSION] == to.NETFLOW9 else 3
            ):
                cursor[to.LEFT] = end
                return to.TEMPLATE_SET
            refuse(cursor, reasons, refusals, exporters, at - batch.start[i], to.RESERVED_SET)
            continue
        template = find_template(templates, cursor[to.WHOSE] << 16 | number)
        if template >= 0 and cursor[to.LIFE_US] > 0:
            refreshed, received = templates.refreshed_us[template], batch.received_us[i]
            if refreshed > 0 and received > refreshed + cursor[to.LIFE_US]:
                template = np.int64(-1)
        if template < 0:
            cursor[to.UNCOUNTED] += 1
            if not cursor[to.AGAIN]:
                exporters.counts[cursor[to.WHOSE], to.UNKNOWN_SETS] += 1
                exporters.counts[cursor[to.WHOSE], to.UNKNOWN_OCTETS] += size
                if not cursor[to.QUIET]:
                    cursor[to.LEFT] = end
                    return to.UNKNOWN_SET
            continue
        if templates.words[template, to.T_KIND] == to.OPTIONS_READ:
            cursor[to.LEFT] = end
            return to.OPTIONS_SET
        cursor[to.SET_END] = end


@njit(**OPTIONS)
def _only_zeros(data, at, end):
    sum_of_bits = 0
    for i in range(at, end):
        sum_of_bits |= data[i]
    return sum_of_bits == 0
