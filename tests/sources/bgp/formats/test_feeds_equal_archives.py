"""The same messages from an archive, RIS Live, BMP and OpenBMP: the same elems, to the microsecond."""

import ipaddress
import json
import struct
from random import Random

import numpy as np
import pytest

from duskwatch.records.elems import PeerTable
from duskwatch.sources.bgp.formats.bmp import BmpReader
from duskwatch.sources.bgp.formats.feed_table import FeedBlock
from duskwatch.sources.bgp.formats.mrt import MrtReader
from duskwatch.sources.bgp.formats.openbmp import OpenBmpReader
from duskwatch.sources.bgp.formats.ris_live import RisLiveReader
from duskwatch.sources.files.pieces import open_pieces
from tests.sources.bgp.formats.bmp_make import bmp
from tests.sources.bgp.formats.random_mrt import bgp4mp
from tests.sources.bgp.formats.said import said
from tests.sources.bgp.formats.test_openbmp import binary

STATES = {1: "down", 6: "up"}


class Recorded:
    """One message of an archive: time, peer, and the BGP message or the states."""

    def __init__(self, record: bytes) -> None:
        seconds, kind, subtype, _ = struct.unpack_from("!IHHI", record)
        at = 12
        self.time_us = seconds * 10**6
        if kind == 17:
            self.time_us += struct.unpack_from("!I", record, 12)[0]
            at += 4
        wide = subtype in (4, 5)
        self.as_size = 4 if wide else 2
        self.asn = int.from_bytes(record[at : at + self.as_size], "big")
        at += 2 * self.as_size + 2
        octets = 4 if record[at + 1] == 1 else 16
        self.address = record[at + 2 : at + 2 + octets]
        self.is_state = subtype in (0, 5)
        self.body = record[at + 2 + 2 * octets :]

    def frame(self) -> bytes:
        data = {
            "timestamp": self.time_us / 1e6, "peer": str(ipaddress.ip_address(self.address)), "peer_asn": str(self.asn),
            "host": "rrc00", "type": "UPDATE", "raw": self.body.hex(),
        }  # fmt: skip
        if self.is_state:
            del data["raw"]
            data |= {"type": "STATE", "state": STATES.get(self.body[3], "down")}
        return json.dumps({"type": "ris_message", "data": data}).encode()

    def bmp(self) -> bytes:
        flags = (0x80 if len(self.address) == 16 else 0) | (0x20 if self.as_size == 2 else 0)
        header = struct.pack("!BB8x16sI4sII", 0, flags, self.address.rjust(16, b"\0"), self.asn, b"\n\0\0\1",
                             self.time_us // 10**6, self.time_us % 10**6)  # fmt: skip
        return bmp(0, header + self.body) if not self.is_state else bmp(2, header + b"\4")


def recorded(data: bytes, most: int) -> tuple[list[Recorded], bytes]:
    out, at = [], 0
    while at + 12 <= len(data) and len(out) < most:
        end = at + 12 + int.from_bytes(data[at + 8 : at + 12], "big")
        out.append(Recorded(data[at:end]))
        at = end
    return out, data[:at]


def same(one: list[FeedBlock], other: list[FeedBlock]) -> None:
    """Every column that says something, and the attributes themselves."""
    first, second = said(one), said(other)
    assert [each[1:] for each in first if each.kind != "S"] == [each[1:] for each in second if each.kind != "S"]
    for name in ("afi", "safi", "prefix_hi", "prefix_lo", "prefix_length", "path_id"):
        columns = [
            np.concatenate([getattr(each.message, name)[each.message.kind != 3] for each in some])
            for some in (one, other)
        ]
        assert (columns[0] == columns[1]).all(), name
    sizes = [np.concatenate([each.message.as_size[each.message.kind == 1] for each in some]) for some in (one, other)]
    assert (sizes[0] == sizes[1]).all()
    raws = [
        [_attributes(each.message, row) for each in some for row in np.flatnonzero(each.message.kind == 1)]
        for some in (one, other)
    ]
    assert raws[0] == raws[1]


def _attributes(block, row: int) -> bytes:
    start = int(block.attr_start[row])
    return block.data[start : start + int(block.attr_length[row])].tobytes()


REAL = ("rrc12-2021-01-01", "route-views2-2008-02-19")


@pytest.mark.parametrize("name", ["made", *REAL])
def test_feeds_say_what_the_archive_says(request: pytest.FixtureRequest, name):
    if name == "made":
        data = b"".join(bgp4mp(Random(seed), (4, 5)) for seed in range(400))
    else:
        folder = request.getfixturevalue("shared_data") / "mrt" / name
        data = b"".join(open_pieces(sorted(folder.glob("updates*"))[0]))
    messages, data = recorded(data, 3000)
    peers = PeerTable()
    archive = [FeedBlock("rrc00", block) for block in MrtReader([data], peers)]
    frames, stream, topic = RisLiveReader(), BmpReader("rrc00"), OpenBmpReader()
    for each in messages:
        frames.frame(each.frame())
        stream.feed(each.bmp())
        topic.message(binary(each.bmp(), group="rrc00"))
    for reader in (frames, stream, topic):
        assert reader.counts.messages == len(messages)
        found = reader.take().blocks
        assert len(said(found)) == len(said(archive))
        same(found, archive)
    assert len(messages) > 50
