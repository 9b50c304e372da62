"""Datagrams of thirty vendors, as tshark reads them."""

import re
import shutil
from pathlib import Path

import pytest

from duskwatch.sources.flows.collector import Collector
from tests.sources.flows import tshark
from tests.sources.flows.exports import Flow, decode

INVALID = ("netflow5_test_invalid01.dat", "netflow5_test_invalid02.dat", "netflow9_test_invalid01.dat")


@pytest.fixture(scope="module")
def datagrams(shared_data: Path) -> dict[str, bytes]:
    folder = shared_data / "flows" / "vendor-datagrams" / "spec" / "codecs"
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.dat"))}


def groups(datagrams: dict[str, bytes]) -> dict[str, list[bytes]]:
    """Datagrams of one exporter, those with templates first."""
    found: dict[str, list[str]] = {}
    for name in datagrams:
        if name not in INVALID:
            found.setdefault(re.split(r"_(?:opt)?tpl|_data|\.dat", name)[0], []).append(name)
    return {
        group: [datagrams[name] for name in sorted(names, key=lambda name: ("tpl" not in name, name))]
        for group, names in found.items()
    }


def unmatched(expected: list[Flow], found: list[Flow]) -> tuple[list[Flow], list[Flow]]:
    """Expected flows that no flow found agrees with in every column that is expected, and flows that are left."""
    left, missing = list(found), []
    for flow in expected:
        same = next((one for one in left if all(one[name] == value for name, value in flow.items())), None)
        if same is None:
            missing.append(flow)
        else:
            left.remove(same)
    return missing, left


# tshark stops at an address of two octets in the first record; the other sets hold one record each as well.
CUT_SHORT_BY_TSHARK = {"netflow9_test_h3c": 15}


@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
def test_every_datagram_decodes_as_tshark_says(datagrams, tmp_path):
    named = groups(datagrams)
    theirs = tshark.dissect(list(named.values()), tmp_path)
    compared = 0
    for (name, group), records in zip(named.items(), theirs, strict=True):
        expected = tshark.as_rows(records)
        for flow in expected:
            if flow.get("protocol") in (1, 58):  # ports of ICMP are its type and code, which have a column here
                flow.pop("src_port", None), flow.pop("dst_port", None)
        missing, left = unmatched(expected, decode(Collector(), group))
        assert missing == [], name
        assert len(left) == CUT_SHORT_BY_TSHARK.get(name, 0), name
        compared += len(expected)
    assert compared == 425


def test_what_is_invalid_on_purpose_is_refused_with_a_reason(datagrams):
    for name, reason, flows in (
        ("netflow5_test_invalid01.dat", "NetFlow 5: it counts more records than it holds", 0),
        ("netflow5_test_invalid02.dat", "NetFlow 5: it counts more records than it holds", 0),
    ):
        collector = Collector()
        assert len(decode(collector, [datagrams[name]])) == flows
        assert dict(collector.refused) == {reason: 1}
        assert collector.refusals[0].datagram == 1


def test_a_datagram_refuses_nothing_that_is_not_invalid(datagrams):
    for name, group in groups(datagrams).items():
        collector = Collector()
        decode(collector, group)
        assert not collector.refused, name


def test_templates_after_their_data_give_the_same_flows(datagrams):
    for name, group in groups(datagrams).items():
        forward, backward = Collector(), Collector()
        flows = decode(forward, group)
        late = decode(backward, group[::-1])
        assert len(late) == len(flows), name
        key = lambda flow: sorted((k, v) for k, v in flow.items() if k not in ("received_us", "exporter"))  # noqa: E731
        assert sorted(map(key, late)) == sorted(map(key, flows)), name
        assert sum(c.unknown_sets for c in backward.counts()) == sum(c.unknown_sets for c in forward.counts()), name


def test_a_header_that_counts_too_few_records_is_told_and_its_flows_are_read_as_nfcapd_reads_them(datagrams):
    # The third one that is called invalid counts its two flows, but not the two templates, the options template and the
    # options record before them, against RFC 3954 section 5.1: softflowd does so. tshark stops after two sets; nfcapd
    # 1.7.1 reads both flows, without a complaint.
    collector = Collector()
    six, four = decode(collector, [datagrams["netflow9_test_invalid01.dat"]])
    assert (six["src"], six["dst"]) == ("2001:44b8:1118:7200::10", "2001:44b8:4030:cd91:8075:bae:d39d:2621")
    assert (six["packets"], six["bytes"], six["src_port"], six["dst_port"]) == (1, 96, 123, 123)
    assert (four["src"], four["dst"], four["bytes"]) == ("192.168.0.1", "192.168.0.105", 98)
    (counts,) = collector.counts()
    assert (counts.miscounted, counts.templates, counts.option_records) == (1, 3, 1)
    assert not collector.refused
