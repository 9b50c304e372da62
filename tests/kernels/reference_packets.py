"""The head of a packet, slowly."""

import ipaddress
import struct
from typing import Any


def packet(frame: bytes, link: int, wire: int = 0) -> dict[str, Any] | None:
    """Columns of the outermost IP packet of a frame; None where there is none."""
    begin = find_ip(frame, link)
    return None if begin is None else head(frame[begin:], max(wire - begin, 0))


def find_ip(frame: bytes, link: int) -> int | None:
    at, kind = 0, None
    if link == 1:
        kind = "ethernet"
    elif link == 101:
        return _version(frame, 0)
    elif link == 113:
        if len(frame) < 16:
            return None
        kind, at = int.from_bytes(frame[14:16], "big"), 16
    elif link == 276:
        if len(frame) < 20:
            return None
        kind, at = int.from_bytes(frame[:2], "big"), 20
    elif link in (0, 108):
        return _version(frame, 4)
    elif link == 9:
        if len(frame) < 4:
            return None
        return _version(frame, 4 if frame[:2] == b"\xff\x03" else 2)
    elif link == -1:
        kind = 0x8847
    for _ in range(32):
        if kind == "ethernet":
            if at + 14 > len(frame):
                return None
            kind, at = int.from_bytes(frame[at + 12 : at + 14], "big"), at + 14
        elif kind in (0x8100, 0x88A8, 0x9100):
            if at + 4 > len(frame):
                return None
            kind, at = int.from_bytes(frame[at + 2 : at + 4], "big"), at + 4
        elif kind in (0x8847, 0x8848):
            if at + 4 > len(frame):
                return None
            bottom, at = frame[at + 2] & 1, at + 4
            if bottom:
                if at >= len(frame):
                    return None
                if frame[at] >> 4:
                    return _version(frame, at)
                kind, at = "ethernet", at + 4
        elif kind == 0x8864:
            return _version(frame, at + 8)
        elif kind in (0x0800, 0x86DD):
            return _version(frame, at)
        else:
            return None
    return None


def _version(frame: bytes, at: int) -> int | None:
    if at < len(frame) and frame[at] >> 4 == 4 and at + 20 <= len(frame):
        return at
    if at < len(frame) and frame[at] >> 4 == 6 and at + 40 <= len(frame):
        return at
    return None


def head(data: bytes, wire: int) -> dict[str, Any]:
    """Columns of an IP packet."""
    row: dict[str, Any] = dict.fromkeys(("src_port", "dst_port", "tcp_flags", "icmp", "fragment"), 0)
    if data[0] >> 4 == 4:
        row |= {"afi": 1, "tos": data[1], "protocol": data[9]}
        row |= {"src": str(ipaddress.ip_address(data[12:16])), "dst": str(ipaddress.ip_address(data[16:20]))}
        row["bytes"] = int.from_bytes(data[2:4], "big") or wire
        (fragment,) = struct.unpack("!H", data[6:8])
        row["fragment"] = 2 if fragment & 0x1FFF else 1 if fragment & 0x2000 else 0
        at = 4 * max(data[0] & 15, 5)
    else:
        length = int.from_bytes(data[4:6], "big")
        row |= {"afi": 2, "tos": int.from_bytes(data[:2], "big") >> 4 & 255, "protocol": data[6]}
        row |= {"src": str(ipaddress.ip_address(data[8:24])), "dst": str(ipaddress.ip_address(data[24:40]))}
        row["bytes"] = length + 40 if length else max(wire, 40)
        at = 40
        for _ in range(32):
            if row["protocol"] not in (0, 43, 44, 51, 60) or at + 8 > len(data):
                break
            protocol, row["protocol"] = row["protocol"], data[at]
            if protocol == 44:
                (fragment,) = struct.unpack("!H", data[at + 2 : at + 4])
                at += 8
                if fragment & 0xFFF8:
                    row["fragment"] = 2
                    break
                row["fragment"] = 1 if fragment & 1 else row["fragment"]
            else:
                at += 8 + data[at + 1] * (4 if protocol == 51 else 8)
    if row["fragment"] == 2:
        return row
    if row["protocol"] in (6, 17, 132, 33, 136) and at + 4 <= len(data):
        row["src_port"], row["dst_port"] = struct.unpack("!HH", data[at : at + 4])
        if row["protocol"] == 6 and at + 14 <= len(data):
            row["tcp_flags"] = int.from_bytes(data[at + 12 : at + 14], "big") & 0x1FF
    elif row["protocol"] in (1, 58) and at + 2 <= len(data):
        row["icmp"] = int.from_bytes(data[at : at + 2], "big")
    return row
