"""The head of a packet into the columns of a flow: link layer, VLAN tags, MPLS labels, IP, ports, flags.

The outer IP header counts, with a tunnel that of the tunnel: what is in it, a sender of attacks may have made up. Who
watches tunnels of their own may ask for the inner one. Every length is checked before it is read; a packet that was cut
off gives what stands before the cut.
"""

import numpy as np
from numba import njit

from duskwatch.kernels import flow_layout as to
from duskwatch.kernels.flow_words import OPTIONS, u8, u16, u32, u64

VLAN, QINQ, QINQ_OLD, PPPOE = 0x8100, 0x88A8, 0x9100, 0x8864
MPLS, MPLS_MULTICAST, IP4, IP6 = 0x8847, 0x8848, 0x0800, 0x86DD
ETHERNET_AGAIN = 1  # beside types: an Ethernet header follows
TAGS = 32  # VLAN tags, labels and headers of one packet
TCP, UDP, ICMP4, ICMP6, SCTP, DCCP, UDPLITE = 6, 17, 1, 58, 132, 33, 136
IP4_WITHIN, IP6_WITHIN, GRE, BRIDGED, VXLAN = 4, 41, 47, 0x6558, 4789
DEPTH = 4  # tunnels in tunnels
HOPS, ROUTING, FRAGMENTED, AUTHENTICATION, NO_NEXT, DESTINATION = 0, 43, 44, 51, 59, 60


@njit(**OPTIONS)
def ip_at(data, at, end, link):
    """Where the IP header of a frame begins; -1 where there is none, or the frame ends before it."""
    kind = np.int64(0)
    if link == to.LINK_ETHERNET:
        kind = np.int64(ETHERNET_AGAIN)
    elif link == to.LINK_RAW:
        return _by_version(data, at, end)
    elif link == to.LINK_MPLS:
        kind = np.int64(MPLS)
    elif link == to.LINK_SLL:
        if at + 16 > end:
            return np.int64(-1)
        kind = u16(data, at + 14)
        at += 16
    elif link == to.LINK_SLL2:
        if at + 20 > end:
            return np.int64(-1)
        kind = u16(data, at)
        at += 20
    elif link == to.LINK_NULL or link == to.LINK_LOOP:
        return _by_version(data, at + 4, end)  # the number before it differs from system to system
    elif link == to.LINK_PPP:
        if at + 4 > end:
            return np.int64(-1)
        if u16(data, at) == 0xFF03:
            at += 2
        return _by_version(data, at + 2, end)
    else:
        return np.int64(-1)
    for _ in range(TAGS):
        if kind == ETHERNET_AGAIN:
            if at + 14 > end:
                return np.int64(-1)
            kind = u16(data, at + 12)
            at += 14
        elif kind == VLAN or kind == QINQ or kind == QINQ_OLD:
            if at + 4 > end:
                return np.int64(-1)
            kind = u16(data, at + 2)
            at += 4
        elif kind == MPLS or kind == MPLS_MULTICAST:
            if at + 4 > end:
                return np.int64(-1)
            last = u8(data, at + 2) & 1
            at += 4
            if last:
                if at >= end:
                    return np.int64(-1)
                if u8(data, at) >> 4 == 0:  # the control word of a pseudowire (RFC 4385 section 3)
                    at += 4
                    kind = np.int64(ETHERNET_AGAIN)
                else:
                    return _by_version(data, at, end)
        elif kind == PPPOE:
            return _by_version(data, at + 8, end)
        elif kind == IP4 or kind == IP6:
            return _by_version(data, at, end)
        else:
            return np.int64(-1)
    return np.int64(-1)


@njit(**OPTIONS)
def _by_version(data, at, end):
    if at >= end:
        return np.int64(-1)
    version = u8(data, at) >> 4
    if version == 4 and at + 20 <= end:
        return np.int64(at)
    if version == 6 and at + 40 <= end:
        return np.int64(at)
    return np.int64(-1)


@njit(**OPTIONS)
def read_packet(data, at, end, wire, inner, out, row):
    """Columns of one packet whose IP header begins at a position that ``ip_at`` gave.

    wire   octets from there on, as they were sent: what counts where the header's length is 0 (RFC 2675, offloading)
    inner  whether tunnels are looked into: IP in IP (SRv6 among them), GRE, VXLAN
    Columns that an IP packet has are all set. Returns where the transport header begins; -1 where it is not there.
    """
    begin = _read_headers(data, at, end, wire, out, row)
    if inner:
        for _ in range(DEPTH):
            if begin < 0:
                break
            within = _tunnelled(data, begin, end, out[to.PROTOCOL, row], out[to.DST_PORT, row])
            if within < 0:
                break
            begin = _read_headers(data, within, end, max(wire - (within - at), 0), out, row)
    return begin


