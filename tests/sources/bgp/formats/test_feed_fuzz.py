"""Feeds made of mutated and of arbitrary bytes: nothing raises, everything is counted, time and memory are bounded.

6,000 messages of each kind of feed by default; DUSKWATCH_FUZZ_RECORDS=1000000 for a million. Each run is seeded.
"""

import json
import os
import random
import struct
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.sources.bgp.formats.bgpdump import BgpdumpText
from duskwatch.sources.bgp.formats.bmp import BmpOptions, BmpReader
from duskwatch.sources.bgp.formats.bmp_peers import Limits
from duskwatch.sources.bgp.formats.elem_json import ElemObjects
from duskwatch.sources.bgp.formats.feed_counts import BAD_KEPT, KINDS_KEPT, ClockRules
from duskwatch.sources.bgp.formats.feed_files import NotAFeedError, RecordedFeed
from duskwatch.sources.bgp.formats.openbmp import OpenBmpReader
from duskwatch.sources.bgp.formats.ris_live import RisLiveReader
from tests.conftest import ROOT
from tests.sources.bgp.formats import bmp_make as make
from tests.sources.bgp.formats.test_openbmp import binary
from tests.sources.bgp.formats.test_ris_live import frame, raw
from tests.sources.files.test_captures import pcap, segment

MESSAGES = int(os.environ.get("DUSKWATCH_FUZZ_RECORDS", "6000"))
SLOWEST_S = 5.0
NOW = make.SECONDS * 1_000_000

BMP = [
    make.initiation(), make.termination(0, "bye"), make.peer_up(), make.peer_down(), make.statistics({0: 1, 7: 9}),
    make.peer_up(make.peer_header("2001:db8::1"), local="2001:db8::2"), make.routes(make.end_of_rib(2)),
    make.peer_up(None, make.open_message(1, paths=[(1, 1, 3), (2, 1, 3)]), make.open_message(2, paths=[(1, 1, 3)])),
    make.routes(make.announce(make.ROUTE, [make.KP, make.KP2])), make.routes(make.withdraw([make.KP])),
    make.routes(make.announce(make.ROUTE6, [make.V6]), header=make.peer_header("2001:db8::1", flags=0x40)),
    make.routes(make.announce(make.ROUTE, [make.KP]), header=make.peer_header(kind=3)),
    make.bmp(6, make.peer_header() + make.tlv(0, make.withdraw([make.KP])) + make.tlv(1, b"\0\1")),
    make.bmp(0, make.peer_header() + make.indexed_tlv(4, make.withdraw([make.KP])), version=4),
]  # fmt: skip
FRAMES = [
    raw(make.announce(make.ROUTE, [make.KP])), raw(make.withdraw([make.KP])), frame("STATE", state="down"),
    frame("KEEPALIVE"), b'{"type":"ris_error","data":{"message":"x"}}', b'{"type":"pong","data":null}',
    frame(path=[1, [2, 3]], origin="igp", med=1, community=[[1, 2]], aggregator="1:10.0.0.1",
          announcements=[{"next_hop": "10.0.0.1", "prefixes": ["10.0.0.0/8"]}], withdrawals=["2001:db8::/32"]),
    json.dumps({"type": "A", "prefix": "10.0.0.0/8", "peer": "10.0.0.1", "peer_asn": "1", "timestamp": 1.0, "path": [1],
                "origin": "igp", "next_hop": "10.0.0.1", "service": "ripe-ris|rrc00",
                "communities": [{"asn": 1, "value": 2}]}).encode(),
]  # fmt: skip


def real_messages() -> list[bytes]:
    """Some messages of real captures, where they are."""
    folder = ROOT.parent / "shared" / "data" / "bmp"
    if not folder.is_dir():
        return []
    from tests.sources.bgp.formats.test_bmp_differential import NETGAUZE

    out = []
    for name in NETGAUZE:
        reader = RecordedMessages()
        reader.read(folder / name)
        out += reader.messages[:40]
    return out


