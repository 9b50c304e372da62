"""Frames of RIS Live, and of the socket before it, into elems and events."""

import ipaddress
import json
from pathlib import Path

import pytest

from duskwatch.records.times import SECOND
from duskwatch.sources.bgp.formats.feed_counts import ClockRules
from duskwatch.sources.bgp.formats.feed_events import FeedError, SessionDown, SessionUp
from duskwatch.sources.bgp.formats.mrt_write import Route, announce, attribute, keepalive, nlri, update, withdraw
from duskwatch.sources.bgp.formats.ris_live import COLLECTORS_LIMIT, FRAME_LIMIT, RisLiveReader
from tests.sources.bgp.formats.bmp_make import KP, KP2, ROUTE, V6, open_message
from tests.sources.bgp.formats.said import said

SECONDS = 1558620047.08
NOW = 1_558_620_047_080_000


def frame(type_: str = "UPDATE", **fields) -> bytes:
    data = {"timestamp": SECONDS, "peer": "192.0.2.1", "peer_asn": "64500", "id": "x", "host": "rrc19", "type": type_}
    return json.dumps({"type": "ris_message", "data": data | fields}).encode()


def raw(message: bytes, **fields) -> bytes:
    return frame(raw=message.hex().upper(), **fields)


def read(*frames: bytes, received_us: int | None = None, clock: ClockRules | None = None):
    reader = RisLiveReader(clock)
    for each in frames:
        reader.frame(each, received_us)
    batch = reader.take()
    return said(batch.blocks), batch.events, reader


def test_the_message_in_a_frame_is_read():
    found, _, reader = read(raw(announce(ROUTE, [KP, KP2])), raw(withdraw([KP])), raw(keepalive(), type_="KEEPALIVE"))
    assert [(each.kind, each.about, each.path) for each in found] == [
        ("A", str(KP), "64500 64501"), ("A", str(KP2), "64500 64501"), ("W", str(KP), ""), ("alive", "", ""),
    ]  # fmt: skip
    assert {(each.collector, each.peer, each.asn, each.time_us) for each in found} == {
        ("rrc19", "192.0.2.1", 64500, NOW)
    }
    assert reader.counts.bad == 0
    assert reader.last_us == {"rrc19": NOW}


@pytest.mark.parametrize("host", ["rrc19", "rrc19.ripe.net"])
@pytest.mark.parametrize("asn", ["64500", 64500])
def test_names_of_collectors_and_numbers_come_in_two_forms(host, asn):
    found, *_ = read(raw(withdraw([KP]), host=host, peer_asn=asn))
    assert (found[0].collector, found[0].asn) == ("rrc19", 64500)


def test_each_collector_is_a_table_of_its_own():
    found, _, reader = read(raw(withdraw([KP]), host="rrc00"), raw(withdraw([KP]), host="rrc01"))
    assert [each.collector for each in found] == ["rrc00", "rrc01"]
    assert [len(table.peers) for table in reader.collectors.values()] == [1, 1]


@pytest.mark.parametrize("type_", ["RIS_PEER_STATE", "STATE"])
def test_states_of_sessions(type_):
    """As RIS's ExaBGP has them: connected is TCP alone, up is an established session."""
    found, events, _ = read(*(frame(type_, state=state) for state in ("down", "connected", "up")))
    assert [(each.kind, each.about) for each in found] == [("S", "1"), ("S", "2"), ("S", "6")]
    assert [type(event) for event in events] == [SessionDown, SessionUp]


def test_what_the_collector_sent_is_no_word_of_its_peer():
    opened = open_message(12654).hex()
    found, _, reader = read(
        frame("OPEN", raw=opened, direction="sent"), frame("OPEN", raw=opened, direction="received")
    )
    assert [each.kind for each in found] == ["alive"]
    assert reader.counts.kinds == {"sent by the collector": 1, "OPEN": 1}


def test_errors_and_answers_of_the_server_are_told():
    found, events, reader = read(
        b'{"type":"ris_error","data":{"message":"too slow"}}', b'{"type":"ris_error","data":null}',
        b'{"type":"pong","data":null}', b'{"type":"ris_subscribe_ok","data":{"subscription":{"host":"rrc00"}}}',
        b'{"type":"ris_rrc_list","data":{}}', b'{"type":"news"}',
    )  # fmt: skip
    assert found == []
    assert events == [FeedError("ris-live", "too slow"), FeedError("ris-live", "an error without a text")]
    assert reader.pongs == 1
    assert reader.counts.unsupported == {"frame type 'news'": 1}
    assert reader.counts.bad == 0


