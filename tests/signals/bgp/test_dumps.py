"""Table dumps folded from their records against the same dumps folded elem by elem."""

import copy
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.records.elems import ElemBlock, PeerTable, RibBlock
from duskwatch.records.messages import DumpBegin, DumpEnd
from duskwatch.signals.bgp.log import RoutingLog
from duskwatch.signals.bgp.start_table import StartTable
from duskwatch.signals.bgp.state import RoutingState
from duskwatch.sources.bgp.formats import mrt
from duskwatch.sources.bgp.formats.mrt import MrtReader
from duskwatch.sources.bgp.formats.mrt_write import AS_SEQUENCE, Route, attribute, attributes, record
from tests.signals.bgp.build import everything, folded, nothing, started

SECOND, HOUR = 1_000_000, 3600
NETWORKS = [bytes([8 * 3, 10, 0, k]) for k in range(6)] + [bytes([0]), bytes([32, 10, 0, 0, 1])]
PATHS = [(1, 7), (1, 7, 7), (2, 3, 8), (3, 8, 3), (5,), (2, 9, (4, 5)), (1, (7,)), ()]
BROKEN = [b"", b"\x40\x02\xff", attribute(0x40, 2, bytes([AS_SEQUENCE, 9, 0, 0])), attribute(0x40, 2, b"")]
ATTRIBUTES = [attributes(Route(path, "192.0.2.1")) for path in PATHS] + BROKEN


def index(peers: list[int], seconds: int) -> bytes:
    body = struct.pack("!IHH", 0, 0, len(peers))
    for peer in peers:
        body += struct.pack("!BIII", 2, peer, 0x0A000000 + peer, 100 + peer)
    return record(seconds, 13, 1, body)


def rib(subtype: int, network: bytes, entries: list[tuple[int, bytes]], seconds: int) -> bytes:
    body = struct.pack("!I", 0) + network + struct.pack("!H", len(entries))
    for place, attrs in entries:
        body += struct.pack("!HIH", place, 0, len(attrs)) + attrs
    return record(seconds, 13, subtype, body)


def update(peer: int, network: bytes, attrs: bytes, seconds: int, withdraw: bool = False) -> bytes:
    gone, announced = (network, b"") if withdraw else (b"", network)
    body = struct.pack("!H", len(gone)) + gone + struct.pack("!H", len(attrs)) + attrs + announced
    message = b"\xff" * 16 + struct.pack("!HB", len(body) + 19, 2) + body
    peers = struct.pack("!IIHHII", 100 + peer, 1, 0, 1, 0x0A000000 + peer, 1)
    return record(seconds, 16, 4, peers + message)


PEERS = st.sampled_from([[0, 1, 2, 3], [3, 70, 1], [70, 0], list(range(70))])
ENTRIES = st.lists(st.tuples(st.sampled_from([0, 0, 1, 1, 2, 3, 69]), st.sampled_from(ATTRIBUTES)), max_size=5)
RECORDS = st.one_of(
    st.tuples(
        st.just("rib"), st.sampled_from([2, 4, 3, 8]), st.sampled_from(NETWORKS), ENTRIES, st.integers(990, 1010)
    ),
    st.tuples(st.just("rib"), st.just(2), st.sampled_from(NETWORKS), ENTRIES, st.just(1000)),
    st.tuples(st.just("rib"), st.just(2), st.sampled_from(NETWORKS[:3]), ENTRIES, st.just(1000)),
    st.tuples(st.just("index"), PEERS, st.just(1000)),
    st.tuples(
        st.just("update"),
        st.sampled_from([0, 1, 3, 70]),
        st.sampled_from(NETWORKS),
        st.sampled_from(ATTRIBUTES),
        st.just(1001),
    ),
)
MADE = {"rib": rib, "index": index, "update": update}


def written(told: tuple) -> bytes:
    return MADE[told[0]](*told[1:])


def some(afi, hi, lo, length):
    """Watches some prefixes and not others."""
    return ((hi >> np.uint64(40)) % np.uint64(3) != 0).astype(np.uint8)


