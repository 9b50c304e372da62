"""Elems as JSON: fields, and that every line is an object that says what the columns say."""

import ipaddress
import json
import struct

import numpy as np
import pytest

from duskwatch.records.elems import Kind, PeerTable
from duskwatch.records.prefix import Prefix
from duskwatch.sources.bgp.formats.elem_json import ElemObjects, attribute_fields
from duskwatch.sources.bgp.formats.mrt import MrtReader
from duskwatch.sources.bgp.formats.mrt_write import (
    BgpState,
    Peer,
    Route,
    announce,
    bgp4mp,
    peer_index_table,
    rib,
    rib_attributes,
    state_change,
    withdraw,
)
from tests.sources.bgp.formats.test_elem_filter import read, records

PEER = Peer(4200000000, "2001:db8::1", "192.0.2.1")
HERE = Peer(64999, "2001:db8::2", "192.0.2.2")
ROUTE = Route(
    (64500, 64501, (64502, 131279)),
    "192.0.2.77",
    origin=2,
    med=4294967295,
    local_pref=0,
    atomic_aggregate=True,
    aggregator=(131279, "192.0.2.9"),
    communities=((65535, 65281), (3356, 123)),
)


def attribute(code: int, value: bytes) -> bytes:
    return struct.pack("!BBB", 0xC0, code, len(value)) + value


def objects(data: bytes) -> list[dict]:
    found, peers, writer = [], PeerTable(), ElemObjects()
    for block in MrtReader([data], peers):
        found += map(json.loads, writer.lines(block, peers, np.flatnonzero(block.kind <= Kind.STATE)))
    return found


def test_an_announcement_has_every_field():
    (found,) = objects(bgp4mp(1419264000, PEER, HERE, announce(ROUTE, [Prefix.parse("175.45.176.0/22")])))
    assert found == {
        "type": "announce",
        "time": 1419264000.0,
        "peer_ip": "2001:db8::1",
        "peer_asn": 4200000000,
        "prefix": "175.45.176.0/22",
        "safi": 1,
        "as_path": [64500, 64501, [64502, 131279]],
        "origin_asns": [64502, 131279],
        "origin": "INCOMPLETE",
        "next_hop": "192.0.2.77",
        "local_pref": 0,
        "med": 4294967295,
        "communities": ["65535:65281", "3356:123"],
        "large_communities": [],
        "extended_communities": [],
        "atomic_aggregate": True,
        "aggregator": {"asn": 131279, "ip": "192.0.2.9"},
        "originator_id": None,
        "cluster_list": [],
    }


def test_a_withdrawal_and_a_state_change_have_only_what_they_say():
    data = bgp4mp(1, PEER, HERE, withdraw([Prefix.parse("2001:db8:1::/48")]), microseconds=250_000)
    data += state_change(2, PEER, HERE, BgpState.ESTABLISHED, BgpState.IDLE)
    peer = {"peer_ip": "2001:db8::1", "peer_asn": 4200000000}
    assert objects(data) == [
        {"type": "withdraw", "time": 1.25, **peer, "prefix": "2001:db8:1::/48", "safi": 1},
        {"type": "state", "time": 2.0, **peer, "old_state": "established", "new_state": "idle"},
    ]


def test_entries_of_a_table_have_the_next_hop_of_their_family():
    route = Route((64500,), "2001:db8::99")
    data = peer_index_table(5, "192.0.2.2", [PEER])
    data += rib(5, 0, Prefix.parse("2001:db8:1::/48"), [(0, 4, rib_attributes(route))])
    (found,) = objects(data)
    assert (found["type"], found["next_hop"], found["origin_asns"]) == ("rib", "2001:db8::99", [64500])


def test_large_and_extended_communities_and_confederations_are_in_it():
    path = bytes([3, 1]) + struct.pack("!I", 65001) + bytes([4, 1]) + struct.pack("!I", 65002)
    path += bytes([2, 1]) + struct.pack("!I", 64500)
    raw = attribute(2, path) + attribute(32, struct.pack("!III", 64496, 1, 4294967295))
    raw += attribute(16, bytes.fromhex("0002fbf400000064"))
    found = attribute_fields(raw, 4, (1, 1))
    assert found["as_path"] == [{"confed_sequence": [65001]}, {"confed_set": [65002]}, 64500]
    assert found["large_communities"] == ["64496:1:4294967295"]
    assert found["extended_communities"] == ["0002fbf400000064"]
    assert "malformed" not in found


def test_a_malformed_attribute_is_named():
    found = attribute_fields(attribute(1, b"\0") + b"\x40\x02\x09\x00", 4, (1, 1))
    assert found["malformed"] == "attribute 2 runs past the end"
    assert (found["origin"], found["as_path"]) == ("IGP", [])


@pytest.mark.parametrize(("identifier", "subtype"), [(0, 9), (7, 9)])
def test_path_identifiers_are_there_where_the_record_has_them_even_if_they_are_0(identifier, subtype):
    body = bytes([0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 1])
    update = struct.pack("!HH", 0, len(body)) + body + struct.pack("!I", identifier) + bytes([8, 10])
    data = bytearray(bgp4mp(0, PEER, HERE, b"\xff" * 16 + struct.pack("!HB", 19 + len(update), 2) + update))
    data[7] = subtype  # BGP4MP_MESSAGE_AS4_ADDPATH
    (found,) = objects(bytes(data))
    assert (found["prefix"], found["path_id"]) == ("10.0.0.0/8", identifier)


def test_lines_say_what_the_columns_say():
    block, peers = read(records(3))
    rows = np.flatnonzero(block.kind <= Kind.STATE)
    lines = list(ElemObjects().lines(block, peers, rows))
    assert len(lines) == len(rows) > 100
    for row, line in zip(rows, lines, strict=True):
        found = json.loads(line)
        assert line == json.dumps(found, separators=(",", ":")) + "\n"
        assert round(found["time"] * 1e6) == block.time_us[row]
        assert found["peer_asn"] == peers.asn[block.peer[row]]
        if block.kind[row] != Kind.STATE:
            own = Prefix.from_network(ipaddress.ip_network(found["prefix"]))
            assert own[1:] == (block.prefix_hi[row], block.prefix_lo[row], block.prefix_length[row])
    assert list(ElemObjects().objects(block, peers, rows)) == [json.loads(line) for line in lines]
