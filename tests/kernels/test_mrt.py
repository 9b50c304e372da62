"""The MRT kernel against its slow twin, on real files, on records of every kind, and on mutated ones."""

import contextlib
import random
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.kernels.aspath import path_tails
from duskwatch.kernels.mrt import HIGHEST_TYPE, PEER_LIMIT, RECORD_LIMIT
from duskwatch.records.elems import PeerTable
from duskwatch.sources.bgp.formats.mrt import MrtReader
from duskwatch.sources.files.pieces import TransportDamage, open_pieces
from tests.conftest import ROOT
from tests.kernels import reference_mrt as slow

MRT = ROOT.parent / "shared" / "data" / "mrt"
SMALL = [
    path
    for path in sorted(MRT.rglob("*"))
    if path.is_file()
    and path.suffix not in (".md", ".rst", ".conf")
    and "test_expect" not in path.parts
    and path.stat().st_size < 100_000
]


def fast(pieces: list[bytes]) -> tuple[list[slow.Elem], MrtReader]:
    peers = PeerTable()
    reader = MrtReader(pieces, peers)
    found = []
    for block in reader:
        data = block.data.tobytes()
        for row in range(len(block.time_us)):
            peer = int(block.peer[row])
            address = (peers.address_hi[peer] << 64 | peers.address_lo[peer]).to_bytes(16, "big")
            start, size = int(block.attr_start[row]), int(block.attr_length[row])
            prefix = int(block.prefix_hi[row]) << 64 | int(block.prefix_lo[row])
            found.append(
                slow.Elem(
                    int(block.time_us[row]),
                    int(block.kind[row]),
                    (int(block.afi[row]), int(block.safi[row])),
                    (peers.asn[peer], peers.afi[peer], address[: 4 if peers.afi[peer] == 1 else 16]),
                    (prefix.to_bytes(16, "big"), int(block.prefix_length[row])),
                    int(block.path_id[row]),
                    data[start : start + size] if start >= 0 else None,
                    int(block.as_size[row]),
                    int(block.state[row]),
                    int(block.marks[row]),
                )
            )
    return found, reader


def fast_tails(data: bytes) -> list[tuple[int, ...]]:
    found = []
    for block in MrtReader([data], PeerTable()):
        rows = np.arange(len(block.time_us), dtype=np.int64)
        out = np.full((3, len(rows)), 7, np.uint32)
        path_tails(block.data, block.attr_start, block.attr_length, block.as_size, rows, *out)
        found += map(tuple, out.T.tolist())
    return found


def slow_tails(elems: list[slow.Elem]) -> list[tuple[int, ...]]:
    known = {(elem.attributes, elem.as_size): slow.tail(elem) for elem in {e[6:8]: e for e in elems}.values()}
    return [known[elem.attributes, elem.as_size] for elem in elems]


def record(kind: int, subtype: int, body: bytes, seconds: int = 1000) -> bytes:
    return struct.pack("!IHHI", seconds, kind, subtype, len(body)) + body


def attribute(code: int, value: bytes) -> bytes:
    return struct.pack("!BBH", 0x50, code, len(value)) + value


def bgp(kind: int, body: bytes) -> bytes:
    return b"\xff" * 16 + struct.pack("!HB", 19 + len(body), kind) + body


def update(withdrawn: bytes = b"", attributes: bytes = b"", nlri: bytes = b"") -> bytes:
    return bgp(
        2, struct.pack("!H", len(withdrawn)) + withdrawn + struct.pack("!H", len(attributes)) + attributes + nlri
    )


def message(subtype: int, body: bytes, afi: int = 1) -> bytes:
    size = 4 if subtype in (4, 5, 7, 9, 11) else 2
    octets = 4 if afi == 1 else 16
    return (
        (4837).to_bytes(size, "big")
        + (64500).to_bytes(size, "big")
        + struct.pack("!HH", 0, afi)
        + bytes(range(2 * octets))
        + body
    )


def segment(kind: int, size: int, *numbers: int) -> bytes:
    return bytes([kind, len(numbers)]) + b"".join(number.to_bytes(size, "big") for number in numbers)