def pieces_of(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def told_by(state: RoutingState, log: RoutingLog) -> dict[str, object]:
    """All that counts of a state and its log; numbers of routes and prefixes as what they stand for."""
    state.start.reserve(state.watched_count, len(state.sizes))
    sessions, watched = len(state.sizes), np.flatnonzero(state.watched[: state.count])
    number = state.number[watched]
    assert sorted(number.tolist()) == list(range(state.watched_count))
    row_of = np.append(watched[np.argsort(number)], -1)  # a session's is -1
    start = StartTable(
        *(getattr(state.start, name)[number] for name in ("cells", "routes", "last_us", "last_route", "mentioned")),
        state.start.complete,
        state.start.fresh,
        state.start.sessions,
    )
    held = np.where((start.cells[:, :sessions] & 1) == 1, start.routes[:, :sessions], 0)
    paths = state.paths.paths
    return {
        "log": list(
            zip(
                log.time_us.tolist(),
                log.peer.tolist(),
                row_of[log.prefix].tolist(),
                log.op.tolist(),
                [paths[path] for path in log.route.tolist()],
                strict=True,
            )
        ),
        "cells": start.cells[:, :sessions].tolist(),
        "routes": [[paths[path] for path in row] for row in held.tolist()],
        "last": [start.last_us.tolist(), [paths[path] for path in start.last_route.tolist()], start.mentioned.tolist()],
        "complete": [start.complete.tolist(), start.fresh.tolist(), start.sessions.tolist()],
        "held": state.held[: state.count].tolist(),
        "prefixes": [state.prefix_hi[: state.count].tolist(), watched.tolist()],
        "sizes": state.sizes.tolist(),
        "checks": state.checks,
        "counters": state.counters.tolist(),
        "live": [state.live.tolist(), state.whole.tolist(), state.heard_us.tolist()],
    }


def dumped(state: RoutingState, blocks, dumps: list[int], until_s: int) -> dict[str, object]:
    blocks = list(blocks)
    messages = [m for s in dumps for m in (DumpBegin("rib", s * SECOND), *blocks, DumpEnd(True))]
    return told_by(*folded(state, *messages, until_s=until_s))


@settings(max_examples=150, deadline=None)
@given(
    first=PEERS,
    records=st.lists(RECORDS, max_size=14),
    before=st.lists(
        st.tuples(
            st.sampled_from([0, 1, 3, 70]),
            st.sampled_from(NETWORKS),
            st.sampled_from(ATTRIBUTES),
            st.integers(800, 1100),
        ),
        max_size=5,
    ),
    watch=st.sampled_from([some, everything, nothing]),
    origins=st.sampled_from([None, (7,), (8, 5)]),
    window=st.sampled_from([(900, 1005), (900, 2000), (1000, 1005), (1000, 2000), (1050, 2000)]),
    dumps=st.sampled_from([[1000], [1000, 1060]]),
    size=st.integers(30, 4000),
)
def test_routes_folded_from_records_are_those_folded_from_elems(
    first, records, before, watch, origins, window, dumps, size
):
    data = index(first, 1000) + b"".join(map(written, records))
    state = started(from_s=window[0], watch=watch if origins is None else nothing, origins=origins)
    peers = PeerTable()
    said = MrtReader([b"".join(update(*told) for told in before)], peers)
    state, _ = folded(state, *said, until_s=window[1])
    state_again = copy.deepcopy(state)
    by_elem = dumped(state, MrtReader(pieces_of(data, size), peers), dumps, window[1])
    reader = MrtReader(pieces_of(data, size), PeerTable())
    assert dumped(state_again, reader.routes(), dumps, window[1]) == by_elem


def blocks_of(data: bytes, size: int = 1 << 20) -> list[ElemBlock | RibBlock]:
    return list(MrtReader(pieces_of(data, size), PeerTable()).routes())


def test_routes_of_a_dump_stay_together():
    entries = [(0, ATTRIBUTES[0]), (2, ATTRIBUTES[1])]
    data = index([5, 6, 7], 1000) + rib(2, NETWORKS[1], entries, 1001) + rib(4, NETWORKS[0], entries[:1], 1002)
    peers, routes = blocks_of(data)
    assert isinstance(peers, ElemBlock)
    assert isinstance(routes, RibBlock)
    assert routes.entries.tolist() == [2, 1]
    assert routes.afi.tolist() == [1, 2]
    assert routes.places.tolist() == [0, 1, 2]
    assert routes.time_us.tolist() == [1001 * SECOND, 1002 * SECOND]
    at = int(routes.entries_start[0])
    assert routes.data[at : at + 8].tobytes() == struct.pack("!HIH", 0, 0, len(ATTRIBUTES[0]))


def test_another_index_counts_only_for_what_follows():
    entry = [(0, ATTRIBUTES[0])]
    data = index([5], 1000) + rib(2, NETWORKS[0], entry, 1000) + index([9], 1000) + rib(2, NETWORKS[1], entry, 1000)
    blocks = blocks_of(data)
    assert [type(block) for block in blocks] == [ElemBlock, RibBlock, ElemBlock, RibBlock]
    assert [block.places.tolist() for block in blocks if isinstance(block, RibBlock)] == [[0], [1]]


def test_counts_and_bad_records_are_those_of_the_elems():
    bad = rib(2, NETWORKS[0], [(3, b"")], 1000)
    data = index([5], 999) + bad + rib(2, NETWORKS[0], [(0, b"")], 1005) + rib(2, NETWORKS[0], [], 1006) + bad[:-3]
    by_elem, by_record = MrtReader([data], PeerTable()), MrtReader([data], PeerTable())
    assert len(list(by_elem)) == 1
    assert len(list(by_record.routes())) == 2
    for name in ("records", "bad_records", "bad", "damage", "first_us", "last_us", "has_rib"):
        assert getattr(by_record, name) == getattr(by_elem, name), name
    assert by_record.bad_records == 1
    assert by_record.damage is not None


@pytest.mark.parametrize("limit", [0, 3])
def test_a_file_that_takes_turns_gives_elems_after_a_while(monkeypatch, limit):
    monkeypatch.setattr(mrt, "MOST_TURNS", limit)
    entry = [(0, ATTRIBUTES[0])]
    data = index([5], 1000)
    for k in range(20):
        data += rib(2, NETWORKS[k % 6], entry, 1000) + update(5, NETWORKS[0], ATTRIBUTES[0], 1000)
    kinds = [type(block) for block in blocks_of(data)]
    assert kinds.count(RibBlock) == (limit + 1) // 2
    assert sum(len(block.time_us) for block in blocks_of(data)) == 1 + 40