class RecordedMessages:
    def __init__(self) -> None:
        self.messages: list[bytes] = []

    def read(self, path: Path) -> None:
        from duskwatch.sources.files.captures import Capture
        from duskwatch.sources.files.pieces import open_pieces
        from duskwatch.sources.files.tcp import TcpStreams

        streams: dict = {}
        for piece in TcpStreams().pieces(Capture(open_pieces(path))):
            streams[piece.stream] = streams.get(piece.stream, b"") + piece.data
        for data in streams.values():
            at = 0
            while at + 6 <= len(data) and data[at] in (3, 4):
                length = int.from_bytes(data[at + 1 : at + 5], "big")
                self.messages.append(data[at : at + length])
                at += length


def mutated(chance: random.Random, message: bytes, others: list[bytes], length_at: int | None) -> bytes:
    out = bytearray(message)
    kind = chance.randrange(6)
    if kind == 0 and out:
        for _ in range(chance.randint(1, 8)):
            out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    elif kind == 1 and len(out) > 8:
        at = chance.randrange(5, len(out) - 2)
        out[at : at + 2] = chance.choice([0, 1, 255, 256, 4096, 65535]).to_bytes(2, "big")
    elif kind == 2 and len(out) > 6:
        del out[chance.randrange(6, len(out) + 1) :]
    elif kind == 3:
        other = chance.choice(others)
        at, start = chance.randrange(len(out) + 1), chance.randrange(len(other))
        out[at:at] = other[start : start + chance.randrange(60)]
    elif kind == 4 and len(out) > 6:
        out[6:] = chance.randbytes(len(out) - 6)
    if length_at is not None and len(out) > length_at + 4 and chance.random() < 0.9:
        out[length_at : length_at + 4] = struct.pack("!I", len(out))
    return bytes(out)


def printed(batch) -> int:
    """Every elem as text and as JSON: whoever gets a block may do that."""
    text, objects, elems = BgpdumpText(), ElemObjects(), 0
    for _, block in batch.blocks:
        peers = block.peers
        rows = np.flatnonzero(block.kind <= 3)
        elems += len(rows)
        for line in (*text.lines(block, peers, rows), *objects.lines(block, peers, rows)):
            assert line.endswith("\n")
    return elems


def test_mutated_bmp_streams_raise_nothing_and_everything_is_counted():
    chance, done, bad, elems, damaged, slowest = random.Random(20141222), 0, 0, 0, 0, 0.0
    raw_messages = BMP * 10 + real_messages()
    while done < MESSAGES:
        messages = [
            mutated(chance, each, raw_messages, 1) if chance.random() < 0.6 else each
            for each in chance.choices(raw_messages, k=60)
        ]
        data, began = b"".join(messages), time.perf_counter()
        reader = BmpReader("r", BmpOptions(clock=ClockRules() if chance.random() < 0.5 else None))
        size = chance.choice([3, 50, 700, 1 << 16])
        for at in range(0, len(data), size):
            reader.feed(data[at : at + size], NOW if chance.random() < 0.9 else None)
            if chance.random() < 0.05:
                elems += printed(reader.take())
            if chance.random() < 0.01:
                reader.lost(NOW)
                reader.begin()
        reader.finish()
        elems += printed(reader.take())
        slowest = max(slowest, time.perf_counter() - began)
        counts = reader.counts
        typed = sum(n for kind, n in counts.kinds.items() if not kind.startswith("mirrored"))
        assert typed + counts.unsupported.total() >= counts.messages
        assert len(counts.first_bad) == min(counts.bad, BAD_KEPT)
        done += len(messages)
        bad += counts.bad
        damaged += reader.damage is not None
    print(done, "messages", bad, "bad", elems, "elems", damaged, "streams damaged; slowest", round(slowest, 3), "s")
    assert bad > done // 50
    assert elems > done // 10
    assert damaged > 10
    assert slowest < SLOWEST_S


