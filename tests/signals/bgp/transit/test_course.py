"""How ways changed, against a slow walk over the text of `bgpdump -m`, and on a real national outage."""

import random
from collections import Counter, defaultdict

import numpy as np
import pytest

from duskwatch.analysis.replay import Reading, Window, replay_archives
from duskwatch.analysis.whole_tables import watch_all
from duskwatch.records.prefix import Prefix, prefix_texts
from duskwatch.records.signals import PrefixState
from duskwatch.records.times import iso
from duskwatch.signals.bgp.extents import WatchSpace
from duskwatch.signals.bgp.tables import routes_at, routes_in, routes_over
from duskwatch.signals.bgp.transit.behind import behind
from duskwatch.signals.bgp.transit.course import let_go, regained_us, way_changes
from duskwatch.signals.bgp.transit.pick import of_network
from duskwatch.signals.bgp.transit.series import hegemony_series
from duskwatch.signals.bgp.transit.ways import own_origin
from duskwatch.signals.bgp.votes import merge_votes
from duskwatch.sources.bgp.formats import mrt_write as mrt
from tests.signals.bgp.test_tables import lines_of, table_of
from tests.signals.bgp.transit.slow_hegemony import path_of
from tests.small_archive import OTHERS, OWN, START_US, Archive, at

US = 1_000_000
WATCH = WatchSpace((Prefix.parse("175.45.176.0/22"),))


def said(made: Archive, peer, minute: float, path, prefixes) -> None:
    """A peer announces some prefixes with a path behind its own AS; withdraws them where there is none."""
    whole = None if path is None else mrt.Route((made.peer(peer).asn, *path), made.peer(peer).address)
    message = mrt.withdraw(list(prefixes)) if whole is None else mrt.announce(whole, list(prefixes))
    made.said[peer].append((minute * 60, message))


def votes_on(folder, watch=WATCH):
    run = replay_archives(Window(START_US, at(60)), [folder], watch=watch, reading=Reading(1))
    return run, merge_votes(run.parts, START_US, at(60))


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """Six peers reach four prefixes through AS4837; they lose it, hunt, and come back through AS20485."""
    made = Archive({"rrc91": 4, "route-views.a": 2}, hours=1)
    made.talk()
    for k, peer in enumerate(made.peers()):
        said(made, peer, 20 + k / 60, (64699, 4837, 131279), OWN)
        said(made, peer, 20.5 + k / 60, None, OWN)
        said(made, peer, 30 + k / 60, (64600, 20485, 131279), OWN[:3])
        if k < 2:
            said(made, peer, 45 + k / 60, (64600, 4837, 131279), OWN[:3])
    return made.write(tmp_path_factory.mktemp("moved"))


def test_a_loss_a_return_by_another_way_and_a_part_that_goes_home_are_told_in_order(moved):
    _, votes = votes_on(moved)
    changes, shares = way_changes(votes, own_origin)
    told = [(one.first_us - START_US, one.last_us - START_US, one.before, one.after, one.units) for one in changes]
    minute = 60 * US
    assert told == [
        # Four of six is more than half: the third to let go leaves three, which is not.
        (20.5 * minute + 2 * US, 20.5 * minute + 2 * US, 4837, 0, (0, 1, 2, 3)),
        (30 * minute + 3 * US, 30 * minute + 3 * US, 0, 20485, (0, 1, 2)),
    ]
    assert [(one.lost, one.back, one.by_voters) for one in changes] == [(True, False, False), (False, True, False)]
    rose = [(one.outside, one.up, (one.time_us - START_US) / minute, round(one.share, 3)) for one in shares]
    assert rose == [
        (4837, False, 30, 0.0),
        (20485, True, 30, 1.0),
        (4837, True, pytest.approx(45 + 1 / 60), round(6 / 18, 3)),
    ]
    assert regained_us(changes, changes[0], at(60)) == changes[1].first_us
    gone = let_go(votes, changes[0], changes[1].first_us)
    assert [one.session.split()[1] for one in gone] == [
        f"AS{asn}" for asn in (64500, 64501, 64502, 64503, 65500, 65501)
    ]
    for k, one in enumerate(gone):
        assert (one.turned_us - at(20)) // US == (one.first_us - at(20.5)) // US == k
        assert (one.first_us, one.prefixes) == (one.last_us, 4)
        asn = one.session.split()[1][2:]
        assert one.before == f"{asn} 64600 4837 131279"
        assert one.last == f"{asn} 64699 4837 131279"
    with pytest.raises(ValueError, match="only of prefixes that were lost"):
        let_go(votes, changes[1], at(60))


