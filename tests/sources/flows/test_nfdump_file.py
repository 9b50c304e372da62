"""Files of nfcapd, as nfdump reads them."""

import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.records.flows import Export, FlowBlock, RateSource
from duskwatch.sources.files.pieces import open_pieces
from duskwatch.sources.flows.nfdump_file import NfdumpReader
from duskwatch.sources.flows.text import TextReader

needs_nfdump = pytest.mark.skipif(not shutil.which("nfdump"), reason="nfdump is not installed")
COMPARED = ("src_hi", "src_lo", "dst_hi", "dst_lo", "src_port", "dst_port", "protocol", "tcp_flags", "tos", "icmp",
            "input_if", "output_if", "src_as", "dst_as")  # fmt: skip


def read(path: Path) -> tuple[NfdumpReader, list[FlowBlock]]:
    reader = NfdumpReader(open_pieces(path))
    return reader, list(reader)


def column(blocks: list[FlowBlock], name: str) -> np.ndarray:
    return np.concatenate([getattr(block, name) for block in blocks]) if blocks else np.zeros(0)


def scaled(blocks: list[FlowBlock], name: str) -> np.ndarray:
    return column(blocks, name) * column(blocks, "sampling_rate")


def by_nfdump(path: Path) -> list[FlowBlock]:
    ran = subprocess.run(
        ["nfdump", "-r", str(path), "-o", "csv"], capture_output=True, check=True, timeout=120, env={"TZ": "UTC"}
    )
    reader = TextReader([ran.stdout[ran.stdout.index(b"ts,") :]], Export.CSV)
    blocks = list(reader)
    assert reader.bad_lines == 0
    return blocks


