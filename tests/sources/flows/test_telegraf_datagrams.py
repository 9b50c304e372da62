"""Datagrams of telegraf's test cases, as telegraf reads them."""

import re
from pathlib import Path

import pytest

from duskwatch.sources.flows.collector import Collector
from tests.sources.flows.exports import decode

CASES = {
    "ipfix_example": 29, "ipfix_pen_35632": 2, "issue_13305": 2, "issue_14370": 2, "netflow_v5_example": 8,
    "netflow_v9_example": 8,
}  # fmt: skip
FIELD = re.compile(r'[ ,]([a-z0-9_]+)=("[^"]*"|[^ ,]*)')
NAMES = {
    "src_port": ("src_port",), "dst_port": ("dst_port",), "bytes": ("in_bytes", "in_total_bytes"),
    "packets": ("in_packets", "in_total_packets"), "input_if": ("in_snmp",), "output_if": ("out_snmp",),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_case_decodes_as_telegraf_says(case: str, shared_data: Path):
    folder = shared_data / "flows" / "telegraf-testcases" / "inputs" / "netflow" / "testcases" / case
    flows = decode(Collector(), [path.read_bytes() for path in sorted(folder.glob("*.bin"))])
    expected = []
    for line in (folder / "expected.out").read_text().splitlines():
        said = {name: value.strip('"').rstrip("u") for name, value in FIELD.findall(line)}
        if line.startswith("netflow,") and "src" in said and "dst" in said:
            flow = {"src": said["src"], "dst": said["dst"]}
            for ours, theirs in NAMES.items():
                value = next((said[name] for name in theirs if name in said), None)
                if value is not None:
                    flow[ours] = int(value)
            expected.append(flow)
    assert len(expected) == CASES[case]
    for flow in expected:
        assert any(all(one[name] == value for name, value in flow.items()) for one in flows), flow
    forward = [flow for flow in flows if any(flow["src"] == one["src"] for one in expected)]
    assert len(forward) >= len(expected)
