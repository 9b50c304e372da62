"""Lines of goflow2, pmacct and nfdump into flows."""

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.records.flows import Export, RateSource
from duskwatch.sources.flows import text
from duskwatch.sources.flows.text import TextReader
from tests.sources.flows.exports import Flow, rows

GOFLOW2 = {
    "type": "SFLOW_5", "time_received_ns": 1_681_583_295_157_626_000, "sequence_num": 2999, "sampling_rate": 100,
    "sampler_address": "192.168.0.1", "time_flow_start_ns": 1_681_583_295_157_626_000,
    "time_flow_end_ns": 1_681_583_295_257_626_000, "bytes": 1500, "packets": 1, "src_addr": "fd01::1",
    "dst_addr": "fd01::2", "etype": "IPv6", "proto": "TCP", "src_port": 443, "dst_port": 50001, "in_if": 7, "out_if": 8,
    "tcp_flags": 18, "ip_tos": 4, "src_as": 65000, "dst_as": 65001,
}  # fmt: skip
GOFLOW1 = {
    "Type": "NETFLOW_V9", "TimeReceived": 1_600_000_100, "SamplingRate": 0, "SamplerAddress": "10.0.0.1",
    "TimeFlowStart": 1_600_000_000, "TimeFlowEnd": 1_600_000_060, "Bytes": 90, "Packets": 3, "SrcAddr": "10.1.0.1",
    "DstAddr": "10.1.0.2", "Proto": 17, "SrcPort": 53, "DstPort": 4000,
}  # fmt: skip


def read(data: bytes, export: Export = Export.JSON) -> tuple[TextReader, list[Flow]]:
    reader = TextReader([data], export)
    return reader, [flow for block in reader for flow in rows(block)]


def lines(*objects: object) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in objects)


def test_a_line_of_goflow2_is_a_flow():
    reader, (flow,) = read(lines(GOFLOW2))
    assert (flow["src"], flow["dst"], flow["afi"], flow["protocol"]) == ("fd01::1", "fd01::2", 2, 6)
    assert (flow["src_port"], flow["dst_port"], flow["tcp_flags"], flow["tos"]) == (443, 50001, 18, 4)
    assert (flow["bytes"], flow["packets"]) == (1500, 1)
    assert (flow["sampling_rate"], flow["rate_source"]) == (100, RateSource.DECLARED)
    assert flow["start_us"] == 1_681_583_295_157_626
    assert flow["end_us"] == 1_681_583_295_257_626
    assert flow["received_us"] == 1_681_583_295_157_626
    assert (flow["input_if"], flow["output_if"], flow["src_as"], flow["dst_as"]) == (7, 8, 65000, 65001)
    exporter = reader.exporters[int(flow["exporter"])]
    assert (exporter.export, exporter.hi >> 32) == (Export.JSON, 0xC0A80001)


def test_a_line_of_the_older_goflow_is_a_flow_of_unknown_rate():
    _, (flow,) = read(lines(GOFLOW1))
    assert (flow["src"], flow["protocol"], flow["packets"]) == ("10.1.0.1", 17, 3)
    assert (flow["start_us"], flow["end_us"]) == (1_600_000_000_000_000, 1_600_000_060_000_000)
    assert (flow["sampling_rate"], flow["rate_source"]) == (1, RateSource.ASSUMED)


def test_icmp_has_its_type_and_code():
    one = GOFLOW2 | {"proto": "IPv6-ICMP", "icmp_type": 3, "icmp_code": 4, "src_port": 0, "dst_port": 0}
    _, (flow,) = read(lines(one))
    assert (flow["icmp"], flow["dst_port"]) == (3 * 256 + 4, 0)


def test_lines_that_are_no_flows_are_counted_and_bad_ones_named():
    data = lines({"event_type": "purge_init"}, GOFLOW2) + b"\n{broken\n" + lines(GOFLOW2 | {"src_addr": "nonsense"})
    data += lines(GOFLOW2 | {"src_port": 70_000}, GOFLOW2 | {"bytes": -1}, [1, 2], GOFLOW2)
    reader, flows = read(data)
    assert len(flows) == 2
    assert reader.other_records == 1
    assert reader.bad_lines == 5
    assert [line for line, _ in reader.bad] == [4, 5, 6, 7, 8]
    assert reader.bad[0][1] == "not a JSON object"


