"""Whom entities depend on, from files: what a table dump alone may say, and a country against dictionaries of text."""

import shutil

import pytest

from duskwatch.analysis.transit import Weighing, transit_at, transit_of_table, transit_over
from duskwatch.records.entity import parse_entity
from duskwatch.signals.bgp.transit.hegemony import WHOLE
from tests.signals.bgp.test_tables import lines_of
from tests.signals.bgp.transit import slow_hegemony as slow
from tests.signals.bgp.transit.test_course import said
from tests.small_archive import OTHERS, OWN, START, START_US, Archive, at, delegations

KP, JP = parse_entity("KP"), parse_entity("JP")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Seven peers of two collectors; AS64801 and AS64802 announce parts of Japan, the first inside another's prefix."""
    made = Archive({"rrc91": 4, "route-views.a": 3}, hours=1)
    made.talk()
    for k, peer in enumerate(made.peers()):
        said(made, peer, 5, (64600, 64701 if k % 2 else 64702, 64801), OTHERS[40:44])
        said(made, peer, 6, (64600, 64701, 64802), OTHERS[50:52])
        if k < 5:
            said(made, peer, 40, None, OWN)
    folder = tmp_path_factory.mktemp("transit")
    return made.write(folder / "mrt"), delegations(folder / "geo")


def test_a_country_is_as_dictionaries_of_the_text_have_it(place):
    mrt, geo = place
    table = slow.table_of(lines_of(mrt), START + 1800)
    voters = {session for session, _ in table}
    japan = {prefix for _, prefix in table if prefix.startswith("10.")}
    values, reach = slow.hegemony(table, voters, counted=japan)
    weights = {origin: reached / 256 for origin, (_, reached) in reach.items()}
    expected: dict[int, float] = {}
    for origin, own in values.items():
        for asn, value in own.items():
            expected[asn] = expected.get(asn, 0.0) + weights[origin] * value / sum(weights.values())
    found = transit_at(JP, at(30), [mrt], geo=[geo]).before
    assert found.weights == pytest.approx(weights)
    assert dict(found.hegemony) == pytest.approx(expected)
    assert (found.peers, found.reaching, found.visible) == (7, 7, 60)
    users = {64800: 10.0, 64801: 30.0}
    by_users = transit_at(JP, at(30), [mrt], geo=[geo], how=Weighing(users=users)).before
    assert by_users.hegemony[64801] == pytest.approx(0.75)
    assert 64802 not in by_users.hegemony
    assert (
        64801
        not in transit_at(JP, at(30), [mrt], geo=[geo], how=Weighing(users=users, transit_only=True)).before.hegemony
    )


def test_a_dump_alone_speaks_for_its_minutes_and_no_longer(place, tmp_path):
    mrt, geo = place
    for dump in mrt.rglob("bview*"):
        (tmp_path / dump.parent.parent.name).mkdir()
        shutil.copy(dump, tmp_path / dump.parent.parent.name)
    whole, alone = (transit_at(KP, START_US, [files], geo=[geo]).before for files in (mrt, tmp_path))
    for name in ("hegemony", "links", "reliance", "visible", "peers", "reaching"):
        assert getattr(alone, name) == getattr(whole, name), name
    assert alone.hegemony[4837] == 1
    scores, _ = transit_of_table(START_US, [tmp_path], each=False)
    assert scores.scopes.tolist() == [WHOLE]
    late = transit_at(KP, at(20), [tmp_path], geo=[geo]).before
    assert (late.peers, late.hegemony, late.reliance, late.links) == (0, {}, (), ())


def test_a_window_looks_before_the_worst_outage_and_at_its_end(place):
    mrt, geo = place
    found = transit_over(KP, START_US, at(60), [mrt], geo=[geo], others=True)
    assert len(found.outages) == 1
    assert found.before.time_us == found.outages[0].onset.earliest_us - 1_000_000
    assert found.before.visible == 4
    assert found.after is not None
    assert (found.after.time_us, found.after.visible, found.after.reliance) == (at(60), 0, ())
    assert found.worst is not None
    assert (found.worst.change.before, found.worst.back_us, len(found.worst.let_go)) == (4837, None, 5)
    assert found.slash24_of(found.worst.change) == 4
    assert found.when(found.worst.change.first_us) == "during outage 1"
    assert found.when(START_US) == "before outage 1"
    assert (found.others_behind, found.others) == (4837, ())


def test_a_network_in_whole_tables_and_as_a_country_are_the_same(place):
    mrt, geo = place
    network = transit_at(parse_entity("AS131279"), at(30), [mrt]).before
    country = transit_at(KP, at(30), [mrt], geo=[geo]).before
    assert network.hegemony == country.hegemony
    assert network.links == country.links
    assert network.reliance == country.reliance
    wider = transit_at(parse_entity("175.45.176.0/25"), at(30), [mrt]).before
    assert wider.hegemony == network.hegemony  # nothing inside of it: the narrowest that holds it
