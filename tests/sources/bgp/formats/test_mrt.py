"""What the MRT reader says of a file: its elems in blocks, counts, damage, whatever the pieces and however broken."""

import gzip
import itertools
import random
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.kernels.mrt import RECORD_LIMIT
from duskwatch.records.elems import Damage, Kind, PeerTable
from duskwatch.records.prefix import Prefix
from duskwatch.sources.bgp.formats.mrt import BAD_KEPT, BLOCK_ELEMS, BLOCK_RECORDS, MrtReader
from duskwatch.sources.bgp.formats.mrt_write import (
    BgpState,
    Peer,
    Route,
    announce,
    bgp4mp,
    end_of_rib,
    keepalive,
    message,
    peer_index_table,
    record,
    rib,
    rib_attributes,
    state_change,
    update,
    withdraw,
)
from duskwatch.sources.files.pieces import TransportDamage, open_pieces

NEAR, FAR = Peer(64500, "192.0.2.1", "192.0.2.1"), Peer(131279, "2001:db8::1", "192.0.2.2")
HERE, HERE6 = Peer(64499, "192.0.2.254", "192.0.2.254"), Peer(64499, "2001:db8::ff", "192.0.2.254")
IPV4 = [Prefix.parse(f"175.45.{third}.0/24") for third in (176, 177, 178, 179)]
IPV6 = [Prefix.parse("2001:db8:7::/48")]
ROUTE = Route((64500, 4837, 131279), "192.0.2.1")
ROUTE6 = Route((131279,), "2001:db8::1")
DUMP = [
    peer_index_table(100, "192.0.2.254", [NEAR, FAR]),
    *(rib(100, i, prefix, [(0, 50, rib_attributes(ROUTE))]) for i, prefix in enumerate(IPV4)),
    rib(100, 4, IPV6[0], [(1, 50, rib_attributes(ROUTE6))]),
]
UPDATES = [
    bgp4mp(200, NEAR, HERE, announce(ROUTE, IPV4)),
    bgp4mp(201, FAR, HERE6, announce(ROUTE6, IPV6), microseconds=500_000),
    bgp4mp(202, NEAR, HERE, withdraw(IPV4[:2])),
    bgp4mp(203, FAR, HERE6, withdraw(IPV6)),
    bgp4mp(204, NEAR, HERE, end_of_rib(1)),
    bgp4mp(205, NEAR, HERE, keepalive()),
    state_change(206, NEAR, HERE, BgpState.ESTABLISHED, BgpState.IDLE),
]
BAD = bgp4mp(207, NEAR, HERE, update(b"", b"", b"\x21" + bytes(5)))  # an IPv4 prefix of 33 bits
UNKNOWN = record(208, 48, 0, b"OSPF")
FILE = [*DUMP, *UPDATES, BAD, UNKNOWN]


def read(pieces, peers=None):
    """Rows of all blocks, each with the octets of its attributes and its place in the file, and the reader."""
    reader, rows = MrtReader(pieces, PeerTable() if peers is None else peers), []
    for block in reader:
        for row in range(len(block.time_us)):
            start, size = int(block.attr_start[row]), int(block.attr_length[row])
            at = int(block.record[row])
            rows.append(
                (
                    *(int(column[row]) for column in (block.time_us, block.kind, block.peer, block.state)),
                    *(int(column[row]) for column in (block.prefix_hi, block.prefix_lo, block.prefix_length)),
                    bytes(block.data[start : start + size]) if start >= 0 else None,
                    block.data_offset + int(block.record_start[at]),
                )
            )
    return rows, reader


def said(reader):
    return (
        reader.records, reader.bad_records, reader.bad, reader.unsupported, reader.damage,
        reader.first_us, reader.last_us, reader.has_rib,
    )  # fmt: skip


def test_a_file_is_read_as_it_was_written():
    peers = PeerTable()
    rows, reader = read([b"".join(FILE)], peers)
    kinds = [Kind(row[1]) for row in rows]
    assert kinds == (
        [Kind.RIB_PEER] * 2
        + [Kind.RIB] * 5
        + [Kind.ANNOUNCE] * 5
        + [Kind.WITHDRAW] * 3
        + [Kind.ALIVE] * 2
        + [Kind.STATE]
    )
    assert [(row[4], row[6]) for row in rows[2:6]] == [(prefix.hi, prefix.length) for prefix in IPV4]
    assert rows[2][7] == rib_attributes(ROUTE)
    assert rows[-1][3] == BgpState.ESTABLISHED << 8 | BgpState.IDLE
    assert (peers.asn, peers.afi) == ([64500, 131279], [1, 2])
    assert peers.bgp_id == [0xC0000201, 0xC0000202]
    assert [row[0] for row in rows if row[1] == Kind.ANNOUNCE][-1] == 201_500_000
    assert said(reader) == (
        15, 1, [(sum(map(len, FILE[:13])), "a prefix is longer than its family allows, or runs past the record")],
        {"OSPFv3/0": 1}, None, 100_000_000, 206_000_000, True,
    )  # fmt: skip