PATH = attribute(1, b"\0") + attribute(2, struct.pack("!BBII", 2, 2, 4837, 131279))
IPV4 = b"\x18\xaf\x2d\xb0" + b"\x16\xaf\x2d\xff" + b"\0"
IPV6 = b"\x20\x20\x01\x0d\xb8" + b"\x80" + bytes(range(16))
REACH = attribute(14, struct.pack("!HBB", 2, 1, 16) + bytes(16) + b"\0" + IPV6)
UNREACH = attribute(15, struct.pack("!HB", 2, 1) + IPV6)
LABELLED = attribute(14, struct.pack("!HBB", 1, 128, 4) + bytes(4) + b"\0" + b"\x70" + bytes(14))
INDEX = record(
    13, 1,
    bytes(4) + b"\0\4view" + struct.pack("!H", 3)
    + b"\0" + bytes(4) + bytes([192, 0, 2, 1]) + struct.pack("!H", 4837)
    + b"\3" + bytes(4) + bytes(range(16)) + struct.pack("!I", 70000)
    + b"\2" + bytes(4) + bytes([192, 0, 2, 2]) + struct.pack("!I", 70001),
)  # fmt: skip


def entry(place: int, path_id: int | None = None, attributes: bytes = PATH) -> bytes:
    extra = b"" if path_id is None else struct.pack("!I", path_id)
    return struct.pack("!HI", place, 0) + extra + struct.pack("!H", len(attributes)) + attributes


def with_path_ids(nlri: list[bytes]) -> bytes:
    return b"".join(struct.pack("!I", i + 1) + prefix for i, prefix in enumerate(nlri))


