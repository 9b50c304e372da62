"""Real BMP captures against three other decoders: tshark, pmacct's and NetGauze's decoded JSON beside the captures."""

import ipaddress
import json
import shutil
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from duskwatch.records.times import to_datetime
from duskwatch.sources.bgp.formats.feed_events import EndOfRib, SessionDown, SessionUp, StatisticsReport
from duskwatch.sources.bgp.formats.feed_files import open_feed
from tests.sources.bgp.formats.said import Said, said

VPNV4 = "vpnv4-stateless-with-withdraw"
NETGAUZE = {  # captures and what NetGauze reads out of them
    "200-BMP-HUAWEI-locrib_instance/traffic-00.pcap": "traffic-00-bmp.json",
    "201-BMP-CISCO-rd_instance/traffic-00.pcap": "traffic-00-bmp.json",
    "202-BMP-CISCO-HUAWEI-multiple-sources/traffic-00.pcap": "traffic-00-bmp.json",
    "202-BMP-CISCO-HUAWEI-multiple-sources/traffic-01.pcap": "traffic-01-bmp.json",
    "202-BMP-CISCO-HUAWEI-multiple-sources/traffic-02.pcap": "traffic-02-bmp.json",
    "204-BMP-CISCO-peer_down/traffic-00.pcap": "traffic-00-bmp.json",
    "206-BMP-high-availability/traffic-00.pcap": "traffic-00-bmp.json",
    "208-BMP-mem-leak-test/bmp-multi-sources-init.pcap": "bmp-multi-sources-init-bmp.json",
    "208-BMP-mem-leak-test/bmp-multi-sources-peer-up.pcap": "bmp-multi-sources-peer-up-bmp.json",
    "netgauze-bmp/evpn/evpn.pcap": "evpn-bmp.json",
    "netgauze-bmp/path-status/ipv4_unicast_path_marking.pcap": "ipv4_unicast_path_marking-bmp.json",
    "netgauze-bmp/peers-with-different-caps/example.pcap": "example-bmp.json",
    "netgauze-bmp/stateless-with-add-path/ipv4_unicast_all.pcap": "ipv4_unicast_all-bmp.json",
    "netgauze-bmp/unreachable-prefix-announcement/upa.pcap": "upa-bmp.json",
    f"netgauze-bmp/{VPNV4}/{VPNV4}.pcap": f"{VPNV4}-bmp.json",
}
VERSION_4 = ("path-status", "stateless-with-add-path", "vpnv4-stateless")  # a draft that tshark 4.0 does not read
TSHARK = [
    *(name for name in NETGAUZE if not any(part in name for part in VERSION_4)),
    "208-BMP-mem-leak-test/bmp-multi-sources-route-monitoring.pcap",
    "208-BMP-mem-leak-test/bmp-multi-sources-stats.pcap",
]


class Route(NamedTuple):
    """One statement about a prefix; peers are named by address and AS number."""

    kind: str
    time_us: int
    peer: str
    asn: int
    prefix: str
    path: str
    path_id: int = 0


def prefix_text(address: str, length: int) -> str:
    return str(ipaddress.ip_network(f"{address}/{length}", strict=False))


def ours(path: Path) -> tuple[list[Said], list[Any], Any]:
    feed = open_feed(path)
    found, events = [], []
    for batch in feed:
        found += said(batch.blocks)
        events += batch.events
    return found, events, feed


def routes_of(found: list[Said]) -> Counter[Route]:
    return Counter(
        Route(
            each.kind, each.time_us, each.peer, each.asn, str(ipaddress.ip_network(each.about)), each.path, each.path_id
        )
        for each in found
        if each.kind in "AW"
    )


def same_times(one: Counter[Route], other: Counter[Route]) -> tuple[Counter[Route], Counter[Route]]:
    """Both without times where one has none for a message: the reader takes that of the message before."""
    if all(route.time_us for route in (*one, *other)):
        return one, other
    bare = [Counter(route._replace(time_us=0) for route in some.elements()) for some in (one, other)]
    return bare[0], bare[1]


# NetGauze


def stamp(text: str | None) -> int:
    if text is None:
        return 0
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1e6)


def netgauze_path(attributes: list[dict]) -> str:
    for attribute in attributes:
        for form in ("As4PathSegments", "As2PathSegments"):
            segments = attribute["value"].get("AsPath", {}).get(form) if isinstance(attribute["value"], dict) else None
            if segments is not None:
                words = []
                for segment in segments:
                    numbers = map(str, segment["as_numbers"])
                    words.append(
                        "{" + ",".join(numbers) + "}" if segment["segment_type"] == "AsSet" else " ".join(numbers)
                    )
                return " ".join(word for word in words if word)
    return ""


