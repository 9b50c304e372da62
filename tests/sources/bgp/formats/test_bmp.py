"""BMP messages into elems and events."""

import struct

import pytest

from duskwatch.records.times import MINUTE, SECOND
from duskwatch.sources.bgp.formats.bmp import BmpOptions, BmpReader
from duskwatch.sources.bgp.formats.bmp_peers import Limits
from duskwatch.sources.bgp.formats.feed_counts import ClockRules
from duskwatch.sources.bgp.formats.feed_events import (
    EndOfRib,
    RouterClosed,
    RouterInfo,
    SessionDown,
    SessionUp,
    StatisticsReport,
)
from duskwatch.sources.bgp.formats.mrt_write import as_path, attribute, nlri, update
from tests.sources.bgp.formats.bmp_make import (
    KP,
    KP2,
    ROUTE,
    ROUTE6,
    SECONDS,
    V6,
    announce,
    bmp,
    end_of_rib,
    indexed_tlv,
    initiation,
    open_message,
    peer_down,
    peer_header,
    peer_up,
    routes,
    statistics,
    termination,
    tlv,
    withdraw,
)
from tests.sources.bgp.formats.said import Said, said

NOW = SECONDS * SECOND + 250_000
KEY = ("r1", "192.0.2.1", 64500)


def read(*messages: bytes, options: BmpOptions = BmpOptions(), received_us: int | None = None):
    reader = BmpReader("r1", options)
    reader.feed(b"".join(messages), received_us)
    batch = reader.take()
    return said(batch.blocks), batch.events, reader


def kinds(found: list[Said]) -> list[tuple[str, str]]:
    return [(each.kind, each.about) for each in found]


def test_a_session_comes_up_announces_withdraws_and_goes_down():
    found, events, reader = read(
        initiation(), peer_up(), routes(announce(ROUTE, [KP, KP2])), routes(withdraw([KP])), peer_down()
    )
    assert kinds(found) == [("S", "6"), ("A", str(KP)), ("A", str(KP2)), ("W", str(KP)), ("S", "1")]
    assert {each[0] for each in found} == {"r1"}
    assert {(each.peer, each.asn) for each in found} == {("192.0.2.1", 64500)}
    assert {each.time_us for each in found} == {NOW}
    assert found[1].path == "64500 64501"
    assert [type(event) for event in events] == [RouterInfo, SessionUp, SessionDown]
    assert events[0] == RouterInfo("r1", "r1", "a router")
    assert events[1].local == "192.0.2.254"
    assert events[1].families == ((1, 1), (2, 1))
    assert events[2].ended
    assert (reader.counts.bad, reader.counts.messages, reader.damage) == (0, 5, None)
    assert reader.counts.kinds == {"initiation": 1, "peer up": 1, "route monitoring": 2, "peer down": 1}


def test_bytes_may_come_in_any_pieces():
    data = b"".join([initiation(), peer_up(), routes(announce(ROUTE, [KP])), routes(withdraw([KP]))])
    whole, *_ = read(data)
    for size in (1, 5, 7, 48, 100):
        reader, found = BmpReader("r1"), []
        for at in range(0, len(data), size):
            reader.feed(data[at : at + size])
            found += said(reader.take().blocks)
        assert found == whole
        assert reader.damage is None


@pytest.mark.parametrize(
    ("kind", "flags", "name"),
    [
        (0, 0, "r1"), (0, 0x40, "r1/adj-rib-in-post"), (0, 0x10, "r1/adj-rib-out"), (0, 0x50, "r1/adj-rib-out-post"),
        (3, 0, "r1/loc-rib"), (3, 0x80, "r1/loc-rib"),
    ],
)  # fmt: skip
def test_each_view_of_a_router_is_a_table_of_its_own(kind, flags, name):
    """RFC 7854 section 4.2 and RFC 8671 section 4 (flags), RFC 9069 section 4.1 (peer type 3)."""
    found, *_ = read(routes(announce(ROUTE, [KP]), header=peer_header(kind=kind, flags=flags)))
    assert [(each.collector, each.about) for each in found] == [(name, str(KP))]


