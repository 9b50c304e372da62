"""Links into an entity and single points of failure, against dictionaries and examples worked out by hand."""

import random

import numpy as np
import pytest

from duskwatch.records.countries import AsnCountries, CountryRanges
from duskwatch.signals.bgp.transit.reliance import Reliance, reliance_of
from duskwatch.signals.bgp.transit.ways import CountryAses, Link, Ways, links_of, own_origin
from tests.signals.bgp.transit import slow_transit as slow
from tests.signals.bgp.transit.random_tables import random_table
from tests.signals.bgp.transit.tables import paths_of, routes_of
from tests.signals.bgp.transit.test_hegemony import prefixes_of

NOTHING = np.empty(0, np.uint64)
EMPTY = np.empty(0, np.uint8), NOTHING, NOTHING, NOTHING, NOTHING, np.empty(0, np.int32)


def country(*runs: tuple[int, int, str]) -> CountryRanges:
    """No addresses, and AS numbers by country."""
    return CountryRanges(*EMPTY, ("XX", "YY"), asn_country=AsnCountries(runs))


@pytest.mark.parametrize("seed", range(30))
def test_links_and_reliance_on_random_tables_are_those_of_dictionaries(seed):
    chance = random.Random(seed)
    table, voters = random_table(chance)
    routes = routes_of(table, voters)
    counted = {prefix for prefix in prefixes_of(routes) if chance.random() < 0.6}
    mask = np.isin(prefixes_of(routes), list(counted))
    own = {asn for asn in range(10) if asn and chance.random() < 0.5} | ({100} if chance.random() < 0.5 else set())
    ranges = country(*((asn, asn, "XX") for asn in sorted(own)), (900, 999, "YY"))
    for family, unit in ((4, 256), (6, 1)):
        for says, mine in ((CountryAses(ranges, "XX"), own), (own_origin, None)):
            found = links_of(routes, says, mask, family)
            expected = slow.links(table, voters, counted, mine, family)
            assert {(link.outside, link.inside): link.peers for link in found} == {k: v[2] for k, v in expected.items()}
            for link in found:
                share, reached, _ = expected[link.outside, link.inside]
                assert (link.share, link.reached * unit) == pytest.approx((share, reached))
            if found:
                assert sum(link.share for link in found) == pytest.approx(1)
            assert [link.share for link in found] == sorted((link.share for link in found), reverse=True)
        for known_only in (False, True):
            lean, visible = reliance_of(routes, mask, family, known_only)
            lost, total = slow.reliance(table, voters, counted, family, known_only)
            assert {one.asn: (one.lost * unit, one.only * unit) for one in lean} == lost
            assert visible * unit == total
            assert all(one.visible == visible and 0 < one.share <= 1 for one in lean)


def test_a_path_enters_where_its_last_stretch_of_own_ases_begins():
    told = [(), (100, 7, 8, 9), (100, 8, 7, 9), (8, 9), (100, (7, 8), 9), (100, 5), (9, 100, 9), (100, 0, 9)]
    ways = Ways.of(paths_of(told), CountryAses(country((8, 9, "XX")), "XX"))
    assert list(zip(ways.outside.tolist(), ways.inside.tolist(), strict=True)) == [
        (0, 0), (7, 8), (7, 9), (0, 8), (0, 9), (5, 0), (100, 9), (0, 9),
    ]  # fmt: skip
    by_origin = Ways.of(paths_of(told), own_origin)
    assert by_origin.outside.tolist() == [0, 8, 7, 8, 0, 100, 100, 0]


def test_who_holds_as_numbers_is_asked_of_the_registries_and_else_the_origin_is_the_country():
    says = CountryAses(country((8, 9, "XX"), (20, 30, "YY")), "XX")
    assert says.holds(np.array([0, 7, 8, 9, 10, 25, 4_000_000_000], np.uint32)).tolist() == [0, 0, 1, 1, 0, 0, 0]
    paths = paths_of([(), (100, 8, 9)])
    assert CountryAses(country(), "XX")(paths).tolist() == own_origin(paths).tolist() == [0, 0, 1]


def test_who_looks_from_inside_sees_nothing_enter():
    inside, outside = ("192.0.2.1", 8), ("192.0.2.2", 65001)
    table = {(inside, "10.0.0.0/24"): (8, 9), (outside, "10.0.0.0/24"): (65001, 7, 8, 9)}
    routes = routes_of(table, [inside, outside])
    found = links_of(routes, CountryAses(country((8, 9, "XX")), "XX"), np.ones(1, np.bool_))
    assert found == (Link(7, 8, 1.0, 1.0, 1),)


def test_one_as_that_carries_all_is_a_single_point_and_one_that_carries_half_is_not():
    """Four peers; all reach 10.0.0.0/24 through 7, two of them 10.0.1.0/24 through 7 and two through 6."""
    voters = [(f"192.0.2.{n}", 65000 + n) for n in range(4)]
    table = {(one, "10.0.0.0/24"): (one[1], 7, 9) for one in voters}
    table |= {(one, "10.0.1.0/24"): (one[1], 7 if one[1] < 65002 else 6, 9) for one in voters}
    routes = routes_of(table, voters)
    lean, visible = reliance_of(routes, np.ones(2, np.bool_))
    assert visible == 2
    # Without either, two of four are left on 10.0.1.0/24: no more than half, so it would not be visible.
    assert lean == (Reliance(7, 2.0, 1.0, 2.0), Reliance(6, 1.0, 0.0, 2.0))
    assert lean[0].share == 1.0
    lean, _ = reliance_of(routes, np.array([True, False]))
    assert lean == (Reliance(7, 1.0, 1.0, 1.0),)


def test_a_member_of_a_set_and_the_origin_in_a_loop_are_no_single_points():
    """Nobody knows which member of an AS_SET a path passed; a path that was poisoned has its origin further ahead."""
    voters = [(f"192.0.2.{n}", 65000 + n) for n in range(3)]
    table = {(one, "10.0.0.0/24"): (one[1], 7, (5, 6), 9) for one in voters}
    lean, visible = reliance_of(routes_of(table, voters), np.ones(1, np.bool_))
    assert (lean, visible) == ((Reliance(7, 1.0, 1.0, 1.0),), 1.0)
    table = {(one, "10.0.0.0/24"): (one[1], 9, 7, 9) for one in voters}
    assert reliance_of(routes_of(table, voters), np.ones(1, np.bool_))[0] == (Reliance(7, 1.0, 1.0, 1.0),)


def test_a_wider_route_that_avoids_it_keeps_what_is_inside():
    voters = [(f"192.0.2.{n}", 65000 + n) for n in range(3)]
    table = {(one, "10.0.0.0/24"): (one[1], 7, 9) for one in voters[:2]}
    table |= {(one, "10.0.0.0/16"): (one[1], 6, 9) for one in voters}
    routes = routes_of(table, voters)
    lean, visible = reliance_of(routes, np.array([False, True]))
    assert visible == 1
    # A route to the narrower prefix is the one that is taken: two of three go through 7.
    assert lean == (Reliance(7, 1.0, 0.0, 1.0),)
    assert reliance_of(routes_of(table, []), np.ones(2, np.bool_)) == ((), 0.0)
