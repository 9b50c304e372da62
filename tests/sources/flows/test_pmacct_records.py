"""Captures of pmacct's tests, as pmacct reads them, and the lines that pmacct writes."""

import ipaddress
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from duskwatch.records.flows import Export, FlowBlock
from duskwatch.signals.traffic.sampling import RatePolicy, Rates
from duskwatch.sources.files.pieces import open_pieces
from duskwatch.sources.flows.captures import CaptureReader
from duskwatch.sources.flows.collector import Collector, Settings
from duskwatch.sources.flows.text import PROTOCOLS, TextReader
from tests.sources.flows.exports import Flow, rows

Sums = Counter[tuple[object, ...]]
# Captures whose tunnels pmacct looks into; all others are read without.
TUNNELS = ("106-", "400-", "403-", "500-", "502-")
# pmacct was told a rate of 1:1000 for this one while it ran.
OVERRIDDEN = "102-NFv9-CISCO-f2rd-pretag-sampling-reload/output-flow-01.json"


def key(flow: Flow) -> tuple[object, ...]:
    """What a sum is of. pmacct has type and code of ICMP in the port where the exporter has them there."""
    ports = (0, 0) if flow["protocol"] in (1, 58) else (flow["src_port"], flow["dst_port"])
    return flow["src"], flow["dst"], *ports, flow["protocol"], flow["tos"], flow["input_if"], flow["output_if"]


def summed(blocks: list[FlowBlock]) -> Sums:
    sums: Sums = Counter()
    for block in blocks:
        for flow in rows(block):
            for name in ("packets", "bytes"):
                sums[*key(flow), name] += int(flow[name]) * int(flow["sampling_rate"])
    return sums


def expected_sums(path: Path) -> Sums:
    sums: Sums = Counter()
    for line in path.read_text().splitlines():
        said = json.loads(line) if line.strip() else {}
        if "ip_src" not in said:
            continue
        name = said["ip_proto"].upper()
        flow: Flow = {
            "src": str(ipaddress.ip_address(said["ip_src"])), "dst": str(ipaddress.ip_address(said["ip_dst"])),
            "src_port": said["port_src"], "dst_port": said["port_dst"], "tos": said["tos"],
            "protocol": PROTOCOLS[name] if name in PROTOCOLS else int(name),
            "input_if": said.get("iface_in", 0), "output_if": said.get("iface_out", 0),
        }  # fmt: skip
        sums[*key(flow), "packets"] += said["packets"]
        sums[*key(flow), "bytes"] += said["bytes"]
    return sums


@pytest.fixture(scope="module")
def outputs(shared_data: Path) -> list[Path]:
    return sorted((shared_data / "flows" / "pmacct-expected-json").rglob("output-flow-*.json"))


def test_captures_sum_up_to_what_pmacct_writes(outputs, shared_data):
    compared, flows = 0, {}
    for path in outputs:
        case = path.relative_to(shared_data / "flows" / "pmacct-expected-json").parts[0]
        if case not in flows:
            flows[case] = decoded(shared_data / "flows" / "pmacct-tests" / case)
        collectors, blocks = flows[case]
        if str(path).endswith(OVERRIDDEN):
            policy = RatePolicy(overrides=((None, 1000),))
            blocks = [
                Rates(policy, collector.exporters).apply(block)
                for collector, of in zip(collectors, blocks, strict=True)
                for block in of
            ]
            ours = summed(blocks)
        else:
            ours = summed([block for of in blocks for block in of])
        assert ours == expected_sums(path), path
        compared += len(ours) // 2
    assert compared == 1177


def decoded(folder: Path) -> tuple[list[Collector], list[list[FlowBlock]]]:
    collectors, blocks = [], []
    for path in sorted(folder.glob("*.pcap")):
        collector = Collector(Settings(inner=folder.name.startswith(TUNNELS)))
        batches = CaptureReader(open_pieces(path)).datagrams()
        blocks.append([block for batch in batches for block in collector.decode(batch)])
        collectors.append(collector)
    return collectors, blocks


def test_lines_that_pmacct_writes_are_read_as_flows(outputs):
    lines = 0
    for path in outputs:
        reader = TextReader(open_pieces(path), Export.JSON)
        blocks = list(reader)
        assert summed(blocks) == expected_sums(path), path
        assert reader.bad_lines == 0
        assert reader.damage is None
        lines += reader.flows
    assert lines == 1962


def test_tunnels_are_their_outer_packets_unless_asked(shared_data):
    folder = shared_data / "flows" / "pmacct-tests" / "500-IPFIXv10-BGP-CISCO-SRv6"
    collector = Collector()
    reader = CaptureReader(open_pieces(folder / "traffic-00.pcap"))
    blocks = [block for batch in reader.datagrams() for block in collector.decode(batch)]
    protocols = np.concatenate([block.protocol for block in blocks])
    assert (protocols == 4).sum() > 0
    assert reader.passed == {"TCP segments (IPFIX over TCP is not read)": 3}