@pytest.mark.parametrize(
    ("kind", "distinguisher", "name"),
    [
        (1, struct.pack("!HHI", 0, 64500, 7), "64500:7"), (1, struct.pack("!H4sH", 1, b"\x0a\0\0\1", 7), "10.0.0.1:7"),
        (1, struct.pack("!HIH", 2, 70000, 7), "70000:7"), (2, bytes([0, 9, 1, 2, 3, 4, 5, 6]), "0009010203040506"),
    ],
)  # fmt: skip
def test_each_routing_instance_is_a_table_of_its_own(kind, distinguisher, name):
    found, *_ = read(routes(announce(ROUTE, [KP]), header=peer_header(kind=kind, distinguisher=distinguisher)))
    assert found[0].collector == f"r1/{name}"


def test_views_that_are_not_wanted_are_counted():
    post = peer_header(flags=0x40)
    found, events, reader = read(
        routes(announce(ROUTE, [KP])), peer_up(post), routes(announce(ROUTE, [KP]), header=post),
        options=BmpOptions(frozenset({"adj-rib-in"})),
    )  # fmt: skip
    assert [each.collector for each in found] == ["r1"]
    assert events == []
    assert reader.counts.left_out == {"adj-rib-in-post": 2}


def test_a_peer_that_goes_down_is_down_in_every_table():
    post = peer_header(flags=0x40)
    found, events, _ = read(
        peer_up(), routes(announce(ROUTE, [KP])), routes(announce(ROUTE, [KP]), header=post), peer_down()
    )
    assert [each.collector for each in found if each.kind == "S" and each.about == "1"] == ["r1", "r1/adj-rib-in-post"]
    assert [event.collector for event in events if isinstance(event, SessionDown)] == ["r1", "r1/adj-rib-in-post"]


def test_a_session_that_comes_up_twice_lost_what_it_held():
    found, *_ = read(peer_up(), routes(announce(ROUTE, [KP])), peer_up())
    assert kinds(found) == [("S", "6"), ("A", str(KP)), ("S", "1"), ("S", "6")]


def test_a_session_that_never_was_up_does_not_end():
    """FRR tells each failed attempt to connect so."""
    found, events, _ = read(peer_down(4), peer_down(4))
    assert kinds(found) == [("S", "1"), ("S", "1")]
    assert events == []
    (_, block) = first_block(peer_down(4))
    assert int(block.state[0]) >> 8 == 0  # from an unknown state


def first_block(data: bytes):
    reader = BmpReader("r1")
    reader.feed(data)
    return reader.take().blocks[0]


def test_a_peer_no_longer_monitored_is_not_said_to_have_ended():
    """RFC 7854 section 4.9, reason 5: the session may well be up."""
    _, events, _ = read(peer_up(), peer_down(5))
    assert (events[-1].ended, events[-1].reason) == (False, "the router was told to monitor the peer no longer")


def test_a_lost_connection_takes_every_peer_down():
    other = peer_header("192.0.2.2", 64502)
    reader = BmpReader("r1")
    reader.feed(peer_up() + routes(announce(ROUTE, [KP]), header=other) + peer_up(peer_header("192.0.2.3"))[:40])
    reader.lost(NOW + SECOND)
    batch = reader.take()
    found = said(batch.blocks)
    assert [(each.peer, each.about, each.time_us) for each in found if each.kind == "S"] == [
        ("192.0.2.1", "6", NOW), ("192.0.2.1", "1", NOW + SECOND), ("192.0.2.2", "1", NOW + SECOND),
    ]  # fmt: skip
    assert [event.ended for event in batch.events if isinstance(event, SessionDown)] == [False, False]
    reader.lost(NOW + 2 * SECOND)
    assert reader.take() == ([], [])
    reader.begin()
    reader.feed(peer_up())
    assert kinds(said(reader.take().blocks)) == [("S", "6")]


def test_a_termination_names_its_reason_and_ends_the_sessions():
    found, events, reader = read(peer_up(), termination(0, "maintenance"))
    assert kinds(found) == [("S", "6"), ("S", "1")]
    assert events[1] == RouterClosed("r1", "closed by an administrator", "maintenance")
    assert reader.closed == events[1]


def test_ends_of_tables_are_told_for_each_family():
    _, events, _ = read(routes(end_of_rib(1)), routes(end_of_rib(2)))
    assert [(event.family, event.peer) for event in events if isinstance(event, EndOfRib)] == [
        ((1, 1), "192.0.2.1"), ((2, 1), "192.0.2.1"),
    ]  # fmt: skip


