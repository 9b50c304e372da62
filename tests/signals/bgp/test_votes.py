"""Votes of several collectors: who votes, when, and what a session's end or a missing file does to the count."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duskwatch.records.elems import Kind
from duskwatch.records.messages import Silence
from duskwatch.records.signals import PrefixState
from duskwatch.signals.bgp.full_feed import full_feed, usual_table
from duskwatch.signals.bgp.measures import Extent, measure, transit_shares, units
from duskwatch.signals.bgp.roll import close
from duskwatch.signals.bgp.state import DumpCheck
from duskwatch.signals.bgp.votes import NO_EARLIER, known_after, merge_votes
from tests.signals.bgp.build import block, dump_of, folded, started

A, W, S, R, K = Kind.ANNOUNCE, Kind.WITHDRAW, Kind.STATE, Kind.RIB, Kind.ALIVE
US = 1_000_000
MINUTE, HOUR = 60, 3600
END = 4 * HOUR
OTHERS = [f"10.1.{i}.0/24" for i in range(20)]
MINE = "10.0.0.0/24"
PATH = (1, 4837, 131279)


def keepalives(peer_count, until=END):
    return [(t, p, K, None, None) for t in range(0, until, 600) for p in range(peer_count)]


def part(collector, asns, elems, gaps=(), dump=True, routes=(MINE,), silent=()):
    """A collector whose peers all hold the routes from a dump at time 0, then the elems."""
    state = started(*asns, name=collector)
    if dump:
        table = [(p, prefix, PATH) for prefix in (*OTHERS, *routes) for p in range(len(asns))]
        state, _ = folded(state, *dump_of(0, *table))
    stream = sorted([*keepalives(len(asns)), *elems], key=lambda e: e[0])
    stream = [e for e in stream if not (e[1] in silent and e[2] == K)]
    state, _ = folded(state, *gaps, block(*stream), until_s=END)
    return close(state, END * US)


def of(votes, prefix=MINE):
    """Changes of one prefix: (seconds, state, votes, voters, by voters alone)."""
    start, _ = units(votes.afi, votes.hi, votes.length)
    which = int(np.flatnonzero(start == (int.from_bytes(bytes(map(int, prefix[:-3].split("."))), "big") >> 8))[0])
    return [
        (int(t) // US, PrefixState(s).name, int(v), int(k), int(b))
        for t, p, s, v, k, b in zip(
            votes.time_us, votes.prefix, votes.state, votes.votes, votes.voters, votes.by_voters, strict=True
        )
        if p == which
    ]


def only_mine(votes):
    start, _ = units(votes.afi, votes.hi, votes.length)
    return Extent(start == (0x0A000000 >> 8))


def withdrawn(peer_times, prefix=MINE):
    return [(t, p, W, prefix, None) for p, t in peer_times.items()]


def test_a_prefix_is_lost_when_half_of_the_voters_have_withdrawn_it():
    votes = merge_votes([part("rrc00", (1, 2, 3, 4), withdrawn({0: 100, 1: 200, 2: 300, 3: 400}))], 0, END * US)
    assert of(votes) == [
        (0, "VISIBLE", 4, 4, 1),
        (100, "VISIBLE", 3, 4, 0),
        (200, "MINORITY", 2, 4, 0),
        (400, "DARK", 0, 4, 0),
    ]


def test_collectors_merge_by_adding_votes_in_any_order():
    one = part("rrc00", (1, 2), withdrawn({0: 100}))
    two = part("route-views2", (1, 3, 4), withdrawn({1: 200, 2: 300}))
    votes = merge_votes([one, two], 0, END * US)
    assert [row[:4] for row in of(votes)] == [
        (0, "VISIBLE", 5, 5),
        (100, "VISIBLE", 4, 5),
        (300, "MINORITY", 2, 5),
    ]
    other = merge_votes([two, one], 0, END * US)
    for name in ("time_us", "prefix", "state", "votes", "voters", "by_voters"):
        assert np.array_equal(getattr(votes, name), getattr(other, name))


def test_a_session_that_ends_leaves_the_vote_and_is_a_gap_in_coverage_not_a_loss():
    votes = merge_votes([part("rrc00", (1, 2, 3), [(1000, 0, S, None, (6, 1))])], 0, END * US)
    assert of(votes) == [(0, "VISIBLE", 3, 3, 1)]
    assert votes.voters4.tolist() == [3, 2]
    assert [(gap.from_us // US, gap.until_us // US, gap.reason) for gap in votes.gaps] == [(1000, END, "session down")]


def test_a_session_that_comes_back_votes_again_only_once_its_table_is_full():
    again = [(1200, 0, S, None, (5, 6))] + [(1250 + i, 0, A, prefix, PATH) for i, prefix in enumerate(OTHERS)]
    votes = merge_votes([part("rrc00", (1, 2, 3), [(1000, 0, S, None, (6, 1)), *again])], 0, END * US)
    assert list(zip((votes.step_us // US).tolist(), votes.voters4.tolist(), strict=True)) == [
        (0, 3),
        (1000, 2),
        (1500, 3),
    ]
    # Its new table lacks the prefix: known, and not held.
    assert of(votes)[-1] == (1500, "VISIBLE", 2, 3, 1)


def test_a_partial_peer_does_not_vote():
    state_of_partial = [(1, 2, W, prefix, None) for prefix in (*OTHERS[:15], MINE)]
    votes = merge_votes([part("rrc00", (1, 2, 3), state_of_partial)], 0, END * US)
    assert votes.voters4[-1] == 2
    assert of(votes)[-1][1:4] == ("VISIBLE", 2, 2)


def test_a_missing_file_takes_its_collectors_voters_out_and_changes_no_prefix():
    gap = Silence(1000 * US, 1300 * US, "missing file")
    votes = merge_votes([part("rrc00", (1, 2, 3), [], gaps=[gap]), part("rrc01", (4,), [])], 0, END * US)
    assert list(zip((votes.step_us // US).tolist(), votes.voters4.tolist(), strict=True)) == [
        (0, 4),
        (1000, 1),
        (1300, 4),
    ]
    assert {row[1] for row in of(votes)} == {"VISIBLE"}
    assert [(g.source, g.peers) for g in votes.gaps] == [("rrc00", 3)]


def test_nobody_watching_is_not_a_number_never_zero():
    gap = Silence(1000 * US, 2000 * US, "missing file")
    votes = merge_votes([part("rrc00", (1, 2, 3), [], gaps=[gap])], 0, END * US)
    history = measure(votes, only_mine(votes), 300 * US)
    assert history.signals.series("bgp.visible_slash24")[:8].tolist()[:3] == [1, 1, 1]
    assert np.isnan(history.signals.series("bgp.visible_slash24")[3:6]).all()
    assert history.signals.series("bgp.visible_slash24")[6] == 1
    assert history.signals.coverage[1, 3:7].round(2).tolist() == [0.33, 0, 0, 0.33]
    assert history.signals.series("bgp.peers_live")[3:7].tolist() == [0, 0, 0, 3]


def test_a_slash24_under_two_visible_prefixes_counts_once():
    votes = merge_votes(
        [part("rrc00", (1, 2), [], routes=("10.0.0.0/23", "10.0.0.0/24", "10.0.1.128/25"))], 0, END * US
    )
    start, _ = units(votes.afi, votes.hi, votes.length)
    history = measure(votes, Extent(start < (0x0A010000 >> 8)), 300 * US)
    assert history.level.prefixes[-1] == 3
    assert history.level.slash24[-1] == 2


def test_only_address_space_that_is_the_entitys_counts():
    votes = merge_votes([part("rrc00", (1, 2), [], routes=("10.0.0.0/22",))], 0, END * US)
    counted = np.array([0x0A0001], np.int64), np.array([0x0A0003], np.int64)
    history = measure(votes, Extent(units(votes.afi, votes.hi, votes.length)[0] == 0x0A0000, counted), 300 * US)
    assert history.level.slash24[-1] == 2


def test_ipv6_counts_in_slash48s_beside_ipv4():
    votes = merge_votes([part("rrc00", (1, 2), [], routes=(MINE, "2001:db8::/32"))], 0, END * US)
    history = measure(votes, Extent(np.ones(len(votes.afi), bool)), 300 * US)
    assert (history.level.slash24[-1], history.level.slash48[-1]) == (21, 65536)


def test_a_loss_and_return_inside_one_bin_shows_in_the_level_and_not_in_the_bins():
    elems = withdrawn({0: 610, 1: 611, 2: 612}) + [(t, p, A, MINE, PATH) for p, t in {0: 640, 1: 641, 2: 642}.items()]
    votes = merge_votes([part("rrc00", (1, 2, 3), elems)], 0, END * US)
    history = measure(votes, only_mine(votes), 300 * US)
    assert set(history.signals.series("bgp.visible_slash24")) == {1.0}
    down = history.level.time_us[np.flatnonzero(history.level.slash24 == 0)] // US
    assert down.min() == 611
    assert down.max() < 641
    assert history.signals.series("bgp.announcements")[2] == 3
    assert history.signals.series("bgp.withdrawals")[2] == 3
    assert history.signals.series("bgp.announcements")[0] == 0  # a dump is no news


def test_state_learned_from_updates_says_so_and_counts_only_what_was_heard():
    elems = [(t, p, A, prefix, PATH) for p in range(3) for t, prefix in enumerate((*OTHERS, MINE))]
    votes = merge_votes(
        [part("route-views2", (1, 2, 3), [*elems, *withdrawn({0: 2000, 1: 2100})], dump=False)], 0, END * US
    )
    assert votes.learned
    history = measure(votes, only_mine(votes), 300 * US)
    assert np.isnan(history.level.slash24[0])
    assert of(votes)[-1] == (2100, "MINORITY", 1, 3, 0)


def test_full_feed_is_relative_per_family_and_does_not_flicker_at_the_bar():
    sizes = np.zeros((3, 3, 2), np.int32)
    sizes[:, :, 0] = [[1000, 760, 100], [1000, 740, 100], [1000, 600, 100]]
    sizes[:, :, 1] = [[100, 0, 90]] * 3
    full = full_feed(sizes, np.ones(sizes.shape, bool))
    assert full[:, :, 0].tolist() == [[True, True, False], [True, True, False], [True, False, False]]
    assert full[:, :, 1].tolist() == [[True, False, True]] * 3


def test_without_dumps_one_peer_that_sent_its_whole_table_does_not_outshine_the_rest():
    """Learned tables of route-views2 on 19 February 2008: 243 k, then 15 k to 50 k, partial peers under 2 k."""
    sizes = np.zeros((1, 6, 2), np.int32)
    sizes[0, :, 0] = [242916, 49116, 18080, 15216, 1780, 839]
    assert full_feed(sizes, np.zeros(sizes.shape, bool))[0, :, 0].tolist() == [True] * 4 + [False] * 2


def test_transit_shares_are_weighted_by_time_and_add_up_to_one():
    elems = [(HOUR, p, A, MINE, (1, 5511, 30990)) for p in range(2)]
    votes = merge_votes([part("rrc00", (1, 2), elems)], 0, END * US)
    shares = transit_shares(votes, only_mine(votes), [(0, 2 * HOUR * US), (2 * HOUR * US, END * US)])
    assert [(s.upstream, s.from_us // US // HOUR, round(s.share, 3)) for s in shares] == [
        (4837, 0, 0.5),
        (5511, 0, 0.5),
        (5511, 2, 1.0),
    ]


def test_a_peer_whose_table_differs_from_a_dump_has_no_vote_until_one_agrees():
    checks = (
        DumpCheck(0, HOUR * US, held=100, matched=100, missing=5),  # 4.8 % differ: believed
        DumpCheck(1, HOUR * US, held=100, matched=97, missing=3),  # 5.8 %
        DumpCheck(2, HOUR * US, held=100, matched=80, missing=0),
        DumpCheck(1, 2 * HOUR * US, held=100, matched=100, missing=0),
    )
    votes = merge_votes([replace(part("rrc00", (1, 2, 3), []), checks=checks)], 0, END * US)
    assert list(zip((votes.step_us // US // HOUR).tolist(), votes.voters4.tolist(), strict=True)) == [
        (0, 3),
        (1, 1),
        (2, 2),
    ]
    gaps = [(gap.source.split(" ")[1], gap.from_us // US // HOUR, gap.until_us // US // HOUR) for gap in votes.gaps]
    assert gaps == [("AS2", 1, 2), ("AS3", 1, 4)]
    assert {row[1] for row in of(votes)} == {"VISIBLE"}


def test_a_peer_known_from_a_dump_alone_does_not_vote_for_ever():
    votes = merge_votes([part("rrc00", (1, 2, 3), [], silent=(2,))], 0, END * US)
    assert list(zip((votes.step_us // US).tolist(), votes.voters4.tolist(), strict=True)) == [(0, 3), (HOUR, 2)]
    assert [(gap.from_us // US, gap.until_us // US, gap.reason) for gap in votes.gaps] == [
        (HOUR, END, "nothing heard for an hour")
    ]


def test_what_is_known_does_not_grow_from_day_to_day():
    votes = merge_votes([part("rrc00", (1, 2, 3), [])], 0, END * US, all_origins_bin_us=300 * US)
    first = known_after(votes, NO_EARLIER, END * US)
    again = known_after(votes, first, END * US)
    assert (len(first.afi), len(again.afi)) == (len(votes.afi), len(votes.afi))
    other = replace(first, origin=first.origin + 1, seen_us=first.seen_us - 1)
    assert len(known_after(votes, other, END * US).afi) == 2 * len(votes.afi)


TABLES = {
    "one odd table": ([64, *[44] * 8], 44),
    "two odd tables that are not alike": ([64, 47, *[44] * 8], 44),
    "two odd ones that are": ([100, 98, *[44] * 8], 44),
    "one of five times two others": ([220, 44, 44], 220),
    "one of ten times three others": ([440, 44, 44, 44], 44),
    "a whole one, and partial ones of a hundredth": ([500_000, *[5_000] * 13], 500_000),
    "whole tables, and more partial ones": ([500, 510, *[120] * 3], 505),
    "no two alike": ([100, 60, 30], 100),
    "one": ([7], 7),
    "none": ([0, 0], 0),
}


@pytest.mark.parametrize("case", TABLES)
def test_the_usual_table_is_that_of_most_routes(case):
    sizes, usual = TABLES[case]
    asn = np.arange(len(sizes), dtype=np.int64)
    assert usual_table(np.array(sizes, float), asn) == usual


def test_an_as_counts_once_among_tables():
    sizes, asn = np.array([100.0, 100, 50, 50]), np.array([1, 1, 2, 3], np.int64)
    assert usual_table(sizes, asn) == 50
    assert usual_table(sizes, np.array([1, 4, 2, 3], np.int64)) == 100
    assert usual_table(np.empty(0), np.empty(0, np.int64)) == 0


@given(
    st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 8)), min_size=2, max_size=20),
    st.integers(1, 10**6),
)
def test_no_single_as_takes_the_vote_from_two_that_agree(tables, odd):
    """Whatever one more AS shows, up to four times the others: two with the largest table keep their vote."""
    largest = max(size for size, _ in tables)
    sizes = np.array([*(size for size, _ in tables), largest, largest, min(odd, 4 * largest)], float)
    asn = np.array([*(number for _, number in tables), 20, 21, 22], np.int64)
    usual = usual_table(sizes, asn)
    others = usual_table(sizes[:-1], asn[:-1])
    assert 0.75 * usual <= max(largest, others)
