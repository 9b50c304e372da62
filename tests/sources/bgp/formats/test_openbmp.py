"""OpenBMP's raw messages: headers of every kind, and one BMP reader for each router."""

import ipaddress
import struct
from pathlib import Path

import pytest

from duskwatch.records.times import SECOND
from duskwatch.sources.bgp.formats.bmp import BmpOptions
from duskwatch.sources.bgp.formats.feed_counts import ClockRules
from duskwatch.sources.bgp.formats.openbmp import MESSAGE_LIMIT, ROUTERS_LIMIT, OpenBmpReader, RawMessage, read_raw
from tests.sources.bgp.formats.bmp_make import KP, SECONDS, initiation, peer_header, peer_up, routes, withdraw
from tests.sources.bgp.formats.said import said

MESSAGE = routes(withdraw([KP]))


def binary(
    bmp: bytes,
    *,
    router: str = "192.0.2.7",
    group: str = "route-views5",
    collector: str = "is-cc-bmp-1",
    seconds: int = SECONDS,
    version: tuple[int, int] = (1, 7),
    kind: int = 12,
    flags: int = 0x80,
    zeros_first: bool = False,
    length: int | None = None,
) -> bytes:
    address = ipaddress.ip_address(router)
    raw = address.packed.rjust(16, b"\0") if zeros_first else address.packed.ljust(16, b"\0")
    flags |= 0x40 if address.version == 6 else 0
    names = struct.pack("!H", len(collector)) + collector.encode()
    behind = bytes(16) + raw + struct.pack("!H", len(group)) + group.encode() + struct.pack("!I", 1)
    size = 38 + len(names) + len(behind)
    head = (
        b"OBMP"
        + bytes(version)
        + struct.pack("!HIBBII", size, len(bmp) if length is None else length, flags, kind, seconds, 7)
    )
    return head + bytes(16) + names + behind + bmp


def text(bmp: bytes, version: str = "1.3") -> bytes:
    return f"V: {version}\nC_HASH_ID: 00\nR_HASH: 11\nR_IP: 192.0.2.7\nL: {len(bmp)}\n\n".encode() + bmp


@pytest.mark.parametrize("version", [(1, 7), (1, 6), (2, 0)])
@pytest.mark.parametrize("zeros_first", [False, True])
def test_the_binary_header_names_collector_router_group_and_time(version, zeros_first):
    found = read_raw(binary(MESSAGE, version=version, zeros_first=zeros_first))
    assert found == RawMessage("is-cc-bmp-1", "192.0.2.7", "route-views5", SECONDS * SECOND + 7, MESSAGE)
    assert read_raw(binary(MESSAGE, router="2001:db8::7")).router == "2001:db8::7"
    assert read_raw(binary(MESSAGE, seconds=0)).time_us is None
    assert read_raw(binary(MESSAGE, flags=0)).router == ""


def test_a_header_that_was_seen_on_the_wire():
    """Of the address families that OpenBMP's own collector writes: made from its published layout, octet by octet."""
    whole = bytes.fromhex(
        "4f424d500107006400000006800c6184b9c2000c602c00112233445566778899aabbccddeeff"
        "000a69732d63632d626d702dffeeddccbbaa99887766554433221100c0000207000000000000000000000000"
        "000c726f7574652d76696577733500000001030000000604"
    )  # fmt: skip
    assert read_raw(whole) == RawMessage("is-cc-bmp-", "192.0.2.7", "route-views5", 1636088258811052, whole[-6:])


def test_the_other_headers():
    assert read_raw(text(MESSAGE)) == RawMessage("", "192.0.2.7", "", None, MESSAGE)
    short = struct.pack("!HII", 2, 0, len(MESSAGE)) + MESSAGE
    assert read_raw(short) == RawMessage("", "", "", None, MESSAGE)
    assert read_raw(MESSAGE) == RawMessage("", "", "", None, MESSAGE)


