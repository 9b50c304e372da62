"""Real routers tell our station of a country that comes and goes: GoBGP and FRR by BMP, what BIRD announces to them."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from duskwatch.records.elems import PeerTable
from duskwatch.sources.bgp.formats.feed_table import FeedBlock
from duskwatch.sources.bgp.formats.mrt import MrtReader
from tests.conftest import ROOT
from tests.sources.bgp.formats.said import said
from tests.sources.bgp.live.lab import Lab, lab

LONG = pytest.mark.skipif(not os.environ.get("DUSKWATCH_ALL_FILES"), reason="takes long: make test-all has it")
COUNTRY = ["175.45.176.0/24", "175.45.177.0/24", "175.45.178.0/24", "175.45.179.0/24"]
OTHER = "198.51.100.0/24"
SIX = "2001:db8:1::/48"
FRR = Path("/usr/lib/frr/bgpd")
STATION, BIRD, ROUTER = 1, 3, 2

BIRD_CONF = """
router id 10.99.0.3;
protocol device {{}}
protocol static nation {{ ipv4; {country} }}
protocol static elsewhere {{ ipv4; route {other} blackhole; }}
protocol static v6routes {{ ipv6; route {six} blackhole; }}
protocol bgp uplink {{
  local 10.99.0.3 as 64500; neighbor 10.99.0.2 as 64511; multihop 2;
  connect retry time 1; connect delay time 1; error wait time 1, 2;
  ipv4 {{ import none; export all; next hop self; }};
  ipv6 {{ import none; export all; next hop address 2001:db8:99::3; }};
}}
"""
GOBGP_CONF = """
[global.config]
  as = 64511
  router-id = "10.99.0.2"
[[neighbors]]
  [neighbors.config]
    neighbor-address = "10.99.0.3"
    peer-as = 64500
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv4-unicast"
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv6-unicast"
[[bmp-servers]]
  [bmp-servers.config]
    address = "10.99.0.1"
    port = 1790
    route-monitoring-policy = "all"
"""
FRR_CONF = """
dump bgp updates {folder}/frr.mrt
router bgp 64511
 bgp router-id 10.99.0.2
 no bgp ebgp-requires-policy
 no bgp network import-check
 timers bgp 3 9
 neighbor 10.99.0.3 remote-as 64500
 neighbor 10.99.0.3 timers connect 1
 neighbor 10.99.0.3 ebgp-multihop 2
 address-family ipv4 unicast
  neighbor 10.99.0.3 soft-reconfiguration inbound
 exit-address-family
 address-family ipv6 unicast
  neighbor 10.99.0.3 activate
  neighbor 10.99.0.3 soft-reconfiguration inbound
 exit-address-family
 bmp targets test
  bmp stats interval 1000
  bmp monitor ipv4 unicast pre-policy
  bmp monitor ipv6 unicast pre-policy
  bmp monitor ipv4 unicast post-policy
  bmp connect 10.99.0.1 port 1790 min-retry 100 max-retry 500