def netgauze_routes(lines: list[dict]) -> Counter[Route]:
    out: Counter[Route] = Counter()
    for line in lines:
        message = (line.get("V3") or line.get("V4") or {}).get("RouteMonitoring")
        if message is None:
            continue
        header = message["peer_header"]
        update = message.get("update_message") or message["update_pdu"]["value"]["BgpUpdate"]
        update = update["Update"]
        about = stamp(header["timestamp"]), header["address"] or "0.0.0.0", header["peer_as"]
        path = netgauze_path(update["path_attributes"])
        prefixes = [("W", each) for each in update["withdrawn_routes"]] + [("A", each) for each in update["nlri"]]
        for attribute in update["path_attributes"]:
            value = attribute["value"]
            if not isinstance(value, dict):
                continue
            for kind, name in (("A", "MpReach"), ("W", "MpUnreach")):
                for family, body in value.get(name, {}).items():
                    if family in ("Ipv4Unicast", "Ipv6Unicast", "Ipv4Multicast", "Ipv6Multicast"):
                        prefixes += [(kind, each) for each in body.get("nlri", body.get("withdrawn", []))]
        for kind, each in prefixes:
            prefix = str(ipaddress.ip_network(each["network"], strict=False))
            out[Route(kind, *about, prefix, path if kind == "A" else "", each["path_id"] or 0)] += 1
    return out


@pytest.mark.parametrize("name", NETGAUZE)
def test_captures_say_what_netgauze_reads_out_of_them(shared_data: Path, name):
    path = shared_data / "bmp" / name
    lines = [json.loads(line) for line in (path.parent / NETGAUZE[name]).read_text().splitlines()]
    found, events, feed = ours(path)
    unread = [line for line in lines if "V3" not in line and "V4" not in line]
    kinds = Counter(next(iter(line.get("V3") or line.get("V4"))) for line in lines if line not in unread)
    counted = feed.counts.kinds
    names = {"Initiation": "initiation", "PeerUpNotification": "peer up", "RouteMonitoring": "route monitoring",
             "StatisticsReport": "statistics", "PeerDownNotification": "peer down"}  # fmt: skip
    assert sum(counted.values()) == len(lines)
    assert all(counted[names[kind]] >= count for kind, count in kinds.items())
    assert sum(counted[names[kind]] - kinds[kind] for kind in names) == len(unread)
    theirs, mine = same_times(netgauze_routes(lines), routes_of(found))
    if unread:  # what it could not read is read here
        assert theirs - mine == Counter()
        assert (mine - theirs).total() <= 10
    else:
        assert mine == theirs
    assert feed.counts.bad == 0
    ups = Counter((event.peer, event.asn) for event in events if isinstance(event, SessionUp))
    if not unread:
        assert ups == Counter(
            (up["peer_header"]["address"] or "0.0.0.0", up["peer_header"]["peer_as"])
            for line in lines
            if (up := (line.get("V3") or line.get("V4")).get("PeerUpNotification"))
        )


# tshark


class Pairs(list):
    """A JSON object of which no key is lost when it is there twice."""

    def all(self, key: str) -> list[Any]:
        return [value for name, value in self if name == key]

    def one(self, key: str, otherwise: Any = None) -> Any:
        return next(iter(self.all(key)), otherwise)


def walk(tree: Any, key: str) -> list[Pairs]:
    """Objects anywhere in a tree that have a key."""
    if not isinstance(tree, list):
        return []
    found = [tree] if isinstance(tree, Pairs) and tree.all(key) else []
    for each in tree:
        found += walk(each[1] if isinstance(tree, Pairs) else each, key)
    return found


def tshark_path(update: Pairs) -> str:
    words = []
    for attribute in update:
        if attribute[0] != "bgp.update.path_attributes":
            continue
        for segment in walk(attribute[1], "bgp.update.path_attribute.as_path_segment.type"):
            numbers = [
                value for name, value in segment if name.startswith("bgp.update.path_attribute.as_path_segment.as")
            ]
            kind = segment.one("bgp.update.path_attribute.as_path_segment.type")
            words.append("{" + ",".join(numbers) + "}" if kind == "1" else " ".join(numbers))
    return " ".join(words)


def tshark_prefixes(update: Pairs) -> list[tuple[str, str, int]]:
    out = []
    for kind, tree, field in (
        ("W", "bgp.update.withdrawn_routes", "bgp.withdrawn_prefix"),
        ("A", "bgp.update.nlri", "bgp.nlri_prefix"),
    ):
        for branch in update.all(tree):
            for each in walk(branch, field):
                out.append((kind, each, field))
    for kind, name in (("A", "mp_reach_nlri"), ("W", "mp_unreach_nlri")):
        for attribute in walk(update, f"bgp.update.path_attribute.{name}.afi"):
            if attribute.one(f"bgp.update.path_attribute.{name}.safi") not in ("1", "2"):
                continue
            for family in ("ipv4", "ipv6"):
                field = f"bgp.{name}_{family}_prefix"
                out += [(kind, each, field) for each in walk(attribute, field)]
    return [
        (kind, prefix_text(each.one(field), int(each.one("bgp.prefix_length"))), int(each.one("bgp.nlri_path_id", "0")))
        for kind, each, field in out
    ]