def test_mutated_frames_raise_nothing_and_everything_is_counted():
    chance, done, bad, elems, slowest = random.Random(20141223), 0, 0, 0, 0.0
    while done < MESSAGES:
        reader, began = RisLiveReader(ClockRules(old_is_now=False)), time.perf_counter()
        for each in chance.choices(FRAMES, k=100):
            reader.frame(mutated(chance, each, FRAMES, None) if chance.random() < 0.6 else each, NOW)
        elems += printed(reader.take())
        slowest = max(slowest, time.perf_counter() - began)
        assert reader.counts.messages == 100
        bad += reader.counts.bad
        done += 100
    print(done, "frames", bad, "bad", elems, "elems; slowest", round(slowest, 3), "s")
    assert bad > done // 10
    assert elems > done // 5
    assert slowest < SLOWEST_S


def test_mutated_openbmp_messages_raise_nothing_and_everything_is_counted():
    chance, done, bad, elems = random.Random(20141224), 0, 0, 0
    messages = [binary(each) for each in BMP]
    while done < MESSAGES:
        reader = OpenBmpReader()
        for each in chance.choices(messages, k=100):
            reader.message(
                mutated(chance, each, messages, 8 if chance.random() < 0.1 else None)
                if chance.random() < 0.6
                else each,
                NOW,
            )
        elems += printed(reader.take())
        assert reader.counts.messages >= 100
        bad += reader.counts.bad
        done += 100
    assert bad > done // 10
    assert elems > done // 10


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=600),
    st.sampled_from([b"", b"\3\0\0\0\x30\0", b"\3\0\0\0\x46\3", b"OBMP\1\7", b"{", b"[", pcap([])]),
)
def test_any_bytes_are_a_feed_or_are_said_to_be_none(tail, head):
    feed = RecordedFeed([head + tail], "a file")
    try:
        for batch in feed:
            printed(batch)
    except NotAFeedError:
        assert feed.form is None
        return
    assert feed.damage is not None or feed.counts.messages or feed.form is not None


def test_mutated_captures_raise_nothing():
    chance = random.Random(20141225)
    data = b"".join(BMP)
    for _ in range(max(50, MESSAGES // 400)):
        parts = [data[at : at + 90] for at in range(0, len(data), 90)]
        packets = [
            (k, 0, segment(1 + 90 * k, part, port=chance.choice([33000, 33001]))) for k, part in enumerate(parts)
        ]
        chance.shuffle(packets)
        capture = bytearray(pcap(packets))
        for _ in range(chance.randrange(20)):
            capture[chance.randrange(24, len(capture))] ^= 1 << chance.randrange(8)
        for batch in RecordedFeed([bytes(capture)], "x"):
            printed(batch)


@pytest.mark.parametrize("feed", ["bmp", "ris", "openbmp"])
def test_a_flood_of_peers_and_names_takes_no_more_than_its_bound(feed):
    """Hostile senders name a new peer, table, collector or type with every message."""
    chance = random.Random(1)
    tracemalloc.start()
    reader: BmpReader | RisLiveReader | OpenBmpReader
    if feed == "bmp":
        reader = BmpReader("r", BmpOptions(limits=Limits(peers=500, tables=20)))
    elif feed == "ris":
        reader = RisLiveReader()
    else:
        reader = OpenBmpReader(BmpOptions(limits=Limits(peers=500, tables=20)))
    withdrawal, held = make.withdraw([make.KP]), 0
    for k in range(6000):
        header = make.peer_header(
            f"10.{k >> 16}.{k >> 8 & 255}.{k & 255}", k, kind=1 + k % 2, distinguisher=chance.randbytes(8)
        )
        if isinstance(reader, BmpReader):
            reader.feed(make.routes(withdrawal, header=header) + make.bmp(7 + k % 200, b""))
        elif isinstance(reader, RisLiveReader):
            reader.frame(raw(withdrawal, host=f"rrc{k}", peer_asn=k, peer=f"10.0.{k >> 8 & 255}.{k & 255}"))
            reader.frame(json.dumps({"type": f"type {k}"}).encode())
        else:
            reader.message(binary(make.routes(withdrawal, header=header), group=f"g{k % 10}"))
        if k % 1000 == 999:
            reader.take()
            held = max(held, tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert held < 64 << 20
    assert len(reader.counts.first_bad) <= BAD_KEPT
    assert len(reader.counts.unsupported) <= KINDS_KEPT + 1
    assert reader.counts.bad > 3000