DUMPED = bytes([10, 1, 0, 0, 16, 1]) + bytes(4) + bytes([192, 0, 2, 1]) + struct.pack("!HH", 4837, len(PATH)) + PATH
RECORDS = {
    "peer index": INDEX,
    "geo peer table": record(13, 7, bytes(20)),
    **{
        f"rib subtype {subtype}": record(
            13, subtype, bytes(4) + (IPV4[:4] if subtype in (2, 3, 8, 9) else IPV6[:5]) + b"\0\2"
            + entry(0, 7 if subtype >= 8 else None) + entry(2, 8 if subtype >= 8 else None),
        )
        for subtype in (2, 3, 4, 5, 8, 9, 10, 11)
    },
    "rib generic": record(13, 6, bytes(4) + b"\0\1\1" + IPV4[:4] + b"\0\1" + entry(1)),
    "rib generic with path ids": record(13, 12, bytes(4) + b"\0\2\1" + IPV6[:5] + b"\0\1" + entry(1, 9)),
    "rib generic with a path id in its prefix": record(
        13, 12, bytes(4) + b"\0\2\1" + bytes([0, 0, 0, 9]) + IPV6[:5] + b"\0\2" + entry(1) + entry(2)
    ),
    "rib generic of another family": record(13, 6, bytes(4) + b"\0\1\x80" + bytes(30)),
    **{f"message subtype {s}": record(16, s, message(s, update(IPV4, PATH, IPV4))) for s in (1, 4, 6, 7)},
    **{
        f"message subtype {s}": record(16, s, message(s, update(b"", PATH, with_path_ids([IPV4[:4], IPV4[4:8]]))))
        for s in (8, 9, 10, 11)
    },
    "state change": record(16, 0, message(0, struct.pack("!HH", 6, 1))),
    "state change with wide numbers": record(16, 5, message(5, struct.pack("!HH", 3, 6), afi=2)),
    "deprecated entry": record(
        16, 2, message(2, bytes(8) + b"\0\1\1\4" + bytes(4) + IPV4[:4] + struct.pack("!H", len(PATH)) + PATH)
    ),
    "deprecated entry of another family": record(16, 2, message(2, bytes(8) + b"\0\1\x80\4" + bytes(20))),
    "deprecated snapshot": record(16, 3, bytes(20)),
    "extended time": record(17, 4, struct.pack("!I", 123456) + message(4, update(b"", PATH, IPV4))),
    "ipv6 both ways": record(16, 4, message(4, update(b"", PATH + UNREACH + REACH), afi=2)),
    "everything at once": record(16, 4, message(4, update(IPV4, PATH + UNREACH + REACH, IPV4))),
    "end of rib": record(16, 4, message(4, update())),
    "end of rib of ipv6": record(16, 4, message(4, update(b"", attribute(15, b"\0\2\1")))),
    "another family": record(16, 4, message(4, update(b"", PATH + LABELLED))),
    "keepalive": record(16, 4, message(4, bgp(4, b""))),
    "open": record(16, 4, message(4, bgp(1, bytes(10)))),
    "notification": record(16, 4, message(4, bgp(3, b"\6\2"))),
    "undeclared path ids": record(16, 4, message(4, update(b"", PATH, with_path_ids([IPV4[:4], IPV4[4:8]])))),
    "table dump": record(12, 1, bytes(4) + DUMPED),
    "batched table dump": record(12, 1, bytes(4) + 3 * DUMPED),
    "table dump of ipv6": record(
        12, 2, bytes(4) + bytes(range(16)) + b"\x40\1" + bytes(20) + struct.pack("!HH", 4837, len(PATH)) + PATH
    ),
    "mrtd update": record(5, 1, bytes([18, 229, 192, 0, 2, 1, 0, 1, 10, 0, 0, 1]) + update(IPV4, PATH, IPV4)[19:]),
    "mrtd state change": record(5, 3, bytes([18, 229, 192, 0, 2, 1, 0, 6, 0, 1])),
    "mrtd keepalive": record(5, 7, bytes(12)),
    "mrtd sync": record(5, 4, bytes(12)),
    "a message cut in its withdrawals": record(16, 4, message(4, update(200 * b"\x18\xaf\x2d\xb0")[:-70])),
    "a message cut in its announcements": record(16, 4, message(4, update(b"", PATH, 200 * b"\x18\xaf\x2d\xb0")[:-70])),
    "a cut prefix": record(16, 4, message(4, update(b"", PATH, IPV4 + b"\x18\x0a")[:-1] + b"\x0a")),
    "undeclared path ids of a length that fits": record(
        16, 4, message(4, update(b"", PATH, with_path_ids([b"\x09\x0a\0", b"\x09\x0b\0"])))
    ),
    "a message cut in its attributes": record(16, 4, message(4, update(IPV4, UNREACH + REACH)[:-20])),
    "an open cut short": record(16, 4, message(4, bgp(1, bytes(10))[:-4])),
    "a cut withdrawal before an announcement": record(16, 4, message(4, update(IPV4 + b"\x18\x0a", PATH, IPV4))),
    "state change without addresses": record(16, 0, struct.pack("!HHHH", 4837, 64500, 6, 1)),
    "wide state change without addresses": record(16, 5, struct.pack("!IIHH", 4837, 64500, 6, 1)),
    "message without addresses": record(16, 1, struct.pack("!HH", 4837, 64500) + update(IPV4, PATH, IPV4)),
    "mrtd open": record(5, 5, bytes(12)),
    "mrtd notify": record(5, 6, bytes(14)),
    "mrtd preferred update": record(5, 2, bytes(20)),
    "table dump with wide numbers": record(
        12, 3, bytes(4) + DUMPED[:14] + struct.pack("!IH", 70000, len(PATH)) + PATH
    ),
    "table dump of ipv6 with wide numbers": record(
        12, 4, bytes(4) + bytes(range(16)) + b"\x7f\1" + bytes(20) + struct.pack("!IH", 70000, len(PATH)) + PATH
    ),
    **{
        f"path {name}": record(16, 4 if size == 4 else 1, message(4 if size == 4 else 1, update(b"", raw, IPV4)))
        for name, size, raw in (
            ("with a set", 4, attribute(2, segment(2, 4, 1, 2) + segment(1, 4, 5, 6))),
            ("with confederations", 4, attribute(2, segment(3, 4, 64512) + segment(2, 4, 1, 2, 2) + segment(4, 4, 9))),
            ("prepended", 4, attribute(2, segment(2, 4, 1, 1, 2, 3, 3, 3))),
            ("merged", 2, attribute(2, segment(2, 2, 1, 23456, 23456)) + attribute(17, segment(2, 4, 70000, 70001))),
            ("merged with a set", 2, attribute(17, segment(1, 4, 70000, 1)) + attribute(2, segment(2, 2, 1, 23456))),
            ("shorter than its wide one", 2, attribute(2, segment(2, 2, 1)) + attribute(17, segment(2, 4, 8, 9))),
            (
                "voided by an aggregator",
                2,
                attribute(2, segment(2, 2, 1, 23456))
                + attribute(7, bytes([0, 5, 1, 2, 3, 4]))
                + attribute(17, segment(2, 4, 70000))
                + attribute(18, bytes(8)),
            ),
            ("malformed", 4, attribute(2, segment(2, 4, 1, 2)[:-1])),
            ("empty", 4, attribute(2, b"")),
            ("absent", 4, attribute(1, b"\0")),
        )
    },
    "ospf": record(11, 0, bytes(8)),
}  # fmt: skip
EVERYTHING = INDEX + b"".join(RECORDS.values())


