"""What tshark says that datagrams hold, to compare with."""

import re
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

from tests.sources.flows.exports import Flow, udp_packet, write_pcap

PORT = 2055
# Our column, and the names that tshark has for it, forward and reverse.
NUMBERS = {
    "src_port": ("cflow.srcport", "cflow.tcp_src_port", "cflow.udp_src_port"),
    "dst_port": ("cflow.dstport", "cflow.tcp_dst_port", "cflow.udp_dst_port"),
    "protocol": ("cflow.protocol",),
    "tcp_flags": ("cflow.tcpflags", "cflow.tcpflags16"),
    "input_if": ("cflow.inputint",),
    "output_if": ("cflow.outputint",),
    "src_as": ("cflow.srcas",),
    "dst_as": ("cflow.dstas",),
    "tos": ("cflow.tos",),
    "direction": ("cflow.direction",),
}
COUNTS = {
    "bytes": ("cflow.octets", "cflow.permanent_octets", "cflow.initiator_octets", "cflow.out_octets"),
    "packets": ("cflow.packets", "cflow.permanent_packets", "cflow.initiator_packets", "cflow.out_packets"),
}
REVERSE = {
    "bytes": ("cflow.responder_octets", "cflow.back.cflow.permanent_octets", "cflow.back.cflow.octets"),
    "packets": ("cflow.responder_packets", "cflow.back.cflow.permanent_packets", "cflow.back.cflow.packets"),
}


def dissect(groups: list[list[bytes]], folder: Path) -> list[list[dict[str, str]]]:
    """For each group of datagrams, which come from one sender, the flow records that tshark finds, as its fields."""
    packets = [
        (1_700_000_000_000_000 + k, udp_packet(0xC0000200 + k, 0xC6336401, (40000, PORT), datagram))
        for k, group in enumerate(groups)
        for datagram in group
    ]
    capture = write_pcap(folder / "datagrams.pcap", packets)
    ran = subprocess.run(
        ["tshark", "-r", str(capture), "-d", f"udp.port=={PORT},cflow", "-T", "pdml"],
        capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    found: list[list[dict[str, str]]] = [[] for _ in groups]
    for packet in ET.fromstring(ran.stdout).iter("packet"):
        sender = packet.find(".//field[@name='ip.src']")
        assert sender is not None
        k = int(sender.get("value", ""), 16) - 0xC0000200
        for proto in packet.iter("proto"):
            if proto.get("name") == "cflow":
                found[k] += _flows(proto)
    return found


def _flows(proto: ET.Element) -> list[dict[str, str]]:
    flows = []
    for field in proto.iter("field"):
        if re.fullmatch(r"(Flow|pdu) \d+.*", field.get("show", "") or field.get("showname", "")):
            flow: dict[str, str] = {}
            for inner in field.iter("field"):
                name = inner.get("name", "")
                if "(Reverse Type" in inner.get("showname", ""):
                    name = f"cflow.back.{name}"
                if name.startswith("cflow.") and name not in flow:
                    flow[name] = inner.get("value", "") if name in HEX else inner.get("show", "")
            flows.append(flow)
    return flows


HEX = ("cflow.tcpflags", "cflow.tcpflags16", "cflow.tos", "cflow.octets", "cflow.packets")


def as_rows(flows: list[dict[str, str]]) -> list[Flow]:
    """Flow records with an address as rows of ours, both directions apart, with the columns that tshark has."""
    rows = []
    for flow in flows:
        row: Flow = {}
        for side in ("src", "dst"):
            four, six = flow.get(f"cflow.{side}addr"), flow.get(f"cflow.{side}addrv6")
            if six and not (four and four != "0.0.0.0"):
                row[side] = six
            elif four:
                row[side] = four
        if not row:
            continue
        for column, names in NUMBERS.items():
            row |= _first(flow, column, names)
        forward, back = dict(row), {}
        for column, names in COUNTS.items():
            forward |= _first(flow, column, names)
        for column, names in REVERSE.items():
            back |= _first(flow, column, names)
        rows.append(forward)
        if any(back.values()):
            turned = {TURNED.get(name, name): value for name, value in row.items() if name != "tcp_flags"}
            rows.append(turned | back)
    return rows


TURNED = {"src": "dst", "dst": "src", "src_port": "dst_port", "dst_port": "src_port"}
TURNED |= {"input_if": "output_if", "output_if": "input_if"}


def _first(flow: dict[str, str], column: str, names: tuple[str, ...]) -> Flow:
    for name in names:
        if flow.get(name):
            return {column: int(flow[name], 16 if name in HEX else 0)}
    return {}
