"""Incidents from what a store holds: whose part each entity is, and how large a part it was before."""

from dataclasses import replace

import pytest

from duskwatch.drivers.backfill.plan import Plan, plan_parts
from duskwatch.drivers.backfill.run import run
from duskwatch.sources.bgp.archives.find import find_files
from duskwatch.store import Store
from duskwatch.store.incidents import stored_incidents
from tests.analysis.test_networks import SECOND_AS, TwoNetworks
from tests.small_archive import OWN, Archive, at, delegations

PEERS = {"rrc00": 3, "rrc01": 3}


def told(archive: Archive, folder, **plan):
    """The incidents of a backfill of the archive."""
    archive.talk()
    mrt, geo = archive.write(folder / "mrt"), delegations(folder)
    made = replace(Plan(str(folder / "store"), folder / "work", geo=(geo,)), **plan)
    run(plan_parts(find_files([mrt])[0], at(0), at(60 * archive.hours)), made)
    return stored_incidents(Store.open(folder / "store").events())


def shares(incident):
    return {member["entity"]: member["share"] for member in incident.document["members"]}


def test_the_network_that_was_lost_is_told_from_the_one_that_stayed(tmp_path):
    archive = TwoNetworks(PEERS)
    archive.lose(archive.peers(), 90, 150, prefixes=OWN[:3])
    (one,) = told(archive, tmp_path)
    assert shares(one) == {"KP": 1, "AS131279": 0.75}
    assert [m["entity"] for m in one.document["explained_by"]] == ["AS131279"]
    assert one.document["lost"] == 0.75
    assert one.document["explained"] == pytest.approx(1)
    assert "75 % lost; AS131279, which is 75 % of KP, explains it" in one.title


def test_shares_are_those_before_the_first_of_them_fell(tmp_path):
    archive = TwoNetworks(PEERS)
    archive.lose(archive.peers(), 90, 180, prefixes=OWN[:3])
    archive.lose(archive.peers(), 110, 170, prefixes=OWN[3:])
    (one,) = told(archive, tmp_path)
    assert shares(one) == {"KP": 1, "AS131279": 0.75, f"AS{SECOND_AS}": 0.25}


def test_a_prefix_is_part_of_the_network_that_originates_it_though_that_stood(tmp_path):
    """One of the three prefixes of a network is lost while another network is: too briefly for the network itself."""
    archive = TwoNetworks(PEERS)
    archive.lose(archive.peers(), 90, 130, prefixes=OWN[3:])
    archive.lose(archive.peers(), 95, 101, prefixes=OWN[:1])
    (one,) = told(archive, tmp_path, prefixes=(str(OWN[0]),))
    assert one.entity.code == "KP"
    assert shares(one) == {"KP": 1, f"AS{SECOND_AS}": 0.25, "175.45.176.0/24": pytest.approx(0.25)}
    assert all(uid.startswith(("KP-", f"AS{SECOND_AS}-", "175.45.176.0_24-")) for uid in one.outages)


def test_a_lone_network_that_falls_is_an_outage_and_no_incident(tmp_path):
    archive = TwoNetworks(PEERS)
    archive.lose(archive.peers(), 90, 96, prefixes=OWN[3:])
    assert told(archive, tmp_path) == []
    (only,) = Store.open(tmp_path / "store").outages()
    assert only.entity.code == f"AS{SECOND_AS}"


def test_where_networks_are_not_stored_nothing_is_said_of_them(tmp_path):
    archive = TwoNetworks(PEERS)
    archive.lose(archive.peers(), 90, 150, prefixes=OWN[:3])
    (one,) = told(archive, tmp_path, kinds=("country",))
    assert one.title.endswith("75 % lost")
    assert shares(one) == {"KP": 1}


def test_without_delegations_a_prefix_still_belongs_to_its_network(tmp_path):
    archive = TwoNetworks(PEERS)
    archive.lose(archive.peers(), 90, 150, prefixes=OWN[:3])
    (one,) = told(archive, tmp_path, kinds=("asn",), geo=(), prefixes=("175.45.176.0/23",))
    assert one.entity.code == "AS131279"
    assert shares(one) == {"AS131279": 1, "175.45.176.0/23": pytest.approx(2 / 3)}
    assert one.document["explained_by"] == []