def test_a_last_line_without_its_end_is_read():
    _, flows = read(lines(GOFLOW2).rstrip(b"\n"))
    assert len(flows) == 1


def test_a_line_too_long_ends_reading_with_its_place():
    reader, flows = read(lines(GOFLOW2) + b'{"a":"' + b"x" * (text.LONGEST_LINE + 10))
    assert len(flows) == 1
    assert "line 2" in str(reader.damage)


def test_made_up_exporters_are_bounded(monkeypatch):
    monkeypatch.setattr(text, "EXPORTERS", 10)
    reader, flows = read(lines(*(GOFLOW2 | {"sampler_address": f"10.0.0.{k}"} for k in range(50))))
    assert len(reader.exporters) == 10
    assert len(flows) == 50


@given(st.integers(1, 90))
@settings(max_examples=30, deadline=None)
def test_pieces_may_end_anywhere(size):
    data = lines(GOFLOW2, GOFLOW1, GOFLOW2)
    reader = TextReader([data[at : at + size] for at in range(0, len(data), size)], Export.JSON)
    assert sum(block.rows for block in reader) == 3
    assert reader.bad_lines == 0


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_damage_is_a_bad_line_or_another_flow(data):
    octets = bytearray(lines(GOFLOW2, GOFLOW1))
    for _ in range(data.draw(st.integers(1, 6))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    reader, flows = read(bytes(octets))
    assert len(flows) <= 4
    assert reader.damage is None


CSV = b"""ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,in,out,sas,das,dir,ra,tr
2019-08-12 18:50:47,2019-08-12 18:50:49,2.000,192.0.2.1,198.51.100.7,443,41322,TCP,...A.RSF,0,16,3,4500,5,6,209,812,1,10.0.0.1,2019-08-12 18:51:57.002
2019-08-12 18:50:47,2019-08-12 18:50:47,0.000,2001:db8::1,2001:db8::2,0,3.1,ICMP6,........,0,0,1,64,0,0,0,0,0,10.0.0.2,2019-08-12 18:51:57.002
Summary
flows,bytes,packets,avg_bps,avg_pps,avg_bpp
2,4564,4,0,0,0
"""  # noqa: E501


def test_csv_of_nfdump_is_read_up_to_its_summary():
    reader, (first, second) = read(CSV, Export.CSV)
    assert (first["src"], first["dst"], first["tcp_flags"], first["tos"]) == ("192.0.2.1", "198.51.100.7", 0x17, 16)
    assert (first["packets"], first["bytes"], first["direction"], first["dst_as"]) == (3, 4500, 1, 812)
    assert int(first["end_us"]) - int(first["start_us"]) == 2_000_000
    assert (second["afi"], second["icmp"], second["protocol"]) == (2, 3 * 256 + 1, 58)
    assert reader.bad_lines == 0
    assert len(reader.exporters) == 3


def test_csv_of_the_newer_nfdump_is_read_by_its_names():
    data = b"firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows\n"
    data += b"2024-01-02 03:04:05.678,1.500,UDP,192.0.2.1,53,192.0.2.2,999,7,700,1\n"
    _, (flow,) = read(data, Export.CSV)
    assert (flow["src_port"], flow["dst_port"], flow["packets"], flow["bytes"]) == (53, 999, 7, 700)
    assert int(flow["end_us"]) - int(flow["start_us"]) == 1_500_000
    assert flow["direction"] == 255


def test_a_row_with_too_few_fields_is_named():
    reader, flows = read(CSV.replace(b"Summary", b"192.0.2.1,5"), Export.CSV)
    assert len(flows) == 2
    assert reader.bad_lines == 3
    assert reader.bad[0] == (4, "fewer fields than the 20 of the first line")


def test_large_csv_is_read_in_pieces():
    data = CSV.replace(b"Summary\n", b"").splitlines(keepends=True)
    whole = data[0] + data[1] * 20_000
    reader = TextReader([whole[at : at + 65_536] for at in range(0, len(whole), 65_536)], Export.CSV)
    total = sum(int(np.sum(block.packets)) for block in reader)
    assert (total, reader.flows) == (60_000, 20_000)
