"""Files of any kind, told by their first bytes, one collector for all of them."""

import gzip
from pathlib import Path

import pytest

from duskwatch.records.flows import Export
from duskwatch.sources.flows.collector import Collector
from duskwatch.sources.flows.errors import FlowInputError
from duskwatch.sources.flows.read import FlowFiles, kind_of
from tests.sources.flows.exports import (
    ipfix,
    netflow5,
    netflow9,
    plain_record,
    plain_template,
    record5,
    set_of,
    sflow,
    tcp_packet,
    udp_packet,
    write_pcap,
)
from tests.sources.flows.test_nfdump_file import FOUR, generic, record, written
from tests.sources.flows.test_text_reader import CSV, GOFLOW2, lines

TIME = 1_700_000_000_000_000
TEMPLATE = netflow9([set_of(0, plain_template())], 1)
DATA = netflow9([set_of(256, plain_record(src=1, dst=2))], 1, sequence=1)


def read(*paths: Path, **options: object) -> tuple[int, FlowFiles, Collector]:
    collector = Collector()
    files = FlowFiles(paths, collector, **options)  # type: ignore[arg-type]
    return sum(block.rows for block in files), files, collector


def test_each_kind_is_told_by_its_first_bytes(tmp_path):
    contents = {
        "capture": write_pcap(
            tmp_path / "a", [(TIME, udp_packet(1, 2, (3, 2055), netflow5([record5()])))]
        ).read_bytes(),
        "datagrams": netflow5([record5()]),
        "nfcapd": written([record([generic(), FOUR])]),
        "CSV": CSV,
        "JSON": lines(GOFLOW2),
    }
    for kind, data in contents.items():
        path = tmp_path / f"{kind}.gz"
        path.write_bytes(gzip.compress(data))
        flows, files, _ = read(path)
        assert files.reports[0].kind == kind
        assert flows == files.reports[0].flows >= 1
        assert files.reports[0].faults == []


def test_templates_of_one_file_are_good_for_the_next(tmp_path):
    first, second = tmp_path / "template.dat", tmp_path / "data.dat"
    first.write_bytes(TEMPLATE)
    second.write_bytes(DATA)
    flows, files, collector = read(first, second)
    assert flows == 1
    assert [report.units for report in files.reports] == [1, 1]
    assert len(collector.exporters) == 1


def test_datagrams_one_after_the_other_are_told_apart(tmp_path):
    path = tmp_path / "many.dat"
    message = ipfix([set_of(2, plain_template()), set_of(256, plain_record(src=1, dst=2))])
    path.write_bytes(netflow5([record5()] * 3) + message + netflow5([record5()], sequence=3) + message)
    flows, files, collector = read(path)
    assert (flows, files.reports[0].units) == (6, 4)
    assert not collector.refused


def test_a_datagram_that_does_not_tell_its_length_is_the_whole_file(tmp_path):
    path = tmp_path / "one.dat"
    path.write_bytes(netflow9([set_of(0, plain_template()), set_of(256, plain_record(src=1, dst=2))], 2))
    assert read(path)[0] == 1
    path.write_bytes(sflow([]))
    assert read(path)[0] == 0
    path.write_bytes(netflow9([], 0) + bytes(70_000))
    _, files, _ = read(path)
    assert "damaged at byte 0: expected one datagram, of up to 65535 bytes" in files.reports[0].faults[0]


def test_a_file_of_no_known_kind_is_an_error_with_its_place(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(FlowInputError, match=r"picture\.png: its first bytes are 89 50 4e 47"):
        read(path)
    path.write_bytes(b"")
    with pytest.raises(FlowInputError, match="it is empty"):
        read(path)
    assert kind_of(b"") == ""


def test_a_capture_of_traffic_is_read_as_packets_where_asked(tmp_path):
    path = write_pcap(tmp_path / "traffic.pcap", [(TIME, tcp_packet(1, 2)), (TIME + 1, udp_packet(1, 2, (3, 4), b"x"))])
    flows, files, _ = read(path)
    assert flows == 0
    assert sum(files.reports[0].passed.values()) == 2
    flows, _, collector = read(path, packets=True)
    assert flows == 2
    assert collector.exporters[0].export == Export.PACKETS
    assert collector.counts()[0].flows == 2


def test_exporters_that_files_name_are_rows_of_one_list(tmp_path):
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    first.write_bytes(lines(GOFLOW2))
    second.write_bytes(lines(GOFLOW2 | {"sampler_address": "192.168.0.2"}, GOFLOW2))
    flows, _, collector = read(first, second)
    assert flows == 3
    named = {counts.exporter.hi >> 32: counts for counts in collector.counts() if counts.exporter.afi}
    assert {address: counts.flows for address, counts in named.items()} == {0xC0A80001: 2, 0xC0A80002: 1}
    assert named[0xC0A80001].by_source == (0, 2, 0)
    assert named[0xC0A80001].last_us == 1_681_583_295_157_626


def test_faults_of_files_are_told_in_sentences(tmp_path):
    path = tmp_path / "bad.json"
    path.write_bytes(lines(GOFLOW2) + b"{oops\n" * 150)
    _, files, _ = read(path)
    assert files.reports[0].faults[0] == "line 2: not a JSON object"
    assert files.reports[0].faults[-1] == "150 lines of this kind in all"