"""


def start_router(network: Lab, name: str) -> None:
    folder = network.folder
    if name == "gobgpd":
        (folder / "gobgp.toml").write_text(GOBGP_CONF)
        network.start("router", ["gobgpd", "-f", folder / "gobgp.toml"], "router.out")
        return
    (folder / "frr.conf").write_text(FRR_CONF.format(folder=folder))
    command = [
        FRR,
        "-f",
        folder / "frr.conf",
        "-M",
        "bmp",
        "-n",
        "-S",
        "-i",
        folder / "bgpd.pid",
        "-z",
        folder / "none.sock",
    ]
    network.start("router", [*command, "--vty_socket", folder, "--log", f"file:{folder}/frr.log"], "router.out")


class Heard:
    """What the station printed so far."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def lines(self) -> list[dict]:
        whole, _, _ = self._path.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def of(self, prefix: str, collector: str | None = None) -> list[str]:
        """What became of a prefix: announce, withdraw, in order."""
        return [
            line["type"] for line in self.lines()
            if line.get("prefix") == prefix and (collector is None or line["collector"] == collector)
        ]  # fmt: skip


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that daemons of other users can write to."""
    with tempfile.TemporaryDirectory(prefix="duskwatch-lab-") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@LONG
@pytest.mark.parametrize("name", ["gobgpd", str(FRR)])
def test_a_country_that_comes_and_goes_is_heard_from_a_real_router(open_folder: Path, name):
    tmp_path = open_folder
    with lab(tmp_path, "bird", "birdc", name) as network:
        host = network.host("station", STATION)
        router = network.host("router", ROUTER)
        network.host("bird", BIRD)
        os.environ["PYTHONPATH"] = f"{ROOT / 'src'}"
        station = [sys.executable, "-c", "from duskwatch.cli.app import main; main()", "feed", "listen"]
        network.start(
            "station", [*station, "--bmp", f"{host}:1790", "--allow", "10.99.0.0/24", "--format", "jsonl"], "heard"
        )
        heard = Heard(tmp_path / "heard")
        network.wait("the station listens", lambda: b"BMP on" in (tmp_path / "heard.err").read_bytes())
        start_router(network, name)
        routes = " ".join(f"route {prefix} blackhole;" for prefix in COUNTRY)
        (tmp_path / "bird.conf").write_text(BIRD_CONF.format(country=routes, other=OTHER, six=SIX))
        network.start("bird", ["bird", "-f", "-c", tmp_path / "bird.conf", "-s", tmp_path / "bird.ctl"], "bird.out")

        def birdc(*words: str) -> None:
            network.run("bird", "birdc", "-s", tmp_path / "bird.ctl", *words)

        network.wait("all is announced", lambda: all(heard.of(each, router) for each in (*COUNTRY, OTHER, SIX)))
        birdc("disable", "nation")
        network.wait("the country is withdrawn", lambda: all("withdraw" in heard.of(each, router) for each in COUNTRY))
        birdc("enable", "nation")
        network.wait("it is back", lambda: all(heard.of(each, router)[-1] == "announce" for each in COUNTRY))
        birdc("disable", "uplink")

        def down() -> bool:
            return any(line["type"] == "state" and line["new_state"] == "idle" for line in heard.lines()[-12:])

        network.wait("the session is down", down)
        lines = [line for line in heard.lines() if line["collector"] == router]
        for prefix in COUNTRY:
            told = heard.of(prefix, router)
            assert [kind for k, kind in enumerate(told) if k == 0 or kind != told[k - 1]][:3] == [
                "announce",
                "withdraw",
                "announce",
            ]
        assert "withdraw" not in heard.of(OTHER, router)
        paths = {tuple(line["as_path"]) for line in lines if line["type"] == "announce"}
        # FRR 8.4 puts its own AS number before what it received, as if it sent the routes on.
        assert paths == ({(64511, 64500)} if name == str(FRR) else {(64500,)})
        assert {(line["peer_ip"], line["peer_asn"]) for line in lines} == {("10.99.0.3", 64500)}
        assert any(line["type"] == "state" and line["new_state"] == "established" for line in lines)
        if name == str(FRR):
            mrt_says_the_same(tmp_path / "frr.mrt", heard, router)


def mrt_says_the_same(path: Path, heard: Heard, router: str) -> None:
    """The router's own MRT file of the same messages."""
    peers = PeerTable()
    recorded = said([FeedBlock("", block) for block in MrtReader([path.read_bytes()], peers)])
    for prefix in (*COUNTRY, OTHER, SIX):
        theirs = [
            {"A": "announce", "W": "withdraw"}[each.kind]
            for each in recorded
            if each.about == prefix and each.kind in "AW"
        ]
        assert theirs
        ours = heard.of(prefix, router)
        assert [kind for k, kind in enumerate(ours) if k == 0 or kind != ours[k - 1]] == [
            kind for k, kind in enumerate(theirs) if k == 0 or kind != theirs[k - 1]
        ]
