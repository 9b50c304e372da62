"""Filters of elems against a slow twin that looks at one elem after the other with the standard library."""

import ipaddress
import struct
from random import Random

import numpy as np
import pytest

from duskwatch.records.elems import ElemBlock, Kind, PeerTable
from duskwatch.records.prefix import Prefix
from duskwatch.sources.bgp.formats.attributes import decode_attributes
from duskwatch.sources.bgp.formats.elem_filter import ElemFilter
from duskwatch.sources.bgp.formats.mrt import MrtReader
from duskwatch.sources.bgp.formats.mrt_write import (
    BgpState,
    Peer,
    Route,
    announce,
    bgp4mp,
    keepalive,
    record,
    session_header,
    state_change,
    withdraw,
)

LOCAL = {1: Peer(64999, "192.0.2.254", "192.0.2.254"), 2: Peer(64999, "2001:db8:ffff::fe", "192.0.2.254")}
PEERS = [
    Peer(64496, "192.0.2.1", "192.0.2.1"),
    Peer(64497, "192.0.2.2", "192.0.2.2"),
    Peer(64497, "2001:db8:ffff::2", "192.0.2.2"),
    Peer(4200000000, "2001:db8:ffff::3", "192.0.2.3"),
]
ASNS = (64500, 64501, 65536, 131279, 4837)


def afi(peer: Peer) -> int:
    return 2 if ":" in peer.address else 1


def random_prefix(random: Random, family: int) -> Prefix:
    """Out of few bits, so that prefixes are equal to, inside of and around each other."""
    if family == 1:
        length = random.choice((0, 8, 9, 22, 23, 24, 31, 32))
        return Prefix.from_network(ipaddress.ip_network((175 << 24 | random.getrandbits(2) << 9, length), strict=False))
    length = random.choice((0, 1, 32, 63, 64, 65, 127, 128))
    value = 0x2001 << 112 | random.getrandbits(1) << 64 | random.getrandbits(1)
    return Prefix.from_network(ipaddress.ip_network((value, length), strict=False))


def random_path(random: Random) -> tuple[int | tuple[int, ...], ...]:
    path: list[int | tuple[int, ...]] = [random.choice(ASNS) for _ in range(random.randint(1, 4))]
    if random.random() < 0.3:
        path.append(tuple(random.sample(ASNS, 2)))
    return tuple(path)


def records(seed: int, count: int = 400) -> bytes:
    random = Random(seed)
    out = []
    for i in range(count):
        peer = random.choice(PEERS)
        family = random.choice((1, 2))
        prefixes = [random_prefix(random, family) for _ in range(random.randint(1, 3))]
        choice = random.random()
        if choice < 0.1:
            out.append(state_change(1000 + i, peer, LOCAL[afi(peer)], BgpState.ESTABLISHED, BgpState.IDLE))
            continue
        if choice < 0.15:
            message = keepalive()
        elif choice < 0.4:
            message = withdraw(prefixes)
        else:
            route = Route(random_path(random), "192.0.2.1" if family == 1 else "2001:db8::1")
            message = announce(route, prefixes)
        micros = random.choice((None, 250_000))
        out.append(bgp4mp(1000 + i, peer, LOCAL[afi(peer)], message, microseconds=micros))
    return b"".join(out)


def read(data: bytes) -> tuple[ElemBlock, PeerTable]:
    peers = PeerTable()
    (block,) = MrtReader([data], peers)
    return block, peers


def network(prefix: Prefix) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(str(prefix))


def related(own: Prefix, asked: Prefix, match: str) -> bool:
    if own.afi != asked.afi:
        return False
    a, b = network(own), network(asked)
    inside, covers = a.subnet_of(b), b.subnet_of(a)  # type: ignore[arg-type]
    return {"exact": a == b, "more": inside, "less": covers, "any": inside or covers}[match]