@pytest.mark.parametrize("path", SMALL, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_elems_of_real_files_are_those_of_the_twin(path):
    pieces: list[bytes] = []
    with contextlib.suppress(TransportDamage):
        pieces.extend(open_pieces(path))
    found, _ = fast(pieces)
    assert found == list(slow.elems(b"".join(pieces)))
    assert fast_tails(b"".join(pieces)) == slow_tails(found)


def test_small_real_files_are_here(shared_data: Path):
    assert len(SMALL) > 20


@pytest.mark.parametrize("name", RECORDS)
def test_elems_of_every_kind_of_record_are_those_of_the_twin(name):
    data = INDEX + RECORDS[name]
    found, reader = fast([data])
    assert found == list(slow.elems(data))
    assert fast_tails(data) == slow_tails(found)
    assert reader.records == 2
    assert reader.damage is None
    silent = {
        "geo peer table",
        "rib generic of another family",
        "deprecated snapshot",
        "mrtd sync",
        "mrtd preferred update",
        "deprecated entry of another family",
        "ospf",
    }
    assert (len(found) > 3) is (name not in silent)
    assert bool(reader.unsupported) is (name in silent | {"another family"})
    assert reader.bad_records == (1 if "cut" in name else 0)


@pytest.mark.parametrize("name", [name for name, raw in RECORDS.items() if raw[4:6] == b"\0\x10"])
def test_with_an_extended_time_every_message_says_the_same_at_its_microsecond(name):
    raw = RECORDS[name]
    subtype = int.from_bytes(raw[6:8], "big")
    extended = record(17, subtype, struct.pack("!I", 250_000) + raw[12:])
    found, reader = fast([extended])
    plain, other = fast([raw])
    assert found == [elem._replace(time_us=elem.time_us + 250_000) for elem in plain]
    assert (reader.bad, reader.unsupported.total()) == (other.bad, other.unsupported.total())
    assert found == list(slow.elems(extended))


def test_a_fraction_of_a_second_stays_below_one():
    raw = record(17, 4, struct.pack("!I", 1_000_000) + message(4, bgp(4, b"")))
    found, _ = fast([raw])
    assert [elem.time_us for elem in found] == [1000_999_999]
    assert found == list(slow.elems(raw))


@pytest.mark.parametrize("more", [1, 2, 255])
@pytest.mark.parametrize("at", [0, 2])
def test_fields_that_end_one_octet_past_the_message_make_it_bad(more, at):
    body = bytearray(4)
    body[at + 1] = more
    raw = record(16, 4, message(4, bgp(2, bytes(body)))) + RECORDS["keepalive"]
    found, reader = fast([raw])
    assert [elem.kind for elem in found] == [slow.ALIVE]
    assert reader.bad_records == 1
    assert found == list(slow.elems(raw))


def test_an_attribute_that_ends_one_octet_past_the_message_makes_it_bad():
    whole = update(b"", PATH)
    raw = record(16, 4, message(4, bgp(2, whole[19:-1]))) + RECORDS["keepalive"]
    found, reader = fast([raw])
    assert [elem.kind for elem in found] == [slow.ALIVE]
    assert reader.bad == [(0, "path attributes run past the end of their field")]


@pytest.mark.parametrize("twice", [REACH, UNREACH])
def test_an_attribute_of_prefixes_that_is_there_twice_makes_the_message_bad(twice):
    found, reader = fast([record(16, 4, message(4, update(b"", PATH + twice + twice)))])
    assert (found, reader.bad_records) == ([], 1)


@pytest.mark.parametrize(
    ("nlri", "expected"),
    [
        (bytes([0, 0, 8, 170, 16, 10, 11]), [(16, 0x08AA)]),  # reads well both ways; nobody says the default twice
        (bytes([0, 8, 170, 16, 10, 11]), [(0, 0), (8, 0), (16, 0)]),
    ],
)
def test_the_default_route_said_twice_tells_of_path_identifiers(nlri, expected):
    for raw in (update(b"", PATH, nlri), update(nlri, b"", b"")):
        found, _ = fast([record(16, 4, message(4, raw))])
        assert [(elem.prefix[1], elem.path_id) for elem in found] == expected


def test_a_dump_that_says_four_octets_too_little_is_read_whole():
    short = b"".join(
        struct.pack("!IHHI", 1000, 12, 1, len(body) - 4) + body for body in (bytes(4) + 5 * DUMPED, bytes(4) + DUMPED)
    )
    found, reader = fast([short])
    assert len(found) == 6
    assert found == list(slow.elems(short))
    assert reader.damage is None


@pytest.mark.parametrize("stray", range(1, 6))
def test_a_dump_that_says_four_octets_too_little_before_a_stray_end_is_read_within_the_file(stray):
    """What follows is too short for a header that would confirm it; nothing is read beyond the end to find out."""
    body = bytes(4) + 2 * DUMPED
    data = struct.pack("!IHHI", 1000, 12, 1, len(body) - 4) + body + bytes(stray)
    found, reader = fast([data])
    assert found == list(slow.elems(data))
    assert reader.damage is not None


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=30))
def test_how_the_bytes_are_cut_into_pieces_changes_nothing(sizes):
    pieces, at = [], 0
    while at < len(EVERYTHING):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(EVERYTHING[at : at + size])
        at += size
    found, reader = fast(pieces)
    whole, other = fast([EVERYTHING])
    assert found == whole
    for name in ("records", "bad_records", "bad", "unsupported", "damage", "first_us", "last_us", "has_rib"):
        assert getattr(reader, name) == getattr(other, name)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, len(EVERYTHING)))
