"""The reference page of feeds against the program: limits, settings, events."""

import dataclasses
import re
from pathlib import Path

import pytest

from duskwatch.cli.feed import VIEWS as COMMAND_VIEWS
from duskwatch.cli.feed_output import NAMES, _event_line
from duskwatch.kernels.mrt import PEER_LIMIT
from duskwatch.sources.bgp.formats import feed_counts, feed_events, openbmp, ris_live
from duskwatch.sources.bgp.formats.bmp_parts import ALL_VIEWS
from duskwatch.sources.bgp.formats.bmp_peers import Limits
from duskwatch.sources.bgp.formats.feed_counts import ClockRules
from duskwatch.sources.bgp.formats.feed_table import LONGEST_MESSAGE
from duskwatch.sources.bgp.live.bmp_router import RouterLimits
from duskwatch.sources.bgp.live.bmp_station import StationSettings
from duskwatch.sources.bgp.live.ris_live import RisLiveSettings
from duskwatch.sources.files import captures, tcp

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "reference" / "feeds.md").read_text(encoding="utf-8")


def row(what: str) -> str:
    """The second cell of a row."""
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| {what} |")]
    return line.split("|")[2].strip()


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("octets of a RIS Live frame", ris_live.FRAME_LIMIT),
        ("RIS collectors", ris_live.COLLECTORS_LIMIT),
        ("octets of an OpenBMP message", openbmp.MESSAGE_LIMIT),
        ("octets of an OpenBMP header", openbmp.HEADER_LIMIT),
        ("routers in OpenBMP topics", openbmp.ROUTERS_LIMIT),
        ("octets of a BGP message", LONGEST_MESSAGE),
        ("peers of one collector or table", PEER_LIMIT),
        ("bad messages that are kept with place and reason", feed_counts.BAD_KEPT),
        ("octets of a packet in a capture", captures.PACKET_LIMIT),
        ("octets of a connection that wait for missing ones", tcp.WAITING_LIMIT),
        ("connections, of all routers", StationSettings().connections),
        ("connections of one address", StationSettings().connections_per_router),
        ("messages of a router in a second", RouterLimits().messages_per_s),
        ("octets of a BMP message", Limits().message_octets),
        ("peers of a router, each once for each table", Limits().peers),
        ("tables of a router", Limits().tables),
        ("routers that are remembered", StationSettings().routers),
    ],
)
def test_limits_are_those_of_the_program(what, value):
    assert re.match(r"[\d,]+\d|\d+", row(what))[0] == f"{value:,.0f}"


def test_sizes_in_words_are_those_of_the_program():
    assert row("octets of a router in a second") == f"{RouterLimits().octets_per_s / (1 << 20):.0f} MiB"
    assert row("octets of a router that wait to be taken") == f"{RouterLimits().waiting_octets >> 20} MiB"
    assert row("octets of all routers that wait") == f"{StationSettings().waiting_octets >> 20} MiB"
    rules, ris = ClockRules(), RisLiveSettings("x")
    assert f"more than {rules.ahead_us // 10**6} s in our future" in PAGE
    assert f"more than {rules.behind_us // 60_000_000} min old, BMP" in PAGE
    assert f"three times `ping_s` ({3 * ris.ping_s:.0f} s)" in PAGE
    assert f"`quiet_s` ({ris.quiet_s:.0f} s)" in PAGE


def test_views_are_those_of_the_program():
    told = {
        name
        for line in PAGE.splitlines()
        if line.startswith("| `adj") or line.startswith("| `loc")
        for name in re.findall(r"`([a-z-]+)`", line.split("|")[1])
    }
    assert told == ALL_VIEWS == set(COMMAND_VIEWS)


def test_events_have_the_keys_of_the_page():
    told = {}
    for line in PAGE.splitlines():
        if (match := re.match(r"\| `([a-z-]+)` \| (`.+)\|$", line)) and match[1] in NAMES.values():
            told[match[1]] = set(re.findall(r"`([a-z_]+)`", match[2]))
    assert set(told) == set(NAMES.values())
    for name, kind in NAMES.items():
        event = getattr(feed_events, name, None)
        if event is not None:
            keys = {field.name.removesuffix("_us") for field in dataclasses.fields(event)}
            assert told[kind] == keys, kind
    up = feed_events.SessionUp(1_500_000, "r1", "10.0.0.1", 1)
    assert '"type":"session-up","time":1.5,' in _event_line(up)
