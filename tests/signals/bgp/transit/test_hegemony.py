"""AS hegemony, against dictionaries from the text of `bgpdump -m` and against examples worked out by hand."""

import random
import shutil
import subprocess
from dataclasses import replace
from ipaddress import ip_address

import numpy as np
import pytest

from duskwatch.analysis.replay import Reading, Window, replay_archives
from duskwatch.analysis.whole_tables import watch_all
from duskwatch.records.prefix import prefix_texts
from duskwatch.records.times import parse_time
from duskwatch.signals.bgp.tables import RoutesAt, routes_at
from duskwatch.signals.bgp.transit.hegemony import Scores, score_origins, score_whole, weigh_country
from tests.signals.bgp.transit import slow_hegemony as slow
from tests.signals.bgp.transit.random_tables import random_table
from tests.signals.bgp.transit.tables import routes_of


def compared(scores: Scores, expected: tuple) -> None:
    """Every number of some scores is that of the dictionaries."""
    values, reach = expected
    assert sorted(values) == scores.scopes.tolist()
    peers = dict(zip(scores.scopes.tolist(), scores.peers.tolist(), strict=True))
    assert peers == {scope: many for scope, (many, _) in reach.items()}
    assert scores.reached.tolist() == pytest.approx([reach[scope][1] for scope in scores.scopes.tolist()])
    rows = zip(scores.scope.tolist(), scores.asn.tolist(), scores.value.tolist(), strict=True)
    found = {(scope, asn): value for scope, asn, value in rows}
    wanted = {(scope, asn): min(1.0, value) for scope, own in values.items() for asn, value in own.items()}
    assert found == pytest.approx(wanted, abs=1e-12)


def prefixes_of(routes: RoutesAt) -> list[str]:
    return list(prefix_texts(routes.afi, routes.hi, routes.lo, routes.length))


@pytest.mark.parametrize("seed", range(30))
def test_scores_of_random_tables_are_those_of_dictionaries(seed):
    chance = random.Random(seed)
    table, voters = random_table(chance)
    routes = routes_of(table, voters)
    some = [prefix for prefix in prefixes_of(routes) if chance.random() < 0.5]
    counted = np.isin(prefixes_of(routes), some)
    for family in (4, 6):
        for sparse in (False, True):
            expected = slow.hegemony(table, voters, family, None, sparse)
            compared(score_origins(routes, address_family=family, sparse=sparse), expected)
            expected = slow.hegemony(table, voters, family, None, sparse, whole=True)
            compared(score_whole(routes, address_family=family, sparse=sparse), expected)
        expected = slow.hegemony(table, voters, family, some)
        compared(score_origins(routes, address_family=family, counted=counted), expected)
        wanted = [asn for asn in expected[0] if chance.random() < 0.5]
        narrow = tuple({scope: own[scope] for scope in wanted} for own in expected)
        compared(score_origins(routes, wanted, address_family=family, counted=counted), narrow)


def test_the_published_examples_come_out_as_they_are_published():
    """X has a /23 of which Y announces half; A reaches X through B, and through C (docs/AS_HEGEMONY.md there)."""
    session = "192.0.2.1", 65001
    table = {
        (session, "10.0.0.0/23"): (65001, 2, 9),
        (session, "10.0.1.0/24"): (65001, 3, 8),
        (session, "10.0.2.0/24"): (65001, 3, 9),
    }
    scores = score_origins(routes_of(table, [session]))
    assert scores.of(9) == {9: 1.0, 65001: 1.0, 2: 0.5, 3: 0.5}
    assert scores.of(8) == {3: 1.0, 8: 1.0, 65001: 1.0}
    assert scores.reached.tolist() == [256, 512]