def test_each_elem_names_the_record_it_stands_in():
    starts = list(itertools.accumulate(map(len, FILE), initial=0))
    rows, _ = read([b"".join(FILE)])
    assert [starts.index(row[-1]) for row in rows] == [0, 0, 1, 2, 3, 4, 5, 6, 6, 6, 6, 7, 8, 8, 9, 10, 11, 12]


@settings(deadline=None, max_examples=150)
@given(
    sizes=st.lists(st.integers(1, 300), min_size=1, max_size=20),
    cut=st.integers(0, len(b"".join(FILE))),
    tail=st.sampled_from([b"", bytes(12), b"\xff" * 40, struct.pack("!IHHI", 1, 16, 4, RECORD_LIMIT + 1)]),
    views=st.booleans(),
)
def test_pieces_of_any_size_give_the_same_elems_offsets_counts_and_damage(sizes, cut, tail, views):
    data = b"".join(FILE)[:cut] + tail
    pieces, at = [], 0
    for size in itertools.cycle(sizes):
        if at >= len(data):
            break
        pieces.append(memoryview(data)[at : at + size] if views else data[at : at + size])
        at += size
    rows, reader = read(pieces)
    whole, other = read([data])
    assert rows == whole
    assert said(reader) == said(other)


def test_of_a_file_cut_at_any_octet_everything_before_comes_out_and_the_cut_is_named():
    data = b"".join(FILE)
    whole, _ = read([data])
    ends = list(itertools.accumulate(map(len, FILE), initial=0))
    for at in range(len(data)):
        rows, reader = read([data[:at]])
        last = max(end for end in ends if end <= at)
        assert rows == [row for row in whole if row[-1] < last]
        if at == last:
            assert reader.damage is None
        else:
            assert reader.damage == Damage(
                last, "a whole MRT record", f"the end of the file after {at - last} bytes of it"
            )


def test_damage_of_the_compression_is_told_with_its_own_offset(tmp_path):
    data = b"".join(FILE)
    path = tmp_path / "updates.gz"
    path.write_bytes(gzip.compress(data)[:-20])
    rows, reader = read(open_pieces(path))
    assert reader.damage.expected == "more compressed data"
    assert 0 < reader.damage.offset < len(data)
    assert rows == read([data[: reader.damage.offset]])[0]


def test_damage_of_the_compression_goes_before_the_cut_record_it_leaves():
    def pieces():
        yield DUMP[0][:30]
        raise TransportDamage(30, "compressed data", "noise")

    rows, reader = read(pieces())
    assert rows == []
    assert reader.damage == Damage(30, "compressed data", "noise")


def test_what_follows_a_broken_header_is_not_read():
    header = struct.pack("!IHHI", 1, 16, 4, RECORD_LIMIT + 1)
    rows, reader = read([UPDATES[0] + header + UPDATES[1]])
    assert len(rows) == 4
    assert reader.damage.offset == len(UPDATES[0])
    assert reader.damage.found == header.hex(" ")


def test_zeros_at_the_end_are_no_records():
    rows, reader = read([UPDATES[0] + bytes(4096)])
    assert (len(rows), reader.records) == (4, 1)
    assert reader.damage.offset == len(UPDATES[0])


@pytest.mark.parametrize("pieces", [[], [b""], [b"", b""]])
def test_an_empty_file_is_whole_and_holds_nothing(pieces):
    assert said(read(pieces)[1]) == (0, 0, [], {}, None, None, None, False)


def test_files_of_one_collector_share_their_peers():
    peers = PeerTable()
    read([b"".join(DUMP)], peers)
    rows, _ = read([b"".join(UPDATES)], peers)
    assert len(peers) == 2
    assert {row[2] for row in rows} == {0, 1}
    assert rows == [(*row[:-1], row[-1] - len(b"".join(DUMP))) for row in read([b"".join(FILE)])[0][7:]]