def test_ipv6_peers_and_prefixes():
    header = peer_header("2001:db8::1", 64503)
    found, *_ = read(peer_up(header, local="2001:db8::ff"), routes(announce(ROUTE6, [V6]), header=header))
    assert [(each.peer, each.about) for each in found] == [("2001:db8::1", "6"), ("2001:db8::1", str(V6))]


def test_statistics_have_counters_of_peers_and_of_families():
    of_family = tlv(9, struct.pack("!HBQ", 1, 1, 77))
    body = peer_header() + struct.pack("!I", 2) + tlv(0, struct.pack("!I", 3)) + of_family
    _, events, _ = read(statistics({0: 5, 7: 1_000_000}), bmp(1, body))
    assert [event.values for event in events] == [{0: 5, 7: 1_000_000}, {0: 3}]
    assert events[1] == StatisticsReport(NOW, *KEY, {0: 3}, {(9, 1, 1): 77})


def test_mirrored_messages_are_counted():
    """RFC 7854 section 4.7."""
    body = tlv(0, announce(ROUTE, [KP])) + tlv(1, b"\0\1") + tlv(1, b"\0\0")
    found, _, reader = read(bmp(6, peer_header() + body))
    assert found == []
    assert reader.counts.kinds["mirrored BGP message"] == 1
    assert reader.counts.kinds["mirrored messages lost"] == 1
    assert reader.counts.kinds["mirrored BGP message in error"] == 1


def plain_update(path: bytes, prefixes: bytes) -> bytes:
    return update(b"", attribute(0x40, 1, b"\0") + attribute(0x40, 2, path) + attribute(0x40, 3, bytes(4)), prefixes)


NARROW_PATH = bytes([2, 2]) + struct.pack("!HH", 64500, 64501)


def test_the_flag_says_that_as_numbers_have_two_octets():
    found, *_ = read(routes(plain_update(NARROW_PATH, nlri([KP])), header=peer_header(flags=0x20)))
    assert (found[0].path, found[0].asn) == ("64500 64501", 64500)


@pytest.mark.parametrize("flags", [0, 0x20])
@pytest.mark.parametrize("path", [NARROW_PATH, as_path([64500, 64501])])
def test_a_flag_that_lies_about_as_numbers_is_not_believed(flags, path):
    found, *_ = read(routes(plain_update(path, nlri([KP])), header=peer_header(flags=flags)))
    assert found[0].path == "64500 64501"


WITH_ID = struct.pack("!I", 7)


@pytest.mark.parametrize(
    ("kind", "flags", "sent", "received", "agreed"),
    [
        (0, 0, 1, 2, True), (0, 0, 3, 3, True), (0, 0, 2, 1, False), (0, 0x40, 1, 2, True),
        (0, 0x10, 2, 1, True), (0, 0x10, 1, 2, False), (3, 0, 1, 1, True), (3, 0, 2, 2, True),
    ],
)  # fmt: skip
def test_path_identifiers_are_read_where_the_opens_agree(kind, flags, sent, received, agreed):
    """RFC 7911 section 4; of what the router sends it is the other way round, and its own table has two equal OPENs."""
    header = peer_header(kind=kind, flags=flags)
    up = peer_up(header, open_message(64511, paths=[(1, 1, sent)]), open_message(64500, paths=[(1, 1, received)]))
    prefix = nlri([KP])
    message = plain_update(as_path([64500]), WITH_ID + prefix if agreed else prefix)
    found, events, reader = read(up, routes(message, header=header))
    assert reader.counts.bad == 0
    assert [(each.about, each.path_id) for each in found[1:]] == [(str(KP), 7 if agreed else 0)]
    assert events[0].path_ids == (((1, 1),) if agreed else ())


