"""Each limit of the MRT kernel at its edge, and each reason for which a record is bad."""

import struct

import pytest

from duskwatch.kernels.mrt import ATTRIBUTES_LIMIT, ENTRIES_LIMIT, PEER_SLOTS, REASONS, STATE_LIMIT
from duskwatch.records.elems import Kind, PeerTable
from duskwatch.sources.bgp.formats.mrt import MrtReader
from tests.kernels.test_mrt import (
    DUMPED,
    INDEX,
    IPV4,
    IPV6,
    PATH,
    REACH,
    UNREACH,
    attribute,
    bgp,
    entry,
    fast,
    message,
    record,
    update,
)

KEEPALIVE = record(16, 4, message(4, bgp(4, b"")))


def reason(data: bytes) -> str:
    """Why the one record is bad; the one behind it must be read."""
    found, reader = fast([INDEX + data + KEEPALIVE])
    assert found[-1].kind == Kind.ALIVE
    assert reader.records == 3
    assert reader.damage is None
    assert reader.bad_records == len(reader.bad) <= 1
    if not reader.bad:
        return ""
    assert reader.bad[0][0] == len(INDEX)
    return reader.bad[0][1]


def table_dump(attributes: bytes) -> bytes:
    return record(12, 1, bytes(4) + DUMPED[: -2 - len(PATH)] + struct.pack("!H", len(attributes)) + attributes)


@pytest.mark.parametrize("form", ["rib", "table dump", "entry"])
def test_attributes_are_no_longer_than_any_message_has_room_for(form):
    def made(octets: int) -> bytes:
        raw = attribute(8, bytes(octets - 4))
        if form == "rib":
            return record(13, 2, bytes(4) + IPV4[:4] + b"\0\1" + entry(0, None, raw))
        if form == "table dump":
            return table_dump(raw)
        size = struct.pack("!H", len(raw))
        return record(16, 2, message(2, bytes(8) + b"\0\1\1\4" + bytes(4) + IPV4[:4] + size + raw))

    assert reason(made(ATTRIBUTES_LIMIT)) == ""
    assert reason(made(ATTRIBUTES_LIMIT + 1)) == "path attributes run past the end of their field"


def test_a_record_of_more_entries_than_the_limit_is_bad():
    def batch(entries: int) -> bytes:
        bare = DUMPED[: -2 - len(PATH)] + b"\0\0"
        return record(12, 1, bytes(4) + entries * bare)

    found, reader = fast([batch(ENTRIES_LIMIT)])
    assert (len(found), reader.bad_records) == (ENTRIES_LIMIT, 0)
    assert reason(batch(ENTRIES_LIMIT + 1)) == "more RIB entries than any record has"


@pytest.mark.parametrize("subtype", [0, 5])
def test_a_session_state_past_the_limit_is_bad(subtype):
    def change(old: int, new: int) -> bytes:
        return record(16, subtype, message(subtype, struct.pack("!HH", old, new)))

    assert reason(change(STATE_LIMIT, STATE_LIMIT)) == ""
    for states in ((STATE_LIMIT + 1, 1), (1, STATE_LIMIT + 1)):
        assert reason(change(*states)) == "a session state is none of the finite state machine"