@njit(**OPTIONS)
def _tunnelled(data, begin, end, protocol, dst_port):
    """Where the IP header of what is in a tunnel begins; -1 where it is no tunnel."""
    if protocol == IP4_WITHIN or protocol == IP6_WITHIN:
        return _by_version(data, begin, end)
    if protocol == GRE and begin + 4 <= end:
        marks, kind = u16(data, begin), u16(data, begin + 2)
        within = begin + 4 + 4 * ((marks >> 15 & 1) + (marks >> 13 & 1) + (marks >> 12 & 1))
        if marks & 7:  # another version than RFC 2784's and 2890's
            return np.int64(-1)
        if kind == IP4 or kind == IP6:
            return _by_version(data, within, end)
        if kind == BRIDGED:
            return ip_at(data, within, end, to.LINK_ETHERNET)
    if protocol == UDP and dst_port == VXLAN:
        return ip_at(data, begin + 16, end, to.LINK_ETHERNET)
    return np.int64(-1)


@njit(**OPTIONS)
def _read_headers(data, at, end, wire, out, row):
    ports = np.int64(0)
    out[to.TCP_FLAGS, row] = 0
    out[to.ICMP, row] = 0
    out[to.FRAGMENT, row] = 0
    out[to.SRC_PORT, row] = 0
    out[to.DST_PORT, row] = 0
    if u8(data, at) >> 4 == 4:
        out[to.AFI, row] = to.IPV4
        out[to.TOS, row] = u8(data, at + 1)
        length = u16(data, at + 2)
        out[to.BYTES, row] = length if length else wire
        out[to.SRC_HI, row] = np.uint64(u32(data, at + 12)) << np.uint64(32)
        out[to.SRC_LO, row] = 0
        out[to.DST_HI, row] = np.uint64(u32(data, at + 16)) << np.uint64(32)
        out[to.DST_LO, row] = 0
        protocol = u8(data, at + 9)
        fragment = u16(data, at + 6)
        if fragment & 0x1FFF:
            out[to.FRAGMENT, row] = to.LATER_FRAGMENT
        elif fragment & 0x2000:
            out[to.FRAGMENT, row] = to.FIRST_FRAGMENT
        begin = at + 4 * max(u8(data, at) & 15, 5)
    else:
        out[to.AFI, row] = to.IPV6
        out[to.TOS, row] = (u16(data, at) >> 4) & 255
        length = u16(data, at + 4)
        out[to.BYTES, row] = length + 40 if length else max(wire, 40)
        out[to.SRC_HI, row] = u64(data, at + 8)
        out[to.SRC_LO, row] = u64(data, at + 16)
        out[to.DST_HI, row] = u64(data, at + 24)
        out[to.DST_LO, row] = u64(data, at + 32)
        protocol = u8(data, at + 6)
        begin = at + 40
        for _ in range(TAGS):
            if protocol == HOPS or protocol == ROUTING or protocol == DESTINATION:
                if begin + 8 > end:
                    break
                protocol = u8(data, begin)
                begin += 8 + 8 * u8(data, begin + 1)
            elif protocol == AUTHENTICATION:
                if begin + 8 > end:
                    break
                protocol = u8(data, begin)
                begin += 8 + 4 * u8(data, begin + 1)
            elif protocol == FRAGMENTED:
                if begin + 8 > end:
                    break
                protocol = u8(data, begin)
                fragment = u16(data, begin + 2)
                begin += 8
                if fragment & 0xFFF8:
                    out[to.FRAGMENT, row] = to.LATER_FRAGMENT
                    break
                if fragment & 1:
                    out[to.FRAGMENT, row] = to.FIRST_FRAGMENT
            else:
                break
    out[to.PROTOCOL, row] = protocol
    if out[to.FRAGMENT, row] == to.LATER_FRAGMENT:
        return np.int64(-1)
    if protocol == TCP or protocol == UDP or protocol == SCTP or protocol == DCCP or protocol == UDPLITE:
        if begin + 4 > end:
            return np.int64(-1)
        ports = u32(data, begin)
        out[to.SRC_PORT, row] = ports >> 16
        out[to.DST_PORT, row] = ports & 0xFFFF
        if protocol == TCP and begin + 14 <= end:
            out[to.TCP_FLAGS, row] = u16(data, begin + 12) & 0x1FF
    elif protocol == ICMP4 or protocol == ICMP6:
        if begin + 2 > end:
            return np.int64(-1)
        out[to.ICMP, row] = u16(data, begin)
    return np.int64(begin)
