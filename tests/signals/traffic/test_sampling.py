"""Rates that a user knows better, and what makes a volume doubtful."""

from dataclasses import replace

import numpy as np

from duskwatch.records.flows import Export, Exporter, ExporterCounts, RateSource, Sampler
from duskwatch.records.prefix import Prefix
from duskwatch.signals.traffic.sampling import RatePolicy, Rates, doubts
from tests.signals.traffic.blocks import flows

FIRST = Exporter(Export.NETFLOW9, 1, 0xC0000201 << 32, 0, 0)
SECOND = Exporter(Export.IPFIX, 2, 0x20010DB8 << 32, 1, 0)
NOWHERE = Exporter(Export.CSV, 0, 0, 0, 0)


def test_an_assumed_rate_is_given_to_flows_of_which_none_is_known():
    block = flows(3, sampling_rate=np.array([1, 10, 100]), rate_source=np.array([0, 1, 2]))
    given = Rates(RatePolicy(assumed=500), [FIRST]).apply(block)
    assert given.sampling_rate.tolist() == [500, 10, 100]
    assert given.rate_source.tolist() == [RateSource.ASSUMED, RateSource.DECLARED, RateSource.LEARNED]


def test_an_override_wins_for_the_exporters_it_names():
    policy = RatePolicy(1, ((Prefix.parse("192.0.2.0/24"), 1000), (Prefix.parse("2001:db8::/32"), 7)))
    exporters = [FIRST]
    rates = Rates(policy, exporters)
    given = rates.apply(flows(1, sampling_rate=10, rate_source=1))
    assert (given.sampling_rate[0], given.rate_source[0]) == (1000, RateSource.OVERRIDDEN)
    exporters += [SECOND, NOWHERE]  # the list grows while blocks come
    given = rates.apply(flows(3, exporter=np.array([0, 1, 2]), sampling_rate=10, rate_source=1))
    assert given.sampling_rate.tolist() == [1000, 7, 10]
    assert given.rate_source.tolist() == [3, 3, 1]


def test_an_override_without_a_prefix_is_for_all():
    rates = Rates(RatePolicy(overrides=((None, 64),)), [NOWHERE])
    assert rates.apply(flows(1)).sampling_rate[0] == 64


def test_nothing_said_changes_nothing():
    block = flows(2)
    assert Rates(RatePolicy(), [FIRST]).apply(block) is block


def test_doubts_name_what_is_not_known_and_what_was_lost():
    counts = ExporterCounts(FIRST, datagrams=90, flows=900, lost_datagrams=10, by_source=(5, 0, 895), unknown_sets=2)
    counts.unknown_octets = 300
    counts.samplers = (Sampler(1, None, 2_000_000, RateSource.LEARNED, 3),)
    said = " / ".join(doubts(counts, RatePolicy()))
    for part in (
        "rate of 5 flows is not known",
        "1:2000000 is larger",
        "changed 3 times",
        "10.0%",
        "2 sets (300 bytes)",
    ):
        assert part in said
    assert not any("rate" in doubt for doubt in doubts(counts, RatePolicy(overrides=((None, 10),))))
    assert doubts(replace(ExporterCounts(FIRST), flows=3, by_source=(0, 3, 0)), RatePolicy()) == []