def test_a_message_with_and_without_path_identifiers_is_read_as_two():
    """IPv6 withdrawn with identifiers beside IPv4 announced without: no record has room for both."""
    up = peer_up(None, open_message(64511, paths=[(2, 1, 1)]), open_message(64500, paths=[(2, 1, 2)]))
    unreach = attribute(0x80, 15, b"\0\2\1" + WITH_ID + nlri([V6]))
    common = attribute(0x40, 1, b"\0") + attribute(0x40, 2, as_path([64500])) + attribute(0x40, 3, bytes(4))
    found, _, reader = read(up, routes(update(nlri([KP2]), unreach + common, nlri([KP]))))
    assert reader.counts.bad == 0
    assert {(each.kind, each.about, each.path_id) for each in found[1:]} == {
        ("W", str(KP2), 0), ("A", str(KP), 0), ("W", str(V6), 7),
    }  # fmt: skip


def test_several_messages_behind_one_header_are_all_read():
    found, *_ = read(routes(announce(ROUTE, [KP]), withdraw([KP2])))
    assert kinds(found) == [("A", str(KP)), ("W", str(KP2))]


def test_version_four_has_the_message_in_an_information_element():
    """draft-ietf-grow-bmp-tlv; the capability it was made under may stand beside it."""
    capability = bytes([69, 4]) + struct.pack("!HBB", 1, 1, 1)
    with_ids = plain_update(as_path([64500]), WITH_ID + nlri([KP]))
    body = indexed_tlv(1, capability) + indexed_tlv(3, b"global") + indexed_tlv(4, with_ids)
    found, _, reader = read(
        bmp(0, peer_header() + body, version=4),
        bmp(0, peer_header() + indexed_tlv(4, announce(ROUTE, [KP2])), version=4),
        bmp(0, peer_header(flags=0x10) + indexed_tlv(1, capability) + indexed_tlv(4, announce(ROUTE, [KP])), version=4),
    )
    assert reader.counts.bad == 0
    assert [(each.about, each.path_id) for each in found] == [(str(KP), 7), (str(KP2), 0), (str(KP), 0)]


def test_the_name_of_a_table_is_told():
    """RFC 9069 section 5.2 and RFC 9736: type 3 of a Peer Up's own list of elements."""
    _, events, _ = read(peer_up(peer_header("0.0.0.0", kind=3), tlvs=tlv(3, b"red\x07")))
    assert events[0].table == "red\N{REPLACEMENT CHARACTER}"


RULES = BmpOptions(clock=ClockRules())


def at(seconds: float, message: bytes = announce(ROUTE, [KP])) -> bytes:
    return routes(message, header=peer_header(seconds=int(seconds)))


def test_without_a_stamp_the_time_of_receipt_counts():
    header = peer_header(seconds=0, microseconds=0)
    found, _, reader = read(routes(announce(ROUTE, [KP]), header=header), received_us=NOW + 5)
    assert found[0].time_us == NOW + 5
    assert reader.counts.stamps.missing == 1
    found, *_ = read(routes(announce(ROUTE, [KP])), routes(withdraw([KP]), header=header))
    assert found[1].time_us == NOW  # nothing is known but the message before


def test_stamps_that_cannot_be_are_replaced_by_the_time_of_receipt():
    for offset, count in ((3600, "ahead"), (-7 * 86400, "behind")):
        found, _, reader = read(at(SECONDS + offset), options=RULES, received_us=NOW)
        assert found[0].time_us == NOW
        assert getattr(reader.counts.stamps, count) == 1
    found, *_ = read(at(SECONDS + 50), options=RULES, received_us=NOW)
    assert found[0].time_us == NOW + 50 * SECOND


def test_routes_of_a_first_dump_hold_from_the_beginning_of_the_session():
    """Their stamps say when the router learned them (RFC 7854 section 4.2)."""
    found, _, reader = read(peer_up(), at(SECONDS - 600), at(SECONDS + 1), options=RULES, received_us=NOW)
    assert [each.time_us for each in found] == [NOW, NOW, NOW + SECOND]
    assert reader.counts.stamps.early == 1


def test_recorded_stamps_are_taken_as_they_are():
    found, *_ = read(peer_up(), at(SECONDS - 600))
    assert found[1].time_us == NOW - 600 * SECOND


def test_lag_is_measured():
    _, _, reader = read(routes(announce(ROUTE, [KP])), received_us=NOW + 1_500_000)
    assert (reader.counts.lag.last_us, reader.counts.lag.quantile_ms(0.5)) == (1_500_000, 2048)
    assert reader.counts.lag.most_us < MINUTE