def slow_main_ways(lines, seen, prefixes):
    """(time, prefix, way) whenever the way of most changes, from text and from when prefixes were visible."""
    events = defaultdict(list)
    for line in lines:
        fields = line.rstrip("\n").split("|")
        events[int(fields[1]) * US].append(fields)
    for time_us, prefix, visible in seen:
        events[time_us].append(("V", prefix, visible))
    held: dict = defaultdict(dict)
    visible: dict = {}
    main = dict.fromkeys(prefixes, -1)
    out = []
    for time_us in sorted(events):
        for fields in events[time_us]:
            if fields[0] == "V":
                visible[fields[1]] = fields[2]
            elif fields[2] in ("A", "B"):
                path = path_of(fields[6])
                way = path[-2] if len(path) > 1 and isinstance(path[-2], int) else 0
                held[fields[5]][fields[3]] = way
            elif fields[2] == "W":
                held[fields[5]].pop(fields[3], None)
        for prefix in prefixes:
            tally = Counter(held[prefix].values())
            best = min(tally, key=lambda way: (-tally[way], way), default=-1)
            to = main[prefix]
            if not visible.get(prefix):
                to = -1
            elif best >= 0 and (to < 0 or not tally[to] or 2 * tally[best] > sum(tally.values())):
                to = best
            if to != main[prefix]:
                out.append((time_us, prefix, main[prefix], to))
                main[prefix] = to
    return out


@pytest.mark.parametrize("seed", range(4))
def test_main_ways_of_random_histories_are_those_of_a_slow_walk_over_the_text(seed, tmp_path):
    """No session ends and nobody ceases to vote, so that the text alone says who holds what."""
    chance = random.Random(seed)
    made = Archive({"rrc91": 5, "route-views.a": 4}, hours=1)
    made.talk()
    for peer in made.peers():
        for _ in range(30):
            path = None if chance.random() < 0.4 else (*chance.choices((5, 6, 7), k=2), chance.choice((8, 9)))
            said(made, peer, chance.randrange(60, 3590) / 60, path, chance.sample(OWN, chance.randint(1, 4)))
    folder = made.write(tmp_path)
    _, votes = votes_on(folder)
    assert not any(gap.peers for gap in votes.gaps)
    texts = prefix_texts(votes.afi, votes.hi, votes.lo, votes.length)
    seen = [
        (int(when), texts[unit], int(state) == PrefixState.VISIBLE)
        for when, unit, state in zip(votes.time_us, votes.prefix, votes.state, strict=True)
    ]
    expected = [
        row for row in slow_main_ways(lines_of(folder), seen, [str(one) for one in OWN]) if row[0] > votes.from_us
    ]
    assert len(expected) > 10
    changes, _ = way_changes(votes, own_origin)
    found = Counter((texts[unit], one.before, one.after) for one in changes for unit in one.units)
    assert found == Counter((prefix, max(one, 0), max(to, 0)) for _, prefix, one, to in expected)
    for one in changes:
        times = [
            when
            for when, prefix, before, after in expected
            if one.first_us <= when <= one.last_us
            and (max(before, 0), max(after, 0)) == (one.before, one.after)
            and prefix in {texts[unit] for unit in one.units}
        ]
        assert {one.first_us, one.last_us} <= set(times)


def test_a_way_rises_only_from_next_to_none(tmp_path):
    """Six peers, each its own way to KP: as one after the other lets go, what is left is a larger part, and no rise."""
    made = Archive({"rrc91": 6}, hours=1)
    made.path = lambda peer, origin, variant=0: (made.peer(peer).asn, *(() if origin == 131279 else (64700,)), origin)
    made.talk()
    made.lose(made.peers(), 20, 40)
    _, votes = votes_on(made.write(tmp_path))
    _, shares = way_changes(votes, own_origin)
    assert shares
    assert all(votes.from_us <= one.since_us < one.time_us for one in shares)
    assert [one.up for one in shares if one.time_us < at(30)] == [False] * sum(one.time_us < at(30) for one in shares)


def test_tables_through_time_are_those_of_each_time_alone(moved):
    _, votes = votes_on(moved)
    times = [START_US, at(20.4), at(20.4), at(25), at(50), at(60) - 1]
    for one, time_us in zip(routes_over(votes, times), times, strict=True):
        assert table_of(one) == table_of(routes_in(votes, time_us))
    with pytest.raises(ValueError, match="earlier"):
        list(routes_over(votes, [at(2), at(1)]))