def test_of_a_file_cut_anywhere_all_whole_records_come_out_and_the_cut_is_named(at):
    data = EVERYTHING[:at]
    found, reader = fast([data])
    assert found == list(slow.elems(data))
    ends = [0]
    for raw in (INDEX, *RECORDS.values()):
        ends.append(ends[-1] + len(raw))
    last = max(end for end in ends if end <= at)
    if last == at:
        assert reader.damage is None
    else:
        assert reader.damage.offset == last
        assert "whole MRT record" in reader.damage.expected


@pytest.mark.parametrize("seed", range(6))
def test_mutated_records_are_read_as_the_twin_reads_them(seed):
    chance = random.Random(seed)
    raw = [INDEX, *RECORDS.values()]
    for _ in range(150):
        data = bytearray(b"".join(chance.sample(raw, 4)))
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.choice([0, 1, 2, 4, 16, 32, 127, 128, 255])
        found, _ = fast([bytes(data)])
        assert found == list(slow.elems(bytes(data))), bytes(data).hex()
        assert fast_tails(bytes(data)) == slow_tails(found), bytes(data).hex()


def test_a_record_longer_than_the_limit_is_no_record():
    data = INDEX + struct.pack("!IHHI", 1000, 16, 4, RECORD_LIMIT + 1) + bytes(100)
    found, reader = fast([data])
    assert len(found) == 3
    assert reader.damage.offset == len(INDEX)
    assert "MRT record header" in reader.damage.expected
    at_limit = struct.pack("!IHHI", 1000, 16, 4, RECORD_LIMIT) + bytes(100)
    assert "whole MRT record" in fast([at_limit])[1].damage.expected


def test_a_type_that_was_never_assigned_is_no_record():
    assert fast([record(HIGHEST_TYPE + 1, 0, b"")])[1].damage.offset == 0


def test_more_peers_than_the_limit_make_bad_records():
    data = b"".join(
        record(16, 4, struct.pack("!IIHH", asn, 64500, 0, 1) + bytes(8) + bgp(4, b"")) for asn in range(PEER_LIMIT + 2)
    )
    found, reader = fast([data])
    assert len(found) == PEER_LIMIT
    assert reader.bad_records == 2
    assert reader.bad[0][1] == "more peers than any collector has"


def test_a_message_without_a_length_of_its_own_is_no_longer_than_any_other():
    head = bytes([18, 229, 192, 0, 2, 1, 0, 1, 10, 0, 0, 1])
    longest = record(5, 1, head + bytes(4) + bytes(65535 - 19 - 4))
    found, reader = fast([longest])
    assert len(found) == 65535 - 19 - 4
    longer = record(5, 1, head + bytes(4) + bytes(65535 - 19 - 3))
    found, reader = fast([longer + RECORDS["keepalive"]])
    assert [elem.kind for elem in found] == [slow.ALIVE]
    assert reader.bad_records == 1