def test_of_many_bad_records_all_are_counted_and_the_first_are_named():
    reader = read([(BAD_KEPT + 50) * BAD])[1]
    assert reader.bad_records == BAD_KEPT + 50
    assert [at for at, _ in reader.bad] == [i * len(BAD) for i in range(BAD_KEPT)]


def test_blocks_are_bounded_and_lose_nothing_between_them():
    count = BLOCK_ELEMS // 4 * 3 + 1
    sizes = [len(block.time_us) for block in MrtReader([count * UPDATES[0]], PeerTable())]
    assert sum(sizes) == 4 * count
    assert max(sizes) <= BLOCK_ELEMS
    silent = 2 * BLOCK_RECORDS + 5
    blocks = list(MrtReader([silent * UNKNOWN], PeerTable()))
    assert max(len(block.record_start) for block in blocks) <= BLOCK_RECORDS
    assert sum(len(block.record_start) for block in blocks) == silent


def test_a_record_of_more_elems_than_a_block_holds_comes_whole():
    entries = BLOCK_ELEMS + 1000
    raw = DUMP[0] + rib(100, 0, IPV4[0], entries * [(0, 50, b"")])
    blocks = list(MrtReader([raw + UPDATES[0]], PeerTable()))
    assert sum(len(block.time_us) for block in blocks) == 2 + entries + 4
    assert max(len(block.time_us) for block in blocks) >= entries


def test_blocks_stay_as_they_were_when_later_ones_are_read():
    blocks = list(MrtReader([raw for _ in range(20) for raw in UPDATES], PeerTable()))
    times = np.concatenate([block.time_us for block in blocks])
    assert times.tolist() == 20 * [row[0] for row in read([b"".join(UPDATES)])[0]]
    assert all(block.last_us == block.time_us.max() for block in blocks if len(block.time_us))


def test_a_part_of_an_unknown_family_is_counted_and_the_rest_is_read():
    flow = struct.pack("!BBB", 0x80, 14, 5) + struct.pack("!HBBB", 1, 133, 0, 0)
    rows, reader = read([bgp4mp(1, NEAR, HERE, update(b"", flow, b"\x08\x0a"))])
    assert [row[1] for row in rows] == [Kind.ANNOUNCE]
    assert reader.unsupported == {"BGP4MP/MESSAGE_AS4 AFI 1 SAFI 133": 1}
    assert reader.bad_records == 0


def test_a_broken_peer_index_leaves_no_peers_to_name():
    broken = bytearray(DUMP[0])
    broken[18 + 1] = 200  # more peers than the record holds
    rows, reader = read([DUMP[0] + DUMP[1] + bytes(broken) + DUMP[1] + UPDATES[0]])
    assert [Kind(row[1]) for row in rows] == [Kind.RIB_PEER] * 2 + [Kind.RIB] + [Kind.ANNOUNCE] * 4
    assert [reason for _, reason in reader.bad] == [
        "a peer entry runs past the end of the record",
        "a RIB entry names a peer that no peer index table lists",
    ]


@pytest.mark.parametrize("taken", [1, 99])
def test_pieces_are_closed_when_reading_ends_or_is_given_up(taken):
    closed = []

    def pieces():
        try:
            yield from UPDATES
        finally:
            closed.append(True)

    blocks = iter(MrtReader(pieces(), PeerTable()))
    for _ in itertools.islice(blocks, taken):
        pass
    blocks.close()
    assert closed == [True]


def test_pieces_are_closed_where_a_header_is_broken():
    closed = []

    def pieces():
        try:
            yield UPDATES[0] + bytes(12)
            yield from UPDATES
        finally:
            closed.append(True)

    assert read(pieces())[1].damage is not None
    assert closed == [True]


def test_noise_never_raises():
    chance = random.Random(1914)
    for _ in range(300):
        noise = chance.randbytes(chance.randrange(200))
        reader = read([b"".join(DUMP) + noise])[1]
        assert reader.records >= len(DUMP)
        assert reader.damage is not None or reader.records > len(DUMP) or not noise


def test_a_notification_and_an_open_are_signs_of_life():
    raw = b"".join(bgp4mp(1, NEAR, HERE, message(kind, bytes(12))) for kind in (1, 3, 4, 5))
    rows, reader = read([raw])
    assert [row[1] for row in rows] == [Kind.ALIVE] * 4
    assert reader.bad_records == 0