def test_of_one_network_whole_tables_keep_what_it_has_and_what_lies_within(moved):
    run = replay_archives(Window(START_US, at(60)), [moved], watch=watch_all, reading=Reading(1))
    parts, own = of_network(sorted(run.parts, key=lambda part: part.collector), 131279)
    votes, (_, alone) = merge_votes(parts, START_US, at(60)), votes_on(moved)
    assert own.tolist() == [True] * 4
    for name in ("time_us", "prefix", "state", "votes", "voters", "origin", "upstream"):
        assert np.array_equal(getattr(votes, name), getattr(alone, name)), name
    assert of_network(run.parts, 77)[1].tolist() == []


def test_who_else_was_behind_the_same_as(tmp_path):
    """AS64700 carries AS64800's sixty prefixes: two are lost, two move to AS20485, AS64801 is behind another AS."""
    made = Archive({"rrc91": 5}, hours=1)
    made.talk()
    for peer in made.peers():
        said(made, peer, 10, (64600, 64700, 64801), OTHERS[40:42])
        said(made, peer, 10, (64600, 64701, 64802), OTHERS[50:52])
        said(made, peer, 20, None, [*OTHERS[:2], OTHERS[40], OTHERS[50]])
        said(made, peer, 20, (64600, 20485, 64800), OTHERS[2:4])
    made.said = {peer: [row for row in rows if row[0] in (600, 1200)] for peer, rows in made.said.items()}
    run = replay_archives(Window(START_US, at(60)), [made.write(tmp_path)], watch=watch_all, reading=Reading(1))
    before, during = routes_at(run.parts, at(19)), routes_at(run.parts, at(21))
    found = behind(before, during, 64700, np.zeros(len(before.afi), np.bool_))
    assert [(one.origin, one.prefixes, one.lost, one.moved) for one in found] == [(64800, 56, 2, 2), (64801, 2, 1, 0)]
    left_out = np.isin(prefix_texts(before.afi, before.hi, before.lo, before.length), [str(OTHERS[0])])
    assert behind(before, during, 64700, left_out)[0].lost == 1
    assert [one.origin for one in behind(before, during, 64701, left_out)] == [64802]
    assert behind(before, during, 64801, left_out) == ()  # what it originates is not behind it


def test_series_leave_out_who_never_carried_much_and_tell_who_was_not_there():
    block = hegemony_series(0, 300, [{7: 1.0, 8: 0.04}, {7: 0.5, 9: 0.5}, {}, None])
    assert block.names == ("bgp.hegemony.AS7", "bgp.hegemony.AS9")
    assert block.series("bgp.hegemony.AS7")[:3].tolist() == [1.0, 0.5, 0.0]
    assert block.series("bgp.hegemony.AS9")[:3].tolist() == [0.0, 0.5, 0.0]
    assert np.isnan(block.values[:, 3]).all()
    assert block.coverage.tolist() == [[1, 1, 1, 0]] * 2
    assert all(spec.role == "none" and not spec.less_is_loss for spec in block.specs)
    assert hegemony_series(0, 300, [None, {}]).values.shape == (0, 2)


def test_a_national_outage_hunts_through_its_ways_and_comes_partly_home(shared_data):
    """Djibouti, 19 February 2008: AS5511 lost, back through AS8961 behind AS8966, and partly home from 16:56."""
    from duskwatch.analysis.transit import transit_over
    from duskwatch.records.entity import parse_entity
    from duskwatch.records.times import parse_time

    geo = shared_data / "reference/delegated-2016/delegated-afrinic-extended-latest"
    window = parse_time("2008-02-19T12:00Z"), parse_time("2008-02-19T17:30Z")
    found = transit_over(parse_entity("DJ"), *window, [shared_data / "mrt/route-views2-2008-02-19"], geo=[geo])
    told = [
        (iso(one.first_us)[11:19], iso(one.last_us)[11:19], one.before, one.after, len(one.units))
        for one in found.changes
        if not one.by_voters
    ]
    assert told == [
        ("13:07:03", "13:07:03", 5511, 0, 3),
        ("13:07:05", "13:07:05", 0, 5511, 3),
        ("13:07:10", "13:07:13", 5511, 0, 14),
        ("13:42:14", "13:42:14", 8961, 0, 1),
        ("13:50:32", "13:50:32", 0, 8961, 14),
        ("14:13:17", "14:13:17", 0, 8961, 1),
    ]
    last = max(one.last_us for loss in found.losses if loss.change.before == 5511 for one in loss.let_go)
    assert iso(last)[11:19] == "13:12:46"
    home = [one for one in found.shares if one.outside == 5511 and one.up]
    assert [iso(one.since_us)[11:16] for one in home] == ["16:54"]
    assert iso(home[0].time_us)[11:16] == "16:57"
    assert found.learned
