"""Kernels of AS hegemony and of ways on small random tables; with NUMBA_DISABLE_JIT=1 every index is checked."""

import random

import numpy as np
import pytest

from duskwatch.kernels.hegemony import number_asns
from duskwatch.signals.bgp.transit.hegemony import score_origins, score_whole
from duskwatch.signals.bgp.transit.reliance import reliance_of
from duskwatch.signals.bgp.transit.ways import links_of, own_origin
from tests.signals.bgp.transit import slow_hegemony, slow_transit
from tests.signals.bgp.transit.random_tables import random_table
from tests.signals.bgp.transit.tables import routes_of
from tests.signals.bgp.transit.test_hegemony import compared, prefixes_of


@pytest.mark.parametrize("seed", range(100, 104))
def test_every_index_is_inside_and_every_number_that_of_dictionaries(seed):
    table, voters = random_table(random.Random(seed))
    routes = routes_of(table, voters)
    everything = set(prefixes_of(routes))
    mask = np.ones(len(routes.afi), np.bool_)
    for family, unit in ((4, 256), (6, 1)):
        compared(score_origins(routes, address_family=family), slow_hegemony.hegemony(table, voters, family))
        compared(score_whole(routes, address_family=family), slow_hegemony.hegemony(table, voters, family, whole=True))
        lean, visible = reliance_of(routes, mask, family)
        lost, total = slow_transit.reliance(table, voters, everything, family)
        assert {one.asn: (one.lost * unit, one.only * unit) for one in lean} == lost
        assert visible * unit == total
        shares = {(one.outside, one.inside): one.share for one in links_of(routes, own_origin, mask, family)}
        expected = slow_transit.links(table, voters, everything, None, family)
        assert shares == pytest.approx({link: row[0] for link, row in expected.items()})


def test_as_numbers_that_meet_in_one_slot_are_told_apart():
    asns = np.array([5, 0, 5, 4_294_967_295, 7, 0, 7], np.uint32)
    found, ids = np.empty(7, np.uint32), np.empty(7, np.int32)
    # All in one slot: the table is of 16, and every hash is shifted out.
    count = number_asns(asns, np.full(16, -1, np.int32), np.uint64(63), found, ids)
    assert found[:count].tolist() == [5, 0, 4_294_967_295, 7]
    assert ids.tolist() == [0, 1, 0, 2, 3, 1, 3]