def test_as_numbers_of_two_octets_are_told_by_the_path():
    narrow = bytes([2, 2, 0xFB, 0xF4, 0xFB, 0xF5])
    message = update(
        b"", attribute(0x40, 1, b"\0") + attribute(0x40, 2, narrow) + attribute(0x40, 3, bytes(4)), nlri([KP])
    )
    found, *_ = read(raw(message))
    assert found[0].path == "64500 64501"


def test_the_form_of_2026():
    """Next hops are joined by a comma, empty lists are there, addresses have all their zeros."""
    fields = {
        "path": [64500, 64501], "community": [[64500, 1]], "origin": "IGP", "med": 7,
        "announcements": [{"next_hop": "2001:db8::1,fe80::1", "prefixes": ["2001:db8:5::/48"]}],
        "withdrawals": ["2001:db8:1:0:0:0:0:0/48"],
    }  # fmt: skip
    found, _, reader = read(
        frame(host="rrc03.ripe.net", **fields),
        frame(path=[], community=[], announcements=[], withdrawals=["10.0.0.0/8"]),
    )
    assert reader.counts.bad == 0
    assert [(each.kind, each.about, each.path) for each in found] == [
        ("W", str(V6), ""), ("A", "2001:db8:5::/48", "64500 64501"), ("W", "10.0.0.0/8", ""),
    ]  # fmt: skip


def test_a_frame_without_its_message_says_the_same_as_one_with():
    route = Route(
        (64500, (64501, 64502), 64503),
        "192.0.2.9",
        origin=2,
        med=5,
        aggregator=(64503, "10.0.0.1"),
        communities=((64500, 3), (1, 2)),
    )
    fields = {
        "path": [64500, [64501, 64502], 64503],
        "origin": "incomplete",
        "med": 5,
        "aggregator": "64503:10.0.0.1",
        "community": [[64500, 3], [1, 2]],
        "announcements": [{"next_hop": "192.0.2.9", "prefixes": [str(KP), str(KP2)]}],
    }
    one, other = RisLiveReader(), RisLiveReader()
    one.frame(raw(announce(route, [KP, KP2])))
    other.frame(frame(**fields))
    (_, first), (_, second) = one.take().blocks[0], other.take().blocks[0]
    assert first.data.tobytes() == second.data.tobytes()


def test_prefixes_that_are_said_again_with_a_link_local_next_hop_are_said_once():
    """The form of 2019: one group for each of the two next hops of a message."""
    groups = [{"next_hop": hop, "prefixes": [str(V6)]} for hop in ("2001:db8::1", "fe80::1")]
    found, *_ = read(frame(path=[64500], origin="igp", announcements=groups))
    assert [each.about for each in found] == [str(V6)]


def test_a_keepalive_needs_no_message_and_an_open_does():
    found, _, reader = read(frame("KEEPALIVE"), frame("OPEN"))
    assert [each.kind for each in found] == ["alive"]
    assert reader.counts.unsupported == {"message type 'OPEN' without its octets": 1}


def test_messages_of_the_older_socket():
    about = {"timestamp": SECONDS, "peer": "192.0.2.1", "peer_asn": "64500", "service": "ripe-ris|rrc21", "id": "x"}
    route = {"path": [64500, 64501], "origin": "igp", "next_hop": "192.0.2.1", "communities": [{"asn": 1, "value": 2}]}
    found, _, reader = read(
        json.dumps({"type": "A", "prefix": str(KP)} | route | about).encode(),
        json.dumps({"type": "W", "prefix": str(KP)} | about).encode(),
    )
    assert reader.counts.bad == 0
    assert [(each.collector, each.kind, each.about, each.path) for each in found] == [
        ("rrc21", "A", str(KP), "64500 64501"), ("rrc21", "W", str(KP), ""),
    ]  # fmt: skip