def assert_as_nfdump(path: Path) -> int:
    reader, ours = read(path)
    theirs = by_nfdump(path)
    for name in COMPARED:
        np.testing.assert_array_equal(column(ours, name), column(theirs, name), err_msg=f"{path.name}: {name}")
    for name in ("packets", "bytes"):
        np.testing.assert_array_equal(scaled(ours, name), column(theirs, name), err_msg=f"{path.name}: {name}")
    for name in ("start_us", "end_us"):
        np.testing.assert_array_equal(column(ours, name) // 1_000_000, column(theirs, name) // 1_000_000)
    assert reader.damage is None
    return reader.flows


@needs_nfdump
@pytest.mark.parametrize(("name", "flows"), [("nfcapd-large-bz2", 100_000), ("nfcapd-small-lzo", 10)])
def test_files_of_nfdump_1_6_are_read_as_nfdump_reads_them(name, flows, shared_data):
    assert assert_as_nfdump(shared_data / "flows" / "nfdump" / name) == flows


def test_counts_that_nfcapd_scaled_are_given_as_exported(shared_data):
    reader, blocks = read(shared_data / "flows" / "nfdump" / "nfcapd-small-lzo")
    assert set(column(blocks, "sampling_rate")) == {3000}
    assert set(column(blocks, "rate_source")) == {RateSource.LEARNED}
    assert scaled(blocks, "packets").sum() == 123_000
    assert len(reader.exporters) > 1


def test_a_file_without_flows_is_whole(shared_data):
    reader, blocks = read(shared_data / "flows" / "nfdump" / "nfcapd-empty")
    assert blocks == []
    assert reader.damage is None


def test_a_damaged_file_is_told_with_its_place(shared_data):
    reader, blocks = read(shared_data / "flows" / "nfdump" / "nfcapd-corrupt")
    assert reader.damage is not None
    assert reader.damage.offset > 0
    assert reader.flows == sum(block.rows for block in blocks)


@needs_nfdump
@pytest.mark.skipif(not shutil.which("nfpcapd"), reason="nfpcapd is not installed")
@pytest.mark.parametrize("packing", [[], ["-z"], ["-j"], ["-y"]], ids=["plain", "lzo", "bzip2", "lz4"])
def test_files_of_nfdump_1_7_are_read_as_nfdump_reads_them(packing, shared_data, tmp_path):
    capture = shared_data / "flows" / "attacks" / "amp.UDP.snmp.src161.pcapng"
    subprocess.run(["nfpcapd", "-r", str(capture), "-w", str(tmp_path)], capture_output=True, check=True, timeout=60)
    plain = next(path for path in sorted(tmp_path.rglob("nfcapd.*")) if path.is_file())
    packed = tmp_path / "packed"
    subprocess.run(
        ["nfdump", "-r", str(plain), *packing, "-w", str(packed)], capture_output=True, check=True, timeout=60
    )
    assert assert_as_nfdump(packed) > 1000


# Files that the test writes: layout 2, no packing.


def record(elements: list[bytes], *, flags: int = 0, exporter: int = 1) -> bytes:
    body = b"".join(elements)
    return struct.pack("<HHHBBHBB", 11, 12 + len(body), len(elements), 0, 0, exporter, flags, 9) + body


def element(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, 4 + len(body)) + body


def generic(packets: int = 2000, octets: int = 80_000) -> bytes:
    return element(1, struct.pack("<QQQQQHHBBBB", 1_000_000, 1_005_000, 1_006_000, packets, octets, 5, 80, 6, 2, 0, 0))


FOUR = element(2, struct.pack("<II", 0x01020304, 0x05060708))
SIX = element(3, struct.pack("<QQQQ", 0x20010DB8 << 32, 1, 0x20010DB8 << 32, 2))
EXPORTER = struct.pack("<HHIQQHHI", 7, 32, 9, 0, 0xC0000201, 2, 1, 77)
SAMPLER = struct.pack("<HHHHqII", 15, 24, 1, 1, 5, 1, 999)


def written(records: list[bytes], *, blocks: int = 1, kind: int = 3, cut: int = 0) -> bytes:
    body = b"".join(records)
    head = struct.pack("<HHIQBBHIQII", 0xA50C, 2, 0x01070100, 0, 0, 0, 0, 0, 0, 0, blocks)
    data = head + struct.pack("<IIHH", len(records), len(body), kind, 0) + body
    return data[: len(data) - cut]


def test_a_sampled_record_is_given_as_it_was_exported():
    reader = NfdumpReader([written([EXPORTER, SAMPLER, record([generic(), FOUR], flags=2), record([SIX, generic()])])])
    (block,) = list(reader)
    assert block.packets.tolist() == [2, 2000]
    assert block.bytes.tolist() == [80, 80_000]
    assert block.sampling_rate.tolist() == [1000, 1]
    assert block.afi.tolist() == [1, 2]
    assert block.start_us.tolist() == [1_000_000_000, 1_000_000_000]
    assert block.received_us.tolist() == [1_006_000_000, 1_006_000_000]
    exporter = reader.exporters[int(block.exporter[0])]
    assert (exporter.export, exporter.hi >> 32, exporter.domain) == (Export.NETFLOW9, 0xC0000201, 77)


def test_records_of_other_kinds_are_passed_over_and_counted_as_that():
    other = struct.pack("<HH", 99, 12) + bytes(8)
    reader = NfdumpReader([written([other, record([generic(), FOUR]), other])])
    (block,) = list(reader)
    assert block.packets.tolist() == [2000]
    assert (reader.other_records, reader.scaled) == (2, 0)


def test_counts_scaled_at_an_unknown_rate_are_told():
    reader = NfdumpReader([written([record([generic(), FOUR], flags=2)])])
    (block,) = list(reader)
    assert (block.packets[0], block.sampling_rate[0]) == (2000, 1)
    assert reader.scaled == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x0c\xa5", "nfcapd"),
        (b"\xa5\x0c\x00\x01" + bytes(300), "low octet first"),
        (b"\x0c\xa5\x03\x00" + bytes(300), "layout 3"),
        (written([record([generic(), FOUR])], cut=3), "the end of the file"),
        (written([record([generic(), FOUR])], blocks=2), "the end of the file"),
        (written([b"\x0b\x00\xff\xff"]), "record at byte 0"),
        (written([record([struct.pack("<HH", 1, 900)])]), "record at byte 0"),
        (written([])[:40] + struct.pack("<IIHH", 1, 1 << 30, 3, 0), "one of 1073741824"),
    ],
)
def test_what_makes_no_sense_is_damage_with_its_place(data, said):
    reader = NfdumpReader([data])
    list(reader)
    assert reader.damage is not None
    assert said in str(reader.damage)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_damage_is_survived(data):
    whole = written([EXPORTER, SAMPLER, record([generic(), FOUR], flags=2), record([SIX, generic()])])
    octets = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    reader = NfdumpReader([bytes(octets[: data.draw(st.integers(0, len(octets)))])])
    assert sum(block.rows for block in reader) == reader.flows <= 2
