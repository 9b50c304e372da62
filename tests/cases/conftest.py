"""Builds that several tests look at."""

import pytest

from duskwatch.cases.build import build_case


@pytest.fixture(scope="session")
def north_korea(tmp_path_factory):
    """The bundled case, built once per test process."""
    return build_case("north-korea-2014", tmp_path_factory.mktemp("case") / "north-korea-2014")


SMALL = """
schema = "duskwatch.case/1"
name = "small"
title = "An invented case"
entity = "XK"
reenactment = "Invented."
[window]
from = 2020-03-01T00:00:00Z
until = 2020-03-01T06:00:00Z
[sources.paper]
publication = "A paper"
[[facts]]
id = "network"
kind = "network"
says = "Two networks."
origin = 64510
prefixes = ["192.88.0.0/23", "192.88.2.0/24"]
sources = ["paper"]
[[facts]]
id = "delegation"
kind = "delegation"
says = "One delegation."
record = "ripencc|XK|ipv4|192.88.0.0|1024|20100101|allocated"
sources = ["paper"]
[[facts]]
id = "upstream"
kind = "upstream"
says = "One upstream."
upstream = 64509
sources = ["paper"]
[[facts]]
id = "out"
kind = "outage"
says = "Most peers lost it, two kept it."
from = { earliest = 2020-03-01T02:00:00Z, latest = 2020-03-01T02:10:00Z }
sources = ["paper"]
[assumptions]
note = "Chosen."
[[assumptions.losses]]
fact = "out"
from = 2020-03-01T02:05:00Z
until = 2020-03-01T03:00:00Z
lost_seconds_before = [5, 0]
back_seconds_after = [0, 5]
first_peer_lost_seconds = 20
last_peer_lost_seconds = 30
first_peer_back_seconds = 10
last_peer_back_seconds = 30
peers_that_keep = 2
[[assumptions.collectors]]
name = "rrc97"
layout = "ris"
full_feed_peers = 5
partial_peers = 1
ipv6_peers = 1
[[assumptions.collectors]]
name = "route-views.stage"
layout = "route-views"
full_feed_peers = 4
partial_peers = 0
ipv6_peers = 0
[assumptions.background]
table_dump_hours = 2
keepalive_seconds = 600
seconds_between_disturbances = 60
prefix_flaps_per_day = 12
prefixes = [4, 40]
partial_share = 0.1
[assumptions.background.countries]
ripencc = ["AD", "LI", "SM"]
lacnic = ["SR"]
"""


@pytest.fixture
def small_case(tmp_path):
    """A folder with a case.toml of another country, six hours long; nothing but the TOML is new."""
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "case.toml").write_text(SMALL)
    return folder