BAD = {
    "no OpenBMP header: it begins with nothing": b"",
    "no OpenBMP header: it begins with 47 45 54 20 2f": b"GET /",
    "an OpenBMP header that is shorter than its fixed fields": binary(MESSAGE)[:39],
    "an OpenBMP header of version 3.0": binary(MESSAGE, version=(3, 0)),
    "an OpenBMP object of type 5, which is no BMP message": binary(MESSAGE, kind=5),
    "an OpenBMP header that says another length than there is": binary(MESSAGE, length=5),
    "an OpenBMP header of version 2 that says another length than there is": struct.pack("!HII", 2, 0, 5) + MESSAGE,
    "an OpenBMP header of 5073 octets; at most 4096 are read": binary(MESSAGE, group="x" * 4984),
    "an OpenBMP header in text that does not end": b"V: 1.3\nL: 5\n",
    f"an OpenBMP message of {MESSAGE_LIMIT + 1} octets; at most {MESSAGE_LIMIT} are read": bytes(MESSAGE_LIMIT + 1),
}  # fmt: skip


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_message_is_named_with_its_number(reason):
    reader = OpenBmpReader()
    for each in (binary(MESSAGE), BAD[reason], binary(MESSAGE)):
        reader.message(each)
    assert len(said(reader.take().blocks)) == 2
    assert reader.counts.first_bad == [(2, reason)]


def test_names_that_run_past_the_header_are_bad():
    for at in (38, 38 + 2 + 11 + 32):
        whole = bytearray(binary(MESSAGE))
        whole[at : at + 2] = b"\xff\xff"
        with pytest.raises(ValueError, match="an OpenBMP header"):
            read_raw(bytes(whole))


def test_a_router_is_named_by_its_group_and_by_its_address_where_several_share_one():
    reader = OpenBmpReader()
    for router, group in (("192.0.2.7", "amsix"), ("192.0.2.8", "amsix"), ("192.0.2.9", ""), ("192.0.2.7", "amsix")):
        reader.message(binary(MESSAGE, router=router, group=group))
    assert [each.collector for each in said(reader.take().blocks)] == [
        "amsix",
        "amsix",
        "is-cc-bmp-1/amsix/192.0.2.8",
        "192.0.2.9",
    ]
    reader = OpenBmpReader()
    reader.message(MESSAGE, source="routeviews.amsix.64500.bmp_raw")
    assert said(reader.take().blocks)[0].collector == "routeviews.amsix.64500.bmp_raw"
    reader.message(binary(MESSAGE, group="a/b\0\0"))
    assert said(reader.take().blocks)[0].collector == "a_b"


def test_the_collectors_clock_judges_the_routers():
    """A consumer may be hours behind; the collector was there when the router spoke."""
    rules = BmpOptions(clock=ClockRules())
    late, reader = 5 * 3600 * SECOND, OpenBmpReader(rules)
    reader.message(binary(MESSAGE), SECONDS * SECOND + late)
    reader.message(
        binary(routes(withdraw([KP]), header=peer_header(seconds=0, microseconds=0))), SECONDS * SECOND + late
    )
    found = said(reader.take().blocks)
    assert [each.time_us for each in found] == [SECONDS * SECOND + 250_000, SECONDS * SECOND + 7]
    assert (reader.counts.stamps.behind, reader.counts.stamps.missing) == (0, 1)
    assert reader.delay.last_us == late - 7


def test_several_bmp_messages_in_one_are_all_read_and_half_of_one_takes_nothing_with_it():
    reader = OpenBmpReader()
    reader.message(binary(initiation() + peer_up() + MESSAGE))
    reader.message(binary(MESSAGE[:-1]))
    reader.message(binary(MESSAGE))
    assert [each.kind for each in said(reader.take().blocks)] == ["S", "W", "W"]
    assert reader.counts.bad == 1


def test_no_more_routers_than_the_limit():
    reader = OpenBmpReader()
    for k in range(ROUTERS_LIMIT + 2):
        reader.message(binary(MESSAGE, router=str(ipaddress.ip_address(0x0A000000 + k))))
        if k % 500 == 0:
            reader.take()
    assert len(reader.routers) == ROUTERS_LIMIT
    assert reader.counts.first_bad[-1][1] == "more routers than the limit"


def test_the_parsed_topic_is_no_raw_message(shared_data: Path):
    """Its header in text looks alike; what follows is no BMP."""
    reader = OpenBmpReader()
    reader.message((shared_data / "bmp" / "openbmp-parsed" / "unicast_prefixes_message").read_bytes())
    assert said(reader.take().blocks) == []
    assert reader.counts.bad == 1