def slow_rows(wanted: ElemFilter, block: ElemBlock, peers: PeerTable) -> list[int]:
    rows = []
    for row in range(len(block.kind)):
        kind, peer = int(block.kind[row]), int(block.peer[row])
        if kind not in wanted.kinds:
            continue
        time = int(block.time_us[row])
        if wanted.from_us is not None and time < wanted.from_us:
            continue
        if wanted.until_us is not None and time >= wanted.until_us:
            continue
        address = (peers.afi[peer], peers.address_hi[peer], peers.address_lo[peer])
        asked = wanted.peer_asns or wanted.peer_addresses
        addresses = [(each.afi, each.hi, each.lo) for each in wanted.peer_addresses]
        if asked and peers.asn[peer] not in wanted.peer_asns and address not in addresses:
            continue
        if wanted.prefixes:
            if not block.afi[row]:
                continue
            hi, lo, length = int(block.prefix_hi[row]), int(block.prefix_lo[row]), int(block.prefix_length[row])
            own = Prefix(int(block.afi[row]), hi, lo, length)
            if not any(related(own, each, wanted.match) for each in wanted.prefixes):
                continue
        if wanted.origins or wanted.path_contains:
            if kind not in (Kind.RIB, Kind.ANNOUNCE):
                continue
            start = int(block.attr_start[row])
            raw = block.data[start : start + int(block.attr_length[row])].tobytes()
            found = decode_attributes(raw, int(block.as_size[row]))
            members = {asn for _, segment in found.as_path for asn in segment}
            if wanted.origins and not set(wanted.origins) & set(found.origins):
                continue
            if not set(wanted.path_contains) <= members:
                continue
        rows.append(row)
    return rows


@pytest.mark.parametrize("seed", range(40))
def test_the_filter_keeps_what_its_slow_twin_keeps(seed):
    random = Random(seed)
    block, peers = read(records(seed))
    for _ in range(10):
        wanted = ElemFilter(
            prefixes=tuple(random_prefix(random, random.choice((1, 2))) for _ in range(random.choice((0, 1, 2)))),
            match=random.choice(("exact", "more", "less", "any")),
            origins=tuple(random.sample(ASNS, random.choice((0, 0, 1, 2)))),
            peer_asns=random.choice(((), (64496,), (64497, 4200000000))),
            peer_addresses=random.choice(((), (), (Prefix.parse("2001:db8:ffff::2"),))),
            path_contains=tuple(random.sample(ASNS, random.choice((0, 0, 1, 2)))),
            from_us=random.choice((None, 1_100_000_000, 1_100_250_000)),
            until_us=random.choice((None, 1_300_000_000, 1_300_250_001)),
            kinds=random.choice(((0, 1, 2, 3), (1,), (2, 3))),
        )
        assert wanted.rows(block, peers).tolist() == slow_rows(wanted, block, peers)


def test_without_a_filter_everything_passes_but_messages_that_say_nothing_of_routes():
    block, peers = read(records(1))
    kinds = block.kind[ElemFilter().rows(block, peers)]
    assert set(kinds.tolist()) == {Kind.ANNOUNCE, Kind.WITHDRAW, Kind.STATE}
    assert len(kinds) == np.isin(block.kind, kinds).sum() < len(block.kind)


def test_every_member_of_a_set_at_the_end_is_an_origin():
    message = announce(Route((64500, (64501, 65536)), "192.0.2.1"), [Prefix.parse("175.45.176.0/22")])
    block, peers = read(bgp4mp(0, PEERS[0], LOCAL[1], message))
    for asn, kept in ((64501, [0]), (65536, [0]), (64500, [])):
        assert ElemFilter(origins=(asn,)).rows(block, peers).tolist() == kept


def test_of_two_octet_speakers_the_merged_path_counts():
    path = bytes([2, 2]) + struct.pack("!HH", 64500, 23456)
    wide = bytes([2, 1]) + struct.pack("!I", 131279)
    raw = bytes([0x40, 1, 1, 0, 0x40, 2, len(path)]) + path + bytes([0xC0, 17, len(wide)]) + wide
    body = struct.pack("!HH", 0, len(raw)) + raw + bytes([22, 175, 45, 176])
    message = b"\xff" * 16 + struct.pack("!HB", 19 + len(body), 2) + body
    header = session_header(PEERS[0], LOCAL[1])
    header = header[2:4] + header[6:]  # AS numbers of two octets
    block, peers = read(record(0, 16, 1, header + message))
    assert ElemFilter(origins=(131279,), path_contains=(64500,)).rows(block, peers).tolist() == [0]
    assert ElemFilter(origins=(23456,)).rows(block, peers).tolist() == []
    assert ElemFilter(path_contains=(23456,)).rows(block, peers).tolist() == []
