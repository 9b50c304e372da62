"""Frames of captures: found in pcap and pcapng, and what they carry: datagrams of exporters, or the traffic itself."""

from typing import NamedTuple

import numpy as np
from numba import njit

from duskwatch.kernels import flow_layout as to
from duskwatch.kernels.flow_packets import TCP, UDP, ip_at, read_packet
from duskwatch.kernels.flow_words import OPTIONS, little16, little32, u16, u32

# What ends a walk through blocks: no more of them are whole; no room; a block for the caller; nonsense.
ALL, NO_ROOM, BLOCK, BROKEN = range(4)
MOST_FRAME = 1 << 18  # octets of a frame: what capturing programs take at most
MOST_BLOCK = 1 << 24
SECTION, INTERFACE, OLD_PACKET, SIMPLE_PACKET, PACKET = 0x0A0D0D0A, 1, 2, 3, 6
UNITS = 1_000_000

# int64[6]: frames that carry no flows, by reason.
NO_IP, FRAGMENTS, OVER_TCP, NOT_UDP, NO_FLOWS, OTHER_PORT = range(6)


class Frames(NamedTuple):
    """N frames of a capture, in one piece of memory."""

    data: np.ndarray  # uint8
    start: np.ndarray  # int64[N]
    length: np.ndarray  # int64[N]: octets captured
    whole: np.ndarray  # int64[N]: octets sent
    time_us: np.ndarray  # int64[N]
    link: np.ndarray  # int64[N]: link type


@njit(inline="always", **OPTIONS)
def _word(data, at, little):
    return little32(data, at) if little else u32(data, at)


@njit(inline="always", **OPTIONS)
def _half(data, at, little):
    return little16(data, at) if little else u16(data, at)


@njit(**OPTIONS)
def pcap_frames(data, at, little, per_second, link, frames):
    """Frames of a pcap file from a record on. Returns what ended it, where, and how many there are.

    per_second  units of the fraction of a second: a million, or a thousand million
    """
    count = np.int64(0)
    while at + 16 <= data.shape[0]:
        length = _word(data, at + 8, little)
        if length > MOST_FRAME:
            return BROKEN, at, count
        if at + 16 + length > data.shape[0]:
            break
        if count == frames.start.shape[0]:
            return NO_ROOM, at, count
        fraction = _word(data, at + 4, little)
        frames.start[count] = at + 16
        frames.length[count] = length
        frames.whole[count] = max(_word(data, at + 12, little), length)
        frames.time_us[count] = _word(data, at, little) * UNITS + fraction * UNITS // per_second
        frames.link[count] = link
        at += 16 + length
        count += 1
    return ALL, at, count


@njit(**OPTIONS)
def pcapng_frames(data, at, little, links, resolutions, offsets, frames):
    """Frames of a pcapng file from a block on; blocks that are about the file are handed to the caller.

    links, resolutions, offsets  int64[I] of the interfaces: link type, units of a second, seconds to add
    """
    count = np.int64(0)
    while at + 12 <= data.shape[0]:
        kind, size = _word(data, at, little), _word(data, at + 4, little)
        if kind == SECTION:
            return BLOCK, at, count
        if size < 12 or size > MOST_BLOCK or size & 3:
            return BROKEN, at, count
        if at + size > data.shape[0]:
            break
        if kind == INTERFACE:
            return BLOCK, at, count
        if kind == PACKET or kind == OLD_PACKET or kind == SIMPLE_PACKET:
            if count == frames.start.shape[0]:
                return NO_ROOM, at, count
            header = 16 if kind == SIMPLE_PACKET else 32
            if size < header:
                return BROKEN, at, count
            if kind == SIMPLE_PACKET:
                whole = _word(data, at + 8, little)
                length, interface, stamp = min(whole, size - 16), np.int64(0), np.int64(0)
                header = 12
            else:
                interface = _word(data, at + 8, little) if kind == PACKET else _half(data, at + 8, little)
                stamp = _word(data, at + 12, little) << 32 | _word(data, at + 16, little)
                length, whole = _word(data, at + 20, little), _word(data, at + 24, little)
                header = 28
            if interface >= links.shape[0] or length > size - header - 4:
                return BROKEN, at, count
            frames.start[count] = at + header
            frames.length[count] = length
            frames.whole[count] = max(whole, length)
            frames.time_us[count] = _microseconds(stamp, resolutions[interface], offsets[interface])
            frames.link[count] = links[interface]
            count += 1
        at += size
    return ALL, at, count


