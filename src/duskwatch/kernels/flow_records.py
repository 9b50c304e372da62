"""Records of one template out of a set, into rows of flows; those of variable length one by one."""

import numpy as np
from numba import njit

from duskwatch.kernels import flow_layout as to
from duskwatch.kernels.flow_fields import finish, read_fields
from duskwatch.kernels.flow_refusals import refuse
from duskwatch.kernels.flow_words import OPTIONS, u8, u16


@njit(**OPTIONS)
def read_records(batch, i, template, at, end, templates, samplers, exporters, out, reasons, refusals, cursor):
    """Records of one set, as many as there is room for. DONE, or FULL with the place kept."""
    data = batch.data
    words = templates.words[template]
    least, kind, walk, marks = np.int64(words[to.T_LENGTH]), words[to.T_KIND], words[to.T_WALK], words[to.T_MARKS]
    exporter = cursor[to.WHOSE]
    counts = exporters.counts[exporter]
    fixed = walk == to.NO_WALK
    if kind != to.DATA:
        count = (end - at) // least if fixed else _count_walked(data, at, end, templates, template)
        if count < 0:
            count = -count - 1
            cursor[to.UNCOUNTED] += 1
            refuse(cursor, reasons, refusals, exporters, at - batch.start[i], to.LONG_FIELD)
        cursor[to.COUNTED] += count
        counts[to.OPTION_RECORDS if kind == to.OPTIONS_PASSED else to.OTHERS] += count
        cursor[to.OPTIONED] += count if kind == to.OPTIONS_PASSED else 0
        return to.DONE
    rows_each = 2 if marks & to.IS_BIFLOW else 1
    boot_us = exporters.words[exporter, to.BOOT_US]
    uptime = cursor[to.UP]
    while at + least <= end:
        row = cursor[to.ROWS]
        room = (out.shape[1] - row) // rows_each
        if room == 0:
            cursor[to.SET_AT] = at
            if cursor[to.VERSION] == to.NETFLOW5:
                cursor[to.AT] = at
            return to.FULL
        if fixed:
            count = min((end - at) // least, room)
            read_fields(
                data, at, least, count, templates.operations[template], words[to.T_OPERATIONS], out, row,
                cursor[to.EXPORT_US], uptime, boot_us, cursor[to.INNER],
            )  # fmt: skip
            at += count * least
        else:
            after = _place_fields(data, at, end, templates, template)
            if after < 0:
                cursor[to.UNCOUNTED] += 1
                refuse(cursor, reasons, refusals, exporters, at - batch.start[i], to.LONG_FIELD)
                return to.DONE
            count = np.int64(1)
            read_fields(
                data, at, 0, count, templates.scratch, words[to.T_OPERATIONS], out, row, cursor[to.EXPORT_US], uptime,
                boot_us, cursor[to.INNER],
            )  # fmt: skip
            at = after
        if cursor[to.VERSION] == to.NETFLOW5:
            for k in range(row, row + count):
                out[to.INTERVAL, k] = cursor[to.SAMPLING]
        cursor[to.COUNTED] += count
        if marks & to.HAS_FRAME:
            kept = _with_address(out, row, count)
            counts[to.OTHERS] += count - kept
            count = kept
        longest = finish(
            out, row, count, marks, exporter, cursor[to.EXPORT_US], batch.received_us[i], exporters.words, samplers
        )
        counts[to.LONGEST_US] = max(counts[to.LONGEST_US], longest)
        if marks & to.IS_BIFLOW:
            count += _reversed(out, row, count)
        counts[to.FLOWS] += count
        cursor[to.ROWS] = row + count
    return to.DONE


@njit(**OPTIONS)
def _place_fields(data, at, end, templates, template):
    """Find the fields of one record; the operations on them go to ``scratch``. Where the record ends; -1: not in it."""
    words = templates.words[template]
    lengths = templates.walks[words[to.T_WALK]]
    scratch = templates.scratch
    place = at
    for k in range(words[to.T_FIELDS]):
        size = np.int64(lengths[k])
        if size == to.VARIABLE:
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
        scratch[to.OPERATIONS + k, 2] = place - at
        scratch[to.OPERATIONS + k, 3] = size
        place += size
    for k in range(words[to.T_OPERATIONS]):
        of = templates.operations[template, k]
        scratch[k, 0] = of[0]
        scratch[k, 1] = of[1]
        if of[0] == to.FILL:
            scratch[k, 3] = of[3]
            continue
        scratch[k, 2] = scratch[to.OPERATIONS + of[2], 2]
        scratch[k, 3] = scratch[to.OPERATIONS + of[2], 3]
    return place


@njit(**OPTIONS)
def _count_walked(data, at, end, templates, template):
    """How many records with fields of variable length there are; -1 less that number where the next runs past."""
    count = np.int64(0)
    least = templates.words[template, to.T_LENGTH]
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
        if out[to.AFI, i]:
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
        if out[to.REV_BYTES, i] == 0 and out[to.REV_PACKETS, i] == 0:
            continue
        for column in range(to.GIVEN):
            out[column, at] = out[column, i]
        out[to.SRC_HI, at], out[to.SRC_LO, at] = out[to.DST_HI, i], out[to.DST_LO, i]
        out[to.DST_HI, at], out[to.DST_LO, at] = out[to.SRC_HI, i], out[to.SRC_LO, i]
        out[to.SRC_PORT, at], out[to.DST_PORT, at] = out[to.DST_PORT, i], out[to.SRC_PORT, i]
        out[to.INPUT, at], out[to.OUTPUT, at] = out[to.OUTPUT, i], out[to.INPUT, i]
        out[to.BYTES, at], out[to.PACKETS, at] = out[to.REV_BYTES, i], out[to.REV_PACKETS, i]
        out[to.TCP_FLAGS, at] = out[to.REV_FLAGS, i]
        at += 1
    return at - row - count
