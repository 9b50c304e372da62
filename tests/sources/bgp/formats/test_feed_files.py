"""Recorded feeds: what a file holds, its pieces, its damage, its connections."""

import gzip
import json
from pathlib import Path

import pytest

from duskwatch.sources.bgp.formats.feed_events import SessionDown
from duskwatch.sources.bgp.formats.feed_files import FeedForm, NotAFeedError, RecordedFeed, open_feed
from duskwatch.sources.bgp.formats.ris_frames import frames
from duskwatch.sources.bgp.formats.ris_live import FRAME_LIMIT
from tests.sources.bgp.formats.bmp_make import (
    KP,
    KP2,
    ROUTE,
    announce,
    initiation,
    peer_up,
    routes,
    termination,
    withdraw,
)
from tests.sources.bgp.formats.said import Said, said
from tests.sources.bgp.formats.test_openbmp import binary
from tests.sources.bgp.formats.test_ris_live import raw
from tests.sources.files.test_captures import ACK, FIN, SYN, pcap, segment

STREAM = initiation() + peer_up() + routes(announce(ROUTE, [KP])) + routes(withdraw([KP]))
FRAMES = [raw(announce(ROUTE, [KP])), raw(withdraw([KP2]))]
FORMS = {
    FeedForm.BMP: STREAM,
    FeedForm.OPENBMP: binary(peer_up()) + binary(routes(announce(ROUTE, [KP]))),
    FeedForm.RIS_LIVE: b"\n".join(FRAMES),
    FeedForm.CAPTURE: pcap([(1, 0, segment(1, STREAM[:100])), (2, 0, segment(101, STREAM[100:]))]),
}


def read(data: bytes, size: int = 1 << 20) -> tuple[list[Said], list, RecordedFeed]:
    feed = RecordedFeed([data[at : at + size] for at in range(0, len(data), size)], "folder/a file")
    found, events = [], []
    for batch in feed:
        found += said(batch.blocks)
        events += batch.events
    return found, events, feed


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1, 13, 1 << 20])
def test_what_a_file_holds_is_told_by_its_first_octets(form, size):
    found, _, feed = read(FORMS[form], size)
    assert feed.form == form
    assert len([each for each in found if each.kind in "AW"]) == (1 if form == FeedForm.OPENBMP else 2)
    assert (feed.damage, feed.counts.bad) == (None, 0)


def test_compressed_files_are_read(tmp_path: Path):
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(FORMS[FeedForm.RIS_LIVE]))
    assert sum(len(batch.blocks) for batch in open_feed(path)) == 1