@njit(**OPTIONS)
def _microseconds(stamp, resolution, offset):
    """Time of a stamp of 64 bits; 0 where it is none that can be."""
    if stamp <= 0:
        return np.int64(0)
    seconds = stamp // resolution + offset
    if seconds < 0 or seconds > 1 << 40:
        return np.int64(0)
    rest = stamp % resolution
    if resolution > UNITS * UNITS:
        return seconds * UNITS + rest // (resolution // UNITS)
    return seconds * UNITS + rest * UNITS // resolution


@njit(**OPTIONS)
def find_datagrams(frames, count, ports, batch, passed, scratch):
    """UDP datagrams of exporters in frames. Returns how many are written to ``batch``.

    ports    uint16[K]: only those sent to one of these; where there is none, all that begin as an export does
    passed   int64[6]: counts of the others
    scratch  uint64[COLUMNS, 1]
    """
    data, found = frames.data, np.int64(0)
    for i in range(count):
        at, end = frames.start[i], frames.start[i] + frames.length[i]
        begin = ip_at(data, at, end, frames.link[i])
        if begin < 0:
            passed[NO_IP] += 1
            continue
        body = read_packet(data, begin, end, frames.whole[i] - (begin - at), False, scratch, 0)
        if scratch[to.FRAGMENT, 0]:
            passed[FRAGMENTS] += 1
            continue
        if scratch[to.PROTOCOL, 0] != UDP or body < 0 or body + 8 > end:
            passed[OVER_TCP if scratch[to.PROTOCOL, 0] == TCP else NOT_UDP] += 1
            continue
        whole = max(u16(data, body + 4) - 8, 0)
        there = min(end - body - 8, whole)
        if ports.shape[0]:
            if not _is_one_of(scratch[to.DST_PORT, 0], ports):
                passed[OTHER_PORT] += 1
                continue
        elif there < 4 or not _looks_like_flows(data, body + 8):
            passed[NO_FLOWS] += 1
            continue
        batch.start[found] = body + 8
        batch.length[found] = there
        batch.whole[found] = whole
        batch.received_us[found] = frames.time_us[i]
        batch.afi[found] = scratch[to.AFI, 0]
        batch.hi[found] = scratch[to.SRC_HI, 0]
        batch.lo[found] = scratch[to.SRC_LO, 0]
        batch.port[found] = scratch[to.SRC_PORT, 0]
        found += 1
    return found


@njit(**OPTIONS)
def _is_one_of(port, ports):
    found = False
    for k in range(ports.shape[0]):
        found |= ports[k] == port
    return found


@njit(**OPTIONS)
def _looks_like_flows(data, at):
    version = u16(data, at)
    return version == 5 or version == 9 or version == 10 or u32(data, at) == 5


@njit(**OPTIONS)
def find_packets(frames, first, count, inner, out, passed):
    """IP packets of frames, each a flow of one packet. Returns rows written and the frame to go on with."""
    data, row = frames.data, np.int64(0)
    for i in range(first, count):
        if row == out.shape[1]:
            return row, np.int64(i)
        at, end = frames.start[i], frames.start[i] + frames.length[i]
        begin = ip_at(data, at, end, frames.link[i])
        if begin < 0:
            passed[NO_IP] += 1
            continue
        read_packet(data, begin, end, frames.whole[i] - (begin - at), inner, out, row)
        out[to.EXPORTER, row] = 0
        out[to.SAMPLER, row] = 0
        out[to.RECEIVED, row] = frames.time_us[i]
        out[to.START, row] = frames.time_us[i]
        out[to.END, row] = frames.time_us[i]
        out[to.TIME_SOURCE, row] = to.TIME_EXPORTED
        out[to.PACKETS, row] = 1
        out[to.RATE, row] = 1
        out[to.RATE_SOURCE, row] = to.DECLARED
        out[to.DIRECTION, row] = to.UNKNOWN_DIRECTION
        out[to.INPUT, row] = 0
        out[to.OUTPUT, row] = 0
        out[to.SRC_AS, row] = 0
        out[to.DST_AS, row] = 0
        row += 1
    return row, np.int64(count)