def test_sessions_of_one_peer_are_averaged_and_a_tenth_is_left_out_at_both_ends():
    voters = [(f"192.0.2.{n}", 65000 + n) for n in range(10)] + [("192.0.2.99", 65009)]
    table = {(session, "10.0.0.0/24"): (session[1], 2 if session[1] < 65006 else 3, 9) for session in voters}
    table[("192.0.2.99", 65009), "10.0.0.0/24"] = (65009, 2, 9)
    found = score_origins(routes_of(table, voters)).of(9)
    # Ten peer ASes: 2 has six times 1 and once a half, 3 three times 1 and once a half; one value goes at each end.
    assert found == pytest.approx({9: 1.0, 2: (5 + 0.5) / 8, 3: (2 + 0.5) / 8})
    # Each peer AS is on its own paths alone: the one value is left out.
    assert not set(found) & {65000 + n for n in range(10)}


def test_who_has_no_route_depends_on_nobody_unless_silence_means_nothing():
    voters = [("192.0.2.1", 65001), ("192.0.2.2", 65002)]
    table = {(voters[0], "10.0.0.0/24"): (65001, 2, 9)}
    routes = routes_of(table, voters)
    assert score_origins(routes).of(9) == {2: 0.5, 9: 0.5, 65001: 0.5}
    assert score_origins(routes, sparse=True).of(9) == {2: 1.0, 9: 1.0, 65001: 1.0}
    assert score_origins(replace(routes, voting=np.zeros((2, 2), np.bool_))).scopes.tolist() == []


def test_a_country_is_the_weighted_mean_of_its_networks():
    scores = score_origins(routes_of(COUNTRY, [PEER]))
    assert weigh_country(scores, {8: 1, 9: 3}) == pytest.approx({65001: 1.0, 9: 0.75, 2: 0.75, 3: 0.25, 8: 0.25})
    assert weigh_country(scores, {8: 1, 9: 3, 77: 5}) == weigh_country(scores, {8: 1, 9: 3})
    assert weigh_country(scores, {8: 1, 9: 3}, transit_only=True) == pytest.approx({65001: 1.0, 2: 0.75, 3: 0.25})
    assert weigh_country(scores, {}) == {}
    with pytest.raises(ValueError, match="0 and above"):
        weigh_country(scores, {9: -1.0})


PEER = "192.0.2.1", 65001
COUNTRY = {(PEER, "10.0.0.0/24"): (65001, 2, 9), (PEER, "10.0.1.0/24"): (65001, 3, 8)}


@pytest.mark.parametrize(
    ("name", "time", "family"),
    [
        ("truncated/rib.20140523.0600_firstMB.bz2", "2014-05-23T06:00Z", 4),
        ("route-views6-2015/rib.bz2", "2015-09-22T12:00Z", 6),
        ("bgpdump/test_data/bview.20020722.2337.gz", "2002-07-22T23:37Z", 4),
    ],
)
def test_every_number_of_real_tables_is_that_of_the_text_of_bgpdump(shared_data, name, time, family):
    if not shutil.which("bgpdump"):
        pytest.skip("bgpdump is not installed (make test-system)")
    file = shared_data / "mrt" / name
    start = parse_time(time)
    run = replay_archives(Window(start, start + 1_000_000_000), [file], watch=watch_all, reading=Reading(1))
    routes = routes_at(run.parts, start + 999_000_000)
    routes = replace(routes, voting=np.ones_like(routes.voting))  # all of them, whatever they hold
    text = subprocess.run(["bgpdump", "-m", str(file)], capture_output=True, check=False).stdout
    table = slow.table_of(text.decode("latin-1").splitlines())
    voters = {session for session, _ in table}
    assert len(table) > 20_000
    assert len(voters) > 10
    peers = [
        (str(ip_address(name.rsplit(" ", 1)[1])), int(asn))
        for name, asn in zip(routes.sessions, routes.asn, strict=True)
    ]
    assert voters <= set(peers)
    routes.voting[[k for k, peer in enumerate(peers) if peer not in voters]] = False
    compared(score_origins(routes, address_family=family), slow.hegemony(table, voters, family))
    compared(score_whole(routes, address_family=family), slow.hegemony(table, voters, family, whole=True))
