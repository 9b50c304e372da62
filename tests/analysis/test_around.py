"""Through whom what an outage took was reached: in the report on a made country, and on a real one that hunted."""

from dataclasses import replace

import pytest

from duskwatch.analysis.beside import with_signals
from duskwatch.analysis.entity import analyze
from duskwatch.publication.finding import finding
from duskwatch.publication.html import to_html
from duskwatch.records.entity import parse_entity
from duskwatch.records.times import iso, parse_time
from tests import small_archive


@pytest.fixture(scope="module")
def djibouti(shared_data):
    geo = shared_data / "reference/delegated-2016/delegated-afrinic-extended-latest"
    window = parse_time("2008-02-19T12:00Z"), parse_time("2008-02-19T17:30Z")
    return analyze(parse_entity("DJ"), *window, [shared_data / "mrt/route-views2-2008-02-19"], geo=[geo])


def test_the_hunt_of_djibouti_stands_in_the_lead_in_order_with_times(djibouti):
    lead = finding(djibouti).lead
    told = (
        "14 of 15 networks were lost through AS5511 between 13:07:10 and 13:07:13 UTC",
        "one through AS8961 behind AS8966 at 13:42:14 UTC.",
        "14 came back through AS8961 behind AS8966 at 13:50:32 UTC",
        "one at 14:13:17 UTC.",
        "From 16:54:16 UTC on routes went home to AS5511: 26 % of all by 16:57:01 UTC.",
    )
    at = [lead.index(text) for text in told]
    assert at == sorted(at)


def test_what_djibouti_hung_on_and_who_let_go_first(djibouti):
    (around,) = djibouti.around
    assert [(one.asn, round(one.share, 3)) for one in around.failures[:1]] == [(5511, 0.933)]
    assert around.entries_before[0].outside == 5511
    assert [one.outside for one in around.entries_after] == [8961]
    assert (around.withdrawals[0].session, iso(around.withdrawals[0].first_us)) == (
        "route-views2 AS3549 208.51.134.246",
        "2008-02-19T13:06:47Z",
    )
    facts = djibouti.explanation.facts
    assert facts.number("path.upstream_changed") == 1.0
    (change,) = (one for one in djibouti.explanation.weighed("cable").evidence if one.feature == "upstream-change")
    assert (change.state, change.facts) == ("changed", ("path.upstream_changed",))


def test_signals_of_others_that_move_an_outage_keep_what_paths_told_of_it(djibouti):
    assert with_signals(djibouti, []).around == djibouti.around


class Inside(small_archive.Archive):
    """One peer of each collector is the country's own network."""

    def peer(self, peer):
        told = super().peer(peer)
        return told if peer[1] else replace(told, asn=131279)

    def path(self, peer, origin, variant=0):
        return (131279,) if not peer[1] and origin == 131279 else super().path(peer, origin, variant)


def test_a_peer_that_is_the_countrys_own_network_sees_nothing_enter(tmp_path):
    made = Inside({"rrc91": 4, "rrc92": 2}, hours=1)
    made.talk()
    made.lose(made.peers(), 20, 40)
    report = small_archive.analyze(made, tmp_path)
    (around,) = report.around
    assert [(one.outside, one.share) for one in around.entries_before] == [(4837, 1.0)]
    assert all(turn.before or turn.after for turn in around.turns)
    (upstream, *_) = (one for one in around.failures if one.asn == 4837)
    assert (upstream.share, upstream.only) == (1.0, 0.0)  # its own route needs nobody
    assert "1970" not in to_html(report)
