"""The kernels of NetFlow and IPFIX against their slow twin: on datagrams of many makers, on made and on broken ones."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.sources.flows.collector import Collector
from tests.kernels.reference_flows import SlowCollector
from tests.sources.flows.exports import (
    Flow,
    decode,
    ipfix,
    netflow5,
    netflow9,
    options_template,
    record5,
    set_of,
    template,
)

RECEIVED = 1_700_000_000_000_000
ELEMENTS = (
    (1, 4), (1, 8), (1, 3), (2, 4), (85, 8), (86, 8), (4, 1), (5, 1), (6, 1), (6, 2), (7, 2), (11, 2), (180, 2), (8, 4),
    (12, 4), (27, 16), (28, 16), (44, 4), (45, 4), (10, 2), (10, 4), (14, 4), (16, 4), (17, 4), (21, 4), (22, 4),
    (150, 4), (151, 4), (152, 8), (153, 8), (154, 8), (155, 8), (158, 4), (160, 8), (161, 4), (162, 4), (323, 8),
    (258, 8), (32, 2), (139, 2), (176, 1), (177, 1), (34, 4), (48, 1), (302, 8), (305, 4), (306, 4), (309, 4),
    (310, 4), (61, 1), (88, 2), (197, 1), (231, 8), (232, 8), (298, 4), (299, 4), (9, 1), (82, 20), (371, 65535),
    (96, 65535), (315, 65535), (312, 2), (3, 0),
)  # fmt: skip


def both(datagrams: list[bytes]) -> tuple[list[Flow], list[Flow], Collector, SlowCollector]:
    """Flows by the kernels and by their twin, without the columns that the twin does not know."""
    fast, slow = Collector(), SlowCollector()
    ours = [{k: v for k, v in flow.items() if k != "exporter"} for flow in decode(fast, datagrams)]
    theirs = [flow for k, data in enumerate(datagrams) for flow in slow.decode(data, RECEIVED + 1000 * k)]
    theirs += slow.finish()
    return ours, theirs, fast, slow


def in_order(flows: list[Flow]) -> list[list[tuple[str, int | str]]]:
    return sorted(sorted(flow.items()) for flow in flows)


def test_datagrams_of_thirty_vendors_give_what_the_twin_reads(shared_data: Path):
    folder = shared_data / "flows" / "vendor-datagrams" / "spec" / "codecs"
    names = sorted(folder.glob("*.dat"), key=lambda path: ("tpl" not in path.name, path.name))
    groups: dict[str, list[bytes]] = {}
    for path in names:
        groups.setdefault(path.name.split("_data")[0].split("_tpl")[0].split("_opttpl")[0], []).append(
            path.read_bytes()
        )
    compared = 0
    for name, group in groups.items():
        ours, theirs, _, _ = both(group)
        assert in_order(ours) == in_order(theirs), name
        compared += len(ours)
    assert compared == 442


@st.composite
def exports(draw: st.DrawFn) -> list[bytes]:
    """Datagrams of one exporter: a template of random elements, records of random octets, sometimes a sampler."""
    version = draw(st.sampled_from((9, 10)))
    chosen = draw(st.lists(st.sampled_from(ELEMENTS), min_size=1, max_size=20))
    fields = [(e, o) for e, o in chosen if version == 10 or o != 65535] or [(8, 4)]
    if version == 10 and draw(st.booleans()):
        fields += [(1, 8, 29305), (2, 8, 29305)]
    chance = random.Random(draw(st.integers(0, 2**32)))

    def record() -> bytes:
        octets = b""
        for field in fields:
            size = field[1]
            if size == 65535:
                size = chance.choice([0, 1, 40, 254, 300])
                octets += bytes([size]) if size < 255 else b"\xff" + size.to_bytes(2, "big")
            value = chance.randbytes(size) if chance.random() < 0.7 else bytes(size)
            if field[0] == 315 and size >= 40:
                value = bytes(12) + b"\x08\x00" + b"\x45" + value[15:]
            octets += value
        return octets

    records = [record() for _ in range(draw(st.integers(0, 6)))]
    sets = [set_of(0 if version == 9 else 2, template(300, fields)), set_of(300, b"".join(records))]
    if draw(st.booleans()):
        rate = draw(st.sampled_from((0, 1, 100, 4000)))
        named = draw(st.sampled_from((48, 302, 10, 0)))
        about = [(named, 4)] if named else []
        options = set_of(
            1 if version == 9 else 3, options_template(400, [(1, 4)], [*about, (34, 4), (160, 8)], version)
        )
        body = (5).to_bytes(4, "big") + ((3).to_bytes(4, "big") if named else b"")
        body += rate.to_bytes(4, "big") + chance.choice([0, 1_600_000_000_000]).to_bytes(8, "big")
        sets = [options, set_of(400, body), *sets]
    if draw(st.booleans()):
        chance.shuffle(sets)
    make = netflow9 if version == 9 else lambda sets, count: ipfix(sets)
    if draw(st.booleans()):
        return [make([one], len(records) + 9) for one in sets]
    return [make(sets, len(records) + 9)]


@given(exports())
@settings(max_examples=120, deadline=None)
def test_made_exports_give_what_the_twin_reads(datagrams):
    ours, theirs, fast, slow = both(datagrams)
    assert in_order(ours) == in_order(theirs)
    assert sum(fast.refused.values()) == slow.refused
    assert sum(counts.unknown_sets for counts in fast.counts()) == slow.unknown


@given(exports(), st.data())
@settings(max_examples=120, deadline=None)
def test_broken_exports_give_what_the_twin_reads(datagrams, data):
    broken = []
    for one in datagrams:
        octets = bytearray(one)
        for _ in range(data.draw(st.integers(0, 4))):
            at = data.draw(st.integers(2, len(octets) - 1))
            octets[at] = data.draw(st.integers(0, 255))
        broken.append(bytes(octets[: data.draw(st.integers(0, len(octets)))] if data.draw(st.booleans()) else octets))
    ours, theirs, fast, slow = both(broken)
    assert in_order(ours) == in_order(theirs)
    assert sum(fast.refused.values()) == slow.refused


@pytest.mark.parametrize("count", [1, 30])
def test_netflow5_gives_what_the_twin_reads(count):
    records = [record5(src=k, dst=k + 9, protocol=(6, 17, 1)[k % 3], dst_port=2048) for k in range(count)]
    ours, theirs, fast, _ = both([netflow5(records, sampling=0x4064), netflow5(records, count=31), netflow5(records)])
    assert in_order(ours) == in_order(theirs)
    assert len(ours) == 2 * count
    assert sum(fast.refused.values()) == 1