AS_WITHDRAWN = (
    "a path attribute runs past the end of its field; the routes of the message were taken as withdrawn (RFC 7606)"
)
WITHOUT_MARKER = message(4, b"\xff" * 15 + b"\xfe" + update(IPV4)[16:])
REASON_OF = {
    "the record is shorter than its fixed fields": [
        record(13, 1, bytes(5)),
        record(13, 1, bytes(4) + b"\0\5" + bytes(3)),
        record(13, 2, bytes(3)),
        record(13, 6, bytes(6)),
        record(16, 4, bytes(5)),
        record(16, 4, message(4, b"")[:-1]),
        record(16, 5, message(5, b"\0\6\0")),
        record(17, 4, bytes(3)),
        record(12, 1, bytes(4) + DUMPED[:10]),
        record(5, 1, bytes(11)),
    ],
    "a peer entry runs past the end of the record": [INDEX[:8] + struct.pack("!I", len(INDEX) - 13) + INDEX[12:-1]],
    "a RIB entry runs past the end of the record": [
        record(13, 2, bytes(4) + IPV4[:4] + b"\0\2" + entry(0)),
        record(13, 2, bytes(4) + IPV4[:4] + b"\0\1" + entry(0)[:-1]),
        record(13, 12, bytes(4) + b"\0\1\1" + IPV4[:4] + b"\0\1" + entry(0, 1) + b"\0"),
        table_dump(PATH)[:8] + struct.pack("!I", len(table_dump(PATH)) - 13) + table_dump(PATH)[12:-1],
    ],
    "a RIB entry names a peer that no peer index table lists": [
        record(13, 2, bytes(4) + IPV4[:4] + b"\0\1" + entry(3))
    ],
    "a prefix is longer than its family allows, or runs past the record": [
        record(13, 2, bytes(4) + b"\x21" + bytes(5) + b"\0\1" + entry(0)),
        record(13, 4, bytes(4) + b"\x81" + bytes(17) + b"\0\1" + entry(0)),
        record(13, 2, bytes(4) + IPV4[:3]),
        record(16, 4, message(4, update(b"", PATH, b"\x21" + bytes(5)))),
        record(16, 4, message(4, update(b"", attribute(15, b"\0\2\1\x81" + bytes(17))))),
    ],
    "the address family is neither IPv4 nor IPv6": [record(16, 4, message(4, bgp(4, b""), afi=3))],
    "a BGP message or a part of it is shorter or longer than what it stands in allows": [
        record(16, 4, message(4, b"\xff" * 18)),
        record(16, 4, message(4, b"\xff" * 16 + b"\0\x12\4")),
        record(16, 4, message(4, bgp(2, b"\0\0\0"))),
        record(16, 4, message(4, bgp(2, b"\0\x09\0\0"))),
    ],
    "path attributes run past the end of their field": [
        record(16, 4, message(4, bgp(2, b"\0\0\0\5" + bytes(4)))),
    ],
    "the BGP message does not begin with its marker, or is of no known type": [
        record(16, 4, WITHOUT_MARKER),
        record(16, 4, message(4, bgp(0, b""))),
        record(16, 4, message(4, bgp(7, b""))),
        record(16, 4, message(4, bgp(129, b""))),
    ],
    "MP_REACH_NLRI or MP_UNREACH_NLRI is too short, or is there twice": [
        record(16, 4, message(4, update(b"", attribute(14, b"\0\2\1\0")))),
        record(16, 4, message(4, update(b"", attribute(14, b"\0\2\1\1\0")))),
        record(16, 4, message(4, update(b"", attribute(15, b"\0\2")))),
        record(16, 4, message(4, update(b"", REACH + REACH))),
        record(16, 4, message(4, update(b"", UNREACH + UNREACH))),
    ],
}


@pytest.mark.parametrize(
    ("why", "data"),
    [(why, data) for why, each in REASON_OF.items() for data in each],
    ids=lambda value: str(value)[:20],
)
def test_a_bad_record_is_named_for_what_is_wrong_and_leaves_no_elem(why, data):
    assert reason(data) == why
    found, _ = fast([INDEX + data + KEEPALIVE])
    assert [elem.kind for elem in found] == [Kind.RIB_PEER] * 3 + [Kind.ALIVE]


def test_every_reason_is_met_by_some_test():
    elsewhere = {
        "",
        "more peers than any collector has",  # test_mrt.py
        "a session state is none of the finite state machine",
        "more RIB entries than any record has",
        "the last prefix runs past its field; those before it were taken",
        "the record ends before its BGP message does; what stands before that was taken",
        AS_WITHDRAWN,
    }
    assert set(REASON_OF) | elsewhere == set(REASONS)