def test_a_stamp_of_a_collector_is_kept_though_old_and_replaced_where_it_is_in_the_future():
    rules = ClockRules(old_is_now=False)
    for offset, expected, count in ((-3600, NOW - 3600 * SECOND, "behind"), (3600, NOW, "ahead")):
        found, _, reader = read(raw(withdraw([KP]), timestamp=SECONDS + offset), received_us=NOW, clock=rules)
        assert found[0].time_us == expected
        assert getattr(reader.counts.stamps, count) == 1


def test_stamps_are_read_to_the_microsecond():
    found, *_ = read(*(raw(withdraw([KP]), timestamp=1_789_019_600 + k / 1000) for k in range(1000)))
    assert [each.time_us for each in found] == [1_789_019_600_000_000 + 1000 * k for k in range(1000)]


BAD = {
    "Input data was truncated": [b'{"type":"ris_message","data":{"timestamp"', b""],
    "JSON is malformed": [b"\x80\x81"],
    "Expected `object`": [b"[]", b"3", b'"x"', b"[[[["],
    "Expected `object | null`": [b'{"type":"ris_message","data":3}'],
    "Expected `str`": [frame(peer=3), b'{"type":7}'],
    "Expected `str | null`": [frame(raw=3)],
    "a collector ''": [frame(host="")],
    "a collector '../etc'": [frame(host="../etc")],
    "a peer 'nowhere'": [frame(peer="nowhere")],
    "a peer's AS number of -5": [frame(peer_asn=-5)],
    "non-hexadecimal number": [frame(raw="FFZZ")],
    "a BGP message longer than any": [frame(raw="00" * 65536)],
    "a session state 'confused'": [frame("STATE", state="confused")],
    "a session state ''": [frame("STATE")],
    "a prefix '10.0.0.0/33'": [frame(withdrawals=["10.0.0.0/33"])],
    "an address 'ten'": [frame(withdrawals=["ten/8"])],
    "a number '-1'": [frame(withdrawals=["10.0.0.0/-1"])],
    "a next hop": [frame(path=[1], announcements=[{"next_hop": "10.0.0.1,2001:db8::1", "prefixes": ["10.0.0.0/8"]}])],
    "an origin of 'x'": [frame(origin="x", announcements=[{"next_hop": "10.0.0.1", "prefixes": ["10.0.0.0/8"]}])],
    "an AS number of 4294967296": [
        frame(path=[1 << 32], announcements=[{"next_hop": "10.0.0.1", "prefixes": ["10.0.0.0/8"]}])
    ],
    "communities [[70000, 1]], of which one is none": [
        frame(community=[[70000, 1]], announcements=[{"next_hop": "10.0.0.1", "prefixes": ["10.0.0.0/8"]}])
    ],
    "more attributes than fit": [
        frame(path=[1] * 30000, announcements=[{"next_hop": "10.0.0.1", "prefixes": ["10.0.0.0/8"]}])
    ],
    "nested too deeply": [b'{"type":"ris_message","data":' + b'{"data":' * 100000],
    "a frame of": [b" " * (FRAME_LIMIT + 1)],
}


@pytest.mark.parametrize(("reason", "bad"), [(reason, each) for reason, some in BAD.items() for each in some])
def test_a_bad_frame_is_named_with_its_number_and_those_after_it_are_read(reason, bad):
    good = raw(withdraw([KP]))
    found, _, reader = read(good, bad, good)
    assert [each.kind for each in found] == ["W", "W"]
    assert reader.counts.bad == 1
    place, said_reason = reader.counts.first_bad[0]
    assert place == 2
    assert reason in said_reason


def test_a_bad_message_in_a_frame_is_named_with_the_number_of_the_frame():
    good = raw(withdraw([KP]))
    found, _, reader = read(good, raw(announce(ROUTE, [KP])[:-4] + b"\x21\0\0\0"), raw(bytes(25)), good)
    assert len(found) == 2
    assert [place for place, _ in reader.counts.first_bad] == [2, 3]


@pytest.mark.parametrize("stamp", ["1e999", "-5", "0", "99999999999"])
def test_a_stamp_that_is_none_counts_as_missing(stamp):
    text = raw(withdraw([KP])).replace(str(SECONDS).encode(), stamp.encode())
    _, _, reader = read(text, received_us=NOW)
    assert (reader.counts.stamps.missing, reader.counts.bad) == (1, 0) or reader.counts.bad == 1


