"""Sums per target: prefixes, bounded memory, hostile choices of addresses."""

import numpy as np

from duskwatch.signals.traffic.targets import FIRST_ROWS, TargetSums
from tests.signals.traffic.blocks import TIME, flows


def test_targets_are_hosts_or_the_prefixes_that_they_lie_in():
    hosts = (np.arange(512, dtype=np.uint64) + np.uint64(0x0A000000)) << np.uint64(32)
    block = flows(512, dst_hi=hosts)
    for bits, count in ((32, 512), (24, 2), (8, 1), (0, 1)):
        sums = TargetSums(bits4=bits)
        sums.add(block)
        table = sums.table()
        assert sums.targets == len(table.afi) == count
        assert table.octets.sum() == 51_200
        assert set(table.length.tolist()) == {bits}


def test_families_are_kept_apart():
    sums = TargetSums()
    sums.add(flows(1, dst_hi=0))
    sums.add(flows(1, afi=2, dst_hi=0))
    assert sorted(sums.table().afi.tolist()) == [1, 2]


def test_the_table_grows_and_forgets_nothing():
    count = 5 * FIRST_ROWS
    targets = np.random.default_rng(1).integers(0, 1 << 32, count, dtype=np.uint64) << np.uint64(32)
    sums = TargetSums()
    for at in range(0, count, 1000):
        sums.add(flows(len(targets[at : at + 1000]), dst_hi=targets[at : at + 1000]))
        sums.add(flows(len(targets[:10]), dst_hi=targets[:10]))
    table = sums.table()
    assert sums.targets == len(np.unique(targets))
    assert int(table.flows.sum()) == count + 10 * -(-count // 1000)
    assert set(table.hi[:10].tolist()) == set(targets[:10].tolist())


def test_more_targets_than_the_limit_are_one_row_and_told():
    sums = TargetSums(limit=100)
    sums.add(flows(1000, dst_hi=np.arange(1000, dtype=np.uint64) << np.uint64(32)))
    table = sums.table()
    assert (sums.targets, sums.overflowed) == (100, 900)
    assert len(table.afi) == 101
    others = np.flatnonzero(table.afi == 0)
    assert table.flows[others].tolist() == [900]
    assert table.octets.sum() == 100_000


def test_the_largest_come_first():
    sums = TargetSums()
    sums.add(flows(3, dst_hi=np.array([1, 2, 3], np.uint64) << np.uint64(32), bytes=np.array([5, 50, 500])))
    assert sums.table(2).octets.tolist() == [500, 50]


def test_first_and_last_are_those_of_the_flows():
    sums = TargetSums()
    sums.add(flows(2, start_us=np.array([TIME, TIME - 5]), end_us=np.array([TIME + 9, TIME])))
    table = sums.table()
    assert (table.first_us[0], table.last_us[0]) == (TIME - 5, TIME + 9)