@pytest.mark.parametrize("attributes", [b"\x40\1\2\0", b"\x40\1", b"\x50\1\0"])
def test_a_message_whose_attributes_run_past_their_field_takes_its_routes_back(attributes):
    bare = record(16, 4, message(4, update(b"", attributes)))
    assert reason(bare) == AS_WITHDRAWN
    assert [elem.kind for elem in fast([bare])[0]] == [Kind.ALIVE]
    routes = record(16, 4, message(4, update(b"", attributes, IPV4)))
    assert reason(routes) == AS_WITHDRAWN
    assert {elem.kind for elem in fast([routes])[0]} == {Kind.WITHDRAW}


def test_a_prefix_that_runs_past_its_field_leaves_those_before_it_and_those_of_other_fields():
    cut = record(16, 4, message(4, update(IPV4 + b"\x18\x0a", PATH + REACH, IPV4)))
    assert reason(cut) == "the last prefix runs past its field; those before it were taken"
    assert len(fast([cut])[0]) == 3 + 3 + 2


def test_a_message_cut_off_by_its_writer_leaves_what_stands_before_the_cut():
    whole = update(IPV4, PATH, IPV4)
    cut = record(16, 4, message(4, whole[:-1]))
    assert reason(cut) == "the record ends before its BGP message does; what stands before that was taken"
    assert len(fast([cut])[0]) == 5


def test_what_is_not_read_is_counted_by_name():
    data = [
        record(13, 7, bytes(20)),
        record(13, 6, bytes(4) + b"\0\1\x80" + bytes(30)),
        record(16, 4, message(4, update(b"", PATH + attribute(15, b"\x40\x04\x47" + bytes(9))))),
        record(16, 3, b""),
        record(5, 4, b""),
        record(48, 0, bytes(8)),
        record(14, 2, bytes(8)),
    ]
    _, reader = fast([b"".join(data)])
    assert reader.unsupported == {
        "TABLE_DUMP_V2/GEO_PEER_TABLE": 1,
        "TABLE_DUMP_V2/RIB_GENERIC AFI 1 SAFI 128": 1,
        "BGP4MP/MESSAGE_AS4 AFI 16388 SAFI 71": 1,
        "BGP4MP/SNAPSHOT": 1,
        "BGP/SYNC": 1,
        "OSPFv3/0": 1,
        "type 14/2": 1,
    }
    assert reader.bad_records == 0


def test_messages_that_the_collector_sent_are_of_the_collector():
    for subtype, sender in ((1, 4837), (4, 4837), (6, 64500), (7, 64500), (9, 4837), (11, 64500)):
        found, _ = fast([record(16, subtype, message(subtype, bgp(4, b"")))])
        assert found[0].peer[0] == sender
        assert found[0].peer[2] == (bytes([0, 1, 2, 3]) if sender == 4837 else bytes([4, 5, 6, 7]))


def test_peers_that_share_a_hash_slot_are_told_apart():
    # More than half of the slots are taken, so that many collide.
    asns = list(range(1, PEER_SLOTS // 2 + 1))
    data = [
        record(16, 4, struct.pack("!IIHH", asn, 64500, 0, 1) + bytes(8) + bgp(4, b"")) for asn in [*asns, *asns[::-1]]
    ]
    peers = PeerTable()
    blocks = list(MrtReader([b"".join(data)], peers))
    assert peers.asn == asns
    rows = [int(row) for block in blocks for row in block.peer]
    assert rows == [*range(len(asns)), *range(len(asns))[::-1]]


def test_the_default_route_of_each_family_is_no_sign_of_path_identifiers():
    both = update(b"\0", PATH + attribute(14, struct.pack("!HBB", 2, 1, 16) + bytes(17) + b"\0" + IPV6), b"\0")
    found, _ = fast([record(16, 4, message(4, both))])
    assert [(elem.kind, elem.prefix[1], elem.path_id) for elem in found] == [
        (Kind.WITHDRAW, 0, 0),
        (Kind.ANNOUNCE, 0, 0),
        (Kind.ANNOUNCE, 0, 0),
        (Kind.ANNOUNCE, 32, 0),
        (Kind.ANNOUNCE, 128, 0),
    ]