def test_no_more_collectors_than_the_limit():
    _, _, reader = read(*(raw(withdraw([KP]), host=f"rrc{k}") for k in range(COLLECTORS_LIMIT + 3)))
    assert len(reader.collectors) == COLLECTORS_LIMIT
    assert reader.counts.bad == 3


# What RIS itself read out of the same messages.


def decoded(data: dict) -> list[tuple[str, str, str]]:
    out = [("W", prefix, "") for prefix in data.get("withdrawals", [])]
    path = " ".join(
        "{" + ",".join(map(str, step)) + "}" if isinstance(step, list) else str(step) for step in data.get("path", [])
    )
    seen = set()
    for group in data.get("announcements", []):
        out += [("A", prefix, path) for prefix in group["prefixes"] if prefix not in seen]
        seen |= set(group["prefixes"])
    return out


# The one frame of all of which RIS left a part out: its path ends in a set of one AS, which the message has.
LEFT_OUT = "198.32.176.24-1558620047.05-26157964"


@pytest.mark.parametrize("name", ["1k-msgs", "20-msg", "10-msg", "1-msg", "fail-as-set"])
@pytest.mark.parametrize("with_raw", [True, False])
def test_real_frames_say_what_ris_itself_read_out_of_them(shared_data: Path, name, with_raw):
    lines = [
        line for line in (shared_data / "ris-live" / "rislive-2019" / name).read_bytes().splitlines() if line.strip()
    ]
    for line in lines:
        data = json.loads(line)["data"]
        if not with_raw:
            line = json.dumps({"type": "ris_message", "data": {k: v for k, v in data.items() if k != "raw"}}).encode()
        found, _, reader = read(line)
        assert reader.counts.bad == 0
        ours = sorted((each.kind, each.about, each.path) for each in found if each.kind in "AW")
        if data["id"] == LEFT_OUT and with_raw:
            ours = [(kind, about, path.removesuffix(" {27738}")) for kind, about, path in ours]
        assert ours == sorted(decoded(data))
        assert {(each.collector, str(ipaddress.ip_address(each.peer)), each.asn) for each in found} == {
            (data["host"], str(ipaddress.ip_address(data["peer"])), int(data["peer_asn"]))
        }


def test_the_thousand_real_frames_hold_what_their_description_says(shared_data: Path):
    reader, withdraw_frames, announce_frames = RisLiveReader(), 0, 0
    for line in (shared_data / "ris-live" / "rislive-2019" / "1k-msgs").read_bytes().splitlines():
        if line.strip():
            reader.frame(line)
            kinds = {each.kind for each in said(reader.take().blocks)}
            withdraw_frames += "W" in kinds
            announce_frames += "A" in kinds
    assert reader.counts.kinds == {"UPDATE": 994, "KEEPALIVE": 6}
    assert (withdraw_frames, announce_frames) == (631, 366)
    assert (len(reader.collectors), reader.counts.bad) == (14, 0)
    assert sum(len(table.peers) for table in reader.collectors.values()) == 66


def test_real_messages_of_the_older_socket(shared_data: Path):
    messages = json.loads((shared_data / "ris-live" / "ris-socket-2018-09-02.json").read_bytes())
    reader = RisLiveReader()
    for each in messages:
        reader.frame(json.dumps(each).encode())
    found = said(reader.take().blocks)
    assert (len(messages), reader.counts.bad) == (1677, 0)
    assert sorted((each.kind, each.about, each.path) for each in found) == sorted(
        (each["type"], each["prefix"], " ".join(map(str, each["path"])) if each["type"] == "A" else "")
        for each in messages
    )


def test_paths_longer_than_a_segment_are_cut_into_segments():
    found, *_ = read(
        frame(path=list(range(1, 601)), announcements=[{"next_hop": "10.0.0.1", "prefixes": ["10.0.0.0/8"]}])
    )
    assert found[0].path == " ".join(map(str, range(1, 601)))


def test_many_prefixes_are_spread_over_messages():
    prefixes = [f"10.{k // 256}.{k % 256}.0/24" for k in range(5000)]
    found, _, reader = read(
        frame(withdrawals=prefixes), frame(path=[1], announcements=[{"next_hop": "10.0.0.1", "prefixes": prefixes}])
    )
    assert reader.counts.bad == 0
    assert [each.about for each in found] == prefixes + prefixes