def test_a_compressed_file_that_is_cut_off_gives_what_stands_before(tmp_path: Path):
    path = tmp_path / "x"
    lines = b"\n".join(raw(withdraw([KP]), timestamp=1.5e9 + k) for k in range(3000))
    whole = gzip.compress(lines)
    path.write_bytes(whole[: len(whole) // 2])
    feed = open_feed(path)
    elems = sum(len(block.message.time_us) for batch in feed for block in batch.blocks)
    assert 500 < elems < 3000
    assert feed.damage is not None


@pytest.mark.parametrize("data", [b"", b"GET /", b"\0\0\0\0\0\0\0\0\0\0\0\0", b"TABLE"])
def test_what_is_no_feed_is_an_error_that_names_the_file(data):
    with pytest.raises(NotAFeedError, match=r"folder/a file: (no recorded feed|the file is empty); RIS Live"):
        list(RecordedFeed([data], "folder/a file"))


def test_where_a_stream_stops_making_sense_is_named():
    found, _, feed = read(STREAM + b"nonsense" * 10)
    assert len(found) == 3
    assert feed.damage is not None
    assert feed.damage.offset == len(STREAM)
    _, _, feed = read(FORMS[FeedForm.OPENBMP] + b"nonsense" * 10)
    assert feed.damage is not None
    assert feed.damage.offset == len(FORMS[FeedForm.OPENBMP])
    _, _, feed = read(FORMS[FeedForm.OPENBMP][:-1])
    assert "the end after" in str(feed.damage)


def capture(*packets: bytes) -> bytes:
    return pcap([(k, 0, packet) for k, packet in enumerate(packets)])


def test_a_router_that_connects_again_goes_on_with_its_tables():
    half = STREAM[:-75]
    found, events, feed = read(
        capture(
            segment(0, b"", SYN), segment(1, half), segment(1 + len(half), b"", FIN | ACK), segment(5000, b"", SYN),
            segment(5001, STREAM), segment(5001 + len(STREAM), b"", FIN | ACK),
        )
    )  # fmt: skip
    assert [(each.kind, each.about) for each in found] == [
        ("S", "6"), ("A", str(KP)), ("S", "1"), ("S", "6"), ("A", str(KP)), ("W", str(KP)), ("S", "1"),
    ]  # fmt: skip
    assert {each.collector for each in found} == {"192.0.2.1"}
    assert sum(isinstance(each, SessionDown) for each in events) == 2
    assert feed.damage is None


def test_two_connections_of_an_address_at_a_time_are_two_routers():
    found, *_ = read(capture(segment(1, STREAM), segment(1, STREAM, port=34000)))
    assert {each.collector for each in found} == {"192.0.2.1", "192.0.2.1#2"}


def test_octets_that_are_missing_from_a_capture_end_the_connection():
    """What follows them cannot be read: no message says where the next one begins."""
    found, events, feed = read(
        capture(segment(0, b"", SYN), segment(1, STREAM), segment(1 + len(STREAM) + 500, STREAM))
    )
    assert [each.kind for each in found] == ["S", "A", "W", "S"]
    assert "500 octets missing from the connection of 192.0.2.1" in str(feed.damage)
    assert [each.ended for each in events if isinstance(each, SessionDown)] == [False]


def test_a_capture_that_begins_in_the_middle_of_a_connection_is_read_from_the_first_header():
    found, _, feed = read(capture(segment(1, b"\x00" * 40), segment(41, STREAM), segment(1, b"GET / HTTP", port=80)))
    assert [each.kind for each in found] == ["S", "A", "W"]
    assert feed.unread == {"packets without a TCP segment": 0, "connections without BMP": 1}


def test_a_termination_ends_the_sessions_once():
    found, events, _ = read(
        capture(
            segment(0, b"", SYN),
            segment(1, STREAM + termination()),
            segment(1 + len(STREAM + termination()), b"", FIN | ACK),
        )
    )
    assert [each.about for each in found if each.kind == "S"] == ["6", "1"]
    assert sum(isinstance(each, SessionDown) for each in events) == 1


TEXTS = [b'{"a":"}{"}', b'{"b":"\\"{"}', b'{"c":{"d":[{}]}}', b"{}"]


@pytest.mark.parametrize("size", [1, 2, 5, 100])
@pytest.mark.parametrize("joined", [b"[" + b", ".join(TEXTS) + b"]", b"\n[\n " + b",\n".join(TEXTS) + b"\n]\n"])
def test_members_of_an_array_are_cut_at_their_braces(size, joined):
    assert list(frames(joined[at : at + size] for at in range(0, len(joined), size))) == TEXTS


@pytest.mark.parametrize("size", [1, 7, 100])
def test_lines_are_frames_and_empty_ones_are_none(size):
    joined = b"\n".join([b"", *TEXTS, b"  ", b""]) + b"\r\n"
    assert list(frames(joined[at : at + size] for at in range(0, len(joined), size))) == TEXTS


def test_frames_longer_than_any_are_cut_and_those_after_them_are_read():
    long = b'{"x":"' + b"y" * (3 * FRAME_LIMIT) + b'"}'
    given = list(frames([long + b"\n" + TEXTS[0] + b"\n"]))
    assert given[-1] == TEXTS[0]
    assert all(len(each) <= FRAME_LIMIT + 1 for each in given)
    assert len(next(frames([b"[" + long + b"," + TEXTS[0] + b"]"]))) == FRAME_LIMIT + 1
    assert [len(each) for each in frames([b"[", b'{"x":"' + b"y" * (3 * FRAME_LIMIT)])] == [FRAME_LIMIT + 1]


def test_an_array_that_ends_in_the_middle_gives_what_there_is():
    assert list(frames([b"[" + TEXTS[0] + b"," + TEXTS[2][:5]])) == [TEXTS[0], TEXTS[2][:5]]
    assert json.loads(next(frames([b"[" + TEXTS[2] + b"}}}}"]))) == {"c": {"d": [{}]}}