def tshark(path: Path) -> tuple[Counter[Route], Counter[str]]:
    command = [
        "tshark",
        "-r",
        str(path),
        "-d",
        "tcp.port==1790,bmp",
        "-d",
        "tcp.port==10000,bmp",
        "-T",
        "json",
        "-J",
        "bmp bgp",
    ]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    packets = json.loads(done.stdout, object_pairs_hook=Pairs)
    routes: Counter[Route] = Counter()
    types: Counter[str] = Counter()
    for layers in walk(packets, "bmp"):
        for message in layers.all("bmp"):
            types[message.one("bmp.type")] += 1
            header = message.one("bmp.peer.header")
            if message.one("bmp.type") != "0" or header is None:
                continue
            address = header.one("bmp.peer.ip.addr") or header.one("bmp.peer.ipv6.addr") or "0.0.0.0"
            if (
                header.one("bmp.peer.type") == "3"
            ):  # its flag of filtered routes is no flag of IPv6 (RFC 9069 section 4.2)
                address = "0.0.0.0"
            time_us = int(header.one("bmp.peer.timestamp.sec")) * 10**6 + int(header.one("bmp.peer.timestamp.msec"))
            about = time_us, str(ipaddress.ip_address(address)), int(header.one("bmp.peer.asn"))
            for update in message.all("bgp"):
                path_said = tshark_path(update)
                for kind, prefix, path_id in tshark_prefixes(update):
                    routes[Route(kind, *about, prefix, path_said if kind == "A" else "", path_id)] += 1
    return routes, types


@pytest.mark.parametrize("name", TSHARK)
def test_captures_say_what_tshark_reads_out_of_them(shared_data: Path, name):
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed (apt-get install tshark)")
    path = shared_data / "bmp" / name
    routes, types = tshark(path)
    found, _, feed = ours(path)
    numbers = {"route monitoring": "0", "statistics": "1", "peer down": "2", "peer up": "3", "initiation": "4"}
    assert Counter({numbers[kind]: count for kind, count in feed.counts.kinds.items()}) == types
    theirs, mine = same_times(routes, routes_of(found))
    assert mine == theirs
    assert feed.counts.bad == 0


# pmacct


PMACCT = [
    "200-BMP-HUAWEI-locrib_instance",
    "201-BMP-CISCO-rd_instance",
    "204-BMP-CISCO-peer_down",
    "206-BMP-high-availability",
]


@pytest.mark.parametrize("name", PMACCT)
def test_captures_say_what_pmacct_writes_for_them(shared_data: Path, name):
    lines = []
    for path in sorted((shared_data / "bmp" / "pmacct-expected-json" / name).glob("*.json")):
        lines += [json.loads(line) for line in path.read_text().splitlines()]
    found, events, _ = ours(shared_data / "bmp" / name / "traffic-00.pcap")
    logged = [line for line in lines if line["event_type"] == "log"]
    plain = {"1:1", "2:1", "1:2", "2:2"}
    theirs = Counter(
        (line["log_type"][0].replace("u", "A").replace("w", "W"), line["timestamp"], line["peer_ip"], line["ip_prefix"])
        for line in logged
        if line["bmp_msg_type"] == "route_monitor"
        and line["log_type"] in ("update", "withdraw")
        and f"{line['afi']}:{line['safi']}" in plain
    )
    mine = Counter(
        (
            each.kind,
            f"{each.time_us // 10**6}.{each.time_us % 10**6:06d}",
            each.peer,
            str(ipaddress.ip_network(each.about)),
        )
        for each in found
        if each.kind in "AW"
    )
    theirs = Counter(
        {
            (*key[:2], str(ipaddress.ip_address(key[2])), str(ipaddress.ip_network(key[3]))): n
            for key, n in theirs.items()
        }
    )
    assert theirs - mine == Counter()
    announced = set()  # what pmacct did not know, it does not write the withdrawal of
    for each in found:
        key = each.kind, f"{each.time_us // 10**6}.{each.time_us % 10**6:06d}", each.peer, each.about
        if each.kind == "A":
            announced.add((each.collector, each.peer, each.about))
        elif each.kind == "W" and (each.collector, each.peer, each.about) not in announced:
            mine[key] = theirs[key]
    assert mine - theirs == Counter()
    for kind, event in (("peer_up", SessionUp), ("peer_down", SessionDown)):
        said_there = Counter(line["peer_ip"] for line in logged if line["bmp_msg_type"] == kind)
        said_here = Counter(each.peer for each in events if isinstance(each, event))
        assert said_there == said_here, kind
    ends = {(line["peer_ip"], line["afi"], line["safi"]) for line in logged if line.get("log_type") == "end-of-rib"}
    assert ends == {(each.peer, *each.family) for each in events if isinstance(each, EndOfRib)}
    counters = sum(line["bmp_msg_type"] == "stats" for line in logged)
    assert counters == sum(
        len(each.values) + len(each.of_family) for each in events if isinstance(each, StatisticsReport)
    )


def test_times_are_those_of_the_routers(shared_data: Path):
    found, *_ = ours(shared_data / "bmp" / "netgauze-bmp" / "peers-with-different-caps" / "example.pcap")
    assert {to_datetime(each.time_us).date().isoformat() for each in found} == {"2024-11-11"}