def test_beside_an_attribute_longer_than_its_field_routes_are_withdrawn_and_the_next_record_is_read():
    lies = attribute(8, bytes(4)).replace(struct.pack("!H", 4), struct.pack("!H", 60000))
    found, reader = fast([record(16, 4, message(4, update(b"", lies, IPV4))) + RECORDS["keepalive"]])
    assert [elem.kind for elem in found] == [slow.WITHDRAW] * 3 + [slow.ALIVE]
    assert {elem.marks for elem in found[:3]} == {2}
    why = (
        "a path attribute runs past the end of its field; the routes of the message were taken as withdrawn (RFC 7606)"
    )
    assert reader.bad == [(0, why)]


WELL = [attribute(1, b"\0"), attribute(2, b"\2\1\0\0\xfd\xe8"), attribute(3, bytes(4))]


@pytest.mark.parametrize(
    "attributes",
    [
        [attribute(1, b""), *WELL[1:]],
        [attribute(1, b"\3"), *WELL[1:]],
        [WELL[0], attribute(2, b"\2\3\0\0\xfd\xe8"), WELL[2]],
        [WELL[0], attribute(2, b"\5\1\0\0\xfd\xe8"), WELL[2]],
        [WELL[0], attribute(2, b"\2\0"), WELL[2]],
        [*WELL[:2], attribute(3, bytes(5))],
        [*WELL, attribute(4, bytes(3))],
        [*WELL, attribute(5, bytes(3))],
        [*WELL, attribute(8, bytes(6))],
        [*WELL, attribute(16, bytes(9))],
        [*WELL, attribute(32, bytes(8))],
        WELL[1:],
        [WELL[0], WELL[2]],
        WELL[:2],
        [],
    ],
)
def test_announcements_beside_malformed_attributes_are_marked(attributes: list[bytes]):
    raw = b"".join(attributes)
    found, reader = fast([record(16, 4, message(4, update(IPV4, raw, IPV4)))])
    assert [(elem.kind, elem.marks) for elem in found] == [(slow.WITHDRAW, 0)] * 3 + [(slow.ANNOUNCE, 2)] * 3
    assert reader.bad_records == 0


def test_well_formed_attributes_are_not_marked_nor_a_path_of_the_other_width():
    narrow = [WELL[0], attribute(2, b"\2\3\xfd\xe8\xfd\xe9\xfd\xea"), WELL[2]]
    lists = [attribute(8, bytes(8)), attribute(16, bytes(16)), attribute(32, bytes(24)), attribute(4, bytes(4))]
    for attributes in (WELL, [*WELL, *lists], narrow, [WELL[0], attribute(2, b""), WELL[2]]):
        found, _ = fast([record(16, 4, message(4, update(b"", b"".join(attributes), IPV4)))])
        assert {elem.marks for elem in found} == {0}


def test_a_notification_of_either_side_is_of_the_peer_and_an_open_of_who_sends_it():
    sides = struct.pack("!IIHH", 65001, 65002, 0, 1) + bytes([10, 0, 0, 1, 10, 0, 0, 2])
    for subtype, kind, asn, state in ((4, 3, 65001, 3), (7, 3, 65001, 3), (4, 1, 65001, 1), (7, 1, 65002, 1)):
        found, _ = fast([record(16, subtype, sides + bgp(kind, b"\6\2"))])
        assert [(elem.kind, elem.peer[0], elem.state) for elem in found] == [(slow.ALIVE, asn, state)]
        assert found[0].peer[2] == bytes([10, 0, 0, 1 if asn == 65001 else 2])


def test_a_rib_record_with_as_many_entries_as_its_count_can_say():
    many = record(13, 2, bytes(4) + IPV4[:4] + struct.pack("!H", 65535) + 65535 * entry(0, None, b""))
    found, reader = fast([INDEX + many])
    assert len(found) == 3 + 65535
    fewer = record(13, 2, bytes(4) + IPV4[:4] + struct.pack("!H", 65535) + 65534 * entry(0, None, b""))
    found, reader = fast([INDEX + fewer])
    assert (len(found), reader.bad_records) == (3, 1)


def test_an_entry_of_a_peer_that_no_index_lists_is_bad():
    assert fast([record(13, 2, bytes(4) + IPV4[:4] + b"\0\1" + entry(0))])[1].bad_records == 1
