"""Datagrams of NetFlow 5, NetFlow 9 and IPFIX into rows of flows: one pass, every length checked before it is read.

NetFlow 5 is read as Cisco describes it, NetFlow 9 by RFC 3954, IPFIX by RFC 7011. What needs more than columns (a new
sender, a template, a table of samplers) is handed to the caller, who then lets the scan go on.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from duskwatch.kernels.flow_fields import finish, read_fields
from duskwatch.kernels.flow_layout import (
    AFI,
    AGAIN,
    ALL_KEPT,
    AT,
    BAD_COUNT,
    BAD_LENGTH,
    BAD_VERSION,
    BOOT_US,
    BYTES,
    COUNTED,
    CUT,
    DATA,
    DATAGRAM,
    DATAGRAMS,
    DOMAIN,
    DONE,
    DST_HI,
    DST_LO,
    DST_PORT,
    EXPORT_US,
    EXTRA_SETS,
    FILL,
    FIRST_US,
    FLOWS,
    FULL,
    GIVEN,
    HAS_FRAME,
    IN_ORDER,
    INNER,
    INPUT,
    INTERVAL,
    IPFIX,
    IS_BIFLOW,
    LAST_US,
    LEFT,
    LIFE_US,
    LONG_FIELD,
    LONG_SET,
    LONGEST_US,
    LYING_COUNT,
    MANY_EXPORTERS,
    NETFLOW5,
    NETFLOW5_TEMPLATE,
    NETFLOW9,
    NEW_STREAM,
    NO_WALK,
    OCTETS,
    OPERATIONS,
    OPTION_RECORDS,
    OPTIONS_PASSED,
    OPTIONS_READ,
    OPTIONS_SET,
    OTHERS,
    OUTPUT,
    PACKETS,
    QUIET,
    RESERVED_SET,
    REV_BYTES,
    REV_FLAGS,
    REV_PACKETS,
    ROWS,
    SAMPLING,
    SEQUENCE,
    SET_AT,
    SET_END,
    SET_ID,
    SETS_LEFT,
    SFLOW5,
    SHORT,
    SHORT_SET,
    SRC_HI,
    SRC_LO,
    SRC_PORT,
    STREAM,
    T_FIELDS,
    T_KIND,
    T_LENGTH,
    T_MARKS,
    T_OPERATIONS,
    T_WALK,
    TCP_FLAGS,
    TEMPLATE_SET,
    UNCOUNTED,
    UNKNOWN_OCTETS,
    UNKNOWN_SET,
    UNKNOWN_SETS,
    UNTIL,
    UP,
    VARIABLE,
    VERSION,
    WHOSE,
)
from duskwatch.kernels.flow_refusals import refuse
from duskwatch.kernels.flow_sequence import came_late, check_sequence, expect_sequence
from duskwatch.kernels.flow_sflow import begin_sflow, read_samples
from duskwatch.kernels.flow_tables import find_stream, find_template
from duskwatch.kernels.flow_words import OPTIONS, u8, u16, u32


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


@njit(**OPTIONS)
def scan(batch, streams, templates, samplers, exporters, out, reasons, refusals, cursor, key):
    """Read datagrams from where the cursor stands. Returns what ended it: DONE, FULL, or something for the caller.

    out       uint64[COLUMNS, rows]; cursor[ROWS] of them are written
    reasons   int64[len(REASONS)] counts of what was refused      refusals  int64[REFUSALS_KEPT, 3]
    key       uint64[4]: address, version << 48 | port << 32 | domain, and family of a stream that is new
    """
    data = batch.data
    while cursor[DATAGRAM] < batch.start.shape[0]:
        i = cursor[DATAGRAM]
        if cursor[AT] == 0:
            begun = _begin(batch, i, streams, exporters, reasons, refusals, cursor, key)
            if begun == 1:
                return NEW_STREAM
            if begun == 2:
                cursor[DATAGRAM] = i + 1
                continue
        if cursor[VERSION] == SFLOW5:
            ended = read_samples(
                data, batch.start[i], batch.received_us[i], streams, exporters, out, reasons, refusals, cursor, key
            )
        else:
            ended = _read_sets(batch, i, templates, samplers, exporters, out, reasons, refusals, cursor)
        if ended != DONE:
            return ended
        _end(streams, exporters, cursor)
        cursor[DATAGRAM] = i + 1
        cursor[AT] = 0
    return DONE


@njit(**OPTIONS)
def _begin(batch, i, streams, exporters, reasons, refusals, cursor, key):
    """Read a header. Returns 0 where there is more to read, 1 where the sender is new, 2 where that was all."""
    data, at = batch.data, batch.start[i]
    end = at + batch.length[i]
    cursor[WHOSE] = -1
    if end - at < batch.whole[i]:
        refuse(cursor, reasons, refusals, exporters, end - at, CUT)
        return 2
    if end - at < 4:
        refuse(cursor, reasons, refusals, exporters, 0, SHORT)
        return 2
    version, uptime, export_us, records = u16(data, at), np.int64(-1), np.int64(0), np.int64(-1)
    reason, header, until = 0, 0, end
    key[0], key[1], key[3] = batch.hi[i], batch.lo[i], batch.afi[i]
    if version == NETFLOW5:
        header = 24
        if end - at >= header:
            records = u16(data, at + 2)
            export_us = u32(data, at + 8) * 1_000_000 + min(u32(data, at + 12) // 1000, 999_999)
            cursor[SEQUENCE] = u32(data, at + 16)
            cursor[DOMAIN] = u16(data, at + 20)
            cursor[SAMPLING] = u16(data, at + 22) & 0x3FFF
            uptime = u32(data, at + 4)
            until = at + header + 48 * records
            if not 1 <= records <= 30:
                reason = BAD_COUNT
            if until > end:
                reason = LYING_COUNT
    elif version == NETFLOW9:
        header = 20
        if end - at >= header:
            records = u16(data, at + 2)
            uptime = u32(data, at + 4)
            export_us = u32(data, at + 8) * 1_000_000
            cursor[SEQUENCE] = u32(data, at + 12)
            cursor[DOMAIN] = u32(data, at + 16)
    elif version == IPFIX:
        header = 16
        if end - at >= header:
            until = at + u16(data, at + 2)
            export_us = u32(data, at + 4) * 1_000_000
            cursor[SEQUENCE] = u32(data, at + 8)
            cursor[DOMAIN] = u32(data, at + 12)
            if until > end or until < at + header:
                reason = BAD_LENGTH
    elif u32(data, at) == 5:
        version = SFLOW5
        reason, header, uptime = begin_sflow(data, at, end, cursor, key)
    else:
        reason = BAD_VERSION
    if reason == 0 and end - at < header:
        reason = SHORT
    if reason:
        refuse(cursor, reasons, refusals, exporters, 0, reason)
        return 2
    cursor[VERSION] = version
    key[2] = np.uint64(cursor[DOMAIN]) | np.uint64(batch.port[i]) << np.uint64(32) | np.uint64(version) << np.uint64(48)
    stream = find_stream(streams, key[0], key[1], key[2])
    if stream < 0:  # one that sends from ever new ports has a stream for all of them
        stream = find_stream(streams, key[0], key[1], key[2] & ~PORT_BITS)
    if stream < 0:
        if cursor[ALL_KEPT]:
            refuse(cursor, reasons, refusals, exporters, 0, MANY_EXPORTERS)
            return 2
        return 1
    exporter = np.int64(streams.exporter[stream])
    cursor[STREAM] = stream
    cursor[WHOSE] = exporter
    cursor[EXPORT_US] = export_us
    cursor[UP] = uptime
    cursor[COUNTED] = 0
    cursor[UNCOUNTED] = 0
    cursor[SETS_LEFT] = records if version == NETFLOW9 else -1
    cursor[SET_END] = 0
    cursor[AT] = at + header
    cursor[UNTIL] = until
    counts = exporters.counts[exporter]
    if not cursor[AGAIN]:
        counts[DATAGRAMS] += 1
        counts[OCTETS] += end - at
        received = batch.received_us[i]
        if received:
            counts[FIRST_US] = min(received, counts[FIRST_US]) if counts[FIRST_US] else received
            counts[LAST_US] = max(received, counts[LAST_US])
        by_records = version == NETFLOW5 or version == IPFIX
        newest = check_sequence(streams.words[stream], counts, cursor[SEQUENCE], uptime, by_records)
        cursor[IN_ORDER] = newest
        if newest and not by_records:
            expect_sequence(streams.words[stream], cursor[SEQUENCE], records, False)
    return 0


@njit(**OPTIONS)
def _end(streams, exporters, cursor):
    """What is known of a datagram once all of it was read."""
    version = cursor[VERSION]
    if cursor[AGAIN]:
        return
    by_records = version == NETFLOW5 or version == IPFIX
    records = np.int64(-1) if cursor[UNCOUNTED] else cursor[COUNTED]
    if not cursor[IN_ORDER]:
        came_late(streams.words[cursor[STREAM]], exporters.counts[cursor[WHOSE]], max(records, 0), by_records)
    elif by_records:
        expect_sequence(streams.words[cursor[STREAM]], cursor[SEQUENCE], records, True)


@njit(**OPTIONS)
def _read_sets(batch, i, templates, samplers, exporters, out, reasons, refusals, cursor):
    data = batch.data
    if cursor[VERSION] == NETFLOW5:
        return _read_data(
            batch, i, NETFLOW5_TEMPLATE, cursor[AT], cursor[UNTIL], templates, samplers, exporters, out, reasons,
            refusals, cursor,
        )  # fmt: skip
    while True:
        if cursor[SET_END]:  # a set that filled the rows, or was begun by nobody yet
            template = find_template(templates, cursor[WHOSE] << 16 | cursor[SET_ID])
            ended = _read_data(
                batch, i, template, cursor[SET_AT], cursor[SET_END], templates, samplers, exporters, out, reasons,
                refusals, cursor,
            )  # fmt: skip
            if ended != DONE:
                return ended
            cursor[SET_END] = 0
        at, until = cursor[AT], cursor[UNTIL]
        if at + 4 > until:
            return DONE
        number, size = u16(data, at), u16(data, at + 2)
        if cursor[SETS_LEFT] == 0 and (number or size):
            # RFC 3954 section 5.1: the header counts all records. Some count sets; none may count less than both.
            refuse(cursor, reasons, refusals, exporters, at - batch.start[i], EXTRA_SETS)
            return DONE
        # Some exporters do not count the padding of the last set in the message's length: the datagram is the bound.
        if size < 4 or at + size > batch.start[i] + batch.length[i]:
            if number == 0 and size == 0 and _only_zeros(data, at, until):
                return DONE  # padding of those who send datagrams of one size
            cursor[UNCOUNTED] += 1
            where = at - batch.start[i]
            refuse(cursor, reasons, refusals, exporters, where, SHORT_SET if size < 4 else LONG_SET)
            return DONE
        cursor[AT] = at + size
        cursor[SETS_LEFT] -= 1
        cursor[SET_AT] = at + 4
        end = at + size
        cursor[SET_ID] = number
        if number < 256:
            if number == (0 if cursor[VERSION] == NETFLOW9 else 2) or number == (
                1 if cursor[VERSION] == NETFLOW9 else 3
            ):
                cursor[LEFT] = end
                return TEMPLATE_SET
            refuse(cursor, reasons, refusals, exporters, at - batch.start[i], RESERVED_SET)
            continue
        template = find_template(templates, cursor[WHOSE] << 16 | number)
        if template >= 0 and cursor[LIFE_US] > 0:
            refreshed, received = templates.refreshed_us[template], batch.received_us[i]
            if refreshed > 0 and received > refreshed + cursor[LIFE_US]:
                template = np.int64(-1)
        if template < 0:
            cursor[UNCOUNTED] += 1
            if not cursor[AGAIN]:
                exporters.counts[cursor[WHOSE], UNKNOWN_SETS] += 1
                exporters.counts[cursor[WHOSE], UNKNOWN_OCTETS] += size
                if not cursor[QUIET]:
                    cursor[LEFT] = end
                    return UNKNOWN_SET
            continue
        if templates.words[template, T_KIND] == OPTIONS_READ:
            cursor[LEFT] = end
            return OPTIONS_SET
        cursor[SET_END] = end


@njit(**OPTIONS)
def _only_zeros(data, at, end):
    sum_of_bits = 0
    for i in range(at, end):
        sum_of_bits |= data[i]
    return sum_of_bits == 0


@njit(**OPTIONS)
def _read_data(batch, i, template, at, end, templates, samplers, exporters, out, reasons, refusals, cursor):
    """Records of one set, as many as there is room for. DONE, or FULL with the place kept."""
    data = batch.data
    words = templates.words[template]
    least, kind, walk, marks = np.int64(words[T_LENGTH]), words[T_KIND], words[T_WALK], words[T_MARKS]
    exporter = cursor[WHOSE]
    counts = exporters.counts[exporter]
    fixed = walk == NO_WALK
    if kind != DATA:
        count = (end - at) // least if fixed else _count_walked(data, at, end, templates, template)
        if count < 0:
            count = -count - 1
            cursor[UNCOUNTED] += 1
            refuse(cursor, reasons, refusals, exporters, at - batch.start[i], LONG_FIELD)
        cursor[COUNTED] += count
        counts[OPTION_RECORDS if kind == OPTIONS_PASSED else OTHERS] += count
        return DONE
    rows_each = 2 if marks & IS_BIFLOW else 1
    boot_us = exporters.words[exporter, BOOT_US]
    uptime = cursor[UP]
    while at + least <= end:
        row = cursor[ROWS]
        room = (out.shape[1] - row) // rows_each
        if room == 0:
            cursor[SET_AT] = at
            if cursor[VERSION] == NETFLOW5:
                cursor[AT] = at
            return FULL
        if fixed:
            count = min((end - at) // least, room)
            read_fields(
                data, at, least, count, templates.operations[template], words[T_OPERATIONS], out, row,
                cursor[EXPORT_US], uptime, boot_us, cursor[INNER],
            )  # fmt: skip
            at += count * least
        else:
            after = _place_fields(data, at, end, templates, template)
            if after < 0:
                cursor[UNCOUNTED] += 1
                refuse(cursor, reasons, refusals, exporters, at - batch.start[i], LONG_FIELD)
                return DONE
            count = np.int64(1)
            read_fields(
                data, at, 0, count, templates.scratch, words[T_OPERATIONS], out, row, cursor[EXPORT_US], uptime,
                boot_us, cursor[INNER],
            )  # fmt: skip
            at = after
        if cursor[VERSION] == NETFLOW5:
            for k in range(row, row + count):
                out[INTERVAL, k] = cursor[SAMPLING]
        cursor[COUNTED] += count
        if marks & HAS_FRAME:
            kept = _with_address(out, row, count)
            counts[OTHERS] += count - kept
            count = kept
        longest = finish(
            out, row, count, marks, exporter, cursor[EXPORT_US], batch.received_us[i], exporters.words, samplers
        )
        counts[LONGEST_US] = max(counts[LONGEST_US], longest)
        if marks & IS_BIFLOW:
            count += _reversed(out, row, count)
        counts[FLOWS] += count
        cursor[ROWS] = row + count
    return DONE


@njit(**OPTIONS)
def _place_fields(data, at, end, templates, template):
    """Find the fields of one record; the operations on them go to ``scratch``. Where the record ends; -1: not in it."""
    words = templates.words[template]
    lengths = templates.walks[words[T_WALK]]
    scratch = templates.scratch
    place = at
    for k in range(words[T_FIELDS]):
        size = np.int64(lengths[k])
        if size == VARIABLE:
            if place >= end:
                return np.int64(-1)
            size = u8(data, place)
            place += 1
            if size == 255:
                if place + 2 > end:
                    return np.int64(-1)
                size = u16(data, place)
                place += 2
        if place + size > end:
            return np.int64(-1)
        scratch[OPERATIONS + k, 2] = place - at
        scratch[OPERATIONS + k, 3] = size
        place += size
    for k in range(words[T_OPERATIONS]):
        of = templates.operations[template, k]
        scratch[k, 0] = of[0]
        scratch[k, 1] = of[1]
        if of[0] == FILL:
            scratch[k, 3] = of[3]
            continue
        scratch[k, 2] = scratch[OPERATIONS + of[2], 2]
        scratch[k, 3] = scratch[OPERATIONS + of[2], 3]
    return place


@njit(**OPTIONS)
def _count_walked(data, at, end, templates, template):
    """How many records with fields of variable length there are; -1 less that number where the next runs past."""
    count = np.int64(0)
    least = templates.words[template, T_LENGTH]
    while at + least <= end:
        at = _place_fields(data, at, end, templates, template)
        if at < 0:
            return -count - 1
        count += 1
    return count


@njit(**OPTIONS)
def _with_address(out, row, count):
    """Move rows that have an address to the front; how many they are."""
    kept = row
    for i in range(row, row + count):
        if out[AFI, i]:
            if kept != i:
                for column in range(out.shape[0]):
                    out[column, kept] = out[column, i]
            kept += 1
    return kept - row


@njit(**OPTIONS)
def _reversed(out, row, count):
    """Behind rows that count both directions, rows of the reverse one; how many they are."""
    at = row + count
    for i in range(row, row + count):
        if out[REV_BYTES, i] == 0 and out[REV_PACKETS, i] == 0:
            continue
        for column in range(GIVEN):
            out[column, at] = out[column, i]
        out[SRC_HI, at], out[SRC_LO, at] = out[DST_HI, i], out[DST_LO, i]
        out[DST_HI, at], out[DST_LO, at] = out[SRC_HI, i], out[SRC_LO, i]
        out[SRC_PORT, at], out[DST_PORT, at] = out[DST_PORT, i], out[SRC_PORT, i]
        out[INPUT, at], out[OUTPUT, at] = out[OUTPUT, i], out[INPUT, i]
        out[BYTES, at], out[PACKETS, at] = out[REV_BYTES, i], out[REV_PACKETS, i]
        out[TCP_FLAGS, at] = out[REV_FLAGS, i]
        at += 1
    return at - row - count