BAD = {
    "the message is shorter than its fixed fields": [bmp(2, peer_header()), bmp(3, bytes(10)), bmp(0, bytes(5))],
    "a peer of type 9, which is none of RFC 7854 and RFC 9069": [
        routes(announce(ROUTE, [KP]), header=b"\x09" + bytes(41))
    ],
    "a peer up notification without the OPEN that was sent": [bmp(3, peer_header() + bytes(40))],
    "a peer up notification without the OPEN that was received": [peer_up(received=b"")],
    "a peer up notification without its fixed fields": [bmp(3, peer_header() + bytes(19))],
    "an information TLV runs past the end of the message": [
        peer_up(tlvs=tlv(3, b"red")[:-1]),
        bmp(4, tlv(1, b"x") + b"\0"),
        bmp(5, b"\0\1\0\3\0"),
        bmp(6, peer_header() + b"\0"),
    ],
    "more information TLVs than any message has": [bmp(4, 2000 * tlv(0, b""))],
    "a statistics report without its count": [bmp(1, peer_header() + b"\0\0\0")],
    "a BGP message or a part of it is shorter or longer than what it stands in allows": [
        routes(bytes([255] * 16) + b"\0\x17")
    ],
    "the BGP message does not begin with its marker, or is of no known type": [routes(bytes(30))],
    "a route monitoring message without a BGP message": [bmp(0, peer_header() + indexed_tlv(3, b"x"), version=4)],
    "a BGP message longer than any (RFC 8654)": [routes(announce(ROUTE, [KP]) + bytes(66000))],
}


@pytest.mark.parametrize(("reason", "message"), [(reason, each) for reason, some in BAD.items() for each in some])
def test_a_bad_message_is_named_with_its_place_and_what_follows_is_read(reason, message):
    good = routes(withdraw([KP]))
    found, _, reader = read(good, message, good)
    assert [each.kind for each in found] == ["W", "W"]
    assert reader.counts.first_bad == [(len(good), reason)]
    assert reader.counts.bad == 1
    assert reader.damage is None


def test_an_unknown_type_of_message_is_counted_and_passed_over():
    found, _, reader = read(bmp(100, bytes(60)), routes(withdraw([KP])))
    assert len(found) == 1
    assert reader.counts.unsupported == {"BMP message type 100": 1}


def test_families_that_are_not_read_are_counted():
    reach = attribute(0x80, 14, b"\0\1\x80\4" + bytes(5) + bytes([112]) + bytes(14))
    _, _, reader = read(routes(update(b"", reach, b"")))
    assert reader.counts.unsupported == {"AFI 1 SAFI 128": 1}


@pytest.mark.parametrize(
    "junk",
    [b"\x02" + bytes(60), b"GET / HTTP/1.1\r\n\r\n", struct.pack("!BIB", 3, 5, 0), struct.pack("!BIB", 3, 1 << 30, 0)],
)
def test_what_is_no_header_ends_the_reading(junk):
    good = routes(withdraw([KP]))
    found, _, reader = read(good, junk, good)
    assert len(found) == 1
    assert reader.damage is not None
    assert reader.damage.offset == len(good)
    assert reader.waiting == 0


def test_half_a_message_at_the_end_is_damage():
    _, _, reader = read(routes(withdraw([KP])), routes(withdraw([KP]))[:20])
    reader.finish()
    assert (
        str(reader.damage)
        == f"byte {len(routes(withdraw([KP])))}: expected a whole BMP message, found the end after 20 bytes of it"
    )


def test_limits_hold():
    limits = Limits(message_octets=100, peers=3, tables=2)
    headers = [peer_header(f"192.0.2.{k}") for k in range(5)]
    found, _, reader = read(
        *(routes(withdraw([KP]), header=each) for each in headers), options=BmpOptions(limits=limits)
    )
    assert len(found) == 3
    assert reader.counts.bad == 2
    views = [peer_header(flags=flags) for flags in (0, 0x40, 0x10)]
    found, _, reader = read(*(routes(withdraw([KP]), header=each) for each in views), options=BmpOptions(limits=limits))
    assert reader.counts.first_bad[0][1] == "more routing tables than the limit for one router"
    _, _, reader = read(initiation("x" * 200), options=BmpOptions(limits=limits))
    assert reader.damage is not None
